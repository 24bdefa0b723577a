/* Directions of links: when the wire is free, what is on its way, what is lost; and faults. */
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

static void set_rate(struct emu_dir *dir, uint64_t rate_bps)
{
	dir->rate_bps = rate_bps;
	dir->ps_per_byte = 8 * DP_SEC % rate_bps ? 0 : (uint32_t)DP_MIN(8 * DP_SEC / rate_bps, UINT32_MAX);
	if ((uint64_t)dir->ps_per_byte * rate_bps != 8 * DP_SEC)
		dir->ps_per_byte = 0;
	dir->rem = 0;
}

static int set_loss(struct emu_sim *sim, uint32_t d, uint32_t loss_e9)
{
	struct emu_dir *dir = &sim->dirs[d];

	dir->loss_e9 = loss_e9;
	if (!loss_e9 || dir->rng)
		return 0;
	dir->rng = malloc(sizeof(*dir->rng));
	if (!dir->rng)
		return -ENOMEM;
	dp_rng_seed(dir->rng, sim->seed * 0x9e3779b97f4a7c15ull + 3 * (uint64_t)d + 1);
	return 0;
}

/* What lies behind the wire, at its end: the NIC, or the switch's pipeline. */
static uint64_t inside_ps(const struct emu_sim *sim, const struct emu_dir *dir)
{
	const struct emu_node *node = &sim->nodes[dir->to];

	if (node->is_host)
		return sim->host_cfgs[sim->hosts[node->index].cfg].nic_rx_ns * DP_NS;
	return sim->switch_cfgs[sim->switches[node->index].cfg].pipeline_ns * DP_NS;
}

static int build_dir(struct emu_sim *sim, uint32_t d, uint32_t from, uint32_t to, const struct emu_link_cfg *cfg)
{
	struct emu_dir *dir = &sim->dirs[d];

	sim->ndirs = d + 1;
	*dir = (struct emu_dir){
		.from = from,
		.to = to,
		.from_host = sim->nodes[from].is_host,
		.to_host = sim->nodes[to].is_host,
		.from_index = sim->nodes[from].index,
		.to_index = sim->nodes[to].index,
		.overhead = (uint16_t)cfg->overhead_bytes,
		.prop_ps = cfg->delay_ps,
	};
	dir->delay_ps = cfg->delay_ps + inside_ps(sim, dir);
	set_rate(dir, cfg->rate_bps);
	emu_fifo_init(&dir->flight);
	return set_loss(sim, d, cfg->loss_e9);
}

int emu_links_build(struct emu_sim *sim)
{
	uint32_t port = 0;

	sim->dirs = aligned_alloc(64, (2 * (size_t)sim->nlinks + 1) * sizeof(*sim->dirs));
	sim->ports = malloc((2 * (size_t)sim->nlinks + 1) * sizeof(*sim->ports));
	if (!sim->dirs || !sim->ports)
		return -ENOMEM;
	for (uint32_t i = 0; i < sim->nnodes; i++) {
		sim->nodes[i].port0 = port;
		port += sim->nodes[i].nports;
		sim->nodes[i].nports = 0;
	}
	for (uint32_t i = 0; i < sim->nlinks; i++) {
		const struct emu_link_cfg *cfg = &sim->links[i];
		struct emu_node *a = &sim->nodes[cfg->a], *b = &sim->nodes[cfg->b];

		if (build_dir(sim, 2 * i, cfg->a, cfg->b, cfg) || build_dir(sim, 2 * i + 1, cfg->b, cfg->a, cfg))
			return -ENOMEM;
		sim->dirs[2 * i].out_port = sim->dirs[2 * i + 1].in_port = (uint16_t)a->nports;
		sim->dirs[2 * i + 1].out_port = sim->dirs[2 * i].in_port = (uint16_t)b->nports;
		sim->ports[a->port0 + a->nports++] = 2 * i;
		sim->ports[b->port0 + b->nports++] = 2 * i + 1;
	}
	return 0;
}

uint64_t emu_dir_serialise(struct emu_dir *dir, uint32_t bytes)
{
	uint64_t bits_e12, ps;

	if (dp_likely(dir->ps_per_byte))
		return (uint64_t)bytes * dir->ps_per_byte;
	bits_e12 = bytes * 8 * DP_SEC + dir->rem;
	ps = bits_e12 / dir->rate_bps;
	dir->rem = bits_e12 % dir->rate_bps;
	return ps;
}

static void lose(struct emu_sim *sim, struct emu_dir *dir, uint32_t p)
{
	dir->stats.lost_pkts++;
	sim->lost++;
	emu_hash(sim, sim->now_ps ^ (uint64_t)(dir - sim->dirs) << 48);
	emu_pkt_put(sim, p);
}

static inline void arm(struct emu_sim *sim, uint32_t d, uint64_t at_ps)
{
	sim->dirs[d].arrive_armed = true;
	emu_events_arm(&sim->events, d * 2 + EMU_DIR_ARRIVE, at_ps);
}

/* The packet itself is only written to, and so is the one before it: nobody waits for their cache lines. */
void emu_dir_send(struct emu_sim *sim, uint32_t d, uint32_t p, uint32_t l3_bytes, enum emu_pkt_kind kind)
{
	struct emu_dir *dir = &sim->dirs[d];
	uint32_t bytes = l3_bytes + dir->overhead;
	uint64_t wire_ps = emu_dir_serialise(dir, bytes), at_ps;

	dir->busy_ps = sim->now_ps + wire_ps;
	dir->stats.busy_ps += wire_ps;
	dir->stats.bytes += bytes;
	if (kind == EMU_PKT_DATA) {
		dir->stats.data_pkts++;
	} else {
		dir->stats.ack_pkts++;
		dir->stats.cnp_pkts += kind == EMU_PKT_CNP;
	}
	if (dp_unlikely(dir->captured))
		emu_capture_packet(sim, d, emu_pkt(sim, p), sim->now_ps);
	if (dp_unlikely(dir->down) || (dp_unlikely(dir->loss_e9) && dp_rng_chance_ppb(dir->rng, dir->loss_e9))) {
		lose(sim, dir, p);
		return;
	}
	at_ps = dp_add_ps(dir->busy_ps, dir->delay_ps);
	if (dp_unlikely(dir->held))
		at_ps = DP_MAX(at_ps, dir->not_before_ps);
	emu_pkt(sim, p)->next = EMU_NONE;
	if (dir->flight.head == EMU_NONE) {
		dir->flight.head = p;
		if (!dir->arrive_armed)
			arm(sim, d, at_ps);
		else
			dir->head_at_ps = at_ps;
	} else {
		struct emu_pkt *last = emu_pkt(sim, dir->flight.tail);

		last->next = p;
		last->at_ps = at_ps;
	}
	dir->flight.tail = p;
}

void emu_dir_arrive(struct emu_sim *sim, uint32_t d)
{
	struct emu_dir *dir = &sim->dirs[d];
	uint32_t p = dir->flight.head;
	const struct emu_pkt *pkt;
	enum emu_pkt_kind kind;

	dir->arrive_armed = false;
	if (dp_unlikely(dir->stale)) {
		dir->stale = false;
		if (p != EMU_NONE)
			arm(sim, d, DP_MAX(dir->head_at_ps, sim->now_ps));
		return;
	}
	pkt = emu_pkt(sim, p);
	dir->flight.head = pkt->next;
	if (pkt->next != EMU_NONE)
		arm(sim, d, pkt->at_ps);
	kind = emu_pkt_kind(pkt);
	if (kind == EMU_PKT_DATA)
		sim->stats.data_hops++;
	else if (kind == EMU_PKT_CNP)
		sim->stats.other_hops++;
	else
		sim->stats.ack_hops++;
	if (dir->to_host)
		emu_host_arrive(sim, &sim->hosts[dir->to_index], p);
	else
		emu_switch_arrive(sim, &sim->switches[dir->to_index], dir, p);
}

static void set_down(struct emu_sim *sim, uint32_t d, bool down)
{
	struct emu_dir *dir = &sim->dirs[d];

	if (dir->down == down)
		return;
	dir->down = down;
	dir->stale |= dir->arrive_armed;
	while (dir->flight.head != EMU_NONE)
		lose(sim, dir, emu_fifo_pop(sim, &dir->flight));
	emu_pfc_reset(sim, d);
}

void emu_fault_apply(struct emu_sim *sim, uint32_t i)
{
	const struct emu_fault *fault = &sim->faults[i];

	emu_hash(sim, sim->now_ps ^ fault->link);
	for (uint32_t d = 2 * fault->link; d <= 2 * fault->link + 1; d++) {
		struct emu_dir *dir = &sim->dirs[d];

		switch ((enum emu_fault_kind)fault->kind) {
		case EMU_FAULT_DOWN:
		case EMU_FAULT_UP:
			set_down(sim, d, fault->kind == EMU_FAULT_DOWN);
			break;
		case EMU_FAULT_RATE:
			set_rate(dir, fault->value);
			break;
		case EMU_FAULT_LOSS:
			if (set_loss(sim, d, (uint32_t)fault->value))
				emu_broken(sim);
			break;
		case EMU_FAULT_DELAY:
			dir->held = true;
			dir->not_before_ps = dp_add_ps(dir->busy_ps, dir->delay_ps);
			dir->prop_ps = fault->value;
			dir->delay_ps = fault->value + inside_ps(sim, dir);
			break;
		}
	}
	if (fault->kind == EMU_FAULT_DOWN || fault->kind == EMU_FAULT_UP)
		emu_once(sim, EMU_EV_REROUTE, 0, 0, dp_add_ps(sim->now_ps, fault->reroute_delay_ps));
}
