/*
 * Between struct roce_pkt and bytes: IPv4/IPv6 + UDP 4791 + BTH and extension headers + payload + pad + ICRC
 * (IBTA vol 1, chapter 9 and annexes A17, A19). Parsing reads nothing outside the frame and trusts nothing.
 */
#ifndef ROCE_WIRE_H
#define ROCE_WIRE_H

#include "datapath/csrc/frame.h"
#include "rdma_verbs/csrc/pkt.h"

/* cffi: begin */
#define ROCE_UDP_PORT     4791
#define ROCE_BTH_BYTES    12
#define ROCE_ICRC_BYTES   4
#define ROCE_WIRE_HDR_MAX 64 /* BTH and the longest set of extension headers */

/* Why a packet was dropped, about in the order in which it is checked. One counter each. Names: roce_drop_name(). */
enum roce_drop {
	ROCE_DROP_NONE,
	ROCE_DROP_TRUNCATED, /* shorter than its headers, pad and ICRC */
	ROCE_DROP_BAD_IP,    /* IP version, header length or total length do not fit the bytes */
	ROCE_DROP_BAD_IP_CHECKSUM,
	ROCE_DROP_BAD_UDP,    /* not UDP to port 4791, a length that does not fit, or a fragment */
	ROCE_DROP_BAD_TVER,   /* BTH transport header version not 0 */
	ROCE_DROP_BAD_OPCODE, /* reserved, manufacturer or unsupported opcode */
	ROCE_DROP_BAD_PAD,    /* pad on a packet without payload, more than payload, or payload + pad not of 4s */
	ROCE_DROP_BAD_ICRC,
	ROCE_DROP_OVERSIZED, /* payload above the largest MTU */
	ROCE_DROP_BAD_DGID,  /* not addressed to us */
	ROCE_DROP_UNKNOWN_QPN,
	ROCE_DROP_BAD_SERVICE, /* opcode of another transport service than the QP's */
	ROCE_DROP_BAD_STATE,   /* the QP's state receives nothing */
	ROCE_DROP_BAD_SGID,    /* connected QP: not from its peer's address */
	ROCE_DROP_BAD_PKEY,
	ROCE_DROP_BAD_QKEY,
	ROCE_DROP_BAD_LENGTH, /* payload that the opcode never allows; that the path MTU does not, unreliable service */
	ROCE_DROP_BAD_SEQUENCE,    /* opcode out of order within a message, unreliable service */
	ROCE_DROP_OUT_OF_SEQUENCE, /* PSN after the expected one */
	ROCE_DROP_DUPLICATE,       /* PSN before the expected one and nothing to replay */
	ROCE_DROP_NO_RECV_WQE,     /* unreliable service; reliable ones answer RNR NAK */
	ROCE_DROP_RECV_TOO_SMALL,  /* unreliable service */
	ROCE_DROP_ACCESS,          /* unreliable service: R_Key, bounds or rights */
	ROCE_DROP_GHOST,           /* response outside the window of outstanding requests */
	ROCE_DROP_BAD_SYNDROME,    /* reserved AETH syndrome */
	ROCE_DROP_LINK_DOWN,       /* it came while the link was down */
	ROCE_DROP_LOOPBACK,     /* multicast of our own that the network gave back: it was delivered when it was sent */
	ROCE_DROP_PAYLOAD_GONE, /* between processes of a machine: gone before it was read */
	ROCE_DROP_COUNT,
};

const char *roce_drop_name(enum roce_drop reason); /* snake_case counter name, e.g. "drop_bad_icrc" */

/*
 * Decodes a frame; payload iov points into f->data. Everything but the ICRC is checked here.
 * Returns ROCE_DROP_NONE or why not; pkt is then filled as far as it could be read. `bounce` and `next`, which
 * belong to pkt's owner, stay; so they must hold something. Reserved bits, the pad's bytes and the UDP checksum are
 * ignored. A frame whose identification the port made up (no DP_FRAME_ID_KNOWN) may have any header checksum.
 */
enum roce_drop roce_wire_parse(const struct dp_frame *f, struct roce_pkt *pkt);

/*
 * Encodes pkt into f: f->l3 and f->data (f->cap bytes of room), payload copied, pad added, ICRC bytes left
 * zero. IPv4: DF set, identification = pkt->ip_id, valid checksum; UDP checksum 0 for IPv4 and, as RoCEv2
 * permits, for IPv6 too. Returns 0, -EMSGSIZE (does not fit f->cap), -EINVAL (opcode without a table entry or
 * with payload that it never carries, addresses of two families), -EFAULT (phantom payload), -EIO (the payload's
 * memory is gone). f->flags stay.
 */
int roce_wire_build(const struct roce_pkt *pkt, struct dp_frame *f);

/*
 * The same, and sums the payload while it copies it: for roce_wire_seal_summed(), which then reads the headers only. So
 * the ICRC is that of the bytes in the frame, whoever writes to the payload's memory meanwhile.
 */
#define ROCE_WIRE_SUM_MIN 129
struct roce_wire_sum {
	uint32_t crc, bytes; /* of payload and pad; no bytes: too few to be worth it, all is read when sealing */
};
int roce_wire_build_summed(const struct roce_pkt *pkt, struct dp_frame *f, struct roce_wire_sum *sum);

/* Writes the ICRC (and, IPv4, the header checksum) over what l3 and data now hold; call after dp_port_prepare(). */
void roce_wire_seal(struct dp_frame *f);
void roce_wire_seal_summed(struct dp_frame *f, const struct roce_wire_sum *sum);

/*
 * True when the frame's ICRC is right. Where the identification is not known (DP_FRAME_ID_KNOWN unset, IPv4)
 * and the predicted one does not fit, the one that makes the ICRC right is solved for (a CRC is linear); it is
 * written into f->l3 (with its header checksum) and *solved is set, so check before parsing. A frame for which
 * none exists is corrupt; this check is weaker by 16 bits, so `strict` refuses it.
 */
bool roce_wire_icrc_ok(struct dp_frame *f, bool strict, bool *solved);

/* The same, and copies n bytes of f->data from `offset` on to `to` in the same pass, whatever the ICRC turns out to be. */
bool roce_wire_icrc_ok_copy(struct dp_frame *f, bool strict, bool *solved, uint8_t *to, uint32_t offset, uint32_t n);

/* The ICRC that a frame should have, as zlib.crc32 gives it: little-endian on the wire. 0: no frame with one. */
uint32_t roce_wire_icrc(const struct dp_frame *f);

/* The 40 bytes before a UD payload: IPv6 header, or 20 zero bytes and the IPv4 header with valid checksum. */
void roce_wire_grh(const struct roce_pkt *pkt, uint8_t grh[40]);
/* cffi: end */

#endif
