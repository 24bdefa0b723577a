/* The UDP port on loopback: how frames become messages, and messages frames. */
#include "tests/c/udp_util.h"

#include <netinet/udp.h>

static void exchange(const char *src, const char *dst, uint32_t stride)
{
	struct end a = end_open(src), b = end_open(dst);
	struct dp_port_udp_stats more;

	frames_make(70, 1040, src, dst, 0x010002, stride);
	dp_port_prepare(a.port, fv, 70);
	CHECK(!(fr[0].flags & DP_FRAME_BATCH));
	CHECK(fr[1].flags & DP_FRAME_BATCH);
	CHECK_EQ(dp_port_tx(a.port, fv, 70, clock_ps()), 70);
	dp_port_udp_get_stats(a.port, &more);
	CHECK_EQ(more.tx_messages, 2); /* 62000 / 1040 = 59 and 11 */
	CHECK_EQ(rx_all(b.port, out, rx_mem, sizeof(rx_mem), 70), 70);
	dp_port_udp_get_stats(b.port, &more);
	CHECK_EQ(more.rx_messages, 2);
	for (int i = 0; i < 70; i++) {
		CHECK_EQ(out[i].len, 1040);
		CHECK_MEM(out[i].data, fr[i].data, 1040);
		CHECK_EQ(out[i].l3_len, fr[i].l3_len);
		CHECK(!(out[i].flags & DP_FRAME_ID_KNOWN));
		CHECK(out[i].flags & DP_FRAME_TTL_KNOWN);
		if (fr[i].l3_len == 28) {
			uint32_t sum = 0;

			for (int k = 0; k < 20; k += 2)
				sum += dp_get_be16(out[i].l3 + k);
			CHECK_EQ((sum & 0xffff) + (sum >> 16), 0xffff);
			CHECK_EQ(dp_get_be16(out[i].l3 + 4), i < 59 ? i : i - 59);
			out[i].l3[10] = out[i].l3[11] = 0;
		}
		CHECK_MEM(out[i].l3, fr[i].l3, fr[i].l3_len);
	}
	end_close(&a);
	end_close(&b);
}

static void test_run_for_one_qp_travels_as_few_messages(void)
{
	exchange(SRC, DST, 1040);
}

static void test_scattered_frames_travel_the_same(void)
{
	exchange(SRC, DST, 1100);
}

static void test_ipv6(void)
{
	struct end probe = {.fd = socket(AF_INET6, SOCK_DGRAM, 0)};
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct end e;
	int one = 1, ok = probe.fd >= 0 && bind(probe.fd, (void *)&a, sizeof(a)) == 0;

	if (probe.fd >= 0)
		close(probe.fd);
	if (!ok) {
		printf("skipped test_ipv6: no IPv6 loopback\n");
		return;
	}
	/* One address only on a loopback device: a socket that sends to itself. */
	e = end_open("::1");
	frames_make(10, 500, "::1", "::1", 0x010002, 500);
	fr[4].l3[0] = 0x62; /* traffic class 0x2e of its own: not in the batch */
	fr[4].l3[1] = 0xe0;
	fr[4].l3[7] = 9;
	dp_port_prepare(e.port, fv, 10);
	CHECK(!(fr[4].flags & DP_FRAME_BATCH));
	CHECK(!(fr[5].flags & DP_FRAME_BATCH));
	CHECK_EQ(dp_port_tx(e.port, fv, 10, clock_ps()), 10);
	CHECK_EQ(rx_all(e.port, out, rx_mem, sizeof(rx_mem), 10), 10);
	for (int i = 0; i < 10; i++) {
		CHECK_MEM(out[i].data, fr[i].data, 500);
		CHECK_MEM(out[i].l3, fr[i].l3, 48);
	}
	/* A sender that computes no UDP checksum, as Linux's rxe. */
	CHECK_EQ(setsockopt(e.fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &one, sizeof(one)), 0);
	dp_port_prepare(e.port, fv, 1);
	CHECK_EQ(dp_port_tx(e.port, fv, 1, clock_ps()), 1);
	CHECK_EQ(rx_all(e.port, out, rx_mem, sizeof(rx_mem), 1), 1);
	end_close(&e);
}

static void test_batches_end_where_the_kernel_could_not_follow(void)
{
	struct end a = end_open(SRC);
	static const struct {
		int at;
		bool starts;
	} want[] = {{0, 1}, {1, 0}, {2, 1}, {3, 0}, {4, 1}, {5, 1}, {6, 0}, {7, 1}, {8, 1}, {9, 1}, {10, 1}, {11, 0}};

	frames_make(12, 1000, SRC, DST, 0x010002, 1000);
	dp_put_be24(fr[2].data + 5, 0x010003); /* another QP */
	dp_put_be24(fr[3].data + 5, 0x010003);
	frame_make(&fr[5], fr[5].data, 1000, SRC, DST2, 0x010002); /* another address */
	frame_make(&fr[6], fr[6].data, 600, SRC, DST2, 0x010002);  /* shorter: the last of its batch */
	frame_make(&fr[7], fr[7].data, 600, SRC, DST2, 0x010002);
	fr[8].l3[1] = 2; /* another TOS */
	fr[9].l3[8] = 7; /* another TTL */
	dp_port_prepare(a.port, fv, 12);
	for (size_t i = 0; i < DP_ARRAY_SIZE(want); i++) {
		CHECK_EQ(!(fr[want[i].at].flags & DP_FRAME_BATCH), want[i].starts);
		CHECK_EQ(dp_get_be16(fr[i].l3 + 6), 0x4000);
		if (want[i].starts)
			CHECK_EQ(dp_get_be16(fr[i].l3 + 4), 0);
	}
	CHECK_EQ(dp_get_be16(fr[1].l3 + 4), 1);
	/* Longer than the first of its batch. */
	frames_make(2, 1000, SRC, DST, 0x010002, 2000);
	fr[1].len = 1016;
	dp_port_prepare(a.port, fv, 2);
	CHECK(!(fr[1].flags & DP_FRAME_BATCH));
	end_close(&a);
}

static void test_a_frame_lost_from_a_batch_splits_it(void)
{
	struct end a = end_open(SRC), b = end_open(DST);
	struct dp_port_udp_stats more;

	frames_make(5, 100, SRC, DST, 0x010002, 100);
	dp_port_prepare(a.port, fv, 5);
	/* A wrapper took frame 1: frames 2 to 4 were sealed with identifications that a new batch would not carry. */
	memmove(&fv[1], &fv[2], 3 * sizeof(fv[0]));
	CHECK_EQ(dp_port_tx(a.port, fv, 4, clock_ps()), 4);
	dp_port_udp_get_stats(a.port, &more);
	CHECK_EQ(more.tx_messages, 4);
	CHECK_EQ(rx_all(b.port, out, rx_mem, sizeof(rx_mem), 4), 4);
	end_close(&a);
	end_close(&b);
}

static void test_rx_keeps_what_was_not_asked_for(void)
{
	struct end a = end_open(SRC), b = end_open(DST);
	struct dp_frame *v[3];
	int got = 0;

	frames_make(10, 64, SRC, DST, 0x010002, 64);
	dp_port_prepare(a.port, fv, 10);
	CHECK_EQ(dp_port_tx(a.port, fv, 10, 1), 10);
	while (got < 10) {
		int k = dp_port_rx(b.port, v, 3, 1);

		if (!CHECK(k > 0))
			break;
		for (int i = 0; i < k; i++, got++)
			CHECK_EQ(v[i]->data[20], got + 1);
		CHECK_EQ(dp_port_next_ps(b.port), got < 10 ? 0 : DP_NEVER);
	}
	CHECK_EQ(dp_port_rx(b.port, v, 3, 1), 0);
	end_close(&a);
	end_close(&b);
}

static void test_odd_datagrams_are_counted(void)
{
	struct end b = end_open(DST);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(4791)};
	struct dp_frame *v[4];

	inet_pton(AF_INET, DST, &to.sin_addr);
	memset(tx_mem, 0, 30000);
	CHECK_EQ(sendto(fd, tx_mem, 0, 0, (void *)&to, sizeof(to)), 0);
	CHECK_EQ(sendto(fd, tx_mem, 30000, 0, (void *)&to, sizeof(to)), 30000);
	CHECK_EQ(sendto(fd, tx_mem, 3, 0, (void *)&to, sizeof(to)), 3);
	CHECK_EQ(dp_port_rx(b.port, v, 4, 1), 1);
	CHECK_EQ(v[0]->len, 3);
	CHECK_EQ(b.port->stats.rx_invalid, 1);
	CHECK_EQ(b.port->stats.rx_truncated, 1);
	close(fd);
	end_close(&b);
}

static void test_frames_of_the_wrong_family_are_errors(void)
{
	struct end a = end_open(SRC), b = end_open(DST);

	frames_make(3, 64, SRC, DST, 0x010002, 64);
	frame_make(&fr[1], fr[1].data, 64, "::1", "::1", 0x010002);
	dp_port_prepare(a.port, fv, 3);
	CHECK_EQ(dp_port_tx(a.port, fv, 3, 1), 3);
	CHECK_EQ(a.port->stats.tx_errors, 1);
	CHECK_EQ(rx_all(b.port, out, rx_mem, sizeof(rx_mem), 2), 2);
	end_close(&a);
	end_close(&b);
}

static void test_unreachable_address_is_an_error_and_gone(void)
{
	struct end a = end_open(SRC);

	/* From a loopback address the kernel routes nowhere else. */
	frames_make(3, 64, SRC, "192.0.2.1", 0x010002, 64);
	dp_port_prepare(a.port, fv, 3);
	CHECK_EQ(dp_port_tx(a.port, fv, 3, 1), 3);
	CHECK_EQ(a.port->stats.tx_errors, 3);
	CHECK_EQ(a.port->stats.tx_frames, 0);
	end_close(&a);
}

static void test_bad_arguments(void)
{
	struct node n = node_new(212992);
	struct end a = end_open(SRC);
	uint8_t ip[16];
	int tcp = socket(AF_INET, SOCK_STREAM, 0), loose = socket(AF_INET, SOCK_DGRAM, 0);

	CHECK(!dp_port_udp_new(tcp));
	CHECK_EQ(errno, EINVAL);
	CHECK(!dp_port_udp_new(loose));
	CHECK(!dp_port_udp_new(-1));
	CHECK_EQ(errno, EBADF);
	gid(DST, ip);
	CHECK_EQ(dp_port_udp_set_self(a.port, n.shm, n.len, NSLOTS), -EINVAL);
	CHECK_EQ(dp_port_udp_set_self(a.port, n.shm, n.len - 1, 0), -EINVAL);
	CHECK_EQ(dp_port_udp_set_peer(a.port, ip, n.shm, n.len, DP_NODE_SENDERS), -EINVAL);
	n.shm->version++;
	CHECK_EQ(dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 0), -EINVAL);
	munmap(n.shm, n.len);
	close(tcp);
	close(loose);
	end_close(&a);
}

int main(void)
{
	RUN(test_run_for_one_qp_travels_as_few_messages);
	RUN(test_scattered_frames_travel_the_same);
	RUN(test_ipv6);
	RUN(test_batches_end_where_the_kernel_could_not_follow);
	RUN(test_a_frame_lost_from_a_batch_splits_it);
	RUN(test_rx_keeps_what_was_not_asked_for);
	RUN(test_odd_datagrams_are_counted);
	RUN(test_frames_of_the_wrong_family_are_errors);
	RUN(test_unreachable_address_is_an_error_and_gone);
	RUN(test_bad_arguments);
	return check_done();
}
