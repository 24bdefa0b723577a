/*
 * Two ports joined back to back: one ring of copied frames a direction, shared by both ends and freed by the last.
 *
 * Each ring has one producer and one consumer, which may be two threads. The ring has at least twice `depth` slots
 * (a power of two, so that an index is a mask and not a division): the frames that the last rx() returned stay valid
 * (at most depth of them) while depth more can be sent, so a receiver that is still busy with its batch never blocks
 * the sender.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "datapath/csrc/port.h"

#define DEPTH_MAX (1U << 20)

struct ring {
	atomic_uint_least64_t sent, received; /* running counts */
	struct dp_frame *slot;                /* ts_ps is the arrival */
	uint8_t *bytes;                       /* DP_FRAME_DATA_MAX for each slot */
};

struct pair {
	atomic_int ends;
	uint32_t depth;
	uint64_t mask; /* slots of a ring - 1 */
	uint64_t latency_ps;
	struct ring ring[2];
};

struct mem_port {
	struct dp_port p;
	struct pair *pair;
	struct ring *out, *in;
	bool tx_blocked;
};

static struct mem_port *mem_of(struct dp_port *p)
{
	return DP_CONTAINER_OF(p, struct mem_port, p);
}

static void pair_put(struct pair *pair)
{
	int i;

	if (atomic_fetch_sub_explicit(&pair->ends, 1, memory_order_acq_rel) > 1)
		return;
	for (i = 0; i < 2; i++) {
		free(pair->ring[i].slot);
		free(pair->ring[i].bytes);
	}
	free(pair);
}

static struct dp_frame *slot_at(const struct mem_port *m, const struct ring *r, uint64_t n)
{
	return &r->slot[n & m->pair->mask];
}

static void copy_in(struct dp_frame *to, const struct dp_frame *f, uint64_t arrival_ps)
{
	uint8_t *data = to->data;

	*to = *f;
	to->data = data;
	to->cap = DP_FRAME_DATA_MAX;
	/* Here the header is what was on the wire, whatever the sender's frame was marked with. */
	to->flags = DP_FRAME_ID_KNOWN | DP_FRAME_TTL_KNOWN;
	to->port = 0;
	to->ts_ps = arrival_ps;
	if (f->len)
		memcpy(data, f->data, f->len);
}

static int mem_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct mem_port *m = mem_of(p);
	uint64_t sent = atomic_load_explicit(&m->out->sent, memory_order_relaxed);
	uint64_t arrival_ps = dp_add_ps(now_ps, m->pair->latency_ps);
	bool alone = atomic_load_explicit(&m->pair->ends, memory_order_acquire) < 2;
	int i;

	m->tx_blocked = false;
	for (i = 0; i < n; i++) {
		if (alone || v[i]->l3_len > DP_L3_MAX || dp_frame_bytes(v[i]) > p->mtu) {
			p->stats.tx_errors++;
			continue;
		}
		if (sent - atomic_load_explicit(&m->out->received, memory_order_acquire) >= m->pair->depth) {
			m->tx_blocked = true;
			p->stats.tx_busy++;
			break;
		}
		copy_in(slot_at(m, m->out, sent), v[i], arrival_ps);
		atomic_store_explicit(&m->out->sent, ++sent, memory_order_release);
		p->stats.tx_frames++;
		p->stats.tx_bytes += dp_frame_bytes(v[i]);
	}
	return i;
}

static int mem_rx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct mem_port *m = mem_of(p);
	uint64_t received = atomic_load_explicit(&m->in->received, memory_order_relaxed);
	uint64_t sent = atomic_load_explicit(&m->in->sent, memory_order_acquire);
	struct dp_frame *f;
	uint32_t count = 0;

	/* Not more than depth, even if the sender refills meanwhile: the slots of this batch must stay untouched. */
	while (count < m->pair->depth && (int)count < n && received != sent) {
		f = slot_at(m, m->in, received);
		if (f->ts_ps > now_ps)
			break;
		p->stats.rx_frames++;
		p->stats.rx_bytes += dp_frame_bytes(f);
		v[count++] = f;
		received++;
	}
	atomic_store_explicit(&m->in->received, received, memory_order_release);
	return (int)count;
}

static uint64_t mem_next_ps(struct dp_port *p)
{
	struct mem_port *m = mem_of(p);
	uint64_t received = atomic_load_explicit(&m->in->received, memory_order_relaxed);
	uint64_t next_ps = DP_NEVER, oldest;

	if (received != atomic_load_explicit(&m->in->sent, memory_order_acquire))
		next_ps = slot_at(m, m->in, received)->ts_ps;
	if (m->tx_blocked) {
		/* The peer makes room when it takes the oldest frame; if it has done so already, that is a past time. */
		oldest = atomic_load_explicit(&m->out->sent, memory_order_relaxed) - m->pair->depth;
		next_ps = DP_MIN(next_ps, slot_at(m, m->out, oldest)->ts_ps);
	}
	return next_ps;
}

/* A driver with nothing left to send calls no tx(): the wait ends here. */
static void mem_tick(struct dp_port *p, uint64_t now_ps)
{
	(void)now_ps;
	mem_of(p)->tx_blocked = false;
}

static void mem_free(struct dp_port *p)
{
	struct mem_port *m = mem_of(p);

	pair_put(m->pair);
	free(m);
}

static const struct dp_port_ops mem_ops = {
	.name = "mem",
	.tx = mem_tx,
	.rx = mem_rx,
	.next_ps = mem_next_ps,
	.tick = mem_tick,
	.free = mem_free,
};

static bool ring_init(struct ring *r, size_t slots)
{
	size_t i;

	r->slot = calloc(slots, sizeof(*r->slot));
	r->bytes = malloc(slots * DP_FRAME_DATA_MAX); /* the kernel gives pages as slots come into use */
	if (!r->slot || !r->bytes)
		return false;
	for (i = 0; i < slots; i++)
		r->slot[i].data = r->bytes + i * DP_FRAME_DATA_MAX;
	return true;
}

int dp_port_mem_pair(uint32_t depth, uint64_t latency_ps, struct dp_port **a, struct dp_port **b)
{
	struct mem_port *end[2] = {NULL, NULL};
	struct pair *pair;
	int i;

	if (!depth || depth > DEPTH_MAX || !a || !b)
		return -EINVAL;
	pair = calloc(1, sizeof(*pair));
	if (!pair)
		return -ENOMEM;
	pair->depth = depth;
	pair->mask = UINT64_MAX >> __builtin_clzll(2 * (uint64_t)depth - 1);
	pair->latency_ps = latency_ps;
	atomic_init(&pair->ends, 1);
	for (i = 0; i < 2; i++) {
		end[i] = calloc(1, sizeof(*end[i]));
		if (!end[i] || !ring_init(&pair->ring[i], pair->mask + 1)) {
			free(end[0]);
			free(end[1]);
			pair_put(pair);
			return -ENOMEM;
		}
		end[i]->p.ops = &mem_ops;
		end[i]->p.mtu = DP_FRAME_DATA_MAX;
		end[i]->pair = pair;
		end[i]->out = &pair->ring[i];
		end[i]->in = &pair->ring[1 - i];
	}
	atomic_init(&pair->ends, 2);
	*a = &end[0]->p;
	*b = &end[1]->p;
	return 0;
}
