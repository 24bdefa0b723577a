/*
 * UDP socket port, see port_udp.h. Theory of operation:
 *
 *   tx    prepare() plans which frames make a message; each message takes credit, then one sendmmsg() sends all.
 *         A message without credit ends the call: the caller may go on with frames to others, and tries this
 *         one again at next_ps(), 20 us later, doubling to 500 us. (Mostly an ACK of the receiver wakes the caller earlier, and waking a sender of another process
 *         would need a descriptor of each of them.) A receiver that frees nothing for a second has stopped: its
 *         packets are dropped, so that it does not hold up those to others, except for one message every 100 ms
 *         that goes out without credit and wakes it if only a leak was in the way.
 *   rx    recvmmsg() into a few buffers of 64 KB, credit released at once, then cut into frames; what rx()
 *         was not asked for stays for its next call.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "datapath/csrc/port_udp_int.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#define MEMINFO_DROPS 8 /* index into SO_MEMINFO's answer */
#define MEMINFO_VARS  9

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

/* The headers of a received message, as far as they are the same for all of its datagrams. */
static void message_open(struct udp_port *u, int i, struct dp_ip *src, uint16_t *sport)
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
}

/* Reads messages from the socket and gives their credit back. Returns how many; 0: empty. */
static int messages_read(struct udp_port *u)
{
	socklen_t name = u->v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	uint64_t claimed = 0, credit = 0;
	bool healing = dp_udp_heal_begin(u, &claimed);
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
			dp_udp_heal_end(u, claimed);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		struct rx_msg *m = &u->rx[i];
		struct dp_ip src;
		uint16_t sport;

		message_open(u, i, &src, &sport);
		u->more.rx_messages++;
		if (u->slot && sport == u->lport && dp_udp_src_is_sender(u, &src)) {
			uint32_t segs = m->seg && m->len > m->seg ? (m->len + m->seg - 1) / m->seg : 1;

			credit += dp_credit_estimate(m->len, segs, u->node->credit_extra);
		}
		if (u->rx_hdr[i].msg_hdr.msg_flags & MSG_TRUNC) {
			u->port.stats.rx_truncated++;
			m->len = 0;
		}
	}
	if (credit)
		dp_udp_credit_release(u, credit);
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
	port->rx_empty = u->rx_i == u->rx_n && u->rx_n < RX_MSGS && !u->ngroups;
	return got + (u->ngroups ? dp_udp_groups_rx(u, v + got, n - got, now_ps) : 0);
}

static int udp_fd(struct dp_port *port)
{
	struct udp_port *u = udp_of(port);
	int groups = LOAD(&u->group_epoll);

	return groups >= 0 ? groups : u->fd;
}

static uint64_t udp_next_ps(struct dp_port *port)
{
	struct udp_port *u = udp_of(port);
	uint64_t next = u->retry_ps;

	if (u->rx_i < u->rx_n)
		return 0; /* frames of the last recvmmsg() that no rx() has asked for */
	/* Somebody's credit is out though the queue was empty: look again whether it is a leak. */
	if (u->slot && u->heal_next_ps &&
	    (int64_t)(LOAD(&u->slot->reserved) - LOAD(&u->slot->refunded) - u->slot->released) > 0)
		next = DP_MIN(next, u->heal_next_ps);
	return u->ngroups ? DP_MIN(next, dp_udp_groups_next_ps(u)) : next;
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
	dp_udp_groups_free(u);
	free(u->peers);
	free(u->rx_mem);
	free(u);
}

static const struct dp_port_ops udp_ops = {
	.name = "udp",
	.prepare = dp_udp_prepare,
	.tx = dp_udp_tx,
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
	} v4[] =
		{
			{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO},
			{IPPROTO_IP, IP_PKTINFO, 1},
			{IPPROTO_IP, IP_RECVTOS, 1},
			{IPPROTO_IP, IP_RECVTTL, 1},
			{IPPROTO_IP, IP_TTL, 64},
			{SOL_SOCKET, SO_RXQ_OVFL, 1},
		},
	  v6[] = {
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
	/* RoCEv2 over IPv6 may come without a UDP checksum, as from Linux's rxe: its ICRC covers more (RFC 6936). */
	if (u->v6 && setsockopt(u->fd, SOL_UDP, UDP_NO_CHECK6_RX, &one, sizeof(one)) < 0)
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

/*
 * The longest packet that the interface with our address takes. Ours are never fragmented, so a path MTU above it would
 * carry nothing. An address that no interface shows (all but the first of 127.0.0.0/8, or none) has no limit of its own.
 */
static uint32_t interface_mtu(const struct udp_port *u)
{
	uint32_t mtu = DP_FRAME_DATA_MAX + DP_L3_MAX;
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return mtu;
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct ifreq request = {0};

		if (!i->ifa_addr || i->ifa_addr->sa_family != (u->v6 ? AF_INET6 : AF_INET))
			continue;
		if (u->v6 ? memcmp(&((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr, u->local.b, 16)
			  : memcmp(&((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, u->local.b + 12, 4))
			continue;
		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", i->ifa_name);
		if (ioctl(u->fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0)
			mtu = DP_MIN(mtu, (uint32_t)request.ifr_mtu);
		break;
	}
	freeifaddrs(all);
	return mtu;
}

struct dp_port *dp_port_udp_new(int fd)
{
	struct udp_port *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return NULL;
	u->fd = fd;
	u->group_epoll = -1;
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
	u->port.by_destination = true;
	u->port.mtu = interface_mtu(u);
	return &u->port;
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
