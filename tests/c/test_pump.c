/*
 * The pump between a device and a port: one destination that takes nothing, answers that come before timers run, and
 * payloads copied to their place before their ICRC is known to be right. The port here is a script: what it takes it
 * keeps for the test, which hands frames to the other side as it likes.
 */
#include <stdlib.h>

#include "datapath/csrc/pfc.h"
#include "rdma_verbs/csrc/pump.h"
#include "tests/c/check.h"

#define BUF_BYTES  (1 << 20)
#define KEPT       4096
#define TIMEOUT    14
#define TIMEOUT_PS (4096 * DP_NS << TIMEOUT)

struct script_port {
	struct dp_port port;
	uint8_t refuse; /* last byte of the address that takes nothing; 0: none */
	int ntx, nrx, rx_next;
	struct dp_frame tx[KEPT], *rx[KEPT];
};

static int script_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct script_port *s = DP_CONTAINER_OF(p, struct script_port, port);

	(void)now_ps;
	for (int i = 0; i < n; i++) {
		if (v[i]->l3[19] == s->refuse)
			return i;
		s->tx[s->ntx] = *v[i];
		s->tx[s->ntx].data = malloc(v[i]->len);
		memcpy(s->tx[s->ntx].data, v[i]->data, v[i]->len);
		s->ntx++;
	}
	return n;
}

static int script_rx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct script_port *s = DP_CONTAINER_OF(p, struct script_port, port);
	int got = 0;

	(void)now_ps;
	while (got < n && s->rx_next < s->nrx)
		v[got++] = s->rx[s->rx_next++];
	return got;
}

static void script_clear(struct script_port *s)
{
	for (int i = 0; i < s->ntx; i++)
		free(s->tx[i].data);
	s->ntx = s->nrx = s->rx_next = 0;
}

static const struct dp_port_ops script_ops = {.name = "script", .tx = script_tx, .rx = script_rx};

struct end {
	struct roce_dev *dev;
	struct roce_pump pump;
	struct script_port *port;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_mr *mr;
	uint8_t *buf;
};

static struct roce_gid address(int i)
{
	return (struct roce_gid){{[10] = 0xff, 0xff, 10, 0, 0, (uint8_t)(i + 1)}};
}

static void end_open(struct end *e, int i)
{
	struct roce_dev_cfg cfg = {.seed = 7 + (uint64_t)i, .ngid = 1};

	memset(e, 0, sizeof(*e));
	cfg.gid[0] = address(i);
	e->port = calloc(1, sizeof(*e->port));
	e->port->port = (struct dp_port){.ops = &script_ops, .mtu = 9000, .by_destination = true};
	e->dev = roce_dev_new(&cfg);
	CHECK_EQ(roce_pump_init(&e->pump, e->dev, &e->port->port), 0);
	e->pd = roce_pd_alloc(e->dev);
	e->cq = roce_cq_create(e->dev, 256, NULL);
	e->buf = malloc(BUF_BYTES);
	for (int k = 0; k < BUF_BYTES; k++)
		e->buf[k] = (uint8_t)(k * 31 + k / 4096 + i * 97);
	e->mr = roce_mr_reg(e->pd, e->buf, BUF_BYTES, (uintptr_t)e->buf, 15);
}

static struct roce_qp *end_connect_prio(struct end *e, int to, uint32_t dqpn, uint8_t prio)
{
	struct roce_qp_init_attr init = {
		.send_cq = e->cq, .recv_cq = e->cq, .cap = {64, 64, 4, 4, 64}, .qp_type = ROCE_QPT_RC};
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_INIT,
				    .port_num = 1,
				    .qp_access_flags = ROCE_ACCESS_REMOTE_WRITE,
				    .path_mtu = ROCE_MTU_1024,
				    .dest_qp_num = dqpn,
				    .timeout = TIMEOUT,
				    .retry_cnt = 7,
				    .rnr_retry = 7,
				    .ah = {.dgid = address(to), .port_num = 1, .sl = prio}};
	struct roce_qp *qp = roce_qp_create(e->pd, &init, NULL);

	CHECK_EQ(roce_qp_modify(qp, &attr, ROCE_QP_STATE | ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS),
		 0);
	attr.qp_state = ROCE_QPS_RTR;
	CHECK_EQ(roce_qp_modify(qp, &attr,
				ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN |
					ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER),
		 0);
	attr.qp_state = ROCE_QPS_RTS;
	CHECK_EQ(roce_qp_modify(qp, &attr,
				ROCE_QP_STATE | ROCE_QP_SQ_PSN | ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT |
					ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC),
		 0);
	return qp;
}

static struct roce_qp *end_connect(struct end *e, int to, uint32_t dqpn)
{
	return end_connect_prio(e, to, dqpn, 0);
}

static void end_close(struct end *e)
{
	script_clear(e->port);
	roce_pump_fini(&e->pump);
	roce_dev_free(e->dev);
	free(e->buf);
	free(e->port);
}

static void write_to(struct end *e, struct roce_qp *qp, const struct end *peer, uint32_t len)
{
	struct roce_sge sge = {(uintptr_t)e->buf, len, roce_mr_lkey(e->mr)};
	struct roce_send_wr wr = {.sg_list = &sge,
				  .num_sge = 1,
				  .opcode = ROCE_WR_RDMA_WRITE,
				  .send_flags = ROCE_SEND_SIGNALED,
				  .remote_addr = peer ? (uintptr_t)peer->buf : 0,
				  .rkey = peer ? roce_mr_rkey(peer->mr) : 0};

	CHECK_EQ(roce_post_send(qp, &wr), 0);
}

/* Frames to 10.0.0.`last`, of which the PSNs must follow each other from `psn` on. */
static int taken_by(const struct script_port *s, uint8_t last, uint32_t psn)
{
	int n = 0;

	for (int i = 0; i < s->ntx; i++) {
		if (s->tx[i].l3[19] != last)
			continue;
		CHECK_EQ(dp_get_be24(s->tx[i].data + 9), psn + (uint32_t)n);
		n++;
	}
	return n;
}

static void test_destination_that_takes_nothing_holds_up_no_other(void)
{
	struct roce_qp *qp[2][3];
	struct end e;
	uint64_t now = DP_SEC;

	end_open(&e, 0);
	for (int to = 0; to < 2; to++)
		for (int k = 0; k < 3; k++)
			qp[to][k] = end_connect(&e, to + 1, (uint32_t)(100 + k));
	CHECK(roce_lane(&(struct dp_ip){{[10] = 0xff, 0xff, 10, 0, 0, 2}}, 100) !=
	      roce_lane(&(struct dp_ip){{[10] = 0xff, 0xff, 10, 0, 0, 3}}, 100));
	e.port->refuse = 2;
	for (int round = 0; round < 20; round++) {
		for (int k = 0; k < 3; k++)
			write_to(&e, qp[0][k], NULL, 10 * 1024);
		roce_pump_tx(&e.pump, now);
	}
	CHECK_EQ(taken_by(e.port, 2, 0), 0);
	CHECK(roce_pump_blocked(&e.pump));
	CHECK(e.pump.n < 4); /* what waits is a few packets, not all that could be sent */
	write_to(&e, qp[1][0], NULL, 200 * 1024);
	roce_pump_tx(&e.pump, now);
	CHECK_EQ(taken_by(e.port, 3, 0), 200);
	CHECK(roce_pump_next_ps(&e.pump) > now); /* nothing to do until it takes some: no spinning */
	/* Held for long: no timeout, and when it takes packets again, all of them in order. */
	for (int i = 0; i < 10; i++, now += TIMEOUT_PS)
		roce_pump_run(&e.pump, now);
	CHECK_EQ(roce_dev_counters(e.dev)->retransmitted_pkts > 0, 1); /* those to .3 are not answered */
	e.port->refuse = 0;
	script_clear(e.port);
	roce_qp_destroy(qp[0][1]); /* while it is parked */
	roce_qp_destroy(qp[0][2]);
	roce_qp_destroy(qp[1][0]);
	roce_pump_tx(&e.pump, now);
	CHECK(!roce_pump_blocked(&e.pump));
	{
		int n = 0;

		for (int i = 0; i < e.port->ntx; i++)
			if (dp_get_be24(e.port->tx[i].data + 5) == 100 && e.port->tx[i].l3[19] == 2)
				CHECK_EQ(dp_get_be24(e.port->tx[i].data + 9), n++);
		CHECK_EQ(n, 200);
	}
	end_close(&e);
}

/* A PFC frame comes while the port is full: what is built already waits, too, and other priorities pass it. */
static void test_pause_holds_what_is_built_and_nothing_else(void)
{
	struct dp_pfc pfc = {.enabled = 1, .quanta = {1000}};
	struct dp_pauses pauses = {0};
	uint64_t now = DP_SEC, end;
	struct roce_qp *qp, *other;
	struct end e;

	end_open(&e, 0);
	e.port->port.by_destination = false;
	e.port->port.pauses = &pauses;
	qp = end_connect(&e, 1, 100);
	other = end_connect_prio(&e, 2, 101, 5);
	e.port->refuse = 2;
	write_to(&e, qp, NULL, 8 * 1024);
	roce_pump_run(&e.pump, now);
	CHECK(roce_pump_blocked(&e.pump));
	dp_pauses_add(&pauses, &pfc, 100000000000, now);
	end = now + dp_pfc_quanta_ps(1000, 100000000000);
	e.port->refuse = 0;
	write_to(&e, qp, NULL, 8 * 1024);
	write_to(&e, other, NULL, 4 * 1024);
	for (; now < end; now += DP_US) {
		roce_pump_run(&e.pump, now);
		CHECK_EQ(taken_by(e.port, 2, 0), 0);
		CHECK_EQ(taken_by(e.port, 3, 0), 4);
		CHECK_EQ(e.pump.n, 1); /* the engine makes no more of it */
		CHECK(roce_pump_next_ps(&e.pump) > now && roce_pump_next_ps(&e.pump) <= end);
	}
	roce_pump_run(&e.pump, end);
	CHECK_EQ(taken_by(e.port, 2, 0), 16);
	CHECK_EQ(roce_dev_counters(e.dev)->timeouts, 0);
	end_close(&e);
}

static void test_time_behind_a_full_receiver_is_no_timeout(void)
{
	uint64_t now = DP_SEC, freed;
	struct roce_counters *ctr;
	struct roce_qp *qp;
	struct end e;

	end_open(&e, 0);
	ctr = roce_dev_counters(e.dev);
	qp = end_connect(&e, 1, 100);
	write_to(&e, qp, NULL, 3 * 1024);
	e.port->refuse = 2;
	roce_pump_tx(&e.pump, now);
	for (; now < DP_SEC + 10 * TIMEOUT_PS; now += TIMEOUT_PS / 4)
		roce_pump_run(&e.pump, now);
	CHECK_EQ(ctr->timeouts, 0);
	e.port->refuse = 0;
	freed = now;
	roce_pump_run(&e.pump, now);
	CHECK_EQ(e.port->ntx, 3);
	for (; now < freed + TIMEOUT_PS; now += TIMEOUT_PS / 4)
		roce_pump_run(&e.pump, now);
	CHECK_EQ(ctr->timeouts, 0);
	/* Full again and again: a loss is found all the same, after at most four times the timeout. */
	for (int i = 0; i < 16; i++, now += TIMEOUT_PS / 4) {
		roce_dev_hold(e.dev, UINT64_MAX, now);
		roce_dev_hold(e.dev, 0, now + 1);
		roce_pump_run(&e.pump, now + 1);
	}
	CHECK(ctr->timeouts > 0);
	end_close(&e);
}

/* Gives what one side's port took, from its `from`th frame on, to the other. */
static void carry(struct end *from, struct end *to, int first)
{
	for (int i = first; i < from->port->ntx; i++)
		to->port->rx[to->port->nrx++] = &from->port->tx[i];
}

static void pair_open(struct end *a, struct end *b, struct roce_qp **qa, struct roce_qp **qb)
{
	end_open(a, 0);
	end_open(b, 1);
	*qa = end_connect(a, 1, 2);
	*qb = end_connect(b, 0, roce_qp_num(*qa));
	CHECK_EQ(roce_qp_num(*qb), 2);
}

static void test_answers_that_have_come_are_heard_before_timers_run(void)
{
	struct roce_qp *qa, *qb;
	uint64_t now = DP_SEC;
	struct roce_wc wc;
	struct end a, b;

	pair_open(&a, &b, &qa, &qb);
	write_to(&a, qa, &b, 5000);
	roce_pump_tx(&a.pump, now);
	carry(&a, &b, 0);
	roce_pump_run(&b.pump, now);
	CHECK_EQ(b.port->ntx, 1);
	carry(&b, &a, 0);
	roce_pump_run(&a.pump, now + 20 * TIMEOUT_PS); /* its process had no CPU */
	CHECK_EQ(roce_dev_counters(a.dev)->timeouts, 0);
	CHECK_EQ(roce_cq_poll(a.cq, &wc, 1), 1);
	CHECK_EQ(wc.status, ROCE_WC_SUCCESS);
	end_close(&a);
	end_close(&b);
}

/* How long after `now` the unanswered packet of a new queue pair times out, if somebody looks every millisecond. */
static uint64_t times_out_after(struct end *e, int to, uint64_t now)
{
	struct roce_qp *qp = end_connect(e, to, 100);
	uint64_t before = roce_dev_counters(e->dev)->timeouts, t = 0;

	write_to(e, qp, NULL, 100);
	roce_pump_tx(&e->pump, now);
	for (; roce_dev_counters(e->dev)->timeouts == before && t < 10 * TIMEOUT_PS; t += DP_MS)
		roce_pump_run(&e->pump, now + t);
	roce_qp_destroy(qp);
	return t;
}

static void test_on_a_real_clock_timeouts_are_as_patient_as_answers_are_late(void)
{
	struct roce_qp *qa, *qb;
	uint64_t now = DP_SEC, t;
	struct roce_wc wc;
	struct end a, b;

	pair_open(&a, &b, &qa, &qb);
	t = times_out_after(&a, 2, now);
	CHECK(t >= TIMEOUT_PS && t < TIMEOUT_PS + 3 * DP_MS); /* a virtual clock: T and no more */
	roce_dev_on_real_clock(a.dev);
	now += DP_SEC;
	t = times_out_after(&a, 2, now); /* nothing is known yet: longer, within 4 T */
	CHECK(t > 2 * TIMEOUT_PS && t <= 4 * TIMEOUT_PS + 3 * DP_MS);
	for (int i = 0; i < 1000; i++) { /* answers come at once */
		now += DP_MS;
		script_clear(a.port);
		script_clear(b.port);
		write_to(&a, qa, &b, 100);
		roce_pump_tx(&a.pump, now);
		carry(&a, &b, 0);
		roce_pump_run(&b.pump, now);
		carry(&b, &a, 0);
		roce_pump_run(&a.pump, now + 100 * DP_US);
		CHECK_EQ(roce_cq_poll(a.cq, &wc, 1), 1);
	}
	script_clear(a.port);
	script_clear(b.port);
	t = times_out_after(&a, 2, now + DP_MS);
	CHECK(t >= TIMEOUT_PS && t < TIMEOUT_PS + 5 * DP_MS);
	end_close(&a);
	end_close(&b);
}

static void test_driver_that_ran_late_gives_answers_another_moment(void)
{
	struct roce_counters *ctr;
	uint64_t now = DP_SEC;
	struct roce_qp *qp;
	struct end e;

	end_open(&e, 0);
	roce_dev_on_real_clock(e.dev);
	ctr = roce_dev_counters(e.dev);
	qp = end_connect(&e, 1, 100);
	write_to(&e, qp, NULL, 100);
	roce_pump_tx(&e.pump, now);
	now += 6 * TIMEOUT_PS;
	roce_pump_run(&e.pump, now);
	CHECK_EQ(ctr->timeouts, 0);
	roce_pump_run(&e.pump, now + TIMEOUT_PS / 4 - DP_US);
	CHECK_EQ(ctr->timeouts, 0);
	roce_pump_run(&e.pump, now + TIMEOUT_PS / 4 + DP_US);
	CHECK_EQ(ctr->timeouts, 1);
	end_close(&e);
}

/* A corrupted packet in the middle of a write, and at its end. */
static void test_wrong_icrc_completes_nothing_and_shows_no_end(void)
{
	for (int bad = 1; bad < 5; bad++) {
		struct roce_qp *qa, *qb;
		uint64_t now = DP_SEC;
		struct end a, b;
		uint8_t *old;
		int sent;

		pair_open(&a, &b, &qa, &qb);
		old = malloc(BUF_BYTES);
		memcpy(old, b.buf, BUF_BYTES);
		write_to(&a, qa, &b, 5 * 1024);
		roce_pump_tx(&a.pump, now);
		CHECK_EQ(a.port->ntx, 5);
		a.port->tx[bad].data[20] ^= 4; /* payload */
		carry(&a, &b, 0);
		roce_pump_run(&b.pump, now);
		CHECK_EQ(roce_dev_counters(b.dev)->drops[ROCE_DROP_BAD_ICRC], 1);
		CHECK_MEM(b.buf, a.buf, (size_t)bad * 1024);
		CHECK_MEM(b.buf + bad * 1024 + 1016, old + bad * 1024 + 1016, 8); /* what a program may poll */
		CHECK_MEM(b.buf + (bad + 1) * 1024, old + (bad + 1) * 1024, (size_t)BUF_BYTES - (bad + 1) * 1024);
		sent = a.port->ntx;
		carry(&b, &a, 0); /* a NAK; after the last packet nothing, but a timeout */
		roce_pump_run(&a.pump, now + TIMEOUT_PS + DP_US);
		carry(&a, &b, sent);
		roce_pump_run(&b.pump, now + TIMEOUT_PS + 2 * DP_US);
		CHECK_MEM(b.buf, a.buf, 5 * 1024);
		CHECK_MEM(b.buf + 5 * 1024, old + 5 * 1024, BUF_BYTES - 5 * 1024);
		free(old);
		end_close(&a);
		end_close(&b);
	}
}

/* What may be copied before its ICRC is known: only the very next packet of a write that has begun, from its peer. */
static void test_only_the_next_packet_of_a_write_lands(void)
{
	struct roce_qp *qa, *qb;
	struct roce_pkt pkt, p;
	struct end a, b;

	pair_open(&a, &b, &qa, &qb);
	write_to(&a, qa, &b, 5 * 1024);
	roce_pump_tx(&a.pump, DP_SEC);
	for (int i = 0; i < 5; i++) {
		pkt.bounce = NULL;
		pkt.next = NULL;
		CHECK_EQ(roce_wire_parse(&a.port->tx[i], &pkt), ROCE_DROP_NONE);
		CHECK(roce_dev_landing(b.dev, &pkt) ==
		      (i ? b.buf + i * 1024 : NULL)); /* the first brings its address */
		p = pkt;
		p.psn++;
		CHECK(!roce_dev_landing(b.dev, &p));
		p = pkt;
		p.sgid.b[15]++;
		CHECK(!roce_dev_landing(b.dev, &p));
		p = pkt;
		p.len -= 4;
		CHECK(!roce_dev_landing(b.dev, &p) || i == 4);
		p = pkt;
		p.dqpn = 9;
		CHECK(!roce_dev_landing(b.dev, &p));
		roce_dev_rx(b.dev, &pkt, DP_SEC);
	}
	/* Rights or region gone meanwhile: nothing lands. */
	write_to(&a, qa, &b, 5 * 1024);
	roce_pump_tx(&a.pump, DP_SEC);
	CHECK_EQ(a.port->ntx, 10);
	roce_wire_parse(&a.port->tx[5], &pkt);
	roce_dev_rx(b.dev, &pkt, DP_SEC);
	roce_wire_parse(&a.port->tx[6], &pkt);
	CHECK(roce_dev_landing(b.dev, &pkt));
	roce_mr_dereg(b.mr);
	CHECK(!roce_dev_landing(b.dev, &pkt));
	end_close(&a);
	end_close(&b);
}

int main(void)
{
	RUN(test_destination_that_takes_nothing_holds_up_no_other);
	RUN(test_pause_holds_what_is_built_and_nothing_else);
	RUN(test_time_behind_a_full_receiver_is_no_timeout);
	RUN(test_answers_that_have_come_are_heard_before_timers_run);
	RUN(test_on_a_real_clock_timeouts_are_as_patient_as_answers_are_late);
	RUN(test_driver_that_ran_late_gives_answers_another_moment);
	RUN(test_wrong_icrc_completes_nothing_and_shows_no_end);
	RUN(test_only_the_next_packet_of_a_write_lands);
	return check_done();
}
