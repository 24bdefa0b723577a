/*
 * The opcode table (IBTA vol 1, 9.2.1 and table 39; A14 for XRC; A17.9.3 for the CNP; A19 for FLUSH and
 * ATOMIC WRITE). Build, parse and the engine's roles read it; no other file knows which headers an opcode carries.
 *
 * RC and XRC have the same operations; a request of XRC carries an XRCETH before its other headers, a response
 * does not. UC is the part of them that needs no response.
 */
#include "rdma_verbs/csrc/opcode.h"

#define HDR_BYTES(h, hdr, bytes) ((h) & ROCE_HDR_##hdr ? (bytes) : 0)
#define HDR_LEN(h) \
	(12 + HDR_BYTES(h, RDETH, 4) + HDR_BYTES(h, DETH, 8) + HDR_BYTES(h, XRCETH, 4) + HDR_BYTES(h, FETH, 4) + \
	 HDR_BYTES(h, RETH, 16) + HDR_BYTES(h, ATOMICETH, 28) + HDR_BYTES(h, AETH, 4) + \
	 HDR_BYTES(h, ATOMICACKETH, 8) + HDR_BYTES(h, IMMDT, 4) + HDR_BYTES(h, IETH, 4) + HDR_BYTES(h, CNP, 16) + \
	 HDR_BYTES(h, SACK, 40))

#define OP(svc, op, hdrs_, flags_) \
	[ROCE_OPCODE(ROCE_SVC_##svc, ROCE_OP_##op)] = { \
		.name = #svc "_" #op, .hdrs = (hdrs_), .flags = (flags_), .hdr_len = HDR_LEN(hdrs_)}

#define RETH  ROCE_HDR_RETH
#define DETH  ROCE_HDR_DETH
#define AETH  ROCE_HDR_AETH
#define IMMDT ROCE_HDR_IMMDT
#define IETH  ROCE_HDR_IETH

/* First and Middle carry exactly one path MTU, Last at least one byte. */
#define REQUEST ROCE_OPF_REQUEST
#define FIRST   (ROCE_OPF_FIRST | ROCE_OPF_PAYLOAD | ROCE_OPF_FULL)
#define MIDDLE  (ROCE_OPF_PAYLOAD | ROCE_OPF_FULL)
#define LAST    (ROCE_OPF_LAST | ROCE_OPF_PAYLOAD | ROCE_OPF_NOT_EMPTY)
#define ONLY    (ROCE_OPF_FIRST | ROCE_OPF_LAST | ROCE_OPF_PAYLOAD)
#define SINGLE  (ROCE_OPF_FIRST | ROCE_OPF_LAST) /* a request of one packet without payload */
#define SEND    (REQUEST | ROCE_OPF_SEND)
#define WRITE   (REQUEST | ROCE_OPF_WRITE)
#define RQ_WQE  ROCE_OPF_RQ_WQE

/* clang-format off */

/* Messages towards the responder; x is the XRCETH of XRC, 0 elsewhere. */
#define SENDS_AND_WRITES(svc, x) \
	OP(svc, SEND_FIRST, (x), SEND | FIRST), \
	OP(svc, SEND_MIDDLE, (x), SEND | MIDDLE), \
	OP(svc, SEND_LAST, (x), SEND | LAST | RQ_WQE), \
	OP(svc, SEND_LAST_WITH_IMMEDIATE, (x) | IMMDT, SEND | LAST | RQ_WQE), \
	OP(svc, SEND_ONLY, (x), SEND | ONLY | RQ_WQE), \
	OP(svc, SEND_ONLY_WITH_IMMEDIATE, (x) | IMMDT, SEND | ONLY | RQ_WQE), \
	OP(svc, RDMA_WRITE_FIRST, (x) | RETH, WRITE | FIRST), \
	OP(svc, RDMA_WRITE_MIDDLE, (x), WRITE | MIDDLE), \
	OP(svc, RDMA_WRITE_LAST, (x), WRITE | LAST), \
	OP(svc, RDMA_WRITE_LAST_WITH_IMMEDIATE, (x) | IMMDT, WRITE | LAST | RQ_WQE), \
	OP(svc, RDMA_WRITE_ONLY, (x) | RETH, WRITE | ONLY), \
	OP(svc, RDMA_WRITE_ONLY_WITH_IMMEDIATE, (x) | RETH | IMMDT, WRITE | ONLY | RQ_WQE)

/* What reliable services have on top. A Read Response Middle carries no AETH. */
#define RELIABLE(svc, x) \
	OP(svc, RDMA_READ_REQUEST, (x) | RETH, REQUEST | ROCE_OPF_READ_REQ | SINGLE), \
	OP(svc, RDMA_READ_RESPONSE_FIRST, AETH, ROCE_OPF_READ_RESP | FIRST), \
	OP(svc, RDMA_READ_RESPONSE_MIDDLE, 0, ROCE_OPF_READ_RESP | MIDDLE), \
	OP(svc, RDMA_READ_RESPONSE_LAST, AETH, ROCE_OPF_READ_RESP | LAST), \
	OP(svc, RDMA_READ_RESPONSE_ONLY, AETH, ROCE_OPF_READ_RESP | ONLY), \
	OP(svc, ACKNOWLEDGE, AETH, ROCE_OPF_ACK), \
	OP(svc, ATOMIC_ACKNOWLEDGE, AETH | ROCE_HDR_ATOMICACKETH, ROCE_OPF_ACK), \
	OP(svc, COMPARE_SWAP, (x) | ROCE_HDR_ATOMICETH, REQUEST | ROCE_OPF_ATOMIC | SINGLE), \
	OP(svc, FETCH_ADD, (x) | ROCE_HDR_ATOMICETH, REQUEST | ROCE_OPF_ATOMIC | SINGLE), \
	OP(svc, SEND_LAST_WITH_INVALIDATE, (x) | IETH, SEND | LAST | RQ_WQE), \
	OP(svc, SEND_ONLY_WITH_INVALIDATE, (x) | IETH, SEND | ONLY | RQ_WQE), \
	OP(svc, FLUSH, (x) | ROCE_HDR_FETH | RETH, REQUEST | ROCE_OPF_FLUSH | SINGLE), \
	OP(svc, ATOMIC_WRITE, (x) | RETH, REQUEST | ROCE_OPF_ATOMIC_WRITE | ONLY | ROCE_OPF_NOT_EMPTY)

/* clang-format on */

/* Ours, between devices that both enable it: an ACK that names what is held, WRITE packets that all have a RETH. */
#define EXTENSION \
	OP(RC_EXT, ACKNOWLEDGE, AETH | ROCE_HDR_SACK, ROCE_OPF_ACK), \
		OP(RC_EXT, RDMA_WRITE_MIDDLE, RETH, WRITE | MIDDLE), OP(RC_EXT, RDMA_WRITE_LAST, RETH, WRITE | LAST), \
		OP(RC_EXT, RDMA_WRITE_LAST_WITH_IMMEDIATE, RETH | IMMDT, WRITE | LAST | RQ_WQE)

static const struct roce_opcode_info table[256] = {
	SENDS_AND_WRITES(RC, 0),
	RELIABLE(RC, 0),
	SENDS_AND_WRITES(UC, 0),
	OP(UD, SEND_ONLY, DETH, SEND | ONLY | RQ_WQE),
	OP(UD, SEND_ONLY_WITH_IMMEDIATE, DETH | IMMDT, SEND | ONLY | RQ_WQE),
	SENDS_AND_WRITES(XRC, ROCE_HDR_XRCETH),
	RELIABLE(XRC, ROCE_HDR_XRCETH),
	EXTENSION,
	[ROCE_OPCODE_CNP] = {.name = "CNP", .hdrs = ROCE_HDR_CNP, .hdr_len = HDR_LEN(ROCE_HDR_CNP)},
};

const struct roce_opcode_info *roce_opcode_info(uint8_t opcode)
{
	return &table[opcode];
}
