/*
 * Hierarchical timing wheel: O(1) insert and remove however many timers there are, deadlines exact to the
 * picosecond. 64 slots a level, one level for each six bits of the time; an entry sits at the level of the
 * highest group of bits in which its deadline differs from the wheel's time, in the slot of that group's value.
 *
 * Why the order is exact: a level-0 slot is 1 ps wide, so one slot never mixes deadlines; everything at a lower
 * level is earlier than anything at a higher one; and equal deadlines always share a slot, whose list is a queue.
 */
#ifndef DP_WHEEL_H
#define DP_WHEEL_H

#include "datapath/csrc/base.h"

#define DP_WHEEL_BITS   6  /* of the time, per level */
#define DP_WHEEL_LEVELS 11 /* 11 x 6 bits cover all 64 */
#define DP_WHEEL_SLOTS  64

/* Zeroed before its first use; belongs to one wheel at a time and must not move while armed. */
struct dp_timer {
	struct dp_timer *next, *prev; /* ring of the slot; next NULL: not armed */
	uint64_t deadline_ps;
	uint8_t level, slot; /* level DP_WHEEL_LEVELS: on the due list */
	uint8_t kind;        /* the owner's */
};

struct dp_wheel {
	uint64_t now_ps;                  /* up to where pop() has looked; no armed deadline is before it unless due */
	uint64_t bitmap[DP_WHEEL_LEVELS]; /* slots in use */
	uint32_t levels;                  /* levels in use */
	struct dp_timer *slot[DP_WHEEL_LEVELS][DP_WHEEL_SLOTS]; /* first of the ring */
	struct dp_timer *due;                                   /* deadline at or before now_ps; first of the ring */
	uint64_t count;
};

void dp_wheel_init(struct dp_wheel *w, uint64_t now_ps);

/*
 * Arms (or re-arms) a timer. DP_NEVER disarms it. A deadline before the wheel's time counts as the wheel's time:
 * it comes out next, after those that are due already.
 */
void dp_wheel_arm(struct dp_wheel *w, struct dp_timer *t, uint64_t deadline_ps);
void dp_wheel_disarm(struct dp_wheel *w, struct dp_timer *t);

static inline bool dp_timer_armed(const struct dp_timer *t)
{
	return t->next != NULL;
}

/*
 * A time at or before the earliest deadline, never before the wheel's time; DP_NEVER when empty. Exact when the
 * earliest timer is alone in its slot, else the start of the slot to look into next, so a driver that sleeps
 * until next_ps() and calls pop() makes at most DP_WHEEL_LEVELS early wake-ups a timer.
 */
uint64_t dp_wheel_next_ps(const struct dp_wheel *w);

/*
 * Advances to now_ps and returns one timer whose deadline has come (disarmed), NULL when there is none left.
 * Timers come out by deadline, equal deadlines in the order they were armed. Until NULL comes the wheel's time
 * is that of the timer last returned, so that what a handler arms between it and now_ps takes its right place.
 */
struct dp_timer *dp_wheel_pop(struct dp_wheel *w, uint64_t now_ps);

#endif
