/* Arithmetic of any width: against 128-bit integers of the compiler up to 128 bits, by its own laws above. */
#include "tests/c/check.h"

#include "datapath/csrc/pipeline_int.h"

typedef unsigned __int128 u128;

static uint64_t scratch[4 * (PL_MAX_WORDS + 2)];

static u128 cut(u128 v, uint32_t w)
{
	return w == 128 ? v : v & (((u128)1 << w) - 1);
}

static __int128 extend(u128 v, uint32_t w)
{
	return (__int128)(v << (128 - w)) >> (128 - w);
}

static u128 run(uint16_t op, u128 a, u128 b, uint32_t w, uint32_t aw, uint64_t imm)
{
	uint64_t d[3] = {0, 0, 0xdead}, x[2] = {(uint64_t)a, (uint64_t)(a >> 64)},
		 y[2] = {(uint64_t)b, (uint64_t)(b >> 64)};

	dp_pl_wide(op, scratch, d, x, y, w, aw, imm);
	CHECK(d[2] == 0xdead);
	return w > 64 ? (u128)d[1] << 64 | d[0] : d[0];
}

static u128 clamp(__int128 a, __int128 b, bool sub, uint32_t w)
{
	/* of w < 128 bits: no overflow in 128 */
	__int128 max = ((__int128)1 << (w - 1)) - 1, v = sub ? a - b : a + b;

	return cut((u128)(v > max ? max : v < -max - 1 ? -max - 1 : v), w);
}

static void one(struct dp_rng *rng, uint32_t w)
{
	u128 a = cut((u128)dp_rng_next(rng) << 64 | dp_rng_next(rng), w),
	     b = cut((u128)dp_rng_next(rng) << 64 | dp_rng_next(rng), w);
	uint64_t by = dp_rng_below(rng, w + 10);
	uint64_t x[2], y[2];

	if (dp_rng_below(rng, 4) == 0)
		b = cut((u128)0 - dp_rng_below(rng, 3), w);
	if (dp_rng_below(rng, 4) == 0)
		b = cut(dp_rng_below(rng, 5), w);
	CHECK(run(DP_PL_OP_ADDX, a, b, w, w, 0) == cut(a + b, w));
	CHECK(run(DP_PL_OP_SUBX, a, b, w, w, 0) == cut(a - b, w));
	CHECK(run(DP_PL_OP_MULX, a, b, w, w, 0) == cut(a * b, w));
	CHECK(run(DP_PL_OP_NEGX, a, b, w, w, 0) == cut(-a, w));
	CHECK(run(DP_PL_OP_NOTX, a, b, w, w, 0) == cut(~a, w));
	CHECK(run(DP_PL_OP_ANDX, a, b, w, w, 0) == (a & b));
	CHECK(run(DP_PL_OP_ORX, a, b, w, w, 0) == (a | b));
	CHECK(run(DP_PL_OP_XORX, a, b, w, w, 0) == (a ^ b));
	CHECK(run(DP_PL_OP_DIVX, a, b, w, w, 0) == (b ? a / b : 0));
	CHECK(run(DP_PL_OP_MODX, a, b, w, w, 0) == (b ? a % b : 0));
	CHECK(run(DP_PL_OP_SHLX, a, by, w, w, 0) == (by < w ? cut(a << by, w) : 0));
	CHECK(run(DP_PL_OP_SHRX, a, by, w, w, 0) == (by < w ? a >> by : 0));
	CHECK(run(DP_PL_OP_SARX, a, by, w, w, 0) == cut((u128)(extend(a, w) >> (by < w ? by : w - 1)), w));
	CHECK(run(DP_PL_OP_SHLX, a, 1ULL << 40, w, w, 0) == 0);
	if (w < 128) {
		CHECK(run(DP_PL_OP_ADDSX, a, b, w, w, 0) == (a + b > cut(~(u128)0, w) ? cut(~(u128)0, w) : a + b));
		CHECK(run(DP_PL_OP_ADDSSX, a, b, w, w, 0) == clamp(extend(a, w), extend(b, w), false, w));
		CHECK(run(DP_PL_OP_SUBSSX, a, b, w, w, 0) == clamp(extend(a, w), extend(b, w), true, w));
	}
	CHECK(run(DP_PL_OP_SUBSX, a, b, w, w, 0) == (a > b ? a - b : 0));
	by = dp_rng_below(rng, w);
	CHECK(run(DP_PL_OP_SLICEX, a, 0, w - (uint32_t)by, w, by) == a >> by);
	CHECK(run(DP_PL_OP_SEXTX, cut(a, (uint32_t)by + 1), 0, w, (uint32_t)by + 1, 0) ==
	      cut((u128)extend(cut(a, (uint32_t)by + 1), (uint32_t)by + 1), w));
	CHECK(run(DP_PL_OP_ZEXTX, a, 0, (uint32_t)by + 1, w, 0) == cut(a, (uint32_t)by + 1));
	memcpy(x, &a, sizeof(x));
	memcpy(y, &b, sizeof(y));
	CHECK(dp_pl_wide_cmp(DP_PL_OP_EQX, x, y, w) == (a == b));
	CHECK(dp_pl_wide_cmp(DP_PL_OP_EQX, x, x, w));
	CHECK(dp_pl_wide_cmp(DP_PL_OP_LTX, x, y, w) == (a < b));
	CHECK(dp_pl_wide_cmp(DP_PL_OP_LEX, x, y, w) == (a <= b));
	CHECK(dp_pl_wide_cmp(DP_PL_OP_SLTX, x, y, w) == (extend(a, w) < extend(b, w)));
	CHECK(dp_pl_wide_cmp(DP_PL_OP_SLEX, x, x, w));
}

static void test_up_to_128_bits_as_the_compiler_computes(void)
{
	struct dp_rng rng;

	dp_rng_seed(&rng, 1);
	for (int i = 0; i < 20000; i++)
		one(&rng, 1 + (uint32_t)dp_rng_below(&rng, 128));
}

static void random_words(struct dp_rng *rng, uint64_t *v, uint32_t w)
{
	memset(v, 0, 8 * PL_MAX_WORDS);
	for (uint32_t i = 0; i < pl_words(w); i++)
		v[i] = dp_rng_next(rng);
	if (w & 63)
		v[w / 64] &= pl_mask(w & 63);
}

static void test_laws_of_any_width(void)
{
	static uint64_t a[PL_MAX_WORDS], b[PL_MAX_WORDS], q[PL_MAX_WORDS], r[PL_MAX_WORDS], back[PL_MAX_WORDS];
	static const uint32_t widths[] = {129, 191, 192, 193, 512, 1000, 2048};
	struct dp_rng rng;

	dp_rng_seed(&rng, 2);
	for (size_t i = 0; i < DP_ARRAY_SIZE(widths); i++) {
		uint32_t w = widths[i], n = 8 * pl_words(w);

		for (int k = 0; k < 20; k++) {
			random_words(&rng, a, w);
			random_words(&rng, b, 1 + (uint32_t)dp_rng_below(&rng, w));
			b[0] |= 1;
			dp_pl_wide(DP_PL_OP_DIVX, scratch, q, a, b, w, w, 0);
			dp_pl_wide(DP_PL_OP_MODX, scratch, r, a, b, w, w, 0);
			CHECK(dp_pl_wide_cmp(DP_PL_OP_LTX, r, b, w));
			/* q * b + r == a, in place */
			dp_pl_wide(DP_PL_OP_MULX, scratch, q, q, b, w, w, 0);
			dp_pl_wide(DP_PL_OP_ADDX, scratch, q, q, r, w, w, 0);
			CHECK_MEM(q, a, n);
			/* a slice put where it was taken from changes nothing */
			uint32_t lo = (uint32_t)dp_rng_below(&rng, w), len = 1 + (uint32_t)dp_rng_below(&rng, w - lo);

			dp_pl_wide(DP_PL_OP_SLICEX, scratch, r, a, NULL, len, w, lo);
			memcpy(back, a, sizeof(a));
			dp_pl_wide(DP_PL_OP_INSX, scratch, back, r, NULL, len, w, lo);
			CHECK_MEM(back, a, n);
			/* and in zeros it is the slice shifted to its place */
			memset(back, 0, sizeof(back));
			dp_pl_wide(DP_PL_OP_INSX, scratch, back, r, NULL, len, w, lo);
			dp_pl_wide(DP_PL_OP_ZEXTX, scratch, r, r, NULL, w, len, 0);
			uint64_t by = lo;

			dp_pl_wide(DP_PL_OP_SHLX, scratch, r, r, &by, w, w, 0);
			CHECK_MEM(back, r, n);
		}
	}
}

int main(void)
{
	RUN(test_up_to_128_bits_as_the_compiler_computes);
	RUN(test_laws_of_any_width);
	return check_done();
}
