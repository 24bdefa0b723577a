/*
 * Invariant: from any bytes, the way of a received Ethernet frame (tag off, then UDP) gives either nothing or a frame
 * whose headers and data lie within those bytes, lengths consistent, never a fragment or an extension header.
 */
#include <stdlib.h>

#include "datapath/csrc/eth.h"

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + !size), *at = bytes;
	struct dp_ip src, dst;
	struct dp_frame f;
	size_t len = size, ip_len;
	int tci;

	REQUIRE(bytes);
	memcpy(bytes, data, size);
	tci = dp_eth_untag(&at, &len);
	REQUIRE(tci >= -1 && tci <= 0xffff);
	REQUIRE((size_t)(at - bytes) + len == size);
	memset(&f, 0, sizeof(f));
	if (dp_eth_parse_udp(at, len, &f)) {
		REQUIRE(f.l3_len == (f.l3[0] >> 4 == 4 ? 28 : 48));
		REQUIRE(f.data >= bytes + 14 + f.l3_len && f.data + f.len <= bytes + size);
		REQUIRE(memcmp(f.data - f.l3_len, f.l3, f.l3_len) == 0);
		ip_len = f.l3[0] >> 4 == 4 ? dp_get_be16(f.l3 + 2) : 40U + dp_get_be16(f.l3 + 4);
		REQUIRE(ip_len == (size_t)f.l3_len + f.len);
		REQUIRE(f.l3[0] >> 4 == 6 || !(dp_get_be16(f.l3 + 6) & 0x3fff));
		REQUIRE(f.l3[f.l3[0] >> 4 == 4 ? 9 : 6] == 17);
		dp_frame_addresses(&f, &src, &dst);
	}
	free(bytes);
	return 0;
}
