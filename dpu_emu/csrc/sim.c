/* The simulation as an object. */
#include "dpu_emu/csrc/sim.h"

#include <stdlib.h>

struct emu_sim {
	uint64_t seed;
	char error[256];
};

struct emu_sim *emu_sim_new(uint64_t seed)
{
	struct emu_sim *sim = calloc(1, sizeof(*sim));

	if (sim)
		sim->seed = seed;
	return sim;
}

void emu_sim_free(struct emu_sim *sim)
{
	free(sim);
}

const char *emu_sim_error(const struct emu_sim *sim)
{
	return sim->error;
}

int64_t emu_sim_host(struct emu_sim *sim, const struct emu_host_cfg *cfg)
{
	(void)sim;
	(void)cfg;
	return -ENOSYS;
}

int64_t emu_sim_switch(struct emu_sim *sim, const struct emu_switch_cfg *cfg)
{
	(void)sim;
	(void)cfg;
	return -ENOSYS;
}

int emu_sim_links(struct emu_sim *sim, const struct emu_link_cfg *v, uint32_t n)
{
	(void)sim;
	(void)v;
	(void)n;
	return -ENOSYS;
}

int emu_sim_route(struct emu_sim *sim)
{
	(void)sim;
	return -ENOSYS;
}

int emu_sim_route_set(struct emu_sim *sim, uint32_t node, uint32_t dst, const uint16_t *ports, uint32_t n)
{
	(void)sim;
	(void)node;
	(void)dst;
	(void)ports;
	(void)n;
	return -ENOSYS;
}

int emu_sim_flows(struct emu_sim *sim, const struct emu_flow *v, uint32_t n)
{
	(void)sim;
	(void)v;
	(void)n;
	return -ENOSYS;
}

int emu_sim_after(struct emu_sim *sim, const struct emu_after *v, uint32_t n)
{
	(void)sim;
	(void)v;
	(void)n;
	return -ENOSYS;
}

int emu_sim_faults(struct emu_sim *sim, const struct emu_fault *v, uint32_t n)
{
	(void)sim;
	(void)v;
	(void)n;
	return -ENOSYS;
}

int emu_sim_probes(struct emu_sim *sim, const struct emu_probe *v, uint32_t n)
{
	(void)sim;
	(void)v;
	(void)n;
	return -ENOSYS;
}

int emu_sim_capture(struct emu_sim *sim, const char *path, const uint32_t *links, uint32_t n)
{
	(void)sim;
	(void)path;
	(void)links;
	(void)n;
	return -ENOSYS;
}

int emu_sim_trace_pauses(struct emu_sim *sim, uint64_t max)
{
	(void)sim;
	(void)max;
	return -ENOSYS;
}

int64_t emu_sim_run(struct emu_sim *sim, uint64_t until_ps, uint64_t max_events, int until_done)
{
	(void)sim;
	(void)until_ps;
	(void)max_events;
	(void)until_done;
	return -ENOSYS;
}

void emu_sim_stats(const struct emu_sim *sim, struct emu_sim_stats *out)
{
	(void)sim;
	memset(out, 0, sizeof(*out));
}

int64_t emu_sim_flow_results(const struct emu_sim *sim, struct emu_flow_result *v, uint64_t n)
{
	(void)sim;
	(void)v;
	(void)n;
	return -ENOSYS;
}

int64_t emu_sim_link_stats(const struct emu_sim *sim, struct emu_link_stats *v, uint64_t n)
{
	(void)sim;
	(void)v;
	(void)n;
	return -ENOSYS;
}

int64_t emu_sim_pauses(const struct emu_sim *sim, struct emu_pause_event *v, uint64_t n)
{
	(void)sim;
	(void)v;
	(void)n;
	return -ENOSYS;
}

int64_t emu_sim_samples(const struct emu_sim *sim, uint32_t probe, struct emu_sample *v, uint64_t n)
{
	(void)sim;
	(void)probe;
	(void)v;
	(void)n;
	return -ENOSYS;
}

const struct dp_tm_stats *emu_sim_switch_stats(const struct emu_sim *sim, uint32_t node)
{
	(void)sim;
	(void)node;
	return NULL;
}

int64_t emu_sim_deadlock(struct emu_sim *sim, uint32_t *dirs, uint64_t n)
{
	(void)sim;
	(void)dirs;
	(void)n;
	return -ENOSYS;
}
