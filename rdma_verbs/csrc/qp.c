/* Queue pairs: life cycle and attributes. The rules of each transition are data in qp_state.c. */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"

struct roce_qp *roce_qp_find(const struct roce_dev *dev, uint32_t qpn)
{
	uint32_t i = qpn - dev->cfg.qpn_base;

	return i < dev->qps_room ? dev->qps[i] : NULL;
}

/* QPNs go round: one just freed is the last to be used again, so that late packets meet nobody. */
static int take_qpn(struct roce_dev *dev, struct roce_qp *qp)
{
	uint32_t i = dev->qpn_next;

	if (dev->nqps >= dev->cfg.qpn_count)
		return roce_fail(dev, -ENOMEM, "QP: the device's limit of %u is reached", dev->cfg.qpn_count);
	while (i < dev->qps_room && dev->qps[i])
		i = (i + 1) % dev->cfg.qpn_count;
	if (i >= dev->qps_room) {
		uint32_t room = DP_MIN(DP_MAX(i + 1, dev->qps_room * 2 + (dev->own_pool ? 64 : 2)), dev->cfg.qpn_count);
		struct roce_qp **qps = realloc(dev->qps, room * sizeof(*qps));

		if (!qps)
			return roce_fail(dev, -ENOMEM, "QP: no memory for a table of %u", room);
		memset(qps + dev->qps_room, 0, (room - dev->qps_room) * sizeof(*qps));
		dev->qps = qps;
		dev->qps_room = room;
	}
	dev->qps[i] = qp;
	dev->qpn_next = (i + 1) % dev->cfg.qpn_count;
	dev->nqps++;
	qp->qpn = dev->cfg.qpn_base + i;
	return 0;
}

static const uint8_t services[] = {[ROCE_QPT_RC] = ROCE_SVC_RC,
				   [ROCE_QPT_UC] = ROCE_SVC_UC,
				   [ROCE_QPT_UD] = ROCE_SVC_UD,
				   [ROCE_QPT_XRC_SEND] = ROCE_SVC_XRC,
				   [ROCE_QPT_XRC_RECV] = ROCE_SVC_XRC};

static bool known_type(uint32_t type)
{
	return type == ROCE_QPT_RC || type == ROCE_QPT_UC || type == ROCE_QPT_UD || type == ROCE_QPT_XRC_SEND ||
	       type == ROCE_QPT_XRC_RECV;
}

/* What a QP holds open, or lets go. An XRC target holds its domain only (A14); an initiator has nothing that receives. */
static void hold(struct roce_qp *qp, int users)
{
	if (qp->xrcd) {
		qp->xrcd->users += (uint32_t)users;
		return;
	}
	qp->pd->users += (uint32_t)users;
	qp->send_cq->users += (uint32_t)users;
	if (qp->recv_cq)
		qp->recv_cq->users += (uint32_t)users;
	if (qp->srq)
		qp->srq->users += (uint32_t)users;
}

static void set_caps(struct roce_qp *qp, const struct roce_qp_cap *asked)
{
	struct roce_qp_cap *cap = &qp->cap;

	*cap = *asked;
	/* Inline data and SGEs share the slot: whichever needs more room gives the other for free. */
	cap->max_inline_data =
		DP_MIN(qp->dev->cfg.max_inline,
		       DP_MAX(cap->max_inline_data, cap->max_send_sge * (uint32_t)sizeof(struct roce_sge)));
	if (qp->srq || qp->service == ROCE_SVC_XRC)
		cap->max_recv_wr = cap->max_recv_sge = 0; /* it has no receive queue (10.2.9, A14) */
	if (qp->type == ROCE_QPT_XRC_RECV)
		*cap = (struct roce_qp_cap){0};
}

static int check_init(struct roce_dev *dev, const struct roce_qp_init_attr *init)
{
	const struct roce_qp_cap *cap = &init->cap;
	bool target = init->qp_type == ROCE_QPT_XRC_RECV;

	if (!known_type(init->qp_type))
		return roce_fail(dev, -EOPNOTSUPP, "QP: qp_type %u is not supported", init->qp_type);
	if (target)
		return 0; /* the rest says nothing */
	if (!init->send_cq || (!init->recv_cq && init->qp_type != ROCE_QPT_XRC_SEND))
		return roce_fail(dev, -EINVAL, "QP: needs a send CQ and a receive CQ");
	if (init->send_cq->dev != dev || (init->recv_cq && init->recv_cq->dev != dev))
		return roce_fail(dev, -EINVAL, "QP: a CQ of another device");
	if (init->srq && init->srq->dev != dev)
		return roce_fail(dev, -EINVAL, "QP: an SRQ of another device");
	if (init->srq && init->srq->xrcd)
		return roce_fail(dev, -EINVAL, "QP: SRQ %u is an XRC one, which only XRC targets serve",
				 init->srq->num);
	if (init->srq && init->qp_type == ROCE_QPT_XRC_SEND)
		return roce_fail(dev, -EINVAL, "QP: an XRC initiator receives nothing, it takes no SRQ");
	if (cap->max_send_wr > dev->cfg.max_qp_wr)
		return roce_fail(dev, -EINVAL, "QP: max_send_wr %u exceeds device limit %u", cap->max_send_wr,
				 dev->cfg.max_qp_wr);
	if (cap->max_recv_wr > dev->cfg.max_qp_wr)
		return roce_fail(dev, -EINVAL, "QP: max_recv_wr %u exceeds device limit %u", cap->max_recv_wr,
				 dev->cfg.max_qp_wr);
	if (cap->max_send_sge > dev->cfg.max_sge)
		return roce_fail(dev, -EINVAL, "QP: max_send_sge %u exceeds device limit %u", cap->max_send_sge,
				 dev->cfg.max_sge);
	if (cap->max_recv_sge > dev->cfg.max_sge)
		return roce_fail(dev, -EINVAL, "QP: max_recv_sge %u exceeds device limit %u", cap->max_recv_sge,
				 dev->cfg.max_sge);
	if (cap->max_inline_data > dev->cfg.max_inline)
		return roce_fail(dev, -EINVAL, "QP: max_inline_data %u exceeds device limit %u", cap->max_inline_data,
				 dev->cfg.max_inline);
	return 0;
}

struct roce_qp *roce_qp_create(struct roce_pd *pd, struct roce_qp_init_attr *init, void *user)
{
	bool target = init->qp_type == ROCE_QPT_XRC_RECV;
	struct roce_dev *dev = pd ? pd->dev : init->xrcd ? init->xrcd->dev : NULL;
	struct roce_qp *qp = NULL;
	int err;

	if (!dev || (target ? !init->xrcd || init->xrcd->dev != dev : !pd)) {
		err = dev ? roce_fail(dev, -EINVAL, "QP: needs %s of its device", target ? "an XRC domain" : "a PD")
			  : -EINVAL;
		goto fail;
	}
	err = check_init(dev, init);
	if (err)
		goto fail;
	err = roce_fail(dev, -ENOMEM, "QP: no memory");
	qp = calloc(1, sizeof(*qp));
	if (!qp)
		goto fail;
	qp->dev = dev;
	qp->rto.kind = ROCE_TIMER_RTO;
	qp->send_timer.kind = ROCE_TIMER_SEND;
	qp->cc_timer.kind = ROCE_TIMER_CC;
	qp->pd = target ? NULL : pd;
	qp->xrcd = target ? init->xrcd : NULL;
	qp->handles = 1;
	qp->type = (uint8_t)init->qp_type;
	qp->service = services[init->qp_type];
	qp->reliable = qp->service == ROCE_SVC_RC || qp->service == ROCE_SVC_XRC;
	qp->sig_all = init->sq_sig_all;
	if (!target) {
		qp->send_cq = init->send_cq;
		qp->recv_cq = qp->type == ROCE_QPT_XRC_SEND ? NULL : init->recv_cq;
		qp->srq = init->srq;
	}
	set_caps(qp, &init->cap);
	qp->user = user;
	if (roce_wq_init(qp))
		goto fail;
	err = take_qpn(dev, qp);
	if (err)
		goto fail;
	roce_qp_counters_take(qp);
	qp->sport = dev->cfg.sport;
	hold(qp, 1);
	roce_qp_reset(qp);
	init->cap = qp->cap;
	return qp;
fail:
	if (qp)
		roce_wq_fini(qp);
	free(qp);
	errno = -err;
	return NULL;
}

int roce_qp_destroy(struct roce_qp *qp)
{
	struct roce_dev *dev = qp->dev;

	if (--qp->handles)
		return 0;
	roce_qp_reset(qp);
	roce_mw_forget_qp(qp);
	roce_mcast_forget_qp(qp);
	roce_event_forget(dev, ROCE_EVENT_OF_QP, qp->qpn);
	dev->qps[qp->qpn - dev->cfg.qpn_base] = NULL;
	dev->nqps--;
	roce_qp_counters_give(qp);
	hold(qp, -1);
	roce_wq_fini(qp);
	free(qp);
	return 0;
}

/* Back to RESET: what is queued vanishes without completions (10.3.1.1); completions already made stay. */
void roce_qp_reset(struct roce_qp *qp)
{
	struct dp_wheel *wheel = &qp->dev->pool->wheel;

	roce_qp_shut(qp, true, true);
	roce_qp_disconnect(qp);
	roce_qp_unready(qp);
	dp_wheel_disarm(wheel, &qp->rto);
	dp_wheel_disarm(wheel, &qp->send_timer);
	roce_qp_set_state(qp, ROCE_QPS_RESET);
	qp->sq.posted = qp->sq.head = qp->sq.tail = 0;
	qp->rq.posted = qp->rq.head = qp->rq.tail = 0;
	memset(&qp->attr, 0, sizeof(qp->attr));
	memset(&qp->av, 0, sizeof(qp->av));
	qp->attr.path_mtu = qp->dev->cfg.max_mtu;
	qp->mtu = 128u << qp->attr.path_mtu;
	qp->prio = 0;
	qp->ext = false;
	roce_requester_reset(qp);
	roce_responder_reset(qp);
	roce_congestion_reset(qp);
}

void roce_qp_set_error(struct roce_qp *qp)
{
	struct dp_wheel *wheel = &qp->dev->pool->wheel;

	if (qp->state == ROCE_QPS_ERR)
		return;
	roce_qp_shut(qp, true, true); /* first: what is flushed is the program's again */
	roce_qp_set_state(qp, ROCE_QPS_ERR);
	dp_wheel_disarm(wheel, &qp->rto);
	dp_wheel_disarm(wheel, &qp->send_timer);
	qp->req.rnr_wait = false;
	roce_sq_flush(qp);
	roce_rq_flush(qp);
	if (qp->srq || qp->xrcd) /* it takes nothing more from there (11.6.3.4) */
		roce_event_push(qp->dev, ROCE_EVENT_QP_LAST_WQE_REACHED, qp->qpn, qp->user);
	if (!qp->resp.draining)
		roce_qp_unready(qp);
}

/* A UDP source port of the dynamic range from both QPNs: entropy for ECMP (IBTA A17.6.3 leaves it to us). */
static uint16_t flow_port(const struct roce_qp *qp)
{
	uint32_t h = (qp->qpn * 0x9e3779b1u) ^ (qp->attr.dest_qp_num * 0x85ebca6bu);

	return qp->dev->cfg.sport ? qp->dev->cfg.sport : (uint16_t)(0xc000 | (h >> 16 & 0x3fff));
}

/* Everything is checked before anything is changed. */
int roce_qp_modify(struct roce_qp *qp, const struct roce_qp_attr *attr, uint32_t mask)
{
	struct roce_qp_attr *own = &qp->attr;
	uint32_t to = mask & ROCE_QP_STATE ? attr->qp_state : qp->state;
	struct roce_av av;
	int err = roce_qp_state_check(qp, attr, mask);

	if (err)
		return err;
	if (to == ROCE_QPS_RESET) {
		roce_qp_reset(qp);
		return 0;
	}
	if (to == ROCE_QPS_ERR) {
		qp->resp.draining = false;
		roce_qp_shut(qp, true, true);
		roce_qp_set_error(qp);
		return 0;
	}
	if (mask & ROCE_QP_AV) {
		err = roce_av_resolve(qp->dev, &attr->ah, "QP", qp->qpn, &av);
		if (err)
			return err;
		if (roce_mcast_is(&av.dgid))
			return roce_fail(qp->dev, -EINVAL,
					 "QP %u: dgid is a multicast group's, only UD sends to groups", qp->qpn);
	}
	if (to == ROCE_QPS_RTR && qp->state == ROCE_QPS_INIT) {
		const struct dp_ip *dgid = mask & ROCE_QP_AV ? &av.dgid : &qp->av.dgid;

		err = roce_qp_connect(qp, dgid, attr->dest_qp_num);
		if (err)
			return err;
	}
	if (mask & ROCE_QP_MAX_DEST_RD_ATOMIC) {
		err = roce_responder_alloc(qp, attr->max_dest_rd_atomic);
		if (err)
			return roce_fail(qp->dev, err, "QP %u: cannot change max_dest_rd_atomic to %u now", qp->qpn,
					 attr->max_dest_rd_atomic);
		own->max_dest_rd_atomic = attr->max_dest_rd_atomic;
	}
	if (qp->open)
		roce_qp_shut(qp, true, false);
	if (mask & ROCE_QP_AV) {
		roce_qp_unready(qp);
		qp->av = av;
		if (qp->cc.ops->ecn) /* ECT(0), RFC 3168 */
			qp->av.tos = (uint8_t)((av.tos & ~3) | 2);
		qp->prio = av.prio;
		own->ah = attr->ah;
	}
#define TAKE(bit, field) \
	do { \
		if (mask & (bit)) \
			own->field = attr->field; \
	} while (0)
	TAKE(ROCE_QP_ACCESS_FLAGS, qp_access_flags);
	TAKE(ROCE_QP_PKEY_INDEX, pkey_index);
	TAKE(ROCE_QP_PORT, port_num);
	TAKE(ROCE_QP_QKEY, qkey);
	TAKE(ROCE_QP_PATH_MTU, path_mtu);
	TAKE(ROCE_QP_TIMEOUT, timeout);
	TAKE(ROCE_QP_RETRY_CNT, retry_cnt);
	TAKE(ROCE_QP_RNR_RETRY, rnr_retry);
	TAKE(ROCE_QP_RQ_PSN, rq_psn);
	TAKE(ROCE_QP_SQ_PSN, sq_psn);
	TAKE(ROCE_QP_MAX_QP_RD_ATOMIC, max_rd_atomic);
	TAKE(ROCE_QP_MIN_RNR_TIMER, min_rnr_timer);
	TAKE(ROCE_QP_DEST_QPN, dest_qp_num);
	TAKE(ROCE_QP_EN_SQD_ASYNC_NOTIFY, en_sqd_async_notify);
#undef TAKE
	if (mask & ROCE_QP_RATE_LIMIT)
		roce_congestion_limit(qp, attr->rate_limit, 0, 0);
	qp->mtu = qp->link && qp->reliable ? ROCE_LOCAL_MTU : 128u << own->path_mtu;
	qp->timeout_ps = roce_timeout_ps(own->timeout);
	qp->sport = flow_port(qp);
	qp->lane = roce_lane(&qp->av.dgid, own->dest_qp_num);
	if (mask & ROCE_QP_RETRY_CNT)
		qp->req.retry_left = own->retry_cnt;
	if (mask & ROCE_QP_RNR_RETRY)
		qp->req.rnr_left = own->rnr_retry;
	if (mask & ROCE_QP_RQ_PSN)
		qp->resp.epsn = own->rq_psn;
	if (mask & ROCE_QP_SQ_PSN) {
		struct roce_requester *req = &qp->req;

		req->una = req->snd = req->max_sent = req->next_psn = own->sq_psn;
	}
	if (to == ROCE_QPS_SQD && qp->state == ROCE_QPS_RTS) {
		qp->req.drain_event_due = true;
		if (!(mask & ROCE_QP_EN_SQD_ASYNC_NOTIFY))
			own->en_sqd_async_notify = 0;
	}
	roce_qp_set_state(qp, to);
	roce_qp_reopen(qp);
	if (qp->ext && !qp->req.sr && to == ROCE_QPS_RTS)
		roce_sr_start(qp);
	if (to == ROCE_QPS_SQD)
		roce_requester_progress(qp);
	roce_qp_kick(qp);
	return 0;
}

int roce_qp_modify_rate_limit(struct roce_qp *qp, const struct roce_qp_rate_limit_attr *attr)
{
	struct roce_qp_attr modify = {.rate_limit = attr->rate_limit};
	int err;

	if (!attr->rate_limit && (attr->max_burst_sz || attr->typical_pkt_sz))
		return roce_fail(qp->dev, -EINVAL, "QP %u: max_burst_sz %u and typical_pkt_sz %u need a rate_limit",
				 qp->qpn, attr->max_burst_sz, attr->typical_pkt_sz);
	if (attr->max_burst_sz > ROCE_MAX_BURST_BYTES)
		return roce_fail(qp->dev, -EINVAL, "QP %u: max_burst_sz %u exceeds %u", qp->qpn, attr->max_burst_sz,
				 ROCE_MAX_BURST_BYTES);
	err = roce_qp_modify(qp, &modify, ROCE_QP_RATE_LIMIT);
	if (err)
		return err;
	roce_congestion_limit(qp, attr->rate_limit, attr->max_burst_sz, attr->typical_pkt_sz);
	return 0;
}

void roce_qp_query(const struct roce_qp *qp, struct roce_qp_attr *attr)
{
	*attr = qp->attr;
	attr->qp_state = attr->cur_qp_state = qp->state;
	attr->cap = qp->cap;
	attr->sq_draining = qp->state == ROCE_QPS_SQD && qp->req.drain_event_due;
	attr->rq_psn = qp->resp.epsn;
	attr->sq_psn = qp->req.next_psn;
}

uint32_t roce_qp_num(const struct roce_qp *qp)
{
	return qp->qpn;
}

uint32_t roce_qp_state(const struct roce_qp *qp)
{
	return qp->state;
}

struct roce_qp *roce_dev_qp(const struct roce_dev *dev, uint32_t qpn)
{
	return roce_qp_find(dev, qpn);
}

void *roce_qp_user(const struct roce_qp *qp)
{
	return qp->user;
}

uint16_t roce_qp_sport(const struct roce_qp *qp)
{
	return qp->sport;
}

uint32_t roce_qp_msn(const struct roce_qp *qp)
{
	return qp->resp.msn;
}

uint32_t roce_qp_resent(const struct roce_qp *qp)
{
	return qp->req.resent;
}

uint64_t roce_qp_rate_bps(const struct roce_qp *qp)
{
	return qp->cc.rate_bps;
}

bool roce_qp_oldest_request(const struct roce_qp *qp, uint64_t *wr_id)
{
	if (qp->sq.tail == qp->sq.posted)
		return false;
	*wr_id = roce_sq_at(qp, qp->sq.tail)->wr_id;
	return true;
}

uint64_t roce_qp_acked_bytes(const struct roce_qp *qp)
{
	const struct roce_swqe *wqe;

	if (qp->sq.tail == qp->req.fresh)
		return 0;
	wqe = roce_sq_at(qp, qp->sq.tail);
	return DP_MIN((uint64_t)roce_psn_diff(qp->req.una, wqe->first_psn) * qp->mtu, (uint64_t)wqe->length);
}
