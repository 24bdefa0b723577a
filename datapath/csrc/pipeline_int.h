/*
 * What the files of the pipeline engine share. Who may touch what:
 *
 *  - struct dp_pl's program (insns, packs, lists, ...) does not change after dp_pl_new().
 *  - Entries, members, groups, replicas and so on are immutable objects behind atomic pointers. A writer holds pl->lock, swaps the
 *    pointer and retires the old object; it is freed once no worker is inside a dp_pl_run() that began before (pipeline_epoch.c).
 *  - struct dp_pl_worker belongs to one thread; others read its `epoch` and its counts of hits only.
 */
#ifndef DP_PIPELINE_INT_H
#define DP_PIPELINE_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "datapath/csrc/pipeline.h"
#include "datapath/csrc/rng.h"
#include "datapath/csrc/wheel.h"

#define PL_MAX_PACKET 16384 /* bytes, in and out */
#define PL_MAX_SLOTS  (1 << 20)
#define PL_MAX_WORDS  1024 /* of a value: 65535 bits */
#define PL_MAX_KEY    64   /* words of a table's key */
#define PL_MAX_CALLS  32
#define PL_BUDGET \
	1000000 /* steps of one block of a packet, unless a program says else; wide ones count by their words */
#define PL_PAD         16 /* bytes behind a buffer that loads and stores of 8 bytes may touch */
#define PL_MAX_ROUNDS  64 /* resubmissions, recirculations and clones from one packet that came in */
#define PL_MAX_MIRRORS 16
#define PL_MAX_EVENTS  65536
#define PL_EVENT_BYTES (8 << 20)

/* ---- the program ---- */

struct pl_insn {
	uint16_t op, w;
	uint32_t d, a, b;
	uint64_t imm;
};

/* A run of fields, cut into pieces of at most 64 bits; pieces that lie in one word of 8 bytes share its place. */
struct pl_piece {
	uint32_t slot;
	uint32_t byte_off;    /* of its big-endian word */
	uint8_t width, shift; /* shift: within the word */
	uint8_t follows;      /* the piece before it is in the same word */
};

struct pl_pack {
	struct pl_piece *pieces;
	uint32_t n_pieces, bits;
	bool grouped; /* words are usable, when the whole begins at a byte */
	bool halves;  /* and each begins at an even byte, and all are whole bytes */
};

struct pl_hdr {
	struct pl_pack head, tail; /* before and behind the varbit */
	uint32_t bits, slots;
	uint32_t vb_slot, vb_max; /* vb_max 0: no varbit */
};

struct pl_list {
	const struct dp_pl_item *items;
	uint32_t n;
	uint32_t max_bits;
	bool varbit;
	struct pl_pack pack; /* when no item is a varbit */
};

struct pl_move { /* words from an entry's data to slots */
	uint32_t slot, words;
};

struct pl_action {
	uint32_t code, flags;
	uint32_t n_moves, words;
	struct pl_move *moves;
	const struct dp_pl_item *params;
};

/* ---- entries ---- */

struct pl_meter { /* one cell */
	atomic_flag busy;
	bool configured;
	struct dp_pl_meter_cfg cfg;
	uint64_t tc, tp, rem_c, rem_p, last_ps;
};

/* What changes about an entry while it lives; survives dp_pl_entry_modify(). */
struct pl_state {
	_Atomic uint64_t packets, bytes, last_ps, idle_ps;
	struct pl_meter meter;
	struct dp_timer timer;
	uint64_t handle;
	uint64_t told_ps; /* value of last_ps that has been reported as idle */
	uint32_t table;
};

struct pl_entry {
	uint64_t handle;
	uint64_t
		rank; /* larger wins: the priority, or the prefix length when the key has prefixes and exact fields only */
	uint64_t seq; /* among equals the smaller wins */
	struct pl_state *state;
	void *ref; /* struct pl_member or pl_grp_ref when the table has a profile */
	uint32_t action;
	uint8_t is_const, is_group;
	/* Key (masked, range fields zero); when the table has masks: the mask (range fields zero), then of all range fields the lower
	   ends and the upper ends; data. */
	uint64_t words[];
};

/* Open addressing; a slot is a pointer with 16 bits of the hash above it, 0 empty, 1 deleted. */
struct pl_oht {
	uint64_t mask;
	_Atomic uint64_t slot[];
};

struct pl_set {
	struct pl_oht *_Atomic oht;
	uint64_t live, used; /* used: deleted ones too */
	uint32_t kw;         /* words of a key */
};

struct pl_tuple {
	struct pl_set set;
	uint64_t max_rank;
	uint64_t mask[]; /* kw words; zero for range fields */
};

struct pl_tuple_at {
	uint64_t max_rank; /* no entry of the tuple is above */
	struct pl_tuple *tuple;
};

struct pl_tuples {
	uint32_t n;
	struct pl_tuple_at at[];
};

struct pl_lpm_item {
	uint32_t key, mask;
	struct pl_entry *_Atomic entry;
};

struct pl_lpm_bucket {
	uint32_t n;
	struct pl_lpm_item item[];
};

struct pl_lpm_slot {
	struct pl_entry *_Atomic best; /* of the prefixes that end at this level */
	_Atomic uintptr_t sub;         /* 0, a struct pl_lpm_bucket, or (bit 0) 256 slots */
};

enum pl_kind { PL_T_EXACT, PL_T_LPM32, PL_T_TSS };

struct pl_key {
	uint32_t slot, width, match;
	uint32_t word, words; /* where in the key */
	uint32_t range;       /* where among the words of range fields */
};

struct pl_handle {
	struct pl_entry *entry;
	uint32_t gen, next_free;
};

struct pl_default {
	uint32_t action;
	uint64_t words[];
};

struct pl_table {
	enum pl_kind kind;
	uint32_t id, n_keys, kw, size, flags, meter_slot;
	uint32_t n_actions, initial_action, initial_data;
	bool one_word;             /* the key is one word, in slot keys[0].slot */
	bool masked;               /* entries have `other` words */
	bool lpm_only;             /* rank is the prefix length */
	bool stateful;             /* entries have a struct pl_state */
	struct pl_key *keys, *sel; /* without selector fields; those */
	uint32_t n_sel, sel_bits;
	struct pl_pack sel_pack;
	uint32_t rw;      /* words of range fields */
	uint32_t data_at; /* where in an entry's words its data begin */
	const struct pl_action *actions;
	struct pl_profile *profile;
	struct pl_default *_Atomic def;
	struct pl_default *initial_def;
	uint64_t live, seq;
	struct pl_set set;                /* exact; LPM: by key and mask */
	struct pl_lpm_slot *_Atomic root; /* LPM */
	uint32_t lpm_shift;               /* 32 - width */
	struct pl_tuples *_Atomic tuples; /* the others */
	struct pl_handle *handles;
	uint32_t n_handles, cap_handles, free_handle;
	uint64_t gone_hits, gone_misses; /* of workers that are gone */
};

struct pl_mdata {
	uint32_t action;
	uint64_t words[];
};

struct pl_member {
	uint32_t id, refs;
	struct pl_mdata *_Atomic data;
};

struct pl_grp {
	uint32_t n;
	struct pl_member *m[];
};

struct pl_grp_ref {
	uint32_t id, refs;
	struct pl_grp *_Atomic grp;
};

struct pl_profile {
	uint32_t size, max_group, algorithm, width, n_actions;
	const struct pl_action *actions;
	struct pl_member **members; /* by id */
	struct pl_grp_ref **groups;
	uint32_t n_members, n_groups;
};

struct pl_vset_data {
	uint32_t n;
	uint64_t words[];
};

struct pl_vset {
	uint32_t n_keys, kw, size;
	struct pl_key *keys;
	struct pl_vset_data *_Atomic data;
};

struct pl_cell {
	_Atomic uint64_t packets, bytes;
};

struct pl_counter {
	uint32_t size, what;
	struct pl_cell *cells;
};

struct pl_meters {
	uint32_t size, what;
	struct pl_meter *cells;
};

struct pl_register {
	uint32_t size, width, words;
	_Atomic uint64_t *cells;
};

struct pl_fanout { /* a multicast group's or clone session's replicas */
	uint32_t id, n, truncate;
	struct dp_pl_replica r[];
};

struct pl_fanouts {
	uint32_t n;
	struct pl_fanout *at[]; /* by id */
};

struct pl_crc {
	uint32_t table[256];
	uint32_t poly, init, xor_out, width;
	bool refl_in, refl_out;
};

struct pl_retired {
	void *p;
	uint64_t epoch;
};

struct dp_pl {
	uint32_t arch, n_slots, n_consts, n_insns, n_hdrs, n_lists, n_tables, n_profiles, n_vsets, n_counters, n_meters,
		n_registers, n_digests, n_jtabs, n_actions, n_errors;
	uint32_t hdr_first, hdr_slots, budget;
	uint64_t *consts;
	struct pl_insn *insns;
	struct pl_hdr *hdrs;
	struct dp_pl_item *items;
	struct pl_list *lists;
	struct pl_action *actions;
	struct pl_key *keys;
	struct pl_table *tables;
	struct pl_profile *profiles;
	struct pl_vset *vsets;
	struct pl_counter *counters;
	struct pl_meters *meters;
	struct pl_register *registers;
	uint32_t *digests;
	struct dp_pl_jtab *jtabs;
	uint32_t *targets;
	uint32_t blocks[DP_PL_B_MAX], intrinsics[DP_PL_I_MAX];
	uint32_t max_kw, max_list_bytes, max_hdr_bytes;
	uint64_t seed;

	pthread_mutex_t lock; /* writers */
	_Atomic uint64_t epoch, now_ps;
	struct dp_pl_worker *workers;
	uint32_t n_workers_ever;
	struct pl_retired *retired;
	size_t n_retired, cap_retired;
	struct dp_wheel wheel;
	struct pl_fanouts *_Atomic mcast, *_Atomic clones;
	_Atomic uint64_t expire[256];
	struct pl_crc *_Atomic crc[2]; /* crc16_custom, crc32_custom */
	struct pl_crc crc16;
};

/* ---- a worker ---- */

struct pl_job { /* a packet that waits for its ingress or egress */
	uint64_t *slots;
	const uint8_t *data;
	uint32_t len, cur, packet_length;
	bool ingress, parse; /* parse: headers are yet to be parsed, from data */
	uint32_t truncate, flags;
	const struct dp_pl_replica *replicas;
	uint32_t n_replicas;
	struct dp_pl_replica one;
};

struct pl_chunk {
	uint8_t *mem;
	uint32_t used;
};

struct pl_events {
	struct dp_pl_event *at;
	uint8_t *bytes;
	uint32_t n, cap;
	uint32_t used, cap_bytes;
};

enum pl_status { PL_OK, PL_OVER, PL_ASSERT };

struct dp_pl_worker {
	struct dp_pl *pl;
	struct dp_pl_worker *next;
	_Atomic uint64_t epoch; /* of the run it is in; DP_NEVER outside */
	uint64_t *slots;

	/* the packet in work */
	const uint8_t *data;
	uint32_t len;      /* bytes */
	uint32_t cur;      /* bits that were parsed */
	uint32_t in, port; /* index of the input */
	uint64_t ts_ps;
	uint8_t *out; /* where the deparser writes */
	uint32_t out_bits;
	bool out_long; /* it emitted too much */
	uint32_t clone_session, clone_list, resubmit_list, recirc_list, truncate;
	bool clone, resubmit, recirc;
	uint32_t n_mirrors;
	struct {
		uint64_t slot;
		uint32_t session;
	} mirrors[PL_MAX_MIRRORS];
	uint32_t rounds;
	struct pl_entry **hit;     /* by table: the entry hit last */
	uint64_t **miss;           /* by table that adds on miss: the key that missed, word 0 is 1 if there is one */
	_Atomic uint64_t *lookups; /* by table: hits, misses */
	uint8_t *bytes;            /* of a list */
	uint64_t *key;
	uint8_t *tail; /* the last bytes of a packet, padded */
	uint64_t wide[4 * (PL_MAX_WORDS + 2)];
	struct dp_rng rng;

	struct pl_job **jobs; /* of this packet: from job_first on they wait */
	uint32_t job_first, n_jobs, cap_jobs;

	struct pl_chunk *chunks;
	uint32_t n_chunks, chunk;
	struct dp_pl_out *outs;
	uint32_t n_outs, cap_outs;
	struct pl_events ev[2];
	uint32_t ev_now;
	struct dp_pl_stats stats;
};

static inline uint32_t pl_words(uint32_t width)
{
	return (width + 63) / 64;
}

static inline uint64_t pl_mask(uint32_t width) /* 1 to 64 */
{
	return ~0ULL >> (64 - width);
}

static inline uint64_t pl_load_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline void pl_store_be64(uint8_t *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	memcpy(p, &v, 8);
}

static inline void pl_set_intrinsic(struct dp_pl_worker *w, enum dp_pl_intrinsic i, uint64_t v)
{
	if (w->pl->intrinsics[i] != DP_PL_NONE)
		w->slots[w->pl->intrinsics[i]] = v;
}

static inline uint64_t pl_intrinsic(const struct dp_pl_worker *w, enum dp_pl_intrinsic i)
{
	return w->pl->intrinsics[i] != DP_PL_NONE ? w->slots[w->pl->intrinsics[i]] : 0;
}

/* pipeline_check.c: NULL, or what is wrong with the instructions (in err). */
int dp_pl_check_insns(const struct dp_pl *pl, char *err, size_t err_len);

/* pipeline_pkt.c: packs, extraction, emission. Buffers have PL_PAD bytes behind. */
struct pl_part { /* a field of a pack that is built */
	uint32_t slot, width;
};
int dp_pl_pack_init(struct pl_pack *p, const struct pl_part *parts, uint32_t n);
void dp_pl_pack_fini(struct pl_pack *p);
void dp_pl_unpack(const struct pl_pack *p, const uint8_t *data, uint64_t bit, uint64_t *base);
void dp_pl_pack(const struct pl_pack *p, const uint64_t *base, uint8_t *out, uint64_t bit);
/* The ones' complement sum of what dp_pl_pack() would write, when pack->halves. */
uint32_t dp_pl_pack_sum16(const struct pl_pack *p, const uint64_t *base);
/* 0, or the number of the error; a failed one changes nothing. */
int dp_pl_extract(struct dp_pl_worker *w, const struct pl_hdr *h, uint64_t *base, uint64_t varbits);
int dp_pl_look(struct dp_pl_worker *w, const struct pl_hdr *h, uint64_t *base);
void dp_pl_emit(struct dp_pl_worker *w, const struct pl_hdr *h, const uint64_t *base);
/* The list's fields one behind the other in w->bytes; returns bits, zeros fill the last byte. */
uint32_t dp_pl_list_bytes(struct dp_pl_worker *w, const struct pl_list *list);
/* Bits as bytes for an event: each field in bytes of its own. */
uint32_t dp_pl_list_event(const struct dp_pl_worker *w, const struct pl_list *list, uint8_t *out);

/* pipeline_wide.c: values of any width; d may be a or b, else they do not overlap. t: scratch. */
void dp_pl_wide(uint16_t op, uint64_t *t, uint64_t *d, const uint64_t *a, const uint64_t *b, uint32_t w, uint32_t aw,
		uint64_t imm);
uint64_t dp_pl_wide_cmp(uint16_t op, const uint64_t *a, const uint64_t *b, uint32_t w);

/* pipeline_exec.c */
enum pl_status dp_pl_exec(struct dp_pl_worker *w, uint32_t code);

/* hash.c */
void dp_pl_crc_init(struct pl_crc *c, uint32_t width, uint32_t poly, uint32_t init, uint32_t xor_out, bool refl_in,
		    bool refl_out);
uint64_t dp_pl_hash(struct dp_pl_worker *w, uint32_t algorithm, const uint8_t *p, size_t len);
uint32_t dp_pl_sum16(const uint8_t *p, size_t len); /* folded, not complemented */

static inline uint32_t pl_fold16(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

/* meter.c: 0 green, 1 yellow, 2 red; pre: the colour in, or ~0. */
uint32_t dp_pl_meter_run(struct pl_meter *m, uint64_t units, uint64_t now_ps, uint64_t pre);
void dp_pl_meter_config(struct pl_meter *m, const struct dp_pl_meter_cfg *cfg, uint64_t now_ps);

/* table_set.c, for writers; readers use table_set.h */
int dp_pl_set_add(struct dp_pl *pl, struct pl_set *s, struct pl_entry *e);
void dp_pl_set_del(struct pl_set *s, struct pl_entry *e);
void dp_pl_set_swap(struct pl_set *s, struct pl_entry *old, struct pl_entry *e);
int dp_pl_set_reserve(struct dp_pl *pl, struct pl_set *s, uint64_t n);
void dp_pl_set_clear(struct dp_pl *pl, struct pl_set *s);

/* table_lpm.c, table_tss.c: find is lock-free, the others are for writers. */
struct pl_entry *dp_pl_lpm_find(const struct pl_table *t, uint32_t key);
int dp_pl_lpm_add(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e);
void dp_pl_lpm_del(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e);
void dp_pl_lpm_swap(struct pl_table *t, struct pl_entry *old, struct pl_entry *e);
void dp_pl_lpm_clear(struct dp_pl *pl, struct pl_table *t);
uint64_t dp_pl_lpm_bytes(const struct pl_table *t);
struct pl_entry *dp_pl_tss_find(const struct pl_table *t, const uint64_t *key);
struct pl_entry *dp_pl_tss_same(const struct pl_table *t, const struct pl_entry *e);
int dp_pl_tss_add(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e);
void dp_pl_tss_del(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e);
void dp_pl_tss_swap(struct pl_table *t, struct pl_entry *old, struct pl_entry *e);
void dp_pl_tss_clear(struct dp_pl *pl, struct pl_table *t);

/* table_key.c: what a key says, checked; and keys of packets. */
int dp_pl_key_read(const struct pl_table *t, const uint64_t *in, uint32_t n, uint64_t *words, uint32_t *prefix);
void dp_pl_key_gather(const struct pl_key *keys, uint32_t n_keys, const uint64_t *slots, uint64_t *key);
bool dp_pl_vset_find(struct dp_pl_worker *w, const struct pl_vset *v);

/* table.c */
int dp_pl_table_init(struct dp_pl *pl, struct pl_table *t);
void dp_pl_table_fini(struct dp_pl *pl, struct pl_table *t);
/* Looks up by the slots; the entry (NULL: miss). The key stays in w->key. */
struct pl_entry *dp_pl_table_find(struct dp_pl_worker *w, const struct pl_table *t);
/* What a hit runs: data, and in *action which; NULL: an empty group. */
const uint64_t *dp_pl_table_action(struct dp_pl_worker *w, const struct pl_table *t, const struct pl_entry *e,
				   uint32_t *action);
int dp_pl_entry_learn(struct dp_pl_worker *w, struct pl_table *t, uint32_t action, const uint64_t *data,
		      uint64_t idle_ps);
struct pl_entry *dp_pl_entry_get(const struct pl_table *t, uint64_t handle);
/* With pl->lock held. */
void dp_pl_entry_remove(struct dp_pl *pl, struct pl_table *t, struct pl_entry *e);
int dp_pl_data_check(const struct pl_action *a, const uint64_t *data, uint32_t n);

/* table_selector.c */
const struct pl_mdata *dp_pl_profile_pick(struct dp_pl_worker *w, const struct pl_table *t, const struct pl_entry *e);
int dp_pl_profile_ref(struct pl_profile *p, const struct dp_pl_entry *in, void **ref, uint8_t *is_group);
void dp_pl_profile_unref(struct pl_entry *e);
void dp_pl_profile_fini(struct pl_profile *p);
/* Where `id` is or would be among n pointers to structs that begin with their id, in order. */
bool dp_pl_by_id(void *const *at, uint32_t n, uint32_t id, uint32_t *where);

/* pipeline_epoch.c */
void dp_pl_retire(struct dp_pl *pl, void *p);
void dp_pl_reclaim(struct dp_pl *pl);
void dp_pl_enter(struct dp_pl_worker *w);
void dp_pl_leave(struct dp_pl_worker *w);

/* pipeline_events.c */
void dp_pl_entry_expire(struct dp_pl_worker *w, const struct pl_table *t, const struct pl_entry *e, uint64_t idle_ps);
void dp_pl_events_fini(struct pl_events *ev);
void dp_pl_event_list(struct dp_pl_worker *w, uint32_t kind, uint32_t id, const struct pl_list *list);
void dp_pl_event_handle(struct dp_pl_worker *w, uint32_t kind, uint32_t id, uint64_t handle);

/* pipeline_run.c */
uint8_t *dp_pl_out_reserve(struct dp_pl_worker *w);
/* Deparses: COMPUTE (v1model), DEPARSER, payload; bytes, or -1 when the packet is gone (counted). w->out holds them. */
int64_t dp_pl_deparse(struct dp_pl_worker *w);
void dp_pl_out_add(struct dp_pl_worker *w, const uint8_t *data, uint32_t len, uint32_t port, uint32_t rid,
		   uint32_t queue, uint32_t flags);
void dp_pl_out_keep(struct dp_pl_worker *w, uint32_t len); /* what was deparsed stays where it is until the next run */
bool dp_pl_block(struct dp_pl_worker *w, enum dp_pl_block block); /* false: dropped, counted */
void dp_pl_fresh(struct dp_pl_worker *w);                         /* all slots zero, nothing asked for */
struct pl_job *dp_pl_job_new(struct dp_pl_worker *w);             /* the last of the queue; NULL: too many */
struct pl_job *dp_pl_job_next(struct dp_pl_worker *w);
void dp_pl_copy_list(const struct dp_pl *pl, uint32_t list, uint64_t *dst, const uint64_t *src);
const struct pl_fanout *dp_pl_fanout_find(const struct pl_fanouts *f, uint32_t id);
void dp_pl_v1_packet(struct dp_pl_worker *w, const struct dp_pl_in *in);
void dp_pl_pna_packet(struct dp_pl_worker *w, const struct dp_pl_in *in);

#endif
