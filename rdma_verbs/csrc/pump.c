#include "rdma_verbs/csrc/pump.h"

#include <stddef.h>
#include <stdlib.h>

#include "datapath/csrc/guard.h"
#include "datapath/csrc/pfc.h"

#define FRAME_ROOM (ROCE_WIRE_HDR_MAX + 4096 + 4 + ROCE_ICRC_BYTES)
#define RX_ROUNDS  8
#define LAND_MIN   512
/* While processes of this machine talk past the port and nothing comes by it, it is asked only every so many times. */
#define PORT_SKIPS     32
#define PORT_QUIET_PS  (200 * DP_US)
#define LOCAL_PKTS     64
#define LOCAL_RETRY_PS (20 * DP_US)
#define FOLD_PS        (100 * DP_MS)

static struct roce_batch *batch_new(void)
{
	struct roce_batch *b = malloc(sizeof(*b));

	if (!b)
		return NULL;
	b->n = 0;
	b->buf = malloc((size_t)ROCE_PUMP_FRAMES * FRAME_ROOM);
	if (!b->buf) {
		free(b);
		return NULL;
	}
	return b;
}

int roce_pump_init(struct roce_pump *p, struct roce_dev *dev, struct dp_port *port)
{
	memset(p, 0, sizeof(*p));
	p->dev = dev;
	p->port = port;
	p->resume_ps = DP_NEVER;
	p->batches[0] = batch_new();
	return p->batches[0] ? 0 : -ENOMEM;
}

void roce_pump_fini(struct roce_pump *p)
{
	for (int i = 0; i < ROCE_PUMP_BATCHES && p->batches[i]; i++) {
		free(p->batches[i]->buf);
		free(p->batches[i]);
	}
}

/* False: memory of the region is gone, and *ok says nothing. */
static __attribute__((noinline)) bool land(struct roce_pump *p, struct dp_frame *f, struct roce_pkt *pkt, uint8_t *to,
					   bool *ok, bool *solved)
{
	uint32_t offset = (uint32_t)((uint8_t *)pkt->iov[0].iov_base - f->data);

	if (!dp_guard_enter(to, pkt->len))
		return false;
	*ok = roce_wire_icrc_ok_copy(f, p->strict_icrc, solved, to, offset, pkt->len - 8);
	dp_guard_leave();
	pkt->landed = to;
	return true;
}

/* The ICRC; and where possible the payload is copied to its place in the same pass, which reads it but once. */
static bool check(struct roce_pump *p, struct dp_frame *f, struct roce_pkt *pkt, bool *solved)
{
	uint8_t *to = pkt->len >= LAND_MIN ? roce_dev_landing(p->dev, pkt) : NULL;
	bool ok;

	if (to && land(p, f, pkt, to, &ok, solved))
		return ok;
	return roce_wire_icrc_ok(f, p->strict_icrc, solved);
}

static void receive(struct roce_pump *p, struct dp_frame *f, uint64_t now_ps)
{
	struct roce_counters *ctr = roce_dev_counters(p->dev);
	struct roce_pkt pkt;
	bool solved = false;
	enum roce_drop why;

	pkt.bounce = NULL; /* parse() sets the rest */
	pkt.next = NULL;
	why = roce_wire_parse(f, &pkt);
	if (!why && !check(p, f, &pkt, &solved))
		why = ROCE_DROP_BAD_ICRC;
	if (why) {
		ctr->drops[why]++;
		return;
	}
	if (solved) {
		ctr->icrc_id_solved++;
		pkt.ip_id = dp_get_be16(f->l3 + 4);
	}
	pkt.prio = f->prio;
	pkt.ts_ps = f->ts_ps;
	roce_dev_rx(p->dev, &pkt, now_ps);
}

/* Only what prepare() changed since the last time: a port that is short of credit is tried again and again. */
static void seal(struct roce_batch *b, struct dp_frame **v, int n)
{
	for (int i = 0; i < n; i++) {
		ptrdiff_t k = v[i] - b->frames;

		if (b->is_sealed[k] && memcmp(b->sealed[k], v[i]->l3, v[i]->l3_len) == 0)
			continue;
		roce_wire_seal_summed(v[i], &b->sum[k]);
		memcpy(b->sealed[k], v[i]->l3, sizeof(v[i]->l3));
		b->is_sealed[k] = true;
	}
}

/* Takes out the first `took` of the frames in w, which are some of b's in the same order. */
static void batch_took(struct roce_batch *b, struct dp_frame *const *w, int took)
{
	int left = 0, out = 0;

	for (int i = 0; i < b->n; i++) {
		if (out < took && b->v[i] == w[out])
			out++;
		else
			b->v[left++] = b->v[i];
	}
	b->n = left;
}

/*
 * Gives the port what is built, but for frames to a blocked lane, and finds out which these are. What it does not take
 * is prepared again the next time.
 */
static int flush(struct roce_pump *p, struct roce_batch *b, uint64_t *blocked, uint64_t now_ps)
{
	int sent = 0;

	while (b->n) {
		struct dp_frame *w[ROCE_PUMP_FRAMES];
		int n = 0, took;

		for (int i = 0; i < b->n; i++)
			if (!(*blocked >> b->lane[b->v[i] - b->frames] & 1) && !(p->paused >> b->v[i]->prio & 1))
				w[n++] = b->v[i];
		if (!n)
			break;
		dp_port_prepare(p->port, w, n);
		seal(b, w, n);
		took = dp_port_tx(p->port, w, n, now_ps);
		batch_took(b, w, took);
		sent += took;
		p->refused = took < n;
		if (took < n)
			*blocked |= p->port->by_destination ? 1ULL << b->lane[w[took] - b->frames] : UINT64_MAX;
	}
	return sent;
}

/* All batches from the oldest on, so that frames of a lane stay in order. */
static int flush_all(struct roce_pump *p, uint64_t *blocked, uint64_t now_ps)
{
	int sent = 0, left = 0;

	p->refused = false;
	for (int i = 0; i < p->n; i++) {
		struct roce_batch *b = p->batches[i];

		sent += flush(p, b, blocked, now_ps);
		if (b->n) {
			p->batches[i] = p->batches[left];
			p->batches[left++] = b;
		}
	}
	p->n = left;
	return sent;
}

/* What a pause holds is of its priority alone, and the engine makes no more of that: others may follow. */
static bool full(const struct roce_pump *p)
{
	return p->n == ROCE_PUMP_BATCHES || (p->refused && !p->port->by_destination);
}

/* An empty batch; NULL: what is left blocks all that could come, or fills them all. */
static struct roce_batch *batch_free(struct roce_pump *p)
{
	if (full(p))
		return NULL;
	if (!p->batches[p->n])
		p->batches[p->n] = batch_new();
	return p->batches[p->n];
}

static void build(struct roce_pump *p, struct roce_batch *b, struct roce_pkt **pkts, int n)
{
	size_t used = 0;

	for (int i = 0; i < n; i++) {
		struct dp_frame *f = &b->frames[b->n];
		int err;

		if (pkts[i]->link) {
			roce_local_push(p->local, pkts[i]);
			roce_pkt_put(p->dev, pkts[i]);
			continue;
		}

		f->data = b->buf + used;
		f->cap = (uint32_t)((size_t)ROCE_PUMP_FRAMES * FRAME_ROOM - used);
		f->flags = 0;
		f->prio = pkts[i]->prio;
		err = roce_wire_build_summed(pkts[i], f, &b->sum[b->n]);
		if (dp_likely(!err)) {
			b->lane[b->n] = roce_lane(&pkts[i]->dgid, pkts[i]->dqpn);
			b->is_sealed[b->n] = false;
			b->v[b->n++] = f;
			used += f->len;
		} else if (err == -EIO) {
			roce_dev_unreadable(p->dev, pkts[i]);
		} else {
			roce_dev_counters(p->dev)->send_err++; /* phantom payload on a byte port */
		}
		roce_pkt_put(p->dev, pkts[i]);
	}
}

/* Destinations that take nothing for the moment, by the port or by a ring. */
static void hold(struct roce_pump *p, uint64_t blocked, uint64_t now_ps)
{
	if (p->local) {
		blocked |= roce_local_full(p->local, now_ps);
		p->local_tried_ps = now_ps;
	}
	roce_dev_hold(p->dev, blocked, now_ps);
}

/* PFC frames that came, and pauses that ended by themselves. */
static void follow_pauses(struct roce_pump *p, uint64_t now_ps)
{
	const struct dp_pauses *pauses = dp_port_pauses(p->port);
	uint8_t mask;

	if (dp_likely(!pauses || !pauses->frames))
		return;
	mask = dp_pauses_mask(pauses, now_ps, &p->resume_ps);
	if (mask == p->paused)
		return;
	p->paused = mask;
	roce_dev_pause(p->dev, mask, now_ps);
}

int roce_pump_tx(struct roce_pump *p, uint64_t now_ps)
{
	struct roce_pkt *pkts[ROCE_PUMP_FRAMES];
	struct roce_batch *b;
	uint64_t blocked = 0;
	int sent;

	follow_pauses(p, now_ps);
	sent = flush_all(p, &blocked, now_ps);
	hold(p, blocked, now_ps);
	while ((b = batch_free(p))) {
		int n = roce_dev_tx(p->dev, pkts, ROCE_PUMP_FRAMES, now_ps);

		if (!n)
			break;
		build(p, b, pkts, n);
		sent += flush(p, b, &blocked, now_ps);
		p->n += b->n > 0;
		hold(p, blocked, now_ps);
		if (n < ROCE_PUMP_FRAMES)
			break;
	}
	if (p->local)
		roce_local_flush(p->local);
	return sent;
}

/* Nothing from processes of this machine: true when the port has been quiet, too, and is not asked this time. */
static bool skip_port(struct roce_pump *p, uint64_t now_ps)
{
	if (!p->local || !roce_local_links(p->local) || now_ps - p->port_seen_ps < PORT_QUIET_PS)
		return false;
	return ++p->port_skips % PORT_SKIPS;
}

static int receive_local(struct roce_pump *p, uint64_t now_ps)
{
	int moved = 0, n;

	for (int round = 0; round < RX_ROUNDS; round++) {
		n = roce_local_rx(p->local, LOCAL_PKTS, now_ps);
		moved += n;
		if (n < LOCAL_PKTS)
			break;
		moved += roce_pump_tx(p, now_ps);
	}
	if (now_ps - p->folded_ps > FOLD_PS) {
		p->folded_ps = now_ps;
		roce_dev_fold(p->dev);
	}
	return moved;
}

int roce_pump_run(struct roce_pump *p, uint64_t now_ps)
{
	struct dp_frame *v[ROCE_PUMP_FRAMES];
	int moved = 0, n;

	dp_port_tick(p->port, now_ps);
	if (p->local)
		moved += receive_local(p, now_ps);
	for (int round = 0; round < RX_ROUNDS && !skip_port(p, now_ps); round++) {
		n = dp_port_rx(p->port, v, ROCE_PUMP_FRAMES, now_ps);
		if (n <= 0)
			break;
		for (int i = 0; i < n; i++) {
			__builtin_prefetch(
				v[DP_MIN(i + 2, n - 1)]->data); /* the kernel wrote it, maybe on another CPU */
			receive(p, v[i], now_ps);
		}
		moved += n;
		p->port_seen_ps = now_ps;
		if (p->port->rx_empty)
			break;
		moved += roce_pump_tx(p, now_ps); /* after each batch: one ACK for all of it */
	}
	/* After all that has come: an answer that waited while nobody ran is no timeout. */
	roce_dev_tick(p->dev, now_ps);
	return moved + roce_pump_tx(p, now_ps);
}

uint64_t roce_pump_next_ps(const struct roce_pump *p)
{
	uint64_t port = DP_MIN(dp_port_next_ps(p->port), p->resume_ps), dev = roce_dev_next_ps(p->dev);

	if (p->local && roce_local_tight(p->local)) /* it does not say when there is room */
		dev = DP_MIN(dev, dp_add_ps(p->local_tried_ps, LOCAL_RETRY_PS));

	/* While all that could be sent waits, the engine is not asked for more; its timers run at the port's next event. */
	if (full(p))
		return port;
	return DP_MIN(port, dev);
}
