/*
 * Work queues: rings of fixed slots, and the checks that a work request must pass before it takes one. What
 * can only be known when its turn comes (keys, and whether the peer agrees) is the requester's and the
 * responder's.
 */
#include <stdlib.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/engine.h"

static int ring_init(struct roce_ring *ring, uint32_t size, size_t stride)
{
	*ring = (struct roce_ring){
		.stride = (uint32_t)((stride + 7) & ~(size_t)7), .size = size, .mask = roce_ring_mask(size)};
	if (!size)
		return 0;
	ring->buf = calloc((size_t)ring->mask + 1, ring->stride);
	return ring->buf ? 0 : -ENOMEM;
}

int roce_rq_init(struct roce_ring *ring, uint32_t size, uint32_t max_sge)
{
	return ring_init(ring, size, sizeof(struct roce_rwqe) + (size_t)max_sge * sizeof(struct roce_sge));
}

int roce_wq_init(struct roce_qp *qp)
{
	size_t sge_bytes =
		DP_MAX((size_t)qp->cap.max_send_sge * sizeof(struct roce_sge), (size_t)qp->cap.max_inline_data);
	int err = ring_init(&qp->sq, qp->cap.max_send_wr, sizeof(struct roce_swqe) + sge_bytes);

	if (!err)
		err = qp->xrcd  ? roce_rq_init(&qp->rq, 1, qp->dev->cfg.max_sge) /* of any SRQ */
		      : qp->srq ? roce_rq_init(&qp->rq, 1, qp->srq->max_sge)
				: roce_rq_init(&qp->rq, qp->cap.max_recv_wr, qp->cap.max_recv_sge);
	return err;
}

void roce_wq_fini(struct roce_qp *qp)
{
	free(qp->sq.buf);
	free(qp->rq.buf);
}

#define RC (1u << ROCE_QPT_RC)
#define UC (1u << ROCE_QPT_UC)
#define UD (1u << ROCE_QPT_UD)
#define XI (1u << ROCE_QPT_XRC_SEND)
/* Which services offer an operation (IBTA vol 1, table 38; A19), and what it takes. */
static const struct {
	const char *name; /* NULL: not supported */
	uint16_t types;   /* bit by enum roce_qp_type */
	bool lands;       /* its response brings data to its SGEs */
	bool rd;          /* it has a response of its own */
	bool eight;       /* of eight bytes */
	bool no_data;
} wr_info[] = {
	[ROCE_WR_RDMA_WRITE] = {.name = "RDMA WRITE", .types = RC | XI | UC},
	[ROCE_WR_RDMA_WRITE_WITH_IMM] = {.name = "RDMA WRITE with immediate", .types = RC | XI | UC},
	[ROCE_WR_SEND] = {.name = "SEND", .types = RC | XI | UC | UD},
	[ROCE_WR_SEND_WITH_IMM] = {.name = "SEND with immediate", .types = RC | XI | UC | UD},
	[ROCE_WR_RDMA_READ] = {.name = "RDMA READ", .types = RC | XI, .lands = true, .rd = true},
	[ROCE_WR_ATOMIC_CMP_AND_SWP] =
		{.name = "compare and swap", .types = RC | XI, .lands = true, .rd = true, .eight = true},
	[ROCE_WR_ATOMIC_FETCH_AND_ADD] =
		{.name = "fetch and add", .types = RC | XI, .lands = true, .rd = true, .eight = true},
	[ROCE_WR_LOCAL_INV] = {.name = "local invalidate", .types = RC | XI | UC, .no_data = true},
	[ROCE_WR_BIND_MW] = {.name = "bind", .types = RC | XI | UC, .no_data = true},
	[ROCE_WR_SEND_WITH_INV] = {.name = "SEND with invalidate", .types = RC | XI},
	[ROCE_WR_FLUSH] = {.name = "FLUSH", .types = RC | XI, .rd = true, .no_data = true},
	[ROCE_WR_ATOMIC_WRITE] = {.name = "ATOMIC WRITE", .types = RC | XI, .rd = true, .eight = true},
};

#define SEND_FLAGS_ALL (ROCE_SEND_FENCE | ROCE_SEND_SIGNALED | ROCE_SEND_SOLICITED | ROCE_SEND_INLINE)

/* `dev` hears what is wrong; NULL: nobody does, and the operation is none of those that look at other objects. */
static int check_send(struct roce_qp *qp, const struct roce_send_wr *wr, uint32_t mw_type, struct roce_dev *dev,
		      uint64_t *length)
{
	uint8_t state = __atomic_load_n(&qp->state, __ATOMIC_RELAXED);

	if (qp->xrcd)
		return roce_fail(dev, -EINVAL, "QP %u: post_send, but it is an XRC target", qp->qpn);
	if (state < ROCE_QPS_RTS)
		return roce_fail(dev, -EINVAL, "QP %u: post_send in state %s, it needs RTS", qp->qpn,
				 roce_qp_state_name(state));
	if (wr->opcode >= DP_ARRAY_SIZE(wr_info) || !wr_info[wr->opcode].name)
		return roce_fail(dev, -EOPNOTSUPP, "QP %u: work request opcode %u is not supported", qp->qpn,
				 wr->opcode);
	if (!(wr_info[wr->opcode].types & 1u << qp->type))
		return roce_fail(dev, -EINVAL, "QP %u: %s is not an operation of its transport service", qp->qpn,
				 wr_info[wr->opcode].name);
	if (wr->send_flags & ~(uint32_t)SEND_FLAGS_ALL)
		return roce_fail(dev, -EINVAL, "QP %u: send_flags %#x hold unknown bits", qp->qpn, wr->send_flags);
	if (wr_info[wr->opcode].no_data && (wr->num_sge || wr->send_flags & ROCE_SEND_INLINE))
		return roce_fail(dev, -EINVAL, "QP %u: %s with data", qp->qpn, wr_info[wr->opcode].name);
	if (wr->opcode == ROCE_WR_BIND_MW && roce_mw_check_bind(qp, wr, mw_type))
		return -EINVAL;
	if (roce_placement_check_send(qp, wr))
		return -EINVAL;
	if (wr->num_sge > qp->cap.max_send_sge && !(wr->send_flags & ROCE_SEND_INLINE))
		return roce_fail(dev, -EINVAL, "QP %u: num_sge %u exceeds max_send_sge %u", qp->qpn, wr->num_sge,
				 qp->cap.max_send_sge);
	*length = 0;
	for (uint32_t i = 0; i < wr->num_sge; i++)
		*length += wr->sg_list[i].length;
	if (*length > ROCE_MAX_MSG_BYTES)
		return roce_fail(dev, -EINVAL, "QP %u: message of %llu bytes exceeds max_msg_sz %u", qp->qpn,
				 (unsigned long long)*length, ROCE_MAX_MSG_BYTES);
	if (wr->send_flags & ROCE_SEND_INLINE) {
		if (wr_info[wr->opcode].lands)
			return roce_fail(dev, -EINVAL, "QP %u: inline data with %s", qp->qpn, wr_info[wr->opcode].name);
		if (*length > qp->cap.max_inline_data)
			return roce_fail(dev, -EINVAL, "QP %u: inline data of %llu bytes exceeds max_inline_data %u",
					 qp->qpn, (unsigned long long)*length, qp->cap.max_inline_data);
	}
	if (wr_info[wr->opcode].eight && *length != 8)
		return roce_fail(dev, -EINVAL, "QP %u: %s with a local buffer of %llu bytes, it needs 8", qp->qpn,
				 wr_info[wr->opcode].name, (unsigned long long)*length);
	if (wr_info[wr->opcode].rd && !qp->attr.max_rd_atomic)
		return roce_fail(dev, -EINVAL, "QP %u: %s with max_rd_atomic 0", qp->qpn, wr_info[wr->opcode].name);
	if (qp->type == ROCE_QPT_XRC_SEND && wr->remote_srqn > ROCE_QPN_MASK)
		return roce_fail(dev, -EINVAL, "QP %u: remote_srqn %#x exceeds 24 bits", qp->qpn, wr->remote_srqn);
	if (qp->type == ROCE_QPT_UD) {
		if (!wr->ah)
			return roce_fail(dev, -EINVAL, "QP %u: a UD send needs an address handle", qp->qpn);
		if (wr->remote_qpn > ROCE_QPN_MASK)
			return roce_fail(dev, -EINVAL, "QP %u: remote_qpn %#x exceeds 24 bits", qp->qpn,
					 wr->remote_qpn);
	}
	return 0;
}

int roce_check_send(struct roce_qp *qp, const struct roce_send_wr *wr, uint64_t *length)
{
	return check_send(qp, wr, ROCE_MW_TYPE_2, NULL, length);
}

int roce_post_send(struct roce_qp *qp, const struct roce_send_wr *wr)
{
	return roce_post_bind(qp, wr, ROCE_MW_TYPE_2);
}

/* The program's side of posting; `dev` as above. */
static int put_send(struct roce_qp *qp, const struct roce_send_wr *wr, uint32_t mw_type, struct roce_dev *dev)
{
	struct roce_swqe *wqe;
	uint64_t length = 0;
	int err = check_send(qp, wr, mw_type, dev, &length);

	if (err)
		return err;
	if (roce_ring_used(&qp->sq) >= qp->sq.size)
		return roce_fail(dev, -ENOMEM, "QP %u: send queue full, max_send_wr %u", qp->qpn, qp->sq.size);
	wqe = roce_sq_at(qp, qp->sq.posted);
	memset(wqe, 0, sizeof(*wqe));
	if (qp->type == ROCE_QPT_UD) {
		err = roce_av_resolve(dev, wr->ah, "AH of QP", qp->qpn, &wqe->av);
		if (err)
			return err;
		if (roce_mcast_is(&wqe->av.dgid) && wr->remote_qpn != ROCE_QPN_MULTICAST)
			return roce_fail(qp->dev, -EINVAL, "QP %u: remote_qpn %#x with a multicast dgid, it is %#x",
					 qp->qpn, wr->remote_qpn, ROCE_QPN_MULTICAST);
	}
	wqe->wr_id = wr->wr_id;
	wqe->opcode = (uint8_t)wr->opcode;
	wqe->send_flags = (uint8_t)wr->send_flags;
	wqe->length = (uint32_t)length;
	wqe->imm = wr->imm_data;
	wqe->remote_addr = wr->remote_addr;
	wqe->rkey = wr->rkey;
	wqe->compare_add = wr->compare_add;
	wqe->swap = wr->swap;
	wqe->remote_qpn = qp->type == ROCE_QPT_XRC_SEND ? wr->remote_srqn : wr->remote_qpn;
	wqe->remote_qkey = wr->remote_qkey;
	if (wr->opcode == ROCE_WR_SEND_WITH_INV || wr->opcode == ROCE_WR_LOCAL_INV)
		wqe->imm = wr->invalidate_rkey;
	if (wr->opcode == ROCE_WR_FLUSH) {
		wqe->imm = roce_feth(wr->flush_type, wr->flush_level);
		wqe->compare_add = wr->flush_length;
	}
	if (wr->opcode == ROCE_WR_BIND_MW) {
		wqe->imm = wr->bind.mr ? wr->bind.mr->key : 0;
		wqe->remote_addr = wr->bind.addr;
		wqe->compare_add = wr->bind.length;
		wqe->swap = wr->bind.access;
		wqe->remote_qkey = wr->mw->as_mr.key >> 8;
		wr->mw->posted_key = wr->rkey;
	}
	if (wr->send_flags & ROCE_SEND_INLINE) {
		uint8_t *to = (uint8_t *)wqe->sge;

		for (uint32_t i = 0; i < wr->num_sge; to += wr->sg_list[i].length, i++)
			if (!dp_guard_read(to, (const void *)(uintptr_t)wr->sg_list[i].addr, wr->sg_list[i].length))
				return roce_fail(dev, -EFAULT, "QP %u: inline data at %#llx cannot be read", qp->qpn,
						 (unsigned long long)wr->sg_list[i].addr);
	} else if (wr->num_sge) {
		wqe->num_sge = (uint16_t)wr->num_sge;
		memcpy(wqe->sge, wr->sg_list, wr->num_sge * sizeof(*wqe->sge));
	}
	if (dp_unlikely(qp->dev->checking)) /* then posting is inside, see roce_post_send_beside() */
		roce_check_posted(qp, wqe);
	__atomic_store_n(&qp->sq.posted, qp->sq.posted + 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* The engine's side of posting. */
static void learn_sends(struct roce_qp *qp)
{
	roce_ring_learn(&qp->sq);
	if (qp->state == ROCE_QPS_ERR || qp->state == ROCE_QPS_SQE)
		roce_sq_flush(qp);
	else
		roce_qp_kick(qp);
}

int roce_post_bind(struct roce_qp *qp, const struct roce_send_wr *wr, uint32_t mw_type)
{
	int err = put_send(qp, wr, mw_type, qp->dev);

	if (!err)
		learn_sends(qp);
	return err;
}

int roce_post_send_beside(struct roce_qp *qp, const struct roce_send_wr *wr)
{
	uint8_t state = __atomic_load_n(&qp->state, __ATOMIC_RELAXED);

	/* Address handles, windows and flushes are looked up in what is the engine's. */
	if ((state != ROCE_QPS_RTS && state != ROCE_QPS_SQD) || qp->type == ROCE_QPT_UD || qp->dev->checking ||
	    wr->opcode == ROCE_WR_BIND_MW || wr->opcode == ROCE_WR_FLUSH)
		return -EAGAIN;
	return put_send(qp, wr, ROCE_MW_TYPE_2, NULL) ? -EAGAIN : 0;
}

uint32_t roce_qp_send_room(const struct roce_qp *qp)
{
	return qp->sq.size - DP_MIN(roce_ring_used(&qp->sq), qp->sq.size);
}

void roce_qp_ring(struct roce_qp *qp)
{
	struct roce_qp **bells = &qp->dev->bells;

	if (__atomic_exchange_n(&qp->bell.rung, true, __ATOMIC_SEQ_CST))
		return;
	qp->bell.next = __atomic_load_n(bells, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(bells, &qp->bell.next, qp, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

bool roce_dev_bells(const struct roce_dev *dev)
{
	return __atomic_load_n(&dev->bells, __ATOMIC_SEQ_CST);
}

void roce_dev_answer_bells(struct roce_dev *dev)
{
	struct roce_qp *qp, *first = NULL, *next;

	if (!roce_dev_bells(dev))
		return;
	qp = __atomic_exchange_n(&dev->bells, NULL, __ATOMIC_SEQ_CST);
	for (; qp; qp = next) { /* in the order of ringing */
		next = qp->bell.next;
		qp->bell.next = first;
		first = qp;
	}
	for (qp = first; qp; qp = next) {
		next = qp->bell.next;
		/* Before the queue is looked at: what is posted after that rings again. */
		__atomic_store_n(&qp->bell.rung, false, __ATOMIC_SEQ_CST);
		learn_sends(qp);
	}
}

/* A copy: the slot may be another request's before the packet is on its way. */
int roce_inline_gather(const struct roce_swqe *wqe, uint32_t offset, uint32_t len, struct roce_pkt *pkt)
{
	uint8_t *to = roce_pkt_bounce(pkt);

	if (!to)
		return -ENOMEM;
	memcpy(to, (const uint8_t *)wqe->sge + offset, len);
	pkt->len = len;
	pkt->niov = len ? 1 : 0;
	pkt->iov[0] = (struct iovec){to, len};
	return 0;
}

void roce_rq_put(struct roce_ring *ring, const struct roce_recv_wr *wr)
{
	struct roce_rwqe *wqe = roce_rwqe_at(ring, ring->posted);
	uint64_t length = 0;

	for (uint32_t i = 0; i < wr->num_sge; i++)
		length += wr->sg_list[i].length;
	wqe->wr_id = wr->wr_id;
	wqe->num_sge = wr->num_sge;
	/* A buffer may be larger than any message. */
	wqe->length = (uint32_t)DP_MIN(length, (uint64_t)UINT32_MAX);
	if (wr->num_sge)
		memcpy(wqe->sge, wr->sg_list, wr->num_sge * sizeof(*wqe->sge));
	__atomic_store_n(&ring->posted, ring->posted + 1, __ATOMIC_SEQ_CST);
}

int roce_post_recv(struct roce_qp *qp, const struct roce_recv_wr *wr)
{
	if (qp->service == ROCE_SVC_XRC)
		return roce_fail(qp->dev, -EINVAL, "QP %u: post_recv, but XRC receives by shared receive queues only",
				 qp->qpn);
	if (qp->srq)
		return roce_fail(qp->dev, -EINVAL, "QP %u: post_recv, but its receives come from SRQ %u", qp->qpn,
				 qp->srq->num);
	if (qp->state == ROCE_QPS_RESET)
		return roce_fail(qp->dev, -EINVAL, "QP %u: post_recv in state RESET, it needs INIT", qp->qpn);
	if (wr->num_sge > qp->cap.max_recv_sge)
		return roce_fail(qp->dev, -EINVAL, "QP %u: num_sge %u exceeds max_recv_sge %u", qp->qpn, wr->num_sge,
				 qp->cap.max_recv_sge);
	if (roce_ring_used(&qp->rq) >= qp->rq.size)
		return roce_fail(qp->dev, -ENOMEM, "QP %u: receive queue full, max_recv_wr %u", qp->qpn, qp->rq.size);
	roce_rq_put(&qp->rq, wr);
	if (qp->state == ROCE_QPS_ERR)
		roce_rq_flush(qp);
	return 0;
}

static uint8_t state_now(const struct roce_qp *qp)
{
	return __atomic_load_n(&qp->state, __ATOMIC_SEQ_CST);
}

int roce_post_recv_beside(struct roce_qp *qp, const struct roce_recv_wr *wr)
{
	if (qp->service == ROCE_SVC_XRC || qp->srq || state_now(qp) == ROCE_QPS_RESET ||
	    state_now(qp) == ROCE_QPS_ERR || wr->num_sge > qp->cap.max_recv_sge ||
	    roce_ring_used(&qp->rq) >= qp->rq.size)
		return -EAGAIN;
	roce_rq_put(&qp->rq, wr);
	return 0;
}

bool roce_recv_flush_due(const struct roce_qp *qp)
{
	return state_now(qp) == ROCE_QPS_ERR && roce_ring_used(&qp->rq);
}

void roce_sq_flush(struct roce_qp *qp)
{
	while (qp->sq.tail != qp->sq.head)
		roce_requester_complete(qp, ROCE_WC_WR_FLUSH_ERR);
	qp->req.cur = qp->req.fresh = qp->sq.tail;
	qp->req.rd_outstanding = 0;
	qp->req.una = qp->req.snd = qp->req.max_sent = qp->req.next_psn;
}

void roce_rq_flush(struct roce_qp *qp)
{
	while (!roce_ring_empty(&qp->rq)) {
		struct roce_wc wc = {.wr_id = roce_rq_at(qp, qp->rq.tail)->wr_id,
				     .status = ROCE_WC_WR_FLUSH_ERR,
				     .opcode = ROCE_WC_RECV,
				     .qp_num = qp->qpn,
				     .timestamp_ps = qp->dev->now_ps};

		roce_ring_pop(&qp->rq);
		roce_count_recv_error(qp, wc.status);
		roce_cq_push(qp->recv_cq, &wc, true);
	}
}

void roce_qp_flush_recvs(struct roce_qp *qp)
{
	if (qp->state == ROCE_QPS_ERR)
		roce_rq_flush(qp);
}
