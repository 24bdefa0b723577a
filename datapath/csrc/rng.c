/* xoshiro256** 1.0 and splitmix64, from their published definitions (Blackman and Vigna 2018; Steele et al. 2014). */
#include "datapath/csrc/rng.h"

__extension__ typedef unsigned __int128 uint128;

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

void dp_rng_seed(struct dp_rng *r, uint64_t seed)
{
	uint64_t z;
	int i;

	/* splitmix64 maps no seed to the all-zero state, which xoshiro could never leave. */
	for (i = 0; i < 4; i++) {
		z = seed += 0x9e3779b97f4a7c15ULL;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
		r->s[i] = z ^ z >> 31;
	}
}

uint64_t dp_rng_next(struct dp_rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t dp_rng_below(struct dp_rng *r, uint64_t bound)
{
	uint64_t threshold;
	uint128 m;

	if (!bound)
		return 0;
	/* Lemire 2019: the high half of random x bound, rejecting the few low halves that would favour some results. */
	m = (uint128)dp_rng_next(r) * bound;
	if ((uint64_t)m < bound) {
		threshold = -bound % bound;
		while ((uint64_t)m < threshold)
			m = (uint128)dp_rng_next(r) * bound;
	}
	return (uint64_t)(m >> 64);
}
