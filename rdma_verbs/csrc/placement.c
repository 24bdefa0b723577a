/*
 * Memory Placement Extensions (IBTA vol 1, A19): ATOMIC WRITE stores eight bytes that are seen at once, FLUSH answers
 * when what was placed before it is globally visible, or persistent.
 *
 * Requests are executed in order and straight into memory, so a FLUSH has nothing to wait for: visibility is a memory
 * barrier, and persistence is the device's roce_persistence, which only a live device has.
 */
#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/engine.h"

#define PLACEMENT_TYPES  (ROCE_FLUSH_GLOBAL | ROCE_FLUSH_PERSISTENT)
#define FETH_TYPE(feth)  ((feth) & 0xf)
#define FETH_LEVEL(feth) ((feth) >> 4 & 3)

/* The rights that a placement type needs, of the QP and of the region. */
static uint32_t access_for(uint32_t type)
{
	return (type & ROCE_FLUSH_GLOBAL ? ROCE_ACCESS_FLUSH_GLOBAL : 0) |
	       (type & ROCE_FLUSH_PERSISTENT ? ROCE_ACCESS_FLUSH_PERSISTENT : 0);
}

void roce_dev_set_persistence(struct roce_dev *dev, const struct roce_persistence *how)
{
	dev->persistence = how ? *how : (struct roce_persistence){0};
}

int roce_placement_check_region(struct roce_dev *dev, const void *addr, uint64_t length, uint32_t access)
{
	int err;

	if (!(access & ROCE_ACCESS_FLUSH_PERSISTENT) || !dev->persistence.check)
		return 0;
	err = addr ? dev->persistence.check(addr, length) : -EOPNOTSUPP;
	if (err)
		return roce_fail(dev, err,
				 "MR: FLUSH_PERSISTENT, but %llu bytes at %#llx are no shared mapping of a file",
				 (unsigned long long)length, (unsigned long long)(uintptr_t)addr);
	return 0;
}

int roce_placement_check_send(struct roce_qp *qp, const struct roce_send_wr *wr)
{
	if (wr->opcode != ROCE_WR_FLUSH)
		return 0;
	if (!wr->flush_type || wr->flush_type & ~PLACEMENT_TYPES)
		return roce_fail(qp->dev, -EINVAL, "QP %u: flush_type %#x, it is GLOBAL (1), PERSISTENT (2) or both",
				 qp->qpn, wr->flush_type);
	if (wr->flush_level > ROCE_FLUSH_MR)
		return roce_fail(qp->dev, -EINVAL, "QP %u: flush_level %u is neither RANGE (0) nor MR (1)", qp->qpn,
				 wr->flush_level);
	return 0;
}

int roce_placement_build(struct roce_qp *qp, struct roce_swqe *wqe, struct roce_pkt *pkt)
{
	bool flush = wqe->opcode == ROCE_WR_FLUSH;

	pkt->opcode = ROCE_OPCODE(qp->service, flush ? ROCE_OP_FLUSH : ROCE_OP_ATOMIC_WRITE);
	pkt->bth_flags |= ROCE_BTH_ACKREQ;
	pkt->va = wqe->remote_addr;
	pkt->rkey = wqe->rkey;
	pkt->dma_len = flush ? (uint32_t)wqe->compare_add : wqe->length;
	pkt->imm = wqe->imm;
	if (flush)
		return 0;
	if (wqe->send_flags & ROCE_SEND_INLINE)
		return roce_inline_gather(wqe, 0, wqe->length, pkt);
	return roce_sge_gather(qp->pd, wqe->sge, wqe->num_sge, 0, wqe->length, pkt);
}

static __attribute__((noinline)) bool store(uint8_t *at, uint64_t value)
{
	if (!dp_guard_enter(at, 8))
		return false;
	if ((uintptr_t)at % 8 == 0)
		__atomic_store_n((uint64_t *)(void *)at, value, __ATOMIC_SEQ_CST);
	else
		memcpy(at, &value, 8);
	dp_guard_leave();
	return true;
}

/* One store, where the address is aligned in our memory and not only in the region's. False: the memory is gone. */
bool roce_atomic_write(uint8_t *at, const struct roce_pkt *pkt)
{
	uint8_t bytes[8];
	size_t have = 0;
	uint64_t value;

	if (!at || !pkt->niov)
		return true;
	for (int i = 0; i < pkt->niov && have < sizeof(bytes); i++) {
		size_t n = DP_MIN(pkt->iov[i].iov_len, sizeof(bytes) - have);

		memcpy(bytes + have, pkt->iov[i].iov_base, n);
		have += n;
	}
	memcpy(&value, bytes, 8);
	return store(at, value);
}

/*
 * The whole region or a range of it, to everything that was asked for: a region without one of the rights refuses all
 * of it. Reserved types and levels are invalid; reserved bits of the FETH are ignored (A19).
 */
enum roce_verdict roce_flush_execute(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	uint32_t type = FETH_TYPE(pkt->imm), level = FETH_LEVEL(pkt->imm), access = access_for(type);
	uint64_t va = pkt->va, len = pkt->dma_len;
	struct roce_mr *mr;

	if (!type || type & ~(uint32_t)PLACEMENT_TYPES || level > ROCE_FLUSH_MR ||
	    (qp->attr.qp_access_flags & access) != access)
		return ROCE_INVALID;
	if (level == ROCE_FLUSH_MR) { /* address and length say nothing */
		mr = roce_key_find(qp->dev, pkt->rkey);
		va = mr ? mr->iova : 0;
		len = mr ? mr->length : 0;
	}
	mr = roce_rkey_check(qp, pkt->rkey, va, len, access);
	if (!mr)
		return ROCE_NO_ACCESS;
	if (type & ROCE_FLUSH_GLOBAL)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (type & ROCE_FLUSH_PERSISTENT && len && mr->addr && qp->dev->persistence.sync &&
	    qp->dev->persistence.sync(roce_mr_at(mr, va), len))
		return ROCE_FAILED;
	return ROCE_OK;
}
