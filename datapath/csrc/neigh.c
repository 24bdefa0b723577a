/* Neighbour table, ARP and neighbour discovery; states and rules are in neigh.h. */
#include <stdlib.h>

#include "datapath/csrc/neigh.h"
#include "datapath/csrc/wheel.h"

#define RETRY_PS     DP_SEC        /* RFC 4861, 10: RETRANS_TIMER */
#define TRIES        3             /* MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
#define REACHABLE_PS (30 * DP_SEC) /* REACHABLE_TIME */
#define FAILED_PS    DP_SEC
#define REPLIES_MAX  64
#define EVICT_LOOK   16 /* entries looked at for one that may go */

#define ETH_MIN   60 /* shortest frame, without FCS */
#define ARP_BYTES 28
#define IP6_BYTES 40
#define ND_BYTES  24 /* type, code, checksum, flags, target */

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_IPV6 = 0x86dd };
enum { ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { PROTO_ICMP6 = 58, ND_SOLICIT = 135, ND_ADVERT = 136, OPT_SOURCE_MAC = 1, OPT_TARGET_MAC = 2 };
enum { NA_SOLICITED = 0x40, NA_OVERRIDE = 0x20 };

enum state { INCOMPLETE, REACHABLE, STALE, PROBE, FAILED };

struct packet {
	struct packet *next;
	size_t len;
	uint8_t prio;
	uint8_t kind; /* enum packet_kind */
	uint8_t bytes[];
};

enum packet_kind { REQUEST, REPLY, WAITED };

struct queue {
	struct packet *first, **last;
};

struct entry {
	struct dp_ip ip;
	uint8_t mac[6];
	uint8_t state, tries;
	struct dp_timer timer;
	struct entry *next;          /* of the bucket, or of the free list */
	struct entry *newer, *older; /* by last use */
	struct queue waiting;
};

struct dp_neigh {
	struct dp_neigh_cfg cfg;
	struct dp_neigh_stats stats;
	struct dp_wheel wheel;
	struct queue out;
	uint32_t requests, replies; /* queued in out */
	uint32_t waiting;           /* frames, those in out included */
	uint32_t count, nbuckets;
	struct entry *newest, *oldest, *unused;
	struct entry **bucket, *pool;
};

static const uint8_t broadcast_mac[6] = {255, 255, 255, 255, 255, 255};
static const struct dp_ip unspecified;

/* --- addresses --- */

static bool is_group_mac(const uint8_t *mac)
{
	return mac[0] & 1;
}

static bool is_zero_mac(const uint8_t *mac)
{
	static const uint8_t zero[6];

	return memcmp(mac, zero, 6) == 0;
}

bool dp_ip_is_multicast(const struct dp_ip *ip)
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	if (dp_ip_is_v4(ip))
		return ip->b[12] >> 4 == 14 || memcmp(ip->b + 12, all, 4) == 0;
	return ip->b[0] == 0xff;
}

/* RFC 1112, 6.4; RFC 2464, 7. */
static void group_mac(const struct dp_ip *ip, uint8_t mac[6])
{
	if (!dp_ip_is_v4(ip)) {
		dp_put_be16(mac, 0x3333);
		memcpy(mac + 2, ip->b + 12, 4);
	} else if (ip->b[12] == 255) {
		memcpy(mac, broadcast_mac, 6);
	} else {
		dp_put_be24(mac, 0x01005e);
		dp_put_be24(mac + 3, dp_get_be24(ip->b + 13) & 0x7fffff);
	}
}

static struct dp_ip ip_of_v4(const uint8_t *v4)
{
	struct dp_ip ip = {{[10] = 255, [11] = 255}};

	memcpy(ip.b + 12, v4, 4);
	return ip;
}

static struct dp_ip ip_of_v6(const uint8_t *v6)
{
	struct dp_ip ip;

	memcpy(ip.b, v6, 16);
	return ip;
}

/* RFC 4291, 2.7.1. */
static struct dp_ip solicited_node(const struct dp_ip *ip)
{
	struct dp_ip group = {{0xff, 2, [11] = 1, [12] = 0xff}};

	memcpy(group.b + 13, ip->b + 13, 3);
	return group;
}

static bool is_link_local(const struct dp_ip *ip)
{
	return ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

bool dp_neigh_is_our_mac(const struct dp_neigh *n, const uint8_t mac[6])
{
	return is_group_mac(mac) || memcmp(mac, n->cfg.mac, 6) == 0;
}

bool dp_neigh_is_our_ip(const struct dp_neigh *n, const struct dp_ip *ip)
{
	uint32_t i;

	for (i = 0; i < n->cfg.nip; i++)
		if (dp_ip_eq(&n->cfg.ip[i], ip))
			return true;
	return false;
}

/* Our address to ask from: of the same family and, if there is one, the same scope. NULL: none of that family. */
static const struct dp_ip *our_ip_towards(const struct dp_neigh *n, const struct dp_ip *ip)
{
	const struct dp_ip *best = NULL;
	uint32_t i;

	for (i = 0; i < n->cfg.nip; i++) {
		if (dp_ip_is_v4(&n->cfg.ip[i]) != dp_ip_is_v4(ip))
			continue;
		if (is_link_local(&n->cfg.ip[i]) == is_link_local(ip))
			return &n->cfg.ip[i];
		best = best ? best : &n->cfg.ip[i];
	}
	return best;
}

/* --- packets and queues --- */

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_put(struct queue *q, struct packet *p)
{
	p->next = NULL;
	*q->last = p;
	q->last = &p->next;
}

static struct packet *queue_take(struct queue *q)
{
	struct packet *p = q->first;

	if (p) {
		q->first = p->next;
		if (!q->first)
			q->last = &q->first;
	}
	return p;
}

static struct packet *packet_new(size_t len, enum packet_kind kind, uint8_t prio)
{
	struct packet *p = calloc(1, sizeof(*p) + len);

	if (p) {
		p->len = len;
		p->kind = (uint8_t)kind;
		p->prio = prio;
	}
	return p;
}

/* A request or reply with its Ethernet header, queued for sending; NULL: no room. */
static uint8_t *control_frame(struct dp_neigh *n, enum packet_kind kind, size_t len, const uint8_t *dst, uint16_t type)
{
	struct packet *p = NULL;

	/* Whoever never drains the queue must not make it grow. A request that is not sent counts as an unanswered one. */
	if (kind == REPLY ? n->replies < REPLIES_MAX : n->requests < n->cfg.max_entries)
		p = packet_new(len, kind, 0);
	if (!p) {
		n->stats.reply_dropped += kind == REPLY;
		return NULL;
	}
	n->replies += kind == REPLY;
	n->requests += kind == REQUEST;
	n->stats.replies += kind == REPLY;
	n->stats.requests += kind == REQUEST;
	memcpy(p->bytes, dst, 6);
	memcpy(p->bytes + 6, n->cfg.mac, 6);
	dp_put_be16(p->bytes + 12, type);
	queue_put(&n->out, p);
	return p->bytes + DP_ETH_BYTES;
}

static void send_arp(struct dp_neigh *n, uint16_t op, const uint8_t *dst, const uint8_t *our_v4, const uint8_t *mac,
		     const uint8_t *v4)
{
	uint8_t *p = control_frame(n, op == ARP_REPLY ? REPLY : REQUEST, ETH_MIN, dst, ETHERTYPE_ARP);

	if (!p)
		return;
	dp_put_be16(p, 1); /* Ethernet */
	dp_put_be16(p + 2, ETHERTYPE_IPV4);
	p[4] = 6;
	p[5] = 4;
	dp_put_be16(p + 6, op);
	memcpy(p + 8, n->cfg.mac, 6);
	memcpy(p + 14, our_v4, 4);
	if (mac)
		memcpy(p + 18, mac, 6);
	memcpy(p + 24, v4, 4);
}

/* Sum of 16-bit words, not yet folded; an odd last byte counts as the upper one. */
static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (; len > 1; len -= 2, p += 2)
		sum += dp_get_be16(p);
	return len ? sum + (uint32_t)(*p << 8) : sum;
}

/* RFC 4443, 2.3; 0 for a message that holds its own valid checksum. */
static uint16_t icmp6_checksum(const uint8_t *addresses, const uint8_t *icmp, size_t len)
{
	uint32_t sum = sum16(addresses, 32, (uint32_t)len + PROTO_ICMP6);

	sum = sum16(icmp, len, sum);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void send_nd(struct dp_neigh *n, uint8_t type, const uint8_t *dst_mac, const struct dp_ip *src,
		    const struct dp_ip *dst, uint8_t flags, const struct dp_ip *target)
{
	size_t icmp_len = ND_BYTES + 8;
	uint8_t *p = control_frame(n, type == ND_ADVERT ? REPLY : REQUEST, DP_ETH_BYTES + IP6_BYTES + icmp_len, dst_mac,
				   ETHERTYPE_IPV6);
	uint8_t *icmp;

	if (!p)
		return;
	p[0] = 0x60;
	dp_put_be16(p + 4, (uint16_t)icmp_len);
	p[6] = PROTO_ICMP6;
	p[7] = 255;
	memcpy(p + 8, src->b, 16);
	memcpy(p + 24, dst->b, 16);
	icmp = p + IP6_BYTES;
	icmp[0] = type;
	icmp[4] = flags;
	memcpy(icmp + 8, target->b, 16);
	icmp[24] = type == ND_ADVERT ? OPT_TARGET_MAC : OPT_SOURCE_MAC;
	icmp[25] = 1;
	memcpy(icmp + 26, n->cfg.mac, 6);
	dp_put_be16(icmp + 2, icmp6_checksum(p + 8, icmp, icmp_len));
}

/* --- the table --- */

static struct entry **bucket_of(const struct dp_neigh *n, const struct dp_ip *ip)
{
	uint64_t h = (dp_get_be64(ip->b) * 0x9e3779b97f4a7c15ULL) ^ dp_get_be64(ip->b + 8);

	return &n->bucket[(h * 0xff51afd7ed558ccdULL) >> 32 & (n->nbuckets - 1)];
}

static struct entry *find(const struct dp_neigh *n, const struct dp_ip *ip)
{
	struct entry *e = *bucket_of(n, ip);

	while (e && !dp_ip_eq(&e->ip, ip))
		e = e->next;
	return e;
}

static void use_unlink(struct dp_neigh *n, struct entry *e)
{
	*(e->newer ? &e->newer->older : &n->newest) = e->older;
	*(e->older ? &e->older->newer : &n->oldest) = e->newer;
}

static void use_link(struct dp_neigh *n, struct entry *e)
{
	e->newer = NULL;
	e->older = n->newest;
	*(n->newest ? &n->newest->newer : &n->oldest) = e;
	n->newest = e;
}

static void drop_waiting(struct dp_neigh *n, struct entry *e)
{
	struct packet *p;

	while ((p = queue_take(&e->waiting))) {
		free(p);
		n->waiting--;
		n->stats.wait_dropped++;
	}
}

static void entry_remove(struct dp_neigh *n, struct entry *e)
{
	struct entry **at = bucket_of(n, &e->ip);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	drop_waiting(n, e);
	dp_wheel_disarm(&n->wheel, &e->timer);
	use_unlink(n, e);
	e->next = n->unused;
	n->unused = e;
	n->count--;
}

/* Makes room by forgetting the least recently used address, but none that is being asked for. */
static bool evict(struct dp_neigh *n)
{
	struct entry *e = n->oldest;
	int look;

	for (look = 0; e && look < EVICT_LOOK; look++, e = e->newer) {
		if (e->state != INCOMPLETE) {
			entry_remove(n, e);
			return true;
		}
	}
	return false;
}

static struct entry *entry_add(struct dp_neigh *n, const struct dp_ip *ip)
{
	struct entry *e, **bucket;

	if (!n->unused && !evict(n))
		return NULL;
	e = n->unused;
	n->unused = e->next;
	memset(e, 0, sizeof(*e));
	e->ip = *ip;
	queue_init(&e->waiting);
	bucket = bucket_of(n, ip);
	e->next = *bucket;
	*bucket = e;
	use_link(n, e);
	n->count++;
	return e;
}

static void ask(struct dp_neigh *n, struct entry *e, uint64_t now_ps)
{
	const struct dp_ip *src = our_ip_towards(n, &e->ip);
	const uint8_t *mac = e->state == PROBE ? e->mac : NULL; /* a probe goes to who had the address */
	uint8_t group[6];
	struct dp_ip dst;

	e->tries++;
	dp_wheel_arm(&n->wheel, &e->timer, dp_add_ps(now_ps, RETRY_PS));
	if (dp_ip_is_v4(&e->ip)) {
		send_arp(n, ARP_REQUEST, mac ? mac : broadcast_mac, src->b + 12, NULL, e->ip.b + 12);
		return;
	}
	dst = mac ? e->ip : solicited_node(&e->ip);
	group_mac(&dst, group);
	send_nd(n, ND_SOLICIT, mac ? mac : group, src, &dst, 0, &e->ip);
}

static void set_state(struct dp_neigh *n, struct entry *e, enum state state, uint64_t now_ps)
{
	e->state = (uint8_t)state;
	e->tries = 0;
	switch (state) {
	case REACHABLE:
		dp_wheel_arm(&n->wheel, &e->timer, dp_add_ps(now_ps, REACHABLE_PS));
		break;
	case FAILED:
		n->stats.failed++;
		drop_waiting(n, e);
		dp_wheel_arm(&n->wheel, &e->timer, dp_add_ps(now_ps, FAILED_PS));
		break;
	case STALE:
		dp_wheel_disarm(&n->wheel, &e->timer);
		break;
	default:
		ask(n, e, now_ps);
	}
}

static void release_waiting(struct dp_neigh *n, struct entry *e)
{
	struct packet *p;

	while ((p = queue_take(&e->waiting))) {
		memcpy(p->bytes, e->mac, 6);
		queue_put(&n->out, p);
	}
}

/*
 * What was heard about an address (RFC 4861, 7.2.5; ARP counts as overriding). mac NULL: the message names none.
 */
static void heard(struct dp_neigh *n, const struct dp_ip *ip, const uint8_t *mac, bool solicited, bool override,
		  uint64_t now_ps)
{
	struct entry *e = find(n, ip);
	bool known, same;

	if (!e) {
		n->stats.unknown++;
		return;
	}
	known = e->state != INCOMPLETE && e->state != FAILED;
	if (!known && !mac)
		return;
	same = known && (!mac || memcmp(e->mac, mac, 6) == 0);
	if (known && !same && !override) {
		if (e->state == REACHABLE)
			set_state(n, e, STALE, now_ps);
		return;
	}
	if (!same)
		memcpy(e->mac, mac, 6);
	if (solicited)
		set_state(n, e, REACHABLE, now_ps);
	else if (!same)
		set_state(n, e, STALE, now_ps);
	release_waiting(n, e);
}

/* --- receive --- */

static void rx_arp(struct dp_neigh *n, const uint8_t *frame, const uint8_t *p, size_t len, uint64_t now_ps)
{
	struct dp_ip sender, target;
	const uint8_t *mac = p + 8;
	uint16_t op;

	if (len < ARP_BYTES || dp_get_be16(p) != 1 || dp_get_be16(p + 2) != ETHERTYPE_IPV4 || p[4] != 6 || p[5] != 4) {
		n->stats.malformed++;
		return;
	}
	op = dp_get_be16(p + 6);
	sender = ip_of_v4(p + 14);
	target = ip_of_v4(p + 24);
	if ((op != ARP_REQUEST && op != ARP_REPLY) || is_group_mac(mac) || is_zero_mac(mac) ||
	    dp_ip_is_multicast(&sender)) {
		n->stats.malformed++;
		return;
	}
	if (memcmp(mac, n->cfg.mac, 6) == 0)
		return; /* our own, come back */
	if (dp_neigh_is_our_ip(n, &sender)) {
		n->stats.conflicts++;
		return;
	}
	if (op == ARP_REQUEST && dp_neigh_is_our_ip(n, &target))
		send_arp(n, ARP_REPLY, mac, target.b + 12, mac, p + 14);
	/* A request tells its sender's address as well, but one for us is no reason to count an unknown one. */
	if (op == ARP_REPLY || find(n, &sender))
		heard(n, &sender, mac, op == ARP_REPLY && !is_group_mac(frame) && dp_neigh_is_our_ip(n, &target), true,
		      now_ps);
}

/* The address in the option of that type. False: the options are malformed. */
static bool nd_option(const uint8_t *p, size_t len, uint8_t type, const uint8_t **mac)
{
	size_t opt_len;

	*mac = NULL;
	for (; len; p += opt_len, len -= opt_len) {
		/* RFC 4861, 4.6: a length of 0 discards the packet. */
		if (len < 8 || !p[1] || (size_t)p[1] * 8 > len)
			return false;
		opt_len = (size_t)p[1] * 8;
		if (p[0] == type && opt_len == 8 && !*mac)
			*mac = p + 2;
	}
	return !*mac || (!is_group_mac(*mac) && !is_zero_mac(*mac));
}

/* RFC 4861, 7.1.1 and 7.2.3, 7.2.4. */
static bool rx_solicit(struct dp_neigh *n, const struct dp_ip *src, const struct dp_ip *dst, const struct dp_ip *target,
		       const uint8_t *frame, const uint8_t *options, size_t len, uint64_t now_ps)
{
	static const struct dp_ip all_nodes = {{0xff, 2, [15] = 1}};
	struct dp_ip group = solicited_node(target);
	bool probe = dp_ip_eq(src, &unspecified);
	const uint8_t *mac;
	uint8_t to[6];

	if (!nd_option(options, len, OPT_SOURCE_MAC, &mac) || (probe && (mac || !dp_ip_eq(dst, &group))))
		return false;
	if (dp_neigh_is_our_ip(n, target)) {
		if (probe)
			group_mac(&all_nodes, to);
		else
			memcpy(to, mac ? mac : frame + 6, 6);
		send_nd(n, ND_ADVERT, to, target, probe ? &all_nodes : src, NA_OVERRIDE | (probe ? 0 : NA_SOLICITED),
			target);
	}
	if (mac && find(n, src))
		heard(n, src, mac, false, true, now_ps);
	return true;
}

/* RFC 4861, 7.1.2 and 7.2.5. */
static bool rx_advert(struct dp_neigh *n, const struct dp_ip *dst, const struct dp_ip *target, uint8_t flags,
		      const uint8_t *options, size_t len, uint64_t now_ps)
{
	const uint8_t *mac;

	if (!nd_option(options, len, OPT_TARGET_MAC, &mac) || (dp_ip_is_multicast(dst) && flags & NA_SOLICITED))
		return false;
	if (dp_neigh_is_our_ip(n, target))
		n->stats.conflicts++;
	else
		heard(n, target, mac, flags & NA_SOLICITED, flags & NA_OVERRIDE, now_ps);
	return true;
}

static bool rx_nd(struct dp_neigh *n, const uint8_t *frame, const uint8_t *p, size_t len, uint64_t now_ps)
{
	struct dp_ip src = ip_of_v6(p + 8), dst = ip_of_v6(p + 24), target;
	const uint8_t *icmp = p + IP6_BYTES;
	size_t icmp_len = dp_get_be16(p + 4);

	/* A hop limit of 255 proves that no router has passed it on: nobody off the link can speak here. */
	if (icmp_len > len - IP6_BYTES || icmp_len < ND_BYTES || p[7] != 255 || icmp[1] != 0)
		return false;
	if (icmp6_checksum(p + 8, icmp, icmp_len) != 0 || is_group_mac(frame + 6))
		return false;
	target = ip_of_v6(icmp + 8);
	/* A mapped IPv4 address would meet our entries for IPv4. */
	if (dp_ip_is_multicast(&target) || dp_ip_is_v4(&target) || dp_ip_is_multicast(&src) || dp_ip_is_v4(&src))
		return false;
	if (memcmp(frame + 6, n->cfg.mac, 6) == 0)
		return true;
	if (dp_neigh_is_our_ip(n, &src)) {
		n->stats.conflicts++;
		return true;
	}
	if (icmp[0] == ND_SOLICIT)
		return rx_solicit(n, &src, &dst, &target, frame, icmp + ND_BYTES, icmp_len - ND_BYTES, now_ps);
	return rx_advert(n, &dst, &target, icmp[4], icmp + ND_BYTES, icmp_len - ND_BYTES, now_ps);
}

bool dp_neigh_rx(struct dp_neigh *n, const uint8_t *frame, size_t len, uint64_t now_ps)
{
	const uint8_t *p = frame + DP_ETH_BYTES;
	uint16_t type;

	if (len < DP_ETH_BYTES)
		return false;
	len -= DP_ETH_BYTES;
	type = dp_get_be16(frame + 12);
	if (type == ETHERTYPE_ARP) {
		if (dp_neigh_is_our_mac(n, frame))
			rx_arp(n, frame, p, len, now_ps);
		return true;
	}
	if (type != ETHERTYPE_IPV6 || len < IP6_BYTES + 1 || p[0] >> 4 != 6 || p[6] != PROTO_ICMP6)
		return false;
	if (p[IP6_BYTES] != ND_SOLICIT && p[IP6_BYTES] != ND_ADVERT)
		return false;
	if (dp_neigh_is_our_mac(n, frame) && !rx_nd(n, frame, p, len, now_ps))
		n->stats.malformed++;
	return true;
}

/* --- calls --- */

enum dp_neigh_verdict dp_neigh_resolve(struct dp_neigh *n, const struct dp_ip *ip, uint8_t mac[6], uint64_t now_ps)
{
	struct entry *e;

	if (dp_ip_is_multicast(ip)) {
		group_mac(ip, mac);
		return DP_NEIGH_OK;
	}
	if (dp_neigh_is_our_ip(n, ip)) {
		memcpy(mac, n->cfg.mac, 6);
		return DP_NEIGH_OK;
	}
	e = find(n, ip);
	if (!e) {
		if (!our_ip_towards(n, ip) || dp_ip_eq(ip, &unspecified))
			return DP_NEIGH_FAILED;
		e = entry_add(n, ip);
		if (!e) {
			n->stats.table_full++;
			return DP_NEIGH_FAILED;
		}
		set_state(n, e, INCOMPLETE, now_ps);
	} else if (n->newest != e) {
		use_unlink(n, e);
		use_link(n, e);
	}
	if (e->state == INCOMPLETE)
		return DP_NEIGH_PENDING;
	if (e->state == FAILED)
		return DP_NEIGH_FAILED;
	if (e->state == STALE)
		set_state(n, e, PROBE, now_ps);
	memcpy(mac, e->mac, 6);
	return DP_NEIGH_OK;
}

uint8_t *dp_neigh_wait(struct dp_neigh *n, const struct dp_ip *ip, size_t len, uint8_t prio)
{
	struct entry *e = find(n, ip);
	struct packet *p = NULL;

	if (e && e->state == INCOMPLETE && n->waiting < n->cfg.max_waiting && len >= DP_ETH_BYTES && len <= UINT16_MAX)
		p = packet_new(len, WAITED, prio);
	if (!p) {
		n->stats.wait_dropped++;
		return NULL;
	}
	n->waiting++;
	queue_put(&e->waiting, p);
	return p->bytes;
}

const uint8_t *dp_neigh_peek(const struct dp_neigh *n, size_t *len, uint8_t *prio)
{
	if (!n->out.first)
		return NULL;
	*len = n->out.first->len;
	*prio = n->out.first->prio;
	return n->out.first->bytes;
}

void dp_neigh_pop(struct dp_neigh *n)
{
	struct packet *p = queue_take(&n->out);

	if (!p)
		return;
	n->replies -= p->kind == REPLY;
	n->requests -= p->kind == REQUEST;
	n->waiting -= p->kind == WAITED;
	free(p);
}

uint64_t dp_neigh_next_ps(const struct dp_neigh *n)
{
	return dp_wheel_next_ps(&n->wheel);
}

void dp_neigh_tick(struct dp_neigh *n, uint64_t now_ps)
{
	struct dp_timer *t;
	struct entry *e;

	while ((t = dp_wheel_pop(&n->wheel, now_ps))) {
		e = DP_CONTAINER_OF(t, struct entry, timer);
		if (e->state == REACHABLE)
			set_state(n, e, STALE, now_ps);
		else if (e->state == FAILED || (e->state == PROBE && e->tries == TRIES))
			entry_remove(n, e);
		else if (e->tries == TRIES)
			set_state(n, e, FAILED, now_ps);
		else
			ask(n, e, now_ps);
	}
}

const struct dp_neigh_stats *dp_neigh_get_stats(const struct dp_neigh *n)
{
	return &n->stats;
}

uint32_t dp_neigh_count(const struct dp_neigh *n)
{
	return n->count;
}

static bool cfg_ok(const struct dp_neigh_cfg *cfg)
{
	uint32_t i;

	if (!cfg || is_group_mac(cfg->mac) || is_zero_mac(cfg->mac) || !cfg->nip || cfg->nip > DP_NEIGH_IPS)
		return false;
	for (i = 0; i < cfg->nip; i++)
		if (dp_ip_is_multicast(&cfg->ip[i]) || dp_ip_eq(&cfg->ip[i], &unspecified))
			return false;
	return cfg->max_entries <= 1U << 20 && cfg->max_waiting <= 1U << 20;
}

struct dp_neigh *dp_neigh_new(const struct dp_neigh_cfg *cfg)
{
	struct dp_neigh *n;
	uint32_t i;

	if (!cfg_ok(cfg)) {
		errno = EINVAL;
		return NULL;
	}
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->cfg = *cfg;
	n->cfg.max_entries = cfg->max_entries ? cfg->max_entries : 1024;
	n->cfg.max_waiting = cfg->max_waiting ? cfg->max_waiting : 256;
	queue_init(&n->out);
	dp_wheel_init(&n->wheel, 0);
	n->nbuckets = 1;
	while (n->nbuckets < n->cfg.max_entries)
		n->nbuckets *= 2;
	n->bucket = calloc(n->nbuckets, sizeof(struct entry *));
	n->pool = calloc(n->cfg.max_entries, sizeof(*n->pool));
	if (!n->bucket || !n->pool) {
		dp_neigh_free(n);
		errno = ENOMEM;
		return NULL;
	}
	for (i = n->cfg.max_entries; i-- > 0;) {
		n->pool[i].next = n->unused;
		n->unused = &n->pool[i];
	}
	return n;
}

void dp_neigh_free(struct dp_neigh *n)
{
	if (!n)
		return;
	while (n->newest)
		entry_remove(n, n->newest);
	while (n->out.first)
		dp_neigh_pop(n);
	free(n->bucket);
	free(n->pool);
	free(n);
}
