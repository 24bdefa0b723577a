/*
 * Invariant: whatever frames arrive, and however calls and times interleave, the neighbour core reads and writes only
 * its own memory, its table and queues stay within their bounds, what it sends is well-formed, and a deadline that has
 * been ticked does not come again.
 */
#include <stdlib.h>

#include "datapath/csrc/neigh.h"

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two bytes of length and kind, then as many bytes; a frame may be given its checksum, or no input would get past it. */
static void fix_checksum(uint8_t *f, size_t len)
{
	uint32_t sum = 58 + (uint32_t)(len - 54);
	size_t i;

	f[56] = f[57] = 0;
	for (i = 22; i < len; i++)
		sum += i % 2 ? f[i] : (uint32_t)f[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	dp_put_be16(f + 56, (uint16_t)~sum);
}

static void check_out(struct dp_neigh *n, size_t keep)
{
	const uint8_t *f;
	uint8_t prio;
	size_t len;

	while ((f = dp_neigh_peek(n, &len, &prio)) && keep--) {
		REQUIRE(len >= 14 && prio < 8);
		REQUIRE(f[len - 1] == f[len - 1]);
		dp_neigh_pop(n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dp_neigh_cfg cfg = {.mac = {2, 0, 0, 0, 0, 0xa}, .nip = 2, .max_entries = 4, .max_waiting = 4};
	uint64_t now_ps = 0;
	struct dp_neigh *n;
	uint8_t mac[6], *f, *w;
	struct dp_ip ip;
	size_t len, i;

	cfg.ip[0] = (struct dp_ip){{[10] = 255, 255, 10, 0, 0, 1}};
	cfg.ip[1] = (struct dp_ip){{0xfd, [15] = 1}};
	n = dp_neigh_new(&cfg);
	REQUIRE(n);
	while (size >= 2) {
		len = data[0];
		len = len > size - 2 ? size - 2 : len;
		now_ps = dp_add_ps(now_ps, (uint64_t)(data[1] >> 3) * 100 * DP_MS);
		f = malloc(len + !len); /* exact, so that every byte too far is seen */
		REQUIRE(f);
		memcpy(f, data + 2, len);
		switch (data[1] & 7) {
		case 0:
		case 1:
			if (len >= 58)
				fix_checksum(f, len);
			/* fall through */
		case 2:
			dp_neigh_rx(n, f, len, now_ps);
			break;
		case 3:
		case 4:
			ip = cfg.ip[(data[1] >> 3) & 1];
			for (i = 0; i < len && i < 4; i++)
				ip.b[15 - i] = f[i];
			if (dp_neigh_resolve(n, &ip, mac, now_ps) == DP_NEIGH_PENDING) {
				w = dp_neigh_wait(n, &ip, 14 + len, 3);
				if (w)
					memset(w, 0x55, 14 + len);
			}
			break;
		case 5:
			check_out(n, len);
			break;
		default:
			dp_neigh_tick(n, now_ps);
			REQUIRE(dp_neigh_next_ps(n) > now_ps);
		}
		REQUIRE(dp_neigh_count(n) <= 4);
		free(f);
		data += 2 + len;
		size -= 2 + len;
	}
	check_out(n, SIZE_MAX);
	dp_neigh_free(n);
	return 0;
}
