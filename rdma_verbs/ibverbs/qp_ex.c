/*
 * The builder of struct ibv_qp_ex: wr_start() takes the queue, each call adds a request or what belongs to it, and
 * wr_complete() posts all or none of them. What is wrong on the way is told by wr_complete(), as the interface has it.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "rdma_verbs/ibverbs/vb.h"

static struct vb_qp *of(struct ibv_qp_ex *ex)
{
	return (struct vb_qp *)ex;
}

static void fail(struct vb_builder *b, int err)
{
	if (!b->err)
		b->err = err;
}

/* Room for `need` more elements. */
static bool grow(void **array, uint32_t *room, uint32_t used, size_t need, size_t size)
{
	size_t want = DP_MAX((size_t)*room * 2, (size_t)used + need);
	void *bigger;

	if (used + need <= *room)
		return true;
	want = DP_MAX(want, (size_t)16);
	bigger = realloc(*array, want * size);
	if (!bigger)
		return false;
	*array = bigger;
	*room = (uint32_t)want;
	return true;
}

static bool grow_bytes(struct vb_builder *b, size_t need)
{
	size_t want = DP_MAX(b->bytes_room * 2, b->nbytes + need);
	uint8_t *bigger;

	if (b->nbytes + need <= b->bytes_room)
		return true;
	bigger = realloc(b->bytes, want);
	if (!bigger)
		return false;
	b->bytes = bigger;
	b->bytes_room = want;
	return true;
}

/* A new request; NULL after an error. */
static struct roce_send_wr *add(struct ibv_qp_ex *ex, uint32_t opcode)
{
	struct vb_builder *b = &of(ex)->build;
	struct roce_send_wr *wr;

	if (b->err)
		return NULL;
	if (!grow((void **)&b->wr, &b->wr_room, b->nwr, 1, sizeof(*b->wr))) {
		fail(b, ENOMEM);
		return NULL;
	}
	wr = &b->wr[b->nwr++];
	memset(wr, 0, sizeof(*wr));
	wr->wr_id = ex->wr_id;
	wr->opcode = opcode;
	wr->send_flags = ex->wr_flags & ~(unsigned int)IBV_SEND_INLINE; /* the setter of the data says that */
	return wr;
}

/* The request that setters are about; NULL: there is none, or an error. */
static struct roce_send_wr *last(struct ibv_qp_ex *ex)
{
	struct vb_builder *b = &of(ex)->build;

	if (!b->err && !b->nwr)
		fail(b, EINVAL);
	return b->err ? NULL : &b->wr[b->nwr - 1];
}

static void add_rdma(struct ibv_qp_ex *ex, uint32_t opcode, uint32_t rkey, uint64_t remote_addr)
{
	struct roce_send_wr *wr = add(ex, opcode);

	if (!wr)
		return;
	wr->rkey = rkey;
	wr->remote_addr = remote_addr;
}

static void wr_rdma_read(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t remote_addr)
{
	add_rdma(ex, ROCE_WR_RDMA_READ, rkey, remote_addr);
}

static void wr_rdma_write(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t remote_addr)
{
	add_rdma(ex, ROCE_WR_RDMA_WRITE, rkey, remote_addr);
}

static void set_imm(struct ibv_qp_ex *ex, uint32_t imm_data)
{
	struct roce_send_wr *wr = last(ex);

	if (wr)
		wr->imm_data = ntohl(imm_data);
}

static void wr_rdma_write_imm(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t remote_addr, uint32_t imm_data)
{
	add_rdma(ex, ROCE_WR_RDMA_WRITE_WITH_IMM, rkey, remote_addr);
	set_imm(ex, imm_data);
}

static void wr_send(struct ibv_qp_ex *ex)
{
	add(ex, ROCE_WR_SEND);
}

static void wr_send_imm(struct ibv_qp_ex *ex, uint32_t imm_data)
{
	add(ex, ROCE_WR_SEND_WITH_IMM);
	set_imm(ex, imm_data);
}

static void wr_send_inv(struct ibv_qp_ex *ex, uint32_t invalidate_rkey)
{
	struct roce_send_wr *wr = add(ex, ROCE_WR_SEND_WITH_INV);

	if (wr)
		wr->invalidate_rkey = invalidate_rkey;
}

static void wr_send_tso(struct ibv_qp_ex *ex, void *hdr, uint16_t hdr_sz, uint16_t mss)
{
	(void)hdr;
	(void)hdr_sz;
	(void)mss;
	fail(&of(ex)->build, EOPNOTSUPP);
}

static void wr_atomic_cmp_swp(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t remote_addr, uint64_t compare,
			      uint64_t swap)
{
	struct roce_send_wr *wr;

	add_rdma(ex, ROCE_WR_ATOMIC_CMP_AND_SWP, rkey, remote_addr);
	wr = last(ex);
	if (!wr)
		return;
	wr->compare_add = compare;
	wr->swap = swap;
}

static void wr_atomic_fetch_add(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t remote_addr, uint64_t value)
{
	struct roce_send_wr *wr;

	add_rdma(ex, ROCE_WR_ATOMIC_FETCH_AND_ADD, rkey, remote_addr);
	wr = last(ex);
	if (wr)
		wr->compare_add = value;
}

static void wr_local_inv(struct ibv_qp_ex *ex, uint32_t invalidate_rkey)
{
	struct roce_send_wr *wr = add(ex, ROCE_WR_LOCAL_INV);

	if (wr)
		wr->invalidate_rkey = invalidate_rkey;
}

static void wr_bind_mw(struct ibv_qp_ex *ex, struct ibv_mw *mw, uint32_t rkey, const struct ibv_mw_bind_info *info)
{
	const struct vb_mr *mr = (const struct vb_mr *)info->mr;
	struct roce_send_wr *wr = add(ex, ROCE_WR_BIND_MW);

	if (!wr)
		return;
	if (!mw || (mr && !mr->roce)) {
		fail(&of(ex)->build, EINVAL);
		return;
	}
	wr->mw = ((const struct vb_mw *)mw)->roce;
	wr->rkey = rkey;
	wr->bind = (struct roce_mw_bind_info){mr ? mr->roce : NULL, info->addr, info->length,
					      vb_window_access(info->mw_access_flags)};
}

static void wr_flush(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t remote_addr, size_t len, uint8_t type, uint8_t level)
{
	struct roce_send_wr *wr;

	if (len > UINT32_MAX) {
		fail(&of(ex)->build, EINVAL);
		return;
	}
	add_rdma(ex, ROCE_WR_FLUSH, rkey, remote_addr);
	wr = last(ex);
	if (!wr)
		return;
	wr->flush_length = (uint32_t)len;
	wr->flush_type = type;
	wr->flush_level = level;
}

static void wr_set_ud_addr(struct ibv_qp_ex *ex, struct ibv_ah *ah, uint32_t remote_qpn, uint32_t remote_qkey)
{
	struct roce_send_wr *wr = last(ex);

	if (!wr)
		return;
	wr->ah = ah ? &((const struct vb_ah *)ah)->attr : NULL;
	wr->remote_qpn = remote_qpn;
	wr->remote_qkey = remote_qkey;
}

static void wr_set_xrc_srqn(struct ibv_qp_ex *ex, uint32_t remote_srqn)
{
	struct roce_send_wr *wr = last(ex);

	if (wr)
		wr->remote_srqn = remote_srqn;
}

/* n SGEs for the last request, in place of those it had. NULL after an error. */
static struct roce_sge *set_list(struct ibv_qp_ex *ex, size_t n, bool is_inline)
{
	struct vb_qp *qp = of(ex);
	struct vb_builder *b = &qp->build;
	struct roce_send_wr *wr = last(ex);

	if (!wr)
		return NULL;
	if (!is_inline && n > qp->cap.max_send_sge) {
		fail(b, EINVAL);
		return NULL;
	}
	if (!grow((void **)&b->sge, &b->sge_room, b->nsge, n, sizeof(*b->sge))) {
		fail(b, ENOMEM);
		return NULL;
	}
	wr->sg_list = (const struct roce_sge *)(uintptr_t)b->nsge;
	wr->num_sge = (uint32_t)n;
	wr->send_flags &= ~(uint32_t)ROCE_SEND_INLINE;
	wr->send_flags |= is_inline ? ROCE_SEND_INLINE : 0;
	b->nsge += (uint32_t)n;
	return b->sge + b->nsge - n;
}

static void wr_set_sge_list(struct ibv_qp_ex *ex, size_t num_sge, const struct ibv_sge *sg_list)
{
	struct roce_sge *to = set_list(ex, num_sge, false);

	if (to && num_sge)
		memcpy(to, sg_list, num_sge * sizeof(*to));
}

static void wr_set_sge(struct ibv_qp_ex *ex, uint32_t lkey, uint64_t addr, uint32_t length)
{
	/* Nothing, not a buffer of nothing: a length of zero needs no key. */
	wr_set_sge_list(ex, length ? 1 : 0, &(struct ibv_sge){addr, length, lkey});
}

/* The data may change as soon as the setter returns: it is copied now. */
static void wr_set_inline_data_list(struct ibv_qp_ex *ex, size_t num_buf, const struct ibv_data_buf *list)
{
	struct vb_qp *qp = of(ex);
	struct vb_builder *b = &qp->build;
	struct roce_sge *to;
	size_t bytes = 0;

	for (size_t i = 0; i < num_buf; i++) {
		if (list[i].length > qp->cap.max_inline_data - bytes) {
			fail(b, ENOMEM);
			return;
		}
		bytes += list[i].length;
	}
	to = set_list(ex, bytes ? 1 : 0, true);
	if (!to || !bytes)
		return;
	if (!grow_bytes(b, bytes)) {
		fail(b, ENOMEM);
		return;
	}
	*to = (struct roce_sge){.addr = b->nbytes, .length = (uint32_t)bytes};
	for (size_t i = 0; i < num_buf; i++) {
		memcpy(b->bytes + b->nbytes, list[i].addr, list[i].length);
		b->nbytes += list[i].length;
	}
}

static void wr_set_inline_data(struct ibv_qp_ex *ex, void *addr, size_t length)
{
	wr_set_inline_data_list(ex, 1, &(struct ibv_data_buf){addr, length});
}

static void wr_atomic_write(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t remote_addr, const void *atomic_wr)
{
	struct vb_builder *b = &of(ex)->build;
	struct roce_sge *to;

	add_rdma(ex, ROCE_WR_ATOMIC_WRITE, rkey, remote_addr);
	to = set_list(ex, 1, true);
	if (!to)
		return;
	if (!grow_bytes(b, 8)) {
		fail(b, ENOMEM);
		return;
	}
	*to = (struct roce_sge){.addr = b->nbytes, .length = 8};
	memcpy(b->bytes + b->nbytes, atomic_wr, 8);
	b->nbytes += 8;
}

static void wr_start(struct ibv_qp_ex *ex)
{
	struct vb_builder *b = &of(ex)->build;

	pthread_mutex_lock(&b->lock);
	b->nwr = b->nsge = 0;
	b->nbytes = 0;
	b->err = of(ex)->roce ? 0 : EINVAL;
}

static void wr_abort(struct ibv_qp_ex *ex)
{
	pthread_mutex_unlock(&of(ex)->build.lock);
}

/* The arrays move no more: indices become addresses. */
static void resolve(struct vb_builder *b)
{
	for (uint32_t i = 0; i < b->nwr; i++) {
		struct roce_send_wr *wr = &b->wr[i];
		struct roce_sge *sge = b->sge + (uintptr_t)wr->sg_list;

		wr->sg_list = wr->num_sge ? sge : NULL;
		if (wr->num_sge && wr->send_flags & ROCE_SEND_INLINE)
			sge->addr += (uintptr_t)b->bytes;
	}
}

static int wr_complete(struct ibv_qp_ex *ex)
{
	struct vb_qp *qp = of(ex);
	struct vb_builder *b = &qp->build;
	int err = b->err, got;

	if (!err && b->nwr) {
		resolve(b);
		/* All or none: nothing but a full queue stops in the middle of what the builder has checked. */
		if (b->nwr > roce_qp_send_room(qp->roce)) {
			err = ENOMEM;
		} else {
			got = roce_live_post_send(qp->live, qp->roce, b->wr, (int)b->nwr);
			if (got < 0)
				err = -got;
			else if (got < (int)b->nwr)
				err = -roce_live_post_send(qp->live, qp->roce, b->wr + got, 1);
		}
	}
	pthread_mutex_unlock(&b->lock);
	return DP_MAX(err, 0);
}

void vb_qp_ex_init(struct vb_qp *qp)
{
	struct ibv_qp_ex *ex = &qp->ex;

	pthread_mutex_init(&qp->build.lock, NULL);
	ex->wr_atomic_cmp_swp = wr_atomic_cmp_swp;
	ex->wr_atomic_fetch_add = wr_atomic_fetch_add;
	ex->wr_bind_mw = wr_bind_mw;
	ex->wr_local_inv = wr_local_inv;
	ex->wr_rdma_read = wr_rdma_read;
	ex->wr_rdma_write = wr_rdma_write;
	ex->wr_rdma_write_imm = wr_rdma_write_imm;
	ex->wr_send = wr_send;
	ex->wr_send_imm = wr_send_imm;
	ex->wr_send_inv = wr_send_inv;
	ex->wr_send_tso = wr_send_tso;
	ex->wr_set_ud_addr = wr_set_ud_addr;
	ex->wr_set_xrc_srqn = wr_set_xrc_srqn;
	ex->wr_set_inline_data = wr_set_inline_data;
	ex->wr_set_inline_data_list = wr_set_inline_data_list;
	ex->wr_set_sge = wr_set_sge;
	ex->wr_set_sge_list = wr_set_sge_list;
	ex->wr_start = wr_start;
	ex->wr_complete = wr_complete;
	ex->wr_abort = wr_abort;
	ex->wr_atomic_write = wr_atomic_write;
	ex->wr_flush = wr_flush;
}

void vb_qp_ex_fini(struct vb_qp *qp)
{
	free(qp->build.wr);
	free(qp->build.sge);
	free(qp->build.bytes);
	qp->build.wr = NULL;
	qp->build.sge = NULL;
	qp->build.bytes = NULL;
	qp->build.wr_room = qp->build.sge_room = 0;
	qp->build.bytes_room = 0;
}
