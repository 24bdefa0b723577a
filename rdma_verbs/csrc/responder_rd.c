/*
 * The responder's requests of one packet that have a response of their own: READ, atomics, and ATOMIC WRITE and FLUSH
 * of the Memory Placement Extensions. Each takes an entry of the QP's table, so that a duplicate is answered from
 * there and never executed again (IBTA vol 1, 9.7.4.1.4, 9.7.5.1.3, A19).
 */
#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/engine.h"

/* An entry for the request in `pkt` that takes `npsn` PSNs; NULL: the peer has too many outstanding. */
static struct roce_rd_res *take(struct roce_qp *qp, const struct roce_pkt *pkt, uint32_t npsn)
{
	struct roce_rd_res *res = roce_response_new(qp);

	if (!res)
		return NULL;
	res->operation = roce_opcode_operation(pkt->opcode);
	res->first_psn = pkt->psn;
	res->npsn = npsn;
	res->msn = qp->resp.msn + 1;
	res->srqn = pkt->xrc_srqn;
	return res;
}

static enum roce_verdict read_request(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_rd_res *res;

	if (!(qp->attr.qp_access_flags & ROCE_ACCESS_REMOTE_READ) || pkt->dma_len > ROCE_MAX_MSG_BYTES)
		return ROCE_INVALID;
	if (pkt->dma_len && !roce_rkey_check(qp, pkt->rkey, pkt->va, pkt->dma_len, ROCE_ACCESS_REMOTE_READ))
		return ROCE_NO_ACCESS;
	res = take(qp, pkt, roce_npkts(pkt->dma_len, qp->mtu));
	if (!res)
		return ROCE_INVALID;
	res->va = pkt->va;
	res->len = pkt->dma_len;
	res->rkey = pkt->rkey;
	roce_response_start(qp, res, pkt->psn, pkt->va, pkt->dma_len);
	if (dp_unlikely(qp->dev->checking))
		roce_check_asked(qp, pkt);
	roce_count(qp, rx_read_requests);
	qp->resp.epsn = roce_psn_add(pkt->psn, res->npsn - 1); /* the caller adds one */
	return ROCE_OK;
}

/* Atomic with regard to the CPU too, where the address is aligned in our memory and not only in the region's. */
static uint64_t atomic_execute(uint8_t *at, const struct roce_pkt *pkt, bool cas)
{
	uint64_t old;

	if (!at)
		return 0;
	if ((uintptr_t)at % 8 == 0) {
		if (!cas)
			return __atomic_fetch_add((uint64_t *)(void *)at, pkt->swap_add, __ATOMIC_SEQ_CST);
		old = pkt->compare;
		__atomic_compare_exchange_n((uint64_t *)(void *)at, &old, pkt->swap_add, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
		return old;
	}
	memcpy(&old, at, 8);
	if (!cas || old == pkt->compare) {
		uint64_t value = cas ? pkt->swap_add : old + pkt->swap_add;

		memcpy(at, &value, 8);
	}
	return old;
}

/* False: the memory is gone. */
static __attribute__((noinline)) bool atomic_guarded(uint8_t *at, const struct roce_pkt *pkt, bool cas, uint64_t *old)
{
	if (at && !dp_guard_enter(at, 8))
		return false;
	*old = atomic_execute(at, pkt, cas);
	dp_guard_leave();
	return true;
}

static enum roce_verdict atomic_request(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_rd_res *res;
	struct roce_mr *mr;

	if (!(qp->attr.qp_access_flags & ROCE_ACCESS_REMOTE_ATOMIC) || pkt->va % 8)
		return ROCE_INVALID;
	mr = roce_rkey_check(qp, pkt->rkey, pkt->va, 8, ROCE_ACCESS_REMOTE_ATOMIC);
	if (!mr)
		return ROCE_NO_ACCESS;
	res = take(qp, pkt, 1);
	if (!res)
		return ROCE_INVALID;
	res->atomic = true;
	if (!atomic_guarded(roce_mr_at(mr, pkt->va), pkt, res->operation == ROCE_OP_COMPARE_SWAP, &res->value)) {
		res->valid = false;
		return ROCE_NO_ACCESS;
	}
	roce_response_start(qp, res, pkt->psn, 0, 0);
	roce_count(qp, rx_atomic_requests);
	return ROCE_OK;
}

/* It needs remote write, not remote atomic: it is a WRITE whose eight bytes are seen at once (A19.4.2). */
static enum roce_verdict atomic_write_request(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_rd_res *res;
	struct roce_mr *mr;

	if (!(qp->attr.qp_access_flags & ROCE_ACCESS_REMOTE_WRITE) || pkt->va % 8 || pkt->len != 8 || pkt->dma_len != 8)
		return ROCE_INVALID;
	mr = roce_rkey_check(qp, pkt->rkey, pkt->va, 8, ROCE_ACCESS_REMOTE_WRITE);
	if (!mr)
		return ROCE_NO_ACCESS;
	res = take(qp, pkt, 1);
	if (!res)
		return ROCE_INVALID;
	if (!roce_atomic_write(roce_mr_at(mr, pkt->va), pkt)) {
		res->valid = false;
		return ROCE_NO_ACCESS;
	}
	roce_count(qp, rx_write_requests);
	roce_response_start(qp, res, pkt->psn, 0, 0);
	return ROCE_OK;
}

static enum roce_verdict flush_request(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	enum roce_verdict v = roce_flush_execute(qp, pkt);
	struct roce_rd_res *res;

	if (v != ROCE_OK)
		return v;
	res = take(qp, pkt, 1);
	if (!res)
		return ROCE_INVALID;
	roce_response_start(qp, res, pkt->psn, 0, 0);
	return ROCE_OK;
}

enum roce_verdict roce_rd_request(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info)
{
	if (info->flags & ROCE_OPF_READ_REQ)
		return read_request(qp, pkt);
	if (info->flags & ROCE_OPF_ATOMIC)
		return atomic_request(qp, pkt);
	if (info->flags & ROCE_OPF_ATOMIC_WRITE)
		return atomic_write_request(qp, pkt);
	return flush_request(qp, pkt);
}

int roce_rd_duplicate(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_rd_res *res = roce_response_find(qp, pkt->psn);
	uint64_t skip;

	if (!res || res->operation != roce_opcode_operation(pkt->opcode))
		return roce_drop(qp->dev, ROCE_DROP_DUPLICATE);
	if (res->operation != ROCE_OP_RDMA_READ_REQUEST) { /* executed once: only its response goes out again */
		roce_response_start(qp, res, pkt->psn, 0, 0);
		res->replay = true;
		return ROCE_DROP_NONE;
	}
	/* A READ is executed again, within what it was: from any of its packets on (9.7.5.1.3). */
	skip = pkt->va - res->va;
	if (pkt->rkey != res->rkey || skip > res->len || pkt->dma_len > res->len - skip ||
	    roce_psn_diff(roce_psn_add(pkt->psn, roce_npkts(pkt->dma_len, qp->mtu)),
			  roce_psn_add(res->first_psn, res->npsn)) > 0)
		return roce_drop(qp->dev, ROCE_DROP_DUPLICATE);
	if (qp->ext) { /* a piece of it, beside what is still on its way */
		struct roce_rd_res *repair = roce_repair_new(qp);

		if (!repair)
			return roce_drop(qp->dev, ROCE_DROP_DUPLICATE);
		*repair = (struct roce_rd_res){.operation = res->operation, .rkey = res->rkey, .msn = res->msn};
		res = repair;
	}
	roce_response_start(qp, res, pkt->psn, pkt->va, pkt->dma_len);
	res->replay = true;
	return ROCE_DROP_NONE;
}
