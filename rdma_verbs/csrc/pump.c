#include "rdma_verbs/csrc/pump.h"

#include <stdlib.h>

#define FRAME_ROOM (ROCE_WIRE_HDR_MAX + 4096 + 4 + ROCE_ICRC_BYTES)
#define RX_ROUNDS  8

int roce_pump_init(struct roce_pump *p, struct roce_dev *dev, struct dp_port *port)
{
	memset(p, 0, sizeof(*p));
	p->dev = dev;
	p->port = port;
	p->buf = malloc((size_t)ROCE_PUMP_FRAMES * FRAME_ROOM);
	return p->buf ? 0 : -ENOMEM;
}

void roce_pump_fini(struct roce_pump *p)
{
	free(p->buf);
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
	if (!why && !roce_wire_icrc_ok(f, p->strict_icrc, &solved))
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
static void seal(struct roce_pump *p)
{
	for (int i = 0; i < p->n; i++) {
		struct dp_frame *f = p->v[p->first + i];
		uint8_t *sealed = p->sealed[p->first + i];

		if (i < p->nsealed && memcmp(sealed, f->l3, f->l3_len) == 0)
			continue;
		roce_wire_seal(f);
		memcpy(sealed, f->l3, sizeof(f->l3));
	}
	p->nsealed = p->n;
}

/* Gives the port what is built; what it does not take is prepared again the next time. */
static int flush(struct roce_pump *p, uint64_t now_ps)
{
	struct dp_frame **v = p->v + p->first;
	int took;

	if (!p->n)
		return 0;
	dp_port_prepare(p->port, v, p->n);
	seal(p);
	took = dp_port_tx(p->port, v, p->n, now_ps);
	p->first += took;
	p->n -= took;
	p->nsealed -= took;
	return took;
}

static void build(struct roce_pump *p, struct roce_pkt **pkts, int n)
{
	size_t used = 0;

	p->first = p->nsealed = 0;
	for (int i = 0; i < n; i++) {
		struct dp_frame *f = &p->frames[p->n];
		int err;

		f->data = p->buf + used;
		f->cap = (uint32_t)((size_t)ROCE_PUMP_FRAMES * FRAME_ROOM - used);
		f->flags = 0;
		f->prio = pkts[i]->prio;
		err = roce_wire_build(pkts[i], f);
		if (dp_likely(!err)) {
			p->v[p->n++] = f;
			used += f->len;
		} else if (err == -EIO) {
			roce_dev_unreadable(p->dev, pkts[i]);
		} else {
			roce_dev_counters(p->dev)->send_err++; /* phantom payload on a byte port */
		}
		roce_pkt_put(p->dev, pkts[i]);
	}
}

int roce_pump_tx(struct roce_pump *p, uint64_t now_ps)
{
	struct roce_pkt *pkts[ROCE_PUMP_FRAMES];
	int sent = flush(p, now_ps);

	while (!p->n) {
		int n = roce_dev_tx(p->dev, pkts, ROCE_PUMP_FRAMES, now_ps);

		if (!n)
			break;
		build(p, pkts, n);
		sent += flush(p, now_ps);
		if (n < ROCE_PUMP_FRAMES)
			break;
	}
	return sent;
}

int roce_pump_run(struct roce_pump *p, uint64_t now_ps)
{
	struct dp_frame *v[ROCE_PUMP_FRAMES];
	int moved = 0, n;

	dp_port_tick(p->port, now_ps);
	roce_dev_tick(p->dev, now_ps);
	for (int round = 0; round < RX_ROUNDS; round++) {
		n = dp_port_rx(p->port, v, ROCE_PUMP_FRAMES, now_ps);
		for (int i = 0; i < n; i++)
			receive(p, v[i], now_ps);
		moved += n > 0 ? n : 0;
		moved += roce_pump_tx(p, now_ps); /* after each batch: one ACK for all of it */
		if (n <= 0)
			break;
	}
	return moved;
}

uint64_t roce_pump_next_ps(const struct roce_pump *p)
{
	uint64_t port = dp_port_next_ps(p->port), dev = roce_dev_next_ps(p->dev);

	/* While frames wait, the engine is not asked for more; its timers run at the port's next event. */
	return p->n ? port : DP_MIN(port, dev);
}
