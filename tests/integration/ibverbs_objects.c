/* Objects: imports, domains, windows, device memory, XRC, forked children, old and private names. */
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/ibverbs_check.h"

static void import(void)
{
	struct world w;
	struct ibv_context *again;
	struct ibv_alloc_dm_attr attr = {.length = 64};
	struct ibv_dm *dm, *dm2;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	char text[8] = "";
	int fds[2];

	world_open(&w);
	again = ibv_import_device(dup(w.ctx->cmd_fd));
	CHECK(again);
	pd = ibv_import_pd(again, w.pd->handle);
	CHECK(pd && pd->context == again);
	mr = ibv_import_mr(pd, w.mr[0]->handle);
	CHECK(mr && mr->lkey == w.mr[0]->lkey && mr->rkey == w.mr[0]->rkey && mr->length == BUF_BYTES);
	CHECK_NULL(ibv_import_pd(again, 9999), ENOENT);
	CHECK_NULL(ibv_import_mr(pd, w.pd->handle), ENOENT);
	dm = w.ex->alloc_dm(w.ctx, &attr);
	CHECK(dm->comp_mask & IBV_DM_MASK_HANDLE);
	dm2 = ibv_import_dm(again, dm->handle);
	CHECK(dm2);
	CHECK_EQ(dm->memcpy_to_dm(dm, 8, (const char[8]){"shared"}, 8), 0);
	CHECK_EQ(dm2->memcpy_from_dm(text, dm2, 8, 8), 0);
	CHECK(!strcmp(text, "shared"));
	/* What the original destroys is gone for the import, too. */
	CHECK_EQ(w.ex->free_dm(dm), 0);
	CHECK_EQ(dm2->memcpy_from_dm(text, dm2, 8, 8), EINVAL);
	ibv_unimport_dm(dm2);
	ibv_unimport_mr(mr);
	ibv_unimport_pd(pd);
	pd = ibv_alloc_pd(w.ctx);
	CHECK(pd);
	{
		struct ibv_pd *pd2 = ibv_import_pd(again, pd->handle);

		CHECK(pd2);
		CHECK_EQ(ibv_dealloc_pd(pd), 0);
		CHECK_NULL(ibv_reg_mr(pd2, text, sizeof(text), 0), EINVAL);
		ibv_unimport_pd(pd2);
	}
	CHECK_EQ(ibv_close_device(again), 0);
	/* Neither a descriptor of something else nor none at all is a device. */
	CHECK_EQ(pipe(fds), 0);
	CHECK_NULL(ibv_import_device(fds[0]), EOPNOTSUPP);
	CHECK_NULL(ibv_import_device(-1), EBADF);
	world_close(&w);
}

/* Started by import_by_another_process with a descriptor of its parent's device. */
static void imported_descriptor(void)
{
	const char *fd = getenv("CHECK_FD");

	if (fd)
		CHECK_NULL(ibv_import_device(atoi(fd)), EOPNOTSUPP);
}

static void import_by_another_process(void)
{
	struct ibv_context *ctx = open_only();
	char fd[16];
	int status;
	pid_t child;

	snprintf(fd, sizeof(fd), "%d",
		 dup(ctx->cmd_fd)); /* the original closes when the child becomes another program */
	setenv("CHECK_FD", fd, 1);
	child = fork();
	if (!child) {
		execl("/proc/self/exe", "ibverbs_check", "imported_descriptor", NULL);
		_exit(127);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(ibv_close_device(ctx), 0);
}

static void parent_domains(void)
{
	struct world w;
	struct ibv_parent_domain_init_attr attr = {.comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT};
	struct ibv_qp_init_attr init = {.cap = {4, 4, 1, 1, 0}, .qp_type = IBV_QPT_RC, .sq_sig_all = 1};
	struct ibv_cq_init_attr_ex cq_attr = {.cqe = 4, .comp_mask = IBV_CQ_INIT_ATTR_MASK_PD};
	struct ibv_td_init_attr td_attr = {0};
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct ibv_cq_ex *cq;
	struct ibv_pd *pd;
	struct ibv_td *td;
	struct ibv_qp *qp;

	world_open(&w);
	td_attr.comp_mask = 1;
	CHECK_NULL(w.ex->alloc_td(w.ctx, &td_attr), EINVAL);
	td_attr.comp_mask = 0;
	td = w.ex->alloc_td(w.ctx, &td_attr);
	CHECK_NULL(w.ex->alloc_parent_domain(w.ctx, &attr), EINVAL);
	attr.pd = w.pd;
	attr.td = td;
	attr.pd_context = &w;
	pd = w.ex->alloc_parent_domain(w.ctx, &attr);
	CHECK(pd);
	cq_attr.parent_domain = w.pd;
	CHECK_NULL(w.ex->create_cq_ex(w.ctx, &cq_attr), EINVAL); /* that one is no parent domain */
	cq_attr.parent_domain = pd;
	cq = w.ex->create_cq_ex(w.ctx, &cq_attr);
	CHECK(cq);
	/* Keys of the domain beneath are its own. */
	init.send_cq = init.recv_cq = (struct ibv_cq *)cq;
	qp = ibv_create_qp(pd, &init);
	CHECK(qp && qp->pd == pd);
	to_rts(&w, qp, qp->qp_num);
	wr = send_wr(&sge, w.mr[0], 8);
	wr.opcode = IBV_WR_RDMA_WRITE;
	wr.wr.rdma.remote_addr = (uintptr_t)w.buf[1];
	wr.wr.rdma.rkey = w.mr[1]->rkey;
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	poll_ok((struct ibv_cq *)cq);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	CHECK_EQ(ibv_destroy_cq((struct ibv_cq *)cq), 0);
	CHECK_EQ(ibv_dealloc_pd(pd), 0);
	CHECK_EQ(w.ex->dealloc_td(td), 0);
	world_close(&w);
}

static void windows(void)
{
	struct world w;
	struct ibv_mw_bind bind = {.wr_id = 5, .send_flags = IBV_SEND_SIGNALED};
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct ibv_mw *mw;
	uint32_t old;

	world_rc(&w);
	CHECK_NULL(w.ctx->ops.alloc_mw(w.pd, 3), EINVAL);
	mw = w.ctx->ops.alloc_mw(w.pd, IBV_MW_TYPE_1);
	CHECK(mw && mw->type == IBV_MW_TYPE_1);
	old = mw->rkey;
	bind.bind_info = (struct ibv_mw_bind_info){w.mr[1], (uintptr_t)w.buf[1], 64,
						   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_LOCAL_WRITE};
	CHECK_EQ(w.ctx->ops.bind_mw(w.qp[1], mw, &bind), 0);
	CHECK(mw->rkey != old);
	CHECK_EQ(poll_ok(w.cq).opcode, IBV_WC_BIND_MW);
	CHECK_EQ(ibv_dereg_mr(w.mr[1]), EBUSY);
	wr = send_wr(&sge, w.mr[0], 64);
	wr.opcode = IBV_WR_RDMA_WRITE;
	wr.wr.rdma.remote_addr = (uintptr_t)w.buf[1];
	wr.wr.rdma.rkey = mw->rkey;
	CHECK_EQ(post_send_list(w.qp[0], &wr, &bad), 0);
	poll_ok(w.cq);
	CHECK_EQ(w.ctx->ops.dealloc_mw(mw), 0);
	CHECK_EQ(post_send_list(w.qp[0], &wr, &bad), 0);
	CHECK_EQ(poll_one(w.cq).status, IBV_WC_REM_ACCESS_ERR);
	world_close(&w);
}

static void device_memory(void)
{
	struct world w;
	struct ibv_alloc_dm_attr attr = {.length = 128};
	char text[8] = "";
	struct ibv_dm *dm;

	world_open(&w);
	dm = w.ex->alloc_dm(w.ctx, &attr);
	CHECK(dm);
	CHECK_EQ(dm->memcpy_to_dm(dm, 4, "in here", 8), 0);
	CHECK_EQ(dm->memcpy_from_dm(text, dm, 4, 8), 0);
	CHECK(!strcmp(text, "in here"));
	CHECK_EQ(dm->memcpy_to_dm(dm, 2, "x", 4), EINVAL);
	CHECK_EQ(dm->memcpy_to_dm(dm, 4, "x", 1), EINVAL);
	CHECK_EQ(dm->memcpy_to_dm(dm, 124, "xxxxxxx", 8), EFAULT);
	CHECK_EQ(dm->memcpy_to_dm(dm, 0, (void *)16, 8), EFAULT);
	CHECK_NULL(w.ex->reg_dm_mr(w.pd, dm, 0, 256, IBV_ACCESS_ZERO_BASED), EINVAL);
	CHECK_NULL(w.ex->reg_dm_mr(w.pd, dm, 0, 64, IBV_ACCESS_LOCAL_WRITE), EINVAL);
	CHECK_EQ(w.ex->free_dm(dm), 0);
	attr.length = 1 << 30;
	CHECK_NULL(w.ex->alloc_dm(w.ctx, &attr), EINVAL);
	world_close(&w);
}

static void xrc_domains(void)
{
	struct world w;
	const uint32_t mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS;
	struct ibv_xrcd_init_attr attr = {.comp_mask = mask, .fd = -1};
	struct ibv_qp_init_attr_ex init = {.qp_type = IBV_QPT_XRC_RECV, .comp_mask = IBV_QP_INIT_ATTR_XRCD};
	struct ibv_qp_open_attr open_attr = {.comp_mask = 0xf, .qp_type = IBV_QPT_XRC_RECV};
	struct ibv_srq_init_attr_ex srq_attr = {.attr = {4, 1, 0}, .comp_mask = 0xf, .srq_type = IBV_SRQT_XRC};
	struct ibv_xrcd *xrcd, *same;
	struct ibv_qp *qp, *other;
	struct ibv_qp_attr to_err = {.qp_state = IBV_QPS_ERR};
	struct ibv_srq *srq, *basic;
	struct ibv_async_event ev;
	uint32_t num;

	world_open(&w);
	CHECK_NULL(w.ex->open_xrcd(w.ctx, &attr), EAGAIN); /* none, and not asked to make one */
	attr.oflags = O_CREAT;
	attr.fd = open("/tmp", O_RDONLY);
	xrcd = w.ex->open_xrcd(w.ctx, &attr);
	CHECK(xrcd);
	attr.oflags = O_CREAT | O_EXCL;
	CHECK_NULL(w.ex->open_xrcd(w.ctx, &attr), EINVAL);
	attr.oflags = 0;
	same = w.ex->open_xrcd(w.ctx, &attr);
	CHECK(same);
	init.xrcd = xrcd;
	qp = w.ex->create_qp_ex(w.ctx, &init);
	CHECK(qp);
	open_attr.xrcd = same; /* the same domain by another handle */
	open_attr.qp_num = qp->qp_num;
	other = w.ex->open_qp(w.ctx, &open_attr);
	CHECK(other && other->qp_num == qp->qp_num);
	open_attr.qp_num++;
	CHECK_NULL(w.ex->open_qp(w.ctx, &open_attr), EINVAL);
	srq_attr.pd = w.pd;
	srq_attr.cq = w.cq;
	srq_attr.xrcd = xrcd;
	srq = w.ex->create_srq_ex(w.ctx, &srq_attr);
	CHECK(srq);
	CHECK_EQ(w.ex->get_srq_num(srq, &num), 0);
	basic = ibv_create_srq(w.pd, &(struct ibv_srq_init_attr){.attr = {4, 1, 0}});
	CHECK_EQ(w.ex->get_srq_num(basic, &num), EOPNOTSUPP);
	CHECK_EQ(w.ex->close_xrcd(same), 0);
	CHECK_EQ(w.ex->close_xrcd(xrcd), EBUSY);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	/* Events are for every handle that is left. */
	CHECK_EQ(ibv_modify_qp(other, &to_err, IBV_QP_STATE), 0);
	CHECK_EQ(ibv_get_async_event(w.ctx, &ev), 0);
	CHECK_EQ(ev.event_type, IBV_EVENT_QP_LAST_WQE_REACHED);
	CHECK(ev.element.qp == other);
	ibv_ack_async_event(&ev);
	CHECK_EQ(ibv_destroy_qp(other), 0);
	CHECK_EQ(ibv_destroy_srq(srq), 0);
	CHECK_EQ(ibv_destroy_srq(basic), 0);
	CHECK_EQ(w.ex->close_xrcd(xrcd), 0);
	world_close(&w);
}

static void in_child(struct world *w)
{
	struct ibv_send_wr wr = {.opcode = IBV_WR_SEND}, *bad;
	struct ibv_wc wc;
	struct world own;

	/* The parent's objects are not ours: nothing happens to them, whatever we call. */
	CHECK(w->ctx->ops.poll_cq(w->cq, 1, &wc) < 0);
	CHECK(post_send_list(w->qp[0], &wr, &bad));
	CHECK_NULL(ibv_reg_mr(w->pd, own.buf, 8, 0), EINVAL);
	CHECK_EQ(ibv_destroy_qp(w->qp[0]), 0);
	CHECK_EQ(ibv_dereg_mr(w->mr[0]), 0);
	/* Its context is a device of ours once we use it. */
	CHECK(ibv_alloc_pd(w->ctx));
	CHECK_EQ(ibv_close_device(w->ctx), 0);
	world_rc(&own);
	CHECK(own.qp[0]->qp_num >> 16 != w->qp[0]->qp_num >> 16);
	world_close(&own);
	_exit(0);
}

static void forked_child(void)
{
	struct world w;
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	int status;
	pid_t child;

	CHECK_EQ(ibv_fork_init(), 0);
	world_rc(&w);
	child = fork();
	CHECK(child >= 0);
	if (!child)
		in_child(&w);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	post_recv_ok(w.qp[1], w.mr[1], 1);
	wr = send_wr(&sge, w.mr[0], 8);
	CHECK_EQ(post_send_list(w.qp[0], &wr, &bad), 0);
	poll_ok(w.cq);
	poll_ok(w.cq);
	world_close(&w);
}

/* Names that must exist, of another time or of nobody's business: called, they refuse. */
static void old_and_private_names(void)
{
	int (*query)(void *, void *) = dlvsym(RTLD_DEFAULT, "ibv_query_device", "IBVERBS_1.0");
	void *(*list)(int *) = dlvsym(RTLD_DEFAULT, "ibv_get_device_list", "IBVERBS_1.0");
	int (*command)(void) = dlvsym(RTLD_DEFAULT, "ibv_cmd_create_qp_ex2", "IBVERBS_PRIVATE_59");
	int (*gid_type)(struct ibv_context *, uint8_t, unsigned int, unsigned int *) =
		dlvsym(RTLD_DEFAULT, "ibv_query_gid_type", "IBVERBS_PRIVATE_34");
	bool *disassociate = dlvsym(RTLD_DEFAULT, "verbs_allow_disassociate_destroy", "IBVERBS_PRIVATE_59");
	struct ibv_context *ctx = open_only();
	unsigned int type = 9;
	void **ops;

	CHECK(query && list && command && gid_type && disassociate);
	CHECK_EQ(query(NULL, NULL), ENOSYS);
	CHECK(!list(NULL));
	CHECK_EQ(command(), ENOSYS);
	CHECK(!*disassociate);
	CHECK_EQ(gid_type(ctx, 1, 0, &type), 0);
	CHECK_EQ(type, 1);
	CHECK_EQ(gid_type(ctx, 1, 5, &type), -1);
	/* mlx5dv and its like compare the word behind the device with their own. */
	ops = (void **)(ctx->device + 1);
	CHECK(*ops);
	CHECK_EQ(ibv_close_device(ctx), 0);
}

static void names_and_rates(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	CHECK(list);
	CHECK(!strcmp(ibv_get_device_name(list[0]), "dpu0"));
	CHECK(!strcmp(list[0]->dev_name, "uverbs0"));
	CHECK_EQ(ibv_get_device_index(list[0]), 0);
	CHECK(ibv_get_device_guid(list[0]));
	ibv_free_device_list(list);
	CHECK(!strcmp(ibv_wc_status_str(IBV_WC_RETRY_EXC_ERR), "transport retry counter exceeded"));
	CHECK(!strcmp(ibv_wc_status_str(99), "unknown"));
	CHECK(!strcmp(ibv_wc_status_str(-1), "unknown"));
	CHECK(!strcmp(ibv_event_type_str(77), "unknown"));
	CHECK(!strcmp(ibv_node_type_str(IBV_NODE_UNKNOWN), "unknown"));
	CHECK(!strcmp(ibv_port_state_str(IBV_PORT_DOWN), "down"));
	CHECK_EQ(ibv_rate_to_mult(IBV_RATE_100_GBPS), 40);
	CHECK_EQ(ibv_rate_to_mbps(IBV_RATE_10_GBPS), 10000);
	CHECK_EQ(ibv_rate_to_mbps(1), -1);
	CHECK_EQ(mult_to_ibv_rate(4), IBV_RATE_10_GBPS);
	CHECK_EQ(mult_to_ibv_rate(5), IBV_RATE_MAX);
	CHECK_EQ(mbps_to_ibv_rate(2500), IBV_RATE_2_5_GBPS);
}

const struct check object_checks[] = {
	{"import", import},
	{"import_by_another_process", import_by_another_process},
	{"imported_descriptor", imported_descriptor},
	{"parent_domains", parent_domains},
	{"windows", windows},
	{"device_memory", device_memory},
	{"xrc_domains", xrc_domains},
	{"forked_child", forked_child},
	{"old_and_private_names", old_and_private_names},
	{"names_and_rates", names_and_rates},
	{NULL, NULL},
};
