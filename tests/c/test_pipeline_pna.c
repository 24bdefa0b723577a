/* The PNA loop: drop, port, recirculation, mirror, and tables that learn: added on a miss, kept alive, gone when idle. */
#include "tests/c/check.h"
#include "tests/c/pipeline_util.h"

struct nic {
	struct prog *p;
	uint32_t in, h, drop, port;
	struct dp_pl *pl;
	struct dp_pl_worker *w;
};

/* A header {op, key, value} of three bytes; main control is the test's. */
static struct nic nic_new(void)
{
	struct nic n = {.p = prog_new(DP_PL_PNA)};
	struct prog *p = n.p;

	for (int i = DP_PL_I_DIRECTION; i < DP_PL_I_MAX; i++)
		intrinsic(p, i);
	n.in = layout(p, NONE, 3, 8U, 8U, 8U);
	n.h = header(p, n.in);
	n.drop = intrinsic(p, DP_PL_I_DROP);
	n.port = intrinsic(p, DP_PL_I_DEST_PORT);
	p->d.blocks[DP_PL_B_PARSER] = INSN(p, EXTRACT, 0, n.h, n.in, 0, 1);
	end(p);
	p->d.blocks[DP_PL_B_DEPARSER] = INSN(p, EMIT, 0, 0, n.h, n.in, 0);
	end(p);
	p->d.blocks[DP_PL_B_INGRESS] = p->d.n_insns;
	return n;
}

static void nic_load(struct nic *n)
{
	end(n->p);
	n->pl = prog_load(n->p);
	n->w = dp_pl_worker_new(n->pl);
}

static void nic_free(struct nic *n)
{
	dp_pl_worker_free(n->w);
	dp_pl_free(n->pl);
}

static void test_a_packet_is_dropped_or_goes_to_its_port(void)
{
	struct nic n = nic_new();
	const struct dp_pl_out *o;
	struct dp_pl_in in = {.data = (const uint8_t *)"\0\7.xy", .len = 5, .port = 3, .flags = 1};

	INSN(n.p, MOV, 1, n.drop, n.h + 1, 0, 0);
	INSN(n.p, MOV, 32, n.port, n.h + 2, 0, 0);
	INSN(n.p, MOV, 8, n.h + 3, n.p->d.intrinsics[DP_PL_I_DIRECTION], 0, 0);
	nic_load(&n);
	CHECK_EQ(dp_pl_run(n.w, &in, 1, &o), 1);
	CHECK_EQ(o[0].port, 7);
	CHECK_EQ(o[0].len, 5);
	CHECK_MEM(o[0].data, "\0\7\1xy", 5);
	in.flags = 0;
	CHECK_EQ(dp_pl_run(n.w, &in, 1, &o), 1);
	CHECK_EQ(o[0].data[2], 0);
	CHECK_EQ(run_one(n.w, 3, "\1\7.xy", 5, &o), 0);
	nic_free(&n);
}

static void test_recirculated_packets_know_their_pass(void)
{
	struct nic n = nic_new();
	const struct dp_pl_out *o;
	uint32_t out;

	INSN(n.p, MOV, 8, n.h + 2, n.p->d.intrinsics[DP_PL_I_PASS], 0, 0);
	INSN(n.p, MOV, 8, n.h + 3, n.p->d.intrinsics[DP_PL_I_LOOPEDBACK], 0, 0);
	INSN(n.p, JZ, 0, 0, n.h + 1, 0, out = n.p->d.n_insns + 3);
	INSN(n.p, SUB, 8, n.h + 1, n.h + 1, lit(n.p, 1), 0);
	INSN(n.p, RECIRCULATE, 0, 0, 0, NONE, 0);
	nic_load(&n);
	CHECK_EQ(run_one(n.w, 0, "\3..xy", 5, &o), 1);
	CHECK_MEM(o[0].data, "\0\3\1xy", 5);
	CHECK_EQ(run_one(n.w, 0, "\0..xy", 5, &o), 1);
	CHECK_MEM(o[0].data, "\0\0\0xy", 5);
	CHECK_EQ(run_one(n.w, 0, "\xff..xy", 5, &o), 0); /* too many rounds */
	nic_free(&n);
}

static void test_mirrored_copies_are_of_what_leaves_even_when_it_is_dropped(void)
{
	static const struct dp_pl_replica r[] = {{8, 0}, {9, 1}};
	struct nic n = nic_new();
	const struct dp_pl_out *o;

	INSN(n.p, MIRROR, 0, 0, lit(n.p, 6), lit(n.p, 1), 0); /* not there, and the next takes its slot */
	INSN(n.p, MIRROR, 0, 0, lit(n.p, 4), lit(n.p, 1), 0);
	INSN(n.p, MIRROR, 0, 0, lit(n.p, 5), lit(n.p, 2), 0);
	INSN(n.p, MOV, 1, n.drop, n.h + 1, 0, 0);
	INSN(n.p, MOV, 8, n.h + 3, lit(n.p, 'm'), 0, 0);
	nic_load(&n);
	CHECK_EQ(dp_pl_clone_set(n.pl, 4, r, 2, 4), 0);
	CHECK_EQ(dp_pl_clone_set(n.pl, 6, r, 2, 4), 0);
	CHECK_EQ(run_one(n.w, 0, "\0..xy", 5, &o), 3);
	CHECK_EQ(o[0].port, 8);
	CHECK_EQ(o[0].len, 4);
	CHECK_MEM(o[0].data, "\0.mx", 4);
	CHECK_EQ(o[2].len, 5);
	CHECK_EQ(run_one(n.w, 0, "\1..xy", 5, &o), 2);
	/* two slots, two sessions */
	CHECK_EQ(dp_pl_clone_set(n.pl, 5, r, 1, 0), 0);
	CHECK_EQ(run_one(n.w, 0, "\1..xy", 5, &o), 3);
	CHECK_EQ(o[2].port, 8);
	CHECK_EQ(o[2].len, 5);
	CHECK_EQ(dp_pl_clone_set(n.pl, 5, NULL, 0, 0), 0);
	CHECK_EQ(dp_pl_clone_set(n.pl, 4, NULL, 0, 0), 0);
	CHECK_EQ(dp_pl_clone_set(n.pl, 4, NULL, 0, 0), -ENOENT);
	CHECK_EQ(run_one(n.w, 0, "\0..xy", 5, &o), 1);
	nic_free(&n);
}

/* A table over `key` that learns `value` on a miss and says it on a hit; value 0xee restarts, 0xdd sets another time. */
static struct nic learner(void)
{
	struct nic n = nic_new();
	struct prog *p = n.p;
	uint32_t know = slot(p, 1), miss, done, i;

	i = INSN(p, JMP, 0, 0, 0, 0, 0);
	miss = INSN(p, ADDENTRY, 0, n.h + 3, lit(p, 1), 0, 0);
	INSN(p, NOP, 0, n.h + 1, 0, 0, 0);
	INSN(p, RET, 0, 0, 0, 0, 0);
	done = INSN(p, RESTARTEXPIRE, 0, 0, lit(p, 0), 0, 0);
	INSN(p, JNE, 0, 0, n.h + 3, lit(p, 0xdd), done + 3);
	INSN(p, SETEXPIRE, 0, 0, lit(p, 2), 0, 0);
	INSN(p, MOV, 8, n.h + 3, know, 0, 0);
	INSN(p, RET, 0, 0, 0, 0, 0);
	p->insns[i].imm = p->d.n_insns;
	key(p, n.h + 2, 8, DP_PL_EXACT);
	action(p, done, list(p, 1, know, 8U), 0);
	action(p, miss, NONE, DP_PL_DEFAULT_ONLY);
	table(p, 1, 2, 2, DP_PL_T_ADD_ON_MISS | DP_PL_T_IDLE_DELETE);
	p->tables[0].default_action = 1;
	INSN(p, APPLY, 0, slot(p, 1), NONE, 0, 0);
	nic_load(&n);
	dp_pl_expire_set(n.pl, 1, 10 * DP_MS);
	dp_pl_expire_set(n.pl, 2, 100 * DP_MS);
	return n;
}

static uint32_t ask(struct nic *n, uint8_t k, uint8_t value, uint64_t ts_ps, uint8_t *status)
{
	const uint8_t bytes[3] = {7, k, value};
	struct dp_pl_in in = {.data = bytes, .len = 3, .ts_ps = ts_ps};
	const struct dp_pl_out *o;

	CHECK_EQ(dp_pl_run(n->w, &in, 1, &o), 1);
	*status = o[0].data[0];
	return o[0].data[2];
}

static void test_entries_are_learnt_on_a_miss_and_go_when_nobody_uses_them(void)
{
	struct nic n = learner();
	const struct dp_pl_event *ev;
	uint8_t status;

	CHECK_EQ(ask(&n, 1, 0x51, DP_MS, &status), 0x51);
	CHECK_EQ(status, 0); /* added */
	CHECK_EQ(dp_pl_events(n.w, &ev), 1);
	CHECK_EQ(ev[0].kind, DP_PL_E_LEARNT);
	CHECK_EQ(ask(&n, 1, 0x99, DP_MS, &status), 0x51);
	CHECK_EQ(status, 7); /* known: no miss */
	CHECK_EQ(ask(&n, 2, 0x52, 2 * DP_MS, &status), 0x52);
	CHECK_EQ(status, 0);
	CHECK_EQ(ask(&n, 3, 0x53, 2 * DP_MS, &status), 0x53);
	CHECK_EQ(status, 1); /* full */
	CHECK_EQ(ask(&n, 2, 0, 9 * DP_MS, &status), 0x52);
	dp_pl_tick(n.w, 12 * DP_MS);                           /* 1 was used at 1 ms, 2 at 9 ms */
	CHECK_EQ(ask(&n, 2, 0xdd, 12 * DP_MS, &status), 0x52); /* 100 ms from now on */
	CHECK_EQ(ask(&n, 1, 0x61, 12 * DP_MS, &status), 0x61);
	CHECK_EQ(status, 0);
	dp_pl_tick(n.w, 30 * DP_MS);
	CHECK_EQ(ask(&n, 2, 0, 30 * DP_MS, &status), 0x52);
	dp_pl_tick(n.w, 129 * DP_MS);
	CHECK_EQ(ask(&n, 2, 0x42, 129 * DP_MS, &status), 0x52);
	dp_pl_tick(n.w, 230 * DP_MS);
	CHECK_EQ(ask(&n, 2, 0x42, 230 * DP_MS, &status), 0x42);
	nic_free(&n);
}

int main(void)
{
	RUN(test_a_packet_is_dropped_or_goes_to_its_port);
	RUN(test_recirculated_packets_know_their_pass);
	RUN(test_mirrored_copies_are_of_what_leaves_even_when_it_is_dropped);
	RUN(test_entries_are_learnt_on_a_miss_and_go_when_nobody_uses_them);
	return check_done();
}
