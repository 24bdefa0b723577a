/*
 * The interpreter: runs one block of a program that the loader has checked, so nothing here checks a slot or a number again;
 * what depends on the packet (indices, amounts, calls, steps) is.
 *
 * Steps are counted when control leaves a straight run, so a loop costs one subtraction a round.
 */
#include "datapath/csrc/pipeline_int.h"

static int64_t sign_extend(uint64_t v, uint32_t w)
{
	return (int64_t)(v << (64 - w)) >> (64 - w);
}

static uint64_t saturate_unsigned(uint64_t a, uint64_t b, uint32_t w, bool sub)
{
	uint64_t sum;

	if (sub)
		return a > b ? a - b : 0;
	sum = a + b;
	return sum < a || sum > pl_mask(w) ? pl_mask(w) : sum;
}

static uint64_t saturate_signed(uint64_t a, uint64_t b, uint32_t w, bool sub)
{
	int64_t max = (int64_t)(pl_mask(w) >> 1), min = -max - 1, x = sign_extend(a, w), y = sign_extend(b, w), sum;

	if (sub ? __builtin_sub_overflow(x, y, &sum) : __builtin_add_overflow(x, y, &sum))
		sum = x < 0 ? min : max;
	return (uint64_t)DP_MAX(min, DP_MIN(max, sum)) & pl_mask(w);
}

static uint64_t shift_arithmetic(uint64_t a, uint64_t by, uint32_t w)
{
	return (uint64_t)(sign_extend(a, w) >> DP_MIN(by, 63)) & pl_mask(w);
}

static void parser_error(struct dp_pl_worker *w, int error)
{
	pl_set_intrinsic(w, DP_PL_I_PARSER_ERROR, (uint64_t)error);
}

static void count(struct dp_pl_worker *w, struct pl_counter *c, uint64_t index)
{
	if (index >= c->size)
		return;
	atomic_fetch_add_explicit(&c->cells[index].packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->cells[index].bytes, w->len, memory_order_relaxed);
}

static void count_entry(struct dp_pl_worker *w, struct pl_state *s)
{
	atomic_fetch_add_explicit(&s->packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->bytes, w->len, memory_order_relaxed);
}

static uint64_t colour_in(const struct dp_pl_worker *w, uint64_t imm)
{
	return imm >= DP_PL_NONE ? ~0ULL : w->slots[imm];
}

static uint64_t meter(struct dp_pl_worker *w, struct pl_meter *m, bool by_bytes, uint64_t pre)
{
	return dp_pl_meter_run(m, by_bytes ? w->len : 1, w->ts_ps, pre);
}

static uint64_t meter_entry(struct dp_pl_worker *w, const struct pl_table *t, const struct pl_entry *e, uint64_t pre)
{
	if (!e || !e->state || !(t->flags & (DP_PL_T_METER | DP_PL_T_METER_BYTES)))
		return 0;
	return meter(w, &e->state->meter, t->flags & DP_PL_T_METER_BYTES, pre);
}

/* What an entry does on being hit, whichever action it has. */
static void hit(struct dp_pl_worker *w, const struct pl_table *t, const struct pl_entry *e)
{
	struct pl_state *s = e->state;

	if (!s)
		return;
	atomic_store_explicit(&s->last_ps, w->ts_ps, memory_order_relaxed);
	if (t->flags & DP_PL_T_COUNT_HITS)
		count_entry(w, s);
	if (t->meter_slot != DP_PL_NONE)
		w->slots[t->meter_slot] = meter_entry(w, t, e, ~0ULL);
}

static inline void bump(_Atomic uint64_t *n)
{
	/* one writer, so no locked addition */
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Looks up and loads the action's data; returns the code to call, or DP_PL_NONE. */
static uint32_t apply(struct dp_pl_worker *w, const struct pl_insn *i)
{
	struct pl_table *t = &w->pl->tables[i->b];
	struct pl_entry *e = dp_pl_table_find(w, t);
	const struct pl_action *action;
	const uint64_t *data = NULL;
	uint32_t which = 0, k, n;

	if (e) {
		hit(w, t, e);
		data = dp_pl_table_action(w, t, e, &which);
	}
	w->hit[i->b] = e;
	bump(&w->lookups[2 * i->b + !e]);
	if (!data) {
		const struct pl_default *def = atomic_load_explicit(&t->def, memory_order_acquire);

		which = def->action;
		data = def->words;
	}
	if (t->flags & DP_PL_T_ADD_ON_MISS) {
		w->miss[i->b][0] = !e;
		memcpy(w->miss[i->b] + 1, w->key, 8 * t->kw);
	}
	if (i->d != DP_PL_NONE)
		w->slots[i->d] = e != NULL;
	if (i->a != DP_PL_NONE)
		w->slots[i->a] = which;
	action = &t->actions[which];
	for (k = 0; k < action->n_moves; k++) {
		const struct pl_move *m = &action->moves[k];

		w->slots[m->slot] = *data++;
		for (n = 1; n < m->words; n++)
			w->slots[m->slot + n] = *data++;
	}
	return action->code;
}

static void read_register(struct dp_pl_worker *w, const struct pl_insn *i)
{
	const struct pl_register *r = &w->pl->registers[i->b];
	uint64_t index = w->slots[i->a];
	uint32_t k;

	for (k = 0; k < r->words; k++)
		w->slots[i->d + k] =
			index < r->size ? atomic_load_explicit(&r->cells[index * r->words + k], memory_order_relaxed)
					: 0;
}

static void write_register(struct dp_pl_worker *w, const struct pl_insn *i)
{
	const struct pl_register *r = &w->pl->registers[i->b];
	uint64_t index = w->slots[i->a];
	uint32_t k;

	for (k = 0; index < r->size && k < r->words; k++) {
		uint64_t v = w->slots[i->d + k];

		if (k + 1 == r->words && (r->width & 63))
			v &= pl_mask(r->width & 63);
		atomic_store_explicit(&r->cells[index * r->words + k], v, memory_order_relaxed);
	}
}

static uint64_t hash_list(struct dp_pl_worker *w, const struct pl_insn *i, uint64_t algorithm)
{
	uint32_t bytes = (dp_pl_list_bytes(w, &w->pl->lists[i->b]) + 7) / 8, at = (w->cur + 7) / 8;

	if (algorithm & 256) { /* the payload, too */
		memcpy(w->bytes + bytes, w->data + at, w->len - at);
		bytes += w->len - at;
	}
	return dp_pl_hash(w, algorithm & 255, w->bytes, bytes);
}

/* Base slot a, then the number of values. */
static uint64_t hash_mod(struct dp_pl_worker *w, const struct pl_insn *i)
{
	uint64_t base = w->slots[i->a], max = w->slots[i->a + 1];

	return (max ? base + hash_list(w, i, i->imm) % max : base) & pl_mask(i->w);
}

static uint64_t checksum(struct dp_pl_worker *w, const struct pl_insn *i)
{
	const struct pl_list *l = &w->pl->lists[i->b];
	uint32_t bytes, sum, at, rest;

	if (dp_likely(l->pack.halves)) {
		bytes = l->pack.bits / 8;
		sum = dp_pl_pack_sum16(&l->pack, w->slots);
	} else {
		bytes = (dp_pl_list_bytes(w, l) + 7) / 8;
		sum = dp_pl_sum16(w->bytes, bytes);
	}
	if (i->imm & 1) {
		at = (w->cur + 7) / 8;
		rest = dp_pl_sum16(w->data + at, w->len - at);
		/* behind an odd number of bytes, every byte of the payload is the other half of its word */
		sum += bytes & 1 ? (rest >> 8 | rest << 8) & 0xffff : rest;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return ~sum & 0xffff;
}

/* InternetChecksum: d's sum and the list's, added or taken away (RFC 1624). */
static uint64_t running_sum(struct dp_pl_worker *w, const struct pl_insn *i, bool sub)
{
	uint32_t bytes = (dp_pl_list_bytes(w, &w->pl->lists[i->b]) + 7) / 8, sum = dp_pl_sum16(w->bytes, bytes);

	sum = (uint32_t)(w->slots[i->d] & 0xffff) + (sub ? ~sum & 0xffff : sum);
	return (sum & 0xffff) + (sum >> 16);
}

static uint64_t random_between(struct dp_pl_worker *w, uint64_t lo, uint64_t hi)
{
	if (hi < lo)
		return lo;
	return hi - lo == ~0ULL ? dp_rng_next(&w->rng) : lo + dp_rng_below(&w->rng, hi - lo + 1);
}

static uint64_t add_entry(struct dp_pl_worker *w, const struct pl_insn *i)
{
	struct pl_table *t = &w->pl->tables[i->b];
	uint64_t profile = w->slots[i->a], idle_ps;

	if (!w->miss[i->b] || !w->miss[i->b][0])
		return 1;
	idle_ps = profile < DP_ARRAY_SIZE(w->pl->expire)
			  ? atomic_load_explicit(&w->pl->expire[profile], memory_order_relaxed)
			  : 0;
	return dp_pl_entry_learn(w, t, (uint32_t)i->imm, w->slots + i->d, idle_ps) != 0;
}

/* The session of a mirror slot; a packet has room for some. */
static void mirror(struct dp_pl_worker *w, uint64_t slot, uint64_t session)
{
	uint32_t i;

	for (i = 0; i < w->n_mirrors && w->mirrors[i].slot != slot; i++)
		;
	if (i == PL_MAX_MIRRORS)
		return;
	w->mirrors[i].slot = slot;
	w->mirrors[i].session = (uint32_t)session;
	w->n_mirrors = DP_MAX(w->n_mirrors, i + 1);
}

static void set_expire(struct dp_pl_worker *w, const struct pl_insn *i)
{
	uint64_t profile = w->slots[i->a];

	if (w->hit[i->b] && profile < DP_ARRAY_SIZE(w->pl->expire))
		dp_pl_entry_expire(w, &w->pl->tables[i->b], w->hit[i->b],
				   atomic_load_explicit(&w->pl->expire[profile], memory_order_relaxed));
}

/* One jump for each instruction, not one for all: so the processor predicts what follows which. */
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("no-gcse", "no-crossjumping")))
#endif
enum pl_status dp_pl_exec(struct dp_pl_worker *w, uint32_t code)
{
	static const void *const labels[] = {
#define LABEL(name) &&L_##name,
		DP_PL_OPS(LABEL)
#undef LABEL
	};
	const struct dp_pl *pl = w->pl;
	const struct pl_insn *i = &pl->insns[code], *run = i;
	const struct pl_insn *calls[PL_MAX_CALLS];
	uint64_t *const s = w->slots;
	int64_t budget = pl->budget;
	uint32_t depth = 0;
	uint64_t t, u;
	int error;

#define OP(name) L_##name:
#define NEXT \
	do { \
		i++; \
		goto *labels[i->op]; \
	} while (0)
#define CHARGE(n) \
	do { \
		budget -= (int64_t)(n); \
		if (dp_unlikely(budget < 0)) \
			return PL_OVER; \
	} while (0)
#define GOTO(target) \
	do { \
		CHARGE(i - run + 1); \
		i = run = &pl->insns[target]; \
		goto *labels[i->op]; \
	} while (0)
#define ALU(name, value) \
	OP(name) \
	s[i->d] = (value); \
	NEXT;
#define CUT(name, value) ALU(name, (value) & pl_mask(i->w))
#define BRANCH(name, cond) \
	OP(name) \
	if (cond) \
		GOTO(i->imm); \
	NEXT;
#define WIDE(name) OP(name)
#define A          s[i->a]
#define B          s[i->b]

	goto *labels[i->op];

	OP(NOP) NEXT;
	ALU(MOV, A)
	CUT(ADD, A + B)
	CUT(SUB, A - B)
	CUT(MUL, A * B)
	ALU(AND, A & B)
	ALU(OR, A | B)
	ALU(XOR, A ^ B)
	CUT(SHL, B > 63 ? 0 : A << B)
	ALU(SHR, B > 63 ? 0 : A >> B)
	ALU(SAR, shift_arithmetic(A, B, i->w))
	CUT(NOT, ~A)
	CUT(NEG, -A)
	ALU(ADDS, saturate_unsigned(A, B, i->w, false))
	ALU(SUBS, saturate_unsigned(A, B, i->w, true))
	ALU(ADDSS, saturate_signed(A, B, i->w, false))
	ALU(SUBSS, saturate_signed(A, B, i->w, true))
	ALU(DIV, B ? A / B : 0)
	ALU(MOD, B ? A % B : 0)
	CUT(SLICE, A >> i->imm)
	OP(INS)
	t = pl_mask(i->w) << i->imm;
	s[i->d] = (s[i->d] & ~t) | (A << i->imm & t);
	NEXT;
	CUT(CAT, A << i->imm | B)
	CUT(SEXT, (uint64_t)sign_extend(A, (uint32_t)i->imm))
	CUT(TRUNC, A)
	ALU(SEL, s[i->imm] ? A : B)
	ALU(EQ, A == B)
	ALU(NE, A != B)
	ALU(LT, A < B)
	ALU(LE, A <= B)
	ALU(SLT, sign_extend(A, i->w) < sign_extend(B, i->w))
	ALU(SLE, sign_extend(A, i->w) <= sign_extend(B, i->w))
	ALU(LNOT, !A)

	OP(MOVX)
	memmove(&s[i->d], &A, 8 * pl_words(i->w));
	CHARGE(pl_words(i->w));
	NEXT;
	OP(MULX) OP(DIVX) OP(MODX) u = pl_words(i->w);
	CHARGE(i->op == DP_PL_OP_MULX ? u * u : u * i->w);
	dp_pl_wide(i->op, w->wide, &s[i->d], &A, &B, i->w, i->w, 0);
	NEXT;
	OP(ADDX)
	OP(SUBX)
	OP(ANDX)
	OP(ORX) OP(XORX) OP(SHLX) OP(SHRX) OP(SARX) OP(ADDSX) OP(SUBSX) OP(ADDSSX) OP(SUBSSX) CHARGE(pl_words(i->w));
	dp_pl_wide(i->op, w->wide, &s[i->d], &A, &B, i->w, i->w, 0);
	NEXT;
	OP(NOTX) OP(NEGX) CHARGE(pl_words(i->w));
	dp_pl_wide(i->op, w->wide, &s[i->d], &A, &A, i->w, i->w, 0);
	NEXT;
	OP(SLICEX) OP(INSX) CHARGE(pl_words(i->w));
	dp_pl_wide(i->op, w->wide, &s[i->d], &A, NULL, i->w, i->b, i->imm);
	NEXT;
	OP(SEXTX) OP(ZEXTX) CHARGE(pl_words(i->w));
	dp_pl_wide(i->op, w->wide, &s[i->d], &A, NULL, i->w, (uint32_t)i->imm, 0);
	NEXT;
	OP(EQX) OP(NEX) OP(LTX) OP(LEX) OP(SLTX) OP(SLEX) CHARGE(pl_words(i->w));
	s[i->d] = dp_pl_wide_cmp(i->op, &A, &B, i->w);
	NEXT;
	OP(COPY)
	CHARGE(i->imm / 4);
	memmove(&s[i->d], &A, 8 * i->imm);
	NEXT;
	OP(ZERO)
	CHARGE(i->imm / 4);
	memset(&s[i->d], 0, 8 * i->imm);
	NEXT;

	OP(JMP) GOTO(i->imm);
	BRANCH(JZ, !A)
	BRANCH(JNZ, A)
	BRANCH(JEQ, A == B)
	BRANCH(JNE, A != B)
	BRANCH(JLT, A < B)
	BRANCH(JLE, A <= B)
	OP(JTAB)
	t = DP_MIN(A, pl->jtabs[i->b].n - 1);
	GOTO(pl->targets[pl->jtabs[i->b].first + t]);
	OP(CALL)
	t = i->imm;
call:
	if (dp_unlikely(depth == PL_MAX_CALLS))
		return PL_OVER;
	calls[depth++] = i + 1;
	GOTO(t);
	OP(RET)
	if (!depth)
		return PL_OK;
	CHARGE(i - run + 1);
	i = run = calls[--depth];
	goto *labels[i->op];
	OP(END)
	return PL_OK;

	OP(EXTRACT)
	error = dp_pl_extract(w, &pl->hdrs[i->a], &s[i->d], 0);
	if (dp_unlikely(error)) {
		parser_error(w, error);
		GOTO(i->imm);
	}
	NEXT;
	OP(EXTRACTV)
	CHARGE(pl->hdrs[i->a].vb_max / 64);
	error = dp_pl_extract(w, &pl->hdrs[i->a], &s[i->d], B);
	if (dp_unlikely(error)) {
		parser_error(w, error);
		GOTO(i->imm);
	}
	NEXT;
	OP(LOOK)
	error = dp_pl_look(w, &pl->hdrs[i->a], &s[i->d]);
	if (dp_unlikely(error)) {
		parser_error(w, error);
		GOTO(i->imm);
	}
	NEXT;
	OP(ADVANCE)
	if (dp_unlikely(A > 8ULL * w->len - w->cur)) {
		parser_error(w, 1);
		GOTO(i->imm);
	}
	w->cur += (uint32_t)A;
	NEXT;
	OP(PKTLEN)
	s[i->d] = w->len;
	NEXT;
	OP(EMIT)
	if (A) {
		CHARGE(pl->hdrs[i->b].slots);
		dp_pl_emit(w, &pl->hdrs[i->b], &A);
	}
	NEXT;

	OP(APPLY)
	CHARGE(4);
	t = apply(w, i);
	if (t != DP_PL_NONE)
		goto call;
	NEXT;
	OP(VSET)
	CHARGE(4);
	s[i->d] = dp_pl_vset_find(w, &pl->vsets[i->b]);
	NEXT;

	OP(COUNT)
	count(w, &pl->counters[i->b], A);
	NEXT;
	OP(DCOUNT)
	if (w->hit[i->b] && w->hit[i->b]->state)
		count_entry(w, w->hit[i->b]->state);
	NEXT;
	OP(METER)
	u = A;
	s[i->d] = u < pl->meters[i->b].size
			  ? meter(w, &pl->meters[i->b].cells[u], pl->meters[i->b].what == 2, colour_in(w, i->imm))
			  : 0;
	NEXT;
	OP(DMETER)
	s[i->d] = meter_entry(w, &pl->tables[i->b], w->hit[i->b], colour_in(w, i->imm));
	NEXT;
	OP(REGRD)
	CHARGE(pl->registers[i->b].words);
	read_register(w, i);
	NEXT;
	OP(REGWR)
	CHARGE(pl->registers[i->b].words);
	write_register(w, i);
	NEXT;

#define LIST_COST CHARGE(pl->lists[i->b].n + pl->lists[i->b].max_bits / 64)
	OP(HASH)
	LIST_COST;
	s[i->d] = hash_list(w, i, i->imm) & pl_mask(i->w);
	NEXT;
	OP(HASHMOD)
	LIST_COST;
	s[i->d] = hash_mod(w, i);
	NEXT;
	OP(CSUM)
	LIST_COST;
	s[i->d] = checksum(w, i);
	NEXT;
	OP(CSUMADD)
	LIST_COST;
	s[i->d] = running_sum(w, i, false);
	NEXT;
	OP(CSUMSUB)
	LIST_COST;
	s[i->d] = running_sum(w, i, true);
	NEXT;
	CUT(RANDOM, random_between(w, A, B))
	OP(DIGEST)
	CHARGE(16);
	dp_pl_event_list(w, DP_PL_E_DIGEST, i->b, &pl->lists[pl->digests[i->b]]);
	NEXT;
	OP(LOG)
	CHARGE(16);
	dp_pl_event_list(w, DP_PL_E_LOG, (uint32_t)i->imm, i->b == DP_PL_NONE ? NULL : &pl->lists[i->b]);
	NEXT;
	OP(ASSERT)
	if (!A) {
		dp_pl_event_list(w, DP_PL_E_ASSERT, (uint32_t)i->imm, NULL);
		return PL_ASSERT;
	}
	NEXT;

	OP(CLONE)
	w->clone = true;
	w->clone_session = (uint32_t)A;
	w->clone_list = i->b;
	NEXT;
	OP(RESUBMIT)
	w->resubmit = true;
	w->resubmit_list = i->b;
	NEXT;
	OP(RECIRCULATE)
	w->recirc = true;
	w->recirc_list = i->b;
	NEXT;
	OP(TRUNCATE)
	w->truncate = (uint32_t)DP_MIN(A, 0xffffffff);
	NEXT;
	OP(ADDENTRY)
	CHARGE(16);
	t = add_entry(w, i);
	i++;
	if (i->d != DP_PL_NONE)
		s[i->d] = t;
	NEXT;
	OP(SETEXPIRE)
	set_expire(w, i);
	NEXT;
	OP(RESTARTEXPIRE)
	if (w->hit[i->b] && w->hit[i->b]->state)
		atomic_store_explicit(&w->hit[i->b]->state->last_ps, w->ts_ps, memory_order_relaxed);
	NEXT;
	OP(MIRROR)
	mirror(w, B, A);
	NEXT;
}
