/* Small fabrics for tests of the simulator. */
#ifndef DPU_TESTS_SIM_UTIL_H
#define DPU_TESTS_SIM_UTIL_H

#include <stdlib.h>

#include "dpu_emu/csrc/sim.h"
#include "tests/c/check.h"

#define GBPS 1000000000ull
#define DATA 3
#define CNP  6

/* Bytes of packets on the wire: Ethernet's 38, IP and UDP 28, BTH 12, RETH 16 in the first one, ICRC 4. */
#define WIRE_HDR  82
#define WIRE_RETH 16

static inline struct emu_host_cfg sim_host(void)
{
	return (struct emu_host_cfg){
		.mtu_bytes = 4096, .timeout = 14, .retry_cnt = 7, .data_prio = DATA, .ack_prio = DATA, .cnp_prio = CNP};
}

/* Lossless with a static threshold, on every priority but that of CNPs. */
static inline struct emu_switch_cfg sim_switch(uint64_t xoff_bytes)
{
	struct emu_switch_cfg cfg = {.tm = {.cell_bytes = 1, .quantum_bytes = 4200, .buffer_bytes = 64 << 20}};

	cfg.tm.cls[DATA] = (struct dp_tm_class){.lossless = 1,
						.weight = 1,
						.headroom_bytes = 200000,
						.xon_offset_bytes = 4200,
						.xoff_bytes = xoff_bytes};
	cfg.tm.cls[CNP] = (struct dp_tm_class){.strict = 1, .weight = 1, .xoff_bytes = 1 << 20};
	return cfg;
}

static inline struct emu_link_cfg sim_link(uint32_t a, uint32_t b, uint64_t rate_bps)
{
	return (struct emu_link_cfg){.a = a, .b = b, .rate_bps = rate_bps, .delay_ps = DP_US, .overhead_bytes = 38};
}

static inline void sim_add_links(struct emu_sim *sim, const struct emu_link_cfg *links, uint32_t n)
{
	CHECK_EQ(emu_sim_links(sim, links, n), 0);
	CHECK_EQ(emu_sim_route(sim), 0);
	CHECK_STR(emu_sim_error(sim), "");
}

static inline uint32_t sim_flow(struct emu_sim *sim, uint32_t src, uint32_t dst, uint64_t bytes, uint64_t start_ps)
{
	struct emu_flow flow = {.src = src, .dst = dst, .bytes = bytes, .start_ps = start_ps, .qps = 1, .prio = 255};
	struct emu_sim_stats stats;

	emu_sim_stats(sim, &stats);
	CHECK_EQ(emu_sim_flows(sim, &flow, 1), 0);
	return (uint32_t)stats.flows;
}

static inline struct emu_flow_result sim_result(const struct emu_sim *sim, uint32_t flow)
{
	struct emu_flow_result *all = calloc(flow + 1, sizeof(*all)), result;

	CHECK_EQ(emu_sim_flow_results(sim, all, flow + 1), flow + 1);
	result = all[flow];
	free(all);
	return result;
}

static inline struct emu_link_stats sim_dir(const struct emu_sim *sim, uint32_t dir)
{
	struct emu_link_stats *all = calloc(dir + 1, sizeof(*all)), stats;

	CHECK_EQ(emu_sim_link_stats(sim, all, dir + 1), dir + 1);
	stats = all[dir];
	free(all);
	return stats;
}

static inline struct emu_sim_stats sim_stats(const struct emu_sim *sim)
{
	struct emu_sim_stats stats;

	emu_sim_stats(sim, &stats);
	return stats;
}

/* Bytes of a message of a flow on the wire, all packets. */
static inline uint64_t sim_wire_bytes(uint64_t bytes, uint32_t mtu)
{
	return (bytes + mtu - 1) / mtu * WIRE_HDR + WIRE_RETH + ((bytes + 3) & ~3ull);
}

#endif
