/*
 * What the responder owes: READ and atomic responses in PSN order, and after them one ACK or NAK. Acknowledges
 * coalesce by waiting here: the one that is sent names the last PSN executed when it leaves.
 */
#include "rdma_verbs/csrc/engine.h"

bool roce_response_due(const struct roce_qp *qp)
{
	bool state_ok = (qp->state >= ROCE_QPS_RTR && qp->state <= ROCE_QPS_SQE) || qp->resp.draining;

	return state_ok && (qp->resp.jobs || qp->resp.owed != ROCE_OWED_NOTHING);
}

void roce_response_nak(struct roce_qp *qp, uint8_t syndrome, uint32_t psn)
{
	qp->resp.owed = ROCE_OWED_NAK;
	qp->resp.owed_syndrome = syndrome;
	qp->resp.owed_psn = psn;
}

struct roce_rd_res *roce_response_find(struct roce_qp *qp, uint32_t psn)
{
	for (uint32_t i = 0; i < qp->resp.res_size; i++) {
		struct roce_rd_res *res = &qp->resp.res[i];

		if (res->valid && roce_psn_diff(psn, res->first_psn) >= 0 &&
		    roce_psn_diff(psn, roce_psn_add(res->first_psn, res->npsn)) < 0)
			return res;
	}
	return NULL;
}

static void stop(struct roce_qp *qp, struct roce_rd_res *res)
{
	if (res->active)
		qp->resp.jobs--;
	res->active = false;
}

struct roce_rd_res *roce_response_new(struct roce_qp *qp)
{
	struct roce_responder *resp = &qp->resp;
	struct roce_rd_res *res;

	if (!resp->res_size)
		return NULL;
	res = &resp->res[resp->res_head];
	/* A first answer still due: the peer has more outstanding than it was told. Replays it no longer needs. */
	if (res->active && !res->replay)
		return NULL;
	stop(qp, res);
	resp->res_head = (resp->res_head + 1) % resp->res_size;
	memset(res, 0, sizeof(*res));
	res->valid = true;
	return res;
}

void roce_response_start(struct roce_qp *qp, struct roce_rd_res *res, uint32_t psn, uint64_t va, uint32_t len)
{
	if (!res->active)
		qp->resp.jobs++;
	res->active = true;
	res->job_first = res->job_next = psn;
	res->job_end = roce_psn_add(psn, res->atomic ? 1 : roce_npkts(len, qp->mtu));
	res->job_va = va;
	res->job_len = len;
}

static void aeth(struct roce_pkt *pkt, uint8_t syndrome, uint32_t msn)
{
	pkt->syndrome = syndrome;
	pkt->msn = msn & ROCE_PSN_MASK;
}

/* Packet of the READ at its job_next; the empty one that answers an ATOMIC WRITE or a FLUSH (A19), too. False: the region is gone or no longer readable. */
static bool build_read(struct roce_qp *qp, struct roce_rd_res *res, struct roce_pkt *pkt)
{
	uint32_t offset = (uint32_t)roce_psn_diff(res->job_next, res->job_first) * qp->mtu;
	uint32_t len = DP_MIN(qp->mtu, res->job_len - offset);
	bool first = res->job_next == res->job_first, last = roce_psn_add(res->job_next, 1) == res->job_end;
	uint8_t op = first && last ? ROCE_OP_RDMA_READ_RESPONSE_ONLY
		     : first       ? ROCE_OP_RDMA_READ_RESPONSE_FIRST
		     : last        ? ROCE_OP_RDMA_READ_RESPONSE_LAST
				   : ROCE_OP_RDMA_READ_RESPONSE_MIDDLE;

	if (len && qp->xrcd && !roce_xrc_use_pd(qp, res->srqn))
		return false;
	if (len) {
		struct roce_mr *mr = roce_rkey_check(qp, res->rkey, res->job_va + offset, len, ROCE_ACCESS_REMOTE_READ);

		if (!mr)
			return false;
		pkt->va = res->job_va + offset; /* not on the wire: with a link, where the payload is pulled from */
		pkt->rkey = res->rkey;
		if (mr->addr) {
			pkt->iov[0] = (struct iovec){roce_mr_at(mr, res->job_va + offset), len};
			pkt->niov = 1;
		}
	}
	pkt->opcode = ROCE_OPCODE(qp->service, op);
	pkt->len = len; /* not before: where the region is gone, this packet becomes a NAK */
	aeth(pkt, ROCE_AETH_ACK | ROCE_AETH_CREDIT_INVALID, res->msn);
	return true;
}

void roce_response_unreadable(struct roce_qp *qp, uint32_t psn)
{
	for (uint32_t i = 0; i < qp->resp.res_size; i++)
		stop(qp, &qp->resp.res[i]);
	if (qp->state >= ROCE_QPS_RTR && qp->state <= ROCE_QPS_SQE) {
		roce_responder_fatal(qp, ROCE_NAK_REMOTE_ACCESS_ERROR, psn);
	} else if (qp->state == ROCE_QPS_ERR &&
		   (qp->resp.owed != ROCE_OWED_NAK || roce_psn_diff(psn, qp->resp.owed_psn) < 0)) {
		/* By a request after this one: the peer hears of the first packet that it does not get. */
		qp->resp.draining = true;
		roce_response_nak(qp, ROCE_AETH_NAK | ROCE_NAK_REMOTE_ACCESS_ERROR, psn);
		roce_qp_kick(qp);
	}
}

/* One packet of the oldest response that is due; NULL: none is, or a READ turned out impossible. */
static bool build_response(struct roce_qp *qp, struct roce_pkt *pkt)
{
	struct roce_responder *resp = &qp->resp;
	struct roce_rd_res *repair = roce_repair_next(qp), *res = repair;

	for (uint32_t i = 0; !repair && i < resp->res_size; i++) { /* from the oldest: the ring is in PSN order */
		res = &resp->res[(resp->res_head + i) % resp->res_size];
		if (res->active)
			break;
	}
	pkt->psn = res->job_next;
	if (res->atomic) {
		pkt->opcode = ROCE_OPCODE(qp->service, ROCE_OP_ATOMIC_ACKNOWLEDGE);
		pkt->swap_add = res->value;
		aeth(pkt, ROCE_AETH_ACK | ROCE_AETH_CREDIT_INVALID, res->msn);
	} else if (!build_read(qp, res, pkt)) {
		if (repair) { /* the peer may have it by now, and the region gone since: no error of this QP's */
			uint32_t psn = repair->job_next;

			stop(qp, repair);
			roce_response_nak(qp, ROCE_AETH_NAK | ROCE_NAK_REMOTE_ACCESS_ERROR, psn);
			return false;
		}
		roce_response_unreadable(qp, res->job_next);
		return false;
	}
	res->job_next = roce_psn_add(res->job_next, 1);
	if (res->job_next == res->job_end)
		stop(qp, res);
	return true;
}

static void build_ack(struct roce_qp *qp, struct roce_pkt *pkt)
{
	struct roce_responder *resp = &qp->resp;
	bool nak = resp->owed == ROCE_OWED_NAK;

	pkt->opcode = ROCE_OPCODE(qp->service, ROCE_OP_ACKNOWLEDGE);
	if (!nak && roce_sack_due(qp))
		roce_sack_fill(qp, pkt);
	pkt->psn = nak ? resp->owed_psn : roce_psn_add(resp->epsn, ROCE_PSN_MASK);
	aeth(pkt, nak ? resp->owed_syndrome : (uint8_t)(ROCE_AETH_ACK | ROCE_AETH_CREDIT_INVALID), resp->msn);
	resp->owed = ROCE_OWED_NOTHING;
	if (nak)
		qp->dev->ctr->sent_naks++;
	else
		qp->dev->ctr->sent_acks++;
}

struct roce_pkt *roce_response_tx(struct roce_qp *qp)
{
	struct roce_pkt *pkt;

	if (!roce_response_due(qp))
		return NULL;
	pkt = roce_pkt_get(qp->dev);
	if (!pkt)
		return NULL;
	roce_pkt_address(pkt, &qp->av, qp, qp->attr.dest_qp_num);
	if (!qp->resp.jobs || !build_response(qp, pkt))
		build_ack(qp, pkt);
	if (!qp->resp.jobs && qp->resp.owed == ROCE_OWED_NOTHING)
		qp->resp.draining = false;
	return pkt;
}
