/*
 * The extension that both ends enable (ROCE_RECOVERY_SELECTIVE_REPEAT), and its responder: requests that come after a gap
 * are held and executed when it is filled, so memory and completions show what they show without loss.
 *
 *   who has it says so by a reserved bit of its BTHs (ROCE_BTH_EXT), which IBTA lets others ignore (9.2); the first
 *   packet that comes with it switches the QP over. Until then, and towards others, the QP is plain IBTA.
 *
 *   ACKs name what is held (opcode ROCE_OPCODE_EXT_ACK, header SACK in wire.c); no sequence error NAKs are sent.
 *
 * With ROCE_RECOVERY_OOO, every packet of an RDMA WRITE says where its bytes go, and they are placed when they come; only
 * what the program sees by completions waits for its turn.
 */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"

#define REPAIRS 16

struct held {
	struct roce_pkt pkt;
	uint8_t payload[];
};

struct roce_hold {
	uint32_t mask, count;
	struct roce_rd_res repairs[REPAIRS];
	struct held *held[];
};

void roce_hold_free(struct roce_qp *qp)
{
	struct roce_hold *hold = qp->resp.hold;

	if (!hold)
		return;
	for (uint32_t i = 0; i <= hold->mask; i++)
		free(hold->held[i]);
	free(hold);
	qp->resp.hold = NULL;
}

static struct roce_hold *get(struct roce_qp *qp)
{
	uint32_t mask = roce_ring_mask(qp->dev->cfg.rx_window);
	struct roce_hold *hold = qp->resp.hold;

	if (hold)
		return hold;
	hold = calloc(1, sizeof(*hold) + ((size_t)mask + 1) * sizeof(hold->held[0]));
	if (hold)
		hold->mask = mask;
	qp->resp.hold = hold;
	return hold;
}

void roce_ext_learn(struct roce_qp *qp)
{
	if (qp->type != ROCE_QPT_RC || !(qp->dev->cfg.recovery & ROCE_RECOVERY_SELECTIVE_REPEAT))
		return;
	qp->ext = true;
	if (!qp->req.sr && (qp->state == ROCE_QPS_RTS || qp->state == ROCE_QPS_SQD))
		roce_sr_start(qp);
}

static struct held *copy_of(const struct roce_pkt *pkt, bool placed)
{
	bool bytes = pkt->niov && !placed;
	struct held *h = malloc(sizeof(*h) + (bytes ? pkt->len : 0));
	uint8_t *to;

	if (!h)
		return NULL;
	h->pkt = *pkt;
	h->pkt.bounce = NULL;
	if (placed)
		h->pkt.bth_flags |= ROCE_BTH_PLACED;
	if (!bytes)
		return h;
	to = h->payload;
	for (int i = 0; i < pkt->niov; i++) {
		memcpy(to, pkt->iov[i].iov_base, pkt->iov[i].iov_len);
		to += pkt->iov[i].iov_len;
	}
	h->pkt.iov[0] = (struct iovec){h->payload, pkt->len};
	h->pkt.niov = 1;
	return h;
}

int roce_hold_put(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	struct roce_responder *resp = &qp->resp;
	struct roce_hold *hold = get(qp);
	struct held **slot;

	roce_count(qp, out_of_seq_request);
	if (!hold)
		return roce_drop(qp->dev, ROCE_DROP_OUT_OF_SEQUENCE);
	if (resp->owed != ROCE_OWED_NAK)
		resp->owed = ROCE_OWED_ACK;
	if ((uint32_t)roce_psn_diff(pkt->psn, resp->epsn) > hold->mask)
		return roce_drop(qp->dev, ROCE_DROP_OUT_OF_SEQUENCE);
	resp->sack_psn = pkt->psn;
	slot = &hold->held[pkt->psn & hold->mask];
	if (*slot && (*slot)->pkt.psn == pkt->psn) {
		roce_count(qp, duplicate_request);
		return ROCE_DROP_NONE;
	}
	if (*slot) /* left over from a peer whose PSNs make no sense */
		roce_hold_drop(qp, (*slot)->pkt.psn);
	*slot = copy_of(pkt, roce_place_early(qp, pkt, info));
	if (!*slot)
		return roce_drop(qp->dev, ROCE_DROP_OUT_OF_SEQUENCE);
	hold->count++;
	return ROCE_DROP_NONE;
}

const struct roce_pkt *roce_hold_next(const struct roce_qp *qp)
{
	const struct roce_hold *hold = qp->resp.hold;
	const struct held *h = hold && hold->count ? hold->held[qp->resp.epsn & hold->mask] : NULL;

	return h && h->pkt.psn == qp->resp.epsn ? &h->pkt : NULL;
}

void roce_hold_drop(struct roce_qp *qp, uint32_t psn)
{
	struct roce_hold *hold = qp->resp.hold;
	struct held **slot = hold ? &hold->held[psn & hold->mask] : NULL;

	if (!slot || !*slot || (*slot)->pkt.psn != psn)
		return;
	free(*slot);
	*slot = NULL;
	hold->count--;
}

bool roce_sack_due(const struct roce_qp *qp)
{
	return qp->ext && ((qp->resp.hold && qp->resp.hold->count) || qp->resp.ce_bytes != qp->resp.ce_told);
}

void roce_sack_fill(struct roce_qp *qp, struct roce_pkt *pkt)
{
	struct roce_responder *resp = &qp->resp;
	const struct roce_hold *hold = resp->hold;

	pkt->opcode = ROCE_OPCODE_EXT_ACK;
	pkt->ce_bytes = resp->ce_told = resp->ce_bytes;
	pkt->sack_psn = resp->epsn;
	if (!hold || !hold->count)
		return;
	/* The last that came and all that fit before it. */
	if (roce_psn_diff(resp->sack_psn, resp->epsn) >= ROCE_SACK_BITS)
		pkt->sack_psn = roce_psn_add(resp->sack_psn, ROCE_PSN_MASK + 2 - ROCE_SACK_BITS);
	for (uint32_t i = 0; i < ROCE_SACK_BITS; i++) {
		uint32_t psn = roce_psn_add(pkt->sack_psn, i);
		const struct held *h = hold->held[psn & hold->mask];

		if (h && h->pkt.psn == psn)
			pkt->sack[i / 64] |= 1ull << i % 64;
	}
}

struct roce_rd_res *roce_repair_new(struct roce_qp *qp)
{
	struct roce_hold *hold = get(qp);

	for (int i = 0; hold && i < REPAIRS; i++)
		if (!hold->repairs[i].active)
			return &hold->repairs[i];
	return NULL;
}

/* The oldest: they are few, and answered one after the other. */
struct roce_rd_res *roce_repair_next(const struct roce_qp *qp)
{
	struct roce_hold *hold = qp->resp.hold;
	struct roce_rd_res *found = NULL;

	for (int i = 0; hold && i < REPAIRS; i++) {
		struct roce_rd_res *r = &hold->repairs[i];

		if (r->active && (!found || roce_psn_diff(r->job_next, found->job_next) < 0))
			found = r;
	}
	return found;
}
