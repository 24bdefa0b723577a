/*
 * The link of a device's port: up or down, priorities that the other end paused (PFC), and what passes it by priority.
 *
 * Nothing passes a link that is down, in neither direction. Queue pairs are not told: their packets are lost as on a
 * cut cable, so reliable ones retry until the link is back or their retries are used up, and the owner has an event.
 */
#include "rdma_verbs/csrc/engine.h"

void roce_dev_set_link(struct roce_dev *dev, bool up, uint64_t now_ps)
{
	dev->now_ps = now_ps;
	if (up == !dev->link_down)
		return;
	dev->link_down = !up;
	dev->ctr->link_downed += !up;
	if (dev->local)
		dev->local->set_up(dev->local_ctx, up);
	roce_event_push(dev, up ? ROCE_EVENT_PORT_ACTIVE : ROCE_EVENT_PORT_ERR, 1, NULL);
}

bool roce_dev_link(const struct roce_dev *dev)
{
	return !dev->link_down;
}

/* Whether these packets, just sent, are lost on a link that is down; they are given back then. */
bool roce_link_lost(struct roce_dev *dev, struct roce_pkt **v, int n)
{
	if (!dev->link_down)
		return false;
	dev->ctr->send_err += (uint64_t)n;
	for (int i = 0; i < n; i++)
		roce_pkt_put(dev, v[i]);
	return true;
}

void roce_link_count_sent(struct roce_dev *dev, struct roce_qp *qp, struct roce_pkt *const *v, int n)
{
	uint64_t payload = 0;

	if (dev->link_down)
		return;
	for (int i = 0; i < n; i++) {
		struct roce_prio_counters *prio = &dev->ctr->prio[v[i]->prio];

		payload += v[i]->len;
		prio->tx_bytes += roce_pkt_ip_bytes(v[i]);
		prio->tx_packets++;
	}
	dev->ctr->sent_pkts += (uint64_t)n;
	dev->ctr->sent_bytes += payload;
	if (qp) {
		struct roce_qp_counters *own = roce_qp_ctr(qp);

		own->sent_pkts += (uint64_t)n;
		own->sent_bytes += payload;
	}
}

void roce_link_count_rcvd(struct roce_dev *dev, const struct roce_pkt *pkt)
{
	struct roce_counters *ctr = dev->ctr;
	struct roce_prio_counters *prio = &ctr->prio[pkt->prio & (ROCE_PRIOS - 1)];

	ctr->rcvd_pkts++;
	ctr->rcvd_bytes += pkt->len;
	prio->rx_bytes += roce_pkt_ip_bytes(pkt);
	prio->rx_packets++;
}

void roce_dev_pause(struct roce_dev *dev, uint8_t prio_mask, uint64_t now_ps)
{
	dev->now_ps = now_ps;
	for (int i = 0; i < ROCE_PRIOS; i++) {
		struct roce_prio_counters *prio = &dev->ctr->prio[i];
		bool was = dev->paused & 1 << i, is = prio_mask & 1 << i;

		prio->rx_pause += is;
		if (was) { /* whole microseconds; the rest counts the next time */
			uint64_t us = (now_ps - dev->paused_ps[i]) / DP_US;

			prio->rx_pause_duration += us;
			dev->paused_ps[i] += us * DP_US;
		}
		if (was && !is) {
			prio->rx_pause_transition++;
			dev->resumed_ps[i] = now_ps;
		}
		if (!was && is)
			dev->paused_ps[i] = now_ps;
	}
	dev->paused = prio_mask;
}
