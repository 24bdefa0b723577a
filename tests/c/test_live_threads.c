/*
 * Eight threads of one program on one pair of live devices, A and B, besides both helper threads:
 *
 *   send 0, 1   A: sends on a QP each; both poll one CQ, each accounts for whatever it gets
 *   recv 0, 1   B: receives of an SRQ, polled from one CQ, verified and posted again by either
 *   write       A: RDMA WRITE with immediate and a READ of the same bytes, which must be what was written
 *   notified    B: the immediates' receives on a QP of its own; sleeps, takes all notifications and events of B
 *   churn       creates, connects, uses, breaks and destroys QPs and CQs; resizes what the others use
 *   memory      registers, registers again and deregisters regions that writes are on their way to and from
 *
 * The number of operations is fixed, the order is the scheduler's. ThreadSanitizer watches the engine and the payload.
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/live.h"
#include "tests/c/check.h"
#include "tests/c/live_util.h"

#define SENDS     4000 /* of each of the two */
#define WRITES    2000
#define CHURNS    150
#define REGIONS   300
#define DEPTH     16 /* of a send queue */
#define RECVS     48 /* of the SRQ: fewer than both send queues hold, so that RNR is met, too */
#define MSG_BYTES 9000
#define RW_BYTES  5000
#define RW_SLOTS  4
#define MR_BYTES  4096
#define MR_WRITES 8
#define WAIT_PS   (90 * DP_SEC)
#define FREED     0xee

struct side {
	struct roce_dev *dev;
	struct roce_live *live;
	struct roce_pd *pd;
	struct roce_cq *shared_cq, *own_cq; /* own: of the writer or the notified receiver */
	struct roce_gid gid;
};

/* A queue pair on either side, connected. */
struct pair {
	struct roce_qp *a, *b;
	uint32_t qpn_a, qpn_b;
};

static struct side A, B;
static struct pair senders[2], writer_pair;
static struct roce_srq *srq;
static uint8_t recv_buf[RECVS][MSG_BYTES], send_buf[2][DEPTH][MSG_BYTES], rw_buf[3][RW_SLOTS][RW_BYTES];
static uint32_t recv_lkey;
static uint32_t sent[2], received, armed, limits_reached; /* atomic */
static uint8_t seen[2][SENDS];

static bool late(void)
{
	return roce_live_now_ps(A.live) > WAIT_PS;
}

static void lock(struct side *s)
{
	roce_live_lock(s->live);
}

static void unlock(struct side *s)
{
	roce_live_unlock(s->live);
}

static void side_open(struct side *s, unsigned int i, struct dp_port *port)
{
	struct roce_dev_cfg cfg = {.seed = i + 1, .ngid = 1};

	s->gid = cfg.gid[0] = test_gid(i + 1);
	s->dev = roce_dev_new(&cfg);
	s->live = roce_live_start(s->dev, port, 1);
	lock(s);
	s->pd = roce_pd_alloc(s->dev);
	s->shared_cq = roce_cq_create(s->dev, 4 * RECVS, NULL);
	s->own_cq = roce_cq_create(s->dev, 4 * DEPTH, &s->own_cq);
	unlock(s);
}

static struct roce_mr *reg(struct side *s, void *buf, size_t len)
{
	struct roce_mr *mr;

	lock(s);
	mr = roce_mr_reg(s->pd, buf, len, (uintptr_t)buf,
			 ROCE_ACCESS_LOCAL_WRITE | ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ);
	unlock(s);
	return mr;
}

static struct roce_qp *make_qp(struct side *s, struct roce_cq *cq, struct roce_srq *from)
{
	struct roce_qp_init_attr init = {
		.send_cq = cq, .recv_cq = cq, .srq = from, .cap = {DEPTH, DEPTH, 1, 1, 64}, .qp_type = ROCE_QPT_RC};
	struct roce_qp *qp;

	lock(s);
	qp = roce_qp_create(s->pd, &init, NULL);
	if (qp && rc_to_init(qp)) {
		roce_qp_destroy(qp);
		qp = NULL;
	}
	unlock(s);
	return qp;
}

static int to_rts(struct side *s, struct roce_qp *qp, const struct side *peer, uint32_t dqpn)
{
	int err;

	lock(s);
	err = rc_init_to_rts(qp, peer->gid, dqpn);
	unlock(s);
	return err != 0;
}

/* Returns how many steps failed. */
static int pair_open(struct pair *p, struct roce_cq *cq_a, struct roce_cq *cq_b, struct roce_srq *srq_b)
{
	p->a = make_qp(&A, cq_a, NULL);
	p->b = make_qp(&B, cq_b, srq_b);
	if (!p->a || !p->b)
		return 1000;
	p->qpn_a = roce_qp_num(p->a);
	p->qpn_b = roce_qp_num(p->b);
	return to_rts(&A, p->a, &B, p->qpn_b) + to_rts(&B, p->b, &A, p->qpn_a);
}

static int pair_close(struct pair *p)
{
	int bad;

	lock(&A);
	bad = roce_qp_destroy(p->a) != 0;
	unlock(&A);
	lock(&B);
	bad += roce_qp_destroy(p->b) != 0;
	unlock(&B);
	return bad;
}

/* Polls until n completions came; how many of them were not as expected (`status` < 0: any). */
static int expect(struct side *s, struct roce_cq *cq, int n, int status)
{
	struct roce_wc wc[16];
	int bad = 0;

	while (n > 0 && !late()) {
		int got = roce_live_poll(s->live, cq, wc, DP_MIN(n, 16));

		if (got < 0)
			return bad + n;
		for (int i = 0; i < got; i++)
			bad += status >= 0 && wc[i].status != (uint32_t)status;
		n -= got;
	}
	return bad + n;
}

static uint8_t pattern(uint32_t stream, uint32_t seq, uint32_t i)
{
	return (uint8_t)(stream * 101 + seq * 7 + i + (i >> 8));
}

static void fill(uint8_t *p, uint32_t n, uint32_t stream, uint32_t seq)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = pattern(stream, seq, i);
}

static bool filled(const uint8_t *p, uint32_t n, uint32_t stream, uint32_t seq)
{
	for (uint32_t i = 0; i < n; i++)
		if (p[i] != pattern(stream, seq, i))
			return false;
	return true;
}

static uint32_t message_bytes(uint32_t seq)
{
	return seq % 16 == 0 ? MSG_BYTES : 1 + seq * 97 % 1500;
}

/* Whichever sender polls a completion counts it for the QP that it is of. */
static int poll_sent(void)
{
	struct roce_wc wc[8];
	int got = roce_live_poll(A.live, A.shared_cq, wc, 8), bad = got < 0;

	for (int i = 0; i < got; i++) {
		bad += wc[i].status != ROCE_WC_SUCCESS;
		__atomic_add_fetch(&sent[wc[i].qp_num == senders[1].qpn_a], 1, __ATOMIC_ACQ_REL);
	}
	return bad;
}

static int run_sender(int k)
{
	struct roce_mr *mr = reg(&A, send_buf[k], sizeof(send_buf[k]));
	uint32_t posted = 0, done = 0;
	int bad = 0;

	while (done < SENDS && !late()) {
		for (; posted < SENDS && posted - done < DEPTH; posted++) {
			struct roce_sge sge = {(uintptr_t)send_buf[k][posted % DEPTH], message_bytes(posted),
					       roce_mr_lkey(mr)};
			struct roce_send_wr wr = {.wr_id = posted,
						  .sg_list = &sge,
						  .num_sge = 1,
						  .opcode = ROCE_WR_SEND_WITH_IMM,
						  .send_flags = ROCE_SEND_SIGNALED,
						  .imm_data = posted};

			if (sge.length <= 64)
				wr.send_flags |= ROCE_SEND_INLINE;
			fill(send_buf[k][posted % DEPTH], sge.length, (uint32_t)k, posted);
			bad += roce_live_post_send(A.live, senders[k].a, &wr, 1) != 1;
		}
		bad += poll_sent();
		done = __atomic_load_n(&sent[k], __ATOMIC_ACQUIRE);
	}
	/* The other sender's completions may still come to the shared CQ, and it will poll for them itself. */
	return bad + (done != SENDS);
}

static int post_recv_slot(uint64_t slot)
{
	struct roce_sge sge = {(uintptr_t)recv_buf[slot], MSG_BYTES, recv_lkey};
	struct roce_recv_wr wr = {.wr_id = slot, .sg_list = &sge, .num_sge = 1};

	return roce_live_post_srq_recv(B.live, srq, &wr, 1) != 1;
}

static int run_receiver(int unused)
{
	struct roce_wc wc[4];
	int bad = 0;

	(void)unused;
	while (__atomic_load_n(&received, __ATOMIC_ACQUIRE) < 2 * SENDS && !late()) {
		int got = roce_live_poll(B.live, B.shared_cq, wc, 4);

		bad += got < 0;
		for (int i = 0; i < got; i++) {
			uint32_t k = wc[i].qp_num == senders[1].qpn_b, seq = wc[i].imm_data;

			bad += wc[i].status != ROCE_WC_SUCCESS || seq >= SENDS ||
			       wc[i].byte_len != message_bytes(seq) ||
			       !filled(recv_buf[wc[i].wr_id], message_bytes(seq), k, seq) ||
			       __atomic_exchange_n(&seen[k][seq], 1, __ATOMIC_RELAXED);
			bad += post_recv_slot(wc[i].wr_id);
			__atomic_add_fetch(&received, 1, __ATOMIC_ACQ_REL);
		}
	}
	return bad;
}

static int run_writer(int unused)
{
	uint8_t (*src)[RW_BYTES] = rw_buf[0], (*back)[RW_BYTES] = rw_buf[1], (*dst)[RW_BYTES] = rw_buf[2];
	struct roce_mr *mr_src = reg(&A, src, sizeof(rw_buf[0])), *mr_back = reg(&A, back, sizeof(rw_buf[0]));
	struct roce_mr *mr_dst = reg(&B, dst, sizeof(rw_buf[0]));
	uint32_t posted = 0, done = 0;
	struct roce_wc wc[8];
	int bad = 0;

	(void)unused;
	while (done < WRITES && !late()) {
		int got;

		for (; posted < WRITES && posted - done < RW_SLOTS; posted++) {
			uint32_t slot = posted % RW_SLOTS;
			struct roce_sge from = {(uintptr_t)src[slot], RW_BYTES, roce_mr_lkey(mr_src)};
			struct roce_sge to = {(uintptr_t)back[slot], RW_BYTES, roce_mr_lkey(mr_back)};
			struct roce_send_wr wr[2] = {{.wr_id = posted,
						      .sg_list = &from,
						      .num_sge = 1,
						      .opcode = ROCE_WR_RDMA_WRITE_WITH_IMM,
						      .imm_data = posted,
						      .remote_addr = (uintptr_t)dst[slot],
						      .rkey = roce_mr_rkey(mr_dst)},
						     {.wr_id = posted,
						      .sg_list = &to,
						      .num_sge = 1,
						      .opcode = ROCE_WR_RDMA_READ,
						      .send_flags = ROCE_SEND_SIGNALED,
						      .remote_addr = (uintptr_t)dst[slot],
						      .rkey = roce_mr_rkey(mr_dst)}};

			fill(src[slot], RW_BYTES, 9, posted);
			bad += roce_live_post_send(A.live, writer_pair.a, wr, 2) != 2;
		}
		got = roce_live_poll(A.live, A.own_cq, wc, 8);
		bad += got < 0;
		for (int i = 0; i < got; i++, done++)
			bad += wc[i].status != ROCE_WC_SUCCESS || wc[i].wr_id != done ||
			       !filled(back[done % RW_SLOTS], RW_BYTES, 9, done);
	}
	return bad + (done != WRITES);
}

/* Sleeps until B has something to tell, and takes all of it. */
static int take_events(void)
{
	struct pollfd p = {.fd = roce_live_event_fd(B.live), .events = POLLIN};
	struct roce_event ev;
	uint64_t count;
	int bad = 0;
	void *user;

	if (poll(&p, 1, (int)(WAIT_PS / DP_MS)) != 1)
		return 1000; /* a notification was lost */
	bad += read(p.fd, &count, sizeof(count)) != sizeof(count);
	lock(&B);
	while ((user = roce_dev_next_notified(B.dev)))
		bad += user != &B.own_cq;
	while (roce_dev_next_event(B.dev, &ev)) {
		bad += ev.type != ROCE_EVENT_SRQ_LIMIT_REACHED && ev.type != ROCE_EVENT_COMM_EST &&
		       ev.type != ROCE_EVENT_QP_ACCESS_ERR;
		if (ev.type == ROCE_EVENT_SRQ_LIMIT_REACHED)
			__atomic_add_fetch(&limits_reached, 1, __ATOMIC_RELAXED);
	}
	unlock(&B);
	return bad;
}

static int run_notified(int unused)
{
	static const struct roce_recv_wr none = {0};
	uint32_t done = 0;
	struct roce_wc wc[8];
	int bad = 0;

	(void)unused;
	while (done < WRITES && !late()) {
		int got = roce_live_poll(B.live, B.own_cq, wc, 8);

		if (!got) {
			lock(&B);
			roce_cq_req_notify(B.own_cq, 0);
			unlock(&B);
			got = roce_live_poll(B.live, B.own_cq, wc, 8);
			if (!got)
				bad += take_events();
			if (bad >= 1000)
				break;
		}
		bad += got < 0;
		for (int i = 0; i < got; i++, done++) {
			bad += wc[i].status != ROCE_WC_SUCCESS || wc[i].imm_data != done || wc[i].byte_len != RW_BYTES;
			bad += roce_live_post_recv(B.live, writer_pair.b, &none, 1) != 1;
		}
	}
	return bad + (done != WRITES);
}

/* Resizes queues that others are posting to and polling, and asks for an event of one. */
static int disturb(int round)
{
	struct roce_srq_attr attr = {.max_wr = RECVS * (uint32_t)(1 + round % 2), .srq_limit = RECVS};
	int bad = 0;

	lock(&A);
	bad += roce_cq_resize(A.shared_cq, RECVS * (4 + (uint32_t)round % 3)) != 0;
	unlock(&A);
	lock(&B);
	bad += roce_cq_resize(B.shared_cq, RECVS * (4 + (uint32_t)round % 3)) != 0;
	bad += roce_srq_modify(srq, &attr, ROCE_SRQ_MAX_WR | ROCE_SRQ_LIMIT) != 0;
	unlock(&B);
	armed++;
	return bad;
}

/* One life of a QP and a CQ on both sides: a message, then the error state with requests queued, then nothing. */
static int live_and_die(int round, uint8_t buf[2][256], uint32_t lkey_a, uint32_t lkey_b)
{
	struct roce_sge from = {(uintptr_t)buf[0], 256, lkey_a}, to = {(uintptr_t)buf[1], 256, lkey_b};
	struct roce_send_wr send = {
		.sg_list = &from, .num_sge = 1, .opcode = ROCE_WR_SEND, .send_flags = ROCE_SEND_SIGNALED};
	struct roce_recv_wr recv[3] = {
		{.sg_list = &to, .num_sge = 1}, {.sg_list = &to, .num_sge = 1}, {.sg_list = &to, .num_sge = 1}};
	struct roce_qp_attr error = {.qp_state = ROCE_QPS_ERR};
	struct roce_cq *cq[2];
	struct pair p;
	int bad;

	lock(&A);
	cq[0] = roce_cq_create(A.dev, DEPTH, NULL);
	unlock(&A);
	lock(&B);
	cq[1] = roce_cq_create(B.dev, DEPTH, NULL);
	unlock(&B);
	bad = pair_open(&p, cq[0], cq[1], NULL);
	fill(buf[0], 256, 77, (uint32_t)round);
	bad += roce_live_post_recv(B.live, p.b, recv, 3) != 3;
	bad += roce_live_post_send(A.live, p.a, &send, 1) != 1;
	bad += expect(&A, cq[0], 1, ROCE_WC_SUCCESS) + expect(&B, cq[1], 1, ROCE_WC_SUCCESS);
	bad += !filled(buf[1], 256, 77, (uint32_t)round);
	lock(&B);
	bad += roce_qp_modify(p.b, &error, ROCE_QP_STATE) != 0;
	unlock(&B);
	/* What was queued is flushed, and so is what is posted now (10.3.1.5). */
	bad += roce_live_post_recv(B.live, p.b, recv, 1) != 1;
	bad += roce_live_post_send(B.live, p.b, &send, 1) != 1;
	bad += expect(&B, cq[1], 4, ROCE_WC_WR_FLUSH_ERR);
	bad += pair_close(&p);
	lock(&A);
	bad += roce_cq_destroy(cq[0]) != 0;
	unlock(&A);
	lock(&B);
	bad += roce_cq_destroy(cq[1]) != 0;
	unlock(&B);
	return bad;
}

static int run_churn(int unused)
{
	static uint8_t buf[2][256];
	struct roce_mr *a = reg(&A, buf[0], 256), *b = reg(&B, buf[1], 256);
	int bad = 0;

	(void)unused;
	for (int i = 0; i < CHURNS && !late(); i++)
		bad += disturb(i) + live_and_die(i, buf, roce_mr_lkey(a), roce_mr_lkey(b));
	return bad;
}

static int dereg(struct side *s, struct roce_mr *mr)
{
	int err;

	lock(s);
	err = roce_mr_dereg(mr);
	unlock(s);
	return err != 0;
}

static int post_writes(struct pair *p, const uint8_t *src, uint32_t lkey, const uint8_t *dst, uint32_t rkey, int n)
{
	struct roce_sge sge = {(uintptr_t)src, MR_BYTES, lkey};
	struct roce_send_wr wr[MR_WRITES];

	for (int i = 0; i < n; i++)
		wr[i] = (struct roce_send_wr){.sg_list = &sge,
					      .num_sge = 1,
					      .opcode = ROCE_WR_RDMA_WRITE,
					      .send_flags = ROCE_SEND_SIGNALED,
					      .remote_addr = (uintptr_t)dst,
					      .rkey = rkey};
	return roce_live_post_send(A.live, p->a, wr, n) != n;
}

/*
 * One region on either side: written to, moved, written to again, and then deregistered on the one or the other side
 * with writes on their way. Once deregistered, its memory is the owner's: the engine neither writes nor reads it.
 */
static int region_round(int round, struct pair *p, struct roce_cq *cq, uint8_t *src, uint8_t (*dst)[MR_BYTES])
{
	struct roce_mr *from = reg(&A, src, MR_BYTES), *to = reg(&B, dst[0], MR_BYTES);
	uint8_t *freed = round % 2 ? dst[1] : src;
	int bad = 0;

	fill(src, MR_BYTES, 5, (uint32_t)round);
	bad += post_writes(p, src, roce_mr_lkey(from), dst[0], roce_mr_rkey(to), 1);
	bad += expect(&A, cq, 1, ROCE_WC_SUCCESS);
	bad += !filled(dst[0], MR_BYTES, 5, (uint32_t)round);
	lock(&B);
	bad += roce_mr_rereg(to, ROCE_REREG_MR_CHANGE_TRANSLATION, NULL, dst[1], MR_BYTES, (uintptr_t)dst[1], 0) != 0;
	unlock(&B);
	bad += post_writes(p, src, roce_mr_lkey(from), dst[1], roce_mr_rkey(to), MR_WRITES);
	bad += dereg(freed == src ? &A : &B, freed == src ? from : to);
	memset(freed, FREED, MR_BYTES);
	bad += expect(&A, cq, MR_WRITES, -1);
	for (int i = 0; i < MR_BYTES; i++)
		bad += freed[i] != FREED;
	bad += dereg(freed == src ? &B : &A, freed == src ? to : from);
	lock(&A);
	bool broken = roce_qp_state(p->a) != ROCE_QPS_RTS;
	unlock(&A);
	if (broken) /* new numbers: what is still on its way for the old ones meets nobody */
		bad += pair_close(p) + pair_open(p, cq, B.shared_cq, NULL);
	return bad;
}

static int run_memory(int unused)
{
	static uint8_t src[MR_BYTES], dst[2][MR_BYTES];
	struct roce_cq *cq;
	struct pair p;
	int bad;

	(void)unused;
	lock(&A);
	cq = roce_cq_create(A.dev, 2 * MR_WRITES, NULL);
	unlock(&A);
	bad = pair_open(&p, cq, B.shared_cq, NULL);
	for (int i = 0; i < REGIONS && !late() && bad < 1000; i++)
		bad += region_round(i, &p, cq, src, dst);
	return bad;
}

struct job {
	const char *name;
	int (*run)(int arg);
	int arg, bad;
	pthread_t thread;
};

static void *run_job(void *arg)
{
	struct job *job = arg;

	job->bad = job->run(job->arg);
	return NULL;
}

static void set_up(void)
{
	static const struct roce_recv_wr none[DEPTH];
	struct roce_srq_attr attr = {.max_wr = RECVS, .max_sge = 1};

	lock(&B);
	srq = roce_srq_create(B.pd, &attr, NULL);
	unlock(&B);
	recv_lkey = roce_mr_lkey(reg(&B, recv_buf, sizeof(recv_buf)));
	for (uint64_t slot = 0; slot < RECVS; slot++)
		CHECK_EQ(post_recv_slot(slot), 0);
	for (int k = 0; k < 2; k++)
		CHECK_EQ(pair_open(&senders[k], A.shared_cq, B.shared_cq, srq), 0);
	CHECK_EQ(pair_open(&writer_pair, A.own_cq, B.own_cq, NULL), 0);
	CHECK_EQ(roce_live_post_recv(B.live, writer_pair.b, none, DEPTH), DEPTH);
}

static void test_eight_threads(void)
{
	struct job jobs[] = {{"send 0", run_sender, 0, 0, 0},   {"send 1", run_sender, 1, 0, 0},
			     {"recv 0", run_receiver, 0, 0, 0}, {"recv 1", run_receiver, 1, 0, 0},
			     {"write", run_writer, 0, 0, 0},    {"notified", run_notified, 0, 0, 0},
			     {"churn", run_churn, 0, 0, 0},     {"memory", run_memory, 0, 0, 0}};
	struct dp_port *pa, *pb;
	struct roce_wc wc;

	CHECK_EQ(dp_port_mem_pair(256, 0, &pa, &pb), 0);
	side_open(&A, 0, pa);
	side_open(&B, 1, pb);
	set_up();
	for (size_t i = 0; i < DP_ARRAY_SIZE(jobs); i++)
		pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]);
	for (size_t i = 0; i < DP_ARRAY_SIZE(jobs); i++) {
		pthread_join(jobs[i].thread, NULL);
		if (!CHECK(!jobs[i].bad))
			fprintf(stderr, "\tthread %s: %d\n", jobs[i].name, jobs[i].bad);
	}
	CHECK_EQ(sent[0] + sent[1], 2 * SENDS);
	CHECK_EQ(received, 2 * SENDS);
	CHECK(limits_reached >= 1 && limits_reached <= armed);
	CHECK_EQ(roce_live_poll(A.live, A.shared_cq, &wc, 1), 0);
	CHECK_EQ(roce_live_poll(B.live, B.shared_cq, &wc, 1), 0);
	roce_live_stop(A.live);
	roce_live_stop(B.live);
	roce_dev_free(A.dev);
	roce_dev_free(B.dev);
	dp_port_free(pa);
	dp_port_free(pb);
}

int main(void)
{
	RUN(test_eight_threads);
	return check_done();
}
