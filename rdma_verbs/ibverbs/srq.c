/* Shared receive queues, those of XRC domains included. */
#include "rdma_verbs/ibverbs/vb.h"

struct want {
	struct vb_pd *pd;
	struct vb_domain *domain; /* XRC, with cq */
	struct vb_cq *cq;
	void *srq_context;
};

static struct ibv_srq *create(const struct want *w, struct ibv_srq_attr *attr)
{
	struct roce_srq_attr cap = {.max_wr = attr->max_wr, .max_sge = attr->max_sge};
	struct vb_session *s = w->pd->obj.session;
	struct vb_srq *srq = vb_new(sizeof(*srq));
	int err;

	if (!srq)
		return NULL;
	srq->ib.context = w->pd->ib.context;
	srq->ib.srq_context = w->srq_context;
	srq->ib.pd = &w->pd->ib;
	srq->live = s->live;
	srq->pd = w->pd;
	srq->xrc = w->domain;
	pthread_mutex_init(&srq->ib.mutex, NULL);
	pthread_cond_init(&srq->ib.cond, NULL);
	vb_lock(s);
	srq->roce = w->domain ? roce_srq_create_xrc(w->pd->roce, w->domain->roce, w->cq->roce, &cap, srq)
			      : roce_srq_create(w->pd->roce, &cap, srq);
	err = srq->roce ? 0 : vb_tell(s, errno);
	vb_unlock(s);
	if (err) {
		vb_retire(srq);
		return vb_null(err);
	}
	attr->max_wr = cap.max_wr;
	attr->max_sge = cap.max_sge;
	vb_register(&srq->obj, VB_SRQ, &srq->ib, s);
	srq->ib.handle = srq->obj.handle;
	vb_pd_use(w->pd);
	return &srq->ib;
}

VB_API(struct ibv_srq *, create_srq, "ibv_create_srq@@IBVERBS_1.1",
       (struct ibv_pd * ib, struct ibv_srq_init_attr *init))
{
	struct want w = {.pd = vb_pd_find(ib)};

	if (!w.pd || !init)
		return vb_null(EINVAL);
	w.srq_context = init->srq_context;
	return create(&w, &init->attr);
}

static struct ibv_srq *create_srq_ex(struct ibv_context *context, struct ibv_srq_init_attr_ex *init)
{
	const uint32_t known = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD | IBV_SRQ_INIT_ATTR_XRCD |
			       IBV_SRQ_INIT_ATTR_CQ | IBV_SRQ_INIT_ATTR_TM;
	const uint32_t xrc_needs = IBV_SRQ_INIT_ATTR_XRCD | IBV_SRQ_INIT_ATTR_CQ;
	struct vb_context *ctx = vb_context_find(context);
	struct vb_xrcd *xrcd;
	struct want w = {0};
	uint32_t type;

	if (!ctx || !init)
		return vb_null(EINVAL);
	if (init->comp_mask & ~known || init->comp_mask & IBV_SRQ_INIT_ATTR_TM)
		return vb_null(EOPNOTSUPP);
	type = init->comp_mask & IBV_SRQ_INIT_ATTR_TYPE ? init->srq_type : IBV_SRQT_BASIC;
	if (type > IBV_SRQT_XRC)
		return vb_null(EOPNOTSUPP);
	w.pd = init->comp_mask & IBV_SRQ_INIT_ATTR_PD ? vb_pd_find(init->pd) : NULL;
	if (!w.pd || w.pd->obj.session != vb_session_of(ctx))
		return vb_null(EINVAL);
	w.srq_context = init->srq_context;
	if (type == IBV_SRQT_XRC) {
		if ((init->comp_mask & xrc_needs) != xrc_needs)
			return vb_null(EINVAL);
		xrcd = VB_LOOKUP(vb_xrcd, init->xrcd, VB_XRCD);
		w.cq = VB_LOOKUP(vb_cq, init->cq, VB_CQ);
		if (!xrcd || !w.cq || xrcd->obj.session != w.pd->obj.session || w.cq->obj.session != w.pd->obj.session)
			return vb_null(EINVAL);
		w.domain = xrcd->domain;
	}
	return create(&w, &init->attr);
}

VB_API(int, modify_srq, "ibv_modify_srq@@IBVERBS_1.1", (struct ibv_srq * ib, struct ibv_srq_attr *attr, int mask))
{
	struct vb_srq *srq = VB_LOOKUP(vb_srq, ib, VB_SRQ);
	struct roce_srq_attr to;
	int err;

	if (!srq || !attr)
		return EINVAL;
	to = (struct roce_srq_attr){.max_wr = attr->max_wr, .max_sge = attr->max_sge, .srq_limit = attr->srq_limit};
	vb_lock(srq->obj.session);
	err = roce_srq_modify(srq->roce, &to, (uint32_t)mask);
	if (err)
		err = vb_tell(srq->obj.session, err);
	vb_unlock(srq->obj.session);
	return err;
}

VB_API(int, query_srq, "ibv_query_srq@@IBVERBS_1.1", (struct ibv_srq * ib, struct ibv_srq_attr *attr))
{
	struct vb_srq *srq = VB_LOOKUP(vb_srq, ib, VB_SRQ);
	struct roce_srq_attr from;

	if (!srq || !attr)
		return EINVAL;
	vb_lock(srq->obj.session);
	roce_srq_query(srq->roce, &from);
	vb_unlock(srq->obj.session);
	*attr = (struct ibv_srq_attr){from.max_wr, from.max_sge, from.srq_limit};
	return 0;
}

/* Only an XRC queue's number is of use to others. */
static int get_srq_num(struct ibv_srq *ib, uint32_t *num)
{
	struct vb_srq *srq = VB_LOOKUP(vb_srq, ib, VB_SRQ);

	if (!srq || !num)
		return EINVAL;
	if (!srq->xrc)
		return EOPNOTSUPP;
	*num = roce_srq_num(srq->roce);
	return 0;
}

VB_API(int, destroy_srq, "ibv_destroy_srq@@IBVERBS_1.1", (struct ibv_srq * ib))
{
	struct vb_srq *srq;
	struct vb_session *s;
	int err = VB_CLAIM(srq, ib, VB_SRQ);

	if (err)
		return DP_MAX(err, 0);
	s = srq->obj.session;
	vb_lock(s);
	err = roce_srq_destroy(srq->roce);
	if (err)
		err = vb_tell(s, err);
	else
		srq->roce = NULL;
	vb_unlock(s);
	if (err) {
		vb_restore(&srq->obj);
		return err;
	}
	vb_queue_forget(&vb_context_of(ib->context)->async, &srq->obj);
	vb_wait_acks(&ib->mutex, &ib->cond, &srq->async_delivered, &ib->events_completed);
	vb_pd_unuse(srq->pd);
	vb_retire(srq);
	return 0;
}

void vb_srq_ops(struct verbs_context *v)
{
	v->create_srq_ex = create_srq_ex;
	v->get_srq_num = get_srq_num;
}
