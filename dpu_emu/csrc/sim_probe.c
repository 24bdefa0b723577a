/* Samples of queues, links, flows and buffers at equal intervals. */
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

static int check(struct emu_sim *sim, const struct emu_probe *p, uint32_t i)
{
	uint32_t ndirs = sim->ndirs;

	if (p->kind > EMU_PROBE_BUFFER)
		return emu_fail(sim, -EINVAL, "probe %u: kind %u is unknown", i, p->kind);
	if (!p->interval_ps)
		return emu_fail(sim, -EINVAL, "probe %u: interval 0", i);
	if (p->kind <= EMU_PROBE_TX && p->id >= ndirs)
		return emu_fail(sim, -EINVAL, "probe %u: direction %u, there are %u", i, p->id, ndirs);
	if (p->kind == EMU_PROBE_QUEUE && sim->nodes[sim->dirs[p->id].from].is_host)
		return emu_fail(sim, -EINVAL, "probe %u: direction %u comes from a host, which has no queue", i, p->id);
	if (p->kind == EMU_PROBE_QUEUE && p->prio > 7)
		return emu_fail(sim, -EINVAL, "probe %u: prio %u exceeds 7", i, p->prio);
	if ((p->kind == EMU_PROBE_FLOW || p->kind == EMU_PROBE_RATE) && p->id >= sim->nflows)
		return emu_fail(sim, -EINVAL, "probe %u: flow %u, there are %u", i, p->id, sim->nflows);
	if (p->kind == EMU_PROBE_BUFFER && (p->id >= sim->nnodes || sim->nodes[p->id].is_host))
		return emu_fail(sim, -EINVAL, "probe %u: node %u is not a switch", i, p->id);
	return 0;
}

int emu_sim_probes(struct emu_sim *sim, const struct emu_probe *v, uint32_t n)
{
	if (!sim->routed)
		return emu_fail(sim, -EINVAL, "probes: after route()");
	for (uint32_t i = 0; i < n; i++) {
		int err = check(sim, &v[i], sim->nprobes + i);

		if (err)
			return err;
	}
	if (!EMU_ROOM(sim, probes, nprobes, n, probes_room))
		return emu_fail(sim, -ENOMEM, "probes: no memory for %u", n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t event = emu_events_add(&sim->events, EMU_EV_PROBE, sim->nprobes, 0);

		if (event == EMU_EVENT_NONE)
			return emu_fail(sim, -ENOMEM, "probes: no memory for %u", n);
		sim->probes[sim->nprobes++] = (struct emu_probe_state){.cfg = v[i], .event = event};
		sim->background++;
		emu_events_arm(&sim->events, event, DP_MAX(v[i].from_ps, sim->now_ps));
	}
	return 0;
}

static uint64_t value_of(const struct emu_sim *sim, struct emu_probe_state *p)
{
	const struct emu_dir *dir = &sim->dirs[p->cfg.id];
	uint64_t value = 0;

	switch ((enum emu_probe_kind)p->cfg.kind) {
	case EMU_PROBE_QUEUE:
		return dp_tm_queue_bytes(sim->switches[sim->nodes[dir->from].index].tm, dir->out_port, p->cfg.prio);
	case EMU_PROBE_TX:
		value = dir->stats.bytes - p->last;
		p->last = dir->stats.bytes;
		return value;
	case EMU_PROBE_FLOW:
		return emu_flow_acked(sim, p->cfg.id);
	case EMU_PROBE_RATE:
		return emu_flow_rate(sim, p->cfg.id);
	case EMU_PROBE_BUFFER:
		return dp_tm_stats(sim->switches[sim->nodes[p->cfg.id].index].tm)->used_bytes;
	}
	return value;
}

void emu_probe_sample(struct emu_sim *sim, uint32_t i)
{
	struct emu_probe_state *p = &sim->probes[i];

	if (!emu_room((void **)&p->v, p->n, 1, &p->room, sizeof(*p->v))) {
		emu_broken(sim);
		return;
	}
	p->v[p->n++] = (struct emu_sample){.at_ps = sim->now_ps, .value = value_of(sim, p)};
	emu_events_arm(&sim->events, p->event, dp_add_ps(sim->now_ps, p->cfg.interval_ps));
}

int64_t emu_sim_samples(const struct emu_sim *sim, uint32_t probe, struct emu_sample *v, uint64_t n)
{
	const struct emu_probe_state *p = &sim->probes[probe];

	if (probe >= sim->nprobes)
		return -EINVAL;
	if (!n)
		return p->n;
	n = DP_MIN(n, (uint64_t)p->n);
	memcpy(v, p->v, n * sizeof(*v));
	return (int64_t)n;
}
