/* Keys: gathered from a packet's slots, and checked and brought into their one form when the control plane gives them. */
#include "datapath/csrc/pipeline_int.h"

void dp_pl_key_gather(const struct pl_key *keys, uint32_t n_keys, const uint64_t *slots, uint64_t *key)
{
	uint32_t i, k;

	for (i = 0; i < n_keys; i++) {
		*key++ = slots[keys[i].slot];
		for (k = 1; k < keys[i].words; k++)
			*key++ = slots[keys[i].slot + k];
	}
}

static uint64_t word_mask(const struct pl_key *f, uint32_t k)
{
	return k + 1 < f->words ? ~0ULL : pl_mask(f->width - 64 * k);
}

static bool fits(const struct pl_key *f, const uint64_t *v)
{
	return !(v[f->words - 1] & ~word_mask(f, f->words - 1));
}

static bool all_ones(const struct pl_key *f, const uint64_t *mask)
{
	uint32_t k;

	for (k = 0; k < f->words; k++) {
		if (mask[k] != word_mask(f, k))
			return false;
	}
	return true;
}

/* The length of a mask that is a prefix, or -1. */
static int64_t prefix_len(const struct pl_key *f, const uint64_t *mask)
{
	int64_t len = 0;
	bool end = false;
	uint32_t k;

	for (k = f->words; k-- > 0;) {
		uint64_t all = word_mask(f, k), gap = ~mask[k] & all;

		if (end && mask[k])
			return -1;
		if (gap & (gap + 1))
			return -1;
		end = gap != 0;
		len += __builtin_popcountll(mask[k]);
	}
	return len;
}

static bool ordered(const struct pl_key *f, const uint64_t *lo, const uint64_t *hi)
{
	uint32_t k;

	for (k = f->words; k-- > 0;) {
		if (lo[k] != hi[k])
			return lo[k] < hi[k];
	}
	return true;
}

static bool zero(const struct pl_key *f, const uint64_t *mask)
{
	uint32_t k;

	for (k = 0; k < f->words; k++) {
		if (mask[k])
			return false;
	}
	return true;
}

int dp_pl_key_read(const struct pl_table *t, const uint64_t *in, uint32_t n, uint64_t *words, uint32_t *prefix)
{
	uint64_t *masks = words + t->kw, *lo = words + 2 * t->kw, *hi = lo + t->rw;
	uint32_t i, k;
	int64_t len;

	*prefix = 0;
	if (n != 2 * t->kw || (n && !in))
		return -EINVAL;
	for (i = 0; i < t->n_keys; i++) {
		const struct pl_key *f = &t->keys[i];
		const uint64_t *value = in + 2 * f->word, *other = value + f->words;

		if (!fits(f, value) || !fits(f, other))
			return -EINVAL;
		switch ((enum dp_pl_match)f->match) {
		case DP_PL_EXACT:
			if (!all_ones(f, other))
				return -EINVAL;
			break;
		case DP_PL_LPM:
			len = prefix_len(f, other);
			if (len < 0)
				return -EINVAL;
			*prefix += (uint32_t)len;
			break;
		case DP_PL_OPTIONAL:
			if (!all_ones(f, other) && !zero(f, other))
				return -EINVAL;
			break;
		case DP_PL_RANGE:
			if (!ordered(f, value, other))
				return -EINVAL;
			break;
		default:
			break;
		}
		for (k = 0; k < f->words; k++) {
			bool range = f->match == DP_PL_RANGE;

			words[f->word + k] = range ? 0 : value[k] & other[k];
			if (t->masked)
				masks[f->word + k] = range ? 0 : other[k];
			if (range) {
				lo[f->range + k] = value[k];
				hi[f->range + k] = other[k];
			}
		}
	}
	return 0;
}

bool dp_pl_vset_find(struct dp_pl_worker *w, const struct pl_vset *v)
{
	const struct pl_vset_data *d = atomic_load_explicit(&v->data, memory_order_acquire);
	uint32_t i, m, k;

	for (m = 0; d && m < d->n; m++) {
		const uint64_t *at = d->words + (size_t)m * 2 * v->kw;
		bool ok = true;

		for (i = 0; ok && i < v->n_keys; i++) {
			const struct pl_key *f = &v->keys[i];
			const uint64_t *key = w->slots + f->slot, *value = at + 2 * f->word, *other = value + f->words;

			if (f->match == DP_PL_RANGE) {
				ok = ordered(f, value, key) && ordered(f, key, other);
				continue;
			}
			for (k = 0; ok && k < f->words; k++)
				ok = !((key[k] ^ value[k]) & other[k]);
		}
		if (ok)
			return true;
	}
	return false;
}
