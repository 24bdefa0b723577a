/*
 * What only the local path has: copies without the peer's help, rings that fill up, payload that is gone when it is
 * pulled, peers that die or write nonsense. test_local.c compares the rest with packets.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "tests/c/local_util.h"

#define LIMIT (60 * DP_SEC)

static const struct how usual;
static struct world world;

static struct world *begin(struct roce_qp *qp[2])
{
	world_open(&world, true);
	pair_of(&world, ROCE_QPT_RC, qp);
	return &world;
}

static uint64_t drops(struct world *w, int i, enum roce_drop why)
{
	return w->end[i].dev->ctr->drops[why];
}

/* ---- direct copies ---- */

static void test_direct_copies_need_no_peer(void)
{
	static const uint32_t sizes[] = {0, 1, 8, 4096, 100000, 5u << 20};
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1];
	struct roce_qp_counters own;
	uint64_t bytes = 0;

	b->stopped = true;
	for (size_t s = 0; s < DP_ARRAY_SIZE(sizes); s++) {
		fill_bytes(a->buf, sizes[s], (uint32_t)s);
		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, sizes[s]), 0);
		drive(w, DP_MS);
		CHECK_MEM(b->buf + TARGET, a->buf, sizes[s]);
		CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 1);
		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_READ, sizes[s]), 0);
		drive(w, DP_MS);
		if (sizes[s] <= 1 << 20)
			CHECK_MEM(a->buf + TARGET + (4u << 20), b->buf, sizes[s]);
		CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 1);
		bytes += sizes[s];
	}
	/* Each is counted where it was done, and a request once. */
	CHECK_EQ(b->dev->ctr->rx_write_requests, 0);
	roce_dev_fold(b->dev);
	CHECK_EQ(b->dev->ctr->rx_write_requests, DP_ARRAY_SIZE(sizes));
	CHECK_EQ(b->dev->ctr->rx_read_requests, DP_ARRAY_SIZE(sizes));
	CHECK_EQ(b->dev->ctr->rcvd_bytes, bytes);
	CHECK_EQ(b->dev->ctr->sent_bytes, bytes);
	CHECK_EQ(a->dev->ctr->rcvd_bytes, bytes);
	CHECK_EQ(a->dev->ctr->sent_bytes, bytes);
	roce_qp_counters(qp[1], &own);
	CHECK_EQ(own.rx_write_requests, DP_ARRAY_SIZE(sizes));
	roce_dev_fold(b->dev);
	CHECK_EQ(b->dev->ctr->rx_write_requests, DP_ARRAY_SIZE(sizes));
	world_close(w);
}

/* A long copy gives the engine back in between, and what comes between is not overtaken. */
static void test_a_copy_that_goes_on_as_a_packet(void)
{
	for (int how = 0; how < 2; how++) {
		struct roce_qp *qp[2];
		struct world *w = begin(qp);
		struct end *a = &w->end[0], *b = &w->end[1];

		fill_bytes(a->buf, 6u << 20, 1);
		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 6u << 20), 0);
		roce_pump_tx(&a->pump, w->now);
		CHECK_MEM(b->buf + TARGET, a->buf, 4u << 20);
		CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 0);
		CHECK_EQ(b->buf[TARGET + (5u << 20)], 0);
		if (how) {
			struct roce_qp_attr attr = {.rate_limit = 100000000};

			CHECK_EQ(roce_qp_modify(qp[0], &attr, ROCE_QP_RATE_LIMIT), 0);
			drive(w, LIMIT);
			attr.rate_limit = 0;
			CHECK_EQ(roce_qp_modify(qp[0], &attr, ROCE_QP_RATE_LIMIT), 0);
		} else {
			roce_dev_set_link(a->dev, false, w->now);
			drive(w, 10 * DP_MS);
			roce_dev_set_link(a->dev, true, w->now);
			drive(w, LIMIT);
		}
		CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 1);
		CHECK_MEM(b->buf + TARGET, a->buf, 6u << 20);
		/* The next one begins at its beginning. */
		fill_bytes(a->buf, 5000, 2);
		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 5000), 0);
		drive(w, LIMIT);
		CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 1);
		CHECK_MEM(b->buf + TARGET, a->buf, 6u << 20);
		world_close(w);
	}
}

static void test_a_rate_limit_holds(void)
{
	struct roce_qp_attr attr = {.rate_limit = 100000}; /* 100 Mb/s */
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	uint64_t from;

	CHECK_EQ(roce_qp_modify(qp[0], &attr, ROCE_QP_RATE_LIMIT), 0);
	from = w->now;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 5u << 20), 0);
	drive(w, LIMIT);
	CHECK_EQ(count_wcs(&w->end[0], ROCE_WC_SUCCESS), 3);
	CHECK(w->now - from >= 2 * (5ull << 20) * 8 * 10000); /* ps a bit; the last one's time is not waited for */
	world_close(w);
}

/* The longest message, both ways; and what is longer is refused when it is posted. */
static void test_a_gibibyte(void)
{
	int fd = memfd_create("gibibyte", MFD_CLOEXEC);
	size_t piece = 4u << 20, all = 1u << 30;
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	uint8_t *at = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct roce_mr *mr;
	struct roce_sge sge;
	struct roce_send_wr wr;

	CHECK_EQ(ftruncate(fd, (off_t)piece), 0);
	for (size_t i = 0; i < all; i += piece)
		mmap(at + i, piece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	mr = roce_mr_reg(w->end[1].pd, at, all, (uintptr_t)at, ALL);
	wr = request(w, qp[0], ROCE_WR_RDMA_WRITE, &sge, 8);
	/* From the same pages to the same pages: it is the bounds that count here. */
	sge = (struct roce_sge){(uintptr_t)at, 1u << 30, roce_mr_reg(w->end[0].pd, at, all, (uintptr_t)at, ALL)->key};
	wr.remote_addr = (uintptr_t)at;
	wr.rkey = mr->key;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	CHECK_EQ(count_wcs(&w->end[0], ROCE_WC_SUCCESS), 1);
	{
		struct roce_sge recv = {(uintptr_t)at, 1u << 30, mr->key};
		struct roce_recv_wr rwr = {.sg_list = &recv, .num_sge = 1};

		CHECK_EQ(roce_post_recv(qp[1], &rwr), 0);
	}
	wr.opcode = ROCE_WR_SEND;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	drive(w, LIMIT);
	CHECK_EQ(count_wcs(&w->end[0], ROCE_WC_SUCCESS), 1);
	CHECK_EQ(count_wcs(&w->end[1], ROCE_WC_SUCCESS), 1);
	sge.length++;
	CHECK(roce_post_send(qp[0], &wr) < 0);
	world_close(w);
	munmap(at, all);
	close(fd);
}

/* ---- full rings ---- */

static void test_a_full_ring_holds_and_delivers_in_order(void)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1];

	b->stopped = true;
	for (uint32_t i = 0; i < 250; i++) {
		memset(a->buf + i * 2048, (int)i, 2048);
		CHECK_EQ(post_recv_at(w, qp[1], TARGET + i * 2048, 2048), 0);
	}
	for (uint32_t i = 0; i < 250; i++) {
		struct roce_sge sge;
		struct roce_send_wr wr = request(w, qp[0], ROCE_WR_SEND, &sge, 2048);

		sge.addr += i * 2048;
		CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	}
	drive(w, 500 * DP_MS);
	CHECK(roce_local_tight(a->local));
	CHECK(a->dev->held);
	CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 0);
	b->stopped = false;
	drive(w, LIMIT);
	CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 250);
	CHECK_EQ(count_wcs(b, ROCE_WC_SUCCESS), 250);
	CHECK_MEM(b->buf + TARGET, a->buf, 250 * 2048);
	CHECK_EQ(a->dev->ctr->retransmitted_pkts, 0); /* to wait for room is no loss */
	CHECK_EQ(a->dev->ctr->timeouts, 0);
	CHECK(!roce_local_tight(a->local));
	CHECK_EQ(a->dev->held, 0);
	world_close(w);
}

/* Who reads nothing for a second holds nobody up: others of the same lane go on, and its own queue pair gives up. */
static void test_a_stopped_reader_is_given_up(void)
{
	struct roce_qp *qp[2], *to_c[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0];

	to_c[0] = new_qp(a, ROCE_QPT_RC, NULL, NULL);
	to_c[1] = new_qp(&w->end[2], ROCE_QPT_RC, NULL, NULL);
	join(to_c[0], to_c[1], usual, usual);
	w->end[1].stopped = true;
	for (uint32_t i = 0; i < 200; i++)
		CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 2048), 0);
	drive(w, 900 * DP_MS);
	CHECK(a->dev->held);
	CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 0);
	drive(w, LIMIT);
	CHECK_EQ(a->dev->held, 0);
	CHECK_EQ(qp[0]->state, ROCE_QPS_ERR);
	CHECK_EQ(count_wcs(a, ROCE_WC_RETRY_EXC_ERR), 1);
	CHECK_EQ(roce_post_send(to_c[0], &(struct roce_send_wr){.opcode = ROCE_WR_RDMA_WRITE}), 0);
	drive(w, LIMIT);
	CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 1);
	world_close(w);
}

/* Whatever one sender keeps in its ring, the others' packets are read meanwhile. */
static void test_rings_take_turns(void)
{
	struct roce_qp *qp[2], *to_c[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1], *c = &w->end[2];
	int calls = 0;

	to_c[0] = new_qp(c, ROCE_QPT_RC, NULL, NULL);
	to_c[1] = new_qp(a, ROCE_QPT_RC, NULL, NULL);
	join(to_c[0], to_c[1], usual, usual);
	a->stopped = true;
	for (uint32_t i = 0; i < 200; i++)
		CHECK_EQ(post(w, qp[1], ROCE_WR_SEND, 8), 0);
	CHECK_EQ(roce_post_send(to_c[0], &(struct roce_send_wr){.opcode = ROCE_WR_SEND}), 0);
	drive(w, DP_MS);
	(void)b;
	while (!to_c[1]->resp.comm_est && !to_c[1]->resp.gap_reported && calls < 10) {
		CHECK(roce_local_rx(a->local, 16, w->now) > 0);
		calls++;
	}
	CHECK(calls <= 2);
	world_close(w);
}

/* ---- payload that is gone ---- */

enum end_of_life { RESET_IT, FAIL_IT, DESTROY_IT, FAIL_BY_PEER };

/* Sent by reference, and the sender's queue pair is over before it is pulled: nothing is delivered. */
static void over_before_pulled(enum end_of_life how)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1];
	struct roce_qp_attr attr = {.qp_state = how == RESET_IT ? ROCE_QPS_RESET : ROCE_QPS_ERR};

	b->stopped = true;
	CHECK_EQ(post_recv(w, qp[1], 100000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 100000), 0);
	drive(w, DP_MS);
	if (how == DESTROY_IT)
		CHECK_EQ(roce_qp_destroy(qp[0]), 0);
	else
		CHECK_EQ(roce_qp_modify(qp[0], &attr, ROCE_QP_STATE), 0);
	if (how == FAIL_IT)
		CHECK_EQ(count_wcs(a, ROCE_WC_WR_FLUSH_ERR), 1);
	memset(a->buf, 0xee, 100000); /* the program's again */
	b->stopped = false;
	drive(w, LIMIT);
	CHECK_EQ(drops(w, 1, ROCE_DROP_PAYLOAD_GONE), 1);
	CHECK_EQ(count_wcs(b, ROCE_WC_SUCCESS), 0);
	CHECK_EQ(b->buf[TARGET + (1u << 20)], 0);
	CHECK_EQ(qp[1]->rq.head - qp[1]->rq.tail, 1); /* its receive waits on */
	CHECK_EQ(qp[1]->state, ROCE_QPS_RTS);
	if (how == RESET_IT) { /* and in its next life it sends again, to whom nothing is lost */
		to_init(qp[0], usual);
		to_rts(qp[0], qp[1]->qpn, usual);
		CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 5000), 0);
		drive(w, LIMIT);
		CHECK_EQ(count_wcs(b, ROCE_WC_SUCCESS), 1);
		CHECK_MEM(b->buf + TARGET + (1u << 20), a->buf, 5000);
	}
	world_close(w);
}

static void test_what_a_dead_queue_pair_sent_is_void(void)
{
	over_before_pulled(RESET_IT);
	over_before_pulled(FAIL_IT);
	over_before_pulled(DESTROY_IT);
}

/* READ responses that are under way when a later request fails the responder: as on a wire, they arrive. */
static void test_responses_before_an_error_arrive(void)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1];
	struct roce_send_wr wr;
	struct roce_sge sge;
	struct roce_wc wc[4];

	CHECK_EQ(post_recv(w, qp[1], 100000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 100), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_READ, 50000), 0);
	roce_pump_tx(&a->pump, w->now);
	roce_pump_run(&b->pump, w->now); /* the responses lie in our ring */
	wr = request(w, qp[0], ROCE_WR_RDMA_WRITE, &sge, 100);
	wr.rkey ^= 1;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	roce_pump_tx(&a->pump, w->now);
	roce_pump_run(&b->pump, w->now);
	CHECK_EQ(qp[1]->state, ROCE_QPS_ERR);
	drive(w, LIMIT);
	CHECK_EQ(roce_cq_poll(a->cq, wc, 4), 3);
	CHECK_EQ(wc[0].status, ROCE_WC_SUCCESS);
	CHECK_EQ(wc[1].status, ROCE_WC_SUCCESS);
	CHECK_EQ(wc[2].status, ROCE_WC_REM_ACCESS_ERR);
	CHECK_MEM(a->buf + TARGET + (4u << 20), b->buf, 50000);
	world_close(w);
}

/* The region of a READ goes before its response is pulled: nobody reads there any more. */
static void test_a_region_that_goes_before_its_response_is_pulled(void)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1];
	struct roce_mr *mr = roce_mr_reg(b->pd, b->buf, BUF_BYTES, (uintptr_t)b->buf, ALL);
	struct roce_send_wr wr;
	struct roce_sge sge;
	struct roce_wc wc[4];

	CHECK_EQ(post_recv(w, qp[1], 100000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 100), 0);
	wr = request(w, qp[0], ROCE_WR_RDMA_READ, &sge, 50000);
	wr.rkey = mr->key;
	CHECK_EQ(roce_post_send(qp[0], &wr), 0);
	roce_pump_tx(&a->pump, w->now);
	roce_pump_run(&b->pump, w->now);
	CHECK_EQ(roce_mr_dereg(mr), 0);
	roce_pump_run(&a->pump, w->now);
	CHECK_EQ(a->buf[TARGET + (4u << 20)], 0);
	CHECK_EQ(drops(w, 0, ROCE_DROP_PAYLOAD_GONE), 1);
	drive(w, LIMIT); /* asked for again, it is refused */
	CHECK_EQ(roce_cq_poll(a->cq, wc, 4), 2);
	CHECK_EQ(wc[1].status, ROCE_WC_REM_ACCESS_ERR);
	world_close(w);
}

/* ---- peers that are gone ---- */

static void test_a_dead_peer(void)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0];

	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 8), 0);
	drive(w, LIMIT);
	dp_node_slot(w->node, 2)->generation++; /* somebody else's now */
	w->end[1].stopped = true;
	memset(a->buf, 0x77, 8);
	CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 8), 0);
	drive(w, LIMIT);
	CHECK_EQ(w->end[1].buf[TARGET] == 0x77, 0);
	CHECK_EQ(count_wcs(a, ROCE_WC_RETRY_EXC_ERR), 1);
	CHECK_EQ(qp[0]->state, ROCE_QPS_ERR);
	world_close(w);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Peers come and go on a slot; neither descriptors nor mappings nor rings of theirs stay. */
static void test_peers_come_and_go(void)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1];
	int before = 0;

	for (int i = 0; i < 20; i++) {
		struct dp_port *port = b->port;

		CHECK_EQ(post(w, qp[0], ROCE_WR_RDMA_WRITE, 5000), 0);
		CHECK_EQ(post_recv(w, qp[0], 5000), 0);
		CHECK_EQ(post(w, qp[1], ROCE_WR_SEND, 5000), 0);
		drive(w, LIMIT);
		CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 2);
		if (i == 2)
			before = open_fds();
		CHECK_EQ(roce_qp_destroy(qp[0]), 0);
		roce_dev_free(b->dev);
		roce_pump_fini(&b->pump);
		roce_local_free(b->local);
		munmap(b->buf, BUF_BYTES);
		memset(b, 0, sizeof(*b));
		end_open(w, 1, port);
		dp_node_slot(w->node, 2)->generation = (uint64_t)i + 2;
		pair_of(w, ROCE_QPT_RC, qp);
	}
	CHECK(open_fds() <= before);
	CHECK(roce_local_links(a->local) <= 2);
	CHECK(a->local->own->hdr.rings_high <= RINGS);
	world_close(w);
}

/* Killed between writing to its ring and telling of it, all of them: their rings are read and taken again. */
static void test_rings_of_the_dead(void)
{
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_RTR,
				    .path_mtu = ROCE_MTU_1024,
				    .max_dest_rd_atomic = 1,
				    .ah = {.dgid = world_gid(), .port_num = 1}};
	uint32_t rtr = ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN |
		       ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER;
	struct world *w = &world;
	struct roce_qp *qp[2];
	pid_t dead = fork();

	if (!dead)
		_exit(0);
	waitpid(dead, NULL, 0);
	world_open(w, true);
	for (uint32_t i = 0; i < RINGS; i++) {
		struct ring *ring = &w->end[1].local->own->rings[i];

		ring->owner = 99ull << PID_BITS | (uint64_t)dead;
		ring->pid = (uint64_t)dead;
		ring->start = 1;
		ring->head = CELL_ALIGN;
	}
	for (int i = 0; i < 2; i++) {
		qp[i] = new_qp(&w->end[i], ROCE_QPT_RC, NULL, NULL);
		to_init(qp[i], usual);
	}
	attr.dest_qp_num = qp[1]->qpn;
	CHECK_EQ(roce_qp_modify(qp[0], &attr, rtr), -ENOMEM); /* who is to read them does not run here meanwhile */
	CHECK_EQ(qp[0]->state, ROCE_QPS_INIT);
	drive(w, DP_MS);
	to_rts(qp[0], qp[1]->qpn, usual);
	to_rts(qp[1], qp[0]->qpn, usual);
	CHECK_EQ(post_recv(w, qp[1], 10000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 10000), 0);
	drive(w, LIMIT);
	CHECK_EQ(count_wcs(&w->end[0], ROCE_WC_SUCCESS), 1);
	world_close(w);
}

/* ---- nonsense ---- */

/* The ring of end `from` in end `to`'s memory. */
static struct ring *ring_of(struct world *w, int to, int from, uint32_t *index)
{
	for (uint32_t i = 0; i < RINGS; i++)
		if (w->end[to].local->own->rings[i].owner == w->end[from].local->own->hdr.id) {
			*index = i;
			return &w->end[to].local->own->rings[i];
		}
	abort();
}

static void put_raw(struct world *w, int to, int from, const void *bytes, size_t n, uint64_t head_more)
{
	uint32_t index;
	struct ring *ring = ring_of(w, to, from, &index);

	memcpy(ring->data + ring->head % RING_BYTES, bytes, DP_MIN(n, RING_BYTES - ring->head % RING_BYTES));
	ring->head += head_more;
	w->end[to].local->own->hdr.pending[index / 64] |= 1ull << index % 64;
}

/* That payload could not be read is said by the peer's process, of what it was sent lately. */
static void test_unreadable_is_not_believed_of_others(void)
{
	struct roce_qp *qp[2], *to_c[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0];
	struct cell cell = {.bytes = 128, .kind = CELL_UNREADABLE, .psn = 0xfffff0};

	to_c[0] = new_qp(a, ROCE_QPT_RC, NULL, NULL);
	to_c[1] = new_qp(&w->end[2], ROCE_QPT_RC, NULL, NULL);
	join(to_c[0], to_c[1], usual, usual);
	w->end[1].stopped = w->end[2].stopped = true;
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 5000), 0);
	CHECK_EQ(roce_post_send(to_c[0], &(struct roce_send_wr){.opcode = ROCE_WR_SEND}), 0);
	drive(w, DP_MS);
	cell.sqpn = to_c[0]->qpn;
	cell.epoch = a->local->own->qps[to_c[0]->qpn & (QPS - 1)].epoch;
	put_raw(w, 0, 1, &cell, sizeof(cell), 128);
	cell.sqpn = qp[0]->qpn;
	cell.epoch = a->local->own->qps[qp[0]->qpn & (QPS - 1)].epoch - 1; /* of its last life */
	put_raw(w, 0, 1, &cell, sizeof(cell), 128);
	drive(w, DP_MS);
	CHECK_EQ(count_wcs(a, ROCE_WC_LOC_PROT_ERR), 0);
	cell.epoch++;
	put_raw(w, 0, 1, &cell, sizeof(cell), 128);
	drive(w, DP_MS);
	CHECK_EQ(count_wcs(a, ROCE_WC_LOC_PROT_ERR), 1);
	CHECK_EQ(to_c[0]->state, ROCE_QPS_RTS);
	world_close(w);
}

/* Nothing that can stand in a ring harms its reader, and after it there is order again. */
static void test_malformed_cells(void)
{
	static const struct cell cells[] = {
		{.bytes = 0},
		{.bytes = 1},
		{.bytes = 65},
		{.bytes = 64},
		{.bytes = 64, .kind = CELL_SKIP},
		{.bytes = 0xffffffc0},
		{.bytes = RING_BYTES * 2},
		{.bytes = 128, .kind = CELL_PACKET, .len = 4000, .opcode = ROCE_OP_SEND_ONLY},
		{.bytes = 128, .kind = CELL_PACKET, .len = 64, .niov = 255, .opcode = ROCE_OP_SEND_ONLY},
		{.bytes = 128, .kind = CELL_PACKET, .len = 8, .niov = 1, .opcode = ROCE_OP_ATOMIC_WRITE},
		{.bytes = 128, .kind = CELL_PACKET, .len = 8, .opcode = ROCE_OP_RDMA_READ_REQUEST},
		{.bytes = 256, .kind = CELL_PACKET, .len = 5000, .niov = 2, .opcode = ROCE_OP_SEND_ONLY},
		{.bytes = 128, .kind = CELL_PACKET, .opcode = 0xff},
		{.bytes = 128, .kind = 77, .opcode = 0x5f},
		{.bytes = 128, .kind = CELL_UNREADABLE, .opcode = 0xff},
		{.bytes = 128, .kind = CELL_UNREADABLE, .opcode = ROCE_OP_ACKNOWLEDGE},
		{.bytes = 128, .kind = CELL_PACKET, .opcode = ROCE_OPCODE_CNP},
		{.bytes = 128, .kind = CELL_PACKET, .opcode = ROCE_OPCODE_EXT_ACK},
	};
	static const uint64_t heads[] = {64, 128, 192, 1, RING_BYTES, RING_BYTES + 64, 1ull << 60, -64ull};

	for (size_t c = 0; c < DP_ARRAY_SIZE(cells); c++)
		for (size_t h = 0; h < DP_ARRAY_SIZE(heads); h++) {
			struct roce_qp *qp[2];
			struct world *w = begin(qp);
			struct cell cell = cells[c];

			cell.dqpn = qp[0]->qpn;
			cell.sqpn = qp[1]->qpn;
			cell.psn = 0xfffff0;
			CHECK_EQ(post_recv(w, qp[0], 100000), 0);
			put_raw(w, 0, 1, &cell, sizeof(cell), heads[h]);
			roce_local_rx(w->end[0].local, 64, w->now);
			drive(w, DP_MS);
			roce_local_rx(w->end[0].local, 64, w->now);
			CHECK(!roce_local_pending(w->end[0].local));
			world_close(w);
		}
}

/* A sender that does as it should is read after one that did not. */
static void test_a_ring_recovers(void)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct cell cell = {.bytes = 0};
	uint32_t index;
	struct ring *ring = ring_of(w, 0, 1, &index);

	ring->tail = 12345; /* not the reader's to believe */
	put_raw(w, 0, 1, &cell, sizeof(cell), 0);
	CHECK_EQ(post_recv(w, qp[0], 5000), 0);
	CHECK_EQ(post(w, qp[1], ROCE_WR_SEND, 5000), 0);
	drive(w, LIMIT);
	CHECK_EQ(count_wcs(&w->end[0], ROCE_WC_SUCCESS), 1);
	world_close(w);
}

/* Who has other rights might copy one way and not the other: both use packets then. */
static void test_unlike_processes_use_packets(void)
{
	struct roce_qp *qp[2];
	struct world *w = &world;

	world_open(w, true);
	w->end[1].local->own->hdr.caps ^= 1;
	pair_of(w, ROCE_QPT_RC, qp);
	CHECK(!qp[0]->link && !qp[1]->link);
	CHECK_EQ(post_recv(w, qp[1], 10000), 0);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 10000), 0);
	drive(w, LIMIT);
	CHECK_EQ(count_wcs(&w->end[0], ROCE_WC_SUCCESS), 1);
	CHECK_MEM(w->end[1].buf + TARGET + (1u << 20), w->end[0].buf, 10000);
	world_close(w);
}

static void test_sleep_and_wake(void)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1];
	char byte;

	CHECK(roce_local_sleep(b->local));
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 8), 0);
	roce_pump_tx(&a->pump, w->now);
	CHECK(roce_local_pending(b->local));
	CHECK_EQ(read(roce_local_wake_fd(b->local), &byte, 1), 1);
	roce_local_awake(b->local);
	CHECK(!roce_local_sleep(b->local)); /* something has come already */
	roce_local_rx(b->local, 64, w->now);
	CHECK(roce_local_sleep(b->local));
	roce_local_awake(b->local);
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 8), 0);
	roce_pump_tx(&a->pump, w->now);
	CHECK(read(roce_local_wake_fd(b->local), &byte, 1) < 0); /* nobody sleeps: no system call */
	world_close(w);
}

/* Killed in its sleep: whoever wakes it meets a broken pipe, and must not get a SIGPIPE for that. */
static void test_waking_the_dead(void)
{
	struct roce_qp *qp[2];
	struct world *w = begin(qp);
	struct end *a = &w->end[0], *b = &w->end[1];

	CHECK(roce_local_sleep(b->local));
	close(b->local->wake_r); /* as a dead process's are; nobody has told the page yet */
	close(b->local->wake_w);
	b->local->wake_r = b->local->wake_w = -1;
	b->stopped = true;
	CHECK_EQ(post(w, qp[0], ROCE_WR_SEND, 8), 0);
	drive(w, DP_MS);
	CHECK_EQ(count_wcs(a, ROCE_WC_SUCCESS), 0);
	world_close(w);
}

int main(void)
{
	dp_guard_acquire();
	RUN(test_direct_copies_need_no_peer);
	RUN(test_a_copy_that_goes_on_as_a_packet);
	RUN(test_a_rate_limit_holds);
	RUN(test_a_gibibyte);
	RUN(test_a_full_ring_holds_and_delivers_in_order);
	RUN(test_a_stopped_reader_is_given_up);
	RUN(test_rings_take_turns);
	RUN(test_what_a_dead_queue_pair_sent_is_void);
	RUN(test_responses_before_an_error_arrive);
	RUN(test_a_region_that_goes_before_its_response_is_pulled);
	RUN(test_a_dead_peer);
	RUN(test_peers_come_and_go);
	RUN(test_rings_of_the_dead);
	RUN(test_unreadable_is_not_believed_of_others);
	RUN(test_malformed_cells);
	RUN(test_a_ring_recovers);
	RUN(test_unlike_processes_use_packets);
	RUN(test_sleep_and_wake);
	RUN(test_waking_the_dead);
	dp_guard_release();
	return check_done();
}
