/*
 * Hosts: the engine that runs live, and the NIC around it.
 *
 *   engine -> [ACK line, CNP line: fixed delays] -> ctl -> wire        ctl goes before what the engine has to send
 *   wire -> [receive buffer, drained by PCIe] -> engine -> completions -> flows
 */
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

static const struct emu_host_cfg *cfg_of(const struct emu_sim *sim, const struct emu_host *host)
{
	return &sim->host_cfgs[host->cfg];
}

static int build_rx(struct emu_sim *sim, struct emu_host *host)
{
	const struct emu_host_cfg *cfg = cfg_of(sim, host);

	if (!cfg->pcie_bps && !cfg->miss_e6)
		return 0;
	host->rx = calloc(1, sizeof(*host->rx));
	if (!host->rx)
		return -ENOMEM;
	emu_fifo_init(&host->rx->queue);
	emu_fifo_init(&host->rx->latency);
	dp_rng_seed(&host->rx->rng, sim->seed * 0x9e3779b97f4a7c15ull + 11 * (uint64_t)host->node + 4);
	host->rx->drain_ev = emu_events_add(&sim->events, EMU_EV_DRAIN, host->node, 0);
	host->rx->rx_ev = emu_events_add(&sim->events, EMU_EV_RX, host->node, 0);
	return sim->events.failed ? -ENOMEM : 0;
}

int emu_host_build(struct emu_sim *sim, struct emu_host *host)
{
	const struct emu_host_cfg *cfg = cfg_of(sim, host);
	const struct emu_node *node = &sim->nodes[host->node];
	struct roce_dev_cfg dev = {
		.seed = sim->seed * 0x9e3779b97f4a7c15ull + 13 * (uint64_t)host->node + 5,
		.max_mr = 16,
		.ngid = 1,
		.tx_window = cfg->tx_window,
		.rx_window = cfg->rx_window,
		.reorder_pkts = cfg->reorder_pkts,
		.ack_every = cfg->ack_every,
		.recovery = cfg->recovery,
		.cc = cfg->cc,
	};
	struct roce_mr *mr;

	if (node->nports != 1)
		return emu_fail(sim, -EINVAL, "host %u: has %u links, it needs 1", host->node, node->nports);
	host->dir = sim->ports[node->port0];
	if (!dev.cc.rpg_max_rate)
		dev.cc.rpg_max_rate = (uint32_t)DP_MIN(sim->dirs[host->dir].rate_bps / 1000000, UINT32_MAX);
	dev.cc.np_cnp_802p_prio = cfg->cnp_prio;
	emu_address(host->node, (struct dp_ip *)&dev.gid[0]);
	host->dev = roce_dev_new_in(&dev, sim->pool);
	if (!host->dev)
		return emu_fail(sim, -errno,
				errno == ENOMEM ? "host %u: no memory"
						: "host %u: the engine does not take its parameters",
				host->node);
	host->pd = roce_pd_alloc(host->dev);
	mr = host->pd ? roce_mr_reg(host->pd, NULL, 1ull << 40, 0, ROCE_ACCESS_LOCAL_WRITE | ROCE_ACCESS_REMOTE_WRITE)
		      : NULL;
	host->cq = roce_cq_create(host->dev, 8, NULL);
	if (!mr || !host->cq || build_rx(sim, host))
		return emu_fail(sim, -ENOMEM, "host %u: no memory", host->node);
	host->lkey = roce_mr_lkey(mr);
	host->rkey = roce_mr_rkey(mr);
	emu_fifo_init(&host->ctl);
	for (uint32_t i = 0; i < EMU_LINES; i++) {
		emu_fifo_init(&host->line[i]);
		host->line_ev[i] = EMU_EVENT_NONE;
	}
	return 0;
}

void emu_host_polled(struct emu_sim *sim, struct emu_host *host)
{
	struct roce_wc wc[8];
	int n;

	while (dp_unlikely(roce_cq_pending(host->cq)) && (n = roce_cq_poll(host->cq, wc, 8)) > 0)
		for (int i = 0; i < n; i++)
			emu_flow_completed(sim, &wc[i]);
}

/* ---- out ------------------------------------------------------------------------------------------------------ */

/* An ACK that waits already may say what this one says, too. */
static bool coalesce(struct emu_sim *sim, const struct emu_fifo *line, const struct emu_pkt *ack)
{
	if ((ack->syndrome & ROCE_AETH_KIND) != ROCE_AETH_ACK || ack->sack != EMU_NONE)
		return false;
	for (uint32_t p = line->head; p != EMU_NONE; p = emu_pkt(sim, p)->next) {
		struct emu_pkt *old = emu_pkt(sim, p);

		if (old->way == ack->way && old->sack == EMU_NONE &&
		    (old->syndrome & ROCE_AETH_KIND) == ROCE_AETH_ACK) {
			old->psn = ack->psn;
			old->msn = ack->msn;
			old->syndrome = ack->syndrome;
			return true;
		}
	}
	return false;
}

static void into_line(struct emu_sim *sim, struct emu_host *host, uint32_t line, uint32_t p, uint64_t delay_ps)
{
	uint32_t *ev = &host->line_ev[line];

	if (line == EMU_LINE_ACK && coalesce(sim, &host->line[line], emu_pkt(sim, p))) {
		sim->injected--;
		emu_pkt_put(sim, p);
		return;
	}
	if (*ev == EMU_EVENT_NONE)
		*ev = emu_events_add(&sim->events, EMU_EV_LINE, host->node, line);
	if (*ev == EMU_EVENT_NONE) {
		emu_broken(sim);
		return;
	}
	emu_pkt(sim, p)->at_ps = sim->now_ps + delay_ps;
	if (!emu_events_at(&sim->events, *ev)->armed)
		emu_events_arm(&sim->events, *ev, emu_pkt(sim, p)->at_ps);
	emu_fifo_push(sim, &host->line[line], p);
}

void emu_host_line(struct emu_sim *sim, struct emu_host *host, uint32_t line)
{
	struct emu_fifo *fifo = &host->line[line];

	emu_fifo_push(sim, &host->ctl, emu_fifo_pop(sim, fifo));
	if (fifo->head != EMU_NONE)
		emu_events_arm(&sim->events, host->line_ev[line], emu_pkt(sim, fifo->head)->at_ps);
	emu_host_send(sim, host);
}

/* Where a packet that the engine has made goes: to a line, or at once. */
static void route_out(struct emu_sim *sim, struct emu_host *host, uint32_t p)
{
	const struct emu_host_cfg *cfg = cfg_of(sim, host);
	struct emu_pkt *pkt = emu_pkt(sim, p);
	const struct emu_dir *dir = &sim->dirs[host->dir];
	enum emu_pkt_kind kind = emu_pkt_kind(pkt);

	if (kind != EMU_PKT_DATA) {
		if (kind == EMU_PKT_CNP) {
			if (cfg->cnp_delay_ns) {
				into_line(sim, host, EMU_LINE_CNP, p, cfg->cnp_delay_ns * DP_NS);
				return;
			}
		} else {
			pkt->prio = cfg->ack_prio;
			if (cfg->ack_delay_ns) {
				into_line(sim, host, EMU_LINE_ACK, p, cfg->ack_delay_ns * DP_NS);
				return;
			}
		}
	}
	if (dir->paused >> pkt->prio & 1)
		emu_fifo_push(sim, &host->ctl, p);
	else
		emu_dir_send(sim, host->dir, p, emu_pkt_l3_bytes(pkt), kind);
}

void emu_host_send(struct emu_sim *sim, struct emu_host *host)
{
	struct emu_dir *dir = &sim->dirs[host->dir];

	for (;;) {
		bool ctl = host->ctl.head != EMU_NONE && !(dir->paused >> emu_pkt(sim, host->ctl.head)->prio & 1);
		struct roce_pkt *pkt;
		uint32_t p;

		if (!ctl && !roce_dev_ready(host->dev))
			return;
		if (dir->busy_ps > sim->now_ps) {
			emu_dir_wait(sim, dir);
			return;
		}
		if (ctl) {
			p = emu_fifo_pop(sim, &host->ctl);
			emu_dir_send(sim, host->dir, p, emu_pkt_l3_bytes(emu_pkt(sim, p)),
				     emu_pkt_kind(emu_pkt(sim, p)));
			continue;
		}
		if (!roce_dev_tx(host->dev, &pkt, 1, sim->now_ps)) {
			emu_timers(sim);
			return;
		}
		p = emu_pkt_from(sim, host->dev, pkt);
		roce_pkt_put(host->dev, pkt);
		emu_timers(sim);
		if (p == EMU_NONE)
			return;
		route_out(sim, host, p);
	}
}

/* ---- in ------------------------------------------------------------------------------------------------------- */

static void to_engine(struct emu_sim *sim, struct emu_host *host, uint32_t p)
{
	const struct emu_pkt *pkt = emu_pkt(sim, p);
	uint32_t way = pkt->way;
	bool data = emu_pkt_kind(pkt) == EMU_PKT_DATA;

	roce_dev_rx(host->dev, emu_pkt_to(sim, pkt), sim->now_ps);
	emu_timers(sim);
	sim->delivered++;
	emu_pkt_put(sim, p);
	if (data)
		emu_part_heard(sim, way / 2);
	emu_host_polled(sim, host);
	emu_host_send(sim, host);
}

static void pause_sender(struct emu_sim *sim, struct emu_host *host)
{
	const struct emu_host_cfg *cfg = cfg_of(sim, host);
	struct emu_rx *rx = host->rx;
	bool xoff = rx->xoff ? rx->bytes > cfg->rx_xon_bytes : cfg->rx_xoff_bytes && rx->bytes > cfg->rx_xoff_bytes;

	if (xoff == rx->xoff)
		return;
	rx->xoff = xoff;
	emu_pfc_ask(sim, host->dir ^ 1, xoff ? (uint8_t)(1 << cfg->data_prio) : 0);
}

/* The next packet of the buffer crosses the PCIe link, after what a translation miss costs. */
static void begin_drain(struct emu_sim *sim, struct emu_host *host)
{
	const struct emu_host_cfg *cfg = cfg_of(sim, host);
	struct emu_rx *rx = host->rx;
	const struct emu_pkt *pkt = emu_pkt(sim, rx->queue.head);
	uint64_t ps = 0;

	if (cfg->pcie_bps) {
		uint64_t bits_e12 = pkt->len * 8 * DP_SEC + rx->rem;

		ps = bits_e12 / cfg->pcie_bps;
		rx->rem = bits_e12 % cfg->pcie_bps;
	}
	if (cfg->miss_e6 && dp_rng_below(&rx->rng, 1000000) < cfg->miss_e6)
		ps += cfg->miss_ns * DP_NS;
	emu_events_arm(&sim->events, rx->drain_ev, sim->now_ps + ps);
}

void emu_host_drain(struct emu_sim *sim, struct emu_host *host)
{
	const struct emu_host_cfg *cfg = cfg_of(sim, host);
	struct emu_rx *rx = host->rx;
	uint32_t p = emu_fifo_pop(sim, &rx->queue);

	rx->bytes -= emu_pkt_l3_bytes(emu_pkt(sim, p));
	if (rx->queue.head != EMU_NONE)
		begin_drain(sim, host);
	pause_sender(sim, host);
	if (!cfg->pcie_latency_ps) {
		to_engine(sim, host, p);
		return;
	}
	emu_pkt(sim, p)->at_ps = sim->now_ps + cfg->pcie_latency_ps;
	if (!emu_events_at(&sim->events, rx->rx_ev)->armed)
		emu_events_arm(&sim->events, rx->rx_ev, emu_pkt(sim, p)->at_ps);
	emu_fifo_push(sim, &rx->latency, p);
}

void emu_host_rx(struct emu_sim *sim, struct emu_host *host)
{
	struct emu_fifo *latency = &host->rx->latency;
	uint32_t p = emu_fifo_pop(sim, latency);

	if (latency->head != EMU_NONE)
		emu_events_arm(&sim->events, host->rx->rx_ev, emu_pkt(sim, latency->head)->at_ps);
	to_engine(sim, host, p);
}

void emu_host_arrive(struct emu_sim *sim, struct emu_host *host, uint32_t p)
{
	const struct emu_host_cfg *cfg = cfg_of(sim, host);
	struct emu_rx *rx = host->rx;
	const struct emu_pkt *pkt = emu_pkt(sim, p);

	if (dp_likely(!rx) || !pkt->len) { /* what has no payload is done inside the NIC */
		to_engine(sim, host, p);
		return;
	}
	if (cfg->rx_buffer_bytes && rx->bytes + emu_pkt_l3_bytes(pkt) > cfg->rx_buffer_bytes) {
		sim->stats.drops++;
		emu_hash(sim, sim->now_ps ^ (uint64_t)pkt->psn << 32);
		emu_pkt_put(sim, p);
		return;
	}
	rx->bytes += emu_pkt_l3_bytes(pkt);
	emu_fifo_push(sim, &rx->queue, p);
	if (!emu_events_at(&sim->events, rx->drain_ev)->armed)
		begin_drain(sim, host);
	pause_sender(sim, host);
}
