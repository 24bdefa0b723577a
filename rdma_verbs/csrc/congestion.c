/*
 * Congestion control at a QP: what its algorithm (cc.h) hears, the pacer that carries out its rate, and CNPs.
 *
 * Notification point (IBTA vol 1, A17.9.3; Zhu et al., 3.1): a packet that came marked is answered by a CNP, at most
 * one per QP and np_min_time_between_cnps. CNPs stand in a queue of the device, not behind what their QP sends, for
 * their priority is their own.
 *
 * Pacer: packets that carry data or ask for it take a QP's time on the wire one after the other. What a packet's time
 * is more than whole picoseconds is carried over as a debt in bits, whatever the rate does meanwhile: no drift.
 */
#include "rdma_verbs/csrc/engine.h"

static bool connected(const struct roce_qp *qp)
{
	return qp->type != ROCE_QPT_UD;
}

/* After anything that an algorithm heard. */
static void rearm(struct roce_qp *qp)
{
	if (qp->cc.timer_ps == DP_NEVER)
		dp_wheel_disarm(&qp->dev->pool->wheel, &qp->cc_timer);
	else if (!dp_timer_armed(&qp->cc_timer) || qp->cc_timer.deadline_ps != qp->cc.timer_ps)
		dp_wheel_arm(&qp->dev->pool->wheel, &qp->cc_timer, qp->cc.timer_ps);
}

static void forget_cnp(struct roce_qp *qp)
{
	struct roce_qp **p = &qp->dev->cnp_head;

	if (!qp->cnp.due)
		return;
	while (*p != qp)
		p = &(*p)->cnp.next;
	*p = qp->cnp.next;
	if (!*p)
		qp->dev->cnp_tail = p;
	qp->cnp.due = false;
}

void roce_congestion_reset(struct roce_qp *qp)
{
	dp_wheel_disarm(&qp->dev->pool->wheel, &qp->cc_timer);
	forget_cnp(qp);
	memset(&qp->pace, 0, sizeof(qp->pace));
	memset(&qp->cnp, 0, sizeof(qp->cnp));
	roce_cc_init(&qp->cc, &qp->dev->cfg.cc, connected(qp));
}

void roce_congestion_time(struct roce_qp *qp)
{
	qp->cc.ops->on_timer(&qp->cc, qp->dev->now_ps);
	rearm(qp);
	roce_qp_kick(qp);
}

/* Whether the owner's limit is what the pacer obeys. */
static bool limited(const struct roce_qp *qp)
{
	return qp->attr.rate_limit && roce_pace_bps(qp) != qp->cc.rate_bps;
}

/* How late a packet of these bytes may count as if on time, so that a burst, with it, stays within its bytes. */
static uint64_t limit_burst_ps(const struct roce_qp *qp, uint32_t bytes, uint64_t rate_bps)
{
	uint32_t burst = qp->pace.limit_burst;

	return burst > bytes ? (burst - bytes) * 8 * DP_SEC / rate_bps : 0;
}

/* What is still to wait for the packet last sent takes its bits at the new rate. */
void roce_congestion_limit(struct roce_qp *qp, uint32_t rate_limit, uint32_t burst, uint16_t typical)
{
	uint64_t now_ps = qp->dev->now_ps, before_bps = roce_pace_bps(qp), after_bps;

	qp->attr.rate_limit = rate_limit;
	qp->pace.limit_burst = burst;
	qp->pace.limit_typical = typical;
	after_bps = roce_pace_bps(qp);
	if (qp->pace.next_ps <= now_ps || before_bps == after_bps)
		return;
	qp->pace.next_ps = after_bps ? dp_add_ps(now_ps, (uint64_t)((unsigned __int128)(qp->pace.next_ps - now_ps) *
								    before_bps / after_bps))
				     : now_ps;
}

void roce_congestion_sent(struct roce_qp *qp, const struct roce_pkt *pkt, bool response)
{
	uint64_t now_ps = qp->dev->now_ps, rate_bps = roce_pace_bps(qp), burst_ps, begin_ps;
	unsigned __int128 bits_e12; /* a packet between processes of a machine has up to 1 GiB */
	uint32_t bytes;

	if (!rate_bps)
		return;
	bytes = roce_pkt_ip_bytes(pkt);
	burst_ps = limited(qp) ? limit_burst_ps(qp, bytes, rate_bps) : qp->pace.burst_ps;
	begin_ps = DP_MAX(qp->pace.next_ps, now_ps - DP_MIN(now_ps, burst_ps));
	qp->pace.was_response = response;
	bits_e12 = (unsigned __int128)bytes * 8 * DP_SEC + qp->pace.debt_e12;
	qp->pace.next_ps = dp_add_ps(begin_ps, (uint64_t)(bits_e12 / rate_bps));
	qp->pace.debt_e12 = (uint64_t)(bits_e12 % rate_bps);
	qp->pace.burst_ps = qp->dev->cfg.cc.burst_bytes * 8 * DP_SEC / rate_bps;
	if (qp->cc.ops->on_sent) {
		qp->cc.ops->on_sent(&qp->cc, bytes, now_ps);
		rearm(qp);
	}
}

void roce_congestion_acked(struct roce_qp *qp, uint32_t bytes, uint32_t ce_bytes, uint64_t rtt_ps)
{
	struct roce_cc_ack ack = {.bytes = bytes, .ce_bytes = ce_bytes, .rtt_ps = rtt_ps};

	if (qp->cc.ops->on_ack) {
		qp->cc.ops->on_ack(&qp->cc, &ack, qp->dev->now_ps);
		rearm(qp);
	}
}

void roce_congestion_nak(struct roce_qp *qp)
{
	if (qp->cc.ops->on_nak) {
		qp->cc.ops->on_nak(&qp->cc, qp->dev->now_ps);
		rearm(qp);
	}
}

void roce_congestion_timeout(struct roce_qp *qp)
{
	if (qp->cc.ops->on_timeout) {
		qp->cc.ops->on_timeout(&qp->cc, qp->dev->now_ps);
		rearm(qp);
	}
}

void roce_congestion_marked(struct roce_qp *qp)
{
	struct roce_dev *dev = qp->dev;

	if (!dev->cfg.cc.algorithm || !connected(qp))
		return;
	dev->ctr->np_ecn_marked_roce_packets++;
	if (qp->cnp.due || dev->now_ps < qp->cnp.next_ps)
		return;
	qp->cnp.due = true;
	qp->cnp.next = NULL;
	*dev->cnp_tail = qp;
	dev->cnp_tail = &qp->cnp.next;
}

bool roce_congestion_cnp_due(const struct roce_dev *dev)
{
	return dev->cnp_head && !(dev->paused & 1 << dev->cfg.cc.np_cnp_802p_prio);
}

struct roce_pkt *roce_congestion_cnp_tx(struct roce_dev *dev)
{
	struct roce_qp *qp = dev->cnp_head;
	struct roce_pkt *pkt;

	if (!roce_congestion_cnp_due(dev))
		return NULL;
	pkt = roce_pkt_get(dev);
	if (!pkt)
		return NULL;
	forget_cnp(qp);
	/* The interval counts from when it leaves: a pause must not let two go close to each other. */
	qp->cnp.next_ps = dp_add_ps(dev->now_ps, dev->cfg.cc.np_min_time_between_cnps * DP_US);
	roce_pkt_address(pkt, &qp->av, qp, qp->attr.dest_qp_num);
	pkt->opcode = ROCE_OPCODE_CNP;
	pkt->bth_flags = ROCE_BTH_BECN; /* A17.9.3; its PSN says nothing */
	pkt->prio = (uint8_t)dev->cfg.cc.np_cnp_802p_prio;
	pkt->tos = (uint8_t)(dev->cfg.cc.np_cnp_dscp << 2);
	dev->ctr->np_cnp_sent++;
	return pkt;
}

int roce_congestion_cnp_rx(struct roce_qp *qp)
{
	if (!connected(qp))
		return roce_drop(qp->dev, ROCE_DROP_BAD_SERVICE);
	if (!qp->cc.ops->on_cnp) {
		qp->dev->ctr->rp_cnp_ignored++;
		return ROCE_DROP_NONE;
	}
	qp->dev->ctr->rp_cnp_handled++;
	qp->cc.ops->on_cnp(&qp->cc, qp->dev->now_ps);
	rearm(qp);
	return ROCE_DROP_NONE;
}
