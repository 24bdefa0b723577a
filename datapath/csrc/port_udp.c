/*
 * UDP socket port, see port_udp.h. Theory of operation:
 *
 *   tx    plan() cuts the frames into messages; each takes credit from its receiver, then one sendmmsg() sends all.
 *         A message without credit ends the call: the caller tries again at next_ps(), 20 us later, doubling to
 *         500 us. (Mostly an ACK of the receiver wakes the caller earlier, and waking a sender of another process
 *         would need a descriptor of each of them.) A receiver that frees nothing for a second has stopped: its
 *         packets are dropped, so that it does not hold up those to others, except for one message every 100 ms
 *         that goes out without credit and wakes it if only a leak was in the way.
 *   rx    recvmmsg() into a few buffers of 64 KB, credit released at once, then cut into frames; what rx()
 *         was not asked for stays for its next call.
 */
#include "datapath/csrc/port_udp.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#define MEMINFO_DROPS 8 /* index into SO_MEMINFO's answer */
#define MEMINFO_VARS  9

#define TX_MSGS	     32
#define TX_SEGS	     64 /* UDP_MAX_SEGMENTS of the oldest kernel with UDP_SEGMENT */
#define TX_BATCH_MAX 62000
#define TX_IOV	     (TX_MSGS * 8) /* pieces of one sendmmsg(); at least TX_SEGS */
#define RX_MSGS	     16
#define RX_BUF	     65536
#define RX_FRAMES    512
#define PEERS_MAX    65536
#define SRC_CACHE    64
#define CTL_BYTES    128

#define RETRY_MIN_PS  (20 * DP_US)
#define RETRY_MAX_PS  (500 * DP_US)
#define STALL_PS      DP_SEC
#define PROBE_PS      (100 * DP_MS)
#define HEAL_EVERY_PS (5 * DP_MS)
#define HEAL_PS	      (100 * DP_MS) /* longer than a packet is on its way between two sockets of a machine */
#define HEAL_MIN      8

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
_Static_assert(offsetof(struct dp_node_slot, counters) == 256, "slot.counters");
_Static_assert(offsetof(struct dp_node_slot, port_stats) == 768, "slot.port_stats");
_Static_assert(sizeof(struct dp_port_stats) <= sizeof(((struct dp_node_slot *)0)->port_stats), "slot.port_stats");

struct stall {
	uint64_t since_ps; /* first refusal since credit was last given or given back by anybody; 0: none */
	uint64_t released; /* the receiver's word at that time */
	uint64_t probe_ps; /* stopped: when the next message goes without credit; 0: not stopped */
};

struct udp_peer {
	struct dp_ip ip;
	struct dp_node_hdr *hdr; /* NULL: free entry, or no credits */
	struct dp_node_sender *self;
	uint32_t nslots;
	bool used;
	struct stall *stall; /* by slot */
};

/* One message of a sendmmsg(). */
struct tx_msg {
	int first, frames;
	uint32_t bytes;
	struct udp_peer *peer; /* holds credit there; NULL: none taken */
	uint32_t slot, credit;
};

struct rx_msg {
	uint8_t *buf;
	uint32_t len, seg;
	uint8_t l3[DP_L3_MAX]; /* headers of its frames, lengths and identification to be filled in */
	uint16_t l3_len;
	bool ttl_known;
};

struct udp_port {
	struct dp_port port;
	int fd;
	bool v6, gso;
	uint16_t lport;
	struct dp_ip local;
	uint32_t scope_id;
	uint64_t now_ps;
	struct dp_port_udp_stats more;
	uint32_t drops; /* SO_RXQ_OVFL's count as last seen; the socket may have had owners before us */

	/* Receivers by address: open addressing, npeer_cap a power of two, never more than half full. */
	struct udp_peer *peers;
	uint32_t npeers, peer_cap;
	uint64_t retry_ps, backoff_ps;

	struct mmsghdr tx_hdr[TX_MSGS];
	struct tx_msg tx[TX_MSGS];
	struct iovec tx_iov[TX_IOV];
	struct sockaddr_storage tx_addr[TX_MSGS];
	uint64_t tx_ctl[TX_MSGS][CTL_BYTES / 8];

	struct dp_node_hdr *node;
	struct dp_node_slot *slot;
	uint32_t slot_index;
	uint32_t src_epoch;
	struct {
		struct dp_ip ip;
		bool set, sender;
	} src[SRC_CACHE];
	uint64_t heal_first_ps, heal_next_ps, heal_min;
	uint32_t heal_seen;

	uint8_t *rx_mem;
	struct mmsghdr rx_hdr[RX_MSGS];
	struct iovec rx_iov[RX_MSGS];
	struct sockaddr_storage rx_addr[RX_MSGS];
	uint64_t rx_ctl[RX_MSGS][CTL_BYTES / 8];
	struct rx_msg rx[RX_MSGS];
	int rx_n, rx_i;
	uint32_t rx_off, rx_seg; /* next datagram of message rx_i */
	struct dp_frame rx_frames[RX_FRAMES];
};

#define LOAD(p)	      __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define STORE(p, v)   __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define ADD(p, v)     __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)

static struct udp_port *udp_of(const struct dp_port *p)
{
	return DP_CONTAINER_OF(p, struct udp_port, port);
}

/* ---- credits ---- */

static uint32_t ip_hash(const struct dp_ip *ip)
{
	uint32_t h = dp_get_be32(ip->b) ^ dp_get_be32(ip->b + 4) * 3 ^ dp_get_be32(ip->b + 8) * 5 ^ dp_get_be32(ip->b + 12);

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

static struct udp_peer *peer_find(struct udp_port *u, const struct dp_ip *ip)
{
	struct udp_peer *p;

	if (!u->npeers)
		return NULL;
	p = peer_slot(u->peers, u->peer_cap, ip);
	return p->used && p->hdr && !LOAD(&p->hdr->closed) ? p : NULL;
}

/* 0, or -EAGAIN: would exceed what the receiver can hold. `pending` is raised before, see node_shm.h. */
static int credit_take(struct udp_peer *p, uint32_t slot, uint32_t bytes)
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

static void credit_refund(struct tx_msg *m)
{
	if (m->peer)
		ADD(&dp_node_slot(m->peer->hdr, m->slot)->refunded, m->credit);
	m->peer = NULL;
}

/* Only after sendmmsg(), when all that this call reserved was either sent or refunded. */
static void credit_settle(struct udp_port *u, int n)
{
	for (int i = 0; i < n; i++)
		if (u->tx[i].credit)
			STORE(&u->tx[i].peer->self->pending[u->tx[i].slot], 0);
}

static void credit_release(struct udp_port *u, uint64_t bytes)
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

/* Does this address take credit before it sends to us? */
static bool src_is_sender(struct udp_port *u, const struct dp_ip *ip)
{
	uint32_t epoch = LOAD(&u->node->senders_epoch), i = ip_hash(ip) % SRC_CACHE;

	if (epoch != u->src_epoch) {
		memset(u->src, 0, sizeof(u->src));
		u->src_epoch = epoch;
	}
	if (!u->src[i].set || !dp_ip_eq(&u->src[i].ip, ip)) {
		u->src[i].set = true;
		u->src[i].ip = *ip;
		u->src[i].sender = false;
		for (uint32_t k = 0; k < DP_NODE_SENDERS && !u->src[i].sender; k++)
			u->src[i].sender = memcmp(dp_node_sender(u->node, k)->ip, ip->b, 16) == 0;
	}
	return u->src[i].sender;
}

/* First half of looking for a leak, before the socket is found empty: what must be accounted for by then. */
static bool heal_begin(struct udp_port *u, uint64_t *claimed)
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
	for (uint32_t k = 0; k < DP_NODE_SENDERS; k++)
		pending += LOAD(&dp_node_sender(u->node, k)->pending[u->slot_index]);
	*claimed -= pending;
	return true;
}

/*
 * Second half, the socket was empty. One look may be mistaken about a packet that the kernel still carries from
 * sendmsg() to our queue, so the smallest of several looks over HEAL_PS counts.
 */
static void heal_end(struct udp_port *u, uint64_t claimed)
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
	credit_release(u, u->heal_min);
	s->heals++;
	s->healed_bytes += u->heal_min;
	u->more.rx_heals++;
	u->more.rx_healed_bytes += u->heal_min;
	u->heal_first_ps = 0;
}

/* ---- transmit ---- */

static bool frame_v6(const struct dp_frame *f)
{
	return f->l3[0] >> 4 == 6;
}

static void frame_dst(const struct dp_frame *f, struct dp_ip *ip)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (frame_v6(f)) {
		memcpy(ip->b, f->l3 + 24, 16);
	} else {
		memcpy(ip->b, prefix, 12);
		memcpy(ip->b + 12, f->l3 + 16, 4);
	}
}

static uint8_t frame_tos(const struct dp_frame *f)
{
	return frame_v6(f) ? (uint8_t)(f->l3[0] << 4 | f->l3[1] >> 4) : f->l3[1];
}

static uint8_t frame_ttl(const struct dp_frame *f)
{
	return frame_v6(f) ? f->l3[7] : f->l3[8];
}

/* The top byte of the destination QPN chooses the receiving socket; one it does not have, slot 0. */
static uint32_t frame_slot(const struct dp_frame *f, uint32_t nslots)
{
	uint32_t slot = f->len >= 8 ? f->data[5] : 0;

	return slot < nslots ? slot : 0;
}

/* May b follow a in one message? Same addresses, TOS and TTL, same destination QPN, same length until the last. */
static bool frame_joins(const struct dp_frame *first, const struct dp_frame *prev, const struct dp_frame *f)
{
	if (f->l3_len != first->l3_len || prev->len != first->len || f->len > first->len || f->len < 8 ||
	    first->len < 8)
		return false;
	if (memcmp(f->data + 5, first->data + 5, 3) != 0 || memcmp(f->l3 + f->l3_len - 6, first->l3 + f->l3_len - 6, 2))
		return false;
	if (frame_v6(f))
		return frame_v6(first) && memcmp(f->l3, first->l3, 4) == 0 && memcmp(f->l3 + 7, first->l3 + 7, 33) == 0;
	return !frame_v6(first) && f->l3[1] == first->l3[1] && f->l3[8] == first->l3[8] &&
	       memcmp(f->l3 + 12, first->l3 + 12, 8) == 0;
}

static uint32_t batch_max(struct udp_port *u, const struct dp_frame *f)
{
	struct dp_ip ip;
	struct udp_peer *p;
	uint64_t limit;

	frame_dst(f, &ip);
	p = peer_find(u, &ip);
	if (!p)
		return TX_BATCH_MAX;
	/* Three batches in a receive buffer: one being read, one queued, one being sent. */
	limit = LOAD(&dp_node_slot(p->hdr, frame_slot(f, p->nslots))->limit) / 3;
	limit = limit > 4096 ? limit - 1280 - p->hdr->credit_extra : limit;
	return limit < TX_BATCH_MAX ? (uint32_t)limit : TX_BATCH_MAX;
}

static void udp_prepare(struct dp_port *port, struct dp_frame **v, int n)
{
	struct udp_port *u = udp_of(port);
	uint32_t bytes = 0, max = 0, seg = 0;
	struct dp_frame *first = NULL;

	for (int i = 0; i < n; i++) {
		struct dp_frame *f = v[i];
		bool follows = first && u->gso && seg < TX_SEGS && bytes + f->len <= max && frame_joins(first, v[i - 1], f);

		if (follows) {
			f->flags |= DP_FRAME_BATCH;
		} else {
			f->flags &= (uint16_t)~DP_FRAME_BATCH;
			first = f;
			seg = 0;
			bytes = 0;
			max = batch_max(u, f);
		}
		if (!frame_v6(f)) {
			dp_put_be16(f->l3 + 4, (uint16_t)seg);
			dp_put_be16(f->l3 + 6, 0x4000); /* DF */
		}
		if (f->l3_len >= 28)
			dp_put_be16(f->l3 + f->l3_len - 8, u->lport);
		seg++;
		bytes += f->len;
	}
}

/* Frames from v[0] on that make one message: those that prepare() put together, if they still are. */
static int message_frames(const struct udp_port *u, struct dp_frame **v, int n)
{
	uint32_t bytes = v[0]->len;
	int k = 1;

	while (k < n && k < TX_SEGS && u->gso && v[k]->flags & DP_FRAME_BATCH && bytes + v[k]->len <= TX_BATCH_MAX &&
	       frame_joins(v[0], v[k - 1], v[k]) && (frame_v6(v[k]) || dp_get_be16(v[k]->l3 + 4) == k))
		bytes += v[k++]->len;
	return k;
}

static void ctl_add(struct msghdr *h, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)h->msg_control + h->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	h->msg_controllen += CMSG_SPACE(len);
}

static void message_build(struct udp_port *u, int m, struct dp_frame **v, int n, int *niov)
{
	struct msghdr *h = &u->tx_hdr[m].msg_hdr;
	struct dp_frame *f = v[0];
	int tos = frame_tos(f), ttl = frame_ttl(f);

	memset(&u->tx_addr[m], 0, sizeof(struct sockaddr_in6));
	if (frame_v6(f)) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)&u->tx_addr[m];

		a->sin6_family = AF_INET6;
		memcpy(&a->sin6_port, f->l3 + f->l3_len - 6, 2);
		memcpy(&a->sin6_addr, f->l3 + 24, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&a->sin6_addr))
			a->sin6_scope_id = u->scope_id;
		h->msg_namelen = sizeof(*a);
	} else {
		struct sockaddr_in *a = (struct sockaddr_in *)&u->tx_addr[m];

		a->sin_family = AF_INET;
		memcpy(&a->sin_port, f->l3 + f->l3_len - 6, 2);
		memcpy(&a->sin_addr, f->l3 + 16, 4);
		h->msg_namelen = sizeof(*a);
	}
	h->msg_name = &u->tx_addr[m];
	h->msg_iov = &u->tx_iov[*niov];
	for (int i = 0; i < n; i++) {
		struct iovec *last = i ? &u->tx_iov[*niov - 1] : NULL;

		if (last && (uint8_t *)last->iov_base + last->iov_len == v[i]->data) {
			last->iov_len += v[i]->len;
		} else {
			u->tx_iov[*niov].iov_base = v[i]->data;
			u->tx_iov[(*niov)++].iov_len = v[i]->len;
		}
	}
	h->msg_iovlen = (size_t)(&u->tx_iov[*niov] - h->msg_iov);
	h->msg_control = u->tx_ctl[m];
	h->msg_controllen = 0;
	h->msg_flags = 0;
	if (n > 1) {
		uint16_t seg = (uint16_t)f->len;

		ctl_add(h, SOL_UDP, UDP_SEGMENT, &seg, sizeof(seg));
	}
	if (tos)
		ctl_add(h, u->v6 ? IPPROTO_IPV6 : IPPROTO_IP, u->v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	if (ttl && ttl != 64)
		ctl_add(h, u->v6 ? IPPROTO_IPV6 : IPPROTO_IP, u->v6 ? IPV6_HOPLIMIT : IP_TTL, &ttl, sizeof(ttl));
	if (!h->msg_controllen)
		h->msg_control = NULL;
}

enum verdict { SEND, WAIT, DROP };

/* Takes the credit for a message, or says that it has to wait or that its receiver has stopped reading. */
static enum verdict message_credit(struct udp_port *u, struct tx_msg *m, const struct dp_frame *f)
{
	struct udp_peer *p;
	struct stall *st;
	uint64_t released;
	struct dp_ip ip;

	m->peer = NULL;
	m->credit = 0;
	frame_dst(f, &ip);
	p = peer_find(u, &ip);
	if (!p)
		return SEND;
	m->slot = frame_slot(f, p->nslots);
	m->credit = dp_credit_estimate(m->bytes, (uint32_t)m->frames, p->hdr->credit_extra);
	st = &p->stall[m->slot];
	if (credit_take(p, m->slot, m->credit) == 0) {
		m->peer = p;
		st->since_ps = st->probe_ps = 0;
		return SEND;
	}
	m->credit = 0;
	released = LOAD(&dp_node_slot(p->hdr, m->slot)->released);
	if (!st->since_ps || st->released != released) {
		st->since_ps = DP_MAX(u->now_ps, 1);
		st->released = released;
		st->probe_ps = 0;
	}
	if (!st->probe_ps && u->now_ps - st->since_ps < STALL_PS)
		return WAIT;
	if (u->now_ps >= st->probe_ps) {
		st->probe_ps = dp_add_ps(u->now_ps, PROBE_PS);
		u->more.tx_uncredited++;
		return SEND;
	}
	return DROP;
}

/*
 * Sends messages 0 to n-1; a message that the kernel refuses for good is gone and counted. Returns how many are
 * done with; fewer than n: the socket's send buffer is full.
 */
static int messages_send(struct udp_port *u, int n)
{
	int done = 0;

	while (done < n) {
		int sent = sendmmsg(u->fd, &u->tx_hdr[done], (unsigned)(n - done), MSG_DONTWAIT | MSG_NOSIGNAL);
		struct tx_msg *m = &u->tx[done];

		for (int i = 0; i < sent; i++, m++) {
			u->port.stats.tx_frames += (uint64_t)m->frames;
			u->port.stats.tx_bytes += m->bytes + (uint64_t)m->frames * (u->v6 ? 48 : 28);
			u->more.tx_messages++;
		}
		if (sent > 0) {
			done += sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			break;
		/* EIO: the device cannot compute the checksums that segmentation needs. Later runs go singly. */
		if (errno == EIO && m->frames > 1)
			u->gso = false;
		u->port.stats.tx_errors += (uint64_t)m->frames;
		credit_refund(m);
		/* Its pending word is still cleared below: credit_settle() needs the peer. */
		done++;
	}
	return done;
}

static int udp_tx(struct dp_port *port, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct udp_port *u = udp_of(port);
	int taken = 0;
	bool wait = false;

	u->now_ps = now_ps;
	while (taken < n && !wait) {
		struct udp_peer *held[TX_MSGS];
		int next = taken, nmsg = 0, niov = 0, done;

		while (next < n && nmsg < TX_MSGS) {
			struct tx_msg *m = &u->tx[nmsg];
			enum verdict verdict;

			if (frame_v6(v[next]) != u->v6 || v[next]->l3_len < 28) {
				if (nmsg)
					break;
				port->stats.tx_errors++;
				taken = ++next;
				continue;
			}
			m->first = next;
			m->frames = message_frames(u, &v[next], n - next);
			if (niov + m->frames > TX_IOV)
				break;
			m->bytes = 0;
			for (int i = 0; i < m->frames; i++)
				m->bytes += v[next + i]->len;
			verdict = message_credit(u, m, v[next]);
			if (verdict == WAIT) {
				wait = true;
				u->more.tx_credit_waits++;
				break;
			}
			if (verdict == DROP) {
				/* In order: frames before it are sent first, so that `taken` stays a prefix. */
				if (nmsg)
					break;
				port->stats.tx_errors += (uint64_t)m->frames;
				u->more.tx_stalled += (uint64_t)m->frames;
				taken = next += m->frames;
				continue;
			}
			held[nmsg] = m->peer;
			message_build(u, nmsg, &v[next], m->frames, &niov);
			next += m->frames;
			nmsg++;
		}
		if (!nmsg)
			continue;
		done = messages_send(u, nmsg);
		for (int i = done; i < nmsg; i++)
			credit_refund(&u->tx[i]);
		for (int i = 0; i < nmsg; i++)
			u->tx[i].peer = held[i];
		credit_settle(u, nmsg);
		taken = done < nmsg ? u->tx[done].first : next;
		if (done < nmsg)
			wait = true;
		else if (done)
			u->backoff_ps = 0;
	}
	u->retry_ps = DP_NEVER;
	if (wait) {
		port->stats.tx_busy++;
		u->backoff_ps = u->backoff_ps ? DP_MIN(2 * u->backoff_ps, RETRY_MAX_PS) : RETRY_MIN_PS;
		u->retry_ps = dp_add_ps(now_ps, u->backoff_ps);
	}
	return taken;
}

/* ---- receive ---- */

static uint16_t l3_checksum(const uint8_t *p)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += dp_get_be16(p + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void count_drops(struct udp_port *u, uint32_t drops)
{
	u->port.stats.rx_overflow += (uint32_t)(drops - u->drops);
	u->drops = drops;
}

/* The headers of a received message, as far as they are the same for all of its datagrams. False: not for us. */
static bool message_open(struct udp_port *u, int i, struct dp_ip *src, uint16_t *sport)
{
	struct msghdr *h = &u->rx_hdr[i].msg_hdr;
	struct rx_msg *m = &u->rx[i];
	uint8_t dst[16], tos = 0, ttl = 64;
	uint32_t drops;
	int value;

	memcpy(dst, u->local.b, 16);
	m->len = u->rx_hdr[i].msg_len;
	m->seg = 0;
	m->ttl_known = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			m->seg = value > 0 ? (uint32_t)value : 0;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&drops, CMSG_DATA(c), sizeof(drops));
			count_drops(u, drops);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(dst + 12, CMSG_DATA(c) + offsetof(struct in_pktinfo, ipi_addr), 4);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			tos = *CMSG_DATA(c);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(dst, CMSG_DATA(c) + offsetof(struct in6_pktinfo, ipi6_addr), 16);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			tos = (uint8_t)value;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			ttl = (uint8_t)value;
			m->ttl_known = true;
		}
	}
	memset(m->l3, 0, sizeof(m->l3));
	if (u->v6) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)&u->rx_addr[i];

		m->l3_len = 48;
		m->l3[0] = (uint8_t)(0x60 | tos >> 4);
		m->l3[1] = (uint8_t)(tos << 4);
		m->l3[6] = IPPROTO_UDP;
		m->l3[7] = ttl;
		memcpy(m->l3 + 8, &a->sin6_addr, 16);
		memcpy(m->l3 + 24, dst, 16);
		memcpy(src->b, &a->sin6_addr, 16);
		*sport = ntohs(a->sin6_port);
	} else {
		struct sockaddr_in *a = (struct sockaddr_in *)&u->rx_addr[i];

		m->l3_len = 28;
		m->l3[0] = 0x45;
		m->l3[1] = tos;
		dp_put_be16(m->l3 + 6, 0x4000);
		m->l3[8] = ttl;
		m->l3[9] = IPPROTO_UDP;
		memcpy(m->l3 + 12, &a->sin_addr, 4);
		memcpy(m->l3 + 16, dst + 12, 4);
		*src = u->local; /* ::ffff: */
		memcpy(src->b + 12, &a->sin_addr, 4);
		*sport = ntohs(a->sin_port);
	}
	dp_put_be16(m->l3 + m->l3_len - 8, *sport);
	dp_put_be16(m->l3 + m->l3_len - 6, u->lport);
	return true;
}

/* Reads messages from the socket and gives their credit back. Returns how many; 0: empty. */
static int messages_read(struct udp_port *u)
{
	socklen_t name = u->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	uint64_t claimed = 0, credit = 0;
	bool healing = heal_begin(u, &claimed);
	int n;

	for (int i = 0; i < RX_MSGS; i++) {
		struct msghdr *h = &u->rx_hdr[i].msg_hdr;

		h->msg_namelen = name;
		h->msg_controllen = sizeof(u->rx_ctl[i]);
		h->msg_flags = 0;
	}
	do
		n = recvmmsg(u->fd, u->rx_hdr, RX_MSGS, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		if (healing && n < 0 && errno == EAGAIN)
			heal_end(u, claimed);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		struct rx_msg *m = &u->rx[i];
		struct dp_ip src;
		uint16_t sport;

		message_open(u, i, &src, &sport);
		u->more.rx_messages++;
		if (u->slot && sport == u->lport && src_is_sender(u, &src)) {
			uint32_t segs = m->seg && m->len > m->seg ? (m->len + m->seg - 1) / m->seg : 1;

			credit += dp_credit_estimate(m->len, segs, u->node->credit_extra);
		}
		if (u->rx_hdr[i].msg_hdr.msg_flags & MSG_TRUNC) {
			u->port.stats.rx_truncated++;
			m->len = 0;
		}
	}
	if (credit)
		credit_release(u, credit);
	return n;
}

static void frame_fill(struct udp_port *u, struct dp_frame *f, const struct rx_msg *m, uint32_t off, uint32_t len,
		       uint16_t id)
{
	memcpy(f->l3, m->l3, sizeof(f->l3));
	f->data = m->buf + off;
	f->len = f->cap = len;
	f->l3_len = m->l3_len;
	f->flags = m->ttl_known ? DP_FRAME_TTL_KNOWN : 0;
	f->prio = 0;
	f->port = 0;
	f->ts_ps = u->now_ps;
	dp_put_be16(f->l3 + m->l3_len - 4, (uint16_t)(len + 8));
	if (u->v6) {
		dp_put_be16(f->l3 + 4, (uint16_t)(len + 8));
	} else {
		dp_put_be16(f->l3 + 2, (uint16_t)(len + 28));
		dp_put_be16(f->l3 + 4, id);
		dp_put_be16(f->l3 + 10, l3_checksum(f->l3));
	}
}

static int udp_rx(struct dp_port *port, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct udp_port *u = udp_of(port);
	int got = 0;

	u->now_ps = now_ps;
	n = DP_MIN(n, RX_FRAMES);
	if (u->rx_i == u->rx_n && n > 0) {
		u->rx_n = messages_read(u);
		u->rx_i = 0;
		u->rx_off = u->rx_seg = 0;
	}
	while (got < n && u->rx_i < u->rx_n) {
		struct rx_msg *m = &u->rx[u->rx_i];
		uint32_t left = m->len - u->rx_off, len = m->seg ? DP_MIN(left, m->seg) : left;

		if (len > DP_FRAME_DATA_MAX) {
			port->stats.rx_truncated++;
		} else if (len) {
			frame_fill(u, &u->rx_frames[got], m, u->rx_off, len, (uint16_t)u->rx_seg);
			v[got] = &u->rx_frames[got];
			port->stats.rx_frames++;
			port->stats.rx_bytes += len + m->l3_len;
			got++;
		} else if (!m->len && !(u->rx_hdr[u->rx_i].msg_hdr.msg_flags & MSG_TRUNC)) {
			port->stats.rx_invalid++; /* a UDP datagram without data */
		}
		u->rx_off += len;
		u->rx_seg++;
		if (u->rx_off >= m->len) {
			u->rx_i++;
			u->rx_off = u->rx_seg = 0;
		}
	}
	return got;
}

/* ---- the rest of the port ---- */

static int udp_fd(struct dp_port *port)
{
	return udp_of(port)->fd;
}

static uint64_t udp_next_ps(struct dp_port *port)
{
	struct udp_port *u = udp_of(port);
	uint64_t next = u->retry_ps;

	if (u->rx_i < u->rx_n)
		return 0; /* frames of the last recvmmsg() that no rx() has asked for */
	/* Somebody's credit is out though the queue was empty: look again whether it is a leak. */
	if (u->slot && u->heal_next_ps && (int64_t)(LOAD(&u->slot->reserved) - LOAD(&u->slot->refunded) - u->slot->released) > 0)
		next = DP_MIN(next, u->heal_next_ps);
	return next;
}

static void udp_tick(struct dp_port *port, uint64_t now_ps)
{
	struct udp_port *u = udp_of(port);

	u->now_ps = now_ps;
}

static void udp_free(struct dp_port *port)
{
	struct udp_port *u = udp_of(port);

	for (uint32_t i = 0; i < u->peer_cap; i++)
		free(u->peers[i].stall);
	free(u->peers);
	free(u->rx_mem);
	free(u);
}

static const struct dp_port_ops udp_ops = {
	.name = "udp",
	.prepare = udp_prepare,
	.tx = udp_tx,
	.rx = udp_rx,
	.fd = udp_fd,
	.next_ps = udp_next_ps,
	.tick = udp_tick,
	.free = udp_free,
};

static int set_options(struct udp_port *u)
{
	static const struct {
		int level, name, value;
	} v4[] = {
		{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO}, {IPPROTO_IP, IP_PKTINFO, 1}, {IPPROTO_IP, IP_RECVTOS, 1},
		{IPPROTO_IP, IP_RECVTTL, 1},		       {IPPROTO_IP, IP_TTL, 64},    {SOL_SOCKET, SO_RXQ_OVFL, 1},
	}, v6[] = {
		{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO},
		{IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
		{IPPROTO_IPV6, IPV6_RECVTCLASS, 1},
		{IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1},
		{IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64},
		{SOL_SOCKET, SO_RXQ_OVFL, 1},
	};
	int one = 1, value = 0;
	socklen_t len = sizeof(value);

	_Static_assert(DP_ARRAY_SIZE(v4) == DP_ARRAY_SIZE(v6), "one loop");
	for (size_t i = 0; i < DP_ARRAY_SIZE(v4); i++)
		if (setsockopt(u->fd, u->v6 ? v6[i].level : v4[i].level, u->v6 ? v6[i].name : v4[i].name,
			       u->v6 ? &v6[i].value : &v4[i].value, sizeof(int)) < 0)
			return -errno;
	/* Kernels before 5.0 have neither; then every datagram travels alone. */
	setsockopt(u->fd, SOL_UDP, UDP_GRO, &one, sizeof(one));
	u->gso = getsockopt(u->fd, SOL_UDP, UDP_SEGMENT, &value, &len) == 0;
	return 0;
}

static uint32_t socket_drops(int fd)
{
	uint32_t info[MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
		return 0;
	return info[MEMINFO_DROPS];
}

/* Address and port that the socket is bound to. */
static int learn_local(struct udp_port *u)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	int type;

	if (getsockname(u->fd, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	len = sizeof(type);
	if (getsockopt(u->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return -errno;
	if (type != SOCK_DGRAM || (a.ss_family != AF_INET && a.ss_family != AF_INET6))
		return -EINVAL;
	u->v6 = a.ss_family == AF_INET6;
	if (u->v6) {
		struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&a;

		u->lport = ntohs(a6->sin6_port);
		u->scope_id = a6->sin6_scope_id;
		memcpy(u->local.b, &a6->sin6_addr, 16);
	} else {
		struct sockaddr_in *a4 = (struct sockaddr_in *)&a;

		u->lport = ntohs(a4->sin_port);
		memcpy(u->local.b, prefix, 12);
		memcpy(u->local.b + 12, &a4->sin_addr, 4);
	}
	return u->lport ? 0 : -EINVAL;
}

struct dp_port *dp_port_udp_new(int fd)
{
	struct udp_port *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return NULL;
	u->fd = fd;
	u->retry_ps = DP_NEVER;
	err = learn_local(u);
	if (!err)
		err = set_options(u);
	if (!err) {
		u->rx_mem = malloc((size_t)RX_MSGS * RX_BUF);
		err = u->rx_mem ? 0 : -ENOMEM;
	}
	if (err) {
		free(u);
		errno = -err;
		return NULL;
	}
	for (int i = 0; i < RX_MSGS; i++) {
		u->rx[i].buf = u->rx_mem + (size_t)i * RX_BUF;
		u->rx_iov[i].iov_base = u->rx[i].buf;
		u->rx_iov[i].iov_len = RX_BUF;
		u->rx_hdr[i].msg_hdr = (struct msghdr){
			.msg_name = &u->rx_addr[i],
			.msg_iov = &u->rx_iov[i],
			.msg_iovlen = 1,
			.msg_control = u->rx_ctl[i],
		};
	}
	u->drops = socket_drops(fd);
	u->port.ops = &udp_ops;
	u->port.sport = u->lport;
	u->port.mtu = DP_FRAME_DATA_MAX + DP_L3_MAX;
	return &u->port;
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

void dp_port_udp_get_stats(const struct dp_port *port, struct dp_port_udp_stats *out)
{
	*out = udp_of(port)->more;
}

void dp_port_udp_publish(struct dp_port *port)
{
	struct udp_port *u = udp_of(port);

	count_drops(u, socket_drops(u->fd));
	if (u->slot)
		memcpy(u->slot->port_stats, &port->stats, sizeof(port->stats));
}
