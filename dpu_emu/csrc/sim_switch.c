/* Switches: from a direction, through the routes, into the traffic manager, and out of it. */
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

int emu_switch_build(struct emu_sim *sim, struct emu_switch *sw)
{
	const struct emu_switch_cfg *cfg = &sim->switch_cfgs[sw->cfg];
	struct dp_tm_cfg tm = cfg->tm;
	char error[200];

	sw->nports = sim->nodes[sw->node].nports;
	if (!sw->nports)
		return emu_fail(sim, -EINVAL, "switch %u: has no link", sw->node);
	tm.nports = sw->nports;
	tm.seed = sim->seed * 0x9e3779b97f4a7c15ull + 5 * (uint64_t)sw->node + 2;
	sw->tm = dp_tm_new(&tm, error, sizeof(error));
	if (!sw->tm)
		return errno == ENOMEM ? emu_fail(sim, -ENOMEM, "switch %u: no memory", sw->node)
				       : emu_fail(sim, -EINVAL, "switch %u: %s", sw->node, error);
	sw->out = sim->ports + sim->nodes[sw->node].port0;
	sw->seed = (uint32_t)(cfg->ecmp_seed ^ cfg->ecmp_seed >> 32);
	sw->spray = cfg->balance == EMU_BALANCE_SPRAY;
	sw->timer_ps = DP_NEVER;
	dp_rng_seed(&sw->rng, sim->seed * 0x9e3779b97f4a7c15ull + 7 * (uint64_t)sw->node + 3);
	return 0;
}

static inline void tell(struct emu_sim *sim, struct emu_switch *sw)
{
	uint32_t port;
	uint8_t mask;

	while (dp_unlikely(dp_tm_next_pfc(sw->tm, &port, &mask)))
		emu_pfc_ask(sim, sw->out[port] ^ 1, mask);
}

static void drop(struct emu_sim *sim, uint32_t p)
{
	sim->stats.drops++;
	emu_hash(sim, sim->now_ps ^ (uint64_t)emu_pkt(sim, p)->psn << 32);
	emu_pkt_put(sim, p);
}

/* What a packet that is about to arrive, or to leave, will need: its own line is there already. */
void emu_switch_prefetch(struct emu_sim *sim, const struct emu_dir *dir, bool arriving)
{
	const struct emu_switch *sw;
	const struct emu_pkt *pkt;
	uint32_t port;

	if (!arriving) {
		dp_tm_prefetch_out(sim->switches[dir->from_index].tm, dir->out_port);
		return;
	}
	sw = &sim->switches[dir->to_index];
	pkt = emu_pkt(sim, dir->flight.head);
	port = emu_route_ahead(sim, sw, pkt);
	if (port == EMU_NONE)
		return;
	__builtin_prefetch(&sim->dirs[sw->out[port]]);
	__builtin_prefetch(&sim->dirs[sw->out[port]].stats);
	dp_tm_prefetch(sw->tm, dir->in_port, port, pkt->prio);
}

void emu_switch_arrive(struct emu_sim *sim, struct emu_switch *sw, struct emu_dir *in, uint32_t p)
{
	struct emu_pkt *pkt = emu_pkt(sim, p);
	uint32_t port = emu_route(sim, sw, pkt);
	struct dp_tm_pkt entry;
	struct emu_dir *out;

	if (dp_unlikely(port == EMU_NONE)) {
		sim->unroutable++;
		drop(sim, p);
		return;
	}
	entry = (struct dp_tm_pkt){
		.len = emu_pkt_l3_bytes(pkt) + EMU_ETH_BYTES,
		.handle = p,
		.in_port = in->in_port,
		.out_port = (uint16_t)port,
		.prio = pkt->prio,
		.tenant = (uint8_t)emu_pkt_kind(pkt),
		.ect = pkt->ecn == 1 || pkt->ecn == 2,
	};
	if (dp_unlikely(dp_tm_enqueue(sw->tm, &entry, sim->now_ps) != DP_TM_QUEUED)) {
		drop(sim, p);
		tell(sim, sw);
		return;
	}
	out = &sim->dirs[sw->out[port]];
	out->queued++;
	out->queued_bytes += entry.len;
	if (out->queued_bytes > out->stats.peak_queue_bytes)
		out->stats.peak_queue_bytes = out->queued_bytes;
	tell(sim, sw);
	if (out->busy_ps <= sim->now_ps)
		emu_switch_free(sim, out);
	else
		emu_dir_wait(sim, out);
}

/* The wire of an output is free, or was when this was asked for. */
void emu_switch_free(struct emu_sim *sim, struct emu_dir *out)
{
	struct emu_switch *sw = &sim->switches[out->from_index];
	struct dp_tm_pkt entry;
	uint32_t d;

	if (!out->queued)
		return;
	if (out->busy_ps > sim->now_ps) {
		emu_dir_wait(sim, out);
		return;
	}
	if (!dp_tm_dequeue(sw->tm, out->out_port, &entry, sim->now_ps)) /* all that is there is paused */
		return;
	d = (uint32_t)(out - sim->dirs);
	out->queued--;
	out->queued_bytes -= entry.len;
	if (dp_unlikely(entry.ce)) {
		emu_pkt(sim, entry.handle)->ecn = 3;
		sim->stats.marked++;
	}
	emu_dir_send(sim, d, entry.handle, entry.len - EMU_ETH_BYTES, (enum emu_pkt_kind)entry.tenant);
	tell(sim, sw);
	if (out->queued)
		emu_dir_wait(sim, out);
}

/* After anything that may have let ports go on, or thrown packets out. */
void emu_switch_settle(struct emu_sim *sim, struct emu_switch *sw)
{
	struct dp_tm_pkt entry;
	uint32_t port;

	while (dp_tm_next_dropped(sw->tm, &entry)) {
		struct emu_dir *out = &sim->dirs[sw->out[entry.out_port]];

		out->queued--;
		out->queued_bytes -= entry.len;
		drop(sim, entry.handle);
	}
	while (dp_tm_next_ready(sw->tm, &port))
		emu_switch_free(sim, &sim->dirs[sw->out[port]]);
	tell(sim, sw);
	emu_switch_timer(sim, sw);
}

void emu_switch_tick(struct emu_sim *sim, struct emu_switch *sw)
{
	if (sw->timer_ps > sim->now_ps) /* an earlier one took its place */
		return;
	sw->timer_ps = DP_NEVER;
	dp_tm_tick(sw->tm, sim->now_ps);
	emu_switch_settle(sim, sw);
}

void emu_switch_timer(struct emu_sim *sim, struct emu_switch *sw)
{
	uint64_t next_ps = dp_tm_next_ps(sw->tm);

	if (next_ps >= sw->timer_ps)
		return;
	sw->timer_ps = DP_MAX(next_ps, sim->now_ps);
	emu_once(sim, EMU_EV_TM, sw->node, 0, sw->timer_ps);
}
