/*
 * The AF_UNIX datagram port, see port_dgram.h. What the neighbour core wants to send (requests, replies, frames whose
 * address has just become known) goes before anything new, so that frames to one address keep their order.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "datapath/csrc/eth.h"
#include "datapath/csrc/pfc.h"
#include "datapath/csrc/port_dgram.h"

#define BATCH        32
#define SOCKET_BYTES (4 << 20)
/*
 * The receiver's queue was full. An unconnected datagram socket is always "writable", so poll() cannot tell when that
 * ends; and connecting would refuse a peer that has been restarted.
 */
#define RETRY_PS (20 * DP_US)

struct dgram_port {
	struct dp_port p;
	int fd;
	uint8_t mac[6];
	bool tag;
	uint16_t vlan_id;
	struct dp_neigh *neigh;
	struct sockaddr_un local, remote;
	uint64_t retry_ps; /* DP_NEVER: not blocked */
	uint64_t rate_bps;
	struct dp_pauses pauses;
	size_t rx_size;  /* of one buffer */
	uint8_t *rx_buf; /* BATCH of them */
	struct dp_frame rx_frame[BATCH];
};

static struct dgram_port *dgram_of(const struct dp_port *p)
{
	return DP_CONTAINER_OF(p, struct dgram_port, p);
}

/* --- transmit --- */

/* One frame in the parts that sendmsg takes. */
struct out {
	uint8_t eth[DP_ETH_BYTES + DP_ETH_TAG_BYTES];
	struct iovec iov[3];
};

/* The header (untagged, 14 bytes) into out, with the tag if the port tags. */
static void put_header(const struct dgram_port *d, struct out *o, const uint8_t *eth, uint8_t prio)
{
	if (d->tag) {
		dp_eth_tag(o->eth, eth, prio, d->vlan_id);
		memcpy(o->eth + 16, eth + 12, 2);
	} else {
		memcpy(o->eth, eth, DP_ETH_BYTES);
	}
	o->iov[0].iov_base = o->eth;
	o->iov[0].iov_len = DP_ETH_BYTES + (d->tag ? DP_ETH_TAG_BYTES : 0);
}

static void message(struct dgram_port *d, struct mmsghdr *m, struct out *o, size_t iovs)
{
	memset(m, 0, sizeof(*m));
	m->msg_hdr.msg_name = &d->remote;
	m->msg_hdr.msg_namelen = sizeof(d->remote);
	m->msg_hdr.msg_iov = o->iov;
	m->msg_hdr.msg_iovlen = iovs;
}

/* Sends n messages; lost ones count as sent. Fewer: the receiver is busy. */
static int send_messages(struct dgram_port *d, struct mmsghdr *m, int n, uint64_t now_ps)
{
	int done = 0, k;

	while (done < n) {
		k = sendmmsg(d->fd, m + done, (unsigned int)(n - done), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (k > 0) {
			done += k;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
			d->retry_ps = dp_add_ps(now_ps, RETRY_PS);
			return done;
		} else if (errno != EINTR) {
			/* ENOENT, ECONNREFUSED: nobody there (yet). As on a cable that is not plugged in. */
			d->p.stats.tx_errors++;
			done++;
		}
	}
	return done;
}

/* What the neighbour core has queued. False: the receiver is busy. */
static bool flush_neigh(struct dgram_port *d, uint64_t now_ps)
{
	const uint8_t *bytes;
	struct mmsghdr m;
	struct out o;
	uint8_t prio;
	size_t len;

	d->retry_ps = DP_NEVER;
	while ((bytes = dp_neigh_peek(d->neigh, &len, &prio))) {
		put_header(d, &o, bytes, prio);
		o.iov[1].iov_base = (void *)(uintptr_t)(bytes + DP_ETH_BYTES);
		o.iov[1].iov_len = len - DP_ETH_BYTES;
		message(d, &m, &o, 2);
		if (!send_messages(d, &m, 1, now_ps))
			return false;
		dp_neigh_pop(d->neigh);
	}
	return true;
}

static bool frame_ok(const struct dgram_port *d, const struct dp_frame *f)
{
	uint8_t version = f->l3[0] >> 4;

	return f->l3_len >= (version == 4 ? 20 : 40) && f->l3_len <= DP_L3_MAX && (version == 4 || version == 6) &&
	       dp_frame_bytes(f) <= d->p.mtu;
}

static void header_of(struct dgram_port *d, const struct dp_frame *f, uint8_t eth[DP_ETH_BYTES])
{
	memset(eth, 0, 6);
	memcpy(eth + 6, d->mac, 6);
	dp_put_be16(eth + 12, f->l3[0] >> 4 == 4 ? 0x0800 : 0x86dd);
}

/* Makes the message of a frame. False: it cannot be sent now. */
static bool frame_message(struct dgram_port *d, struct dp_frame *f, struct mmsghdr *m, struct out *o, uint64_t now_ps)
{
	uint8_t eth[DP_ETH_BYTES];
	struct dp_ip src, dst;

	if (!frame_ok(d, f))
		return false;
	dp_frame_addresses(f, &src, &dst);
	header_of(d, f, eth);
	if (dp_neigh_resolve(d->neigh, &dst, eth, now_ps) != DP_NEIGH_OK)
		return false;
	put_header(d, o, eth, f->prio);
	o->iov[1].iov_base = f->l3;
	o->iov[1].iov_len = f->l3_len;
	o->iov[2].iov_base = f->data;
	o->iov[2].iov_len = f->len;
	message(d, m, o, 3);
	return true;
}

/* What happens to a frame without a message: a copy waits for the address, or it is lost. */
static void wait_or_lose(struct dgram_port *d, const struct dp_frame *f, uint64_t now_ps)
{
	uint8_t eth[DP_ETH_BYTES];
	struct dp_ip src, dst;
	uint8_t mac[6], *p;

	if (!frame_ok(d, f)) {
		d->p.stats.tx_errors++;
		return;
	}
	dp_frame_addresses(f, &src, &dst);
	if (dp_neigh_resolve(d->neigh, &dst, mac, now_ps) != DP_NEIGH_PENDING) {
		d->p.stats.tx_errors++;
		return;
	}
	header_of(d, f, eth);
	p = dp_neigh_wait(d->neigh, &dst, DP_ETH_BYTES + dp_frame_bytes(f), f->prio);
	if (!p)
		return; /* counted there */
	memcpy(p, eth, DP_ETH_BYTES);
	memcpy(p + DP_ETH_BYTES, f->l3, f->l3_len);
	if (f->len)
		memcpy(p + DP_ETH_BYTES + f->l3_len, f->data, f->len);
}

static void count_tx(struct dgram_port *d, struct dp_frame **v, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		d->p.stats.tx_frames++;
		d->p.stats.tx_bytes += dp_frame_bytes(v[i]);
	}
}

static int dgram_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct dgram_port *d = dgram_of(p);
	struct mmsghdr m[BATCH];
	struct out o[BATCH];
	int from[BATCH]; /* message to frame */
	int done = 0, i, k, sent;

	while (done < n && flush_neigh(d, now_ps)) {
		for (i = done, k = 0; i < n && k < BATCH; i++) {
			if (frame_message(d, v[i], &m[k], &o[k], now_ps))
				from[k++] = i;
			else if (k)
				break; /* those before it may not all leave, and then it is given to us again */
			else
				wait_or_lose(d, v[i], now_ps);
		}
		sent = send_messages(d, m, k, now_ps);
		if (sent < k)
			i = from[sent];
		count_tx(d, v + done, i - done);
		done = i;
		if (sent < k)
			break;
	}
	if (done < n)
		p->stats.tx_busy++;
	else
		flush_neigh(d, now_ps); /* the requests that this call has made */
	return done;
}

/* --- receive --- */

/* A received datagram to the frame it holds. False: not a frame for the layer above. */
static bool take_in(struct dgram_port *d, uint8_t *bytes, size_t len, struct dp_frame *f, uint64_t now_ps)
{
	int tci = dp_eth_untag(&bytes, &len);
	struct dp_ip src, dst;
	struct dp_pfc pfc;

	/* Of the link, not of a VLAN: it has no tag. */
	if (d->rate_bps && tci < 0 && dp_pfc_parse(bytes, len, d->mac, &pfc) == DP_PFC_OK) {
		dp_pauses_add(&d->pauses, &pfc, d->rate_bps, now_ps);
		return false;
	}

	/* Tag or not, the VLAN must be ours; an untagged frame is in VLAN 0 with priority 0. */
	if (len < DP_ETH_BYTES || (tci < 0 ? 0 : tci & 0xfff) != d->vlan_id || !dp_neigh_is_our_mac(d->neigh, bytes))
		goto invalid;
	if (dp_neigh_rx(d->neigh, bytes, len, now_ps))
		return false;
	memset(f, 0, sizeof(*f));
	if (!dp_eth_parse_udp(bytes, len, f) || dp_frame_bytes(f) > d->p.mtu)
		goto invalid;
	dp_frame_addresses(f, &src, &dst);
	if (!dp_neigh_is_our_ip(d->neigh, &dst) && !dp_ip_is_multicast(&dst))
		goto invalid;
	f->prio = tci < 0 ? 0 : (uint8_t)(tci >> 13);
	f->ts_ps = now_ps;
	return true;
invalid:
	d->p.stats.rx_invalid++;
	return false;
}

static int receive(struct dgram_port *d, struct mmsghdr *m, struct iovec *iov, int first, int n)
{
	int i, got;

	memset(m, 0, (size_t)n * sizeof(*m));
	for (i = 0; i < n; i++) {
		iov[i].iov_base = d->rx_buf + (size_t)(first + i) * d->rx_size;
		iov[i].iov_len = d->rx_size;
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		got = recvmmsg(d->fd, m, (unsigned int)n, MSG_DONTWAIT, NULL);
	} while (got < 0 && errno == EINTR);
	return got;
}

static int dgram_rx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct dgram_port *d = dgram_of(p);
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	int got = 0, used = 0, i, k;

	/* A buffer each time, whatever was in it, so that the loop ends even if somebody floods us with noise. */
	n = DP_MIN(n, BATCH);
	while (got < n && used < BATCH) {
		k = receive(d, m, iov, used, DP_MIN(n - got, BATCH - used));
		if (k <= 0)
			break;
		for (i = 0; i < k; i++) {
			if (m[i].msg_hdr.msg_flags & MSG_TRUNC) {
				p->stats.rx_truncated++;
				continue;
			}
			if (!take_in(d, iov[i].iov_base, m[i].msg_len, &d->rx_frame[got], now_ps))
				continue;
			p->stats.rx_frames++;
			p->stats.rx_bytes += dp_frame_bytes(&d->rx_frame[got]);
			v[got] = &d->rx_frame[got];
			got++;
		}
		used += k;
	}
	flush_neigh(d, now_ps);
	return got;
}

/* --- the rest --- */

static int dgram_fd(struct dp_port *p)
{
	return dgram_of(p)->fd;
}

static uint64_t dgram_next_ps(struct dp_port *p)
{
	return DP_MIN(dgram_of(p)->retry_ps, dp_neigh_next_ps(dgram_of(p)->neigh));
}

static void dgram_tick(struct dp_port *p, uint64_t now_ps)
{
	dp_neigh_tick(dgram_of(p)->neigh, now_ps);
	flush_neigh(dgram_of(p), now_ps);
}

static void dgram_free(struct dp_port *p)
{
	struct dgram_port *d = dgram_of(p);

	if (d->fd >= 0) {
		close(d->fd);
		unlink(d->local.sun_path);
	}
	dp_neigh_free(d->neigh);
	free(d->rx_buf);
	free(d);
}

void dp_port_dgram_neigh_stats(const struct dp_port *port, struct dp_neigh_stats *out)
{
	*out = *dp_neigh_get_stats(dgram_of(port)->neigh);
}

static const struct dp_port_ops dgram_ops = {
	.name = "dgram",
	.tx = dgram_tx,
	.rx = dgram_rx,
	.fd = dgram_fd,
	.next_ps = dgram_next_ps,
	.tick = dgram_tick,
	.free = dgram_free,
};

uint64_t dp_port_dgram_pfc_frames(const struct dp_port *port)
{
	return dgram_of(port)->pauses.frames;
}

int dp_dgram_address(struct sockaddr_un *sa, const char *path)
{
	size_t len = path ? strlen(path) : 0;

	if (!len || len >= sizeof(sa->sun_path))
		return -EINVAL;
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	memcpy(sa->sun_path, path, len);
	return 0;
}

/* Removes a socket whose owner is dead; a live one, or a file that is no socket, stays and bind() will say so. */
static void remove_stale(const struct sockaddr_un *sa)
{
	struct stat st;
	int fd;

	/* connect() refuses a plain file exactly as it refuses a dead socket. */
	if (lstat(sa->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 && errno == ECONNREFUSED)
		unlink(sa->sun_path);
	close(fd);
}

int dp_dgram_open(const struct sockaddr_un *local)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = SOCKET_BYTES, err;

	if (fd < 0)
		return -errno;
	/* Bounded by net.core.wmem_max; what we get is enough for a batch in any case. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (bind(fd, (const struct sockaddr *)local, sizeof(*local)) == 0)
		return fd;
	if (errno == EADDRINUSE) {
		remove_stale(local);
		if (bind(fd, (const struct sockaddr *)local, sizeof(*local)) == 0)
			return fd;
	}
	err = errno;
	close(fd);
	return -err;
}

static int dgram_init(struct dgram_port *d, const struct dp_dgram_cfg *cfg)
{
	struct dp_neigh_cfg nc = {.nip = cfg->nip, .max_entries = cfg->max_entries, .max_waiting = cfg->max_waiting};

	memcpy(d->mac, cfg->mac, sizeof(d->mac));
	memcpy(nc.mac, cfg->mac, sizeof(nc.mac));
	memcpy(nc.ip, cfg->ip, sizeof(nc.ip));
	d->neigh = dp_neigh_new(&nc);
	if (!d->neigh)
		return -errno;
	d->rx_size = DP_ETH_BYTES + DP_ETH_TAG_BYTES + d->p.mtu;
	d->rx_buf = malloc(BATCH * d->rx_size);
	if (!d->rx_buf)
		return -ENOMEM;
	d->fd = dp_dgram_open(&d->local);
	return d->fd < 0 ? d->fd : 0;
}

struct dp_port *dp_port_dgram_new(const struct dp_dgram_cfg *cfg)
{
	struct dgram_port *d;
	int err;

	if (!cfg || cfg->tag > 1 || cfg->vlan_id > 4094 || (cfg->vlan_id && !cfg->tag) ||
	    (cfg->mtu && (cfg->mtu < 576 || cfg->mtu > DP_FRAME_DATA_MAX))) {
		errno = EINVAL;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->p.ops = &dgram_ops;
	d->p.mtu = cfg->mtu ? cfg->mtu : 1500;
	d->tag = cfg->tag;
	d->vlan_id = cfg->vlan_id;
	d->retry_ps = DP_NEVER;
	d->fd = -1;
	d->rate_bps = cfg->rate_bps;
	d->p.pauses = &d->pauses;
	err = dp_dgram_address(&d->local, cfg->local_path);
	if (!err)
		err = dp_dgram_address(&d->remote, cfg->remote_path);
	if (!err)
		err = dgram_init(d, cfg);
	if (err) {
		dgram_free(&d->p);
		errno = -err;
		return NULL;
	}
	return &d->p;
}
