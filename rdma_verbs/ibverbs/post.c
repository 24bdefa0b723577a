/*
 * Posting and polling: what programs call through struct ibv_context, without a look at the registry. Requests are
 * translated on the stack, some at a time, and handed to the live driver in one call.
 */
#include <arpa/inet.h>

#include "rdma_verbs/ibverbs/vb.h"

#define BATCH 16

_Static_assert(sizeof(struct ibv_sge) == sizeof(struct roce_sge) &&
		       offsetof(struct ibv_sge, length) == offsetof(struct roce_sge, length) &&
		       offsetof(struct ibv_sge, lkey) == offsetof(struct roce_sge, lkey),
	       "scatter/gather lists are handed on as they are");

static int bind_to_roce(const struct ibv_send_wr *from, struct roce_send_wr *to)
{
	const struct vb_mw *mw = (const struct vb_mw *)from->bind_mw.mw;
	const struct vb_mr *mr = (const struct vb_mr *)from->bind_mw.bind_info.mr;

	if (!mw || (mr && !mr->roce))
		return EINVAL;
	to->mw = mw->roce;
	to->rkey = from->bind_mw.rkey;
	to->bind = (struct roce_mw_bind_info){mr ? mr->roce : NULL, from->bind_mw.bind_info.addr,
					      from->bind_mw.bind_info.length,
					      vb_window_access(from->bind_mw.bind_info.mw_access_flags)};
	return 0;
}

/* What the request's kind does not use stays as it was: the engine does not look at it. */
static int send_to_roce(const struct vb_qp *qp, const struct ibv_send_wr *from, struct roce_send_wr *to)
{
	if (from->num_sge < 0)
		return EINVAL;
	to->wr_id = from->wr_id;
	to->sg_list = (const struct roce_sge *)from->sg_list;
	to->num_sge = (uint32_t)from->num_sge;
	to->opcode = from->opcode;
	to->send_flags = from->send_flags;
	to->imm_data = ntohl(from->imm_data);
	to->remote_qpn = 0;
	to->remote_srqn = 0;
	to->remote_qkey = 0;
	to->compare_add = 0;
	to->swap = 0;
	to->ah = NULL;
	if (qp->ib.qp_type == IBV_QPT_UD) {
		to->remote_addr = 0;
		to->rkey = 0;
		to->remote_qpn = from->wr.ud.remote_qpn;
		to->remote_qkey = from->wr.ud.remote_qkey;
		if (from->wr.ud.ah)
			to->ah = &((const struct vb_ah *)from->wr.ud.ah)->attr;
		return 0;
	}
	to->remote_addr = from->wr.rdma.remote_addr;
	to->rkey = from->wr.rdma.rkey;
	to->remote_srqn = from->qp_type.xrc.remote_srqn;
	switch (from->opcode) {
	case IBV_WR_ATOMIC_CMP_AND_SWP:
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		to->rkey = from->wr.atomic.rkey;
		to->compare_add = from->wr.atomic.compare_add;
		to->swap = from->wr.atomic.swap;
		return 0;
	case IBV_WR_SEND_WITH_INV:
	case IBV_WR_LOCAL_INV:
		to->invalidate_rkey = from->invalidate_rkey;
		return 0;
	case IBV_WR_BIND_MW:
		return bind_to_roce(from, to);
	case IBV_WR_FLUSH: /* its parameters have no place in struct ibv_send_wr */
		return EOPNOTSUPP;
	default:
		return 0;
	}
}

static int post_send(struct ibv_qp *ib, struct ibv_send_wr *wr, struct ibv_send_wr **bad_wr)
{
	struct vb_qp *qp = (struct vb_qp *)ib;
	struct roce_send_wr batch[BATCH];

	if (!qp->roce) {
		*bad_wr = wr;
		return EINVAL;
	}
	while (wr) {
		struct ibv_send_wr *at = wr;
		int n = 0, err = 0, got = 0;

		for (; wr && n < BATCH && !err; n += !err) {
			err = send_to_roce(qp, wr, &batch[n]);
			if (!err)
				wr = wr->next;
		}
		if (n)
			got = roce_live_post_send(qp->live, qp->roce, batch, n);
		if (got < n) {
			err = got < 0 ? -got : 0;
			for (int i = 0; i < got; i++)
				at = at->next;
			wr = at; /* again: that tells why it was refused, if it still is */
		}
		if (err) {
			*bad_wr = wr;
			return err;
		}
	}
	return 0;
}

static int recv_to_roce(const struct ibv_recv_wr *from, struct roce_recv_wr *to)
{
	if (from->num_sge < 0)
		return EINVAL;
	*to = (struct roce_recv_wr){from->wr_id, (const struct roce_sge *)from->sg_list, (uint32_t)from->num_sge};
	return 0;
}

/* The same for both kinds of receive queues. */
static int post_recvs(struct roce_live *live, struct roce_qp *qp, struct roce_srq *srq, struct ibv_recv_wr *wr,
		      struct ibv_recv_wr **bad_wr)
{
	struct roce_recv_wr batch[BATCH];

	while (wr) {
		struct ibv_recv_wr *at = wr;
		int n = 0, err = 0, got = 0;

		for (; wr && n < BATCH && !err; n += !err) {
			err = recv_to_roce(wr, &batch[n]);
			if (!err)
				wr = wr->next;
		}
		if (n)
			got = srq ? roce_live_post_srq_recv(live, srq, batch, n)
				  : roce_live_post_recv(live, qp, batch, n);
		if (got < n) {
			err = got < 0 ? -got : 0;
			for (int i = 0; i < got; i++)
				at = at->next;
			wr = at;
		}
		if (err) {
			*bad_wr = wr;
			return err;
		}
	}
	return 0;
}

static int post_recv(struct ibv_qp *ib, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad_wr)
{
	struct vb_qp *qp = (struct vb_qp *)ib;

	if (!qp->roce) {
		*bad_wr = wr;
		return EINVAL;
	}
	return post_recvs(qp->live, qp->roce, NULL, wr, bad_wr);
}

static int post_srq_recv(struct ibv_srq *ib, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad_wr)
{
	struct vb_srq *srq = (struct vb_srq *)ib;

	if (!srq->roce) {
		*bad_wr = wr;
		return EINVAL;
	}
	return post_recvs(srq->live, NULL, srq->roce, wr, bad_wr);
}

static void wc_from_roce(const struct vb_cq *cq, const struct roce_wc *from, struct ibv_wc *to)
{
	to->wr_id = from->wr_id;
	to->status = (enum ibv_wc_status)from->status;
	to->opcode = (enum ibv_wc_opcode)from->opcode;
	to->vendor_err = from->vendor_err;
	to->byte_len = from->byte_len;
	to->imm_data = from->wc_flags & ROCE_WC_FLAG_WITH_INV ? from->invalidated_rkey : htonl(from->imm_data);
	to->qp_num = from->qp_num;
	to->src_qp = from->src_qp;
	to->wc_flags = from->wc_flags;
	to->pkey_index = from->pkey_index;
	to->slid = 0;
	to->sl = vb_wc_sl(cq, from);
	to->dlid_path_bits = 0;
}

static int poll_cq(struct ibv_cq *ib, int num_entries, struct ibv_wc *wc)
{
	struct vb_cq *cq = (struct vb_cq *)ib;
	struct roce_wc batch[BATCH];
	int done = 0;

	if (!cq->roce)
		return -EINVAL;
	while (done < num_entries) {
		int want = DP_MIN(num_entries - done, BATCH);
		int got = roce_live_poll(cq->live, cq->roce, batch, want);

		if (got < 0)
			return done ? done : got;
		for (int i = 0; i < got; i++)
			wc_from_roce(cq, &batch[i], &wc[done + i]);
		done += got;
		if (got < want)
			break;
	}
	return done;
}

void vb_post_ops(struct verbs_context *v)
{
	v->context.ops.post_send = post_send;
	v->context.ops.post_recv = post_recv;
	v->context.ops.post_srq_recv = post_srq_recv;
	v->context.ops.poll_cq = poll_cq;
}
