/* Memory windows. */
#include "rdma_verbs/ibverbs/vb.h"

static struct ibv_mw *alloc_mw(struct ibv_pd *ib, enum ibv_mw_type type)
{
	struct vb_pd *pd = vb_pd_find(ib);
	struct vb_mw *mw;
	int err;

	if (!pd)
		return vb_null(EINVAL);
	mw = vb_new(sizeof(*mw));
	if (!mw)
		return NULL;
	vb_lock(pd->obj.session);
	mw->roce = roce_mw_alloc(pd->roce, type);
	err = mw->roce ? 0 : vb_tell(pd->obj.session, errno);
	vb_unlock(pd->obj.session);
	if (!mw->roce) {
		vb_retire(mw);
		return vb_null(err);
	}
	mw->ib = (struct ibv_mw){.context = ib->context, .pd = ib, .rkey = roce_mw_rkey(mw->roce), .type = type};
	vb_register(&mw->obj, VB_MW, &mw->ib, pd->obj.session);
	mw->ib.handle = mw->obj.handle;
	vb_pd_use(pd);
	return &mw->ib;
}

static int dealloc_mw(struct ibv_mw *ib)
{
	struct vb_mw *mw;
	int err = VB_CLAIM(mw, ib, VB_MW);

	if (err)
		return DP_MAX(err, 0);
	vb_lock(mw->obj.session);
	roce_mw_dealloc(mw->roce);
	vb_unlock(mw->obj.session);
	vb_pd_unuse((struct vb_pd *)ib->pd);
	vb_retire(mw);
	return 0;
}

static int bind_mw(struct ibv_qp *ibqp, struct ibv_mw *ib, struct ibv_mw_bind *bind)
{
	struct vb_qp *qp = VB_LOOKUP(vb_qp, ibqp, VB_QP);
	struct vb_mw *mw = VB_LOOKUP(vb_mw, ib, VB_MW);
	struct vb_mr *mr = NULL;
	struct roce_mw_bind to;
	int err;

	if (!qp || !qp->roce || !mw || !bind)
		return EINVAL;
	if (bind->bind_info.mr) {
		mr = VB_LOOKUP(vb_mr, bind->bind_info.mr, VB_MR);
		if (!mr || !mr->roce)
			return EINVAL;
		if (((struct vb_pd *)mr->ib.pd)->roce != ((struct vb_pd *)mw->ib.pd)->roce)
			return EPERM;
	}
	if (qp->obj.session != mw->obj.session)
		return EINVAL;
	to = (struct roce_mw_bind){.wr_id = bind->wr_id,
				   .send_flags = bind->send_flags,
				   .info = {.mr = mr ? mr->roce : NULL,
					    .addr = bind->bind_info.addr,
					    .length = bind->bind_info.length,
					    .access = vb_window_access(bind->bind_info.mw_access_flags)}};
	vb_lock(qp->obj.session);
	err = roce_bind_mw(qp->roce, mw->roce, &to);
	if (err)
		err = vb_tell(qp->obj.session, err);
	else
		mw->ib.rkey = roce_mw_rkey(mw->roce);
	vb_unlock(qp->obj.session);
	return err;
}

void vb_mw_ops(struct verbs_context *v)
{
	v->context.ops.alloc_mw = alloc_mw;
	v->context.ops.dealloc_mw = dealloc_mw;
	v->context.ops.bind_mw = bind_mw;
}
