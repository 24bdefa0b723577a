/* Invariant: any bytes give a verdict; what is taken for a pause, built again, is taken for the same pause. */
#include <stdlib.h>

#include "datapath/csrc/pfc.h"

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xa};
	struct dp_pfc pfc, again;
	uint8_t frame[DP_PFC_FRAME_BYTES];

	if (dp_pfc_parse(data, size, mac, &pfc) != DP_PFC_OK)
		return 0;
	dp_pfc_build(frame, &pfc);
	REQUIRE(dp_pfc_parse(frame, sizeof(frame), mac, &again) == DP_PFC_OK);
	REQUIRE(!memcmp(&pfc, &again, sizeof(pfc)));
	return 0;
}
