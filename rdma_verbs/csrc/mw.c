/*
 * Memory windows (IBTA vol 1, 10.6.7): R_Keys for a part of a region, made and taken back by work requests. A
 * window is an entry of the key table like a region, with the bounds and rights of what it is bound to, so
 * remote accesses do not tell them apart. Its key's low byte is the consumer's, the rest is its own for good.
 *
 * A type 1 window belongs to its domain and is bound again by another bind. A type 2 window belongs to the QP
 * that bound it, and must be invalidated, by its owner or by the peer, before it is bound again.
 */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"

#define CONSUMER_KEY  0xffu
#define WINDOW_ACCESS (ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ | ROCE_ACCESS_REMOTE_ATOMIC)

struct roce_mw *roce_mw_alloc(struct roce_pd *pd, uint32_t type)
{
	struct roce_mw *mw = NULL;
	int err;

	if (type != ROCE_MW_TYPE_1 && type != ROCE_MW_TYPE_2) {
		err = roce_fail(pd->dev, -EINVAL, "MW: type %u is neither 1 nor 2", type);
		goto fail;
	}
	err = roce_fail(pd->dev, -ENOMEM, "MW: no memory");
	mw = calloc(1, sizeof(*mw));
	if (!mw)
		goto fail;
	mw->as_mr.pd = pd;
	mw->as_mr.mw_type = (uint8_t)type;
	err = roce_key_take(&mw->as_mr, "MW");
	if (err)
		goto fail;
	mw->posted_key = mw->as_mr.key;
	return mw;
fail:
	free(mw);
	errno = -err;
	return NULL;
}

static void unbind(struct roce_mr *window)
{
	if (!window->parent)
		return;
	roce_key_close(window);
	window->parent->windows--;
	window->parent = NULL;
	window->addr = NULL;
	window->access = 0;
	window->length = 0;
	if (window->qp)
		window->qp->windows--;
	window->qp = NULL;
}

int roce_mw_dealloc(struct roce_mw *mw)
{
	unbind(&mw->as_mr);
	roce_key_give(&mw->as_mr);
	free(mw);
	return 0;
}

uint32_t roce_mw_rkey(const struct roce_mw *mw)
{
	return mw->posted_key;
}

/* The windows of a QP that goes away go with it: its number will be another's. */
void roce_mw_forget_qp(struct roce_qp *qp)
{
	struct roce_dev *dev = qp->dev;

	for (uint32_t i = 0; i < dev->mrs_room && qp->windows; i++)
		if (dev->mrs[i] && dev->mrs[i]->qp == qp)
			unbind(dev->mrs[i]);
}

/* What may be invalidated through this QP: a type 2 window that is bound to it (10.6.7.2.6). NULL: nothing. */
struct roce_mr *roce_mw_invalidatable(struct roce_qp *qp, uint32_t rkey)
{
	struct roce_mr *window = roce_key_find(qp->dev, rkey);

	return window && window->key == rkey && window->qp == qp ? window : NULL;
}

void roce_mw_invalidate(struct roce_mr *window)
{
	unbind(window);
}

/* What only the owner of the call can get wrong; keys, bounds and rights are looked at when its turn comes. */
int roce_mw_check_bind(struct roce_qp *qp, const struct roce_send_wr *wr, uint32_t type)
{
	if (!wr->mw || wr->mw->as_mr.pd->dev != qp->dev)
		return roce_fail(qp->dev, -EINVAL, "QP %u: BIND_MW without a window of this device", qp->qpn);
	if (wr->mw->as_mr.mw_type != type)
		return roce_fail(qp->dev, -EINVAL, "QP %u: window of type %u, %s binds those of type %u", qp->qpn,
				 wr->mw->as_mr.mw_type, type == ROCE_MW_TYPE_1 ? "bind_mw" : "post_send", type);
	if (wr->bind.length && (!wr->bind.mr || wr->bind.mr->pd->dev != qp->dev))
		return roce_fail(qp->dev, -EINVAL, "QP %u: BIND_MW without a region of this device", qp->qpn);
	return 0;
}

int roce_bind_mw(struct roce_qp *qp, struct roce_mw *mw, const struct roce_mw_bind *bind)
{
	struct roce_send_wr wr = {.wr_id = bind->wr_id,
				  .opcode = ROCE_WR_BIND_MW,
				  .send_flags = bind->send_flags,
				  .mw = mw,
				  .bind = bind->info};

	/* Each bind of a type 1 window makes a new key (10.6.7.2.2). */
	if (mw)
		wr.rkey = (mw->posted_key & ~CONSUMER_KEY) | ((mw->posted_key + 1) & CONSUMER_KEY);
	return roce_post_bind(qp, &wr, ROCE_MW_TYPE_1);
}

static bool may_bind(const struct roce_qp *qp, const struct roce_swqe *wqe, const struct roce_mr *window,
		     const struct roce_mr *mr)
{
	uint64_t addr = wqe->remote_addr, length = wqe->compare_add;
	uint32_t access = (uint32_t)wqe->swap, allowed = WINDOW_ACCESS;

	if (window->mw_type == ROCE_MW_TYPE_2)
		allowed |= ROCE_ACCESS_ZERO_BASED;
	if (!mr || mr->key != wqe->imm || mr->mw_type || mr->pd != qp->pd || !(mr->access & ROCE_ACCESS_MW_BIND))
		return false;
	if (access & ~allowed)
		return false;
	/* Whoever may write from afar must be allowed to write locally (10.6.7.2.1). */
	if ((access & (ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_ATOMIC)) &&
	    !(mr->access & ROCE_ACCESS_LOCAL_WRITE))
		return false;
	return addr >= mr->iova && length <= mr->length && addr - mr->iova <= mr->length - length;
}

static bool bind(struct roce_qp *qp, const struct roce_swqe *wqe)
{
	struct roce_mr *window = roce_key_find(qp->dev, wqe->rkey);
	struct roce_mr *mr = roce_key_find(qp->dev, wqe->imm);
	bool empty = !wqe->compare_add, zero_based = wqe->swap & ROCE_ACCESS_ZERO_BASED;

	/* All but the consumer's byte of the key is the window's (10.6.7.2.1). */
	if (!window || !window->mw_type || (window->key ^ wqe->rkey) & ~CONSUMER_KEY ||
	    window->key >> 8 != wqe->remote_qkey || window->pd != qp->pd)
		return false;
	if (window->mw_type == ROCE_MW_TYPE_2 && (window->parent || empty))
		return false;
	if (!empty && !may_bind(qp, wqe, window, mr))
		return false;
	unbind(window);
	window->key = wqe->rkey;
	if (empty) /* type 1: bound to nothing */
		return true;
	window->iova = zero_based ? 0 : wqe->remote_addr;
	window->addr = roce_mr_at(mr, wqe->remote_addr);
	window->length = wqe->compare_add;
	window->access = (uint32_t)wqe->swap & WINDOW_ACCESS;
	window->parent = mr;
	mr->windows++;
	if (window->mw_type == ROCE_MW_TYPE_2) {
		window->qp = qp;
		qp->windows++;
	}
	roce_key_open(window);
	return true;
}

bool roce_mw_execute(struct roce_qp *qp, const struct roce_swqe *wqe)
{
	struct roce_mr *window;

	if (wqe->opcode == ROCE_WR_BIND_MW)
		return bind(qp, wqe);
	window = roce_mw_invalidatable(qp, wqe->imm);
	if (window)
		unbind(window);
	return window;
}
