/* Bad input: what is refused, with which errno, and that nothing breaks. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/integration/ibverbs_check.h"

static char wild[4096]; /* memory that was never an object */

static void wild_handles(void)
{
	struct world w;
	struct verbs_context *v;
	struct ibv_context *ctx = (struct ibv_context *)wild;
	struct ibv_pd *pd = (struct ibv_pd *)wild;
	struct ibv_cq *cq = (struct ibv_cq *)wild, *got;
	struct ibv_qp *qp = (struct ibv_qp *)wild;
	struct ibv_srq *srq = (struct ibv_srq *)wild;
	struct ibv_qp_attr attr = {0};
	struct ibv_qp_init_attr init = {.qp_type = IBV_QPT_RC};
	struct ibv_srq_attr srq_attr = {0};
	struct ibv_device_attr dev_attr;
	struct ibv_port_attr port;
	union ibv_gid gid = {0};
	uint16_t pkey;
	void *user;

	world_open(&w);
	v = w.ex;
	CHECK_NULL(ibv_open_device((struct ibv_device *)wild), EINVAL);
	CHECK_NULL(ibv_get_device_name((struct ibv_device *)wild), EINVAL);
	CHECK_EQ(ibv_close_device(ctx), EINVAL);
	CHECK_EQ(ibv_query_device(ctx, &dev_attr), EINVAL);
	CHECK_EQ(ibv_query_device(w.ctx, NULL), EINVAL);
	CHECK_EQ(ibv_query_port(ctx, 1, &port), EINVAL);
	CHECK_EQ(ibv_query_gid(ctx, 1, 0, &gid), -1);
	CHECK_EQ(ibv_query_pkey(ctx, 1, 0, &pkey), -1);
	CHECK_NULL(ibv_alloc_pd(ctx), EINVAL);
	CHECK_EQ(ibv_dealloc_pd(pd), EINVAL);
	CHECK_NULL(ibv_reg_mr(pd, wild, 8, 0), EINVAL);
	CHECK_EQ(ibv_dereg_mr((struct ibv_mr *)wild), EINVAL);
	CHECK_EQ(ibv_rereg_mr((struct ibv_mr *)wild, 1, pd, wild, 8, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_NULL(ibv_create_comp_channel(ctx), EINVAL);
	CHECK_EQ(ibv_destroy_comp_channel((struct ibv_comp_channel *)wild), EINVAL);
	CHECK_EQ(ibv_get_cq_event((struct ibv_comp_channel *)wild, &got, &user), -1);
	CHECK_NULL(ibv_create_cq(ctx, 8, NULL, NULL, 0), EINVAL);
	CHECK_NULL(ibv_create_cq(w.ctx, 8, NULL, (struct ibv_comp_channel *)wild, 0), EINVAL);
	CHECK_EQ(ibv_resize_cq(cq, 8), EINVAL);
	CHECK_EQ(ibv_destroy_cq(cq), EINVAL);
	CHECK_NULL(ibv_create_srq(pd, &(struct ibv_srq_init_attr){.attr = {8, 1, 0}}), EINVAL);
	CHECK_EQ(ibv_modify_srq(srq, &srq_attr, 1), EINVAL);
	CHECK_EQ(ibv_query_srq(srq, &srq_attr), EINVAL);
	CHECK_EQ(ibv_destroy_srq(srq), EINVAL);
	CHECK_NULL(ibv_create_qp(pd, &init), EINVAL);
	init.send_cq = init.recv_cq = cq;
	CHECK_NULL(ibv_create_qp(w.pd, &init), EINVAL);
	init = (struct ibv_qp_init_attr){.qp_type = IBV_QPT_RC, .send_cq = w.cq, .recv_cq = w.cq, .srq = srq};
	CHECK_NULL(ibv_create_qp(w.pd, &init), EINVAL);
	CHECK_EQ(ibv_modify_qp(qp, &attr, 1), EINVAL);
	CHECK_EQ(ibv_query_qp(qp, &attr, 1, &init), EINVAL);
	CHECK_EQ(ibv_destroy_qp(qp), EINVAL);
	CHECK(!ibv_qp_to_qp_ex(qp));
	CHECK_EQ(ibv_attach_mcast(qp, &gid, 0), EINVAL);
	CHECK_NULL(ibv_create_ah(pd, &(struct ibv_ah_attr){0}), EINVAL);
	CHECK_EQ(ibv_destroy_ah((struct ibv_ah *)wild), EINVAL);
	CHECK_EQ(v->close_xrcd((struct ibv_xrcd *)wild), EINVAL);
	CHECK_EQ(v->dealloc_td((struct ibv_td *)wild), EINVAL);
	CHECK_EQ(v->free_dm((struct ibv_dm *)wild), EINVAL);
	CHECK_EQ(w.ctx->ops.dealloc_mw((struct ibv_mw *)wild), EINVAL);
	CHECK_EQ(v->advise_mr(pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, NULL, 0), EINVAL);
	CHECK_EQ(v->query_port(ctx, 1, &port, sizeof(port)), EINVAL);
	CHECK_NULL(v->create_cq_ex(ctx, &(struct ibv_cq_init_attr_ex){.cqe = 1}), EINVAL);
	CHECK_NULL(v->create_qp_ex(ctx, &(struct ibv_qp_init_attr_ex){.qp_type = IBV_QPT_RC}), EINVAL);
	CHECK_NULL(v->alloc_null_mr(pd), EINVAL);
	ibv_unimport_pd(pd);
	ibv_unimport_mr((struct ibv_mr *)wild);
	ibv_unimport_dm((struct ibv_dm *)wild);
	world_close(&w);
}

static void destroyed_twice(void)
{
	struct world w;
	struct ibv_send_wr wr = {.opcode = IBV_WR_SEND}, *bad;
	struct ibv_recv_wr rwr = {0}, *bad_recv;
	struct ibv_qp *qp;
	struct ibv_cq *cq;
	struct ibv_mr *mr;
	struct ibv_pd *pd;
	struct ibv_wc wc;

	world_rc(&w);
	cq = ibv_create_cq(w.ctx, 8, NULL, NULL, 0);
	qp = new_qp(&w, IBV_QPT_RC);
	mr = ibv_reg_mr(w.pd, wild, sizeof(wild), 0);
	pd = ibv_alloc_pd(w.ctx);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	CHECK_EQ(ibv_destroy_qp(qp), EINVAL);
	CHECK_EQ(w.ctx->ops.post_send(qp, &wr, &bad), EINVAL);
	CHECK(bad == &wr);
	CHECK_EQ(w.ctx->ops.post_recv(qp, &rwr, &bad_recv), EINVAL);
	CHECK(bad_recv == &rwr);
	CHECK_EQ(ibv_destroy_cq(cq), 0);
	CHECK_EQ(ibv_destroy_cq(cq), EINVAL);
	CHECK_EQ(w.ctx->ops.poll_cq(cq, 1, &wc), -EINVAL);
	CHECK_EQ(w.ctx->ops.req_notify_cq(cq, 0), EINVAL);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	CHECK_EQ(ibv_dereg_mr(mr), EINVAL);
	CHECK_EQ(ibv_dealloc_pd(pd), 0);
	CHECK_EQ(ibv_dealloc_pd(pd), EINVAL);
	world_close(&w);
	CHECK_EQ(ibv_close_device(w.ctx), EINVAL);
}

/* What is left on a device that closes is gone with it. */
static void closed_with_objects(void)
{
	struct world w;
	struct ibv_send_wr wr = {.opcode = IBV_WR_SEND}, *bad;

	world_rc(&w);
	CHECK_EQ(ibv_close_device(w.ctx), 0);
	CHECK_EQ(post_send_list(w.qp[0], &wr, &bad), EINVAL);
	CHECK_EQ(ibv_destroy_qp(w.qp[0]), EINVAL);
	CHECK_EQ(ibv_dereg_mr(w.mr[0]), EINVAL);
	CHECK_EQ(ibv_dealloc_pd(w.pd), EINVAL);
}

static void in_use(void)
{
	struct world w;
	struct ibv_comp_channel *channel;
	struct ibv_srq_init_attr srq_init = {.attr = {8, 1, 0}};
	struct ibv_qp_init_attr init = {.qp_type = IBV_QPT_RC, .cap = {1, 1, 1, 1, 0}};
	struct ibv_alloc_dm_attr dm_attr = {.length = 64};
	struct ibv_td_init_attr td_attr = {0};
	struct ibv_parent_domain_init_attr parent_attr = {0};
	struct ibv_ah_attr ah_attr = {.is_global = 1, .port_num = 1};
	struct ibv_td *td;
	struct ibv_pd *parent;
	struct ibv_ah *ah;
	struct ibv_cq *cq;
	struct ibv_srq *srq;
	struct ibv_qp *qp;
	struct ibv_dm *dm;
	struct ibv_mr *mr;

	world_open(&w);
	CHECK_EQ(ibv_dealloc_pd(w.pd), EBUSY);
	channel = ibv_create_comp_channel(w.ctx);
	cq = ibv_create_cq(w.ctx, 8, NULL, channel, 0);
	CHECK_EQ(channel->refcnt, 1);
	CHECK_EQ(ibv_destroy_comp_channel(channel), EBUSY);
	srq = ibv_create_srq(w.pd, &srq_init);
	init.send_cq = init.recv_cq = cq;
	init.srq = srq;
	qp = ibv_create_qp(w.pd, &init);
	CHECK(qp);
	CHECK_EQ(ibv_destroy_cq(cq), EBUSY);
	CHECK_EQ(ibv_destroy_srq(srq), EBUSY);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	CHECK_EQ(ibv_destroy_srq(srq), 0);
	CHECK_EQ(ibv_destroy_cq(cq), 0);
	CHECK_EQ(ibv_destroy_comp_channel(channel), 0);

	td = w.ex->alloc_td(w.ctx, &td_attr);
	parent_attr.pd = w.pd;
	parent_attr.td = td;
	parent = w.ex->alloc_parent_domain(w.ctx, &parent_attr);
	CHECK(parent);
	CHECK_EQ(w.ex->dealloc_td(td), EBUSY);
	mr = ibv_reg_mr(parent, wild, sizeof(wild), 0);
	CHECK(mr);
	CHECK_EQ(ibv_dealloc_pd(parent), EBUSY);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	memcpy(&ah_attr.grh.dgid, &w.gid, 16);
	ah = ibv_create_ah(parent, &ah_attr);
	CHECK(ah);
	CHECK_EQ(ibv_dealloc_pd(parent), EBUSY);
	CHECK_EQ(ibv_destroy_ah(ah), 0);
	CHECK_EQ(ibv_dealloc_pd(parent), 0);
	CHECK_EQ(w.ex->dealloc_td(td), 0);

	dm = w.ex->alloc_dm(w.ctx, &dm_attr);
	mr = w.ex->reg_dm_mr(w.pd, dm, 0, 64, IBV_ACCESS_ZERO_BASED | IBV_ACCESS_LOCAL_WRITE);
	CHECK(mr);
	CHECK_EQ(w.ex->free_dm(dm), EBUSY);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	CHECK_EQ(w.ex->free_dm(dm), 0);
	world_close(&w);
}

static void unsupported(void)
{
	struct world w;
	struct verbs_context *v;
	struct ibv_qp_init_attr init = {.qp_type = IBV_QPT_RAW_PACKET};
	struct ibv_qp_init_attr_ex ex = {
		.qp_type = IBV_QPT_RC, .comp_mask = IBV_QP_INIT_ATTR_PD, .cap = {1, 1, 1, 1, 0}};
	struct ibv_cq_init_attr_ex cq = {.cqe = 8};
	struct ibv_srq_init_attr_ex srq = {.comp_mask = IBV_SRQ_INIT_ATTR_PD | IBV_SRQ_INIT_ATTR_TYPE,
					   .attr = {1, 1, 0}};
	struct ibv_alloc_dm_attr dm = {.length = 64, .comp_mask = 1};
	struct ibv_modify_cq_attr modify = {.attr_mask = 2};
	struct ibv_values_ex values = {.comp_mask = 2};
	struct ibv_ece ece = {.vendor_id = 0x15b3};
	struct ibv_qp *qp;
	void **all;

	world_open(&w);
	v = w.ex;
	CHECK_NULL(v->ibv_create_flow(NULL, NULL), EOPNOTSUPP);
	CHECK_EQ(v->ibv_destroy_flow(NULL), EOPNOTSUPP);
	CHECK_NULL(v->create_wq(w.ctx, NULL), EOPNOTSUPP);
	CHECK_NULL(v->create_rwq_ind_table(w.ctx, NULL), EOPNOTSUPP);
	CHECK_NULL(v->create_counters(w.ctx, NULL), EOPNOTSUPP);
	CHECK_NULL(v->create_flow_action_esp(w.ctx, NULL), EOPNOTSUPP);
	CHECK_NULL(ibv_reg_dmabuf_mr(w.pd, 0, 4096, 0, 0, 0), EOPNOTSUPP);
	init.send_cq = init.recv_cq = w.cq;
	CHECK_NULL(ibv_create_qp(w.pd, &init), EOPNOTSUPP);
	init.qp_type = 77;
	CHECK_NULL(ibv_create_qp(w.pd, &init), EINVAL);
	ex.send_cq = ex.recv_cq = w.cq;
	ex.pd = w.pd;
	ex.comp_mask |= 1 << 20;
	CHECK_NULL(v->create_qp_ex(w.ctx, &ex), EOPNOTSUPP);
	ex.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_CREATE_FLAGS;
	ex.create_flags = 1 << 9;
	CHECK_NULL(v->create_qp_ex(w.ctx, &ex), EOPNOTSUPP);
	ex.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
	ex.send_ops_flags = IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_TSO;
	CHECK_NULL(v->create_qp_ex(w.ctx, &ex), EOPNOTSUPP);
	ex.send_ops_flags = 1ULL << 40;
	CHECK_NULL(v->create_qp_ex(w.ctx, &ex), EOPNOTSUPP);
	ex.qp_type = IBV_QPT_UD;
	ex.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE;
	CHECK_NULL(v->create_qp_ex(w.ctx, &ex), EOPNOTSUPP);
	cq.wc_flags = IBV_WC_EX_WITH_CVLAN;
	CHECK_NULL(v->create_cq_ex(w.ctx, &cq), EOPNOTSUPP);
	cq = (struct ibv_cq_init_attr_ex){.cqe = 8, .comp_mask = 1 << 7};
	CHECK_NULL(v->create_cq_ex(w.ctx, &cq), EOPNOTSUPP);
	srq.pd = w.pd;
	srq.srq_type = IBV_SRQT_TM;
	CHECK_NULL(v->create_srq_ex(w.ctx, &srq), EOPNOTSUPP);
	CHECK_NULL(v->alloc_dm(w.ctx, &dm), EOPNOTSUPP);
	CHECK_EQ(v->modify_cq(w.cq, &modify), EOPNOTSUPP);
	CHECK_EQ(v->query_rt_values(w.ctx, &values), EOPNOTSUPP);
	qp = new_qp(&w, IBV_QPT_RC);
	CHECK(!ibv_qp_to_qp_ex(qp));
	CHECK_EQ(ibv_set_ece(qp, &ece), EOPNOTSUPP);
	CHECK_EQ(ibv_query_ece(qp, &ece), 0);
	CHECK_EQ(ibv_set_ece(qp, &ece), 0);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	/* No program jumps nowhere: of a table that is called without a look at it, every entry is a function. */
	qp = new_qp_ex(&w, IBV_QPT_UD, IBV_QP_EX_WITH_SEND);
	all = (void **)((char *)ibv_qp_to_qp_ex(qp) + offsetof(struct ibv_qp_ex, wr_atomic_cmp_swp));
	for (size_t i = 0; i < (sizeof(struct ibv_qp_ex) - offsetof(struct ibv_qp_ex, wr_atomic_cmp_swp)) / 8; i++)
		CHECK(all[i]);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	world_close(&w);
}

static void regions(void)
{
	struct world w;
	long page = sysconf(_SC_PAGESIZE);
	char *hole = mmap(NULL, (size_t)page * 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ibv_mr *mr;

	world_open(&w);
	CHECK_NULL(ibv_reg_mr(w.pd, wild, 0, 0), EINVAL);
	CHECK_NULL(ibv_reg_mr(w.pd, NULL, 64, 0), EFAULT);
	CHECK_NULL(ibv_reg_mr(w.pd, wild, sizeof(wild), IBV_ACCESS_REMOTE_WRITE), EINVAL);
	CHECK_NULL(ibv_reg_mr(w.pd, wild, sizeof(wild), 1 << 15), EINVAL);
	CHECK_NULL(ibv_reg_mr(w.pd, wild, SIZE_MAX, 0), EFAULT);
	CHECK(!munmap(hole + page, (size_t)page));
	CHECK_NULL(ibv_reg_mr(w.pd, hole, (size_t)page * 3, IBV_ACCESS_LOCAL_WRITE), EFAULT);
	mr = ibv_reg_mr(w.pd, hole, (size_t)page * 3, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	CHECK(mr); /* paged on demand, it may come later */
	CHECK_EQ(w.ex->advise_mr(w.pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0,
				 &(struct ibv_sge){(uintptr_t)hole, (uint32_t)page * 3, mr->lkey}, 1),
		 EFAULT);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	CHECK_NULL(ibv_reg_mr(w.pd, NULL, 64, IBV_ACCESS_ON_DEMAND), EINVAL);
	mr = ibv_reg_mr(w.pd, NULL, SIZE_MAX, IBV_ACCESS_ON_DEMAND | IBV_ACCESS_LOCAL_WRITE);
	CHECK(mr);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	/* The newest way to say all that. */
	CHECK_NULL(w.ex->reg_mr_ex(w.pd, &(struct ibv_mr_init_attr){.length = 8}), EINVAL);
	CHECK_NULL(w.ex->reg_mr_ex(w.pd, &(struct ibv_mr_init_attr){.length = 8, .comp_mask = IBV_REG_MR_MASK_FD}),
		   EOPNOTSUPP);
	mr = w.ex->reg_mr_ex(w.pd,
			     &(struct ibv_mr_init_attr){.length = 64, .comp_mask = IBV_REG_MR_MASK_ADDR, .addr = wild});
	CHECK(mr && mr->addr == wild);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	CHECK_NULL(w.ex->alloc_dmah(w.ctx, NULL), EOPNOTSUPP);
	/* Hints that nobody knows are no error. */
	mr = ibv_reg_mr_iova2(w.pd, wild, sizeof(wild), 0x1000, IBV_ACCESS_OPTIONAL_RANGE);
	CHECK(mr);
	CHECK(mr->addr == wild && mr->length == sizeof(wild));
	CHECK_EQ(ibv_rereg_mr(mr, 0, NULL, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQ(ibv_rereg_mr(mr, 1 << 9, NULL, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQ(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_PD, (struct ibv_pd *)wild, NULL, 0, 0), IBV_REREG_MR_ERR_INPUT);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, hole + page, (size_t)page, 0),
		 IBV_REREG_MR_ERR_INPUT);
	CHECK_EQ(errno, EFAULT);
	CHECK_EQ(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION, NULL, hole, (size_t)page, 0), 0);
	CHECK(mr->addr == hole && mr->length == (size_t)page);
	CHECK_EQ(ibv_dereg_mr(mr), 0);
	world_close(&w);
}

static void work_requests(void)
{
	struct world w;
	struct ibv_sge sge[3], many[8];
	struct ibv_send_wr wr[3], *bad = NULL;
	struct ibv_recv_wr rwr = {0}, *bad_recv;
	int posted = 0;

	world_rc(&w);
	post_recv_ok(w.qp[1], w.mr[1], 1);
	post_recv_ok(w.qp[1], w.mr[1], 2);
	for (int i = 0; i < 3; i++) {
		wr[i] = send_wr(&sge[i], w.mr[0], 8);
		wr[i].wr_id = (uint64_t)i;
		wr[i].next = i < 2 ? &wr[i + 1] : NULL;
	}
	wr[2].opcode = IBV_WR_TSO; /* the third is refused, those before it are on their way */
	CHECK_EQ(post_send_list(w.qp[0], wr, &bad), EOPNOTSUPP);
	CHECK(bad == &wr[2]);
	for (int i = 0; i < 4; i++)
		poll_ok(w.cq);
	wr[0].next = NULL;
	for (int opcode = 11; opcode < 64; opcode++) {
		wr[0].opcode = opcode;
		if (opcode != IBV_WR_ATOMIC_WRITE)
			CHECK_EQ(post_send_list(w.qp[0], wr, &bad), EOPNOTSUPP);
	}
	wr[0] = send_wr(sge, w.mr[0], 8);
	wr[0].num_sge = -1;
	CHECK_EQ(post_send_list(w.qp[0], wr, &bad), EINVAL);
	wr[0].sg_list = many;
	wr[0].num_sge = 8;
	memset(many, 0, sizeof(many));
	CHECK_EQ(post_send_list(w.qp[0], wr, &bad), EINVAL);
	wr[0] = send_wr(sge, w.mr[0], 65);
	wr[0].send_flags = 1 << 9;
	CHECK_EQ(post_send_list(w.qp[0], wr, &bad), EINVAL);
	wr[0].send_flags = IBV_SEND_INLINE;
	sge[0].length = 100000;
	CHECK_EQ(post_send_list(w.qp[0], wr, &bad), EINVAL);
	wr[0] = (struct ibv_send_wr){.opcode = IBV_WR_BIND_MW};
	CHECK_EQ(post_send_list(w.qp[0], wr, &bad), EINVAL);
	rwr.num_sge = -3;
	CHECK_EQ(w.ctx->ops.post_recv(w.qp[1], &rwr, &bad_recv), EINVAL);
	CHECK(bad_recv == &rwr);
	rwr.num_sge = 0;
	while (!w.ctx->ops.post_recv(w.qp[1], &rwr, &bad_recv))
		CHECK(++posted < 1000);
	CHECK_EQ(w.ctx->ops.post_recv(w.qp[1], &rwr, &bad_recv), ENOMEM);
	CHECK(posted >= 16);
	world_close(&w);
}

static void queue_pair_attributes(void)
{
	struct world w;
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RTS};
	struct ibv_qp_init_attr init;
	struct ibv_qp_rate_limit_attr rate = {.rate_limit = 1000, .comp_mask = 1};
	struct ibv_send_wr wr = {.opcode = IBV_WR_SEND}, *bad;
	struct ibv_qp *qp;

	world_open(&w);
	qp = new_qp(&w, IBV_QPT_RC);
	CHECK_EQ(ibv_modify_qp(qp, &attr, IBV_QP_STATE), EINVAL);
	CHECK_EQ(qp->state, IBV_QPS_RESET);
	attr.qp_state = 99;
	CHECK_EQ(ibv_modify_qp(qp, &attr, IBV_QP_STATE), EINVAL);
	CHECK_EQ(ibv_modify_qp(qp, &attr, -1), EINVAL);
	CHECK_EQ(ibv_modify_qp(qp, NULL, IBV_QP_STATE), EINVAL);
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_INIT, .port_num = 2};
	CHECK_EQ(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS),
		 EINVAL);
	CHECK_EQ(post_send_list(qp, &wr, &bad), EINVAL);
	CHECK(bad == &wr);
	to_rts(&w, qp, qp->qp_num);
	attr = (struct ibv_qp_attr){.path_mig_state = IBV_MIG_REARM};
	CHECK_EQ(ibv_modify_qp(qp, &attr, IBV_QP_PATH_MIG_STATE), EOPNOTSUPP);
	CHECK_EQ(w.ex->modify_qp_rate_limit(qp, &rate), EINVAL);
	rate.comp_mask = 0;
	CHECK_EQ(w.ex->modify_qp_rate_limit(qp, &rate), 0);
	memset(&attr, 0xee, sizeof(attr));
	CHECK_EQ(ibv_query_qp(qp, &attr, IBV_QP_STATE, &init), 0);
	CHECK_EQ(attr.qp_state, IBV_QPS_RTS);
	CHECK_EQ(attr.path_mtu, IBV_MTU_1024);
	CHECK_EQ(attr.ah_attr.is_global, 1);
	CHECK_EQ(attr.rate_limit, 0xeeeeeeeeu); /* not asked for: the oldest programs have no such field */
	CHECK_EQ(ibv_query_qp(qp, &attr, IBV_QP_RATE_LIMIT, &init), 0);
	CHECK_EQ(attr.rate_limit, 1000);
	CHECK(init.send_cq == w.cq && init.sq_sig_all == 1);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	world_close(&w);
}

static void ports_and_sizes(void)
{
	struct ibv_context *ctx = open_only();
	struct verbs_context *v = ex_of(ctx);
	struct ibv_port_attr port;
	struct ibv_gid_entry entry, table[4];
	struct ibv_device_attr_ex dev;
	union ibv_gid gid;
	uint16_t pkey;

	memset(&port, 0xee, sizeof(port));
	CHECK_EQ(ibv_query_port(ctx, 1, &port), 0);
	CHECK_EQ(port.state, IBV_PORT_ACTIVE);
	CHECK_EQ(port.flags, IBV_QPF_GRH_REQUIRED);
	CHECK_EQ(port.port_cap_flags2, 0xeeee); /* an old program's structure ends before it */
	CHECK_EQ(ibv_query_port(ctx, 0, &port), EINVAL);
	CHECK_EQ(ibv_query_port(ctx, 2, &port), EINVAL);
	memset(&port, 0xee, sizeof(port));
	CHECK_EQ(v->query_port(ctx, 1, &port, 52), 0);
	CHECK_EQ(port.port_cap_flags2, 0);
	CHECK_EQ(port.active_speed_ex, 0xeeeeeeeeu);
	memset(&dev, 0xee, sizeof(dev));
	CHECK_EQ(v->query_device_ex(ctx, NULL, &dev, offsetof(struct ibv_device_attr_ex, comp_mask)), 0);
	CHECK_EQ(dev.comp_mask, 0xeeeeeeeeu);
	CHECK_EQ(v->query_device_ex(ctx, NULL, &dev, 8), EINVAL);
	CHECK_EQ(v->query_device_ex(ctx, &(struct ibv_query_device_ex_input){1}, &dev, sizeof(dev)), EINVAL);
	CHECK_EQ(v->query_device_ex(ctx, NULL, &dev, sizeof(dev)), 0);
	CHECK_EQ(dev.tso_caps.max_tso, 0);
	CHECK_EQ(dev.tm_caps.max_num_tags, 0);
	CHECK_EQ(dev.hca_core_clock, 1000000);
	CHECK(dev.max_dm_size);
	CHECK_EQ(port.gid_tbl_len, 16);
	CHECK_EQ(ibv_query_gid(ctx, 1, 15, &gid), 0); /* empty places are all zeros, as in sysfs */
	CHECK(!gid.global.subnet_prefix && !gid.global.interface_id);
	CHECK_EQ(ibv_query_gid(ctx, 1, 16, &gid), -1);
	CHECK_EQ(ibv_query_gid(ctx, 1, -1, &gid), -1);
	CHECK_EQ(ibv_query_gid(ctx, 3, 0, &gid), -1);
	CHECK_EQ(_ibv_query_gid_ex(ctx, 1, 0, &entry, 0, sizeof(entry)), 0);
	CHECK_EQ(entry.gid_type, IBV_GID_TYPE_ROCE_V2);
	CHECK(entry.ndev_ifindex);
	CHECK_EQ(_ibv_query_gid_ex(ctx, 1, 9, &entry, 0, sizeof(entry)), ENODATA);
	CHECK_EQ(_ibv_query_gid_ex(ctx, 1, 16, &entry, 0, sizeof(entry)), EINVAL);
	CHECK_EQ(_ibv_query_gid_ex(ctx, 2, 0, &entry, 0, sizeof(entry)), EINVAL);
	CHECK_EQ(_ibv_query_gid_ex(ctx, 1, 0, &entry, 1, sizeof(entry)), EOPNOTSUPP);
	CHECK_EQ(_ibv_query_gid_table(ctx, table, 4, 0, sizeof(entry)), 1);
	CHECK_EQ(_ibv_query_gid_table(ctx, table, 0, 0, sizeof(entry)), -EINVAL);
	CHECK_EQ(ibv_query_pkey(ctx, 1, 0, &pkey), 0);
	CHECK_EQ(pkey, 0xffff);
	CHECK_EQ(ibv_query_pkey(ctx, 1, 1, &pkey), -1);
	CHECK_EQ(ibv_get_pkey_index(ctx, 1, 0xffff), 0);
	CHECK_EQ(ibv_get_pkey_index(ctx, 1, 0x1234), -1);
	CHECK_EQ(ibv_close_device(ctx), 0);
}

static void addresses(void)
{
	struct world w;
	struct ibv_ah_attr good = {.is_global = 1, .port_num = 1}, bad;
	uint8_t mac[6];
	struct ibv_ah *ah;

	world_open(&w);
	memcpy(&good.grh.dgid, &w.gid, 16);
	ah = ibv_create_ah(w.pd, &good);
	CHECK(ah);
	CHECK_EQ(ibv_destroy_ah(ah), 0);
	CHECK_EQ(ibv_destroy_ah(ah), EINVAL);
#define REFUSED(field, value) \
	do { \
		bad = good; \
		bad.field = value; \
		CHECK_NULL(ibv_create_ah(w.pd, &bad), EINVAL); \
	} while (0)
	REFUSED(is_global, 0); /* every RoCE packet has a GRH */
	REFUSED(port_num, 2);
	REFUSED(sl, 8);
	REFUSED(grh.sgid_index, 1);
	bad = good;
	memset(&bad.grh.dgid, 0, 16);
	CHECK_NULL(ibv_create_ah(w.pd, &bad), EINVAL);
	CHECK_EQ(ibv_resolve_eth_l2_from_gid(w.ctx, &good, mac, NULL), 0);
	CHECK_EQ(ibv_resolve_eth_l2_from_gid(w.ctx, &(struct ibv_ah_attr){0}, mac, NULL), EINVAL);
	world_close(&w);
}

const struct check bad_checks[] = {
	{"wild_handles", wild_handles},
	{"destroyed_twice", destroyed_twice},
	{"closed_with_objects", closed_with_objects},
	{"in_use", in_use},
	{"unsupported", unsupported},
	{"regions", regions},
	{"work_requests", work_requests},
	{"queue_pair_attributes", queue_pair_attributes},
	{"ports_and_sizes", ports_and_sizes},
	{"addresses", addresses},
	{NULL, NULL},
};
