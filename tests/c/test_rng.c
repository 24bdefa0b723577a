/* The generator against its published first outputs, and the fairness of its bounded draw. */
#include "datapath/csrc/rng.h"
#include "tests/c/check.h"

static void test_first_outputs(void)
{
	struct dp_rng r = {{1, 2, 3, 4}};

	/* By hand from the definition: rotl(2 * 5, 7) * 9, and so on. */
	CHECK_EQ(dp_rng_next(&r), 11520);
	CHECK_EQ(dp_rng_next(&r), 0);
	CHECK_EQ(dp_rng_next(&r), 1509978240);
	CHECK_EQ(dp_rng_next(&r), 1215971899390074240);
	dp_rng_seed(&r, 0);
	CHECK_EQ(r.s[0], 0xe220a8397b1dcdaf);
	CHECK_EQ(r.s[1], 0x6e789e6aa1b965f4);
}

static void test_two_generators_do_not_meet(void)
{
	struct dp_rng a, b;
	int i;

	dp_rng_seed(&a, 7);
	dp_rng_seed(&b, 7);
	for (i = 0; i < 100; i++)
		CHECK_EQ(dp_rng_next(&a), dp_rng_next(&b));
	dp_rng_seed(&b, 8);
	CHECK(dp_rng_next(&a) != dp_rng_next(&b));
}

static void test_below(void)
{
	uint32_t seen[10] = {0};
	struct dp_rng r;
	uint64_t v, high = 0;
	int i;

	dp_rng_seed(&r, 3);
	CHECK_EQ(dp_rng_below(&r, 0), 0);
	CHECK_EQ(dp_rng_below(&r, 1), 0);
	for (i = 0; i < 100000; i++) {
		v = dp_rng_below(&r, 10);
		if (CHECK(v < 10))
			seen[v]++;
	}
	for (i = 0; i < 10; i++)
		CHECK(seen[i] > 9500 && seen[i] < 10500);
	/* 3 * 2^62: without rejection a third of the results would be drawn twice as often. */
	for (i = 0; i < 30000; i++) {
		v = dp_rng_below(&r, 3ULL << 62);
		high += v % 3 == 0;
	}
	CHECK(high > 9500 && high < 10500);
}

static void test_chance(void)
{
	struct dp_rng r;
	int i, hits = 0;

	dp_rng_seed(&r, 4);
	for (i = 0; i < 1000000; i++)
		hits += dp_rng_chance_ppb(&r, 10000000);
	CHECK(hits > 9500 && hits < 10500);
	CHECK(!dp_rng_chance_ppb(&r, 0));
	CHECK(dp_rng_chance_ppb(&r, 1000000000));
}

int main(void)
{
	test_first_outputs();
	test_two_generators_do_not_meet();
	test_below();
	test_chance();
	return check_done();
}
