/* The memory pair: order, latency, bounds, lifetime of what rx() returns. */
#include "tests/c/check.h"
#include "tests/c/frames.h"

static void test_frame_arrives_after_latency(void)
{
	struct dp_port *a, *b;
	struct test_frame t;
	struct dp_frame *f;

	CHECK_EQ(dp_port_mem_pair(4, 1000, &a, &b), 0);
	test_frame_v4(&t, 7, 100);
	t.f.prio = 5;
	t.f.flags = DP_FRAME_BATCH;
	CHECK_EQ(dp_port_next_ps(b), DP_NEVER);
	CHECK_EQ(test_tx1(a, &t.f, 50), 1);
	CHECK_EQ(dp_port_next_ps(b), 1050);
	CHECK_EQ(dp_port_next_ps(a), DP_NEVER);
	memset(t.data + 4, 0xee, 10); /* the port has its own copy */
	CHECK(test_rx1(b, 1049) == NULL);
	f = test_rx1(b, 1050);
	test_frame_v4(&t, 7, 100);
	if (CHECK(f != NULL)) {
		CHECK(test_frame_same(f, &t.f));
		CHECK_EQ(f->ts_ps, 1050);
		CHECK_EQ(f->prio, 5);
		CHECK_EQ(f->flags, DP_FRAME_ID_KNOWN | DP_FRAME_TTL_KNOWN);
	}
	CHECK(test_rx1(a, 5000) == NULL);
	CHECK_EQ(a->stats.tx_bytes, 128);
	CHECK_EQ(b->stats.rx_bytes, 128);
	dp_port_free(a);
	dp_port_free(b);
}

static void test_full_queue_takes_fewer(void)
{
	struct test_frame t[6];
	struct dp_frame *v[6], *r[6];
	struct dp_port *a, *b;
	int i;

	CHECK_EQ(dp_port_mem_pair(4, 10, &a, &b), 0);
	for (i = 0; i < 6; i++)
		v[i] = test_frame_v4(&t[i], (uint32_t)i, 64);
	CHECK_EQ(dp_port_tx(a, v, 6, 0), 4);
	CHECK_EQ(a->stats.tx_busy, 1);
	CHECK_EQ(dp_port_next_ps(a), 10); /* when the peer can take one */
	CHECK_EQ(dp_port_rx(b, r, 6, 10), 4);
	CHECK_EQ(dp_port_tx(a, v + 4, 2, 10), 2);
	CHECK_EQ(dp_port_next_ps(a), DP_NEVER);
	CHECK_EQ(dp_port_tx(a, v, 2, 10), 2);
	/* What b holds is untouched by the four sent since. */
	for (i = 0; i < 4; i++)
		CHECK_EQ(test_frame_number(r[i]), i);
	CHECK_EQ(dp_port_tx(a, v, 1, 10), 0);
	dp_port_tick(a, 11);
	CHECK_EQ(dp_port_next_ps(a), DP_NEVER); /* a driver that gave up is not woken for ever */
	CHECK_EQ(dp_port_rx(b, r, 6, 20), 4);
	CHECK_EQ(test_frame_number(r[0]), 4);
	CHECK_EQ(test_frame_number(r[3]), 1);
	dp_port_free(a);
	dp_port_free(b);
}

static void test_held_batch_survives_a_long_run(void)
{
	struct test_frame t[3], copy;
	struct dp_frame *r[3];
	struct dp_port *a, *b;
	uint32_t sent = 0, got = 0;
	int i, n;

	CHECK_EQ(dp_port_mem_pair(3, 0, &a, &b), 0);
	while (got < 1000) {
		n = dp_port_rx(b, r, 1 + (int)(got % 3), 0);
		for (i = 0; i < 3; i++) {
			test_frame_v4(&t[i], sent, 32);
			sent += (uint32_t)test_tx1(a, &t[i].f, 0);
		}
		for (i = 0; i < n; i++)
			CHECK(test_frame_same(r[i], test_frame_v4(&copy, got++, 32)));
	}
	dp_port_free(a);
	dp_port_free(b);
}

static void test_lost_when_too_long_or_nobody_there(void)
{
	static uint8_t big[DP_FRAME_DATA_MAX];
	struct test_frame t;
	struct dp_port *a, *b;
	struct dp_frame *f;

	CHECK_EQ(dp_port_mem_pair(4, 0, &a, &b), 0);
	test_frame_v4(&t, 1, 64);
	t.f.data = big;
	t.f.len = DP_FRAME_DATA_MAX - 28;
	CHECK_EQ(test_tx1(a, &t.f, 0), 1);
	CHECK_EQ(a->stats.tx_errors, 0);
	t.f.len++;
	CHECK_EQ(test_tx1(a, &t.f, 0), 1);
	CHECK_EQ(a->stats.tx_errors, 1);
	dp_port_free(a);
	f = test_rx1(b, 0);
	CHECK(f && f->len == DP_FRAME_DATA_MAX - 28); /* what was sent before still arrives */
	CHECK_EQ(test_tx1(b, test_frame_v4(&t, 1, 64), 0), 1);
	CHECK_EQ(b->stats.tx_errors, 1);
	dp_port_free(b);
}

static void test_bad_arguments(void)
{
	struct dp_port *a, *b;

	CHECK_EQ(dp_port_mem_pair(0, 0, &a, &b), -EINVAL);
	CHECK_EQ(dp_port_mem_pair(UINT32_MAX, 0, &a, &b), -EINVAL);
	CHECK_EQ(dp_port_mem_pair(1, 0, NULL, &b), -EINVAL);
	dp_port_free(NULL);
}

static void test_bytes_cross_unchanged(void)
{
	uint8_t in[3] = {0x60, 1, 2}, packet[60], out[64];
	struct dp_port *a, *b;
	uint64_t ts_ps = 0;

	CHECK_EQ(dp_port_mem_pair(1, 5, &a, &b), 0);
	for (size_t i = 0; i < sizeof(packet); i++)
		packet[i] = (uint8_t)(0x45 + i);
	CHECK_EQ(dp_port_send_bytes(a, packet, sizeof(packet), 7), 1);
	CHECK_EQ(dp_port_send_bytes(a, packet, sizeof(packet), 7), 0); /* full */
	CHECK_EQ(dp_port_recv_bytes(b, out, sizeof(out), 11, &ts_ps), 0);
	CHECK_EQ(dp_port_recv_bytes(b, out, sizeof(out), 12, &ts_ps), sizeof(packet));
	CHECK_EQ(ts_ps, 12);
	CHECK(memcmp(out, packet, sizeof(packet)) == 0);
	/* Shorter than any header, and nothing at all. */
	CHECK_EQ(dp_port_send_bytes(a, in, sizeof(in), 20), 1);
	CHECK_EQ(dp_port_recv_bytes(b, out, sizeof(out), 25, &ts_ps), sizeof(in));
	CHECK(memcmp(out, in, sizeof(in)) == 0);
	CHECK_EQ(dp_port_send_bytes(a, in, 0, 30), 1);
	CHECK_EQ(dp_port_recv_bytes(b, out, sizeof(out), 35, &ts_ps), 0);
	CHECK_EQ(dp_port_send_bytes(a, packet, DP_FRAME_DATA_MAX + 1, 40), -EMSGSIZE);
	CHECK_EQ(dp_port_send_bytes(a, packet, sizeof(packet), 40), 1);
	CHECK_EQ(dp_port_recv_bytes(b, out, 59, 45, &ts_ps), -EMSGSIZE);
	dp_port_free(a);
	dp_port_free(b);
}

int main(void)
{
	test_bytes_cross_unchanged();
	test_frame_arrives_after_latency();
	test_full_queue_takes_fewer();
	test_held_batch_survives_a_long_run();
	test_lost_when_too_long_or_nobody_there();
	test_bad_arguments();
	return check_done();
}
