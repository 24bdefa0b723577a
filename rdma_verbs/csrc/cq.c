/*
 * Completion queues. A queue that overflows is in error for good: the completion is lost, the queue's QPs go to
 * the error state, and the owner gets the async event CQ_ERR (IBTA vol 1, 11.6.3.2).
 */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"

struct roce_cq *roce_cq_create(struct roce_dev *dev, uint32_t cqe, void *user)
{
	struct roce_cq *cq = NULL;
	int err;

	if (cqe < 1 || cqe > dev->cfg.max_cqe) {
		err = roce_fail(dev, -EINVAL, "CQ: %u entries, the device takes 1 to %u", cqe, dev->cfg.max_cqe);
		goto fail;
	}
	if (dev->ncqs >= dev->cfg.max_cq) {
		err = roce_fail(dev, -ENOMEM, "CQ: the device's limit of %u is reached", dev->cfg.max_cq);
		goto fail;
	}
	err = roce_fail(dev, -ENOMEM, "CQ: no memory for %u entries", cqe);
	cq = calloc(1, sizeof(*cq));
	if (!cq)
		goto fail;
	cq->ring = calloc((size_t)roce_ring_mask(cqe) + 1, sizeof(*cq->ring));
	if (!cq->ring)
		goto fail;
	cq->dev = dev;
	cq->user = user;
	cq->num = ++dev->cq_next;
	cq->period.kind = ROCE_TIMER_CQ;
	cq->size = cqe;
	cq->mask = roce_ring_mask(cqe);
	cq->next = dev->cqs;
	cq->pprev = &dev->cqs;
	if (cq->next)
		cq->next->pprev = &cq->next;
	dev->cqs = cq;
	dev->ncqs++;
	return cq;
fail:
	free(cq);
	errno = -err;
	return NULL;
}

static void unnotify(struct roce_cq *cq)
{
	struct roce_dev *dev = cq->dev;
	struct roce_cq **p = &dev->notify_head;

	if (!cq->notified)
		return;
	while (*p != cq)
		p = &(*p)->notify_next;
	*p = cq->notify_next;
	if (!*p)
		dev->notify_tail = p;
	cq->notified = false;
}

int roce_cq_destroy(struct roce_cq *cq)
{
	struct roce_dev *dev = cq->dev;

	if (cq->users)
		return roce_fail(dev, -EBUSY, "CQ %u: still used by %u queues", cq->num, cq->users);
	unnotify(cq);
	dp_wheel_disarm(&dev->pool->wheel, &cq->period);
	roce_event_forget(dev, ROCE_EVENT_OF_CQ, cq->num);
	*cq->pprev = cq->next;
	if (cq->next)
		cq->next->pprev = cq->pprev;
	dev->ncqs--;
	free(cq->ring);
	free(cq);
	return 0;
}

int roce_cq_resize(struct roce_cq *cq, uint32_t cqe)
{
	uint32_t n = cq->head - cq->tail;
	struct roce_wc *ring;

	if (cqe < 1 || cqe > cq->dev->cfg.max_cqe)
		return roce_fail(cq->dev, -EINVAL, "CQ %u: %u entries, the device takes 1 to %u", cq->num, cqe,
				 cq->dev->cfg.max_cqe);
	if (cqe < n)
		return roce_fail(cq->dev, -EINVAL, "CQ %u: %u entries are fewer than the %u it holds", cq->num, cqe, n);
	ring = calloc((size_t)roce_ring_mask(cqe) + 1, sizeof(*ring));
	if (!ring)
		return roce_fail(cq->dev, -ENOMEM, "CQ %u: no memory for %u entries", cq->num, cqe);
	for (uint32_t i = 0; i < n; i++)
		ring[i] = cq->ring[(cq->tail + i) & cq->mask];
	free(cq->ring);
	cq->ring = ring;
	cq->size = cqe;
	cq->mask = roce_ring_mask(cqe);
	cq->reported -= cq->tail;
	cq->solicited -= cq->tail;
	cq->left -= cq->tail;
	cq->tail = 0;
	cq->head = n;
	return 0;
}

uint32_t roce_cq_size(const struct roce_cq *cq)
{
	return cq->size;
}

uint32_t roce_cq_num(const struct roce_cq *cq)
{
	return cq->num;
}

static void forget(struct roce_cq *cq, uint32_t qpn)
{
	uint32_t keep = cq->tail;

	for (uint32_t i = cq->tail; i != cq->head; i++)
		if (cq->ring[i & cq->mask].qp_num != qpn)
			cq->ring[keep++ & cq->mask] = cq->ring[i & cq->mask];
	__atomic_store_n(&cq->head, keep, __ATOMIC_RELEASE);
	/* Which of the others were reported is not known any more: rather once too often. */
	cq->reported = cq->tail;
	cq->solicited = keep;
}

void roce_qp_forget_completions(struct roce_qp *qp)
{
	if (qp->send_cq)
		forget(qp->send_cq, qp->qpn);
	if (qp->recv_cq && qp->recv_cq != qp->send_cq)
		forget(qp->recv_cq, qp->qpn);
}

uint32_t roce_cq_pending(const struct roce_cq *cq)
{
	return cq->head - __atomic_load_n(&cq->tail, __ATOMIC_ACQUIRE); /* inside the engine */
}

int roce_cq_take(struct roce_cq *cq, struct roce_wc *wc, int n)
{
	uint32_t head = __atomic_load_n(&cq->head, __ATOMIC_ACQUIRE), tail = cq->tail;
	int i = 0;

	for (; i < n && tail != head; i++, tail++)
		wc[i] = cq->ring[tail & cq->mask];
	__atomic_store_n(&cq->left, tail != head ? head : tail, __ATOMIC_RELAXED);
	__atomic_store_n(&cq->tail, tail, __ATOMIC_RELEASE); /* the engine may fill these again */
	return i;
}

bool roce_cq_lost(const struct roce_cq *cq)
{
	return __atomic_load_n(&cq->overflow, __ATOMIC_ACQUIRE);
}

int roce_cq_poll(struct roce_cq *cq, struct roce_wc *wc, int n)
{
	int got = roce_cq_take(cq, wc, n);

	if (!got && n > 0 && cq->overflow)
		return roce_fail(cq->dev, -EIO, "CQ %u: overflowed its %u entries", cq->num, cq->size);
	return got;
}

bool roce_cq_armed(const struct roce_cq *cq)
{
	return __atomic_load_n(&cq->armed, __ATOMIC_RELAXED);
}

static void notify(struct roce_cq *cq)
{
	struct roce_dev *dev = cq->dev;

	__atomic_store_n(&cq->armed, 0, __ATOMIC_RELAXED);
	cq->reported = cq->head;
	dp_wheel_disarm(&dev->pool->wheel, &cq->period);
	if (cq->notified)
		return;
	cq->notified = true;
	cq->notify_next = NULL;
	*dev->notify_tail = cq;
	dev->notify_tail = &cq->notify_next;
}

/* Notifies unless moderation says to wait for more completions, or for its period. */
static void moderate(struct roce_cq *cq)
{
	const struct roce_cq_attr *m = &cq->moderate;

	if ((!m->cq_count && !m->cq_period) || (m->cq_count && cq->unreported >= m->cq_count))
		notify(cq);
	else
		dp_wheel_arm(&cq->dev->pool->wheel, &cq->period,
			     m->cq_period ? dp_add_ps(cq->first_ps, m->cq_period * DP_US) : DP_NEVER);
}

int roce_cq_req_notify(struct roce_cq *cq, int how)
{
	uint32_t tail = __atomic_load_n(&cq->tail, __ATOMIC_ACQUIRE);
	uint32_t end = how & ROCE_CQ_SOLICITED ? cq->solicited : cq->head;

	if (!cq->armed) /* what came before does not count (11.4.2.2) */
		cq->unreported = 0;
	/* A request for any completion is not weakened by a later one for solicited ones (11.4.2.2). */
	if (cq->armed != 1)
		__atomic_store_n(&cq->armed, how & ROCE_CQ_SOLICITED ? 2 : 1, __ATOMIC_RELAXED);
	if (how & ROCE_CQ_WAITING && !cq->unreported && (int32_t)(end - tail) > 0 &&
	    ((int32_t)(end - cq->reported) > 0 || (int32_t)(__atomic_load_n(&cq->left, __ATOMIC_RELAXED) - tail) > 0)) {
		cq->unreported = cq->head - tail;
		cq->first_ps = cq->dev->now_ps;
		moderate(cq);
	}
	return 0;
}

void roce_cq_time(struct roce_cq *cq)
{
	notify(cq);
}

int roce_cq_modify(struct roce_cq *cq, const struct roce_cq_attr *attr, uint32_t mask)
{
	if (mask & ~(uint32_t)ROCE_CQ_ATTR_MODERATE)
		return roce_fail(cq->dev, -EINVAL, "CQ %u: mask %#x holds unknown bits", cq->num, mask);
	if (mask & ROCE_CQ_ATTR_MODERATE) {
		cq->moderate = *attr;
		if (cq->armed && cq->unreported)
			moderate(cq);
	}
	return 0;
}

void *roce_dev_next_notified(struct roce_dev *dev)
{
	struct roce_cq *cq = dev->notify_head;

	if (!cq)
		return NULL;
	unnotify(cq);
	return cq->user;
}

static void overflow(struct roce_cq *cq)
{
	struct roce_dev *dev = cq->dev;

	if (cq->overflow)
		return;
	__atomic_store_n(&cq->overflow, true, __ATOMIC_RELEASE);
	roce_event_push(dev, ROCE_EVENT_CQ_ERR, cq->num, cq->user);
	if (cq->armed)
		notify(cq);
	for (uint32_t i = 0; i < dev->qps_room; i++) {
		struct roce_qp *qp = dev->qps[i];

		if (!qp || (qp->send_cq != cq && qp->recv_cq != cq) || qp->state == ROCE_QPS_RESET)
			continue;
		if (qp->state != ROCE_QPS_ERR)
			roce_event_push(dev, ROCE_EVENT_QP_FATAL, qp->qpn, qp->user);
		roce_qp_set_error(qp);
	}
}

void roce_cq_push(struct roce_cq *cq, const struct roce_wc *wc, bool solicited)
{
	if (cq->overflow || cq->head - __atomic_load_n(&cq->tail, __ATOMIC_ACQUIRE) >= cq->size) {
		overflow(cq);
		return;
	}
	cq->ring[cq->head & cq->mask] = *wc;
	__atomic_store_n(&cq->head, cq->head + 1, __ATOMIC_RELEASE);
	solicited = solicited || wc->status != ROCE_WC_SUCCESS;
	if (solicited)
		cq->solicited = cq->head;
	if (cq->armed == 1 || (cq->armed == 2 && solicited)) {
		if (!cq->unreported++)
			cq->first_ps = cq->dev->now_ps;
		moderate(cq);
	}
}
