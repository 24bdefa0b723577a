/*
 * What happened, for the control plane: digests, log messages, failed assertions, learnt entries, and entries that nobody used for
 * their time. A worker writes into one of two banks; dp_pl_events() hands one out and goes on with the other.
 */
#include <stdlib.h>

#include "datapath/csrc/pipeline_int.h"

static bool grow(struct pl_events *ev, uint32_t bytes)
{
	void *more;
	uint32_t cap;

	if (ev->n == PL_MAX_EVENTS || ev->used + bytes > PL_EVENT_BYTES)
		return false;
	if (ev->n == ev->cap) {
		cap = DP_MAX(16, 2 * ev->cap);
		more = realloc(ev->at, cap * sizeof(*ev->at));
		if (!more)
			return false;
		ev->at = more;
		ev->cap = cap;
	}
	if (ev->used + bytes > ev->cap_bytes) {
		cap = DP_MAX(DP_MAX(1024, 2 * ev->cap_bytes), ev->used + bytes);
		more = realloc(ev->bytes, cap);
		if (!more)
			return false;
		ev->bytes = more;
		ev->cap_bytes = cap;
	}
	return true;
}

void dp_pl_event_list(struct dp_pl_worker *w, uint32_t kind, uint32_t id, const struct pl_list *list)
{
	struct pl_events *ev = &w->ev[w->ev_now];
	uint32_t most = list ? list->max_bits / 8 + list->n + PL_PAD : 0, len = 0;

	if (!grow(ev, most)) {
		w->stats.events_lost++;
		return;
	}
	if (list)
		len = dp_pl_list_event(w, list, ev->bytes + ev->used);
	w->stats.digests += kind == DP_PL_E_DIGEST;
	/* bytes move as they grow: dp_pl_events() makes the pointers */
	ev->at[ev->n++] = (struct dp_pl_event){.kind = kind, .id = id, .len = len, .in = w->in, .handle = ev->used};
	ev->used += len;
}

void dp_pl_event_handle(struct dp_pl_worker *w, uint32_t kind, uint32_t id, uint64_t handle)
{
	struct pl_events *ev = &w->ev[w->ev_now];

	if (!grow(ev, 0)) {
		w->stats.events_lost++;
		return;
	}
	ev->at[ev->n++] = (struct dp_pl_event){.kind = kind, .id = id, .in = w->in, .handle = handle};
}

int64_t dp_pl_events(struct dp_pl_worker *w, const struct dp_pl_event **out)
{
	struct pl_events *ev = &w->ev[w->ev_now];
	uint32_t i;

	for (i = 0; i < ev->n; i++) {
		struct dp_pl_event *e = &ev->at[i];

		if (e->kind == DP_PL_E_IDLE || e->kind == DP_PL_E_LEARNT)
			continue;
		e->data = e->len ? ev->bytes + e->handle : NULL;
		e->handle = 0;
	}
	w->ev_now ^= 1;
	w->ev[w->ev_now].n = w->ev[w->ev_now].used = 0;
	*out = ev->at;
	return ev->n;
}

void dp_pl_events_fini(struct pl_events *ev)
{
	free(ev->at);
	free(ev->bytes);
}

void dp_pl_entry_expire(struct dp_pl_worker *w, const struct pl_table *t, const struct pl_entry *e, uint64_t idle_ps)
{
	struct dp_pl *pl = w->pl;
	struct pl_entry *now;

	if (!e->state)
		return;
	pthread_mutex_lock(&pl->lock);
	/* It may have gone since it was hit; its handle is not used again for long. */
	now = dp_pl_entry_get(t, e->handle);
	if (now && now->state == e->state) {
		atomic_store_explicit(&e->state->idle_ps, idle_ps, memory_order_relaxed);
		dp_wheel_arm(&pl->wheel, &e->state->timer, idle_ps ? dp_add_ps(w->ts_ps, idle_ps) : DP_NEVER);
	}
	pthread_mutex_unlock(&pl->lock);
}

uint64_t dp_pl_next_ps(const struct dp_pl *const_pl)
{
	struct dp_pl *pl = (struct dp_pl *)const_pl; /* the lock is not the caller's to see */
	uint64_t ps;

	pthread_mutex_lock(&pl->lock);
	ps = dp_wheel_next_ps(&pl->wheel);
	pthread_mutex_unlock(&pl->lock);
	return ps;
}

/* One timer: used since, then it goes on; else the entry is reported (once for each time it was used), or goes. */
static void expire(struct dp_pl_worker *w, struct pl_state *s, uint64_t now_ps)
{
	struct dp_pl *pl = w->pl;
	struct pl_table *t = &pl->tables[s->table];
	uint64_t last_ps = atomic_load_explicit(&s->last_ps, memory_order_relaxed);
	uint64_t idle_ps = atomic_load_explicit(&s->idle_ps, memory_order_relaxed);
	struct pl_entry *e;

	if (!idle_ps)
		return;
	if (dp_add_ps(last_ps, idle_ps) > now_ps) {
		dp_wheel_arm(&pl->wheel, &s->timer, dp_add_ps(last_ps, idle_ps));
		return;
	}
	if (s->told_ps != last_ps)
		dp_pl_event_handle(w, DP_PL_E_IDLE, s->table, s->handle);
	s->told_ps = last_ps;
	e = dp_pl_entry_get(t, s->handle);
	if ((t->flags & DP_PL_T_IDLE_DELETE) && e)
		dp_pl_entry_remove(pl, t, e);
	else
		dp_wheel_arm(&pl->wheel, &s->timer, dp_add_ps(now_ps, idle_ps));
}

void dp_pl_tick(struct dp_pl_worker *w, uint64_t now_ps)
{
	struct dp_pl *pl = w->pl;
	struct dp_timer *timer;

	pthread_mutex_lock(&pl->lock);
	if (now_ps > atomic_load_explicit(&pl->now_ps, memory_order_relaxed))
		atomic_store_explicit(&pl->now_ps, now_ps, memory_order_relaxed);
	while ((timer = dp_wheel_pop(&pl->wheel, now_ps)))
		expire(w, DP_CONTAINER_OF(timer, struct pl_state, timer), now_ps);
	dp_pl_reclaim(pl);
	pthread_mutex_unlock(&pl->lock);
}
