/*
 * What programs see of the local path is what they see of packets: each scenario is played both ways, and completions,
 * events, states and memory must be the same. What only the local path has is in test_local_ring.c.
 */
#include "tests/c/local_util.h"

#define LIMIT (60 * DP_SEC)

static const struct how usual;

/* `length` bytes in n pieces, each at another place, the last one first. */
static struct roce_send_wr scattered(struct world *w, struct roce_qp *qp, uint32_t opcode, struct roce_sge *sge, int n,
				     uint32_t length)
{
	struct roce_send_wr wr = request(w, qp, opcode, &sge[0], length);
	int end = qp->dev == w->end[0].dev ? 0 : 1;
	uint32_t each = length / (uint32_t)n, from = (uint32_t)(sge[0].addr - (uintptr_t)w->end[end].buf);

	for (int i = 0; i < n; i++)
		sge[i] = sge_of(&w->end[end], from + (uint32_t)(n - 1 - i) * (each + 9000),
				i == n - 1 ? length - each * (uint32_t)(n - 1) : each);
	wr.num_sge = (uint32_t)n;
	return wr;
}

/* Where the scenario of all operations lets things land. */
static void see_landings(struct world *w)
{
	for (int i = 0; i < 2; i++)
		for (uint32_t mib = 0; mib < 6; mib++)
			note(w, "%08x ", dp_crc32_update(~0u, w->end[i].buf + TARGET + (mib << 20), 500000));
	note(w, "\n");
}

static void play_operations(struct world *w)
{
	static const uint32_t sizes[] = {0, 1, 8, 9, 1024, 2048, 2049, 2052, 4095, 4096, 4097, 10000, 100001};
	static const int pieces[] = {1, 3, 5, 30};
	static const uint32_t opcodes[] = {ROCE_WR_SEND, ROCE_WR_RDMA_WRITE, ROCE_WR_RDMA_WRITE_WITH_IMM,
					   ROCE_WR_SEND_WITH_IMM, ROCE_WR_RDMA_READ};
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	for (size_t k = 0; k < DP_ARRAY_SIZE(opcodes) * DP_ARRAY_SIZE(sizes) * DP_ARRAY_SIZE(pieces); k++) {
		uint32_t opcode = opcodes[k % 5], size = sizes[k / 5 % DP_ARRAY_SIZE(sizes)];
		int n = size ? DP_MIN(pieces[k / 5 / DP_ARRAY_SIZE(sizes)], (int)size) : 1;

		for (uint32_t second = 0; second < 2; second++) { /* which stands behind one that is not answered */
			struct roce_sge sge[30];
			struct roce_send_wr wr = scattered(w, qp[0], opcode, sge, n, size);

			for (int i = 0; i < n; i++)
				sge[i].addr += second * 100;
			wr.wr_id = k;
			wr.remote_addr += opcode == ROCE_WR_RDMA_READ ? second * 50 : second << 20;
			if (opcode != ROCE_WR_RDMA_WRITE && opcode != ROCE_WR_RDMA_READ)
				CHECK_EQ(post_recv_at(w, qp[1], TARGET + ((3 + second) << 20) + 5, 1u << 20), 0);
			CHECK_EQ(roce_post_send(qp[0], &wr), 0);
			w->end[1].stopped = k % 2; /* both are sent before the peer looks */
			drive(w, DP_MS);
		}
		w->end[1].stopped = false;
		drive(w, LIMIT);
		see(w);
		see_landings(w);
	}
	see_states(w, qp);
}

/* Receives of many pieces, too; and a buffer that is used again as soon as its request completes. */
static void play_pieces_and_reuse(struct world *w)
{
	struct roce_sge sge[30];
	struct roce_recv_wr recv = {.wr_id = 1000, .sg_list = sge, .num_sge = 30};
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	for (uint32_t size = 1; size < 40000; size = size * 3 / 2 + 1) {
		for (uint32_t i = 0; i < 30; i++)
			sge[i] = sge_of(&w->end[1], TARGET + i * 5000, size / 29 + 1);
		CHECK_EQ(roce_post_recv(qp[1], &recv), 0);
		CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, size), 0);
		drive(w, LIMIT);
		fill_bytes(w->end[0].buf, size, size);
		see(w);
		note(w, "%08x\n", dp_crc32_update(~0u, w->end[1].buf + TARGET, 200000));
	}
}

static void play_inline(struct world *w)
{
	static const uint32_t opcodes[] = {ROCE_WR_RDMA_WRITE, ROCE_WR_SEND, ROCE_WR_RDMA_WRITE_WITH_IMM};
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	for (uint32_t k = 0; k < 30; k++) {
		uint8_t data[480];
		struct roce_sge sge = {(uintptr_t)data, (k * 77) % sizeof(data), 0};
		struct roce_send_wr wr = {.sg_list = &sge,
					  .num_sge = 1,
					  .opcode = opcodes[k % 3],
					  .send_flags = ROCE_SEND_SIGNALED | ROCE_SEND_INLINE,
					  .remote_addr = (uintptr_t)w->end[1].buf + TARGET + k * 512,
					  .rkey = w->end[1].mr->key};

		fill_bytes(data, sizeof(data), k);
		CHECK_EQ(post_recv_at(w, qp[1], TARGET + (1u << 20) + k * 512, 512), 0);
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
		memset(data, 0, sizeof(data)); /* it is the program's again at once */
		if (k % 4 == 3)
			drive(w, LIMIT);
	}
	drive(w, LIMIT);
	see(w);
	see_memory(w, 1);
}

/* ---- refusals ---- */

struct refusal {
	uint32_t opcode, length;
	int what;
};
enum { BAD_KEY, OTHER_PD, NO_RIGHT, OUT_OF_BOUNDS, OTHER_WINDOW, QP_NO_RIGHT, GONE, KINDS };

static struct refusal refusal;

/* The one before it is executed and completes, or is not yet answered; the one after it is flushed. */
static void play_refusal(struct world *w)
{
	struct end *b = &w->end[1];
	struct roce_pd *pd = roce_pd_alloc(b->dev);
	struct roce_mr *other = roce_mr_reg(pd, b->buf, BUF_BYTES, (uintptr_t)b->buf, ALL);
	struct roce_mr *weak = roce_mr_reg(b->pd, b->buf, BUF_BYTES, (uintptr_t)b->buf, ROCE_ACCESS_LOCAL_WRITE);
	struct roce_mr *gone = roce_mr_reg(b->pd, b->buf, BUF_BYTES, (uintptr_t)b->buf, ALL);
	struct roce_mw *mw = roce_mw_alloc(b->pd, ROCE_MW_TYPE_2);
	struct roce_send_wr bind = {.opcode = ROCE_WR_BIND_MW, .mw = mw, .rkey = roce_mw_rkey(mw) ^ 1};
	struct roce_qp *qp[2], *owner[2];
	struct roce_send_wr wr;
	struct roce_sge sge;

	for (int i = 0; i < 2; i++) {
		qp[i] = new_qp(&w->end[i], ROCE_QPT_RC, NULL, NULL);
		owner[i] = new_qp(&w->end[i], ROCE_QPT_RC, NULL, NULL);
	}
	join(qp[0], qp[1], usual, (struct how){.access = refusal.what == QP_NO_RIGHT ? 1 : 0});
	join(owner[0], owner[1], usual, usual);
	bind.bind = (struct roce_mw_bind_info){b->mr, (uintptr_t)b->buf, BUF_BYTES, 6};
	CHECK_EQ(roce_post_send(owner[1], &bind), 0);
	drive(w, LIMIT);
	wr = request(w, qp[0], refusal.opcode, &sge, refusal.length);
	if (refusal.what != QP_NO_RIGHT)
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	wr.wr_id = 1;
	if (refusal.opcode == ROCE_WR_RDMA_WRITE)
		fill_bytes(w->end[0].buf, 200000, 99); /* what must not land */
	if (refusal.what == BAD_KEY)
		wr.rkey ^= 0x5;
	else if (refusal.what == OTHER_PD)
		wr.rkey = other->key;
	else if (refusal.what == NO_RIGHT)
		wr.rkey = weak->key;
	else if (refusal.what == OUT_OF_BOUNDS)
		wr.remote_addr = (uintptr_t)b->buf + BUF_BYTES - refusal.length + 1;
	else if (refusal.what == OTHER_WINDOW)
		wr.rkey = bind.rkey;
	else if (refusal.what == GONE)
		wr.rkey = gone->key;
	CHECK_EQ(roce_mr_dereg(gone), 0);
	CHECK_EQ(post_recv(w, qp[1], 100), 0);
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 10), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
	see_memory(w, 1);
}

static void test_refusals(void)
{
	static const uint32_t sizes[] = {8, 5000, 200000};

	for (int what = 0; what < KINDS; what++)
		for (size_t s = 0; s < DP_ARRAY_SIZE(sizes); s++)
			for (int read = 0; read < 2; read++) {
				refusal =
					(struct refusal){read ? ROCE_WR_RDMA_READ : ROCE_WR_RDMA_WRITE, sizes[s], what};
				SAME(play_refusal);
			}
}

/* Nothing is asked of a key that guards no bytes. */
static void play_zero_length(struct world *w)
{
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	for (int read = 0; read < 2; read++) {
		struct roce_send_wr wr = {.opcode = read ? ROCE_WR_RDMA_READ : ROCE_WR_RDMA_WRITE, .rkey = 77};

		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
		drive(w, LIMIT);
	}
	see(w);
	see_states(w, qp);
}

/* A responder that takes no READ takes none by any way. */
static void play_read_without_resources(struct world *w)
{
	struct roce_qp *qp[2];

	for (int i = 0; i < 2; i++)
		qp[i] = new_qp(&w->end[i], ROCE_QPT_RC, NULL, NULL);
	join(qp[0], qp[1], usual, (struct how){.no_rd = 1});
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 8), 0);
	drive(w, LIMIT);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_READ, 8), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
}

/* What the requester finds wrong itself: nothing of the request lands, however long it is. */
static void play_bad_last_piece(struct world *w)
{
	struct roce_sge sge[2] = {sge_of(&w->end[0], 0, 6u << 20), sge_of(&w->end[0], 100, 100)};
	struct roce_send_wr wr = {.sg_list = sge,
				  .num_sge = 2,
				  .opcode = ROCE_WR_RDMA_WRITE,
				  .remote_addr = (uintptr_t)w->end[1].buf + TARGET,
				  .rkey = w->end[1].mr->key};
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	sge[1].lkey ^= 1;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
	see_memory(w, 1);
}

/* What was good before the bad one completes, READs with their data. */
static void play_error_behind_reads(struct world *w)
{
	struct roce_send_wr wr;
	struct roce_qp *qp[2];
	struct roce_sge sge;

	pair_of(w, ROCE_QPT_RC, qp);
	CHECK_EQ(post_recv(w, qp[1], 100000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 50000), 0);
	for (uint32_t i = 0; i < 3; i++) {
		wr = request(w, qp[0], ROCE_WR_RDMA_READ, &sge, 50000);
		sge.addr += i * 60000;
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	}
	wr = request(w, qp[0], ROCE_WR_RDMA_WRITE, &sge, 50000);
	wr.rkey ^= 1;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
	see_memory(w, 0);
	see_memory(w, 1);
}

static void play_receive_too_small(struct world *w)
{
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	CHECK_EQ(post_recv(w, qp[1], 50000), 0);
	CHECK_EQ(post_recv(w, qp[1], 9999), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 50000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 10000), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
}

/* ---- waiting and order ---- */

static void play_rnr(struct world *w)
{
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 50000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE_WITH_IMM, 40000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 30000), 0);
	drive(w, 5 * DP_MS);
	see(w);
	note(w, "nothing yet: %02x\n", w->end[1].buf[TARGET]);
	CHECK_EQ(post_recv(w, qp[1], 50000), 0);
	drive(w, 5 * DP_MS);
	see(w);
	CHECK_EQ(post_recv(w, qp[1], 50000), 0);
	drive(w, LIMIT);
	see(w);
	see_memory(w, 1);
	CHECK(w->end[0].dev->ctr->rcvd_naks > 2);
}

static void play_rnr_retries(struct world *w)
{
	struct roce_qp *qp[2];

	for (int i = 0; i < 2; i++)
		qp[i] = new_qp(&w->end[i], ROCE_QPT_RC, NULL, NULL);
	join(qp[0], qp[1], (struct how){.once = 1}, usual);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 3000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 3000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 3000), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
}

/* Each sees what those before it did, though some go as packets and some could be copied. */
static void play_order(struct world *w)
{
	struct end *a = &w->end[0], *b = &w->end[1];
	uint64_t *there = (uint64_t *)(void *)(b->buf + TARGET);
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	for (int flags = 0; flags < 2; flags++) {
		for (uint32_t i = 0; i < 12; i++) {
			struct roce_sge sge;
			struct roce_send_wr wr = request(w, qp[0], ROCE_WR_RDMA_WRITE, &sge, 8);

			*(uint64_t *)(void *)(a->buf + 64 * i) = i + 1;
			sge.addr += 64ull * i;
			if (i % 4 == 1) { /* adds 100 to what was written */
				wr.opcode = ROCE_WR_ATOMIC_FETCH_AND_ADD;
				wr.compare_add = 100;
				sge.addr = (uintptr_t)a->buf + TARGET + i * 8;
			} else if (i % 4 == 2) {
				wr.opcode = ROCE_WR_RDMA_READ;
				sge.addr = (uintptr_t)a->buf + TARGET + i * 8;
			} else if (i % 4 == 3) {
				CHECK_EQ(post_recv(w, qp[1], 5000), 0);
				wr.opcode = ROCE_WR_SEND;
				sge.length = 5000;
			}
			if (flags)
				wr.send_flags |= ROCE_SEND_FENCE;
			CHECK_EQ(roce_post_send(qp[0], &wr), 0);
		}
		drive(w, LIMIT);
		see(w);
		for (int i = 0; i < 12; i++)
			note(w, "%llu ", (unsigned long long)((uint64_t *)(void *)(a->buf + TARGET))[i]);
		note(w, "there %llu\n", (unsigned long long)*there);
	}
	see_states(w, qp);
}

/* ---- other services and queues ---- */

static void play_srq(struct world *w)
{
	struct roce_srq_attr attr = {.max_wr = 64, .max_sge = 4};
	struct roce_srq *srq = roce_srq_create(w->end[1].pd, &attr, NULL);
	struct roce_qp *qp[2][2];

	attr.srq_limit = 3;
	CHECK_EQ(roce_srq_modify(srq, &attr, ROCE_SRQ_LIMIT), 0);
	for (int k = 0; k < 2; k++) {
		qp[k][0] = new_qp(&w->end[0], ROCE_QPT_RC, NULL, NULL);
		qp[k][1] = new_qp(&w->end[1], ROCE_QPT_RC, srq, NULL);
		join(qp[k][0], qp[k][1], usual, usual);
	}
	for (uint32_t i = 0; i < 5; i++) {
		struct roce_sge sge = sge_of(&w->end[1], TARGET + i * 20000, 20000);
		struct roce_recv_wr wr = {.wr_id = 1000, .sg_list = &sge, .num_sge = 1};

		CHECK_EQ(roce_post_srq_recv(srq, &wr), 0);
		CHECK_EQ(post(w, qp[i % 2][0], ROCE_WR_SEND, i % 2 ? 15000 : 100), 0);
		drive(w, LIMIT);
	}
	see(w);
	see_memory(w, 1);
	see_states(w, qp[0]);
}

static void play_xrc(struct world *w)
{
	struct end *b = &w->end[1];
	struct roce_srq_attr attr = {.max_wr = 64, .max_sge = 4};
	struct roce_xrcd *xrcd = roce_xrcd_alloc(b->dev);
	struct roce_srq *srq = roce_srq_create_xrc(b->pd, xrcd, b->cq, &attr, NULL);
	struct roce_qp *qp[2] = {new_qp(&w->end[0], ROCE_QPT_XRC_SEND, NULL, NULL),
				 new_qp(b, ROCE_QPT_XRC_RECV, NULL, xrcd)};
	static const uint32_t opcodes[] = {ROCE_WR_SEND,
					   ROCE_WR_RDMA_WRITE,
					   ROCE_WR_RDMA_READ,
					   ROCE_WR_RDMA_WRITE_WITH_IMM,
					   ROCE_WR_ATOMIC_FETCH_AND_ADD,
					   ROCE_WR_RDMA_READ};

	join(qp[0], qp[1], usual, usual);
	for (size_t i = 0; i < 4 * DP_ARRAY_SIZE(opcodes); i++) {
		uint32_t opcode = opcodes[i % DP_ARRAY_SIZE(opcodes)];
		struct roce_sge recv = sge_of(b, TARGET + (2u << 20), 200000), sge;
		struct roce_recv_wr rwr = {.wr_id = 1000, .sg_list = &recv, .num_sge = 1};
		struct roce_send_wr wr = request(w, qp[0], opcode, &sge,
						 opcode == ROCE_WR_ATOMIC_FETCH_AND_ADD ? 8 : 9 + (uint32_t)i * 7000);

		wr.remote_srqn = roce_srq_num(srq);
		if (opcode == ROCE_WR_SEND || opcode == ROCE_WR_RDMA_WRITE_WITH_IMM)
			CHECK_EQ(roce_post_srq_recv(srq, &rwr), 0);
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
		if (i % 3)
			drive(w, LIMIT);
	}
	drive(w, LIMIT);
	see(w);
	see_memory(w, 0);
	see_memory(w, 1);
	see_states(w, qp);
}

/* Unreliable: complete when sent, and the buffer is used again at once. In order all the same. */
static void play_uc(struct world *w)
{
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_UC, qp);
	for (uint32_t i = 0; i < 20; i++) {
		struct end *a = &w->end[0];
		uint32_t size = i * i * 100;

		CHECK_EQ(post_recv_at(w, qp[1], TARGET + (1u << 20) + i * 100000, 100000), 0);
		fill_bytes(a->buf, size, i);
		CHECK_EQ(post(w, qp[0], i % 3 ? ROCE_WR_RDMA_WRITE : ROCE_WR_SEND, size), 0);
		w->end[1].stopped = true;
		drive(w, LIMIT);
		see_end(w, 0);
		fill_bytes(a->buf, size, ~i); /* complete: the program's again */
		w->end[1].stopped = i % 4 != 3;
		drive(w, LIMIT);
		see_end(w, 1);
		note(w, "%08x\n", i % 4 == 3 ? dp_crc32_update(~0u, a[1].buf + TARGET, 4u << 20) : 0);
	}
	see_states(w, qp);
}

/* A WRITE behind a SEND that the peer has not looked at yet must not land before it. */
static void play_uc_order(struct world *w)
{
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_UC, qp);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 100), 0);
	drive(w, LIMIT); /* communication is established */
	w->end[1].stopped = true;
	CHECK_EQ(post_recv_at(w, qp[1], TARGET, 5000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 900), 0);
	drive(w, DP_MS);
	fill_bytes(w->end[0].buf, 900, 5);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 900), 0); /* to the same place */
	drive(w, DP_MS);
	w->end[1].stopped = false;
	drive(w, LIMIT);
	see(w);
	note(w, "the second wins: %08x\n", dp_crc32_update(~0u, w->end[1].buf + TARGET, 900));
}

/* ---- memory of other sorts ---- */

static void play_windows(struct world *w)
{
	struct end *b = &w->end[1];
	struct roce_mw *one = roce_mw_alloc(b->pd, ROCE_MW_TYPE_1), *two = roce_mw_alloc(b->pd, ROCE_MW_TYPE_2);
	struct roce_mw_bind bind = {.send_flags = ROCE_SEND_SIGNALED,
				    .info = {b->mr, (uintptr_t)b->buf + TARGET, 100000, 6}};
	struct roce_send_wr bind2 = {.opcode = ROCE_WR_BIND_MW, .mw = two, .rkey = roce_mw_rkey(two) ^ 3};
	struct roce_send_wr wr;
	struct roce_qp *qp[2];
	struct roce_sge sge;

	pair_of(w, ROCE_QPT_RC, qp);
	CHECK_EQ(roce_bind_mw(qp[1], one, &bind), 0);
	bind2.bind = (struct roce_mw_bind_info){b->mr, (uintptr_t)b->buf + TARGET + 200000, 100000,
						6 | ROCE_ACCESS_ZERO_BASED};
	CHECK_EQ(roce_post_send(qp[1], &bind2), 0);
	drive(w, LIMIT);
	see(w);
	for (int k = 0; k < 4; k++) { /* through both windows, both ways */
		wr = request(w, qp[0], k & 1 ? ROCE_WR_RDMA_READ : ROCE_WR_RDMA_WRITE, &sge, 60000);
		wr.rkey = k & 2 ? bind2.rkey : roce_mw_rkey(one);
		wr.remote_addr = k & 2 ? 7 : (uintptr_t)b->buf + TARGET + 9;
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
		drive(w, LIMIT);
	}
	/* Bound again elsewhere: another key, and the old one is worth nothing. */
	bind.info.addr += 400000;
	CHECK_EQ(roce_bind_mw(qp[1], one, &bind), 0);
	drive(w, LIMIT);
	wr = request(w, qp[0], ROCE_WR_RDMA_WRITE, &sge, 60000);
	wr.rkey = roce_mw_rkey(one);
	wr.remote_addr += 400000;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	see(w);
	/* The peer invalidates the second, and nothing gets through it any more. */
	CHECK_EQ(post_recv(w, qp[1], 50000), 0);
	wr = request(w, qp[0], ROCE_WR_SEND_WITH_INV, &sge, 40000);
	wr.invalidate_rkey = bind2.rkey;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	wr = request(w, qp[0], ROCE_WR_RDMA_WRITE, &sge, 3000);
	wr.rkey = bind2.rkey;
	wr.remote_addr = 7;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	see(w);
	see_memory(w, 0);
	see_memory(w, 1);
	see_states(w, qp);
}

static void play_device_memory(struct world *w)
{
	struct end *b = &w->end[1];
	struct roce_dm *dm = roce_dm_alloc(b->dev, 65536, 0);
	struct roce_mr *mr = roce_dm_reg_mr(b->pd, dm, 4096, 40000, ALL | ROCE_ACCESS_ZERO_BASED);
	uint8_t *copy = calloc(1, 65536);
	struct roce_send_wr wr;
	struct roce_qp *qp[2];
	struct roce_sge sge;

	CHECK(mr);
	pair_of(w, ROCE_QPT_RC, qp);
	for (int k = 0; k < 3; k++) {
		wr = request(w, qp[0],
			     k == 2 ? ROCE_WR_RDMA_WRITE
			     : k    ? ROCE_WR_RDMA_READ
				    : ROCE_WR_RDMA_WRITE,
			     &sge, 39000);
		wr.rkey = mr->key;
		wr.remote_addr = k == 2 ? 1001 : 900; /* the last one runs out of it */
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
		drive(w, LIMIT);
	}
	see(w);
	CHECK_EQ(roce_memcpy_from_dm(copy, dm, 0, 65536), 0);
	note(w, "%08x\n", dp_crc32_update(~0u, copy, 65536));
	see_memory(w, 0);
	see_states(w, qp);
	free(copy);
}

static void play_implicit_and_null(struct world *w)
{
	struct end *a = &w->end[0], *b = &w->end[1];
	struct roce_mr *all = roce_mr_reg(b->pd, NULL, UINT64_MAX, 0, ALL | ROCE_ACCESS_ON_DEMAND);
	struct roce_mr *null_a = roce_mr_alloc_null(a->pd), *null_b = roce_mr_alloc_null(b->pd);
	struct roce_send_wr wr;
	struct roce_qp *qp[2];
	struct roce_sge sge, recv;
	struct roce_recv_wr rwr = {.wr_id = 1000, .sg_list = &recv, .num_sge = 1};

	CHECK(all && null_a && null_b);
	pair_of(w, ROCE_QPT_RC, qp);
	for (int k = 0; k < 2; k++) { /* whatever is there */
		wr = request(w, qp[0], k ? ROCE_WR_RDMA_READ : ROCE_WR_RDMA_WRITE, &sge, 50000);
		wr.rkey = all->key;
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
		drive(w, LIMIT);
	}
	see(w);
	/* Zeros, more than a page of them: as a SEND, as a WRITE, and among other pieces. */
	for (int k = 0; k < 3; k++) {
		struct roce_sge two[2];

		CHECK_EQ(post_recv_at(w, qp[1], TARGET + (1u << 20) + (uint32_t)k * 100000, 100000), 0);
		wr = request(w, qp[0], k ? ROCE_WR_SEND : ROCE_WR_RDMA_WRITE, &sge, 70000);
		sge.lkey = null_a->key;
		two[0] = sge;
		two[1] = sge_of(a, 5, 9000);
		if (k == 2) {
			wr.sg_list = two;
			wr.num_sge = 2;
		}
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
		drive(w, LIMIT);
	}
	/* Into nothing: a READ, and a receive. */
	wr = request(w, qp[0], ROCE_WR_RDMA_READ, &sge, 70000);
	sge.lkey = null_a->key;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	recv = (struct roce_sge){77, 70000, null_b->key};
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	count_wcs(b, 0); /* their receives */
	drive(w, LIMIT);
	CHECK_EQ(roce_post_recv(qp[1], &rwr), 0);
	see(w);
	see_memory(w, 0);
	see_memory(w, 1);
	/* And an implicit region where nothing is. */
	wr = request(w, qp[0], ROCE_WR_RDMA_WRITE, &sge, 50000);
	wr.rkey = all->key;
	wr.remote_addr = 8192;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
}

static int hole; /* which scenario */

/* A page of a registered buffer is unmapped: where is told by `hole`. */
static void play_unmapped(struct world *w)
{
	static const uint32_t opcodes[] = {ROCE_WR_SEND, ROCE_WR_RDMA_WRITE, ROCE_WR_RDMA_READ};
	uint32_t opcode = opcodes[hole % 3], size = hole / 3 % 2 ? 1500 : 100000;
	bool at_sender = hole / 6 % 2, behind = hole / 12 % 2;
	struct end *a = &w->end[0], *b = &w->end[1];
	uint8_t *page = at_sender ? (opcode == ROCE_WR_RDMA_READ ? b->buf + 4096 : a->buf + 4096)
				  : (opcode == ROCE_WR_RDMA_READ ? a->buf + TARGET + 4096 : b->buf + TARGET + 4096);
	struct roce_send_wr wr;
	struct roce_qp *qp[2];
	struct roce_sge sge;

	pair_of(w, ROCE_QPT_RC, qp);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 8), 0);
	drive(w, LIMIT);
	CHECK_EQ(munmap(page, 4096), 0);
	CHECK_EQ(post_recv_at(w, qp[1], TARGET + (5u << 20), 100), 0);
	CHECK_EQ(post_recv_at(w, qp[1], TARGET + 4096, 200000), 0);
	CHECK_EQ(post_recv_at(w, qp[1], TARGET + (6u << 20), 100), 0);
	if (behind)
		CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 100), 0);
	else
		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE_WITH_IMM, 100), 0);
	if (!behind)
		drive(w, LIMIT);
	wr = request(w, qp[0], opcode, &sge, size);
	if (opcode == ROCE_WR_RDMA_READ)
		sge.addr = (uintptr_t)a->buf + TARGET + 4096;
	else
		sge.addr = (uintptr_t)a->buf + 4096;
	wr.remote_addr = (uintptr_t)b->buf + 4096 + (opcode == ROCE_WR_RDMA_READ ? 0 : TARGET);
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 50), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
}

static void test_unmapped(void)
{
	for (hole = 0; hole < 24; hole++)
		SAME(play_unmapped);
}

/* ---- the link and the pacer ---- */

static void play_link_down(struct world *w)
{
	struct roce_qp *qp[2];

	for (int i = 0; i < 2; i++)
		qp[i] = new_qp(&w->end[i], ROCE_QPT_RC, NULL, NULL);
	join(qp[0], qp[1], (struct how){.retry_cnt = 3}, usual);
	for (int end = 0; end < 2; end++) {
		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 5000), 0);
		drive(w, LIMIT);
		roce_dev_set_link(w->end[end].dev, false, w->now);
		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 5000), 0);
		drive(w, 100 * DP_MS);
		see(w);
		roce_dev_set_link(w->end[end].dev, true, w->now);
		drive(w, LIMIT);
		see(w);
	}
	roce_dev_set_link(w->end[1].dev, false, w->now);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 5000), 0);
	drive(w, LIMIT);
	see(w);
	see_states(w, qp);
}

static void play_pause(struct world *w)
{
	struct roce_qp *qp[2];

	pair_of(w, ROCE_QPT_RC, qp);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 5000), 0);
	drive(w, LIMIT);
	roce_dev_pause(w->end[0].dev, 1, w->now);
	fill_bytes(w->end[0].buf, 5000, 3);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 5000), 0);
	drive(w, 10 * DP_SEC);
	see(w);
	note(w, "%08x\n", dp_crc32_update(~0u, w->end[1].buf + TARGET, 5000));
	roce_dev_pause(w->end[0].dev, 0, w->now);
	drive(w, LIMIT);
	see(w);
	note(w, "%08x\n", dp_crc32_update(~0u, w->end[1].buf + TARGET, 5000));
}

int main(void)
{
	dp_guard_acquire();
	SAME(play_operations);
	SAME(play_pieces_and_reuse);
	SAME(play_inline);
	RUN(test_refusals);
	SAME(play_zero_length);
	SAME(play_read_without_resources);
	SAME(play_bad_last_piece);
	SAME(play_error_behind_reads);
	SAME(play_receive_too_small);
	SAME(play_rnr);
	SAME(play_rnr_retries);
	SAME(play_order);
	SAME(play_srq);
	SAME(play_xrc);
	SAME(play_uc);
	SAME(play_uc_order);
	SAME(play_windows);
	SAME(play_device_memory);
	SAME(play_implicit_and_null);
	RUN(test_unmapped);
	SAME(play_link_down);
	SAME(play_pause);
	dp_guard_release();
	return check_done();
}
