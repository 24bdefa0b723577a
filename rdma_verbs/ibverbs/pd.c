/* Protection domains, parent domains (a protection domain with hints), thread domains, and the import of a domain. */
#include "rdma_verbs/ibverbs/vb.h"

static struct vb_pd *new_pd(struct vb_context *ctx)
{
	struct vb_pd *pd = vb_new(sizeof(*pd));

	if (pd)
		pd->ib.context = &ctx->verbs.context;
	return pd;
}

static struct ibv_pd *publish(struct vb_pd *pd, struct vb_context *ctx)
{
	vb_register(&pd->obj, VB_PD, &pd->ib, vb_session_of(ctx));
	pd->ib.handle = pd->obj.handle;
	return &pd->ib;
}

VB_API(struct ibv_pd *, alloc_pd, "ibv_alloc_pd@@IBVERBS_1.1", (struct ibv_context * context))
{
	struct vb_context *ctx = vb_context_find(context);
	struct vb_session *s;
	struct vb_pd *pd;
	int err = ENOMEM;

	if (!ctx)
		return NULL;
	s = vb_session_of(ctx);
	pd = new_pd(ctx);
	if (!pd)
		return NULL;
	vb_lock(s);
	pd->roce = roce_pd_alloc(s->dev);
	if (!pd->roce)
		err = vb_tell(s, errno);
	vb_unlock(s);
	if (!pd->roce) {
		vb_retire(pd);
		return vb_null(err);
	}
	return publish(pd, ctx);
}

/* Other handles of a domain that goes away have nothing behind them any more. */
static void lose(struct vb_obj *obj, void *arg)
{
	struct vb_pd *pd = DP_CONTAINER_OF(obj, struct vb_pd, obj);

	if (obj->kind == VB_PD && pd->roce == arg)
		pd->roce = NULL;
}

VB_API(int, dealloc_pd, "ibv_dealloc_pd@@IBVERBS_1.1", (struct ibv_pd * ib))
{
	struct vb_pd *pd;
	struct vb_session *s;
	int err = VB_CLAIM(pd, ib, VB_PD);

	if (err)
		return DP_MAX(err, 0);
	s = pd->obj.session;
	if (pd->parent_of) {
		vb_unuse(&pd->parent_of->obj);
		if (pd->td)
			vb_unuse(&pd->td->obj);
	} else if (pd->roce) {
		struct roce_pd *roce = pd->roce;

		vb_lock(s);
		err = roce_pd_dealloc(roce);
		if (err)
			err = vb_tell(s, err);
		vb_unlock(s);
		if (err) {
			vb_restore(&pd->obj);
			return err;
		}
		vb_each(s, lose, roce);
	}
	vb_retire(pd);
	return 0;
}

static struct ibv_td *alloc_td(struct ibv_context *context, struct ibv_td_init_attr *init)
{
	struct vb_context *ctx = vb_context_find(context);
	struct vb_td *td;

	if (!ctx || !init)
		return vb_null(EINVAL);
	if (init->comp_mask)
		return vb_null(EINVAL);
	td = vb_new(sizeof(*td));
	if (!td)
		return NULL;
	td->ib.context = context;
	vb_register(&td->obj, VB_TD, &td->ib, vb_session_of(ctx));
	return &td->ib;
}

static int dealloc_td(struct ibv_td *ib)
{
	struct vb_td *td;
	int err = VB_CLAIM(td, ib, VB_TD);

	if (!err)
		vb_retire(td);
	return DP_MAX(err, 0);
}

/*
 * The allocators are the program's offer to provide memory for a driver's queues. Ours lie within the engine, which the
 * offer does not bind to take anything; a driver may use its own memory for any resource.
 */
static struct ibv_pd *alloc_parent_domain(struct ibv_context *context, struct ibv_parent_domain_init_attr *attr)
{
	const uint32_t known = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS | IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT;
	struct vb_context *ctx = vb_context_find(context);
	struct vb_td *td = NULL;
	struct vb_pd *of, *pd;
	int err;

	if (!ctx || !attr)
		return vb_null(EINVAL);
	if (attr->comp_mask & ~known)
		return vb_null(EINVAL);
	of = VB_LOOKUP(vb_pd, attr->pd, VB_PD);
	if (!of || !of->roce || of->obj.session != vb_session_of(ctx))
		return vb_null(EINVAL);
	if (attr->td) {
		td = VB_LOOKUP(vb_td, attr->td, VB_TD);
		if (!td)
			return NULL;
	}
	if (attr->comp_mask & IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS && (!attr->alloc || !attr->free))
		return vb_null(EINVAL);
	pd = new_pd(ctx);
	if (!pd)
		return NULL;
	err = vb_use(&of->obj);
	if (!err && td) {
		err = vb_use(&td->obj);
		if (err)
			vb_unuse(&of->obj);
	}
	if (err) {
		vb_retire(pd);
		return vb_null(err);
	}
	pd->roce = of->roce;
	pd->parent_of = of;
	pd->td = td;
	return publish(pd, ctx);
}

VB_API(struct ibv_pd *, import_pd, "ibv_import_pd@@IBVERBS_1.10", (struct ibv_context * context, uint32_t handle))
{
	struct vb_context *ctx = vb_context_find(context);
	struct vb_obj *found;
	struct vb_pd *pd;

	if (!ctx)
		return NULL;
	found = vb_find_handle(vb_session_of(ctx), VB_PD, handle);
	if (!found || !DP_CONTAINER_OF(found, struct vb_pd, obj)->roce)
		return vb_null(ENOENT);
	pd = new_pd(ctx);
	if (!pd)
		return NULL;
	pd->roce = DP_CONTAINER_OF(found, struct vb_pd, obj)->roce;
	pd->imported = true;
	publish(pd, ctx);
	pd->ib.handle = handle;
	return &pd->ib;
}

VB_API(void, unimport_pd, "ibv_unimport_pd@@IBVERBS_1.10", (struct ibv_pd * ib))
{
	struct vb_pd *pd = VB_LOOKUP(vb_pd, ib, VB_PD);

	if (pd && pd->imported && !VB_CLAIM(pd, ib, VB_PD))
		vb_retire(pd);
}

void vb_pd_ops(struct verbs_context *v)
{
	v->alloc_td = alloc_td;
	v->dealloc_td = dealloc_td;
	v->alloc_parent_domain = alloc_parent_domain;
}
