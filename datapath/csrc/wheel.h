/*
 * Hierarchical timing wheel: O(1) insert and remove however many timers there are, deadlines exact to the
 * picosecond. 64 slots a level, one level for each six bits of the time above DP_WHEEL_SHIFT; an entry sits
 * at the level of the highest group of bits in which its deadline differs from the wheel's time.
 */
#ifndef DP_WHEEL_H
#define DP_WHEEL_H

#include "datapath/csrc/base.h"

#define DP_WHEEL_SHIFT 12 /* level 0 slots are 4.096 ns wide */
#define DP_WHEEL_LEVELS 9

struct dp_timer {
	struct dp_timer *next, **pprev; /* pprev NULL: not armed */
	uint64_t deadline_ps;
	uint8_t level, slot;
};

struct dp_wheel {
	uint64_t now_ps;
	uint64_t bitmap[DP_WHEEL_LEVELS];
	struct dp_timer *slot[DP_WHEEL_LEVELS][64];
	struct dp_timer *due; /* deadline already passed when it was armed */
	uint64_t count;
};

void dp_wheel_init(struct dp_wheel *w, uint64_t now_ps);

/* Arms (or re-arms) a timer. DP_NEVER disarms it. */
void dp_wheel_arm(struct dp_wheel *w, struct dp_timer *t, uint64_t deadline_ps);
void dp_wheel_disarm(struct dp_wheel *w, struct dp_timer *t);

static inline bool dp_timer_armed(const struct dp_timer *t)
{
	return t->pprev != NULL;
}

/*
 * A time at or before the earliest deadline, never before now; DP_NEVER when empty. Exact when the earliest
 * timer is within its level-0 slot, else the start of the slot to look into next, so a driver that sleeps
 * until next_ps() and calls pop() makes at most DP_WHEEL_LEVELS early wake-ups a timer.
 */
uint64_t dp_wheel_next_ps(const struct dp_wheel *w);

/*
 * Advances to now_ps and returns one timer whose deadline has come (disarmed), NULL when there is none left.
 * Timers come out by deadline, equal deadlines in the order they were armed.
 */
struct dp_timer *dp_wheel_pop(struct dp_wheel *w, uint64_t now_ps);

#endif
