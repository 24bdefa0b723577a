/* The token bucket: burst, exact long-run rate, what next_ps promises. */
#include "datapath/csrc/port_rate.h"
#include "tests/c/check.h"
#include "tests/c/frames.h"

static struct dp_port *rate_on_mem(uint64_t rate_bps, uint32_t burst, uint32_t overhead, struct dp_port **peer)
{
	struct dp_port *a;

	CHECK_EQ(dp_port_mem_pair(64, 0, &a, peer), 0);
	a->mtu = 1500;
	return dp_port_rate_new(a, rate_bps, burst, overhead);
}

static void test_burst_then_the_wait_that_next_ps_names(void)
{
	struct test_frame t[3];
	struct dp_frame *v[3];
	struct dp_port *p, *peer;
	int i;

	/* 1 Gb/s: 8000 ps a byte. Frames of 1000 bytes, a burst of 2000. */
	p = rate_on_mem(1000000000, 2000, 0, &peer);
	for (i = 0; i < 3; i++)
		v[i] = test_frame_v4(&t[i], (uint32_t)i, 972);
	CHECK_EQ(dp_port_tx(p, v, 3, 500), 2);
	CHECK_EQ(dp_port_next_ps(p), 500 + 8000000);
	CHECK_EQ(dp_port_tx(p, v + 2, 1, 500 + 7999999), 0);
	CHECK_EQ(dp_port_tx(p, v + 2, 1, 500 + 8000000), 1);
	CHECK_EQ(dp_port_next_ps(p), DP_NEVER);
	CHECK_EQ(p->stats.tx_busy, 2);
	/* After a long idle time: a burst, not more. */
	CHECK_EQ(dp_port_tx(p, v, 3, DP_SEC), 2);
	CHECK_EQ(dp_port_next_ps(p), DP_SEC + 8000000);
	dp_port_tick(p, DP_SEC + 8000000);
	CHECK_EQ(dp_port_next_ps(p), DP_NEVER);
	dp_port_free(p);
	dp_port_free(peer);
}

static void test_no_drift(void)
{
	/* 7 Gb/s: 100 bytes are 114285.714... ps; 7000 frames are 800 us to the picosecond. */
	struct dp_port *p, *peer;
	uint64_t now_ps = 0;
	struct test_frame t;
	struct dp_frame *r;
	int sent = 0;

	p = rate_on_mem(7000000000, 1500, 0, &peer);
	test_frame_v4(&t, 1, 72);
	while (sent < 15 + 7000) {
		if (test_tx1(p, &t.f, now_ps)) {
			sent++;
			dp_port_rx(peer, &r, 1, now_ps);
		} else {
			CHECK(dp_port_next_ps(p) > now_ps);
			now_ps = dp_port_next_ps(p);
		}
	}
	/* Rounding to a picosecond at each wait, never adding up. */
	CHECK(now_ps >= 800 * DP_US - 1 && now_ps <= 800 * DP_US + 1);
	dp_port_free(p);
	dp_port_free(peer);
}

static void test_overhead_counts(void)
{
	struct dp_port *p, *peer;
	struct test_frame t;

	p = rate_on_mem(1000000000, 1538, 38, &peer);
	test_frame_v4(&t, 1, 1500 - 28);
	CHECK_EQ(test_tx1(p, &t.f, 0), 1);
	CHECK_EQ(test_tx1(p, &t.f, 0), 0);
	CHECK_EQ(dp_port_next_ps(p), 1538 * 8000);
	/* What the inner port refuses costs nothing and does not block. */
	t.f.len = 1501 - 28;
	CHECK_EQ(test_tx1(p, &t.f, 0), 1);
	CHECK_EQ(dp_port_inner(p)->stats.tx_errors, 1);
	dp_port_free(p);
	dp_port_free(peer);
}

static void test_busy_inner_port_costs_nothing(void)
{
	struct dp_port *a, *b, *p;
	struct test_frame t;
	struct dp_frame *r;

	CHECK_EQ(dp_port_mem_pair(1, 100, &a, &b), 0);
	a->mtu = 1000;
	p = dp_port_rate_new(a, 1000000000, 2000, 0);
	test_frame_v4(&t, 1, 972);
	CHECK_EQ(test_tx1(p, &t.f, 0), 1);
	CHECK_EQ(test_tx1(p, &t.f, 0), 0);
	CHECK_EQ(dp_port_next_ps(p), 100); /* when the queue has room, not when there are tokens */
	CHECK_EQ(dp_port_rx(b, &r, 1, 100), 1);
	CHECK_EQ(test_tx1(p, &t.f, 100), 1);
	dp_port_free(p);
	dp_port_free(b);
}

static void test_bad_arguments(void)
{
	struct dp_port *a, *b;

	CHECK_EQ(dp_port_mem_pair(1, 0, &a, &b), 0);
	a->mtu = 1500;
	errno = 0;
	CHECK(!dp_port_rate_new(NULL, 1000000, 2000, 0) && errno == EINVAL);
	CHECK(!dp_port_rate_new(a, 999, 2000, 0));
	CHECK(!dp_port_rate_new(a, 1000000, 1499, 0)); /* a full frame would never leave */
	CHECK(!dp_port_rate_new(a, 1000000, 1500, 1));
	CHECK(!dp_port_rate_new(a, 1000000, UINT32_MAX, 0));
	CHECK(!dp_port_rate_new(a, 1000000, 2000, 1001));
	dp_port_free(a);
	dp_port_free(b);
}

int main(void)
{
	test_burst_then_the_wait_that_next_ps_names();
	test_no_drift();
	test_overhead_counts();
	test_busy_inner_port_costs_nothing();
	test_bad_arguments();
	return check_done();
}
