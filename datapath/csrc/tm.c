/*
 * Traffic manager: admission of a packet to the buffer, its queue, and its way out (IEEE 802.1Q-2018 clause 8.6; PFC is
 * clause 36 there). tm_cfg.c checks a configuration, tm_timers.c has what time does (pauses, watchdog), tm_check.c the
 * sums.
 */
#include <assert.h>
#include <stdlib.h>

#include "datapath/csrc/tm_int.h"

struct dp_tm *dp_tm_new(const struct dp_tm_cfg *cfg, char *error, size_t error_bytes)
{
	uint64_t shared, headroom;
	struct dp_tm *tm;
	uint32_t prio;

	if (tm_cfg_check(cfg, &shared, &headroom, error, error_bytes)) {
		errno = EINVAL;
		return NULL;
	}
	tm = calloc(1, sizeof(*tm));
	if (!tm)
		return NULL;
	tm->ports = calloc(cfg->nports, sizeof(*tm->ports));
	if (!tm->ports) {
		free(tm);
		errno = ENOMEM;
		return NULL;
	}
	tm->cfg = *cfg;
	tm->shared_total = shared;
	tm->headroom_total = headroom;
	tm->free_entry = TM_NONE;
	tm->list_head[TM_PFC] = tm->list_head[TM_READY] = tm->dropped_head = TM_NONE;
	tm->next_ps = tm->poll_ps = DP_NEVER;
	dp_rng_seed(&tm->rng, cfg->seed);
	for (prio = 0; prio < DP_TM_PRIOS; prio++) {
		tm->strict |= (uint8_t)(!!cfg->cls[prio].strict << prio);
		tm->lossless |= (uint8_t)(!!cfg->cls[prio].lossless << prio);
	}
	return tm;
}

void dp_tm_free(struct dp_tm *tm)
{
	uint32_t prio;

	if (!tm)
		return;
	for (prio = 0; prio < DP_TM_PRIOS; prio++) {
		free(tm->queues[prio]);
		free(tm->pgs[prio]);
		free(tm->dogs[prio]);
	}
	free(tm->xoffs);
	free(tm->entries);
	free(tm->ports);
	free(tm);
}

bool tm_open_prio(struct dp_tm *tm, uint32_t prio)
{
	uint32_t n = tm->cfg.nports, i, lossless = 0;

	if (tm->queues[prio])
		return true;
	if (tm->lossless >> prio & 1) {
		for (i = 0; i < DP_TM_PRIOS; i++)
			lossless += i == prio || (tm->queues[i] && tm->lossless >> i & 1);
		uint32_t *xoffs = realloc(tm->xoffs, sizeof(*xoffs) * lossless * n);

		if (!xoffs)
			return false;
		tm->xoffs = xoffs;
	}
	struct tm_queue *queues = malloc(n * sizeof(*queues));
	struct tm_pg *pgs = calloc(n, sizeof(*pgs));
	struct tm_dog *dogs = tm->cfg.watchdog_ps ? calloc(n, sizeof(*dogs)) : NULL;

	if (!queues || !pgs || (tm->cfg.watchdog_ps && !dogs)) {
		free(queues);
		free(pgs);
		free(dogs);
		return false;
	}
	for (i = 0; i < n; i++)
		queues[i] = (struct tm_queue){.head = TM_NONE, .tail = TM_NONE};
	tm->queues[prio] = queues;
	tm->pgs[prio] = pgs;
	tm->dogs[prio] = dogs;
	return true;
}

/* ---- lists of ports ------------------------------------------------------------------------------------------- */

void tm_list_push(struct dp_tm *tm, enum tm_list list, uint32_t port)
{
	if (tm->ports[port].in[list])
		return;
	tm->ports[port].in[list] = true;
	tm->ports[port].next[list] = TM_NONE;
	if (tm->list_head[list] == TM_NONE)
		tm->list_head[list] = port;
	else
		tm->ports[tm->list_tail[list]].next[list] = port;
	tm->list_tail[list] = port;
}

uint32_t tm_list_pop(struct dp_tm *tm, enum tm_list list)
{
	uint32_t port = tm->list_head[list];

	if (port == TM_NONE)
		return port;
	tm->list_head[list] = tm->ports[port].next[list];
	tm->ports[port].in[list] = false;
	return port;
}

int dp_tm_next_pfc(struct dp_tm *tm, uint32_t *port, uint8_t *mask)
{
	uint32_t i;

	while ((i = tm_list_pop(tm, TM_PFC)) != TM_NONE) {
		struct tm_port *p = &tm->ports[i];

		if (p->xoff == p->told) /* there and back again */
			continue;
		p->told = p->xoff;
		*port = i;
		*mask = p->xoff;
		return 1;
	}
	return 0;
}

uint8_t dp_tm_xoff_mask(const struct dp_tm *tm, uint32_t port)
{
	return tm->ports[port].xoff;
}

/* ---- Xoff and Xon --------------------------------------------------------------------------------------------- */

static void xoff(struct dp_tm *tm, uint32_t port, uint32_t prio)
{
	tm->xoffs[tm->nxoffs++] = prio << 16 | port;
	tm->pgs[prio][port].xoff = tm->nxoffs;
	tm->ports[port].xoff |= (uint8_t)(1 << prio);
	tm->stats.xoffs++;
	tm_list_push(tm, TM_PFC, port);
}

static void xon(struct dp_tm *tm, uint32_t port, uint32_t prio)
{
	struct tm_pg *pg = &tm->pgs[prio][port];
	uint32_t last = tm->xoffs[--tm->nxoffs];

	tm->xoffs[pg->xoff - 1] = last;
	tm->pgs[last >> 16][last & 0xffff].xoff = pg->xoff;
	pg->xoff = 0;
	tm->ports[port].xoff &= (uint8_t)~(1 << prio);
	tm->stats.xons++;
	tm_list_push(tm, TM_PFC, port);
}

static void try_xon(struct dp_tm *tm, uint32_t port, uint32_t prio)
{
	const struct dp_tm_class *c = &tm->cfg.cls[prio];
	const struct tm_pg *pg = &tm->pgs[prio][port];
	uint64_t shared = tm_pg_shared(pg, c);

	/* A PG that has nothing left to wait for must not wait for others, whatever the threshold has come to. */
	if (!pg->headroom && (!shared || tm_below(tm, c, shared + c->xon_offset_bytes)))
		xon(tm, port, prio);
}

void tm_release(struct dp_tm *tm, const struct tm_entry *e)
{
	const struct dp_tm_class *c = &tm->cfg.cls[e->prio];
	struct tm_pg *pg = &tm->pgs[e->prio][e->in_port];
	uint64_t cost = tm_cost(tm, e->len), before = tm_pg_shared(pg, c);
	uint32_t headroom = (uint32_t)DP_MIN(cost, pg->headroom), other;

	pg->used -= cost;
	pg->headroom -= headroom;
	tm->stats.used_bytes -= cost;
	tm->stats.headroom_bytes -= headroom;
	tm->stats.shared_bytes -= before - tm_pg_shared(pg, c);
	if (dp_likely(!tm->nxoffs))
		return;
	if (pg->xoff)
		try_xon(tm, e->in_port, e->prio);
	/* A threshold that rises opens others, too: one is asked at each packet, in turn, and all when it was the last. */
	while (!tm->stats.used_bytes && tm->nxoffs)
		xon(tm, tm->xoffs[0] & 0xffff, tm->xoffs[0] >> 16);
	if (tm->nxoffs) {
		tm->xoff_turn = tm->xoff_turn + 1 < tm->nxoffs ? tm->xoff_turn + 1 : 0;
		other = tm->xoffs[tm->xoff_turn];
		try_xon(tm, other & 0xffff, other >> 16);
	}
}

/* ---- in ------------------------------------------------------------------------------------------------------- */

/* DCQCN's congestion point: nothing up to kmin, then rising to pmax at kmax, above it all (Zhu et al., SIGCOMM 2015). */
static bool marks(struct dp_tm *tm, const struct dp_tm_class *c, uint64_t depth_bytes)
{
	if (dp_likely(depth_bytes <= c->ecn_kmin_bytes))
		return false;
	if (depth_bytes > c->ecn_kmax_bytes)
		return true;
	return dp_rng_below(&tm->rng, (c->ecn_kmax_bytes - c->ecn_kmin_bytes) * TM_E6) <
	       (depth_bytes - c->ecn_kmin_bytes) * c->ecn_pmax_e6;
}

static uint32_t entry_get(struct dp_tm *tm)
{
	uint32_t i = tm->free_entry;

	if (dp_likely(i != TM_NONE)) {
		tm->free_entry = tm->entries[i].next;
		return i;
	}
	if (tm->entries_used == tm->entries_cap) {
		/* By an eighth: with many of them, what none needs counts. */
		uint32_t cap = tm->entries_cap + tm->entries_cap / 8 + 16;
		struct tm_entry *entries = cap < tm->entries_cap ? NULL : realloc(tm->entries, cap * sizeof(*entries));

		if (!entries)
			return TM_NONE;
		tm->entries = entries;
		tm->entries_cap = cap;
	}
	return tm->entries_used++;
}

static int drop(struct dp_tm *tm, enum dp_tm_verdict verdict)
{
	tm->stats.drops[verdict]++;
	tm_check_call(tm);
	return verdict;
}

int dp_tm_enqueue(struct dp_tm *tm, struct dp_tm_pkt *pkt, uint64_t now_ps)
{
	uint32_t in = pkt->in_port, out = pkt->out_port, prio = pkt->prio, i;
	const struct dp_tm_class *c;
	struct tm_port *port;
	struct tm_queue *q;
	struct tm_pg *pg;
	uint64_t cost, settled, rest, shared = 0, headroom = 0;

	assert(prio < DP_TM_PRIOS && pkt->len <= UINT16_MAX && in < tm->cfg.nports && out < tm->cfg.nports);
	if (dp_unlikely(now_ps >= tm->next_ps))
		dp_tm_tick(tm, now_ps);
	c = &tm->cfg.cls[prio];
	port = &tm->ports[out];
	if (dp_unlikely(!tm->queues[prio]) && !tm_open_prio(tm, prio))
		return drop(tm, DP_TM_DROP_SHARED);
	if (dp_unlikely(port->storm >> prio & 1) && tm->cfg.watchdog_drop)
		return drop(tm, DP_TM_DROP_WATCHDOG);
	q = &tm->queues[prio][out];
	pg = &tm->pgs[prio][in];

	cost = rest = tm_cost(tm, pkt->len);
	settled = pg->used - pg->headroom;
	if (settled < c->reserve_bytes)
		rest -= DP_MIN(rest, c->reserve_bytes - settled);
	if (rest) {
		uint64_t free = tm->shared_total - tm->stats.shared_bytes;

		if (rest <= free && tm_below(tm, c, settled > c->reserve_bytes ? settled - c->reserve_bytes : 0))
			shared = rest;
		else if (!c->lossless)
			return drop(tm, DP_TM_DROP_SHARED);
		else if (pg->headroom + rest <= c->headroom_bytes &&
			 tm->stats.headroom_bytes + rest <= tm->headroom_total)
			headroom = rest;
		else {
			/* Nothing that could come free would say Xon to the only one here. */
			if (!pg->xoff && tm->stats.used_bytes)
				xoff(tm, in, prio);
			return drop(tm, DP_TM_DROP_HEADROOM);
		}
	}
	if (c->egress_alpha_e6 &&
	    q->bytes * TM_E6 >= c->egress_alpha_e6 * (tm->shared_total - tm->stats.shared_bytes) && q->bytes)
		return drop(tm, DP_TM_DROP_EGRESS);
	i = entry_get(tm);
	if (dp_unlikely(i == TM_NONE))
		return drop(tm, DP_TM_DROP_SHARED);

	pkt->ce = c->ecn == 1 && pkt->ect && marks(tm, c, q->bytes);
	tm->stats.marked += pkt->ce;
	tm->entries[i] = (struct tm_entry){
		.next = TM_NONE,
		.len = (uint16_t)pkt->len,
		.handle = pkt->handle,
		.in_port = (uint16_t)in,
		.out_port = (uint16_t)out,
		.prio = prio & 7,
		.flags = (uint8_t)((pkt->ect ? TM_ECT : 0) | (pkt->ce ? TM_CE : 0)),
		.tenant = pkt->tenant,
	};
	if (q->head == TM_NONE)
		q->head = i;
	else
		tm->entries[q->tail].next = i;
	q->tail = i;
	q->bytes += pkt->len;
	port->active |= (uint8_t)(1 << prio);

	pg->used += cost;
	pg->headroom += (uint32_t)headroom;
	tm->stats.shared_bytes += shared;
	tm->stats.headroom_bytes += headroom;
	tm->stats.used_bytes += cost;
	tm->stats.enqueued++;
	tm->stats.enqueued_bytes += pkt->len;
	if (tm->stats.used_bytes > tm->stats.peak_bytes)
		tm->stats.peak_bytes = tm->stats.used_bytes;
	if (tm->stats.headroom_bytes > tm->stats.peak_headroom_bytes)
		tm->stats.peak_headroom_bytes = tm->stats.headroom_bytes;
	if (c->lossless && rest && !pg->xoff && (headroom || !tm_below(tm, c, tm_pg_shared(pg, c))))
		xoff(tm, in, prio);
	tm_check_call(tm);
	return DP_TM_QUEUED;
}

/* ---- ahead ---------------------------------------------------------------------------------------------------- */

void dp_tm_prefetch_own(const struct dp_tm *tm)
{
	for (size_t i = 0; i < offsetof(struct dp_tm, rng); i += 64)
		__builtin_prefetch((const char *)tm + i);
}

void dp_tm_prefetch(const struct dp_tm *tm, uint32_t in_port, uint32_t out_port, uint32_t prio)
{
	if (!tm->queues[prio])
		return;
	__builtin_prefetch(&tm->ports[out_port]);
	__builtin_prefetch(&tm->queues[prio][out_port]);
	__builtin_prefetch(&tm->pgs[prio][in_port]);
	__builtin_prefetch(&tm->cfg.cls[prio]);
	if (tm->free_entry != TM_NONE)
		__builtin_prefetch(&tm->entries[tm->free_entry]);
}

void dp_tm_prefetch_out(const struct dp_tm *tm, uint32_t port)
{
	uint32_t prio, active = tm->ports[port].active, head;

	if (!active)
		return;
	prio = 31 - (uint32_t)__builtin_clz(active);
	head = tm->queues[prio][port].head;
	if (head == TM_NONE)
		return;
	__builtin_prefetch(&tm->entries[head]);
	__builtin_prefetch(&tm->cfg.cls[prio]);
}

/* ---- out ------------------------------------------------------------------------------------------------------ */

static uint32_t head_len(const struct dp_tm *tm, uint32_t port, uint32_t prio)
{
	return tm->entries[tm->queues[prio][port].head].len;
}

/* Rounds in which nobody could be served, at once: a quantum may be much smaller than a packet. */
static void drr_skip(struct dp_tm *tm, uint32_t port, uint8_t eligible)
{
	uint64_t rounds = UINT64_MAX;
	uint32_t prio;

	for (prio = 0; prio < DP_TM_PRIOS; prio++) {
		uint64_t quantum = (uint64_t)tm->cfg.quantum_bytes * tm->cfg.cls[prio].weight;

		if (eligible >> prio & 1)
			rounds = DP_MIN(rounds,
					(head_len(tm, port, prio) - tm->queues[prio][port].deficit - 1) / quantum);
	}
	for (prio = 0; prio < DP_TM_PRIOS; prio++)
		if (eligible >> prio & 1)
			tm->queues[prio][port].deficit += rounds * tm->cfg.quantum_bytes * tm->cfg.cls[prio].weight;
}

/* Deficit round robin (Shreedhar and Varghese, SIGCOMM 1995) among the classes that are not strict. */
static uint32_t drr(struct dp_tm *tm, uint32_t port, uint8_t eligible)
{
	struct tm_port *p = &tm->ports[port];
	uint32_t prio = p->turn, steps;
	struct tm_queue *q;

	if (!(eligible >> prio & 1) || tm->queues[prio][port].deficit < head_len(tm, port, prio))
		for (steps = 0;; steps++) {
			uint32_t later = eligible & ~((2u << prio) - 1);

			if (steps == (uint32_t)__builtin_popcount(eligible))
				drr_skip(tm, port, eligible);
			prio = (uint32_t)__builtin_ctz(later ? later : eligible);
			q = &tm->queues[prio][port];
			q->deficit += (uint64_t)tm->cfg.quantum_bytes * tm->cfg.cls[prio].weight;
			if (q->deficit >= head_len(tm, port, prio))
				break;
		}
	tm->queues[prio][port].deficit -= head_len(tm, port, prio);
	p->turn = (uint8_t)prio;
	return prio;
}

int dp_tm_dequeue(struct dp_tm *tm, uint32_t port, struct dp_tm_pkt *out, uint64_t now_ps)
{
	struct tm_port *p = &tm->ports[port];
	const struct dp_tm_class *c;
	struct tm_queue *q;
	struct tm_entry *e;
	uint32_t prio, i;
	uint8_t eligible;

	assert(port < tm->cfg.nports);
	if (!p->active)
		return 0;
	if (dp_unlikely(now_ps >= tm->next_ps))
		dp_tm_tick(tm, now_ps);
	/* In a storm whose queue is not dropped, pauses do not count. */
	eligible = (uint8_t)(p->active & (~p->paused | p->storm));
	if (!eligible)
		return 0;
	if (eligible & tm->strict)
		prio = 31 - (uint32_t)__builtin_clz(eligible & tm->strict);
	else if (!(eligible & (eligible - 1)))
		prio = (uint32_t)__builtin_ctz(eligible);
	else
		prio = drr(tm, port, eligible);

	c = &tm->cfg.cls[prio];
	q = &tm->queues[prio][port];
	i = q->head;
	e = &tm->entries[i];
	q->head = e->next;
	q->bytes -= e->len;
	if (q->head == TM_NONE) {
		q->deficit = 0; /* who had nothing to send saves nothing up */
		p->active &= (uint8_t)~(1 << prio);
	}
	*out = (struct dp_tm_pkt){
		.len = e->len,
		.handle = e->handle,
		.in_port = e->in_port,
		.out_port = (uint16_t)port,
		.prio = (uint8_t)prio,
		.ect = e->flags & TM_ECT,
		.ce = !!(e->flags & TM_CE),
		.tenant = e->tenant,
	};
	if (c->ecn == 2 && out->ect && marks(tm, c, q->bytes)) {
		out->ce = 1;
		tm->stats.marked++;
	}
	if (tm->dogs[prio])
		tm->dogs[prio][port].sent = true;
	tm_release(tm, e);
	e->next = tm->free_entry;
	tm->free_entry = i;
	tm->stats.dequeued++;
	tm->stats.dequeued_bytes += out->len;
	tm_check_call(tm);
	return 1;
}

/* ---- what is asked -------------------------------------------------------------------------------------------- */

const struct dp_tm_stats *dp_tm_stats(const struct dp_tm *tm)
{
	return &tm->stats;
}

uint64_t dp_tm_queue_bytes(const struct dp_tm *tm, uint32_t port, uint32_t prio)
{
	return tm->queues[prio] ? tm->queues[prio][port].bytes : 0;
}

uint64_t dp_tm_ingress_bytes(const struct dp_tm *tm, uint32_t port, uint32_t prio)
{
	return tm->pgs[prio] ? tm->pgs[prio][port].used : 0;
}

uint64_t dp_tm_threshold_bytes(const struct dp_tm *tm, uint32_t prio)
{
	const struct dp_tm_class *c = &tm->cfg.cls[prio];

	return c->ingress_alpha_e6 ? c->ingress_alpha_e6 * (tm->shared_total - tm->stats.shared_bytes) / TM_E6
				   : c->xoff_bytes;
}

int dp_tm_waits(const struct dp_tm *tm, uint32_t in_port, uint32_t out_port, uint32_t prio)
{
	uint32_t i;

	if (!tm->queues[prio])
		return 0;
	for (i = tm->queues[prio][out_port].head; i != TM_NONE; i = tm->entries[i].next)
		if (tm->entries[i].in_port == in_port)
			return 1;
	return 0;
}
