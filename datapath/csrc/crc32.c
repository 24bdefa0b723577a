/*
 * CRC-32 by tables, sixteen bytes a step, and by carry-less multiplication where the processor has it and does it fast.
 *
 * In the reflected form bit 0 of a little-endian load is the highest power of x. A product of two 64-bit
 * operands is then short of one shift: clmul(a, c) stands for a * c * x, so the constant that moves a by x^n
 * is x^(n-1) mod P, reflected, in the upper half of 64 bits.
 *
 * One body serves update and copy (dst NULL or not). Each word is loaded once, through `LOADED_ONCE`, so that the
 * compiler cannot load it a second time for the sum: src may be a buffer that somebody is writing to.
 */
#include "datapath/csrc/crc32.h"
#include "datapath/csrc/crc32_table.h"

#define ALWAYS_INLINE  inline __attribute__((always_inline))
#define LOADED_ONCE(v) __asm__ volatile("" : "+r"(v))

static ALWAYS_INLINE uint32_t load_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	LOADED_ONCE(v);
	return v;
}

static ALWAYS_INLINE void store_le32(uint8_t *p, uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	memcpy(p, &v, sizeof(v));
}

/* The word v moved past `after` further bytes. */
static ALWAYS_INLINE uint32_t table_word(uint32_t v, int after)
{
	return dp_crc32_table[after + 3][v & 0xff] ^ dp_crc32_table[after + 2][v >> 8 & 0xff] ^
	       dp_crc32_table[after + 1][v >> 16 & 0xff] ^ dp_crc32_table[after][v >> 24];
}

/* The last bytes, at most a few words. */
static ALWAYS_INLINE uint32_t table_tail(uint32_t crc, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint32_t v;
	uint8_t b;

	for (; len >= 4; len -= 4, src += 4) {
		v = load_le32(src);
		if (dst) {
			store_le32(dst, v);
			dst += 4;
		}
		crc = table_word(crc ^ v, 0);
	}
	for (; len; len--, src++) {
		b = *src;
		LOADED_ONCE(b);
		if (dst)
			*dst++ = b;
		crc = crc >> 8 ^ dp_crc32_table[0][(crc ^ b) & 0xff];
	}
	return crc;
}

static ALWAYS_INLINE uint32_t table_run(uint32_t crc, uint8_t *dst, const uint8_t *src, size_t len)
{
	uint32_t a, b, c, d;

	for (; len >= 16; len -= 16, src += 16) {
		a = load_le32(src);
		b = load_le32(src + 4);
		c = load_le32(src + 8);
		d = load_le32(src + 12);
		if (dst) {
			store_le32(dst, a);
			store_le32(dst + 4, b);
			store_le32(dst + 8, c);
			store_le32(dst + 12, d);
			dst += 16;
		}
		crc = table_word(crc ^ a, 12) ^ table_word(b, 8) ^ table_word(c, 4) ^ table_word(d, 0);
	}
	return table_tail(crc, dst, src, len);
}

uint32_t dp_crc32_update_portable(uint32_t crc, const void *data, size_t len)
{
	return table_run(crc, NULL, data, len);
}

uint32_t dp_crc32_copy_portable(uint32_t crc, void *dst, const void *src, size_t len)
{
	return table_run(crc, dst, src, len);
}

/* x^(8 * 2^k) mod P, bit 31 is x^0. Checked by test_crc32.c. */
static const uint32_t x_to_bytes[32] = {
	0x00800000, 0x00008000, 0xedb88320, 0xb1e6b092, 0xa06a2517, 0xed627dae, 0x88d14467, 0xd7bbfe6a,
	0xec447f11, 0x8e7ea170, 0x6427800e, 0x4d47bae0, 0x09fe548f, 0x83852d0f, 0x30362f1a, 0x7b5a9cc3,
	0x31fec169, 0x9fec022a, 0x6c8dedc4, 0x15d6874d, 0x5fde7a4e, 0xbad90e37, 0x2e4e5eef, 0x4eaba214,
	0xa8a472c0, 0x429a969e, 0x148d302a, 0xc40ba6d0, 0xc4e22c3c, 0x40000000, 0x20000000, 0x08000000,
};

/* Product of two polynomials mod P, bit 31 is x^0. */
static uint32_t multiply_portable(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a; a <<= 1) {
		product ^= b & -(a >> 31);
		b = b >> 1 ^ (0xedb88320u & -(b & 1));
	}
	return product;
}

uint32_t dp_crc32_shift_portable(uint32_t crc, uint32_t len)
{
	for (int k = 0; len; k++, len >>= 1)
		if (len & 1)
			crc = multiply_portable(x_to_bytes[k], crc);
	return crc;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define CLMUL_TARGET __attribute__((target("pclmul,sse4.1")))
#define CLMUL_MIN    32 /* below it the tables are as fast */

/* x^(n-1) mod P in the form that the multiplication wants; the first moves the half of higher powers. */
#define FOLD_1024 0x7d657a1000000000, 0x7406fa9500000000 /* x^1087, x^1023 */
#define FOLD_512  0x653d982200000000, 0xcad38e8f00000000 /* x^575, x^511 */
#define FOLD_128  0x65673b4600000000, 0x9ba54c6f00000000 /* x^191, x^127 */
#define FOLD_END  0xccaa009e00000000, 0xb8bc676500000000 /* x^95, x^63 */

#define CONSTANT(pair)           constant2(pair)
#define constant2(first, second) _mm_set_epi64x((long long)(second), (long long)(first))

CLMUL_TARGET static ALWAYS_INLINE __m128i take(const uint8_t *src, uint8_t *dst, size_t at)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(src + at));

	__asm__ volatile("" : "+x"(v));
	if (dst)
		_mm_storeu_si128((__m128i *)(void *)(dst + at), v);
	return v;
}

/* The accumulator moved to where `next` stands, and next added. */
CLMUL_TARGET static ALWAYS_INLINE __m128i fold(__m128i acc, __m128i k, __m128i next)
{
	return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(acc, k, 0x00), _mm_clmulepi64_si128(acc, k, 0x11)),
			     next);
}

/* acc * x^32 mod P: 128 bits to 96, to 64 by multiplication, the last step by four look-ups. */
CLMUL_TARGET static ALWAYS_INLINE uint32_t reduce(__m128i acc)
{
	__m128i k = CONSTANT(FOLD_END);
	__m128i low = _mm_slli_si128(_mm_srli_si128(acc, 8), 4);
	uint64_t rest;

	acc = _mm_xor_si128(_mm_clmulepi64_si128(acc, k, 0x00), low);
	acc = _mm_xor_si128(_mm_clmulepi64_si128(acc, k, 0x10), acc);
	rest = (uint64_t)_mm_extract_epi64(acc, 1);
	return table_word((uint32_t)rest, 0) ^ (uint32_t)(rest >> 32);
}

CLMUL_TARGET static ALWAYS_INLINE uint32_t clmul_run(uint32_t crc, uint8_t *dst, const uint8_t *src, size_t len)
{
	size_t done = 0;
	__m128i a[8], k;
	int i;

	if (len >= 256) {
		/* Eight in flight cover the latency of the multiplier (7 cycles, one a cycle). */
		for (i = 0; i < 8; i++)
			a[i] = take(src, dst, (size_t)i * 16);
		a[0] = _mm_xor_si128(a[0], _mm_cvtsi32_si128((int)crc));
		k = CONSTANT(FOLD_1024);
		for (done = 128; len - done >= 128; done += 128) {
#pragma GCC unroll 8
			for (i = 0; i < 8; i++)
				a[i] = fold(a[i], k, take(src, dst, done + (size_t)i * 16));
		}
		k = CONSTANT(FOLD_512);
		for (i = 0; i < 4; i++)
			a[i] = fold(a[i], k, a[i + 4]);
	} else if (len >= 64) {
		for (i = 0; i < 4; i++)
			a[i] = take(src, dst, (size_t)i * 16);
		a[0] = _mm_xor_si128(a[0], _mm_cvtsi32_si128((int)crc));
		done = 64;
	} else {
		a[3] = _mm_xor_si128(take(src, dst, 0), _mm_cvtsi32_si128((int)crc));
		done = 16;
	}
	if (len >= 64) {
		k = CONSTANT(FOLD_512);
		for (; len - done >= 64; done += 64)
			for (i = 0; i < 4; i++)
				a[i] = fold(a[i], k, take(src, dst, done + (size_t)i * 16));
		k = CONSTANT(FOLD_128);
		for (i = 0; i < 3; i++)
			a[i + 1] = fold(a[i], k, a[i + 1]);
	}
	k = CONSTANT(FOLD_128);
	for (; len - done >= 16; done += 16)
		a[3] = fold(a[3], k, take(src, dst, done));
	return table_tail(reduce(a[3]), dst ? dst + done : NULL, src + done, len - done);
}

CLMUL_TARGET static uint32_t clmul_update(uint32_t crc, const uint8_t *data, size_t len)
{
	return clmul_run(crc, NULL, data, len);
}

CLMUL_TARGET static uint32_t clmul_copy(uint32_t crc, uint8_t *dst, const uint8_t *src, size_t len)
{
	return clmul_run(crc, dst, src, len);
}

CLMUL_TARGET static uint32_t clmul_shift(uint32_t crc, uint32_t len)
{
	for (int k = 0; len; k++, len >>= 1) {
		__m128i product;
		uint64_t v;

		if (!(len & 1))
			continue;
		product = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi32_si128((int)x_to_bytes[k]), 0);
		v = (uint64_t)_mm_cvtsi128_si64(product) << 1; /* x^0 to bit 63 */
		crc = (uint32_t)(v >> 32) ^ table_word((uint32_t)v, 0);
	}
	return crc;
}

/* The fewest ticks of three runs over a packet's worth of bytes. */
static uint64_t ticks(uint32_t (*update)(uint32_t crc, const uint8_t *data, size_t len), const uint8_t *data,
		      size_t len)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t start = __rdtsc(), spent;
		uint32_t crc = update(0, data, len);

		__asm__ volatile("" : : "r"(crc));
		spent = __rdtsc() - start;
		best = spent < best ? spent : best;
	}
	return best;
}

static uint32_t table_update(uint32_t crc, const uint8_t *data, size_t len)
{
	return table_run(crc, NULL, data, len);
}

/*
 * A processor that has the instruction may do it slowly: an emulated one takes it apart. So both ways are timed, once,
 * by whoever needs a CRC first; threads that come at the same time do the same. Both give the same CRC.
 */
static bool have_clmul(void)
{
	static int choice; /* 0: not made yet, 1: tables, 2: multiplication */
	int made = __atomic_load_n(&choice, __ATOMIC_RELAXED);

	if (dp_unlikely(!made)) {
		static const uint8_t packet[4096];

		made = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1") &&
				       ticks(clmul_update, packet, sizeof(packet)) <
					       ticks(table_update, packet, sizeof(packet))
			       ? 2
			       : 1;
		__atomic_store_n(&choice, made, __ATOMIC_RELAXED);
	}
	return made == 2;
}
#else
#define CLMUL_MIN                      SIZE_MAX
#define have_clmul()                   false
#define clmul_update(crc, data, len)   0
#define clmul_copy(crc, dst, src, len) 0
#define clmul_shift(crc, len)          0
#endif

const char *dp_crc32_method(void)
{
	return have_clmul() ? "pclmulqdq" : "tables";
}

uint32_t dp_crc32_shift(uint32_t crc, uint32_t len)
{
	return have_clmul() ? clmul_shift(crc, len) : dp_crc32_shift_portable(crc, len);
}

uint32_t dp_crc32_update(uint32_t crc, const void *data, size_t len)
{
	if (len >= CLMUL_MIN && have_clmul())
		return clmul_update(crc, data, len);
	return table_run(crc, NULL, data, len);
}

uint32_t dp_crc32_copy(uint32_t crc, void *dst, const void *src, size_t len)
{
	if (len >= CLMUL_MIN && have_clmul())
		return clmul_copy(crc, dst, src, len);
	return table_run(crc, dst, src, len);
}
