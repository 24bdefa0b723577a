/* The timing wheel against a list kept sorted by (deadline, order of arming): millions of random operations. */
#include <stdlib.h>

#include "datapath/csrc/rng.h"
#include "datapath/csrc/wheel.h"
#include "tests/c/check.h"

#include <stdlib.h>

#define TIMERS 64

struct model {
	struct dp_wheel w;
	struct dp_timer t[TIMERS];
	uint64_t key[TIMERS]; /* deadline that counts; DP_NEVER: not armed */
	uint64_t seq[TIMERS], next_seq;
	uint64_t time_ps; /* the wheel's */
	struct dp_rng rng;
};

static int earliest(const struct model *m)
{
	int i, best = -1;

	for (i = 0; i < TIMERS; i++)
		if (m->key[i] != DP_NEVER &&
		    (best < 0 || m->key[i] < m->key[best] || (m->key[i] == m->key[best] && m->seq[i] < m->seq[best])))
			best = i;
	return best;
}

static void arm(struct model *m, int i, uint64_t deadline_ps)
{
	dp_wheel_arm(&m->w, &m->t[i], deadline_ps);
	m->key[i] = deadline_ps == DP_NEVER ? DP_NEVER : DP_MAX(deadline_ps, m->time_ps);
	m->seq[i] = m->next_seq++;
}

/* One pop; true when a timer came. */
static bool pop(struct model *m, uint64_t now_ps)
{
	struct dp_timer *t = dp_wheel_pop(&m->w, now_ps);
	int i = earliest(m);

	if (i < 0 || m->key[i] > now_ps) {
		CHECK(t == NULL);
		m->time_ps = now_ps;
		return false;
	}
	CHECK(t == &m->t[i]);
	CHECK(!dp_timer_armed(&m->t[i]));
	m->time_ps = m->key[i];
	m->key[i] = DP_NEVER;
	return true;
}

static void check_next(struct model *m)
{
	uint64_t next_ps = dp_wheel_next_ps(&m->w);
	int i = earliest(m);

	if (i < 0) {
		CHECK_EQ(next_ps, DP_NEVER);
		return;
	}
	CHECK(next_ps <= m->key[i]);
	CHECK(next_ps >= m->time_ps);
}

/* Spans from nothing to days, so that all levels and both near and far ties occur. */
static uint64_t random_span(struct model *m, int bits)
{
	return dp_rng_next(&m->rng) >> (64 - 1 - dp_rng_below(&m->rng, (uint64_t)bits));
}

static void differential(uint64_t seed, uint64_t start_ps, int bits, int ops)
{
	static struct model m;
	uint64_t now_ps = start_ps, at, count;
	int op, i, j;

	memset(&m, 0, sizeof(m));
	memset(m.key, 0xff, sizeof(m.key));
	dp_rng_seed(&m.rng, seed);
	dp_wheel_init(&m.w, start_ps);
	m.time_ps = start_ps;
	for (op = 0; op < ops; op++) {
		i = (int)dp_rng_below(&m.rng, TIMERS);
		switch (dp_rng_below(&m.rng, 8)) {
		case 0:
		case 1:
		case 2:
			arm(&m, i, dp_add_ps(now_ps, random_span(&m, bits)));
			break;
		case 3: /* a tie with another timer, armed when time stood elsewhere */
			j = (int)dp_rng_below(&m.rng, TIMERS);
			if (m.key[j] != DP_NEVER)
				arm(&m, i, m.key[j]);
			break;
		case 4: /* in the past */
			at = random_span(&m, bits);
			arm(&m, i, now_ps > at ? now_ps - at : 0);
			break;
		case 5:
			if (dp_rng_below(&m.rng, 2))
				arm(&m, i, DP_NEVER);
			else
				dp_wheel_disarm(&m.w, &m.t[i]);
			m.key[i] = DP_NEVER;
			break;
		case 6: /* as a driver does: sleep until next_ps, run some */
			at = dp_wheel_next_ps(&m.w);
			if (at != DP_NEVER)
				now_ps = DP_MAX(now_ps, at);
			pop(&m, now_ps);
			break;
		default:
			if (bits < 60 || dp_rng_below(&m.rng, 50) == 0)
				now_ps = dp_add_ps(now_ps, random_span(&m, bits));
			if (now_ps == DP_NEVER)
				now_ps = DP_NEVER - 1;
			while (pop(&m, now_ps))
				;
		}
		check_next(&m);
		for (count = 0, j = 0; j < TIMERS; j++)
			count += m.key[j] != DP_NEVER;
		CHECK_EQ(m.w.count, count);
		if (check_failed)
			return;
	}
}

static void test_never_disarms(void)
{
	struct dp_timer t = {0};
	struct dp_wheel w;

	dp_wheel_init(&w, 5);
	dp_wheel_arm(&w, &t, 9);
	CHECK(dp_timer_armed(&t));
	dp_wheel_arm(&w, &t, DP_NEVER);
	CHECK(!dp_timer_armed(&t));
	CHECK_EQ(dp_wheel_next_ps(&w), DP_NEVER);
	CHECK(dp_wheel_pop(&w, DP_NEVER - 1) == NULL);
	dp_wheel_disarm(&w, &t);
	CHECK_EQ(w.count, 0);
}

static void test_jump_to_the_end_of_time(void)
{
	struct dp_timer a = {0}, b = {0}, c = {0};
	struct dp_wheel w;

	dp_wheel_init(&w, 0);
	dp_wheel_arm(&w, &a, DP_NEVER - 1);
	dp_wheel_arm(&w, &b, 1);
	dp_wheel_arm(&w, &c, DP_NEVER - 2);
	CHECK(dp_wheel_pop(&w, DP_NEVER - 3) == &b);
	CHECK(dp_wheel_pop(&w, DP_NEVER - 3) == NULL);
	CHECK_EQ(w.now_ps, DP_NEVER - 3);
	CHECK(dp_wheel_pop(&w, DP_NEVER - 2) == &c);
	CHECK(dp_wheel_pop(&w, DP_NEVER - 2) == NULL);
	CHECK_EQ(dp_wheel_next_ps(&w), DP_NEVER - 1);
	CHECK(dp_wheel_pop(&w, DP_NEVER) == &a);
}

static void test_early_wake_ups_are_bounded(void)
{
	struct dp_timer t[2] = {{0}, {0}};
	struct dp_wheel w;
	uint64_t now_ps = 0;
	int wakes = 0;

	dp_wheel_init(&w, 0);
	dp_wheel_arm(&w, &t[0], DP_NEVER - 1);
	dp_wheel_arm(&w, &t[1], DP_NEVER - 1);
	while (!dp_wheel_pop(&w, now_ps)) {
		CHECK(dp_wheel_next_ps(&w) > now_ps);
		now_ps = dp_wheel_next_ps(&w);
		wakes++;
	}
	CHECK_EQ(now_ps, DP_NEVER - 1);
	CHECK(wakes <= DP_WHEEL_LEVELS);
}

int main(int argc, char **argv)
{
	int ops = argc > 1 ? atoi(argv[1]) : 300000;

	test_never_disarms();
	test_jump_to_the_end_of_time();
	test_early_wake_ups_are_bounded();
	differential(1, 0, 4, ops);
	differential(2, 0, 14, ops);
	differential(3, 12345678901234567, 40, ops);
	differential(4, 0, 62, ops);
	differential(5, DP_NEVER - (1ULL << 30), 24, ops);
	return check_done();
}
