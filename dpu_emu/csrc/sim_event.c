#include "dpu_emu/csrc/sim_event.h"

#include <stdlib.h>

#define BUCKETS (1u << 14)
#define AHEAD   12 /* events that should be known, for who looks ahead */
#define FILL    32 /* to so many, when there are fewer */
#define WORDS   (BUCKETS / 64)

int emu_events_init(struct emu_events *q, uint32_t shift, uint32_t fixed)
{
	*q = (struct emu_events){.shift = shift, .fixed = fixed, .free = EMU_EVENT_NONE, .chunks_free = EMU_EVENT_NONE};
	q->last = malloc(BUCKETS * sizeof(*q->last));
	q->bitmap = calloc(WORDS, sizeof(*q->bitmap));
	q->summary = calloc(WORDS / 64, sizeof(*q->summary));
	if (!q->last || !q->bitmap || !q->summary)
		return -ENOMEM;
	return 0;
}

void emu_events_fini(struct emu_events *q)
{
	free(q->v);
	free(q->last);
	free(q->bitmap);
	free(q->summary);
	free(q->chunks);
	free(q->cur);
	free(q->heap);
}

uint32_t emu_events_add(struct emu_events *q, uint8_t kind, uint32_t id, uint32_t arg)
{
	uint32_t i = q->free;

	if (i != EMU_EVENT_NONE) {
		q->free = q->v[i].id;
	} else {
		if (q->n == q->room) {
			uint32_t room = q->room + q->room / 2 + 64;
			struct emu_event *v = realloc(q->v, room * sizeof(*v));

			if (!v) {
				q->failed = true;
				return EMU_EVENT_NONE;
			}
			q->v = v;
			q->room = room;
		}
		i = q->n++;
	}
	q->v[i] = (struct emu_event){.kind = kind, .id = id, .arg = arg};
	return q->fixed + i;
}

void emu_events_remove(struct emu_events *q, uint32_t event)
{
	emu_events_at(q, event)->id = q->free;
	q->free = event - q->fixed;
}

static uint32_t chunk_get(struct emu_events *q)
{
	uint32_t i = q->chunks_free;

	if (i != EMU_EVENT_NONE) {
		q->chunks_free = q->chunks[i].next;
		return i;
	}
	if (q->chunks_n == q->chunks_room) {
		uint32_t room = q->chunks_room + q->chunks_room / 4 + 32;
		struct emu_chunk *chunks = realloc(q->chunks, room * sizeof(*chunks));

		if (!chunks) {
			q->failed = true;
			return EMU_EVENT_NONE;
		}
		q->chunks = chunks;
		q->chunks_room = room;
	}
	return q->chunks_n++;
}

static bool before(const struct emu_due *a, const struct emu_due *b)
{
	return a->at_ps != b->at_ps ? a->at_ps < b->at_ps : a->seq < b->seq;
}

/* Room for one more; false: no memory. */
static bool grow(struct emu_events *q, struct emu_due **v, uint32_t n, uint32_t *room)
{
	uint32_t more = *room + *room / 2 + 16;
	struct emu_due *p;

	if (n < *room)
		return true;
	p = realloc(*v, more * sizeof(*p));
	if (!p) {
		q->failed = true;
		return false;
	}
	*v = p;
	*room = more;
	return true;
}

static void heap_push(struct emu_events *q, struct emu_due due)
{
	uint32_t i = q->heap_n;

	if (!grow(q, &q->heap, i, &q->heap_room))
		return;
	q->heap_n++;
	while (i && before(&due, &q->heap[(i - 1) / 2])) {
		q->heap[i] = q->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	q->heap[i] = due;
}

static struct emu_due heap_pop(struct emu_events *q)
{
	struct emu_due top = q->heap[0], last = q->heap[--q->heap_n];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < q->heap_n) {
		if (child + 1 < q->heap_n && before(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!before(&q->heap[child], &last))
			break;
		q->heap[i] = q->heap[child];
		i = child;
	}
	q->heap[i] = last;
	return top;
}

/* Into its place among those of the bucket whose turn it is: most often the last. */
static void cur_insert(struct emu_events *q, struct emu_due due)
{
	uint32_t i = q->cur_n;

	if (!grow(q, &q->cur, i, &q->cur_room))
		return;
	while (i > q->cur_at && before(&due, &q->cur[i - 1])) {
		q->cur[i] = q->cur[i - 1];
		i--;
	}
	q->cur[i] = due;
	q->cur_n++;
}

void emu_events_arm(struct emu_events *q, uint32_t event, uint64_t at_ps)
{
	struct emu_due due = {at_ps, q->seq++, event};
	uint64_t turn = at_ps >> q->shift;
	uint32_t b = turn & (BUCKETS - 1), c;
	bool used;

	if (event >= q->fixed)
		emu_events_at(q, event)->armed = true;
	q->armed++;
	if (turn <= q->turn) {
		cur_insert(q, due);
		return;
	}
	if (turn - q->turn >= BUCKETS) {
		heap_push(q, due);
		return;
	}
	used = q->bitmap[b / 64] >> (b % 64) & 1;
	if (!used || q->chunks[q->last[b]].n == EMU_CHUNK) {
		c = chunk_get(q);
		if (c == EMU_EVENT_NONE)
			return;
		q->chunks[c].n = 0;
		q->chunks[c].next = c;
		if (used) {
			q->chunks[c].next = q->chunks[q->last[b]].next;
			q->chunks[q->last[b]].next = c;
		}
		q->last[b] = c;
		q->bitmap[b / 64] |= 1ull << (b % 64);
		q->summary[b / 4096] |= 1ull << (b / 64 % 64);
	}
	c = q->last[b];
	q->chunks[c].v[q->chunks[c].n++] = due;
}

/* The first bucket in use at or after the one behind `turn`, round the ring; UINT64_MAX: all are empty. */
static uint64_t next_bucket(const struct emu_events *q)
{
	uint32_t start = (uint32_t)(q->turn + 1) & (BUCKETS - 1), word = start / 64, found;
	uint64_t bits = q->bitmap[word] >> (start % 64) << (start % 64);

	if (!bits) {
		uint32_t group = (word + 1) % WORDS / 64, at = (word + 1) % WORDS % 64;
		uint64_t s = q->summary[group] >> at << at;

		/* One group more than there are: the first one's other part. */
		for (uint32_t i = 0; !s && i <= WORDS / 64; i++) {
			group = (group + 1) % (WORDS / 64);
			s = q->summary[group];
		}
		if (!s)
			return UINT64_MAX;
		word = group * 64 + (uint32_t)__builtin_ctzll(s);
		bits = q->bitmap[word];
		if (word == start / 64) /* what is left of the first word is a round away */
			bits &= ~(~0ull << (start % 64));
	}
	found = word * 64 + (uint32_t)__builtin_ctzll(bits);
	return q->turn + 1 + ((found - start) & (BUCKETS - 1));
}

static int by_due(const void *a, const void *b)
{
	return before(a, b) ? -1 : 1;
}

/* Most often almost in order: by insertion, unless that takes too long. */
static void sort(struct emu_due *v, uint32_t n)
{
	uint32_t moves = 0;

	for (uint32_t i = 1; i < n; i++) {
		struct emu_due due = v[i];
		uint32_t k = i;

		for (; k && before(&due, &v[k - 1]); k--)
			v[k] = v[k - 1];
		v[k] = due;
		moves += i - k;
		if (moves > 8 * n + 64) {
			qsort(v, n, sizeof(*v), by_due);
			return;
		}
	}
}

/* Appends a bucket, all of which is later than what is there, in its order. */
static void take_bucket(struct emu_events *q, uint32_t b)
{
	uint32_t begin = q->cur_n, last = q->last[b], c = q->chunks[last].next, next;

	for (;; c = next) {
		struct emu_chunk *chunk = &q->chunks[c];

		for (uint32_t i = 0; i < chunk->n; i++) {
			if (!grow(q, &q->cur, q->cur_n, &q->cur_room))
				return;
			q->cur[q->cur_n++] = chunk->v[i];
		}
		next = chunk->next;
		chunk->next = q->chunks_free;
		q->chunks_free = c;
		if (c == last)
			break;
	}
	q->bitmap[b / 64] &= ~(1ull << (b % 64));
	if (!q->bitmap[b / 64])
		q->summary[b / 4096] &= ~(1ull << (b / 64 % 64));
	sort(q->cur + begin, q->cur_n - begin);
}

/*
 * Fills `cur` with buckets up to that of limit_ps, until it has enough of them; while it has anything, none that is far.
 */
static void refill(struct emu_events *q, uint64_t limit_ps)
{
	uint64_t limit = limit_ps >> q->shift;

	q->cur_n -= q->cur_at;
	if (q->cur_at && q->cur_n)
		memmove(q->cur, q->cur + q->cur_at, q->cur_n * sizeof(*q->cur));
	q->cur_at = 0;
	while (q->cur_n < FILL) {
		uint64_t turn = next_bucket(q), far = q->heap_n ? q->heap[0].at_ps >> q->shift : UINT64_MAX;
		uint64_t first = DP_MIN(turn, far);

		if (first == UINT64_MAX || first > limit + 16 || (q->cur_n && first > q->turn + 16)) {
			if (!q->cur_n && limit_ps != DP_NEVER)
				q->turn = DP_MAX(q->turn, limit);
			return;
		}
		q->turn = first;
		if (turn == first)
			take_bucket(q, turn & (BUCKETS - 1));
		while (q->heap_n && q->heap[0].at_ps >> q->shift == first)
			cur_insert(q, heap_pop(q));
		if (q->failed)
			return;
	}
}

uint64_t emu_events_next_ps(struct emu_events *q, uint64_t limit_ps)
{
	if (q->cur_n - q->cur_at < AHEAD)
		refill(q, limit_ps);
	return q->cur_at == q->cur_n ? DP_NEVER : q->cur[q->cur_at].at_ps;
}
