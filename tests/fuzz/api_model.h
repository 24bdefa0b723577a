/*
 * What a verbs device must do, written a second time for fuzz_api.c: objects and who uses whom, the QP state machine,
 * how full queues are, what completes and in which order, which keys are dead. It takes nothing from the engine but
 * the values in verbs.h, and knows only what a consumer can: calls, their results, and the entries of CQs in the order
 * in which they were made.
 *
 * Where a consumer cannot know (has an unsignalled request completed? did a bind happen already?) it holds bounds.
 */
#ifndef API_MODEL_H
#define API_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdma_verbs/csrc/verbs.h"

#define NPD        2
#define NMR        5
#define NMW        3
#define NDM        2
#define NCQ        3
#define NSRQ       2
#define NQP        5
#define MAX_WR     8
#define MAX_CQE    16
#define MAX_SGE    3
#define MAX_INLINE 64
#define MAX_MTU    ROCE_MTU_1024
#define MAX_SHARED 64 /* receives that an SRQ was given and that never completed */
#define MAX_MSGS   64
#define MAX_DM     8192
#define MAX_RD     4
#define NDEAD      8

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

enum region_kind { MR_MEMORY, MR_PHANTOM, MR_NULL, MR_IMPLICIT, MR_DM };

struct m_pd {
	struct roce_pd *p;
};

struct m_mr {
	struct roce_mr *p;
	enum region_kind kind;
	int pd, dm;
	uint64_t first, length; /* in its own address space */
	uint32_t access, key;
};

struct m_dm {
	struct roce_dm *p;
	uint64_t length;
};

struct m_mw {
	struct roce_mw *p;
	int pd;
	uint32_t type, key, base; /* as of the last bind posted, and as made: all but its low byte is for good */
	int pending;              /* binds and invalidations that have not completed */
	int sure;                 /* region that it is bound to; -1: perhaps none */
	int sure_qp;              /* through which QP */
	uint32_t may;             /* regions that it may be bound to */
	uint32_t qps;             /* QPs through which it may be */
};

struct m_cq {
	struct roce_cq *p;
	uint32_t size;
	struct roce_wc wc[MAX_CQE];
	uint32_t n;
	bool overflow;
	int armed; /* 0, 1 any, 2 solicited */
	bool notify_must, notify_may, moderated;
	uint64_t last_ps;
};

struct m_recv {
	uint64_t wr_id;
	bool doomed; /* its first byte has nowhere to go */
};

struct m_srq {
	struct roce_srq *p;
	int pd;
	uint32_t size, limit;
	bool limit_may_fire, blind;
	struct m_recv wr[MAX_SHARED];
	uint32_t n, maybe_lost;
};

struct m_send {
	uint64_t wr_id, bind_length;
	uint32_t opcode, length, msg;
	bool signalled;
	bool doomed, doomed_there; /* nothing can make it succeed: here, or by a properly connected peer */
	int window, mr;
};

struct m_msg {
	uint32_t length, imm;
	bool with_imm, write;
};

struct m_qp {
	struct roce_qp *p;
	uint32_t type, num, state;
	int pd, scq, rcq, srq;
	struct roce_qp_cap cap;
	bool sig_all;
	struct m_send sq[MAX_WR + 1];
	struct m_recv rq[MAX_WR + 1];
	uint32_t nsq, nrq;
	bool send_failed, recv_failed;
	struct roce_qp_attr attr;
	bool clean; /* connected to its namesake since both were reset, and nobody else speaks to either */
	uint32_t sent_msgs, recv_msgs;
	struct m_msg msgs[MAX_MSGS];
};

struct m_dev {
	struct roce_dev *p;
	struct m_pd pd[NPD];
	struct m_mr mr[NMR];
	struct m_mw mw[NMW];
	struct m_dm dm[NDM];
	struct m_cq cq[NCQ];
	struct m_srq srq[NSRQ];
	struct m_qp qp[NQP];
	uint32_t dead[NDEAD], ndead; /* keys of regions that are no more */
	bool peer_invalidates;       /* the peer has posted a SEND with invalidate */
};

struct model {
	struct m_dev dev[2];
	bool tainted; /* packets were forged: what the peer says means nothing */
	uint64_t wr_id;
};

/* ---- who uses whom ------------------------------------------------------------------------------------------------ */

static inline int m_pd_users(const struct m_dev *d, int pd)
{
	int n = 0;

	for (int i = 0; i < NMR; i++)
		n += d->mr[i].p && d->mr[i].pd == pd;
	for (int i = 0; i < NMW; i++)
		n += d->mw[i].p && d->mw[i].pd == pd;
	for (int i = 0; i < NSRQ; i++)
		n += d->srq[i].p && d->srq[i].pd == pd;
	for (int i = 0; i < NQP; i++)
		n += d->qp[i].p && d->qp[i].pd == pd;
	return n;
}

static inline int m_cq_users(const struct m_dev *d, int cq)
{
	int n = 0;

	for (int i = 0; i < NQP; i++)
		n += d->qp[i].p && (d->qp[i].scq == cq || d->qp[i].rcq == cq);
	return n;
}

static inline int m_srq_users(const struct m_dev *d, int srq)
{
	int n = 0;

	for (int i = 0; i < NQP; i++)
		n += d->qp[i].p && d->qp[i].srq == srq;
	return n;
}

static inline int m_dm_users(const struct m_dev *d, int dm)
{
	int n = 0;

	for (int i = 0; i < NMR; i++)
		n += d->mr[i].p && d->mr[i].kind == MR_DM && d->mr[i].dm == dm;
	return n;
}

/* Are windows bound to the region? 1 surely, 0 surely not, -1 unknown. */
static inline int m_mr_bound(const struct m_dev *d, int mr)
{
	int bound = 0;

	for (int i = 0; i < NMW; i++) {
		if (d->mw[i].p && d->mw[i].sure == mr)
			return 1;
		if (d->mw[i].p && d->mw[i].may & 1u << mr)
			bound = -1;
	}
	return bound;
}

/* ---- keys --------------------------------------------------------------------------------------------------------- */

/* No access by this key can succeed now or later: keys are made of random bits, and their upper 24 are the object's. */
static inline bool m_key_dead(const struct m_dev *d, uint32_t key)
{
	for (int i = 0; i < NMR; i++)
		if (d->mr[i].p && d->mr[i].key == key)
			return false;
	for (int i = 0; i < NMW; i++)
		if (d->mw[i].p && (d->mw[i].base ^ key) < 256)
			return false;
	return true;
}

static inline void m_key_died(struct m_dev *d, uint32_t key)
{
	d->dead[d->ndead++ % NDEAD] = key;
}

static inline const struct m_mr *m_mr_of(const struct m_dev *d, uint32_t key)
{
	for (int i = 0; i < NMR; i++)
		if (d->mr[i].p && d->mr[i].key == key)
			return &d->mr[i];
	return NULL;
}

static inline bool m_outside(const struct m_mr *mr, uint64_t addr, uint64_t length)
{
	return addr < mr->first || addr - mr->first > mr->length || length > mr->length - (addr - mr->first);
}

/* An SGE that nothing can make good: its key is no region's (any more), its bytes are outside, or the PD is another. */
static inline bool m_sge_doomed(const struct m_dev *d, int pd, const struct roce_sge *sge)
{
	const struct m_mr *mr = m_mr_of(d, sge->lkey);

	return sge->length && (!mr || mr->pd != pd || m_outside(mr, sge->addr, sge->length));
}

/* The same for a remote access, through a QP of domain `pd` there. */
static inline bool m_remote_doomed(const struct m_dev *d, int pd, uint32_t key, uint64_t addr, uint64_t length)
{
	const struct m_mr *mr = m_mr_of(d, key);

	if (!length)
		return false;
	return mr ? mr->pd != pd || m_outside(mr, addr, length) || mr->kind == MR_NULL : m_key_dead(d, key);
}

/* ---- the QP state machine (IBTA vol 1, 10.3.1 and table 91) --------------------------------------------------------- */

static inline bool m_transition(uint32_t type, uint32_t from, uint32_t to, uint32_t *need, uint32_t *may)
{
	const bool rc = type == ROCE_QPT_RC, ud = type == ROCE_QPT_UD;
	const uint32_t rights = ud ? ROCE_QP_QKEY : ROCE_QP_ACCESS_FLAGS;
	/* What may change while the send queue runs; the RNR timer is a reliable responder's. */
	const uint32_t live = rights | (rc ? ROCE_QP_MIN_RNR_TIMER : 0);

	*need = *may = 0;
	switch (from << 4 | to) {
	case ROCE_QPS_RESET << 4 | ROCE_QPS_INIT:
		*need = ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | rights;
		return true;
	case ROCE_QPS_INIT << 4 | ROCE_QPS_INIT:
		*may = ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | rights;
		return true;
	case ROCE_QPS_INIT << 4 | ROCE_QPS_RTR:
		if (!ud)
			*need = ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN;
		if (rc)
			*need |= ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER;
		*may = ROCE_QP_PKEY_INDEX | rights;
		return true;
	case ROCE_QPS_RTR << 4 | ROCE_QPS_RTS:
		*need = ROCE_QP_SQ_PSN;
		if (rc)
			*need |= ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC;
		*may = live | ROCE_QP_RATE_LIMIT;
		return true;
	case ROCE_QPS_RTS << 4 | ROCE_QPS_RTS:
		*may = live | ROCE_QP_RATE_LIMIT;
		return true;
	case ROCE_QPS_SQD << 4 | ROCE_QPS_RTS:
		*may = live;
		return true;
	case ROCE_QPS_SQE << 4 | ROCE_QPS_RTS:
		*may = rights;
		return !rc;
	case ROCE_QPS_RTS << 4 | ROCE_QPS_SQD:
		*may = ROCE_QP_EN_SQD_ASYNC_NOTIFY;
		return true;
	case ROCE_QPS_SQD << 4 | ROCE_QPS_SQD:
		*may = ROCE_QP_PKEY_INDEX | rights | (ud ? 0 : ROCE_QP_AV);
		if (rc)
			*may |= ROCE_QP_PORT | ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY |
				ROCE_QP_MAX_QP_RD_ATOMIC | ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER;
		return true;
	default:
		return to == ROCE_QPS_RESET || to == ROCE_QPS_ERR;
	}
}

static inline bool m_ah_ok(const struct roce_ah_attr *ah)
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};

	return ah->sgid_index == 0 && ah->sl < 8 && ah->port_num == 1 && ah->flow_label < 1 << 20 &&
	       memcmp(ah->dgid.b, v4, sizeof(v4)) == 0;
}

static inline bool m_values_ok(const struct roce_qp_attr *a, uint32_t mask)
{
	const uint32_t psn = 0xffffff;

	return !((mask & ROCE_QP_PKEY_INDEX && a->pkey_index) || (mask & ROCE_QP_PORT && a->port_num != 1) ||
		 (mask & ROCE_QP_ACCESS_FLAGS && a->qp_access_flags & ~0x30fu) ||
		 (mask & ROCE_QP_PATH_MTU && (a->path_mtu < 1 || a->path_mtu > MAX_MTU)) ||
		 (mask & ROCE_QP_TIMEOUT && a->timeout > 31) || (mask & ROCE_QP_RETRY_CNT && a->retry_cnt > 7) ||
		 (mask & ROCE_QP_RNR_RETRY && a->rnr_retry > 7) ||
		 (mask & ROCE_QP_MIN_RNR_TIMER && a->min_rnr_timer > 31) ||
		 (mask & ROCE_QP_RQ_PSN && a->rq_psn > psn) || (mask & ROCE_QP_SQ_PSN && a->sq_psn > psn) ||
		 (mask & ROCE_QP_DEST_QPN && a->dest_qp_num > psn) ||
		 (mask & ROCE_QP_MAX_QP_RD_ATOMIC && a->max_rd_atomic > MAX_RD) ||
		 (mask & ROCE_QP_MAX_DEST_RD_ATOMIC && a->max_dest_rd_atomic > MAX_RD) ||
		 (mask & ROCE_QP_AV && !m_ah_ok(&a->ah)));
}

static inline bool m_modify_ok(const struct m_qp *q, const struct roce_qp_attr *a, uint32_t mask)
{
	uint32_t to = mask & ROCE_QP_STATE ? a->qp_state : q->state, need, may;

	if (to == ROCE_QPS_SQE || to > ROCE_QPS_ERR || !m_transition(q->type, q->state, to, &need, &may))
		return false;
	if (mask & ROCE_QP_CUR_STATE && a->cur_qp_state != q->state)
		return false;
	return (mask & need) == need && !(mask & ~(need | may | ROCE_QP_STATE | ROCE_QP_CUR_STATE)) &&
	       m_values_ok(a, mask);
}

/* ---- queues ------------------------------------------------------------------------------------------------------- */

static inline bool m_send_service(uint32_t type, uint32_t opcode)
{
	switch (opcode) {
	case ROCE_WR_SEND:
	case ROCE_WR_SEND_WITH_IMM:
		return true;
	case ROCE_WR_RDMA_WRITE:
	case ROCE_WR_RDMA_WRITE_WITH_IMM:
	case ROCE_WR_LOCAL_INV:
	case ROCE_WR_BIND_MW:
		return type != ROCE_QPT_UD;
	case ROCE_WR_RDMA_READ:
	case ROCE_WR_ATOMIC_CMP_AND_SWP:
	case ROCE_WR_ATOMIC_FETCH_AND_ADD:
	case ROCE_WR_SEND_WITH_INV:
	case ROCE_WR_FLUSH:
	case ROCE_WR_ATOMIC_WRITE:
		return type == ROCE_QPT_RC;
	default:
		return false;
	}
}

/* Its answer brings data. */
static inline bool m_is_rd(uint32_t opcode)
{
	return opcode >= ROCE_WR_RDMA_READ && opcode <= ROCE_WR_ATOMIC_FETCH_AND_ADD;
}

static inline bool m_has_response(uint32_t opcode)
{
	return m_is_rd(opcode) || opcode == ROCE_WR_FLUSH || opcode == ROCE_WR_ATOMIC_WRITE;
}

static inline bool m_is_eight(uint32_t opcode)
{
	return (m_is_rd(opcode) && opcode != ROCE_WR_RDMA_READ) || opcode == ROCE_WR_ATOMIC_WRITE;
}

static inline bool m_is_local(uint32_t opcode)
{
	return opcode == ROCE_WR_LOCAL_INV || opcode == ROCE_WR_BIND_MW;
}

static inline bool m_consumes_receive(uint32_t opcode)
{
	return opcode == ROCE_WR_SEND || opcode == ROCE_WR_SEND_WITH_IMM || opcode == ROCE_WR_SEND_WITH_INV ||
	       opcode == ROCE_WR_RDMA_WRITE_WITH_IMM;
}

/* May this be posted, had the queue room? Windows and regions of a bind are checked by the caller. */
static inline bool m_send_ok(const struct m_qp *q, const struct roce_send_wr *wr)
{
	uint64_t length = 0;

	if (q->state < ROCE_QPS_RTS || !m_send_service(q->type, wr->opcode) || wr->send_flags > 15)
		return false;
	if (m_has_response(wr->opcode) && !q->attr.max_rd_atomic)
		return false;
	if (wr->opcode == ROCE_WR_FLUSH && (wr->flush_type < 1 || wr->flush_type > 3 || wr->flush_level > 1))
		return false;
	if (m_is_local(wr->opcode) || wr->opcode == ROCE_WR_FLUSH)
		return !wr->num_sge && !(wr->send_flags & ROCE_SEND_INLINE);
	for (uint32_t i = 0; i < wr->num_sge; i++)
		length += wr->sg_list[i].length;
	if (wr->send_flags & ROCE_SEND_INLINE ? m_is_rd(wr->opcode) || length > q->cap.max_inline_data
					      : wr->num_sge > q->cap.max_send_sge)
		return false;
	if (length > 1u << 30 || (m_is_eight(wr->opcode) && length != 8))
		return false;
	return q->type != ROCE_QPT_UD || (wr->ah && m_ah_ok(wr->ah) && wr->remote_qpn < 1 << 24);
}

/* A window operation of the model's send queue is over. */
static inline void m_window_done(struct m_dev *d, const struct m_send *s, int qp, bool success)
{
	struct m_mw *w = s->window >= 0 ? &d->mw[s->window] : NULL;

	if (!w || !w->p)
		return;
	w->pending--;
	if (w->pending || !success || (w->type == ROCE_MW_TYPE_2 && d->peer_invalidates))
		return;
	if (s->opcode == ROCE_WR_LOCAL_INV) {
		w->sure = -1;
		w->may = 0;
	} else {
		w->sure = s->bind_length ? s->mr : -1;
		w->sure_qp = qp;
		w->may = s->bind_length ? 1u << s->mr : 0;
		w->qps = 1u << qp;
	}
}

/* The oldest request leaves the send queue. */
static inline void m_send_pop(struct m_dev *d, const struct m_dev *peer, int qp, bool tainted, bool success)
{
	struct m_qp *q = &d->qp[qp];
	struct m_send s = q->sq[0];
	const struct m_qp *other = &peer->qp[qp];

	q->nsq--;
	memmove(q->sq, q->sq + 1, q->nsq * sizeof(q->sq[0]));
	m_window_done(d, &s, qp, success);
	if (!success)
		return;
	MUST(!s.doomed && !(s.doomed_there && q->clean && !tainted));
	/* Acknowledged means executed: the peer's receive was completed before. */
	if (s.msg && q->clean && !tainted && !peer->cq[other->rcq].overflow)
		MUST(other->recv_msgs >= s.msg);
}

/* All that is queued vanishes. */
static inline void m_queues_vanish(struct m_dev *d, int qp)
{
	struct m_qp *q = &d->qp[qp];

	for (uint32_t i = 0; i < q->nsq; i++)
		m_window_done(d, &q->sq[i], qp, false);
	if (q->srq >= 0 && q->state >= ROCE_QPS_RTR)
		d->srq[q->srq].maybe_lost++; /* a receive that it held */
	q->nsq = q->nrq = 0;
	q->send_failed = q->recv_failed = false;
}

static inline void m_completed_send(struct model *m, int side, int qp, const struct roce_wc *wc)
{
	struct m_dev *d = &m->dev[side];
	struct m_qp *q = &d->qp[qp];
	bool success = wc->status == ROCE_WC_SUCCESS;

	MUST(!q->send_failed || wc->status == ROCE_WC_WR_FLUSH_ERR);
	/* Whatever was posted before and shows no completion asked for none, and succeeded: none is skipped after a failure. */
	while (q->nsq && q->sq[0].wr_id != wc->wr_id) {
		MUST(!q->sq[0].signalled && !q->send_failed);
		m_send_pop(d, &m->dev[!side], qp, m->tainted, true);
	}
	MUST(q->nsq);
	MUST(q->sq[0].signalled || !success);
	m_send_pop(d, &m->dev[!side], qp, m->tainted, success);
	if (!success)
		q->send_failed = true;
}

static inline void m_completed_recv(struct model *m, int side, int qp, const struct roce_wc *wc)
{
	struct m_dev *d = &m->dev[side];
	struct m_qp *q = &d->qp[qp];
	const struct m_qp *other = &m->dev[!side].qp[qp];
	struct m_srq *srq = q->srq >= 0 ? &d->srq[q->srq] : NULL;
	struct m_recv *wr = srq ? srq->wr : q->rq;
	uint32_t *n = srq ? &srq->n : &q->nrq, i = 0;
	struct m_recv done;

	MUST(!q->recv_failed || wc->status == ROCE_WC_WR_FLUSH_ERR);
	while (srq && i < *n && wr[i].wr_id != wc->wr_id)
		i++;
	MUST(i < *n && wr[i].wr_id == wc->wr_id);
	done = wr[i];
	--*n;
	memmove(wr + i, wr + i + 1, (*n - i) * sizeof(*wr));
	if (wc->status != ROCE_WC_SUCCESS) {
		q->recv_failed = true;
		return;
	}
	MUST(wc->opcode != ROCE_WC_RECV || !wc->byte_len || !done.doomed);
	q->recv_msgs++;
	if (q->type == ROCE_QPT_RC && q->clean && !m->tainted) { /* exactly once and in order */
		const struct m_msg *msg = &other->msgs[q->recv_msgs % MAX_MSGS];

		MUST(q->recv_msgs <= other->sent_msgs);
		MUST(wc->byte_len == msg->length &&
		     wc->opcode == (msg->write ? ROCE_WC_RECV_RDMA_WITH_IMM : ROCE_WC_RECV));
		MUST(!!(wc->wc_flags & ROCE_WC_FLAG_WITH_IMM) == msg->with_imm);
		MUST(!msg->with_imm || wc->imm_data == msg->imm);
	}
}

/* A completion was made. */
static inline void m_completion(struct model *m, int side, int cq, const struct roce_wc *wc)
{
	struct m_dev *d = &m->dev[side];
	struct m_cq *c = &d->cq[cq];
	bool recv = wc->opcode & ROCE_WC_RECV;
	int qp = 0;

	while (qp < NQP && !(d->qp[qp].p && d->qp[qp].num == wc->qp_num))
		qp++;
	MUST(qp < NQP && (recv ? d->qp[qp].rcq : d->qp[qp].scq) == cq);
	MUST(!c->overflow && c->n < c->size);
	MUST(wc->timestamp_ps >= c->last_ps);
	c->last_ps = wc->timestamp_ps;
	c->wc[c->n++] = *wc;
	if (c->armed == 1 || (c->armed == 2 && (wc->status != ROCE_WC_SUCCESS))) {
		c->armed = c->moderated ? 3 : 0; /* moderated, at some time or not at all */
		c->notify_must |= !c->moderated;
		c->notify_may = true;
	} else if (c->armed == 2 && recv) {
		c->notify_may = true; /* it may have been solicited: then it is not armed any more */
		c->armed = 3;
	} else if (c->armed == 3) {
		c->notify_may = true;
	}
	if (recv)
		m_completed_recv(m, side, qp, wc);
	else
		m_completed_send(m, side, qp, wc);
}

/* What a QP does by itself: errors only. */
static inline bool m_may_become(const struct m_dev *d, const struct m_qp *q, uint32_t to)
{
	bool overflow = d->cq[q->scq].overflow || d->cq[q->rcq].overflow;

	if (to == ROCE_QPS_ERR)
		return q->state >= ROCE_QPS_RTR || (q->state == ROCE_QPS_INIT && overflow);
	return to == ROCE_QPS_SQE && q->type != ROCE_QPT_RC && (q->state == ROCE_QPS_RTS || q->state == ROCE_QPS_SQD);
}

/* What holds of a QP in its state after every call. */
static inline void m_check_qp(const struct m_dev *d, const struct m_qp *q)
{
	bool blind_send = d->cq[q->scq].overflow, blind_recv = d->cq[q->rcq].overflow;

	if (q->state == ROCE_QPS_ERR || q->state == ROCE_QPS_SQE) {
		/* Everything is flushed; what is left here asked for no completion and succeeded before. */
		for (uint32_t i = 0; i < q->nsq && !blind_send; i++)
			MUST(!q->sq[i].signalled && !q->sq[i].doomed && !q->send_failed);
	} else {
		MUST(!q->send_failed);
	}
	if (q->state == ROCE_QPS_ERR)
		MUST(blind_recv || !q->nrq);
	else
		MUST(!q->recv_failed);
}

#endif
