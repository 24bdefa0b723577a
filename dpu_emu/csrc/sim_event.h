/*
 * The event queue: what happens next, by (time, sequence). Integer picoseconds.
 *
 * A ring of buckets covers the near future; an event goes into its bucket, and the bucket whose turn it is gets sorted.
 * What is farther away waits in a heap, and comes out of it when its bucket's turn is there. The width of a bucket decides
 * about speed only: the order is by (time, sequence) whatever it is.
 *
 * Events are numbers, which are not taken back once armed: who fires looks at whether there is anything to do. Those below
 * `fixed` are their owner's, who knows what they are and arms each once at a time; the queue never looks at anything
 * but the number, so that an event costs no cache line of its own. The others are made and have a kind.
 */
#ifndef EMU_SIM_EVENT_H
#define EMU_SIM_EVENT_H

#include "datapath/csrc/base.h"

#define EMU_EVENT_NONE UINT32_MAX

struct emu_event {
	uint32_t id; /* what it is of; of a free one, the next */
	uint32_t arg;
	uint8_t kind;
	bool armed;
};

struct emu_due {
	uint64_t at_ps, seq;
	uint32_t event;
};

#define EMU_CHUNK 5
struct emu_chunk {
	struct emu_due v[EMU_CHUNK];
	uint32_t n, next;
};

struct emu_events {
	uint32_t shift; /* log2 of a bucket's width in ps */
	uint32_t fixed;
	uint64_t turn; /* bucket that is being worked off: time >> shift */
	uint64_t seq;
	uint32_t armed;
	uint32_t cur_at, cur_n, cur_room;
	struct emu_due *cur; /* the bucket whose turn it is, sorted; from cur_at on */
	uint32_t *last;      /* of a bucket's chunks, if it has any: a ring, so its next is the first */
	uint64_t *bitmap, *summary;
	struct emu_chunk *chunks;
	uint32_t chunks_n, chunks_room, chunks_free;
	struct emu_due *heap;
	uint32_t heap_n, heap_room;
	struct emu_event *v;
	uint32_t n, room, free;
	bool failed; /* no memory: nothing may be relied on any more */
};

int emu_events_init(struct emu_events *q, uint32_t shift, uint32_t fixed);
void emu_events_fini(struct emu_events *q);
/* A new event; EMU_EVENT_NONE: no memory. */
uint32_t emu_events_add(struct emu_events *q, uint8_t kind, uint32_t id, uint32_t arg);
static inline struct emu_event *emu_events_at(struct emu_events *q, uint32_t event) /* not of a fixed one */
{
	return &q->v[event - q->fixed];
}
void emu_events_remove(struct emu_events *q, uint32_t event); /* one that is not armed */
/* Not armed yet. A time before the one that was popped last counts as that. */
void emu_events_arm(struct emu_events *q, uint32_t event, uint64_t at_ps);
/* When the next one is; DP_NEVER: none up to the limit. Whoever has other timers gives theirs as the limit. */
uint64_t emu_events_next_ps(struct emu_events *q, uint64_t limit_ps);
/* The next one, disarmed; only after emu_events_next_ps() gave a time. */
static inline uint32_t emu_events_pop(struct emu_events *q)
{
	uint32_t event = q->cur[q->cur_at++].event;

	q->armed--;
	if (event >= q->fixed)
		emu_events_at(q, event)->armed = false;
	return event;
}
/* The one that comes i after the next, if its bucket has its turn; EMU_EVENT_NONE: not known yet. */
static inline uint32_t emu_events_peek(const struct emu_events *q, uint32_t i)
{
	return q->cur_at + i < q->cur_n ? q->cur[q->cur_at + i].event : EMU_EVENT_NONE;
}

#endif
