/*
 * Programs of the pipeline engine put together by hand: constants in slots 0 to 63, everything else behind. The arrays are of fixed
 * size; a test that needs more fails at once.
 *
 *	struct prog *p = prog_new(DP_PL_V1MODEL);
 *	p->d.blocks[DP_PL_B_INGRESS] = insn(p, DP_PL_OP_MOV, 9, slot(p, 1), lit(p, 3), 0, 0);
 *	insn(p, DP_PL_OP_END, 0, 0, 0, 0, 0);
 *	struct dp_pl *pl = prog_load(p);
 */
#ifndef DPU_TESTS_PIPELINE_UTIL_H
#define DPU_TESTS_PIPELINE_UTIL_H

#include <stdarg.h>
#include <stdlib.h>

#include "datapath/csrc/pipeline.h"

#define PROG_CONSTS 64
#define PROG_MAX    256
#define NONE        DP_PL_NONE

struct prog {
	struct dp_pl_desc d;
	uint64_t consts[PROG_CONSTS];
	uint32_t n_lits;
	struct dp_pl_insn insns[PROG_MAX];
	struct dp_pl_hdr hdrs[PROG_MAX];
	struct dp_pl_field fields[PROG_MAX];
	struct dp_pl_list lists[PROG_MAX];
	struct dp_pl_item items[PROG_MAX];
	struct dp_pl_table tables[PROG_MAX];
	struct dp_pl_key keys[PROG_MAX];
	struct dp_pl_action actions[PROG_MAX];
	struct dp_pl_profile profiles[PROG_MAX];
	struct dp_pl_vset vsets[PROG_MAX];
	struct dp_pl_array counters[PROG_MAX], meters[PROG_MAX], registers[PROG_MAX];
	uint32_t digests[PROG_MAX];
	struct dp_pl_jtab jtabs[PROG_MAX];
	uint32_t targets[PROG_MAX];
};

/* A new element of one of the arrays; the count is checked against the array. */
#define PROG_ADD(p, what) \
	((p)->d.n_##what < DP_ARRAY_SIZE((p)->what) ? &(p)->what[(p)->d.n_##what++] : (abort(), &(p)->what[0]))

static inline struct prog *prog_new(uint32_t arch)
{
	struct prog *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->d = (struct dp_pl_desc){
		.arch = arch,
		.n_slots = PROG_CONSTS,
		.n_consts = PROG_CONSTS,
		.consts = p->consts,
		.insns = p->insns,
		.hdrs = p->hdrs,
		.fields = p->fields,
		.lists = p->lists,
		.items = p->items,
		.tables = p->tables,
		.keys = p->keys,
		.actions = p->actions,
		.profiles = p->profiles,
		.vsets = p->vsets,
		.counters = p->counters,
		.meters = p->meters,
		.registers = p->registers,
		.digests = p->digests,
		.jtabs = p->jtabs,
		.targets = p->targets,
		.seed = 1,
	};
	memset(p->d.blocks, 0xff, sizeof(p->d.blocks));
	memset(p->d.intrinsics, 0xff, sizeof(p->d.intrinsics));
	return p;
}

static inline uint32_t slot(struct prog *p, uint32_t n)
{
	p->d.n_slots += n;
	return p->d.n_slots - n;
}

/* A constant of 64 bits; wide ones are several in a row. */
static inline uint32_t lit(struct prog *p, uint64_t v)
{
	if (p->n_lits == PROG_CONSTS)
		abort();
	p->consts[p->n_lits] = v;
	return p->n_lits++;
}

static inline uint32_t insn(struct prog *p, uint16_t op, uint16_t w, uint32_t d, uint32_t a, uint32_t b, uint64_t imm)
{
	*PROG_ADD(p, insns) = (struct dp_pl_insn){op, w, d, a, b, imm};
	return p->d.n_insns - 1;
}

#define INSN(p, name, w, d, a, b, imm) insn(p, DP_PL_OP_##name, w, d, a, b, imm)

static inline uint32_t end(struct prog *p)
{
	return INSN(p, END, 0, 0, 0, 0, 0);
}

static inline uint32_t intrinsic(struct prog *p, enum dp_pl_intrinsic i)
{
	if (p->d.intrinsics[i] == NONE)
		p->d.intrinsics[i] = slot(p, 1);
	return p->d.intrinsics[i];
}

/* A layout of n fields of these widths, each in the slots behind the one before; `varbit`: index of the one, or NONE. */
static inline uint32_t layout(struct prog *p, uint32_t varbit, uint32_t n, ...)
{
	uint32_t first = p->d.n_fields, at = 1, bit = 0, i;
	va_list ap;

	va_start(ap, n);
	for (i = 0; i < n; i++) {
		uint32_t width = va_arg(ap, uint32_t);

		*PROG_ADD(p, fields) = (struct dp_pl_field){at, bit, width};
		at += (width + 63) / 64 + (i == varbit);
		bit += i == varbit ? 0 : width;
	}
	va_end(ap);
	*PROG_ADD(p, hdrs) = (struct dp_pl_hdr){first, n, bit, varbit, at};
	return p->d.n_hdrs - 1;
}

static inline uint32_t header(struct prog *p, uint32_t of)
{
	return slot(p, p->hdrs[of].slots);
}

/* n pairs of slot and width. */
static inline uint32_t list(struct prog *p, uint32_t n, ...)
{
	uint32_t first = p->d.n_items, i;
	va_list ap;

	va_start(ap, n);
	for (i = 0; i < n; i++) {
		uint32_t at = va_arg(ap, uint32_t), width = va_arg(ap, uint32_t);

		*PROG_ADD(p, items) = (struct dp_pl_item){at, width, 0};
	}
	va_end(ap);
	*PROG_ADD(p, lists) = (struct dp_pl_list){first, n};
	return p->d.n_lists - 1;
}

static inline void action(struct prog *p, uint32_t code, uint32_t params, uint32_t flags)
{
	*PROG_ADD(p, actions) = (struct dp_pl_action){code, params, flags};
}

static inline void key(struct prog *p, uint32_t at, uint32_t width, uint32_t match)
{
	*PROG_ADD(p, keys) = (struct dp_pl_key){at, width, match};
}

/* A table of the last n_keys keys and n_actions actions; the first action is the default one. */
static inline uint32_t table(struct prog *p, uint32_t n_keys, uint32_t n_actions, uint32_t size, uint32_t flags)
{
	*PROG_ADD(p, tables) = (struct dp_pl_table){.first_key = p->d.n_keys - n_keys,
						    .n_keys = n_keys,
						    .first_action = p->d.n_actions - n_actions,
						    .n_actions = n_actions,
						    .size = size,
						    .flags = flags,
						    .profile = NONE,
						    .meter_slot = NONE};
	return p->d.n_tables - 1;
}

static inline struct dp_pl *prog_load(struct prog *p)
{
	char err[256] = "";
	struct dp_pl *pl = dp_pl_new(&p->d, err, sizeof(err));

	if (!pl)
		fprintf(stderr, "dp_pl_new: %s\n", err);
	free(p);
	if (!pl)
		abort();
	return pl;
}

/* Runs one packet; its first output. */
static inline int64_t run_one(struct dp_pl_worker *w, uint32_t port, const void *data, uint32_t len,
			      const struct dp_pl_out **out)
{
	struct dp_pl_in in = {.data = data, .len = len, .port = port, .ts_ps = DP_MS};

	return dp_pl_run(w, &in, 1, out);
}

#endif
