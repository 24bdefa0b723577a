/*
 * Checking: the payload of every message is summed when its request is posted, and where it was placed when it has come
 * whole, and both sums are compared. Benchmarks never look at their data; with this they are tests of the transport.
 *
 * The receiver finds the sender's sum in memory that the sender's process shows (local.h), by queue pair and PSN, whichever
 * way the data came. A program that changes a buffer after it has posted it counts as a mismatch there, and at the sender,
 * who sums once more when the request completes, as a change.
 */
#include <stdlib.h>

#include "datapath/csrc/crc32.h"
#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/engine.h"

#define READ_FLAG (1u << 31) /* in the queue pair's place of a key: what was read, by the responder and the first PSN */
#define PIECE     4096u

static uint64_t key_of(uint32_t qpn, uint32_t psn)
{
	return (uint64_t)qpn << 32 | 1u << 31 | psn; /* never 0 */
}

static bool sum_bytes(const uint8_t *at, uint64_t len, uint32_t *crc)
{
	uint8_t copy[PIECE];

	for (uint64_t done = 0; done < len; done += PIECE) {
		uint64_t n = DP_MIN(len - done, (uint64_t)PIECE);

		if (!dp_guard_read(copy, at + done, n))
			return false;
		*crc = dp_crc32_update(*crc, copy, n);
	}
	return true;
}

/* `len` bytes of the SGEs from `offset` on. False: they cannot be read, which others will find, too. */
static bool sum_sges(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset, uint64_t len,
		     uint32_t *crc)
{
	for (uint32_t i = 0; i < n && len; i++) {
		uint64_t part;
		struct roce_mr *mr;

		if (offset >= sge[i].length) {
			offset -= sge[i].length;
			continue;
		}
		part = DP_MIN(len, sge[i].length - offset);
		mr = roce_mr_check(pd, sge[i].lkey, sge[i].addr + offset, part, 0);
		if (!mr || !mr->addr || !sum_bytes(roce_mr_at(mr, sge[i].addr + offset), part, crc))
			return false;
		offset = 0;
		len -= part;
	}
	return !len;
}

static bool sums_messages(uint32_t opcode)
{
	return opcode <= ROCE_WR_SEND_WITH_IMM || opcode == ROCE_WR_SEND_WITH_INV;
}

void roce_check_posted(struct roce_qp *qp, struct roce_swqe *wqe)
{
	uint32_t crc = UINT32_MAX;
	bool ok;

	if (!sums_messages(wqe->opcode))
		return;
	if (wqe->send_flags & ROCE_SEND_INLINE) {
		crc = dp_crc32_update(crc, wqe->sge, wqe->length);
		ok = true;
	} else {
		ok = sum_sges(qp->pd, wqe->sge, wqe->num_sge, 0, wqe->length, &crc);
	}
	wqe->check = crc;
	if (ok)
		wqe->flags |= ROCE_WQE_SUMMED;
}

static void put(struct roce_qp *qp, uint64_t key, uint32_t crc)
{
	qp->dev->local->put_sum(qp->dev->local_ctx, key, crc);
}

void roce_check_begin(struct roce_qp *qp, const struct roce_swqe *wqe)
{
	const struct roce_local_ops *local = qp->dev->local;

	if (!(wqe->flags & ROCE_WQE_SUMMED))
		return;
	if (qp->type == ROCE_QPT_UD) { /* a ring there tells the receiver where the sum is */
		struct roce_link *link;
		int err;

		link = local->connect(qp->dev->local_ctx, &wqe->av.dgid, wqe->remote_qpn, &err);
		if (link)
			local->disconnect(qp->dev->local_ctx, link);
	}
	put(qp, key_of(qp->qpn, roce_psn_add(wqe->first_psn, wqe->npsn - 1)), wqe->check);
}

/* `from`: the datagram that it was; NULL: it came from the queue pair's peer. */
static void compare(struct roce_qp *qp, const struct roce_pkt *from, uint64_t key, bool summed, uint32_t crc)
{
	struct roce_dev *dev = qp->dev;
	struct roce_counters *ctr = dev->ctr;
	uint32_t sent = 0;

	if (!summed || !dev->local->get_sum(dev->local_ctx, from ? NULL : qp->peer, from ? &from->sgid : NULL,
					    from ? from->sqpn : 0, key, &sent)) {
		ctr->check_unknown++;
		return;
	}
	ctr->check_messages++;
	if (sent != crc)
		ctr->check_mismatches++;
}

void roce_check_written(struct roce_qp *qp, struct roce_mr *mr, uint64_t va, uint32_t len, uint32_t psn)
{
	uint32_t crc = UINT32_MAX;
	bool ok = !len || (mr && mr->addr && sum_bytes(roce_mr_at(mr, va), len, &crc));

	compare(qp, NULL, key_of(qp->attr.dest_qp_num, psn), ok, crc);
}

void roce_check_received(struct roce_qp *qp, const struct roce_rwqe *wqe, uint32_t offset, uint32_t len,
			 const struct roce_pkt *pkt)
{
	bool ud = qp->type == ROCE_QPT_UD;
	uint32_t crc = UINT32_MAX;
	bool ok = sum_sges(roce_recv_pd(qp), wqe->sge, wqe->num_sge, offset, len, &crc);

	compare(qp, ud ? pkt : NULL, key_of(ud ? pkt->sqpn : qp->attr.dest_qp_num, pkt->psn), ok, crc);
}

void roce_check_asked(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_mr *mr = roce_rkey_check(qp, pkt->rkey, pkt->va, pkt->dma_len, ROCE_ACCESS_REMOTE_READ);
	uint32_t crc = UINT32_MAX;

	if (!pkt->dma_len || (mr && mr->addr && sum_bytes(roce_mr_at(mr, pkt->va), pkt->dma_len, &crc)))
		put(qp, key_of(qp->qpn | READ_FLAG, pkt->psn), crc);
}

void roce_check_completed(struct roce_qp *qp, const struct roce_swqe *wqe)
{
	uint32_t crc = UINT32_MAX;
	bool ok;

	if (wqe->flags & ROCE_WQE_LOCAL)
		return;
	if (wqe->opcode != ROCE_WR_RDMA_READ) {
		if (!(wqe->flags & ROCE_WQE_SUMMED) || wqe->send_flags & ROCE_SEND_INLINE)
			return;
		ok = sum_sges(qp->pd, wqe->sge, wqe->num_sge, 0, wqe->length, &crc);
		qp->dev->ctr->check_changed += ok && crc != wqe->check;
		return;
	}
	ok = sum_sges(qp->pd, wqe->sge, wqe->num_sge, 0, wqe->length, &crc);
	compare(qp, NULL, key_of(qp->attr.dest_qp_num | READ_FLAG, wqe->first_psn), ok, crc);
}

/* Both ends of a direct copy are in reach. */
void roce_check_copied(struct roce_qp *qp, const struct roce_swqe *wqe)
{
	struct roce_counters *ctr = qp->dev->ctr;
	uint32_t near = UINT32_MAX, far = UINT32_MAX;
	uint8_t copy[PIECE];
	bool ok;

	ok = wqe->send_flags & ROCE_SEND_INLINE ? (near = wqe->check, true)
						: sum_sges(qp->pd, wqe->sge, wqe->num_sge, 0, wqe->length, &near);
	for (uint32_t done = 0; ok && done < wqe->length; done += PIECE) {
		uint32_t n = DP_MIN(PIECE, wqe->length - done);
		struct iovec v = {copy, n};
		struct roce_copy look = {.v = &v,
					 .n = 1,
					 .qpn = qp->qpn,
					 .dest_qpn = qp->attr.dest_qp_num,
					 .rkey = wqe->rkey,
					 .va = wqe->remote_addr + done,
					 .len = n,
					 .read = true,
					 .look = true};

		ok = qp->dev->local->copy(qp->dev->local_ctx, qp->link, &look);
		far = dp_crc32_update(far, copy, n);
	}
	if (!ok) {
		ctr->check_unknown++;
		return;
	}
	ctr->check_messages++;
	if (near != far || (wqe->opcode != ROCE_WR_RDMA_READ && near != wqe->check))
		ctr->check_mismatches++;
}
