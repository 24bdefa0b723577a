/*
 * Threads that post 64-byte sends on a live device, each on a queue pair and a completion queue of its own, to another
 * live device of this process over the memory pair, where one thread takes them from a shared receive queue. What one
 * post_send() took is measured, too: it must not wait for the thread that moves packets. Arguments: threads, messages
 * of each.
 */
#include <pthread.h>

#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/live.h"
#include "tests/bench/bench.h"

#define DEPTH       128
#define RECVS       1024
#define BYTES       64
#define MAX_THREADS 16

struct end {
	struct roce_dev *dev;
	struct roce_live *live;
	struct roce_pd *pd;
	struct roce_mr *mr;
	struct roce_gid gid;
	uint8_t *buf;
};

struct sender {
	struct end *end;
	struct roce_cq *cq;
	struct roce_qp *qp;
	uint64_t messages;
	uint32_t *post_ns; /* of each message */
	pthread_t thread;
};

struct receiver {
	struct end *end;
	struct roce_cq *cq;
	struct roce_srq *srq;
	uint64_t messages;
	pthread_t thread;
};

static void open_end(struct end *e, struct dp_port *port, unsigned int i)
{
	struct roce_dev_cfg cfg = {.seed = 7 + i, .ngid = 1};

	cfg.gid[0] = e->gid = bench_gid(0, 0, i + 1);
	MUST((e->dev = roce_dev_new(&cfg)) && (e->live = roce_live_start(e->dev, port, 1)));
	MUST((e->buf = calloc(RECVS, BYTES)));
	roce_live_lock(e->live);
	MUST((e->pd = roce_pd_alloc(e->dev)));
	MUST((e->mr = roce_mr_reg(e->pd, e->buf, RECVS * BYTES, (uintptr_t)e->buf, ROCE_ACCESS_LOCAL_WRITE)));
	roce_live_unlock(e->live);
}

static struct roce_qp *open_qp(struct end *e, struct roce_cq *cq, struct roce_srq *srq)
{
	struct roce_qp_init_attr init = {
		.send_cq = cq, .recv_cq = cq, .srq = srq, .cap = {DEPTH, 1, 1, 1, 0}, .qp_type = ROCE_QPT_RC};
	struct roce_qp *qp;

	roce_live_lock(e->live);
	MUST((qp = roce_qp_create(e->pd, &init, NULL)));
	roce_live_unlock(e->live);
	return qp;
}

static void connect_qp(struct end *e, struct roce_qp *qp, const struct end *peer, uint32_t dqpn)
{
	roce_live_lock(e->live);
	bench_connect(qp, peer->gid, dqpn, 1);
	roce_live_unlock(e->live);
}

static struct roce_cq *open_cq(struct end *e, uint32_t cqe)
{
	struct roce_cq *cq;

	roce_live_lock(e->live);
	MUST((cq = roce_cq_create(e->dev, cqe, NULL)));
	roce_live_unlock(e->live);
	return cq;
}

static int take(struct end *e, struct roce_cq *cq)
{
	struct roce_wc wc[32];
	int n = roce_live_poll(e->live, cq, wc, 32);

	MUST(n >= 0);
	for (int i = 0; i < n; i++)
		MUST(wc[i].status == ROCE_WC_SUCCESS);
	return n;
}

static void *send_all(void *arg)
{
	struct sender *s = arg;
	struct roce_sge sge = {(uintptr_t)s->end->buf, BYTES, roce_mr_lkey(s->end->mr)};
	struct roce_send_wr wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = ROCE_WR_SEND, .send_flags = ROCE_SEND_SIGNALED};
	uint64_t posted = 0, done = 0;

	while (done < s->messages) {
		for (; posted < s->messages && posted - done < DEPTH; posted++) {
			double start = wall_s();

			MUST(roce_live_post_send(s->end->live, s->qp, &wr, 1) == 1);
			s->post_ns[posted] = (uint32_t)((wall_s() - start) * 1e9);
		}
		done += (uint64_t)take(s->end, s->cq);
	}
	return NULL;
}

static void post_recvs(struct receiver *r, int n)
{
	struct roce_sge sge = {(uintptr_t)r->end->buf, BYTES, roce_mr_lkey(r->end->mr)};
	struct roce_recv_wr wr[RECVS];

	for (int i = 0; i < n; i++)
		wr[i] = (struct roce_recv_wr){.sg_list = &sge, .num_sge = 1};
	MUST(roce_live_post_srq_recv(r->end->live, r->srq, wr, n) == n);
}

static void *receive_all(void *arg)
{
	struct receiver *r = arg;
	uint64_t done = 0;

	while (done < r->messages) {
		int n = take(r->end, r->cq);

		if (n)
			post_recvs(r, n);
		done += (uint64_t)n;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 2;
	uint64_t messages = argc > 2 ? (uint64_t)atoll(argv[2]) : 200000, all;
	struct roce_srq_attr attr = {.max_wr = RECVS, .max_sge = 1};
	struct sender senders[MAX_THREADS];
	struct receiver receiver;
	struct dp_port *port[2];
	struct end a, b;
	uint32_t *post_ns;
	double start, spent, cpu;

	MUST(threads >= 1 && threads <= MAX_THREADS && messages >= 1);
	all = messages * (uint64_t)threads;
	MUST((post_ns = calloc(all, sizeof(*post_ns))));
	MUST(!dp_port_mem_pair(1024, 0, &port[0], &port[1]));
	open_end(&a, port[0], 0);
	open_end(&b, port[1], 1);
	receiver = (struct receiver){.end = &b, .cq = open_cq(&b, 2 * RECVS), .messages = all};
	roce_live_lock(b.live);
	MUST((receiver.srq = roce_srq_create(b.pd, &attr, NULL)));
	roce_live_unlock(b.live);
	post_recvs(&receiver, RECVS);
	for (int i = 0; i < threads; i++) {
		struct sender *s = &senders[i];
		struct roce_qp *peer = open_qp(&b, receiver.cq, receiver.srq);

		*s = (struct sender){.end = &a,
				     .cq = open_cq(&a, 2 * DEPTH),
				     .messages = messages,
				     .post_ns = post_ns + (uint64_t)i * messages};
		s->qp = open_qp(&a, s->cq, NULL);
		connect_qp(&a, s->qp, &b, roce_qp_num(peer));
		connect_qp(&b, peer, &a, roce_qp_num(s->qp));
	}
	start = wall_s();
	cpu = process_cpu_s();
	MUST(!pthread_create(&receiver.thread, NULL, receive_all, &receiver));
	for (int i = 0; i < threads; i++)
		MUST(!pthread_create(&senders[i].thread, NULL, send_all, &senders[i]));
	for (int i = 0; i < threads; i++)
		pthread_join(senders[i].thread, NULL);
	pthread_join(receiver.thread, NULL);
	spent = wall_s() - start;
	cpu = process_cpu_s() - cpu;
	qsort(post_ns, all, sizeof(*post_ns), by_value);
	printf("{\"threads\": %d, \"bytes\": %d, \"messages\": %llu, \"wall_s\": %.4f, \"cpu_s\": %.4f, "
	       "\"messages_per_s\": %.0f, \"post_p50_ns\": %u, \"post_p99_ns\": %u, \"post_p999_ns\": %u}\n",
	       threads, BYTES, (unsigned long long)all, spent, cpu, (double)all / spent, post_ns[all / 2],
	       post_ns[all * 99 / 100], post_ns[all * 999 / 1000]);
	roce_live_stop(a.live);
	roce_live_stop(b.live);
	roce_dev_free(a.dev);
	roce_dev_free(b.dev);
	dp_port_free(port[0]);
	dp_port_free(port[1]);
	free(a.buf);
	free(b.buf);
	free(post_ns);
	return 0;
}
