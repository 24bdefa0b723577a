/* Sending half of the UDP port: frames to messages, messages to the socket. Theory of operation in port_udp.c. */
#include "datapath/csrc/port_udp_int.h"

#define RETRY_MIN_PS (20 * DP_US)
#define RETRY_MAX_PS (500 * DP_US)
#define STALL_PS     DP_SEC
#define PROBE_PS     (100 * DP_MS)

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
	const uint8_t *a = first->l3, *b = f->l3;

	if (f->l3_len != first->l3_len || prev->len != first->len || f->len > first->len || f->len < 8 ||
	    first->len < 8)
		return false;
	if (dp_get_be24(f->data + 5) != dp_get_be24(first->data + 5) ||
	    dp_get_be16(b + f->l3_len - 6) != dp_get_be16(a + f->l3_len - 6))
		return false;
	if (frame_v6(f))
		return frame_v6(first) && dp_get_be32(b) == dp_get_be32(a) && memcmp(b + 7, a + 7, 33) == 0;
	return !frame_v6(first) && b[1] == a[1] && b[8] == a[8] && dp_get_be64(b + 12) == dp_get_be64(a + 12);
}

static uint32_t batch_max(struct udp_port *u, const struct dp_frame *f)
{
	struct dp_ip ip;
	struct udp_peer *p;
	uint64_t limit;

	frame_dst(f, &ip);
	p = dp_udp_peer_find(u, &ip);
	if (!p)
		return TX_BATCH_MAX;
	/* Two batches in a receive buffer, one being read and one queued, and the short ones between them. */
	limit = LOAD(&dp_node_slot(p->hdr, frame_slot(f, p->nslots))->limit) * 2 / 5;
	limit = limit > 4096 ? limit - 1280 - p->hdr->credit_extra : limit;
	return limit < TX_BATCH_MAX ? (uint32_t)limit : TX_BATCH_MAX;
}

void dp_udp_prepare(struct dp_port *port, struct dp_frame **v, int n)
{
	struct udp_port *u = udp_of(port);
	uint32_t bytes = 0, max = 0, seg = 0;
	struct dp_frame *first = NULL;

	for (int i = 0; i < n; i++) {
		struct dp_frame *f = v[i];
		bool follows =
			first && u->gso && seg < TX_SEGS && bytes + f->len <= max && frame_joins(first, v[i - 1], f);

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

static void retry_at(struct udp_port *u, uint64_t when_ps)
{
	u->retry_ps = DP_MIN(u->retry_ps, when_ps);
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
	p = dp_udp_peer_find(u, &ip);
	if (!p)
		return SEND;
	m->slot = frame_slot(f, p->nslots);
	m->credit = dp_credit_estimate(m->bytes, (uint32_t)m->frames, p->hdr->credit_extra);
	st = &p->stall[m->slot];
	if (dp_udp_credit_take(p, m->slot, m->credit) == 0) {
		m->peer = p;
		memset(st, 0, sizeof(*st));
		return SEND;
	}
	m->credit = 0;
	released = LOAD(&dp_node_slot(p->hdr, m->slot)->released);
	if (!st->since_ps || st->released != released) {
		st->since_ps = DP_MAX(u->now_ps, 1);
		st->released = released;
		st->probe_ps = 0;
	}
	if (!st->probe_ps && u->now_ps - st->since_ps < STALL_PS) {
		if (u->now_ps >= st->retry_ps) {
			st->backoff_ps = st->backoff_ps ? DP_MIN(2 * st->backoff_ps, RETRY_MAX_PS) : RETRY_MIN_PS;
			st->retry_ps = dp_add_ps(u->now_ps, st->backoff_ps);
		}
		retry_at(u, st->retry_ps);
		return WAIT;
	}
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
		dp_udp_credit_refund(m);
		/* Its pending word is still cleared below: dp_udp_credit_settle() needs the peer. */
		done++;
	}
	return done;
}

int dp_udp_tx(struct dp_port *port, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct udp_port *u = udp_of(port);
	int taken = 0;
	bool wait = false;

	u->now_ps = now_ps;
	if (u->retry_ps <= now_ps)
		u->retry_ps = DP_NEVER; /* whoever still waits says so again */
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
			dp_udp_credit_refund(&u->tx[i]);
		for (int i = 0; i < nmsg; i++)
			u->tx[i].peer = held[i];
		dp_udp_credit_settle(u, nmsg);
		taken = done < nmsg ? u->tx[done].first : next;
		if (done < nmsg) {
			retry_at(u, dp_add_ps(now_ps, RETRY_MAX_PS)); /* or when the socket becomes writable */
			wait = true;
		}
	}
	port->stats.tx_busy += wait;
	return taken;
}
