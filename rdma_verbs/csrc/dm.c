/*
 * Device memory: a small memory on the device (ibv_alloc_dm), and advice about memory that is not (ibv_advise_mr). The
 * host reaches it by copies, the network and local work requests through zero-based regions.
 */
#include <stdlib.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/engine.h"

#define MAX_LOG_ALIGN 12
#define REGION_ACCESS \
	(ROCE_ACCESS_LOCAL_WRITE | ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ | ROCE_ACCESS_REMOTE_ATOMIC | \
	 ROCE_ACCESS_ZERO_BASED | ROCE_ACCESS_OPTIONAL_RANGE)

static int check_alloc(struct roce_dev *dev, uint64_t length, uint32_t log_align_req)
{
	if (!length || length > dev->cfg.max_dm_size)
		return roce_fail(dev, -EINVAL, "DM: length %llu, the device's max_dm_size is %u",
				 (unsigned long long)length, dev->cfg.max_dm_size);
	if (log_align_req > MAX_LOG_ALIGN)
		return roce_fail(dev, -EINVAL, "DM: log_align_req %u exceeds %u", log_align_req, MAX_LOG_ALIGN);
	if (length > dev->cfg.max_dm_size - dev->dm_bytes)
		return roce_fail(dev, -ENOMEM, "DM: length %llu, but of %u bytes %llu are in use",
				 (unsigned long long)length, dev->cfg.max_dm_size, (unsigned long long)dev->dm_bytes);
	return 0;
}

struct roce_dm *roce_dm_alloc(struct roce_dev *dev, uint64_t length, uint32_t log_align_req)
{
	/* At least what atomics need. */
	size_t align = DP_MAX((size_t)1 << DP_MIN(log_align_req, (uint32_t)MAX_LOG_ALIGN), sizeof(uint64_t));
	int err = check_alloc(dev, length, log_align_req);
	struct roce_dm *dm = NULL;
	void *mem = NULL;

	if (err)
		goto fail;
	dm = calloc(1, sizeof(*dm));
	if (!dm || posix_memalign(&mem, align, length)) {
		err = roce_fail(dev, -ENOMEM, "DM: no memory");
		goto fail;
	}
	memset(mem, 0, length);
	*dm = (struct roce_dm){.dev = dev, .mem = mem, .length = length, .next = dev->dms, .pprev = &dev->dms};
	if (dm->next)
		dm->next->pprev = &dm->next;
	dev->dms = dm;
	dev->dm_bytes += length;
	return dm;
fail:
	free(dm);
	errno = -err;
	return NULL;
}

int roce_dm_free(struct roce_dm *dm)
{
	if (dm->users)
		return roce_fail(dm->dev, -EBUSY, "DM: still used by %u regions", dm->users);
	*dm->pprev = dm->next;
	if (dm->next)
		dm->next->pprev = dm->pprev;
	dm->dev->dm_bytes -= dm->length;
	free(dm->mem);
	free(dm);
	return 0;
}

void roce_dm_unuse(struct roce_dm *dm)
{
	dm->users--;
}

static int check_range(const struct roce_dm *dm, uint64_t offset, uint64_t length, int err)
{
	if (length <= dm->length && offset <= dm->length - length)
		return 0;
	return roce_fail(dm->dev, err, "DM: %llu bytes at %llu are not within its %llu", (unsigned long long)length,
			 (unsigned long long)offset, (unsigned long long)dm->length);
}

int roce_memcpy_to_dm(struct roce_dm *dm, uint64_t dm_offset, const void *host, uint64_t length)
{
	int err = check_range(dm, dm_offset, length, -EFAULT);

	if (!err && !dp_guard_read(dm->mem + dm_offset, host, length))
		err = roce_fail(dm->dev, -EFAULT, "DM: the host's %llu bytes cannot be read",
				(unsigned long long)length);
	return err;
}

int roce_memcpy_from_dm(void *host, struct roce_dm *dm, uint64_t dm_offset, uint64_t length)
{
	int err = check_range(dm, dm_offset, length, -EFAULT);

	if (!err && !dp_guard_write(host, dm->mem + dm_offset, length))
		err = roce_fail(dm->dev, -EFAULT, "DM: the host's %llu bytes cannot be written",
				(unsigned long long)length);
	return err;
}

static int check_region(const struct roce_pd *pd, const struct roce_dm *dm, uint64_t offset, uint64_t length,
			uint32_t access)
{
	uint32_t never = access & ~(uint32_t)REGION_ACCESS;

	if (dm->dev != pd->dev)
		return roce_fail(pd->dev, -EINVAL, "MR: the DM belongs to another device");
	if (!(access & ROCE_ACCESS_ZERO_BASED))
		return roce_fail(pd->dev, -EINVAL, "MR: access flags %#x, a region of device memory is zero-based",
				 access);
	if (never)
		return roce_fail(pd->dev, -EINVAL, "MR: access flags %#x, device memory has no %#x", access, never);
	if ((access & (ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_ATOMIC)) && !(access & ROCE_ACCESS_LOCAL_WRITE))
		return roce_fail(pd->dev, -EINVAL,
				 "MR: access flags %#x grant remote write or atomic without local write", access);
	return check_range(dm, offset, length, -EINVAL);
}

struct roce_mr *roce_dm_reg_mr(struct roce_pd *pd, struct roce_dm *dm, uint64_t dm_offset, uint64_t length,
			       uint32_t access)
{
	int err = check_region(pd, dm, dm_offset, length, access);
	struct roce_mr *mr = NULL;

	if (err)
		errno = -err;
	else
		mr = roce_mr_make(&(struct roce_mr){
			.pd = pd, .addr = dm->mem + dm_offset, .length = length, .access = access, .dm = dm});
	if (mr)
		dm->users++;
	return mr;
}

static int advise_one(struct roce_pd *pd, uint32_t advice, const struct roce_sge *sge)
{
	bool write = advice == ROCE_ADVISE_MR_ADVICE_PREFETCH_WRITE, there = true;
	struct roce_mr *mr = roce_mr_check(pd, sge->lkey, sge->addr, sge->length, write ? ROCE_ACCESS_LOCAL_WRITE : 0);
	uint8_t *at;

	if (!mr)
		return roce_fail(pd->dev, -EFAULT, "advise: lkey %#010x does not allow %u bytes at %#llx", sge->lkey,
				 sge->length, (unsigned long long)sge->addr);
	if (!(mr->access & ROCE_ACCESS_ON_DEMAND))
		return roce_fail(pd->dev, -EINVAL, "advise: MR %#010x is not paged on demand", mr->key);
	at = roce_mr_at(mr, sge->addr);
	if (at && advice == ROCE_ADVISE_MR_ADVICE_PREFETCH)
		there = dp_guard_readable(at, sge->length);
	else if (at && write)
		there = dp_guard_writable(at, sge->length);
	return there ? 0
		     : roce_fail(pd->dev, -EFAULT, "advise: MR %#010x: of %u bytes at %#llx not all are there", mr->key,
				 sge->length, (unsigned long long)sge->addr);
}

int roce_advise_mr(struct roce_pd *pd, uint32_t advice, uint32_t flags, const struct roce_sge *sg_list,
		   uint32_t num_sge)
{
	int err = 0;

	if (advice > ROCE_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT)
		return roce_fail(pd->dev, -EOPNOTSUPP, "advise: advice %u is none of 0 to %u", advice,
				 ROCE_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT);
	if (flags & ~(uint32_t)ROCE_ADVISE_MR_FLAG_FLUSH)
		return roce_fail(pd->dev, -EINVAL, "advise: flags %#x hold unknown bits", flags);
	if (!num_sge)
		return roce_fail(pd->dev, -EINVAL, "advise: no ranges");
	for (uint32_t i = 0; i < num_sge && !err; i++)
		err = advise_one(pd, advice, &sg_list[i]);
	return err;
}
