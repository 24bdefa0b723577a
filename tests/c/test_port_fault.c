/* Fault injection over a memory pair: each fault by itself, rules, and that nothing of the caller's changes. */
#include <stdlib.h>

#include "datapath/csrc/port_fault.h"
#include "tests/c/check.h"
#include "tests/c/frames.h"

#define PPB 1000000000U

struct net {
	struct dp_port *tx, *rx, *fault;
};

/* The fault port at the sending or at the receiving end. */
static struct net net_new(uint32_t dir, const struct dp_fault_cfg *cfg)
{
	struct dp_port *a, *b;
	struct net n;

	if (dp_port_mem_pair(4096, 0, &a, &b))
		abort();
	if (dir == DP_FAULT_TX)
		a = n.fault = dp_port_fault_new(a, cfg);
	else
		b = n.fault = dp_port_fault_new(b, cfg);
	CHECK(n.fault != NULL);
	n.tx = a;
	n.rx = b;
	return n;
}

static void net_free(struct net *n)
{
	dp_port_free(n->tx);
	dp_port_free(n->rx);
}

static void send(struct net *n, uint32_t first, uint32_t count, uint64_t now_ps)
{
	struct test_frame t, before;
	uint32_t i;

	for (i = 0; i < count; i++) {
		test_frame_v4(&t, first + i, 64);
		before = t;
		CHECK_EQ(test_tx1(n->tx, &t.f, now_ps), 1);
		CHECK(memcmp(t.data, before.data, sizeof(t.data)) == 0 && memcmp(t.f.l3, before.f.l3, 28) == 0);
	}
}

/* Numbers received, at most max; clean: bytes are as sent. */
static int receive(struct net *n, uint32_t *numbers, int max, uint64_t now_ps, bool clean)
{
	struct test_frame want;
	struct dp_frame *v[7];
	int got, i, total = 0;

	dp_port_tick(n->tx, now_ps);
	do {
		got = dp_port_rx(n->rx, v, DP_MIN(7, max - total), now_ps);
		for (i = 0; i < got; i++) {
			numbers[total++] = test_frame_number(v[i]);
			if (clean)
				CHECK(test_frame_same(v[i], test_frame_v4(&want, test_frame_number(v[i]), 64)));
		}
	} while (got);
	return total;
}

static void check_numbers(const uint32_t *got, int n, const uint32_t *want, int nwant)
{
	CHECK_EQ(n, nwant);
	CHECK(n == nwant && memcmp(got, want, (size_t)n * sizeof(*got)) == 0);
}

static void test_clean_port_changes_nothing(uint32_t dir)
{
	struct net n = net_new(dir, NULL);
	uint32_t got[100];
	int i;

	send(&n, 0, 50, 0);
	CHECK_EQ(receive(&n, got, 100, 0, true), 50);
	for (i = 0; i < 50; i++)
		CHECK_EQ(got[i], i);
	CHECK_EQ(dp_port_fault_held(n.fault), 0);
	CHECK(dp_port_inner(n.fault) != NULL && dp_port_inner(dp_port_inner(n.fault)) == NULL);
	net_free(&n);
}

static void test_loss_has_its_rate_and_repeats(uint32_t dir)
{
	struct dp_fault_cfg cfg = {.seed = 5, .loss_ppb = PPB / 10};
	uint32_t first[2000], again[2000];
	struct net n = net_new(dir, &cfg);
	int a, b;

	send(&n, 0, 2000, 0);
	a = receive(&n, first, 2000, 0, true);
	CHECK(a > 1740 && a < 1860);
	CHECK_EQ(n.fault->stats.fault_dropped, 2000 - a);
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), 0);
	send(&n, 0, 2000, 0);
	b = receive(&n, again, 2000, 0, true);
	check_numbers(again, b, first, a);
	net_free(&n);
}

static void test_duplicate_follows_its_frame(uint32_t dir)
{
	static const uint32_t want[] = {0, 0, 1, 1, 2, 2};
	struct dp_fault_cfg cfg = {.dup_ppb = PPB};
	struct net n = net_new(dir, &cfg);
	uint32_t got[10];

	send(&n, 0, 3, 0);
	check_numbers(got, receive(&n, got, 10, 0, true), want, 6);
	CHECK_EQ(n.fault->stats.fault_duplicated, 3);
	net_free(&n);
}

static void test_reordered_frame_waits_for_k_others(uint32_t dir)
{
	static const uint32_t want[] = {0, 2, 3, 1, 4};
	struct dp_fault_cfg cfg = {.seed = 3, .reorder_ppb = PPB, .reorder_frames = 2, .reorder_ps = 1000};
	struct net n = net_new(dir, NULL);
	uint32_t got[10];

	send(&n, 0, 1, 0);
	CHECK_EQ(receive(&n, got, 10, 0, true), 1);
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), 0);
	send(&n, 1, 1, 0);
	CHECK_EQ(receive(&n, got + 1, 9, 0, true), 0);
	cfg.reorder_ppb = 0;
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), 0);
	send(&n, 2, 3, 0);
	CHECK_EQ(receive(&n, got + 1, 9, 0, true), 4);
	check_numbers(got, 5, want, 5);
	CHECK_EQ(n.fault->stats.fault_reordered, 1);
	net_free(&n);
}

static void test_last_reordered_frame_is_not_stuck(uint32_t dir)
{
	struct dp_fault_cfg cfg = {.reorder_ppb = PPB, .reorder_ps = 1000};
	struct net n = net_new(dir, &cfg);
	uint32_t got[10];

	send(&n, 9, 1, 50);
	CHECK_EQ(receive(&n, got, 10, 50, true), 0);
	CHECK_EQ(receive(&n, got, 10, 1049, true), 0);
	CHECK_EQ(dp_port_next_ps(n.fault), 1050);
	CHECK_EQ(receive(&n, got, 10, 1050, true), 1);
	CHECK_EQ(got[0], 9);
	CHECK_EQ(dp_port_next_ps(n.fault), DP_NEVER);
	net_free(&n);
}

static void test_delay_is_within_bounds_and_keeps_order_when_constant(uint32_t dir)
{
	struct dp_fault_cfg cfg = {.delay_ppb = PPB, .delay_min_ps = 500, .delay_max_ps = 500};
	struct net n = net_new(dir, &cfg);
	uint32_t got[400], seen = 0;
	uint64_t t, last = 0;
	int i, k;

	send(&n, 0, 20, 100);
	CHECK_EQ(receive(&n, got, 100, 100, true), 0); /* here the receiving end takes them in */
	CHECK_EQ(receive(&n, got, 100, 599, true), 0);
	CHECK_EQ(receive(&n, got, 100, 600, true), 20);
	for (i = 0; i < 20; i++)
		CHECK_EQ(got[i], i);
	cfg.delay_min_ps = 100;
	cfg.delay_max_ps = 119;
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), 0);
	send(&n, 0, 400, 1000);
	for (t = 1000; t < 1120; t++) {
		k = receive(&n, got, 400, t, true);
		CHECK(k == 0 || t >= 1100);
		seen += (uint32_t)k;
		last = k ? t : last;
	}
	CHECK_EQ(seen, 400);
	CHECK_EQ(last, 1119);
	net_free(&n);
}

static void test_corruption_flips_one_to_three_bits_anywhere(uint32_t dir, uint32_t data_only)
{
	struct dp_fault_cfg cfg = {.seed = 1, .corrupt_ppb = PPB, .data_only = data_only};
	struct net n = net_new(dir, &cfg);
	uint32_t in_l3 = 0, in_data = 0, i, k, bits;
	struct test_frame want;
	struct dp_frame *f;

	for (i = 0; i < 300; i++) {
		send(&n, i, 1, 0);
		f = test_rx1(n.rx, 0);
		if (!CHECK(f != NULL))
			break;
		test_frame_v4(&want, i, 64);
		bits = 0;
		for (k = 0; k < 28; k++) {
			in_l3 += f->l3[k] != want.f.l3[k];
			bits += (uint32_t)__builtin_popcount(f->l3[k] ^ want.f.l3[k]);
		}
		for (k = 0; k < 64; k++) {
			in_data += f->data[k] != want.data[k];
			bits += (uint32_t)__builtin_popcount(f->data[k] ^ want.data[k]);
		}
		CHECK(bits >= 1 && bits <= 3);
	}
	CHECK(data_only ? in_l3 == 0 : in_l3 > 100);
	CHECK(in_data > 100);
	CHECK_EQ(n.fault->stats.fault_corrupted, 300);
	net_free(&n);
}

static void test_rule_drops_the_third_match(uint32_t dir)
{
	/* Frames whose number is 6 in its low three bits. */
	struct dp_fault_rule rule = {
		.offset = 3, .len = 1, .mask = {7}, .value = {6}, .action = DP_FAULT_DROP, .skip = 2, .count = 1};
	struct net n = net_new(dir, NULL);
	uint32_t got[64];
	int i, k;

	CHECK_EQ(dp_port_fault_set_rules(n.fault, &rule, 1), 0);
	send(&n, 0, 40, 0);
	k = receive(&n, got, 64, 0, true);
	CHECK_EQ(k, 39);
	for (i = 0; i < k; i++)
		CHECK_EQ(got[i], i < 22 ? i : i + 1);
	CHECK_EQ(dp_port_fault_rule_matches(n.fault, 0), 5);
	CHECK_EQ(dp_port_fault_rule_hits(n.fault, 0), 1);
	CHECK_EQ(dp_port_fault_rule_hits(n.fault, 99), 0);
	net_free(&n);
}

static void test_rules_of_each_action(uint32_t dir)
{
	static const uint32_t want[] = {0, 2, 3, 3, 1};
	struct dp_fault_rule rules[4] = {
		{.offset = 0, .len = 4, .mask = {255, 255, 255, 255}, .value = {0, 0, 0, 0}, .action = DP_FAULT_NONE},
		{.offset = 0,
		 .len = 4,
		 .mask = {255, 255, 255, 255},
		 .value = {0, 0, 0, 1},
		 .action = DP_FAULT_DELAY,
		 .delay_ps = 70},
		{.offset = 0, .len = 4, .mask = {255, 255, 255, 255}, .value = {0, 0, 0, 3}, .action = DP_FAULT_DUP},
		{.offset = 60, .len = 5, .action = DP_FAULT_DROP}, /* reaches beyond the data: never fits */
	};
	struct dp_fault_cfg cfg = {.loss_ppb = PPB};
	struct net n = net_new(dir, NULL);
	uint32_t got[10];
	int k;

	CHECK_EQ(dp_port_fault_set_rules(n.fault, rules, 4), 0);
	send(&n, 0, 4, 0);
	k = receive(&n, got, 10, 69, true);
	CHECK_EQ(k, 4);
	/* At the receiving end the delay counts from when the frame was taken in. */
	k += receive(&n, got + k, 10 - k, 70 + 69, true);
	check_numbers(got, k, want, 5);
	CHECK_EQ(dp_port_fault_rule_matches(n.fault, 3), 0);
	/* A rule comes before chance, even one that does nothing. */
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), 0);
	send(&n, 0, 3, 1000);
	CHECK_EQ(receive(&n, got, 10, 1070, true) + receive(&n, got + 1, 9, 1200, true), 2);
	CHECK_EQ(got[0], 0);
	net_free(&n);
}

static void test_corrupt_rule_hits_only_its_frame(uint32_t dir)
{
	struct dp_fault_rule rule = {.offset = 3, .len = 1, .mask = {255}, .value = {1}, .action = DP_FAULT_CORRUPT};
	struct net n = net_new(dir, NULL);
	struct test_frame want;
	struct dp_frame *f;
	uint32_t i;

	CHECK_EQ(dp_port_fault_set_rules(n.fault, &rule, 1), 0);
	for (i = 0; i < 3; i++) {
		send(&n, i, 1, 0);
		f = test_rx1(n.rx, 0);
		CHECK(f && test_frame_same(f, test_frame_v4(&want, i, 64)) == (i != 1));
	}
	net_free(&n);
}

static void test_directions_are_separate(void)
{
	struct dp_fault_cfg cfg = {.loss_ppb = PPB, .dir = DP_FAULT_RX};
	struct net n = net_new(DP_FAULT_TX, &cfg);
	uint32_t got[4];

	send(&n, 0, 4, 0);
	CHECK_EQ(receive(&n, got, 4, 0, true), 4);
	cfg.dir = DP_FAULT_TX;
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), 0);
	send(&n, 0, 4, 0);
	CHECK_EQ(receive(&n, got, 4, 0, true), 0);
	net_free(&n);
}

static void test_busy_inner_port_draws_once(void)
{
	struct dp_fault_rule rule = {
		.offset = 0, .len = 4, .mask = {255, 255, 255, 255}, .value = {0, 0, 0, 3}, .action = DP_FAULT_DROP};
	struct test_frame t[6];
	struct dp_frame *v[6], *r[6];
	struct dp_port *a, *b;
	int i, n;

	CHECK_EQ(dp_port_mem_pair(2, 0, &a, &b), 0);
	a = dp_port_fault_new(a, NULL);
	CHECK_EQ(dp_port_fault_set_rules(a, &rule, 1), 0);
	for (i = 0; i < 6; i++)
		v[i] = test_frame_v4(&t[i], (uint32_t)i, 64);
	CHECK_EQ(dp_port_tx(a, v, 6, 0), 2);
	CHECK_EQ(dp_port_tx(a, v + 2, 4, 0), 0);
	CHECK_EQ(dp_port_rx(b, r, 1, 0), 1);
	n = dp_port_tx(a, v + 2, 4, 0);
	CHECK_EQ(n, 2); /* frame 2, and frame 3 whose fate is to be dropped */
	CHECK_EQ(dp_port_fault_rule_matches(a, 0), 1);
	CHECK_EQ(a->stats.fault_dropped, 1);
	CHECK_EQ(dp_port_rx(b, r, 6, 0), 2);
	CHECK_EQ(dp_port_tx(a, v + 4, 2, 0), 2);
	CHECK_EQ(dp_port_rx(b, r, 6, 0), 2);
	CHECK_EQ(test_frame_number(r[0]), 4);
	dp_port_free(a);
	dp_port_free(b);
}

static void test_late_copies_wait_in_order_for_a_busy_port(void)
{
	struct dp_fault_cfg cfg = {.delay_ppb = PPB, .delay_min_ps = 10, .delay_max_ps = 10};
	struct test_frame t;
	struct dp_frame *r[4];
	struct dp_port *a, *b;
	uint32_t i, got = 0;
	uint64_t now_ps = 10;
	int n, k;

	CHECK_EQ(dp_port_mem_pair(1, 0, &a, &b), 0);
	a = dp_port_fault_new(a, &cfg);
	for (i = 0; i < 5; i++)
		CHECK_EQ(test_tx1(a, test_frame_v4(&t, i, 64), 0), 1);
	CHECK_EQ(dp_port_fault_held(a), 5);
	while (now_ps < DP_MS && got < 5) {
		dp_port_tick(a, now_ps);
		n = dp_port_rx(b, r, 4, now_ps);
		for (k = 0; k < n; k++)
			CHECK_EQ(test_frame_number(r[k]), got++);
		if (got < 5) {
			CHECK(dp_port_next_ps(a) != DP_NEVER);
			now_ps = DP_MAX(now_ps, dp_port_next_ps(a));
		}
	}
	CHECK_EQ(got, 5);
	CHECK_EQ(dp_port_fault_held(a), 0);
	dp_port_free(a);
	dp_port_free(b);
}

static void test_held_is_bounded(void)
{
	struct dp_fault_cfg cfg = {.delay_ppb = PPB, .delay_min_ps = 10, .delay_max_ps = 10, .max_held = 3};
	struct net n = net_new(DP_FAULT_TX, &cfg);
	uint32_t got[10];

	send(&n, 0, 5, 0);
	CHECK_EQ(dp_port_fault_held(n.fault), 3);
	CHECK_EQ(dp_port_fault_no_room(n.fault), 2);
	CHECK_EQ(receive(&n, got, 10, 0, true), 2);
	CHECK_EQ(got[0], 3);
	net_free(&n); /* with three still held */
}

static void test_nothing_is_lost_or_made_up_by_all_but_loss(uint32_t dir)
{
	struct dp_fault_cfg cfg = {.seed = 11,
				   .dup_ppb = PPB / 5,
				   .reorder_ppb = PPB / 5,
				   .delay_ppb = PPB / 5,
				   .delay_max_ps = 5000,
				   .reorder_ps = 700};
	struct net n = net_new(dir, &cfg);
	uint32_t count[3000] = {0}, got[8000], i;
	uint64_t now_ps = 0;
	int k, j;

	for (i = 0; i < 3000; i += 30) {
		send(&n, i, 30, now_ps);
		k = receive(&n, got, 8000, now_ps, true);
		for (j = 0; j < k; j++)
			count[got[j] % 3000]++;
		now_ps += 500;
	}
	while (dp_port_fault_held(n.fault) && now_ps < 100000) {
		now_ps += 500;
		k = receive(&n, got, 8000, now_ps, true);
		for (j = 0; j < k; j++)
			count[got[j] % 3000]++;
	}
	for (i = 0, k = 0; i < 3000; i++) {
		CHECK(count[i] == 1 || count[i] == 2);
		k += count[i] == 2;
	}
	CHECK_EQ(k, n.fault->stats.fault_duplicated);
	CHECK(k > 500 && n.fault->stats.fault_reordered > 300 && n.fault->stats.fault_delayed > 250);
	net_free(&n);
}

/* A base port that predicts, as a UDP socket does: prepare() numbers the frames, tx() checks that it got those. */
struct predictor {
	struct dp_port p;
	int next_prepare, next_tx, bad;
};

static void predictor_prepare(struct dp_port *p, struct dp_frame **v, int n)
{
	struct predictor *pr = DP_CONTAINER_OF(p, struct predictor, p);
	int i;

	pr->next_prepare = pr->next_tx;
	for (i = 0; i < n; i++)
		dp_put_be16(v[i]->l3 + 4, (uint16_t)pr->next_prepare++);
}

static int predictor_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct predictor *pr = DP_CONTAINER_OF(p, struct predictor, p);
	int i;

	(void)now_ps;
	pr->bad += pr->next_tx + n != pr->next_prepare;
	for (i = 0; i < n; i++)
		pr->bad += dp_get_be16(v[i]->l3 + 4) != pr->next_tx++;
	return n;
}

static void predictor_free(struct dp_port *p)
{
	(void)p;
}

static void test_prediction_holds_over_loss_and_copies(void)
{
	static const struct dp_port_ops ops = {
		.name = "predictor", .prepare = predictor_prepare, .tx = predictor_tx, .free = predictor_free};
	struct predictor pr = {.p = {.ops = &ops, .mtu = 4096}};
	struct dp_fault_cfg cfg = {.seed = 2, .loss_ppb = PPB / 5, .dup_ppb = PPB / 5, .reorder_ppb = PPB / 5};
	struct dp_port *f = dp_port_fault_new(&pr.p, &cfg);
	struct test_frame t[16];
	struct dp_frame *v[16];
	int round, i;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < 16; i++)
			v[i] = test_frame_v4(&t[i], (uint32_t)(round * 16 + i), 16);
		dp_port_prepare(f, v, 16);
		for (i = 0; i < 16; i++)
			dp_put_be32(t[i].data + 12, 0xdeadbeef); /* sealed between the two */
		CHECK_EQ(dp_port_tx(f, v, 16, (uint64_t)round), 16);
	}
	CHECK_EQ(pr.bad, 0);
	CHECK_EQ(pr.next_tx + (int)f->stats.fault_dropped - (int)f->stats.fault_duplicated + (int)dp_port_fault_held(f),
		 1600);
	dp_port_free(f);
}

static void test_bad_arguments(void)
{
	struct dp_fault_rule rule = {.len = 9};
	struct dp_fault_cfg cfg = {.loss_ppb = PPB + 1};
	struct net n = net_new(DP_FAULT_TX, NULL);

	errno = 0;
	CHECK(dp_port_fault_new(NULL, NULL) == NULL && errno == EINVAL);
	errno = 0;
	CHECK(dp_port_fault_new(n.rx, &cfg) == NULL && errno == EINVAL);
	cfg = (struct dp_fault_cfg){.delay_min_ps = 2, .delay_max_ps = 1};
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), -EINVAL);
	cfg = (struct dp_fault_cfg){.delay_max_ps = UINT64_MAX};
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), -EINVAL);
	cfg = (struct dp_fault_cfg){.dir = 4};
	CHECK_EQ(dp_port_fault_set(n.fault, &cfg), -EINVAL);
	CHECK_EQ(dp_port_fault_set_rules(n.fault, &rule, 1), -EINVAL);
	rule = (struct dp_fault_rule){.action = DP_FAULT_MARK_CE + 1};
	CHECK_EQ(dp_port_fault_set_rules(n.fault, &rule, 1), -EINVAL);
	CHECK_EQ(dp_port_fault_set_rules(n.fault, NULL, 1), -EINVAL);
	CHECK_EQ(dp_port_fault_set_rules(n.fault, &rule, 33), -EINVAL);
	CHECK_EQ(dp_port_fault_set_rules(n.fault, NULL, 0), 0);
	net_free(&n);
}

/* As a switch: only what says that it may be marked (RFC 3168), with a header checksum that is right again. */
static void test_marks_ce_on_a_copy(void)
{
	struct dp_fault_rule rule = {.action = DP_FAULT_MARK_CE};
	struct net n = net_new(DP_FAULT_TX, NULL);
	struct test_frame t;
	struct dp_frame *v[1];

	CHECK_EQ(dp_port_fault_set_rules(n.fault, &rule, 1), 0);
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		test_frame_v4(&t, ecn, 64);
		t.f.l3[1] = (uint8_t)(26 << 2 | ecn);
		dp_put_be16(t.f.l3 + 10, dp_ip4_checksum(t.f.l3));
		CHECK_EQ(test_tx1(n.tx, &t.f, 0), 1);
		CHECK_EQ(t.f.l3[1], 26 << 2 | ecn);
		CHECK_EQ(dp_port_rx(n.rx, v, 1, 0), 1);
		CHECK_EQ(v[0]->l3[1], 26 << 2 | (ecn ? 3 : 0));
		CHECK_EQ(dp_get_be16(v[0]->l3 + 10), dp_ip4_checksum(v[0]->l3));
	}
	CHECK_EQ(dp_port_fault_held(n.fault), 0);
	net_free(&n);
}

int main(void)
{
	uint32_t dir;

	for (dir = DP_FAULT_TX; dir <= DP_FAULT_RX; dir++) {
		test_clean_port_changes_nothing(dir);
		test_loss_has_its_rate_and_repeats(dir);
		test_duplicate_follows_its_frame(dir);
		test_reordered_frame_waits_for_k_others(dir);
		test_last_reordered_frame_is_not_stuck(dir);
		test_delay_is_within_bounds_and_keeps_order_when_constant(dir);
		test_corruption_flips_one_to_three_bits_anywhere(dir, 0);
		test_corruption_flips_one_to_three_bits_anywhere(dir, 1);
		test_rule_drops_the_third_match(dir);
		test_rules_of_each_action(dir);
		test_corrupt_rule_hits_only_its_frame(dir);
		test_nothing_is_lost_or_made_up_by_all_but_loss(dir);
	}
	test_directions_are_separate();
	test_busy_inner_port_draws_once();
	test_late_copies_wait_in_order_for_a_busy_port();
	test_held_is_bounded();
	test_prediction_holds_over_loss_and_copies();
	test_bad_arguments();
	RUN(test_marks_ce_on_a_copy);
	return check_done();
}
