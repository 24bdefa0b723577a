/* The live driver on the real clock: two devices over a memory pair, each with its helper thread, and a poller. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "datapath/csrc/port.h"
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
	n->live = roce_live_start(n->dev, port);
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

int main(void)
{
	RUN(test_pollers);
	RUN(test_sleepers);
	RUN(test_helper_alone_answers_the_peer);
	return check_done();
}
