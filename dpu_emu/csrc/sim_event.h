/*
 * The event queue: what happens next, by (time, sequence). Integer picoseconds.
 *
 * A ring of buckets covers the near future; an event is appended to its bucket, and the bucket whose turn it is gets
 * sorted. What is farther away waits in a heap, and comes out of it when its bucket's turn is there. The width of a
 * bucket decides about speed only: the order is by (time, sequence) whatever it is.
 *
 * Events are numbers. Each can be armed once at a time and is not taken back: who fires looks at whether there is
 * anything to do.
 */
#ifndef EMU_SIM_EVENT_H
#define EMU_SIM_EVENT_H

#include "datapath/csrc/base.h"

#define EMU_EVENT_NONE UINT32_MAX

struct emu_event {
	uint64_t at_ps, seq;
	uint32_t next; /* in its bucket, or of the free ones */
	uint32_t id;   /* what it is of */
	uint32_t arg;
	uint8_t kind;
	bool armed;
};

struct emu_due {
	uint64_t at_ps, seq;
	uint32_t event;
};

struct emu_events {
	struct emu_event *v;
	uint32_t n, room, free;
	uint32_t shift; /* log2 of a bucket's width in ps */
	uint64_t turn;  /* bucket that is being worked off: time >> shift */
	uint64_t seq;
	uint32_t armed;
	uint32_t *head, *tail;
	uint64_t *bitmap, *summary;
	struct emu_due *cur; /* the bucket whose turn it is, sorted; from cur_at on */
	uint32_t cur_at, cur_n, cur_room;
	struct emu_due *heap;
	uint32_t heap_n, heap_room;
	bool failed; /* no memory: nothing may be relied on any more */
};

int emu_events_init(struct emu_events *q, uint32_t shift);
void emu_events_fini(struct emu_events *q);
/* A new event, armed or not by its owner; EMU_EVENT_NONE: no memory. */
uint32_t emu_events_add(struct emu_events *q, uint8_t kind, uint32_t id, uint32_t arg);
void emu_events_remove(struct emu_events *q, uint32_t event); /* one that is not armed */
/* Not armed yet; a time before the one that was popped last counts as that. */
void emu_events_arm(struct emu_events *q, uint32_t event, uint64_t at_ps);
/* When the next one is; DP_NEVER: none up to the limit. Whoever has other timers gives theirs as the limit. */
uint64_t emu_events_next_ps(struct emu_events *q, uint64_t limit_ps);
/* The next one, disarmed; only after emu_events_next_ps() gave a time. */
uint32_t emu_events_pop(struct emu_events *q);

#endif
