/*
 * struct roce_pkt: a packet as the engine sees it, headers decoded, payload by reference. Bytes exist only at
 * byte ports (wire.h); the fabric simulator carries these descriptors alone, and phantom payload (lengths
 * without memory).
 */
#ifndef ROCE_PKT_H
#define ROCE_PKT_H

#include <sys/uio.h>

#include "datapath/csrc/base.h"

/* cffi: begin */
#define ROCE_PKT_IOV   4
#define ROCE_SACK_BITS 256
/* cffi: end */
#define ROCE_PSN_MASK      0xffffffu
#define ROCE_QPN_MASK      0xffffffu
#define ROCE_QPN_MULTICAST 0xffffffu

/* cffi: begin */
enum roce_bth_flag {
	ROCE_BTH_SOLICITED = 1 << 0,
	ROCE_BTH_MIGREQ = 1 << 1,
	ROCE_BTH_ACKREQ = 1 << 2,
	ROCE_BTH_FECN = 1 << 3,
	ROCE_BTH_BECN = 1 << 4,
	ROCE_BTH_EXT = 1 << 5,    /* the sender has our extension: one of the bits that are reserved after AckReq */
	ROCE_BTH_PLACED = 1 << 6, /* never on the wire: the payload is in memory already */
};
/* cffi: end */

/* AETH syndrome (IBTA vol 1, 9.7.5.1): top three bits say which kind, five bits of value. */
enum roce_syndrome { ROCE_AETH_ACK = 0x00, ROCE_AETH_RNR_NAK = 0x20, ROCE_AETH_NAK = 0x60, ROCE_AETH_KIND = 0xe0 };
#define ROCE_AETH_CREDIT_INVALID 0x1f /* "no end-to-end flow control" */
enum roce_nak_code {
	ROCE_NAK_PSN_SEQUENCE_ERROR = 0,
	ROCE_NAK_INVALID_REQUEST = 1,
	ROCE_NAK_REMOTE_ACCESS_ERROR = 2,
	ROCE_NAK_REMOTE_OPERATIONAL_ERROR = 3,
	ROCE_NAK_INVALID_RD_REQUEST = 4,
};

/* cffi: begin */
struct roce_link;
struct roce_pkt {
	/* One cache line: all that a hop or a sequence check looks at. */
	uint8_t opcode;
	uint8_t bth_flags; /* enum roce_bth_flag */
	uint8_t prio;      /* 802.1p priority */
	uint8_t tos;       /* DSCP << 2 | ECN; IPv6 traffic class */
	uint8_t ttl;
	uint8_t syndrome; /* AETH */
	uint16_t pkey;
	uint32_t dqpn; /* destination QPN */
	uint32_t sqpn; /* DETH source QPN; on transmit also the sending QP of a connected service */
	uint32_t psn;
	uint32_t msn;      /* AETH */
	uint32_t len;      /* payload bytes, pad not counted */
	uint32_t l3_bytes; /* IP total length on the wire; receive side and simulator */
	uint16_t sport;    /* UDP source port */
	uint16_t ip_id;
	uint8_t niov;      /* 0 with len > 0: phantom payload */
	uint8_t tver;      /* BTH transport header version; only 0 is valid */
	uint8_t ip_flags;  /* ROCE_PKT_* below */
	uint8_t pad_count; /* as received; build computes it from len */
	uint32_t imm;      /* ImmDt, host order; IETH's R_Key when the opcode carries IETH; FETH when it carries FETH */
	uint64_t ts_ps;

	/* Extension headers. */
	uint64_t va; /* RETH, AtomicETH */
	uint32_t rkey;
	uint32_t dma_len;  /* RETH */
	uint64_t swap_add; /* AtomicETH; AtomicAckETH's original data */
	uint64_t compare;
	uint32_t qkey;     /* DETH */
	uint32_t xrc_srqn; /* XRCETH */
	uint32_t flow_label;
	uint32_t sack_psn; /* SACK: PSN of the first bit */
	uint32_t ce_bytes; /* SACK: payload that came with CE, modulo 2^32 */
	uint64_t sack[ROCE_SACK_BITS / 64];
	struct dp_ip sgid, dgid;
	uint8_t *
		landed; /* all but the last 8 bytes of the payload are here already, see roce_dev_landing(); NULL: not */

	/*
	 * Between processes of this machine (direct.h): the way that the packet takes or came. `vec`, where it is set, has
	 * the niov pieces of the payload instead of iov; `far`: they are in the sender's memory.
	 */
	struct roce_link *link;
	const struct iovec *vec;
	uint32_t epoch; /* of the sending queue pair; payload that is pulled later is void */
	bool far;

	struct iovec iov[ROCE_PKT_IOV]; /* payload, valid until the next call into the device or port it came from */
	uint8_t *bounce;       /* payload of more than ROCE_PKT_IOV pieces, gathered; belongs to the pool slot */
	struct roce_pkt *next; /* free list, queues of whoever holds it */
};
/* cffi: end */

enum roce_pkt_ip_flag { ROCE_PKT_DF = 1 << 0, ROCE_PKT_ID_KNOWN = 1 << 1, ROCE_PKT_TTL_KNOWN = 1 << 2 };

static inline const struct iovec *roce_pkt_vec(const struct roce_pkt *pkt)
{
	return pkt->vec ? pkt->vec : pkt->iov;
}

/* PSNs are compared on the 24-bit circle (IBTA vol 1, 9.7.1): the sign of the difference, -2^23 to 2^23 - 1. */
static inline int32_t roce_psn_diff(uint32_t a, uint32_t b)
{
	return (int32_t)((a - b) << 8) >> 8;
}

static inline uint32_t roce_psn_add(uint32_t psn, uint32_t n)
{
	return (psn + n) & ROCE_PSN_MASK;
}

#endif
