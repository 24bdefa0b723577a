/* The live driver on the real clock: two devices over a memory pair, each with its helper thread, and a poller. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "datapath/csrc/port.h"
#include "datapath/csrc/port_rate.h"
#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/live.h"
#include "tests/c/check.h"
#include "tests/c/live_util.h"

#define MESSAGES 300
#define BYTES    20000
#define WAIT_MS  20000

struct node {
	struct roce_dev *dev;
	struct roce_live *live;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_qp *qp;
	struct roce_mr *mr;
	struct roce_gid gid;
	uint8_t *buf;
	int done, bad;
};

static void node_open(struct node *n, int i, struct dp_port *port)
{
	struct roce_dev_cfg cfg = {.seed = (uint64_t)i + 1, .ngid = 1};
	struct roce_qp_init_attr init = {.cap = {32, 32, 1, 1, 0}, .qp_type = ROCE_QPT_RC};

	memset(n, 0, sizeof(*n));
	n->gid = cfg.gid[0] = test_gid((unsigned int)i + 1);
	n->dev = roce_dev_new(&cfg);
	n->live = roce_live_start(n->dev, port, 1);
	n->buf = calloc(2, BYTES);
	memset(n->buf, 'a' + i, BYTES);
	roce_live_lock(n->live);
	n->pd = roce_pd_alloc(n->dev);
	n->cq = roce_cq_create(n->dev, 128, n);
	n->mr = roce_mr_reg(n->pd, n->buf, 2 * BYTES, (uintptr_t)n->buf, 7);
	init.send_cq = init.recv_cq = n->cq;
	n->qp = roce_qp_create(n->pd, &init, n);
	CHECK_EQ(rc_to_init(n->qp), 0);
	roce_live_unlock(n->live);
}

static void node_connect(struct node *n, const struct node *peer)
{
	roce_live_lock(n->live);
	CHECK_EQ(rc_init_to_rts(n->qp, peer->gid, roce_qp_num(peer->qp)), 0);
	roce_live_unlock(n->live);
}

static void node_close(struct node *n)
{
	roce_live_stop(n->live);
	roce_dev_free(n->dev);
	free(n->buf);
}

/* Sends MESSAGES writes, four at a time; `sleeping` waits for the event descriptor, else it polls. */
static int writer(struct node *n, const struct node *peer, int sleeping)
{
	struct roce_sge sge = {(uintptr_t)n->buf, BYTES, roce_mr_lkey(n->mr)};
	struct roce_send_wr wr = {.sg_list = &sge,
				  .num_sge = 1,
				  .opcode = ROCE_WR_RDMA_WRITE,
				  .send_flags = ROCE_SEND_SIGNALED,
				  .remote_addr = (uintptr_t)peer->buf + BYTES,
				  .rkey = roce_mr_rkey(peer->mr)};
	struct roce_wc wc[16];
	int posted = 0, bad = 0;

	n->done = 0;
	while (n->done < MESSAGES) {
		int got;

		for (; posted < MESSAGES && posted - n->done < 4; posted++)
			bad += roce_live_post_send(n->live, n->qp, &wr, 1) != 1;
		got = roce_live_poll(n->live, n->cq, wc, 16);
		if (!got && sleeping) {
			struct pollfd p = {.fd = roce_live_event_fd(n->live), .events = POLLIN};
			struct roce_event ev;
			uint64_t count;

			roce_live_lock(n->live);
			roce_cq_req_notify(n->cq, 0);
			roce_live_unlock(n->live);
			got = roce_live_poll(n->live, n->cq, wc, 16);
			if (!got) {
				if (poll(&p, 1, WAIT_MS) != 1)
					return bad + 1000;
				bad += read(p.fd, &count, sizeof(count)) != sizeof(count);
				roce_live_lock(n->live);
				while (roce_dev_next_notified(n->dev))
					;
				while (roce_dev_next_event(n->dev, &ev))
					;
				roce_live_unlock(n->live);
			}
		}
		for (int i = 0; i < got; i++, n->done++)
			bad += wc[i].status != ROCE_WC_SUCCESS;
	}
	return bad;
}

struct job {
	struct node *n;
	const struct node *peer;
	int sleeping, bad;
};

static void *run_job(void *arg)
{
	struct job *job = arg;

	job->bad = writer(job->n, job->peer, job->sleeping);
	return NULL;
}

static void both_ways(int a_sleeps, int b_sleeps)
{
	struct dp_port *pa, *pb;
	struct node a, b;
	struct job jobs[2] = {{&a, &b, a_sleeps, 0}, {&b, &a, b_sleeps, 0}};
	pthread_t threads[2];

	CHECK_EQ(dp_port_mem_pair(256, 0, &pa, &pb), 0);
	node_open(&a, 0, pa);
	node_open(&b, 1, pb);
	node_connect(&a, &b);
	node_connect(&b, &a);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run_job, &jobs[i]);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		CHECK_EQ(jobs[i].bad, 0);
	}
	roce_live_lock(a.live);
	CHECK_MEM(a.buf + BYTES, b.buf, BYTES);
	roce_live_unlock(a.live);
	roce_live_lock(b.live);
	CHECK_MEM(b.buf + BYTES, a.buf, BYTES);
	roce_live_unlock(b.live);
	node_close(&a);
	node_close(&b);
	dp_port_free(pa);
	dp_port_free(pb);
}

static void test_pollers(void)
{
	both_ways(0, 0);
}

static void test_sleepers(void)
{
	both_ways(1, 1);
	both_ways(0, 1);
}

static void test_helper_alone_answers_the_peer(void)
{
	struct dp_port *pa, *pb;
	struct node a, b;

	CHECK_EQ(dp_port_mem_pair(256, 0, &pa, &pb), 0);
	node_open(&a, 0, pa);
	node_open(&b, 1, pb);
	node_connect(&a, &b);
	node_connect(&b, &a);
	CHECK_EQ(writer(&a, &b, 1), 0); /* nobody polls b */
	node_close(&a);
	node_close(&b);
	dp_port_free(pa);
	dp_port_free(pb);
}

static int uc_to_rts(struct roce_qp *qp, struct roce_gid dgid, uint32_t dqpn)
{
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_RTR,
				    .path_mtu = ROCE_MTU_1024,
				    .rq_psn = 1,
				    .sq_psn = 1,
				    .dest_qp_num = dqpn,
				    .ah = {.dgid = dgid, .port_num = 1}};
	int err = roce_qp_modify(qp, &attr,
				 ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN);

	attr.qp_state = ROCE_QPS_RTS;
	return err ? err : roce_qp_modify(qp, &attr, ROCE_QP_STATE | ROCE_QP_SQ_PSN);
}

/* An unreliable request completes when it is sent; a slow port that has it still must not lose it to the close. */
static void test_close_after_an_unreliable_completion(void)
{
	struct dp_port *a, *b, *slow;
	struct node n[2];
	struct roce_sge sge;
	struct roce_send_wr wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = ROCE_WR_RDMA_WRITE, .send_flags = ROCE_SEND_SIGNALED};
	struct roce_qp_init_attr init = {.cap = {32, 32, 1, 1, 0}, .qp_type = ROCE_QPT_UC};
	struct roce_wc wc;

	CHECK_EQ(dp_port_mem_pair(256, 0, &a, &b), 0);
	a->mtu = 4200;
	slow = dp_port_rate_new(a, 8000000, 5000, 0);
	CHECK(slow);
	for (int i = 0; i < 2; i++) {
		node_open(&n[i], i, i ? b : slow);
		roce_live_lock(n[i].live);
		roce_qp_destroy(n[i].qp);
		init.send_cq = init.recv_cq = n[i].cq;
		n[i].qp = roce_qp_create(n[i].pd, &init, NULL);
		CHECK_EQ(rc_to_init(n[i].qp), 0);
		roce_live_unlock(n[i].live);
	}
	for (int i = 0; i < 2; i++) {
		roce_live_lock(n[i].live);
		CHECK_EQ(uc_to_rts(n[i].qp, n[!i].gid, roce_qp_num(n[!i].qp)), 0);
		roce_live_unlock(n[i].live);
	}
	sge = (struct roce_sge){(uintptr_t)n[0].buf, BYTES, roce_mr_lkey(n[0].mr)};
	wr.remote_addr = (uintptr_t)n[1].buf;
	wr.rkey = roce_mr_rkey(n[1].mr);
	CHECK_EQ(roce_live_post_send(n[0].live, n[0].qp, &wr, 1), 1);
	while (!roce_live_poll(n[0].live, n[0].cq, &wc, 1))
		;
	CHECK_EQ(wc.status, ROCE_WC_SUCCESS);
	roce_live_lock(n[0].live);
	roce_qp_destroy(n[0].qp);
	roce_mr_dereg(n[0].mr);
	roce_live_unlock(n[0].live);
	node_close(&n[0]);
	for (int i = 0; i < WAIT_MS && __atomic_load_n(&n[1].buf[BYTES - 1], __ATOMIC_ACQUIRE) != 'a'; i++)
		usleep(1000);
	CHECK_EQ(n[1].buf[BYTES - 1], 'a');
	node_close(&n[1]);
	dp_port_free(slow);
	dp_port_free(b);
}

int main(void)
{
	RUN(test_pollers);
	RUN(test_sleepers);
	RUN(test_helper_alone_answers_the_peer);
	RUN(test_close_after_an_unreliable_completion);
	return check_done();
}
