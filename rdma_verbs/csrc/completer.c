/*
 * The completer: responses of the peer move `una`, complete send queue entries, or make the requester go back.
 * IBTA vol 1, 9.7.5 (acknowledges), 9.7.6 and 9.9.2 (requester's errors).
 */
#include "rdma_verbs/csrc/engine.h"

static bool alive(const struct roce_qp *qp)
{
	return qp->state == ROCE_QPS_RTS || qp->state == ROCE_QPS_SQD;
}

/* Payload bytes of an entry before `psn`. */
static uint32_t payload_below(const struct roce_qp *qp, const struct roce_swqe *wqe, uint32_t psn)
{
	uint64_t bytes = (uint64_t)roce_psn_diff(psn, wqe->first_psn) * qp->mtu;

	return roce_wqe_lands(wqe) ? 0 : (uint32_t)DP_MIN(bytes, wqe->length);
}

/* Moves una; whatever arrives that moves it gives the retry counters back (9.7.6.1.3). */
static void advance(struct roce_qp *qp, uint32_t psn)
{
	struct roce_requester *req = &qp->req;
	const struct roce_swqe *wqe = roce_sq_at(qp, qp->sq.tail);
	uint32_t bytes = payload_below(qp, wqe, psn) - payload_below(qp, wqe, req->una);

	req->inflight -= DP_MIN(bytes, req->inflight);
	if (req->sr)
		roce_sr_passed(qp, req->una, psn);
	req->una = psn;
	if (req->sr)
		roce_sr_sent(qp);
	req->backoff = 0;
	req->patience_ps = qp->dev->now_ps;
	if (req->rtt_timed && roce_psn_diff(psn, req->rtt_psn) > 0) {
		req->rtt_ps = qp->dev->now_ps - req->rtt_sent_ps;
		req->rtt_timed = false;
		roce_requester_sample_rtt(qp, req->rtt_ps);
	}
	req->retry_left = qp->attr.retry_cnt;
	req->rnr_left = qp->attr.rnr_retry;
	req->implied_nak_done = false;
	/* An answer to what we went back over and have not sent again yet. */
	if (roce_psn_diff(req->una, req->snd) > 0) {
		req->snd = psn;
		req->since_ackreq = 0;
		req->inflight = 0;
	}
}

static void settle(struct roce_qp *qp)
{
	if (!alive(qp))
		return;
	roce_requester_arm(qp);
	roce_requester_progress(qp);
	roce_qp_kick(qp);
}

/*
 * Acknowledges all PSNs below `psn`. Acknowledges coalesce, but they never stand for the data of a READ or an
 * atomic: false when one of these is before `psn` without its response, which is then lost (9.7.5.2.1).
 */
static bool ack_below(struct roce_qp *qp, uint32_t psn, uint32_t ce_bytes)
{
	struct roce_requester *req = &qp->req;
	bool moved = false, all = true;
	uint32_t bytes = 0;

	req->rtt_ps = 0;
	if (req->sr)
		psn = roce_sr_acked(qp, psn);
	while (alive(qp) && qp->sq.tail != req->fresh) {
		struct roce_swqe *wqe = roce_sq_at(qp, qp->sq.tail);
		uint32_t end = roce_psn_add(wqe->first_psn, wqe->npsn), to = roce_psn_diff(end, psn) <= 0 ? end : psn;

		if (roce_wqe_is_rd(wqe)) {
			all = roce_psn_diff(psn, req->una) <= 0;
			to = req->sr ? roce_sr_answered_below(qp, end) : req->una;
		}
		if (roce_psn_diff(to, req->una) <= 0)
			break;
		moved = true;
		bytes += payload_below(qp, wqe, to) - payload_below(qp, wqe, req->una);
		advance(qp, to);
		if (to == end)
			roce_requester_complete(qp, ROCE_WC_SUCCESS);
	}
	if ((moved || ce_bytes) && alive(qp))
		roce_congestion_acked(qp, bytes, ce_bytes, req->rtt_ps);
	if (moved)
		settle(qp);
	return all;
}

/* Our extension's ACK: what the peer has executed, and what it holds behind a gap. It may be older than una. */
static int selective_ack(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_requester *req = &qp->req;
	uint32_t below = roce_psn_add(pkt->psn, 1);

	if (!req->sr || roce_psn_diff(below, req->max_sent) > 0 || (pkt->syndrome & ROCE_AETH_KIND) != ROCE_AETH_ACK)
		return roce_drop(qp->dev, ROCE_DROP_GHOST);
	qp->dev->ctr->rcvd_acks++;
	roce_sr_sacked(qp, pkt);
	ack_below(qp, below, roce_sr_ce_bytes(qp, pkt->ce_bytes));
	if (alive(qp)) { /* even where una stands, the peer lives */
		roce_requester_arm(qp);
		roce_qp_kick(qp);
	}
	return ROCE_DROP_NONE;
}

/*
 * Responses come, though not the one that is due: the peer still works off what it was asked before, and asking again
 * would only make that longer, until the retries are used up on a peer that is merely slow. So the timer starts
 * anew, but not beyond the 4 x T that a timeout may take at most (9.7.6.1.3).
 */
static void wait_longer(struct roce_qp *qp)
{
	uint64_t now_ps = qp->dev->now_ps, rto_ps = roce_requester_rto_ps(qp);

	if (dp_timer_armed(&qp->rto))
		dp_wheel_arm(&qp->dev->pool->wheel, &qp->rto,
			     DP_MIN(dp_add_ps(now_ps, rto_ps), dp_add_ps(qp->req.armed_ps, 4 * rto_ps)));
}

/* A response is missing: as if a NAK for a sequence error had come. Once for each place, the timer does the rest. */
static void implied_nak(struct roce_qp *qp)
{
	if (!alive(qp))
		return;
	if (qp->req.implied_nak_done) {
		wait_longer(qp);
		return;
	}
	qp->req.implied_nak_done = true;
	roce_count(qp, implied_nak_seq_err);
	if (qp->req.snd == qp->req.una) /* already going back */
		return;
	qp->dev->ctr->completer_retry_err++;
	roce_requester_retry(qp);
}

static void rnr_nak(struct roce_qp *qp, uint8_t timer)
{
	struct roce_requester *req = &qp->req;

	if (req->rnr_wait)
		return;
	if (qp->attr.rnr_retry != 7) { /* 7: for ever (9.7.5.2.8) */
		if (!req->rnr_left) {
			qp->dev->ctr->retry_rnr_exceeded_err++;
			roce_requester_fail(qp, ROCE_WC_RNR_RETRY_EXC_ERR);
			return;
		}
		req->rnr_left--;
	}
	req->rnr_wait = true;
	if (req->sr) { /* the peer holds what came after it */
		roce_sr_lose_oldest(qp);
		roce_requester_arm(qp);
	} else {
		roce_requester_go_back(qp);
	}
	req->rnr_until_ps = dp_add_ps(qp->dev->now_ps, roce_rnr_timer_ps(timer));
	roce_qp_wake_at(qp, req->rnr_until_ps);
}

static int nak(struct roce_qp *qp, uint8_t code)
{
	struct roce_counters *ctr = qp->dev->ctr;

	switch (code) {
	case ROCE_NAK_PSN_SEQUENCE_ERROR:
		roce_count(qp, rcvd_seq_err);
		if (roce_requester_is_back(qp)) /* a duplicate: nothing was sent since */
			return ROCE_DROP_NONE;
		ctr->completer_retry_err++;
		roce_congestion_nak(qp);
		roce_requester_retry(qp);
		return ROCE_DROP_NONE;
	case ROCE_NAK_INVALID_REQUEST:
		roce_count(qp, req_remote_invalid_request);
		roce_requester_fail(qp, ROCE_WC_REM_INV_REQ_ERR);
		return ROCE_DROP_NONE;
	case ROCE_NAK_REMOTE_ACCESS_ERROR:
		roce_count(qp, req_remote_access_errors);
		roce_requester_fail(qp, ROCE_WC_REM_ACCESS_ERR);
		return ROCE_DROP_NONE;
	default:
		roce_requester_fail(qp, ROCE_WC_REM_OP_ERR);
		return ROCE_DROP_NONE;
	}
}

static int acknowledge(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_counters *ctr = qp->dev->ctr;
	uint8_t kind = pkt->syndrome & ROCE_AETH_KIND, value = pkt->syndrome & 0x1f;

	if (kind == ROCE_AETH_ACK) {
		ctr->rcvd_acks++;
		if (!ack_below(qp, roce_psn_add(pkt->psn, 1), 0) && !qp->req.sr)
			implied_nak(qp);
		return ROCE_DROP_NONE;
	}
	if (kind != ROCE_AETH_RNR_NAK && (kind != ROCE_AETH_NAK || value > ROCE_NAK_REMOTE_OPERATIONAL_ERROR))
		return roce_drop(qp->dev, ROCE_DROP_BAD_SYNDROME);
	ctr->rcvd_naks++;
	/* Any NAK acknowledges every PSN before its own (9.7.5.2). */
	if (!ack_below(qp, pkt->psn, 0) && !qp->req.sr) {
		implied_nak(qp);
		return ROCE_DROP_NONE;
	}
	if (!alive(qp) || qp->req.una != pkt->psn)
		return ROCE_DROP_NONE;
	if (kind == ROCE_AETH_NAK)
		return nak(qp, value);
	roce_count(qp, rcvd_rnr_err);
	rnr_nak(qp, value);
	return ROCE_DROP_NONE;
}

static bool is_atomic(const struct roce_swqe *wqe)
{
	return roce_wqe_lands(wqe) && wqe->opcode != ROCE_WR_RDMA_READ;
}

/* The entry that a response is for; NULL: none that awaits it. Go-back-N takes responses in order only. */
static struct roce_swqe *awaiting(struct roce_qp *qp, uint32_t psn)
{
	if (!qp->req.sr)
		return roce_sq_at(qp, qp->sq.tail);
	return roce_sr_awaits(qp, psn) ? roce_sq_find_psn(qp, psn) : NULL;
}

/* A response that cannot be right, or has nowhere to go: fatal, when the entry's turn has come to complete. */
static int bad_response(struct roce_qp *qp, const struct roce_swqe *wqe, enum roce_wc_status status)
{
	if (wqe != roce_sq_at(qp, qp->sq.tail))
		return roce_drop(qp->dev, ROCE_DROP_GHOST); /* asked for again then */
	roce_requester_fail(qp, status);
	return ROCE_DROP_NONE;
}

/* The data of a response is in place. */
static int answered(struct roce_qp *qp, const struct roce_swqe *wqe, uint32_t psn)
{
	if (qp->req.sr) {
		roce_sr_answer(qp, psn);
		ack_below(qp, qp->req.una, 0);
		if (alive(qp)) {
			roce_requester_arm(qp);
			roce_qp_kick(qp);
		}
		return ROCE_DROP_NONE;
	}
	psn = roce_psn_add(psn, 1);
	advance(qp, psn);
	if (psn == roce_psn_add(wqe->first_psn, wqe->npsn))
		roce_requester_complete(qp, ROCE_WC_SUCCESS);
	settle(qp);
	return ROCE_DROP_NONE;
}

/* Data of a READ; an empty response stands for an ATOMIC WRITE or a FLUSH that was executed (A19). */
static int read_response(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	const struct roce_swqe *wqe = awaiting(qp, pkt->psn);
	uint32_t i, offset, len;
	bool last;

	if (!wqe)
		return roce_drop(qp->dev, ROCE_DROP_GHOST);
	i = (uint32_t)roce_psn_diff(pkt->psn, wqe->first_psn);
	offset = i * qp->mtu;
	last = i == wqe->npsn - 1;
	len = wqe->opcode == ROCE_WR_RDMA_READ ? DP_MIN(qp->mtu, wqe->length - offset) : 0;
	/* A piece that was asked for again has a First and a Last of its own. */
	if (!roce_wqe_is_rd(wqe) || is_atomic(wqe) || (!qp->req.sr && last != !!(info->flags & ROCE_OPF_LAST)) ||
	    pkt->len != len || ((info->hdrs & ROCE_HDR_AETH) && (pkt->syndrome & ROCE_AETH_KIND) != ROCE_AETH_ACK))
		return bad_response(qp, wqe, ROCE_WC_BAD_RESP_ERR);
	switch (len ? roce_sge_scatter(qp->pd, wqe->sge, wqe->num_sge, offset, pkt) : 0) {
	case 0:
		break;
	case -EIO:
		return roce_drop(qp->dev, ROCE_DROP_PAYLOAD_GONE);
	default:
		return bad_response(qp, wqe, ROCE_WC_LOC_PROT_ERR);
	}
	return answered(qp, wqe, pkt->psn);
}

static int atomic_response(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	const struct roce_swqe *wqe = awaiting(qp, pkt->psn);
	uint64_t value = pkt->swap_add;

	if (!wqe)
		return roce_drop(qp->dev, ROCE_DROP_GHOST);
	if (!is_atomic(wqe) || (pkt->syndrome & ROCE_AETH_KIND) != ROCE_AETH_ACK)
		return bad_response(qp, wqe, ROCE_WC_BAD_RESP_ERR);
	if (roce_sge_scatter_bytes(qp->pd, wqe->sge, wqe->num_sge, 0, (const uint8_t *)&value, sizeof(value)))
		return bad_response(qp, wqe, ROCE_WC_LOC_PROT_ERR);
	return answered(qp, wqe, pkt->psn);
}

int roce_completer_rx(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	if (!alive(qp))
		return roce_drop(qp->dev, ROCE_DROP_BAD_STATE);
	if (pkt->opcode == ROCE_OPCODE_EXT_ACK)
		return selective_ack(qp, pkt);
	/* Late, duplicate, or never asked for: "ghost" acknowledges are silently dropped (9.7.5.1.5). */
	if (roce_psn_diff(pkt->psn, qp->req.una) < 0 || roce_psn_diff(pkt->psn, qp->req.max_sent) >= 0)
		return roce_drop(qp->dev, ROCE_DROP_GHOST);
	if (roce_opcode_operation(pkt->opcode) == ROCE_OP_ACKNOWLEDGE)
		return acknowledge(qp, pkt);
	/* A READ or atomic response acknowledges all requests before its own (9.7.5.1.2). */
	if (!ack_below(qp, pkt->psn, 0) && !qp->req.sr) {
		implied_nak(qp);
		return ROCE_DROP_NONE;
	}
	if (!alive(qp))
		return ROCE_DROP_NONE;
	return info->flags & ROCE_OPF_READ_RESP ? read_response(qp, pkt, info) : atomic_response(qp, pkt);
}
