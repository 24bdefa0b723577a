/* Every sum that should agree: entries against queues, PGs and pools, masks against what they stand for. */
#include <assert.h>
#include <stdlib.h>

#include "datapath/csrc/tm_int.h"

#define AGREE(cond) \
	do { \
		if (!(cond)) \
			goto out; \
	} while (0)

static int check_prio(const struct dp_tm *tm, uint32_t prio, uint64_t *pg_used, struct dp_tm_stats *sum)
{
	const struct dp_tm_class *c = &tm->cfg.cls[prio];
	int ret = -EIO;
	uint32_t port, i, last;
	uint64_t bytes;

	memset(pg_used, 0, sizeof(*pg_used) * tm->cfg.nports);
	for (port = 0; port < tm->cfg.nports; port++) {
		const struct tm_queue *q = &tm->queues[prio][port];

		bytes = 0;
		last = TM_NONE;
		for (i = q->head; i != TM_NONE; i = tm->entries[i].next) {
			const struct tm_entry *e = &tm->entries[i];

			AGREE(i < tm->entries_used && e->prio == prio && e->out_port == port);
			AGREE(e->in_port < tm->cfg.nports && sum->enqueued++ < tm->entries_used);
			bytes += e->len;
			pg_used[e->in_port] += tm_cost(tm, e->len);
			last = i;
		}
		AGREE(bytes == q->bytes && (last == TM_NONE || last == q->tail));
		AGREE((q->head != TM_NONE) == (tm->ports[port].active >> prio & 1));
		sum->enqueued_bytes += bytes;
	}
	for (port = 0; port < tm->cfg.nports; port++) {
		const struct tm_pg *pg = &tm->pgs[prio][port];

		AGREE(pg->used == pg_used[port] && pg->headroom <= pg->used && pg->headroom <= c->headroom_bytes);
		AGREE(!!pg->xoff == (tm->ports[port].xoff >> prio & 1) && pg->xoff <= tm->nxoffs);
		AGREE(!pg->xoff || tm->xoffs[pg->xoff - 1] == (prio << 16 | port));
		AGREE(!pg->headroom || pg->xoff);
		sum->used_bytes += pg->used;
		sum->headroom_bytes += pg->headroom;
		sum->shared_bytes += tm_pg_shared(pg, c);
		sum->xoffs += !!pg->xoff;
	}
	ret = 0;
out:
	return ret;
}

int dp_tm_check(const struct dp_tm *tm)
{
	uint64_t *pg_used = calloc(tm->cfg.nports, sizeof(*pg_used));
	const struct dp_tm_stats *s = &tm->stats;
	struct dp_tm_stats sum = {0};
	uint32_t prio, port, npaused = 0, nstorms = 0, i, idle = 0, closed = 0;
	int ret = -EIO;

	if (!pg_used)
		return -ENOMEM;
	for (prio = 0; prio < DP_TM_PRIOS; prio++) {
		if (!tm->queues[prio])
			closed |= 1u << prio;
		else
			AGREE(!check_prio(tm, prio, pg_used, &sum));
	}
	for (port = 0; port < tm->cfg.nports; port++) {
		const struct tm_port *p = &tm->ports[port];

		AGREE(!((p->active | p->paused | p->storm | p->xoff) & closed) && !(p->paused & ~tm->lossless));
		AGREE(p->in[TM_PFC] || p->xoff == p->told);
		npaused += (uint32_t)__builtin_popcount(p->paused);
		nstorms += (uint32_t)__builtin_popcount(p->storm);
		for (i = p->paused; i; i &= i - 1)
			AGREE(tm->next_ps <= tm->queues[__builtin_ctz(i)][port].until_ps);
	}
	AGREE(npaused == tm->npaused && nstorms == tm->nstorms && sum.xoffs == tm->nxoffs);
	AGREE(tm->next_ps <= tm->poll_ps);
	AGREE(sum.used_bytes == s->used_bytes && sum.shared_bytes == s->shared_bytes &&
	      sum.headroom_bytes == s->headroom_bytes);
	AGREE(s->used_bytes <= tm->cfg.buffer_bytes && s->shared_bytes <= tm->shared_total &&
	      s->headroom_bytes <= tm->headroom_total);
	AGREE(sum.enqueued == s->enqueued - s->dequeued && sum.enqueued_bytes == s->enqueued_bytes - s->dequeued_bytes);
	AGREE(s->xoffs - s->xons == tm->nxoffs);
	for (i = tm->free_entry; i != TM_NONE; i = tm->entries[i].next)
		AGREE(i < tm->entries_used && idle++ < tm->entries_used);
	for (i = tm->dropped_head; i != TM_NONE; i = tm->entries[i].next)
		AGREE(i < tm->entries_used && idle++ < tm->entries_used);
	AGREE(idle + sum.enqueued == tm->entries_used);
	ret = 0;
out:
	free(pg_used);
	return ret;
}

#ifdef DPU_SANITIZE
void tm_check_call(struct dp_tm *tm)
{
	const struct dp_tm_stats *s = &tm->stats;

	/* What costs nothing after every call. */
	assert(s->used_bytes <= tm->cfg.buffer_bytes && s->shared_bytes <= tm->shared_total);
	assert(s->headroom_bytes <= tm->headroom_total && s->shared_bytes + s->headroom_bytes <= s->used_bytes);
	assert(s->enqueued >= s->dequeued && s->enqueued_bytes >= s->dequeued_bytes);
	assert(tm->cfg.cell_bytes != 1 || s->used_bytes == s->enqueued_bytes - s->dequeued_bytes);
	/* All of it at every call of a small one; of a larger one so often that a call costs about as much as 64 entries. */
	tm->calls_unchecked++;
	if (tm->calls_unchecked * 64 < tm->entries_used + tm->cfg.nports * DP_TM_PRIOS)
		return;
	tm->calls_unchecked = 0;
	assert(dp_tm_check(tm) == 0);
}
#endif
