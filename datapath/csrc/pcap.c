/*
 * Capture to pcapng, see pcap.h: one section, its interfaces, an enhanced packet block a frame. Blocks are in the byte
 * order of the machine, as the format allows; all are padded to four bytes.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "datapath/csrc/pcap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)
#define ETH_BYTES    14
#define EPB_BYTES    44 /* without the packet: header 28, options 12, trailing length 4 */

enum { SHB = 0x0A0D0D0A, IDB = 1, EPB = 6 };                      /* block types */
enum { OPT_END = 0, IF_NAME = 2, IF_TSRESOL = 9, EPB_FLAGS = 2 }; /* options */
enum { LINKTYPE_ETHERNET = 1 };

struct dp_pcap {
	int fd, err, ninterfaces;
	uint32_t *snaplen; /* by interface */
	uint64_t frames, lost;
	size_t used;
	uint8_t buf[BUFFER_BYTES];
};

static void write_out(struct dp_pcap *pcap)
{
	size_t done = 0;
	ssize_t n;

	while (done < pcap->used && !pcap->err) {
		n = write(pcap->fd, pcap->buf + done, pcap->used - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			pcap->err = n == 0 ? EIO : errno;
	}
	pcap->used = 0;
}

static uint8_t *room(struct dp_pcap *pcap, size_t len)
{
	uint8_t *at;

	if (BUFFER_BYTES - pcap->used < len)
		write_out(pcap);
	at = pcap->buf + pcap->used;
	pcap->used += len;
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

static void put_section(struct dp_pcap *pcap)
{
	uint8_t *p = room(pcap, 28);

	p = put32(p, SHB);
	p = put32(p, 28);
	p = put32(p, 0x1A2B3C4D);
	p = put16(p, 1); /* version 1.0 */
	p = put16(p, 0);
	p = put32(p, UINT32_MAX); /* section length: not known */
	p = put32(p, UINT32_MAX);
	put32(p, 28);
}

static void put_interface(struct dp_pcap *pcap, const char *if_name, uint32_t snaplen)
{
	size_t name_len = if_name ? strlen(if_name) : 0;
	uint32_t len = 20 + 8 + 4 + (uint32_t)(name_len ? 4 + ((name_len + 3) & ~(size_t)3) : 0);
	static const uint8_t nanoseconds = 9;
	uint8_t *p = room(pcap, len);

	p = put32(p, IDB);
	p = put32(p, len);
	p = put16(p, LINKTYPE_ETHERNET);
	p = put16(p, 0);
	p = put32(p, snaplen);
	if (name_len)
		p = put_option(p, IF_NAME, if_name, name_len);
	p = put_option(p, IF_TSRESOL, &nanoseconds, 1);
	p = put_option(p, OPT_END, NULL, 0);
	put32(p, len);
}

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

/* A frame of up to three parts. */
static void put_packet(struct dp_pcap *pcap, int interface, enum dp_pcap_direction direction, const void *const part[3],
		       const uint32_t part_len[3], uint64_t unix_ns)
{
	uint32_t orig = part_len[0] + part_len[1] + part_len[2], snaplen = pcap->snaplen[interface];
	uint32_t kept = snaplen ? DP_MIN(orig, snaplen) : orig, pad = -kept & 3, len = EPB_BYTES + kept + pad;
	uint32_t left = kept, flags = direction;
	uint8_t *p;

	if (pcap->err || len > BUFFER_BYTES) {
		pcap->lost++;
		return;
	}
	p = room(pcap, len);
	if (pcap->err) {
		pcap->used = 0;
		pcap->lost++;
		return;
	}
	p = put32(p, EPB);
	p = put32(p, len);
	p = put32(p, (uint32_t)interface);
	p = put32(p, (uint32_t)(unix_ns >> 32));
	p = put32(p, (uint32_t)unix_ns);
	p = put32(p, kept);
	p = put32(p, orig);
	for (int i = 0; i < 3; i++)
		p = put_part(p, part[i], part_len[i], &left);
	memset(p, 0, pad);
	p = put_option(p + pad, EPB_FLAGS, &flags, sizeof(flags));
	p = put_option(p, OPT_END, NULL, 0);
	put32(p, len);
	pcap->frames++;
}

void dp_pcap_frame(struct dp_pcap *pcap, int interface, enum dp_pcap_direction direction, const struct dp_frame *f,
		   uint64_t unix_ns)
{
	uint8_t eth[ETH_BYTES];

	if (f->l3_len > DP_L3_MAX) {
		pcap->lost++;
		return;
	}
	ethernet_header(eth, f);
	put_packet(pcap, interface, direction, (const void *const[3]){eth, f->l3, f->data},
		   (const uint32_t[3]){ETH_BYTES, f->l3_len, f->len}, unix_ns);
}

void dp_pcap_ethernet(struct dp_pcap *pcap, int interface, enum dp_pcap_direction direction, const void *frame,
		      uint32_t len, uint64_t unix_ns)
{
	put_packet(pcap, interface, direction, (const void *const[3]){frame, NULL, NULL},
		   (const uint32_t[3]){len, 0, 0}, unix_ns);
}

struct dp_pcap *dp_pcap_new(const char *path)
{
	struct dp_pcap *pcap = malloc(sizeof(*pcap));

	if (!pcap)
		return NULL;
	memset(pcap, 0, offsetof(struct dp_pcap, buf));
	pcap->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (pcap->fd < 0) {
		free(pcap);
		return NULL;
	}
	put_section(pcap);
	return pcap;
}

int dp_pcap_interface(struct dp_pcap *pcap, const char *name, uint32_t snaplen)
{
	uint32_t *more;

	if (name && strlen(name) > 255)
		return -EINVAL;
	more = realloc(pcap->snaplen, ((size_t)pcap->ninterfaces + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	pcap->snaplen = more;
	pcap->snaplen[pcap->ninterfaces] = snaplen;
	put_interface(pcap, name, snaplen);
	return pcap->ninterfaces++;
}

void dp_pcap_free(struct dp_pcap *pcap)
{
	if (!pcap)
		return;
	write_out(pcap);
	close(pcap->fd);
	free(pcap->snaplen);
	free(pcap);
}

int dp_pcap_flush(struct dp_pcap *pcap)
{
	write_out(pcap);
	return -pcap->err;
}

uint64_t dp_pcap_frames(const struct dp_pcap *pcap)
{
	return pcap->frames;
}

uint64_t dp_pcap_lost(const struct dp_pcap *pcap)
{
	return pcap->lost;
}

int dp_pcap_error(const struct dp_pcap *pcap)
{
	return pcap->err;
}
