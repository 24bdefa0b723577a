/*
 * The traffic manager against what can be computed on paper: thresholds of a shared buffer, headroom, shares of
 * schedulers, marking probability, the watchdog's times. dp_tm_check() sums everything up along the way.
 */
#include <stdlib.h>

#include "datapath/csrc/rng.h"
#include "datapath/csrc/tm.h"
#include "tests/c/check.h"

#define E6    1000000u
#define MTU   9216
#define PORTS 64

static struct dp_tm_cfg base_cfg(void)
{
	struct dp_tm_cfg cfg = {
		.nports = PORTS, .cell_bytes = 1, .quantum_bytes = 1500, .buffer_bytes = 10000000, .seed = 1};

	cfg.cls[3] = (struct dp_tm_class){.lossless = 1, .weight = 1, .ingress_alpha_e6 = E6};
	cfg.cls[0] = (struct dp_tm_class){.weight = 1, .ingress_alpha_e6 = E6};
	return cfg;
}

static struct dp_tm *make(const struct dp_tm_cfg *cfg)
{
	char error[200] = "";
	struct dp_tm *tm = dp_tm_new(cfg, error, sizeof(error));

	CHECK_STR(error, "");
	return tm;
}

static int put(struct dp_tm *tm, uint32_t in, uint32_t out, uint32_t prio, uint32_t len)
{
	struct dp_tm_pkt pkt = {
		.len = len, .in_port = (uint16_t)in, .out_port = (uint16_t)out, .prio = (uint8_t)prio, .ect = 1};

	return dp_tm_enqueue(tm, &pkt, 0);
}

/* Length of the packet that came out; 0: none. */
static uint32_t get(struct dp_tm *tm, uint32_t out, uint64_t now_ps)
{
	struct dp_tm_pkt pkt;

	return dp_tm_dequeue(tm, out, &pkt, now_ps) ? pkt.len : 0;
}

/* ---- thresholds ----------------------------------------------------------------------------------------------- */

/* B1: n equal PGs of a pool of B each reach Xoff at alpha B / (1 + n alpha). */
static void test_dynamic_threshold_of_n_equal_pgs(void)
{
	static const struct {
		uint32_t alpha_e6, n, part;
	} row[] = {{E6, 1, 2},     {E6, 2, 3},      {E6, 8, 9},      {E6, 32, 33},
		   {E6 / 8, 1, 9}, {E6 / 8, 2, 10}, {E6 / 8, 8, 16}, {E6 / 8, 32, 40}};
	uint64_t buffer = 10000000, most;
	uint32_t i, port, done;
	uint8_t mask;

	for (i = 0; i < DP_ARRAY_SIZE(row); i++) {
		struct dp_tm_cfg cfg = base_cfg();
		struct dp_tm *tm;

		/* Others' last packets may leave a PG without one more of its own: that is the one packet of headroom. */
		cfg.cls[3].headroom_bytes = 64;
		cfg.buffer_bytes = buffer + PORTS * 64;
		cfg.cls[3].ingress_alpha_e6 = row[i].alpha_e6;
		tm = make(&cfg);
		for (done = 0; done < row[i].n;)
			for (port = 0; port < row[i].n; port++)
				if (!dp_tm_xoff_mask(tm, port)) {
					CHECK_EQ(put(tm, port, 63, 3, 64), DP_TM_QUEUED);
					done += dp_tm_xoff_mask(tm, port) == 1 << 3;
				}
		for (port = 0; port < row[i].n; port++) {
			most = dp_tm_ingress_bytes(tm, port, 3);
			CHECK(most + 128 >= buffer / row[i].part && most <= buffer / row[i].part + 128);
			CHECK_EQ(dp_tm_next_pfc(tm, &done, &mask), 1);
			CHECK_EQ(mask, 1 << 3);
		}
		CHECK(!dp_tm_next_pfc(tm, &done, &mask));
		CHECK_EQ(dp_tm_stats(tm)->xoffs, row[i].n);
		CHECK_EQ(dp_tm_check(tm), 0);
		dp_tm_free(tm);
	}
}

/* B2: two ports at C into one at C, static T: a PG grows by C / 2, so Xoff is at T / (C / 2). C: a byte a step. */
static void test_first_xoff_of_two_to_one(void)
{
	struct dp_tm_cfg cfg = base_cfg();
	uint32_t step, port = 99;
	struct dp_tm *tm;
	uint8_t mask;

	cfg.cls[3].ingress_alpha_e6 = 0;
	cfg.cls[3].xoff_bytes = 100000;
	tm = make(&cfg);
	for (step = 1; step < 1000 && !dp_tm_next_pfc(tm, &port, &mask); step++) {
		put(tm, 0, 2, 3, 1000);
		put(tm, 1, 2, 3, 1000);
		get(tm, 2, 0);
	}
	CHECK(step >= 200 && step <= 202); /* T of 100 packets, half a packet a step */
	CHECK_EQ(dp_tm_threshold_bytes(tm, 3), 100000);
	dp_tm_free(tm);
}

static void test_xon_below_offset_and_of_another_pg(void)
{
	struct dp_tm_cfg cfg = base_cfg();
	struct dp_tm *tm;
	uint32_t port, i;
	uint8_t mask;

	cfg.cls[3].ingress_alpha_e6 = 0;
	cfg.cls[3].xoff_bytes = 10000;
	cfg.cls[3].xon_offset_bytes = 3000;
	cfg.cls[3].headroom_bytes = 5000;
	tm = make(&cfg);
	for (i = 0; i < 12; i++) /* two go to headroom */
		CHECK_EQ(put(tm, 0, 1, 3, 1000), DP_TM_QUEUED);
	CHECK_EQ(dp_tm_stats(tm)->headroom_bytes, 2000);
	CHECK_EQ(dp_tm_stats(tm)->shared_bytes, 10000);
	CHECK(dp_tm_next_pfc(tm, &port, &mask) && port == 0 && mask == 8);
	for (i = 0; i < 5; i++) /* 7000 left: not below 7000 */
		CHECK_EQ(get(tm, 1, 0), 1000);
	CHECK(!dp_tm_next_pfc(tm, &port, &mask));
	CHECK_EQ(get(tm, 1, 0), 1000);
	CHECK(dp_tm_next_pfc(tm, &port, &mask) && port == 0 && mask == 0);
	CHECK_EQ(dp_tm_stats(tm)->xons, 1);
	dp_tm_free(tm);

	/* A dynamic threshold that others' packets raise opens a PG whose own packets stay. */
	cfg = base_cfg();
	cfg.buffer_bytes = 100000;
	tm = make(&cfg);
	while (!dp_tm_xoff_mask(tm, 0)) {
		put(tm, 1, 3, 3, 100);
		put(tm, 0, 2, 3, 100);
	}
	while (get(tm, 3, 0))
		;
	CHECK_EQ(dp_tm_xoff_mask(tm, 0), 0);
	CHECK(dp_tm_ingress_bytes(tm, 0, 3) > 30000);
	/* There and back again before anybody asked: nothing to say. */
	CHECK(!dp_tm_next_pfc(tm, &port, &mask));
	dp_tm_free(tm);
}

/* B3, B4, B6: the worst that a neighbour can still send after Xoff: 2 MTU + 64 + response + cable, in the worst cells. */
static uint64_t worst_case_drops(uint32_t headroom, uint32_t cell, uint32_t pool_pgs, uint64_t *peak)
{
	const uint32_t t = 200 * MTU, resp = 25216, cable = 505;
	struct dp_tm_cfg cfg = base_cfg();
	uint64_t sent, drops;
	uint32_t port, xoff = 0;
	struct dp_tm *tm;

	cfg.cell_bytes = cell;
	cfg.cls[3].ingress_alpha_e6 = 0;
	cfg.cls[3].xoff_bytes = t;
	cfg.cls[3].headroom_bytes = headroom;
	cfg.headroom_pool_bytes = (uint64_t)pool_pgs * headroom;
	cfg.buffer_bytes = 64 * (headroom + t + MTU);
	tm = make(&cfg);
	*peak = 0;
	for (port = 0; port < (pool_pgs ? pool_pgs : 8); port++) {
		while (!dp_tm_xoff_mask(tm, port))
			put(tm, port, 63, 3, MTU);
		xoff++;
		/* The pause waits for a packet of ours and for 64 bytes of its own; the neighbour has begun another. */
		for (sent = 0; sent < MTU + 64 + resp + cable; sent += 64)
			put(tm, port, 63, 3, 64);
		put(tm, port, 63, 3, MTU);
		*peak = DP_MAX(*peak, dp_tm_ingress_bytes(tm, port, 3));
	}
	drops = dp_tm_stats(tm)->drops[DP_TM_DROP_HEADROOM];
	CHECK_EQ(dp_tm_stats(tm)->xoffs, xoff);
	CHECK_EQ(dp_tm_check(tm), 0);
	dp_tm_free(tm);
	return drops;
}

static void test_headroom_of_the_formula_loses_nothing(void)
{
	uint32_t bytes = 2 * MTU + 64 + 25216 + 505 + 64; /* the last of the 64-byte packets counts whole */
	uint64_t peak;

	CHECK_EQ(worst_case_drops(bytes, 1, 0, &peak), 0);
	CHECK(peak <= 200 * MTU + bytes);
	CHECK(worst_case_drops(bytes - 2 * MTU, 1, 0, &peak) > 0);
	CHECK_EQ(worst_case_drops(bytes, 1, 4, &peak), 0);
	/* 64 bytes fill a cell of 208: 3.25 times as much. Without that factor there is loss. */
	CHECK(worst_case_drops(bytes, 208, 0, &peak) > 0);
	CHECK_EQ(worst_case_drops((bytes / 64 + 2) * 208, 208, 0, &peak), 0);
	CHECK(worst_case_drops((bytes / 64 + 2) * 208 - 2 * MTU * 208 / 64, 208, 0, &peak) > 0);
}

static void test_headroom_pool_is_shared(void)
{
	struct dp_tm_cfg cfg = base_cfg();
	struct dp_tm *tm;
	uint32_t i;

	cfg.cls[3].ingress_alpha_e6 = 0;
	cfg.cls[3].xoff_bytes = 1000;
	cfg.cls[3].headroom_bytes = 4000;
	cfg.headroom_pool_bytes = 6000;
	tm = make(&cfg);
	for (i = 0; i < 5; i++)
		CHECK_EQ(put(tm, 0, 9, 3, 1000), DP_TM_QUEUED);
	CHECK_EQ(put(tm, 0, 9, 3, 1000), DP_TM_DROP_HEADROOM); /* its own limit */
	for (i = 0; i < 3; i++)
		CHECK_EQ(put(tm, 1, 9, 3, 1000), DP_TM_QUEUED);
	CHECK_EQ(put(tm, 1, 9, 3, 1000), DP_TM_DROP_HEADROOM); /* the pool's */
	CHECK_EQ(dp_tm_stats(tm)->peak_headroom_bytes, 6000);
	dp_tm_free(tm);
}

static void test_reserve_first_and_lossy_limits(void)
{
	struct dp_tm_cfg cfg = base_cfg();
	struct dp_tm *tm;

	cfg.cls[0].ingress_alpha_e6 = 0;
	cfg.cls[0].xoff_bytes = 5000;
	cfg.cls[0].reserve_bytes = 2500;
	tm = make(&cfg);
	CHECK_EQ(put(tm, 0, 1, 0, 2000), DP_TM_QUEUED);
	CHECK_EQ(dp_tm_stats(tm)->shared_bytes, 0);
	CHECK_EQ(put(tm, 0, 1, 0, 2000), DP_TM_QUEUED); /* 500 of it still reserved */
	CHECK_EQ(dp_tm_stats(tm)->shared_bytes, 1500);
	CHECK_EQ(put(tm, 0, 1, 0, 4000), DP_TM_QUEUED);
	CHECK_EQ(put(tm, 0, 1, 0, 1), DP_TM_DROP_SHARED);
	CHECK_EQ(dp_tm_stats(tm)->xoffs, 0);                /* lossy: nobody is paused */
	CHECK_EQ(put(tm, 0, 1, 5, 100), DP_TM_DROP_SHARED); /* a class that is not configured */
	CHECK_EQ(get(tm, 1, 0), 2000);
	CHECK_EQ(dp_tm_stats(tm)->shared_bytes, 3500); /* shared comes free before the reserve */
	dp_tm_free(tm);

	cfg = base_cfg();
	cfg.buffer_bytes = 10000;
	cfg.cls[0].ingress_alpha_e6 = 128 * E6;
	cfg.cls[0].egress_alpha_e6 = E6;
	tm = make(&cfg);
	while (put(tm, 0, 1, 0, 100) == DP_TM_QUEUED)
		;
	CHECK_EQ(dp_tm_queue_bytes(tm, 1, 0), 5000);
	CHECK_EQ(dp_tm_stats(tm)->drops[DP_TM_DROP_EGRESS], 1);
	CHECK_EQ(put(tm, 0, 2, 0, 100), DP_TM_QUEUED); /* another queue */
	CHECK(dp_tm_waits(tm, 0, 2, 0) && !dp_tm_waits(tm, 1, 2, 0) && !dp_tm_waits(tm, 0, 2, 7));
	dp_tm_free(tm);
}

/* ---- schedulers ----------------------------------------------------------------------------------------------- */

static void test_strict_before_drr_by_weight(void)
{
	struct dp_tm_cfg cfg = base_cfg();
	uint64_t sent[8] = {0};
	struct dp_tm_pkt pkt;
	struct dp_tm *tm;
	uint32_t i, quantum;

	for (quantum = 1; quantum <= 1500; quantum *= 1500) {
		cfg.quantum_bytes = quantum; /* of a byte: the same shares */
		cfg.cls[0].weight = 1;
		cfg.cls[1] = (struct dp_tm_class){.weight = 2, .ingress_alpha_e6 = E6};
		cfg.cls[2] = (struct dp_tm_class){.weight = 5, .ingress_alpha_e6 = E6};
		cfg.cls[6] = cfg.cls[7] = (struct dp_tm_class){.strict = 1, .ingress_alpha_e6 = E6};
		tm = make(&cfg);
		memset(sent, 0, sizeof(sent));
		for (i = 0; i < 2000; i++) {
			put(tm, 0, 1, 0, 1500);
			put(tm, 0, 1, 1, 64 + i % 1000);
			put(tm, 0, 1, 2, 700);
		}
		put(tm, 0, 1, 6, 100);
		put(tm, 0, 1, 7, 100);
		for (i = 0; i < 1000 && dp_tm_dequeue(tm, 1, &pkt, 0); i++) {
			CHECK(i > 1 || pkt.prio == 7 - i);
			sent[pkt.prio] += pkt.len;
		}
		CHECK(sent[1] + 3500 > 2 * sent[0] && sent[1] < 2 * sent[0] + 3500);
		CHECK(sent[2] + 9000 > 5 * sent[0] && sent[2] < 5 * sent[0] + 9000);
		CHECK(sent[0] > 50000);
		CHECK_EQ(dp_tm_check(tm), 0);
		dp_tm_free(tm);
	}
}

static void test_pause_holds_one_priority_and_expires(void)
{
	struct dp_tm_cfg cfg = base_cfg();
	struct dp_tm *tm = make(&cfg);
	struct dp_tm_pkt pkt;
	uint32_t port;

	put(tm, 0, 1, 3, 100);
	put(tm, 0, 1, 0, 200);
	put(tm, 0, 1, 0, 200);
	CHECK_EQ(dp_tm_next_ps(tm), DP_NEVER);
	dp_tm_pause(tm, 1, 0xff, 1000, 0); /* priority 0 has no PFC */
	CHECK_EQ(dp_tm_next_ps(tm), 1000);
	CHECK_EQ(get(tm, 1, 0), 200);
	CHECK_EQ(get(tm, 1, 999), 200);
	CHECK_EQ(get(tm, 1, 999), 0);
	dp_tm_pause(tm, 1, 8, 2000, 999); /* prolonged */
	CHECK_EQ(get(tm, 1, 1999), 0);
	CHECK(!dp_tm_next_ready(tm, &port));
	dp_tm_tick(tm, 2000);
	CHECK(dp_tm_next_ready(tm, &port) && port == 1);
	CHECK(!dp_tm_next_ready(tm, &port));
	CHECK_EQ(dp_tm_next_ps(tm), DP_NEVER);
	CHECK_EQ(get(tm, 1, 2000), 100);

	put(tm, 0, 1, 3, 100);
	dp_tm_pause(tm, 1, 8, DP_NEVER, 3000);
	CHECK_EQ(dp_tm_next_ps(tm), DP_NEVER);
	CHECK_EQ(get(tm, 1, DP_SEC), 0);
	dp_tm_pause(tm, 1, 8, 0, DP_SEC); /* resumes */
	CHECK_EQ(get(tm, 1, DP_SEC), 100);

	/* Nobody ticked: dequeue itself finds that the pause is over. */
	put(tm, 0, 1, 3, 100);
	dp_tm_pause(tm, 1, 8, DP_SEC + 10, DP_SEC);
	CHECK_EQ(dp_tm_dequeue(tm, 1, &pkt, DP_SEC + 10), 1);
	dp_tm_free(tm);
}

/* ---- ECN ------------------------------------------------------------------------------------------------------ */

static double marked_part(uint32_t when, uint64_t depth_bytes, uint64_t seed)
{
	struct dp_tm_cfg cfg = base_cfg();
	struct dp_tm_pkt pkt;
	uint32_t i, marked = 0, n = 20000;
	struct dp_tm *tm;

	cfg.seed = seed;
	cfg.cls[3].ecn = (uint8_t)when;
	cfg.cls[3].ecn_kmin_bytes = 100000;
	cfg.cls[3].ecn_kmax_bytes = 400000;
	cfg.cls[3].ecn_pmax_e6 = 200000;
	tm = make(&cfg);
	while (dp_tm_queue_bytes(tm, 1, 3) < depth_bytes)
		put(tm, 0, 1, 3, 1000);
	for (i = 0; i < n; i++) {
		pkt = (struct dp_tm_pkt){.len = 1000, .out_port = 1, .prio = 3, .ect = i % 2 == 0};
		dp_tm_enqueue(tm, &pkt, 0);
		if (when == 1)
			marked += pkt.ce;
		CHECK(!pkt.ce || pkt.ect);
		dp_tm_dequeue(tm, 1, &pkt, 0);
		if (when == 2 && i > depth_bytes / 1000)
			marked += pkt.ce;
		CHECK(!pkt.ce || pkt.ect);
	}
	dp_tm_free(tm);
	return marked / (n / 2.0);
}

static void test_marking_probability_between_kmin_and_kmax(void)
{
	uint32_t when;

	for (when = 1; when <= 2; when++) {
		double slack =
			when == 2 ? 0.02 : 0; /* the packets that stood there do not count, and all can be marked */

		CHECK_EQ(marked_part(when, 100000, 1) * 10000, 0);
		CHECK(marked_part(when, 250000, 1) > 0.1 - 0.01 - slack &&
		      marked_part(when, 250000, 1) < 0.1 + 0.01 + slack);
		CHECK(marked_part(when, 400000, 1) > 0.2 - 0.015 - slack && marked_part(when, 400000, 1) < 0.2 + 0.015);
		CHECK(marked_part(when, 401000, 1) > 0.95);
	}
	CHECK(marked_part(0, 500000, 1) == 0);
	CHECK(marked_part(1, 250000, 7) == marked_part(1, 250000, 7));
	CHECK(marked_part(1, 250000, 7) != marked_part(1, 250000, 8));
}

/* ---- watchdog ------------------------------------------------------------------------------------------------- */

/* B14, with Juniper's figures: polls every 100 ms, two make a storm, 200 ms without a pause end it. */
static struct dp_tm *dog(uint8_t drops)
{
	struct dp_tm_cfg cfg = base_cfg();

	cfg.watchdog_ps = 100 * DP_MS;
	cfg.watchdog_polls = 2;
	cfg.watchdog_restore_ps = 200 * DP_MS;
	cfg.watchdog_drop = drops;
	return make(&cfg);
}

static uint64_t storm_at(struct dp_tm *tm, uint64_t until_ps)
{
	uint64_t now_ps = 0;

	while (!dp_tm_stats(tm)->storms && (now_ps = dp_tm_next_ps(tm)) <= until_ps)
		dp_tm_tick(tm, now_ps);
	return dp_tm_stats(tm)->storms ? now_ps : 0;
}

static void test_watchdog_drops_the_queue_in_a_storm(void)
{
	struct dp_tm *tm = dog(1);
	struct dp_tm_pkt pkt;
	uint32_t i, port;
	uint8_t mask;

	while (!dp_tm_xoff_mask(tm, 0))
		put(tm, 0, 1, 3, 50000);
	CHECK(dp_tm_next_pfc(tm, &port, &mask));
	put(tm, 0, 2, 3, 100);
	dp_tm_pause(tm, 1, 8, DP_NEVER, 0);
	CHECK_EQ(storm_at(tm, DP_SEC), 200 * DP_MS);
	CHECK_EQ(dp_tm_queue_bytes(tm, 1, 3), 0);
	CHECK(dp_tm_next_pfc(tm, &port, &mask) && mask == 0); /* what it held is free: Xon */
	for (i = 0; dp_tm_next_dropped(tm, &pkt); i++)
		CHECK(pkt.len == 50000 && pkt.out_port == 1 && pkt.prio == 3);
	CHECK_EQ(i, dp_tm_stats(tm)->drops[DP_TM_DROP_WATCHDOG]);
	CHECK(i > 20);
	CHECK_EQ(dp_tm_check(tm), 0);
	CHECK_EQ(put(tm, 0, 1, 3, 100), DP_TM_DROP_WATCHDOG);
	CHECK_EQ(put(tm, 0, 2, 3, 100), DP_TM_QUEUED);
	/* Over at the first poll that has seen 200 ms without a pause, not at the first that sees none. */
	dp_tm_pause(tm, 1, 8, 0, 250 * DP_MS);
	dp_tm_tick(tm, 300 * DP_MS);
	dp_tm_tick(tm, 400 * DP_MS);
	CHECK_EQ(put(tm, 0, 1, 3, 100), DP_TM_DROP_WATCHDOG);
	dp_tm_tick(tm, 500 * DP_MS);
	CHECK_EQ(put(tm, 0, 1, 3, 100), DP_TM_QUEUED);
	CHECK_EQ(dp_tm_next_ps(tm), DP_NEVER); /* nothing to watch */
	dp_tm_free(tm);
}

static void test_watchdog_forwards_in_spite_of_a_pause(void)
{
	struct dp_tm *tm = dog(0);
	uint32_t port;

	put(tm, 0, 1, 3, 100);
	put(tm, 0, 1, 3, 100);
	dp_tm_pause(tm, 1, 8, DP_NEVER, 0);
	CHECK_EQ(storm_at(tm, DP_SEC), 200 * DP_MS);
	CHECK(dp_tm_next_ready(tm, &port) && port == 1);
	CHECK_EQ(get(tm, 1, 201 * DP_MS), 100);
	CHECK_EQ(get(tm, 1, 202 * DP_MS), 100);
	CHECK_EQ(dp_tm_stats(tm)->drops[DP_TM_DROP_WATCHDOG], 0);
	dp_tm_free(tm);
}

static void test_watchdog_needs_all_three_signs(void)
{
	struct dp_tm *tm = dog(1);

	dp_tm_pause(tm, 1, 8, DP_NEVER, 0); /* nothing waits */
	CHECK_EQ(storm_at(tm, DP_SEC), 0);
	dp_tm_free(tm);

	tm = dog(1); /* a packet went in each interval */
	put(tm, 0, 1, 3, 100);
	put(tm, 0, 1, 3, 100);
	for (uint64_t t = 0; t < 10; t++) {
		dp_tm_pause(tm, 1, 8, 0, t * 100 * DP_MS + 1000);
		put(tm, 0, 1, 3, 100);
		CHECK_EQ(get(tm, 1, t * 100 * DP_MS + 1000), 100);
		dp_tm_pause(tm, 1, 8, DP_NEVER, t * 100 * DP_MS + 1000);
		dp_tm_tick(tm, (t + 1) * 100 * DP_MS);
	}
	CHECK_EQ(dp_tm_stats(tm)->storms, 0);
	dp_tm_free(tm);

	/* Paused for 98.5 % of each interval, and nothing sent; for 99.5 %. */
	for (uint64_t open_us = 500; open_us <= 1500; open_us += 1000) {
		tm = dog(1);
		put(tm, 0, 1, 3, 100);
		for (uint64_t t = 0; t < 5; t++) {
			dp_tm_pause(tm, 1, 8, (t + 1) * 100 * DP_MS - open_us * DP_US, t * 100 * DP_MS);
			dp_tm_tick(tm, (t + 1) * 100 * DP_MS - open_us * DP_US);
			dp_tm_tick(tm, (t + 1) * 100 * DP_MS);
		}
		CHECK_EQ(dp_tm_stats(tm)->storms, open_us == 500);
		dp_tm_free(tm);
	}
}

/* ---- all together --------------------------------------------------------------------------------------------- */

/* Random traffic, pauses and cells: what went in comes out or is counted, in order within a queue, and every sum agrees. */
static void test_conservation(void)
{
	struct dp_tm_cfg cfg = base_cfg();
	uint32_t last_in[4][8] = {0}, last_out[4][8] = {0}, i, handle = 0, port;
	uint64_t in = 0, out = 0, dropped = 0, now_ps = 0;
	struct dp_tm_pkt pkt;
	struct dp_rng rng;
	struct dp_tm *tm;
	uint8_t mask;

	dp_rng_seed(&rng, 5);
	cfg.nports = 4;
	cfg.cell_bytes = 208;
	cfg.buffer_bytes = 400000;
	cfg.headroom_pool_bytes = 60000;
	for (i = 0; i < 8; i++)
		cfg.cls[i] = (struct dp_tm_class){.lossless = i & 1,
						  .strict = i > 5,
						  .ecn = (uint8_t)(i % 3),
						  .weight = 1 + i,
						  .reserve_bytes = 1000,
						  .headroom_bytes = i & 1 ? 20000 : 0,
						  .ingress_alpha_e6 = E6 / 2,
						  .egress_alpha_e6 = i & 1 ? 0 : E6,
						  .xon_offset_bytes = 3000,
						  .ecn_kmin_bytes = 5000,
						  .ecn_kmax_bytes = 20000,
						  .ecn_pmax_e6 = 500000};
	tm = make(&cfg);
	for (i = 0; i < 300000; i++) {
		now_ps += dp_rng_below(&rng, 1000);
		switch (dp_rng_below(&rng, 16)) {
		case 0:
			dp_tm_pause(tm, (uint32_t)dp_rng_below(&rng, 4), (uint8_t)dp_rng_next(&rng),
				    now_ps + dp_rng_below(&rng, 3) * 50000, now_ps);
			break;
		case 1:
			dp_tm_tick(tm, now_ps);
			while (dp_tm_next_pfc(tm, &port, &mask))
				CHECK_EQ(mask, dp_tm_xoff_mask(tm, port));
			break;
		default:
			pkt = (struct dp_tm_pkt){.len = 64 + (uint32_t)dp_rng_below(&rng, 4200),
						 .handle = ++handle,
						 .in_port = (uint16_t)dp_rng_below(&rng, 4),
						 .out_port = (uint16_t)dp_rng_below(&rng, 4),
						 .prio = (uint8_t)dp_rng_below(&rng, 8),
						 .ect = handle & 1,
						 .tenant = 9};
			in++;
			if (dp_tm_enqueue(tm, &pkt, now_ps))
				dropped++;
			else
				last_in[pkt.out_port][pkt.prio] = handle;
			break;
		case 9 ... 14:
			port = (uint32_t)dp_rng_below(&rng, 4);
			if (!dp_tm_dequeue(tm, port, &pkt, now_ps))
				break;
			out++;
			CHECK(pkt.handle > last_out[port][pkt.prio] && pkt.out_port == port && pkt.tenant == 9);
			CHECK_EQ(pkt.ect, pkt.handle & 1);
			last_out[port][pkt.prio] = pkt.handle;
		}
		if (i % 64 == 0 && !CHECK(dp_tm_check(tm) == 0))
			break;
	}
	dp_tm_tick(tm, now_ps + DP_SEC);
	for (port = 0; port < 4; port++)
		while (dp_tm_dequeue(tm, port, &pkt, now_ps + DP_SEC)) {
			last_out[port][pkt.prio] = pkt.handle;
			out++;
		}
	CHECK_MEM(last_out, last_in, sizeof(last_in));
	CHECK_EQ(in, out + dropped);
	CHECK(dropped > 1000 && out > 100000 && dp_tm_stats(tm)->marked > 1000 && dp_tm_stats(tm)->xoffs > 1000);
	CHECK_EQ(dp_tm_stats(tm)->xoffs, dp_tm_stats(tm)->xons); /* empty: everybody may send */
	CHECK_EQ(dp_tm_stats(tm)->used_bytes, 0);
	CHECK_EQ(dp_tm_stats(tm)->shared_bytes + dp_tm_stats(tm)->headroom_bytes, 0);
	CHECK_EQ(dp_tm_check(tm), 0);
	dp_tm_free(tm);
}

static void refused(const struct dp_tm_cfg *cfg, const char *want)
{
	char error[200] = "";

	CHECK(!dp_tm_new(cfg, error, sizeof(error)));
	CHECK_STR(error, want);
}

static void test_what_cannot_be_is_refused(void)
{
	struct dp_tm_cfg cfg = base_cfg();

	cfg.nports = 0;
	refused(&cfg, "traffic manager: nports 0 is not 1 to 65535");
	cfg = base_cfg();
	cfg.cell_bytes = 0;
	refused(&cfg, "traffic manager: cell_bytes 0 is not 1 to 65536");
	cfg = base_cfg();
	cfg.buffer_bytes = 1ULL << 37;
	refused(&cfg, "traffic manager: buffer_bytes 137438953472 is not 1 to 68719476736");
	cfg = base_cfg();
	cfg.cls[3].headroom_bytes = 200000;
	cfg.cls[3].reserve_bytes = 10000;
	refused(&cfg, "traffic manager: reserves of 640000 and headroom of 12800000 bytes on 64 ports exceed "
		      "buffer_bytes 10000000");
	cfg.headroom_pool_bytes = 100000;
	refused(&cfg, "priority 3: headroom_bytes 200000 exceeds headroom_pool_bytes 100000");
	cfg = base_cfg();
	cfg.cls[3].ingress_alpha_e6 = 0;
	refused(&cfg, "priority 3: lossless with neither ingress_alpha_e6 nor xoff_bytes");
	cfg.cls[3].xoff_bytes = 2000;
	cfg.cls[3].xon_offset_bytes = 2001;
	refused(&cfg, "priority 3: xon_offset_bytes 2001 exceeds xoff_bytes 2000");
	cfg.cls[3].xon_offset_bytes = 0;
	cfg.cls[3].xoff_bytes = 10000001;
	refused(&cfg,
		"priority 3: xoff_bytes 10000001 exceeds the shared buffer of 10000000 bytes (buffer_bytes 10000000 "
		"less reserves and headroom)");
	cfg = base_cfg();
	cfg.cls[0].headroom_bytes = 1;
	refused(&cfg, "priority 0: headroom_bytes 1, but the class is not lossless");
	cfg = base_cfg();
	cfg.cls[3].egress_alpha_e6 = 1;
	refused(&cfg, "priority 3: egress_alpha_e6 1 limits a lossy class, this one is lossless");
	cfg = base_cfg();
	cfg.cls[0].ingress_alpha_e6 = 129 * E6;
	refused(&cfg, "priority 0: alpha 129000000 / 10^6 exceeds 128");
	cfg = base_cfg();
	cfg.cls[0].weight = 0;
	refused(&cfg, "priority 0: weight is 0; a class that is not strict needs at least 1");
	cfg = base_cfg();
	cfg.quantum_bytes = 0;
	refused(&cfg, "priority 0: quantum_bytes is 0; weights need at least 1");
	cfg = base_cfg();
	cfg.cls[3].ecn = 3;
	refused(&cfg, "priority 3: ecn 3 exceeds 2 (0 none, 1 at enqueue, 2 at dequeue)");
	cfg.cls[3].ecn = 1;
	cfg.cls[3].ecn_kmin_bytes = 2;
	cfg.cls[3].ecn_kmax_bytes = 1;
	refused(&cfg, "priority 3: ecn_kmin_bytes 2 exceeds ecn_kmax_bytes 1");
	cfg.cls[3].ecn_kmin_bytes = 1;
	cfg.cls[3].ecn_pmax_e6 = E6 + 1;
	refused(&cfg, "priority 3: ecn_pmax_e6 1000001 exceeds 1000000");
	cfg = base_cfg();
	cfg.watchdog_ps = 1;
	refused(&cfg, "traffic manager: watchdog_polls is 0; a storm needs at least 1");
	dp_tm_free(NULL);
}

int main(void)
{
	RUN(test_dynamic_threshold_of_n_equal_pgs);
	RUN(test_first_xoff_of_two_to_one);
	RUN(test_xon_below_offset_and_of_another_pg);
	RUN(test_headroom_of_the_formula_loses_nothing);
	RUN(test_headroom_pool_is_shared);
	RUN(test_reserve_first_and_lossy_limits);
	RUN(test_strict_before_drr_by_weight);
	RUN(test_pause_holds_one_priority_and_expires);
	RUN(test_marking_probability_between_kmin_and_kmax);
	RUN(test_watchdog_drops_the_queue_in_a_storm);
	RUN(test_watchdog_forwards_in_spite_of_a_pause);
	RUN(test_watchdog_needs_all_three_signs);
	RUN(test_conservation);
	RUN(test_what_cannot_be_is_refused);
	return check_done();
}
