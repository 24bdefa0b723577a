/*
 * Longest prefix of one key of up to 32 bits: a trie of 16, 8 and 8 bits. A slot knows the best prefix that ends at its level and
 * covers it, and what lies below: nothing, a short list of longer prefixes (longest first), or, once that list has
 * outgrown BUCKET, another 256 slots. So a table of 1000 routes is a megabyte, and 1 M scattered /32 need no node each.
 *
 * Readers go down without a lock; a prefix that covers many slots comes and goes slot by slot.
 */
#include <stdlib.h>

#include "datapath/csrc/table_set.h"

#define BUCKET     16
#define ROOT_SLOTS 65536
#define NODE_SLOTS 256

/* The levels end at these bits. */
static const uint32_t level_end[3] = {16, 24, 32};

static struct pl_lpm_slot *node_of(uintptr_t sub)
{
	return (struct pl_lpm_slot *)(sub & ~(uintptr_t)1);
}

static uint32_t key_of(const struct pl_table *t, const struct pl_entry *e)
{
	return (uint32_t)e->words[0] << t->lpm_shift;
}

static uint32_t mask_of(uint32_t len)
{
	return len ? ~0U << (32 - len) : 0;
}

struct pl_entry *dp_pl_lpm_find(const struct pl_table *t, uint32_t key)
{
	const struct pl_lpm_slot *slot = atomic_load_explicit(&t->root, memory_order_acquire);
	struct pl_entry *best, *e;
	uint32_t level, i;
	uintptr_t sub;

	if (!slot)
		return NULL;
	key <<= t->lpm_shift;
	slot += key >> 16;
	best = atomic_load_explicit(&slot->best, memory_order_acquire);
	for (level = 1;; level++) {
		sub = atomic_load_explicit(&slot->sub, memory_order_acquire);
		if (!sub)
			return best;
		if (!(sub & 1)) {
			const struct pl_lpm_bucket *bucket = (const struct pl_lpm_bucket *)sub;

			for (i = 0; i < bucket->n; i++) {
				if ((key ^ bucket->item[i].key) & bucket->item[i].mask)
					continue;
				e = atomic_load_explicit(&bucket->item[i].entry, memory_order_acquire);
				if (dp_likely(e != NULL))
					return e;
			}
			return best;
		}
		slot = node_of(sub) + (key >> (32 - level_end[level]) & 0xff);
		e = atomic_load_explicit(&slot->best, memory_order_acquire);
		if (e)
			best = e;
	}
}

/* The slots of level `level` that a prefix of `len` bits covers. */
static struct pl_lpm_slot *covered(struct pl_lpm_slot *slots, uint32_t level, uint32_t key, uint32_t len, uint32_t *n)
{
	uint32_t bits = level ? 8 : 16;

	*n = 1U << (level_end[level] - len);
	return slots + (key >> (32 - level_end[level]) & ((1U << bits) - 1));
}

static void cover(struct pl_lpm_slot *slots, uint32_t level, uint32_t key, uint32_t len, struct pl_entry *e)
{
	uint32_t n;
	struct pl_lpm_slot *s;

	for (s = covered(slots, level, key, len, &n); n; n--, s++) {
		struct pl_entry *best = atomic_load_explicit(&s->best, memory_order_relaxed);

		if (!best || best->rank < len)
			atomic_store_explicit(&s->best, e, memory_order_release);
	}
}

static void replace(struct pl_lpm_slot *slots, uint32_t level, uint32_t key, uint32_t len, const struct pl_entry *old,
		    struct pl_entry *e)
{
	uint32_t n;
	struct pl_lpm_slot *s;

	for (s = covered(slots, level, key, len, &n); n; n--, s++) {
		if (atomic_load_explicit(&s->best, memory_order_relaxed) == old)
			atomic_store_explicit(&s->best, e, memory_order_release);
	}
}

static uint32_t copy_items(struct pl_lpm_bucket *to, uint32_t at, const struct pl_lpm_bucket *from, uint32_t first,
			   uint32_t end, const struct pl_entry *without)
{
	for (; first < end; first++) {
		struct pl_entry *e = atomic_load_explicit(&from->item[first].entry, memory_order_relaxed);

		if (!e || e == without)
			continue;
		to->item[at].key = from->item[first].key;
		to->item[at].mask = from->item[first].mask;
		atomic_init(&to->item[at++].entry, e);
	}
	return at;
}

/* A bucket like `old` with e in it, longest first; NULL: no memory. */
static struct pl_lpm_bucket *with(const struct pl_lpm_bucket *old, uint32_t key, uint32_t len, struct pl_entry *e)
{
	uint32_t n = old ? old->n : 0, i = 0, k;
	struct pl_lpm_bucket *b = malloc(sizeof(*b) + (n + 1) * sizeof(b->item[0]));

	if (!b)
		return NULL;
	while (i < n && old->item[i].mask >= mask_of(len))
		i++;
	k = copy_items(b, 0, old, 0, i, NULL);
	b->item[k].key = key;
	b->item[k].mask = mask_of(len);
	atomic_init(&b->item[k++].entry, e);
	b->n = copy_items(b, k, old, i, n, NULL);
	return b;
}

static int add_below(struct dp_pl *pl, struct pl_table *t, struct pl_lpm_slot *slots, uint32_t level,
		     struct pl_entry *e);

static void free_node(struct pl_lpm_slot *slots, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t sub = atomic_load_explicit(&slots[i].sub, memory_order_relaxed);

		if (sub & 1)
			free_node(node_of(sub), NODE_SLOTS);
		else
			free((void *)sub);
	}
	free(slots);
}

/* 256 slots in the place of a bucket that is full; 0: no memory. */
static uintptr_t split(struct dp_pl *pl, struct pl_table *t, const struct pl_lpm_bucket *b, uint32_t level)
{
	struct pl_lpm_slot *node = calloc(NODE_SLOTS, sizeof(*node));
	uint32_t i;

	if (!node)
		return 0;
	for (i = 0; i < b->n; i++) {
		if (add_below(pl, t, node, level, atomic_load_explicit(&b->item[i].entry, memory_order_relaxed))) {
			free_node(node, NODE_SLOTS);
			return 0;
		}
	}
	return (uintptr_t)node | 1;
}

static int add_below(struct dp_pl *pl, struct pl_table *t, struct pl_lpm_slot *slots, uint32_t level,
		     struct pl_entry *e)
{
	uint32_t key = key_of(t, e), len = (uint32_t)e->rank, n;
	struct pl_lpm_bucket *b, *old;
	struct pl_lpm_slot *slot;
	uintptr_t sub, node;

	if (len <= level_end[level]) {
		cover(slots, level, key, len, e);
		return 0;
	}
	slot = covered(slots, level, key, level_end[level], &n);
	sub = atomic_load_explicit(&slot->sub, memory_order_relaxed);
	if (sub & 1)
		return add_below(pl, t, node_of(sub), level + 1, e);
	old = (struct pl_lpm_bucket *)sub;
	b = with(old, key, len, e);
	if (!b)
		return -ENOMEM;
	if (b->n <= BUCKET) {
		atomic_store_explicit(&slot->sub, (uintptr_t)b, memory_order_release);
	} else {
		node = split(pl, t, b, level + 1);
		free(b);
		if (!node)
			return -ENOMEM;
		atomic_store_explicit(&slot->sub, node, memory_order_release);
	}
	dp_pl_retire(pl, old);
	return 0;
}

int dp_pl_lpm_add(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e)
{
	struct pl_lpm_slot *root = atomic_load_explicit(&t->root, memory_order_relaxed);
	int err;

	if (!root) {
		root = calloc(ROOT_SLOTS, sizeof(*root));
		if (!root)
			return -ENOMEM;
		atomic_store_explicit(&t->root, root, memory_order_release);
	}
	err = dp_pl_set_add(pl, &t->set, e);
	if (err)
		return err;
	err = add_below(pl, t, root, 0, e);
	if (err)
		dp_pl_set_del(&t->set, e);
	return err;
}

/* The longest prefix that is shorter than e, covers it and ends at the same level; NULL: none. */
static struct pl_entry *parent(const struct pl_table *t, const struct pl_entry *e, uint32_t level)
{
	uint32_t width = 32 - t->lpm_shift, len = (uint32_t)e->rank, least = level ? level_end[level - 1] + 1 : 0;

	while (len-- > least) {
		uint64_t mask = len ? pl_mask(width) & ~(pl_mask(width) >> len) : 0,
			 key[2] = {e->words[0] & mask, mask};
		struct pl_entry *p = pl_set_find(&t->set, key);

		if (p)
			return p;
	}
	return NULL;
}

void dp_pl_lpm_del(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e)
{
	struct pl_lpm_slot *slots = atomic_load_explicit(&t->root, memory_order_relaxed), *slot;
	uint32_t key = key_of(t, e), len = (uint32_t)e->rank, level, n, i;
	struct pl_lpm_bucket *old, *b;
	uintptr_t sub;

	dp_pl_set_del(&t->set, e);
	for (level = 0; len > level_end[level]; level++) {
		slot = covered(slots, level, key, level_end[level], &n);
		sub = atomic_load_explicit(&slot->sub, memory_order_relaxed);
		if (sub & 1) {
			slots = node_of(sub);
			continue;
		}
		old = (struct pl_lpm_bucket *)sub;
		b = old->n > 1 ? malloc(sizeof(*b) + (old->n - 1) * sizeof(b->item[0])) : NULL;
		if (!b && old->n > 1) {
			/* Without memory the item stays, as one that finds nothing. */
			for (i = 0; i < old->n; i++) {
				if (atomic_load_explicit(&old->item[i].entry, memory_order_relaxed) == e)
					atomic_store_explicit(&old->item[i].entry, NULL, memory_order_release);
			}
			return;
		}
		if (b)
			b->n = copy_items(b, 0, old, 0, old->n, e);
		atomic_store_explicit(&slot->sub, (uintptr_t)b, memory_order_release);
		dp_pl_retire(pl, old);
		return;
	}
	replace(slots, level, key, len, e, parent(t, e, level));
}

void dp_pl_lpm_swap(struct pl_table *t, struct pl_entry *old, struct pl_entry *e)
{
	struct pl_lpm_slot *slots = atomic_load_explicit(&t->root, memory_order_relaxed), *slot;
	uint32_t key = key_of(t, e), len = (uint32_t)e->rank, level, n, i;
	uintptr_t sub;

	dp_pl_set_swap(&t->set, old, e);
	for (level = 0; len > level_end[level]; level++) {
		slot = covered(slots, level, key, level_end[level], &n);
		sub = atomic_load_explicit(&slot->sub, memory_order_relaxed);
		if (!(sub & 1)) {
			struct pl_lpm_bucket *b = (struct pl_lpm_bucket *)sub;

			for (i = 0; i < b->n; i++) {
				if (atomic_load_explicit(&b->item[i].entry, memory_order_relaxed) == old)
					atomic_store_explicit(&b->item[i].entry, e, memory_order_release);
			}
			return;
		}
		slots = node_of(sub);
	}
	replace(slots, level, key, len, old, e);
}

static void retire_node(struct dp_pl *pl, struct pl_lpm_slot *slots, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t sub = atomic_load_explicit(&slots[i].sub, memory_order_relaxed);

		if (sub & 1)
			retire_node(pl, node_of(sub), NODE_SLOTS);
		else
			dp_pl_retire(pl, (void *)sub);
	}
	dp_pl_retire(pl, slots);
}

void dp_pl_lpm_clear(struct dp_pl *pl, struct pl_table *t)
{
	struct pl_lpm_slot *root = atomic_load_explicit(&t->root, memory_order_relaxed);

	atomic_store_explicit(&t->root, NULL, memory_order_release);
	dp_pl_set_clear(pl, &t->set);
	if (root)
		retire_node(pl, root, ROOT_SLOTS);
}

static uint64_t node_bytes(const struct pl_lpm_slot *slots, uint32_t n)
{
	uint64_t bytes = n * sizeof(*slots);

	for (uint32_t i = 0; i < n; i++) {
		uintptr_t sub = atomic_load_explicit(&slots[i].sub, memory_order_relaxed);

		if (sub & 1)
			bytes += node_bytes(node_of(sub), NODE_SLOTS);
		else if (sub)
			bytes += sizeof(struct pl_lpm_bucket) +
				 ((const struct pl_lpm_bucket *)sub)->n * sizeof(struct pl_lpm_item);
	}
	return bytes;
}

uint64_t dp_pl_lpm_bytes(const struct pl_table *t)
{
	const struct pl_lpm_slot *root = atomic_load_explicit(&t->root, memory_order_relaxed);

	return root ? node_bytes(root, ROOT_SLOTS) : 0;
}
