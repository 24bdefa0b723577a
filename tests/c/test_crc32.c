/* CRC-32 against one that works bit by bit from the polynomial, all lengths and alignments. */
#include <stdlib.h>
#include <time.h>

#include "datapath/csrc/crc32.h"
#include "datapath/csrc/crc32_table.h"
#include "datapath/csrc/rng.h"
#include "tests/c/check.h"

#define MAX_LEN 2000

static uint32_t bitwise(uint32_t crc, const uint8_t *p, size_t len)
{
	int bit;

	for (; len; len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
	}
	return crc;
}

static void test_known_value(void)
{
	CHECK_EQ(~dp_crc32_update(0xFFFFFFFF, "123456789", 9), 0xCBF43926);
	CHECK_EQ(dp_crc32_update(0x12345678, NULL, 0), 0x12345678);
}

static void test_tables(void)
{
	uint8_t buf[17] = {0};
	unsigned int b;
	size_t k;

	for (k = 0; k < 16; k++)
		for (b = 0; b < 256; b++) {
			buf[0] = (uint8_t)b;
			CHECK_EQ(dp_crc32_table[k][b], bitwise(0, buf, k + 1));
		}
}

static void test_all_lengths_and_alignments(void)
{
	struct dp_rng rng;
	size_t len, align, i;
	uint32_t crc, want;

	dp_rng_seed(&rng, 1);
	for (len = 0; len <= MAX_LEN; len++) {
		for (align = 0; align < 16; align += 1 + 4 * (len > 300)) {
			/* Exact allocations, so that a sanitizer sees every byte read or written too far. */
			uint8_t *src = malloc(align + len + !len), *dst = malloc(17 + len);

			for (i = 0; i < len; i++)
				src[align + i] = (uint8_t)dp_rng_next(&rng);
			memset(dst, 0xA5, 17 + len);
			crc = (uint32_t)dp_rng_next(&rng);
			want = bitwise(crc, src + align, len);
			CHECK_EQ(dp_crc32_update(crc, src + align, len), want);
			CHECK_EQ(dp_crc32_update_portable(crc, src + align, len), want);
			CHECK_EQ(dp_crc32_copy(crc, dst + 16 - align, src + align, len), want);
			CHECK(len == 0 || memcmp(dst + 16 - align, src + align, len) == 0);
			CHECK_EQ(dst[16 - align + len], 0xA5);
			memset(dst, 0xA5, 17 + len);
			CHECK_EQ(dp_crc32_copy_portable(crc, dst + 16 - align, src + align, len), want);
			CHECK(len == 0 || memcmp(dst + 16 - align, src + align, len) == 0);
			CHECK_EQ(dst[16 - align + len], 0xA5);
			free(src);
			free(dst);
		}
	}
}

static void test_pieces_equal_the_whole(void)
{
	uint8_t buf[4200];
	struct dp_rng rng;
	size_t i, cut;
	uint32_t crc;
	int round;

	dp_rng_seed(&rng, 2);
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)dp_rng_next(&rng);
	for (round = 0; round < 200; round++) {
		crc = 0xFFFFFFFF;
		for (i = 0; i < sizeof(buf); i += cut) {
			cut = 1 + dp_rng_below(&rng, 700);
			cut = DP_MIN(cut, sizeof(buf) - i);
			crc = dp_crc32_update(crc, buf + i, cut);
		}
		CHECK_EQ(crc, bitwise(0xFFFFFFFF, buf, sizeof(buf)));
	}
}

static void test_shift_is_as_many_zero_bytes(void)
{
	static const uint8_t zeros[70000];
	static const uint32_t lens[] = {0, 1, 2, 3, 4, 7, 64, 255, 1024, 4096, 4097, 65535, 70000};
	struct dp_rng rng;

	dp_rng_seed(&rng, 3);
	for (size_t i = 0; i < DP_ARRAY_SIZE(lens); i++) {
		uint32_t crc = (uint32_t)dp_rng_next(&rng), want = bitwise(crc, zeros, lens[i]);

		CHECK_EQ(dp_crc32_shift(crc, lens[i]), want);
		CHECK_EQ(dp_crc32_shift_portable(crc, lens[i]), want);
	}
	/* Every power that a length of 32 bits can have: 2^k zeros are twice 2^(k-1). */
	for (uint32_t k = 1; k < 32; k++) {
		uint32_t crc = (uint32_t)dp_rng_next(&rng), half = 1u << (k - 1);

		CHECK_EQ(dp_crc32_shift(crc, 1u << k), dp_crc32_shift(dp_crc32_shift(crc, half), half));
		CHECK_EQ(dp_crc32_shift_portable(crc, 1u << k), dp_crc32_shift(crc, 1u << k));
	}
}

static void test_crc_of_a_piece_known_before_what_precedes_it(void)
{
	uint8_t buf[5000];
	struct dp_rng rng;

	dp_rng_seed(&rng, 4);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)dp_rng_next(&rng);
	for (uint32_t cut = 0; cut <= sizeof(buf); cut += 61) {
		uint32_t tail = (uint32_t)sizeof(buf) - cut, last = dp_crc32_update(0, buf + cut, tail);

		CHECK_EQ(dp_crc32_shift(dp_crc32_update(0xFFFFFFFF, buf, cut), tail) ^ last,
			 bitwise(0xFFFFFFFF, buf, sizeof(buf)));
	}
}

static void test_method_has_a_name(void)
{
	const char *method = dp_crc32_method();

	CHECK(strcmp(method, "pclmulqdq") == 0 || strcmp(method, "tables") == 0);
	CHECK(strcmp(method, dp_crc32_method()) == 0);
}

/* Not a test: `test_crc32 bench` prints GB/s. */
static void bench(void)
{
	static const size_t lens[] = {64, 256, 1024, 4096, 65536};
	static uint8_t src[65536 + 64], dst[65536 + 64];
	uint32_t sink = 0;
	struct timespec t[2];
	size_t i, n, rounds;
	int what;

	for (what = 0; what < 3; what++)
		for (i = 0; i < DP_ARRAY_SIZE(lens); i++) {
			rounds = (what == 2 ? 400000000 : 4000000000) / lens[i] + 1;
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t[0]);
			for (n = 0; n < rounds; n++)
				sink ^= what == 0   ? dp_crc32_update(sink, src, lens[i])
					: what == 1 ? dp_crc32_copy(sink, dst, src, lens[i])
						    : dp_crc32_update_portable(sink, src, lens[i]);
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t[1]);
			printf("%s %zu bytes: %.2f GB/s\n",
			       what == 0   ? "update"
			       : what == 1 ? "copy"
					   : "portable",
			       lens[i],
			       (double)(rounds * lens[i]) / ((double)(t[1].tv_sec - t[0].tv_sec) * 1e9 +
							     (double)(t[1].tv_nsec - t[0].tv_nsec)));
		}
	printf("%08x\n", sink);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "bench") == 0) {
		bench();
		return 0;
	}
	test_known_value();
	test_tables();
	test_all_lengths_and_alignments();
	test_pieces_equal_the_whole();
	test_shift_is_as_many_zero_bytes();
	test_crc_of_a_piece_known_before_what_precedes_it();
	test_method_has_a_name();
	return check_done();
}
