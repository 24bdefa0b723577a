/*
 * The responder: request packets become memory accesses, receive completions, and what is owed to the peer.
 * IBTA vol 1, 9.7.4 and 9.7.8 (reliable), 9.8.2 (unreliable connected), 9.8.3 (datagram), 9.9.3 (errors).
 */
#include <stdlib.h>

#include "datapath/csrc/guard.h"
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
	qp->rq.tail++;
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

/* What becomes of a request, decided before any state changes. */
enum verdict { OK, NO_WQE, INVALID, ACCESS, LENGTH, PROTECTION };

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
	for (int i = 0; i < pkt->niov; i++) {
		if (!roce_place(to, pkt->iov[i].iov_base, pkt->iov[i].iov_len))
			return false;
		to = to ? to + pkt->iov[i].iov_len : NULL;
	}
	return true;
}

/* SEND and RDMA WRITE packets, both connected services; `pkt` is in sequence. */
static enum verdict message(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_responder *resp = &qp->resp;
	bool first = info->flags & ROCE_OPF_FIRST, last = info->flags & ROCE_OPF_LAST;
	uint32_t offset = first ? 0 : resp->offset;
	struct roce_mr *window = NULL;

	if (info->flags & ROCE_OPF_SEND) {
		struct roce_rwqe *wqe = roce_recv_claim(qp);

		if (!wqe)
			return NO_WQE;
		if ((uint64_t)offset + pkt->len > wqe->length)
			return LENGTH;
		if (info->hdrs & ROCE_HDR_IETH) {
			window = roce_mw_invalidatable(qp, pkt->imm);
			if (!window)
				return ACCESS;
		}
		if (roce_sge_scatter(roce_recv_pd(qp), wqe->sge, wqe->num_sge, offset, pkt))
			return PROTECTION;
		if (window) /* after the data is there, before it completes (9.4.1.1.2) */
			roce_mw_invalidate(window);
	} else {
		uint64_t va = first ? pkt->va : resp->wr_va;
		uint32_t rkey = first ? pkt->rkey : resp->wr_rkey, total = first ? pkt->dma_len : resp->wr_len;
		struct roce_mr *mr = NULL;

		/* Longer than any message that we take: refused as for a READ, whatever the region would allow (9.7.4.1.6). */
		if (!(qp->attr.qp_access_flags & ROCE_ACCESS_REMOTE_WRITE) || total > ROCE_MAX_MSG_BYTES)
			return INVALID;
		/* The DMA length and the payloads agree, to the byte (9.7.4.1.6). */
		if (last ? pkt->len != total - offset : pkt->len >= total - offset)
			return INVALID;
		/* Our extension's packets say themselves where they go: the same, or nonsense. */
		if (!first && (info->hdrs & ROCE_HDR_RETH) &&
		    (pkt->va != va + offset || pkt->rkey != rkey || pkt->dma_len != total - offset))
			return INVALID;
		/* The whole range at the first packet; a region may vanish before the last. No key for no bytes. */
		if (total) {
			mr = roce_rkey_check(qp, rkey, va + (first ? 0 : offset), first ? total : pkt->len,
					     ROCE_ACCESS_REMOTE_WRITE);
			if (!mr)
				return ACCESS;
		}
		if ((info->flags & ROCE_OPF_RQ_WQE) && !roce_recv_claim(qp))
			return NO_WQE;
		if (pkt->len && !(pkt->bth_flags & ROCE_BTH_PLACED) && !place(roce_mr_at(mr, va + offset), pkt))
			return ACCESS;
		resp->wr_va = va;
		resp->wr_rkey = rkey;
		resp->wr_len = total;
		if (first)
			roce_count(qp, rx_write_requests);
	}
	resp->offset = offset + pkt->len;
	resp->in_message = last ? 0 : info->flags & (ROCE_OPF_SEND | ROCE_OPF_WRITE);
	if (info->flags & ROCE_OPF_RQ_WQE && last)
		complete_recv(qp, ROCE_WC_SUCCESS, pkt, info, resp->offset);
	return OK;
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

static enum verdict read_request(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_rd_res *res;

	if (!(qp->attr.qp_access_flags & ROCE_ACCESS_REMOTE_READ) || pkt->dma_len > ROCE_MAX_MSG_BYTES)
		return INVALID;
	if (pkt->dma_len && !roce_rkey_check(qp, pkt->rkey, pkt->va, pkt->dma_len, ROCE_ACCESS_REMOTE_READ))
		return ACCESS;
	res = roce_response_new(qp);
	if (!res)
		return INVALID;
	res->atomic = false;
	res->va = pkt->va;
	res->len = pkt->dma_len;
	res->rkey = pkt->rkey;
	res->first_psn = pkt->psn;
	res->npsn = roce_npkts(pkt->dma_len, qp->mtu);
	res->msn = qp->resp.msn + 1;
	roce_response_start(qp, res, pkt->psn, pkt->va, pkt->dma_len);
	roce_count(qp, rx_read_requests);
	qp->resp.epsn = roce_psn_add(pkt->psn, res->npsn - 1); /* the caller adds one */
	return OK;
}

/* Atomic with regard to the CPU too, where the address is aligned in our memory and not only in the region's. */
static uint64_t atomic_execute(uint8_t *at, const struct roce_pkt *pkt, bool cas)
{
	uint64_t old;

	if (!at)
		return 0;
	if ((uintptr_t)at % 8 == 0) {
		if (!cas)
			return __atomic_fetch_add((uint64_t *)(void *)at, pkt->swap_add, __ATOMIC_SEQ_CST);
		old = pkt->compare;
		__atomic_compare_exchange_n((uint64_t *)(void *)at, &old, pkt->swap_add, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
		return old;
	}
	memcpy(&old, at, 8);
	if (!cas || old == pkt->compare) {
		uint64_t value = cas ? pkt->swap_add : old + pkt->swap_add;

		memcpy(at, &value, 8);
	}
	return old;
}

/* False: the memory is gone. */
static __attribute__((noinline)) bool atomic_guarded(uint8_t *at, const struct roce_pkt *pkt, bool cas, uint64_t *old)
{
	if (at && !dp_guard_enter(at, 8))
		return false;
	*old = atomic_execute(at, pkt, cas);
	dp_guard_leave();
	return true;
}

static enum verdict atomic_request(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_rd_res *res;
	struct roce_mr *mr;

	if (!(qp->attr.qp_access_flags & ROCE_ACCESS_REMOTE_ATOMIC) || pkt->va % 8)
		return INVALID;
	mr = roce_rkey_check(qp, pkt->rkey, pkt->va, 8, ROCE_ACCESS_REMOTE_ATOMIC);
	if (!mr)
		return ACCESS;
	res = roce_response_new(qp);
	if (!res)
		return INVALID;
	res->atomic = true;
	res->first_psn = pkt->psn;
	res->npsn = 1;
	res->msn = qp->resp.msn + 1;
	if (!atomic_guarded(roce_mr_at(mr, pkt->va), pkt, pkt->opcode == ROCE_OPCODE(ROCE_SVC_RC, ROCE_OP_COMPARE_SWAP),
			    &res->value)) {
		res->valid = false;
		return ACCESS;
	}
	roce_response_start(qp, res, pkt->psn, 0, 0);
	roce_count(qp, rx_atomic_requests);
	return OK;
}

/* A request executed before: acknowledged or answered again, never executed again (9.7.4.1.4, 9.7.5.1.3). */
static int duplicate(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_responder *resp = &qp->resp;
	struct roce_rd_res *res;
	uint64_t skip;

	roce_count(qp, duplicate_request);
	if (info->flags & (ROCE_OPF_SEND | ROCE_OPF_WRITE)) {
		if (resp->owed == ROCE_OWED_NOTHING)
			resp->owed = ROCE_OWED_ACK;
		return ROCE_DROP_NONE;
	}
	res = roce_response_find(qp, pkt->psn);
	if (!res || res->atomic != !!(info->flags & ROCE_OPF_ATOMIC))
		return roce_drop(qp->dev, ROCE_DROP_DUPLICATE);
	if (res->atomic) {
		roce_response_start(qp, res, pkt->psn, 0, 0);
		res->replay = true;
		return ROCE_DROP_NONE;
	}
	/* A READ is executed again, within what it was: from any of its packets on (9.7.5.1.3). */
	skip = pkt->va - res->va;
	if (pkt->rkey != res->rkey || skip > res->len || pkt->dma_len > res->len - skip ||
	    roce_psn_diff(roce_psn_add(pkt->psn, roce_npkts(pkt->dma_len, qp->mtu)),
			  roce_psn_add(res->first_psn, res->npsn)) > 0)
		return roce_drop(qp->dev, ROCE_DROP_DUPLICATE);
	if (qp->ext) { /* a piece of it, beside what is still on its way */
		struct roce_rd_res *repair = roce_repair_new(qp);

		if (!repair)
			return roce_drop(qp->dev, ROCE_DROP_DUPLICATE);
		*repair = (struct roce_rd_res){.rkey = res->rkey, .msn = res->msn};
		res = repair;
	}
	roce_response_start(qp, res, pkt->psn, pkt->va, pkt->dma_len);
	res->replay = true;
	return ROCE_DROP_NONE;
}

static int refuse(struct roce_qp *qp, enum verdict v, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	switch (v) {
	case NO_WQE:
		qp->dev->ctr->send_rnr_err++;
		roce_count(qp, out_of_buffer);
		qp->resp.gap_reported = true; /* the peer comes back to this PSN by itself */
		qp->resp.skipped = pkt->psn;
		roce_response_nak(qp, (uint8_t)(ROCE_AETH_RNR_NAK | qp->attr.min_rnr_timer), pkt->psn);
		roce_qp_kick(qp);
		return ROCE_DROP_NONE;
	case LENGTH: /* class C: the message is longer than the receive buffers */
		roce_count(qp, resp_local_length_error);
		complete_recv(qp, ROCE_WC_LOC_LEN_ERR, pkt, info, 0);
		roce_responder_fatal(qp, ROCE_NAK_INVALID_REQUEST, pkt->psn);
		return ROCE_DROP_NONE;
	case PROTECTION:
		complete_recv(qp, ROCE_WC_LOC_PROT_ERR, pkt, info, 0);
		roce_responder_fatal(qp, ROCE_NAK_REMOTE_OPERATIONAL_ERROR, pkt->psn);
		return ROCE_DROP_NONE;
	case ACCESS:
		roce_responder_fatal(qp, ROCE_NAK_REMOTE_ACCESS_ERROR, pkt->psn);
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
	enum verdict v;

	resp->gap_reported = false;
	if (resp->owed == ROCE_OWED_NAK) /* what it complained of has just come */
		resp->owed = ROCE_OWED_NOTHING;
	if (!in_sequence(qp, info) || !length_ok(qp, pkt, info))
		v = INVALID;
	else if (message_op)
		v = message(qp, pkt, info);
	else if (info->flags & ROCE_OPF_READ_REQ)
		v = read_request(qp, pkt);
	else if (info->flags & ROCE_OPF_ATOMIC)
		v = atomic_request(qp, pkt);
	else
		v = INVALID;
	if (v != OK)
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
	case OK:
		if (info->flags & ROCE_OPF_LAST)
			resp->msn = (resp->msn + 1) & ROCE_PSN_MASK;
		return ROCE_DROP_NONE;
	case NO_WQE:
		roce_count(qp, out_of_buffer);
		return uc_abandon(qp, ROCE_DROP_NO_RECV_WQE);
	case LENGTH:
		roce_count(qp, resp_local_length_error);
		return uc_abandon(qp, ROCE_DROP_RECV_TOO_SMALL);
	case INVALID:
		return uc_abandon(qp, ROCE_DROP_BAD_LENGTH);
	case PROTECTION:
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
	complete_recv(qp, ROCE_WC_SUCCESS, pkt, info, ROCE_GRH_BYTES + pkt->len);
	return ROCE_DROP_NONE;
}

int roce_responder_rx(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	if (qp->ext && (pkt->tos & 3) == 3) /* CE, RFC 3168 */
		qp->resp.ce_bytes += pkt->len;
	if (qp->state == ROCE_QPS_RTR && !qp->resp.comm_est && qp->type != ROCE_QPT_UD) {
		qp->resp.comm_est = true;
		roce_event_push(qp->dev, ROCE_EVENT_COMM_EST, qp->qpn, qp->user);
	}
	switch (qp->type) {
	case ROCE_QPT_RC:
		return rc_rx(qp, pkt, info);
	case ROCE_QPT_UC:
		return uc_rx(qp, pkt, info);
	default:
		return ud_rx(qp, pkt, info);
	}
}
