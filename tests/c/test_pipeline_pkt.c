/* Bytes to fields and back: packs against a model that goes bit by bit; extract, lookahead, advance, emit and their errors. */
#include "tests/c/check.h"
#include "tests/c/pipeline_util.h"

#include "datapath/csrc/pipeline_int.h"

static int bit_of(const uint8_t *p, uint64_t bit)
{
	return p[bit / 8] >> (7 - bit % 8) & 1;
}

static void test_packs_agree_with_bits_whatever_the_layout(void)
{
	static const uint32_t usual[] = {1, 3, 4, 8, 13, 16, 32, 48, 64, 128};
	struct pl_part parts[12];
	uint8_t in[1024], out[1024];
	uint64_t slots[64];
	struct dp_rng rng;

	dp_rng_seed(&rng, 7);
	for (int round = 0; round < 3000; round++) {
		uint32_t n = 1 + (uint32_t)dp_rng_below(&rng, 12), at = 1,
			 start = (uint32_t)dp_rng_below(&rng, 3) * (uint32_t)dp_rng_below(&rng, 17);
		struct pl_pack pack = {0};
		bool ok = true;

		for (uint32_t i = 0; i < n; i++) {
			uint32_t width = dp_rng_below(&rng, 2) ? usual[dp_rng_below(&rng, 10)]
							       : 1 + (uint32_t)dp_rng_below(&rng, 200);

			parts[i] = (struct pl_part){at, width};
			at += pl_words(width);
		}
		for (size_t i = 0; i < sizeof(in); i++) {
			in[i] = (uint8_t)dp_rng_next(&rng);
			out[i] = (uint8_t)~in[i];
		}
		CHECK_EQ(dp_pl_pack_init(&pack, parts, n), 0);
		dp_pl_unpack(&pack, in, start, slots);
		uint64_t bit = start;

		for (uint32_t i = 0; i < n; i++) {
			for (uint32_t k = 0; k < parts[i].width; k++, bit++) {
				uint32_t from_low = parts[i].width - 1 - k;

				ok &= bit_of(in, bit) ==
				      (int)(slots[parts[i].slot + from_low / 64] >> (from_low & 63) & 1);
			}
			if (parts[i].width & 63)
				ok &= !(slots[parts[i].slot + parts[i].width / 64] >> (parts[i].width & 63));
		}
		CHECK(ok);
		CHECK_EQ(bit, start + pack.bits);
		dp_pl_pack(&pack, slots, out, start);
		for (uint64_t b = 0; b < bit; b++)
			ok &= bit_of(out, b) == (b < start ? !bit_of(in, b) : bit_of(in, b));
		CHECK(ok);
		dp_pl_pack_fini(&pack);
	}
}

/* Parser: the ops that `add` appends; deparser: the header of one byte `h`, then the parser's error as a byte. */
struct small {
	struct prog *p;
	uint32_t byte, h, err, err_hdr;
	struct dp_pl *pl;
	struct dp_pl_worker *w;
};

static struct small small_new(void)
{
	struct small s = {.p = prog_new(DP_PL_V1MODEL)};

	s.byte = layout(s.p, NONE, 1, 8U);
	s.h = header(s.p, s.byte);
	s.err_hdr = header(s.p, s.byte);
	s.err = intrinsic(s.p, DP_PL_I_PARSER_ERROR);
	s.p->d.blocks[DP_PL_B_PARSER] = 0;
	return s;
}

/* Ends the parser (failed extractions jump to its end) and writes the deparser. */
static void small_load(struct small *s)
{
	struct prog *p = s->p;
	uint32_t stop = end(p);

	for (uint32_t i = 0; i < stop; i++) {
		if (p->insns[i].imm == 999)
			p->insns[i].imm = stop;
	}
	p->d.blocks[DP_PL_B_DEPARSER] = INSN(p, EMIT, 0, 0, s->h, s->byte, 0);
	INSN(p, MOV, 1, s->err_hdr, lit(p, 1), 0, 0);
	INSN(p, MOV, 8, s->err_hdr + 1, s->err, 0, 0);
	INSN(p, EMIT, 0, 0, s->err_hdr, s->byte, 0);
	end(p);
	s->pl = prog_load(p);
	s->w = dp_pl_worker_new(s->pl);
}

static void expect(struct small *s, const char *in, uint32_t len, const char *want, uint32_t want_len)
{
	const struct dp_pl_out *out;

	if (CHECK(run_one(s->w, 0, in, len, &out) == 1)) {
		CHECK_EQ(out[0].len, want_len);
		CHECK_MEM(out[0].data, want, DP_MIN(want_len, out[0].len));
	}
}

static void small_free(struct small *s)
{
	dp_pl_worker_free(s->w);
	dp_pl_free(s->pl);
}

static void test_extraction_from_too_short_a_packet_sets_the_error_and_takes_nothing(void)
{
	struct small s = small_new();

	INSN(s.p, EXTRACT, 0, s.h, s.byte, 0, 999);
	INSN(s.p, EXTRACT, 0, s.h, s.byte, 0, 999);
	small_load(&s);
	expect(&s, "abc", 3, "b\0c", 3);
	expect(&s, "a", 1, "a\1", 2);
	expect(&s, "", 0, "\1", 1);
	small_free(&s);
}

static void test_lookahead_does_not_move_and_advance_does_by_bits(void)
{
	struct small s = small_new();
	uint32_t nibble = layout(s.p, NONE, 1, 4U);

	INSN(s.p, ADVANCE, 0, 0, lit(s.p, 4), 0, 999);
	INSN(s.p, LOOK, 0, s.h, nibble, 0, 999);
	INSN(s.p, MOV, 1, s.h, lit(s.p, 1), 0, 0);
	INSN(s.p, ADVANCE, 0, 0, lit(s.p, 12), 0, 999);
	small_load(&s);
	expect(&s, "\x12\x34\x56", 3, "\2\0\x56", 3);
	/* 12 bits more are not there: the rest begins at the byte after the 4 bits */
	expect(&s, "\x12", 1, "\2\1", 2);
	small_free(&s);
}

static void test_packet_length_is_that_of_the_whole_packet(void)
{
	struct small s = small_new();

	INSN(s.p, EXTRACT, 0, s.h, s.byte, 0, 999);
	INSN(s.p, PKTLEN, 0, s.h + 1, 0, 0, 0);
	small_load(&s);
	expect(&s, "abcde", 5, "\5\0bcde", 6);
	small_free(&s);
}

/* A byte, a varbit of up to 100 bits, a nibble and a byte and a half; the varbit's length is the first byte. */
static void test_varbit_takes_what_it_is_told_and_is_emitted_as_it_came(void)
{
	struct prog *p = prog_new(DP_PL_V1MODEL);
	uint32_t byte = layout(p, NONE, 1, 8U), b = header(p, byte), v = layout(p, 1, 4, 8U, 100U, 4U, 12U),
		 h = header(p, v), stop;
	uint32_t e = intrinsic(p, DP_PL_I_PARSER_ERROR), eh = header(p, byte);
	const struct dp_pl_out *out;
	struct dp_pl_worker *w;
	struct dp_pl *pl;

	p->d.blocks[DP_PL_B_PARSER] = INSN(p, LOOK, 0, b, byte, 0, 2);
	INSN(p, EXTRACTV, 0, h, v, b + 1, 2);
	stop = end(p);
	CHECK_EQ(stop, 2);
	p->d.blocks[DP_PL_B_DEPARSER] = INSN(p, EMIT, 0, 0, h, v, 0);
	INSN(p, MOV, 1, eh, lit(p, 1), 0, 0);
	INSN(p, MOV, 8, eh + 1, e, 0, 0);
	INSN(p, EMIT, 0, 0, eh, byte, 0);
	end(p);
	pl = prog_load(p);
	w = dp_pl_worker_new(pl);
	CHECK(run_one(w, 0,
		      "\x10"
		      "ab"
		      "\x12\x34"
		      "rest",
		      9, &out) == 1 &&
	      out[0].len == 10);
	CHECK_MEM(out[0].data,
		  "\x10"
		  "ab"
		  "\x12\x34\0rest",
		  10);
	CHECK(run_one(w, 0, "\0\x12\x34", 3, &out) == 1 && out[0].len == 4);
	CHECK_MEM(out[0].data, "\0\x12\x34\0", 4);
	CHECK(run_one(w, 0,
		      "\x60"
		      "abcdefghijkl"
		      "\x12\x34",
		      15, &out) == 1 &&
	      out[0].len == 16);
	CHECK_MEM(out[0].data,
		  "\x60"
		  "abcdefghijkl"
		  "\x12\x34\0",
		  16);
	/* more than it may have, no whole bytes, more than the packet has */
	CHECK(run_one(w, 0,
		      "\x68"
		      "abcdefghijklm"
		      "\x12\x34",
		      16, &out) == 1 &&
	      out[0].len == 17 && out[0].data[0] == 4);
	CHECK(run_one(w, 0,
		      "\x0c"
		      "abcd",
		      5, &out) == 1 &&
	      out[0].len == 6 && out[0].data[0] == 6);
	CHECK(run_one(w, 0,
		      "\x20"
		      "abcd"
		      "\x12",
		      6, &out) == 1 &&
	      out[0].len == 7 && out[0].data[0] == 1);
	dp_pl_worker_free(w);
	dp_pl_free(pl);
}

static void test_too_long_a_packet_is_dropped_and_counted(void)
{
	static const uint8_t zeros[PL_MAX_PACKET + 1];
	struct small s = small_new();
	const struct dp_pl_out *out;
	struct dp_pl_stats stats;

	small_load(&s);
	CHECK_EQ(run_one(s.w, 0, zeros, PL_MAX_PACKET + 1, &out), 0);
	CHECK_EQ(run_one(s.w, 0, zeros, PL_MAX_PACKET, &out), 0); /* with the error's byte in front */
	CHECK_EQ(run_one(s.w, 0, zeros, PL_MAX_PACKET - 1, &out), 1);
	dp_pl_worker_stats(s.w, &stats);
	CHECK_EQ(stats.rx, 3);
	CHECK_EQ(stats.drop_too_long, 2);
	small_free(&s);
}

int main(void)
{
	RUN(test_packs_agree_with_bits_whatever_the_layout);
	RUN(test_extraction_from_too_short_a_packet_sets_the_error_and_takes_nothing);
	RUN(test_lookahead_does_not_move_and_advance_does_by_bits);
	RUN(test_packet_length_is_that_of_the_whole_packet);
	RUN(test_varbit_takes_what_it_is_told_and_is_emitted_as_it_came);
	RUN(test_too_long_a_packet_is_dropped_and_counted);
	return check_done();
}
