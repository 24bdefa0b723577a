/*
 * Priority-based flow control frames (IEEE 802.1Qbb; MAC control of IEEE 802.3 annex 31, opcode 0x0101): for each
 * priority that its vector names, a time in quanta of 512 bit times, 0 to resume. Reads nothing outside the bytes given.
 */
#ifndef DP_PFC_H
#define DP_PFC_H

#include "datapath/csrc/base.h"

/* cffi: begin */
#define DP_PFC_FRAME_BYTES  60 /* padded, without FCS; 64 on the wire */
#define DP_PFC_QUANTUM_BITS 512

enum dp_pfc_verdict {
	DP_PFC_OK = 0,
	DP_PFC_OTHER,       /* not MAC control, or another opcode: not for here */
	DP_PFC_DESTINATION, /* neither 01:80:C2:00:00:01 nor this port's own address */
	DP_PFC_SHORT,       /* ends before the last quanta */
	DP_PFC_VECTOR,      /* the upper byte of the class-enable vector is reserved, to be zero */
};

struct dp_pfc {
	uint8_t src[6];
	uint8_t enabled; /* priorities that the frame speaks of */
	uint8_t pad;
	uint16_t quanta[8]; /* of those */
};

/* A whole frame, DP_PFC_FRAME_BYTES. */
void dp_pfc_build(uint8_t *frame, const struct dp_pfc *pfc);

/* An enum dp_pfc_verdict; out is filled for DP_PFC_OK only. mac: this port's. A frame has no tag (802.1Q 36.1). */
int dp_pfc_parse(const uint8_t *frame, size_t len, const uint8_t *mac, struct dp_pfc *out);

/* Time of so many quanta at a rate, rounded up; rate_bps not 0. */
uint64_t dp_pfc_quanta_ps(uint32_t quanta, uint64_t rate_bps);
/* cffi: end */

/* What a port's neighbour has said by such frames. Starts as zeros. */
struct dp_pauses {
	uint64_t frames;
	uint64_t until_ps[8];
};
void dp_pauses_add(struct dp_pauses *pauses, const struct dp_pfc *pfc, uint64_t rate_bps, uint64_t now_ps);
/* Priorities that are paused now; *next_ps: when the first of them ends, DP_NEVER when there is none. */
uint8_t dp_pauses_mask(const struct dp_pauses *pauses, uint64_t now_ps, uint64_t *next_ps);

#endif
