/* The event queue against a sorted list: order by (time, sequence), whatever the times are. */
#include <stdlib.h>

#include "datapath/csrc/rng.h"
#include "dpu_emu/csrc/sim_event.h"
#include "tests/c/check.h"

#define EVENTS 3000

struct ref {
	uint64_t at_ps, seq;
	bool armed;
};

/* Spans: within a bucket, within the ring, far beyond it. */
static uint64_t draw_span(struct dp_rng *rng)
{
	static const uint64_t spans[] = {1, 100, 5000, 1000000, 300000000, DP_SEC};

	return dp_rng_below(rng, spans[dp_rng_below(rng, DP_ARRAY_SIZE(spans))]) + dp_rng_below(rng, 2);
}

static uint32_t first_of(const struct ref *v)
{
	uint32_t best = EMU_EVENT_NONE;

	for (uint32_t i = 0; i < EVENTS; i++)
		if (v[i].armed && (best == EMU_EVENT_NONE || v[i].at_ps < v[best].at_ps ||
				   (v[i].at_ps == v[best].at_ps && v[i].seq < v[best].seq)))
			best = i;
	return best;
}

static void run(uint32_t shift, uint64_t seed)
{
	struct ref *v = calloc(EVENTS, sizeof(*v));
	struct emu_events q;
	uint64_t now_ps = 0, seq = 0, next_ps, limit_ps;
	struct dp_rng rng;
	uint32_t wrong = 0;

	dp_rng_seed(&rng, seed);
	CHECK_EQ(emu_events_init(&q, shift, EVENTS / 2), 0);
	for (uint32_t i = EVENTS / 2; i < EVENTS; i++)
		CHECK_EQ(emu_events_add(&q, 0, i, 0), i);
	for (uint32_t step = 0; step < 6000; step++) {
		uint32_t i = (uint32_t)dp_rng_below(&rng, EVENTS), first;

		if (step % 1000 < 600 && !v[i].armed) {
			v[i] = (struct ref){now_ps + draw_span(&rng), seq++, true};
			emu_events_arm(&q, i, v[i].at_ps);
			continue;
		}
		first = first_of(v);
		limit_ps = dp_rng_below(&rng, 3) ? DP_NEVER : now_ps + draw_span(&rng);
		next_ps = emu_events_next_ps(&q, limit_ps);
		if (first == EMU_EVENT_NONE || (v[first].at_ps > limit_ps && next_ps == DP_NEVER)) {
			wrong += next_ps != DP_NEVER;
			now_ps =
				first == EMU_EVENT_NONE ? now_ps : limit_ps; /* as a driver with other timers goes on */
			continue;
		}
		wrong += next_ps != v[first].at_ps;
		wrong += emu_events_pop(&q) != first;
		v[first].armed = false;
		now_ps = v[first].at_ps;
	}
	CHECK_EQ(wrong, 0);
	emu_events_fini(&q);
	free(v);
}

static void test_order_is_by_time_and_sequence(void)
{
	for (uint32_t shift = 6; shift <= 16; shift += 5)
		for (uint64_t seed = 1; seed <= 4; seed++)
			run(shift, seed);
}

int main(void)
{
	RUN(test_order_is_by_time_and_sequence);
	return check_done();
}
