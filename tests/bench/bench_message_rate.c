/*
 * One core, both engines: messages over the memory pair in virtual time, every one signalled, wire format and ICRC
 * included, posting and polling too. Arguments: opcode (send, write), bytes, messages.
 */
#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/vnet.h"
#include "tests/bench/bench.h"

#define DEPTH     256
#define BUF_BYTES (1 << 20)

struct end {
	struct roce_dev *dev;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_qp *qp;
	struct roce_mr *mr;
	uint8_t *buf;
	struct roce_gid gid;
};

static void open_end(struct end *e, struct roce_vnet *net, struct dp_port *port, unsigned int i)
{
	struct roce_dev_cfg cfg = {.seed = 7 + i, .ngid = 1};
	struct roce_qp_init_attr init = {.cap = {DEPTH, DEPTH, 1, 1, 0}, .qp_type = ROCE_QPT_RC};

	cfg.gid[0] = e->gid = bench_gid(0, 0, i + 1);
	MUST((e->dev = roce_dev_new(&cfg)) && (e->pd = roce_pd_alloc(e->dev)));
	MUST((e->cq = roce_cq_create(e->dev, 4 * DEPTH, NULL)) && (e->buf = calloc(1, BUF_BYTES)));
	MUST((e->mr = roce_mr_reg(e->pd, e->buf, BUF_BYTES, (uintptr_t)e->buf, 7)));
	init.send_cq = init.recv_cq = e->cq;
	MUST((e->qp = roce_qp_create(e->pd, &init, NULL)));
	MUST(roce_vnet_join(net, e->dev, port) >= 0);
}

static int drain(struct end *e)
{
	struct roce_wc wc[64];
	int total = 0, n;

	while ((n = roce_cq_poll(e->cq, wc, 64)) > 0) {
		for (int i = 0; i < n; i++)
			MUST(wc[i].status == ROCE_WC_SUCCESS);
		total += n;
	}
	return total;
}

int main(int argc, char **argv)
{
	bool send = argc < 2 || strcmp(argv[1], "send") == 0;
	uint32_t bytes = argc > 2 ? (uint32_t)atoi(argv[2]) : 64;
	uint64_t messages = argc > 3 ? (uint64_t)atoll(argv[3]) : 1000000;
	uint64_t posted = 0, done = 0, received = 0, receives = 0;
	struct roce_vnet *net = roce_vnet_new();
	struct dp_port *port[2];
	struct end a, b;
	double start, spent;

	MUST(bytes <= BUF_BYTES);
	MUST(!dp_port_mem_pair(DEPTH, DP_US, &port[0], &port[1]));
	open_end(&a, net, port[0], 0);
	open_end(&b, net, port[1], 1);
	bench_connect(a.qp, b.gid, roce_qp_num(b.qp), 4);
	bench_connect(b.qp, a.gid, roce_qp_num(a.qp), 4);

	struct roce_sge from = {(uintptr_t)a.buf, bytes, roce_mr_lkey(a.mr)};
	struct roce_sge to = {(uintptr_t)b.buf, bytes, roce_mr_lkey(b.mr)};
	struct roce_recv_wr recv = {.sg_list = &to, .num_sge = 1};
	struct roce_send_wr wr = {.sg_list = &from,
				  .num_sge = 1,
				  .opcode = send ? ROCE_WR_SEND : ROCE_WR_RDMA_WRITE,
				  .send_flags = ROCE_SEND_SIGNALED,
				  .remote_addr = (uintptr_t)b.buf,
				  .rkey = roce_mr_rkey(b.mr)};
	struct roce_cq *cqs[1] = {a.cq};

	start = thread_cpu_s();
	while (done < messages) {
		for (; send && receives < messages && receives - received < DEPTH; receives++, recv.wr_id++)
			MUST(!roce_post_recv(b.qp, &recv));
		for (; posted < messages && posted - done < DEPTH && (!send || posted < receives); posted++, wr.wr_id++)
			MUST(!roce_post_send(a.qp, &wr));
		MUST(roce_vnet_run_cqe(net, cqs, 1, DP_NEVER, 1000000) > 0);
		done += (uint64_t)drain(&a);
		received += (uint64_t)drain(&b);
	}
	spent = thread_cpu_s() - start;
	MUST(!send || received == messages);
	printf("{\"operation\": \"%s\", \"bytes\": %u, \"messages\": %llu, \"cpu_s\": %.4f, "
	       "\"messages_per_s\": %.0f, \"gbytes_per_s\": %.3f, \"packets\": %llu, \"acks\": %llu}\n",
	       send ? "send" : "write", bytes, (unsigned long long)messages, spent, (double)messages / spent,
	       (double)messages * bytes / spent * 1e-9, (unsigned long long)roce_dev_counters(a.dev)->sent_pkts,
	       (unsigned long long)roce_dev_counters(b.dev)->sent_acks);
	roce_vnet_free(net);
	roce_dev_free(a.dev);
	roce_dev_free(b.dev);
	free(a.buf);
	free(b.buf);
	return 0;
}
