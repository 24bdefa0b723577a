/*
 * Credits of the UDP port: what a sender reserves in the page of the receiving slot, what the receiver gives back,
 * and how it finds what a killed sender left reserved (datapath/csrc/node_shm.h says why that is sound).
 */
#include <stdlib.h>

#include "datapath/csrc/port_udp_int.h"

#define PEERS_MAX     65536
#define HEAL_EVERY_PS (5 * DP_MS)
#define HEAL_PS       (100 * DP_MS) /* longer than a packet is on its way between two sockets of a machine */
#define HEAL_MIN      8
#define HEAL_LOOK_PS  (500 * DP_US)

_Static_assert(sizeof(struct dp_node_hdr) == DP_NODE_SENDERS_OFF, "layout");
_Static_assert(sizeof(struct dp_node_sender) == DP_NODE_SENDER_BYTES, "layout");
_Static_assert(sizeof(struct dp_node_slot) == DP_NODE_SLOT_BYTES, "layout");
_Static_assert(DP_NODE_SENDERS_OFF + DP_NODE_SENDERS * DP_NODE_SENDER_BYTES == DP_NODE_SLOTS_OFF, "layout");
/* rdma_verbs/agent/shm.py holds the same numbers; a test reads them here. */
_Static_assert(offsetof(struct dp_node_hdr, nslots) == 8, "hdr.nslots");
_Static_assert(offsetof(struct dp_node_hdr, closed) == 12, "hdr.closed");
_Static_assert(offsetof(struct dp_node_hdr, credit_extra) == 16, "hdr.credit_extra");
_Static_assert(offsetof(struct dp_node_hdr, senders_epoch) == 20, "hdr.senders_epoch");
_Static_assert(offsetof(struct dp_node_hdr, node_id) == 24, "hdr.node_id");
_Static_assert(offsetof(struct dp_node_hdr, agent_pid) == 32, "hdr.agent_pid");
_Static_assert(offsetof(struct dp_node_hdr, agent_start) == 40, "hdr.agent_start");
_Static_assert(offsetof(struct dp_node_hdr, agent_generation) == 48, "hdr.agent_generation");
_Static_assert(offsetof(struct dp_node_hdr, ip) == 56, "hdr.ip");
_Static_assert(offsetof(struct dp_node_hdr, totals) == 120, "hdr.totals");
_Static_assert(offsetof(struct dp_node_sender, start) == 8, "sender.start");
_Static_assert(offsetof(struct dp_node_sender, ip) == 16, "sender.ip");
_Static_assert(offsetof(struct dp_node_sender, pending) == 64, "sender.pending");
_Static_assert(offsetof(struct dp_node_slot, reserved) == 0, "slot.reserved");
_Static_assert(offsetof(struct dp_node_slot, refunded) == 8, "slot.refunded");
_Static_assert(offsetof(struct dp_node_slot, released) == 64, "slot.released");
_Static_assert(offsetof(struct dp_node_slot, heals) == 72, "slot.heals");
_Static_assert(offsetof(struct dp_node_slot, healed_bytes) == 80, "slot.healed_bytes");
_Static_assert(offsetof(struct dp_node_slot, limit) == 128, "slot.limit");
_Static_assert(offsetof(struct dp_node_slot, rcvbuf) == 136, "slot.rcvbuf");
_Static_assert(offsetof(struct dp_node_slot, cookie) == 144, "slot.cookie");
_Static_assert(offsetof(struct dp_node_slot, pid) == 152, "slot.pid");
_Static_assert(offsetof(struct dp_node_slot, start) == 160, "slot.start");
_Static_assert(offsetof(struct dp_node_slot, generation) == 168, "slot.generation");
_Static_assert(offsetof(struct dp_node_slot, state) == 176, "slot.state");
_Static_assert(offsetof(struct dp_node_slot, attached_ns) == 184, "slot.attached_ns");
_Static_assert(offsetof(struct dp_node_slot, agent_drained) == 192, "slot.agent_drained");
_Static_assert(offsetof(struct dp_node_slot, agent_drained_bytes) == 200, "slot.agent_drained_bytes");
_Static_assert(offsetof(struct dp_node_slot, overflow) == 208, "slot.overflow");
_Static_assert(offsetof(struct dp_node_slot, local_id) == 216, "slot.local_id");
_Static_assert(offsetof(struct dp_node_slot, local_fd) == 224, "slot.local_fd");
_Static_assert(offsetof(struct dp_node_slot, counters) == 256, "slot.counters");
_Static_assert(offsetof(struct dp_node_slot, port_stats) == 2304, "slot.port_stats");
_Static_assert(offsetof(struct dp_node_slot, qps) == 4096, "slot.qps");
_Static_assert(sizeof(struct dp_port_stats) <= sizeof(((struct dp_node_slot *)0)->port_stats), "slot.port_stats");

static uint32_t ip_hash(const struct dp_ip *ip)
{
	uint32_t h =
		dp_get_be32(ip->b) ^ dp_get_be32(ip->b + 4) * 3 ^ dp_get_be32(ip->b + 8) * 5 ^ dp_get_be32(ip->b + 12);

	h *= 0x9e3779b1u;
	return h ^ h >> 15;
}

static struct udp_peer *peer_slot(struct udp_peer *peers, uint32_t cap, const struct dp_ip *ip)
{
	uint32_t i = ip_hash(ip) & (cap - 1);

	while (peers[i].used && !dp_ip_eq(&peers[i].ip, ip))
		i = (i + 1) & (cap - 1);
	return &peers[i];
}

struct udp_peer *dp_udp_peer_find(struct udp_port *u, const struct dp_ip *ip)
{
	struct udp_peer *p;

	if (!u->npeers)
		return NULL;
	p = peer_slot(u->peers, u->peer_cap, ip);
	return p->used && p->hdr && !LOAD(&p->hdr->closed) ? p : NULL;
}

/* 0, or -EAGAIN: would exceed what the receiver can hold. `pending` is raised before, see node_shm.h. */
int dp_udp_credit_take(struct udp_peer *p, uint32_t slot, uint32_t bytes)
{
	struct dp_node_slot *s = dp_node_slot(p->hdr, slot);
	uint32_t *pending = &p->self->pending[slot];
	uint32_t before = *pending;
	uint64_t limit = LOAD(&s->limit);

	STORE(pending, before + bytes);
	for (;;) {
		/* What is given back only grows: read first, it errs on the safe side. */
		uint64_t back = LOAD(&s->released) + LOAD(&s->refunded);
		uint64_t reserved = LOAD(&s->reserved);
		int64_t out = (int64_t)(reserved - back);

		if (out > 0 && (uint64_t)out + bytes > limit) {
			STORE(pending, before);
			return -EAGAIN;
		}
		if (__atomic_compare_exchange_n(&s->reserved, &reserved, reserved + bytes, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return 0;
	}
}

void dp_udp_credit_refund(struct tx_msg *m)
{
	if (m->peer)
		ADD(&dp_node_slot(m->peer->hdr, m->slot)->refunded, m->credit);
	m->peer = NULL;
}

/* Only after sendmmsg(), when all that this call reserved was either sent or refunded. */
void dp_udp_credit_settle(struct udp_port *u, int n)
{
	for (int i = 0; i < n; i++)
		if (u->tx[i].credit)
			STORE(&u->tx[i].peer->self->pending[u->tx[i].slot], 0);
}

void dp_udp_credit_release(struct udp_port *u, uint64_t bytes)
{
	struct dp_node_slot *s = u->slot;
	uint64_t back = LOAD(&s->refunded);
	uint64_t reserved = LOAD(&s->reserved);
	uint64_t released = s->released + bytes;

	/* A packet that nobody reserved for must not make the sum negative. */
	if ((int64_t)(reserved - back - released) < 0)
		released = (int64_t)(reserved - back - s->released) > 0 ? reserved - back : s->released;
	STORE(&s->released, released);
}

/* What was remembered of the table of senders holds no longer if that has changed. */
static void senders_check(struct udp_port *u)
{
	static const uint8_t none[16];
	uint32_t epoch = LOAD(&u->node->senders_epoch);

	if (epoch == u->src_epoch && u->senders)
		return;
	memset(u->src, 0, sizeof(u->src));
	u->src_epoch = epoch;
	u->senders = DP_NODE_SENDERS;
	while (u->senders > 1 && memcmp(dp_node_sender(u->node, u->senders - 1)->ip, none, 16) == 0)
		u->senders--;
}

/* Does this address take credit before it sends to us? */
bool dp_udp_src_is_sender(struct udp_port *u, const struct dp_ip *ip)
{
	uint32_t i = ip_hash(ip) % SRC_CACHE;

	senders_check(u);
	if (!u->src[i].set || !dp_ip_eq(&u->src[i].ip, ip)) {
		u->src[i].set = true;
		u->src[i].ip = *ip;
		u->src[i].sender = false;
		for (uint32_t k = 0; k < u->senders && !u->src[i].sender; k++)
			u->src[i].sender = memcmp(dp_node_sender(u->node, k)->ip, ip->b, 16) == 0;
	}
	return u->src[i].sender;
}

/* First half of looking for a leak, before the socket is found empty: what must be accounted for by then. */
bool dp_udp_heal_begin(struct udp_port *u, uint64_t *claimed)
{
	struct dp_node_slot *s = u->slot;
	uint64_t pending = 0;

	if (!s || u->now_ps < u->heal_next_ps)
		return false;
	*claimed = LOAD(&s->reserved);
	if ((int64_t)(*claimed - LOAD(&s->refunded) - s->released) <= 0) {
		u->heal_first_ps = 0;
		u->heal_next_ps = 0;
		return false;
	}
	/* Only an empty queue tells something; until it is, not at every read: the table is long. */
	u->heal_next_ps = dp_add_ps(u->now_ps, HEAL_LOOK_PS);
	senders_check(u);
	for (uint32_t k = 0; k < u->senders; k++)
		pending += LOAD(&dp_node_sender(u->node, k)->pending[u->slot_index]);
	*claimed -= pending;
	return true;
}

/*
 * Second half, the socket was empty. One look may be mistaken about a packet that the kernel still carries from
 * sendmsg() to our queue, so the smallest of several looks over HEAL_PS counts.
 */
void dp_udp_heal_end(struct udp_port *u, uint64_t claimed)
{
	struct dp_node_slot *s = u->slot;
	int64_t leak = (int64_t)(claimed - LOAD(&s->refunded) - s->released);

	u->heal_next_ps = dp_add_ps(u->now_ps, HEAL_EVERY_PS);
	if (leak <= 0) {
		u->heal_first_ps = 0;
		return;
	}
	if (!u->heal_first_ps) {
		u->heal_first_ps = DP_MAX(u->now_ps, 1);
		u->heal_min = (uint64_t)leak;
		u->heal_seen = 0;
	}
	u->heal_min = DP_MIN(u->heal_min, (uint64_t)leak);
	if (++u->heal_seen < HEAL_MIN || u->now_ps - u->heal_first_ps < HEAL_PS)
		return;
	dp_udp_credit_release(u, u->heal_min);
	s->heals++;
	s->healed_bytes += u->heal_min;
	u->more.rx_heals++;
	u->more.rx_healed_bytes += u->heal_min;
	u->heal_first_ps = 0;
}

static struct dp_node_hdr *node_check(void *shm, uint64_t len)
{
	struct dp_node_hdr *h = shm;

	if (len < DP_NODE_SLOTS_OFF || h->magic != DP_NODE_MAGIC || h->version != DP_NODE_VERSION || !h->nslots ||
	    h->nslots > DP_NODE_SLOTS_MAX || len < dp_node_bytes(h->nslots))
		return NULL;
	return h;
}

int dp_port_udp_set_self(struct dp_port *port, void *shm, uint64_t len, uint32_t slot)
{
	struct udp_port *u = udp_of(port);
	struct dp_node_hdr *h;

	u->heal_first_ps = u->heal_next_ps = 0;
	if (!shm) {
		u->node = NULL;
		u->slot = NULL;
		return 0;
	}
	h = node_check(shm, len);
	if (!h || slot >= h->nslots)
		return -EINVAL;
	u->node = h;
	u->slot = dp_node_slot(h, slot);
	u->slot_index = slot;
	memset(u->src, 0, sizeof(u->src));
	u->senders = 0;
	return 0;
}

/* Room for one more peer. */
static int peers_grow(struct udp_port *u)
{
	uint32_t cap = u->peer_cap ? 2 * u->peer_cap : 16;
	struct udp_peer *peers;

	if (2 * (u->npeers + 1) <= u->peer_cap)
		return 0;
	if (cap > PEERS_MAX)
		return -ENOMEM;
	peers = calloc(cap, sizeof(*peers));
	if (!peers)
		return -ENOMEM;
	for (uint32_t i = 0; i < u->peer_cap; i++)
		if (u->peers[i].used)
			*peer_slot(peers, cap, &u->peers[i].ip) = u->peers[i];
	free(u->peers);
	u->peers = peers;
	u->peer_cap = cap;
	return 0;
}

int dp_port_udp_set_peer(struct dp_port *port, const uint8_t *ip, void *shm, uint64_t len, uint32_t sender)
{
	struct udp_port *u = udp_of(port);
	struct dp_node_hdr *h = shm ? node_check(shm, len) : NULL;
	struct udp_peer *p;
	struct dp_ip key;
	int err;

	if (shm && (!h || sender >= DP_NODE_SENDERS))
		return -EINVAL;
	err = peers_grow(u);
	if (err)
		return err;
	memcpy(key.b, ip, 16);
	p = peer_slot(u->peers, u->peer_cap, &key);
	if (!p->used) {
		p->stall = calloc(DP_NODE_SLOTS_MAX, sizeof(*p->stall));
		if (!p->stall)
			return -ENOMEM;
		p->used = true;
		p->ip = key;
		u->npeers++;
	}
	memset(p->stall, 0, DP_NODE_SLOTS_MAX * sizeof(*p->stall));
	p->hdr = h;
	p->self = h ? dp_node_sender(h, sender) : NULL;
	p->nslots = h ? h->nslots : 0;
	return 0;
}
