/*
 * What queue pairs of the same machine do without packets (direct.h): which keys and queue pairs others may use, and the
 * direct copies of our own RDMA WRITEs and READs.
 *
 * A request is copied directly only when every request before it is answered: then the peer has executed them all, and
 * nothing that is under way can overtake it or be overtaken. It takes no PSN, so the peer's engine, which is not asked,
 * need not know of it. In all other cases, and whenever the copy is not plainly allowed, it goes the way of packets.
 */
#include "rdma_verbs/csrc/engine.h"

#define MAX_PIECES 32
#define REMOTE     (ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ)

void roce_key_open(const struct roce_mr *mr)
{
	struct roce_dev *dev = mr->pd->dev;

	if (!dev->local || !mr->addr || mr->null || !(mr->access & REMOTE))
		return;
	dev->local->open_key(dev->local_ctx, &(struct roce_local_key){.index = mr->index,
								      .key = mr->key,
								      .addr = mr->addr,
								      .iova = mr->iova,
								      .length = mr->length,
								      .access = mr->access,
								      .pd = mr->pd->id,
								      .qpn = mr->qp ? mr->qp->qpn : 0});
}

void roce_key_close(const struct roce_mr *mr)
{
	struct roce_dev *dev = mr->pd->dev;

	if (dev->local)
		dev->local->close_key(dev->local_ctx, mr->index, mr->key);
}

void roce_qp_disconnect(struct roce_qp *qp)
{
	if (qp->peer)
		qp->dev->local->disconnect(qp->dev->local_ctx, qp->peer);
	qp->link = qp->peer = NULL;
}

int roce_qp_connect(struct roce_qp *qp, const struct dp_ip *dgid, uint32_t dqpn)
{
	struct roce_dev *dev = qp->dev;
	int err = 0;

	roce_qp_disconnect(qp);
	if (dev->local && qp->type != ROCE_QPT_UD)
		qp->peer = dev->local->connect(dev->local_ctx, dgid, dqpn, &err);
	if (qp->peer && !dev->local->by_packets(qp->peer))
		qp->link = qp->peer;
	if (err)
		return roce_fail(dev, err, "QP %u: no room for a way to the process of QP %u", qp->qpn, dqpn);
	return 0;
}

/*
 * An XRC target's domain is that of each request; nothing says when the peer has executed what an unreliable QP sent; a
 * QP in RTR still has to tell that communication is established.
 */
static bool may_open(const struct roce_qp *qp)
{
	return qp->link && qp->type == ROCE_QPT_RC &&
	       (qp->state == ROCE_QPS_RTS || qp->state == ROCE_QPS_SQD ||
		(qp->state == ROCE_QPS_RTR && qp->resp.comm_est));
}

void roce_qp_reopen(struct roce_qp *qp)
{
	uint32_t access = qp->attr.qp_access_flags;

	if (qp->open || !may_open(qp))
		return;
	if (!qp->resp.res_size) /* it takes no READ */
		access &= ~(uint32_t)ROCE_ACCESS_REMOTE_READ;
	qp->open = true;
	qp->dev->local->open_qp(qp->dev->local_ctx, &(struct roce_local_qp){.qpn = qp->qpn,
									    .dest_qpn = qp->attr.dest_qp_num,
									    .access = access,
									    .pd = qp->pd->id,
									    .link = qp->link});
}

void roce_qp_fold(struct roce_qp *qp)
{
	struct roce_counters *ctr = qp->dev->ctr;
	struct roce_qp_counters *own;
	uint64_t done[4];

	if (!qp->open)
		return;
	qp->dev->local->fold(qp->dev->local_ctx, qp->qpn, done);
	if (!(done[0] | done[2]))
		return;
	own = roce_qp_ctr(qp);
	ctr->rx_write_requests += done[0];
	own->rx_write_requests += done[0];
	ctr->rx_read_requests += done[2];
	own->rx_read_requests += done[2];
	/* A message is a packet each way: data, and what answers it. */
	ctr->rcvd_pkts += done[0] + done[2];
	own->rcvd_pkts += done[0] + done[2];
	ctr->rcvd_bytes += done[1];
	own->rcvd_bytes += done[1];
	ctr->sent_pkts += done[0] + done[2];
	own->sent_pkts += done[0] + done[2];
	ctr->sent_bytes += done[3];
	own->sent_bytes += done[3];
}

void roce_dev_fold(struct roce_dev *dev)
{
	for (uint32_t i = 0; dev->local && i < dev->qps_room; i++)
		if (dev->qps[i])
			roce_qp_fold(dev->qps[i]);
}

void roce_qp_shut(struct roce_qp *qp, bool wait, bool over)
{
	if (!qp->link)
		return;
	qp->dev->local->close_qp(qp->dev->local_ctx, qp->qpn, wait, over);
	roce_qp_fold(qp);
	qp->open = false;
}

/* `len` bytes of the SGEs from `offset` on. Pieces, or -1: something is not as it should be. */
static int pieces(const struct roce_qp *qp, const struct roce_sge *sges, uint32_t num_sge, bool read, uint32_t offset,
		  uint32_t len, struct iovec v[MAX_PIECES])
{
	int n = 0;

	for (uint32_t i = 0; i < num_sge && len; i++) {
		const struct roce_sge *sge = &sges[i];
		struct roce_mr *mr;
		uint32_t part;

		if (offset >= sge->length) {
			offset -= sge->length;
			continue;
		}
		part = DP_MIN(len, sge->length - offset);
		mr = roce_mr_check(qp->pd, sge->lkey, sge->addr, sge->length, read ? ROCE_ACCESS_LOCAL_WRITE : 0);
		if (!mr || !mr->addr || n == MAX_PIECES)
			return -1;
		v[n++] = (struct iovec){roce_mr_at(mr, sge->addr + offset), part};
		offset = 0;
		len -= part;
	}
	return len ? -1 : n;
}

static void count(struct roce_qp *qp, bool read, uint32_t length)
{
	struct roce_counters *ctr = qp->dev->ctr;
	struct roce_qp_counters *own = roce_qp_ctr(qp);

	ctr->sent_pkts++;
	own->sent_pkts++;
	ctr->rcvd_pkts++;
	own->rcvd_pkts++;
	*(read ? &ctr->rcvd_bytes : &ctr->sent_bytes) += length;
	*(read ? &own->rcvd_bytes : &own->sent_bytes) += length;
}

/* Nothing is under way, and nothing about the queue pair speaks against it. */
static bool idle(const struct roce_qp *qp)
{
	const struct roce_requester *req = &qp->req;

	return qp->type == ROCE_QPT_RC && req->cur == qp->sq.tail && req->una == req->next_psn && !roce_pace_bps(qp) &&
	       !qp->dev->link_down;
}

static bool may_copy(const struct roce_qp *qp, const struct roce_swqe *wqe)
{
	const struct roce_requester *req = &qp->req;

	if ((wqe->opcode != ROCE_WR_RDMA_WRITE && wqe->opcode != ROCE_WR_RDMA_READ) || !idle(qp))
		return false;
	/* Of an entry that is bad, nothing lands: of one turn pieces() sees it all before it copies. */
	return wqe->length <= ROCE_TURN_BYTES || req->direct || wqe->send_flags & ROCE_SEND_INLINE ||
	       roce_sge_ok(qp->pd, wqe->sge, wqe->num_sge,
			   wqe->opcode == ROCE_WR_RDMA_READ ? ROCE_ACCESS_LOCAL_WRITE : 0);
}

enum roce_direct roce_direct_try(struct roce_qp *qp, struct roce_swqe *wqe)
{
	struct roce_requester *req = &qp->req;
	struct iovec v[MAX_PIECES];
	bool read = wqe->opcode == ROCE_WR_RDMA_READ;
	struct roce_copy copy;
	uint32_t len;
	int n = 1;

	if (!may_copy(qp, wqe)) {
		req->direct = 0; /* goes as a whole: what was copied is copied again */
		return ROCE_DIRECT_NO;
	}
	len = DP_MIN(wqe->length - req->direct, ROCE_TURN_BYTES);
	if (wqe->send_flags & ROCE_SEND_INLINE)
		v[0] = (struct iovec){(uint8_t *)wqe->sge + req->direct, len};
	else
		n = pieces(qp, wqe->sge, wqe->num_sge, read, req->direct, len, v);
	copy = (struct roce_copy){.v = v,
				  .n = n,
				  .qpn = qp->qpn,
				  .dest_qpn = qp->attr.dest_qp_num,
				  .rkey = wqe->rkey,
				  .va = wqe->remote_addr + req->direct,
				  .len = len,
				  .read = read,
				  .counted = !req->direct};
	if (n < 0 || !qp->dev->local->copy(qp->dev->local_ctx, qp->link, &copy)) {
		req->direct = 0;
		return ROCE_DIRECT_NO;
	}
	req->direct += len;
	qp->dev->turn_bytes += len;
	if (req->direct < wqe->length)
		return ROCE_DIRECT_MORE;
	req->direct = 0;
	count(qp, read, wqe->length);
	if (qp->dev->checking)
		roce_check_copied(qp, wqe);
	return ROCE_DIRECT_DONE;
}

/* Without an entry in the send queue, which is empty: what roce_direct_try() would do as soon as it were there. */
int roce_post_direct(struct roce_qp *qp, const struct roce_send_wr *wr, uint64_t now_ps)
{
	bool read = wr->opcode == ROCE_WR_RDMA_READ;
	struct roce_wc wc = {.wr_id = wr->wr_id,
			     .opcode = read ? ROCE_WC_RDMA_READ : ROCE_WC_RDMA_WRITE,
			     .qp_num = qp->qpn,
			     .timestamp_ps = now_ps};
	struct iovec v[MAX_PIECES];
	struct roce_copy copy;
	uint64_t length;
	int n = 0;

	if (!qp->link || qp->state != ROCE_QPS_RTS || (wr->opcode != ROCE_WR_RDMA_WRITE && !read) ||
	    roce_ring_used(&qp->sq) || !idle(qp) || qp->req.rnr_wait || qp->req.stopped || qp->dev->checking ||
	    qp->dev->paused >> qp->prio & 1 || wr->num_sge > MAX_PIECES || roce_check_send(qp, wr, &length) ||
	    length > ROCE_TURN_BYTES)
		return -EAGAIN;
	if (wr->send_flags & ROCE_SEND_INLINE) /* of the program, whatever keys it has */
		for (; n < (int)wr->num_sge; n++)
			v[n] = (struct iovec){(void *)(uintptr_t)wr->sg_list[n].addr, wr->sg_list[n].length};
	else
		n = pieces(qp, wr->sg_list, wr->num_sge, read, 0, (uint32_t)length, v);
	copy = (struct roce_copy){.v = v,
				  .n = n,
				  .qpn = qp->qpn,
				  .dest_qpn = qp->attr.dest_qp_num,
				  .rkey = wr->rkey,
				  .va = wr->remote_addr,
				  .len = (uint32_t)length,
				  .read = read,
				  .counted = true};
	if (n < 0 || !qp->dev->local->copy(qp->dev->local_ctx, qp->link, &copy))
		return -EAGAIN;
	count(qp, read, (uint32_t)length);
	if (!qp->sig_all && !(wr->send_flags & ROCE_SEND_SIGNALED))
		return 0;
	qp->dev->now_ps = DP_MAX(qp->dev->now_ps, now_ps);
	wc.byte_len = (uint32_t)length;
	roce_cq_push(qp->send_cq, &wc, false);
	return qp->send_cq->armed || qp->send_cq->notified;
}
