/*
 * The four calls of the engine, and whose turn it is: a ring of ready QPs for each priority, and a timing wheel,
 * so that a packet costs the same with ten QPs as with a hundred thousand.
 */
#include "rdma_verbs/csrc/engine.h"

void roce_qp_wake_at(struct roce_qp *qp, uint64_t when_ps)
{
	if (!dp_timer_armed(&qp->send_timer) || when_ps < qp->send_timer.deadline_ps)
		dp_wheel_arm(&qp->dev->pool->wheel, &qp->send_timer, when_ps);
}

void roce_qp_kick(struct roce_qp *qp)
{
	struct roce_dev *dev = qp->dev;
	struct roce_qp_ring *ring;

	if (qp->ready || (!roce_response_due(qp) && !roce_requester_can_send(qp)))
		return;
	/* An ACK or NAK never waits for the pacer; it does for READ responses that are due before it. */
	if (!roce_pacer_open(qp) && (!roce_response_due(qp) || qp->resp.jobs)) {
		roce_qp_wake_at(qp, qp->pace.next_ps);
		return;
	}
	qp->ready = true;
	qp->parked = roce_qp_held(qp);
	qp->ready_next = NULL;
	ring = qp->parked ? &dev->parked : &dev->ready[qp->prio];
	*ring->tail = qp;
	ring->tail = &qp->ready_next;
	if (!qp->parked)
		dev->ready_mask |= (uint8_t)(1 << qp->prio);
}

/* Takes a QP out of the middle of the ring: only when it is modified or destroyed, so a walk will do. */
void roce_qp_unready(struct roce_qp *qp)
{
	struct roce_dev *dev = qp->dev;
	struct roce_qp_ring *ring = qp->parked ? &dev->parked : &dev->ready[qp->prio];
	struct roce_qp **p = &ring->head;

	if (!qp->ready)
		return;
	while (*p != qp)
		p = &(*p)->ready_next;
	*p = qp->ready_next;
	if (!*p)
		ring->tail = p;
	if (!dev->ready[qp->prio].head)
		dev->ready_mask &= (uint8_t)~(1 << qp->prio);
	qp->ready = false;
}

static struct roce_qp *next_ready(struct roce_dev *dev)
{
	uint8_t mask;

	while ((mask = dev->ready_mask & (uint8_t)~dev->paused)) {
		struct roce_qp *qp;

		/* Round robin over priorities: the first one set from next_prio on. */
		while (!(mask & 1 << dev->next_prio))
			dev->next_prio = (dev->next_prio + 1) % ROCE_PRIOS;
		qp = dev->ready[dev->next_prio].head;
		if (dp_likely(!roce_qp_held(qp)))
			return qp;
		roce_qp_unready(qp); /* at the head: no walk */
		roce_qp_kick(qp);    /* and parked */
	}
	return NULL;
}

/* Up to n packets of one QP: what it owes others first, but not all of its turn while it has requests too. */
static int qp_tx(struct roce_qp *qp, struct roce_pkt **v, int n)
{
	bool requests = roce_requester_can_send(qp);
	int max_responses = requests && n > 1 ? n / 2 : n, done = 0;

	/* Where the pacer lets one packet go at a time, READ responses and requests take turns. */
	if (requests && qp->resp.jobs && qp->pace.was_response)
		max_responses = 0;

	while (done < max_responses && (!qp->resp.jobs || roce_pacer_open(qp)) && (v[done] = roce_response_tx(qp))) {
		if (roce_opcode_operation(v[done]->opcode) != ROCE_OP_ACKNOWLEDGE)
			roce_congestion_sent(qp, v[done], true);
		done++;
	}
	while (done < n && (v[done] = roce_requester_tx(qp)))
		roce_congestion_sent(qp, v[done++], false);
	return done;
}

static int transmit(struct roce_dev *dev, struct roce_pkt **v, int n)
{
	struct roce_qp *qp;
	int done = 0;

	while (done < n && (v[done] = roce_congestion_cnp_tx(dev)))
		done++;
	roce_link_count_sent(dev, NULL, v, done);
	/* After so many bytes whoever waits for the engine has his turn. */
	while (done < n && dev->turn_bytes < ROCE_TURN_BYTES && (qp = next_ready(dev))) {
		int burst = DP_MIN(n - done, (int)dev->cfg.tx_burst), sent = qp_tx(qp, v + done, burst);

		roce_link_count_sent(dev, qp, v + done, sent);
		if (qp->type == ROCE_QPT_UD && !dev->link_down)
			roce_mcast_loop_back(dev, v + done, sent);
		done += sent;
		roce_qp_unready(qp); /* at the head: no walk */
		roce_qp_kick(qp);
		dev->next_prio = (dev->next_prio + 1) % ROCE_PRIOS;
	}
	return done;
}

void roce_dev_unreadable(struct roce_dev *dev, const struct roce_pkt *pkt)
{
	struct roce_qp *qp = roce_qp_find(dev, pkt->sqpn);

	dev->ctr->send_err++;
	if (!qp || !qp->reliable)
		return;
	if (roce_opcode_info(pkt->opcode)->flags & ROCE_OPF_REQUEST)
		roce_requester_unreadable(qp, pkt->psn);
	else
		roce_response_unreadable(qp, pkt->psn);
}

int roce_dev_tx(struct roce_dev *dev, struct roce_pkt **v, int n, uint64_t now_ps)
{
	int done;

	dev->now_ps = now_ps;
	dev->turn_bytes = 0;
	do {
		done = transmit(dev, v, n);
	} while (done && roce_link_lost(dev, v, done));
	return done;
}

bool roce_dev_ready(const struct roce_dev *dev)
{
	return (dev->ready_mask & ~dev->paused) || roce_congestion_cnp_due(dev);
}

uint64_t roce_dev_next_ps(const struct roce_dev *dev)
{
	return roce_dev_ready(dev) ? dev->now_ps : dp_wheel_next_ps(&dev->pool->wheel);
}

uint64_t roce_pool_next_ps(const struct roce_pool *pool)
{
	return dp_wheel_next_ps(&pool->wheel);
}

struct roce_dev *roce_pool_tick(struct roce_pool *pool, uint64_t now_ps)
{
	struct dp_timer *t = dp_wheel_pop(&pool->wheel, now_ps);
	struct roce_qp *qp = NULL;
	struct roce_cq *cq;

	if (!t)
		return NULL;
	switch ((enum roce_timer)t->kind) {
	case ROCE_TIMER_CQ:
		cq = DP_CONTAINER_OF(t, struct roce_cq, period);
		cq->dev->now_ps = now_ps;
		roce_cq_time(cq);
		return cq->dev;
	case ROCE_TIMER_CC:
		qp = DP_CONTAINER_OF(t, struct roce_qp, cc_timer);
		qp->dev->now_ps = now_ps;
		roce_congestion_time(qp);
		break;
	case ROCE_TIMER_RTO:
		qp = DP_CONTAINER_OF(t, struct roce_qp, rto);
		qp->dev->now_ps = now_ps;
		roce_requester_timeout(qp);
		break;
	case ROCE_TIMER_SEND:
		qp = DP_CONTAINER_OF(t, struct roce_qp, send_timer);
		qp->dev->now_ps = now_ps;
		roce_requester_send_time(qp);
		break;
	}
	return qp->dev;
}

void roce_dev_tick(struct roce_dev *dev, uint64_t now_ps)
{
	dev->now_ps = now_ps;
	while (roce_pool_tick(dev->pool, now_ps))
		;
}

#define LINE 64

void roce_dev_prefetch(const struct roce_dev *dev)
{
	const char *from = (const char *)&dev->now_ps, *end = (const char *)(dev + 1);

	__builtin_prefetch(dev->cfg.gid);
	for (; from < end; from += LINE)
		__builtin_prefetch(from);
}

struct roce_qp *roce_dev_next_to_send(const struct roce_dev *dev)
{
	uint8_t mask = dev->ready_mask & (uint8_t)~dev->paused;

	return mask ? dev->ready[__builtin_ctz(mask)].head : NULL;
}

void roce_qp_prefetch(const struct roce_qp *qp)
{
	for (const char *p = (const char *)qp; p < (const char *)&qp->attr; p += LINE)
		__builtin_prefetch(p);
}

void roce_dev_set_now(struct roce_dev *dev, uint64_t now_ps)
{
	dev->now_ps = DP_MAX(dev->now_ps, now_ps);
}

void roce_dev_hold(struct roce_dev *dev, uint64_t lanes, uint64_t now_ps)
{
	uint64_t freed = dev->held & ~lanes;
	struct roce_qp *qp = dev->parked.head;

	dev->now_ps = now_ps;
	dev->held = lanes;
	if (!freed)
		return;
	for (int i = 0; i < ROCE_LANES; i++)
		if (freed >> i & 1)
			dev->more->freed_ps[i] = now_ps;
	dev->parked.head = NULL;
	dev->parked.tail = &dev->parked.head;
	while (qp) {
		struct roce_qp *next = qp->ready_next;

		qp->ready = qp->parked = false;
		roce_qp_kick(qp);
		qp = next;
	}
}

bool roce_dev_has_address(const struct roce_dev *dev, const struct dp_ip *ip)
{
	for (int i = 0; i < dev->cfg.ngid; i++)
		if (memcmp(dev->cfg.gid[i].b, ip->b, sizeof(ip->b)) == 0)
			return true;
	return false;
}

uint8_t *roce_dev_landing(const struct roce_dev *dev, const struct roce_pkt *pkt)
{
	const struct roce_qp *qp = roce_qp_find(dev, pkt->dqpn);

	return qp ? roce_responder_landing(qp, pkt, roce_opcode_info(pkt->opcode)) : NULL;
}

int roce_dev_rx(struct roce_dev *dev, const struct roce_pkt *pkt, uint64_t now_ps)
{
	const struct roce_opcode_info *info = roce_opcode_info(pkt->opcode);
	enum roce_service svc = roce_opcode_service(pkt->opcode);
	struct roce_qp *qp;
	int why;

	dev->now_ps = now_ps;
	if (dev->link_down)
		return roce_drop(dev, ROCE_DROP_LINK_DOWN);
	if (pkt->tver)
		return roce_drop(dev, ROCE_DROP_BAD_TVER);
	if (!info->name)
		return roce_drop(dev, ROCE_DROP_BAD_OPCODE);
	if (roce_mcast_is(&pkt->dgid))
		return roce_mcast_rx(dev, pkt);
	if (!roce_dev_has_address(dev, &pkt->dgid))
		return roce_drop(dev, ROCE_DROP_BAD_DGID);
	qp = roce_qp_find(dev, pkt->dqpn);
	if (!qp)
		return roce_drop(dev, ROCE_DROP_UNKNOWN_QPN);
	if (svc == ROCE_SVC_RC_EXT && !(dev->cfg.recovery & ROCE_RECOVERY_SELECTIVE_REPEAT))
		return roce_drop(dev, ROCE_DROP_BAD_OPCODE);
	/* An XRC initiator answers nothing, and a target asks for nothing (A14). */
	if ((qp->service != (svc == ROCE_SVC_RC_EXT ? ROCE_SVC_RC : svc) ||
	     qp->type == (info->flags & ROCE_OPF_REQUEST ? ROCE_QPT_XRC_SEND : ROCE_QPT_XRC_RECV)) &&
	    svc != ROCE_SVC_CNP)
		return roce_drop(dev, ROCE_DROP_BAD_SERVICE);
	if (qp->state < ROCE_QPS_RTR || qp->state > ROCE_QPS_SQE)
		return roce_drop(dev, ROCE_DROP_BAD_STATE);
	if (!roce_pkey_ok(pkt->pkey))
		return roce_drop(dev, ROCE_DROP_BAD_PKEY);
	if (qp->type != ROCE_QPT_UD && !dp_ip_eq(&pkt->sgid, &qp->av.dgid))
		return roce_drop(dev, ROCE_DROP_BAD_SGID);
	roce_link_count_rcvd(dev, pkt);
	roce_link_count_copy(qp, pkt);
	if ((pkt->tos & 3) == 3) /* CE, RFC 3168 */
		roce_congestion_marked(qp);
	if (pkt->bth_flags & ROCE_BTH_EXT && !qp->ext)
		roce_ext_learn(qp);
	if (svc == ROCE_SVC_CNP)
		why = roce_congestion_cnp_rx(qp);
	else if (info->flags & ROCE_OPF_REQUEST)
		why = roce_responder_rx(qp, pkt, info);
	else
		why = roce_completer_rx(qp, pkt, info);
	roce_qp_kick(qp);
	return why;
}
