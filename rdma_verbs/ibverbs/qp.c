/* Queue pairs: creation and attributes. Posting is in post.c, the builder in qp_ex.c, multicast in mcast.c. */
#include <stdlib.h>

#include "rdma_verbs/ibverbs/vb.h"

#define OPS_RDMA_WRITE (IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM)
#define OPS_SEND       (IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM)
#define OPS_UC         (OPS_SEND | OPS_RDMA_WRITE | IBV_QP_EX_WITH_LOCAL_INV | IBV_QP_EX_WITH_BIND_MW)
#define OPS_RC \
	(OPS_UC | IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP | IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD | \
	 IBV_QP_EX_WITH_SEND_WITH_INV | IBV_QP_EX_WITH_FLUSH | IBV_QP_EX_WITH_ATOMIC_WRITE)

/* What a QP is made of, all of it looked up. */
struct want {
	struct vb_context *ctx;
	struct vb_pd *pd;
	struct vb_domain *domain;
	struct vb_cq *send_cq, *recv_cq;
	struct vb_srq *srq;
	bool has_ex;
};

static void cap_to_roce(const struct ibv_qp_cap *from, struct roce_qp_cap *to)
{
	*to = (struct roce_qp_cap){from->max_send_wr, from->max_recv_wr, from->max_send_sge, from->max_recv_sge,
				   from->max_inline_data};
}

static void cap_from_roce(const struct roce_qp_cap *from, struct ibv_qp_cap *to)
{
	*to = (struct ibv_qp_cap){from->max_send_wr, from->max_recv_wr, from->max_send_sge, from->max_recv_sge,
				  from->max_inline_data};
}

static int find_queues(struct want *w, const struct ibv_qp_init_attr *init)
{
	const struct vb_session *s = vb_session_of(w->ctx);

	if (init->send_cq) {
		w->send_cq = VB_LOOKUP(vb_cq, init->send_cq, VB_CQ);
		if (!w->send_cq || w->send_cq->obj.session != s)
			return EINVAL;
	}
	if (init->recv_cq) {
		w->recv_cq = VB_LOOKUP(vb_cq, init->recv_cq, VB_CQ);
		if (!w->recv_cq || w->recv_cq->obj.session != s)
			return EINVAL;
	}
	if (init->srq) {
		w->srq = VB_LOOKUP(vb_srq, init->srq, VB_SRQ);
		if (!w->srq || w->srq->obj.session != s)
			return EINVAL;
	}
	return 0;
}

static struct vb_qp *new_qp(const struct want *w, const struct ibv_qp_init_attr *init)
{
	struct vb_qp *qp = vb_new(sizeof(*qp));

	if (!qp)
		return NULL;
	qp->ib.context = &w->ctx->verbs.context;
	qp->ib.qp_context = init->qp_context;
	qp->ib.pd = w->pd ? &w->pd->ib : NULL;
	qp->ib.send_cq = init->send_cq;
	qp->ib.recv_cq = init->recv_cq;
	qp->ib.srq = init->srq;
	qp->ib.qp_type = init->qp_type;
	qp->ib.state = IBV_QPS_RESET;
	qp->live = vb_session_of(w->ctx)->live;
	qp->pd = w->pd;
	qp->has_ex = w->has_ex;
	qp->sq_sig_all = init->sq_sig_all;
	pthread_mutex_init(&qp->ib.mutex, NULL);
	pthread_cond_init(&qp->ib.cond, NULL);
	return qp;
}

static void publish(struct vb_qp *qp, struct vb_context *ctx)
{
	qp->ib.qp_num = roce_qp_num(qp->roce);
	vb_register(&qp->obj, VB_QP, &qp->ib, vb_session_of(ctx));
	qp->ib.handle = qp->obj.handle;
	vb_pd_use(qp->pd);
}

static struct ibv_qp *create(struct want *w, struct ibv_qp_init_attr *init)
{
	struct vb_session *s = vb_session_of(w->ctx);
	struct roce_qp_init_attr to = {.qp_type = init->qp_type, .sq_sig_all = init->sq_sig_all ? 1 : 0};
	struct vb_qp *qp;
	int err = find_queues(w, init);

	if (err)
		return vb_null(err);
	qp = new_qp(w, init);
	if (!qp)
		return NULL;
	cap_to_roce(&init->cap, &to.cap);
	to.send_cq = w->send_cq ? w->send_cq->roce : NULL;
	to.recv_cq = w->recv_cq ? w->recv_cq->roce : NULL;
	to.srq = w->srq ? w->srq->roce : NULL;
	to.xrcd = w->domain ? w->domain->roce : NULL;
	if (w->has_ex)
		vb_qp_ex_init(qp);
	vb_lock(s);
	qp->roce = roce_qp_create(w->pd ? w->pd->roce : NULL, &to, qp);
	err = qp->roce ? 0 : vb_tell(s, errno);
	vb_unlock(s);
	if (err) {
		vb_qp_ex_fini(qp);
		vb_retire(qp);
		return vb_null(err);
	}
	cap_from_roce(&to.cap, &init->cap);
	qp->cap = init->cap;
	publish(qp, w->ctx);
	return &qp->ib;
}

/* A type that no RoCE device of ours has is not supported; one that nobody has is invalid. */
static int check_type(uint32_t type)
{
	switch (type) {
	case IBV_QPT_RC:
	case IBV_QPT_UC:
	case IBV_QPT_UD:
	case IBV_QPT_XRC_SEND:
	case IBV_QPT_XRC_RECV:
		return 0;
	case IBV_QPT_RAW_PACKET:
	case IBV_QPT_DRIVER:
		return EOPNOTSUPP;
	default:
		return EINVAL;
	}
}

VB_API(struct ibv_qp *, create_qp, "ibv_create_qp@@IBVERBS_1.1", (struct ibv_pd * ib, struct ibv_qp_init_attr *init))
{
	struct want w = {.pd = vb_pd_find(ib)};
	int err;

	if (!w.pd || !init)
		return vb_null(EINVAL);
	w.ctx = vb_context_of(ib->context);
	err = init->qp_type == IBV_QPT_XRC_RECV ? EINVAL : check_type(init->qp_type); /* that one needs a domain */
	return err ? vb_null(err) : create(&w, init);
}

static uint64_t ops_of(uint32_t type)
{
	switch (type) {
	case IBV_QPT_RC:
	case IBV_QPT_XRC_SEND:
		return OPS_RC;
	case IBV_QPT_UC:
		return OPS_UC;
	case IBV_QPT_UD:
		return OPS_SEND;
	default:
		return 0;
	}
}

static struct ibv_qp *create_qp_ex(struct ibv_context *context, struct ibv_qp_init_attr_ex *init)
{
	const uint32_t known = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_XRCD | IBV_QP_INIT_ATTR_CREATE_FLAGS |
			       IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
	struct want w = {.ctx = vb_context_find(context)};
	struct vb_session *s;
	int err;

	if (!w.ctx || !init)
		return vb_null(EINVAL);
	s = vb_session_of(w.ctx);
	if (init->comp_mask & ~known || (init->comp_mask & IBV_QP_INIT_ATTR_CREATE_FLAGS && init->create_flags))
		return vb_null(EOPNOTSUPP);
	err = check_type(init->qp_type);
	if (err)
		return vb_null(err);
	if (init->qp_type == IBV_QPT_XRC_RECV) {
		struct vb_xrcd *xrcd =
			init->comp_mask & IBV_QP_INIT_ATTR_XRCD ? VB_LOOKUP(vb_xrcd, init->xrcd, VB_XRCD) : NULL;

		if (!xrcd || xrcd->obj.session != s)
			return vb_null(EINVAL);
		w.domain = xrcd->domain;
	} else {
		w.pd = init->comp_mask & IBV_QP_INIT_ATTR_PD ? vb_pd_find(init->pd) : NULL;
		if (!w.pd || w.pd->obj.session != s)
			return vb_null(EINVAL);
	}
	if (init->comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS) {
		if (init->send_ops_flags & ~ops_of(init->qp_type))
			return vb_null(EOPNOTSUPP);
		w.has_ex = true;
	}
	return create(&w, (struct ibv_qp_init_attr *)init);
}

VB_API(struct ibv_qp_ex *, qp_to_qp_ex, "ibv_qp_to_qp_ex@@IBVERBS_1.6", (struct ibv_qp * ib))
{
	struct vb_qp *qp = VB_LOOKUP(vb_qp, ib, VB_QP);

	return qp && qp->has_ex ? &qp->ex : NULL;
}

static struct ibv_qp *open_qp(struct ibv_context *context, struct ibv_qp_open_attr *attr)
{
	const uint32_t needs = IBV_QP_OPEN_ATTR_NUM | IBV_QP_OPEN_ATTR_XRCD | IBV_QP_OPEN_ATTR_TYPE;
	struct want w = {.ctx = vb_context_find(context)};
	struct ibv_qp_init_attr init = {.qp_type = IBV_QPT_XRC_RECV};
	struct vb_session *s;
	struct vb_xrcd *xrcd;
	struct vb_qp *qp;
	int err;

	if (!w.ctx || !attr)
		return vb_null(EINVAL);
	if (attr->comp_mask & ~(needs | IBV_QP_OPEN_ATTR_CONTEXT))
		return vb_null(EOPNOTSUPP);
	if ((attr->comp_mask & needs) != needs || attr->qp_type != IBV_QPT_XRC_RECV)
		return vb_null(EINVAL);
	xrcd = VB_LOOKUP(vb_xrcd, attr->xrcd, VB_XRCD);
	s = vb_session_of(w.ctx);
	if (!xrcd || xrcd->obj.session != s)
		return vb_null(EINVAL);
	if (attr->comp_mask & IBV_QP_OPEN_ATTR_CONTEXT)
		init.qp_context = attr->qp_context;
	qp = new_qp(&w, &init);
	if (!qp)
		return NULL;
	vb_lock(s);
	qp->roce = roce_qp_open(xrcd->domain->roce, attr->qp_num);
	err = qp->roce ? 0 : vb_tell(s, errno);
	vb_unlock(s);
	if (err) {
		vb_retire(qp);
		return vb_null(err);
	}
	publish(qp, w.ctx);
	return &qp->ib;
}

VB_API(int, destroy_qp, "ibv_destroy_qp@@IBVERBS_1.1", (struct ibv_qp * ib))
{
	struct vb_qp *qp;
	struct vb_session *s;
	int err = VB_CLAIM(qp, ib, VB_QP);

	if (err)
		return DP_MAX(err, 0);
	s = qp->obj.session;
	vb_lock(s);
	if (ib->qp_type != IBV_QPT_XRC_RECV) /* of which there may be other handles */
		roce_qp_forget_completions(qp->roce);
	roce_qp_destroy(qp->roce);
	qp->roce = NULL;
	vb_unlock(s);
	vb_leave_groups(qp);
	vb_queue_forget(&vb_context_of(ib->context)->async, &qp->obj);
	vb_wait_acks(&ib->mutex, &ib->cond, &qp->async_delivered, &ib->events_completed);
	vb_pd_unuse(qp->pd);
	vb_qp_ex_fini(qp);
	/* The engine goes on to name an XRC target's first handle in its events while there are other handles. */
	if (ib->qp_type != IBV_QPT_XRC_RECV)
		vb_retire(qp);
	return 0;
}

static void attr_to_roce(const struct ibv_qp_attr *from, uint32_t mask, struct roce_qp_attr *to)
{
	memset(to, 0, sizeof(*to));
	to->qp_state = from->qp_state;
	to->cur_qp_state = from->cur_qp_state;
	to->path_mtu = from->path_mtu;
	to->qkey = from->qkey;
	to->rq_psn = from->rq_psn & 0xffffff;
	to->sq_psn = from->sq_psn & 0xffffff;
	to->dest_qp_num = from->dest_qp_num;
	/* What belongs to regions is allowed and says nothing about a queue pair. */
	to->qp_access_flags =
		from->qp_access_flags & ~(IBV_ACCESS_MW_BIND | IBV_ACCESS_ZERO_BASED | IBV_ACCESS_ON_DEMAND |
					  IBV_ACCESS_HUGETLB | (unsigned int)IBV_ACCESS_OPTIONAL_RANGE);
	to->pkey_index = from->pkey_index;
	to->en_sqd_async_notify = from->en_sqd_async_notify;
	to->max_rd_atomic = from->max_rd_atomic;
	to->max_dest_rd_atomic = from->max_dest_rd_atomic;
	to->min_rnr_timer = from->min_rnr_timer;
	to->port_num = from->port_num;
	to->timeout = from->timeout;
	to->retry_cnt = from->retry_cnt;
	to->rnr_retry = from->rnr_retry;
	if (mask & IBV_QP_RATE_LIMIT) /* the oldest programs' structure ends before it */
		to->rate_limit = from->rate_limit;
	if (mask & IBV_QP_AV)
		vb_ah_to_roce(&from->ah_attr, &to->ah);
}

/* Programs give both ends of XRC all that RC takes; as in Linux, what is not of an end's half does not count. */
static int not_its_half(uint32_t type)
{
	switch (type) {
	case IBV_QPT_XRC_SEND:
		return IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	case IBV_QPT_XRC_RECV:
		return IBV_QP_MAX_QP_RD_ATOMIC | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY;
	default:
		return 0;
	}
}

VB_API(int, modify_qp, "ibv_modify_qp@@IBVERBS_1.1", (struct ibv_qp * ib, struct ibv_qp_attr *attr, int mask))
{
	struct vb_qp *qp = VB_LOOKUP(vb_qp, ib, VB_QP);
	struct roce_qp_attr to;
	int err = 0;

	if (!qp || !attr)
		return EINVAL;
	mask &= ~not_its_half(ib->qp_type);
	attr_to_roce(attr, (uint32_t)mask, &to);
	if (mask & IBV_QP_AV) {
		if (!attr->ah_attr.is_global)
			return EINVAL;
		err = vb_reach(qp->obj.session, &to.ah.dgid);
		if (err)
			return err;
	}
	vb_lock(qp->obj.session);
	err = roce_qp_modify(qp->roce, &to, (uint32_t)mask);
	if (err)
		err = vb_tell(qp->obj.session, err);
	else if (mask & IBV_QP_STATE && to.qp_state == ROCE_QPS_RESET)
		roce_qp_forget_completions(qp->roce);
	ib->state = (enum ibv_qp_state)roce_qp_state(qp->roce);
	vb_unlock(qp->obj.session);
	return err;
}

VB_API(int, query_qp, "ibv_query_qp@@IBVERBS_1.1",
       (struct ibv_qp * ib, struct ibv_qp_attr *attr, int mask, struct ibv_qp_init_attr *init))
{
	struct vb_qp *qp = VB_LOOKUP(vb_qp, ib, VB_QP);
	struct roce_qp_attr from;

	if (!qp || !attr || !init)
		return EINVAL;
	vb_lock(qp->obj.session);
	roce_qp_query(qp->roce, &from);
	vb_unlock(qp->obj.session);
	/* Without its bit, rate_limit may not be there. */
	memset(attr, 0, mask & IBV_QP_RATE_LIMIT ? sizeof(*attr) : offsetof(struct ibv_qp_attr, rate_limit));
	attr->qp_state = ib->state = (enum ibv_qp_state)from.qp_state;
	attr->cur_qp_state = (enum ibv_qp_state)from.cur_qp_state;
	attr->path_mtu = (enum ibv_mtu)from.path_mtu;
	attr->path_mig_state = IBV_MIG_MIGRATED;
	attr->qkey = from.qkey;
	attr->rq_psn = from.rq_psn;
	attr->sq_psn = from.sq_psn;
	attr->dest_qp_num = from.dest_qp_num;
	attr->qp_access_flags = from.qp_access_flags;
	cap_from_roce(&from.cap, &attr->cap);
	vb_ah_from_roce(&from.ah, &attr->ah_attr);
	attr->pkey_index = from.pkey_index;
	attr->en_sqd_async_notify = from.en_sqd_async_notify;
	attr->sq_draining = from.sq_draining;
	attr->max_rd_atomic = from.max_rd_atomic;
	attr->max_dest_rd_atomic = from.max_dest_rd_atomic;
	attr->min_rnr_timer = from.min_rnr_timer;
	attr->port_num = from.port_num;
	attr->timeout = from.timeout;
	attr->retry_cnt = from.retry_cnt;
	attr->rnr_retry = from.rnr_retry;
	if (mask & IBV_QP_RATE_LIMIT)
		attr->rate_limit = from.rate_limit;
	*init = (struct ibv_qp_init_attr){.qp_context = ib->qp_context,
					  .send_cq = ib->send_cq,
					  .recv_cq = ib->recv_cq,
					  .srq = ib->srq,
					  .cap = attr->cap,
					  .qp_type = ib->qp_type,
					  .sq_sig_all = qp->sq_sig_all};
	return 0;
}

static int modify_qp_rate_limit(struct ibv_qp *ib, struct ibv_qp_rate_limit_attr *attr)
{
	struct vb_qp *qp = VB_LOOKUP(vb_qp, ib, VB_QP);
	struct roce_qp_rate_limit_attr to;
	int err;

	if (!qp || !attr || attr->comp_mask)
		return EINVAL;
	to = (struct roce_qp_rate_limit_attr){attr->rate_limit, attr->max_burst_sz, attr->typical_pkt_sz};
	vb_lock(qp->obj.session);
	err = roce_qp_modify_rate_limit(qp->roce, &to);
	if (err)
		err = vb_tell(qp->obj.session, err);
	vb_unlock(qp->obj.session);
	return err;
}

/* Nothing is promised but that the last bytes of a placement are the last that change. */
VB_API(int, query_qp_data_in_order, "ibv_query_qp_data_in_order@@IBVERBS_1.14",
       (struct ibv_qp * qp, enum ibv_wr_opcode op, uint32_t flags))
{
	(void)qp;
	(void)op;
	(void)flags;
	return 0;
}

/* We know no options, so those of a peer are none of ours: a set of none is accepted. */
VB_API(int, set_ece, "ibv_set_ece@@IBVERBS_1.10", (struct ibv_qp * ib, struct ibv_ece *ece))
{
	if (!VB_LOOKUP(vb_qp, ib, VB_QP) || !ece)
		return EINVAL;
	return ece->vendor_id || ece->options || ece->comp_mask ? EOPNOTSUPP : 0;
}

VB_API(int, query_ece, "ibv_query_ece@@IBVERBS_1.10", (struct ibv_qp * ib, struct ibv_ece *ece))
{
	if (!VB_LOOKUP(vb_qp, ib, VB_QP) || !ece)
		return EINVAL;
	memset(ece, 0, sizeof(*ece));
	return 0;
}

void vb_qp_ops(struct verbs_context *v)
{
	v->create_qp_ex = create_qp_ex;
	v->open_qp = open_qp;
	v->modify_qp_rate_limit = modify_qp_rate_limit;
}
