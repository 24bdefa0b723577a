/*
 * Ternary, optional and range fields, and prefixes of what is not one key of 32 bits: tuple space search (Srinivasan, Suri, Varghese,
 * SIGCOMM 1999). Entries with the same mask are one tuple, a hash table of masked keys; tuples are tried in order of the best
 * rank they may hold until no later one can win. A range field is in no tuple's mask: its ends are compared.
 */
#include <stdlib.h>

#include "datapath/csrc/table_set.h"

static int compare(const uint64_t *a, const uint64_t *b, uint32_t words)
{
	while (words-- > 0) {
		if (a[words] != b[words])
			return a[words] < b[words] ? -1 : 1;
	}
	return 0;
}

static bool in_ranges(const struct pl_table *t, const struct pl_entry *e, const uint64_t *key)
{
	const uint64_t *lo = e->words + 2 * t->kw, *hi = lo + t->rw;
	uint32_t i;

	for (i = 0; i < t->n_keys; i++) {
		const struct pl_key *f = &t->keys[i];

		if (f->match == DP_PL_RANGE && (compare(key + f->word, lo + f->range, f->words) < 0 ||
						compare(key + f->word, hi + f->range, f->words) > 0))
			return false;
	}
	return true;
}

static bool better(const struct pl_entry *e, const struct pl_entry *than)
{
	return !than || e->rank > than->rank || (e->rank == than->rank && e->seq < than->seq);
}

struct pl_entry *dp_pl_tss_find(const struct pl_table *t, const uint64_t *key)
{
	const struct pl_tuples *all = atomic_load_explicit(&t->tuples, memory_order_acquire);
	struct pl_entry *best = NULL, *e;
	uint64_t masked[PL_MAX_KEY];
	struct pl_probe probe;
	uint32_t i, k;

	for (i = 0; all && i < all->n && (!best || best->rank <= all->at[i].max_rank); i++) {
		const struct pl_tuple *tuple = all->at[i].tuple;

		for (k = 0; k < t->kw; k++)
			masked[k] = key[k] & tuple->mask[k];
		pl_set_probe(&tuple->set, masked, &probe);
		while ((e = pl_set_next(&tuple->set, masked, &probe))) {
			if (better(e, best) && (!t->rw || in_ranges(t, e, key)))
				best = e;
		}
	}
	return best;
}

static struct pl_tuple *tuple_of(const struct pl_table *t, const struct pl_entry *e)
{
	const struct pl_tuples *all = atomic_load_explicit(&t->tuples, memory_order_relaxed);
	uint32_t i;

	for (i = 0; all && i < all->n; i++) {
		if (compare(all->at[i].tuple->mask, e->words + t->kw, t->kw) == 0)
			return all->at[i].tuple;
	}
	return NULL;
}

struct pl_entry *dp_pl_tss_same(const struct pl_table *t, const struct pl_entry *e)
{
	struct pl_entry *other;
	struct pl_probe probe;
	const struct pl_tuple *tuple = tuple_of(t, e);

	if (!tuple)
		return NULL;
	pl_set_probe(&tuple->set, e->words, &probe);
	while ((other = pl_set_next(&tuple->set, e->words, &probe))) {
		if (other->rank == e->rank && compare(other->words + 2 * t->kw, e->words + 2 * t->kw, 2 * t->rw) == 0)
			return other;
	}
	return NULL;
}

static int by_rank(const void *a, const void *b)
{
	const struct pl_tuple_at *x = a, *y = b;

	return x->max_rank < y->max_rank ? 1 : x->max_rank > y->max_rank ? -1 : 0;
}

/* A new list of tuples: with one more, with one gone, or in another order. */
static int relist(struct dp_pl *pl, struct pl_table *t, struct pl_tuple *added, const struct pl_tuple *gone)
{
	struct pl_tuples *old = atomic_load_explicit(&t->tuples, memory_order_relaxed), *all;
	uint32_t n = old ? old->n : 0, i;

	all = malloc(sizeof(*all) + (n + 1) * sizeof(all->at[0]));
	if (!all)
		return -ENOMEM;
	all->n = 0;
	for (i = 0; i < n; i++) {
		if (old->at[i].tuple != gone)
			all->at[all->n++].tuple = old->at[i].tuple;
	}
	if (added)
		all->at[all->n++].tuple = added;
	for (i = 0; i < all->n; i++)
		all->at[i].max_rank = all->at[i].tuple->max_rank;
	qsort(all->at, all->n, sizeof(all->at[0]), by_rank);
	atomic_store_explicit(&t->tuples, all, memory_order_release);
	dp_pl_retire(pl, old);
	return 0;
}

int dp_pl_tss_add(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e)
{
	struct pl_tuple *tuple = tuple_of(t, e);
	uint64_t before;
	int err;

	if (tuple) {
		err = dp_pl_set_reserve(pl, &tuple->set, 1);
		if (err)
			return err;
		before = tuple->max_rank;
		if (e->rank > before) {
			/* readers must know the bound before they could miss what is above it */
			tuple->max_rank = e->rank;
			err = relist(pl, t, NULL, NULL);
			if (err) {
				tuple->max_rank = before;
				return err;
			}
		}
		return dp_pl_set_add(pl, &tuple->set, e);
	}
	tuple = calloc(1, sizeof(*tuple) + 8 * t->kw);
	if (!tuple)
		return -ENOMEM;
	tuple->set.kw = t->kw;
	tuple->max_rank = e->rank;
	memcpy(tuple->mask, e->words + t->kw, 8 * t->kw);
	err = dp_pl_set_add(pl, &tuple->set, e);
	if (!err)
		err = relist(pl, t, tuple, NULL);
	if (err) {
		free(atomic_load_explicit(&tuple->set.oht, memory_order_relaxed));
		free(tuple);
	}
	return err;
}

void dp_pl_tss_del(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e)
{
	struct pl_tuple *tuple = tuple_of(t, e);

	dp_pl_set_del(&tuple->set, e);
	/* Without memory for a shorter list an empty tuple stays, which costs time only. */
	if (!tuple->set.live && relist(pl, t, NULL, tuple) == 0) {
		dp_pl_retire(pl, atomic_load_explicit(&tuple->set.oht, memory_order_relaxed));
		dp_pl_retire(pl, tuple);
	}
}

void dp_pl_tss_swap(struct pl_table *t, struct pl_entry *old, struct pl_entry *e)
{
	dp_pl_set_swap(&tuple_of(t, old)->set, old, e);
}

void dp_pl_tss_clear(struct dp_pl *pl, struct pl_table *t)
{
	struct pl_tuples *all = atomic_load_explicit(&t->tuples, memory_order_relaxed);
	uint32_t i;

	atomic_store_explicit(&t->tuples, NULL, memory_order_release);
	for (i = 0; all && i < all->n; i++) {
		dp_pl_retire(pl, atomic_load_explicit(&all->at[i].tuple->set.oht, memory_order_relaxed));
		dp_pl_retire(pl, all->at[i].tuple);
	}
	dp_pl_retire(pl, all);
}
