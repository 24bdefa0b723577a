/* Tables: every kind of match against a list that is searched from front to back, and the rules of entries. */
#include "tests/c/check.h"
#include "tests/c/pipeline_util.h"

#include "datapath/csrc/pipeline_int.h"

#define MAX_FIELDS 3

/* One table: its keys are extracted from the packet, its action's data (64 bits) and hit are the packet that comes out. */
struct rig {
	struct dp_pl *pl;
	struct dp_pl_worker *w;
	uint32_t n, widths[MAX_FIELDS], match[MAX_FIELDS];
};

static struct rig rig_new(uint32_t n, const uint32_t *widths, const uint32_t *match, uint32_t size, uint32_t flags)
{
	struct prog *p = prog_new(DP_PL_V1MODEL);
	struct rig r = {.n = n};
	uint32_t at = 1, bit = 0, i, h, out, h_out, act;

	for (i = 0; i < n; i++) {
		r.widths[i] = widths[i];
		r.match[i] = match[i];
		*PROG_ADD(p, fields) = (struct dp_pl_field){at, bit, widths[i]};
		at += (widths[i] + 63) / 64;
		bit += widths[i];
	}
	*PROG_ADD(p, hdrs) = (struct dp_pl_hdr){0, n, bit, NONE, at};
	h = header(p, 0);
	out = layout(p, NONE, 2, 64U, 8U);
	h_out = header(p, out);
	p->d.blocks[DP_PL_B_PARSER] = INSN(p, EXTRACT, 0, h, 0, 0, 1);
	end(p);
	act = INSN(p, RET, 0, 0, 0, 0, 0);
	for (i = 0; i < n; i++)
		key(p, h + p->fields[i].slot, widths[i], match[i]);
	action(p, NONE, NONE, 0);
	action(p, act, list(p, 1, h_out + 1, 64U), 0);
	action(p, act, list(p, 1, h_out + 1, 64U), DP_PL_DEFAULT_ONLY);
	action(p, act, list(p, 1, h_out + 1, 64U), DP_PL_TABLE_ONLY);
	table(p, n, 4, size, flags);
	p->d.blocks[DP_PL_B_INGRESS] = INSN(p, APPLY, 0, h_out + 2, NONE, 0, 0);
	INSN(p, MOV, 1, h_out, lit(p, 1), 0, 0);
	end(p);
	p->d.blocks[DP_PL_B_DEPARSER] = INSN(p, EMIT, 0, 0, h_out, out, 0);
	end(p);
	r.pl = prog_load(p);
	r.w = dp_pl_worker_new(r.pl);
	return r;
}

static void rig_free(struct rig *r)
{
	dp_pl_worker_free(r->w);
	dp_pl_free(r->pl);
}

/* The data of what was hit, ~0 for a miss; keys of up to 64 bits a field. */
static uint64_t rig_look(struct rig *r, const uint64_t *fields)
{
	const struct dp_pl_out *out;
	uint8_t bytes[8 * MAX_FIELDS] = {0};
	uint32_t bit = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		for (uint32_t k = r->widths[i]; k-- > 0; bit++)
			bytes[bit / 8] |= (uint8_t)((fields[i] >> k & 1) << (7 - bit % 8));
	}
	if (run_one(r->w, 0, bytes, (bit + 7) / 8, &out) != 1)
		return 0;
	return out[0].data[8] ? dp_get_be64(out[0].data) : ~0ULL;
}

static int rig_add(struct rig *r, const uint64_t *key_words, uint64_t data, uint32_t priority, uint64_t *handle)
{
	struct dp_pl_entry e = {
		.action = 1, .key = key_words, .n_key = 2 * r->n, .data = &data, .n_data = 1, .priority = priority};

	return dp_pl_entry_add(r->pl, &e, handle);
}

/* ---- against a list ---- */

struct model_entry {
	uint64_t key[2 * MAX_FIELDS], data, handle, rank, seq;
};

struct model {
	struct model_entry at[512];
	uint32_t n;
	uint64_t seq;
};

static bool matches(const struct rig *r, const uint64_t *key_words, const uint64_t *fields)
{
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t v = key_words[2 * i], o = key_words[2 * i + 1];

		if (r->match[i] == DP_PL_RANGE ? fields[i] < v || fields[i] > o : (fields[i] ^ v) & o)
			return false;
	}
	return true;
}

static uint64_t model_look(const struct rig *r, const struct model *m, const uint64_t *fields)
{
	const struct model_entry *best = NULL;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct model_entry *e = &m->at[i];

		if (matches(r, e->key, fields) &&
		    (!best || e->rank > best->rank || (e->rank == best->rank && e->seq < best->seq)))
			best = e;
	}
	return best ? best->data : ~0ULL;
}

/* Small values, so that entries overlap and keys hit. */
static void random_key(struct dp_rng *rng, const struct rig *r, uint64_t *key_words, uint32_t *prefix)
{
	*prefix = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t all = pl_mask(r->widths[i]), v = dp_rng_next(rng) & all, other = all;
		uint32_t len;

		switch (r->match[i]) {
		case DP_PL_LPM:
			len = (uint32_t)dp_rng_below(rng, r->widths[i] + 1);
			other = len ? all & ~(len == r->widths[i] ? 0 : all >> len) : 0;
			*prefix += len;
			break;
		case DP_PL_TERNARY:
			other = dp_rng_next(rng) & (dp_rng_below(rng, 2) ? 0x5 : 0xff) & all;
			break;
		case DP_PL_OPTIONAL:
			other = dp_rng_below(rng, 2) ? all : 0;
			break;
		case DP_PL_RANGE:
			other = dp_rng_next(rng) & all;
			if (other < v) {
				uint64_t swap = other;

				other = v;
				v = swap;
			}
			break;
		default:
			break;
		}
		key_words[2 * i] = r->match[i] == DP_PL_RANGE ? v : v & other;
		key_words[2 * i + 1] = other;
	}
}

static void against_a_list(uint32_t n, const uint32_t *widths, const uint32_t *match, uint64_t seed)
{
	struct rig r = rig_new(n, widths, match, 512, 0);
	struct model *m = calloc(1, sizeof(*m));
	bool lpm_only = true;
	struct dp_rng rng;
	uint32_t wrong = 0, hits = 0;

	for (uint32_t i = 0; i < n; i++)
		lpm_only &= match[i] == DP_PL_LPM || match[i] == DP_PL_EXACT;
	dp_rng_seed(&rng, seed);
	for (int step = 0; step < 4000; step++) {
		uint64_t fields[MAX_FIELDS], what = dp_rng_below(&rng, 10), data = dp_rng_next(&rng) >> 1;
		uint32_t prefix, i;
		int err;

		if (what < 3 && m->n < 512) {
			struct model_entry *e = &m->at[m->n];
			bool same = false;

			random_key(&rng, &r, e->key, &prefix);
			e->rank = lpm_only ? prefix : dp_rng_below(&rng, 8);
			e->data = data;
			e->seq = m->seq++;
			for (i = 0; i < m->n; i++)
				same |= memcmp(m->at[i].key, e->key, sizeof(e->key)) == 0 && m->at[i].rank == e->rank;
			err = rig_add(&r, e->key, data, lpm_only ? 0 : (uint32_t)e->rank, &e->handle);
			wrong += err != (same ? -EEXIST : 0);
			m->n += !err;
		} else if (what == 3 && m->n) {
			i = (uint32_t)dp_rng_below(&rng, m->n);
			wrong += dp_pl_entry_del(r.pl, 0, m->at[i].handle) != 0;
			wrong += dp_pl_entry_del(r.pl, 0, m->at[i].handle) != -ENOENT;
			m->at[i] = m->at[--m->n];
		} else if (what == 4 && m->n) {
			struct dp_pl_entry e = {.action = 1, .data = &data, .n_data = 1};

			i = (uint32_t)dp_rng_below(&rng, m->n);
			wrong += dp_pl_entry_modify(r.pl, m->at[i].handle, &e) != 0;
			m->at[i].data = data;
		} else {
			for (i = 0; i < n; i++)
				fields[i] = dp_rng_next(&rng) & pl_mask(widths[i]);
			if (m->n && dp_rng_below(&rng, 2)) {
				const struct model_entry *e = &m->at[dp_rng_below(&rng, m->n)];

				for (i = 0; i < n; i++)
					fields[i] = match[i] == DP_PL_RANGE
							    ? e->key[2 * i]
							    : e->key[2 * i] | (fields[i] & ~e->key[2 * i + 1]);
			}
			uint64_t want = model_look(&r, m, fields);

			hits += want != ~0ULL;
			wrong += rig_look(&r, fields) != want;
		}
	}
	CHECK_EQ(wrong, 0);
	CHECK(hits > 100);
	CHECK_EQ(dp_pl_table_clear(r.pl, 0), 0);
	uint64_t fields[MAX_FIELDS] = {0};

	CHECK(rig_look(&r, fields) == ~0ULL);
	rig_free(&r);
	free(m);
}

#define AGAINST(seed, n, ...) \
	do { \
		static const uint32_t of_[][2] = {__VA_ARGS__}; \
		uint32_t widths_[MAX_FIELDS], match_[MAX_FIELDS]; \
		for (uint32_t i_ = 0; i_ < (n); i_++) { \
			widths_[i_] = of_[i_][0]; \
			match_[i_] = of_[i_][1]; \
		} \
		against_a_list(n, widths_, match_, seed); \
	} while (0)

static void test_every_kind_of_key_finds_what_a_list_finds(void)
{
	AGAINST(1, 1, {8, DP_PL_EXACT});
	AGAINST(2, 2, {5, DP_PL_EXACT}, {3, DP_PL_EXACT});
	AGAINST(3, 1, {10, DP_PL_LPM});
	AGAINST(4, 1, {32, DP_PL_LPM});
	AGAINST(5, 1, {20, DP_PL_LPM});
	AGAINST(6, 1, {40, DP_PL_LPM});
	AGAINST(7, 2, {2, DP_PL_EXACT}, {12, DP_PL_LPM});
	AGAINST(8, 1, {8, DP_PL_TERNARY});
	AGAINST(9, 2, {8, DP_PL_TERNARY}, {4, DP_PL_OPTIONAL});
	AGAINST(10, 1, {8, DP_PL_RANGE});
	AGAINST(11, 3, {8, DP_PL_RANGE}, {4, DP_PL_TERNARY}, {6, DP_PL_RANGE});
	AGAINST(12, 3, {3, DP_PL_EXACT}, {8, DP_PL_LPM}, {8, DP_PL_TERNARY});
	AGAINST(13, 1, {64, DP_PL_TERNARY});
}

/* Dense prefixes of 32 bits make nodes of all levels out of buckets. */
static void test_prefixes_close_together_split_into_nodes_and_come_apart_again(void)
{
	static const uint32_t width = 32, match = DP_PL_LPM;
	struct rig r = rig_new(1, &width, &match, 65536, 0);
	struct dp_rng rng;
	uint32_t wrong = 0, n = 0;
	static uint64_t handles[3000], prefixes[3000], lens[3000];

	dp_rng_seed(&rng, 5);
	while (n < 3000) {
		uint32_t len = 14 + (uint32_t)dp_rng_below(&rng, 19);
		uint64_t mask = 0xffffffffULL << (32 - len) & 0xffffffff,
			 v = (0x0a000000 | (dp_rng_next(&rng) & 0x3ffff)) & mask, k[2] = {v, mask};
		int err = rig_add(&r, k, n, 0, &handles[n]);

		if (err == -EEXIST)
			continue;
		CHECK_EQ(err, 0);
		prefixes[n] = v;
		lens[n++] = len;
	}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3000; i++) {
			uint64_t at = 0x0a000000 | (dp_rng_next(&rng) & 0x3ffff), want = ~0ULL;
			int64_t best = -1;

			for (uint32_t k = 0; k < 3000; k++) {
				uint64_t mask = 0xffffffffULL << (32 - lens[k]) & 0xffffffff;

				if (handles[k] && (at & mask) == prefixes[k] && (int64_t)lens[k] > best) {
					best = (int64_t)lens[k];
					want = k;
				}
			}
			wrong += rig_look(&r, &at) != want;
		}
		for (uint32_t k = round; k < 3000 && round == 0; k += 2) {
			CHECK_EQ(dp_pl_entry_del(r.pl, 0, handles[k]), 0);
			handles[k] = 0;
		}
	}
	CHECK_EQ(wrong, 0);
	rig_free(&r);
}

static void test_rules_of_entries(void)
{
	static const uint32_t widths[] = {8, 16}, match[] = {DP_PL_EXACT, DP_PL_LPM};
	struct rig r = rig_new(2, widths, match, 3, 0);
	uint64_t k[4] = {1, 0xff, 0x1200, 0xff00}, handle, h2, data = 5, big[2] = {0, 0}, look[2] = {1, 0x1234};
	struct dp_pl_entry e = {.action = 1, .key = k, .n_key = 4, .data = &data, .n_data = 1};
	struct dp_pl_table_stats stats;

	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &handle), 0);
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EEXIST);
	CHECK_EQ(dp_pl_entry_find(r.pl, &e, &h2), 0);
	CHECK_EQ(h2, handle);
	CHECK_EQ(rig_look(&r, look), 5);
	k[3] = 0xf0f0;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EINVAL); /* no prefix */
	CHECK_EQ(dp_pl_entry_find(r.pl, &e, &h2), -EINVAL);
	k[3] = 0x1ff00;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EINVAL); /* wider than the field */
	k[3] = 0xfff0;
	k[1] = 0x7f;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EINVAL); /* a mask on an exact field */
	k[1] = 0xff;
	k[0] = 0x1ff;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EINVAL);
	k[0] = 1;
	e.n_key = 3;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EINVAL);
	e.n_key = 4;
	e.n_data = 2;
	e.data = big;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EINVAL);
	e.n_data = 1;
	e.action = 4;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EINVAL);
	e.action = 2;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EPERM); /* default only */
	e.action = 1;
	e.table = 1;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -ENOENT);
	e.table = 0;
	e.member = 1;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -EINVAL); /* no action profile */
	e.member = 0;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), 0);
	e.is_const = 1;
	k[2] = 0x1000;
	k[3] = 0xf000;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), 0);
	CHECK_EQ(dp_pl_entry_del(r.pl, 0, h2), -EPERM);
	CHECK_EQ(dp_pl_entry_modify(r.pl, h2, &e), -EPERM);
	e.is_const = 0;
	k[0] = 2;
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), -ENOSPC);
	CHECK_EQ(dp_pl_table_stats(r.pl, 0, &stats), 0);
	CHECK_EQ(stats.entries, 3);
	CHECK_EQ(stats.hits, 1);
	CHECK(stats.bytes > 3 * 50 && stats.bytes < 2000);
	/* a handle is not found again once its place has another */
	CHECK_EQ(dp_pl_entry_del(r.pl, 0, handle), 0);
	CHECK_EQ(dp_pl_entry_add(r.pl, &e, &h2), 0);
	CHECK(h2 != handle);
	CHECK_EQ(dp_pl_entry_del(r.pl, 0, handle), -ENOENT);
	CHECK_EQ(dp_pl_table_clear(r.pl, 0), 0);
	CHECK_EQ(dp_pl_table_stats(r.pl, 0, &stats), 0);
	CHECK_EQ(stats.entries, 1); /* the constant one */
	rig_free(&r);
}

static void test_default_action_can_be_set_and_set_back(void)
{
	static const uint32_t width = 8, match = DP_PL_EXACT;
	struct rig r = rig_new(1, &width, &match, 0, 0);
	uint64_t data = 77, look = 1;
	const struct dp_pl_out *out;

	CHECK(rig_look(&r, &look) == ~0ULL);
	CHECK_EQ(dp_pl_table_default(r.pl, 0, 2, &data, 1), 0);
	CHECK_EQ(run_one(r.w, 0, "\1", 1, &out), 1);
	CHECK_EQ(dp_get_be64(out[0].data), 77);
	CHECK_EQ(out[0].data[8], 0);
	CHECK_EQ(dp_pl_table_default(r.pl, 0, 3, &data, 1), -EPERM); /* table only */
	CHECK_EQ(dp_pl_table_default(r.pl, 0, 1, &data, 0), -EINVAL);
	CHECK_EQ(dp_pl_table_default(r.pl, 0, 9, &data, 1), -EINVAL);
	CHECK_EQ(dp_pl_table_default_reset(r.pl, 0), 0);
	CHECK_EQ(run_one(r.w, 0, "\1", 1, &out), 1);
	CHECK_EQ(dp_get_be64(out[0].data), 0);
	rig_free(&r);
	r = rig_new(1, &width, &match, 0, DP_PL_T_CONST_DEFAULT | DP_PL_T_CONST_ENTRIES);
	CHECK_EQ(dp_pl_table_default(r.pl, 0, 2, &data, 1), -EPERM);
	uint64_t k[2] = {1, 0xff};

	CHECK_EQ(rig_add(&r, k, 1, 0, &data), -EPERM);
	CHECK_EQ(dp_pl_table_clear(r.pl, 0), -EPERM);
	rig_free(&r);
}

static void test_bulk_insert_of_many_entries_stops_at_the_first_that_does_not_fit(void)
{
	static const uint32_t width = 32, match = DP_PL_EXACT;
	struct rig r = rig_new(1, &width, &match, 100000, 0);
	uint64_t *keys = malloc(200000 * 8 * 2), *data = malloc(100001 * 8), *handles = malloc(100001 * 8), bad = 0;
	struct dp_pl_entry e = {.action = 1, .key = keys, .n_key = 2, .data = data, .n_data = 1};
	struct dp_pl_table_stats stats;

	for (uint32_t i = 0; i < 100000; i++) {
		keys[2 * i] = i * 2654435761U;
		keys[2 * i + 1] = 0xffffffff;
		data[i] = i;
	}
	keys[2 * 99999] = keys[0];
	CHECK_EQ(dp_pl_entry_add_bulk(r.pl, &e, 100000, handles), 99999);
	e.key = keys + 2 * 99999;
	CHECK_EQ(dp_pl_entry_add_bulk(r.pl, &e, 1, handles), -EEXIST);
	for (uint32_t i = 0; i < 99999; i += 97)
		bad += rig_look(&r, &keys[2 * i]) != i;
	CHECK_EQ(bad, 0);
	CHECK_EQ(dp_pl_table_stats(r.pl, 0, &stats), 0);
	CHECK(stats.bytes / stats.entries <= 128);
	rig_free(&r);
	free(keys);
	free(data);
	free(handles);
}

/* An action selector over one field of 16 bits, with a profile of two actions. */
static void test_groups_spread_over_members_and_members_change_under_entries(void)
{
	struct prog *p = prog_new(DP_PL_V1MODEL);
	uint32_t in = layout(p, NONE, 2, 8U, 16U), h = header(p, in), out = layout(p, NONE, 2, 8U, 8U),
		 h_out = header(p, out), params;
	uint64_t k[2] = {1, 0xff}, handle, data, seen[4] = {0};
	const uint32_t two[] = {10, 20}, none_such[] = {10, 99};
	const struct dp_pl_out *o;
	struct dp_pl_worker *w;
	struct dp_pl *pl;

	p->d.blocks[DP_PL_B_PARSER] = INSN(p, EXTRACT, 0, h, in, 0, 1);
	end(p);
	params = list(p, 1, h_out + 1, 8U);
	action(p, NONE, params, 0);
	action(p, NONE, NONE, 0);
	*PROG_ADD(p, profiles) = (struct dp_pl_profile){
		.size = 3, .max_group = 2, .algorithm = DP_PL_CRC16, .width = 14, .first_action = 0, .n_actions = 2};
	key(p, h + 1, 8, DP_PL_EXACT);
	key(p, h + 2, 16, DP_PL_SELECTOR);
	table(p, 2, 2, 0, 0);
	p->tables[0].profile = 0;
	p->tables[0].default_action = 1;
	p->d.blocks[DP_PL_B_INGRESS] = INSN(p, APPLY, 0, h_out + 2, NONE, 0, 0);
	INSN(p, MOV, 1, h_out, lit(p, 1), 0, 0);
	end(p);
	p->d.blocks[DP_PL_B_DEPARSER] = INSN(p, EMIT, 0, 0, h_out, out, 0);
	end(p);
	pl = prog_load(p);
	w = dp_pl_worker_new(pl);

	data = 1;
	CHECK_EQ(dp_pl_member_set(pl, 0, 10, 0, &data, 1), 0);
	data = 2;
	CHECK_EQ(dp_pl_member_set(pl, 0, 20, 0, &data, 1), 0);
	CHECK_EQ(dp_pl_member_set(pl, 0, 20, 0, &data, 0), -EINVAL);
	CHECK_EQ(dp_pl_member_set(pl, 0, 30, 1, NULL, 0), 0);
	CHECK_EQ(dp_pl_member_set(pl, 0, 40, 1, NULL, 0), -ENOSPC);
	CHECK_EQ(dp_pl_group_set(pl, 0, 5, none_such, 2), -ENOENT);
	CHECK_EQ(dp_pl_group_set(pl, 0, 5, two, 2), 0);
	struct dp_pl_entry e = {.key = k, .n_key = 2, .group = 5 + 1};

	CHECK_EQ(dp_pl_entry_add(pl, &e, &handle), 0);
	CHECK_EQ(dp_pl_member_del(pl, 0, 10), -EBUSY);
	CHECK_EQ(dp_pl_group_del(pl, 0, 5), -EBUSY);
	for (uint32_t i = 0; i < 256; i++) {
		uint8_t packet[3] = {1, 0, (uint8_t)i};

		CHECK_EQ(run_one(w, 0, packet, 3, &o), 1);
		CHECK_EQ(o[0].data[1], 1);
		seen[o[0].data[0] & 3]++;
	}
	CHECK_EQ(seen[1] + seen[2], 256);
	CHECK(seen[1] > 64 && seen[2] > 64);
	/* a member's new data are seen through the group */
	data = 3;
	CHECK_EQ(dp_pl_member_set(pl, 0, 10, 0, &data, 1), 0);
	CHECK_EQ(dp_pl_group_set(pl, 0, 5, two, 1), 0);
	CHECK_EQ(run_one(w, 0, "\1\0\0", 3, &o), 1);
	CHECK_EQ(o[0].data[0], 3);
	CHECK_EQ(dp_pl_member_del(pl, 0, 20), 0);
	/* an empty group: a hit that runs the default action */
	CHECK_EQ(dp_pl_group_set(pl, 0, 5, NULL, 0), 0);
	CHECK_EQ(run_one(w, 0, "\1\0\0", 3, &o), 1);
	CHECK_EQ(o[0].data[0], 0);
	CHECK_EQ(o[0].data[1], 1);
	/* straight to a member */
	e.group = 0;
	e.member = 10 + 1;
	CHECK_EQ(dp_pl_entry_modify(pl, handle, &e), 0);
	CHECK_EQ(run_one(w, 0, "\1\0\0", 3, &o), 1);
	CHECK_EQ(o[0].data[0], 3);
	CHECK_EQ(dp_pl_group_del(pl, 0, 5), 0);
	CHECK_EQ(dp_pl_entry_del(pl, 0, handle), 0);
	CHECK_EQ(dp_pl_member_del(pl, 0, 10), 0);
	dp_pl_worker_free(w);
	dp_pl_free(pl);
}

static void test_idle_entries_are_reported_once_or_go(void)
{
	static const uint32_t width = 8, match = DP_PL_EXACT;
	uint64_t k[2] = {1, 0xff}, data = 9, handle, look = 1;
	struct dp_pl_entry e = {.action = 1, .key = k, .n_key = 2, .data = &data, .n_data = 1, .idle_ps = 10 * DP_MS};

	for (int deleting = 0; deleting < 2; deleting++) {
		struct rig r = rig_new(1, &width, &match, 0, deleting ? DP_PL_T_IDLE_DELETE : DP_PL_T_IDLE_NOTIFY);
		const struct dp_pl_event *ev;

		CHECK_EQ(dp_pl_entry_add(r.pl, &e, &handle), 0);
		CHECK(dp_pl_next_ps(r.pl) <= 10 * DP_MS);
		CHECK_EQ(rig_look(&r, &look), 9); /* at 1 ms */
		dp_pl_tick(r.w, 10 * DP_MS);
		CHECK_EQ(dp_pl_events(r.w, &ev), 0);
		dp_pl_tick(r.w, 11 * DP_MS);
		CHECK_EQ(dp_pl_events(r.w, &ev), 1);
		CHECK_EQ(ev[0].kind, DP_PL_E_IDLE);
		CHECK_EQ(ev[0].handle, handle);
		dp_pl_tick(r.w, 50 * DP_MS);
		CHECK_EQ(dp_pl_events(r.w, &ev), 0);
		CHECK(rig_look(&r, &look) == (deleting ? ~0ULL : 9));
		CHECK_EQ(dp_pl_entry_del(r.pl, 0, handle), deleting ? -ENOENT : 0);
		CHECK(dp_pl_next_ps(r.pl) == DP_NEVER);
		rig_free(&r);
	}
}

static void test_direct_counters_count_hits_and_survive_a_change_of_action(void)
{
	static const uint32_t width = 8, match = DP_PL_EXACT;
	struct rig r = rig_new(1, &width, &match, 0, DP_PL_T_COUNTER | DP_PL_T_COUNT_HITS);
	uint64_t k[2] = {1, 0xff}, data = 9, handle, look = 1;
	struct dp_pl_entry e = {.action = 1, .data = &data, .n_data = 1};
	struct dp_pl_count c;

	CHECK_EQ(rig_add(&r, k, 9, 0, &handle), 0);
	rig_look(&r, &look);
	rig_look(&r, &look);
	CHECK_EQ(dp_pl_entry_modify(r.pl, handle, &e), 0);
	rig_look(&r, &look);
	look = 2;
	rig_look(&r, &look);
	CHECK_EQ(dp_pl_entry_counter_get(r.pl, 0, handle, &c), 0);
	CHECK_EQ(c.packets, 3);
	CHECK_EQ(c.bytes, 3);
	c.packets = 100;
	CHECK_EQ(dp_pl_entry_counter_set(r.pl, 0, handle, &c), 0);
	CHECK_EQ(dp_pl_entry_counter_get(r.pl, 0, handle, &c), 0);
	CHECK_EQ(c.packets, 100);
	CHECK_EQ(dp_pl_entry_counter_get(r.pl, 0, handle + 1, &c), -ENOENT);
	rig_free(&r);
}

int main(void)
{
	RUN(test_every_kind_of_key_finds_what_a_list_finds);
	RUN(test_prefixes_close_together_split_into_nodes_and_come_apart_again);
	RUN(test_rules_of_entries);
	RUN(test_default_action_can_be_set_and_set_back);
	RUN(test_bulk_insert_of_many_entries_stops_at_the_first_that_does_not_fit);
	RUN(test_groups_spread_over_members_and_members_change_under_entries);
	RUN(test_idle_entries_are_reported_once_or_go);
	RUN(test_direct_counters_count_hits_and_survive_a_change_of_action);
	return check_done();
}
