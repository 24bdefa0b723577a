/*
 * Checks of the drop-in libibverbs.so.1 from a program's side: `ibverbs_check NAME` runs one, without arguments it lists
 * them. tests/integration/test_ibverbs.py builds and runs it; the environment names the node.
 */
#include "tests/integration/ibverbs_check.h"

#include <time.h>

struct verbs_context *ex_of(struct ibv_context *context)
{
	struct verbs_context *v = (struct verbs_context *)((char *)context - offsetof(struct verbs_context, context));

	CHECK(context->abi_compat == IBV_ABI_EXTENDED);
	CHECK_EQ(v->sz, sizeof(*v));
	return v;
}

struct ibv_context *open_only(void)
{
	int n = 0;
	struct ibv_device **list = ibv_get_device_list(&n);
	struct ibv_context *context;

	CHECK(list);
	CHECK_EQ(n, 1);
	CHECK(!list[1]);
	context = ibv_open_device(list[0]);
	CHECK(context);
	ibv_free_device_list(list);
	return context;
}

void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->ctx = open_only();
	w->ex = ex_of(w->ctx);
	CHECK_EQ(ibv_query_gid(w->ctx, 1, 0, &w->gid), 0);
	w->pd = ibv_alloc_pd(w->ctx);
	CHECK(w->pd);
	w->cq = ibv_create_cq(w->ctx, 256, NULL, NULL, 0);
	CHECK(w->cq);
	for (int i = 0; i < 2; i++) {
		w->buf[i] = calloc(1, BUF_BYTES);
		w->mr[i] = ibv_reg_mr(w->pd, w->buf[i], BUF_BYTES, ALL_ACCESS);
		CHECK(w->mr[i]);
	}
}

struct ibv_qp *new_qp(struct world *w, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = {
		.send_cq = w->cq, .recv_cq = w->cq, .cap = {16, 16, 4, 4, 64}, .qp_type = type, .sq_sig_all = 1};
	struct ibv_qp *qp = ibv_create_qp(w->pd, &init);

	CHECK(qp);
	CHECK(init.cap.max_send_wr >= 16 && init.cap.max_inline_data >= 64);
	return qp;
}

struct ibv_qp *new_qp_ex(struct world *w, enum ibv_qp_type type, uint64_t ops)
{
	struct ibv_qp_init_attr_ex init = {.send_cq = w->cq,
					   .recv_cq = w->cq,
					   .cap = {16, 16, 4, 4, 64},
					   .qp_type = type,
					   .sq_sig_all = 1,
					   .comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
					   .pd = w->pd,
					   .send_ops_flags = ops};
	struct ibv_qp *qp = w->ex->create_qp_ex(w->ctx, &init);

	CHECK(qp);
	return qp;
}

void to_rts(struct world *w, struct ibv_qp *qp, uint32_t dest_qp_num)
{
	bool rc = qp->qp_type == IBV_QPT_RC, ud = qp->qp_type == IBV_QPT_UD;
	struct ibv_qp_attr a = {.qp_state = IBV_QPS_INIT,
				.port_num = 1,
				.qkey = 0x1234,
				.qp_access_flags = ALL_ACCESS & ~IBV_ACCESS_MW_BIND};

	CHECK_EQ(ibv_modify_qp(qp, &a,
			       IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
				       (ud ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS)),
		 0);
	a = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTR,
				 .path_mtu = IBV_MTU_1024,
				 .dest_qp_num = dest_qp_num,
				 .rq_psn = 7,
				 .max_dest_rd_atomic = 4,
				 .min_rnr_timer = 1,
				 .ah_attr = {.is_global = 1, .port_num = 1, .grh = {.dgid = w->gid, .hop_limit = 1}}};
	CHECK_EQ(ibv_modify_qp(qp, &a,
			       ud ? IBV_QP_STATE
				  : IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
					       (rc ? IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER : 0)),
		 0);
	a = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTS,
				 .sq_psn = 7,
				 .timeout = 14,
				 .retry_cnt = 7,
				 .rnr_retry = 7,
				 .max_rd_atomic = 4};
	CHECK_EQ(ibv_modify_qp(
			 qp, &a,
			 IBV_QP_STATE | IBV_QP_SQ_PSN |
				 (rc ? IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC
				     : 0)),
		 0);
	CHECK_EQ(qp->state, IBV_QPS_RTS);
}

void world_rc(struct world *w)
{
	world_open(w);
	for (int i = 0; i < 2; i++)
		w->qp[i] = new_qp(w, IBV_QPT_RC);
	for (int i = 0; i < 2; i++)
		to_rts(w, w->qp[i], w->qp[!i]->qp_num);
}

void world_close(struct world *w)
{
	for (int i = 0; i < 2; i++) {
		if (w->qp[i])
			CHECK_EQ(ibv_destroy_qp(w->qp[i]), 0);
		CHECK_EQ(ibv_dereg_mr(w->mr[i]), 0);
		free(w->buf[i]);
	}
	CHECK_EQ(ibv_destroy_cq(w->cq), 0);
	CHECK_EQ(ibv_dealloc_pd(w->pd), 0);
	CHECK_EQ(ibv_close_device(w->ctx), 0);
}

struct ibv_wc poll_one(struct ibv_cq *cq)
{
	time_t until = time(NULL) + 10;
	struct ibv_wc wc;
	int n;

	while (!(n = cq->context->ops.poll_cq(cq, 1, &wc)))
		CHECK(time(NULL) < until);
	CHECK_EQ(n, 1);
	return wc;
}

struct ibv_wc poll_ok(struct ibv_cq *cq)
{
	struct ibv_wc wc = poll_one(cq);

	CHECK_EQ(wc.status, IBV_WC_SUCCESS);
	return wc;
}

void post_recv_ok(struct ibv_qp *qp, struct ibv_mr *mr, uint64_t wr_id)
{
	struct ibv_sge sge = {(uintptr_t)mr->addr, (uint32_t)mr->length, mr->lkey};
	struct ibv_recv_wr wr = {.wr_id = wr_id, .sg_list = &sge, .num_sge = 1}, *bad;

	CHECK_EQ(qp->context->ops.post_recv(qp, &wr, &bad), 0);
}

int post_send_list(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	return qp->context->ops.post_send(qp, wr, bad);
}

struct ibv_send_wr send_wr(struct ibv_sge *sge, struct ibv_mr *mr, uint32_t length)
{
	*sge = (struct ibv_sge){(uintptr_t)mr->addr, length, mr->lkey};
	return (struct ibv_send_wr){
		.sg_list = sge, .num_sge = 1, .opcode = IBV_WR_SEND, .send_flags = IBV_SEND_SIGNALED};
}

int main(int argc, char **argv)
{
	const struct check *all[] = {bad_checks, flow_checks, object_checks};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct check *c = all[i]; c->name; c++) {
			if (argc < 2)
				puts(c->name);
			else if (!strcmp(argv[1], c->name)) {
				c->run();
				return 0;
			}
		}
	return argc < 2 ? 0 : 2;
}
