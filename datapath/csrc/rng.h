/* Seeded generator (xoshiro256**, Blackman and Vigna 2018; seeded by splitmix64): one per object, never shared. */
#ifndef DP_RNG_H
#define DP_RNG_H

#include "datapath/csrc/base.h"

struct dp_rng {
	uint64_t s[4];
};

void dp_rng_seed(struct dp_rng *r, uint64_t seed);
uint64_t dp_rng_next(struct dp_rng *r);

/* Uniform in [0, bound), unbiased; 0 for bound 0. */
uint64_t dp_rng_below(struct dp_rng *r, uint64_t bound);

/* True with probability p_ppb / 10^9, by integers only, so that outcomes are equal on every machine. */
static inline bool dp_rng_chance_ppb(struct dp_rng *r, uint32_t p_ppb)
{
	return p_ppb && dp_rng_below(r, 1000000000) < p_ppb;
}

#endif
