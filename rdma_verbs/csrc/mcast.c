/*
 * Multicast groups of unreliable datagrams: which queue pairs get a copy of what comes for a group (IBTA vol 1, 10.5).
 *
 * A group is its GID: ff00::/8, or an IPv4 group as ::ffff:224.0.0.0/100. The destination QPN of its packets is
 * 0xffffff. Every attached queue pair has a copy if its state and Q_Key allow it. So have those of the device
 * that sends, the sender itself if it is attached: copies do not depend on what the network gives back, and what it
 * gives back of ours is dropped. LIDs mean nothing on RoCE.
 */
#include "rdma_verbs/csrc/engine.h"

#include <stdlib.h>

struct roce_mcast {
	struct roce_mcast *next;
	struct dp_ip gid;
	uint32_t n, room;
	struct roce_qp **qps;
};

bool roce_mcast_is(const struct dp_ip *gid)
{
	return gid->b[0] == 0xff || (dp_ip_is_v4(gid) && gid->b[12] >> 4 == 0xe);
}

/* Where the group is, or would be linked. */
static struct roce_mcast **find(struct roce_dev *dev, const struct dp_ip *gid)
{
	uint32_t hash = dp_get_be32(gid->b + 12) * 0x9e3779b1u ^ dp_get_be32(gid->b + 8);
	struct roce_mcast **p = &dev->more->mcast[hash >> 24 & (ROCE_MCAST_BUCKETS - 1)];

	while (*p && !dp_ip_eq(&(*p)->gid, gid))
		p = &(*p)->next;
	return p;
}

static uint32_t place_of(const struct roce_mcast *group, const struct roce_qp *qp)
{
	uint32_t i = 0;

	while (i < group->n && group->qps[i] != qp)
		i++;
	return i;
}

static struct roce_mcast *new_group(struct roce_mcast **at, const struct dp_ip *gid)
{
	*at = calloc(1, sizeof(**at));
	if (*at)
		(*at)->gid = *gid;
	return *at;
}

static void drop_if_empty(struct roce_dev *dev, struct roce_mcast **at)
{
	struct roce_mcast *group = *at;

	if (group->n)
		return;
	*at = group->next;
	dev->nmcast--;
	free(group->qps);
	free(group);
}

static bool grow(struct roce_mcast *group)
{
	uint32_t room = group->room ? group->room * 2 : 4;
	struct roce_qp **qps;

	if (group->n < group->room)
		return true;
	qps = realloc(group->qps, room * sizeof(struct roce_qp *));
	if (!qps)
		return false;
	group->qps = qps;
	group->room = room;
	return true;
}

static int check(struct roce_qp *qp, const struct dp_ip *gid, const char *verb)
{
	if (qp->type != ROCE_QPT_UD)
		return roce_fail(qp->dev, -EINVAL, "QP %u: %s, only unreliable datagrams are sent to groups", qp->qpn,
				 verb);
	if (!roce_mcast_is(gid))
		return roce_fail(qp->dev, -EINVAL, "QP %u: %s, the GID is no multicast group's", qp->qpn, verb);
	return 0;
}

int roce_attach_mcast(struct roce_qp *qp, const struct roce_gid *gid, uint16_t lid)
{
	struct roce_dev *dev = qp->dev;
	struct roce_mcast **at, *group;
	struct dp_ip ip;
	int err;

	(void)lid;
	memcpy(ip.b, gid->b, sizeof(ip.b));
	err = check(qp, &ip, "attach_mcast");
	if (err)
		return err;
	if (!dev->own_pool)
		return roce_fail(dev, -EOPNOTSUPP, "QP %u: attach_mcast on a device of a pool", qp->qpn);
	at = find(dev, &ip);
	if (!*at && dev->nmcast >= ROCE_MAX_MCAST_GRP)
		return roce_fail(dev, -ENOMEM, "QP %u: attach_mcast, the device's limit of %u groups is reached",
				 qp->qpn, ROCE_MAX_MCAST_GRP);
	if (!*at) {
		if (!new_group(at, &ip))
			return roce_fail(dev, -ENOMEM, "QP %u: attach_mcast, no memory", qp->qpn);
		dev->nmcast++;
	}
	group = *at;
	if (place_of(group, qp) < group->n) /* once is enough, as with Linux */
		return 0;
	if (group->n >= ROCE_MAX_MCAST_QP_ATTACH || !grow(group)) {
		drop_if_empty(dev, at);
		return roce_fail(dev, -ENOMEM, "QP %u: attach_mcast, the group has %u queue pairs, at most %u", qp->qpn,
				 group->n, ROCE_MAX_MCAST_QP_ATTACH);
	}
	group->qps[group->n++] = qp;
	qp->groups++;
	return 0;
}

static bool detach(struct roce_qp *qp, struct roce_mcast **at)
{
	struct roce_mcast *group = *at;
	uint32_t i = place_of(group, qp);

	if (i == group->n)
		return false;
	/* The order of copies stays that of attaching. */
	memmove(group->qps + i, group->qps + i + 1, (group->n - i - 1) * sizeof(*group->qps));
	group->n--;
	qp->groups--;
	drop_if_empty(qp->dev, at);
	return true;
}

int roce_detach_mcast(struct roce_qp *qp, const struct roce_gid *gid, uint16_t lid)
{
	struct roce_mcast **at;
	struct dp_ip ip;
	int err;

	(void)lid;
	memcpy(ip.b, gid->b, sizeof(ip.b));
	err = check(qp, &ip, "detach_mcast");
	if (err)
		return err;
	at = find(qp->dev, &ip);
	if (!*at || !detach(qp, at))
		return roce_fail(qp->dev, -EINVAL, "QP %u: detach_mcast, it is not attached to the group", qp->qpn);
	return 0;
}

/* A queue pair that goes away leaves its groups. */
void roce_mcast_forget_qp(struct roce_qp *qp)
{
	for (uint32_t i = 0; qp->groups && i < ROCE_MCAST_BUCKETS; i++) {
		struct roce_mcast **at = &qp->dev->more->mcast[i];

		while (*at) {
			struct roce_mcast *group = *at;

			detach(qp, at);
			if (*at == group)
				at = &group->next;
		}
	}
}

/* Copies to all that are attached. Returns the last reason not to. */
static int deliver(struct roce_dev *dev, const struct roce_mcast *group, const struct roce_pkt *pkt)
{
	const struct roce_opcode_info *info = roce_opcode_info(pkt->opcode);
	int why = ROCE_DROP_NONE;

	for (uint32_t i = 0; i < group->n; i++) {
		struct roce_qp *qp = group->qps[i];
		int reason;

		if (qp->state < ROCE_QPS_RTR || qp->state > ROCE_QPS_SQE) {
			reason = roce_drop(dev, ROCE_DROP_BAD_STATE);
		} else {
			roce_link_count_copy(qp, pkt);
			reason = roce_responder_rx(qp, pkt, info);
		}
		why = reason ? reason : why;
	}
	return why;
}

static bool ours(const struct roce_dev *dev, const struct roce_pkt *pkt)
{
	return roce_dev_has_address(dev, &pkt->sgid) && pkt->sqpn - dev->cfg.qpn_base < dev->cfg.qpn_count;
}

int roce_mcast_rx(struct roce_dev *dev, const struct roce_pkt *pkt)
{
	const struct roce_mcast *group = *find(dev, &pkt->dgid);

	if (!group)
		return roce_drop(dev, ROCE_DROP_BAD_DGID);
	if (roce_opcode_service(pkt->opcode) != ROCE_SVC_UD)
		return roce_drop(dev, ROCE_DROP_BAD_SERVICE);
	if (pkt->dqpn != ROCE_QPN_MULTICAST)
		return roce_drop(dev, ROCE_DROP_UNKNOWN_QPN);
	if (!roce_pkey_ok(pkt->pkey))
		return roce_drop(dev, ROCE_DROP_BAD_PKEY);
	if (ours(dev, pkt))
		return roce_drop(dev, ROCE_DROP_LOOPBACK);
	roce_link_count_rcvd(dev, pkt);
	dev->ctr->multicast_rcv_packets++;
	return deliver(dev, group, pkt);
}

/* Of packets just sent by one queue pair, those for a group go to the device's own members as well. */
void roce_mcast_loop_back(struct roce_dev *dev, struct roce_pkt *const *v, int n)
{
	for (int i = 0; i < n; i++) {
		const struct roce_mcast *group;

		if (!roce_mcast_is(&v[i]->dgid))
			continue;
		dev->ctr->multicast_xmit_packets++;
		group = *find(dev, &v[i]->dgid);
		if (!group)
			continue;
		v[i]->l3_bytes = roce_pkt_ip_bytes(v[i]); /* as the receivers will see it */
		deliver(dev, group, v[i]);
	}
}
