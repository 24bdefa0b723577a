/*
 * Flows: queue pairs between two hosts while something is sent over them, RDMA WRITEs posted and completed, and flows
 * that wait for others. A flow of several queue pairs is dealt over them in equal shares.
 */
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

#define MAX_WRITE (1u << 30) /* of the engine */
#define DEPTH     4          /* requests that a queue pair holds: enough to have the next one ready */

/* ---- input ---------------------------------------------------------------------------------------------------- */

static uint32_t key_hash(const struct emu_channel *c)
{
	uint64_t h = ((uint64_t)c->src << 32 | c->dst) * 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 29 ^ ((uint64_t)c->channel << 32 | c->nparts << 4 | c->prio)) * 0xd6e8feb86659fd93ull;
	return (uint32_t)(h >> 32);
}

static bool same_key(const struct emu_channel *a, const struct emu_channel *b)
{
	return a->src == b->src && a->dst == b->dst && a->channel == b->channel && a->nparts == b->nparts &&
	       a->prio == b->prio;
}

static int rehash(struct emu_sim *sim)
{
	uint32_t mask = sim->channel_mask ? sim->channel_mask * 2 + 1 : 1023;
	uint32_t *table = malloc(((size_t)mask + 1) * sizeof(*table));

	if (!table)
		return -ENOMEM;
	memset(table, 0xff, ((size_t)mask + 1) * sizeof(*table));
	for (uint32_t i = 0; i < sim->nchannels; i++) {
		uint32_t *slot = &table[key_hash(&sim->channels[i]) & mask];

		sim->channels[i].next = *slot;
		*slot = i;
	}
	free(sim->channel_table);
	sim->channel_table = table;
	sim->channel_mask = mask;
	return 0;
}

/* The channel of a flow, made if it is the first one there; EMU_NONE: no memory. */
static uint32_t channel_of(struct emu_sim *sim, const struct emu_flow *f)
{
	struct emu_channel key = {.src = f->src,
				  .dst = f->dst,
				  .channel = f->channel,
				  .nparts = f->qps,
				  .prio = f->prio,
				  .first = EMU_NONE,
				  .last = EMU_NONE};
	uint32_t *slot;

	if ((!sim->channel_table || sim->nchannels > sim->channel_mask) && rehash(sim))
		return EMU_NONE;
	slot = &sim->channel_table[key_hash(&key) & sim->channel_mask];
	for (uint32_t i = *slot; i != EMU_NONE; i = sim->channels[i].next)
		if (same_key(&sim->channels[i], &key))
			return i;
	if (!EMU_ROOM(sim, channels, nchannels, 1, channels_room))
		return EMU_NONE;
	key.next = *slot;
	*slot = sim->nchannels;
	sim->channels[sim->nchannels] = key;
	return sim->nchannels++;
}

static int check_flow(struct emu_sim *sim, const struct emu_flow *f, uint32_t i)
{
	if (f->src >= sim->nnodes || !sim->nodes[f->src].is_host)
		return emu_fail(sim, -EINVAL, "flow %u: src %u is not a host", i, f->src);
	if (f->dst >= sim->nnodes || !sim->nodes[f->dst].is_host)
		return emu_fail(sim, -EINVAL, "flow %u: dst %u is not a host", i, f->dst);
	if (f->src == f->dst)
		return emu_fail(sim, -EINVAL, "flow %u: from host %u to itself", i, f->src);
	if (!f->bytes || f->bytes > 1ull << 50)
		return emu_fail(sim, -EINVAL, "flow %u: %llu bytes, it is 1 to 2^50", i, (unsigned long long)f->bytes);
	if (f->qps < 1 || f->qps > EMU_MAX_PARTS)
		return emu_fail(sim, -EINVAL, "flow %u: %u queue pairs, it takes 1 to %u", i, f->qps, EMU_MAX_PARTS);
	if (f->prio > 7 && f->prio != 255)
		return emu_fail(sim, -EINVAL, "flow %u: prio %u, it is 0 to 7 or 255", i, f->prio);
	if (f->start_ps == DP_NEVER)
		return emu_fail(sim, -EINVAL, "flow %u: never starts", i);
	return 0;
}

int emu_sim_flows(struct emu_sim *sim, const struct emu_flow *v, uint32_t n)
{
	if (!sim->routed)
		return emu_fail(sim, -EINVAL, "flows: after route()");
	if (!EMU_ROOM(sim, flows, nflows, n, flows_room))
		return emu_fail(sim, -ENOMEM, "flows: no memory for %u", n);
	for (uint32_t i = 0; i < n; i++) {
		int err = check_flow(sim, &v[i], sim->nflows + i);

		if (err)
			return err;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct emu_flow_state *f = &sim->flows[sim->nflows];

		*f = (struct emu_flow_state){.cfg = v[i],
					     .res.begin_ps = DP_NEVER,
					     .res.last_byte_ps = DP_NEVER,
					     .res.done_ps = DP_NEVER,
					     .after = EMU_NONE,
					     .next = EMU_NONE,
					     .ready_ps = v[i].start_ps,
					     .to_arrive = v[i].bytes,
					     .to_complete = v[i].bytes};
		if (f->cfg.prio == 255)
			f->cfg.prio = sim->host_cfgs[sim->hosts[sim->nodes[f->cfg.src].index].cfg].data_prio;
		f->channel = channel_of(sim, &f->cfg);
		if (f->channel == EMU_NONE)
			return emu_fail(sim, -ENOMEM, "flows: no memory for %u", n);
		sim->channels[f->channel].unfinished++;
		sim->nflows++;
		sim->stats.flows++;
	}
	return 0;
}

int emu_sim_after(struct emu_sim *sim, const struct emu_after *v, uint32_t n)
{
	if (!EMU_ROOM(sim, after, nafter, n, after_room))
		return emu_fail(sim, -ENOMEM, "after: no memory for %u", n);
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].flow >= sim->nflows || v[i].before >= sim->nflows || v[i].flow == v[i].before)
			return emu_fail(sim, -EINVAL, "after %u: flow %u waits for flow %u, there are %u", i, v[i].flow,
					v[i].before, sim->nflows);
		if (v[i].flow < sim->armed_flows || sim->flows[v[i].before].to_arrive == 0)
			return emu_fail(sim, -EINVAL, "after %u: flow %u waits for flow %u, but the run has begun", i,
					v[i].flow, v[i].before);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct emu_flow_state *before = &sim->flows[v[i].before];

		sim->after[sim->nafter] =
			(struct emu_after_edge){.flow = v[i].flow, .next = before->after, .delay_ps = v[i].delay_ps};
		before->after = sim->nafter++;
		sim->flows[v[i].flow].waits++;
	}
	return 0;
}

int emu_flows_arm(struct emu_sim *sim)
{
	for (; sim->armed_flows < sim->nflows; sim->armed_flows++) {
		const struct emu_flow_state *f = &sim->flows[sim->armed_flows];

		if (!f->waits)
			emu_once(sim, EMU_EV_START, sim->armed_flows, 0, DP_MAX(f->ready_ps, sim->now_ps));
	}
	return sim->broken;
}

/* ---- queue pairs ---------------------------------------------------------------------------------------------- */

static uint32_t mtu_code(uint32_t bytes)
{
	return (uint32_t)__builtin_ctz(bytes) - 7;
}

static struct roce_qp *make_qp(struct emu_host *host, uint32_t depth, uint32_t way)
{
	struct roce_qp_init_attr init = {.send_cq = host->cq,
					 .recv_cq = host->cq,
					 .qp_type = ROCE_QPT_RC,
					 .cap = {.max_send_wr = depth, .max_send_sge = 1}};

	return roce_qp_create(host->pd, &init, (void *)(uintptr_t)way);
}

static int connect_qp(struct emu_sim *sim, struct emu_host *host, struct roce_qp *qp, uint32_t peer,
		      const struct roce_qp *to, uint32_t prio)
{
	const struct emu_host_cfg *cfg = &sim->host_cfgs[host->cfg];
	struct roce_qp_attr attr = {
		.qp_state = ROCE_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = ROCE_ACCESS_REMOTE_WRITE,
		.path_mtu = mtu_code(cfg->mtu_bytes),
		.dest_qp_num = roce_qp_num(to),
		.timeout = (uint8_t)cfg->timeout,
		.retry_cnt = (uint8_t)cfg->retry_cnt,
		.rnr_retry = 7,
		.ah = {.sl = (uint8_t)prio, .traffic_class = (uint8_t)(prio << 5), .port_num = 1},
	};

	emu_address(peer, (struct dp_ip *)&attr.ah.dgid);
	if (roce_qp_modify(qp, &attr, ROCE_QP_STATE | ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS))
		return -EINVAL;
	attr.qp_state = ROCE_QPS_RTR;
	if (roce_qp_modify(qp, &attr,
			   ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN |
				   ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER))
		return -EINVAL;
	attr.qp_state = ROCE_QPS_RTS;
	return roce_qp_modify(qp, &attr,
			      ROCE_QP_STATE | ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY | ROCE_QP_SQ_PSN |
				      ROCE_QP_MAX_QP_RD_ATOMIC);
}

/* Those of the channel that was closed first, unless packets of it are still somewhere: copies that were sent twice. */
static uint32_t reuse_parts(struct emu_sim *sim, uint32_t n)
{
	uint32_t first = sim->parts_free[n].head;

	for (uint32_t i = 0; first != EMU_NONE && i < 2 * n; i++)
		if (sim->ways[2 * first + i].live)
			return EMU_NONE;
	if (first != EMU_NONE)
		sim->parts_free[n].head = sim->parts[first].flow;
	return first;
}

static int connect_channel(struct emu_sim *sim, uint32_t index)
{
	struct emu_channel *c = &sim->channels[index];
	struct emu_host *src = &sim->hosts[sim->nodes[c->src].index], *dst = &sim->hosts[sim->nodes[c->dst].index];
	uint32_t depth = DP_MIN(c->unfinished, (uint32_t)DEPTH);

	/* A WRITE that is too long for one request comes in pieces. */
	if (depth == 1 && sim->flows[c->last].cfg.bytes / c->nparts >= MAX_WRITE)
		depth = 2;
	c->first = reuse_parts(sim, c->nparts);
	if (c->first == EMU_NONE) {
		if (!EMU_ROOM(sim, parts, nparts, c->nparts, parts_room) ||
		    !emu_room((void **)&sim->ways, 2 * sim->nparts, 2 * c->nparts, &sim->ways_room, sizeof(*sim->ways)))
			return -ENOMEM;
		c->first = sim->nparts;
		sim->nparts += c->nparts;
	}
	for (uint32_t i = 0; i < c->nparts; i++) {
		uint32_t n = c->first + i;
		struct emu_part *part = &sim->parts[n];

		*part = (struct emu_part){.tx = make_qp(src, depth, 2 * n),
					  .rx = make_qp(dst, 0, 2 * n + 1),
					  .channel = index,
					  .depth = depth,
					  .flow = EMU_NONE,
					  .oldest = EMU_NONE,
					  .newest = EMU_NONE};
		if (!part->tx || !part->rx || connect_qp(sim, src, part->tx, c->dst, part->rx, c->prio) ||
		    connect_qp(sim, dst, part->rx, c->src, part->tx, c->prio))
			return -ENOMEM;
		emu_way_open(sim, 2 * n, c->src, c->dst, part->tx, roce_qp_num(part->rx));
		emu_way_open(sim, 2 * n + 1, c->dst, c->src, part->rx, roce_qp_num(part->tx));
	}
	return 0;
}

/* Nothing is under way any more, and nothing will be. */
static void disconnect_channel(struct emu_sim *sim, struct emu_channel *c)
{
	for (uint32_t i = 0; i < c->nparts; i++) {
		struct emu_part *part = &sim->parts[c->first + i];

		roce_qp_destroy(part->tx);
		roce_qp_destroy(part->rx);
		part->tx = part->rx = NULL;
	}
	sim->parts[c->first].flow = EMU_NONE;
	if (sim->parts_free[c->nparts].head == EMU_NONE)
		sim->parts_free[c->nparts].head = c->first;
	else
		sim->parts[sim->parts_free[c->nparts].tail].flow = c->first;
	sim->parts_free[c->nparts].tail = c->first;
	c->first = EMU_NONE;
	emu_timers(sim);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static uint64_t share(const struct emu_flow_state *f, uint32_t i, uint32_t n)
{
	return f->cfg.bytes / n + (i < f->cfg.bytes % n);
}

static uint32_t msg_get(struct emu_sim *sim)
{
	uint32_t m = sim->msgs_free;

	if (sim->msgs_open) {
		sim->msgs_open--;
		sim->msgs_free = sim->msgs[m].next;
		return m;
	}
	if (!EMU_ROOM(sim, msgs, nmsgs, 1, msgs_room)) {
		emu_broken(sim);
		return EMU_NONE;
	}
	return sim->nmsgs++;
}

static void msg_put(struct emu_sim *sim, uint32_t m)
{
	if (!sim->msgs[m].arrived || !sim->msgs[m].complete)
		return;
	sim->msgs[m].next = sim->msgs_free;
	sim->msgs_free = m;
	sim->msgs_open++;
}

static void part_next_flow(struct emu_sim *sim, struct emu_part *part)
{
	part->flow = sim->flows[part->flow].next;
	part->posted_bytes = 0;
}

/* What is not sent any more counts as complete, with the status that the flow has. */
static void give_up(struct emu_sim *sim, uint32_t f, uint64_t bytes);

static void pump(struct emu_sim *sim, uint32_t index)
{
	struct emu_part *part = &sim->parts[index];
	const struct emu_channel *c = &sim->channels[part->channel];
	struct emu_host *src = &sim->hosts[sim->nodes[c->src].index];
	const struct emu_host *dst = &sim->hosts[sim->nodes[c->dst].index];

	while (part->flow != EMU_NONE) {
		struct emu_flow_state *f = &sim->flows[part->flow];
		uint64_t left = share(f, index - c->first, c->nparts) - part->posted_bytes;
		struct roce_sge sge = {.length = (uint32_t)DP_MIN(left, MAX_WRITE), .lkey = src->lkey};
		struct roce_send_wr wr = {.sg_list = &sge,
					  .num_sge = 1,
					  .opcode = ROCE_WR_RDMA_WRITE,
					  .send_flags = ROCE_SEND_SIGNALED,
					  .rkey = dst->rkey};
		uint32_t m, flow = part->flow;

		if (!left) {
			part_next_flow(sim, part);
			continue;
		}
		if (part->dead) {
			part_next_flow(sim, part);
			give_up(sim, flow, left);
			if (sim->channels[part->channel].first == EMU_NONE)
				return;
			continue;
		}
		if (part->out == part->depth)
			return;
		m = msg_get(sim);
		if (m == EMU_NONE)
			return;
		sim->msgs[m] =
			(struct emu_msg){.flow = part->flow, .part = index, .next = EMU_NONE, .bytes = sge.length};
		if (part->oldest == EMU_NONE)
			part->oldest = m;
		else
			sim->msgs[part->newest].next = m;
		part->newest = m;
		wr.wr_id = m;
		roce_dev_set_now(src->dev, sim->now_ps);
		if (roce_post_send(part->tx, &wr)) {
			emu_broken(sim);
			return;
		}
		part->out++;
		part->posted_bytes += sge.length;
	}
}

void emu_flow_start(struct emu_sim *sim, uint32_t f)
{
	struct emu_flow_state *flow = &sim->flows[f];
	uint64_t nic_tx_ps = sim->host_cfgs[sim->hosts[sim->nodes[flow->cfg.src].index].cfg].nic_tx_ns * DP_NS;

	flow->res.begin_ps = sim->now_ps;
	if (nic_tx_ps)
		emu_once(sim, EMU_EV_POST, f, 0, sim->now_ps + nic_tx_ps);
	else
		emu_flow_post(sim, f);
}

void emu_flow_post(struct emu_sim *sim, uint32_t f)
{
	struct emu_flow_state *flow = &sim->flows[f];
	struct emu_channel *c = &sim->channels[flow->channel];
	uint32_t n = c->nparts;

	if (c->first != EMU_NONE && c->last != EMU_NONE)
		sim->flows[c->last].next = f;
	c->last = f;
	if (c->first == EMU_NONE && connect_channel(sim, flow->channel)) {
		emu_broken(sim);
		return;
	}
	for (uint32_t i = 0; i < n && c->first != EMU_NONE; i++) {
		struct emu_part *part = &sim->parts[c->first + i];

		if (part->flow == EMU_NONE)
			part->flow = f;
		pump(sim, c->first + i);
	}
	emu_timers(sim);
	emu_host_send(sim, &sim->hosts[sim->nodes[flow->cfg.src].index]);
}

/* ---- what becomes of it --------------------------------------------------------------------------------------- */

static void finish(struct emu_sim *sim, uint32_t f)
{
	struct emu_flow_state *flow = &sim->flows[f];
	struct emu_channel *c = &sim->channels[flow->channel];

	flow->res.done_ps = sim->now_ps;
	sim->finished++;
	sim->stats.flows_done++;
	emu_hash(sim, f ^ (uint64_t)flow->res.status << 32);
	emu_hash(sim, flow->res.last_byte_ps);
	emu_hash(sim, flow->res.done_ps);
	if (!--c->unfinished && c->first != EMU_NONE)
		disconnect_channel(sim, c);
}

static void give_up(struct emu_sim *sim, uint32_t f, uint64_t bytes)
{
	struct emu_flow_state *flow = &sim->flows[f];

	if (!flow->res.status)
		flow->res.status = ROCE_WC_WR_FLUSH_ERR;
	flow->to_complete -= bytes;
	if (!flow->to_complete)
		finish(sim, f);
}

static void count_retransmitted(struct emu_part *part, struct emu_flow_state *flow)
{
	uint32_t total = roce_qp_resent(part->tx);

	flow->res.retransmitted_pkts += total - part->retransmitted;
	part->retransmitted = total;
}

void emu_flow_completed(struct emu_sim *sim, const struct roce_wc *wc)
{
	uint32_t m = (uint32_t)wc->wr_id, f = sim->msgs[m].flow, index = sim->msgs[m].part;
	uint64_t bytes = sim->msgs[m].bytes;
	struct emu_part *part = &sim->parts[index];
	struct emu_flow_state *flow = &sim->flows[f];

	part->out--;
	count_retransmitted(part, flow);
	sim->msgs[m].complete = true;
	if (wc->status != ROCE_WC_SUCCESS) {
		part->dead = true;
		if (!flow->res.status)
			flow->res.status = wc->status;
		/* It may have come nevertheless; nobody waits for it any more. */
		while (part->oldest != EMU_NONE) {
			uint32_t old = part->oldest;

			part->oldest = sim->msgs[old].next;
			sim->msgs[old].arrived = true;
			msg_put(sim, old);
		}
	} else {
		flow->res.acked_bytes += bytes;
		msg_put(sim, m);
	}
	flow->to_complete -= bytes;
	if (!flow->to_complete)
		finish(sim, f);
	if (sim->channels[sim->flows[f].channel].first != EMU_NONE && sim->parts[index].flow != EMU_NONE)
		pump(sim, index);
}

static void release(struct emu_sim *sim, const struct emu_flow_state *flow)
{
	for (uint32_t i = flow->after; i != EMU_NONE; i = sim->after[i].next) {
		struct emu_flow_state *next = &sim->flows[sim->after[i].flow];

		next->ready_ps = DP_MAX(next->ready_ps, dp_add_ps(sim->now_ps, sim->after[i].delay_ps));
		if (!--next->waits)
			emu_once(sim, EMU_EV_START, sim->after[i].flow, 0, next->ready_ps);
	}
}

void emu_part_heard(struct emu_sim *sim, uint32_t index)
{
	struct emu_part *part = &sim->parts[index];
	uint32_t msn;

	if (!part->rx) /* a copy that comes after the end */
		return;
	msn = roce_qp_msn(part->rx);
	while (dp_unlikely(part->msn != msn) && part->oldest != EMU_NONE) {
		uint32_t m = part->oldest;
		struct emu_flow_state *flow = &sim->flows[sim->msgs[m].flow];

		part->msn = (part->msn + 1) & ROCE_PSN_MASK;
		part->oldest = sim->msgs[m].next;
		sim->msgs[m].arrived = true;
		flow->to_arrive -= sim->msgs[m].bytes;
		msg_put(sim, m);
		if (flow->to_arrive)
			continue;
		flow->res.last_byte_ps = sim->now_ps;
		release(sim, flow);
	}
}

uint64_t emu_flow_acked(const struct emu_sim *sim, uint32_t f)
{
	const struct emu_flow_state *flow = &sim->flows[f];
	const struct emu_channel *c = &sim->channels[flow->channel];
	uint64_t bytes = flow->res.acked_bytes;

	/* Of the oldest request of each queue pair a part may be acknowledged. */
	for (uint32_t i = 0; c->first != EMU_NONE && i < c->nparts; i++) {
		const struct emu_part *part = &sim->parts[c->first + i];
		uint64_t m;

		if (!part->dead && roce_qp_oldest_request(part->tx, &m) && sim->msgs[m].flow == f)
			bytes += roce_qp_acked_bytes(part->tx);
	}
	return bytes;
}

uint64_t emu_flow_rate(const struct emu_sim *sim, uint32_t f)
{
	const struct emu_channel *c = &sim->channels[sim->flows[f].channel];
	uint64_t rate_bps = 0;

	if (sim->flows[f].res.begin_ps == DP_NEVER || sim->flows[f].res.done_ps != DP_NEVER)
		return 0;
	for (uint32_t i = 0; c->first != EMU_NONE && i < c->nparts; i++)
		rate_bps += roce_qp_rate_bps(sim->parts[c->first + i].tx);
	return rate_bps;
}

int64_t emu_sim_flow_results(const struct emu_sim *sim, struct emu_flow_result *v, uint64_t n)
{
	for (uint32_t i = 0; i < sim->nflows && i < n; i++) {
		v[i] = sim->flows[i].res;
		if (v[i].begin_ps != DP_NEVER && v[i].done_ps == DP_NEVER)
			v[i].acked_bytes = emu_flow_acked(sim, i);
	}
	return n && n < sim->nflows ? (int64_t)n : sim->nflows;
}
