/*
 * Tables: what is common to all kinds of match. Entries are immutable; a change is a new entry in the place of the old one. What
 * does change about an entry (counts, its meter, when it was used) is a struct pl_state beside it.
 *
 * A handle is the index of a place among t->handles, and above it how often that place was used.
 */
#include <stdlib.h>

#include "datapath/csrc/table_set.h"

#define NO_HANDLE 0xffffffff

struct pl_entry *dp_pl_table_find(struct dp_pl_worker *w, const struct pl_table *t)
{
	if (dp_likely(t->one_word))
		w->key[0] = w->slots[t->keys[0].slot];
	else
		dp_pl_key_gather(t->keys, t->n_keys, w->slots, w->key);
	switch (t->kind) {
	case PL_T_EXACT:
		return pl_set_find(&t->set, w->key);
	case PL_T_LPM32:
		return dp_pl_lpm_find(t, (uint32_t)w->key[0]);
	default:
		return dp_pl_tss_find(t, w->key);
	}
}

const uint64_t *dp_pl_table_action(struct dp_pl_worker *w, const struct pl_table *t, const struct pl_entry *e,
				   uint32_t *action)
{
	const struct pl_mdata *m;

	if (dp_likely(!e->ref)) {
		*action = e->action;
		return e->words + t->data_at;
	}
	m = dp_pl_profile_pick(w, t, e);
	if (!m)
		return NULL;
	*action = m->action;
	return m->words;
}

int dp_pl_table_init(struct dp_pl *pl, struct pl_table *t)
{
	const struct pl_action *def;
	uint32_t i, at;

	t->free_handle = NO_HANDLE;
	t->one_word = t->n_keys == 1 && t->kw == 1;
	t->set.kw = t->kind == PL_T_LPM32 ? 2 : t->kw;
	t->data_at = t->kw + (t->masked ? t->kw + 2 * t->rw : 0);
	def = &t->actions[t->initial_action];
	t->initial_def = calloc(1, sizeof(*t->initial_def) + 8 * (def->words + 1));
	if (!t->initial_def)
		return -ENOMEM;
	t->initial_def->action = t->initial_action;
	for (i = 0, at = 0; i < def->words; i++)
		t->initial_def->words[at++] = pl->consts[t->initial_data + i];
	atomic_init(&t->def, t->initial_def);
	return 0;
}

static struct pl_entry *entry_new(const struct pl_table *t, uint32_t action, const uint64_t *data)
{
	uint32_t words = t->profile ? 0 : t->actions[action].words;
	struct pl_entry *e = calloc(1, sizeof(*e) + 8 * (t->data_at + (size_t)words));

	if (!e)
		return NULL;
	e->action = action;
	if (words)
		memcpy(e->words + t->data_at, data, 8 * words);
	return e;
}

static struct pl_entry *find_same(const struct pl_table *t, const struct pl_entry *e)
{
	return t->kind == PL_T_TSS ? dp_pl_tss_same(t, e) : pl_set_find(&t->set, e->words);
}

static int link_entry(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e)
{
	switch (t->kind) {
	case PL_T_EXACT:
		return dp_pl_set_add(pl, &t->set, e);
	case PL_T_LPM32:
		return dp_pl_lpm_add(pl, t, e);
	default:
		return dp_pl_tss_add(pl, t, e);
	}
}

static void swap_entry(struct pl_table *t, struct pl_entry *old, struct pl_entry *e)
{
	switch (t->kind) {
	case PL_T_EXACT:
		dp_pl_set_swap(&t->set, old, e);
		break;
	case PL_T_LPM32:
		dp_pl_lpm_swap(t, old, e);
		break;
	default:
		dp_pl_tss_swap(t, old, e);
		break;
	}
}

static int handle_new(struct pl_table *t, struct pl_entry *e)
{
	struct pl_handle *h;
	uint32_t i;

	if (t->free_handle == NO_HANDLE) {
		if (t->n_handles == t->cap_handles) {
			uint32_t cap = DP_MAX(16, t->cap_handles + t->cap_handles / 2);

			h = realloc(t->handles, cap * sizeof(*h));
			if (!h)
				return -ENOMEM;
			t->handles = h;
			t->cap_handles = cap;
		}
		i = t->n_handles++;
		t->handles[i].gen = 0;
	} else {
		i = t->free_handle;
		t->free_handle = t->handles[i].next_free;
	}
	h = &t->handles[i];
	h->gen++;
	h->entry = e;
	e->handle = (uint64_t)h->gen << 32 | i;
	return 0;
}

static void handle_free(struct pl_table *t, uint64_t handle)
{
	uint32_t i = (uint32_t)handle;

	t->handles[i].entry = NULL;
	t->handles[i].next_free = t->free_handle;
	t->free_handle = i;
}

struct pl_entry *dp_pl_entry_get(const struct pl_table *t, uint64_t handle)
{
	uint32_t i = (uint32_t)handle;

	return i < t->n_handles && t->handles[i].entry && t->handles[i].gen == handle >> 32 ? t->handles[i].entry
											    : NULL;
}

static int state_new(struct dp_pl *pl, const struct pl_table *t, struct pl_entry *e, uint64_t idle_ps)
{
	struct pl_state *s;

	if (!t->stateful && !idle_ps)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->table = t->id;
	atomic_init(&s->idle_ps, idle_ps);
	atomic_init(&s->last_ps, atomic_load_explicit(&pl->now_ps, memory_order_relaxed));
	s->told_ps = DP_NEVER;
	e->state = s;
	return 0;
}

static void entry_discard(struct pl_entry *e)
{
	dp_pl_profile_unref(e);
	free(e->state);
	free(e);
}

static int insert(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e, uint64_t idle_ps)
{
	int err;

	if (find_same(t, e))
		return -EEXIST;
	if (t->live >= t->size && !e->is_const)
		return -ENOSPC;
	err = state_new(pl, t, e, idle_ps);
	if (err)
		return err;
	err = handle_new(t, e);
	if (err)
		return err;
	e->seq = t->seq++;
	if (e->state)
		e->state->handle = e->handle;
	err = link_entry(pl, t, e);
	if (err) {
		handle_free(t, e->handle);
		return err;
	}
	t->live++;
	if (idle_ps)
		dp_wheel_arm(&pl->wheel, &e->state->timer,
			     dp_add_ps(atomic_load_explicit(&e->state->last_ps, memory_order_relaxed), idle_ps));
	return 0;
}

int dp_pl_data_check(const struct pl_action *a, const uint64_t *data, uint32_t n)
{
	uint32_t i, at = 0;

	if (n != a->words || (n && !data))
		return -EINVAL;
	for (i = 0; i < a->n_moves; i++) {
		at += a->moves[i].words;
		if (a->params[i].width & 63 && data[at - 1] & ~pl_mask(a->params[i].width & 63))
			return -EINVAL;
	}
	return 0;
}

/* Checks and builds; with the lock held. */
static int prepare(struct dp_pl *pl, struct pl_table *t, const struct dp_pl_entry *in, struct pl_entry **out)
{
	struct pl_entry *e;
	uint32_t prefix;
	int err;

	(void)pl;
	*out = NULL;
	if (t->profile) {
		if ((in->member != 0) == (in->group != 0))
			return -EINVAL;
	} else {
		if (in->member || in->group || in->action >= t->n_actions)
			return -EINVAL;
		if (t->actions[in->action].flags & DP_PL_DEFAULT_ONLY)
			return -EPERM;
		err = dp_pl_data_check(&t->actions[in->action], in->data, in->n_data);
		if (err)
			return err;
	}
	e = entry_new(t, t->profile ? 0 : in->action, in->data);
	if (!e)
		return -ENOMEM;
	err = dp_pl_key_read(t, in->key, in->n_key, e->words, &prefix);
	if (!err && t->profile)
		err = dp_pl_profile_ref(t->profile, in, &e->ref, &e->is_group);
	if (err) {
		free(e);
		return err;
	}
	e->rank = t->lpm_only ? prefix : in->priority;
	e->is_const = in->is_const != 0;
	*out = e;
	return 0;
}

static int add_locked(struct dp_pl *pl, const struct dp_pl_entry *in, uint64_t *handle)
{
	struct pl_table *t = &pl->tables[in->table];
	struct pl_entry *e;
	int err;

	if ((t->flags & DP_PL_T_CONST_ENTRIES) && !in->is_const)
		return -EPERM;
	err = prepare(pl, t, in, &e);
	if (err)
		return err;
	err = insert(pl, t, e, in->idle_ps);
	if (err) {
		entry_discard(e);
		return err;
	}
	if (handle)
		*handle = e->handle;
	return 0;
}

int dp_pl_entry_add(struct dp_pl *pl, const struct dp_pl_entry *in, uint64_t *handle)
{
	int err;

	if (in->table >= pl->n_tables)
		return -ENOENT;
	pthread_mutex_lock(&pl->lock);
	err = add_locked(pl, in, handle);
	pthread_mutex_unlock(&pl->lock);
	return err;
}

int64_t dp_pl_entry_add_bulk(struct dp_pl *pl, const struct dp_pl_entry *first, uint32_t n, uint64_t *handles)
{
	struct dp_pl_entry in = *first;
	struct pl_table *t;
	uint32_t i;
	int err = 0;

	if (in.table >= pl->n_tables)
		return -ENOENT;
	t = &pl->tables[in.table];
	pthread_mutex_lock(&pl->lock);
	if (t->kind != PL_T_TSS)
		dp_pl_set_reserve(pl, &t->set, DP_MIN(n, t->size)); /* without: it grows step by step */
	for (i = 0; i < n; i++) {
		err = add_locked(pl, &in, handles ? &handles[i] : NULL);
		if (err)
			break;
		in.key += in.n_key;
		in.data += in.n_data;
	}
	pthread_mutex_unlock(&pl->lock);
	return i ? (int64_t)i : err;
}

int dp_pl_entry_learn(struct dp_pl_worker *w, struct pl_table *t, uint32_t action, const uint64_t *data,
		      uint64_t idle_ps)
{
	struct dp_pl *pl = w->pl;
	struct pl_entry *e = entry_new(t, action, data);
	int err;

	if (!e)
		return -ENOMEM;
	memcpy(e->words, w->miss[t->id] + 1, 8 * t->kw);
	pthread_mutex_lock(&pl->lock);
	err = insert(pl, t, e, idle_ps);
	pthread_mutex_unlock(&pl->lock);
	if (err) {
		entry_discard(e);
		return err;
	}
	w->miss[t->id][0] = 0;
	dp_pl_event_handle(w, DP_PL_E_LEARNT, t->id, e->handle);
	return 0;
}

int dp_pl_entry_modify(struct dp_pl *pl, uint64_t handle, const struct dp_pl_entry *in)
{
	struct pl_table *t;
	struct pl_entry *old, *e = NULL;
	struct dp_pl_entry all = *in;
	uint32_t prefix_words;
	int err;

	if (in->table >= pl->n_tables)
		return -ENOENT;
	t = &pl->tables[in->table];
	pthread_mutex_lock(&pl->lock);
	old = dp_pl_entry_get(t, handle);
	err = !old ? -ENOENT : old->is_const ? -EPERM : 0;
	if (err)
		goto out;
	/* the key stays: it is taken from the old entry, not from `in` */
	prefix_words = t->data_at;
	all.n_key = 0;
	all.key = NULL;
	err = t->profile || all.action < t->n_actions ? 0 : -EINVAL;
	if (err)
		goto out;
	if (t->profile) {
		err = (all.member != 0) == (all.group != 0) ? -EINVAL : 0;
	} else {
		err = t->actions[all.action].flags & DP_PL_DEFAULT_ONLY
			      ? -EPERM
			      : dp_pl_data_check(&t->actions[all.action], all.data, all.n_data);
	}
	if (err)
		goto out;
	e = entry_new(t, t->profile ? 0 : all.action, all.data);
	if (!e) {
		err = -ENOMEM;
		goto out;
	}
	if (t->profile) {
		err = dp_pl_profile_ref(t->profile, &all, &e->ref, &e->is_group);
		if (err) {
			free(e);
			goto out;
		}
	}
	memcpy(e->words, old->words, 8 * prefix_words);
	e->handle = old->handle;
	e->rank = old->rank;
	e->seq = old->seq;
	e->state = old->state;
	swap_entry(t, old, e);
	t->handles[(uint32_t)handle].entry = e;
	dp_pl_profile_unref(old);
	dp_pl_retire(pl, old);
out:
	pthread_mutex_unlock(&pl->lock);
	return err;
}

void dp_pl_entry_remove(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e)
{
	switch (t->kind) {
	case PL_T_EXACT:
		dp_pl_set_del(&t->set, e);
		break;
	case PL_T_LPM32:
		dp_pl_lpm_del(pl, t, e);
		break;
	default:
		dp_pl_tss_del(pl, t, e);
		break;
	}
	handle_free(t, e->handle);
	t->live--;
	dp_pl_profile_unref(e);
	if (e->state) {
		dp_wheel_disarm(&pl->wheel, &e->state->timer);
		dp_pl_retire(pl, e->state);
	}
	dp_pl_retire(pl, e);
}

int dp_pl_entry_del(struct dp_pl *pl, uint32_t table, uint64_t handle)
{
	struct pl_entry *e;
	int err = 0;

	if (table >= pl->n_tables)
		return -ENOENT;
	pthread_mutex_lock(&pl->lock);
	e = dp_pl_entry_get(&pl->tables[table], handle);
	if (!e)
		err = -ENOENT;
	else if (e->is_const)
		err = -EPERM;
	else
		dp_pl_entry_remove(pl, &pl->tables[table], e);
	pthread_mutex_unlock(&pl->lock);
	return err;
}

int dp_pl_entry_find(struct dp_pl *pl, const struct dp_pl_entry *in, uint64_t *handle)
{
	struct pl_table *t;
	struct pl_entry *e, *found;
	uint32_t prefix;
	int err;

	if (in->table >= pl->n_tables)
		return -ENOENT;
	t = &pl->tables[in->table];
	e = calloc(1, sizeof(*e) + 8 * (t->data_at + 1));
	if (!e)
		return -ENOMEM;
	pthread_mutex_lock(&pl->lock);
	err = dp_pl_key_read(t, in->key, in->n_key, e->words, &prefix);
	if (!err) {
		e->rank = t->lpm_only ? prefix : in->priority;
		found = find_same(t, e);
		if (found)
			*handle = found->handle;
		else
			err = -ENOENT;
	}
	pthread_mutex_unlock(&pl->lock);
	free(e);
	return err;
}

int dp_pl_table_default(struct dp_pl *pl, uint32_t table, uint32_t action, const uint64_t *data, uint32_t n_data)
{
	struct pl_default *d, *old;
	struct pl_table *t;
	int err;

	if (table >= pl->n_tables)
		return -ENOENT;
	t = &pl->tables[table];
	if (action >= t->n_actions)
		return -EINVAL;
	if ((t->flags & DP_PL_T_CONST_DEFAULT) || (t->actions[action].flags & DP_PL_TABLE_ONLY))
		return -EPERM;
	err = dp_pl_data_check(&t->actions[action], data, n_data);
	if (err)
		return err;
	d = calloc(1, sizeof(*d) + 8 * ((size_t)n_data + 1));
	if (!d)
		return -ENOMEM;
	d->action = action;
	if (n_data)
		memcpy(d->words, data, 8 * n_data);
	pthread_mutex_lock(&pl->lock);
	old = atomic_exchange_explicit(&t->def, d, memory_order_acq_rel);
	if (old != t->initial_def)
		dp_pl_retire(pl, old);
	pthread_mutex_unlock(&pl->lock);
	return 0;
}

int dp_pl_table_default_reset(struct dp_pl *pl, uint32_t table)
{
	struct pl_default *old;
	struct pl_table *t;

	if (table >= pl->n_tables)
		return -ENOENT;
	t = &pl->tables[table];
	if (t->flags & DP_PL_T_CONST_DEFAULT)
		return -EPERM;
	pthread_mutex_lock(&pl->lock);
	old = atomic_exchange_explicit(&t->def, t->initial_def, memory_order_acq_rel);
	if (old != t->initial_def)
		dp_pl_retire(pl, old);
	pthread_mutex_unlock(&pl->lock);
	return 0;
}

/* Constant entries stay. */
int dp_pl_table_clear(struct dp_pl *pl, uint32_t table)
{
	struct pl_table *t;
	uint32_t i;

	if (table >= pl->n_tables)
		return -ENOENT;
	t = &pl->tables[table];
	if (t->flags & DP_PL_T_CONST_ENTRIES)
		return -EPERM;
	pthread_mutex_lock(&pl->lock);
	for (i = 0; i < t->n_handles; i++) {
		struct pl_entry *e = t->handles[i].entry;

		if (e && !e->is_const)
			dp_pl_entry_remove(pl, t, e);
	}
	pthread_mutex_unlock(&pl->lock);
	return 0;
}

void dp_pl_table_fini(struct dp_pl *pl, struct pl_table *t)
{
	uint32_t i;

	for (i = 0; i < t->n_handles; i++) {
		struct pl_entry *e = t->handles[i].entry;

		if (e) {
			dp_pl_retire(pl, e->state);
			dp_pl_retire(pl, e);
		}
	}
	if (atomic_load(&t->def) != t->initial_def)
		free(atomic_load(&t->def));
	free(t->initial_def);
	free(t->handles);
	switch (t->kind) {
	case PL_T_EXACT:
		dp_pl_set_clear(pl, &t->set);
		break;
	case PL_T_LPM32:
		dp_pl_lpm_clear(pl, t);
		break;
	default:
		dp_pl_tss_clear(pl, t);
		break;
	}
}

int dp_pl_table_stats(const struct dp_pl *const_pl, uint32_t table, struct dp_pl_table_stats *out)
{
	struct dp_pl *pl = (struct dp_pl *)const_pl; /* the lock and what it guards are not the caller's to see */
	const struct dp_pl_worker *w;
	const struct pl_tuples *tuples;
	const struct pl_oht *oht;
	struct pl_table *t;
	uint32_t i;

	if (table >= pl->n_tables)
		return -ENOENT;
	t = &pl->tables[table];
	pthread_mutex_lock(&pl->lock);
	*out = (struct dp_pl_table_stats){.entries = t->live, .hits = t->gone_hits, .misses = t->gone_misses};
	for (w = pl->workers; w; w = w->next) {
		out->hits += atomic_load_explicit(&w->lookups[2 * table], memory_order_relaxed);
		out->misses += atomic_load_explicit(&w->lookups[2 * table + 1], memory_order_relaxed);
	}
	out->bytes = t->cap_handles * sizeof(*t->handles) + dp_pl_lpm_bytes(t);
	oht = atomic_load_explicit(&t->set.oht, memory_order_relaxed);
	out->bytes += oht ? (oht->mask + 1) * 8 : 0;
	tuples = atomic_load_explicit(&t->tuples, memory_order_relaxed);
	for (i = 0; tuples && i < tuples->n; i++) {
		oht = atomic_load_explicit(&tuples->at[i].tuple->set.oht, memory_order_relaxed);
		out->bytes += sizeof(struct pl_tuple) + 8 * t->kw + (oht ? (oht->mask + 1) * 8 : 0);
	}
	for (i = 0; i < t->n_handles; i++) {
		const struct pl_entry *e = t->handles[i].entry;

		/* 8: what the allocator keeps in front of each */
		if (e)
			out->bytes += 8 + sizeof(*e) +
				      8 * (t->data_at + (t->profile ? 0 : t->actions[e->action].words)) +
				      (e->state ? 8 + sizeof(*e->state) : 0);
	}
	pthread_mutex_unlock(&pl->lock);
	return 0;
}
