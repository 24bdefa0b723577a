/*
 * The responder: request packets become memory accesses, receive completions, and what is owed to the peer.
 * IBTA vol 1, 9.7.4 and 9.7.8 (reliable), 9.8.2 (unreliable connected), 9.8.3 (datagram), 9.9.3 (errors).
 */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"

void roce_responder_reset(struct roce_qp *qp)
{
	roce_hold_free(qp);
	free(qp->resp.res);
	memset(&qp->resp, 0, sizeof(qp->resp));
}

int roce_responder_alloc(struct roce_qp *qp, uint32_t n)
{
	struct roce_rd_res *res = NULL;

	if (qp->resp.jobs)
		return -EBUSY;
	if (n) {
		res = calloc(n, sizeof(*res));
		if (!res)
			return -ENOMEM;
	}
	free(qp->resp.res);
	qp->resp.res = res;
	qp->resp.res_size = n;
	qp->resp.res_head = 0;
	return 0;
}

/* Completes the receive entry in use: the oldest of the QP's own ring. */
static void complete_recv(struct roce_qp *qp, enum roce_wc_status status, const struct roce_pkt *pkt,
			  const struct roce_opcode_info *info, uint32_t byte_len)
{
	struct roce_wc wc = {.wr_id = roce_rq_at(qp, qp->rq.tail)->wr_id,
			     .status = status,
			     .opcode = info->flags & ROCE_OPF_WRITE ? ROCE_WC_RECV_RDMA_WITH_IMM : ROCE_WC_RECV,
			     .byte_len = byte_len,
			     .qp_num = qp->qpn,
			     .timestamp_ps = qp->dev->now_ps};

	if (info->hdrs & ROCE_HDR_IMMDT) {
		wc.wc_flags |= ROCE_WC_FLAG_WITH_IMM;
		wc.imm_data = pkt->imm;
	}
	if (info->hdrs & ROCE_HDR_IETH) {
		wc.wc_flags |= ROCE_WC_FLAG_WITH_INV;
		wc.invalidated_rkey = pkt->imm;
	}
	if (qp->type == ROCE_QPT_UD) {
		wc.wc_flags |= ROCE_WC_FLAG_GRH;
		wc.src_qp = pkt->sqpn;
		wc.sl = pkt->prio;
	}
	roce_ring_pop(&qp->rq);
	if (status != ROCE_WC_SUCCESS)
		roce_count_recv_error(qp, status);
	qp->dev->ctr->rdma_recvs++;
	roce_cq_push(qp->recv_cq, &wc, status != ROCE_WC_SUCCESS || (pkt->bth_flags & ROCE_BTH_SOLICITED));
}

void roce_responder_fatal(struct roce_qp *qp, uint8_t nak_code, uint32_t psn)
{
	enum roce_event_type event =
		nak_code == ROCE_NAK_REMOTE_ACCESS_ERROR ? ROCE_EVENT_QP_ACCESS_ERR : ROCE_EVENT_QP_REQ_ERR;

	if (nak_code == ROCE_NAK_REMOTE_ACCESS_ERROR)
		roce_count(qp, resp_remote_access_errors);
	qp->resp.draining = true;
	roce_response_nak(qp, ROCE_AETH_NAK | nak_code, psn);
	roce_event_push(qp->dev, event, qp->qpn, qp->user);
	roce_qp_set_error(qp);
	roce_qp_kick(qp);
}

static bool in_sequence(const struct roce_qp *qp, const struct roce_opcode_info *info)
{
	uint16_t kind = info->flags & (ROCE_OPF_SEND | ROCE_OPF_WRITE);

	if (!kind || (info->flags & ROCE_OPF_FIRST))
		return !qp->resp.in_message;
	return qp->resp.in_message == kind;
}

static bool length_ok(const struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	if (info->flags & ROCE_OPF_FULL)
		return pkt->len == qp->mtu;
	if ((info->flags & ROCE_OPF_NOT_EMPTY) && !pkt->len)
		return false;
	return pkt->len <= qp->mtu;
}

static bool place(uint8_t *to, const struct roce_pkt *pkt)
{
	if (to && pkt->landed == to) /* in one piece, but for its end */
		return roce_place(to + pkt->len - 8, (uint8_t *)pkt->iov[0].iov_base + pkt->len - 8, 8);
	for (int i = 0; i < pkt->niov; i++) {
		if (!roce_place(to, pkt->iov[i].iov_base, pkt->iov[i].iov_len))
			return false;
		to = to ? to + pkt->iov[i].iov_len : NULL;
	}
	return true;
}

/* SEND and RDMA WRITE packets, both connected services; `pkt` is in sequence. */
static enum roce_verdict message(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_responder *resp = &qp->resp;
	bool first = info->flags & ROCE_OPF_FIRST, last = info->flags & ROCE_OPF_LAST;
	uint32_t offset = first ? 0 : resp->offset;
	struct roce_mr *window = NULL;

	if (info->flags & ROCE_OPF_SEND) {
		struct roce_rwqe *wqe = roce_recv_claim(qp);

		if (!wqe)
			return ROCE_NO_WQE;
		if ((uint64_t)offset + pkt->len > wqe->length)
			return ROCE_LENGTH;
		if (info->hdrs & ROCE_HDR_IETH) {
			window = roce_mw_invalidatable(qp, pkt->imm);
			if (!window)
				return ROCE_NO_ACCESS;
		}
		switch (roce_sge_scatter(roce_recv_pd(qp), wqe->sge, wqe->num_sge, offset, pkt)) {
		case 0:
			break;
		case -EIO:
			return ROCE_VOID;
		default:
			return ROCE_PROTECTION;
		}
		if (window) /* after the data is there, before it completes (9.4.1.1.2) */
			roce_mw_invalidate(window);
	} else {
		uint64_t va = first ? pkt->va : resp->wr_va;
		uint32_t rkey = first ? pkt->rkey : resp->wr_rkey, total = first ? pkt->dma_len : resp->wr_len;
		struct roce_mr *mr = NULL;

		/* Longer than any message that we take: refused as for a READ, whatever the region would allow (9.7.4.1.6). */
		if (!(qp->attr.qp_access_flags & ROCE_ACCESS_REMOTE_WRITE) || total > ROCE_MAX_MSG_BYTES)
			return ROCE_INVALID;
		/* The DMA length and the payloads agree, to the byte (9.7.4.1.6). */
		if (last ? pkt->len != total - offset : pkt->len >= total - offset)
			return ROCE_INVALID;
		/* Our extension's packets say themselves where they go: the same, or nonsense. */
		if (!first && (info->hdrs & ROCE_HDR_RETH) &&
		    (pkt->va != va + offset || pkt->rkey != rkey || pkt->dma_len != total - offset))
			return ROCE_INVALID;
		/* The whole range at the first packet; a region may vanish before the last. No key for no bytes. */
		if (total) {
			mr = roce_rkey_check(qp, rkey, va + (first ? 0 : offset), first ? total : pkt->len,
					     ROCE_ACCESS_REMOTE_WRITE);
			if (!mr)
				return ROCE_NO_ACCESS;
		}
		if ((info->flags & ROCE_OPF_RQ_WQE) && !roce_recv_claim(qp))
			return ROCE_NO_WQE;
		if (pkt->far) {
			int err = pkt->len ? roce_pull(qp, pkt, 0, roce_mr_at(mr, va + offset), pkt->len) : 0;

			if (err)
				return err == -EIO ? ROCE_VOID : ROCE_NO_ACCESS;
		} else if (pkt->len && !(pkt->bth_flags & ROCE_BTH_PLACED) &&
			   !place(roce_mr_at(mr, va + offset), pkt)) {
			return ROCE_NO_ACCESS;
		}
		resp->wr_va = va;
		resp->wr_rkey = rkey;
		resp->wr_len = total;
		if (first)
			roce_count(qp, rx_write_requests);
		if (dp_unlikely(qp->dev->checking) && last)
			roce_check_written(qp, total ? roce_rkey_check(qp, rkey, va, total, 0) : NULL, va, total,
					   pkt->psn);
	}
	resp->offset = offset + pkt->len;
	if (dp_unlikely(qp->dev->checking) && last && info->flags & ROCE_OPF_SEND)
		roce_check_received(qp, roce_rq_at(qp, qp->rq.tail), 0, resp->offset, pkt);
	resp->in_message = last ? 0 : info->flags & (ROCE_OPF_SEND | ROCE_OPF_WRITE);
	if (info->flags & ROCE_OPF_RQ_WQE && last)
		complete_recv(qp, ROCE_WC_SUCCESS, pkt, info, resp->offset);
	return ROCE_OK;
}

/*
 * With ROCE_RECOVERY_OOO: the payload of a WRITE packet that came too early, where the packet says where it goes. Whether
 * it is allowed there is asked again in its turn, and then the answer counts.
 */
bool roce_place_early(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_mr *mr;

	if (!(qp->dev->cfg.recovery & ROCE_RECOVERY_OOO) || !(info->flags & ROCE_OPF_WRITE) ||
	    !(info->hdrs & ROCE_HDR_RETH) || !pkt->len || pkt->len > qp->mtu ||
	    !(qp->attr.qp_access_flags & ROCE_ACCESS_REMOTE_WRITE))
		return false;
	mr = roce_rkey_check(qp, pkt->rkey, pkt->va, pkt->len, ROCE_ACCESS_REMOTE_WRITE);
	if (!mr)
		return false;
	return place(roce_mr_at(mr, pkt->va), pkt);
}

uint8_t *roce_responder_landing(const struct roce_qp *qp, const struct roce_pkt *pkt,
				const struct roce_opcode_info *info)
{
	const struct roce_responder *resp = &qp->resp;
	struct roce_mr *mr;

	/* With the extension packets may come in any order and say themselves where they go. */
	if (qp->type != ROCE_QPT_RC || qp->ext || qp->state < ROCE_QPS_RTR || qp->state > ROCE_QPS_SQE ||
	    roce_opcode_service(pkt->opcode) != ROCE_SVC_RC || !(info->flags & ROCE_OPF_WRITE) ||
	    (info->flags & (ROCE_OPF_FIRST | ROCE_OPF_RQ_WQE)) /* which may yet be refused for want of a receive */ ||
	    !in_sequence(qp, info) || pkt->psn != resp->epsn)
		return NULL;
	if (!dp_ip_eq(&pkt->sgid, &qp->av.dgid) || !length_ok(qp, pkt, info) || pkt->len > resp->wr_len - resp->offset)
		return NULL;
	mr = roce_rkey_check(qp, resp->wr_rkey, resp->wr_va + resp->offset, pkt->len, ROCE_ACCESS_REMOTE_WRITE);
	return mr ? roce_mr_at(mr, resp->wr_va + resp->offset) : NULL;
}

/* A request executed before: acknowledged or answered again, never executed again (9.7.4.1.4, 9.7.5.1.3). */
static int duplicate(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_responder *resp = &qp->resp;

	roce_count(qp, duplicate_request);
	if (info->flags & (ROCE_OPF_SEND | ROCE_OPF_WRITE)) {
		if (resp->owed == ROCE_OWED_NOTHING)
			resp->owed = ROCE_OWED_ACK;
		return ROCE_DROP_NONE;
	}
	return roce_rd_duplicate(qp, pkt);
}

static int refuse(struct roce_qp *qp, enum roce_verdict v, const struct roce_pkt *pkt,
		  const struct roce_opcode_info *info)
{
	switch (v) {
	case ROCE_NO_WQE:
		qp->dev->ctr->send_rnr_err++;
		roce_count(qp, out_of_buffer);
		qp->resp.gap_reported = true; /* the peer comes back to this PSN by itself */
		qp->resp.skipped = pkt->psn;
		roce_response_nak(qp, (uint8_t)(ROCE_AETH_RNR_NAK | qp->attr.min_rnr_timer), pkt->psn);
		roce_qp_kick(qp);
		return ROCE_DROP_NONE;
	case ROCE_LENGTH: /* class C: the message is longer than the receive buffers */
		roce_count(qp, resp_local_length_error);
		complete_recv(qp, ROCE_WC_LOC_LEN_ERR, pkt, info, 0);
		roce_responder_fatal(qp, ROCE_NAK_INVALID_REQUEST, pkt->psn);
		return ROCE_DROP_NONE;
	case ROCE_PROTECTION:
		complete_recv(qp, ROCE_WC_LOC_PROT_ERR, pkt, info, 0);
		roce_responder_fatal(qp, ROCE_NAK_REMOTE_OPERATIONAL_ERROR, pkt->psn);
		return ROCE_DROP_NONE;
	case ROCE_NO_ACCESS:
		roce_responder_fatal(qp, ROCE_NAK_REMOTE_ACCESS_ERROR, pkt->psn);
		return ROCE_DROP_NONE;
	case ROCE_VOID: /* as if it had been lost on its way */
		return roce_drop(qp->dev, ROCE_DROP_PAYLOAD_GONE);
	case ROCE_FAILED:
		roce_responder_fatal(qp, ROCE_NAK_REMOTE_OPERATIONAL_ERROR, pkt->psn);
		return ROCE_DROP_NONE;
	default:
		roce_responder_fatal(qp, ROCE_NAK_INVALID_REQUEST, pkt->psn);
		return ROCE_DROP_NONE;
	}
}

/*
 * A packet after the expected PSN. IBTA: one NAK for each expected PSN (9.7.5.2.6), so a lost resend of it waits for the
 * peer's timeout. A device may do more: PSNs that do not grow are the stream sent again, and if that begins behind the
 * expected PSN, its head was lost again.
 */
static int skipped(struct roce_qp *qp, uint32_t psn)
{
	struct roce_responder *resp = &qp->resp;
	bool again = qp->dev->cfg.recovery & ROCE_RECOVERY_NAK_REARM && roce_psn_diff(psn, resp->skipped) <= 0;

	roce_count(qp, out_of_seq_request);
	if (!resp->gap_reported || again) {
		resp->gap_reported = true;
		roce_response_nak(qp, ROCE_AETH_NAK | ROCE_NAK_PSN_SEQUENCE_ERROR, resp->epsn);
	}
	resp->skipped = psn;
	return roce_drop(qp->dev, ROCE_DROP_OUT_OF_SEQUENCE);
}

/* The request with the expected PSN. */
static int in_order(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_responder *resp = &qp->resp;
	bool message_op = info->flags & (ROCE_OPF_SEND | ROCE_OPF_WRITE);
	enum roce_verdict v;

	resp->gap_reported = false;
	if (resp->owed == ROCE_OWED_NAK) /* what it complained of has just come */
		resp->owed = ROCE_OWED_NOTHING;
	v = qp->xrcd ? roce_xrc_enter(qp, pkt) : ROCE_OK;
	if (v != ROCE_OK)
		return refuse(qp, v, pkt, info);
	if (!in_sequence(qp, info) || !length_ok(qp, pkt, info))
		v = ROCE_INVALID;
	else if (message_op)
		v = message(qp, pkt, info);
	else
		v = roce_rd_request(qp, pkt, info);
	if (v != ROCE_OK)
		return refuse(qp, v, pkt, info);
	resp->epsn = roce_psn_add(resp->epsn, 1);
	if (info->flags & ROCE_OPF_LAST || !message_op)
		resp->msn = (resp->msn + 1) & ROCE_PSN_MASK;
	if (!message_op) {
		resp->owed = ROCE_OWED_NOTHING; /* its response acknowledges all before it */
	} else if (pkt->bth_flags & ROCE_BTH_ACKREQ) {
		if (resp->owed == ROCE_OWED_ACK)
			qp->dev->ctr->ack_deferred++; /* one ACK serves both */
		resp->owed = ROCE_OWED_ACK;
	}
	return ROCE_DROP_NONE;
}

static int rc_rx(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_responder *resp = &qp->resp;
	int32_t ahead = roce_psn_diff(pkt->psn, resp->epsn);
	const struct roce_pkt *next = pkt;
	int why;

	if (ahead > 0)
		return qp->ext ? roce_hold_put(qp, pkt, info) : skipped(qp, pkt->psn);
	if (ahead < 0)
		return duplicate(qp, pkt, info);
	why = in_order(qp, pkt, info);
	/* And what waited for it. An RNR NAK leaves the expected PSN as it is. */
	while (resp->hold && qp->state != ROCE_QPS_ERR && resp->epsn != next->psn) {
		roce_hold_drop(qp, next->psn);
		next = roce_hold_next(qp);
		if (!next)
			break;
		in_order(qp, next, roce_opcode_info(next->opcode));
	}
	return why;
}

/* Drops the packet and what the message had so far; its receive entry waits for the next message. */
static int uc_abandon(struct roce_qp *qp, enum roce_drop why)
{
	qp->resp.in_message = 0;
	return roce_drop(qp->dev, why);
}

/*
 * Unreliable connected: a message arrives whole or is abandoned at the first packet that does not follow
 * (9.8.2.2). A PSN of the past is a packet that the network duplicated or delayed: its message is over.
 */
static int uc_rx(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_responder *resp = &qp->resp;
	int32_t ahead = roce_psn_diff(pkt->psn, resp->epsn);

	if (ahead < 0)
		return roce_drop(qp->dev, ROCE_DROP_DUPLICATE);
	if (ahead > 0)
		roce_count(qp, out_of_seq_request);
	if (ahead > 0 || (info->flags & ROCE_OPF_FIRST))
		resp->in_message = 0;
	resp->epsn = roce_psn_add(pkt->psn, 1);
	if (!in_sequence(qp, info))
		return uc_abandon(qp, ROCE_DROP_BAD_SEQUENCE);
	if (!length_ok(qp, pkt, info))
		return uc_abandon(qp, ROCE_DROP_BAD_LENGTH);
	switch (message(qp, pkt, info)) {
	case ROCE_OK:
		if (info->flags & ROCE_OPF_LAST)
			resp->msn = (resp->msn + 1) & ROCE_PSN_MASK;
		return ROCE_DROP_NONE;
	case ROCE_NO_WQE:
		roce_count(qp, out_of_buffer);
		return uc_abandon(qp, ROCE_DROP_NO_RECV_WQE);
	case ROCE_LENGTH:
		roce_count(qp, resp_local_length_error);
		return uc_abandon(qp, ROCE_DROP_RECV_TOO_SMALL);
	case ROCE_VOID:
		return uc_abandon(qp, ROCE_DROP_PAYLOAD_GONE);
	case ROCE_INVALID:
		return uc_abandon(qp, ROCE_DROP_BAD_LENGTH);
	case ROCE_PROTECTION:
		complete_recv(qp, ROCE_WC_LOC_PROT_ERR, pkt, info, 0);
		roce_event_push(qp->dev, ROCE_EVENT_QP_FATAL, qp->qpn, qp->user);
		roce_qp_set_error(qp);
		return ROCE_DROP_NONE;
	default:
		roce_count(qp, resp_remote_access_errors);
		return uc_abandon(qp, ROCE_DROP_ACCESS);
	}
}

static int ud_rx(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	uint8_t grh[ROCE_GRH_BYTES];
	struct roce_rwqe *wqe;

	if (pkt->qkey != qp->attr.qkey)
		return roce_drop(qp->dev, ROCE_DROP_BAD_QKEY);
	if (pkt->len > qp->mtu)
		return roce_drop(qp->dev, ROCE_DROP_BAD_LENGTH);
	wqe = roce_recv_peek(qp);
	if (!wqe) {
		roce_count(qp, out_of_buffer);
		return roce_drop(qp->dev, ROCE_DROP_NO_RECV_WQE);
	}
	if (wqe->length < ROCE_GRH_BYTES + pkt->len) {
		roce_count(qp, resp_local_length_error);
		return roce_drop(qp->dev, ROCE_DROP_RECV_TOO_SMALL);
	}
	wqe = roce_recv_claim(qp);
	roce_wire_grh(pkt, grh);
	if (roce_sge_scatter_bytes(roce_recv_pd(qp), wqe->sge, wqe->num_sge, 0, grh, sizeof(grh)) ||
	    roce_sge_scatter(roce_recv_pd(qp), wqe->sge, wqe->num_sge, ROCE_GRH_BYTES, pkt)) {
		complete_recv(qp, ROCE_WC_LOC_PROT_ERR, pkt, info, 0);
		roce_event_push(qp->dev, ROCE_EVENT_QP_FATAL, qp->qpn, qp->user);
		roce_qp_set_error(qp);
		return ROCE_DROP_NONE;
	}
	if (dp_unlikely(qp->dev->checking))
		roce_check_received(qp, wqe, ROCE_GRH_BYTES, pkt->len, pkt);
	complete_recv(qp, ROCE_WC_SUCCESS, pkt, info, ROCE_GRH_BYTES + pkt->len);
	return ROCE_DROP_NONE;
}

int roce_responder_rx(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	if (qp->ext && (pkt->tos & 3) == 3) /* CE, RFC 3168 */
		qp->resp.ce_bytes += pkt->len;
	if (qp->state == ROCE_QPS_RTR && !qp->resp.comm_est && qp->type != ROCE_QPT_UD) {
		qp->resp.comm_est = true;
		roce_qp_reopen(qp);
		roce_event_push(qp->dev, ROCE_EVENT_COMM_EST, qp->qpn, qp->user);
	}
	switch (qp->type) {
	case ROCE_QPT_RC:
	case ROCE_QPT_XRC_RECV:
		return rc_rx(qp, pkt, info);
	case ROCE_QPT_UC:
		return uc_rx(qp, pkt, info);
	default:
		return ud_rx(qp, pkt, info);
	}
}
