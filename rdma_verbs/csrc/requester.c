/*
 * The requester: turns send queue entries into request packets, and goes back when the completer or a timer
 * says so. IBTA vol 1, 9.7 (reliable), 9.8 (unreliable). See the theory of operation in engine.h.
 */
#include <stdlib.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/engine.h"

#define LATE_PS (5 * DP_MS) /* later than this a driver was kept from running, not just woken */

void roce_requester_reset(struct roce_qp *qp)
{
	free(qp->req.sr);
	memset(&qp->req, 0, sizeof(qp->req));
}

static void count_resent(struct roce_qp *qp)
{
	qp->req.resent++;
	roce_count(qp, retransmitted_pkts);
}

/* No room for a whole packet after `more` bytes. With nothing outstanding one packet always goes. */
static bool window_full(const struct roce_qp *qp, uint32_t more)
{
	uint64_t inflight = (uint64_t)qp->req.inflight + more;

	return qp->cc.window_bytes && inflight && inflight + qp->mtu > qp->cc.window_bytes;
}

/* At a low rate the ACK of this packet must be asked for before the transport timer expires over the gaps. */
static bool ack_soon(const struct roce_qp *qp)
{
	uint64_t since_ps = qp->dev->now_ps - qp->req.ack_asked_ps;
	uint64_t rate_bps = roce_pace_bps(qp);

	return rate_bps && qp->timeout_ps != DP_NEVER &&
	       since_ps + qp->mtu * 8 * DP_SEC / rate_bps > roce_requester_rto_ps(qp) / 4;
}

static bool sending(const struct roce_qp *qp)
{
	return (qp->state == ROCE_QPS_RTS || qp->state == ROCE_QPS_SQD) && !qp->req.rnr_wait;
}

/* The next in order: with go-back-N also what is sent again. */
static bool can_go_on(const struct roce_qp *qp)
{
	const struct roce_requester *req = &qp->req;
	const struct roce_swqe *wqe;

	if (!sending(qp) || req->stopped || req->cur == qp->sq.head)
		return false;
	/* SQD finishes what has begun and begins nothing (10.3.1.5). */
	if (qp->state == ROCE_QPS_SQD && req->cur == req->fresh)
		return false;
	if (!qp->reliable)
		return true;
	if ((uint32_t)roce_psn_diff(req->snd, req->una) >= qp->dev->cfg.tx_window)
		return false;
	if (window_full(qp, 0))
		return false;
	if (req->cur != req->fresh)
		return true;
	wqe = roce_sq_at(qp, req->cur);
	if ((wqe->send_flags & ROCE_SEND_FENCE) && req->rd_outstanding)
		return false;
	return !roce_wqe_is_rd(wqe) || req->rd_outstanding < qp->attr.max_rd_atomic;
}

bool roce_requester_can_send(const struct roce_qp *qp)
{
	return (roce_sr_any_lost(qp) && sending(qp)) || can_go_on(qp);
}

/* The entry whose turn it is cannot be sent: it completes with `status` once everything before it is complete. */
static void stop_at(struct roce_qp *qp, struct roce_swqe *wqe, enum roce_wc_status status)
{
	wqe->flags |= ROCE_WQE_ERROR;
	wqe->status = (uint8_t)status;
	qp->req.stopped = true;
	roce_requester_progress(qp);
}

/* First look at an entry: gives it its PSNs. False: it was found bad. */
static bool begin(struct roce_qp *qp, struct roce_swqe *wqe)
{
	struct roce_requester *req = &qp->req;
	uint32_t access = roce_wqe_lands(wqe) ? ROCE_ACCESS_LOCAL_WRITE : 0;

	if (qp->type == ROCE_QPT_UD && wqe->length > qp->mtu) {
		stop_at(qp, wqe, ROCE_WC_LOC_LEN_ERR);
		return false;
	}
	if (!(wqe->send_flags & ROCE_SEND_INLINE) && !roce_sge_ok(qp->pd, wqe->sge, wqe->num_sge, access)) {
		stop_at(qp, wqe, ROCE_WC_LOC_PROT_ERR);
		return false;
	}
	wqe->first_psn = req->next_psn;
	wqe->npsn = roce_wqe_is_rd(wqe) && wqe->opcode != ROCE_WR_RDMA_READ ? 1 : roce_npkts(wqe->length, qp->mtu);
	req->next_psn = roce_psn_add(req->next_psn, wqe->npsn);
	req->fresh++;
	if (roce_wqe_is_rd(wqe))
		req->rd_outstanding++;
	if (dp_unlikely(qp->dev->checking))
		roce_check_begin(qp, wqe);
	return true;
}

/* The entry at cur is done without a packet: it has no PSN, and completes at once if it is the oldest. */
static void executed(struct roce_qp *qp, struct roce_swqe *wqe)
{
	struct roce_requester *req = &qp->req;
	bool at_tail = req->cur == qp->sq.tail;

	wqe->flags |= ROCE_WQE_LOCAL;
	wqe->first_psn = req->next_psn;
	req->cur++;
	req->fresh++;
	if (at_tail) {
		roce_requester_complete(qp, ROCE_WC_SUCCESS);
		roce_requester_progress(qp);
	}
}

/*
 * Entries that are executed here and send nothing: in order, each before anything after it begins (10.8.3.3). They
 * have no PSN, so those executed already are skipped when the requester goes back. False: one was found bad, or goes
 * on in the next turn.
 */
static bool execute_local(struct roce_qp *qp)
{
	struct roce_requester *req = &qp->req;
	uint64_t copied = 0;

	while (req->cur == req->fresh && req->cur != qp->sq.head && can_go_on(qp)) {
		struct roce_swqe *wqe = roce_sq_at(qp, req->cur);

		if (!roce_wqe_is_local(wqe)) {
			enum roce_direct d = qp->link ? roce_direct_try(qp, wqe) : ROCE_DIRECT_NO;

			if (d == ROCE_DIRECT_MORE)
				return false;
			if (d == ROCE_DIRECT_NO)
				return true;
			copied += wqe->length;
			executed(qp, wqe);
			if (copied > ROCE_TURN_BYTES)
				return false;
			continue;
		}
		/* Bad stays bad: it may be met again after the requester went back. */
		if ((wqe->flags & ROCE_WQE_ERROR) || !roce_mw_execute(qp, wqe)) {
			stop_at(qp, wqe, ROCE_WC_MW_BIND_ERR);
			return false;
		}
		executed(qp, wqe);
	}
	return true;
}

static void next_entry(struct roce_qp *qp)
{
	struct roce_requester *req = &qp->req;

	do
		req->cur++;
	while (req->cur != req->fresh && (roce_sq_at(qp, req->cur)->flags & ROCE_WQE_LOCAL));
}

/* Opcode of packet i of n: base operations stand First, Middle, Last, Only (table 38). */
static uint8_t message_opcode(const struct roce_qp *qp, const struct roce_swqe *wqe, uint32_t i, uint32_t n)
{
	static const struct {
		uint8_t first, middle, last, only;
	} ops[] = {
		[ROCE_WR_RDMA_WRITE] = {ROCE_OP_RDMA_WRITE_FIRST, ROCE_OP_RDMA_WRITE_MIDDLE, ROCE_OP_RDMA_WRITE_LAST,
					ROCE_OP_RDMA_WRITE_ONLY},
		[ROCE_WR_RDMA_WRITE_WITH_IMM] = {ROCE_OP_RDMA_WRITE_FIRST, ROCE_OP_RDMA_WRITE_MIDDLE,
						 ROCE_OP_RDMA_WRITE_LAST_WITH_IMMEDIATE,
						 ROCE_OP_RDMA_WRITE_ONLY_WITH_IMMEDIATE},
		[ROCE_WR_SEND] = {ROCE_OP_SEND_FIRST, ROCE_OP_SEND_MIDDLE, ROCE_OP_SEND_LAST, ROCE_OP_SEND_ONLY},
		[ROCE_WR_SEND_WITH_IMM] = {ROCE_OP_SEND_FIRST, ROCE_OP_SEND_MIDDLE, ROCE_OP_SEND_LAST_WITH_IMMEDIATE,
					   ROCE_OP_SEND_ONLY_WITH_IMMEDIATE},
		[ROCE_WR_SEND_WITH_INV] = {ROCE_OP_SEND_FIRST, ROCE_OP_SEND_MIDDLE, ROCE_OP_SEND_LAST_WITH_INVALIDATE,
					   ROCE_OP_SEND_ONLY_WITH_INVALIDATE},
	};
	uint8_t op = n == 1       ? ops[wqe->opcode].only
		     : i == 0     ? ops[wqe->opcode].first
		     : i == n - 1 ? ops[wqe->opcode].last
				  : ops[wqe->opcode].middle;

	return ROCE_OPCODE(qp->service, op);
}

/* An unreliable entry completes as soon as its packet is handed over: its memory is looked at before that. */
static bool readable(const struct roce_pkt *pkt)
{
	for (int i = 0; i < pkt->niov; i++)
		if (!dp_guard_readable(pkt->iov[i].iov_base, pkt->iov[i].iov_len))
			return false;
	return true;
}

/* SEND and RDMA WRITE: packet i of the entry. */
static int build_message(struct roce_qp *qp, struct roce_swqe *wqe, uint32_t i, struct roce_pkt *pkt)
{
	struct roce_requester *req = &qp->req;
	uint32_t offset = i * qp->mtu;
	uint32_t len = DP_MIN(qp->mtu, wqe->length - offset);
	bool last = i == wqe->npsn - 1;

	pkt->opcode = message_opcode(qp, wqe, i, wqe->npsn);
	pkt->imm = wqe->imm;
	pkt->va = wqe->remote_addr;
	pkt->rkey = wqe->rkey;
	pkt->dma_len = wqe->length;
	if (offset && qp->ext && qp->dev->cfg.recovery & ROCE_RECOVERY_OOO &&
	    (wqe->opcode == ROCE_WR_RDMA_WRITE || wqe->opcode == ROCE_WR_RDMA_WRITE_WITH_IMM)) {
		pkt->opcode = ROCE_OPCODE(ROCE_SVC_RC_EXT, roce_opcode_operation(pkt->opcode));
		pkt->va += offset;
		pkt->dma_len -= offset;
	}
	if (qp->type == ROCE_QPT_UD)
		/* A Q_Key with its top bit set means "the QP's own" (10.2.5). */
		pkt->qkey = wqe->remote_qkey & 0x80000000u ? qp->attr.qkey : wqe->remote_qkey;
	if (last && (wqe->send_flags & ROCE_SEND_SOLICITED) && wqe->opcode != ROCE_WR_RDMA_WRITE)
		pkt->bth_flags |= ROCE_BTH_SOLICITED;
	if (qp->reliable) {
		/* Ask at the end of a message, every so often within one, and when the window closes. */
		req->since_ackreq++;
		if (last || req->since_ackreq >= qp->dev->cfg.ack_every ||
		    (uint32_t)roce_psn_diff(req->snd, req->una) + 1 >= qp->dev->cfg.tx_window || window_full(qp, len) ||
		    ack_soon(qp)) {
			pkt->bth_flags |= ROCE_BTH_ACKREQ;
			req->since_ackreq = 0;
			req->ack_asked_ps = qp->dev->now_ps;
		}
	}
	if (wqe->send_flags & ROCE_SEND_INLINE)
		return roce_inline_gather(wqe, offset, len, pkt);
	if (roce_sge_gather(qp->pd, wqe->sge, wqe->num_sge, offset, len, pkt))
		return -EACCES;
	return qp->reliable || readable(pkt) ? 0 : -EACCES;
}

/* READ request for what is missing from PSN `first_psn + i` on. */
static void build_read(struct roce_qp *qp, struct roce_swqe *wqe, uint32_t i, struct roce_pkt *pkt)
{
	uint32_t offset = i * qp->mtu;

	pkt->opcode = ROCE_OPCODE(qp->service, ROCE_OP_RDMA_READ_REQUEST);
	pkt->bth_flags |= ROCE_BTH_ACKREQ;
	pkt->va = wqe->remote_addr + offset;
	pkt->rkey = wqe->rkey;
	pkt->dma_len = wqe->length - offset;
}

static void build_atomic(const struct roce_qp *qp, struct roce_swqe *wqe, struct roce_pkt *pkt)
{
	bool cas = wqe->opcode == ROCE_WR_ATOMIC_CMP_AND_SWP;

	pkt->opcode = ROCE_OPCODE(qp->service, cas ? ROCE_OP_COMPARE_SWAP : ROCE_OP_FETCH_ADD);
	pkt->bth_flags |= ROCE_BTH_ACKREQ;
	pkt->va = wqe->remote_addr;
	pkt->rkey = wqe->rkey;
	pkt->swap_add = cas ? wqe->swap : wqe->compare_add;
	pkt->compare = cas ? wqe->compare_add : 0;
}

/*
 * The packet of entry `wqe` from its PSN number i on; *psns: how many PSNs it takes. -EACCES: its memory is not there
 * any more.
 */
static int build(struct roce_qp *qp, struct roce_swqe *wqe, uint32_t i, struct roce_pkt *pkt, uint32_t *psns)
{
	*psns = 1;
	switch (wqe->opcode) {
	case ROCE_WR_RDMA_READ:
		build_read(qp, wqe, i, pkt);
		*psns = wqe->npsn - i;
		return 0;
	case ROCE_WR_ATOMIC_CMP_AND_SWP:
	case ROCE_WR_ATOMIC_FETCH_AND_ADD:
		build_atomic(qp, wqe, pkt);
		return 0;
	case ROCE_WR_ATOMIC_WRITE:
	case ROCE_WR_FLUSH:
		return roce_placement_build(qp, wqe, pkt);
	default:
		return build_message(qp, wqe, i, pkt);
	}
}

/* Which packet's answer is timed: one at a time, and none that was sent before (Karn). */
static void time_rtt(struct roce_qp *qp, const struct roce_swqe *wqe, const struct roce_pkt *pkt)
{
	struct roce_requester *req = &qp->req;
	bool adaptive = qp->dev->cfg.recovery & ROCE_RECOVERY_ADAPTIVE_TIMEOUT;

	if (req->rtt_timed || !(pkt->bth_flags & ROCE_BTH_ACKREQ) || roce_psn_diff(req->snd, req->max_sent) < 0)
		return;
	/* The round trip of a READ is that of its data, too: no congestion control wants it. */
	if (adaptive || (qp->cc.ops->on_ack && !roce_wqe_is_rd(wqe))) {
		req->rtt_timed = true;
		req->rtt_sent_ps = qp->dev->now_ps;
		req->rtt_psn = req->snd;
	}
}

/* An unreliable entry is complete when its last packet is on its way. */
static void sent_unreliable(struct roce_qp *qp)
{
	qp->req.una = qp->req.snd;
	roce_requester_complete(qp, ROCE_WC_SUCCESS);
	roce_requester_progress(qp);
}

/* One packet of what selective repeat found lost; NULL: there is none that can be sent. */
static struct roce_pkt *resend(struct roce_qp *qp)
{
	struct roce_requester *req = &qp->req;
	uint32_t psn, npsn, psns;
	struct roce_swqe *wqe;
	struct roce_pkt *pkt;

	while ((wqe = roce_sr_next_lost(qp, &psn, &npsn))) {
		uint32_t i = (uint32_t)roce_psn_diff(psn, wqe->first_psn);

		if (wqe->flags & ROCE_WQE_ERROR) { /* it fails when its turn to complete comes */
			roce_sr_forget(qp, psn);
			continue;
		}
		pkt = roce_pkt_get(qp->dev);
		if (!pkt)
			return NULL;
		roce_pkt_address(pkt, &qp->av, qp, qp->attr.dest_qp_num);
		pkt->psn = psn;
		if (build(qp, wqe, i, pkt, &psns)) {
			roce_pkt_put(qp->dev, pkt);
			stop_at(qp, wqe, ROCE_WC_LOC_PROT_ERR);
			return NULL;
		}
		if (npsn < psns) /* of a READ, a piece */
			pkt->dma_len = DP_MIN(pkt->dma_len, npsn * qp->mtu);
		pkt->bth_flags |= ROCE_BTH_ACKREQ; /* what the gap held back is told at once */
		if (req->rtt_timed && (uint32_t)roce_psn_diff(req->rtt_psn, psn) < npsn)
			req->rtt_timed = false; /* which of both would its ACK answer? */
		roce_sr_resent(qp, psn, npsn);
		count_resent(qp);
		if (!dp_timer_armed(&qp->rto))
			roce_requester_arm(qp);
		return pkt;
	}
	return NULL;
}

struct roce_pkt *roce_requester_tx(struct roce_qp *qp)
{
	struct roce_requester *req = &qp->req;
	struct roce_dev *dev = qp->dev;
	struct roce_swqe *wqe;
	struct roce_pkt *pkt;
	uint32_t i, psns;

	if (roce_sr_any_lost(qp) && sending(qp) && roce_pacer_open(qp)) {
		pkt = resend(qp);
		if (pkt)
			return pkt;
	}
	if (!execute_local(qp) || !roce_pacer_open(qp) || !can_go_on(qp))
		return NULL;
	wqe = roce_sq_at(qp, req->cur);
	if (wqe->flags &
	    ROCE_WQE_ERROR) { /* bad stays bad, whatever made us go back; its turn may have come meanwhile */
		stop_at(qp, wqe, (enum roce_wc_status)wqe->status);
		return NULL;
	}
	if (req->cur == req->fresh && !begin(qp, wqe))
		return NULL;
	pkt = roce_pkt_get(dev);
	if (!pkt)
		return NULL;
	i = (uint32_t)roce_psn_diff(req->snd, wqe->first_psn);
	roce_pkt_address(pkt, qp->type == ROCE_QPT_UD ? &wqe->av : &qp->av, qp,
			 qp->type == ROCE_QPT_UD ? wqe->remote_qpn : qp->attr.dest_qp_num);
	pkt->psn = req->snd;
	pkt->xrc_srqn = wqe->remote_qpn; /* on the wire for XRC only */
	if (build(qp, wqe, i, pkt, &psns)) {
		/* A region went away after the first packet. */
		roce_pkt_put(dev, pkt);
		stop_at(qp, wqe, ROCE_WC_LOC_PROT_ERR);
		return NULL;
	}
	if (roce_psn_diff(req->snd, req->max_sent) < 0)
		count_resent(qp);
	else if (i == 0 && (wqe->opcode == ROCE_WR_SEND || wqe->opcode == ROCE_WR_SEND_WITH_IMM ||
			    wqe->opcode == ROCE_WR_SEND_WITH_INV))
		dev->ctr->rdma_sends++;
	time_rtt(qp, wqe, pkt);
	req->inflight += pkt->len;
	req->snd = roce_psn_add(req->snd, psns);
	if (roce_psn_diff(req->snd, req->max_sent) > 0)
		req->max_sent = req->snd;
	if (req->sr)
		roce_sr_sent(qp);
	if (i + psns == wqe->npsn)
		next_entry(qp);
	if (qp->reliable) {
		if (!dp_timer_armed(&qp->rto)) {
			req->patience_ps = dev->now_ps;
			roce_requester_arm(qp);
		}
	} else if (i + psns == wqe->npsn) {
		sent_unreliable(qp);
	}
	return pkt;
}

/* RFC 6298, 2: mean and mean deviation of the round trip. */
void roce_requester_sample_rtt(struct roce_qp *qp, uint64_t rtt_ps)
{
	struct roce_requester *req = &qp->req;
	uint64_t off_ps;

	if (!req->srtt_ps) {
		req->srtt_ps = rtt_ps;
		req->rttvar_ps = rtt_ps / 2;
		return;
	}
	off_ps = rtt_ps > req->srtt_ps ? rtt_ps - req->srtt_ps : req->srtt_ps - rtt_ps;
	req->rttvar_ps = req->rttvar_ps - req->rttvar_ps / 4 + off_ps / 4;
	req->srtt_ps = req->srtt_ps - req->srtt_ps / 8 + rtt_ps / 8;
}

/* The QP's timeout; adaptive, what the round trips say and twice as long after each that ran out, but never longer. */
uint64_t roce_requester_rto_ps(const struct roce_qp *qp)
{
	const struct roce_requester *req = &qp->req;
	uint64_t rto_ps;

	if (!(qp->dev->cfg.recovery & ROCE_RECOVERY_ADAPTIVE_TIMEOUT) || !req->srtt_ps || qp->timeout_ps == DP_NEVER)
		return qp->timeout_ps;
	rto_ps = DP_MAX(dp_add_ps(req->srtt_ps, 4 * req->rttvar_ps), qp->dev->cfg.rto_min_us * DP_US);
	return rto_ps >= qp->timeout_ps >> req->backoff ? qp->timeout_ps : rto_ps << req->backoff;
}

void roce_requester_unreadable(struct roce_qp *qp, uint32_t psn)
{
	if (qp->state != ROCE_QPS_RTS && qp->state != ROCE_QPS_SQD)
		return;
	for (uint32_t i = qp->sq.tail; i != qp->req.fresh; i++) {
		struct roce_swqe *wqe = roce_sq_at(qp, i);

		if (!(wqe->flags & ROCE_WQE_LOCAL) && (uint32_t)roce_psn_diff(psn, wqe->first_psn) < wqe->npsn) {
			stop_at(qp, wqe, ROCE_WC_LOC_PROT_ERR);
			return;
		}
	}
}

/*
 * On a real clock, what is added to T: 4 times the latest that answers came lately, of any queue pair, for they are late
 * when machines are busy. So a peer that has to wait for its CPU is not taken for a lost packet.
 */
static uint64_t patience_ps(struct roce_qp *qp)
{
	struct roce_dev *dev = qp->dev;

	/* A timeout that is measured knows how late answers are. */
	if (!dev->real_clock || dev->cfg.recovery & ROCE_RECOVERY_ADAPTIVE_TIMEOUT)
		return 0;
	if (dp_timer_armed(&qp->rto)) /* it ran since armed_ps, and here is an answer */
		dev->answer_ps = DP_MAX(dev->now_ps - qp->req.armed_ps, dev->answer_ps - dev->answer_ps / 64);
	return DP_MIN(4 * dev->answer_ps, 3 * qp->timeout_ps);
}

void roce_requester_arm(struct roce_qp *qp)
{
	bool outstanding = roce_psn_diff(qp->req.max_sent, qp->req.una) > 0;
	uint64_t now_ps = qp->dev->now_ps, patience = patience_ps(qp);

	qp->req.armed_ps = now_ps;
	if (outstanding && !qp->req.rnr_wait && qp->timeout_ps != DP_NEVER)
		dp_wheel_arm(&qp->dev->pool->wheel, &qp->rto,
			     dp_add_ps(dp_add_ps(now_ps, patience), roce_requester_rto_ps(qp)));
	else
		dp_wheel_disarm(&qp->dev->pool->wheel, &qp->rto);
}

bool roce_requester_is_back(const struct roce_qp *qp)
{
	return qp->req.sr ? roce_sr_any_lost(qp) : qp->req.snd == qp->req.una;
}

void roce_requester_go_back(struct roce_qp *qp)
{
	if (qp->req.sr) {
		roce_sr_lose_all(qp);
		roce_requester_arm(qp);
		roce_qp_kick(qp);
		return;
	}
	qp->req.cur = qp->sq.tail;
	qp->req.snd = qp->req.una;
	qp->req.since_ackreq = 0;
	qp->req.inflight = 0;
	qp->req.rtt_timed = false; /* which of both would its ACK answer? */
	/* An entry found bad stays so, but what precedes it may have to be sent again. */
	qp->req.stopped = qp->req.cur != qp->sq.head && (roce_sq_at(qp, qp->req.cur)->flags & ROCE_WQE_ERROR);
	roce_requester_arm(qp);
	roce_qp_kick(qp);
}

bool roce_requester_retry(struct roce_qp *qp)
{
	if (qp->dev->cfg.recovery & ROCE_RECOVERY_RETRY_FOREVER)
		qp->req.retry_left = 1;
	if (!qp->req.retry_left) {
		qp->dev->ctr->retry_exceeded_err++;
		roce_requester_fail(qp, ROCE_WC_RETRY_EXC_ERR);
		return false;
	}
	qp->req.retry_left--;
	roce_requester_go_back(qp);
	return true;
}

/*
 * A timer that runs out speaks of a loss only if the packet was out, and an answer could come, for all that time. Since
 * when both were so; 0: from the start.
 */
static uint64_t could_be_answered_since(const struct roce_qp *qp)
{
	const struct roce_dev *dev = qp->dev;
	uint64_t max_ps = 4 * qp->timeout_ps; /* the most that a timeout may take (9.7.6.1.3) */
	uint64_t late_ps = dev->now_ps - qp->rto.deadline_ps, since_ps;

	/* What is to be sent again has not been sent yet while the pacer holds it. */
	if (roce_requester_is_back(qp) && !roce_pacer_open(qp))
		return qp->pace.next_ps;
	if (dev->paused & 1 << qp->prio || roce_qp_held(qp))
		return dev->now_ps;
	since_ps = dev->resumed_ps[qp->prio];
	/* Under load a receiver is full again and again; that must not hide a loss for ever. */
	if (dev->more->freed_ps[qp->lane] > since_ps)
		since_ps = DP_MIN(dev->more->freed_ps[qp->lane], dp_add_ps(qp->req.armed_ps, max_ps - qp->timeout_ps));
	/* Nobody ran us: our own receive buffer was full till now, and answers wait outside. They get a quarter of T. */
	if (dev->real_clock && late_ps > DP_MAX(qp->timeout_ps / 8, LATE_PS) &&
	    qp->rto.deadline_ps - qp->req.armed_ps <= max_ps)
		since_ps = DP_MAX(since_ps, dev->now_ps - qp->timeout_ps / 4 * 3);
	return since_ps;
}

void roce_requester_timeout(struct roce_qp *qp)
{
	uint64_t begin_ps;

	if (roce_psn_diff(qp->req.max_sent, qp->req.una) <= 0)
		return;
	/* A pause is not a loss. The timer begins anew when it ends. */
	begin_ps = could_be_answered_since(qp);
	if (begin_ps && dp_add_ps(begin_ps, roce_requester_rto_ps(qp)) > qp->dev->now_ps) {
		dp_wheel_arm(&qp->dev->pool->wheel, &qp->rto, dp_add_ps(begin_ps, roce_requester_rto_ps(qp)));
		return;
	}
	roce_count(qp, timeouts);
	roce_congestion_timeout(qp);
	/* A timeout shorter than the QP's must not make its peer dead any sooner. */
	if (roce_requester_rto_ps(qp) < qp->timeout_ps &&
	    qp->dev->now_ps < dp_add_ps(qp->req.patience_ps, qp->timeout_ps)) {
		roce_count(qp, roce_adp_retrans);
		qp->req.backoff++;
		roce_requester_go_back(qp);
		return;
	}
	if (qp->req.backoff)
		roce_count(qp, roce_adp_retrans_to);
	qp->req.patience_ps = qp->dev->now_ps;
	roce_requester_retry(qp);
}

void roce_requester_send_time(struct roce_qp *qp)
{
	if (qp->req.rnr_wait && qp->dev->now_ps < qp->req.rnr_until_ps) {
		roce_qp_wake_at(qp, qp->req.rnr_until_ps); /* it was the pacer's time, for a response */
	} else if (qp->req.rnr_wait) {
		qp->req.rnr_wait = false;
		qp->req.patience_ps = qp->dev->now_ps;
		roce_requester_arm(qp);
	}
	roce_qp_kick(qp);
}

static const uint8_t wc_opcode[] = {
	[ROCE_WR_RDMA_WRITE] = ROCE_WC_RDMA_WRITE,
	[ROCE_WR_RDMA_WRITE_WITH_IMM] = ROCE_WC_RDMA_WRITE,
	[ROCE_WR_SEND] = ROCE_WC_SEND,
	[ROCE_WR_SEND_WITH_IMM] = ROCE_WC_SEND,
	[ROCE_WR_RDMA_READ] = ROCE_WC_RDMA_READ,
	[ROCE_WR_ATOMIC_CMP_AND_SWP] = ROCE_WC_COMP_SWAP,
	[ROCE_WR_ATOMIC_FETCH_AND_ADD] = ROCE_WC_FETCH_ADD,
	[ROCE_WR_LOCAL_INV] = ROCE_WC_LOCAL_INV,
	[ROCE_WR_BIND_MW] = ROCE_WC_BIND_MW,
	[ROCE_WR_SEND_WITH_INV] = ROCE_WC_SEND,
	[ROCE_WR_FLUSH] = ROCE_WC_FLUSH,
	[ROCE_WR_ATOMIC_WRITE] = ROCE_WC_ATOMIC_WRITE,
};

static void complete_one(struct roce_qp *qp, enum roce_wc_status status)
{
	struct roce_swqe *wqe = roce_sq_at(qp, qp->sq.tail);
	struct roce_wc wc = {.wr_id = wqe->wr_id,
			     .status = status,
			     .opcode = wc_opcode[wqe->opcode],
			     .byte_len = wqe->length,
			     .qp_num = qp->qpn,
			     .timestamp_ps = qp->dev->now_ps};
	/* Signalled or not, a failure is always reported (10.7.3.1). */
	bool reported = status != ROCE_WC_SUCCESS || qp->sig_all || (wqe->send_flags & ROCE_SEND_SIGNALED);

	/* Entries before `fresh` have PSNs; a READ or atomic among them no longer counts as outstanding. */
	if (roce_wqe_is_rd(wqe) && qp->sq.tail != qp->req.fresh && qp->req.rd_outstanding)
		qp->req.rd_outstanding--;
	if (qp->req.cur == qp->sq.tail)
		qp->req.cur++;
	if (qp->req.fresh == qp->sq.tail)
		qp->req.fresh++;
	if (wqe->flags & ROCE_WQE_ERROR) /* it could not be sent again, but an answer to the first time came */
		qp->req.stopped = false;
	if (dp_unlikely(qp->dev->checking) && status == ROCE_WC_SUCCESS)
		roce_check_completed(qp, wqe);
	roce_ring_pop(&qp->sq);
	if (status != ROCE_WC_SUCCESS)
		roce_count_send_error(qp, status);
	if (reported)
		roce_cq_push(qp->send_cq, &wc, status != ROCE_WC_SUCCESS);
}

void roce_requester_complete(struct roce_qp *qp, enum roce_wc_status status)
{
	complete_one(qp, status);
	/* What was executed here waited only for its turn to complete. */
	while (status == ROCE_WC_SUCCESS && qp->sq.tail != qp->req.fresh &&
	       (roce_sq_at(qp, qp->sq.tail)->flags & ROCE_WQE_LOCAL))
		complete_one(qp, ROCE_WC_SUCCESS);
}

void roce_requester_fail(struct roce_qp *qp, enum roce_wc_status status)
{
	if (qp->reliable)
		roce_qp_shut(qp, true, true); /* nobody reads any more what the completion gives back */
	roce_requester_complete(qp, status);
	if (qp->reliable) {
		roce_qp_set_error(qp);
		return;
	}
	/* UC and UD: the send queue stops, receiving goes on (10.3.1.6). */
	if (qp->state == ROCE_QPS_RTS || qp->state == ROCE_QPS_SQD) {
		roce_qp_set_state(qp, ROCE_QPS_SQE);
		qp->req.stopped = false;
		dp_wheel_disarm(&qp->dev->pool->wheel, &qp->send_timer);
		roce_sq_flush(qp);
	}
}

void roce_requester_progress(struct roce_qp *qp)
{
	struct roce_requester *req = &qp->req;
	struct roce_swqe *wqe;

	if (qp->state != ROCE_QPS_RTS && qp->state != ROCE_QPS_SQD)
		return;
	if (qp->sq.tail != qp->sq.head) {
		wqe = roce_sq_at(qp, qp->sq.tail);
		if (wqe->flags & ROCE_WQE_ERROR) {
			roce_requester_fail(qp, (enum roce_wc_status)wqe->status);
			return;
		}
	}
	if (qp->state == ROCE_QPS_SQD && qp->sq.tail == req->fresh && req->drain_event_due) {
		req->drain_event_due = false;
		if (qp->attr.en_sqd_async_notify)
			roce_event_push(qp->dev, ROCE_EVENT_SQ_DRAINED, qp->qpn, qp->user);
	}
}
