/*
 * struct dp_frame: the bytes form of a packet, from the IP header on.
 *
 * Two parts, so that a UDP socket (which never shows the IP header) and an Ethernet port (which holds both
 * in one buffer) carry the same thing without a copy:
 *   l3   IP header and UDP header, IP/UDP length l3_len (28 for IPv4, 48 for IPv6 without extensions)
 *   data what follows the UDP header: for RoCEv2 the BTH up to and including the ICRC
 * An Ethernet header is added and taken off by the Ethernet port itself (with its neighbour core).
 *
 * Ownership: a frame that a port's rx() returns, and the bytes it refers to, stay valid until the next rx()
 * on that port. A frame given to tx() may be reused as soon as tx() returns.
 */
#ifndef DP_FRAME_H
#define DP_FRAME_H

#include "datapath/csrc/base.h"

/* cffi: begin */
#define DP_L3_MAX         48
#define DP_FRAME_DATA_MAX 9216 /* jumbo frame; RoCEv2 at path MTU 4096 needs 4096 + 60 */

enum dp_frame_flag {
	DP_FRAME_ID_KNOWN = 1 << 0,  /* the IPv4 identification in l3 is what was on the wire, not a prediction */
	DP_FRAME_BATCH = 1 << 1,     /* set by prepare(): travels in the same batch as the frame before it */
	DP_FRAME_TTL_KNOWN = 1 << 2, /* likewise for the TTL / hop limit */
	DP_FRAME_MARKED = 1 << 3,    /* free for the driver */
};

struct dp_frame {
	uint8_t l3[DP_L3_MAX];
	uint8_t *data;
	uint32_t len; /* bytes at data */
	uint32_t cap; /* room at data, on transmit */
	uint16_t l3_len;
	uint16_t flags; /* enum dp_frame_flag */
	uint16_t port;  /* index the driver gave the port */
	uint8_t prio;   /* 802.1p priority / PFC class, 0-7 */
	uint64_t ts_ps; /* time of arrival or departure */
};
/* cffi: end */

/* The checksum field that an IPv4 header without options should carry (RFC 791), whatever it carries now. */
static inline uint16_t dp_ip4_checksum(const uint8_t *ip)
{
	uint16_t first, last;
	uint32_t word[4];
	uint64_t sum;
	uint8_t b[2];

	/* A sum of ones' complement does not care for byte order (RFC 1071): load as the machine likes, swap at the end. */
	memcpy(word, ip, 8);
	memcpy(&first, ip + 8, 2);
	memcpy(word + 2, ip + 12, 8);
	sum = (uint64_t)word[0] + word[1] + word[2] + word[3] + first;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	last = (uint16_t)~(sum + (sum >> 16));
	memcpy(b, &last, 2);
	return dp_get_be16(b);
}

#endif
