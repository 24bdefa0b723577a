/* Completion queues. */
#include "rdma_verbs/ibverbs/vb.h"

#define WC_FLAGS_ALL \
	(IBV_WC_EX_WITH_BYTE_LEN | IBV_WC_EX_WITH_IMM | IBV_WC_EX_WITH_QP_NUM | IBV_WC_EX_WITH_SRC_QP | \
	 IBV_WC_EX_WITH_SLID | IBV_WC_EX_WITH_SL | IBV_WC_EX_WITH_DLID_PATH_BITS | \
	 IBV_WC_EX_WITH_COMPLETION_TIMESTAMP | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK)

static int find_channel(struct vb_context *ctx, struct ibv_comp_channel *ib, struct vb_channel **channel)
{
	*channel = NULL;
	if (!ib)
		return 0;
	*channel = VB_LOOKUP(vb_channel, ib, VB_CHANNEL);
	return *channel && (*channel)->obj.session == vb_session_of(ctx) ? vb_use(&(*channel)->obj) : EINVAL;
}

static void let_channel_go(struct vb_channel *channel)
{
	if (!channel)
		return;
	__atomic_sub_fetch(&channel->ib.refcnt, 1, __ATOMIC_RELAXED);
	vb_unuse(&channel->obj);
}

static struct vb_cq *create(struct vb_context *ctx, const struct ibv_cq_init_attr_ex *init, struct vb_pd *pd)
{
	struct vb_session *s = vb_session_of(ctx);
	struct vb_channel *channel;
	struct vb_cq *cq;
	int err;

	if (init->comp_vector >= (uint32_t)ctx->verbs.context.num_comp_vectors)
		return vb_null(EINVAL);
	err = find_channel(ctx, init->channel, &channel);
	if (err)
		return vb_null(err);
	cq = vb_new(sizeof(*cq));
	if (!cq) {
		if (channel)
			vb_unuse(&channel->obj);
		return vb_null(ENOMEM);
	}
	if (channel)
		__atomic_add_fetch(&channel->ib.refcnt, 1, __ATOMIC_RELAXED);
	cq->ib.context = &ctx->verbs.context;
	cq->ib.channel = init->channel;
	cq->ib.cq_context = init->cq_context;
	pthread_mutex_init(&cq->ib.mutex, NULL);
	pthread_cond_init(&cq->ib.cond, NULL);
	pthread_mutex_init(&cq->polling, NULL);
	cq->channel = channel;
	cq->live = s->live;
	cq->l3_type = dp_ip_is_v4((const struct dp_ip *)roce_dev_config(s->dev)->gid[0].b) ? VB_L3_IPV4 : VB_L3_IPV6;
	cq->pd = pd;
	vb_lock(s);
	cq->roce = roce_cq_create(s->dev, init->cqe, cq);
	err = cq->roce ? 0 : vb_tell(s, errno);
	vb_unlock(s);
	if (err) {
		let_channel_go(channel);
		vb_retire(cq);
		return vb_null(err);
	}
	cq->ib.cqe = (int)roce_cq_size(cq->roce);
	vb_register(&cq->obj, VB_CQ, &cq->ib, s);
	cq->ib.handle = cq->obj.handle;
	vb_pd_use(pd);
	return cq;
}

VB_API(struct ibv_cq *, create_cq, "ibv_create_cq@@IBVERBS_1.1",
       (struct ibv_context * context, int cqe, void *cq_context, struct ibv_comp_channel *channel, int comp_vector))
{
	struct vb_context *ctx = vb_context_find(context);
	struct ibv_cq_init_attr_ex init = {.cqe = (uint32_t)cqe,
					   .cq_context = cq_context,
					   .channel = channel,
					   .comp_vector = (uint32_t)comp_vector};

	if (!ctx || cqe < 1)
		return vb_null(EINVAL);
	return (struct ibv_cq *)create(ctx, &init, NULL);
}

static struct ibv_cq_ex *create_cq_ex(struct ibv_context *context, struct ibv_cq_init_attr_ex *init)
{
	const uint32_t flags = IBV_CREATE_CQ_ATTR_SINGLE_THREADED | IBV_CREATE_CQ_ATTR_IGNORE_OVERRUN;
	struct vb_context *ctx = vb_context_find(context);
	struct vb_pd *pd = NULL;
	struct vb_cq *cq;

	if (!ctx || !init)
		return vb_null(EINVAL);
	if (init->comp_mask & ~(uint32_t)(IBV_CQ_INIT_ATTR_MASK_FLAGS | IBV_CQ_INIT_ATTR_MASK_PD) ||
	    init->wc_flags & ~(uint64_t)WC_FLAGS_ALL)
		return vb_null(EOPNOTSUPP);
	if (init->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS && init->flags & ~flags)
		return vb_null(EOPNOTSUPP);
	if (init->comp_mask & IBV_CQ_INIT_ATTR_MASK_PD) { /* a parent domain */
		pd = vb_pd_find(init->parent_domain);
		if (!pd || !pd->parent_of || pd->obj.session != vb_session_of(ctx))
			return vb_null(EINVAL);
	}
	cq = create(ctx, init, pd);
	if (!cq)
		return NULL;
	/* An overrun is an error here all the same: the flag lets a device not look for it. */
	cq->single_threaded =
		(init->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS && init->flags & IBV_CREATE_CQ_ATTR_SINGLE_THREADED) ||
		(pd && pd->td);
	vb_cq_ex_init(cq);
	return &cq->ib;
}

VB_API(int, resize_cq, "ibv_resize_cq@@IBVERBS_1.1", (struct ibv_cq * ib, int cqe))
{
	struct vb_cq *cq = VB_LOOKUP(vb_cq, ib, VB_CQ);
	int err;

	if (!cq || cqe < 1)
		return EINVAL;
	vb_lock(cq->obj.session);
	err = roce_cq_resize(cq->roce, (uint32_t)cqe);
	if (err)
		err = vb_tell(cq->obj.session, err);
	else
		ib->cqe = (int)roce_cq_size(cq->roce);
	vb_unlock(cq->obj.session);
	return err;
}

static int modify_cq(struct ibv_cq *ib, struct ibv_modify_cq_attr *attr)
{
	struct vb_cq *cq = VB_LOOKUP(vb_cq, ib, VB_CQ);
	struct roce_cq_attr to;
	int err;

	if (!cq || !attr)
		return EINVAL;
	if (attr->attr_mask & ~(uint32_t)IBV_CQ_ATTR_MODERATE)
		return EOPNOTSUPP;
	to = (struct roce_cq_attr){attr->moderate.cq_count, attr->moderate.cq_period};
	vb_lock(cq->obj.session);
	err = roce_cq_modify(cq->roce, &to, attr->attr_mask);
	if (err)
		err = vb_tell(cq->obj.session, err);
	vb_unlock(cq->obj.session);
	return err;
}

VB_API(int, destroy_cq, "ibv_destroy_cq@@IBVERBS_1.1", (struct ibv_cq * ib))
{
	struct vb_cq *cq;
	struct vb_session *s;
	int err = VB_CLAIM(cq, ib, VB_CQ);

	if (err)
		return DP_MAX(err, 0);
	s = cq->obj.session;
	vb_lock(s);
	err = roce_cq_destroy(cq->roce);
	if (err)
		err = vb_tell(s, err);
	else
		cq->roce = NULL;
	vb_unlock(s);
	if (err) {
		vb_restore(&cq->obj);
		return err;
	}
	if (cq->channel)
		vb_queue_forget(&cq->channel->events, &cq->obj);
	vb_queue_forget(&vb_context_of(ib->context)->async, &cq->obj);
	vb_wait_acks(&ib->mutex, &ib->cond, &cq->comp_delivered, &ib->comp_events_completed);
	vb_wait_acks(&ib->mutex, &ib->cond, &cq->async_delivered, &ib->async_events_completed);
	let_channel_go(cq->channel);
	vb_pd_unuse(cq->pd);
	vb_retire(cq);
	return 0;
}

static int req_notify_cq(struct ibv_cq *ib, int solicited_only)
{
	struct vb_cq *cq = (struct vb_cq *)ib;

	/* As the field's adapters: UCX's RC goes to sleep right after this call, without another look at the queue. */
	if (!cq->roce)
		return EINVAL;
	return -roce_live_req_notify(cq->live, cq->roce, ROCE_CQ_WAITING | (solicited_only ? ROCE_CQ_SOLICITED : 0));
}

void vb_cq_ops(struct verbs_context *v)
{
	v->create_cq_ex = create_cq_ex;
	v->modify_cq = modify_cq;
	v->context.ops.req_notify_cq = req_notify_cq;
}
