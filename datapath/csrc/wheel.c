/*
 * Hierarchical timing wheel (Varghese and Lauck 1987, scheme 7), see wheel.h for where an entry sits.
 *
 * The invariant that everything rests on: relative to now_ps, each armed timer that is not due is at the level of
 * the highest bit group in which it differs. Time therefore never moves over a pending deadline, and when it moves
 * it re-places the one slot that it enters; all slots between are empty.
 */
#include "datapath/csrc/wheel.h"

static struct dp_timer **ring_of(struct dp_wheel *w, const struct dp_timer *t)
{
	return t->level == DP_WHEEL_LEVELS ? &w->due : &w->slot[t->level][t->slot];
}

static void append(struct dp_timer **ring, struct dp_timer *t)
{
	struct dp_timer *first = *ring;

	if (!first) {
		t->next = t->prev = t;
		*ring = t;
		return;
	}
	t->next = first;
	t->prev = first->prev;
	first->prev->next = t;
	first->prev = t;
}

static unsigned int level_of(uint64_t a, uint64_t b)
{
	return (63 - (unsigned int)__builtin_clzll(a ^ b)) / DP_WHEEL_BITS;
}

static unsigned int slot_of(uint64_t time_ps, unsigned int level)
{
	return time_ps >> (level * DP_WHEEL_BITS) & (DP_WHEEL_SLOTS - 1);
}

static void place(struct dp_wheel *w, struct dp_timer *t)
{
	if (t->deadline_ps <= w->now_ps) {
		t->level = DP_WHEEL_LEVELS;
	} else {
		t->level = (uint8_t)level_of(t->deadline_ps, w->now_ps);
		t->slot = (uint8_t)slot_of(t->deadline_ps, t->level);
		w->bitmap[t->level] |= 1ULL << t->slot;
		w->levels |= 1U << t->level;
	}
	append(ring_of(w, t), t);
}

static void slot_emptied(struct dp_wheel *w, unsigned int level, unsigned int slot)
{
	w->bitmap[level] &= ~(1ULL << slot);
	if (!w->bitmap[level])
		w->levels &= ~(1U << level);
}

static void take_out(struct dp_wheel *w, struct dp_timer *t)
{
	struct dp_timer **ring = ring_of(w, t);

	if (t->next == t) {
		*ring = NULL;
		if (t->level != DP_WHEEL_LEVELS)
			slot_emptied(w, t->level, t->slot);
	} else {
		t->prev->next = t->next;
		t->next->prev = t->prev;
		if (*ring == t)
			*ring = t->next;
	}
	t->next = t->prev = NULL;
	w->count--;
}

void dp_wheel_init(struct dp_wheel *w, uint64_t now_ps)
{
	memset(w, 0, sizeof(*w));
	w->now_ps = now_ps;
}

void dp_wheel_arm(struct dp_wheel *w, struct dp_timer *t, uint64_t deadline_ps)
{
	if (dp_timer_armed(t))
		take_out(w, t);
	t->deadline_ps = deadline_ps;
	if (deadline_ps == DP_NEVER)
		return;
	place(w, t);
	w->count++;
}

void dp_wheel_disarm(struct dp_wheel *w, struct dp_timer *t)
{
	if (dp_timer_armed(t))
		take_out(w, t);
}

/* The slot that holds the earliest timers; only when levels is not 0. */
static void first_slot(const struct dp_wheel *w, unsigned int *level, unsigned int *slot)
{
	*level = (unsigned int)__builtin_ctz(w->levels);
	*slot = (unsigned int)__builtin_ctzll(w->bitmap[*level]);
}

static uint64_t slot_start_ps(const struct dp_wheel *w, unsigned int level, unsigned int slot)
{
	unsigned int shift = level * DP_WHEEL_BITS;

	return ((w->now_ps >> shift & ~(uint64_t)(DP_WHEEL_SLOTS - 1)) | slot) << shift;
}

uint64_t dp_wheel_next_ps(const struct dp_wheel *w)
{
	unsigned int level, slot;
	const struct dp_timer *first;

	if (w->due)
		return w->now_ps;
	if (!w->levels)
		return DP_NEVER;
	first_slot(w, &level, &slot);
	first = w->slot[level][slot];
	return first->next == first ? first->deadline_ps : slot_start_ps(w, level, slot);
}

/* Moves time to a point that no pending deadline precedes. */
static void advance(struct dp_wheel *w, uint64_t now_ps)
{
	struct dp_timer *t, *next, *last;
	unsigned int level, slot;

	if (now_ps == w->now_ps)
		return;
	level = level_of(now_ps, w->now_ps);
	slot = slot_of(now_ps, level);
	w->now_ps = now_ps;
	t = w->slot[level][slot];
	if (!t)
		return;
	w->slot[level][slot] = NULL;
	slot_emptied(w, level, slot);
	last = t->prev;
	for (;; t = next) {
		next = t->next;
		place(w, t); /* in list order, so that equal deadlines keep their order */
		if (t == last)
			return;
	}
}

struct dp_timer *dp_wheel_pop(struct dp_wheel *w, uint64_t now_ps)
{
	unsigned int level, slot;
	struct dp_timer *t;
	uint64_t start_ps;

	now_ps = DP_MAX(now_ps, w->now_ps);
	while (!w->due && w->levels) {
		first_slot(w, &level, &slot);
		t = w->slot[level][slot];
		if (t->next == t) {
			/* Alone: it is the earliest, and needs no walk down the levels. */
			if (t->deadline_ps > now_ps)
				break;
			take_out(w, t);
			w->now_ps = t->deadline_ps;
			return t;
		}
		start_ps = slot_start_ps(w, level, slot);
		if (start_ps > now_ps)
			break;
		advance(w, start_ps);
	}
	t = w->due;
	if (t)
		take_out(w, t);
	else
		advance(w, now_ps);
	return t;
}
