/*
 * Shared receive queues (IBTA vol 1, 10.2.9): one ring of receives for many QPs. A QP takes an entry when a
 * message of its begins and keeps it in a ring of one, its own, until the message ends; so everything behind
 * that point (placing, completing, flushing) is the same as with a receive queue of the QP's own.
 */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"

static uint32_t entries(const struct roce_srq *srq)
{
	return __atomic_load_n(&srq->rq.posted, __ATOMIC_ACQUIRE) - srq->rq.tail;
}

/* A limit is good for one event, which comes as soon as fewer entries than that are left (10.2.9.3). */
static void check_limit(struct roce_srq *srq)
{
	if (entries(srq) >= srq->limit)
		return;
	srq->limit = 0;
	roce_event_push(srq->dev, ROCE_EVENT_SRQ_LIMIT_REACHED, srq->num, srq->user);
}

/* Numbers go round like QPNs: late packets of XRC must not meet a new queue. 0 is nobody's. */
static int take_number(struct roce_srq *srq)
{
	struct roce_dev *dev = srq->dev;
	uint32_t i = dev->srq_next;

	if (dev->nsrqs >= dev->cfg.max_srq)
		return roce_fail(dev, -ENOMEM, "SRQ: the device's limit of %u is reached", dev->cfg.max_srq);
	while (i < dev->srqs_room && dev->srqs[i])
		i = (i + 1) % dev->cfg.max_srq;
	if (i >= dev->srqs_room) {
		uint32_t room = DP_MIN(DP_MAX(i + 1, dev->srqs_room * 2 + 16), dev->cfg.max_srq);
		struct roce_srq **srqs = realloc(dev->srqs, room * sizeof(struct roce_srq *));

		if (!srqs)
			return roce_fail(dev, -ENOMEM, "SRQ: no memory for a table of %u", room);
		memset(srqs + dev->srqs_room, 0, (room - dev->srqs_room) * sizeof(struct roce_srq *));
		dev->srqs = srqs;
		dev->srqs_room = room;
	}
	dev->srqs[i] = srq;
	dev->srq_next = (i + 1) % dev->cfg.max_srq;
	dev->nsrqs++;
	srq->num = i + 1;
	return 0;
}

struct roce_srq *roce_srq_find(const struct roce_dev *dev, uint32_t num)
{
	return num - 1 < dev->srqs_room ? dev->srqs[num - 1] : NULL;
}

struct roce_srq *roce_srq_create_xrc(struct roce_pd *pd, struct roce_xrcd *xrcd, struct roce_cq *cq,
				     struct roce_srq_attr *attr, void *user)
{
	struct roce_srq *srq;

	if (!xrcd || xrcd->dev != pd->dev || !cq || cq->dev != pd->dev) {
		errno = -roce_fail(pd->dev, -EINVAL, "SRQ: an XRC one needs an XRC domain and a CQ of its device");
		return NULL;
	}
	srq = roce_srq_create(pd, attr, user);
	if (!srq)
		return NULL;
	srq->xrcd = xrcd;
	srq->cq = cq;
	xrcd->users++;
	cq->users++;
	return srq;
}

struct roce_srq *roce_srq_create(struct roce_pd *pd, struct roce_srq_attr *attr, void *user)
{
	struct roce_dev *dev = pd->dev;
	struct roce_srq *srq = NULL;
	int err;

	if (attr->max_wr < 1 || attr->max_wr > dev->cfg.max_qp_wr) {
		err = roce_fail(dev, -EINVAL, "SRQ: max_wr %u, the device takes 1 to %u", attr->max_wr,
				dev->cfg.max_qp_wr);
		goto fail;
	}
	if (attr->max_sge > dev->cfg.max_sge) {
		err = roce_fail(dev, -EINVAL, "SRQ: max_sge %u exceeds device limit %u", attr->max_sge,
				dev->cfg.max_sge);
		goto fail;
	}
	err = roce_fail(dev, -ENOMEM, "SRQ: no memory for %u entries", attr->max_wr);
	srq = calloc(1, sizeof(*srq));
	if (!srq || roce_rq_init(&srq->rq, attr->max_wr, attr->max_sge))
		goto fail;
	srq->dev = dev;
	srq->pd = pd;
	srq->user = user;
	srq->max_sge = attr->max_sge;
	err = take_number(srq);
	if (err)
		goto fail;
	pd->users++;
	attr->srq_limit = 0; /* is not armed at creation (11.2.3.1) */
	return srq;
fail:
	if (srq)
		free(srq->rq.buf);
	free(srq);
	errno = -err;
	return NULL;
}

int roce_srq_destroy(struct roce_srq *srq)
{
	if (srq->users)
		return roce_fail(srq->dev, -EBUSY, "SRQ %u: still used by %u queue pairs", srq->num, srq->users);
	roce_event_forget(srq->dev, ROCE_EVENT_OF_SRQ, srq->num);
	if (srq->xrcd) {
		roce_xrc_forget_srq(srq);
		srq->xrcd->users--;
		srq->cq->users--;
	}
	srq->dev->srqs[srq->num - 1] = NULL;
	srq->dev->nsrqs--;
	srq->pd->users--;
	free(srq->rq.buf);
	free(srq);
	return 0;
}

static int resize(struct roce_srq *srq, uint32_t max_wr)
{
	struct roce_ring ring;
	uint32_t n = entries(srq);

	if (roce_rq_init(&ring, max_wr, srq->max_sge))
		return roce_fail(srq->dev, -ENOMEM, "SRQ %u: no memory for %u entries", srq->num, max_wr);
	for (uint32_t i = 0; i < n; i++)
		memcpy(roce_rwqe_at(&ring, i), roce_rwqe_at(&srq->rq, srq->rq.tail + i), ring.stride);
	ring.posted = ring.head = n;
	free(srq->rq.buf);
	srq->rq = ring;
	return 0;
}

/* Everything is checked before anything is changed. */
int roce_srq_modify(struct roce_srq *srq, const struct roce_srq_attr *attr, uint32_t mask)
{
	struct roce_dev *dev = srq->dev;
	uint32_t size = mask & ROCE_SRQ_MAX_WR ? attr->max_wr : srq->rq.size;

	if (mask & ~(uint32_t)(ROCE_SRQ_MAX_WR | ROCE_SRQ_LIMIT))
		return roce_fail(dev, -EINVAL, "SRQ %u: mask %#x holds unknown bits", srq->num, mask);
	if (size < 1 || size > dev->cfg.max_qp_wr)
		return roce_fail(dev, -EINVAL, "SRQ %u: max_wr %u, the device takes 1 to %u", srq->num, size,
				 dev->cfg.max_qp_wr);
	if (size < entries(srq))
		return roce_fail(dev, -EINVAL, "SRQ %u: max_wr %u is below the %u entries that it holds", srq->num,
				 size, entries(srq));
	if ((mask & ROCE_SRQ_LIMIT) && attr->srq_limit > size)
		return roce_fail(dev, -EINVAL, "SRQ %u: srq_limit %u exceeds max_wr %u", srq->num, attr->srq_limit,
				 size);
	if (size != srq->rq.size && resize(srq, size))
		return -ENOMEM;
	if (mask & ROCE_SRQ_LIMIT) {
		srq->limit = attr->srq_limit;
		check_limit(srq);
	}
	return 0;
}

void roce_srq_query(const struct roce_srq *srq, struct roce_srq_attr *attr)
{
	*attr = (struct roce_srq_attr){srq->rq.size, srq->max_sge, srq->limit};
}

uint32_t roce_srq_num(const struct roce_srq *srq)
{
	return srq->num;
}

int roce_post_srq_recv(struct roce_srq *srq, const struct roce_recv_wr *wr)
{
	if (wr->num_sge > srq->max_sge)
		return roce_fail(srq->dev, -EINVAL, "SRQ %u: num_sge %u exceeds max_sge %u", srq->num, wr->num_sge,
				 srq->max_sge);
	if (roce_ring_used(&srq->rq) >= srq->rq.size)
		return roce_fail(srq->dev, -ENOMEM, "SRQ %u: full, max_wr %u", srq->num, srq->rq.size);
	roce_rq_put(&srq->rq, wr);
	return 0;
}

int roce_post_srq_recv_beside(struct roce_srq *srq, const struct roce_recv_wr *wr)
{
	if (wr->num_sge > srq->max_sge || roce_ring_used(&srq->rq) >= srq->rq.size)
		return -EAGAIN;
	roce_rq_put(&srq->rq, wr);
	return 0;
}

struct roce_rwqe *roce_recv_peek(struct roce_qp *qp)
{
	struct roce_ring *ring = qp->srq && qp->rq.tail == qp->rq.head ? &qp->srq->rq : &qp->rq;

	return roce_ring_empty(ring) ? NULL : roce_rwqe_at(ring, ring->tail);
}

struct roce_rwqe *roce_recv_claim(struct roce_qp *qp)
{
	struct roce_rwqe *wqe = roce_recv_peek(qp);

	if (wqe && qp->srq && qp->rq.tail == qp->rq.head) {
		struct roce_rwqe *own = roce_rwqe_at(&qp->rq, qp->rq.head);

		memcpy(own, wqe, sizeof(*wqe) + wqe->num_sge * sizeof(*wqe->sge));
		qp->rq.posted = ++qp->rq.head; /* both sides of this one are the engine's */
		roce_ring_pop(&qp->srq->rq);
		check_limit(qp->srq);
		wqe = own;
	}
	return wqe;
}
