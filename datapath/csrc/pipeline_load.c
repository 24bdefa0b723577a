/*
 * Loads a description: copies it, checks every number in it against what it counts, and builds what the interpreter runs on. After
 * that nothing reads the description again, and nothing that runs checks what was checked here.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "datapath/csrc/pipeline_int.h"

#define MAX_COUNT      (1 << 20)
#define MAX_CELLS      (1 << 28)
#define MAX_TABLE_SIZE (1 << 27)

struct load {
	struct dp_pl *pl;
	const struct dp_pl_desc *desc;
	char *err;
	size_t err_len;
};

static int __attribute__((format(printf, 2, 3))) refuse(struct load *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->err, l->err_len, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(struct load *l)
{
	refuse(l, "not enough memory");
	return -ENOMEM;
}

static bool range_ok(uint64_t first, uint64_t n, uint64_t limit)
{
	return first <= limit && n <= limit - first;
}

static int check_counts(struct load *l)
{
	const struct dp_pl_desc *d = l->desc;
	const struct {
		const char *name;
		uint32_t n;
		const void *p;
	} parts[] = {
		{"consts", d->n_consts, d->consts},    {"insns", d->n_insns, d->insns},
		{"hdrs", d->n_hdrs, d->hdrs},          {"fields", d->n_fields, d->fields},
		{"lists", d->n_lists, d->lists},       {"items", d->n_items, d->items},
		{"tables", d->n_tables, d->tables},    {"keys", d->n_keys, d->keys},
		{"actions", d->n_actions, d->actions}, {"profiles", d->n_profiles, d->profiles},
		{"vsets", d->n_vsets, d->vsets},       {"counters", d->n_counters, d->counters},
		{"meters", d->n_meters, d->meters},    {"registers", d->n_registers, d->registers},
		{"digests", d->n_digests, d->digests}, {"jtabs", d->n_jtabs, d->jtabs},
		{"targets", d->n_targets, d->targets},
	};
	size_t i;

	for (i = 0; i < DP_ARRAY_SIZE(parts); i++) {
		if (parts[i].n > MAX_COUNT)
			return refuse(l, "%s: %u, limit %u", parts[i].name, parts[i].n, MAX_COUNT);
		if (parts[i].n && !parts[i].p)
			return refuse(l, "%s: %u, but no pointer", parts[i].name, parts[i].n);
	}
	if (d->n_slots > PL_MAX_SLOTS)
		return refuse(l, "slots: %u, limit %u", d->n_slots, PL_MAX_SLOTS);
	if (d->n_consts > d->n_slots)
		return refuse(l, "consts: %u, limit %u (slots)", d->n_consts, d->n_slots);
	if (d->arch > DP_PL_PNA)
		return refuse(l, "architecture %u, limit %u", d->arch, DP_PL_PNA);
	if (!range_ok(d->hdr_first, d->hdr_slots, d->n_slots) || (d->hdr_slots && d->hdr_first < d->n_consts))
		return refuse(l, "headers' slots %u + %u, limit %u, behind %u constants", d->hdr_first, d->hdr_slots,
			      d->n_slots, d->n_consts);
	return 0;
}

static void *copy_of(const void *p, uint32_t n, size_t size)
{
	void *c = calloc((size_t)n + 1, size);

	if (c && n)
		memcpy(c, p, n * size);
	return c;
}

static int load_header(struct load *l, uint32_t number)
{
	const struct dp_pl_hdr *in = &l->desc->hdrs[number];
	const struct dp_pl_field *f;
	struct pl_hdr *h = &l->pl->hdrs[number];
	struct pl_part *parts;
	uint32_t i, bit = 0, words;
	int err;

	if (!range_ok(in->first_field, in->n_fields, l->desc->n_fields))
		return refuse(l, "layout %u: fields %u + %u, limit %u", number, in->first_field, in->n_fields,
			      l->desc->n_fields);
	f = in->n_fields ? l->desc->fields + in->first_field : NULL;
	if (in->slots < 1 || in->slots > l->desc->n_slots)
		return refuse(l, "layout %u: %u slots, limit %u", number, in->slots, l->desc->n_slots);
	if (in->varbit != DP_PL_NONE && in->varbit >= in->n_fields)
		return refuse(l, "layout %u: varbit %u, limit %u", number, in->varbit, in->n_fields);
	for (i = 0; i < in->n_fields; i++) {
		if (f[i].width < 1 || f[i].width > 65535)
			return refuse(l, "layout %u: field %u has width %u, limit 65535", number, i, f[i].width);
		words = pl_words(f[i].width) + (i == in->varbit);
		if (f[i].slot < 1 || !range_ok(f[i].slot, words, in->slots))
			return refuse(l, "layout %u: field %u at slot %u, limit %u", number, i, f[i].slot, in->slots);
		if (f[i].bit_off != bit)
			return refuse(l, "layout %u: field %u at bit %u, not %u, where the one before ends", number, i,
				      f[i].bit_off, bit);
		bit += i == in->varbit ? 0 : f[i].width;
		if (bit > 8 * PL_MAX_PACKET)
			return refuse(l, "layout %u: %u bits, limit %u", number, bit, 8 * PL_MAX_PACKET);
	}
	if (bit != in->bits)
		return refuse(l, "layout %u: %u bits, but its fields have %u", number, in->bits, bit);
	h->bits = bit;
	h->slots = in->slots;
	parts = calloc((size_t)in->n_fields + 1, sizeof(*parts));
	if (!parts)
		return no_memory(l);
	for (i = 0; i < in->n_fields; i++)
		parts[i] = (struct pl_part){f[i].slot, f[i].width};
	if (in->varbit == DP_PL_NONE) {
		err = dp_pl_pack_init(&h->head, parts, in->n_fields);
	} else {
		h->vb_slot = f[in->varbit].slot;
		h->vb_max = f[in->varbit].width;
		err = dp_pl_pack_init(&h->head, parts, in->varbit);
		if (!err)
			err = dp_pl_pack_init(&h->tail, parts + in->varbit + 1, in->n_fields - in->varbit - 1);
	}
	free(parts);
	return err ? no_memory(l) : 0;
}

static int load_list(struct load *l, uint32_t number)
{
	const struct dp_pl_list *in = &l->desc->lists[number];
	struct pl_list *list = &l->pl->lists[number];
	struct pl_part *parts;
	uint32_t i, words, bits = 0;
	int err = 0;

	if (!range_ok(in->first, in->n, l->desc->n_items))
		return refuse(l, "list %u: items %u + %u, limit %u", number, in->first, in->n, l->desc->n_items);
	list->items = l->pl->items + in->first;
	list->n = in->n;
	for (i = 0; i < in->n; i++) {
		const struct dp_pl_item *item = &list->items[i];

		if (item->width < 1 || item->width > 65535)
			return refuse(l, "list %u: item %u has width %u, limit 65535", number, i, item->width);
		words = pl_words(item->width) + (item->varbit != 0);
		if (!range_ok(item->slot, words, l->desc->n_slots))
			return refuse(l, "list %u: item %u at slots %u + %u, limit %u", number, i, item->slot, words,
				      l->desc->n_slots);
		bits += item->width;
		if (bits > (1 << 21))
			return refuse(l, "list %u: %u bits, limit %u", number, bits, 1 << 21);
		list->varbit |= item->varbit != 0;
	}
	list->max_bits = bits;
	l->pl->max_list_bytes = DP_MAX(l->pl->max_list_bytes, bits / 8 + PL_PAD);
	if (!list->varbit) {
		parts = calloc((size_t)in->n + 1, sizeof(*parts));
		if (!parts)
			return no_memory(l);
		for (i = 0; i < in->n; i++)
			parts[i] = (struct pl_part){list->items[i].slot, list->items[i].width};
		err = dp_pl_pack_init(&list->pack, parts, in->n);
		free(parts);
	}
	return err ? no_memory(l) : 0;
}

static int load_action(struct load *l, uint32_t number)
{
	const struct dp_pl_action *in = &l->desc->actions[number];
	struct pl_action *a = &l->pl->actions[number];
	const struct pl_list *params;
	uint32_t i;

	if (in->code != DP_PL_NONE && in->code >= l->desc->n_insns)
		return refuse(l, "action %u: code at %u, limit %u", number, in->code, l->desc->n_insns);
	a->code = in->code;
	a->flags = in->flags;
	if (in->params == DP_PL_NONE)
		return 0;
	if (in->params >= l->desc->n_lists)
		return refuse(l, "action %u: list %u, limit %u", number, in->params, l->desc->n_lists);
	params = &l->pl->lists[in->params];
	a->params = params->items;
	a->n_moves = params->n;
	a->moves = calloc((size_t)params->n + 1, sizeof(*a->moves));
	if (!a->moves)
		return no_memory(l);
	for (i = 0; i < params->n; i++) {
		if (params->items[i].varbit)
			return refuse(l, "action %u: parameter %u is a varbit", number, i);
		if (params->items[i].slot < l->desc->n_consts)
			return refuse(l, "action %u: parameter %u is the constant in slot %u, limit %u", number, i,
				      params->items[i].slot, l->desc->n_consts);
		a->moves[i] = (struct pl_move){params->items[i].slot, pl_words(params->items[i].width)};
		a->words += a->moves[i].words;
	}
	if (a->words > 4096)
		return refuse(l, "action %u: %u words of data, limit 4096", number, a->words);
	return 0;
}

static int load_profile(struct load *l, uint32_t number)
{
	const struct dp_pl_profile *in = &l->desc->profiles[number];
	struct pl_profile *p = &l->pl->profiles[number];

	if (!range_ok(in->first_action, in->n_actions, l->desc->n_actions))
		return refuse(l, "action profile %u: actions %u + %u, limit %u", number, in->first_action,
			      in->n_actions, l->desc->n_actions);
	if (in->algorithm != DP_PL_NONE && in->algorithm > DP_PL_TOEPLITZ)
		return refuse(l, "action profile %u: hash %u, limit %u", number, in->algorithm, DP_PL_TOEPLITZ);
	if (in->algorithm != DP_PL_NONE && (in->width < 1 || in->width > 64))
		return refuse(l, "action profile %u: hash of %u bits, limit 64", number, in->width);
	p->size = in->size;
	p->max_group = in->max_group;
	p->algorithm = in->algorithm;
	p->width = in->width;
	p->n_actions = in->n_actions;
	p->actions = l->pl->actions + in->first_action;
	return 0;
}

/* Keys one by one; `sel` is where those of a selector begin, which go behind the others. */
static int load_keys(struct load *l, const char *what, uint32_t number, uint32_t first, uint32_t n, struct pl_key *keys,
		     uint32_t *n_keys, uint32_t *n_sel, uint32_t *kw, uint32_t *rw)
{
	uint32_t i, pass;

	if (!range_ok(first, n, l->desc->n_keys))
		return refuse(l, "%s %u: keys %u + %u, limit %u", what, number, first, n, l->desc->n_keys);
	*n_keys = *n_sel = *kw = *rw = 0;
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < n; i++) {
			const struct dp_pl_key *in = &l->desc->keys[first + i];
			struct pl_key *key = keys + *n_keys + *n_sel;

			if ((in->match == DP_PL_SELECTOR) != (pass == 1))
				continue;
			if (in->match > DP_PL_SELECTOR)
				return refuse(l, "%s %u: match kind %u, limit %u", what, number, in->match,
					      DP_PL_SELECTOR);
			if (in->width < 1 || in->width > 65535)
				return refuse(l, "%s %u: key %u has width %u, limit 65535", what, number, i, in->width);
			if (!range_ok(in->slot, pl_words(in->width), l->desc->n_slots))
				return refuse(l, "%s %u: key %u at slot %u, limit %u", what, number, i, in->slot,
					      l->desc->n_slots);
			*key = (struct pl_key){in->slot, in->width, in->match, *kw, pl_words(in->width), *rw};
			if (pass) {
				++*n_sel;
				continue;
			}
			++*n_keys;
			*kw += key->words;
			*rw += in->match == DP_PL_RANGE ? key->words : 0;
			if (*kw > PL_MAX_KEY)
				return refuse(l, "%s %u: key of %u words, limit %u", what, number, *kw, PL_MAX_KEY);
		}
	}
	return 0;
}

static int table_actions(struct load *l, uint32_t number)
{
	const struct dp_pl_table *in = &l->desc->tables[number];
	struct pl_table *t = &l->pl->tables[number];
	uint32_t i;

	if (!range_ok(in->first_action, in->n_actions, l->desc->n_actions) || !in->n_actions)
		return refuse(l, "table %u: actions %u + %u, limit %u, least 1", number, in->first_action,
			      in->n_actions, l->desc->n_actions);
	t->actions = l->pl->actions + in->first_action;
	t->n_actions = in->n_actions;
	if (in->default_action >= in->n_actions)
		return refuse(l, "table %u: default action %u, limit %u", number, in->default_action, in->n_actions);
	t->initial_action = in->default_action;
	t->initial_data = in->default_data;
	if (t->actions[t->initial_action].words &&
	    !range_ok(in->default_data, t->actions[t->initial_action].words, l->desc->n_consts))
		return refuse(l, "table %u: default action's data at constant %u, limit %u", number, in->default_data,
			      l->desc->n_consts);
	if (in->profile == DP_PL_NONE)
		return 0;
	if (in->profile >= l->desc->n_profiles)
		return refuse(l, "table %u: action profile %u, limit %u", number, in->profile, l->desc->n_profiles);
	t->profile = &l->pl->profiles[in->profile];
	if (t->profile->n_actions > t->n_actions)
		return refuse(l, "table %u: %u actions, but its action profile has %u", number, t->n_actions,
			      t->profile->n_actions);
	for (i = 0; i < t->profile->n_actions; i++) {
		if (t->profile->actions[i].words != t->actions[i].words)
			return refuse(l, "table %u: action %u has %u words of data, in its action profile %u", number,
				      i, t->actions[i].words, t->profile->actions[i].words);
	}
	return 0;
}

static int load_table(struct load *l, uint32_t number, struct pl_key *keys)
{
	const struct dp_pl_table *in = &l->desc->tables[number];
	struct pl_table *t = &l->pl->tables[number];
	struct pl_part *parts;
	bool ternary = false, lpm = false;
	uint32_t i;
	int err;

	t->id = number;
	err = load_keys(l, "table", number, in->first_key, in->n_keys, keys, &t->n_keys, &t->n_sel, &t->kw, &t->rw);
	if (!err)
		err = table_actions(l, number);
	if (err)
		return err;
	t->keys = keys;
	t->sel = keys + t->n_keys;
	t->size = in->size ? in->size : 1024;
	if (t->size > MAX_TABLE_SIZE)
		t->size = MAX_TABLE_SIZE;
	t->flags = in->flags;
	t->meter_slot = in->meter_slot;
	if (t->meter_slot != DP_PL_NONE && (t->meter_slot < l->desc->n_consts || t->meter_slot >= l->desc->n_slots))
		return refuse(l, "table %u: colour to slot %u, limit %u", number, t->meter_slot, l->desc->n_slots);
	for (i = 0; i < t->n_keys; i++) {
		lpm |= t->keys[i].match == DP_PL_LPM;
		ternary |= t->keys[i].match != DP_PL_LPM && t->keys[i].match != DP_PL_EXACT;
	}
	t->masked = lpm || ternary;
	t->lpm_only = lpm && !ternary;
	t->kind = !t->masked ? PL_T_EXACT : PL_T_TSS;
	if (t->lpm_only && t->n_keys == 1 && t->keys[0].width <= 32) {
		t->kind = PL_T_LPM32;
		t->lpm_shift = 32 - t->keys[0].width;
	}
	t->stateful = t->flags & (DP_PL_T_COUNTER | DP_PL_T_COUNT_HITS | DP_PL_T_METER | DP_PL_T_METER_BYTES |
				  DP_PL_T_ADD_ON_MISS | DP_PL_T_IDLE_NOTIFY | DP_PL_T_IDLE_DELETE);
	if ((t->flags & DP_PL_T_ADD_ON_MISS) && (t->masked || t->profile))
		return refuse(l, "table %u: adds on miss, but has masks or an action profile", number);
	if (t->n_sel && (!t->profile || t->profile->algorithm == DP_PL_NONE))
		return refuse(l, "table %u: selector key, but no action selector", number);
	l->pl->max_kw = DP_MAX(l->pl->max_kw, t->kw);
	parts = calloc((size_t)t->n_sel + 1, sizeof(*parts));
	if (!parts)
		return no_memory(l);
	for (i = 0; i < t->n_sel; i++)
		parts[i] = (struct pl_part){t->sel[i].slot, t->sel[i].width};
	err = dp_pl_pack_init(&t->sel_pack, parts, t->n_sel);
	free(parts);
	if (err)
		return no_memory(l);
	if (t->sel_pack.bits > (1 << 21))
		return refuse(l, "table %u: %u bits of selector keys, limit %u", number, t->sel_pack.bits, 1 << 21);
	l->pl->max_list_bytes = DP_MAX(l->pl->max_list_bytes, t->sel_pack.bits / 8 + PL_PAD);
	return dp_pl_table_init(l->pl, t) ? no_memory(l) : 0;
}

static int load_vset(struct load *l, uint32_t number, struct pl_key *keys)
{
	const struct dp_pl_vset *in = &l->desc->vsets[number];
	struct pl_vset *v = &l->pl->vsets[number];
	uint32_t n_sel, rw;
	int err = load_keys(l, "value set", number, in->first_key, in->n_keys, keys, &v->n_keys, &n_sel, &v->kw, &rw);

	if (err)
		return err;
	if (n_sel)
		return refuse(l, "value set %u: %u selector keys, limit 0", number, n_sel);
	v->keys = keys;
	v->size = in->size;
	return 0;
}

static int load_arrays(struct load *l)
{
	const struct dp_pl_desc *d = l->desc;
	struct dp_pl *pl = l->pl;
	uint32_t i;

	for (i = 0; i < d->n_counters; i++) {
		if (d->counters[i].size > MAX_CELLS)
			return refuse(l, "counter %u: size %u, limit %u", i, d->counters[i].size, MAX_CELLS);
		pl->counters[i] = (struct pl_counter){
			d->counters[i].size, d->counters[i].what,
			calloc((size_t)d->counters[i].size + !d->counters[i].size, sizeof(struct pl_cell))};
		if (!pl->counters[i].cells)
			return no_memory(l);
	}
	for (i = 0; i < d->n_meters; i++) {
		if (d->meters[i].size > MAX_CELLS)
			return refuse(l, "meter %u: size %u, limit %u", i, d->meters[i].size, MAX_CELLS);
		pl->meters[i] = (struct pl_meters){
			d->meters[i].size, d->meters[i].what,
			calloc((size_t)d->meters[i].size + !d->meters[i].size, sizeof(struct pl_meter))};
		if (!pl->meters[i].cells)
			return no_memory(l);
	}
	for (i = 0; i < d->n_registers; i++) {
		uint32_t width = d->registers[i].what, words = pl_words(width);

		if (width < 1 || width > 65535)
			return refuse(l, "register %u: width %u, limit 65535", i, width);
		if ((uint64_t)d->registers[i].size * words > MAX_CELLS)
			return refuse(l, "register %u: size %u of %u bits, limit %u words", i, d->registers[i].size,
				      width, MAX_CELLS);
		pl->registers[i] =
			(struct pl_register){d->registers[i].size, width, words,
					     calloc((size_t)d->registers[i].size * words + !d->registers[i].size, 8)};
		if (!pl->registers[i].cells)
			return no_memory(l);
	}
	return 0;
}

static int load_rest(struct load *l)
{
	const struct dp_pl_desc *d = l->desc;
	uint32_t i, k;

	for (i = 0; i < d->n_digests; i++) {
		if (d->digests[i] >= d->n_lists)
			return refuse(l, "digest %u: list %u, limit %u", i, d->digests[i], d->n_lists);
	}
	for (i = 0; i < d->n_jtabs; i++) {
		if (!d->jtabs[i].n || !range_ok(d->jtabs[i].first, d->jtabs[i].n, d->n_targets))
			return refuse(l, "jump table %u: targets %u + %u, limit %u, least 1", i, d->jtabs[i].first,
				      d->jtabs[i].n, d->n_targets);
	}
	for (i = 0; i < d->n_targets; i++) {
		if (d->targets[i] >= d->n_insns)
			return refuse(l, "target %u: instruction %u, limit %u", i, d->targets[i], d->n_insns);
	}
	for (i = 0; i < DP_PL_B_MAX; i++) {
		if (d->blocks[i] != DP_PL_NONE && d->blocks[i] >= d->n_insns)
			return refuse(l, "block %u: instruction %u, limit %u", i, d->blocks[i], d->n_insns);
	}
	for (i = 0; i < DP_PL_I_MAX; i++) {
		k = d->intrinsics[i];
		if (k != DP_PL_NONE && (k < d->n_consts || k >= d->n_slots))
			return refuse(l, "intrinsic %u: slot %u, limit %u, behind %u constants", i, k, d->n_slots,
				      d->n_consts);
	}
	for (i = 0; i < DP_PL_B_MAX; i++) {
		/* a block that does nothing is none */
		k = d->blocks[i];
		l->pl->blocks[i] = k != DP_PL_NONE && d->insns[k].op == DP_PL_OP_END ? DP_PL_NONE : k;
	}
	memcpy(l->pl->intrinsics, d->intrinsics, sizeof(l->pl->intrinsics));
	return 0;
}

static int load_insns(struct load *l)
{
	const struct dp_pl_desc *d = l->desc;
	uint32_t i;

	for (i = 0; i < d->n_insns; i++) {
		const struct dp_pl_insn *in = &d->insns[i];

		l->pl->insns[i] = (struct pl_insn){in->op, in->w, in->d, in->a, in->b, in->imm};
	}
	return dp_pl_check_insns(l->pl, l->err, l->err_len);
}

static int load_all(struct load *l)
{
	const struct dp_pl_desc *d = l->desc;
	struct dp_pl *pl = l->pl;
	struct pl_key *keys;
	uint32_t i;
	int err;

	pl->consts = copy_of(d->consts, d->n_consts, sizeof(*d->consts));
	pl->insns = calloc((size_t)d->n_insns + 1, sizeof(*pl->insns));
	pl->hdrs = calloc((size_t)d->n_hdrs + 1, sizeof(*pl->hdrs));
	pl->items = copy_of(d->items, d->n_items, sizeof(*d->items));
	pl->lists = calloc((size_t)d->n_lists + 1, sizeof(*pl->lists));
	pl->actions = calloc((size_t)d->n_actions + 1, sizeof(*pl->actions));
	pl->tables = calloc((size_t)d->n_tables + 1, sizeof(*pl->tables));
	pl->profiles = calloc((size_t)d->n_profiles + 1, sizeof(*pl->profiles));
	pl->vsets = calloc((size_t)d->n_vsets + 1, sizeof(*pl->vsets));
	pl->counters = calloc((size_t)d->n_counters + 1, sizeof(*pl->counters));
	pl->meters = calloc((size_t)d->n_meters + 1, sizeof(*pl->meters));
	pl->registers = calloc((size_t)d->n_registers + 1, sizeof(*pl->registers));
	pl->digests = copy_of(d->digests, d->n_digests, sizeof(*d->digests));
	pl->jtabs = copy_of(d->jtabs, d->n_jtabs, sizeof(*d->jtabs));
	pl->targets = copy_of(d->targets, d->n_targets, sizeof(*d->targets));
	if (!pl->consts || !pl->insns || !pl->hdrs || !pl->items || !pl->lists || !pl->actions || !pl->tables ||
	    !pl->profiles || !pl->vsets || !pl->counters || !pl->meters || !pl->registers || !pl->digests ||
	    !pl->jtabs || !pl->targets)
		return no_memory(l);
	pl->n_hdrs = d->n_hdrs;
	for (i = 0, err = 0; !err && i < d->n_hdrs; i++)
		err = load_header(l, i);
	pl->n_lists = d->n_lists;
	for (i = 0; !err && i < d->n_lists; i++)
		err = load_list(l, i);
	pl->n_actions = d->n_actions;
	for (i = 0; !err && i < d->n_actions; i++)
		err = load_action(l, i);
	pl->n_profiles = d->n_profiles;
	for (i = 0; !err && i < d->n_profiles; i++)
		err = load_profile(l, i);
	for (i = 0; !err && i < d->n_tables; i++) {
		keys = calloc((size_t)DP_MIN(d->tables[i].n_keys, d->n_keys) + 1, sizeof(*keys));
		if (!keys)
			return no_memory(l);
		pl->tables[i].keys = keys;
		pl->n_tables = i + 1;
		err = load_table(l, i, keys);
	}
	for (i = 0; !err && i < d->n_vsets; i++) {
		keys = calloc((size_t)DP_MIN(d->vsets[i].n_keys, d->n_keys) + 1, sizeof(*keys));
		if (!keys)
			return no_memory(l);
		pl->vsets[i].keys = keys;
		pl->n_vsets = i + 1;
		err = load_vset(l, i, keys);
	}
	pl->n_counters = d->n_counters;
	pl->n_meters = d->n_meters;
	pl->n_registers = d->n_registers;
	if (!err)
		err = load_arrays(l);
	pl->n_digests = d->n_digests;
	pl->n_jtabs = d->n_jtabs;
	if (!err)
		err = load_rest(l);
	return err ? err : load_insns(l);
}

struct dp_pl *dp_pl_new(const struct dp_pl_desc *desc, char *err, size_t err_len)
{
	struct load l = {.desc = desc, .err = err, .err_len = err_len};
	struct pl_crc *crc16, *crc32;

	l.pl = calloc(1, sizeof(*l.pl));
	if (!l.pl) {
		no_memory(&l);
		return NULL;
	}
	pthread_mutex_init(&l.pl->lock, NULL);
	dp_wheel_init(&l.pl->wheel, 0);
	if (check_counts(&l))
		goto fail;
	l.pl->arch = desc->arch;
	l.pl->n_slots = desc->n_slots;
	l.pl->n_consts = desc->n_consts;
	l.pl->n_insns = desc->n_insns;
	l.pl->hdr_first = desc->hdr_first;
	l.pl->hdr_slots = desc->hdr_slots;
	l.pl->seed = desc->seed;
	l.pl->budget = desc->budget ? desc->budget : PL_BUDGET;
	atomic_init(&l.pl->epoch, 1);
	crc16 = malloc(sizeof(*crc16));
	crc32 = malloc(sizeof(*crc32));
	atomic_init(&l.pl->crc[0], crc16);
	atomic_init(&l.pl->crc[1], crc32);
	if (!crc16 || !crc32) {
		no_memory(&l);
		goto fail;
	}
	dp_pl_crc_init(crc16, 16, 0x8005, 0, 0, true, true);
	dp_pl_crc_init(crc32, 32, 0x04c11db7, ~0U, ~0U, true, true);
	dp_pl_crc_init(&l.pl->crc16, 16, 0x8005, 0, 0, true, true);
	if (load_all(&l))
		goto fail;
	return l.pl;
fail:
	dp_pl_free(l.pl);
	return NULL;
}

static void free_fanouts(struct pl_fanouts *f)
{
	uint32_t i;

	for (i = 0; f && i < f->n; i++)
		free(f->at[i]);
	free(f);
}

/* No worker is left. */
void dp_pl_free(struct dp_pl *pl)
{
	uint32_t i;

	if (!pl)
		return;
	for (i = 0; i < pl->n_tables; i++) {
		dp_pl_table_fini(pl, &pl->tables[i]);
		dp_pl_pack_fini(&pl->tables[i].sel_pack);
		free(pl->tables[i].keys);
	}
	for (i = 0; i < pl->n_profiles; i++)
		dp_pl_profile_fini(&pl->profiles[i]);
	for (i = 0; i < pl->n_vsets; i++) {
		free(atomic_load(&pl->vsets[i].data));
		free(pl->vsets[i].keys);
	}
	for (i = 0; i < pl->n_hdrs; i++) {
		dp_pl_pack_fini(&pl->hdrs[i].head);
		dp_pl_pack_fini(&pl->hdrs[i].tail);
	}
	for (i = 0; i < pl->n_lists; i++)
		dp_pl_pack_fini(&pl->lists[i].pack);
	for (i = 0; i < pl->n_actions; i++)
		free(pl->actions[i].moves);
	for (i = 0; i < pl->n_counters; i++)
		free(pl->counters[i].cells);
	for (i = 0; i < pl->n_meters; i++)
		free(pl->meters[i].cells);
	for (i = 0; i < pl->n_registers; i++)
		free((void *)pl->registers[i].cells);
	free_fanouts(atomic_load(&pl->mcast));
	free_fanouts(atomic_load(&pl->clones));
	free(atomic_load(&pl->crc[0]));
	free(atomic_load(&pl->crc[1]));
	for (size_t k = 0; k < pl->n_retired; k++)
		free(pl->retired[k].p);
	free(pl->retired);
	free(pl->consts);
	free(pl->insns);
	free(pl->hdrs);
	free(pl->items);
	free(pl->lists);
	free(pl->actions);
	free(pl->tables);
	free(pl->profiles);
	free(pl->vsets);
	free(pl->counters);
	free(pl->meters);
	free(pl->registers);
	free(pl->digests);
	free(pl->jtabs);
	free(pl->targets);
	pthread_mutex_destroy(&pl->lock);
	free(pl);
}
