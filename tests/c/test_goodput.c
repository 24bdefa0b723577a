/*
 * Goodput against loss, in virtual time, over a link that carries the engine's packets one after the other:
 *
 *     a ==== 1 packet each TICK, lost with probability p ====> b
 *       <=== answers, delay, never lost =====================
 *
 * Go-back-N with NAK_REARM: (1 - p) / (1 - p + p W), W packets being sent between a loss and the NAK that tells of it (half
 * goodput at p = 1/W). Without: compared with a Monte Carlo of its own, in which a lost resend waits for the timeout.
 * Selective repeat: 1 - p.
 */
#include <stdlib.h>

#include "datapath/csrc/rng.h"
#include "rdma_verbs/csrc/device.h"
#include "tests/c/check.h"

#define MTU_BYTES 4096
#define TICK_PS   (83 * DP_NS) /* 4154 bytes at 400 Gb/s */
#define MSG_BYTES (16 * MTU_BYTES)
#define MSGS      128 /* outstanding: more than any W here */
#define FLIGHT    4096

/* A packet on its way, headers only: regions are phantoms. */
struct flight {
	struct roce_pkt v[FLIGHT];
	uint64_t due_ps[FLIGHT];
	uint32_t head, tail;
};

struct end {
	struct roce_dev *dev;
	struct roce_cq *cq;
	struct roce_qp *qp;
	uint32_t rkey;
	struct flight in;
};

struct link {
	struct end e[2];
	struct dp_rng rng;
	uint64_t now_ps, delay_ps, free_ps, loss_scaled; /* probability * 2^32 */
	uint64_t sent, lost, done_bytes;
	int posted;
};

static void open_end(struct end *e, int i, uint32_t recovery, uint32_t window)
{
	struct roce_dev_cfg cfg = {.seed = 1 + (uint64_t)i,
				   .ngid = 1,
				   .recovery = recovery,
				   .tx_window = window,
				   .rx_window = window,
				   .tx_burst = 1,
				   .ack_every = 8,
				   .gid = {{{[10] = 0xff, 0xff, 10, 0, 0, (uint8_t)(i + 1)}}}};
	struct roce_qp_init_attr init = {.cap = {MSGS, 1, 1, 1, 0}, .qp_type = ROCE_QPT_RC};
	struct roce_mr *mr;
	struct roce_pd *pd;

	e->dev = roce_dev_new(&cfg);
	CHECK(e->dev);
	pd = roce_pd_alloc(e->dev);
	e->cq = roce_cq_create(e->dev, 2 * MSGS, NULL);
	mr = roce_mr_reg(pd, NULL, MSG_BYTES, 0, 15);
	e->rkey = roce_mr_rkey(mr);
	init.send_cq = init.recv_cq = e->cq;
	e->qp = roce_qp_create(pd, &init, NULL);
	CHECK(e->qp);
}

static void connect_end(struct end *e, const struct end *peer, uint8_t last_byte, uint8_t timeout)
{
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_INIT,
				    .port_num = 1,
				    .qp_access_flags = ROCE_ACCESS_REMOTE_WRITE,
				    .path_mtu = ROCE_MTU_4096,
				    .dest_qp_num = roce_qp_num(peer->qp),
				    .timeout = timeout,
				    .retry_cnt = 7,
				    .rnr_retry = 7,
				    .ah = {.dgid = {{[10] = 0xff, 0xff, 10, 0, 0, last_byte}}, .port_num = 1}};

	CHECK_EQ(roce_qp_modify(e->qp, &attr, ROCE_QP_STATE | ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS),
		 0);
	attr.qp_state = ROCE_QPS_RTR;
	CHECK_EQ(roce_qp_modify(e->qp, &attr,
				ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN |
					ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER),
		 0);
	attr.qp_state = ROCE_QPS_RTS;
	CHECK_EQ(roce_qp_modify(e->qp, &attr,
				ROCE_QP_STATE | ROCE_QP_SQ_PSN | ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT |
					ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC),
		 0);
}

static void put(struct flight *f, const struct roce_pkt *pkt, uint64_t due_ps)
{
	uint32_t i = f->head++ % FLIGHT;

	CHECK(f->head - f->tail < FLIGHT);
	f->v[i] = *pkt;
	f->due_ps[i] = due_ps;
}

static uint64_t deliver(struct end *e, uint64_t now_ps)
{
	struct flight *f = &e->in;

	while (f->tail != f->head && f->due_ps[f->tail % FLIGHT] <= now_ps)
		roce_dev_rx(e->dev, &f->v[f->tail++ % FLIGHT], now_ps);
	return f->tail == f->head ? DP_NEVER : f->due_ps[f->tail % FLIGHT];
}

static void post_all(struct link *l)
{
	struct roce_wc wc[16];
	int n;

	do {
		n = roce_cq_poll(l->e[0].cq, wc, 16);
		for (int i = 0; i < n; i++) {
			CHECK_EQ(wc[i].status, ROCE_WC_SUCCESS);
			l->done_bytes += MSG_BYTES;
			l->posted--;
		}
	} while (n > 0);
}

static void refill(struct link *l)
{
	struct roce_sge sge = {.addr = 0, .length = MSG_BYTES, .lkey = l->e[0].rkey};
	struct roce_send_wr wr = {.sg_list = &sge,
				  .num_sge = 1,
				  .opcode = ROCE_WR_RDMA_WRITE,
				  .send_flags = ROCE_SEND_SIGNALED,
				  .rkey = l->e[1].rkey};

	post_all(l);
	for (; l->posted < MSGS; l->posted++)
		CHECK_EQ(roce_post_send(l->e[0].qp, &wr), 0);
}

/* One instant: arrivals, timers, what is sent. Returns the next. */
static uint64_t step(struct link *l)
{
	struct roce_pkt *pkt;
	uint64_t next = DP_NEVER;

	for (int i = 0; i < 2; i++) {
		next = DP_MIN(next, deliver(&l->e[i], l->now_ps));
		roce_dev_tick(l->e[i].dev, l->now_ps);
	}
	refill(l);
	while (roce_dev_tx(l->e[1].dev, &pkt, 1, l->now_ps)) {
		put(&l->e[0].in, pkt, l->now_ps + l->delay_ps);
		roce_pkt_put(l->e[1].dev, pkt);
	}
	if (l->now_ps >= l->free_ps && roce_dev_tx(l->e[0].dev, &pkt, 1, l->now_ps)) {
		l->sent++;
		l->free_ps = l->now_ps + TICK_PS;
		if ((uint32_t)dp_rng_next(&l->rng) < l->loss_scaled)
			l->lost++;
		else
			put(&l->e[1].in, pkt, l->free_ps + l->delay_ps);
		roce_pkt_put(l->e[0].dev, pkt);
	}
	for (int i = 0; i < 2; i++) {
		struct flight *f = &l->e[i].in;
		uint64_t due = roce_dev_next_ps(l->e[i].dev);

		if (i == 0 && due <= l->now_ps)
			due = l->free_ps; /* it has packets, the link is busy */
		next = DP_MIN(next, due);
		if (f->tail != f->head)
			next = DP_MIN(next, f->due_ps[f->tail % FLIGHT]);
	}
	return next;
}

/* Share of the link's time that carried payload for the first time, over `losses` losses. */
static double goodput(uint32_t recovery, uint32_t window, uint64_t rtt_ps, double p, uint8_t timeout, uint64_t losses,
		      uint64_t seed)
{
	struct link *l = calloc(1, sizeof(*l));
	double share;

	CHECK(l);
	dp_rng_seed(&l->rng, seed);
	l->delay_ps = (rtt_ps - TICK_PS) / 2;
	l->loss_scaled = (uint64_t)(p * 4294967296.0);
	for (int i = 0; i < 2; i++)
		open_end(&l->e[i], i, recovery, window);
	connect_end(&l->e[0], &l->e[1], 2, timeout);
	connect_end(&l->e[1], &l->e[0], 1, timeout);
	while (l->lost < losses) {
		uint64_t next = step(l);

		l->now_ps = DP_MAX(l->now_ps, next);
	}
	share = (double)(l->done_bytes / MTU_BYTES) * TICK_PS / (double)l->now_ps;
	for (int i = 0; i < 2; i++)
		roce_dev_free(l->e[i].dev);
	free(l);
	return share;
}

/*
 * The Monte Carlo of IBTA's go-back-N, which shares nothing with the engine: slots of one packet; `w` slots after a loss
 * its NAK arrives and sending begins there again; a loss of that very packet tells nobody, and `rto` slots after it was sent
 * the timer does.
 */
static double monte_carlo(uint64_t w, uint64_t rto, double p, uint64_t losses, uint64_t seed)
{
	uint64_t threshold = (uint64_t)(p * 4294967296.0), slots = 0, good = 0, lost = 0;
	struct dp_rng rng;
	bool resent = false;

	dp_rng_seed(&rng, seed);
	while (lost < losses) {
		slots++;
		if ((uint32_t)dp_rng_next(&rng) >= threshold) {
			good++;
			resent = false;
			continue;
		}
		lost++;
		slots += (resent ? rto : w) - 1;
		resent = true;
	}
	return (double)good / (double)slots;
}

static void near(const char *what, double found, double expected, double band)
{
	printf("%s: %.4f, expected %.4f (%+.2f %%)\n", what, found, expected, (found / expected - 1) * 100);
	CHECK(found > expected * (1 - band) && found < expected * (1 + band));
}

/*
 * Rare events need many: of 20000 losses at 0.1 %, twenty lose their resend, too. The quick cases are for every build, the
 * others are run by `test_goodput all`, with a timeout that is sixteen times as long.
 */
static const struct {
	uint32_t w;
	double p;
	uint64_t losses;
	bool quick;
} cases[] = {
	{24, 1e-2, 5000, true},    {96, 1e-3, 1000, true},    {96, 1e-2, 5000, true},    {24, 1e-4, 1000, false},
	{24, 1e-3, 20000, false},  {24, 1e-2, 200000, false}, {96, 1e-4, 1000, false},   {96, 1e-3, 20000, false},
	{96, 1e-2, 200000, false}, {144, 1e-3, 20000, false}, {1000, 1e-3, 4000, false},
};
static bool all_cases;
static uint8_t timeout = 6; /* 0.26 ms; `all`: 10, 4.2 ms, whose effect takes more losses to average out */

static void each_case(const char *name, uint32_t recovery, uint32_t windows, double band,
		      double (*expected)(uint32_t w, double p))
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(cases); i++) {
		uint32_t w = cases[i].w;
		double p = cases[i].p;
		char what[80];

		if (cases[i].quick == all_cases)
			continue;
		snprintf(what, sizeof(what), "%s, W %u, p %g, %" PRIu64 " losses", name, w, p, cases[i].losses);
		near(what, goodput(recovery, windows * w, w * TICK_PS, p, timeout, cases[i].losses, 1), expected(w, p),
		     band);
	}
}

static double formula(uint32_t w, double p)
{
	return (1 - p) / (1 - p + p * w);
}

static double with_timeouts(uint32_t w, double p)
{
	return monte_carlo(w, (4096 * DP_NS << timeout) / TICK_PS, p, (uint64_t)(p * 5e7), 2);
}

static double only_lost(uint32_t w, double p)
{
	(void)w;
	return 1 - p;
}

static void go_back_n_with_nak_rearm_follows_the_formula(void)
{
	each_case("nak_rearm", ROCE_RECOVERY_NAK_REARM, 4, 0.03, formula);
}

static void go_back_n_waits_for_the_timeout_when_a_resend_is_lost(void)
{
	each_case("plain", 0, 4, 0.05, with_timeouts);
}

static void selective_repeat_loses_what_is_lost(void)
{
	each_case("selective repeat", ROCE_RECOVERY_SELECTIVE_REPEAT, 8, 0.01, only_lost);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "all") == 0) {
		all_cases = true;
		timeout = 10;
	}
	RUN(go_back_n_with_nak_rearm_follows_the_formula);
	RUN(go_back_n_waits_for_the_timeout_when_a_resend_is_lost);
	RUN(selective_repeat_loses_what_is_lost);
	return check_done();
}
