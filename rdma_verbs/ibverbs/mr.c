/* Memory regions of all sorts, and device memory. */
#include <sys/mman.h>
#include <unistd.h>

#include "rdma_verbs/ibverbs/vb.h"

#define PROBE_PAGES 4096

/* Is the range mapped at all? A device pins what is registered, which fails otherwise; ours would only notice later. */
static bool mapped(const void *addr, size_t length)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)addr & ~(page - 1);
	uintptr_t end = (uintptr_t)addr + length;
	unsigned char in_core[PROBE_PAGES];

	if (end < (uintptr_t)addr)
		return false;
	while (at < end) {
		size_t bytes = DP_MIN((size_t)(end - at), PROBE_PAGES * page);

		if (mincore((void *)at, bytes, in_core) && errno == ENOMEM)
			return false;
		at += bytes;
	}
	return true;
}

static int check_memory(const void *addr, size_t length, unsigned int access)
{
	if (access & IBV_ACCESS_ON_DEMAND) /* without an address it may only be the whole address space */
		return addr || length == SIZE_MAX ? 0 : EINVAL;
	if (!length)
		return EINVAL;
	return addr && mapped(addr, length) ? 0 : EFAULT;
}

/* Makes the handle of an engine's region, which is given back if there is no memory. */
static struct ibv_mr *publish(struct vb_pd *pd, struct roce_mr *roce, struct vb_mr *mr, void *addr, size_t length)
{
	mr->roce = roce;
	mr->ib = (struct ibv_mr){.context = pd->ib.context,
				 .pd = &pd->ib,
				 .addr = addr,
				 .length = length,
				 .lkey = roce_mr_lkey(roce),
				 .rkey = roce_mr_rkey(roce)};
	vb_register(&mr->obj, VB_MR, &mr->ib, pd->obj.session);
	mr->ib.handle = mr->obj.handle;
	vb_pd_use(pd);
	return &mr->ib;
}

static struct ibv_mr *reg(struct ibv_pd *ib, void *addr, size_t length, uint64_t iova, unsigned int access)
{
	struct vb_pd *pd = vb_pd_find(ib);
	struct vb_session *s;
	struct roce_mr *roce;
	struct vb_mr *mr;
	int err;

	if (!pd)
		return vb_null(EINVAL);
	err = check_memory(addr, length, access);
	if (err)
		return vb_null(err);
	mr = vb_new(sizeof(*mr));
	if (!mr)
		return NULL;
	s = pd->obj.session;
	vb_lock(s);
	roce = roce_mr_reg(pd->roce, addr, length, iova, access);
	err = roce ? 0 : vb_tell(s, errno);
	vb_unlock(s);
	if (!roce) {
		vb_retire(mr);
		return vb_null(err);
	}
	return publish(pd, roce, mr, addr, length);
}

VB_API(struct ibv_mr *, reg_mr, "ibv_reg_mr@@IBVERBS_1.1", (struct ibv_pd * pd, void *addr, size_t length, int access))
{
	return reg(pd, addr, length, (uintptr_t)addr, (unsigned int)access);
}

VB_API(struct ibv_mr *, reg_mr_iova, "ibv_reg_mr_iova@@IBVERBS_1.7",
       (struct ibv_pd * pd, void *addr, size_t length, uint64_t iova, int access))
{
	return reg(pd, addr, length, iova, (unsigned int)access);
}

VB_API(struct ibv_mr *, reg_mr_iova2, "ibv_reg_mr_iova2@@IBVERBS_1.8",
       (struct ibv_pd * pd, void *addr, size_t length, uint64_t iova, unsigned int access))
{
	return reg(pd, addr, length, iova, access);
}

/* Of a DMA-buf's descriptor, or for a DMA handle: refused as the calls of their own are. */
static struct ibv_mr *reg_mr_ex(struct ibv_pd *ib, struct ibv_mr_init_attr *attr)
{
	const uint64_t known = IBV_REG_MR_MASK_IOVA | IBV_REG_MR_MASK_ADDR;

	if (!attr)
		return vb_null(EINVAL);
	if (attr->comp_mask & ~known)
		return vb_null(EOPNOTSUPP);
	if (!(attr->comp_mask & IBV_REG_MR_MASK_ADDR))
		return vb_null(EINVAL);
	return reg(ib, attr->addr, attr->length,
		   attr->comp_mask & IBV_REG_MR_MASK_IOVA ? attr->iova : (uintptr_t)attr->addr,
		   (unsigned int)attr->access);
}

VB_API(struct ibv_mr *, reg_dmabuf_mr, "ibv_reg_dmabuf_mr@@IBVERBS_1.12",
       (struct ibv_pd * pd, uint64_t offset, size_t length, uint64_t iova, int fd, int access))
{
	(void)offset;
	(void)length;
	(void)iova;
	(void)fd;
	(void)access;
	return vb_null(vb_pd_find(pd) ? EOPNOTSUPP : EINVAL);
}

static struct ibv_mr *alloc_null_mr(struct ibv_pd *ib)
{
	struct vb_pd *pd = vb_pd_find(ib);
	struct roce_mr *roce;
	struct vb_mr *mr;
	int err;

	if (!pd)
		return vb_null(EINVAL);
	mr = vb_new(sizeof(*mr));
	if (!mr)
		return NULL;
	vb_lock(pd->obj.session);
	roce = roce_mr_alloc_null(pd->roce);
	err = roce ? 0 : vb_tell(pd->obj.session, errno);
	vb_unlock(pd->obj.session);
	if (!roce) {
		vb_retire(mr);
		return vb_null(err);
	}
	return publish(pd, roce, mr, NULL, SIZE_MAX);
}

static int rereg_failed(int err)
{
	errno = err;
	return IBV_REREG_MR_ERR_INPUT;
}

VB_API(int, rereg_mr, "ibv_rereg_mr@@IBVERBS_1.1",
       (struct ibv_mr * ib, int flags, struct ibv_pd *ibpd, void *addr, size_t length, int access))
{
	struct vb_mr *mr = VB_LOOKUP(vb_mr, ib, VB_MR);
	struct vb_pd *pd = NULL;
	struct vb_session *s;
	int err;

	if (!mr || !mr->roce || flags & ~IBV_REREG_MR_FLAGS_SUPPORTED)
		return rereg_failed(EINVAL);
	s = mr->obj.session;
	if (flags & IBV_REREG_MR_CHANGE_PD) {
		pd = vb_pd_find(ibpd);
		if (!pd || pd->obj.session != s)
			return rereg_failed(EINVAL);
	}
	if (flags & IBV_REREG_MR_CHANGE_TRANSLATION) {
		bool odp = flags & IBV_REREG_MR_CHANGE_ACCESS && access & IBV_ACCESS_ON_DEMAND;

		err = check_memory(addr, length, odp ? IBV_ACCESS_ON_DEMAND : 0);
		if (err)
			return rereg_failed(err);
	}
	vb_lock(s);
	err = roce_mr_rereg(mr->roce, (uint32_t)flags, pd ? pd->roce : NULL, addr, length, (uintptr_t)addr,
			    (uint32_t)access);
	if (err)
		err = vb_tell(s, err);
	mr->ib.lkey = roce_mr_lkey(mr->roce);
	mr->ib.rkey = roce_mr_rkey(mr->roce);
	vb_unlock(s);
	if (err)
		return rereg_failed(err);
	if (pd) {
		vb_pd_use(pd);
		vb_pd_unuse((struct vb_pd *)mr->ib.pd);
		mr->ib.pd = ibpd;
	}
	if (flags & IBV_REREG_MR_CHANGE_TRANSLATION) {
		mr->ib.addr = addr;
		mr->ib.length = length;
	}
	return 0;
}

static void lose_mr(struct vb_obj *obj, void *arg)
{
	struct vb_mr *mr = DP_CONTAINER_OF(obj, struct vb_mr, obj);

	if (obj->kind == VB_MR && mr->roce == arg)
		mr->roce = NULL;
}

VB_API(int, dereg_mr, "ibv_dereg_mr@@IBVERBS_1.1", (struct ibv_mr * ib))
{
	struct vb_mr *mr;
	struct vb_session *s;
	int err = VB_CLAIM(mr, ib, VB_MR);

	if (err)
		return DP_MAX(err, 0);
	s = mr->obj.session;
	if (mr->roce) {
		struct roce_mr *roce = mr->roce;

		vb_lock(s);
		err = roce_mr_dereg(roce);
		if (err)
			err = vb_tell(s, err);
		vb_unlock(s);
		if (err) {
			vb_restore(&mr->obj);
			return err;
		}
		vb_each(s, lose_mr, roce);
		mr->roce = NULL;
	}
	vb_pd_unuse((struct vb_pd *)mr->ib.pd);
	vb_retire(mr);
	return 0;
}

VB_API(struct ibv_mr *, import_mr, "ibv_import_mr@@IBVERBS_1.10", (struct ibv_pd * ib, uint32_t handle))
{
	struct vb_pd *pd = vb_pd_find(ib);
	struct vb_mr *of, *mr;
	struct vb_obj *found;

	if (!pd)
		return vb_null(EINVAL);
	found = vb_find_handle(pd->obj.session, VB_MR, handle);
	of = found ? DP_CONTAINER_OF(found, struct vb_mr, obj) : NULL;
	if (!of || !of->roce || ((struct vb_pd *)of->ib.pd)->roce != pd->roce)
		return vb_null(ENOENT);
	mr = vb_new(sizeof(*mr));
	if (!mr)
		return NULL;
	mr->imported = true;
	publish(pd, of->roce, mr, of->ib.addr, of->ib.length);
	mr->ib.handle = handle;
	return &mr->ib;
}

VB_API(void, unimport_mr, "ibv_unimport_mr@@IBVERBS_1.10", (struct ibv_mr * ib))
{
	struct vb_mr *mr = VB_LOOKUP(vb_mr, ib, VB_MR);

	if (!mr || !mr->imported || VB_CLAIM(mr, ib, VB_MR))
		return;
	vb_pd_unuse((struct vb_pd *)mr->ib.pd);
	vb_retire(mr);
}

static int advise_mr(struct ibv_pd *ib, enum ibv_advise_mr_advice advice, uint32_t flags, struct ibv_sge *sg_list,
		     uint32_t num_sge)
{
	struct vb_pd *pd = vb_pd_find(ib);
	int err;

	if (!pd || (num_sge && !sg_list))
		return EINVAL;
	vb_lock(pd->obj.session);
	err = roce_advise_mr(pd->roce, advice, flags, (const struct roce_sge *)sg_list, num_sge);
	if (err)
		err = vb_tell(pd->obj.session, err);
	vb_unlock(pd->obj.session);
	return err;
}

/* ---- device memory ---- */

#define DM_WORD 4 /* it is copied to and from in words, as the field's devices have it */

static int memcpy_to_dm(struct ibv_dm *ib, uint64_t offset, const void *from, size_t length)
{
	struct vb_dm *dm = VB_LOOKUP(vb_dm, ib, VB_DM);
	int err;

	if (!dm || !dm->roce || (offset | length) % DM_WORD)
		return EINVAL;
	vb_lock(dm->obj.session);
	err = roce_memcpy_to_dm(dm->roce, offset, from, length);
	if (err)
		err = vb_tell(dm->obj.session, err);
	vb_unlock(dm->obj.session);
	return err;
}

static int memcpy_from_dm(void *to, struct ibv_dm *ib, uint64_t offset, size_t length)
{
	struct vb_dm *dm = VB_LOOKUP(vb_dm, ib, VB_DM);
	int err;

	if (!dm || !dm->roce || (offset | length) % DM_WORD)
		return EINVAL;
	vb_lock(dm->obj.session);
	err = roce_memcpy_from_dm(to, dm->roce, offset, length);
	if (err)
		err = vb_tell(dm->obj.session, err);
	vb_unlock(dm->obj.session);
	return err;
}

static struct ibv_dm *publish_dm(struct vb_context *ctx, struct vb_dm *dm)
{
	dm->ib = (struct ibv_dm){.context = &ctx->verbs.context,
				 .memcpy_to_dm = memcpy_to_dm,
				 .memcpy_from_dm = memcpy_from_dm,
				 .comp_mask = IBV_DM_MASK_HANDLE};
	vb_register(&dm->obj, VB_DM, &dm->ib, vb_session_of(ctx));
	dm->ib.handle = dm->obj.handle;
	return &dm->ib;
}

static struct ibv_dm *alloc_dm(struct ibv_context *context, struct ibv_alloc_dm_attr *attr)
{
	struct vb_context *ctx = vb_context_find(context);
	struct vb_session *s;
	struct vb_dm *dm;
	int err;

	if (!ctx || !attr)
		return vb_null(EINVAL);
	if (attr->comp_mask)
		return vb_null(EOPNOTSUPP);
	dm = vb_new(sizeof(*dm));
	if (!dm)
		return NULL;
	s = vb_session_of(ctx);
	vb_lock(s);
	dm->roce = roce_dm_alloc(s->dev, attr->length, attr->log_align_req);
	err = dm->roce ? 0 : vb_tell(s, errno);
	vb_unlock(s);
	if (!dm->roce) {
		vb_retire(dm);
		return vb_null(err);
	}
	return publish_dm(ctx, dm);
}

static void lose_dm(struct vb_obj *obj, void *arg)
{
	struct vb_dm *dm = DP_CONTAINER_OF(obj, struct vb_dm, obj);

	if (obj->kind == VB_DM && dm->roce == arg)
		dm->roce = NULL;
}

static int free_dm(struct ibv_dm *ib)
{
	struct vb_dm *dm;
	struct vb_session *s;
	int err = VB_CLAIM(dm, ib, VB_DM);

	if (err)
		return DP_MAX(err, 0);
	s = dm->obj.session;
	if (dm->roce) {
		vb_lock(s);
		err = roce_dm_free(dm->roce);
		if (err)
			err = vb_tell(s, err);
		vb_unlock(s);
		if (err) {
			vb_restore(&dm->obj);
			return err;
		}
		vb_each(s, lose_dm, dm->roce);
	}
	vb_retire(dm);
	return 0;
}

VB_API(struct ibv_dm *, import_dm, "ibv_import_dm@@IBVERBS_1.13", (struct ibv_context * context, uint32_t handle))
{
	struct vb_context *ctx = vb_context_find(context);
	struct vb_obj *found;
	struct vb_dm *dm;

	if (!ctx)
		return NULL;
	found = vb_find_handle(vb_session_of(ctx), VB_DM, handle);
	if (!found || !DP_CONTAINER_OF(found, struct vb_dm, obj)->roce)
		return vb_null(ENOENT);
	dm = vb_new(sizeof(*dm));
	if (!dm)
		return NULL;
	dm->roce = DP_CONTAINER_OF(found, struct vb_dm, obj)->roce;
	dm->imported = true;
	publish_dm(ctx, dm);
	dm->ib.handle = handle;
	return &dm->ib;
}

VB_API(void, unimport_dm, "ibv_unimport_dm@@IBVERBS_1.13", (struct ibv_dm * ib))
{
	struct vb_dm *dm = VB_LOOKUP(vb_dm, ib, VB_DM);

	if (dm && dm->imported && !VB_CLAIM(dm, ib, VB_DM))
		vb_retire(dm);
}

static struct ibv_mr *reg_dm_mr(struct ibv_pd *ib, struct ibv_dm *ibdm, uint64_t offset, size_t length,
				unsigned int access)
{
	struct vb_pd *pd = vb_pd_find(ib);
	struct vb_dm *dm = VB_LOOKUP(vb_dm, ibdm, VB_DM);
	struct roce_mr *roce;
	struct vb_mr *mr;
	int err;

	if (!pd || !dm || !dm->roce || dm->obj.session != pd->obj.session)
		return vb_null(EINVAL);
	mr = vb_new(sizeof(*mr));
	if (!mr)
		return NULL;
	vb_lock(pd->obj.session);
	roce = roce_dm_reg_mr(pd->roce, dm->roce, offset, length, access);
	err = roce ? 0 : vb_tell(pd->obj.session, errno);
	vb_unlock(pd->obj.session);
	if (!roce) {
		vb_retire(mr);
		return vb_null(err);
	}
	return publish(pd, roce, mr, NULL, length);
}

void vb_mr_ops(struct verbs_context *v)
{
	v->alloc_null_mr = alloc_null_mr;
	v->reg_mr_ex = reg_mr_ex;
	v->advise_mr = advise_mr;
	v->alloc_dm = alloc_dm;
	v->free_dm = free_dm;
	v->reg_dm_mr = reg_dm_mr;
}
