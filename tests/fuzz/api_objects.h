/*
 * fuzz_api.c's world and its calls that make, change and destroy objects: protection domains, regions, windows, device
 * memory, completion queues, shared receive queues and queue pairs, each checked against the model.
 */
#ifndef API_OBJECTS_H
#define API_OBJECTS_H

#include "rdma_verbs/csrc/engine.h"
#include "tests/fuzz/api_model.h"
#include "tests/fuzz/input.h"

#define AREA_BYTES  4096
#define GUARD_BYTES 256
#define GUARD       0xa5
#define STRIDE      (AREA_BYTES + GUARD_BYTES)
#define ARENA_BYTES (NMR * STRIDE + GUARD_BYTES)
#define NET_PKTS    32
#define PKT_BYTES   1024
#define MAX_STEPS   4000

struct net_pkt {
	struct roce_pkt pkt;
	uint8_t data[PKT_BYTES];
};

struct world {
	struct model m;
	struct input in;
	uint64_t now;
	uint8_t *arena[2], *shadow[2];
	bool frozen[2][NMR];
	struct net_pkt *net[2][NET_PKTS]; /* towards that side */
	uint32_t nnet[2];
	uint8_t paused[2];
};

static const struct roce_gid gids[2] = {{{[10] = 0xff, 0xff, 10, 0, 0, 1}}, {{[10] = 0xff, 0xff, 10, 0, 0, 2}}};

static uint8_t *area(struct world *w, int side, int i)
{
	return w->arena[side] + GUARD_BYTES + i * STRIDE;
}

/* ---- what holds after each call ----------------------------------------------------------------------------------- */

/* Completions made since the last look, then overflows, then states. */
static void observe(struct world *w, int side)
{
	struct m_dev *d = &w->m.dev[side];

	for (int i = 0; i < NCQ; i++) {
		struct m_cq *c = &d->cq[i];
		uint32_t pending = c->p ? roce_cq_pending(c->p) : 0;

		MUST(!c->p || (pending >= c->n && pending <= c->size));
		while (c->n < pending) {
			struct roce_wc wc = c->p->ring[(c->p->tail + c->n) & c->p->mask];

			m_completion(&w->m, side, i, &wc);
		}
	}
	for (int i = 0; i < NCQ; i++) {
		struct m_cq *c = &d->cq[i];

		if (c->p && c->p->overflow && !c->overflow) {
			MUST(c->n == c->size);
			c->overflow = true;
			c->notify_may |= c->armed;
			for (int q = 0; q < NQP; q++)
				if (d->qp[q].p && d->qp[q].rcq == i && d->qp[q].srq >= 0)
					d->srq[d->qp[q].srq].blind = true;
		}
	}
	for (int i = 0; i < NQP; i++) {
		struct m_qp *q = &d->qp[i];
		uint32_t state;

		if (!q->p)
			continue;
		state = roce_qp_state(q->p);
		MUST(state == q->state || m_may_become(d, q, state));
		q->state = state;
		m_check_qp(d, q);
	}
}

/* Memory that no region can write is what it was; the space between never changes. */
static void check_memory(struct world *w, int side)
{
	static uint8_t guard[GUARD_BYTES];

	memset(guard, GUARD, sizeof(guard));
	for (int i = 0; i <= NMR; i++)
		MUST(!memcmp(w->arena[side] + i * STRIDE, guard, GUARD_BYTES));
	for (int i = 0; i < NMR; i++)
		MUST(!w->frozen[side][i] || !memcmp(area(w, side, i), w->shadow[side] + i * AREA_BYTES, AREA_BYTES));
}

/* Called before and after a change of region i. */
static void freeze(struct world *w, int side, int i)
{
	const struct m_mr *mr = &w->m.dev[side].mr[i];
	bool frozen = !mr->p || mr->kind != MR_MEMORY || !(mr->access & ROCE_ACCESS_LOCAL_WRITE);

	if (frozen && !w->frozen[side][i])
		memcpy(w->shadow[side] + i * AREA_BYTES, area(w, side, i), AREA_BYTES);
	w->frozen[side][i] = frozen;
}

/* ---- objects ------------------------------------------------------------------------------------------------------ */

static int pick(struct world *w, int n)
{
	return (int)(take(&w->in, 1) % (uint32_t)n);
}

static void pd_call(struct world *w, struct m_dev *d)
{
	int i = pick(w, NPD);
	bool busy = d->pd[i].p && m_pd_users(d, i);

	if (!d->pd[i].p) {
		d->pd[i].p = roce_pd_alloc(d->p);
		MUST(d->pd[i].p);
	} else {
		MUST(roce_pd_dealloc(d->pd[i].p) == (busy ? -EBUSY : 0));
		if (!busy)
			d->pd[i].p = NULL;
	}
}

static bool access_ok(uint32_t access)
{
	return !(access & ~0x3ff003ffu) && (!(access & 10) || access & 1) && (!(access & 128) || access & 64);
}

/* Where region i is to lie: all of its area or a part, under its own addresses or others. */
static void choose_span(struct world *w, int side, int i, uint8_t **addr, uint64_t *length, uint64_t *iova)
{
	uint32_t how = take(&w->in, 1), offset = how & 1 ? (how >> 2 & 7) * 256 : 0;

	*addr = area(w, side, i) + offset;
	*length = how & 2 ? AREA_BYTES - offset : (how >> 5) * 128u;
	*iova = how & 4 ? 0x1000u * (uint32_t)i : (uintptr_t)*addr;
	if ((how & 0xf8) == 0xf8) { /* past the end of all addresses */
		*length = AREA_BYTES - offset;
		*iova = UINT64_MAX - 3;
	}
}

static uint32_t choose_access(struct world *w)
{
	uint32_t how = take(&w->in, 1);

	return how < 0xf0 ? (how & 0x3f) | (how < 0xa0 ? 1 : 0) : how & 8 ? 1u << (take(&w->in, 1) % 32) : how;
}

static void mr_new_key(struct m_dev *d, struct m_mr *mr)
{
	mr->key = roce_mr_lkey(mr->p);
	MUST(roce_mr_rkey(mr->p) == mr->key);
	for (int i = 0; i < NMR; i++)
		MUST(&d->mr[i] == mr || !d->mr[i].p || d->mr[i].key != mr->key);
}

static void mr_reg(struct world *w, int side, int i, int pd, uint32_t kind)
{
	struct m_dev *d = &w->m.dev[side];
	struct m_mr mr = {.pd = pd, .kind = kind, .dm = pick(w, NDM)};
	uint32_t access = choose_access(w);
	uint64_t length, iova;
	uint8_t *addr;
	bool ok = access_ok(access);

	choose_span(w, side, i, &addr, &length, &iova);
	ok = ok && (!length || iova + length - 1 >= iova || access & ROCE_ACCESS_ZERO_BASED);
	mr.first = access & ROCE_ACCESS_ZERO_BASED ? 0 : iova;
	mr.length = length;
	mr.access = access;
	switch (kind) {
	case MR_MEMORY:
		mr.p = roce_mr_reg(d->pd[pd].p, addr, length, iova, access);
		break;
	case MR_PHANTOM:
		mr.p = roce_mr_reg(d->pd[pd].p, NULL, length, iova, access);
		break;
	case MR_NULL:
		mr.p = roce_mr_alloc_null(d->pd[pd].p);
		mr.first = 0;
		mr.length = UINT64_MAX;
		mr.access = ROCE_ACCESS_LOCAL_WRITE;
		ok = true;
		break;
	case MR_IMPLICIT: /* its key is never used: it would open all of this process */
		ok = access_ok(access | 64) && !(access & ROCE_ACCESS_ZERO_BASED);
		mr.p = roce_mr_reg(d->pd[pd].p, NULL, UINT64_MAX, 0, access | ROCE_ACCESS_ON_DEMAND);
		break;
	default:
		if (!d->dm[mr.dm].p)
			return;
		if (length && iova & 1)
			length += d->dm[mr.dm].length;
		mr.first = 0;
		mr.length = length;
		ok = access & ROCE_ACCESS_ZERO_BASED && !(access & ~0x3ff0002fu) && (!(access & 10) || access & 1) &&
		     length <= d->dm[mr.dm].length && iova <= d->dm[mr.dm].length - length;
		mr.p = roce_dm_reg_mr(d->pd[pd].p, d->dm[mr.dm].p, iova, length, access);
	}
	MUST(!mr.p == !ok);
	if (!ok)
		return;
	d->mr[i] = mr;
	mr_new_key(d, &d->mr[i]);
	freeze(w, side, i);
}

static void mr_rereg(struct world *w, int side, int i)
{
	struct m_dev *d = &w->m.dev[side];
	struct m_mr *mr = &d->mr[i];
	uint32_t flags = take(&w->in, 1) % 9, access = choose_access(w), old = mr->key;
	uint32_t becomes = flags & ROCE_REREG_MR_CHANGE_ACCESS ? access : mr->access;
	int pd = pick(w, NPD), bound = m_mr_bound(d, i), ret;
	uint64_t length, iova;
	uint8_t *addr;
	bool ok = flags && flags < 8 && mr->kind != MR_NULL && mr->kind != MR_DM;

	choose_span(w, side, i, &addr, &length, &iova);
	if (mr->kind == MR_IMPLICIT || (mr->kind == MR_PHANTOM && flags & ROCE_REREG_MR_CHANGE_TRANSLATION))
		return; /* stays what it is: a key that opens everything must never get out */
	if (flags & ROCE_REREG_MR_CHANGE_PD && !d->pd[pd].p)
		ok = false;
	if (flags & ROCE_REREG_MR_CHANGE_ACCESS && !access_ok(access))
		ok = false;
	if (flags & ROCE_REREG_MR_CHANGE_TRANSLATION)
		ok = ok && (!length || iova + length - 1 >= iova || becomes & ROCE_ACCESS_ZERO_BASED);
	else
		ok = ok && !((becomes ^ mr->access) & ROCE_ACCESS_ZERO_BASED);
	ret = roce_mr_rereg(mr->p, flags, d->pd[pd].p, addr, length, iova, access);
	if (!ok || bound > 0) {
		MUST(ret < 0);
	} else {
		MUST(!ret || (ret == -EBUSY && bound < 0));
	}
	if (ret) {
		MUST(roce_mr_lkey(mr->p) == old);
		return;
	}
	mr->access = becomes;
	if (flags & ROCE_REREG_MR_CHANGE_PD)
		mr->pd = pd;
	if (flags & ROCE_REREG_MR_CHANGE_TRANSLATION) {
		mr->first = becomes & ROCE_ACCESS_ZERO_BASED ? 0 : iova;
		mr->length = length;
	}
	mr_new_key(d, mr);
	MUST((mr->key != old) == !!(flags & (ROCE_REREG_MR_CHANGE_PD | ROCE_REREG_MR_CHANGE_TRANSLATION)));
	if (mr->key != old) {
		m_key_died(d, old);
		for (int k = 0; k < NMW; k++)
			d->mw[k].may &= ~(1u << i);
	}
	freeze(w, side, i);
}

static void mr_call(struct world *w, int side)
{
	struct m_dev *d = &w->m.dev[side];
	int i = pick(w, NMR), pd, bound, ret;
	uint32_t how = take(&w->in, 1);

	if (!d->mr[i].p) {
		static const uint8_t kinds[8] = {MR_MEMORY,  MR_MEMORY, MR_MEMORY, MR_MEMORY,
						 MR_PHANTOM, MR_NULL,   MR_DM,     MR_IMPLICIT};

		pd = (int)(how >> 3) % NPD;
		if (d->pd[pd].p)
			mr_reg(w, side, i, pd, kinds[how & 7]);
		return;
	}
	if (how & 1) {
		mr_rereg(w, side, i);
		return;
	}
	bound = m_mr_bound(d, i);
	ret = roce_mr_dereg(d->mr[i].p);
	MUST(bound > 0 ? ret == -EBUSY : !ret || (bound < 0 && ret == -EBUSY));
	if (ret)
		return;
	m_key_died(d, d->mr[i].key);
	d->mr[i].p = NULL;
	for (int k = 0; k < NMW; k++)
		d->mw[k].may &= ~(1u << i);
	freeze(w, side, i);
}

static void mw_call(struct world *w, struct m_dev *d)
{
	int i = pick(w, NMW), pd = pick(w, NPD);
	uint32_t type = take(&w->in, 1) % 9 ? 1u + (i & 1) : take(&w->in, 1) % 4;
	struct m_mw *mw = &d->mw[i];

	if (mw->p) {
		m_key_died(d, mw->base);
		MUST(!roce_mw_dealloc(mw->p));
		mw->p = NULL;
		/* What is queued for it will find it gone. */
		for (int q = 0; q < NQP; q++)
			for (uint32_t k = 0; k < d->qp[q].nsq; k++)
				if (d->qp[q].sq[k].window == i)
					d->qp[q].sq[k].window = -1;
		return;
	}
	if (!d->pd[pd].p)
		return;
	*mw = (struct m_mw){.p = roce_mw_alloc(d->pd[pd].p, type), .pd = pd, .type = type, .sure = -1};
	MUST(!mw->p == !(type == 1 || type == 2));
	if (mw->p)
		mw->key = mw->base = roce_mw_rkey(mw->p);
}

static void dm_call(struct world *w, struct m_dev *d)
{
	static uint8_t host[MAX_DM + 8];
	int i = pick(w, NDM);
	uint32_t how = take(&w->in, 1), length = take(&w->in, 2) % (MAX_DM + 2), offset;
	struct m_dm *dm = &d->dm[i];
	uint64_t used = 0;
	bool ok;

	for (int k = 0; k < NDM; k++)
		used += d->dm[k].p ? d->dm[k].length : 0;
	if (!dm->p) {
		ok = length && length <= MAX_DM - used && how % 16 <= 12;
		*dm = (struct m_dm){roce_dm_alloc(d->p, length, how % 16), length};
		MUST(!dm->p == !ok);
		return;
	}
	if (!(how & 3)) {
		ok = !m_dm_users(d, i);
		MUST(roce_dm_free(dm->p) == (ok ? 0 : -EBUSY));
		if (ok)
			dm->p = NULL;
		return;
	}
	offset = take(&w->in, 2) % (MAX_DM + 2);
	ok = (uint64_t)offset + length <= dm->length;
	MUST((how & 1 ? roce_memcpy_to_dm(dm->p, offset, host, length)
		      : roce_memcpy_from_dm(host, dm->p, offset, length)) == (ok ? 0 : -EFAULT));
}

static void cq_poll(struct m_cq *c, int n)
{
	struct roce_wc wc[MAX_CQE];
	int got = roce_cq_poll(c->p, wc, n), want = DP_MIN(n, (int)c->n);

	MUST(got == (!want && n && c->overflow ? -EIO : want));
	if (got <= 0)
		return;
	for (int i = 0; i < got; i++)
		MUST(wc[i].wr_id == c->wc[i].wr_id && wc[i].status == c->wc[i].status &&
		     wc[i].qp_num == c->wc[i].qp_num && wc[i].opcode == c->wc[i].opcode);
	c->n -= (uint32_t)got;
	memmove(c->wc, c->wc + got, c->n * sizeof(c->wc[0]));
}

static void take_notifications(struct m_dev *d)
{
	struct m_cq *c;

	while ((c = roce_dev_next_notified(d->p))) {
		MUST(c->p && c->notify_may);
		c->notify_must = false;
		c->notify_may = c->moderated;
	}
	for (int i = 0; i < NCQ; i++) {
		MUST(!d->cq[i].p || !d->cq[i].notify_must);
		/* Not notified by a receive that perhaps was solicited: so it was not. */
		if (d->cq[i].armed == 3 && d->cq[i].notify_may && !d->cq[i].moderated)
			d->cq[i].armed = 2;
		d->cq[i].notify_may &= d->cq[i].moderated;
	}
}

static void cq_call(struct world *w, struct m_dev *d)
{
	int i = pick(w, NCQ);
	uint32_t how = take(&w->in, 1), cqe = (how >> 3) % (MAX_CQE + 2);
	struct m_cq *c = &d->cq[i];
	const struct roce_cq_attr moderate = {.cq_count = (uint16_t)(cqe >> 3), .cq_period = (uint16_t)(cqe & 8)};
	bool ok = cqe >= 1 && cqe <= MAX_CQE;

	if (!c->p) {
		*c = (struct m_cq){.size = cqe};
		c->p = roce_cq_create(d->p, cqe, c);
		MUST(!c->p == !ok);
		return;
	}
	switch (how & 7) {
	case 4:
		MUST(roce_cq_modify(c->p, &moderate, cqe & 7) == (cqe & 6 ? -EINVAL : 0));
		c->moderated |= (cqe & 7) == 1;
		break;
	case 0:
		ok = !m_cq_users(d, i);
		MUST(roce_cq_destroy(c->p) == (ok ? 0 : -EBUSY));
		if (ok)
			c->p = NULL;
		break;
	case 1:
		ok = ok && cqe >= c->n;
		MUST(roce_cq_resize(c->p, cqe) == (ok ? 0 : -EINVAL));
		if (ok)
			c->size = cqe;
		MUST(roce_cq_size(c->p) == c->size && roce_cq_pending(c->p) == c->n);
		break;
	case 2:
		MUST(!roce_cq_req_notify(c->p, cqe & 1));
		if (c->armed != 1)
			c->armed = cqe & 1 ? 2 : 1;
		break;
	case 3:
		take_notifications(d);
		break;
	default:
		cq_poll(c, (int)DP_MIN(cqe, MAX_CQE));
	}
}

/* Receives in the shared queue, not yet taken by a QP: at least, at most. */
static void srq_fill(const struct m_dev *d, int i, uint32_t *least, uint32_t *most)
{
	const struct m_srq *s = &d->srq[i];
	uint32_t held = s->maybe_lost;

	for (int q = 0; q < NQP; q++)
		held += d->qp[q].p && d->qp[q].srq == i && d->qp[q].state >= ROCE_QPS_RTR;
	*most = DP_MIN(s->n, s->size);
	*least = s->blind || s->n < held ? 0 : s->n - held;
}

static void srq_modify(struct m_dev *d, int i, uint32_t how, uint32_t size, uint32_t limit)
{
	struct m_srq *s = &d->srq[i];
	struct roce_srq_attr attr = {.max_wr = size, .srq_limit = limit}, is;
	uint32_t mask = how & 7, becomes = mask & 1 ? size : s->size, least, most;
	bool ok = mask < 4 && becomes >= 1 && becomes <= MAX_WR && !(mask & 2 && limit > becomes);
	int ret = roce_srq_modify(s->p, &attr, mask);

	srq_fill(d, i, &least, &most);
	MUST(ret == 0 || ret == -EINVAL);
	MUST(ret ? !ok || becomes < most : ok && becomes >= least);
	if (!ret) {
		s->size = becomes;
		if (mask & 2) {
			s->limit = limit;
			s->limit_may_fire |= limit > 0;
		}
	}
	roce_srq_query(s->p, &is);
	MUST(is.max_wr == s->size && is.max_sge == MAX_SGE && (is.srq_limit == s->limit || !is.srq_limit));
	s->limit = is.srq_limit;
}

static void srq_call(struct world *w, struct m_dev *d)
{
	int i = pick(w, NSRQ), pd = pick(w, NPD);
	uint32_t how = take(&w->in, 1), size = (how >> 3) % (MAX_WR + 2);
	struct roce_srq_attr attr = {.max_wr = size, .max_sge = MAX_SGE};
	struct m_srq *s = &d->srq[i];
	bool ok;

	if (!s->p) {
		if (!d->pd[pd].p)
			return;
		*s = (struct m_srq){.pd = pd, .size = size};
		s->p = roce_srq_create(d->pd[pd].p, &attr, s);
		MUST(!s->p == !(size >= 1 && size <= MAX_WR));
	} else if (how & 1) {
		srq_modify(d, i, take(&w->in, 1) % 5, size, take(&w->in, 1) % (MAX_WR + 2));
	} else {
		ok = !m_srq_users(d, i);
		MUST(roce_srq_destroy(s->p) == (ok ? 0 : -EBUSY));
		if (ok)
			s->p = NULL;
	}
}

static void take_events(struct m_dev *d)
{
	struct roce_event ev;

	while (roce_dev_next_event(d->p, &ev)) {
		bool found = false;

		for (int i = 0; i < NQP && roce_event_source(ev.type) == ROCE_EVENT_OF_QP; i++)
			found |= d->qp[i].p && ev.user == &d->qp[i] && ev.num == d->qp[i].num;
		for (int i = 0; i < NCQ && ev.type == ROCE_EVENT_CQ_ERR; i++)
			found |= d->cq[i].p && ev.user == &d->cq[i] && d->cq[i].overflow;
		for (int i = 0; i < NSRQ && ev.type == ROCE_EVENT_SRQ_LIMIT_REACHED; i++)
			found |= d->srq[i].p && ev.user == &d->srq[i] && d->srq[i].limit_may_fire;
		MUST(found);
	}
}

/* ---- queue pairs -------------------------------------------------------------------------------------------------- */

static void net_forget(struct world *w, int side, uint32_t qpn)
{
	for (int to = 0; to < 2; to++)
		for (uint32_t i = 0; i < w->nnet[to];) {
			struct net_pkt *p = w->net[to][i];

			if (to == side ? p->pkt.dqpn == qpn : p->pkt.sqpn == qpn) {
				w->net[to][i] = w->net[to][--w->nnet[to]];
				w->net[to][w->nnet[to]] = p;
			} else {
				i++;
			}
		}
}

/* A QP begins anew: what is under way to or from it is of another life. */
static void qp_anew(struct world *w, int side, int i)
{
	struct m_qp *q = &w->m.dev[side].qp[i];

	m_queues_vanish(&w->m.dev[side], i);
	net_forget(w, side, q->num);
	q->clean = w->m.dev[!side].qp[i].clean = false;
	q->sent_msgs = q->recv_msgs = 0;
	memset(&q->attr, 0, sizeof(q->attr));
	q->attr.path_mtu = MAX_MTU;
	q->state = ROCE_QPS_RESET;
}

static void qp_create(struct world *w, int side, int i, uint32_t how)
{
	static const uint8_t types[8] = {ROCE_QPT_RC, ROCE_QPT_RC, ROCE_QPT_UC, ROCE_QPT_UD,
					 ROCE_QPT_RC, ROCE_QPT_UC, ROCE_QPT_UD, 5 /* none */};
	struct m_dev *d = &w->m.dev[side];
	uint32_t caps = take(&w->in, 2);
	struct m_qp q = {.type = types[how & 7],
			 .pd = (int)(how >> 3) % NPD,
			 .scq = (int)(caps % NCQ),
			 .rcq = (int)((caps >> 2) % NCQ),
			 .srq = caps & 16 ? (int)(caps >> 5 & 1) : -1,
			 .sig_all = how & 0x20};
	struct roce_qp_init_attr init = {.cap = {(caps >> 6) % (MAX_WR + 2), (caps >> 10) % (MAX_WR + 1), MAX_SGE,
						 MAX_SGE, caps & 0x8000 ? MAX_INLINE + (caps & 1) : 8},
					 .qp_type = q.type,
					 .sq_sig_all = q.sig_all,
					 .send_cq = d->cq[q.scq].p,
					 .recv_cq = d->cq[q.rcq].p,
					 .srq = q.srq >= 0 ? d->srq[q.srq].p : NULL};
	bool ok = q.type != 5 && init.send_cq && init.recv_cq && init.cap.max_send_wr <= MAX_WR &&
		  init.cap.max_inline_data <= MAX_INLINE;

	if (!d->pd[q.pd].p || (q.srq >= 0 && !init.srq))
		return;
	q.p = roce_qp_create(d->pd[q.pd].p, &init, &d->qp[i]);
	MUST(!q.p == !ok);
	if (!ok)
		return;
	q.cap = init.cap;
	MUST(q.cap.max_inline_data >= 48 && (q.srq < 0 || !q.cap.max_recv_wr));
	q.num = roce_qp_num(q.p);
	for (int k = 0; k < NQP; k++)
		MUST(!d->qp[k].p || d->qp[k].num != q.num);
	q.attr.path_mtu = MAX_MTU;
	d->qp[i] = q;
}

static void qp_destroy(struct world *w, int side, int i)
{
	struct m_dev *d = &w->m.dev[side];

	MUST(!roce_qp_destroy(d->qp[i].p));
	qp_anew(w, side, i);
	d->qp[i].p = NULL;
	for (int k = 0; k < NMW; k++) { /* windows of type 2 go with it */
		struct m_mw *mw = &d->mw[k];

		if (!mw->p || mw->type != ROCE_MW_TYPE_2)
			continue;
		mw->qps &= ~(1u << i);
		mw->may = mw->qps ? mw->may : 0;
		mw->sure = mw->sure_qp == i ? -1 : mw->sure;
	}
}

static void qp_check_query(struct m_qp *q)
{
	struct roce_qp_attr is;
	const struct roce_qp_attr *a = &q->attr;

	roce_qp_query(q->p, &is);
	MUST(is.qp_state == q->state && is.cur_qp_state == q->state);
	MUST(is.path_mtu == a->path_mtu && is.qkey == a->qkey && is.dest_qp_num == a->dest_qp_num &&
	     is.qp_access_flags == a->qp_access_flags && is.pkey_index == a->pkey_index && is.port_num == a->port_num &&
	     is.timeout == a->timeout && is.retry_cnt == a->retry_cnt && is.rnr_retry == a->rnr_retry &&
	     is.min_rnr_timer == a->min_rnr_timer && is.max_rd_atomic == a->max_rd_atomic &&
	     is.max_dest_rd_atomic == a->max_dest_rd_atomic);
	MUST(!memcmp(&is.cap, &q->cap, sizeof(is.cap)) && is.ah.sl == a->ah.sl);
}

/* A QP that now speaks to `num`: whoever has this number is no longer alone with its namesake. */
static void qp_speaks_to(struct world *w, int side, int i, uint32_t num)
{
	for (int k = 0; k < NQP; k++) {
		struct m_qp *other = &w->m.dev[!side].qp[k];

		if (other->p && other->num == num && k != i)
			other->clean = w->m.dev[side].qp[k].clean = false;
	}
}

static int qp_modify(struct world *w, int side, int i, const struct roce_qp_attr *a, uint32_t mask)
{
	struct m_qp *q = &w->m.dev[side].qp[i];
	uint32_t to = mask & ROCE_QP_STATE ? a->qp_state : q->state;
	bool ok = m_modify_ok(q, a, mask);
	int ret = roce_qp_modify(q->p, a, mask);

	if (ok && mask & ROCE_QP_MAX_DEST_RD_ATOMIC && q->state == ROCE_QPS_SQD && ret == -EBUSY)
		return ret; /* responses are due, perhaps */
	MUST(ok ? !ret : ret == -EINVAL || ret == -EOPNOTSUPP);
	if (ret)
		return ret;
	if (to == ROCE_QPS_RESET) {
		qp_anew(w, side, i);
	} else if (to != ROCE_QPS_ERR) {
		struct roce_qp_attr *b = &q->attr;

		if (q->state == ROCE_QPS_SQE)
			q->send_failed = false;
		if (mask & ROCE_QP_DEST_QPN)
			qp_speaks_to(w, side, i, a->dest_qp_num);
		b->pkey_index = mask & ROCE_QP_PKEY_INDEX ? a->pkey_index : b->pkey_index;
		b->port_num = mask & ROCE_QP_PORT ? a->port_num : b->port_num;
		b->qkey = mask & ROCE_QP_QKEY ? a->qkey : b->qkey;
		b->qp_access_flags = mask & ROCE_QP_ACCESS_FLAGS ? a->qp_access_flags : b->qp_access_flags;
		b->path_mtu = mask & ROCE_QP_PATH_MTU ? a->path_mtu : b->path_mtu;
		b->timeout = mask & ROCE_QP_TIMEOUT ? a->timeout : b->timeout;
		b->retry_cnt = mask & ROCE_QP_RETRY_CNT ? a->retry_cnt : b->retry_cnt;
		b->rnr_retry = mask & ROCE_QP_RNR_RETRY ? a->rnr_retry : b->rnr_retry;
		b->min_rnr_timer = mask & ROCE_QP_MIN_RNR_TIMER ? a->min_rnr_timer : b->min_rnr_timer;
		b->max_rd_atomic = mask & ROCE_QP_MAX_QP_RD_ATOMIC ? a->max_rd_atomic : b->max_rd_atomic;
		b->max_dest_rd_atomic =
			mask & ROCE_QP_MAX_DEST_RD_ATOMIC ? a->max_dest_rd_atomic : b->max_dest_rd_atomic;
		b->dest_qp_num = mask & ROCE_QP_DEST_QPN ? a->dest_qp_num : b->dest_qp_num;
		if (mask & ROCE_QP_AV)
			b->ah = a->ah;
		MUST(roce_qp_state(q->p) == to || roce_qp_state(q->p) == ROCE_QPS_ERR);
	}
	q->state = to;
	return 0;
}

static uint32_t qp_needs(const struct m_qp *q, uint32_t to)
{
	uint32_t need = 0, may = 0;

	m_transition(q->type, q->state, to & 7, &need, &may);
	return need;
}

static struct roce_qp_attr qp_attr(int side, uint32_t how, uint32_t dest)
{
	return (struct roce_qp_attr){.path_mtu = 1 + how % MAX_MTU,
				     .qkey = 1,
				     .rq_psn = 0xfffffe,
				     .sq_psn = 0xfffffe,
				     .dest_qp_num = dest,
				     .qp_access_flags = how & 0x80 ? how >> 3 & 15 : 0x30f,
				     .ah = {.dgid = gids[!side], .port_num = 1, .sl = how >> 4 & 3},
				     .port_num = 1,
				     .max_rd_atomic = (uint8_t)(1 + how % MAX_RD),
				     .max_dest_rd_atomic = MAX_RD,
				     .min_rnr_timer = (uint8_t)(how >> 2 & 15),
				     .timeout = (uint8_t)(how & 0x40 ? 14 : 8 + (how & 3)),
				     .retry_cnt = (uint8_t)(how >> 2 & 7),
				     .rnr_retry = (uint8_t)(how >> 1 & 7)};
}

static void qp_modify_call(struct world *w, int side, int i, uint32_t how)
{
	struct m_dev *d = &w->m.dev[side], *peer = &w->m.dev[!side];
	struct m_qp *q = &d->qp[i];
	uint32_t to = how & 7, more = take(&w->in, 1), mask = ROCE_QP_STATE | qp_needs(q, to);
	struct m_qp *other = &peer->qp[more % NQP];
	struct roce_qp_attr a = qp_attr(side, take(&w->in, 1), other->p ? other->num : more);

	a.qp_state = to;
	a.cur_qp_state = more & 1 ? q->state : more >> 1 & 7;
	switch (more >> 4) {
	case 0:
		mask ^= 1u << (take(&w->in, 1) % 28);
		break;
	case 1:
		a.timeout = a.retry_cnt = (uint8_t)(more & 15) * 3;
		mask ^= take(&w->in, 1) & 1 ? ROCE_QP_TIMEOUT : ROCE_QP_RETRY_CNT;
		break;
	case 2:
		a.sq_psn = a.rq_psn = take(&w->in, 4);
		break;
	case 3:
		a.ah.sl = (uint8_t)(more & 15);
		a.ah.dgid.b[10] = take(&w->in, 1) & 1 ? 0xff : 0;
		mask |= ROCE_QP_AV;
		break;
	case 4:
		a.max_dest_rd_atomic = (uint8_t)(more & 7);
		mask |= more & 8 ? ROCE_QP_MAX_DEST_RD_ATOMIC : ROCE_QP_EN_SQD_ASYNC_NOTIFY;
		a.en_sqd_async_notify = 1;
		break;
	case 5:
		a.path_mtu = more & 7;
		break;
	case 6:
		a.max_rd_atomic = (uint8_t)(more & 7);
		mask |= more & 8 ? ROCE_QP_MAX_QP_RD_ATOMIC : 0;
		break;
	case 7:
		mask |= ROCE_QP_CUR_STATE;
		break;
	case 8:
		mask |= ROCE_QP_RATE_LIMIT;
		a.rate_limit = (more & 15) * 1000;
		break;
	default:
		break;
	}
	qp_modify(w, side, i, &a, mask);
}

/* Both namesakes to RTS, as a connection manager would do it. */
static void qp_connect(struct world *w, int i)
{
	static const uint32_t way[] = {ROCE_QPS_RESET, ROCE_QPS_INIT, ROCE_QPS_RTR, ROCE_QPS_RTS};
	struct m_qp *q[2] = {&w->m.dev[0].qp[i], &w->m.dev[1].qp[i]};
	uint32_t how = take(&w->in, 1);
	bool alone = true;

	if (!q[0]->p || !q[1]->p || q[0]->type != q[1]->type)
		return;
	for (size_t k = 0; k < DP_ARRAY_SIZE(way); k++)
		for (int side = 0; side < 2; side++) {
			struct roce_qp_attr a = qp_attr(side, how, q[!side]->num);

			a.qp_state = way[k];
			MUST(!qp_modify(w, side, i, &a, ROCE_QP_STATE | qp_needs(q[side], way[k])));
			observe(w, side);
		}
	for (int side = 0; side < 2; side++)
		for (int k = 0; k < NQP; k++)
			alone &= k == i || !w->m.dev[side].qp[k].p ||
				 w->m.dev[side].qp[k].attr.dest_qp_num != q[!side]->num;
	q[0]->clean = q[1]->clean = alone;
}

static void qp_call(struct world *w, int side)
{
	int i = pick(w, NQP);
	uint32_t how = take(&w->in, 1);

	if (!w->m.dev[side].qp[i].p)
		qp_create(w, side, i, how);
	else if (how < 0xa0)
		qp_modify_call(w, side, i, how);
	else if (how < 0xe0)
		qp_connect(w, i);
	else if (how < 0xf0)
		qp_check_query(&w->m.dev[side].qp[i]);
	else
		qp_destroy(w, side, i);
}

#endif
