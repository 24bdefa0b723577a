/*
 * Extended reliable connected service (IBTA vol 1, A14): a target QP serves the shared receive queues of its XRC domain,
 * each request names one in its XRCETH. The initiator is an RC requester without a responder, the target an RC responder
 * without a requester; all of RC's reliability is theirs.
 *
 * A target has no domain and no completion queue of its own: for each request, those of the queue that it names are put
 * in their places in struct roce_qp, so that everything behind (keys, receives, completions) is the same as for RC.
 * A message keeps its queue from its first packet to its last.
 */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"

struct roce_xrcd *roce_xrcd_alloc(struct roce_dev *dev)
{
	struct roce_xrcd *xrcd = calloc(1, sizeof(*xrcd));

	if (!xrcd) {
		errno = -roce_fail(dev, -ENOMEM, "XRCD: no memory");
		return NULL;
	}
	xrcd->dev = dev;
	xrcd->next = dev->xrcds;
	xrcd->pprev = &dev->xrcds;
	if (xrcd->next)
		xrcd->next->pprev = &xrcd->next;
	dev->xrcds = xrcd;
	return xrcd;
}

int roce_xrcd_dealloc(struct roce_xrcd *xrcd)
{
	if (xrcd->users)
		return roce_fail(xrcd->dev, -EBUSY, "XRCD: still used by %u queue pairs and shared receive queues",
				 xrcd->users);
	*xrcd->pprev = xrcd->next;
	if (xrcd->next)
		xrcd->next->pprev = xrcd->pprev;
	free(xrcd);
	return 0;
}

struct roce_qp *roce_qp_open(struct roce_xrcd *xrcd, uint32_t qpn)
{
	struct roce_qp *qp = roce_qp_find(xrcd->dev, qpn);

	if (!qp || qp->xrcd != xrcd) {
		errno = -roce_fail(xrcd->dev, -EINVAL, "QP %u is no XRC target of this XRC domain", qpn);
		return NULL;
	}
	qp->handles++;
	return qp;
}

static struct roce_srq *find(const struct roce_qp *qp, uint32_t srqn)
{
	struct roce_srq *srq = roce_srq_find(qp->dev, srqn);

	return srq && srq->xrcd == qp->xrcd ? srq : NULL;
}

bool roce_xrc_use_pd(struct roce_qp *qp, uint32_t srqn)
{
	struct roce_srq *srq = find(qp, srqn);

	qp->pd = srq ? srq->pd : NULL;
	return srq;
}

/* A queue of another domain, or none: an invalid request (XRC domain violation, A14). */
enum roce_verdict roce_xrc_enter(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_srq *srq = find(qp, pkt->xrc_srqn);

	if (!srq || (qp->resp.in_message && qp->srq != srq))
		return ROCE_INVALID;
	if (srq->cq->overflow) /* its completions would get lost: as for an RC QP, this is the end */
		return ROCE_FAILED;
	qp->srq = srq;
	qp->pd = srq->pd;
	qp->recv_cq = srq->cq;
	return ROCE_OK;
}

/* The receive that a message was filling goes with its queue; what follows of the message is an invalid request. */
void roce_xrc_forget_srq(struct roce_srq *srq)
{
	struct roce_dev *dev = srq->dev;

	for (uint32_t i = 0; i < dev->qps_room; i++) {
		struct roce_qp *qp = dev->qps[i];

		if (!qp || !qp->xrcd || qp->srq != srq)
			continue;
		qp->rq.tail = qp->rq.head;
		qp->srq = NULL;
		qp->recv_cq = NULL;
		qp->pd = NULL;
	}
}
