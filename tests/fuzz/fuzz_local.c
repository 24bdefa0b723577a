/*
 * Invariant: whatever another process writes into a ring that we show, and into the memory that it shows us, whenever it
 * does so, the reader neither crashes nor writes outside of its regions, returns, leaves no ring pending that it can make
 * nothing of, and every posted request and receive completes at most once.
 *
 * The input is a program: one byte says what happens, the next say how. Cells are made of fields near the interesting
 * values, or are raw bytes; payload by reference is in an arena of ours, or anywhere.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/local_int.h"
#include "rdma_verbs/csrc/pump.h"
#include "tests/fuzz/input.h"

#define REGION 32768
#define GUARD  4096
#define MARK   0xa5
#define NQP    5
#define CQE    256
#define SLOTS  3

#define MUST(cond) \
	do { \
		if (!(cond)) \
			abort(); \
	} while (0)

struct end {
	struct roce_dev *dev;
	struct roce_local *local;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_xrcd *xrcd;
	struct roce_srq *srq, *xrc_srq;
	struct roce_qp *qp[NQP];
	struct roce_mr *mr;
	uint8_t *arena;
};

struct world {
	struct dp_node_hdr *node;
	struct end end[2]; /* 0 is what is tested; 1 shows memory, and its program is the input */
	uint64_t now, posted, completed;
};

static const uint32_t types[2][NQP] = {
	{ROCE_QPT_RC, ROCE_QPT_RC, ROCE_QPT_UC, ROCE_QPT_XRC_RECV, ROCE_QPT_XRC_SEND},
	{ROCE_QPT_RC, ROCE_QPT_RC, ROCE_QPT_UC, ROCE_QPT_XRC_SEND, ROCE_QPT_XRC_RECV},
};
static const struct roce_gid gid = {{[10] = 0xff, 0xff, 10, 0, 0, 1}};

static void modify(struct world *w, int e, int i, uint32_t state)
{
	struct roce_qp *qp = w->end[e].qp[i];
	uint32_t type = types[e][i], mask = ROCE_QP_STATE;
	struct roce_qp_attr attr = {.qp_state = state,
				    .path_mtu = ROCE_MTU_1024,
				    .rq_psn = 0xfffffe,
				    .sq_psn = 0xfffffe,
				    .dest_qp_num = w->end[!e].qp[i]->qpn,
				    .max_rd_atomic = 2,
				    .max_dest_rd_atomic = 2,
				    .min_rnr_timer = 1,
				    .timeout = 8,
				    .retry_cnt = 2,
				    .rnr_retry = 2,
				    .port_num = 1,
				    .qp_access_flags = 15,
				    .ah = {.dgid = gid, .port_num = 1}};
	bool requests = type == ROCE_QPT_RC || type == ROCE_QPT_XRC_SEND;
	bool responds = type == ROCE_QPT_RC || type == ROCE_QPT_XRC_RECV;

	if (state == ROCE_QPS_INIT)
		mask |= ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS;
	if (state == ROCE_QPS_RTR)
		mask |= ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN |
			(responds ? ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER : 0);
	if (state == ROCE_QPS_RTS && qp->state == ROCE_QPS_RTR)
		mask |= ROCE_QP_SQ_PSN | (type == ROCE_QPT_XRC_RECV ? ROCE_QP_TIMEOUT : 0) |
			(requests ? ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC
				  : 0);
	if (state == ROCE_QPS_RESET && !e) /* what was queued vanishes */
		w->posted -= qp->sq.head - qp->sq.tail + qp->rq.head - qp->rq.tail;
	roce_qp_modify(qp, &attr, mask);
}

static void to_rts(struct world *w, int e, int i)
{
	for (uint32_t state = ROCE_QPS_RESET; state <= ROCE_QPS_RTS; state++)
		modify(w, e, i, state);
}

static void reg(struct end *e)
{
	e->mr = roce_mr_reg(e->pd, e->arena + GUARD, REGION, (uintptr_t)e->arena + GUARD, 15);
}

static void open_end(struct world *w, int k)
{
	struct end *e = &w->end[k];
	struct roce_dev_cfg cfg = {.seed = 1, .ngid = 1, .max_cqe = CQE, .qpn_base = (uint32_t)(k + 1) << 16};
	struct roce_srq_attr attr = {.max_wr = 8, .max_sge = 2};
	struct dp_node_slot *page = dp_node_slot(w->node, (uint32_t)k + 1);

	cfg.gid[0] = gid;
	page->pid = (uint64_t)getpid();
	page->generation = 1;
	page->state = DP_NODE_SLOT_USED;
	e->dev = roce_dev_new(&cfg);
	e->local = roce_local_new(e->dev, w->node, dp_node_bytes(SLOTS), (uint32_t)k + 1, 0);
	MUST(e->local);
	page->start = e->local->own->hdr.start;
	e->arena = malloc(REGION + 2 * GUARD);
	memset(e->arena, MARK, REGION + 2 * GUARD);
	e->pd = roce_pd_alloc(e->dev);
	e->cq = roce_cq_create(e->dev, CQE, NULL);
	reg(e);
	e->xrcd = roce_xrcd_alloc(e->dev);
	e->srq = roce_srq_create(e->pd, &attr, NULL);
	e->xrc_srq = roce_srq_create_xrc(e->pd, e->xrcd, e->cq, &attr, NULL);
	for (int i = 0; i < NQP; i++) {
		struct roce_qp_init_attr init = {.send_cq = e->cq,
						 .recv_cq = e->cq,
						 .cap = {8, 8, 2, 2, 32},
						 .qp_type = types[k][i],
						 .sq_sig_all = 1,
						 .xrcd = e->xrcd,
						 .srq = i == 1 ? e->srq : NULL};

		e->qp[i] = roce_qp_create(types[k][i] == ROCE_QPT_XRC_RECV ? NULL : e->pd, &init, NULL);
		MUST(e->qp[i]);
	}
}

/* Our ring of the other's. */
static uint32_t ring_index(const struct world *w)
{
	return w->end[1].local->links->index;
}

static uint64_t address(struct world *w, struct input *in, int e)
{
	uint64_t base = (uintptr_t)w->end[e].arena + GUARD;
	uint32_t how = take(in, 1);

	switch (how % 4) {
	case 0:
		return base + take(in, 1) * 8;
	case 1:
		return base + REGION - take(in, 1);
	case 2:
		return base + take(in, 2) % REGION;
	default:
		return (uint64_t)take(in, 4) << 32 | take(in, 4);
	}
}

static uint32_t length(struct input *in)
{
	static const uint32_t some[] = {0,    1,    7,     8,     9,     255,     1024,       2048,
					2049, 4096, 16384, 32768, 32769, 1 << 20, 0x40000000, ~0u};

	return some[take(in, 1) % DP_ARRAY_SIZE(some)];
}

static void cell(struct world *w, struct input *in)
{
	uint32_t index = ring_index(w), how = take(in, 1);
	struct ring *ring = &w->end[0].local->own->rings[index];
	uint64_t head = ring->head;
	uint32_t offset = (uint32_t)(head % RING_BYTES) / CELL_ALIGN * CELL_ALIGN, data = 0, bytes;
	struct roce_qp *qp = w->end[0].qp[take(in, 1) % NQP];
	union {
		struct cell cell;
		uint8_t bytes[sizeof(struct cell) + 4096];
	} c;

	memset(&c, 0, sizeof(c));
	c.cell.kind = how & 0xc0 ? CELL_PACKET : (uint8_t)take(in, 1) % 4;
	c.cell.opcode = how & 1 ? (uint8_t)take(in, 1) : ROCE_OPCODE(qp->service, take(in, 1) % 0x1e);
	c.cell.bth_flags = (uint8_t)(how >> 2);
	c.cell.syndrome = (uint8_t)take(in, 1);
	c.cell.dqpn = qp->qpn;
	c.cell.sqpn = how & 2 ? w->end[1].qp[take(in, 1) % NQP]->qpn : qp->qpn;
	c.cell.psn = roce_psn_add(how & 4 ? qp->req.una : qp->resp.epsn, (uint32_t)(int32_t)((int8_t)take(in, 1) / 16));
	c.cell.msn = take(in, 1);
	c.cell.len = length(in);
	c.cell.imm = take(in, 1);
	c.cell.rkey = w->end[how >> 3 & 1].mr ? w->end[how >> 3 & 1].mr->key : 7;
	c.cell.dma_len = how & 8 ? c.cell.len : length(in);
	c.cell.xrc_srqn = roce_srq_num(w->end[0].xrc_srq);
	c.cell.epoch = w->end[1].local->own->qps[c.cell.sqpn & (QPS - 1)].epoch + (how >> 4 & 1 ? take(in, 1) : 0);
	c.cell.va = address(w, in, 0);
	if (how & 0x20) {
		struct iovec *v = (struct iovec *)(void *)c.cell.data;
		uint32_t left = c.cell.len, n = take(in, 1) % 5;

		c.cell.niov = (uint8_t)n;
		for (uint32_t i = 0; i < n; i++) {
			v[i].iov_base = (void *)(uintptr_t)address(w, in, 1);
			v[i].iov_len = i == n - 1 ? left : DP_MIN(left, length(in));
			left -= (uint32_t)v[i].iov_len;
		}
		data = n * (uint32_t)sizeof(*v);
	} else {
		data = DP_MIN(c.cell.len, 4096u);
	}
	bytes = (uint32_t)(sizeof(struct cell) + data + CELL_ALIGN - 1) / CELL_ALIGN * CELL_ALIGN;
	if (how == 0x7f)
		bytes = take(in, 4);
	c.cell.bytes = bytes;
	bytes = DP_MIN(bytes, (uint32_t)sizeof(c));
	if (offset + bytes > RING_BYTES) { /* as a sender skips the end */
		ring->head = head + RING_BYTES - offset;
		((struct cell *)(void *)(ring->data + offset))->bytes = RING_BYTES - offset;
		((struct cell *)(void *)(ring->data + offset))->kind = CELL_SKIP;
		offset = 0;
	}
	memcpy(ring->data + offset, &c, bytes);
	ring->head += c.cell.bytes;
	w->end[0].local->own->hdr.pending[index / 64] |= 1ull << index % 64;
}

static void raw(struct world *w, struct input *in)
{
	uint32_t index = ring_index(w), n = take(in, 1);
	struct ring *ring = &w->end[0].local->own->rings[index];

	for (uint32_t i = 0; i < n; i++)
		ring->data[(ring->head + i) % RING_BYTES] = (uint8_t)take(in, 1);
	ring->head += n % 2 ? (n + CELL_ALIGN - 1) / CELL_ALIGN * CELL_ALIGN : take(in, 1) * CELL_ALIGN;
	w->end[0].local->own->hdr.pending[index / 64] |= 1ull << index % 64;
}

/* What only a broken or hostile process writes. Not where our memory is: it can always be written by whoever may do this. */
static void poison(struct world *w, struct input *in)
{
	struct shown *own = w->end[0].local->own, *peer = w->end[1].local->own;
	struct ring *ring = &own->rings[ring_index(w)];
	uint64_t value = (uint64_t)take(in, 4) << 32 | take(in, 4);

	switch (take(in, 1) % 12) {
	case 0:
		ring->head = value;
		break;
	case 1:
		ring->tail = value;
		break;
	case 2:
		ring->owner = value;
		break;
	case 3:
		ring->closed = value;
		break;
	case 4:
		own->hdr.pending[value % (RINGS / 64)] = value;
		break;
	case 5:
		own->hdr.rings_high = (uint32_t)value;
		break;
	case 6:
		peer->hdr.key_bits = (uint32_t)value;
		break;
	case 7:
		peer->qps[w->end[1].qp[value % NQP]->qpn & (QPS - 1)].epoch = (uint32_t)(value >> 8);
		break;
	case 8:
		peer->hdr.up = (uint32_t)value;
		break;
	case 9: { /* what we write to: the ring's head and tail in the other's memory */
		struct ring *out = w->end[0].local->links->out;

		out->head = value;
		break;
	}
	case 10:
		w->end[0].local->links->out->tail = value;
		break;
	default:
		own->qps[w->end[0].qp[value % NQP]->qpn & (QPS - 1)].epoch = (uint32_t)(value >> 8);
	}
}

static void post(struct world *w, struct input *in)
{
	static const uint8_t opcodes[] = {
		ROCE_WR_RDMA_WRITE,           ROCE_WR_SEND,        ROCE_WR_RDMA_READ, ROCE_WR_RDMA_WRITE_WITH_IMM,
		ROCE_WR_ATOMIC_FETCH_AND_ADD, ROCE_WR_ATOMIC_WRITE};
	struct end *e = &w->end[0];
	uint32_t how = take(in, 1);
	struct roce_qp *qp = e->qp[take(in, 1) % NQP];
	struct roce_sge sge[2];
	struct roce_recv_wr recv = {.sg_list = sge, .num_sge = 1 + (how >> 1 & 1)};
	struct roce_send_wr wr = {.sg_list = sge,
				  .num_sge = recv.num_sge,
				  .opcode = opcodes[how % DP_ARRAY_SIZE(opcodes)],
				  .remote_addr = (uintptr_t)w->end[1].arena + GUARD,
				  .rkey = w->end[1].mr ? w->end[1].mr->key : 7,
				  .remote_srqn = 1};

	for (int i = 0; i < 2; i++)
		sge[i] = (struct roce_sge){address(w, in, 0), length(in) % REGION, e->mr ? e->mr->key : 7};
	if (wr.opcode == ROCE_WR_ATOMIC_FETCH_AND_ADD || wr.opcode == ROCE_WR_ATOMIC_WRITE) {
		wr.num_sge = 1;
		sge[0].length = 8;
	}
	w->posted++;
	if (how & 0x80 ? qp == e->qp[1]   ? roce_post_srq_recv(e->srq, &recv)
			 : qp == e->qp[3] ? roce_post_srq_recv(e->xrc_srq, &recv)
					  : roce_post_recv(qp, &recv)
		       : roce_post_send(qp, &wr))
		w->posted--;
}

static void poll(struct world *w)
{
	struct roce_event ev;
	struct roce_wc wc[16];
	int n;

	while ((n = roce_cq_poll(w->end[0].cq, wc, 16)) > 0)
		w->completed += (uint64_t)n;
	while (roce_dev_next_event(w->end[0].dev, &ev))
		;
	MUST(w->completed <= w->posted);
}

static void transmit(struct world *w)
{
	struct end *e = &w->end[0];
	struct roce_pkt *v[8];
	int n;

	roce_dev_hold(e->dev, roce_local_full(e->local, w->now), w->now);
	n = roce_dev_tx(e->dev, v, 8, w->now);
	for (int i = 0; i < n; i++) {
		if (v[i]->link)
			roce_local_push(e->local, v[i]);
		roce_pkt_put(e->dev, v[i]);
	}
	roce_local_flush(e->local);
}

static void step(struct world *w, struct input *in)
{
	struct end *e = &w->end[0];
	uint32_t what = take(in, 1);
	int i;

	switch (what % 16) {
	case 0:
	case 1:
		post(w, in);
		break;
	case 2:
		raw(w, in);
		break;
	case 3:
		poison(w, in);
		break;
	case 4:
		w->now = dp_add_ps(w->now, (uint64_t)take(in, 2) * DP_US);
		roce_dev_tick(e->dev, w->now);
		break;
	case 5:
	case 6:
		transmit(w);
		break;
	case 7:
		poll(w);
		break;
	case 8:
		i = (int)(what >> 4 & 1);
		if (w->end[i].mr)
			roce_mr_dereg(w->end[i].mr);
		w->end[i].mr = NULL;
		if (what & 0x20)
			reg(&w->end[i]);
		break;
	case 9:
		i = (int)(take(in, 1) % NQP);
		if (what & 0x10)
			to_rts(w, 0, i);
		else
			modify(w, 0, i, take(in, 1) % 7);
		break;
	case 10:
	case 11:
		roce_local_rx(e->local, 1 + (int)(what >> 4), w->now);
		break;
	default:
		cell(w, in);
	}
}

static void check_guards(const struct end *e)
{
	for (int i = 0; i < GUARD; i++)
		MUST(e->arena[i] == MARK && e->arena[GUARD + REGION + i] == MARK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct world w = {.now = DP_MS};

	MUST(dp_guard_acquire() == 0);
	w.node = mmap(NULL, dp_node_bytes(SLOTS), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	w.node->magic = DP_NODE_MAGIC;
	w.node->version = DP_NODE_VERSION;
	w.node->nslots = SLOTS;
	for (int k = 0; k < 2; k++)
		open_end(&w, k);
	for (int k = 0; k < 2 * NQP; k++)
		to_rts(&w, k % 2, k / 2);
	while (in.n)
		step(&w, &in);
	for (int i = 0; i < 4; i++) {
		roce_local_rx(w.end[0].local, 1 << 20, w.now);
		transmit(&w);
	}
	MUST(!roce_local_pending(w.end[0].local));
	poll(&w);
	for (int k = 0; k < 2; k++) {
		check_guards(&w.end[k]);
		roce_dev_free(w.end[k].dev);
		free(w.end[k].arena);
	}
	for (int k = 0; k < 2; k++)
		roce_local_free(w.end[k].local);
	munmap(w.node, dp_node_bytes(SLOTS));
	dp_guard_release();
	return 0;
}
