/* Two devices over a memory pair in virtual time: every operation of RC, UC and UD once, clean and with loss. */
#include <stdlib.h>

#include "datapath/csrc/port_fault.h"
#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/vnet.h"
#include "tests/c/check.h"

#define BUF_BYTES (1 << 20)
#define LIMIT_PS  (10 * DP_SEC)

struct end {
	struct roce_dev *dev;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_qp *qp;
	struct roce_mr *mr;
	uint8_t *buf;
	struct roce_gid gid;
};

struct pair {
	struct roce_vnet *net;
	struct end e[2];
};

static void open_end(struct pair *p, int i, struct dp_port *port, uint32_t type)
{
	struct end *e = &p->e[i];
	struct roce_dev_cfg cfg = {.seed = 7 + (uint64_t)i, .ngid = 1};
	struct roce_qp_init_attr init = {.cap = {64, 64, 4, 4, 64}, .qp_type = type};
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_INIT,
				    .port_num = 1,
				    .qkey = 0x11111111,
				    .qp_access_flags = ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ |
						       ROCE_ACCESS_REMOTE_ATOMIC};
	uint32_t mask = ROCE_QP_STATE | ROCE_QP_PKEY_INDEX | ROCE_QP_PORT;

	e->gid = (struct roce_gid){{[10] = 0xff, 0xff, 10, 0, 0, (uint8_t)(i + 1)}};
	cfg.gid[0] = e->gid;
	e->dev = roce_dev_new(&cfg);
	e->pd = roce_pd_alloc(e->dev);
	e->cq = roce_cq_create(e->dev, 256, NULL);
	e->buf = malloc(BUF_BYTES);
	for (int k = 0; k < BUF_BYTES; k++)
		e->buf[k] = (uint8_t)(k * 31 + k / 4096 + i * 97);
	e->mr = roce_mr_reg(e->pd, e->buf, BUF_BYTES, (uintptr_t)e->buf, 15);
	init.send_cq = init.recv_cq = e->cq;
	e->qp = roce_qp_create(e->pd, &init, NULL);
	CHECK(e->qp);
	CHECK_EQ(roce_qp_modify(e->qp, &attr, mask | (type == ROCE_QPT_UD ? ROCE_QP_QKEY : ROCE_QP_ACCESS_FLAGS)), 0);
	CHECK(roce_vnet_join(p->net, e->dev, port) >= 0);
}

static void connect_end(struct end *e, struct end *peer, uint32_t type, uint32_t mtu)
{
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_RTR,
				    .path_mtu = mtu,
				    .rq_psn = 0xfffff0,
				    .sq_psn = 0xfffff0,
				    .dest_qp_num = roce_qp_num(peer->qp),
				    .max_rd_atomic = 4,
				    .max_dest_rd_atomic = 4,
				    .min_rnr_timer = 1,
				    .timeout = 6,
				    .retry_cnt = 7,
				    .rnr_retry = 7,
				    .ah = {.dgid = peer->gid, .port_num = 1}};
	uint32_t rtr = ROCE_QP_STATE, rts = ROCE_QP_STATE | ROCE_QP_SQ_PSN;

	if (type != ROCE_QPT_UD)
		rtr |= ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN;
	if (type == ROCE_QPT_RC) {
		rtr |= ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER;
		rts |= ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC;
	}
	CHECK_EQ(roce_qp_modify(e->qp, &attr, rtr), 0);
	attr.qp_state = ROCE_QPS_RTS;
	CHECK_EQ(roce_qp_modify(e->qp, &attr, rts), 0);
}

static void pair_open(struct pair *p, uint32_t type, uint32_t mtu, uint32_t loss_ppb)
{
	struct dp_fault_cfg fault = {.seed = 3, .loss_ppb = loss_ppb};
	struct dp_port *a, *b;

	memset(p, 0, sizeof(*p));
	p->net = roce_vnet_new();
	CHECK_EQ(dp_port_mem_pair(1024, DP_US, &a, &b), 0);
	open_end(p, 0, dp_port_fault_new(a, &fault), type);
	fault.seed = 4;
	open_end(p, 1, dp_port_fault_new(b, &fault), type);
	for (int i = 0; i < 2; i++)
		connect_end(&p->e[i], &p->e[!i], type, mtu);
}

static void pair_close(struct pair *p)
{
	roce_vnet_free(p->net);
	for (int i = 0; i < 2; i++) {
		roce_dev_free(p->e[i].dev);
		free(p->e[i].buf);
	}
}

static void post(struct pair *p, uint32_t opcode, uint32_t from, uint32_t to, uint32_t len, uint32_t flags)
{
	struct end *a = &p->e[0], *b = &p->e[1];
	struct roce_sge sge = {(uintptr_t)a->buf + from, len, roce_mr_lkey(a->mr)};
	struct roce_ah_attr ah = {.dgid = b->gid, .port_num = 1};
	struct roce_send_wr wr = {.wr_id = 77,
				  .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = opcode,
				  .send_flags = flags,
				  .imm_data = 0xabcd,
				  .remote_addr = (uintptr_t)b->buf + to,
				  .rkey = roce_mr_rkey(b->mr),
				  .compare_add = 5,
				  .swap = 9,
				  .remote_qpn = roce_qp_num(b->qp),
				  .remote_qkey = 0x11111111,
				  .ah = &ah};

	CHECK_EQ(roce_post_send(a->qp, &wr), 0);
}

static void post_recv(struct pair *p, uint32_t to, uint32_t len)
{
	struct end *b = &p->e[1];
	struct roce_sge sge = {(uintptr_t)b->buf + to, len, roce_mr_lkey(b->mr)};
	struct roce_recv_wr wr = {.wr_id = 99, .sg_list = &sge, .num_sge = 1};

	CHECK_EQ(roce_post_recv(b->qp, &wr), 0);
}

static struct roce_wc next_wc(struct pair *p, int i)
{
	struct roce_wc wc = {.status = 999};

	CHECK(roce_vnet_run_cqe(p->net, &p->e[i].cq, 1, roce_vnet_now_ps(p->net) + LIMIT_PS, 1000000) >= 0);
	CHECK_EQ(roce_cq_poll(p->e[i].cq, &wc, 1), 1);
	return wc;
}

static void rc_all(uint32_t mtu, uint32_t loss_ppb)
{
	struct pair p;
	struct roce_wc wc;
	uint64_t old = 5;

	pair_open(&p, ROCE_QPT_RC, mtu, loss_ppb);
	post_recv(&p, 500000, 100000);
	post(&p, ROCE_WR_SEND_WITH_IMM, 1, 0, 70001, ROCE_SEND_SIGNALED);
	wc = next_wc(&p, 1);
	CHECK_EQ(wc.status, ROCE_WC_SUCCESS);
	CHECK_EQ(wc.byte_len, 70001);
	CHECK_EQ(wc.imm_data, 0xabcd);
	CHECK_EQ(wc.wc_flags, ROCE_WC_FLAG_WITH_IMM);
	wc = next_wc(&p, 0);
	CHECK_EQ(wc.status, ROCE_WC_SUCCESS);
	CHECK_MEM(p.e[1].buf + 500000, p.e[0].buf + 1, 70001);

	post(&p, ROCE_WR_RDMA_WRITE, 3, 7, 300000, ROCE_SEND_SIGNALED);
	wc = next_wc(&p, 0);
	CHECK_EQ(wc.status, ROCE_WC_SUCCESS);
	CHECK_MEM(p.e[1].buf + 7, p.e[0].buf + 3, 300000);

	for (int i = 0; i < 6; i++)
		post(&p, ROCE_WR_RDMA_READ, (uint32_t)i * 50000, 600000, 50000, ROCE_SEND_SIGNALED);
	for (int i = 0; i < 6; i++) {
		wc = next_wc(&p, 0);
		CHECK_EQ(wc.status, ROCE_WC_SUCCESS);
		CHECK_EQ(wc.byte_len, 50000);
		CHECK_MEM(p.e[0].buf + i * 50000, p.e[1].buf + 600000, 50000);
	}

	memcpy(p.e[1].buf + 64, &old, 8);
	post(&p, ROCE_WR_ATOMIC_CMP_AND_SWP, 128, 64, 8, ROCE_SEND_SIGNALED);
	post(&p, ROCE_WR_ATOMIC_FETCH_AND_ADD, 136, 64, 8, ROCE_SEND_SIGNALED);
	CHECK_EQ(next_wc(&p, 0).status, ROCE_WC_SUCCESS);
	CHECK_EQ(next_wc(&p, 0).status, ROCE_WC_SUCCESS);
	memcpy(&old, p.e[0].buf + 128, 8);
	CHECK_EQ(old, 5);
	memcpy(&old, p.e[0].buf + 136, 8);
	CHECK_EQ(old, 9);
	memcpy(&old, p.e[1].buf + 64, 8);
	CHECK_EQ(old, 14);

	/* No receive posted: RNR NAK, then it comes. */
	post(&p, ROCE_WR_RDMA_WRITE_WITH_IMM, 0, 0, 10, ROCE_SEND_SIGNALED);
	CHECK(roce_vnet_run(p.net, roce_vnet_now_ps(p.net) + 100 * DP_US, 1000000) >= 0);
	CHECK(roce_dev_counters(p.e[1].dev)->send_rnr_err > 0);
	post_recv(&p, 0, 0);
	wc = next_wc(&p, 1);
	CHECK_EQ(wc.opcode, ROCE_WC_RECV_RDMA_WITH_IMM);
	CHECK_EQ(next_wc(&p, 0).status, ROCE_WC_SUCCESS);
	if (!loss_ppb) {
		CHECK_EQ(roce_dev_counters(p.e[0].dev)->timeouts, 0);
		CHECK_EQ(roce_dev_counters(p.e[0].dev)->completer_retry_err, 0);
	}
	pair_close(&p);
}

static void test_rc_clean(void)
{
	rc_all(ROCE_MTU_4096, 0);
	rc_all(ROCE_MTU_256, 0);
}

static void test_rc_loss(void)
{
	rc_all(ROCE_MTU_4096, 20000000);
	rc_all(ROCE_MTU_1024, 10000000);
}

static void test_uc_and_ud(void)
{
	struct pair p;
	struct roce_wc wc;

	pair_open(&p, ROCE_QPT_UC, ROCE_MTU_1024, 0);
	post_recv(&p, 500000, 100000);
	post(&p, ROCE_WR_SEND, 1, 0, 7001, ROCE_SEND_SIGNALED);
	CHECK_EQ(next_wc(&p, 0).status, ROCE_WC_SUCCESS);
	CHECK_EQ(next_wc(&p, 1).byte_len, 7001);
	CHECK_MEM(p.e[1].buf + 500000, p.e[0].buf + 1, 7001);
	pair_close(&p);

	pair_open(&p, ROCE_QPT_UD, ROCE_MTU_1024, 0);
	post_recv(&p, 500000, 100000);
	post(&p, ROCE_WR_SEND_WITH_IMM, 1, 0, 4096, ROCE_SEND_SIGNALED);
	CHECK_EQ(next_wc(&p, 0).status, ROCE_WC_SUCCESS);
	wc = next_wc(&p, 1);
	CHECK_EQ(wc.byte_len, 4136);
	CHECK_EQ(wc.src_qp, roce_qp_num(p.e[0].qp));
	CHECK_EQ(p.e[1].buf[500020], 0x45);
	CHECK_MEM(p.e[1].buf + 500040, p.e[0].buf + 1, 4096);
	post(&p, ROCE_WR_SEND, 1, 0, 4097, 0);
	CHECK_EQ(next_wc(&p, 0).status, ROCE_WC_LOC_LEN_ERR);
	CHECK_EQ(roce_qp_state(p.e[0].qp), ROCE_QPS_SQE);
	pair_close(&p);
}

static void test_retry_exceeded(void)
{
	struct pair p;

	pair_open(&p, ROCE_QPT_RC, ROCE_MTU_1024, 0);
	CHECK_EQ(roce_qp_modify(p.e[1].qp, &(struct roce_qp_attr){.qp_state = ROCE_QPS_RESET}, ROCE_QP_STATE), 0);
	post(&p, ROCE_WR_SEND, 1, 0, 10, 0);
	post(&p, ROCE_WR_SEND, 1, 0, 10, 0);
	CHECK_EQ(next_wc(&p, 0).status, ROCE_WC_RETRY_EXC_ERR);
	CHECK_EQ(next_wc(&p, 0).status, ROCE_WC_WR_FLUSH_ERR);
	CHECK_EQ(roce_dev_counters(p.e[0].dev)->timeouts, 8);
	CHECK_EQ(roce_dev_counters(p.e[0].dev)->retransmitted_pkts, 14);
	CHECK_EQ(roce_dev_counters(p.e[1].dev)->drops[ROCE_DROP_BAD_STATE], 16);
	pair_close(&p);
}

int main(void)
{
	RUN(test_rc_clean);
	RUN(test_rc_loss);
	RUN(test_uc_and_ud);
	RUN(test_retry_exceeded);
	return check_done();
}
