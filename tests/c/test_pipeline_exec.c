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

/* ---- control ---- */

/* Runs ingress code that a test wrote, whose result is in `result`; its 64 bits, or ~0 when the packet was dropped. */
struct bare {
	struct prog *p;
	uint32_t word, h, result;
};

static struct bare bare_new(void)
{
	struct bare b = {.p = prog_new(DP_PL_V1MODEL)};

	b.word = layout(b.p, NONE, 1, 64U);
	b.h = header(b.p, b.word);
	b.result = b.h + 1;
	b.p->d.blocks[DP_PL_B_DEPARSER] = INSN(b.p, MOV, 1, b.h, lit(b.p, 1), 0, 0);
	INSN(b.p, EMIT, 0, 0, b.h, b.word, 0);
	end(b.p);
	b.p->d.blocks[DP_PL_B_INGRESS] = b.p->d.n_insns;
	return b;
}

static uint64_t bare_run(struct bare *b, struct dp_pl_stats *stats)
{
	struct dp_pl *pl = prog_load(b->p);
	struct dp_pl_worker *w = dp_pl_worker_new(pl);
	const struct dp_pl_out *out;
	uint64_t v = ~0ULL;

	if (run_one(w, 0, "", 0, &out) == 1)
		v = dp_get_be64(out[0].data);
	if (stats)
		dp_pl_worker_stats(w, stats);
	dp_pl_worker_free(w);
	dp_pl_free(pl);
	return v;
}

static void test_loops_calls_and_jump_tables(void)
{
	struct bare b = bare_new();
	uint32_t i = slot(b.p, 1), loop, sub, call, jump;

	/* i = 5; do { call sub; } while (--i); sub: result += i */
	INSN(b.p, MOV, 8, i, lit(b.p, 5), 0, 0);
	loop = call = INSN(b.p, CALL, 0, 0, 0, 0, 0);
	INSN(b.p, SUB, 8, i, i, lit(b.p, 1), 0);
	INSN(b.p, JNZ, 0, 0, i, 0, loop);
	end(b.p);
	sub = INSN(b.p, ADD, 8, b.result, b.result, i, 0);
	INSN(b.p, RET, 0, 0, 0, 0, 0);
	b.p->insns[call].imm = sub;
	CHECK_EQ(bare_run(&b, NULL), 15);
	for (uint64_t at = 0; at < 5; at++) {
		b = bare_new();
		jump = INSN(b.p, JTAB, 0, 0, lit(b.p, at == 4 ? ~0ULL : at), 0, 0);
		b.p->targets[0] = INSN(b.p, MOV, 8, b.result, lit(b.p, 10), 0, 0);
		end(b.p);
		b.p->targets[1] = INSN(b.p, MOV, 8, b.result, lit(b.p, 20), 0, 0);
		end(b.p);
		b.p->targets[2] = INSN(b.p, MOV, 8, b.result, lit(b.p, 30), 0, 0);
		end(b.p);
		b.p->d.n_targets = 3;
		*PROG_ADD(b.p, jtabs) = (struct dp_pl_jtab){0, 3};
		CHECK(jump < b.p->targets[0]);
		CHECK_EQ(bare_run(&b, NULL), at == 0 ? 10 : at == 1 ? 20 : 30);
	}
}

static void test_endless_code_gives_the_packet_up(void)
{
	struct dp_pl_stats stats;
	struct bare b = bare_new();
	uint32_t at, wide;

	INSN(b.p, JMP, 0, 0, 0, 0, b.p->d.n_insns);
	CHECK(bare_run(&b, &stats) == ~0ULL);
	CHECK_EQ(stats.drop_loop, 1);
	b = bare_new();
	at = b.p->d.n_insns;
	INSN(b.p, CALL, 0, 0, 0, 0, at);
	end(b.p);
	CHECK(bare_run(&b, &stats) == ~0ULL);
	CHECK_EQ(stats.drop_loop, 1);
	/* 32 deep is allowed: a chain of calls to what follows */
	b = bare_new();
	for (int i = 0; i < 32; i++)
		INSN(b.p, CALL, 0, 0, 0, 0, b.p->d.n_insns + 1);
	INSN(b.p, MOV, 8, b.result, lit(b.p, 1), 0, 0);
	end(b.p);
	CHECK_EQ(bare_run(&b, NULL), 1);
	/* one instruction of 2^26 steps is as bad as a loop */
	b = bare_new();
	wide = slot(b.p, 3 * 1024);
	INSN(b.p, DIVX, 65535, wide, wide + 1024, wide + 2048, 0);
	end(b.p);
	CHECK(bare_run(&b, &stats) == ~0ULL);
}

static void test_registers_of_any_width_and_counters(void)
{
	struct bare b = bare_new();
	uint32_t big = slot(b.p, 2), back = slot(b.p, 2), one = lit(b.p, 1), out_of = lit(b.p, 3);
	const struct dp_pl_out *out;
	struct dp_pl_count c;
	uint64_t words[2];

	*PROG_ADD(b.p, registers) = (struct dp_pl_array){3, 72};
	*PROG_ADD(b.p, counters) = (struct dp_pl_array){3, 3};
	INSN(b.p, NOTX, 72, big, big, 0, 0);
	INSN(b.p, REGWR, 72, big, one, 0, 0);
	INSN(b.p, REGWR, 72, big, out_of, 0, 0);
	INSN(b.p, REGRD, 72, back, one, 0, 0);
	INSN(b.p, MOV, 8, b.result, back + 1, 0, 0);
	INSN(b.p, REGRD, 72, back, out_of, 0, 0);
	INSN(b.p, ADD, 64, b.result, b.result, back, 0);
	INSN(b.p, COUNT, 0, 0, one, 0, 0);
	INSN(b.p, COUNT, 0, 0, out_of, 0, 0);
	end(b.p);
	struct dp_pl *pl = prog_load(b.p);
	struct dp_pl_worker *w = dp_pl_worker_new(pl);

	CHECK_EQ(run_one(w, 0, "12345", 5, &out), 1);
	CHECK_EQ(dp_get_be64(out[0].data), 0xff);
	CHECK_EQ(dp_pl_register_get(pl, 0, 1, words, 2), 0);
	CHECK(words[0] == ~0ULL && words[1] == 0xff);
	CHECK_EQ(dp_pl_register_get(pl, 0, 2, words, 2), 0);
	CHECK(words[0] == 0 && words[1] == 0);
	CHECK_EQ(dp_pl_register_get(pl, 0, 3, words, 2), -ENOENT);
	CHECK_EQ(dp_pl_register_get(pl, 1, 0, words, 2), -ENOENT);
	CHECK_EQ(dp_pl_register_get(pl, 0, 0, words, 1), -EINVAL);
	words[1] = 0x100;
	CHECK_EQ(dp_pl_register_set(pl, 0, 0, words, 2), -EINVAL);
	CHECK_EQ(dp_pl_counter_get(pl, 0, 1, &c), 0);
	CHECK_EQ(c.packets, 1);
	CHECK_EQ(c.bytes, 5);
	CHECK_EQ(dp_pl_counter_get(pl, 0, 3, &c), -ENOENT);
	dp_pl_worker_free(w);
	dp_pl_free(pl);
}

static uint64_t hash_of(uint32_t algorithm, const char *text, uint64_t base, uint64_t max)
{
	struct bare b = bare_new();
	uint32_t from = lit(b.p, base), items = b.p->d.n_items;

	lit(b.p, max);
	for (const char *c = text; *c; c++)
		*PROG_ADD(b.p, items) = (struct dp_pl_item){lit(b.p, (uint8_t)*c), 8, 0};
	*PROG_ADD(b.p, lists) = (struct dp_pl_list){items, b.p->d.n_items - items};
	if (max == ~0ULL)
		INSN(b.p, HASH, 64, b.result, 0, 0, algorithm);
	else
		INSN(b.p, HASHMOD, 32, b.result, from, 0, algorithm);
	end(b.p);
	return bare_run(&b, NULL);
}

static void test_hashes_give_the_catalogue_check_values(void)
{
	/* "123456789": the check values of CRC-32/ISO-HDLC and CRC-16/ARC */
	CHECK_EQ(hash_of(DP_PL_CRC32, "123456789", 0, ~0ULL), 0xcbf43926);
	CHECK_EQ(hash_of(DP_PL_CRC32_CUSTOM, "123456789", 0, ~0ULL), 0xcbf43926);
	CHECK_EQ(hash_of(DP_PL_CRC16, "123456789", 0, ~0ULL), 0xbb3d);
	CHECK_EQ(hash_of(DP_PL_CRC16_CUSTOM, "123456789", 0, ~0ULL), 0xbb3d);
	CHECK_EQ(hash_of(DP_PL_CSUM16, "\x01\x02\x03", 0, ~0ULL), 0xfbfd);
	CHECK_EQ(hash_of(DP_PL_XOR16, "\x01\x02\x03", 0, ~0ULL), 0x0202);
	CHECK_EQ(hash_of(DP_PL_IDENTITY, "\x01\x02\x03", 0, ~0ULL), 0x010203);
	CHECK_EQ(hash_of(DP_PL_IDENTITY, "123456789", 0, ~0ULL), 0x3132333435363738);
	CHECK_EQ(hash_of(DP_PL_CRC16, "123456789", 100, 10), 100 + 0xbb3d % 10);
	CHECK_EQ(hash_of(DP_PL_CRC16, "123456789", 100, 0), 100);
}

static void test_custom_crcs_take_other_parameters(void)
{
	struct bare b = bare_new();
	const struct dp_pl_out *out;
	uint32_t items = b.p->d.n_items;

	for (const char *c = "123456789"; *c; c++)
		*PROG_ADD(b.p, items) = (struct dp_pl_item){lit(b.p, (uint8_t)*c), 8, 0};
	*PROG_ADD(b.p, lists) = (struct dp_pl_list){items, 9};
	INSN(b.p, HASH, 64, b.result, 0, 0, DP_PL_CRC16_CUSTOM);
	end(b.p);
	struct dp_pl *pl = prog_load(b.p);
	struct dp_pl_worker *w = dp_pl_worker_new(pl);

	/* CRC-16/CCITT-FALSE */
	CHECK_EQ(dp_pl_hash_custom(pl, DP_PL_CRC16_CUSTOM, 0x1021, 0xffff, 0, 0), 0);
	CHECK_EQ(dp_pl_hash_custom(pl, DP_PL_CRC16, 0x1021, 0xffff, 0, 0), -EINVAL);
	CHECK_EQ(run_one(w, 0, "", 0, &out), 1);
	CHECK_EQ(dp_get_be64(out[0].data), 0x29b1);
	dp_pl_worker_free(w);
	dp_pl_free(pl);
}

static void test_internet_checksum_adds_and_takes_away(void)
{
	struct bare b = bare_new();
	uint32_t a = list(b.p, 1, lit(b.p, 0xfffe1234), 32U), s = list(b.p, 1, lit(b.p, 0x1234), 16U);

	INSN(b.p, CSUMADD, 16, b.result, 0, a, 0);
	INSN(b.p, CSUMSUB, 16, b.result, 0, s, 0);
	end(b.p);
	CHECK_EQ(bare_run(&b, NULL), 0xfffe);
}

static void test_random_numbers_stay_within_their_ends(void)
{
	uint64_t seen = 0;

	for (int i = 0; i < 8; i++) {
		struct bare b = bare_new();

		b.p->d.seed = (uint64_t)i;
		INSN(b.p, RANDOM, 8, b.result, lit(b.p, 5), lit(b.p, 8), 0);
		end(b.p);
		uint64_t v = bare_run(&b, NULL);

		CHECK(v >= 5 && v <= 8);
		seen |= 1ULL << (v & 63);
	}
	CHECK(seen & (seen - 1)); /* not always the same */
}

/* ---- what the loader refuses ---- */

static void refused(struct bare *b, const char *says)
{
	char err[256] = "";
	struct dp_pl *pl = dp_pl_new(&b->p->d, err, sizeof(err));

	CHECK(!pl);
	if (!CHECK(strstr(err, says) != NULL))
		fprintf(stderr, "\terr \"%s\", not \"%s\"\n", err, says);
	dp_pl_free(pl);
	free(b->p);
}

#define REFUSED(says, ...) \
	do { \
		struct bare b = bare_new(); \
		uint32_t s = slot(b.p, 4); \
		(void)s; \
		__VA_ARGS__; \
		end(b.p); \
		refused(&b, says); \
	} while (0)

static void test_the_loader_refuses_what_could_reach_outside(void)
{
	REFUSED("writes to a constant: slot 3", INSN(b.p, MOV, 8, 3, 4, 0, 0));
	REFUSED("reads up to slot", INSN(b.p, MOV, 8, s, b.p->d.n_slots, 0, 0));
	REFUSED("reads up to slot", INSN(b.p, MOV, 8, b.p->d.n_slots, s, 0, 0));
	REFUSED("reads up to slot", INSN(b.p, ADDX, 65, s, s, b.p->d.n_slots - 1, 0));
	REFUSED("reads up to slot", INSN(b.p, COPY, 0, s, s, 0, 1ULL << 40));
	REFUSED("width 0", INSN(b.p, ADD, 0, s, s, s, 0));
	REFUSED("width 65", INSN(b.p, ADD, 65, s, s, s, 0));
	REFUSED("shift by 64", INSN(b.p, SLICE, 8, s, s, 0, 64));
	REFUSED("highest bit 64", INSN(b.p, INS, 8, s, s, 0, 57));
	REFUSED("highest bit 100", INSN(b.p, INSX, 8, s, s, 100, 93));
	REFUSED("jump to 999", INSN(b.p, JMP, 0, 0, 0, 0, 999));
	REFUSED("jump to 999", INSN(b.p, CALL, 0, 0, 0, 0, 999));
	REFUSED("layout 7, limit 1", INSN(b.p, EXTRACT, 0, s, 7, 0, 0));
	REFUSED("reads up to slot", INSN(b.p, EXTRACT, 0, b.p->d.n_slots - 1, 0, 0, 0));
	REFUSED("writes to a constant", INSN(b.p, EXTRACT, 0, 0, 0, 0, 0));
	REFUSED("table 0, limit 0", INSN(b.p, APPLY, 0, s, s, 0, 0));
	REFUSED("value set 0", INSN(b.p, VSET, 0, s, 0, 0, 0));
	REFUSED("counter 0", INSN(b.p, COUNT, 0, 0, s, 0, 0));
	REFUSED("meter 0", INSN(b.p, METER, 0, s, s, 0, ~0ULL));
	REFUSED("register 0", INSN(b.p, REGRD, 8, s, s, 0, 0));
	REFUSED("list 0", INSN(b.p, HASH, 8, s, s, 0, 0));
	REFUSED("digest 0", INSN(b.p, DIGEST, 0, 0, 0, 0, 0));
	REFUSED("list 9", INSN(b.p, CLONE, 0, 0, s, 9, 0));
	REFUSED("jump table 0", INSN(b.p, JTAB, 0, 0, s, 0, 0));
	REFUSED("operation 600", insn(b.p, 600, 0, 0, 0, 0, 0));
	REFUSED("block 2: instruction 900", b.p->d.blocks[DP_PL_B_INGRESS] = 900);
	REFUSED("intrinsic 1: slot 0", b.p->d.intrinsics[DP_PL_I_EGRESS_SPEC] = 0);
	REFUSED("field 0 at bit 1", b.p->fields[0].bit_off = 1);
	REFUSED("field 0 at slot 2", b.p->fields[0].slot = 2);
	REFUSED("9 bits, but its fields have 64", b.p->hdrs[0].bits = 9);
	REFUSED("item 0 at slots", list(b.p, 1, b.p->d.n_slots - 1, 65U));
	REFUSED("action 0: code at 999", action(b.p, 999, NONE, 0));
	REFUSED("parameter 0 is the constant in slot 0", list(b.p, 1, 0U, 8U); action(b.p, NONE, 0, 0));
	REFUSED("default action 5", action(b.p, NONE, NONE, 0); table(b.p, 0, 1, 0, 0);
		b.p->tables[0].default_action = 5);
	REFUSED("no pointer", b.p->d.n_tables = 1; b.p->d.tables = NULL);
	REFUSED("slots: ", b.p->d.n_slots = 1U << 30);
	REFUSED("register 0: width 0", *PROG_ADD(b.p, registers) = (struct dp_pl_array){1, 0});
	REFUSED("counter 0: size", *PROG_ADD(b.p, counters) = (struct dp_pl_array){~0U, 1});
	REFUSED("headers' slots", b.p->d.hdr_slots = 4);

	struct bare b = bare_new();

	INSN(b.p, MOV, 8, b.result, b.result, 0, 0);
	refused(&b, "(MOV): the last one must be END, RET or JMP");
}

int main(void)
{
	RUN(test_arithmetic_of_up_to_64_bits);
	RUN(test_loops_calls_and_jump_tables);
	RUN(test_endless_code_gives_the_packet_up);
	RUN(test_registers_of_any_width_and_counters);
	RUN(test_hashes_give_the_catalogue_check_values);
	RUN(test_custom_crcs_take_other_parameters);
	RUN(test_internet_checksum_adds_and_takes_away);
	RUN(test_random_numbers_stay_within_their_ends);
	RUN(test_the_loader_refuses_what_could_reach_outside);
	return check_done();
}
