#include "datapath/csrc/pfc.h"

#define ETHERTYPE_MAC_CONTROL 0x8808
#define OPCODE_PFC            0x0101
#define VECTOR_OFFSET         16
#define QUANTA_OFFSET         18
#define END_OFFSET            34

static const uint8_t pause_address[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x01};

void dp_pfc_build(uint8_t *frame, const struct dp_pfc *pfc)
{
	uint32_t prio;

	memset(frame, 0, DP_PFC_FRAME_BYTES);
	memcpy(frame, pause_address, 6);
	memcpy(frame + 6, pfc->src, 6);
	dp_put_be16(frame + 12, ETHERTYPE_MAC_CONTROL);
	dp_put_be16(frame + 14, OPCODE_PFC);
	dp_put_be16(frame + VECTOR_OFFSET, pfc->enabled);
	for (prio = 0; prio < 8; prio++)
		if (pfc->enabled >> prio & 1)
			dp_put_be16(frame + QUANTA_OFFSET + 2 * prio, pfc->quanta[prio]);
}

int dp_pfc_parse(const uint8_t *frame, size_t len, const uint8_t *mac, struct dp_pfc *out)
{
	uint32_t prio;

	if (len < VECTOR_OFFSET || dp_get_be16(frame + 12) != ETHERTYPE_MAC_CONTROL ||
	    dp_get_be16(frame + 14) != OPCODE_PFC)
		return DP_PFC_OTHER;
	if (memcmp(frame, pause_address, 6) && memcmp(frame, mac, 6))
		return DP_PFC_DESTINATION;
	if (len < END_OFFSET)
		return DP_PFC_SHORT;
	if (frame[VECTOR_OFFSET])
		return DP_PFC_VECTOR;
	*out = (struct dp_pfc){.enabled = frame[VECTOR_OFFSET + 1]};
	memcpy(out->src, frame + 6, 6);
	for (prio = 0; prio < 8; prio++)
		if (out->enabled >> prio & 1)
			out->quanta[prio] = dp_get_be16(frame + QUANTA_OFFSET + 2 * prio);
	return DP_PFC_OK;
}

uint64_t dp_pfc_quanta_ps(uint32_t quanta, uint64_t rate_bps)
{
	unsigned __int128 ps = (unsigned __int128)quanta * DP_PFC_QUANTUM_BITS * DP_SEC + rate_bps - 1;

	return DP_MIN(ps / rate_bps, (unsigned __int128)DP_NEVER);
}

void dp_pauses_add(struct dp_pauses *pauses, const struct dp_pfc *pfc, uint64_t rate_bps, uint64_t now_ps)
{
	uint32_t prio;

	pauses->frames++;
	for (prio = 0; prio < 8; prio++)
		if (pfc->enabled >> prio & 1)
			pauses->until_ps[prio] = dp_add_ps(now_ps, dp_pfc_quanta_ps(pfc->quanta[prio], rate_bps));
}

uint8_t dp_pauses_mask(const struct dp_pauses *pauses, uint64_t now_ps, uint64_t *next_ps)
{
	uint8_t mask = 0;
	uint32_t prio;

	*next_ps = DP_NEVER;
	for (prio = 0; prio < 8; prio++)
		if (pauses->until_ps[prio] > now_ps) {
			mask |= (uint8_t)(1 << prio);
			*next_ps = DP_MIN(*next_ps, pauses->until_ps[prio]);
		}
	return mask;
}
