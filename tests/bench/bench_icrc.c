/*
 * CRC-32 of one core in GB/s: the engine's update and copy, by carry-less multiplication (where the processor has
 * it) and by tables, beside memcpy. Arguments: CPU seconds for each figure, default 0.05.
 */
#include "datapath/csrc/crc32.h"
#include "tests/bench/bench.h"

#define MAX_BYTES 65536

static uint8_t src[MAX_BYTES], dst[MAX_BYTES];

static uint32_t run_update(uint32_t crc, size_t len)
{
	return dp_crc32_update(crc, src, len);
}

static uint32_t run_copy(uint32_t crc, size_t len)
{
	return dp_crc32_copy(crc, dst, src, len);
}

static uint32_t run_update_portable(uint32_t crc, size_t len)
{
	return dp_crc32_update_portable(crc, src, len);
}

static uint32_t run_copy_portable(uint32_t crc, size_t len)
{
	return dp_crc32_copy_portable(crc, dst, src, len);
}

static uint32_t run_memcpy(uint32_t crc, size_t len)
{
	memcpy(dst, src, len);
	__asm__ volatile("" ::: "memory");
	return crc;
}

static const struct {
	const char *name;
	uint32_t (*run)(uint32_t crc, size_t len);
} cases[] = {
	{"update", run_update},
	{"copy", run_copy},
	{"update_portable", run_update_portable},
	{"copy_portable", run_copy_portable},
	{"memcpy", run_memcpy},
};

static volatile uint32_t sink;

static double gbytes_per_s(uint32_t (*run)(uint32_t, size_t), size_t len, double cpu_s)
{
	uint64_t rounds = 1 + (1 << 20) / len, done = 0;
	uint32_t crc = 0xffffffff;
	double start, spent;

	crc = run(crc, len);
	start = thread_cpu_s();
	do {
		for (uint64_t i = 0; i < rounds; i++)
			crc = run(crc, len);
		done += rounds;
		spent = thread_cpu_s() - start;
	} while (spent < cpu_s);
	sink = crc;
	return (double)(done * len) / spent * 1e-9;
}

int main(int argc, char **argv)
{
	double cpu_s = argc > 1 ? atof(argv[1]) : 0.05;

	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(i * 31 + i / 256);
	printf("{");
	for (size_t c = 0; c < DP_ARRAY_SIZE(cases); c++) {
		printf("%s\"%s\": {", c ? ", " : "", cases[c].name);
		for (size_t len = 64; len <= MAX_BYTES; len *= 4)
			printf("%s\"%zu\": %.3f", len > 64 ? ", " : "", len, gbytes_per_s(cases[c].run, len, cpu_s));
		printf(", \"4160\": %.3f}", gbytes_per_s(cases[c].run, 4160, cpu_s));
	}
	printf("}\n");
	return 0;
}
