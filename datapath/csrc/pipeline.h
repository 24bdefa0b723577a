/*
 * The pipeline engine: runs what the P4 front end compiled (the instructions are in pipeline_ops.h).
 *
 * struct dp_pl is a loaded program with its tables, counters, meters and registers; struct dp_pl_worker holds one thread's
 * packet in work and its outputs. Any number of workers run one dp_pl at the same time, while one more thread changes
 * entries: an entry is seen whole or not at all. Nothing here has a clock or a socket: packets and a time go in, packets and
 * events come out.
 *
 * dp_pl_new() trusts nobody: whatever a description says, running it reads and writes only its own memory.
 */
#pragma once

#include "datapath/csrc/base.h"
#include "datapath/csrc/pipeline_ops.h"

/* cffi: begin */
struct dp_pl;
struct dp_pl_worker;

struct dp_pl_insn {
	uint16_t op; /* enum dp_pl_op */
	uint16_t w;
	uint32_t d, a, b;
	uint64_t imm;
};

struct dp_pl_hdr { /* a header's layout */
	uint32_t first_field, n_fields;
	uint32_t bits;   /* without its varbit */
	uint32_t varbit; /* index among its fields, or DP_PL_NONE */
	uint32_t slots;  /* of an instance, validity included */
};

struct dp_pl_field {
	uint32_t slot;    /* from the base of the instance; a varbit's is that of its length */
	uint32_t bit_off; /* from the start of the header, its varbit taken as empty */
	uint32_t width;   /* a varbit: the most it may have */
};

struct dp_pl_item { /* of a list of fields */
	uint32_t slot, width;
	uint32_t varbit; /* 1: width is the most */
};

struct dp_pl_list {
	uint32_t first, n;
};

enum dp_pl_match { DP_PL_EXACT, DP_PL_LPM, DP_PL_TERNARY, DP_PL_RANGE, DP_PL_OPTIONAL, DP_PL_SELECTOR };

struct dp_pl_key {
	uint32_t slot, width, match;
};

struct dp_pl_action {    /* of a table or action profile */
	uint32_t code;   /* DP_PL_NONE: does nothing */
	uint32_t params; /* list of its data parameters */
	uint32_t flags;  /* DP_PL_DEFAULT_ONLY, DP_PL_TABLE_ONLY */
};
#define DP_PL_DEFAULT_ONLY 1
#define DP_PL_TABLE_ONLY   2

struct dp_pl_table {
	uint32_t first_key, n_keys;
	uint32_t first_action, n_actions;
	uint32_t default_action; /* index among its actions; its data follow in consts from: */
	uint32_t default_data;   /* first slot among the constants */
	uint32_t size;           /* 0: 1024, as the reference switch */
	uint32_t flags;          /* DP_PL_T_* */
	uint32_t profile;        /* number of its action profile or selector, or DP_PL_NONE */
	uint32_t meter_slot;     /* with DP_PL_T_METER: where the colour goes on a hit, or DP_PL_NONE */
};
#define DP_PL_T_CONST_DEFAULT 1
#define DP_PL_T_COUNTER       2  /* has a direct counter, ... */
#define DP_PL_T_COUNT_HITS    4  /* ... which counts each hit by itself (v1model), not by DCOUNT */
#define DP_PL_T_METER         8  /* has a direct meter of packets, ... */
#define DP_PL_T_METER_BYTES   16 /* ... or of bytes */
#define DP_PL_T_ADD_ON_MISS   32
#define DP_PL_T_IDLE_NOTIFY \
	64 /* v1model support_timeout, PNA NOTIFY_CONTROL: entries that time out are reported, and stay */
#define DP_PL_T_IDLE_DELETE   128 /* PNA AUTO_DELETE: they go */
#define DP_PL_T_CONST_ENTRIES 256

/*
 * Action profile; a selector when algorithm is set. Member action i is the i-th action of the profile for its data and the
 * i-th action of the table for its code, so a table with a profile begins its actions with those of the profile.
 */
struct dp_pl_profile {
	uint32_t size, max_group;
	uint32_t algorithm; /* enum dp_pl_hash, or DP_PL_NONE: no selector */
	uint32_t width;     /* of the hash */
	uint32_t first_action, n_actions;
};

enum dp_pl_hash {
	DP_PL_CRC32,
	DP_PL_CRC32_CUSTOM,
	DP_PL_CRC16,
	DP_PL_CRC16_CUSTOM,
	DP_PL_CSUM16,
	DP_PL_XOR16,
	DP_PL_IDENTITY,
	DP_PL_RANDOM,
	DP_PL_TOEPLITZ
};

struct dp_pl_vset { /* parser value set: its keys are slots, as a table's */
	uint32_t first_key, n_keys, size;
};

struct dp_pl_array { /* counters: what = 1 packets, 2 bytes, 3 both. Meters: 1 packets, 2 bytes. Registers: width of a cell */
	uint32_t size, what;
};

struct dp_pl_jtab {
	uint32_t first, n; /* in targets */
};

enum dp_pl_arch { DP_PL_V1MODEL, DP_PL_PNA };

enum dp_pl_block { /* where the blocks begin; PNA has PARSER, VERIFY (pre_control), INGRESS (main_control), DEPARSER */
		   DP_PL_B_PARSER,
		   DP_PL_B_VERIFY,
		   DP_PL_B_INGRESS,
		   DP_PL_B_EGRESS,
		   DP_PL_B_COMPUTE,
		   DP_PL_B_DEPARSER,
		   DP_PL_B_MAX
};

enum dp_pl_intrinsic { /* slots that the architecture fills or reads */
		       DP_PL_I_INGRESS_PORT,
		       DP_PL_I_EGRESS_SPEC,
		       DP_PL_I_EGRESS_PORT,
		       DP_PL_I_INSTANCE_TYPE,
		       DP_PL_I_PACKET_LENGTH,
		       DP_PL_I_ENQ_TIMESTAMP,
		       DP_PL_I_ENQ_QDEPTH,
		       DP_PL_I_DEQ_TIMEDELTA,
		       DP_PL_I_DEQ_QDEPTH,
		       DP_PL_I_INGRESS_TIMESTAMP,
		       DP_PL_I_EGRESS_TIMESTAMP,
		       DP_PL_I_MCAST_GRP,
		       DP_PL_I_EGRESS_RID,
		       DP_PL_I_CHECKSUM_ERROR,
		       DP_PL_I_PARSER_ERROR,
		       DP_PL_I_PRIORITY,
		       /* PNA */
		       DP_PL_I_DIRECTION,
		       DP_PL_I_PASS,
		       DP_PL_I_LOOPEDBACK,
		       DP_PL_I_CLASS_OF_SERVICE,
		       DP_PL_I_DROP,
		       DP_PL_I_DEST_PORT,
		       DP_PL_I_MAX
};

struct dp_pl_desc {
	uint32_t arch; /* enum dp_pl_arch */
	uint32_t n_slots, n_consts, n_insns, n_hdrs, n_fields, n_lists, n_items, n_tables, n_keys, n_actions,
		n_profiles, n_vsets, n_counters, n_meters, n_registers, n_digests, n_jtabs, n_targets, n_errors;
	const uint64_t *consts;
	const struct dp_pl_insn *insns;
	const struct dp_pl_hdr *hdrs;
	const struct dp_pl_field *fields;
	const struct dp_pl_list *lists;
	const struct dp_pl_item *items;
	const struct dp_pl_table *tables;
	const struct dp_pl_key *keys;
	const struct dp_pl_action *actions;
	const struct dp_pl_profile *profiles;
	const struct dp_pl_vset *vsets;
	const struct dp_pl_array *counters, *meters, *registers;
	const uint32_t *digests; /* the list of each */
	const struct dp_pl_jtab *jtabs;
	const uint32_t *targets;
	/* v1model: the slots of the headers argument; a clone E2E keeps them, everything else is reset. hdr_slots 0: none */
	uint32_t hdr_first, hdr_slots;
	uint32_t blocks[6];      /* by enum dp_pl_block: code, or DP_PL_NONE */
	uint32_t intrinsics[22]; /* by enum dp_pl_intrinsic: slots, or DP_PL_NONE */
	uint64_t seed;
	uint32_t budget; /* steps of one block of a packet, after which it is dropped; 0: a million */
};
/* cffi: end */

enum dp_pl_op {
#define DP_PL_ENUM(name) DP_PL_OP_##name,
	DP_PL_OPS(DP_PL_ENUM)
#undef DP_PL_ENUM
		DP_PL_OP_MAX
};

/* cffi: begin */
/* The number of the instruction of that name, or -ENOENT. */
int dp_pl_op_number(const char *name);

/* A loaded program, or NULL with the reason in err (the object, the value and the limit). */
struct dp_pl *dp_pl_new(const struct dp_pl_desc *desc, char *err, size_t err_len);
void dp_pl_free(struct dp_pl *pl);

/*
 * Entries. A key is, field after field, its value in ceil(width / 64) words, least significant first, and then as many words more: exact:
 * all ones; LPM, ternary, optional: the mask; range: the upper end. A selector field has no words. data: the parameters in
 * order, each in ceil(width / 64) words. The longest prefix wins in a table of prefix and exact fields; else the larger priority,
 * among equal ones the older. EEXIST: the same key (and priority) is there. An empty group is a hit that runs the default action.
 */
struct dp_pl_entry {
	uint32_t table, action;
	const uint64_t *key, *data;
	uint32_t n_key, n_data; /* words */
	uint32_t priority;
	uint32_t member;  /* of a table with a profile: member + 1, or ... */
	uint32_t group;   /* ... group + 1; action and data are not used then */
	uint64_t idle_ps; /* 0: never idle */
	uint32_t is_const;
};
int dp_pl_entry_add(struct dp_pl *pl, const struct dp_pl_entry *entry, uint64_t *handle);
int dp_pl_entry_modify(struct dp_pl *pl, uint64_t handle, const struct dp_pl_entry *entry);
int dp_pl_entry_del(struct dp_pl *pl, uint32_t table, uint64_t handle);
int dp_pl_entry_find(struct dp_pl *pl, const struct dp_pl_entry *key, uint64_t *handle);
/* n entries of one table and action, keys and data one behind the other; returns how many went in, or the first error. */
int64_t dp_pl_entry_add_bulk(struct dp_pl *pl, const struct dp_pl_entry *first, uint32_t n, uint64_t *handles);
int dp_pl_table_default(struct dp_pl *pl, uint32_t table, uint32_t action, const uint64_t *data, uint32_t n_data);
int dp_pl_table_default_reset(struct dp_pl *pl, uint32_t table);
int dp_pl_table_clear(struct dp_pl *pl, uint32_t table);

struct dp_pl_table_stats {
	uint64_t entries, bytes; /* memory */
	uint64_t hits, misses;
};
int dp_pl_table_stats(const struct dp_pl *pl, uint32_t table, struct dp_pl_table_stats *out);

int dp_pl_member_set(struct dp_pl *pl, uint32_t profile, uint32_t member, uint32_t action, const uint64_t *data,
		     uint32_t n_data);
int dp_pl_member_del(struct dp_pl *pl, uint32_t profile, uint32_t member);
int dp_pl_group_set(struct dp_pl *pl, uint32_t profile, uint32_t group, const uint32_t *members, uint32_t n);
int dp_pl_group_del(struct dp_pl *pl, uint32_t profile, uint32_t group);

/* Value sets: keys as an entry's. */
int dp_pl_vset_add(struct dp_pl *pl, uint32_t vset, const uint64_t *key, uint32_t n_key);
int dp_pl_vset_clear(struct dp_pl *pl, uint32_t vset);

struct dp_pl_count {
	uint64_t packets, bytes;
};
int dp_pl_counter_get(const struct dp_pl *pl, uint32_t counter, uint32_t index, struct dp_pl_count *out);
int dp_pl_counter_set(struct dp_pl *pl, uint32_t counter, uint32_t index, const struct dp_pl_count *in);
int dp_pl_entry_counter_get(const struct dp_pl *pl, uint32_t table, uint64_t handle, struct dp_pl_count *out);
int dp_pl_entry_counter_set(struct dp_pl *pl, uint32_t table, uint64_t handle, const struct dp_pl_count *in);

/* trTCM (RFC 2698): bytes or packets a second and bursts; pir 0: srTCM (RFC 2697) with cbs and pbs as excess burst. */
struct dp_pl_meter_cfg {
	uint64_t cir, cbs, pir, pbs;
};
int dp_pl_meter_set(struct dp_pl *pl, uint32_t meter, uint32_t index, const struct dp_pl_meter_cfg *cfg);
int dp_pl_entry_meter_set(struct dp_pl *pl, uint32_t table, uint64_t handle, const struct dp_pl_meter_cfg *cfg);

int dp_pl_register_get(const struct dp_pl *pl, uint32_t reg, uint32_t index, uint64_t *words, uint32_t n);
int dp_pl_register_set(struct dp_pl *pl, uint32_t reg, uint32_t index, const uint64_t *words, uint32_t n);

struct dp_pl_replica {
	uint32_t port, rid;
};
int dp_pl_mcast_set(struct dp_pl *pl, uint32_t group, const struct dp_pl_replica *replicas, uint32_t n);
/* A clone session: replicas, or n = 0 to take it away; truncate_bytes 0: whole. */
int dp_pl_clone_set(struct dp_pl *pl, uint32_t session, const struct dp_pl_replica *replicas, uint32_t n,
		    uint32_t truncate_bytes);
/* Expire profiles of PNA: index -> time. */
int dp_pl_expire_set(struct dp_pl *pl, uint32_t profile, uint64_t idle_ps);
int dp_pl_hash_custom(struct dp_pl *pl, uint32_t hash, uint32_t poly, uint32_t init, uint32_t xor_out,
		      uint32_t reflect);

/* Packets. The engine copies what it keeps. */
struct dp_pl_in {
	const uint8_t *data;
	uint32_t len, port;
	uint64_t ts_ps;
	uint32_t flags; /* PNA: 1 from the host */
	uint32_t reserved;
};
struct dp_pl_out {
	const uint8_t *data; /* valid until the worker runs again */
	uint32_t len, port;
	uint32_t in; /* index of the input it came from */
	uint32_t rid, queue;
	uint32_t flags; /* 1: it is a clone, 2: multicast */
};
struct dp_pl_event {
	uint32_t kind;       /* DP_PL_E_* */
	uint32_t id;         /* digest; table; message */
	uint64_t handle;     /* of an entry that timed out */
	const uint8_t *data; /* the list's fields, each in ceil(width / 8) bytes, big-endian */
	uint32_t len;
	uint32_t in;
};
#define DP_PL_E_DIGEST 0
#define DP_PL_E_IDLE   1
#define DP_PL_E_LOG    2
#define DP_PL_E_ASSERT 3
#define DP_PL_E_LEARNT 4 /* PNA: an entry was added by the data path */

struct dp_pl_stats {
	uint64_t rx, tx, drop_pipeline, drop_parser, drop_port, drop_loop, drop_too_long, drop_assert, parser_errors,
		clones, resubmits, recirculated, replicas, digests, events_lost;
};
struct dp_pl_worker *dp_pl_worker_new(struct dp_pl *pl);
void dp_pl_worker_free(struct dp_pl_worker *worker);
/* Runs n packets; returns the number of outputs, which *out then points at. A packet of more than 16 KiB is dropped and counted. */
int64_t dp_pl_run(struct dp_pl_worker *worker, const struct dp_pl_in *in, uint32_t n, const struct dp_pl_out **out);
/* Events since the last call; returns their number. */
int64_t dp_pl_events(struct dp_pl_worker *worker, const struct dp_pl_event **out);
void dp_pl_worker_stats(const struct dp_pl_worker *worker, struct dp_pl_stats *out);
/* When dp_pl_tick() has something to do: entries that time out. */
uint64_t dp_pl_next_ps(const struct dp_pl *pl);
void dp_pl_tick(struct dp_pl_worker *worker, uint64_t now_ps);
/* cffi: end */
