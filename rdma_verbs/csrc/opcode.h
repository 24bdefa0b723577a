/*
 * BTH opcodes and the one table that drives build, parse and validity (IBTA vol 1, 9.2 and table 39; A17, A19).
 * An opcode is three bits of transport service and five of operation.
 */
#ifndef ROCE_OPCODE_H
#define ROCE_OPCODE_H

#include "datapath/csrc/base.h"

enum roce_service {
	ROCE_SVC_RC = 0,
	ROCE_SVC_UC = 1,
	ROCE_SVC_RD = 2,
	ROCE_SVC_UD = 3,
	ROCE_SVC_CNP = 4,
	ROCE_SVC_XRC = 5,
	ROCE_SVC_RC_EXT = 6 /* manufacturer opcodes: RC's, with headers of ours (reorder.c) */
};

enum roce_operation {
	ROCE_OP_SEND_FIRST = 0x00,
	ROCE_OP_SEND_MIDDLE = 0x01,
	ROCE_OP_SEND_LAST = 0x02,
	ROCE_OP_SEND_LAST_WITH_IMMEDIATE = 0x03,
	ROCE_OP_SEND_ONLY = 0x04,
	ROCE_OP_SEND_ONLY_WITH_IMMEDIATE = 0x05,
	ROCE_OP_RDMA_WRITE_FIRST = 0x06,
	ROCE_OP_RDMA_WRITE_MIDDLE = 0x07,
	ROCE_OP_RDMA_WRITE_LAST = 0x08,
	ROCE_OP_RDMA_WRITE_LAST_WITH_IMMEDIATE = 0x09,
	ROCE_OP_RDMA_WRITE_ONLY = 0x0a,
	ROCE_OP_RDMA_WRITE_ONLY_WITH_IMMEDIATE = 0x0b,
	ROCE_OP_RDMA_READ_REQUEST = 0x0c,
	ROCE_OP_RDMA_READ_RESPONSE_FIRST = 0x0d,
	ROCE_OP_RDMA_READ_RESPONSE_MIDDLE = 0x0e,
	ROCE_OP_RDMA_READ_RESPONSE_LAST = 0x0f,
	ROCE_OP_RDMA_READ_RESPONSE_ONLY = 0x10,
	ROCE_OP_ACKNOWLEDGE = 0x11,
	ROCE_OP_ATOMIC_ACKNOWLEDGE = 0x12,
	ROCE_OP_COMPARE_SWAP = 0x13,
	ROCE_OP_FETCH_ADD = 0x14,
	ROCE_OP_SEND_LAST_WITH_INVALIDATE = 0x16,
	ROCE_OP_SEND_ONLY_WITH_INVALIDATE = 0x17,
	ROCE_OP_FLUSH = 0x1c,
	ROCE_OP_ATOMIC_WRITE = 0x1d,
};

#define ROCE_OPCODE(svc, op) ((uint8_t)((svc) << 5 | (op)))
#define ROCE_OPCODE_CNP      0x81 /* A17.9.3 */
#define ROCE_OPCODE_EXT_ACK  ROCE_OPCODE(ROCE_SVC_RC_EXT, ROCE_OP_ACKNOWLEDGE)

static inline enum roce_service roce_opcode_service(uint8_t opcode)
{
	return (enum roce_service)(opcode >> 5);
}

static inline uint8_t roce_opcode_operation(uint8_t opcode)
{
	return opcode & 0x1f;
}

/* cffi: begin */
/* Extension headers, in the order in which they follow the BTH. */
enum roce_hdr {
	ROCE_HDR_RDETH = 1 << 0,        /*  4 bytes */
	ROCE_HDR_DETH = 1 << 1,         /*  8 */
	ROCE_HDR_XRCETH = 1 << 2,       /*  4 */
	ROCE_HDR_FETH = 1 << 3,         /*  4 */
	ROCE_HDR_RETH = 1 << 4,         /* 16 */
	ROCE_HDR_ATOMICETH = 1 << 5,    /* 28 */
	ROCE_HDR_AETH = 1 << 6,         /*  4 */
	ROCE_HDR_ATOMICACKETH = 1 << 7, /* 8 */
	ROCE_HDR_IMMDT = 1 << 8,        /*  4 */
	ROCE_HDR_IETH = 1 << 9,         /*  4 */
	ROCE_HDR_CNP = 1 << 10,         /* 16 reserved bytes */
	ROCE_HDR_SACK = 1 << 11,        /* 40, ours: which PSN the first bit is of, bytes that came with CE, 256 bits */
};

enum roce_opf {
	ROCE_OPF_FIRST = 1 << 0, /* begins a message (First or Only) */
	ROCE_OPF_LAST = 1 << 1,  /* ends a message (Last or Only) */
	ROCE_OPF_SEND = 1 << 2,
	ROCE_OPF_WRITE = 1 << 3,
	ROCE_OPF_READ_REQ = 1 << 4,
	ROCE_OPF_READ_RESP = 1 << 5,
	ROCE_OPF_ATOMIC = 1 << 6,     /* CmpSwap, FetchAdd */
	ROCE_OPF_ACK = 1 << 7,        /* Acknowledge, Atomic Acknowledge */
	ROCE_OPF_REQUEST = 1 << 8,    /* goes to the responder; without it: to the completer */
	ROCE_OPF_PAYLOAD = 1 << 9,    /* may carry payload */
	ROCE_OPF_FULL = 1 << 10,      /* payload is exactly one path MTU (First, Middle) */
	ROCE_OPF_NOT_EMPTY = 1 << 11, /* payload is at least one byte (Last) */
	ROCE_OPF_RQ_WQE = 1 << 12,    /* a receive WQE completes with it (Send Last and Only; Write with immediate) */
	ROCE_OPF_ATOMIC_WRITE = 1 << 13,
	ROCE_OPF_FLUSH = 1 << 14,
};

struct roce_opcode_info {
	const char *name; /* IBTA spelling, e.g. "RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE"; NULL: not a valid opcode */
	uint16_t hdrs;    /* enum roce_hdr */
	uint16_t flags;   /* enum roce_opf */
	uint8_t hdr_len;  /* bytes of BTH and extension headers */
};

/* Never NULL; entries of invalid opcodes have no name. RD is not supported: its opcodes are invalid. */
const struct roce_opcode_info *roce_opcode_info(uint8_t opcode);
/* cffi: end */

#endif
