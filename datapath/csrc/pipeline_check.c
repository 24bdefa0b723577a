/*
 * Checks every instruction once, so that the interpreter need not: operands within the slots, results not in constants, numbers
 * of tables and the like below their count, jumps to instructions, and control that cannot run off the end.
 */
#include <stdio.h>

#include "datapath/csrc/pipeline_int.h"

struct check {
	const struct dp_pl *pl;
	const struct pl_insn *i;
	uint32_t at;
	char *err;
	size_t err_len;
	bool bad;
};

static const char *const op_names[] = {
#define NAME(name) #name,
	DP_PL_OPS(NAME)
#undef NAME
};

int dp_pl_op_number(const char *name)
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(op_names); i++) {
		if (strcmp(op_names[i], name) == 0)
			return (int)i;
	}
	return -ENOENT;
}

static void fail(struct check *c, const char *what, uint64_t value, uint64_t limit)
{
	if (!c->bad)
		snprintf(c->err, c->err_len, "instruction %u (%s): %s %llu, limit %llu", c->at, op_names[c->i->op],
			 what, (unsigned long long)value, (unsigned long long)limit);
	c->bad = true;
}

static void below(struct check *c, const char *what, uint64_t value, uint64_t limit)
{
	if (value >= limit)
		fail(c, what, value, limit);
}

static void width(struct check *c, uint64_t w, uint64_t max)
{
	if (w < 1 || w > max)
		fail(c, "width", w, max);
}

static void src(struct check *c, uint64_t slot, uint64_t words)
{
	if (slot >= c->pl->n_slots || words > c->pl->n_slots - slot)
		fail(c, "reads up to slot", slot + words, c->pl->n_slots);
}

static void dst(struct check *c, uint64_t slot, uint64_t words)
{
	src(c, slot, words);
	if (words && slot < c->pl->n_consts)
		fail(c, "writes to a constant: slot", slot, c->pl->n_consts);
}

static void jump(struct check *c, uint64_t target)
{
	below(c, "jump to", target, c->pl->n_insns);
}

static void hdr_at(struct check *c, uint32_t hdr, uint64_t slot, bool write)
{
	below(c, "layout", hdr, c->pl->n_hdrs);
	if (c->bad)
		return;
	if (write)
		dst(c, slot, c->pl->hdrs[hdr].slots);
	else
		src(c, slot, c->pl->hdrs[hdr].slots);
}

static void list(struct check *c, uint32_t number, bool none)
{
	if (!none || number != DP_PL_NONE)
		below(c, "list", number, c->pl->n_lists);
}

static void add_entry(struct check *c)
{
	const struct pl_insn *i = c->i, *result = i + 1;
	const struct pl_table *t;

	below(c, "table", i->b, c->pl->n_tables);
	src(c, i->a, 1);
	if (c->bad)
		return;
	t = &c->pl->tables[i->b];
	if (!(t->flags & DP_PL_T_ADD_ON_MISS))
		fail(c, "table that does not add on miss:", i->b, 0);
	below(c, "action", i->imm, t->n_actions);
	if (c->bad)
		return;
	src(c, i->d, t->actions[i->imm].words);
	if (c->at + 1 >= c->pl->n_insns || result->op != DP_PL_OP_NOP)
		fail(c, "no NOP behind it: instruction", c->at + 1, c->pl->n_insns);
	else if (result->d != DP_PL_NONE)
		dst(c, result->d, 1);
}

static void check_insn(struct check *c)
{
	const struct dp_pl *pl = c->pl;
	const struct pl_insn *i = c->i;
	uint32_t words;

	switch ((enum dp_pl_op)i->op) {
	case DP_PL_OP_NOP:
	case DP_PL_OP_RET:
	case DP_PL_OP_END:
		break;
	case DP_PL_OP_MOV:
	case DP_PL_OP_LNOT:
		src(c, i->a, 1);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_NOT:
	case DP_PL_OP_NEG:
	case DP_PL_OP_TRUNC:
		width(c, i->w, 64);
		src(c, i->a, 1);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_ADD:
	case DP_PL_OP_SUB:
	case DP_PL_OP_MUL:
	case DP_PL_OP_SHL:
	case DP_PL_OP_SHR:
	case DP_PL_OP_SAR:
	case DP_PL_OP_ADDS:
	case DP_PL_OP_SUBS:
	case DP_PL_OP_ADDSS:
	case DP_PL_OP_SUBSS:
	case DP_PL_OP_SLT:
	case DP_PL_OP_SLE:
	case DP_PL_OP_RANDOM:
		width(c, i->w, 64);
		/* fall through */
	case DP_PL_OP_AND:
	case DP_PL_OP_OR:
	case DP_PL_OP_XOR:
	case DP_PL_OP_DIV:
	case DP_PL_OP_MOD:
	case DP_PL_OP_EQ:
	case DP_PL_OP_NE:
	case DP_PL_OP_LT:
	case DP_PL_OP_LE:
		src(c, i->a, 1);
		src(c, i->b, 1);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_SLICE:
		width(c, i->w, 64);
		below(c, "shift by", i->imm, 64);
		src(c, i->a, 1);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_INS:
		width(c, i->w, 64);
		below(c, "lowest bit", i->imm, 64);
		if (!c->bad)
			below(c, "highest bit", i->imm + i->w - 1, 64);
		src(c, i->a, 1);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_CAT:
		width(c, i->w, 64);
		below(c, "bits of the lower part", i->imm, 64);
		src(c, i->a, 1);
		src(c, i->b, 1);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_SEXT:
		width(c, i->w, 64);
		width(c, i->imm, 64);
		src(c, i->a, 1);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_SEL:
		src(c, i->a, 1);
		src(c, i->b, 1);
		src(c, i->imm, 1);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_MOVX:
	case DP_PL_OP_NOTX:
	case DP_PL_OP_NEGX:
		width(c, i->w, 65535);
		src(c, i->a, pl_words(i->w));
		dst(c, i->d, pl_words(i->w));
		break;
	case DP_PL_OP_ADDX:
	case DP_PL_OP_SUBX:
	case DP_PL_OP_MULX:
	case DP_PL_OP_ANDX:
	case DP_PL_OP_ORX:
	case DP_PL_OP_XORX:
	case DP_PL_OP_ADDSX:
	case DP_PL_OP_SUBSX:
	case DP_PL_OP_ADDSSX:
	case DP_PL_OP_SUBSSX:
	case DP_PL_OP_DIVX:
	case DP_PL_OP_MODX:
		width(c, i->w, 65535);
		src(c, i->a, pl_words(i->w));
		src(c, i->b, pl_words(i->w));
		dst(c, i->d, pl_words(i->w));
		break;
	case DP_PL_OP_SHLX:
	case DP_PL_OP_SHRX:
	case DP_PL_OP_SARX:
		width(c, i->w, 65535);
		src(c, i->a, pl_words(i->w));
		src(c, i->b, 1);
		dst(c, i->d, pl_words(i->w));
		break;
	case DP_PL_OP_SLICEX:
		width(c, i->w, 65535);
		width(c, i->b, 65535);
		below(c, "lowest bit", i->imm, 65536);
		src(c, i->a, pl_words(i->b));
		dst(c, i->d, pl_words(i->w));
		break;
	case DP_PL_OP_INSX:
		width(c, i->w, 65535);
		width(c, i->b, 65535);
		below(c, "lowest bit", i->imm, i->b);
		if (!c->bad)
			below(c, "highest bit", i->imm + i->w - 1, i->b);
		src(c, i->a, pl_words(i->w));
		dst(c, i->d, pl_words(i->b));
		break;
	case DP_PL_OP_SEXTX:
	case DP_PL_OP_ZEXTX:
		width(c, i->w, 65535);
		width(c, i->imm, 65535);
		if (c->bad)
			break;
		src(c, i->a, pl_words((uint32_t)i->imm));
		dst(c, i->d, pl_words(i->w));
		break;
	case DP_PL_OP_EQX:
	case DP_PL_OP_NEX:
	case DP_PL_OP_LTX:
	case DP_PL_OP_LEX:
	case DP_PL_OP_SLTX:
	case DP_PL_OP_SLEX:
		width(c, i->w, 65535);
		src(c, i->a, pl_words(i->w));
		src(c, i->b, pl_words(i->w));
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_COPY:
		src(c, i->a, i->imm);
		dst(c, i->d, i->imm);
		break;
	case DP_PL_OP_ZERO:
		dst(c, i->d, i->imm);
		break;
	case DP_PL_OP_JMP:
	case DP_PL_OP_CALL:
		jump(c, i->imm);
		break;
	case DP_PL_OP_JZ:
	case DP_PL_OP_JNZ:
		src(c, i->a, 1);
		jump(c, i->imm);
		break;
	case DP_PL_OP_JEQ:
	case DP_PL_OP_JNE:
	case DP_PL_OP_JLT:
	case DP_PL_OP_JLE:
		src(c, i->a, 1);
		src(c, i->b, 1);
		jump(c, i->imm);
		break;
	case DP_PL_OP_JTAB:
		src(c, i->a, 1);
		below(c, "jump table", i->b, pl->n_jtabs);
		break;
	case DP_PL_OP_EXTRACTV:
		src(c, i->b, 1);
		hdr_at(c, i->a, i->d, true);
		jump(c, i->imm);
		break;
	case DP_PL_OP_EXTRACT:
	case DP_PL_OP_LOOK:
		hdr_at(c, i->a, i->d, true);
		jump(c, i->imm);
		if (!c->bad && pl->hdrs[i->a].vb_max)
			fail(c, "layout with a varbit:", i->a, 0);
		break;
	case DP_PL_OP_ADVANCE:
		src(c, i->a, 1);
		jump(c, i->imm);
		break;
	case DP_PL_OP_PKTLEN:
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_EMIT:
		hdr_at(c, i->b, i->a, false);
		break;
	case DP_PL_OP_APPLY:
		below(c, "table", i->b, pl->n_tables);
		if (i->d != DP_PL_NONE)
			dst(c, i->d, 1);
		if (i->a != DP_PL_NONE)
			dst(c, i->a, 1);
		break;
	case DP_PL_OP_VSET:
		below(c, "value set", i->b, pl->n_vsets);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_COUNT:
		below(c, "counter", i->b, pl->n_counters);
		src(c, i->a, 1);
		break;
	case DP_PL_OP_DCOUNT:
		below(c, "table", i->b, pl->n_tables);
		break;
	case DP_PL_OP_METER:
		src(c, i->a, 1);
		/* fall through */
	case DP_PL_OP_DMETER:
		if (i->op == DP_PL_OP_METER)
			below(c, "meter", i->b, pl->n_meters);
		else
			below(c, "table", i->b, pl->n_tables);
		dst(c, i->d, 1);
		if (i->imm != DP_PL_NONE && i->imm != ~0ULL)
			src(c, i->imm, 1);
		break;
	case DP_PL_OP_REGRD:
	case DP_PL_OP_REGWR:
		below(c, "register", i->b, pl->n_registers);
		src(c, i->a, 1);
		if (c->bad)
			break;
		words = pl->registers[i->b].words;
		if (pl_words(i->w) != words)
			fail(c, "width of another register:", i->w, pl->registers[i->b].width);
		if (i->op == DP_PL_OP_REGRD)
			dst(c, i->d, words);
		else
			src(c, i->d, words);
		break;
	case DP_PL_OP_HASHMOD:
		src(c, i->a, 2);
		/* fall through */
	case DP_PL_OP_HASH:
		width(c, i->w, 64);
		list(c, i->b, false);
		dst(c, i->d, 1);
		below(c, "hash", i->imm & ~256ULL, DP_PL_TOEPLITZ + 1);
		break;
	case DP_PL_OP_CSUM:
	case DP_PL_OP_CSUMADD:
	case DP_PL_OP_CSUMSUB:
		list(c, i->b, false);
		dst(c, i->d, 1);
		break;
	case DP_PL_OP_DIGEST:
		below(c, "digest", i->b, pl->n_digests);
		break;
	case DP_PL_OP_LOG:
		list(c, i->b, true);
		break;
	case DP_PL_OP_MIRROR:
		src(c, i->b, 1);
		/* fall through */
	case DP_PL_OP_ASSERT:
	case DP_PL_OP_TRUNCATE:
		src(c, i->a, 1);
		break;
	case DP_PL_OP_CLONE:
		src(c, i->a, 1);
		/* fall through */
	case DP_PL_OP_RESUBMIT:
	case DP_PL_OP_RECIRCULATE:
		list(c, i->b, true);
		break;
	case DP_PL_OP_ADDENTRY:
		add_entry(c);
		break;
	case DP_PL_OP_SETEXPIRE:
	case DP_PL_OP_RESTARTEXPIRE:
		below(c, "table", i->b, pl->n_tables);
		src(c, i->a, 1);
		break;
	case DP_PL_OP_MAX:
		break;
	}
}

int dp_pl_check_insns(const struct dp_pl *pl, char *err, size_t err_len)
{
	struct check c = {.pl = pl, .err = err, .err_len = err_len};
	uint32_t last, i;

	for (i = 0; i < pl->n_insns && !c.bad; i++) {
		c.at = i;
		c.i = &pl->insns[i];
		if (c.i->op >= DP_PL_OP_MAX) {
			snprintf(err, err_len, "instruction %u: operation %u, limit %u", i, c.i->op, DP_PL_OP_MAX);
			return -EINVAL;
		}
		check_insn(&c);
	}
	if (c.bad)
		return -EINVAL;
	if (pl->n_insns) {
		/* whatever comes last must not go on; ADDENTRY has its NOP, and that is not an end */
		last = pl->insns[pl->n_insns - 1].op;
		if (last != DP_PL_OP_END && last != DP_PL_OP_RET && last != DP_PL_OP_JMP) {
			snprintf(err, err_len, "instruction %u (%s): the last one must be END, RET or JMP",
				 pl->n_insns - 1, op_names[last]);
			return -EINVAL;
		}
	}
	return 0;
}
