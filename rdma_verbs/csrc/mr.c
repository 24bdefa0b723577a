/* Protection domains, memory regions, and the only code that turns a key and an address into a pointer. */
#include <stdlib.h>
#include <sys/mman.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/engine.h"

#define ACCESS_ALL \
	(ROCE_ACCESS_LOCAL_WRITE | ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ | ROCE_ACCESS_REMOTE_ATOMIC | \
	 ROCE_ACCESS_MW_BIND | ROCE_ACCESS_ZERO_BASED | ROCE_ACCESS_ON_DEMAND | ROCE_ACCESS_HUGETLB | \
	 ROCE_ACCESS_FLUSH_GLOBAL | ROCE_ACCESS_FLUSH_PERSISTENT)
#define REREG_ALL       (ROCE_REREG_MR_CHANGE_TRANSLATION | ROCE_REREG_MR_CHANGE_PD | ROCE_REREG_MR_CHANGE_ACCESS)
#define NULL_PAGE_BYTES 4096u
#define BOUNCE_BYTES    4096u /* what roce_pkt_bounce() has room for */

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
	pd->id = ++dev->pd_next;
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
	uint32_t room = DP_MIN(DP_MAX(index + 1, dev->mrs_room * 2 + (dev->own_pool ? 16 : 2)), dev->cfg.max_mr);
	struct roce_mr **mrs = realloc(dev->mrs, room * sizeof(struct roce_mr *));

	if (!mrs)
		return -ENOMEM;
	memset(mrs + dev->mrs_room, 0, (room - dev->mrs_room) * sizeof(struct roce_mr *));
	dev->mrs = mrs;
	dev->mrs_room = room;
	return 0;
}

static uint32_t new_key(struct roce_dev *dev, uint32_t index)
{
	return (uint32_t)(dp_rng_next(&dev->rng) & ((1ULL << dev->key_bits) - 1)) |
	       (uint32_t)((uint64_t)index << dev->key_bits);
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
	mr->key = new_key(dev, i);
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

static int check_access(struct roce_dev *dev, uint32_t access)
{
	/* Bits of the optional range are hints: a device that does not know one ignores it (ibv_reg_mr). */
	uint32_t unknown = access & ~(uint32_t)(ACCESS_ALL | ROCE_ACCESS_OPTIONAL_RANGE);

	if (unknown)
		return roce_fail(dev, -EINVAL, "MR: access flags %#x hold unknown bits %#x", access, unknown);
	/* Whoever may write from afar must be allowed to write locally (10.6.3.1). */
	if ((access & (ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_ATOMIC)) && !(access & ROCE_ACCESS_LOCAL_WRITE))
		return roce_fail(dev, -EINVAL, "MR: access flags %#x grant remote write or atomic without local write",
				 access);
	/* The page size of a region that is not pinned; here the processor's tables know it. */
	if ((access & ROCE_ACCESS_HUGETLB) && !(access & ROCE_ACCESS_ON_DEMAND))
		return roce_fail(dev, -EINVAL, "MR: access flags %#x ask for huge pages without on-demand paging",
				 access);
	return 0;
}

/* Where a region lies. */
struct span {
	uint8_t *addr;
	uint64_t length, iova;
};

/* An implicit region is all of the address space, but for the page that holds NULL, which is never memory. */
static int check_span(struct roce_dev *dev, uint32_t access, struct span *s)
{
	bool implicit = (access & ROCE_ACCESS_ON_DEMAND) && !s->addr && s->length == UINT64_MAX;

	if (implicit && (s->iova || (access & ROCE_ACCESS_ZERO_BASED)))
		return roce_fail(dev, -EINVAL, "MR: an implicit region has the process's own addresses, iova %#llx%s",
				 (unsigned long long)s->iova, access & ROCE_ACCESS_ZERO_BASED ? ", zero-based" : "");
	if (implicit) {
		*s = (struct span){(uint8_t *)(uintptr_t)NULL_PAGE_BYTES, UINT64_MAX - NULL_PAGE_BYTES + 1,
				   NULL_PAGE_BYTES};
		return 0;
	}
	if (access & ROCE_ACCESS_ZERO_BASED)
		s->iova = 0;
	/* The last byte has an address; the one after it need not. */
	if (s->length &&
	    (s->iova + s->length - 1 < s->iova || (s->addr && (uintptr_t)s->addr + s->length - 1 < (uintptr_t)s->addr)))
		return roce_fail(dev, -EINVAL, "MR: length %#llx at %#llx runs past 2^64",
				 (unsigned long long)s->length, (unsigned long long)s->iova);
	return 0;
}

struct roce_mr *roce_mr_make(const struct roce_mr *init)
{
	struct roce_mr *mr = malloc(sizeof(*mr));
	int err;

	if (!mr) {
		errno = -roce_fail(init->pd->dev, -ENOMEM, "MR: no memory");
		return NULL;
	}
	*mr = *init;
	err = roce_key_take(mr, "MR");
	if (err) {
		free(mr);
		errno = -err;
		return NULL;
	}
	roce_key_open(mr);
	return mr;
}

struct roce_mr *roce_mr_reg(struct roce_pd *pd, void *addr, uint64_t length, uint64_t iova, uint32_t access)
{
	struct span s = {addr, length, iova};
	int err = check_access(pd->dev, access);

	if (!err)
		err = check_span(pd->dev, access, &s);
	if (!err)
		err = roce_placement_check_region(pd->dev, s.addr, s.length, access);
	if (err) {
		errno = -err;
		return NULL;
	}
	return roce_mr_make(
		&(struct roce_mr){.pd = pd, .addr = s.addr, .iova = s.iova, .length = s.length, .access = access});
}

struct roce_mr *roce_mr_alloc_null(struct roce_pd *pd)
{
	return roce_mr_make(
		&(struct roce_mr){.pd = pd, .length = UINT64_MAX, .access = ROCE_ACCESS_LOCAL_WRITE, .null = true});
}

/* What a call of rereg may not do to this region. */
static int check_rereg(struct roce_mr *mr, uint32_t flags, const struct roce_pd *pd, uint32_t access)
{
	struct roce_dev *dev = mr->pd->dev;

	if (!flags || flags & ~(uint32_t)REREG_ALL)
		return roce_fail(dev, -EINVAL, "MR %#010x: rereg flags %#x, of %#x at least one", mr->key, flags,
				 REREG_ALL);
	if (mr->null || mr->dm)
		return roce_fail(dev, -EINVAL, "MR %#010x: a region %s cannot be registered again", mr->key,
				 mr->null ? "without memory" : "of device memory");
	if (mr->windows) /* 10.6.7.2.5 */
		return roce_fail(dev, -EBUSY, "MR %#010x: %u windows are bound to it", mr->key, mr->windows);
	if ((flags & ROCE_REREG_MR_CHANGE_PD) && (!pd || pd->dev != dev))
		return roce_fail(dev, -EINVAL, "MR %#010x: rereg to a PD that is not this device's", mr->key);
	if ((flags & ROCE_REREG_MR_CHANGE_ACCESS) && check_access(dev, access))
		return -EINVAL;
	if (!(flags & ROCE_REREG_MR_CHANGE_TRANSLATION) && (access ^ mr->access) & ROCE_ACCESS_ZERO_BASED)
		return roce_fail(dev, -EINVAL, "MR %#010x: access flags %#x move its first address", mr->key, access);
	return 0;
}

int roce_mr_rereg(struct roce_mr *mr, uint32_t flags, struct roce_pd *pd, void *addr, uint64_t length, uint64_t iova,
		  uint32_t access)
{
	struct roce_dev *dev = mr->pd->dev;
	struct span s = {addr, length, iova};
	int err;

	if (!(flags & ROCE_REREG_MR_CHANGE_ACCESS))
		access = mr->access;
	err = check_rereg(mr, flags, pd, access);
	if (err)
		return err;
	if (flags & ROCE_REREG_MR_CHANGE_TRANSLATION)
		err = check_span(dev, access, &s);
	else
		s = (struct span){mr->addr, mr->length, mr->iova};
	if (!err)
		err = roce_placement_check_region(dev, s.addr, s.length, access);
	if (err)
		return err;
	roce_key_close(mr);
	if (flags & ROCE_REREG_MR_CHANGE_TRANSLATION) {
		mr->addr = s.addr;
		mr->length = s.length;
		mr->iova = s.iova;
	}
	if (flags & ROCE_REREG_MR_CHANGE_PD) {
		mr->pd->users--;
		mr->pd = pd;
		pd->users++;
	}
	mr->access = access;
	/* Whoever has a key of what the region was must not reach what it is now: new ones (11.2.8.7). */
	if (flags & (ROCE_REREG_MR_CHANGE_TRANSLATION | ROCE_REREG_MR_CHANGE_PD)) {
		uint32_t old = mr->key;

		while (mr->key == old)
			mr->key = new_key(dev, mr->index);
	}
	roce_key_open(mr);
	return 0;
}

static int check_copy(struct roce_mr *mr, uint64_t offset, uint64_t length)
{
	if (length > mr->length || offset > mr->length - length)
		return roce_fail(mr->pd->dev, -EFAULT, "MR %#010x: bytes %llu to %llu are not within its %llu", mr->key,
				 (unsigned long long)offset, (unsigned long long)(offset + length),
				 (unsigned long long)mr->length);
	if (!mr->addr && !mr->null)
		return roce_fail(mr->pd->dev, -EFAULT, "MR %#010x: it has no memory", mr->key);
	return 0;
}

static int not_there(struct roce_mr *mr, uint64_t offset, uint64_t length)
{
	return roce_fail(mr->pd->dev, -EFAULT, "MR %#010x: of %llu bytes at %llu not all are there", mr->key,
			 (unsigned long long)length, (unsigned long long)offset);
}

int roce_mr_read(struct roce_mr *mr, uint64_t offset, void *to, uint64_t length)
{
	int err = check_copy(mr, offset, length);

	if (err)
		return err;
	if (mr->null)
		memset(to, 0, length);
	else if (!dp_guard_read(to, mr->addr + offset, length))
		return not_there(mr, offset, length);
	return 0;
}

int roce_mr_write(struct roce_mr *mr, uint64_t offset, const void *from, uint64_t length)
{
	int err = check_copy(mr, offset, length);

	if (err)
		return err;
	return mr->null || dp_guard_write(mr->addr + offset, from, length) ? 0 : not_there(mr, offset, length);
}

int roce_mr_dereg(struct roce_mr *mr)
{
	if (mr->windows) /* 10.6.7.2.5 */
		return roce_fail(mr->pd->dev, -EBUSY, "MR %#010x: %u windows are bound to it", mr->key, mr->windows);
	roce_key_close(mr);
	if (mr->dm)
		roce_dm_unuse(mr->dm);
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

/* What a region without memory reads as; nobody writes to it. More than a packet's worth is for messages in one piece. */
static uint8_t *zeros_of(struct roce_dev *dev, uint32_t len)
{
	static const uint8_t zeros[4096];

	if (len <= sizeof(zeros))
		return (uint8_t *)zeros;
	if (!dev->zeros) {
		void *at =
			mmap(NULL, ROCE_MAX_MSG_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		dev->zeros = at == MAP_FAILED ? NULL : at;
	}
	return dev->zeros;
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
	if (dp_unlikely(mr->null && !access)) {
		out->p = zeros_of(pd->dev, out->len);
		if (!out->p)
			return -EACCES;
	} else {
		out->p = roce_mr_at(mr, (*sge)->addr + *offset);
	}
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

/* The same for payload that is still in the memory of its sender. */
static int scatter_far(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset,
		       const struct roce_pkt *pkt)
{
	const struct roce_sge *end = sge + n;
	struct piece piece;

	for (uint32_t done = 0; done < pkt->len; done += piece.len) {
		int err;

		if (next_piece(pd, &sge, end, &offset, pkt->len - done, ROCE_ACCESS_LOCAL_WRITE, &piece))
			return -EACCES;
		err = piece.p ? pd->dev->local->pull(pkt, done, piece.p, piece.len) : 0;

		if (err)
			return err;
	}
	return 0;
}

int roce_sge_scatter(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset,
		     const struct roce_pkt *pkt)
{
	int err = 0;

	if (pkt->far)
		return scatter_far(pd, sge, n, offset, pkt);
	if (!pkt->niov)
		return roce_sge_scatter_bytes(pd, sge, n, offset, NULL, pkt->len);
	for (int i = 0; i < pkt->niov && !err; i++) {
		err = roce_sge_scatter_bytes(pd, sge, n, offset, pkt->iov[i].iov_base, (uint32_t)pkt->iov[i].iov_len);
		offset += pkt->iov[i].iov_len;
	}
	return err;
}

/* As many pieces as there are SGEs, where no packet's worth of memory holds a message: the list in place of the bytes. */
static int gather_refs(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset, uint32_t len,
		       struct roce_pkt *pkt)
{
	struct iovec *v = (struct iovec *)(void *)roce_pkt_bounce(pkt);
	const struct roce_sge *end = sge + n;
	struct piece piece;

	if (!v)
		return -ENOMEM;
	pkt->len = len;
	pkt->vec = v;
	pkt->niov = 0;
	for (uint32_t done = 0; done < len; done += piece.len) {
		if (next_piece(pd, &sge, end, &offset, len - done, 0, &piece))
			return -EACCES;
		if (!piece.p || pkt->niov == UINT8_MAX)
			return -EACCES;
		v[pkt->niov++] = (struct iovec){piece.p, piece.len};
	}
	return 0;
}

int roce_sge_gather(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset, uint32_t len,
		    struct roce_pkt *pkt)
{
	const struct roce_sge *end = sge + n;
	uint32_t done = 0;
	bool phantom = false, bounced = false;

	if (pkt->link && n > ROCE_PKT_IOV && len > BOUNCE_BYTES)
		return gather_refs(pd, sge, n, offset, len, pkt);
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
