/*
 * Capture to pcapng, see port_pcap.h: one section, one interface, then an enhanced packet block a frame. Blocks are
 * in the byte order of the machine, as the format allows; all are padded to four bytes.
 *
 * A received frame is written when the port is next used, not at once: a UDP port predicts the IPv4 identification,
 * and the receiver, who finds the true one by the ICRC, puts it into the frame, which is his until the next rx().
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "datapath/csrc/port_pcap.h"

#define BUFFER_BYTES (256 * 1024)
#define ETH_BYTES    14
#define PENDING_MAX  256
#define EPB_BYTES    44 /* without the packet: header 28, options 12, trailing length 4 */

enum { SHB = 0x0A0D0D0A, IDB = 1, EPB = 6 };                      /* block types */
enum { OPT_END = 0, IF_NAME = 2, IF_TSRESOL = 9, EPB_FLAGS = 2 }; /* options */
enum { FLAG_INBOUND = 1, FLAG_OUTBOUND = 2 };
enum { LINKTYPE_ETHERNET = 1 };

struct pcap_port {
	struct dp_port p;
	int fd, err;
	uint64_t base_unix_ns, frames, lost;
	uint32_t snaplen;
	const struct dp_frame *pending[PENDING_MAX]; /* received at pending_ps, not written yet */
	int npending;
	uint64_t pending_ps;
	size_t used;
	uint8_t buf[BUFFER_BYTES];
};

static struct pcap_port *pcap_of(const struct dp_port *p)
{
	return DP_CONTAINER_OF(p, struct pcap_port, p);
}

/* --- the file --- */

static void write_out(struct pcap_port *pp)
{
	size_t done = 0;
	ssize_t n;

	while (done < pp->used && !pp->err) {
		n = write(pp->fd, pp->buf + done, pp->used - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			pp->err = n == 0 ? EIO : errno;
	}
	pp->used = 0;
}

static uint8_t *room(struct pcap_port *pp, size_t len)
{
	uint8_t *at;

	if (BUFFER_BYTES - pp->used < len)
		write_out(pp);
	at = pp->buf + pp->used;
	pp->used += len;
	return at;
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static uint8_t *put_option(uint8_t *p, uint16_t code, const void *value, size_t len)
{
	size_t pad = -len & 3;

	p = put16(p, code);
	p = put16(p, (uint16_t)len);
	if (len)
		memcpy(p, value, len);
	memset(p + len, 0, pad);
	return p + len + pad;
}

static void put_section(struct pcap_port *pp)
{
	uint8_t *p = room(pp, 28);

	p = put32(p, SHB);
	p = put32(p, 28);
	p = put32(p, 0x1A2B3C4D);
	p = put16(p, 1); /* version 1.0 */
	p = put16(p, 0);
	p = put32(p, UINT32_MAX); /* section length: not known */
	p = put32(p, UINT32_MAX);
	put32(p, 28);
}

static void put_interface(struct pcap_port *pp, const char *if_name)
{
	size_t name_len = if_name ? strlen(if_name) : 0;
	uint32_t len = 20 + 8 + 4 + (uint32_t)(name_len ? 4 + ((name_len + 3) & ~(size_t)3) : 0);
	static const uint8_t nanoseconds = 9;
	uint8_t *p = room(pp, len);

	p = put32(p, IDB);
	p = put32(p, len);
	p = put16(p, LINKTYPE_ETHERNET);
	p = put16(p, 0);
	p = put32(p, pp->snaplen);
	if (name_len)
		p = put_option(p, IF_NAME, if_name, name_len);
	p = put_option(p, IF_TSRESOL, &nanoseconds, 1);
	p = put_option(p, OPT_END, NULL, 0);
	put32(p, len);
}

/* --- packets --- */

/* Locally administered, and the same for an address wherever it is captured; multicast as RFC 1112 and 2464 map it. */
static void made_up_mac(uint8_t mac[6], const uint8_t *ip, bool v4)
{
	static const uint8_t local4[2] = {0x02, 0x00}, local6[2] = {0x06, 0x00};

	if (v4 && ip[0] >> 4 == 14) {
		dp_put_be24(mac, 0x01005e);
		dp_put_be24(mac + 3, dp_get_be24(ip + 1) & 0x7fffff);
		return;
	}
	if (!v4 && ip[0] == 0xff)
		memset(mac, 0x33, 2);
	else
		memcpy(mac, v4 ? local4 : local6, 2);
	memcpy(mac + 2, v4 ? ip : ip + 12, 4);
}

static void ethernet_header(uint8_t eth[ETH_BYTES], const struct dp_frame *f)
{
	bool v4 = f->l3_len > 0 && f->l3[0] >> 4 == 4;
	/* The header may have been corrupted on purpose; l3 always has room for both addresses. */
	const uint8_t *src = f->l3 + (v4 ? 12 : 8), *dst = f->l3 + (v4 ? 16 : 24);

	made_up_mac(eth, dst, v4);
	made_up_mac(eth + 6, src, v4);
	dp_put_be16(eth + 12, v4 ? 0x0800 : 0x86dd);
}

static uint8_t *put_part(uint8_t *p, const void *from, uint32_t len, uint32_t *left)
{
	len = DP_MIN(len, *left);
	if (len)
		memcpy(p, from, len);
	*left -= len;
	return p + len;
}

static void capture(struct pcap_port *pp, const struct dp_frame *f, uint32_t flags, uint64_t now_ps)
{
	uint32_t orig = ETH_BYTES + dp_frame_bytes(f), kept = pp->snaplen ? DP_MIN(orig, pp->snaplen) : orig;
	uint32_t pad = -kept & 3, len = EPB_BYTES + kept + pad, left = kept;
	uint64_t at_ns = pp->base_unix_ns + now_ps / DP_NS;
	uint8_t eth[ETH_BYTES], *p;

	if (pp->err || f->l3_len > DP_L3_MAX || len > BUFFER_BYTES) {
		pp->lost++;
		return;
	}
	p = room(pp, len);
	if (pp->err) {
		pp->used = 0;
		pp->lost++;
		return;
	}
	ethernet_header(eth, f);
	p = put32(p, EPB);
	p = put32(p, len);
	p = put32(p, 0); /* interface */
	p = put32(p, (uint32_t)(at_ns >> 32));
	p = put32(p, (uint32_t)at_ns);
	p = put32(p, kept);
	p = put32(p, orig);
	p = put_part(p, eth, ETH_BYTES, &left);
	p = put_part(p, f->l3, f->l3_len, &left);
	p = put_part(p, f->data, f->len, &left);
	memset(p, 0, pad);
	p = put_option(p + pad, EPB_FLAGS, &flags, sizeof(flags));
	p = put_option(p, OPT_END, NULL, 0);
	put32(p, len);
	pp->frames++;
}

/* Writes what was received since the port was last used. */
static void settle(struct pcap_port *pp)
{
	for (int i = 0; i < pp->npending; i++)
		capture(pp, pp->pending[i], FLAG_INBOUND, pp->pending_ps);
	pp->npending = 0;
}

/* --- the port --- */

static void pcap_prepare(struct dp_port *p, struct dp_frame **v, int n)
{
	dp_port_prepare(p->inner, v, n);
}

static int pcap_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	int took, i;

	settle(pcap_of(p));
	took = dp_port_tx(p->inner, v, n, now_ps);
	for (i = 0; i < took; i++) {
		capture(pcap_of(p), v[i], FLAG_OUTBOUND, now_ps);
		p->stats.tx_frames++;
		p->stats.tx_bytes += dp_frame_bytes(v[i]);
	}
	if (took < n)
		p->stats.tx_busy++;
	return took;
}

static int pcap_rx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct pcap_port *pp = pcap_of(p);
	int got, i;

	settle(pp);
	got = dp_port_rx(p->inner, v, DP_MIN(n, PENDING_MAX), now_ps);
	for (i = 0; i < got; i++) {
		pp->pending[i] = v[i];
		p->stats.rx_frames++;
		p->stats.rx_bytes += dp_frame_bytes(v[i]);
	}
	pp->npending = DP_MAX(got, 0);
	pp->pending_ps = now_ps;
	return got;
}

static int pcap_fd(struct dp_port *p)
{
	return dp_port_fd(p->inner);
}

static uint64_t pcap_next_ps(struct dp_port *p)
{
	return dp_port_next_ps(p->inner);
}

static void pcap_tick(struct dp_port *p, uint64_t now_ps)
{
	dp_port_tick(p->inner, now_ps);
}

static void pcap_free(struct dp_port *p)
{
	struct pcap_port *pp = pcap_of(p);

	settle(pp);
	write_out(pp);
	close(pp->fd);
	dp_port_free(p->inner);
	free(pp);
}

static const struct dp_port_ops pcap_ops = {
	.name = "pcap",
	.tx = pcap_tx,
	.rx = pcap_rx,
	.fd = pcap_fd,
	.next_ps = pcap_next_ps,
	.tick = pcap_tick,
	.free = pcap_free,
};

static const struct dp_port_ops pcap_prepare_ops = {
	.name = "pcap",
	.prepare = pcap_prepare,
	.tx = pcap_tx,
	.rx = pcap_rx,
	.fd = pcap_fd,
	.next_ps = pcap_next_ps,
	.tick = pcap_tick,
	.free = pcap_free,
};

int dp_port_pcap_flush(struct dp_port *port)
{
	settle(pcap_of(port));
	write_out(pcap_of(port));
	return -pcap_of(port)->err;
}

uint64_t dp_port_pcap_frames(const struct dp_port *port)
{
	return pcap_of(port)->frames + (uint64_t)pcap_of(port)->npending;
}

uint64_t dp_port_pcap_lost(const struct dp_port *port)
{
	return pcap_of(port)->lost;
}

int dp_port_pcap_error(const struct dp_port *port)
{
	return pcap_of(port)->err;
}

struct dp_port *dp_port_pcap_new(struct dp_port *inner, const char *path, uint64_t base_unix_ns, uint32_t snaplen,
				 const char *if_name)
{
	struct pcap_port *pp;

	if (!inner || !path || (if_name && strlen(if_name) > 255)) {
		errno = EINVAL;
		return NULL;
	}
	pp = malloc(sizeof(*pp));
	if (!pp)
		return NULL;
	memset(pp, 0, offsetof(struct pcap_port, buf));
	pp->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (pp->fd < 0) {
		free(pp);
		return NULL;
	}
	pp->p.ops = inner->ops->prepare ? &pcap_prepare_ops : &pcap_ops;
	pp->p.sport = inner->sport;
	pp->p.mtu = inner->mtu;
	pp->p.inner = inner;
	pp->base_unix_ns = base_unix_ns;
	pp->snaplen = snaplen;
	put_section(pp);
	put_interface(pp, if_name);
	return &pp->p;
}
