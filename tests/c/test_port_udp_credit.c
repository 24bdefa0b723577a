/* Credits of the UDP port: nothing is lost between sockets of one machine, and nothing leaks when a sender dies. */
#include "tests/c/udp_util.h"

/* Between what the port reserves and what it sends: its sendmmsg() is ours. */
static void (*before_send)(void);

int sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	if (before_send)
		before_send();
	return (int)syscall(SYS_sendmmsg, fd, v, n, flags);
}

static uint32_t rmem(int fd)
{
	uint32_t info[9] = {0};
	socklen_t len = sizeof(info);

	getsockopt(fd, SOL_SOCKET, 55 /* SO_MEMINFO */, info, &len);
	return info[0];
}

static void test_estimate_is_never_below_what_the_kernel_charges(void)
{
	struct end a = end_open(SRC), b = end_open(DST);
	struct dp_frame *v[64];
	int bad = 0, n = 0;

	for (uint32_t len = 8; len <= 9000; len += len < 1100 ? 9 : 131) {
		for (int segs = 1; segs <= 62000 / (int)len && segs <= 60; segs = segs < 4 ? segs + 1 : segs * 2) {
			uint32_t est = dp_credit_estimate(len * (uint32_t)segs, (uint32_t)segs, 0);

			for (int i = 0; i < segs; i++) {
				frame_make(&fr[i], tx_mem + (size_t)i * len, len, SRC, DST, 0x010002);
				fv[i] = &fr[i];
			}
			dp_port_prepare(a.port, fv, segs);
			if (dp_port_tx(a.port, fv, segs, 1) != segs)
				bad++;
			if (rmem(b.fd) > est && !bad++)
				fprintf(stderr, "%d x %u bytes: estimate %u, charged %u\n", segs, len, est, rmem(b.fd));
			while (dp_port_rx(b.port, v, 64, 1))
				;
			n++;
		}
	}
	CHECK(n > 500);
	CHECK_EQ(bad, 0);
	end_close(&a);
	end_close(&b);
}

/* The same table stands in tests/unit/rdma_verbs/test_agent_shm.py. */
static void test_estimate_is_the_one_of_python(void)
{
	CHECK_EQ(dp_credit_estimate(0, 1, 0), 1408);
	CHECK_EQ(dp_credit_estimate(512, 1, 0), 1408);
	CHECK_EQ(dp_credit_estimate(513, 1, 0), 2432);
	CHECK_EQ(dp_credit_estimate(4112, 1, 0), 8576);
	CHECK_EQ(dp_credit_estimate(15360, 1, 0), 16768);
	CHECK_EQ(dp_credit_estimate(15361, 1, 0), 16641);
	CHECK_EQ(dp_credit_estimate(62000, 15, 0), 63280);
	CHECK_EQ(dp_credit_estimate(32, 2, 64), 1376);
}

static void test_sender_waits_at_the_limit_and_goes_on(void)
{
	struct end a = end_open(SRC), b = end_open(DST);
	struct node n = node_new(rcvbuf_of(b.fd));
	uint8_t ip[16];
	int sent = 0, got = 0;
	uint64_t now = DP_SEC;

	gid(DST, ip);
	node_sender(&n, 7, SRC);
	CHECK_EQ(dp_port_udp_set_self(b.port, n.shm, n.len, 1), 0);
	CHECK_EQ(dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 7), 0);
	frames_make(200, 4096, SRC, DST, 0x010002, 4096);
	while (sent < 200) {
		int k;

		dp_port_prepare(a.port, fv + sent, 200 - sent);
		k = dp_port_tx(a.port, fv + sent, 200 - sent, now);
		sent += k;
		if (sent == 200)
			break;
		CHECK_EQ(dp_port_next_ps(a.port) > now, 1);
		CHECK(outstanding(&n, 1) > 0);
		CHECK(outstanding(&n, 1) <= (int64_t)dp_node_slot(n.shm, 1)->limit);
		CHECK_EQ(dp_node_sender(n.shm, 7)->pending[1], 0);
		got += rx_all(b.port, out, rx_mem, sizeof(rx_mem), 12);
		now += DP_MS;
	}
	got += rx_all(b.port, out, rx_mem, sizeof(rx_mem), 200 - got);
	CHECK_EQ(got, 200);
	CHECK(a.port->stats.tx_busy > 0);
	CHECK_EQ(outstanding(&n, 1), 0);
	dp_port_udp_publish(b.port);
	CHECK_EQ(b.port->stats.rx_overflow, 0);
	CHECK_EQ(dp_node_slot(n.shm, 1)->port_stats[2], 200);
	munmap(n.shm, n.len);
	end_close(&a);
	end_close(&b);
}

static void test_errors_give_their_credit_back(void)
{
	struct end a = end_open(SRC);
	struct node n = node_new(212992);
	uint8_t ip[16];

	gid("192.0.2.1", ip);
	CHECK_EQ(dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 0), 0);
	frames_make(3, 64, SRC, "192.0.2.1", 0x010002, 64);
	dp_port_prepare(a.port, fv, 3);
	CHECK_EQ(dp_port_tx(a.port, fv, 3, 1), 3);
	CHECK_EQ(a.port->stats.tx_errors, 3);
	CHECK(dp_node_slot(n.shm, 1)->refunded > 0);
	CHECK_EQ(outstanding(&n, 1), 0);
	CHECK_EQ(dp_node_sender(n.shm, 0)->pending[1], 0);
	munmap(n.shm, n.len);
	end_close(&a);
}

static void test_strangers_do_not_touch_the_credit(void)
{
	struct end a = end_open(SRC), b = end_open(DST), c = end_open(DST2);
	struct node n = node_new(rcvbuf_of(b.fd));
	struct dp_frame *v[4];
	uint8_t ip[16];

	gid(DST, ip);
	node_sender(&n, 0, SRC);
	dp_port_udp_set_self(b.port, n.shm, n.len, 1);
	dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 0);
	frames_make(2, 2000, SRC, DST, 0x010002, 2000);
	dp_port_prepare(a.port, fv, 1);
	CHECK_EQ(dp_port_tx(a.port, fv, 1, 1), 1);
	frames_make(1, 2000, DST2, DST, 0x010002, 2000);
	dp_port_prepare(c.port, fv, 1);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(dp_port_tx(c.port, fv, 1, 1), 1);
	CHECK_EQ(dp_port_rx(b.port, v, 4, 1), 4);
	CHECK_EQ(outstanding(&n, 1), 0);
	/* What another sender has reserved is not given back by strangers. */
	dp_node_slot(n.shm, 1)->reserved += 5000;
	CHECK_EQ(dp_port_tx(c.port, fv, 1, 1), 1);
	CHECK_EQ(dp_port_rx(b.port, v, 4, 1), 1);
	CHECK_EQ(outstanding(&n, 1), 5000);
	dp_node_slot(n.shm, 1)->released += 5000;
	/* One that is known but did not reserve: never below zero. */
	node_sender(&n, 1, DST2);
	CHECK_EQ(dp_port_tx(c.port, fv, 1, 1), 1);
	CHECK_EQ(dp_port_rx(b.port, v, 4, 1), 1);
	CHECK_EQ(outstanding(&n, 1), 0);
	munmap(n.shm, n.len);
	end_close(&a);
	end_close(&b);
	end_close(&c);
}

/*
 * The kernel may keep up to a quarter of what was read on the account while the queue is not empty: many single
 * datagrams, of which one rx() reads some.
 */
static void test_what_was_read_may_not_be_free_yet(void)
{
	struct end a = end_open(SRC), b = end_open(DST);
	struct node n = node_new(rcvbuf_of(b.fd));
	struct dp_frame *v[64];
	uint8_t ip[16];
	int sent = 0, got = 0;

	gid(DST, ip);
	node_sender(&n, 0, SRC);
	dp_port_udp_set_self(b.port, n.shm, n.len, 1);
	dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 0);
	frames_make(1, 3500, SRC, DST, 0x010002, 4096);
	for (int round = 0; round < 300; round++) {
		dp_port_prepare(a.port, fv, 1);
		while (dp_port_tx(a.port, fv, 1, 1) == 1)
			sent++;
		got += dp_port_rx(b.port, v, 64, 1);
	}
	got += rx_all(b.port, out, rx_mem, sizeof(rx_mem), sent - got);
	dp_port_udp_publish(b.port);
	CHECK_EQ(b.port->stats.rx_overflow, 0);
	CHECK_EQ(got, sent);
	munmap(n.shm, n.len);
	end_close(&a);
	end_close(&b);
}

static struct node *watched;
static uint32_t pending_seen;

static void note_pending(void)
{
	pending_seen = dp_node_sender(watched->shm, 2)->pending[1];
}

static void test_pending_covers_what_is_reserved_until_it_is_sent(void)
{
	struct end a = end_open(SRC), b = end_open(DST);
	struct node n = node_new(212992);
	uint8_t ip[16];

	gid(DST, ip);
	dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 2);
	frames_make(4, 500, SRC, DST, 0x010002, 500);
	dp_put_be24(fr[3].data + 5, 0x010003); /* two messages to one slot */
	watched = &n;
	before_send = note_pending;
	dp_port_prepare(a.port, fv, 4);
	CHECK_EQ(dp_port_tx(a.port, fv, 4, 1), 4);
	before_send = NULL;
	CHECK_EQ(pending_seen, dp_credit_estimate(1500, 3, 0) + dp_credit_estimate(500, 1, 0));
	CHECK_EQ(outstanding(&n, 1), pending_seen);
	CHECK_EQ(dp_node_sender(n.shm, 2)->pending[1], 0);
	munmap(n.shm, n.len);
	end_close(&a);
	end_close(&b);
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

static void test_sender_killed_between_reserving_and_sending(void)
{
	struct end b = end_open(DST);
	struct node n = node_new(rcvbuf_of(b.fd));
	uint64_t now = DP_SEC;
	struct dp_frame *v[4];
	uint8_t ip[16];
	pid_t pid;

	gid(DST, ip);
	node_sender(&n, 0, SRC);
	dp_port_udp_set_self(b.port, n.shm, n.len, 1);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct end a = end_open(SRC);

		dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 0);
		frames_make(10, 4096, SRC, DST, 0x010002, 4096);
		dp_port_prepare(a.port, fv, 10);
		before_send = die;
		dp_port_tx(a.port, fv, 10, 1);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	CHECK_EQ(outstanding(&n, 1), dp_credit_estimate(40960, 10, 0));
	CHECK_EQ(dp_node_sender(n.shm, 0)->pending[1], outstanding(&n, 1));
	CHECK_EQ(dp_port_rx(b.port, v, 4, now), 0);
	dp_node_sender(n.shm, 0)->pending[1] = 0; /* as the agent does */
	for (int i = 0; i < 100 && dp_port_next_ps(b.port) != DP_NEVER; i++) {
		now = DP_MAX(now, dp_port_next_ps(b.port));
		dp_port_rx(b.port, v, 4, now);
	}
	CHECK_EQ(outstanding(&n, 1), 0);
	CHECK(now < DP_SEC + 200 * DP_MS);
	munmap(n.shm, n.len);
	end_close(&b);
}

static void test_leak_of_a_dead_sender_is_found_and_that_of_a_live_one_left(void)
{
	struct end b = end_open(DST);
	struct node n = node_new(rcvbuf_of(b.fd));
	struct dp_node_slot *s = dp_node_slot(n.shm, 1);
	struct dp_frame *v[4];
	uint64_t now = DP_SEC;

	node_sender(&n, 3, SRC);
	node_sender(&n, 4, DST2);
	dp_port_udp_set_self(b.port, n.shm, n.len, 1);
	/* Senders 3 and 4 stand between reserving and sending. */
	dp_node_sender(n.shm, 3)->pending[1] = 5000;
	dp_node_sender(n.shm, 4)->pending[1] = 700;
	s->reserved += 5700;
	for (int i = 0; i < 100; i++, now += 10 * DP_MS)
		dp_port_rx(b.port, v, 4, now);
	CHECK_EQ(outstanding(&n, 1), 5700);
	/* Sender 3 dies: the agent clears its word. */
	dp_node_sender(n.shm, 3)->pending[1] = 0;
	for (int i = 0; i < 100 && dp_port_next_ps(b.port) != DP_NEVER; i++) {
		now = DP_MAX(now, dp_port_next_ps(b.port));
		dp_port_rx(b.port, v, 4, now);
	}
	CHECK_EQ(outstanding(&n, 1), 700);
	CHECK_EQ(s->heals, 1);
	CHECK_EQ(s->healed_bytes, 5000);
	munmap(n.shm, n.len);
	end_close(&b);
}

static void test_stopped_receiver_does_not_hold_up_others(void)
{
	struct end a = end_open(SRC), b = end_open(DST), c = end_open(DST2);
	struct node n = node_new(rcvbuf_of(b.fd));
	struct dp_port_udp_stats more;
	uint64_t now = DP_SEC;
	uint8_t ip[16];
	int k = 0;

	gid(DST, ip);
	dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 0);
	dp_node_slot(n.shm, 1)->limit = 100;
	dp_node_slot(n.shm, 1)->reserved = 100;
	frames_make(4, 1000, SRC, DST, 0x010002, 1000);
	frame_make(&fr[3], fr[3].data, 1000, SRC, DST2, 0x010002);
	for (; now < 2 * DP_SEC - DP_MS; now += 100 * DP_MS) {
		dp_port_prepare(a.port, fv, 4);
		CHECK_EQ(dp_port_tx(a.port, fv, 4, now), 0);
	}
	now = 2 * DP_SEC + DP_MS;
	for (int i = 0; i < 3; i++) {
		dp_port_prepare(a.port, fv, 4);
		k += dp_port_tx(a.port, fv, 4, now);
	}
	CHECK_EQ(k, 12);
	dp_port_udp_get_stats(a.port, &more);
	CHECK_EQ(more.tx_uncredited, 1);
	CHECK_EQ(more.tx_stalled, 8); /* so small a limit allows no batches: one probe and 2, 3, 3 dropped */
	CHECK_EQ(rx_all(c.port, out, rx_mem, sizeof(rx_mem), 3), 3);
	/* It reads again: credit as before. */
	dp_node_slot(n.shm, 1)->released = 100;
	dp_node_slot(n.shm, 1)->limit = 100000;
	dp_port_prepare(a.port, fv, 4);
	CHECK_EQ(dp_port_tx(a.port, fv, 4, now), 4);
	CHECK(outstanding(&n, 1) > 3000);
	munmap(n.shm, n.len);
	end_close(&a);
	end_close(&b);
	end_close(&c);
}

/* While one destination waits for credit, messages to another go out, and the wait's end stays known. */
static void test_wait_for_one_destination_survives_sending_to_another(void)
{
	struct end a = end_open(SRC), b = end_open(DST), c = end_open(DST2);
	struct node n = node_new(rcvbuf_of(b.fd));
	uint64_t now = DP_SEC, first;
	uint8_t ip[16];

	gid(DST, ip);
	dp_port_udp_set_peer(a.port, ip, n.shm, n.len, 0);
	dp_node_slot(n.shm, 1)->limit = 100;
	dp_node_slot(n.shm, 1)->reserved = 100;
	CHECK(a.port->by_destination);
	frames_make(4, 1000, SRC, DST, 0x010002, 1000);
	frame_make(&fr[3], fr[3].data, 1000, SRC, DST2, 0x010002);
	dp_port_prepare(a.port, fv, 3);
	CHECK_EQ(dp_port_tx(a.port, fv, 3, now), 0);
	first = dp_port_next_ps(a.port);
	CHECK(first > now && first <= now + DP_MS);
	dp_port_prepare(a.port, fv + 3, 1);
	CHECK_EQ(dp_port_tx(a.port, fv + 3, 1, now), 1);
	CHECK_EQ(dp_port_next_ps(a.port), first);
	/* Its time is over and nobody asked for it again: no time of the past stays behind. */
	dp_port_prepare(a.port, fv + 3, 1);
	CHECK_EQ(dp_port_tx(a.port, fv + 3, 1, first), 1);
	CHECK_EQ(dp_port_next_ps(a.port), DP_NEVER);
	CHECK_EQ(rx_all(c.port, out, rx_mem, sizeof(rx_mem), 2), 2);
	munmap(n.shm, n.len);
	end_close(&a);
	end_close(&b);
	end_close(&c);
}

static void test_many_peers(void)
{
	struct end a = end_open(SRC);
	struct node n = node_new(212992);
	uint8_t ip[16];

	gid(DST, ip);
	for (int i = 0; i < 3000; i++) {
		ip[14] = (uint8_t)(i >> 8);
		ip[15] = (uint8_t)i;
		CHECK_EQ(dp_port_udp_set_peer(a.port, ip, n.shm, n.len, (uint32_t)i % DP_NODE_SENDERS), 0);
	}
	CHECK_EQ(dp_port_udp_set_peer(a.port, ip, NULL, 0, 0), 0);
	munmap(n.shm, n.len);
	end_close(&a);
}

/* A process that sends `frames` frames (0: until killed) to slot 1, waiting for credit as a driver would. */
static void sender_process(struct node *n, uint32_t sender, int batch, uint64_t frames)
{
	char src[32];
	struct end a;
	uint8_t ip[16];
	uint64_t sent = 0;

	snprintf(src, sizeof(src), "127.%u.41.%u", test_net(), sender + 1);
	a = end_open(src);
	gid(DST, ip);
	dp_port_udp_set_peer(a.port, ip, n->shm, n->len, sender);
	frames_make(batch, 4096, src, DST, 0x010002, 4096);
	while (!frames || sent < frames) {
		int want = frames && frames - sent < (uint64_t)batch ? (int)(frames - sent) : batch, k;

		dp_port_prepare(a.port, fv, want);
		k = dp_port_tx(a.port, fv, want, clock_ps());
		sent += (uint64_t)k;
		if (k < want) {
			uint64_t next = dp_port_next_ps(a.port), now = clock_ps();
			struct timespec ts = {.tv_nsec = next > now ? (long)((next - now) / 1000) : 0};

			nanosleep(&ts, NULL);
		}
	}
	_exit(a.port->stats.tx_errors ? 1 : 0);
}

static void test_eight_senders_to_a_slow_receiver_lose_nothing(void)
{
	enum { SENDERS = 8, FRAMES = 1500 };
	struct end b = end_open(DST);
	struct node n = node_new(rcvbuf_of(b.fd));
	struct dp_frame *v[64];
	uint64_t got = 0;
	pid_t pid[SENDERS];
	int idle = 0;

	dp_port_udp_set_self(b.port, n.shm, n.len, 1);
	for (uint32_t i = 0; i < SENDERS; i++) {
		char src[32];

		snprintf(src, sizeof(src), "127.%u.41.%u", test_net(), i + 1);
		node_sender(&n, i, src);
	}
	fflush(stdout);
	for (uint32_t i = 0; i < SENDERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			sender_process(&n, i, 48, FRAMES);
	}
	while (got < SENDERS * FRAMES && idle < 2000) {
		int k = dp_port_rx(b.port, v, 64, clock_ps());

		got += (uint64_t)k;
		idle = k ? 0 : idle + 1;
		usleep(k ? 50 : 1000);
	}
	for (int i = 0; i < SENDERS; i++) {
		int status;

		waitpid(pid[i], &status, 0);
		CHECK_EQ(status, 0);
	}
	dp_port_udp_publish(b.port);
	CHECK_EQ(got, SENDERS * FRAMES);
	CHECK_EQ(b.port->stats.rx_overflow, 0);
	CHECK_EQ(outstanding(&n, 1), 0);
	munmap(n.shm, n.len);
	end_close(&b);
}

static void test_killed_senders_leave_no_credit_behind(void)
{
	struct end b = end_open(DST);
	struct node n = node_new(rcvbuf_of(b.fd));
	struct dp_frame *v[64];

	dp_port_udp_set_self(b.port, n.shm, n.len, 1);
	fflush(stdout);
	for (uint32_t round = 0; round < 60; round++) {
		uint32_t s = round % 4;
		char src[32];
		uint64_t until;
		pid_t pid;

		snprintf(src, sizeof(src), "127.%u.41.%u", test_net(), s + 1);
		node_sender(&n, s, src);
		pid = fork();
		if (pid == 0)
			sender_process(&n, s, 40, 0);
		until = clock_ps() + 3 * DP_MS + round * 50 * DP_US;
		while (clock_ps() < until)
			dp_port_rx(b.port, v, 64, clock_ps());
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		memset(dp_node_sender(n.shm, s)->pending, 0, sizeof(dp_node_sender(n.shm, s)->pending));
	}
	for (uint64_t until = clock_ps() + DP_SEC; clock_ps() < until && outstanding(&n, 1);) {
		dp_port_rx(b.port, v, 64, clock_ps());
		usleep(500);
	}
	CHECK_EQ(outstanding(&n, 1), 0);
	dp_port_udp_publish(b.port);
	CHECK_EQ(b.port->stats.rx_overflow, 0);
	munmap(n.shm, n.len);
	end_close(&b);
}

int main(void)
{
	RUN(test_estimate_is_never_below_what_the_kernel_charges);
	RUN(test_estimate_is_the_one_of_python);
	RUN(test_sender_waits_at_the_limit_and_goes_on);
	RUN(test_errors_give_their_credit_back);
	RUN(test_strangers_do_not_touch_the_credit);
	RUN(test_what_was_read_may_not_be_free_yet);
	RUN(test_pending_covers_what_is_reserved_until_it_is_sent);
	RUN(test_sender_killed_between_reserving_and_sending);
	RUN(test_leak_of_a_dead_sender_is_found_and_that_of_a_live_one_left);
	RUN(test_stopped_receiver_does_not_hold_up_others);
	RUN(test_wait_for_one_destination_survives_sending_to_another);
	RUN(test_many_peers);
	RUN(test_eight_senders_to_a_slow_receiver_lose_nothing);
	RUN(test_killed_senders_leave_no_credit_behind);
	return check_done();
}
