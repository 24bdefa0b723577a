/*
 * A set of entries by their key, the writers' side (table_set.h has the readers'): open addressing with linear probing. A slot is one word, the entry's address with 16 bits of the
 * key's hash above it, so readers see a slot whole and seldom follow a pointer in vain. One writer at a time; any number of
 * readers, who keep using a table that was replaced by a larger one until they are out of it.
 */
#include <assert.h>
#include <stdlib.h>

#include "datapath/csrc/table_set.h"

#define MIN_SLOTS 16

static void put(struct pl_oht *t, const struct pl_set *s, struct pl_entry *e)
{
	uint64_t h = pl_key_hash(e->words, s->kw), at = h & t->mask;

	assert(!((uintptr_t)e >> 48));
	while (atomic_load_explicit(&t->slot[at], memory_order_relaxed) > PL_DELETED)
		at = (at + 1) & t->mask;
	atomic_store_explicit(&t->slot[at], PL_TAG(h) | (uintptr_t)e, memory_order_release);
}

static int resize(struct dp_pl *pl, struct pl_set *s, uint64_t slots)
{
	struct pl_oht *old = atomic_load_explicit(&s->oht, memory_order_relaxed), *t;
	uint64_t i, slot;

	t = calloc(1, sizeof(*t) + slots * sizeof(t->slot[0]));
	if (!t)
		return -ENOMEM;
	t->mask = slots - 1;
	for (i = 0; old && i <= old->mask; i++) {
		slot = atomic_load_explicit(&old->slot[i], memory_order_relaxed);
		if (slot > PL_DELETED)
			put(t, s, PL_PTR(slot));
	}
	s->used = s->live;
	atomic_store_explicit(&s->oht, t, memory_order_release);
	dp_pl_retire(pl, old);
	return 0;
}

/* At most 5 of 8 slots are in use, deleted ones counted. */
int dp_pl_set_reserve(struct dp_pl *pl, struct pl_set *s, uint64_t n)
{
	const struct pl_oht *t = atomic_load_explicit(&s->oht, memory_order_relaxed);
	uint64_t slots = MIN_SLOTS;

	if (t && (s->used + n) * 8 <= (t->mask + 1) * 5)
		return 0;
	while ((s->live + n) * 8 > slots * 5)
		slots *= 2;
	/* Not so tight that the next few entries make it grow again. */
	if ((s->live + n) * 16 > slots * 9)
		slots *= 2;
	return resize(pl, s, slots);
}

int dp_pl_set_add(struct dp_pl *pl, struct pl_set *s, struct pl_entry *e)
{
	int err = dp_pl_set_reserve(pl, s, 1);

	if (err)
		return err;
	put(atomic_load_explicit(&s->oht, memory_order_relaxed), s, e);
	s->live++;
	s->used++;
	return 0;
}

static _Atomic uint64_t *slot_of(const struct pl_set *s, const struct pl_entry *e, struct pl_oht **table,
				 uint64_t *where)
{
	struct pl_oht *t = atomic_load_explicit(&s->oht, memory_order_relaxed);
	uint64_t at = pl_key_hash(e->words, s->kw) & t->mask;

	while (PL_PTR(atomic_load_explicit(&t->slot[at], memory_order_relaxed)) != e)
		at = (at + 1) & t->mask;
	*table = t;
	*where = at;
	return &t->slot[at];
}

void dp_pl_set_del(struct pl_set *s, struct pl_entry *e)
{
	struct pl_oht *t;
	uint64_t at;
	_Atomic uint64_t *slot = slot_of(s, e, &t, &at);

	/* no probe goes on behind an empty slot, so none needs a mark before it */
	if (!atomic_load_explicit(&t->slot[(at + 1) & t->mask], memory_order_relaxed)) {
		atomic_store_explicit(slot, 0, memory_order_release);
		s->used--;
	} else {
		atomic_store_explicit(slot, PL_DELETED, memory_order_release);
	}
	s->live--;
}

void dp_pl_set_swap(struct pl_set *s, struct pl_entry *old, struct pl_entry *e)
{
	struct pl_oht *t;
	uint64_t at;
	_Atomic uint64_t *slot = slot_of(s, old, &t, &at);

	atomic_store_explicit(slot, PL_TAG(atomic_load_explicit(slot, memory_order_relaxed)) | (uintptr_t)e,
			      memory_order_release);
}

void dp_pl_set_clear(struct dp_pl *pl, struct pl_set *s)
{
	struct pl_oht *old = atomic_load_explicit(&s->oht, memory_order_relaxed);

	atomic_store_explicit(&s->oht, NULL, memory_order_release);
	s->live = s->used = 0;
	dp_pl_retire(pl, old);
}
