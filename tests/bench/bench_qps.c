/*
 * Many reliable connected queue pairs on two devices joined by the memory pair: bytes of an idle one beside its
 * queues, the time until each has carried a packet, and what a packet costs with few and with all of them.
 * Arguments: queue pairs of each device, default 100000; packets for each cost, default 400000.
 */
#include <malloc.h>

#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/pump.h"
#include "tests/bench/bench.h"

#define FEW   10
#define BATCH 512 /* packets between two polls */

struct end {
	struct roce_dev *dev;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_mr *mr;
	struct roce_qp **qp;
	struct roce_pump pump;
	struct roce_gid gid;
	uint8_t buf[64];
};

struct net {
	struct end e[2];
	uint32_t n;
	uint64_t now_ps;
};

static struct roce_qp *create(struct end *e, uint32_t send_wr)
{
	struct roce_qp_init_attr init = {
		.cap = {send_wr, 0, send_wr, 0, 0}, .qp_type = ROCE_QPT_RC, .send_cq = e->cq, .recv_cq = e->cq};

	return roce_qp_create(e->pd, &init, NULL);
}

static void open_net(struct net *net, uint32_t n, uint32_t send_wr, uint8_t rd_atomic)
{
	struct dp_port *port[2];

	net->n = n;
	net->now_ps = DP_MS;
	MUST(!dp_port_mem_pair(1024, 0, &port[0], &port[1]));
	for (unsigned int i = 0; i < 2; i++) {
		struct end *e = &net->e[i];
		struct roce_dev_cfg cfg = {.seed = i, .ngid = 1, .qpn_count = 1 << 20};

		cfg.gid[0] = e->gid = bench_gid(0, 0, i + 1);
		MUST((e->dev = roce_dev_new(&cfg)) && (e->pd = roce_pd_alloc(e->dev)));
		MUST((e->cq = roce_cq_create(e->dev, 4 * BATCH, NULL)));
		MUST((e->mr = roce_mr_reg(e->pd, e->buf, sizeof(e->buf), (uintptr_t)e->buf, 7)));
		MUST((e->qp = malloc(n * sizeof(*e->qp))));
		MUST(!roce_pump_init(&e->pump, e->dev, port[i]));
		e->pump.strict_icrc = true;
		for (uint32_t k = 0; k < n; k++)
			MUST((e->qp[k] = create(e, send_wr)));
	}
	for (int i = 0; i < 2; i++)
		for (uint32_t k = 0; k < n; k++)
			bench_connect(net->e[i].qp[k], net->e[!i].gid, roce_qp_num(net->e[!i].qp[k]), rd_atomic);
}

static void close_net(struct net *net)
{
	for (int i = 0; i < 2; i++) {
		dp_port_free(net->e[i].pump.port);
		roce_pump_fini(&net->e[i].pump);
		roce_dev_free(net->e[i].dev);
		free(net->e[i].qp);
	}
}

/* One write of 64 bytes on each of the queue pairs in turn, `total` of them over the first `active`. */
static double carry(struct net *net, uint32_t active, uint64_t total)
{
	struct end *a = &net->e[0], *b = &net->e[1];
	struct roce_sge sge = {(uintptr_t)a->buf, 64, roce_mr_lkey(a->mr)};
	struct roce_send_wr wr = {.sg_list = &sge,
				  .num_sge = 1,
				  .opcode = ROCE_WR_RDMA_WRITE,
				  .send_flags = ROCE_SEND_SIGNALED,
				  .remote_addr = (uintptr_t)b->buf,
				  .rkey = roce_mr_rkey(b->mr)};
	struct roce_wc wc[64];
	uint64_t posted = 0, done = 0;
	uint32_t next = 0;
	double start = thread_cpu_s();

	while (done < total) {
		/* FEW at a time whatever `active` is, so that batches are alike: only what memory is touched differs. */
		for (int i = 0; i < FEW && posted < total; i++, posted++) {
			MUST(!roce_post_send(a->qp[next], &wr));
			next = next + 1 == active ? 0 : next + 1;
		}
		while (done < posted) {
			int n;

			net->now_ps += DP_US;
			roce_pump_run(&a->pump, net->now_ps);
			roce_pump_run(&b->pump, net->now_ps);
			roce_pump_run(&a->pump, net->now_ps);
			while ((n = roce_cq_poll(a->cq, wc, 64)) > 0) {
				for (int i = 0; i < n; i++)
					MUST(wc[i].status == ROCE_WC_SUCCESS);
				done += (uint64_t)n;
			}
		}
	}
	return thread_cpu_s() - start;
}

static size_t heap_bytes(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* What the allocator holds for a queue pair in RTS that has no queues, its place in the device's table included. */
static double idle_bytes(uint8_t rd_atomic)
{
	struct net small = {0}, large = {0};
	const uint32_t few = 1000, many = 9000;
	size_t start = heap_bytes(), first, second;

	open_net(&small, few, 0, rd_atomic);
	first = heap_bytes() - start;
	close_net(&small);
	start = heap_bytes();
	open_net(&large, many, 0, rd_atomic);
	second = heap_bytes() - start;
	close_net(&large);
	return ((double)second - (double)first) / (2 * (many - few)) - sizeof(struct roce_qp *);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define ROUNDS 9

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)atol(argv[1]) : 100000;
	uint64_t packets = argc > 2 ? (uint64_t)atoll(argv[2]) : 400000;
	double bytes_1 = idle_bytes(1), bytes_16 = idle_bytes(16), opened, carried, start, wall;
	double few_ns[ROUNDS], idle_ns[ROUNDS], all_ns[ROUNDS], idle_ratio[ROUNDS], all_ratio[ROUNDS];
	struct net few = {0}, many = {0};

	wall = wall_s();
	start = thread_cpu_s();
	open_net(&many, n, 1, 1);
	opened = thread_cpu_s() - start;
	carried = carry(&many, n, n);
	wall = wall_s() - wall;
	open_net(&few, FEW, 1, 1);
	carry(&few, FEW, 10000);
	for (int i = 0; i < ROUNDS; i++) {
		few_ns[i] = carry(&few, FEW, packets) / (double)packets * 1e9;
		idle_ns[i] = carry(&many, FEW, packets) / (double)packets * 1e9;
		all_ns[i] = carry(&many, n, packets) / (double)packets * 1e9;
		idle_ratio[i] = idle_ns[i] / few_ns[i];
		all_ratio[i] = all_ns[i] / few_ns[i];
	}
	qsort(few_ns, ROUNDS, sizeof(double), by_value);
	qsort(idle_ns, ROUNDS, sizeof(double), by_value);
	qsort(all_ns, ROUNDS, sizeof(double), by_value);
	qsort(idle_ratio, ROUNDS, sizeof(double), by_value);
	qsort(all_ratio, ROUNDS, sizeof(double), by_value);
	printf("{\"idle_bytes_per_qp\": {\"max_dest_rd_atomic_1\": %.0f, \"max_dest_rd_atomic_16\": %.0f}, "
	       "\"qps_per_end\": %u, \"create_to_rts_cpu_s\": %.3f, \"first_packets_cpu_s\": %.3f, "
	       "\"total_wall_s\": %.3f, \"packet_cost_ns\": {\"ten_qps\": %.1f, \"ten_of_all\": %.1f, "
	       "\"all_in_turn\": %.1f}, \"ratio_to_ten\": {\"ten_of_all\": %.3f, \"all_in_turn\": %.3f}}\n",
	       bytes_1, bytes_16, n, opened, carried, wall, few_ns[ROUNDS / 2], idle_ns[ROUNDS / 2], all_ns[ROUNDS / 2],
	       idle_ratio[ROUNDS / 2], all_ratio[ROUNDS / 2]);
	close_net(&few);
	close_net(&many);
	return 0;
}
