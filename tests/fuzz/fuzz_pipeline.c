/*
 * Invariant: whatever a description says, the loader refuses it with a text or, having accepted it, any packets and any changes of
 * entries stay within the engine's memory and come to an end, and no packet that comes out is longer than 16 KiB.
 *
 * Numbers of the description are taken from the input in small ranges, so that many are accepted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "datapath/csrc/pipeline.h"
#include "tests/fuzz/input.h"

#define REQUIRE(cond) ((cond) ? (void)0 : abort())
#define SLOTS         48
#define CONSTS        8
#define MANY          24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

struct program {
	struct dp_pl_desc d;
	uint64_t consts[CONSTS];
	struct dp_pl_insn insns[64];
	struct dp_pl_hdr hdrs[4];
	struct dp_pl_field fields[12];
	struct dp_pl_list lists[6];
	struct dp_pl_item items[12];
	struct dp_pl_table tables[4];
	struct dp_pl_key keys[8];
	struct dp_pl_action actions[8];
	struct dp_pl_profile profiles[2];
	struct dp_pl_vset vsets[2];
	struct dp_pl_array counters[2], meters[2], registers[3];
	uint32_t digests[2];
	struct dp_pl_jtab jtabs[2];
	uint32_t targets[6];
};

/* Mostly below n, now and then anything. */
static uint32_t number(struct input *in, uint32_t n)
{
	uint32_t v = take(in, 1);

	return v == 0xff ? take(in, 4) : v == 0xfe ? DP_PL_NONE : v % (n + !n);
}

static uint32_t a_slot(struct input *in)
{
	return number(in, SLOTS);
}

static uint32_t a_width(struct input *in)
{
	static const uint32_t usual[] = {1, 8, 9, 16, 32, 48, 64, 65, 128, 3, 13, 200};
	uint32_t v = take(in, 1);

	return v == 0xff ? take(in, 2) : usual[v % 12];
}

static void headers(struct input *in, struct program *p)
{
	uint32_t i, k, at, bit, field = 0;

	p->d.n_hdrs = take(in, 1) % 5;
	for (i = 0; i < p->d.n_hdrs; i++) {
		uint32_t n = take(in, 1) % 4, varbit = take(in, 1) % 8;

		varbit = varbit < n ? varbit : DP_PL_NONE;
		for (k = 0, at = 1, bit = 0; k < n; k++) {
			uint32_t width = a_width(in);

			p->fields[field + k] = (struct dp_pl_field){at, bit, width};
			at += (width + 63) / 64 + (k == varbit);
			bit += k == varbit ? 0 : width;
		}
		p->hdrs[i] = (struct dp_pl_hdr){field, n, bit, varbit, at};
		if (take(in, 1) == 7) /* one thing wrong */
			((uint32_t *)&p->hdrs[i])[take(in, 1) % 5] = take(in, 4);
		field += n;
	}
	p->d.n_fields = field;
}

static void build(struct input *in, struct program *p)
{
	struct dp_pl_desc *d = &p->d;
	uint32_t i;

	*d = (struct dp_pl_desc){
		.arch = take(in, 1) & 1,
		.n_slots = SLOTS,
		.n_consts = CONSTS,
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
		.budget = 2000,
	};
	for (i = 0; i < CONSTS; i++)
		p->consts[i] = i < 4 ? i : (uint64_t)take(in, 4) << (take(in, 1) % 33);
	headers(in, p);
	d->n_lists = 1 + take(in, 1) % 6;
	d->n_items = 12;
	for (i = 0; i < 12; i++)
		p->items[i] = (struct dp_pl_item){a_slot(in), a_width(in), take(in, 1) == 1};
	for (i = 0; i < d->n_lists; i++)
		p->lists[i] = (struct dp_pl_list){take(in, 1) % 10, take(in, 1) % 4};
	d->n_insns = 1 + take(in, 1) % 64;
	d->n_actions = 8;
	for (i = 0; i < 8; i++)
		p->actions[i] = (struct dp_pl_action){number(in, d->n_insns), number(in, d->n_lists), take(in, 1) & 3};
	d->n_keys = 8;
	for (i = 0; i < 8; i++)
		p->keys[i] = (struct dp_pl_key){a_slot(in), a_width(in), take(in, 1) % 7};
	d->n_profiles = take(in, 1) % 3;
	for (i = 0; i < d->n_profiles; i++)
		p->profiles[i] = (struct dp_pl_profile){4,  3, take(in, 1) & 1 ? DP_PL_CRC16 : DP_PL_NONE,
							16, 0, 1 + take(in, 1) % 2};
	d->n_tables = take(in, 1) % 5;
	for (i = 0; i < d->n_tables; i++)
		p->tables[i] = (struct dp_pl_table){.first_key = take(in, 1) % 6,
						    .n_keys = take(in, 1) % 4,
						    .first_action = 0,
						    .n_actions = 1 + take(in, 1) % 4,
						    .default_action = take(in, 1) % 2,
						    .default_data = take(in, 1) % 4,
						    .size = take(in, 1),
						    .flags = take(in, 2),
						    .profile = take(in, 1) % 4 ? DP_PL_NONE : number(in, 2),
						    .meter_slot = take(in, 1) % 4 ? DP_PL_NONE : a_slot(in)};
	d->n_vsets = take(in, 1) % 3;
	for (i = 0; i < d->n_vsets; i++)
		p->vsets[i] = (struct dp_pl_vset){take(in, 1) % 6, take(in, 1) % 3, 4};
	d->n_counters = d->n_meters = d->n_digests = d->n_jtabs = 2;
	d->n_registers = 3;
	for (i = 0; i < 2; i++) {
		p->counters[i] = (struct dp_pl_array){take(in, 1), 3};
		p->meters[i] = (struct dp_pl_array){take(in, 1), 1 + i};
		p->registers[i] = (struct dp_pl_array){take(in, 1), a_width(in)};
		p->digests[i] = number(in, d->n_lists);
		p->jtabs[i] = (struct dp_pl_jtab){take(in, 1) % 4, 1 + take(in, 1) % 3};
	}
	p->registers[2] = (struct dp_pl_array){1, 64};
	d->n_targets = 6;
	for (i = 0; i < 6; i++)
		p->targets[i] = number(in, d->n_insns);
	d->hdr_first = CONSTS + take(in, 1) % 16;
	d->hdr_slots = take(in, 1) % 24;
	for (i = 0; i < 6; i++)
		d->blocks[i] = number(in, d->n_insns);
	for (i = 0; i < 22; i++)
		d->intrinsics[i] = take(in, 1) & 1 ? CONSTS + take(in, 1) % (SLOTS - CONSTS) : DP_PL_NONE;
	for (i = 0; i < d->n_insns; i++) {
		struct dp_pl_insn *insn = &p->insns[i];

		*insn = (struct dp_pl_insn){.op = (uint16_t)(take(in, 1) % (DP_PL_OP_MAX + 1)),
					    .w = (uint16_t)a_width(in)};
		insn->d = a_slot(in);
		insn->a = take(in, 1) & 1 ? a_slot(in) : number(in, 4);
		insn->b = take(in, 1) & 1 ? a_slot(in) : number(in, 4);
		insn->imm = number(in, d->n_insns);
	}
	p->insns[d->n_insns - 1].op = DP_PL_OP_END;
}

/* A change, of anything that can be changed; what is refused is refused. */
static void change(struct input *in, struct dp_pl *pl, struct dp_pl_worker *w, uint64_t *handles, uint64_t *now_ps)
{
	uint64_t words[MANY], handle;
	struct dp_pl_entry e = {.table = take(in, 1) % 5,
				.action = take(in, 1) % 4,
				.key = words,
				.data = words,
				.n_data = take(in, 1) % 4,
				.n_key = 2 * (take(in, 1) % 8),
				.priority = take(in, 1),
				.is_const = take(in, 1) == 9};
	struct dp_pl_meter_cfg cfg = {take(in, 2), take(in, 2), take(in, 1), take(in, 2)};
	struct dp_pl_replica replicas[2] = {{take(in, 1), 1}, {take(in, 1), 2}};
	struct dp_pl_count count = {1, 2};
	const struct dp_pl_event *events;
	uint32_t which = take(in, 1) % 20, members[3] = {take(in, 1) % 3, 1, 2};

	for (int i = 0; i < MANY; i++)
		words[i] = i & 1 ? ~0ULL >> (take(in, 1) % 64) : take(in, 1);
	e.idle_ps = take(in, 1) & 1 ? take(in, 2) * DP_US : 0;
	e.member = take(in, 1) % 4 == 0 ? 1 + take(in, 1) % 3 : 0;
	e.group = take(in, 1) % 4 == 0 ? 1 + take(in, 1) % 3 : 0;
	switch (which) {
	case 0:
	case 1:
	case 2:
		if (!dp_pl_entry_add(pl, &e, &handle))
			handles[handle % MANY] = handle;
		break;
	case 3:
		dp_pl_entry_modify(pl, handles[take(in, 1) % MANY], &e);
		break;
	case 4:
	case 5:
		dp_pl_entry_del(pl, e.table, handles[take(in, 1) % MANY]);
		break;
	case 6:
		dp_pl_entry_find(pl, &e, &handle);
		break;
	case 7:
		dp_pl_table_clear(pl, e.table);
		break;
	case 8:
		dp_pl_table_default(pl, e.table, e.action, words, e.n_data);
		break;
	case 9:
		dp_pl_table_default_reset(pl, e.table);
		break;
	case 10:
	case 11:
		dp_pl_member_set(pl, take(in, 1) % 2, take(in, 1) % 3, e.action, words, e.n_data);
		break;
	case 12:
		dp_pl_member_del(pl, take(in, 1) % 2, take(in, 1) % 3);
		break;
	case 13:
		dp_pl_group_set(pl, take(in, 1) % 2, take(in, 1) % 3, members, take(in, 1) % 4);
		break;
	case 14:
		dp_pl_group_del(pl, take(in, 1) % 2, take(in, 1) % 3);
		break;
	case 15:
		if (dp_pl_vset_add(pl, take(in, 1) % 2, words, e.n_key))
			dp_pl_vset_clear(pl, take(in, 1) % 2);
		break;
	case 16:
		dp_pl_mcast_set(pl, take(in, 1) % 3, replicas, take(in, 1) % 3);
		dp_pl_clone_set(pl, take(in, 1) % 3, replicas, take(in, 1) % 3, take(in, 1));
		break;
	case 17:
		dp_pl_meter_set(pl, take(in, 1) % 2, take(in, 1) % 4, &cfg);
		dp_pl_entry_meter_set(pl, e.table, handles[take(in, 1) % MANY], &cfg);
		dp_pl_entry_counter_set(pl, e.table, handles[take(in, 1) % MANY], &count);
		break;
	case 18:
		dp_pl_expire_set(pl, take(in, 1) % 4, take(in, 2) * DP_US);
		dp_pl_hash_custom(pl, take(in, 1) % 9, take(in, 4), take(in, 2), take(in, 1), take(in, 1));
		break;
	default:
		*now_ps += take(in, 2) * DP_US;
		dp_pl_tick(w, *now_ps);
		dp_pl_events(w, &events);
		break;
	}
}

static void run(struct input *in, struct dp_pl_worker *w, uint64_t now_ps)
{
	uint32_t len = take(in, 1) % 80;
	uint8_t *bytes = malloc(len + !len); /* exactly as long: a read behind the end is seen */
	struct dp_pl_in packet = {
		.data = bytes, .len = len, .port = take(in, 1), .ts_ps = now_ps, .flags = take(in, 1) & 1};
	const struct dp_pl_out *out;
	int64_t n;

	REQUIRE(bytes);
	for (uint32_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)take(in, 1);
	n = dp_pl_run(w, &packet, 1, &out);
	REQUIRE(n >= 0);
	for (int64_t i = 0; i < n; i++) {
		uint8_t sum = 0;

		REQUIRE(out[i].len <= 16384 && out[i].in == 0);
		for (uint32_t k = 0; k < out[i].len; k++)
			sum ^= out[i].data[k];
		sink = sum; /* every byte is read */
	}
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct program *p = calloc(1, sizeof(*p));
	uint64_t handles[MANY] = {0}, now_ps = 0;
	struct dp_pl_worker *w;
	char err[200] = "";
	struct dp_pl *pl;
	unsigned int bad;

	REQUIRE(p);
	build(&in, p);
	pl = dp_pl_new(&p->d, err, sizeof(err));
	/* what is refused for an instruction is tried again without it, else hardly any program would run */
	while (!pl && sscanf(err, "instruction %u", &bad) == 1 && bad + 1 < p->d.n_insns &&
	       p->insns[bad].op != DP_PL_OP_NOP) {
		p->insns[bad].op = DP_PL_OP_NOP;
		pl = dp_pl_new(&p->d, err, sizeof(err));
	}
	free(p);
	REQUIRE(pl || err[0]);
	if (!pl)
		return 0;
	w = dp_pl_worker_new(pl);
	REQUIRE(w);
	for (int i = 0; i < 24 && in.n; i++) {
		if (take(&in, 1) & 1)
			run(&in, w, now_ps);
		else
			change(&in, pl, w, handles, &now_ps);
	}
	dp_pl_worker_free(w);
	dp_pl_free(pl);
	return 0;
}
