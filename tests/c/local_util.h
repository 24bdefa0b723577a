/*
 * What tests of the local path share: devices of one node's memory, made by hand, each with its pump, driven by one
 * thread in virtual time. The same world without the local path sends everything as packets, so that a test can play
 * twice and compare all that a program sees.
 */
#ifndef DPU_TESTS_LOCAL_UTIL_H
#define DPU_TESTS_LOCAL_UTIL_H

#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "datapath/csrc/crc32.h"
#include "datapath/csrc/guard.h"
#include "datapath/csrc/node_shm.h"
#include "rdma_verbs/csrc/local_int.h"
#include "rdma_verbs/csrc/pump.h"
#include "tests/c/check.h"

#define ENDS      3
#define SLOTS     5
#define BUF_BYTES (24u << 20)
#define TARGET    (8u << 20) /* offset in a buffer: below, what is sent; from here on, where things land */
#define ALL (ROCE_ACCESS_LOCAL_WRITE | ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ | ROCE_ACCESS_REMOTE_ATOMIC)
#define LOG_BYTES (1 << 18)

struct end {
	struct roce_dev *dev;
	struct roce_local *local;
	struct roce_pump pump;
	struct dp_port *port;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_mr *mr;
	uint8_t *buf;
	bool stopped; /* is not driven */
};

struct world {
	struct dp_node_hdr *node;
	size_t node_bytes;
	struct end end[ENDS]; /* the port joins 0 and 1 */
	struct dp_port *loose;
	uint64_t now;
	bool local;
	char log[LOG_BYTES]; /* what programs saw */
	size_t log_len;
};

static inline struct roce_gid world_gid(void)
{
	return (struct roce_gid){{[10] = 0xff, 0xff, 10, 9, 8, 7}};
}

static inline uint64_t own_start(void)
{
	unsigned long long start = 0;
	FILE *f = fopen("/proc/self/stat", "r");
	char text[1024], *at;

	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	at = strrchr(text, ')');
	if (at)
		sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		       &start);
	return start;
}

/* The same bytes in every world. */
static inline void fill_bytes(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		if (i % 4 == 0)
			seed = seed * 1664525 + 1013904223;
		p[i] = (uint8_t)(seed >> 8 * (i % 4));
	}
}

static inline struct roce_local *local_new(struct roce_dev *dev, void *shm, uint64_t bytes, uint32_t slot)
{
	return roce_local_new(dev, shm, bytes, slot, 0);
}

static inline void end_open(struct world *w, int i, struct dp_port *port)
{
	struct end *e = &w->end[i];
	uint32_t slot = (uint32_t)i + 1;
	struct roce_dev_cfg cfg = {.seed = slot, .ngid = 1, .qpn_base = slot << 16, .qpn_count = 65536};
	struct dp_node_slot *page = dp_node_slot(w->node, slot);

	cfg.gid[0] = world_gid();
	page->pid = (uint64_t)getpid();
	page->start = own_start();
	page->generation = 1;
	page->state = DP_NODE_SLOT_USED;
	e->dev = roce_dev_new(&cfg);
	e->port = port;
	CHECK_EQ(roce_pump_init(&e->pump, e->dev, port), 0);
	if (w->local) {
		e->local = local_new(e->dev, w->node, w->node_bytes, slot);
		CHECK(e->local);
		e->pump.local = e->local;
	}
	e->buf = mmap(NULL, BUF_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill_bytes(e->buf, 1 << 20, slot);
	e->pd = roce_pd_alloc(e->dev);
	e->cq = roce_cq_create(e->dev, 4096, NULL);
	e->mr = roce_mr_reg(e->pd, e->buf, BUF_BYTES, (uintptr_t)e->buf, ALL | ROCE_ACCESS_MW_BIND);
	CHECK(e->mr);
}

static inline void world_open(struct world *w, bool local)
{
	struct dp_port *ports[4];

	memset(w, 0, sizeof(*w));
	w->local = local;
	w->now = DP_MS;
	w->node_bytes = dp_node_bytes(SLOTS);
	w->node = mmap(NULL, w->node_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	w->node->magic = DP_NODE_MAGIC;
	w->node->version = DP_NODE_VERSION;
	w->node->nslots = SLOTS;
	CHECK_EQ(dp_port_mem_pair(4096, 0, &ports[0], &ports[1]), 0);
	CHECK_EQ(dp_port_mem_pair(4096, 0, &ports[2], &ports[3]), 0);
	w->loose = ports[3];
	for (int i = 0; i < ENDS; i++)
		end_open(w, i, ports[i]);
}

static inline void world_close(struct world *w)
{
	for (int i = 0; i < ENDS; i++) {
		struct end *e = &w->end[i];

		roce_dev_free(e->dev);
		roce_pump_fini(&e->pump);
		roce_local_free(e->local);
		dp_port_free(e->port);
		munmap(e->buf, BUF_BYTES);
	}
	dp_port_free(w->loose);
	munmap(w->node, w->node_bytes);
}

/* Until nothing is left to happen for so long. */
static inline void drive(struct world *w, uint64_t most_ps)
{
	uint64_t until = w->now + most_ps;
	int idle = 0;

	for (int round = 0; round < 4000000; round++) {
		uint64_t next = DP_NEVER;
		int moved = 0;

		for (int i = 0; i < ENDS; i++)
			if (!w->end[i].stopped)
				moved += roce_pump_run(&w->end[i].pump, w->now);
		for (int i = 0; i < ENDS; i++) {
			struct end *e = &w->end[i];

			if (e->stopped)
				continue;
			next = DP_MIN(next, roce_pump_next_ps(&e->pump));
			if (e->local && roce_local_pending(e->local))
				next = w->now;
		}
		if (moved || next <= w->now) {
			idle = 0;
			continue;
		}
		if (++idle < 80) /* a quiet port is asked now and then only */
			continue;
		if (next > until) {
			if (most_ps != DP_NEVER && next != DP_NEVER)
				w->now = until;
			return;
		}
		w->now = next;
		idle = 0;
	}
	CHECK(!"comes to rest");
}

static inline struct roce_qp *new_qp(struct end *e, uint32_t type, struct roce_srq *srq, struct roce_xrcd *xrcd)
{
	struct roce_qp_init_attr init = {.send_cq = e->cq,
					 .recv_cq = e->cq,
					 .cap = {256, 256, 30, 30, 512},
					 .qp_type = type,
					 .srq = srq,
					 .xrcd = xrcd,
					 .sq_sig_all = 1};

	return roce_qp_create(type == ROCE_QPT_XRC_RECV ? NULL : e->pd, &init, NULL);
}

struct how {                   /* a queue pair's attributes, zero: as written beside it */
	uint32_t access;       /* all */
	uint32_t rd_atomic;    /* 4 */
	uint32_t no_rd;        /* max_dest_rd_atomic 0 */
	uint8_t rnr_retry;     /* 7 */
	uint8_t retry_cnt;     /* 7 */
	uint8_t once;          /* rnr_retry 1 */
	uint8_t min_rnr_timer; /* 1 */
};

static inline void to_init(struct roce_qp *qp, struct how how)
{
	struct roce_qp_attr attr = {
		.qp_state = ROCE_QPS_INIT, .port_num = 1, .qp_access_flags = how.access ? how.access - 1 : ALL};

	CHECK_EQ(roce_qp_modify(qp, &attr, ROCE_QP_STATE | ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS),
		 0);
}

static inline void to_rts(struct roce_qp *qp, uint32_t dqpn, struct how how)
{
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_RTR,
				    .path_mtu = ROCE_MTU_1024,
				    .rq_psn = 0xfffff0,
				    .sq_psn = 0xfffff0,
				    .dest_qp_num = dqpn,
				    .max_rd_atomic = how.rd_atomic ? (uint8_t)how.rd_atomic : 4,
				    .max_dest_rd_atomic = how.no_rd ? 0 : 4,
				    .min_rnr_timer = how.min_rnr_timer ? how.min_rnr_timer : 1,
				    .timeout = 14,
				    .retry_cnt = how.retry_cnt ? how.retry_cnt : 7,
				    .rnr_retry = how.once ? 1 : 7,
				    .ah = {.dgid = world_gid(), .port_num = 1}};
	uint32_t rtr = ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN;
	uint32_t rts = ROCE_QP_STATE | ROCE_QP_SQ_PSN;

	if (qp->type == ROCE_QPT_RC || qp->type == ROCE_QPT_XRC_RECV)
		rtr |= ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER;
	if (qp->type == ROCE_QPT_RC || qp->type == ROCE_QPT_XRC_SEND)
		rts |= ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC;
	if (qp->type == ROCE_QPT_XRC_RECV)
		rts |= ROCE_QP_TIMEOUT;
	CHECK_EQ(roce_qp_modify(qp, &attr, rtr), 0);
	attr.qp_state = ROCE_QPS_RTS;
	CHECK_EQ(roce_qp_modify(qp, &attr, rts), 0);
}

static inline void join(struct roce_qp *a, struct roce_qp *b, struct how how_a, struct how how_b)
{
	to_init(a, how_a);
	to_init(b, how_b);
	to_rts(a, b->qpn, how_a);
	to_rts(b, a->qpn, how_b);
}

/* Queue pairs of ends 0 and 1, connected. */
static inline void pair_of(struct world *w, uint32_t type, struct roce_qp *qp[2])
{
	for (int i = 0; i < 2; i++)
		qp[i] = new_qp(&w->end[i], type, NULL, NULL);
	join(qp[0], qp[1], (struct how){0}, (struct how){0});
}

static inline struct roce_sge sge_of(const struct end *e, uint32_t offset, uint32_t length)
{
	return (struct roce_sge){(uintptr_t)e->buf + offset, length, e->mr->key};
}

/* Opcode, one SGE at the buffer's start; its remote address is the target of the other end. */
static inline struct roce_send_wr request(struct world *w, struct roce_qp *qp, uint32_t opcode, struct roce_sge *sge,
					  uint32_t length)
{
	int i = qp->dev == w->end[0].dev ? 0 : 1;
	bool lands = opcode == ROCE_WR_RDMA_READ || opcode == ROCE_WR_ATOMIC_CMP_AND_SWP ||
		     opcode == ROCE_WR_ATOMIC_FETCH_AND_ADD;

	*sge = sge_of(&w->end[i], lands ? TARGET + (4u << 20) : 0, length);
	return (struct roce_send_wr){.sg_list = sge,
				     .num_sge = length ? 1 : 0,
				     .opcode = opcode,
				     .send_flags = ROCE_SEND_SIGNALED,
				     .imm_data = 0x1234,
				     .remote_addr = (uintptr_t)w->end[!i].buf + (lands ? 0 : TARGET),
				     .rkey = w->end[!i].mr->key};
}

static inline int post(struct world *w, struct roce_qp *qp, uint32_t opcode, uint32_t length)
{
	struct roce_sge sge;
	struct roce_send_wr wr = request(w, qp, opcode, &sge, length);

	return roce_post_send(qp, &wr);
}

static inline int post_recv_at(struct world *w, struct roce_qp *qp, uint32_t offset, uint32_t length)
{
	int i = qp->dev == w->end[0].dev ? 0 : 1;
	struct roce_sge sge = sge_of(&w->end[i], offset, length);
	struct roce_recv_wr wr = {.wr_id = 1000 + offset, .sg_list = &sge, .num_sge = 1};

	return roce_post_recv(qp, &wr);
}

static inline int post_recv(struct world *w, struct roce_qp *qp, uint32_t length)
{
	return post_recv_at(w, qp, TARGET + (1u << 20), length);
}

static inline __attribute__((format(printf, 2, 3))) void note(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	w->log_len += (size_t)vsnprintf(w->log + w->log_len, LOG_BYTES - w->log_len, fmt, ap);
	va_end(ap);
	if (w->log_len >= LOG_BYTES)
		abort();
}

/* Completions and events of one end since the last time, into the log. */
static inline int see_end(struct world *w, int i)
{
	struct end *e = &w->end[i];
	struct roce_event ev;
	struct roce_wc wc;
	int n = 0;

	for (; roce_cq_poll(e->cq, &wc, 1) == 1; n++) {
		bool ok = wc.status == ROCE_WC_SUCCESS;

		note(w, "%c: wc %llu status %u", 'a' + i, (unsigned long long)(wc.wr_id >= 1000 ? 1000 : wc.wr_id),
		     wc.status);
		if (ok)
			note(w, " opcode %u len %u imm %#x flags %u", wc.opcode, wc.byte_len,
			     wc.wc_flags & ROCE_WC_FLAG_WITH_IMM ? wc.imm_data : 0, wc.wc_flags);
		note(w, "\n");
	}
	while (roce_dev_next_event(e->dev, &ev))
		note(w, "%c: event %u of %s\n", 'a' + i, ev.type, ev.num >> 16 ? "qp" : "port or srq");
	return n;
}

static inline void see(struct world *w)
{
	see_end(w, 0);
	see_end(w, 1);
}

/* Where things land, into the log. */
static inline void see_memory(struct world *w, int i)
{
	note(w, "%c: memory %08x\n", 'a' + i, dp_crc32_update(~0u, w->end[i].buf + TARGET, BUF_BYTES - TARGET));
}

static inline void see_states(struct world *w, struct roce_qp *const qp[2])
{
	note(w, "states %u %u\n", qp[0]->state, qp[1]->state);
}

static inline int count_wcs(struct end *e, uint32_t status)
{
	struct roce_wc wc;
	int n = 0;

	while (roce_cq_poll(e->cq, &wc, 1) == 1)
		n += wc.status == status;
	return n;
}

/* Plays by packets and by the local path; programs must not see a difference. */
static inline void same_both_ways(const char *name, void (*play)(struct world *))
{
	struct world *packets = malloc(sizeof(*packets)), *local = malloc(sizeof(*local));
	int before = check_failed;

	world_open(packets, false);
	play(packets);
	world_open(local, true);
	play(local);
	CHECK(packets->log_len);
	if (strcmp(packets->log, local->log) != 0) {
		CHECK_STR(local->log, packets->log);
		fprintf(stderr, "---- by packets:\n%s---- by the local path:\n%s----\n", packets->log, local->log);
	}
	world_close(packets);
	world_close(local);
	free(packets);
	free(local);
	if (check_failed != before)
		fprintf(stderr, "in %s, played both ways\n", name);
}
#define SAME(play) same_both_ways(#play, play)

#endif
