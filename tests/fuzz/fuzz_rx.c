/*
 * Invariant: whatever packets come, in whatever order with posts, polls, timers, deregistrations and state
 * changes, the engine neither crashes nor reads or writes outside its regions, everything it sends can be built
 * and parsed again, and every posted receive and send completes at most once.
 *
 * The input is a program for a device with QPs of every service: one byte says what happens, the next say how.
 * Packets are made of fields near the interesting values, because random bytes would never pass an ICRC. Each program
 * runs twice: as IBTA says, and with all means of recovery that need the extension, whose packets it may then send.
 */
#include <stdlib.h>

#include "rdma_verbs/csrc/engine.h"
#include "tests/fuzz/input.h"

#define REGION_BYTES 16384
#define GUARD_BYTES  512
#define ARENA_BYTES  (2 * REGION_BYTES + 3 * GUARD_BYTES)
#define GUARD        0xa5
#define NQP          8 /* and after them an XRC initiator and an XRC target */
#define INITIATOR    NQP
#define TARGET       (NQP + 1)
#define ALL_QP       (NQP + 2)
#define SRQ_FROM     6 /* QPs from here on receive from the shared queue */
#define CQE          256

#define MUST(cond) \
	do { \
		if (!(cond)) \
			abort(); \
	} while (0)

struct world {
	struct roce_dev *dev;
	struct roce_pd *pd[2];
	struct roce_cq *cq;
	struct roce_qp *qp[ALL_QP];
	struct roce_srq *srq;
	struct roce_xrcd *xrcd;
	struct roce_srq *xrc_srq[2]; /* of the target's domain, one in each PD */
	struct roce_mw *mw[2];
	struct roce_mr *mr[2];
	uint8_t *arena;
	uint64_t now;
	uint64_t posted, completed;
	bool ext; /* this world has the extension */
};

static const uint32_t types[ALL_QP] = {ROCE_QPT_RC, ROCE_QPT_RC, ROCE_QPT_RC, ROCE_QPT_UC,       ROCE_QPT_UD,
				       ROCE_QPT_RC, ROCE_QPT_RC, ROCE_QPT_UD, ROCE_QPT_XRC_SEND, ROCE_QPT_XRC_RECV};
static const struct roce_gid own = {{[10] = 0xff, 0xff, 10, 0, 0, 1}}, peer = {{[10] = 0xff, 0xff, 10, 0, 0, 2}};

static uint8_t *region(struct world *w, int i)
{
	return w->arena + GUARD_BYTES + i * (REGION_BYTES + GUARD_BYTES);
}

static void modify(struct world *w, int i, uint32_t state)
{
	struct roce_qp_attr attr = {.qp_state = state,
				    .path_mtu = (uint32_t)i % 3 + 1,
				    .rq_psn = 0xfffffe,
				    .sq_psn = 0xfffffd,
				    .dest_qp_num = 77,
				    .max_rd_atomic = 2,
				    .max_dest_rd_atomic = i == 2 ? 0 : 2,
				    .min_rnr_timer = 1,
				    .timeout = 8,
				    .retry_cnt = 2,
				    .rnr_retry = 2,
				    .port_num = 1,
				    .qkey = 1,
				    .qp_access_flags = 14 | ROCE_ACCESS_FLUSH_GLOBAL | ROCE_ACCESS_FLUSH_PERSISTENT,
				    .ah = {.dgid = peer, .port_num = 1}};
	uint32_t mask = ROCE_QP_STATE;

	if (state == ROCE_QPS_INIT)
		mask |= ROCE_QP_PKEY_INDEX | ROCE_QP_PORT |
			(types[i] == ROCE_QPT_UD ? ROCE_QP_QKEY : ROCE_QP_ACCESS_FLAGS);
	if (state == ROCE_QPS_RTR && types[i] != ROCE_QPT_UD)
		mask |= ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN;
	if (state == ROCE_QPS_RTR && (types[i] == ROCE_QPT_RC || i == TARGET))
		mask |= ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER;
	if (state == ROCE_QPS_RTS && w->qp[i]->state == ROCE_QPS_RTR)
		mask |= ROCE_QP_SQ_PSN;
	if (state == ROCE_QPS_RTS && w->qp[i]->state == ROCE_QPS_RTR && i == TARGET)
		mask |= ROCE_QP_TIMEOUT;
	if (state == ROCE_QPS_RTS && w->qp[i]->state == ROCE_QPS_RTR && (types[i] == ROCE_QPT_RC || i == INITIATOR))
		mask |= ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC;
	if (state == ROCE_QPS_RESET) /* what was queued vanishes */
		w->posted -= w->qp[i]->sq.head - w->qp[i]->sq.tail + w->qp[i]->rq.head - w->qp[i]->rq.tail;
	roce_qp_modify(w->qp[i], &attr, mask);
}

static void to_rts(struct world *w, int i)
{
	modify(w, i, ROCE_QPS_RESET);
	modify(w, i, ROCE_QPS_INIT);
	modify(w, i, ROCE_QPS_RTR);
	modify(w, i, ROCE_QPS_RTS);
}

static void reg(struct world *w, int i, uint32_t access)
{
	w->mr[i] = roce_mr_reg(w->pd[i], region(w, i), REGION_BYTES, i ? 0x1000 : (uintptr_t)region(w, 0), access);
}

static void new_xrc_srq(struct world *w, int i)
{
	struct roce_srq_attr attr = {.max_wr = 8, .max_sge = 3};

	if (w->xrc_srq[i]) { /* what it holds vanishes */
		w->posted -= w->xrc_srq[i]->rq.head - w->xrc_srq[i]->rq.tail;
		MUST(roce_srq_destroy(w->xrc_srq[i]) == 0);
	}
	w->xrc_srq[i] = roce_srq_create_xrc(w->pd[i], w->xrcd, w->cq, &attr, NULL);
}

static void open_world(struct world *w, uint32_t recovery)
{
	struct roce_dev_cfg cfg = {
		.seed = 1, .ngid = 1, .max_cqe = CQE, .tx_window = 16, .ack_every = 4, .recovery = recovery};
	struct roce_srq_attr srq = {.max_wr = 8, .max_sge = 3};

	memset(w, 0, sizeof(*w));
	w->ext = recovery & ROCE_RECOVERY_SELECTIVE_REPEAT;
	cfg.gid[0] = own;
	w->dev = roce_dev_new(&cfg);
	w->cq = roce_cq_create(w->dev, CQE, NULL);
	w->arena = malloc(ARENA_BYTES);
	memset(w->arena, GUARD, ARENA_BYTES);
	for (int i = 0; i < 2; i++) {
		w->pd[i] = roce_pd_alloc(w->dev);
		reg(w, i, 15 | ROCE_ACCESS_MW_BIND | ROCE_ACCESS_FLUSH_GLOBAL | ROCE_ACCESS_FLUSH_PERSISTENT);
	}
	for (int i = 0; i < 2; i++)
		w->mw[i] = roce_mw_alloc(w->pd[0], i ? ROCE_MW_TYPE_2 : ROCE_MW_TYPE_1);
	w->srq = roce_srq_create(w->pd[0], &srq, NULL);
	w->xrcd = roce_xrcd_alloc(w->dev);
	for (int i = 0; i < 2; i++)
		new_xrc_srq(w, i);
	for (int i = 0; i < ALL_QP; i++) {
		struct roce_qp_init_attr init = {.send_cq = w->cq,
						 .recv_cq = w->cq,
						 .cap = {8, 8, 3, 3, 32},
						 .qp_type = types[i],
						 .sq_sig_all = 1,
						 .xrcd = w->xrcd,
						 .srq = i >= SRQ_FROM && i < NQP ? w->srq : NULL};

		w->qp[i] = roce_qp_create(w->pd[i == 1], &init, NULL);
		to_rts(w, i);
	}
	modify(w, 5, ROCE_QPS_RESET);
}

static void check_guards(struct world *w)
{
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < GUARD_BYTES; k++)
			MUST(w->arena[i * (REGION_BYTES + GUARD_BYTES) + k] == GUARD);
}

static void poll(struct world *w)
{
	struct roce_wc wc[16];
	int n;

	while ((n = roce_cq_poll(w->cq, wc, 16)) > 0)
		w->completed += (uint64_t)n;
	MUST(w->completed <= w->posted);
}

static void transmit(struct world *w)
{
	static uint8_t room[8192];
	struct roce_pkt *v[8], back;
	int n = roce_dev_tx(w->dev, v, 8, w->now);

	for (int i = 0; i < n; i++) {
		struct dp_frame f = {.data = room, .cap = sizeof(room)};

		MUST(roce_wire_build(v[i], &f) == 0);
		roce_wire_seal(&f);
		f.flags = DP_FRAME_ID_KNOWN;
		MUST(roce_wire_parse(&f, &back) == ROCE_DROP_NONE && back.opcode == v[i]->opcode &&
		     back.psn == v[i]->psn);
		roce_pkt_put(w->dev, v[i]);
	}
}

/* The QP of a byte, -1: none. The XRC ones came later: bytes of old inputs mean what they did, as far as possible. */
static int pick(uint32_t byte, uint32_t of)
{
	if (byte >= 0xd0)
		return byte & 1 ? TARGET : INITIATOR;
	return byte % of < NQP ? (int)(byte % of) : -1;
}

/* An address in or at the edge of a region, or anywhere. */
static uint64_t address(struct world *w, struct input *in, int i)
{
	uint64_t base = i ? 0x1000 : (uintptr_t)region(w, 0);
	uint32_t how = take(in, 1);

	switch (how % 4) {
	case 0:
		return base + take(in, 1) * 8;
	case 1:
		return base + REGION_BYTES - take(in, 1);
	case 2:
		return base + take(in, 2);
	default:
		return (uint64_t)take(in, 4) << 32 | take(in, 4);
	}
}

static uint32_t length(struct input *in)
{
	static const uint32_t some[] = {0,    1,    8,     255,   256,        257,         512, 513,
					1024, 4096, 16384, 16385, 0x40000000, 0x80000000u, ~0u, 3};

	return some[take(in, 1) % DP_ARRAY_SIZE(some)];
}

/* What packets of the extension have besides. */
static void extend(const struct roce_qp *qp, uint32_t how, uint8_t raw, struct roce_pkt *pkt)
{
	if (qp->type == ROCE_QPT_RC && !(how & 2) && raw >> 5 >= ROCE_SVC_RC_EXT)
		pkt->opcode = ROCE_OPCODE(ROCE_SVC_RC_EXT, raw & 0x1f);
	if (how & 4)
		pkt->bth_flags |= ROCE_BTH_EXT;
	pkt->sack_psn = roce_psn_add(qp->req.una, pkt->msn % 24);
	pkt->ce_bytes = pkt->msn << 4;
	for (size_t i = 0; i < DP_ARRAY_SIZE(pkt->sack); i++)
		pkt->sack[i] = pkt->va * (2 * i + 1) ^ pkt->dma_len;
}

static void packet(struct world *w, struct input *in)
{
	static uint8_t payload[4096];
	static uint8_t room[8192];
	struct roce_pkt pkt = {.sgid = {{0}}, .pkey = 0xffff, .ttl = 64};
	int i = pick(take(in, 1), NQP + 1);
	struct roce_qp *qp = i >= 0 ? w->qp[i] : NULL;
	uint32_t how = take(in, 1);
	bool to_requester = how & 1;
	uint8_t raw;

	memcpy(pkt.sgid.b, peer.b, 16);
	memcpy(pkt.dgid.b, own.b, 16);
	raw = pkt.opcode = (uint8_t)take(in, 1);
	if (qp && !(how & 2)) { /* most packets are of the QP's own service */
		pkt.opcode = ROCE_OPCODE(qp->service, pkt.opcode & 0x1f);
		pkt.xrc_srqn = how & 0x80 ? take(in, 1) : w->xrc_srq[how >> 2 & 1]->num;
	}
	pkt.bth_flags = (uint8_t)take(in, 1) & 0x1f;
	pkt.dqpn = qp ? qp->qpn : take(in, 3);
	pkt.psn = qp ? roce_psn_add(to_requester ? qp->req.una : qp->resp.epsn, (uint32_t)((int8_t)take(in, 1) / 8))
		     : take(in, 3);
	pkt.syndrome = (uint8_t)take(in, 1);
	pkt.msn = take(in, 1);
	pkt.imm = roce_mw_rkey(w->mw[1]) ^ (how >> 7);
	if (roce_opcode_operation(pkt.opcode) == ROCE_OP_FLUSH)
		pkt.imm = take(in, 1);
	pkt.rkey = how & 8               ? roce_mw_rkey(w->mw[how >> 2 & 1])
		   : w->mr[how >> 2 & 1] ? w->mr[how >> 2 & 1]->key + (how & 0xc0 ? 0 : 1)
					 : take(in, 4);
	pkt.va = address(w, in, how >> 2 & 1);
	pkt.dma_len = length(in);
	pkt.len = length(in) % 4097;
	pkt.qkey = how >> 3 & 1;
	pkt.sqpn = 5;
	pkt.swap_add = pkt.compare = take(in, 1);
	if (w->ext && qp)
		extend(qp, how, raw, &pkt);
	if (how & 0x10)
		pkt.pkey = (uint16_t)take(in, 2);
	if ((how & 0xe0) == 0xe0)
		pkt.sgid.b[15] ^= 1;
	if (pkt.len) {
		pkt.iov[0] = (struct iovec){payload, pkt.len};
		pkt.niov = how & 0x20 && !(how & 0x40) ? 0 : 1;
	}
	if (how & 0x40 || !pkt.niov) { /* as a byte port gives it: whatever can be built must parse or be dropped */
		struct dp_frame f = {.data = room, .cap = sizeof(room), .flags = DP_FRAME_ID_KNOWN};
		bool solved;

		if (!pkt.niov && pkt.len) {
			roce_dev_rx(w->dev, &pkt, w->now);
			return;
		}
		if (roce_wire_build(&pkt, &f))
			return;
		roce_wire_seal(&f);
		MUST(roce_wire_icrc_ok(&f, true, &solved));
		if (roce_wire_parse(&f, &pkt) != ROCE_DROP_NONE)
			return;
	}
	roce_dev_rx(w->dev, &pkt, w->now);
}

static void sges(struct world *w, struct input *in, struct roce_sge *sge, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		int i = (int)(take(in, 1) & 1);

		sge[k] = (struct roce_sge){address(w, in, i), length(in), w->mr[i] ? w->mr[i]->key : 0};
	}
}

/* What only binds and invalidations use. */
static void window(struct world *w, struct input *in, struct roce_send_wr *wr)
{
	uint32_t how = wr->send_flags;

	if (wr->opcode < ROCE_WR_LOCAL_INV)
		return;
	wr->invalidate_rkey = how & 4 ? take(in, 4) : roce_mw_rkey(w->mw[1]);
	if (wr->opcode != ROCE_WR_BIND_MW)
		return;
	wr->mw = w->mw[how >> 1 & 1];
	wr->rkey = roce_mw_rkey(w->mw[1]) ^ (take(in, 1) & (how & 4 ? ~0u : 0xff));
	wr->bind = (struct roce_mw_bind_info){w->mr[how & 1], address(w, in, (int)(how & 1)), length(in),
					      take(in, 1) & 0x2f};
	wr->send_flags &= ~(uint32_t)ROCE_SEND_INLINE;
}

static int bind_type_1(struct world *w, struct roce_qp *qp, const struct roce_send_wr *wr)
{
	struct roce_mw_bind bind = {.send_flags = wr->send_flags, .info = wr->bind};

	return roce_bind_mw(qp, w->mw[0], &bind);
}

static uint32_t opcode(uint32_t byte)
{
	return byte < 0xdc ? byte % 11 : byte & 1 ? ROCE_WR_ATOMIC_WRITE : ROCE_WR_FLUSH;
}

static void post(struct world *w, struct input *in, bool recv)
{
	struct roce_sge sge[3];
	struct roce_qp *qp = w->qp[pick(take(in, 1), NQP)];
	struct roce_ah_attr ah = {.dgid = peer, .port_num = 1};
	uint32_t n = take(in, 1) % 4, inline_len = take(in, 1) % 33;
	static uint8_t inline_data[64];

	if (recv) {
		struct roce_recv_wr wr = {.sg_list = sge, .num_sge = n};

		sges(w, in, sge, n);
		w->posted++;
		if (qp->srq && !qp->xrcd && inline_len & 1) {
			struct roce_srq_attr attr = {inline_len >> 1, 3, inline_len >> 2};

			roce_srq_modify(w->srq, &attr, inline_len & 3);
		}
		if (qp->xrcd  ? roce_post_srq_recv(w->xrc_srq[inline_len & 1], &wr)
		    : qp->srq ? roce_post_srq_recv(w->srq, &wr)
			      : roce_post_recv(qp, &wr))
			w->posted--;
	} else {
		struct roce_send_wr wr = {.sg_list = sge,
					  .num_sge = n,
					  .opcode = opcode(take(in, 1)),
					  .send_flags = take(in, 1) & 0xf,
					  .remote_addr = take(in, 2),
					  .rkey = take(in, 2),
					  .remote_qpn = take(in, 1),
					  .remote_qkey = 1,
					  .remote_srqn = n,
					  .flush_length = inline_len,
					  .flush_type = (uint8_t)(inline_len & 3),
					  .flush_level = (uint8_t)(inline_len >> 2 & 1),
					  .ah = &ah};

		window(w, in, &wr);
		sges(w, in, sge, n);
		if (wr.opcode == ROCE_WR_BIND_MW || wr.opcode == ROCE_WR_LOCAL_INV || wr.opcode == ROCE_WR_FLUSH) {
			wr.num_sge = n == 3;
		} else if (wr.send_flags & ROCE_SEND_INLINE) {
			sge[0] = (struct roce_sge){(uintptr_t)inline_data, inline_len, 0};
			wr.num_sge = 1;
		} else if (wr.opcode == ROCE_WR_ATOMIC_CMP_AND_SWP || wr.opcode == ROCE_WR_ATOMIC_FETCH_AND_ADD ||
			   wr.opcode == ROCE_WR_ATOMIC_WRITE) {
			sge[0].length = 8;
			wr.num_sge = 1;
			if (!n)
				sge[0] = (struct roce_sge){0x1000, 8, w->mr[1] ? w->mr[1]->key : 0};
		}
		w->posted++;
		if (wr.opcode == ROCE_WR_BIND_MW && inline_len & 1 ? bind_type_1(w, qp, &wr) : roce_post_send(qp, &wr))
			w->posted--;
	}
}

static void step(struct world *w, struct input *in)
{
	uint32_t what = take(in, 1);
	struct roce_event ev;
	int i;

	switch (what % 16) {
	case 0:
	case 1:
		post(w, in, true);
		break;
	case 2:
	case 3:
		post(w, in, false);
		break;
	case 4:
		w->now = dp_add_ps(w->now, (uint64_t)take(in, 2) * DP_US);
		roce_dev_tick(w->dev, w->now);
		break;
	case 5:
	case 6:
		transmit(w);
		break;
	case 7:
		poll(w);
		while (roce_dev_next_event(w->dev, &ev))
			;
		break;
	case 8:
		i = (int)(take(in, 1) & 1);
		if (w->mr[i] && roce_mr_dereg(w->mr[i])) /* windows are bound to it */
			break;
		w->mr[i] = NULL;
		if (take(in, 1) & 3)
			reg(w, i, (what >> 4) | 1 | ROCE_ACCESS_MW_BIND);
		break;
	case 9:
		i = pick(take(in, 1), NQP);
		what = take(in, 1);
		if (i == TARGET && what & 2)
			new_xrc_srq(w, (int)(what >> 2 & 1));
		else if (what & 1)
			to_rts(w, i);
		else
			modify(w, i, take(in, 1) % 7);
		break;
	default:
		packet(w, in);
	}
}

static void run(const uint8_t *data, size_t size, uint32_t recovery)
{
	struct input in = {data, size};
	struct world w;

	open_world(&w, recovery);
	while (in.n)
		step(&w, &in);
	for (int i = 0; i < 4; i++)
		transmit(&w);
	poll(&w);
	check_guards(&w);
	roce_dev_free(w.dev);
	free(w.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(data, size, 0);
	run(data, size,
	    ROCE_RECOVERY_NAK_REARM | ROCE_RECOVERY_ADAPTIVE_TIMEOUT | ROCE_RECOVERY_SELECTIVE_REPEAT |
		    ROCE_RECOVERY_OOO);
	return 0;
}
