/* Meters: RFC 2697 and RFC 2698 step by step, and long runs at a steady rate. */
#include "tests/c/check.h"

#include "datapath/csrc/pipeline_int.h"

enum { GREEN, YELLOW, RED };
#define BLIND (~0ULL)

static void test_a_meter_without_rates_says_the_colour_that_came_in(void)
{
	struct pl_meter m = {0};

	CHECK_EQ(dp_pl_meter_run(&m, 1000, 0, BLIND), GREEN);
	CHECK_EQ(dp_pl_meter_run(&m, 1000, 0, YELLOW), YELLOW);
	CHECK_EQ(dp_pl_meter_run(&m, 1000, 0, 99), RED);
}

static void test_two_rates_colour_by_both_buckets(void)
{
	struct pl_meter m = {0};
	struct dp_pl_meter_cfg cfg = {.cir = 1000, .cbs = 300, .pir = 2000, .pbs = 500};
	uint64_t t = DP_SEC;

	dp_pl_meter_config(&m, &cfg, t);
	CHECK_EQ(dp_pl_meter_run(&m, 300, t, BLIND), GREEN);  /* c 0, p 200 */
	CHECK_EQ(dp_pl_meter_run(&m, 200, t, BLIND), YELLOW); /* p 0 */
	CHECK_EQ(dp_pl_meter_run(&m, 1, t, BLIND), RED);
	t += 100 * DP_MS;                                     /* c 100, p 200 */
	CHECK_EQ(dp_pl_meter_run(&m, 150, t, BLIND), YELLOW); /* p 50 */
	CHECK_EQ(dp_pl_meter_run(&m, 60, t, BLIND), RED);     /* takes nothing */
	CHECK_EQ(dp_pl_meter_run(&m, 50, t, BLIND), GREEN);   /* c 50, p 0 */
	t += 10 * DP_SEC;                                     /* full again, not fuller */
	CHECK_EQ(dp_pl_meter_run(&m, 10, t, RED), RED);
	CHECK_EQ(dp_pl_meter_run(&m, 10, t, YELLOW), YELLOW); /* p 490, c 300 */
	CHECK_EQ(dp_pl_meter_run(&m, 301, t, BLIND), YELLOW); /* p 189 */
	CHECK_EQ(dp_pl_meter_run(&m, 189, t, BLIND), GREEN);
	/* time does not run backwards */
	CHECK_EQ(dp_pl_meter_run(&m, 1, t - DP_SEC, BLIND), RED);
}

static void test_one_rate_fills_the_excess_bucket_with_what_the_committed_one_cannot_hold(void)
{
	struct pl_meter m = {0};
	struct dp_pl_meter_cfg cfg = {.cir = 1000, .cbs = 100, .pbs = 200};
	uint64_t t = 0;

	dp_pl_meter_config(&m, &cfg, t);
	CHECK_EQ(dp_pl_meter_run(&m, 100, t, BLIND), GREEN);
	CHECK_EQ(dp_pl_meter_run(&m, 150, t, BLIND), YELLOW); /* e 50 */
	CHECK_EQ(dp_pl_meter_run(&m, 100, t, BLIND), RED);
	t += 200 * DP_MS; /* c 100, e 150 */
	CHECK_EQ(dp_pl_meter_run(&m, 151, t, BLIND), RED);
	CHECK_EQ(dp_pl_meter_run(&m, 150, t, BLIND), YELLOW);
	CHECK_EQ(dp_pl_meter_run(&m, 1, t, YELLOW), RED); /* yellow may not use what is committed */
	CHECK_EQ(dp_pl_meter_run(&m, 100, t, BLIND), GREEN);
}

static void test_the_rate_is_kept_over_many_small_steps(void)
{
	struct pl_meter m = {0};
	struct dp_pl_meter_cfg cfg = {.cir = 999983, .cbs = 1500, .pir = 1999993, .pbs = 3000};
	uint64_t green = 0, passed = 0, t = 0;

	dp_pl_meter_config(&m, &cfg, 0);
	/* 10 MB a second of 100 bytes, for a second */
	for (int i = 0; i < 100000; i++) {
		uint32_t colour = dp_pl_meter_run(&m, 100, t, BLIND);

		green += colour == GREEN ? 100 : 0;
		passed += colour != RED ? 100 : 0;
		t += 10 * DP_US;
	}
	CHECK(green >= 999983 - 200 && green <= 999983 + 1500);
	CHECK(passed >= 1999993 - 200 && passed <= 1999993 + 3000);
}

static void test_rates_and_bursts_of_any_size_do_not_overflow(void)
{
	struct pl_meter m = {0};
	struct dp_pl_meter_cfg cfg = {.cir = UINT64_MAX, .cbs = UINT64_MAX, .pir = UINT64_MAX, .pbs = UINT64_MAX};

	dp_pl_meter_config(&m, &cfg, 0);
	CHECK_EQ(dp_pl_meter_run(&m, 1ULL << 62, DP_NEVER - 1, BLIND), GREEN);
	CHECK_EQ(dp_pl_meter_run(&m, 1ULL << 62, DP_NEVER, BLIND), GREEN);
	CHECK_EQ(dp_pl_meter_run(&m, UINT64_MAX, DP_NEVER, BLIND), RED);
}

int main(void)
{
	RUN(test_a_meter_without_rates_says_the_colour_that_came_in);
	RUN(test_two_rates_colour_by_both_buckets);
	RUN(test_one_rate_fills_the_excess_bucket_with_what_the_committed_one_cannot_hold);
	RUN(test_the_rate_is_kept_over_many_small_steps);
	RUN(test_rates_and_bursts_of_any_size_do_not_overflow);
	return check_done();
}
