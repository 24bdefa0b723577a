/*
 * Selective repeat, the requester's side: which of the PSNs from una on are answered, on their way or lost.
 *
 * A slot for each PSN from una up to `end`. Slots that wait for an answer stand in `sent`, in the order in which they
 * were sent last; those to be sent again stand in `lost`. What was sent before something that has been answered, and
 * more than reorder_pkts before it, is lost: the network keeps order, or does so nearly (RFC 8985 does the same by
 * times). So a packet that is lost again when it is sent again is found without a timeout, too.
 *
 *   SEND, RDMA WRITE: one PSN, one packet. Answered by any ACK past it, or by its bit in a selective one.
 *   READ, atomics:    answered by responses, a PSN each. While the request is held at the peer, behind a gap, they cannot
 *                     come, so none is missing (HELD). A READ is asked again only for what is missing.
 */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"

enum slot_flag { ACKED = 1 << 0, SENT = 1 << 1, LOST = 1 << 2, HELD = 1 << 3, RD = 1 << 4 };

struct slot {
	uint32_t serial; /* counts transmissions */
	uint32_t prev, next;
	uint8_t flags;
};

struct list {
	uint32_t head, tail;
};

struct roce_sr {
	uint32_t mask;
	uint32_t cum; /* the peer executed everything below */
	uint32_t end;
	uint32_t wqe;            /* send queue index of the entry of PSN `end`, or one before it */
	uint32_t serial, newest; /* the last given, the last of what was answered */
	uint32_t ce_bytes;
	struct list sent, lost;
	struct slot slots[];
};

#define NONE UINT32_MAX

static struct slot *at(struct roce_sr *sr, uint32_t psn)
{
	return &sr->slots[psn & sr->mask];
}

static void unlink_from(struct roce_sr *sr, struct list *l, struct slot *s)
{
	*(s->prev == NONE ? &l->head : &sr->slots[s->prev].next) = s->next;
	*(s->next == NONE ? &l->tail : &sr->slots[s->next].prev) = s->prev;
}

static void append(struct roce_sr *sr, struct list *l, struct slot *s)
{
	uint32_t i = (uint32_t)(s - sr->slots);

	s->prev = l->tail;
	s->next = NONE;
	*(l->tail == NONE ? &l->head : &sr->slots[l->tail].next) = i;
	l->tail = i;
}

static void detach(struct roce_sr *sr, struct slot *s)
{
	if (s->flags & SENT)
		unlink_from(sr, &sr->sent, s);
	if (s->flags & LOST)
		unlink_from(sr, &sr->lost, s);
	s->flags &= (uint8_t)~(SENT | LOST | HELD);
}

static void send_slot(struct roce_sr *sr, struct slot *s)
{
	detach(sr, s);
	s->serial = ++sr->serial;
	s->flags |= SENT;
	append(sr, &sr->sent, s);
}

static void lose_slot(struct roce_sr *sr, struct slot *s)
{
	detach(sr, s);
	s->flags |= LOST;
	append(sr, &sr->lost, s);
}

static void answer_slot(struct roce_sr *sr, struct slot *s)
{
	if (s->flags & ACKED)
		return;
	detach(sr, s);
	s->flags |= ACKED;
	if ((int32_t)(s->serial - sr->newest) > 0)
		sr->newest = s->serial;
}

struct roce_swqe *roce_sq_find_psn(const struct roce_qp *qp, uint32_t psn)
{
	for (uint32_t i = qp->sq.tail; i != qp->req.fresh; i++) {
		struct roce_swqe *wqe = roce_sq_at(qp, i);

		if (!(wqe->flags & ROCE_WQE_LOCAL) && roce_psn_diff(psn, roce_psn_add(wqe->first_psn, wqe->npsn)) < 0)
			return wqe;
	}
	return NULL;
}

static bool is_rd_at_end(struct roce_qp *qp)
{
	struct roce_sr *sr = qp->req.sr;

	if ((int32_t)(qp->sq.tail - sr->wqe) > 0)
		sr->wqe = qp->sq.tail;
	for (;; sr->wqe++) {
		const struct roce_swqe *wqe = roce_sq_at(qp, sr->wqe);

		if (!(wqe->flags & ROCE_WQE_LOCAL) &&
		    roce_psn_diff(sr->end, roce_psn_add(wqe->first_psn, wqe->npsn)) < 0)
			return roce_wqe_is_rd(wqe);
	}
}

void roce_sr_sent(struct roce_qp *qp)
{
	struct roce_sr *sr = qp->req.sr;

	/* Only a long READ goes beyond the last slot: the rest of its responses get theirs as una moves on. */
	while (roce_psn_diff(sr->end, qp->req.max_sent) < 0 &&
	       (uint32_t)roce_psn_diff(sr->end, qp->req.una) <= sr->mask) {
		struct slot *s = at(sr, sr->end);

		s->flags = is_rd_at_end(qp) ? RD : 0;
		send_slot(sr, s);
		sr->end = roce_psn_add(sr->end, 1);
	}
}

void roce_sr_start(struct roce_qp *qp)
{
	struct roce_requester *req = &qp->req;
	uint32_t mask = roce_ring_mask(qp->dev->cfg.tx_window);
	struct roce_sr *sr = calloc(1, sizeof(*sr) + ((size_t)mask + 1) * sizeof(struct slot));

	if (!sr) /* go-back-N will do */
		return;
	sr->mask = mask;
	sr->sent = sr->lost = (struct list){NONE, NONE};
	sr->cum = sr->end = req->una;
	sr->wqe = qp->sq.tail;
	req->sr = sr;
	roce_sr_sent(qp);
	/* What go-back-N was about to send again. */
	for (uint32_t psn = req->snd; roce_psn_diff(psn, sr->end) < 0; psn = roce_psn_add(psn, 1))
		lose_slot(sr, at(sr, psn));
	req->snd = req->max_sent;
	for (req->cur = qp->sq.tail; req->cur != req->fresh; req->cur++) {
		const struct roce_swqe *wqe = roce_sq_at(qp, req->cur);

		if (!(wqe->flags & ROCE_WQE_LOCAL) &&
		    roce_psn_diff(req->snd, roce_psn_add(wqe->first_psn, wqe->npsn)) < 0)
			break;
	}
}

/* What was sent long enough before the newest that is answered is lost. */
static void detect(struct roce_qp *qp)
{
	struct roce_sr *sr = qp->req.sr;

	while (sr->sent.head != NONE) {
		struct slot *s = &sr->slots[sr->sent.head];

		if ((int32_t)(sr->newest - s->serial) <= (int32_t)qp->dev->cfg.reorder_pkts)
			break;
		lose_slot(sr, s);
	}
}

/* The peer executed every request below `psn`. */
static void executed(struct roce_qp *qp, uint32_t psn)
{
	struct roce_sr *sr = qp->req.sr;

	for (; roce_psn_diff(sr->cum, psn) < 0; sr->cum = roce_psn_add(sr->cum, 1)) {
		struct slot *s = at(sr, sr->cum);

		if (roce_psn_diff(sr->cum, sr->end) >= 0)
			continue;
		if (!(s->flags & RD))
			answer_slot(sr, s);
		else if (s->flags & HELD) /* from now on its responses are on their way */
			send_slot(sr, s);
	}
}

/* The peer holds the request at `psn`: a READ or atomic is then answered when the gap before it is filled. */
static void held(struct roce_qp *qp, uint32_t psn)
{
	struct roce_sr *sr = qp->req.sr;
	struct slot *s = at(sr, psn);
	const struct roce_swqe *wqe;
	uint32_t end;

	if (!(s->flags & RD)) {
		answer_slot(sr, s);
		return;
	}
	wqe = s->flags & (ACKED | HELD) ? NULL : roce_sq_find_psn(qp, psn);
	if (!wqe || wqe->first_psn != psn)
		return;
	if ((int32_t)(s->serial - sr->newest) > 0)
		sr->newest = s->serial;
	end = roce_psn_add(psn, wqe->npsn);
	for (; roce_psn_diff(psn, end) < 0 && roce_psn_diff(psn, sr->end) < 0; psn = roce_psn_add(psn, 1)) {
		s = at(sr, psn);
		if (s->flags & ACKED)
			continue;
		detach(sr, s);
		s->flags |= HELD;
	}
}

/* The peer has begun to answer the READ of PSN `psn`: the rest of it is on its way, too. */
static void released(struct roce_qp *qp, uint32_t psn)
{
	const struct roce_swqe *wqe = roce_sq_find_psn(qp, psn);
	uint32_t end = roce_psn_add(wqe->first_psn, wqe->npsn);
	struct roce_sr *sr = qp->req.sr;

	psn = roce_psn_diff(wqe->first_psn, qp->req.una) < 0 ? qp->req.una : wqe->first_psn;
	for (; roce_psn_diff(psn, end) < 0 && roce_psn_diff(psn, sr->end) < 0; psn = roce_psn_add(psn, 1))
		if (at(sr, psn)->flags & HELD)
			send_slot(sr, at(sr, psn));
}

uint32_t roce_sr_acked(struct roce_qp *qp, uint32_t psn)
{
	executed(qp, psn);
	detect(qp);
	return qp->req.sr->cum;
}

void roce_sr_sacked(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_sr *sr = qp->req.sr;

	for (uint32_t i = 0; i < ROCE_SACK_BITS; i++) {
		uint32_t psn = roce_psn_add(pkt->sack_psn, i);

		if ((pkt->sack[i / 64] >> i % 64 & 1) && roce_psn_diff(psn, sr->cum) >= 0 &&
		    roce_psn_diff(psn, sr->end) < 0 && roce_psn_diff(psn, qp->req.una) >= 0)
			held(qp, psn);
	}
	detect(qp);
}

bool roce_sr_awaits(const struct roce_qp *qp, uint32_t psn)
{
	struct roce_sr *sr = qp->req.sr;

	return roce_psn_diff(psn, sr->end) < 0 && (at(sr, psn)->flags & (ACKED | RD)) == RD;
}

void roce_sr_answer(struct roce_qp *qp, uint32_t psn)
{
	struct roce_sr *sr = qp->req.sr;

	if (at(sr, psn)->flags & HELD)
		released(qp, psn);
	answer_slot(sr, at(sr, psn));
	executed(qp, roce_psn_add(psn, 1));
	detect(qp);
}

uint32_t roce_sr_answered_below(const struct roce_qp *qp, uint32_t end)
{
	struct roce_sr *sr = qp->req.sr;
	uint32_t psn = qp->req.una;

	while (roce_psn_diff(psn, end) < 0 && roce_psn_diff(psn, sr->end) < 0 && (at(sr, psn)->flags & ACKED))
		psn = roce_psn_add(psn, 1);
	return psn;
}

void roce_sr_passed(struct roce_qp *qp, uint32_t from, uint32_t to)
{
	struct roce_sr *sr = qp->req.sr;

	for (; roce_psn_diff(from, to) < 0; from = roce_psn_add(from, 1))
		detach(sr, at(sr, from));
	if (roce_psn_diff(sr->cum, to) < 0)
		sr->cum = to;
	if (roce_psn_diff(sr->end, to) < 0)
		sr->end = to;
}

bool roce_sr_any_lost(const struct roce_qp *qp)
{
	return qp->req.sr && qp->req.sr->lost.head != NONE;
}

/* Of a READ: all that is missing in one piece; before the peer has executed it, the whole request. */
struct roce_swqe *roce_sr_next_lost(const struct roce_qp *qp, uint32_t *psn, uint32_t *npsn)
{
	struct roce_sr *sr = qp->req.sr;
	uint32_t i = sr->lost.head, end;
	struct roce_swqe *wqe;

	if (i == NONE)
		return NULL;
	*psn = roce_psn_add(qp->req.una, (i - qp->req.una) & sr->mask);
	*npsn = 1;
	wqe = roce_sq_find_psn(qp, *psn);
	if (wqe->opcode != ROCE_WR_RDMA_READ)
		return wqe;
	end = roce_psn_add(wqe->first_psn, wqe->npsn);
	if (*psn == wqe->first_psn && roce_psn_diff(sr->cum, *psn) <= 0) {
		*npsn = wqe->npsn;
		return wqe;
	}
	for (uint32_t next = roce_psn_add(*psn, 1);
	     roce_psn_diff(next, end) < 0 && roce_psn_diff(next, sr->end) < 0 && (at(sr, next)->flags & LOST);
	     next = roce_psn_add(next, 1))
		++*npsn;
	return wqe;
}

void roce_sr_resent(struct roce_qp *qp, uint32_t psn, uint32_t npsn)
{
	struct roce_sr *sr = qp->req.sr;

	for (; npsn-- && roce_psn_diff(psn, sr->end) < 0; psn = roce_psn_add(psn, 1))
		if (!(at(sr, psn)->flags & ACKED))
			send_slot(sr, at(sr, psn));
}

void roce_sr_forget(struct roce_qp *qp, uint32_t psn)
{
	detach(qp->req.sr, at(qp->req.sr, psn));
}

/* Also where the peer said that it holds it: it waits for it to come again after an RNR NAK. */
void roce_sr_lose_oldest(struct roce_qp *qp)
{
	struct roce_sr *sr = qp->req.sr;
	struct slot *s = at(sr, qp->req.una);

	if (sr->end == qp->req.una || (s->flags & LOST))
		return;
	s->flags &= (uint8_t)~ACKED;
	lose_slot(sr, s);
}

void roce_sr_lose_all(struct roce_qp *qp)
{
	struct roce_sr *sr = qp->req.sr;

	roce_sr_lose_oldest(qp);
	for (uint32_t psn = qp->req.una; roce_psn_diff(psn, sr->end) < 0; psn = roce_psn_add(psn, 1))
		if (!(at(sr, psn)->flags & (ACKED | LOST)))
			lose_slot(sr, at(sr, psn));
}

uint32_t roce_sr_ce_bytes(struct roce_qp *qp, uint32_t total)
{
	uint32_t more = total - qp->req.sr->ce_bytes;

	qp->req.sr->ce_bytes = total;
	return (int32_t)more > 0 ? more : 0;
}
