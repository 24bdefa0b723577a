/* A set of entries by their key, for readers (table_set.c says how it works). Inline: a packet's time is spent here. */
#ifndef DP_TABLE_SET_H
#define DP_TABLE_SET_H

#include "datapath/csrc/pipeline_int.h"

#define PL_DELETED   1ULL
#define PL_PTR(slot) ((struct pl_entry *)(uintptr_t)((slot) & 0xffffffffffffULL))
#define PL_TAG(hash) ((hash) & 0xffff000000000000ULL)

static inline uint64_t pl_key_hash(const uint64_t *key, uint32_t kw)
{
	uint64_t h = 0x9e3779b97f4a7c15ULL;
	uint32_t i;

	for (i = 0; i < kw; i++) {
		unsigned __int128 m = (unsigned __int128)(h ^ key[i]) * 0xd6e8feb86659fd93ULL;

		h = (uint64_t)m ^ (uint64_t)(m >> 64);
	}
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 29;
}

static inline bool pl_same_key(const uint64_t *a, const uint64_t *b, uint32_t kw)
{
	uint32_t i;

	for (i = 0; i < kw; i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

/* All entries of a key, one after the other. */
struct pl_probe {
	const struct pl_oht *oht;
	uint64_t at, tag;
};

static inline void pl_set_probe(const struct pl_set *s, const uint64_t *key, struct pl_probe *p)
{
	uint64_t h = pl_key_hash(key, s->kw);

	p->oht = atomic_load_explicit(&s->oht, memory_order_acquire);
	p->tag = PL_TAG(h);
	p->at = h;
}

static inline struct pl_entry *pl_set_next(const struct pl_set *s, const uint64_t *key, struct pl_probe *p)
{
	const struct pl_oht *t = p->oht;
	uint64_t slot;

	if (!t)
		return NULL;
	for (;;) {
		slot = atomic_load_explicit(&t->slot[p->at++ & t->mask], memory_order_acquire);
		if (!slot)
			return NULL;
		if (slot != PL_DELETED && PL_TAG(slot) == p->tag && pl_same_key(PL_PTR(slot)->words, key, s->kw))
			return PL_PTR(slot);
	}
}

static inline struct pl_entry *pl_set_find(const struct pl_set *s, const uint64_t *key)
{
	struct pl_probe p;

	pl_set_probe(s, key, &p);
	return pl_set_next(s, key, &p);
}

#endif
