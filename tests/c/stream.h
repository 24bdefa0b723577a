/*
 * A stream of numbered messages from one live device to another over an RC queue pair, each looked at byte by byte: what
 * must go on undisturbed while something else happens to the process.
 */
#ifndef DPU_TESTS_STREAM_H
#define DPU_TESTS_STREAM_H

#include <stdlib.h>

#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/live.h"
#include "tests/c/live_util.h"

#define STREAM_DEPTH 8
#define STREAM_BYTES 6000

struct stream_end {
	struct roce_dev *dev;
	struct roce_live *live;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_qp *qp;
	struct roce_mr *mr;
	uint32_t lkey;
	uint8_t buf[STREAM_DEPTH][STREAM_BYTES];
};

struct stream {
	struct stream_end from, to;
	uint64_t posted, sent, received;
	int wrong; /* anything that is not as it must be */
};

static inline uint32_t stream_len(uint64_t n)
{
	return 8 + (uint32_t)(n * 2654435761u % (STREAM_BYTES - 8));
}

static inline uint8_t stream_byte(uint64_t n, uint32_t at)
{
	return (uint8_t)(n * 31 + at * 7 + (at >> 8));
}

static inline int stream_post_recv(struct stream_end *e, uint64_t slot)
{
	struct roce_sge sge = {(uintptr_t)e->buf[slot], STREAM_BYTES, e->lkey};
	struct roce_recv_wr wr = {.wr_id = slot, .sg_list = &sge, .num_sge = 1};

	return roce_live_post_recv(e->live, e->qp, &wr, 1) != 1;
}

/* Returns how many steps failed. */
static inline int stream_end_open(struct stream_end *e, struct roce_dev *dev, struct roce_live *live)
{
	struct roce_qp_init_attr init = {.cap = {STREAM_DEPTH, STREAM_DEPTH, 1, 1, 0}, .qp_type = ROCE_QPT_RC};
	int bad = 0;

	e->dev = dev;
	e->live = live;
	if (roce_live_lock(live))
		return 1;
	e->pd = roce_pd_alloc(dev);
	e->cq = roce_cq_create(dev, 4 * STREAM_DEPTH, NULL);
	e->mr = roce_mr_reg(e->pd, e->buf, sizeof(e->buf), (uintptr_t)e->buf, ROCE_ACCESS_LOCAL_WRITE);
	init.send_cq = init.recv_cq = e->cq;
	e->qp = roce_qp_create(e->pd, &init, NULL);
	bad = !e->mr || !e->qp || rc_to_init(e->qp);
	if (!bad)
		e->lkey = roce_mr_lkey(e->mr);
	roce_live_unlock(live);
	return bad;
}

static inline int stream_connect(struct stream_end *e, const struct roce_gid *gid, uint32_t qpn)
{
	int bad = roce_live_lock(e->live) || rc_init_to_rts(e->qp, *gid, qpn);

	roce_live_unlock(e->live);
	return bad;
}

/* Between two devices; in a fresh object. Returns how many steps failed. */
static inline int stream_open(struct stream *s, struct roce_dev *from, struct roce_live *from_live,
			      const struct roce_gid *from_gid, struct roce_dev *to, struct roce_live *to_live,
			      const struct roce_gid *to_gid)
{
	int bad = stream_end_open(&s->from, from, from_live) + stream_end_open(&s->to, to, to_live);

	if (bad)
		return bad;
	for (uint64_t i = 0; i < STREAM_DEPTH; i++)
		bad += stream_post_recv(&s->to, i);
	bad += stream_connect(&s->to, from_gid, roce_qp_num(s->from.qp));
	return bad + stream_connect(&s->from, to_gid, roce_qp_num(s->to.qp));
}

/* Sends what has room up to message `last`, takes what has come. Returns messages received. */
static inline int stream_step(struct stream *s, uint64_t last)
{
	struct roce_wc wc[STREAM_DEPTH];
	int got, received = 0;

	for (; s->posted < last && s->posted - s->sent < STREAM_DEPTH; s->posted++) {
		uint64_t slot = s->posted % STREAM_DEPTH;
		struct roce_sge sge = {(uintptr_t)s->from.buf[slot], stream_len(s->posted), s->from.lkey};
		struct roce_send_wr wr = {.wr_id = s->posted,
					  .sg_list = &sge,
					  .num_sge = 1,
					  .opcode = ROCE_WR_SEND,
					  .send_flags = ROCE_SEND_SIGNALED};

		for (uint32_t i = 0; i < sge.length; i++)
			s->from.buf[slot][i] = stream_byte(s->posted, i);
		if (roce_live_post_send(s->from.live, s->from.qp, &wr, 1) != 1) {
			s->wrong++;
			break;
		}
	}
	got = roce_live_poll(s->from.live, s->from.cq, wc, STREAM_DEPTH);
	s->wrong += got < 0;
	for (int i = 0; i < got; i++)
		s->wrong += wc[i].status != ROCE_WC_SUCCESS || wc[i].wr_id != s->sent++;
	got = roce_live_poll(s->to.live, s->to.cq, wc, STREAM_DEPTH);
	s->wrong += got < 0;
	for (int i = 0; i < got; i++) {
		const uint8_t *buf = s->to.buf[wc[i].wr_id % STREAM_DEPTH];
		uint32_t len = stream_len(s->received);

		s->wrong += wc[i].status != ROCE_WC_SUCCESS || wc[i].byte_len != len;
		for (uint32_t at = 0; at < len && at < wc[i].byte_len; at++)
			s->wrong += buf[at] != stream_byte(s->received, at);
		s->wrong += stream_post_recv(&s->to, wc[i].wr_id);
		__atomic_fetch_add(&s->received, 1, __ATOMIC_RELEASE);
		received++;
	}
	return received;
}

#endif
