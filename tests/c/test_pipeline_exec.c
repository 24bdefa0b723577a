/* The pipeline engine's interpreter: arithmetic, jumps, calls, and what the loader refuses. */
#include "tests/c/check.h"
#include "tests/c/pipeline_util.h"

/* A program of one ingress block that runs `op` and emits its result as 64 bits. */
static uint64_t compute(uint16_t op, uint16_t w, uint64_t a, uint64_t b, uint64_t imm)
{
	struct prog *p = prog_new(DP_PL_V1MODEL);
	uint32_t word = layout(p, NONE, 1, 64U), h = header(p, word);
	const struct dp_pl_out *out;
	struct dp_pl_worker *worker;
	uint64_t v = 0;
	struct dp_pl *pl;

	p->d.blocks[DP_PL_B_INGRESS] = p->d.n_insns;
	insn(p, op, w, h + 1, lit(p, a), lit(p, b), imm);
	INSN(p, MOV, 1, h, lit(p, 1), 0, 0);
	end(p);
	p->d.blocks[DP_PL_B_DEPARSER] = INSN(p, EMIT, 0, 0, h, word, 0);
	end(p);
	pl = prog_load(p);
	worker = dp_pl_worker_new(pl);
	if (CHECK(run_one(worker, 0, "", 0, &out) == 1) && CHECK(out[0].len == 8))
		v = dp_get_be64(out[0].data);
	dp_pl_worker_free(worker);
	dp_pl_free(pl);
	return v;
}

static void test_arithmetic_of_up_to_64_bits(void)
{
	CHECK_EQ(compute(DP_PL_OP_ADD, 8, 200, 100, 0), 44);
	CHECK_EQ(compute(DP_PL_OP_ADD, 64, UINT64_MAX, 2, 0), 1);
	CHECK_EQ(compute(DP_PL_OP_SUB, 8, 1, 2, 0), 255);
	CHECK_EQ(compute(DP_PL_OP_MUL, 16, 300, 300, 0), 90000 & 0xffff);
	CHECK_EQ(compute(DP_PL_OP_NEG, 4, 1, 0, 0), 15);
	CHECK_EQ(compute(DP_PL_OP_NOT, 4, 5, 0, 0), 10);
	CHECK_EQ(compute(DP_PL_OP_SHL, 8, 3, 7, 0), 0x80);
	CHECK_EQ(compute(DP_PL_OP_SHL, 64, 3, 64, 0), 0);
	CHECK_EQ(compute(DP_PL_OP_SHR, 8, 0x80, 200, 0), 0);
	CHECK_EQ(compute(DP_PL_OP_SAR, 8, 0x80, 1, 0), 0xc0);
	CHECK_EQ(compute(DP_PL_OP_SAR, 8, 0x80, 99, 0), 0xff);
	CHECK_EQ(compute(DP_PL_OP_ADDS, 8, 200, 100, 0), 255);
	CHECK_EQ(compute(DP_PL_OP_ADDS, 64, UINT64_MAX, 1, 0), (int64_t)UINT64_MAX);
	CHECK_EQ(compute(DP_PL_OP_SUBS, 8, 1, 2, 0), 0);
	CHECK_EQ(compute(DP_PL_OP_ADDSS, 8, 100, 100, 0), 127);
	CHECK_EQ(compute(DP_PL_OP_ADDSS, 8, 0x80, 0xff, 0), 0x80);
	CHECK_EQ(compute(DP_PL_OP_SUBSS, 8, 0x7f, 0xff, 0), 0x7f);
	CHECK_EQ(compute(DP_PL_OP_SUBSS, 64, 1ULL << 63, 1, 0), INT64_MIN);
	CHECK_EQ(compute(DP_PL_OP_DIV, 8, 7, 2, 0), 3);
	CHECK_EQ(compute(DP_PL_OP_MOD, 8, 7, 0, 0), 0);
	CHECK_EQ(compute(DP_PL_OP_SLICE, 4, 0xabcd, 0, 8), 0xb);
	CHECK_EQ(compute(DP_PL_OP_CAT, 12, 0xa, 0xbc, 8), 0xabc);
	CHECK_EQ(compute(DP_PL_OP_SEXT, 16, 0x8, 0, 4), 0xfff8);
	CHECK_EQ(compute(DP_PL_OP_TRUNC, 4, 0xabc, 0, 0), 0xc);
	CHECK_EQ(compute(DP_PL_OP_INS, 4, 0xa, 0, 8), 0xa00);
	CHECK_EQ(compute(DP_PL_OP_SLT, 8, 0xff, 0, 0), 1);
	CHECK_EQ(compute(DP_PL_OP_LT, 8, 0xff, 0, 0), 0);
	CHECK_EQ(compute(DP_PL_OP_SLE, 8, 0x80, 0x80, 0), 1);
	CHECK_EQ(compute(DP_PL_OP_LNOT, 1, 0, 0, 0), 1);
}

int main(void)
{
	RUN(test_arithmetic_of_up_to_64_bits);
	return check_done();
}
