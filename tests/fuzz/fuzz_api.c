/*
 * Invariant: whatever verbs are called, in whatever order, on two devices joined by a network that loses, doubles,
 * reorders and forges, each call returns what a model of a verbs device (api_model.h) says, and afterwards hold: a QP
 * is in the state that the model knows; requests and receives complete at most once, in order, and all of them when
 * their QP is in error; nothing succeeds by a dead key; memory that no region can write does not change; a CQ overflows
 * only when it is full; between two QPs that were connected properly every message is executed exactly once; and a
 * device that has nothing to do has no request left to do.
 *
 * The input is a program: one byte says which call, the next say with what.
 *
 * Planted in the engine, each found within seconds: a PD or CQ freed while in use, a use count not given back, a window
 * whose region counts it for ever or that stays in the key table, no flush of the send or the receive queue, none of
 * what is posted in error, a READ that completes twice, a failure without completion, a send queue one entry too long
 * or too short, a CQ that overflows before it is full or drops silently, an access beyond a region, by a dead key, a
 * rereg that keeps its key, a duplicate executed again, an ACK taken for one PSN more, an
 * answered READ that still counts as outstanding. Not found in 10 to 40 seconds: a region freed under one window, keys
 * of another domain, an SRQ shrunk below what it holds, a notification weakened, an event of a queue pair that is gone.
 * A timer not started was found in 14 seconds and missed in 11.
 */
#include "tests/fuzz/api_objects.h"

/* ---- work requests ------------------------------------------------------------------------------------------------ */

static uint32_t choose_length(struct world *w)
{
	static const uint32_t some[] = {0,   1,   8,    8,    64,   200,  256,  257,
					512, 700, 1024, 1500, 2048, 4096, 4097, 0x7fffffff};

	return some[take(&w->in, 1) % DP_ARRAY_SIZE(some)];
}

/* A key of the device: of a live region (mostly), of a dead one, of a window, or of nothing; and where it leads. */
static uint32_t choose_key(struct world *w, const struct m_dev *d, uint64_t *addr)
{
	uint32_t how = take(&w->in, 1);
	const struct m_mr *mr = &d->mr[how % NMR];
	const struct m_mw *mw = &d->mw[how % NMW];

	*addr = mr->first + (how >> 3 & 7) * 64;
	if (how >= 0xf8)
		*addr = mr->first + mr->length - take(&w->in, 1);
	if (how >= 0xe0 && how < 0xe8)
		return d->dead[how % NDEAD];
	if (how >= 0xe8 && how < 0xf0 && mw->p)
		return mw->key;
	if (!mr->p || mr->kind == MR_IMPLICIT)
		return 0x1234567;
	return mr->key ^ (how >= 0xf0 && how < 0xf4);
}

static uint32_t choose_sges(struct world *w, const struct m_dev *d, struct roce_sge *sge)
{
	uint32_t n = take(&w->in, 1) % 8;

	n = n > MAX_SGE + 1 ? 1 : n;
	for (uint32_t i = 0; i < n; i++) {
		sge[i].lkey = choose_key(w, d, &sge[i].addr);
		sge[i].length = choose_length(w);
	}
	return n;
}

/* Bind and invalidate: what they name. False: not to be posted. */
static bool choose_window(struct world *w, int side, struct m_qp *q, struct roce_send_wr *wr, struct m_send *s,
			  bool *doomed)
{
	struct m_dev *d = &w->m.dev[side];
	uint32_t how = take(&w->in, 1);
	int i = (int)(how % NMW);
	struct m_mw *mw = &d->mw[i];

	if (wr->opcode == ROCE_WR_SEND_WITH_INV) {
		wr->invalidate_rkey = w->m.dev[!side].mw[i].key ^ (how >= 0xf0);
		return true;
	}
	if (!m_is_local(wr->opcode))
		return true;
	if (!mw->p)
		return false;
	s->window = i;
	if (wr->opcode == ROCE_WR_LOCAL_INV) {
		wr->invalidate_rkey = mw->key ^ (how >= 0xf0);
		*doomed = m_key_dead(d, wr->invalidate_rkey);
		return true;
	}
	s->mr = (int)(how >> 2) % NMR;
	wr->mw = mw->p;
	wr->rkey = mw->type == ROCE_MW_TYPE_1 ? (mw->key & ~255u) | ((mw->key + 1) & 255) : mw->key ^ take(&w->in, 1);
	if (how == 0xff)
		wr->rkey ^= 0x100;
	wr->bind = (struct roce_mw_bind_info){.mr = d->mr[s->mr].p, .access = take(&w->in, 1) & 0x2e};
	if (d->mr[s->mr].kind == MR_IMPLICIT)
		wr->bind.mr = NULL;
	wr->bind.addr = d->mr[s->mr].first + (how >> 5) * 64;
	wr->bind.length = choose_length(w);
	s->bind_length = wr->bind.length;
	*doomed = mw->pd != q->pd || (mw->type == ROCE_MW_TYPE_2 && !wr->bind.length) ||
		  (wr->bind.length && wr->bind.mr &&
		   (d->mr[s->mr].pd != q->pd || m_outside(&d->mr[s->mr], wr->bind.addr, wr->bind.length)));
	if (mw->type == ROCE_MW_TYPE_2)
		*doomed |= (wr->rkey ^ mw->base) > 255;
	return true;
}

/* The call of a window operation was accepted. */
static void window_posted(struct m_dev *d, struct m_dev *peer, int qp, const struct roce_send_wr *wr,
			  const struct m_send *s)
{
	if (wr->opcode == ROCE_WR_SEND_WITH_INV) {
		peer->peer_invalidates = true;
		for (int i = 0; i < NMW; i++)
			if (peer->mw[i].type == ROCE_MW_TYPE_2)
				peer->mw[i].sure = -1;
	}
	if (s->window < 0)
		return;
	d->mw[s->window].pending++;
	d->mw[s->window].sure = -1;
	if (wr->opcode != ROCE_WR_BIND_MW)
		return;
	d->mw[s->window].may |= wr->bind.length ? 1u << s->mr : 0;
	d->mw[s->window].qps |= 1u << qp;
	d->mw[s->window].key = wr->rkey;
	MUST(roce_mw_rkey(wr->mw) == wr->rkey);
}

static bool send_doomed(const struct m_dev *d, const struct m_qp *q, const struct roce_send_wr *wr)
{
	bool doomed = false;

	for (uint32_t i = 0; i < wr->num_sge && !(wr->send_flags & ROCE_SEND_INLINE); i++)
		doomed |= m_sge_doomed(d, q->pd, &wr->sg_list[i]);
	return doomed;
}

static bool send_doomed_there(const struct world *w, int side, int i, const struct roce_send_wr *wr, uint64_t length)
{
	const struct m_dev *peer = &w->m.dev[!side];

	if (!w->m.dev[side].qp[i].clean || w->m.dev[side].qp[i].type != ROCE_QPT_RC)
		return false;
	if (wr->opcode == ROCE_WR_SEND_WITH_INV)
		return m_key_dead(peer, wr->invalidate_rkey);
	if (m_is_eight(wr->opcode))
		length = 8;
	if (wr->opcode == ROCE_WR_FLUSH && wr->flush_level == ROCE_FLUSH_MR)
		return m_key_dead(peer, wr->rkey);
	if (wr->opcode == ROCE_WR_FLUSH)
		length = wr->flush_length;
	if (wr->opcode <= ROCE_WR_RDMA_WRITE_WITH_IMM || m_has_response(wr->opcode))
		return m_remote_doomed(peer, peer->qp[i].pd, wr->rkey, wr->remote_addr, length);
	return false;
}

static void send_posted(struct world *w, int side, int i, struct m_send *s, const struct roce_send_wr *wr)
{
	struct m_qp *q = &w->m.dev[side].qp[i];
	bool blind = w->m.dev[side].cq[q->scq].overflow;

	window_posted(&w->m.dev[side], &w->m.dev[!side], i, wr, s);
	if (m_consumes_receive(wr->opcode) && q->type == ROCE_QPT_RC &&
	    (q->state == ROCE_QPS_RTS || q->state == ROCE_QPS_SQD)) {
		s->msg = ++q->sent_msgs;
		q->msgs[s->msg % MAX_MSGS] =
			(struct m_msg){.length = s->length,
				       .imm = wr->imm_data,
				       .with_imm = wr->opcode != ROCE_WR_SEND && wr->opcode != ROCE_WR_SEND_WITH_INV,
				       .write = wr->opcode == ROCE_WR_RDMA_WRITE_WITH_IMM};
	}
	/* It found room: where the model counted too many, the oldest had completed unseen. */
	MUST(q->cap.max_send_wr);
	while (q->nsq >= q->cap.max_send_wr) {
		MUST(!q->sq[0].signalled || blind);
		m_send_pop(&w->m.dev[side], &w->m.dev[!side], i, w->m.tainted, !blind);
	}
	q->sq[q->nsq++] = *s;
}

static uint32_t opcode(uint32_t byte)
{
	byte %= 13;
	return byte == 11 ? ROCE_WR_FLUSH : byte == 12 ? ROCE_WR_ATOMIC_WRITE : byte;
}

static void post_send(struct world *w, int side)
{
	static uint8_t inline_data[4200];
	struct m_dev *d = &w->m.dev[side], *peer = &w->m.dev[!side];
	int i = pick(w, NQP);
	struct m_qp *q = &d->qp[i];
	uint32_t how = take(&w->in, 1), more = take(&w->in, 1);
	struct m_send s = {.wr_id = ++w->m.wr_id, .window = -1, .mr = -1};
	struct roce_ah_attr ah = {.dgid = gids[!side], .port_num = more & 1 || more < 0xf0, .sl = more & 3};
	struct roce_sge sge[MAX_SGE + 1];
	struct roce_send_wr wr = {.wr_id = s.wr_id,
				  .opcode = opcode(how),
				  .send_flags =
					  (more & 7) | (more >= 0xe0 ? ROCE_SEND_INLINE : 0) | (more == 0x77 ? 64 : 0),
				  .sg_list = sge,
				  .imm_data = (uint32_t)s.wr_id * 7,
				  .remote_qkey = more & 8 ? 1 : 0x80000000,
				  .compare_add = more,
				  .swap = how,
				  .flush_type = more >> 3 & 3,
				  .flush_level = more & 1,
				  .flush_length = more * 8,
				  .ah = more == 0x33 ? NULL : &ah};
	bool legal, type1, bad_bind;
	uint64_t length = 0;
	int ret;

	if (!q->p)
		return;
	wr.remote_qpn = peer->qp[how % NQP].p ? peer->qp[how % NQP].num : 1;
	wr.rkey = choose_key(w, peer, &wr.remote_addr);
	if (!choose_window(w, side, q, &wr, &s, &s.doomed))
		return;
	if ((!m_is_local(wr.opcode) && wr.opcode != ROCE_WR_FLUSH) || more == 0x55)
		wr.num_sge = choose_sges(w, d, sge);
	if (m_is_eight(wr.opcode)) {
		wr.remote_addr &= more & 16 ? ~7ULL : ~0ULL;
		if (wr.num_sge && more & 32)
			sge[0].length = 8;
	}
	if (wr.send_flags & ROCE_SEND_INLINE)
		for (uint32_t k = 0; k < wr.num_sge; k++)
			sge[k] = (struct roce_sge){(uintptr_t)inline_data, DP_MIN(sge[k].length, 200), 0};
	for (uint32_t k = 0; k < wr.num_sge; k++)
		length += sge[k].length;
	s.opcode = wr.opcode;
	s.length = (uint32_t)length;
	s.signalled = q->sig_all || wr.send_flags & ROCE_SEND_SIGNALED;
	s.doomed |= send_doomed(d, q, &wr);
	s.doomed_there = send_doomed_there(w, side, i, &wr, length);
	type1 = wr.opcode == ROCE_WR_BIND_MW && d->mw[s.window].type == ROCE_MW_TYPE_1;
	bad_bind = wr.opcode == ROCE_WR_BIND_MW && ((wr.bind.length && !wr.bind.mr) || (type1 && more & 64));
	legal = m_send_ok(q, &wr) && !bad_bind;
	if (type1 && !(more & 64)) {
		struct roce_mw_bind bind = {wr.wr_id, wr.send_flags, wr.bind};

		if (wr.num_sge)
			return;
		wr.rkey = (d->mw[s.window].key & ~255u) | ((d->mw[s.window].key + 1) & 255);
		ret = roce_bind_mw(q->p, wr.mw, &bind);
	} else {
		ret = roce_post_send(q->p, &wr);
	}
	if (legal)
		MUST(!ret || (ret == -ENOMEM && q->nsq >= q->cap.max_send_wr));
	else
		MUST(ret < 0);
	if (!ret)
		send_posted(w, side, i, &s, &wr);
}

static void post_recv(struct world *w, int side)
{
	struct m_dev *d = &w->m.dev[side];
	uint32_t how = take(&w->in, 1), least = 0, most;
	struct m_qp *q = &d->qp[how % NQP];
	int srq = how & 0x80 ? (int)(how & 1) : q->p ? q->srq : -1, ret;
	struct m_srq *s = srq >= 0 ? &d->srq[srq] : NULL;
	struct roce_sge sge[MAX_SGE + 1];
	struct roce_recv_wr wr = {.wr_id = ++w->m.wr_id, .sg_list = sge};
	struct m_recv r = {.wr_id = wr.wr_id, .doomed = true};

	if (s ? !s->p || s->n >= MAX_SHARED : !q->p)
		return;
	wr.num_sge = choose_sges(w, d, sge);
	for (uint32_t k = 0; k < wr.num_sge; k++)
		if (sge[k].length) {
			/* Of a buffer that is too long only the beginning is used. */
			struct roce_sge first = {sge[k].addr, 1, sge[k].lkey};

			r.doomed = m_sge_doomed(d, s ? s->pd : q->pd, &first);
			break;
		}
	if (s && !(how & 0x80) && how & 0x40) { /* not to this QP */
		MUST(roce_post_recv(q->p, &wr) == -EINVAL);
		return;
	}
	if (s) {
		srq_fill(d, srq, &least, &most);
		ret = roce_post_srq_recv(s->p, &wr);
		MUST(ret || wr.num_sge <= MAX_SGE);
		if (wr.num_sge <= MAX_SGE)
			MUST(ret ? ret == -ENOMEM && most >= s->size : least < s->size);
		if (!ret)
			s->wr[s->n++] = r;
		return;
	}
	ret = roce_post_recv(q->p, &wr);
	if (q->state == ROCE_QPS_RESET || wr.num_sge > MAX_SGE) {
		MUST(ret == -EINVAL);
		return;
	}
	if (ret || d->cq[q->rcq].overflow)
		MUST(!ret || (ret == -ENOMEM && q->nrq >= q->cap.max_recv_wr));
	else
		MUST(q->nrq < q->cap.max_recv_wr);
	if (!ret && q->nrq >= q->cap.max_recv_wr) /* unseen completions: keep the newest */
		memmove(q->rq, q->rq + 1, --q->nrq * sizeof(q->rq[0]));
	if (!ret)
		q->rq[q->nrq++] = r;
}

/* ---- network ------------------------------------------------------------------------------------------------------ */

/* What a device sends goes on its way, payload and all: its memory may be gone when it arrives. */
static int transmit(struct world *w, int side, int n)
{
	struct roce_pkt *v[8];
	int sent = roce_dev_tx(w->m.dev[side].p, v, n, w->now);

	for (int i = 0; i < sent; i++) {
		struct net_pkt *p;
		uint32_t at = 0;

		MUST(v[i]->len <= PKT_BYTES);
		MUST(!(w->paused[side] & 1 << v[i]->prio) || v[i]->opcode >> 5 >= ROCE_SVC_UD);
		if (w->nnet[!side] < NET_PKTS) {
			p = w->net[!side][w->nnet[!side]++];
			p->pkt = *v[i];
			p->pkt.bounce = NULL;
			for (int k = 0; k < v[i]->niov; at += (uint32_t)v[i]->iov[k].iov_len, k++)
				memcpy(p->data + at, v[i]->iov[k].iov_base, v[i]->iov[k].iov_len);
			MUST(!v[i]->niov || at == v[i]->len);
			p->pkt.iov[0] = (struct iovec){p->data, at};
			p->pkt.niov = v[i]->niov ? 1 : 0;
		}
		roce_pkt_put(w->m.dev[side].p, v[i]);
	}
	observe(w, side);
	return sent;
}

static void forge(struct world *w, struct roce_pkt *pkt)
{
	uint32_t how = take(&w->in, 1), value = take(&w->in, 1);

	w->m.tainted = true;
	switch (how % 10) {
	case 0:
		pkt->opcode = (uint8_t)value;
		break;
	case 1:
		pkt->psn = roce_psn_add(pkt->psn, (uint32_t)(int8_t)value);
		break;
	case 2:
		pkt->syndrome = (uint8_t)value;
		break;
	case 3:
		pkt->va += (uint64_t)(int64_t)(int8_t)value * 8;
		break;
	case 4:
		pkt->rkey ^= 1u << (value & 31);
		break;
	case 5:
		pkt->dma_len = value < 0x80 ? pkt->dma_len + value : ~value;
		break;
	case 6:
		pkt->len = DP_MIN(pkt->len, value * 4);
		pkt->iov[0].iov_len = pkt->len;
		break;
	case 7:
		pkt->bth_flags ^= (uint8_t)(value & 0x3f);
		break;
	case 8:
		pkt->dqpn = w->m.dev[0].qp[value % NQP].num;
		break;
	default:
		pkt->sack_psn = roce_psn_add(pkt->sack_psn, (uint32_t)(int8_t)value);
		pkt->sack[0] ^= 1ULL << (value & 63);
	}
}

/* Packet `at` arrives; `again`: and will once more. */
static void arrive(struct world *w, int side, uint32_t at, bool again)
{
	struct net_pkt *p = w->net[side][at];

	roce_dev_rx(w->m.dev[side].p, &p->pkt, w->now);
	if (!again) {
		w->nnet[side]--;
		memmove(&w->net[side][at], &w->net[side][at + 1], (w->nnet[side] - at) * sizeof(p));
		w->net[side][w->nnet[side]] = p;
	}
	observe(w, side);
}

static void network(struct world *w, int side)
{
	uint32_t how = take(&w->in, 1), at = how & 0x80 ? take(&w->in, 1) : 0;

	if (!w->nnet[side])
		return;
	at %= w->nnet[side];
	if (how & 1)
		w->net[side][at]->pkt.tos |= 3; /* congestion experienced */
	if ((how & 0x70) == 0x70)
		forge(w, &w->net[side][at]->pkt);
	if ((how & 0x60) == 0x20) { /* lost */
		struct net_pkt *p = w->net[side][at];

		w->nnet[side]--;
		w->net[side][at] = w->net[side][w->nnet[side]];
		w->net[side][w->nnet[side]] = p;
		return;
	}
	arrive(w, side, at, (how & 0x60) == 0x40);
	check_memory(w, side);
}

/* Both devices and a faultless network, `rounds` times. */
static bool exchange(struct world *w, int rounds)
{
	bool busy = true;

	while (busy && rounds--) {
		busy = false;
		for (int side = 0; side < 2; side++) {
			busy |= transmit(w, side, 8) > 0;
			while (w->nnet[!side])
				arrive(w, !side, 0, false);
		}
	}
	check_memory(w, 0);
	check_memory(w, 1);
	return busy;
}

static void advance(struct world *w, uint64_t by_ps)
{
	w->now = dp_add_ps(w->now, by_ps);
	for (int side = 0; side < 2; side++) {
		roce_dev_tick(w->m.dev[side].p, w->now);
		observe(w, side);
	}
}

static uint64_t next_ps(const struct world *w)
{
	return DP_MIN(roce_dev_next_ps(w->m.dev[0].p), roce_dev_next_ps(w->m.dev[1].p));
}

/* Nothing is due any more, now or later, on either device: then nothing may wait. */
static void check_idle(const struct world *w)
{
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < NQP; i++) {
			const struct m_dev *d = &w->m.dev[side];
			const struct m_qp *q = &d->qp[i];

			if (!q->p || q->state != ROCE_QPS_RTS || d->cq[q->scq].overflow)
				continue;
			if (q->type == ROCE_QPT_RC && (!q->attr.timeout || !q->attr.max_rd_atomic))
				continue;
			for (uint32_t k = 0; k < q->nsq; k++)
				MUST(!q->sq[k].signalled && !q->sq[k].doomed);
		}
}

static void finish(struct world *w)
{
	for (int side = 0; side < 2; side++) {
		w->paused[side] = 0;
		roce_dev_pause(w->m.dev[side].p, 0, w->now);
	}
	for (int i = 0; i < 200; i++) {
		uint64_t next;

		exchange(w, 64);
		next = next_ps(w);
		if (next == DP_NEVER) {
			check_idle(w);
			return;
		}
		advance(w, next > w->now ? next - w->now : 1);
	}
}

/* ---- program ------------------------------------------------------------------------------------------------------ */

static void step(struct world *w)
{
	uint32_t what = take(&w->in, 1), more;
	int side = (int)(what >> 7);
	struct m_dev *d = &w->m.dev[side];

	switch (what & 0x1f) {
	case 0:
		pd_call(w, d);
		break;
	case 1:
	case 2:
		mr_call(w, side);
		break;
	case 3:
		mw_call(w, d);
		break;
	case 4:
		dm_call(w, d);
		break;
	case 5:
	case 6:
	case 7:
		cq_call(w, d);
		break;
	case 8:
		srq_call(w, d);
		break;
	case 9:
	case 10:
	case 11:
		qp_call(w, side);
		break;
	case 12:
		more = take(&w->in, 1);
		w->paused[side] = (uint8_t)(more & 15);
		roce_dev_pause(d->p, w->paused[side], w->now);
		break;
	case 13:
		take_events(d);
		break;
	case 14:
		more = take(&w->in, 2);
		advance(w, more & 1 ? (uint64_t)more * 10 * DP_US : DP_MIN(next_ps(w) - w->now, DP_SEC));
		break;
	case 15:
		exchange(w, 1 + (int)(what >> 5 & 3));
		break;
	case 16:
	case 17:
	case 18:
	case 19:
		transmit(w, side, 1 + (int)(what >> 5 & 3) * 2);
		break;
	case 20:
	case 21:
	case 22:
		network(w, side);
		break;
	case 23:
	case 24:
	case 25:
	case 26:
		post_recv(w, side);
		break;
	default:
		post_send(w, side);
	}
	observe(w, 0);
	observe(w, 1);
}

/* What most programs need, so that the fuzzer need not find it first: an object of each kind, connected QPs. */
static void furnish(struct world *w)
{
	static const uint8_t setup[] = {
		0x00, 0, 0x80, 0,    0x00, 1,    0x80, 1,                            /* PDs */
		0x05, 0, 0x80, 0x85, 0,    0x80, 0x05, 1,    0x48, 0x85, 1,    0x48, /* CQs of 16 and 9 */
		0x08, 0, 0,    0x40, 0x88, 0,    0,    0x40,                         /* SRQs */
		0x01, 0, 0,    0,    0x1f, 2,    0x81, 0,    0,    0,    0x1f, 2, /* regions 0 and 1 of all their area */
		0x01, 1, 0,    0,    0x1f, 2,    0x81, 1,    0,    0,    0x1f, 2,    0x03, 0, 0,    1,
		0x83, 0, 0,    1,    0x03, 1,    0,    1,    0x83, 1,    0,    1, /* windows */
		0x09, 0, 0x20, 0x22, 0x00, 0x89, 0,    0x20, 0x22, 0x00,          /* QPs: RC */
		0x09, 1, 0x01, 0x12, 0x10, 0x89, 1,    0x01, 0x12, 0x10,          /* RC with an SRQ */
		0x09, 2, 0x22, 0x22, 0x00, 0x89, 2,    0x22, 0x22, 0x00,          /* UC */
		0x09, 3, 0x23, 0x22, 0x00, 0x89, 3,    0x23, 0x22, 0x00,          /* UD */
		0x09, 0, 0xa0, 0x06, 0x09, 1,    0xa0, 0x06, 0x09, 2,    0xa0, 0x06, 0x09, 3, 0xa0, 0x06,
	};
	struct input in = w->in;

	w->in = (struct input){setup, sizeof(setup)};
	while (w->in.n)
		step(w);
	w->in = in;
}

static bool open_device(struct world *w, int side)
{
	uint32_t how = take(&w->in, 1);
	struct roce_dev_cfg cfg = {.seed = 7,
				   .qpn_count = NQP + 2,
				   .max_mr = 64,
				   .max_qp_wr = MAX_WR,
				   .max_cqe = MAX_CQE,
				   .max_sge = MAX_SGE,
				   .max_inline = MAX_INLINE,
				   .max_rd_atomic = MAX_RD,
				   .max_dm_size = MAX_DM,
				   .tx_window = 4 << (how >> 5 & 3),
				   .ack_every = 3,
				   .rx_window = 16,
				   .max_mtu = MAX_MTU,
				   .recovery = how & 31,
				   .ngid = 1,
				   .gid = {gids[side]}};
	bool ok = !(how & ROCE_RECOVERY_OOO) || how & ROCE_RECOVERY_SELECTIVE_REPEAT;

	if (how & 0x80) {
		cfg.cc.algorithm = ROCE_CC_WINDOW;
		cfg.cc.window_bytes = 2048;
		if (how & 1)
			MUST(!roce_cc_preset(roce_cc_preset_name(0), 1000, &cfg.cc));
	}
	w->m.dev[side].p = roce_dev_new(&cfg);
	MUST(!w->m.dev[side].p == !ok);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	static struct net_pkt pkts[2][NET_PKTS];
	bool bare;

	memset(&w, 0, sizeof(w));
	w.in = (struct input){data, size};
	bare = (take(&w.in, 1) & 15) == 15;
	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < NET_PKTS; i++)
			w.net[side][i] = &pkts[side][i];
		w.arena[side] = malloc(ARENA_BYTES);
		w.shadow[side] = calloc(NMR, AREA_BYTES);
		memset(w.arena[side], GUARD, ARENA_BYTES);
	}
	if (open_device(&w, 0) && open_device(&w, 1)) {
		for (int side = 0; side < 2; side++)
			for (int i = 0; i < NMR; i++)
				freeze(&w, side, i);
		if (!bare)
			furnish(&w);
		for (int i = 0; i < MAX_STEPS && w.in.n; i++)
			step(&w);
		finish(&w);
	}
	for (int side = 0; side < 2; side++) {
		roce_dev_free(w.m.dev[side].p);
		free(w.arena[side]);
		free(w.shadow[side]);
	}
	return 0;
}
