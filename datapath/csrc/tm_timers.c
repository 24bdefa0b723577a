/*
 * What time does to queues: pauses of the neighbour, which end by themselves, and the PFC watchdog. The watchdog polls
 * on a grid of watchdog_ps while anything is paused. A queue is stuck in an interval when it is not empty, nothing was
 * sent from it, and it was paused for more than 99 % of it; stuck watchdog_polls times in a row, it is in a storm, until
 * a poll finds that it has not been paused for watchdog_restore_ps (the semantics of SONiC's PFC watchdog).
 */
#include <assert.h>

#include "datapath/csrc/tm_int.h"

static void update_next(struct dp_tm *tm)
{
	uint32_t port, prio, left = tm->npaused;
	uint8_t mask;

	tm->next_ps = tm->poll_ps;
	for (port = 0; left && port < tm->cfg.nports; port++)
		for (mask = tm->ports[port].paused; mask; mask &= (uint8_t)(mask - 1)) {
			prio = (uint32_t)__builtin_ctz(mask);
			tm->next_ps = DP_MIN(tm->next_ps, tm->queues[prio][port].until_ps);
			left--;
		}
}

static void resume(struct dp_tm *tm, uint32_t port, uint32_t prio, uint64_t now_ps)
{
	tm->ports[port].paused &= (uint8_t)~(1 << prio);
	tm->npaused--;
	tm_dog_resumed(tm, port, prio, now_ps);
}

void dp_tm_pause(struct dp_tm *tm, uint32_t port, uint8_t mask, uint64_t until_ps, uint64_t now_ps)
{
	struct tm_port *p = &tm->ports[port];
	uint32_t prio;

	assert(port < tm->cfg.nports);
	if (now_ps >= tm->next_ps)
		dp_tm_tick(tm, now_ps);
	for (mask &= tm->lossless; mask; mask &= (uint8_t)(mask - 1)) {
		prio = (uint32_t)__builtin_ctz(mask);
		if (until_ps <= now_ps) {
			if (p->paused >> prio & 1)
				resume(tm, port, prio, now_ps);
			continue;
		}
		/* Without memory there is no queue either, and nothing to pause. */
		if (!tm_open_prio(tm, prio))
			continue;
		tm->queues[prio][port].until_ps = until_ps;
		if (!(p->paused >> prio & 1)) {
			p->paused |= (uint8_t)(1 << prio);
			tm->npaused++;
			tm_dog_paused(tm, port, prio, now_ps);
		}
		/* A pause that is prolonged leaves next_ps too early; the tick then finds the right one. */
		tm->next_ps = DP_MIN(tm->next_ps, DP_MIN(until_ps, tm->poll_ps));
	}
	tm_check_call(tm);
}

uint64_t dp_tm_next_ps(const struct dp_tm *tm)
{
	return tm->next_ps;
}

void dp_tm_tick(struct dp_tm *tm, uint64_t now_ps)
{
	uint32_t port, prio, left = tm->npaused;
	uint8_t mask;

	if (now_ps < tm->next_ps)
		return;
	for (port = 0; left && port < tm->cfg.nports; port++)
		for (mask = tm->ports[port].paused; mask; mask &= (uint8_t)(mask - 1)) {
			prio = (uint32_t)__builtin_ctz(mask);
			left--;
			if (tm->queues[prio][port].until_ps > now_ps)
				continue;
			/* It ended when it was to end, however late the tick is: the watchdog counts it so. */
			resume(tm, port, prio, tm->queues[prio][port].until_ps);
			if (tm->ports[port].active >> prio & 1)
				tm_list_push(tm, TM_READY, port);
		}
	if (now_ps >= tm->poll_ps)
		tm_dog_poll(tm, now_ps);
	update_next(tm);
	tm_check_call(tm);
}

int dp_tm_next_ready(struct dp_tm *tm, uint32_t *port)
{
	uint32_t i = tm_list_pop(tm, TM_READY);

	if (i == TM_NONE)
		return 0;
	*port = i;
	return 1;
}

int dp_tm_next_dropped(struct dp_tm *tm, struct dp_tm_pkt *out)
{
	uint32_t i = tm->dropped_head;
	struct tm_entry *e;

	if (i == TM_NONE)
		return 0;
	e = &tm->entries[i];
	tm->dropped_head = e->next;
	*out = (struct dp_tm_pkt){
		.len = e->len,
		.handle = e->handle,
		.in_port = e->in_port,
		.out_port = e->out_port,
		.prio = e->prio,
		.ect = e->flags & TM_ECT,
		.ce = !!(e->flags & TM_CE),
		.tenant = e->tenant,
	};
	e->next = tm->free_entry;
	tm->free_entry = i;
	return 1;
}

/* ---- watchdog ------------------------------------------------------------------------------------------------- */

void tm_dog_paused(struct dp_tm *tm, uint32_t port, uint32_t prio, uint64_t now_ps)
{
	if (!tm->cfg.watchdog_ps)
		return;
	tm->dogs[prio][port].since_ps = now_ps;
	if (tm->poll_ps != DP_NEVER)
		return;
	tm->last_poll_ps = now_ps - now_ps % tm->cfg.watchdog_ps;
	tm->poll_ps = dp_add_ps(tm->last_poll_ps, tm->cfg.watchdog_ps);
}

void tm_dog_resumed(struct dp_tm *tm, uint32_t port, uint32_t prio, uint64_t now_ps)
{
	struct tm_dog *dog;

	if (!tm->cfg.watchdog_ps)
		return;
	dog = &tm->dogs[prio][port];
	dog->paused_ps += now_ps - DP_MIN(now_ps, dog->since_ps);
	dog->clear_ps = now_ps;
}

static void flush(struct dp_tm *tm, uint32_t port, uint32_t prio)
{
	struct tm_queue *q = &tm->queues[prio][port];
	uint32_t i;

	if (q->head == TM_NONE)
		return;
	for (i = q->head; i != TM_NONE; i = tm->entries[i].next) {
		tm_release(tm, &tm->entries[i]);
		tm->stats.drops[DP_TM_DROP_WATCHDOG]++;
		tm->stats.dequeued++;
		tm->stats.dequeued_bytes += tm->entries[i].len;
	}
	if (tm->dropped_head == TM_NONE)
		tm->dropped_head = q->head;
	else
		tm->entries[tm->dropped_tail].next = q->head;
	tm->dropped_tail = q->tail;
	*q = (struct tm_queue){.head = TM_NONE, .tail = TM_NONE, .until_ps = q->until_ps};
	tm->ports[port].active &= (uint8_t)~(1 << prio);
}

/* Whether there is something to look at again. */
static bool poll_queue(struct dp_tm *tm, uint32_t port, uint32_t prio, uint64_t now_ps)
{
	struct tm_port *p = &tm->ports[port];
	struct tm_dog *dog = &tm->dogs[prio][port];
	uint64_t interval_ps = now_ps - tm->last_poll_ps, paused_ps = dog->paused_ps;
	uint8_t bit = (uint8_t)(1 << prio);
	bool stuck;

	if (p->paused & bit) {
		paused_ps += now_ps - DP_MIN(now_ps, dog->since_ps);
		dog->since_ps = now_ps;
	}
	stuck = p->active & bit && !dog->sent && paused_ps > interval_ps - interval_ps / 100;
	dog->paused_ps = 0;
	dog->sent = false;
	if (p->storm & bit) {
		if (p->paused & bit || now_ps - DP_MIN(now_ps, dog->clear_ps) < tm->cfg.watchdog_restore_ps)
			return true;
		p->storm &= (uint8_t)~bit;
		tm->nstorms--;
		dog->stuck = 0;
		return false;
	}
	dog->stuck = stuck ? dog->stuck + 1 : 0;
	if (dog->stuck < tm->cfg.watchdog_polls)
		return dog->stuck > 0;
	p->storm |= bit;
	tm->nstorms++;
	tm->stats.storms++;
	if (tm->cfg.watchdog_drop)
		flush(tm, port, prio);
	else
		tm_list_push(tm, TM_READY, port);
	return true;
}

void tm_dog_poll(struct dp_tm *tm, uint64_t now_ps)
{
	uint32_t port, prio;
	bool again = tm->npaused > 0;

	for (prio = 0; prio < DP_TM_PRIOS; prio++)
		for (port = 0; tm->dogs[prio] && port < tm->cfg.nports; port++)
			again |= poll_queue(tm, port, prio, now_ps);
	tm->last_poll_ps = now_ps;
	tm->poll_ps = again ? dp_add_ps(now_ps - now_ps % tm->cfg.watchdog_ps, tm->cfg.watchdog_ps) : DP_NEVER;
}
