/*
 * Entries come, change and go on one thread while workers on two others look them up: an entry is seen whole or not at all, and one
 * that is always there is always found, whatever is resized meanwhile. To be run under ThreadSanitizer, too.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/c/check.h"
#include "tests/c/pipeline_util.h"

#include "datapath/csrc/rng.h"

#define KEYS   4096
#define STEADY 64 /* keys 0 to STEADY - 1 are always there */
#define ROUNDS 30000
#define LOOKS  20000 /* of each reader, at least */

static atomic_bool stop;

struct reader {
	struct dp_pl *pl;
	pthread_t thread;
	uint64_t seed, torn, lost, hits;
	_Atomic uint64_t looked;
	bool learns;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct dp_pl_worker *w = dp_pl_worker_new(r->pl);
	uint8_t bytes[32][4];
	struct dp_pl_in in[32];
	const struct dp_pl_out *out;
	struct dp_rng rng;
	uint64_t ts_ps = 0;

	dp_rng_seed(&rng, r->seed);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		for (int i = 0; i < 32; i++) {
			uint32_t k = (uint32_t)dp_rng_below(&rng, dp_rng_below(&rng, 4) ? KEYS : STEADY);

			dp_put_be32(bytes[i], k);
			in[i] = (struct dp_pl_in){.data = bytes[i], .len = 4, .ts_ps = ts_ps};
		}
		ts_ps += DP_MS;
		if (dp_pl_run(w, in, 32, &out) != 32) {
			r->lost++;
			continue;
		}
		for (int i = 0; i < 32; i++) {
			uint64_t a = dp_get_be64(out[i].data), b = dp_get_be64(out[i].data + 8), hit = out[i].data[16];
			uint32_t k = dp_get_be32(bytes[i]);

			atomic_fetch_add_explicit(&r->looked, 1, memory_order_relaxed);
			r->hits += hit;
			r->torn += hit && (a != ~b || (uint32_t)a != k);
			r->lost += !hit && k < STEADY && !r->learns;
		}
		dp_pl_tick(w, ts_ps);
	}
	dp_pl_worker_free(w);
	return NULL;
}

/* A table over 32 bits whose action's data are two words that must fit each other. With `learn` it adds on a miss. */
static struct dp_pl *load(uint32_t match, bool learn)
{
	struct prog *p = prog_new(DP_PL_V1MODEL);
	uint32_t in = layout(p, NONE, 1, 32U), h = header(p, in), out = layout(p, NONE, 3, 64U, 64U, 8U),
		 o = header(p, out), miss, data, hit;

	p->d.blocks[DP_PL_B_PARSER] = INSN(p, EXTRACT, 0, h, in, 0, 1);
	end(p);
	data = slot(p, 2);
	miss = INSN(p, MOV, 64, data, h + 1, 0, 0);
	INSN(p, NOT, 64, data + 1, data, 0, 0);
	if (learn) {
		INSN(p, ADDENTRY, 0, data, lit(p, 1), 0, 0);
		INSN(p, NOP, 0, NONE, 0, 0, 0);
	}
	INSN(p, RET, 0, 0, 0, 0, 0);
	hit = INSN(p, RET, 0, 0, 0, 0, 0);
	key(p, h + 1, 32, match);
	action(p, hit, list(p, 2, o + 1, 64U, o + 2, 64U), 0);
	action(p, miss, NONE, 0);
	table(p, 1, 2, learn ? KEYS / 2 : KEYS,
	      DP_PL_T_COUNTER | DP_PL_T_COUNT_HITS | (learn ? DP_PL_T_ADD_ON_MISS | DP_PL_T_IDLE_DELETE : 0));
	p->tables[0].default_action = 1;
	p->d.blocks[DP_PL_B_INGRESS] = INSN(p, APPLY, 0, o + 3, NONE, 0, 0);
	INSN(p, MOV, 1, o, lit(p, 1), 0, 0);
	end(p);
	p->d.blocks[DP_PL_B_DEPARSER] = INSN(p, EMIT, 0, 0, o, out, 0);
	end(p);
	return prog_load(p);
}

static int set(struct dp_pl *pl, uint32_t match, uint32_t k, uint64_t salt, uint64_t *handle, bool modify)
{
	uint64_t key_words[2] = {k, match == DP_PL_TERNARY && k >= STEADY ? 0xffffffff ^ (k & 1 ? 0x10000 : 0x20000)
									  : 0xffffffff};
	uint64_t data[2] = {salt << 32 | k, ~(salt << 32 | k)};
	struct dp_pl_entry e = {.action = 0, .key = key_words, .n_key = 2, .data = data, .n_data = 2, .priority = 1};

	return modify ? dp_pl_entry_modify(pl, *handle, &e) : dp_pl_entry_add(pl, &e, handle);
}

static bool busy(struct reader *r)
{
	return atomic_load(&r[0].looked) < LOOKS || atomic_load(&r[1].looked) < LOOKS;
}

static void churn(uint32_t match)
{
	static uint64_t handles[KEYS];
	struct dp_pl *pl = load(match, false);
	struct reader r[2] = {{.pl = pl, .seed = 1}, {.pl = pl, .seed = 2}};
	struct dp_rng rng;
	int err = 0;

	memset(handles, 0, sizeof(handles));
	for (uint32_t k = 0; k < STEADY; k++)
		err |= set(pl, match, k, 0, &handles[k], false);
	atomic_store(&stop, false);
	for (int i = 0; i < 2; i++)
		pthread_create(&r[i].thread, NULL, read_on, &r[i]);
	dp_rng_seed(&rng, 3);
	for (uint32_t i = 0; i < ROUNDS || busy(r); i++) {
		uint32_t k = (uint32_t)dp_rng_below(&rng, KEYS);

		/* in waves, so that tables grow */
		if (!handles[k])
			err |= (i / 1500) % 2 ? 0 : set(pl, match, k, i, &handles[k], false);
		else if (k < STEADY || dp_rng_below(&rng, 3) == 0)
			err |= set(pl, match, k, i, &handles[k], true);
		else {
			err |= dp_pl_entry_del(pl, 0, handles[k]);
			handles[k] = 0;
		}
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(r[i].thread, NULL);
		CHECK_EQ(r[i].torn, 0);
		CHECK_EQ(r[i].lost, 0);
		CHECK(r[i].hits > 0);
	}
	CHECK_EQ(err, 0);
	dp_pl_free(pl);
}

static void test_exact_entries_are_whole(void)
{
	churn(DP_PL_EXACT);
}

static void test_prefixes_are_whole(void)
{
	churn(DP_PL_LPM);
}

static void test_ternary_entries_are_whole(void)
{
	churn(DP_PL_TERNARY);
}

static void test_workers_learn_side_by_side_while_entries_expire(void)
{
	struct dp_pl *pl = load(DP_PL_EXACT, true);
	struct reader r[2] = {{.pl = pl, .seed = 1, .learns = true}, {.pl = pl, .seed = 2, .learns = true}};
	struct dp_pl_table_stats stats;
	uint64_t looked = 0;

	dp_pl_expire_set(pl, 1, 20 * DP_MS);
	atomic_store(&stop, false);
	for (int i = 0; i < 2; i++)
		pthread_create(&r[i].thread, NULL, read_on, &r[i]);
	for (int i = 0; i < ROUNDS || busy(r); i++) {
		uint64_t handle = 0;
		int err = set(pl, DP_PL_EXACT, (uint32_t)i % KEYS, 5, &handle, false);

		if (!err && (i & 1))
			dp_pl_entry_del(pl, 0, handle); /* if it has not expired */
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(r[i].thread, NULL);
		CHECK_EQ(r[i].torn, 0);
		looked += r[i].looked;
	}
	CHECK_EQ(dp_pl_table_stats(pl, 0, &stats), 0);
	CHECK_EQ(stats.hits + stats.misses, looked);
	CHECK(stats.entries <= KEYS / 2);
	dp_pl_free(pl);
}

int main(void)
{
	RUN(test_exact_entries_are_whole);
	RUN(test_prefixes_are_whole);
	RUN(test_ternary_entries_are_whole);
	RUN(test_workers_learn_side_by_side_while_entries_expire);
	return check_done();
}
