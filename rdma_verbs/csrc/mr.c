/* Protection domains, memory regions, and the only code that turns a key and an address into a pointer. */
#include <stdlib.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/engine.h"

#define ACCESS_ALL \
	(ROCE_ACCESS_LOCAL_WRITE | ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ | ROCE_ACCESS_REMOTE_ATOMIC | \
	 ROCE_ACCESS_MW_BIND | ROCE_ACCESS_ZERO_BASED | ROCE_ACCESS_RELAXED_ORDERING)

struct roce_pd *roce_pd_alloc(struct roce_dev *dev)
{
	struct roce_pd *pd;

	if (dev->npds >= dev->cfg.max_pd) {
		errno = -roce_fail(dev, -ENOMEM, "PD: the device's limit of %u is reached", dev->cfg.max_pd);
		return NULL;
	}
	pd = calloc(1, sizeof(*pd));
	if (!pd)
		return NULL;
	pd->dev = dev;
	pd->next = dev->pds;
	pd->pprev = &dev->pds;
	if (pd->next)
		pd->next->pprev = &pd->next;
	dev->pds = pd;
	dev->npds++;
	return pd;
}

int roce_pd_dealloc(struct roce_pd *pd)
{
	if (pd->users)
		return roce_fail(pd->dev, -EBUSY, "PD: still used by %u regions and queue pairs", pd->users);
	*pd->pprev = pd->next;
	if (pd->next)
		pd->next->pprev = pd->pprev;
	pd->dev->npds--;
	free(pd);
	return 0;
}

static int grow_table(struct roce_dev *dev, uint32_t index)
{
	uint32_t room = DP_MIN(DP_MAX(index + 1, dev->mrs_room * 2 + 16), dev->cfg.max_mr);
	struct roce_mr **mrs = realloc(dev->mrs, room * sizeof(struct roce_mr *));

	if (!mrs)
		return -ENOMEM;
	memset(mrs + dev->mrs_room, 0, (room - dev->mrs_room) * sizeof(struct roce_mr *));
	dev->mrs = mrs;
	dev->mrs_room = room;
	return 0;
}

int roce_key_take(struct roce_mr *mr, const char *what)
{
	struct roce_dev *dev = mr->pd->dev;
	uint32_t i = dev->mr_next;

	if (dev->nmrs >= dev->cfg.max_mr)
		return roce_fail(dev, -ENOMEM, "%s: the device's limit of %u is reached", what, dev->cfg.max_mr);
	/* Round robin, so that the index of a region just freed is the last to be used again. */
	while (i < dev->mrs_room && dev->mrs[i])
		i = (i + 1) % dev->cfg.max_mr;
	if (i >= dev->mrs_room && grow_table(dev, i))
		return roce_fail(dev, -ENOMEM, "%s: no memory", what);
	dev->mr_next = (i + 1) % dev->cfg.max_mr;
	mr->index = i;
	mr->key = (uint32_t)(dp_rng_next(&dev->rng) & ((1ULL << dev->key_bits) - 1)) |
		  (uint32_t)((uint64_t)i << dev->key_bits);
	dev->mrs[i] = mr;
	dev->nmrs++;
	mr->pd->users++;
	return 0;
}

void roce_key_give(struct roce_mr *mr)
{
	struct roce_dev *dev = mr->pd->dev;

	dev->mrs[mr->index] = NULL;
	dev->nmrs--;
	mr->pd->users--;
}

struct roce_mr *roce_mr_reg(struct roce_pd *pd, void *addr, uint64_t length, uint64_t iova, uint32_t access)
{
	struct roce_dev *dev = pd->dev;
	struct roce_mr *mr = NULL;
	int err;

	if (access & ~(uint32_t)ACCESS_ALL) {
		err = roce_fail(dev, -EINVAL, "MR: access flags %#x hold unknown bits %#x", access,
				access & ~(uint32_t)ACCESS_ALL);
		goto fail;
	}
	/* Whoever may write from afar must be allowed to write locally (10.6.3.1). */
	if ((access & (ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_ATOMIC)) && !(access & ROCE_ACCESS_LOCAL_WRITE)) {
		err = roce_fail(dev, -EINVAL, "MR: access flags %#x grant remote write or atomic without local write",
				access);
		goto fail;
	}
	if (access & ROCE_ACCESS_ZERO_BASED)
		iova = 0;
	/* The last byte has an address; the one after it need not. */
	if (length && (iova + length - 1 < iova || (addr && (uintptr_t)addr + length - 1 < (uintptr_t)addr))) {
		err = roce_fail(dev, -EINVAL, "MR: length %#llx at %#llx runs past 2^64", (unsigned long long)length,
				(unsigned long long)iova);
		goto fail;
	}
	mr = calloc(1, sizeof(*mr));
	if (!mr) {
		err = roce_fail(dev, -ENOMEM, "MR: no memory");
		goto fail;
	}
	*mr = (struct roce_mr){.pd = pd, .addr = addr, .iova = iova, .length = length, .access = access};
	err = roce_key_take(mr, "MR");
	if (err)
		goto fail;
	return mr;
fail:
	free(mr);
	errno = -err;
	return NULL;
}

int roce_mr_dereg(struct roce_mr *mr)
{
	if (mr->windows) /* 10.6.7.2.5 */
		return roce_fail(mr->pd->dev, -EBUSY, "MR %#010x: %u windows are bound to it", mr->key, mr->windows);
	roce_key_give(mr);
	free(mr);
	return 0;
}

uint32_t roce_mr_lkey(const struct roce_mr *mr)
{
	return mr->key;
}

uint32_t roce_mr_rkey(const struct roce_mr *mr)
{
	return mr->key;
}

struct roce_mr *roce_key_find(const struct roce_dev *dev, uint32_t key)
{
	uint64_t index = (uint64_t)key >> dev->key_bits;

	return index < dev->mrs_room ? dev->mrs[index] : NULL;
}

static inline struct roce_mr *check(struct roce_pd *pd, uint32_t key, uint64_t va, uint64_t len, uint32_t access)
{
	struct roce_mr *mr = roce_key_find(pd->dev, key);

	if (!mr || mr->key != key || mr->pd != pd || (mr->access & access) != access)
		return NULL;
	if (va < mr->iova || len > mr->length || va - mr->iova > mr->length - len)
		return NULL;
	return mr;
}

struct roce_mr *roce_mr_check(struct roce_pd *pd, uint32_t key, uint64_t va, uint64_t len, uint32_t access)
{
	struct roce_mr *mr = check(pd, key, va, len, access);

	return mr && !mr->mw_type ? mr : NULL; /* a window has no L_Key */
}

struct roce_mr *roce_rkey_check(const struct roce_qp *qp, uint32_t key, uint64_t va, uint64_t len, uint32_t access)
{
	struct roce_mr *mr = check(qp->pd, key, va, len, access);

	return mr && (!mr->qp || mr->qp == qp) ? mr : NULL;
}

/* Stores before it are seen before those after it. */
static inline void store_barrier(void)
{
#if defined(__x86_64__)
	__asm__ __volatile__("" ::: "memory"); /* the CPU keeps the order of stores, the compiler must too */
#else
	__atomic_thread_fence(__ATOMIC_RELEASE);
#endif
}

bool roce_place(uint8_t *dst, const uint8_t *src, size_t len)
{
	if (!dst || !src || !len)
		return true;
	if (!dp_guard_enter(dst, len))
		return false;
	if (len > 8) {
		memcpy(dst, src, len - 8);
		store_barrier();
		memcpy(dst + len - 8, src + len - 8, 8);
	} else {
		memcpy(dst, src, len);
	}
	dp_guard_leave();
	return true;
}

/* The next piece of SGE memory: at most `left` bytes from *offset on, which moves over it. */
struct piece {
	uint8_t *p;
	uint32_t len;
};

static int next_piece(struct roce_pd *pd, const struct roce_sge **sge, const struct roce_sge *end, uint64_t *offset,
		      uint32_t left, uint32_t access, struct piece *out)
{
	struct roce_mr *mr;

	while (*sge < end && *offset >= (*sge)->length) {
		*offset -= (*sge)->length;
		(*sge)++;
	}
	if (*sge == end)
		return -EACCES;
	out->len = (uint32_t)DP_MIN((uint64_t)left, (*sge)->length - *offset);
	mr = roce_mr_check(pd, (*sge)->lkey, (*sge)->addr + *offset, out->len, access);
	if (!mr)
		return -EACCES;
	out->p = roce_mr_at(mr, (*sge)->addr + *offset);
	*offset += out->len;
	return 0;
}

int roce_sge_scatter_bytes(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset,
			   const uint8_t *src, uint32_t len)
{
	const struct roce_sge *end = sge + n;
	struct piece piece;

	while (len) {
		if (next_piece(pd, &sge, end, &offset, len, ROCE_ACCESS_LOCAL_WRITE, &piece))
			return -EACCES;
		if (!roce_place(piece.p, src, piece.len))
			return -EACCES;
		if (src)
			src += piece.len;
		len -= piece.len;
	}
	return 0;
}

int roce_sge_scatter(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset,
		     const struct roce_pkt *pkt)
{
	int err = 0;

	if (!pkt->niov)
		return roce_sge_scatter_bytes(pd, sge, n, offset, NULL, pkt->len);
	for (int i = 0; i < pkt->niov && !err; i++) {
		err = roce_sge_scatter_bytes(pd, sge, n, offset, pkt->iov[i].iov_base, (uint32_t)pkt->iov[i].iov_len);
		offset += pkt->iov[i].iov_len;
	}
	return err;
}

int roce_sge_gather(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset, uint32_t len,
		    struct roce_pkt *pkt)
{
	const struct roce_sge *end = sge + n;
	uint32_t done = 0;
	bool phantom = false, bounced = false;

	pkt->len = len;
	pkt->niov = 0;
	while (done < len) {
		struct piece piece;

		if (next_piece(pd, &sge, end, &offset, len - done, 0, &piece))
			return -EACCES;
		if (!piece.p) {
			phantom = true;
		} else if (!phantom && !bounced && pkt->niov < ROCE_PKT_IOV) {
			pkt->iov[pkt->niov++] = (struct iovec){piece.p, piece.len};
		} else if (!phantom) {
			if (!bounced) { /* too many pieces: gather them all */
				uint8_t *to = roce_pkt_bounce(pkt);

				if (!to)
					return -ENOMEM;
				for (int i = 0; i < pkt->niov; to += pkt->iov[i].iov_len, i++)
					if (!dp_guard_read(to, pkt->iov[i].iov_base, pkt->iov[i].iov_len))
						return -EACCES;
				bounced = true;
			}
			if (!dp_guard_read(pkt->bounce + done, piece.p, piece.len))
				return -EACCES;
		}
		done += piece.len;
	}
	if (phantom)
		pkt->niov = 0;
	else if (bounced) {
		pkt->iov[0] = (struct iovec){pkt->bounce, len};
		pkt->niov = 1;
	}
	return 0;
}

bool roce_sge_ok(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint32_t access)
{
	for (uint32_t i = 0; i < n; i++)
		if (sge[i].length && !roce_mr_check(pd, sge[i].lkey, sge[i].addr, sge[i].length, access))
			return false;
	return true;
}
