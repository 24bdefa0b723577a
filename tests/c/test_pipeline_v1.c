/*
 * The v1model loop: what becomes of a packet after ingress and after egress, as the reference software switch does it.
 *
 * One program for all: a header of six bytes {op, port, arg, kind, metadata, spare} is parsed; ingress and egress do what op says,
 * egress writes what it saw into the header.
 */
#include "tests/c/check.h"
#include "tests/c/pipeline_util.h"

enum { OP, PORT, ARG, KIND, META, SPARE };

struct v1 {
	struct prog *p;
	uint32_t in, h, meta, keep, list_keep;
	struct dp_pl *pl;
	struct dp_pl_worker *w;
};

static uint32_t f(const struct v1 *v, uint32_t field)
{
	return v->h + 1 + field;
}

/* Headers h, metadata: two slots, of which a field list keeps the first. Ingress and egress are the test's. */
static struct v1 v1_new(void)
{
	struct v1 v = {.p = prog_new(DP_PL_V1MODEL)};
	struct prog *p = v.p;

	for (int i = 0; i <= DP_PL_I_PRIORITY; i++)
		intrinsic(p, i);
	v.in = layout(p, NONE, 6, 8U, 8U, 8U, 8U, 8U, 8U);
	v.h = header(p, v.in);
	v.meta = slot(p, 2);
	v.keep = v.meta;
	v.list_keep = list(p, 1, v.keep, 8U);
	p->d.hdr_first = v.h;
	p->d.hdr_slots = p->hdrs[v.in].slots;
	p->d.blocks[DP_PL_B_PARSER] = INSN(p, EXTRACT, 0, v.h, v.in, 0, 1);
	end(p);
	p->d.blocks[DP_PL_B_DEPARSER] = INSN(p, EMIT, 0, 0, v.h, v.in, 0);
	end(p);
	p->d.blocks[DP_PL_B_INGRESS] = p->d.n_insns;
	INSN(p, MOV, 9, p->d.intrinsics[DP_PL_I_EGRESS_SPEC], f(&v, PORT), 0, 0);
	return v;
}

static uint32_t in(const struct v1 *v, enum dp_pl_intrinsic i)
{
	return v->p->d.intrinsics[i];
}

static void v1_load(struct v1 *v)
{
	static const struct dp_pl_replica one[] = {{7, 0}}, two[] = {{3, 1}, {4, 2}};

	v->pl = prog_load(v->p);
	v->p = NULL;
	v->w = dp_pl_worker_new(v->pl);
	dp_pl_clone_set(v->pl, 5, one, 1, 0);
	dp_pl_clone_set(v->pl, 6, two, 2, 4);
	dp_pl_mcast_set(v->pl, 9, two, 2);
}

static void v1_free(struct v1 *v)
{
	dp_pl_worker_free(v->w);
	dp_pl_free(v->pl);
}

static void egress(struct v1 *v)
{
	end(v->p);
	v->p->d.blocks[DP_PL_B_EGRESS] = v->p->d.n_insns;
}

/* In egress: the kind of packet and the metadata that were kept. */
static void show(struct v1 *v)
{
	INSN(v->p, MOV, 8, f(v, KIND), in(v, DP_PL_I_INSTANCE_TYPE), 0, 0);
	INSN(v->p, MOV, 8, f(v, META), v->keep, 0, 0);
	INSN(v->p, ADD, 8, f(v, META), f(v, META), v->keep + 1, 0);
}

static void expect(const struct dp_pl_out *o, uint32_t port, const char *bytes, uint32_t len)
{
	CHECK_EQ(o->port, port);
	CHECK_EQ(o->len, len);
	CHECK_MEM(o->data, bytes, DP_MIN(len, o->len));
}

static void test_unicast_goes_to_the_port_with_its_payload_behind_the_headers(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;
	struct dp_pl_stats st;

	egress(&v);
	INSN(v.p, MOV, 8, f(&v, ARG), in(&v, DP_PL_I_PACKET_LENGTH), 0, 0);
	INSN(v.p, MOV, 8, f(&v, KIND), in(&v, DP_PL_I_EGRESS_PORT), 0, 0);
	INSN(v.p, MOV, 8, f(&v, META), in(&v, DP_PL_I_INGRESS_PORT), 0, 0);
	INSN(v.p, MOV, 8, f(&v, SPARE), in(&v, DP_PL_I_EGRESS_SPEC), 0, 0);
	end(v.p);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "a\x08....payload", 13, &o), 1);
	expect(&o[0], 8, "a\x08\x0d\x08\x02\0payload", 13);
	CHECK_EQ(run_one(v.w, 2, "abc", 3, &o), 1); /* too short: not parsed, goes on to ingress, port 0 */
	expect(&o[0], 0, "abc", 3);
	dp_pl_worker_stats(v.w, &st);
	CHECK_EQ(st.parser_errors, 1);
	CHECK_EQ(st.tx, 2);
	v1_free(&v);
}

static void test_the_drop_port_drops_after_ingress_and_after_egress(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;
	struct dp_pl_stats st;
	uint32_t drop = lit(v.p, 511);

	/* op 1: ingress drops, op 2: egress does */
	INSN(v.p, JNE, 0, 0, f(&v, OP), lit(v.p, 1), v.p->d.n_insns + 2);
	INSN(v.p, MOV, 9, in(&v, DP_PL_I_EGRESS_SPEC), drop, 0, 0);
	egress(&v);
	INSN(v.p, JNE, 0, 0, f(&v, OP), lit(v.p, 2), v.p->d.n_insns + 2);
	INSN(v.p, MOV, 9, in(&v, DP_PL_I_EGRESS_SPEC), drop, 0, 0);
	end(v.p);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "\0\1....", 6, &o), 1);
	CHECK_EQ(run_one(v.w, 2, "\1\1....", 6, &o), 0);
	CHECK_EQ(run_one(v.w, 2, "\2\1....", 6, &o), 0);
	dp_pl_worker_stats(v.w, &st);
	CHECK_EQ(st.drop_pipeline, 1);
	CHECK_EQ(st.drop_port, 1);
	v1_free(&v);
}

static void test_a_clone_of_ingress_is_the_packet_as_it_came_with_the_fields_that_are_kept(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;

	INSN(v.p, CLONE, 0, 0, f(&v, ARG), v.list_keep, 0);
	INSN(v.p, MOV, 8, v.keep, lit(v.p, 0x42), 0, 0);
	INSN(v.p, MOV, 8, v.keep + 1, lit(v.p, 0x10), 0, 0);
	INSN(v.p, MOV, 8, f(&v, SPARE), lit(v.p, 'x'), 0, 0);
	egress(&v);
	show(&v);
	end(v.p);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "\0\1\5...rest", 10, &o), 2);
	expect(&o[0], 7, "\0\1\5\1\x42.rest", 10);
	CHECK_EQ(o[0].flags, 1);
	expect(&o[1], 1, "\0\1\5\0\x52xrest", 10);
	/* a session of two, cut to 4 bytes */
	CHECK_EQ(run_one(v.w, 2, "\0\1\6...rest", 10, &o), 3);
	expect(&o[0], 3, "\0\1\6\1", 4);
	expect(&o[1], 4, "\0\1\6\1", 4);
	CHECK_EQ(o[1].rid, 2);
	expect(&o[2], 1, "\0\1\6\0\x52xrest", 10);
	/* no such session */
	CHECK_EQ(run_one(v.w, 2, "\0\1\x7f...rest", 10, &o), 1);
	v1_free(&v);
}

static void test_a_clone_of_egress_has_the_headers_of_the_end_of_egress_and_goes_through_it_again(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;
	uint32_t out;

	INSN(v.p, MOV, 8, v.keep, lit(v.p, 0x42), 0, 0);
	INSN(v.p, MOV, 8, v.keep + 1, lit(v.p, 0x10), 0, 0);
	egress(&v);
	show(&v);
	INSN(v.p, JNE, 0, 0, in(&v, DP_PL_I_INSTANCE_TYPE), lit(v.p, 0), out = v.p->d.n_insns + 4);
	INSN(v.p, CLONE, 0, 0, f(&v, ARG), v.list_keep, 1);
	INSN(v.p, MOV, 8, f(&v, SPARE), lit(v.p, 'x'), 0, 0);
	INSN(v.p, MOV, 9, in(&v, DP_PL_I_EGRESS_SPEC), lit(v.p, 511), 0,
	     0); /* the original is dropped, its clone is not */
	CHECK_EQ(end(v.p), out);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "\0\1\5...rest", 10, &o), 1);
	expect(&o[0], 7, "\0\1\5\2\x42xrest", 10);
	v1_free(&v);
}

static void test_resubmission_parses_the_same_bytes_again_and_keeps_listed_fields(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;
	struct dp_pl_stats st;
	uint32_t go_on;

	/* while keep < arg: keep++, resubmit; headers and the other metadata change in vain */
	INSN(v.p, JLE, 0, 0, f(&v, ARG), v.keep, go_on = v.p->d.n_insns + 5);
	INSN(v.p, ADD, 8, v.keep, v.keep, lit(v.p, 1), 0);
	INSN(v.p, ADD, 8, v.keep + 1, lit(v.p, 1), lit(v.p, 1), 0);
	INSN(v.p, MOV, 8, f(&v, SPARE), lit(v.p, 'x'), 0, 0);
	INSN(v.p, RESUBMIT, 0, 0, 0, v.list_keep, 0);
	CHECK_EQ(INSN(v.p, MOV, 8, f(&v, KIND), in(&v, DP_PL_I_INSTANCE_TYPE), 0, 0), go_on);
	INSN(v.p, ADD, 8, f(&v, META), v.keep, v.keep + 1, 0);
	end(v.p);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "\0\1\0...rest", 10, &o), 1);
	expect(&o[0], 1, "\0\1\0\0\0.rest", 10);
	CHECK_EQ(run_one(v.w, 2, "\0\1\3...rest", 10, &o), 1);
	expect(&o[0], 1, "\0\1\3\6\3.rest", 10);
	dp_pl_worker_stats(v.w, &st);
	CHECK_EQ(st.resubmits, 3);
	/* for ever: given up */
	CHECK_EQ(run_one(v.w, 2, "\0\1\xff...rest", 10, &o), 0);
	dp_pl_worker_stats(v.w, &st);
	CHECK_EQ(st.drop_loop, 1);
	v1_free(&v);
}

static void test_recirculation_parses_what_was_deparsed(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;
	uint32_t out;

	INSN(v.p, MOV, 8, f(&v, KIND), in(&v, DP_PL_I_INSTANCE_TYPE), 0, 0);
	INSN(v.p, MOV, 8, f(&v, META), in(&v, DP_PL_I_PACKET_LENGTH), 0, 0);
	egress(&v);
	INSN(v.p, JZ, 0, 0, f(&v, ARG), 0, out = v.p->d.n_insns + 5);
	INSN(v.p, SUB, 8, f(&v, ARG), f(&v, ARG), lit(v.p, 1), 0);
	INSN(v.p, ADD, 8, f(&v, SPARE), f(&v, SPARE), lit(v.p, 1), 0);
	INSN(v.p, TRUNCATE, 0, 0, lit(v.p, 9), 0, 0);
	INSN(v.p, RECIRCULATE, 0, 0, 0, NONE, 0);
	CHECK_EQ(end(v.p), out);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "\0\1\2..Arest", 10, &o), 1);
	expect(&o[0], 1,
	       "\0\1\0\4\x09"
	       "Cres",
	       9);
	v1_free(&v);
}

static void test_multicast_makes_replicas_with_their_ids_and_goes_before_the_port(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;

	INSN(v.p, MOV, 16, in(&v, DP_PL_I_MCAST_GRP), f(&v, ARG), 0, 0);
	INSN(v.p, MOV, 9, in(&v, DP_PL_I_EGRESS_SPEC), lit(v.p, 511), 0, 0);
	INSN(v.p, MOV, 8, v.keep, lit(v.p, 0x42), 0, 0);
	egress(&v);
	show(&v);
	/* one replica's change is not seen by the next */
	INSN(v.p, ADD, 8, f(&v, SPARE), f(&v, SPARE), in(&v, DP_PL_I_EGRESS_RID), 0);
	end(v.p);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "\0\1\x09..Arest", 10, &o), 2);
	expect(&o[0], 3,
	       "\0\1\x09\5\x42"
	       "Brest",
	       10);
	expect(&o[1], 4,
	       "\0\1\x09\5\x42"
	       "Crest",
	       10);
	CHECK_EQ(o[1].flags, 2);
	CHECK_EQ(run_one(v.w, 2, "\0\1\x08..Arest", 10, &o), 0);
	v1_free(&v);
}

/* The first n bytes of the header and the payload, whose sum a program puts into bytes 4 and 5. */
static void sum_over(uint32_t n)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;
	uint32_t first = v.p->d.n_items;
	uint8_t packet[64];

	for (uint32_t i = 0; i < n; i++)
		*PROG_ADD(v.p, items) = (struct dp_pl_item){f(&v, i), 8, 0};
	*PROG_ADD(v.p, lists) = (struct dp_pl_list){first, n};
	end(v.p);
	v.p->d.blocks[DP_PL_B_COMPUTE] = INSN(v.p, CSUM, 16, v.keep, 0, v.p->d.n_lists - 1, 1);
	INSN(v.p, SLICE, 8, f(&v, META), v.keep, 0, 8);
	INSN(v.p, TRUNC, 8, f(&v, SPARE), v.keep, 0, 0);
	end(v.p);
	v1_load(&v);
	for (uint32_t rest = 0; rest < 34; rest++) {
		uint32_t len = 6 + rest;
		uint8_t covered[64] = {0};
		uint32_t sum = 0;

		for (uint32_t i = 0; i < len; i++)
			packet[i] = (uint8_t)(i * 37 + len * 11);
		packet[PORT] = 1;
		memcpy(covered, packet, n);
		memcpy(covered + n, packet + 6, rest);
		for (uint32_t i = 0; i < len; i += 2)
			sum += dp_get_be16(covered + i);
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		CHECK_EQ(run_one(v.w, 2, packet, len, &o), 1);
		CHECK_EQ(dp_get_be16(o[0].data + META), ~sum & 0xffff);
	}
	v1_free(&v);
}

static void test_checksums_may_cover_the_payload_whatever_the_parity(void)
{
	for (uint32_t n = 0; n < 5; n++)
		sum_over(n);
}

static void test_checksums_of_fields_that_begin_at_odd_bytes(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;
	uint32_t fields = list(v.p, 3, lit(v.p, 0x010203), 24U, lit(v.p, 0x0405060708090a0b), 64U, lit(v.p, 0x0c), 8U);

	INSN(v.p, CSUM, 16, v.keep, 0, fields, 0);
	INSN(v.p, SLICE, 8, f(&v, META), v.keep, 0, 8);
	INSN(v.p, TRUNC, 8, f(&v, SPARE), v.keep, 0, 0);
	end(v.p);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "\0\1....", 6, &o), 1);
	/* 0102 + 0304 + 0506 + 0708 + 090a + 0b0c */
	CHECK_EQ(dp_get_be16(o[0].data + META), ~(0x242a) & 0xffff);
	v1_free(&v);
}

static void test_digests_logs_and_assertions_are_events(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_event *ev;
	const struct dp_pl_out *o;
	struct dp_pl_stats st;
	uint32_t wide = lit(v.p, 0x1122334455667788), fields = list(v.p, 3, f(&v, OP), 8U, wide, 60U, f(&v, ARG), 4U);

	lit(v.p, 0x9);
	*PROG_ADD(v.p, digests) = fields;
	INSN(v.p, DIGEST, 0, 0, 0, 0, 0);
	INSN(v.p, LOG, 0, 0, 0, NONE, 33);
	INSN(v.p, ASSERT, 0, 0, f(&v, OP), 0, 44);
	end(v.p);
	v1_load(&v);
	CHECK_EQ(run_one(v.w, 2, "\1\1\7...", 6, &o), 1);
	CHECK_EQ(run_one(v.w, 2, "\0\1\7...", 6, &o), 0);
	CHECK_EQ(dp_pl_events(v.w, &ev), 5);
	CHECK_EQ(ev[0].kind, DP_PL_E_DIGEST);
	CHECK_EQ(ev[0].len, 10);
	CHECK_MEM(ev[0].data, "\1\1\x22\x33\x44\x55\x66\x77\x88\7", 10);
	CHECK_EQ(ev[1].kind, DP_PL_E_LOG);
	CHECK_EQ(ev[1].id, 33);
	CHECK_EQ(ev[4].kind, DP_PL_E_ASSERT);
	CHECK_EQ(ev[4].id, 44);
	dp_pl_worker_stats(v.w, &st);
	CHECK_EQ(st.digests, 2);
	CHECK_EQ(st.drop_assert, 1);
	CHECK_EQ(dp_pl_events(v.w, &ev), 0);
	v1_free(&v);
}

static void test_nothing_is_emitted_before_the_deparser(void)
{
	struct v1 v = v1_new();
	const struct dp_pl_out *o;

	INSN(v.p, EMIT, 0, 0, v.h, v.in, 0);
	end(v.p);
	v1_load(&v);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(run_one(v.w, 2, "a\x08....payload", 13, &o), 1);
		expect(&o[0], 8, "a\x08....payload", 13);
	}
	v1_free(&v);
}

int main(void)
{
	RUN(test_nothing_is_emitted_before_the_deparser);
	RUN(test_unicast_goes_to_the_port_with_its_payload_behind_the_headers);
	RUN(test_the_drop_port_drops_after_ingress_and_after_egress);
	RUN(test_a_clone_of_ingress_is_the_packet_as_it_came_with_the_fields_that_are_kept);
	RUN(test_a_clone_of_egress_has_the_headers_of_the_end_of_egress_and_goes_through_it_again);
	RUN(test_resubmission_parses_the_same_bytes_again_and_keeps_listed_fields);
	RUN(test_recirculation_parses_what_was_deparsed);
	RUN(test_multicast_makes_replicas_with_their_ids_and_goes_before_the_port);
	RUN(test_checksums_may_cover_the_payload_whatever_the_parity);
	RUN(test_checksums_of_fields_that_begin_at_odd_bytes);
	RUN(test_digests_logs_and_assertions_are_events);
	return check_done();
}
