/* The UDP port on loopback: how frames become messages and back, and that credits lose nothing and leak nothing. */
#include "datapath/csrc/port_udp.h"
#include "tests/c/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SRC    "127.77.40.1"
#define DST    "127.77.40.2"
#define DST2   "127.77.40.3"
#define NSLOTS 4

struct node {
	struct dp_node_hdr *shm;
	size_t len;
};

/* A bound socket and its port. */
struct end {
	int fd;
	struct dp_port *port;
};

static uint64_t clock_ps(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec) * 1000;
}

static int udp_socket(const char *ip, int reuse)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(4791)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(4791)};
	int v6 = inet_pton(AF_INET6, ip, &a6.sin6_addr) == 1;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, ip, &a4.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse, sizeof(reuse));
	if (bind(fd, v6 ? (void *)&a6 : (void *)&a4, v6 ? sizeof(a6) : sizeof(a4)) < 0) {
		perror(ip);
		exit(1);
	}
	return fd;
}

static struct end end_open(const char *ip)
{
	struct end e = {.fd = udp_socket(ip, 0)};

	e.port = dp_port_udp_new(e.fd);
	if (!e.port) {
		perror("dp_port_udp_new");
		exit(1);
	}
	return e;
}

static void end_close(struct end *e)
{
	dp_port_free(e->port);
	close(e->fd);
}

static void gid(const char *ip, uint8_t b[16])
{
	memset(b, 0, 16);
	if (inet_pton(AF_INET6, ip, b) == 1)
		return;
	b[10] = b[11] = 0xff;
	inet_pton(AF_INET, ip, b + 12);
}

/* Memory of a node whose slots have the given receive buffer. */
static struct node node_new(uint32_t rcvbuf)
{
	struct node n = {.len = dp_node_bytes(NSLOTS)};

	n.shm = mmap(NULL, n.len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	n.shm->magic = DP_NODE_MAGIC;
	n.shm->version = DP_NODE_VERSION;
	n.shm->nslots = NSLOTS;
	for (uint32_t i = 0; i < NSLOTS; i++) {
		dp_node_slot(n.shm, i)->rcvbuf = rcvbuf;
		dp_node_slot(n.shm, i)->limit = dp_credit_limit(rcvbuf);
	}
	return n;
}

static void node_sender(struct node *n, uint32_t i, const char *ip)
{
	gid(ip, dp_node_sender(n->shm, i)->ip);
	n->shm->senders_epoch++;
}

static int64_t outstanding(const struct node *n, uint32_t slot)
{
	struct dp_node_slot *s = dp_node_slot(n->shm, slot);

	return (int64_t)(__atomic_load_n(&s->reserved, __ATOMIC_SEQ_CST) - s->refunded - s->released);
}

static uint32_t rcvbuf_of(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &len);
	return (uint32_t)value;
}

static void frame_make(struct dp_frame *f, uint8_t *data, uint32_t len, const char *src, const char *dst, uint32_t qpn)
{
	uint8_t s[16], d[16];

	memset(f, 0, sizeof(*f));
	gid(src, s);
	gid(dst, d);
	if (dp_ip_is_v4((struct dp_ip *)d)) {
		f->l3_len = 28;
		f->l3[0] = 0x45;
		dp_put_be16(f->l3 + 2, (uint16_t)(len + 28));
		f->l3[8] = 64;
		f->l3[9] = 17;
		memcpy(f->l3 + 12, s + 12, 4);
		memcpy(f->l3 + 16, d + 12, 4);
	} else {
		f->l3_len = 48;
		f->l3[0] = 0x60;
		dp_put_be16(f->l3 + 4, (uint16_t)(len + 8));
		f->l3[6] = 17;
		f->l3[7] = 64;
		memcpy(f->l3 + 8, s, 16);
		memcpy(f->l3 + 24, d, 16);
	}
	dp_put_be16(f->l3 + f->l3_len - 6, 4791);
	dp_put_be16(f->l3 + f->l3_len - 4, (uint16_t)(len + 8));
	f->data = data;
	f->len = f->cap = len;
	if (len >= 8)
		dp_put_be24(data + 5, qpn);
}

/* Receives until n frames came or half a second passed with none. */
static int rx_all(struct dp_port *p, struct dp_frame *out, uint8_t *bytes, size_t room, int n)
{
	struct dp_frame *v[64];
	size_t used = 0;
	int got = 0;

	for (int idle = 0; got < n && idle < 100;) {
		int k = dp_port_rx(p, v, DP_MIN(n - got, 64), clock_ps());
		struct pollfd pfd = {.fd = dp_port_fd(p), .events = POLLIN};

		for (int i = 0; i < k; i++, got++) {
			out[got] = *v[i];
			if (used + v[i]->len > room)
				return -1;
			memcpy(bytes + used, v[i]->data, v[i]->len);
			out[got].data = bytes + used;
			used += v[i]->len;
		}
		idle = k ? 0 : idle + 1;
		if (!k)
			poll(&pfd, 1, 5);
	}
	return got;
}

static uint8_t tx_mem[300 * 4200], rx_mem[300 * 4200];
static struct dp_frame fr[300], out[300], *fv[300];

static void frames_make(int n, uint32_t len, const char *src, const char *dst, uint32_t qpn, uint32_t stride)
{
	for (int i = 0; i < n; i++) {
		uint8_t *data = tx_mem + (size_t)i * stride;

		memset(data, i + 1, len);
		frame_make(&fr[i], data, len, src, dst, qpn);
		fv[i] = &fr[i];
	}
}

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

/* ---- credits ---- */

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

static void test_leak_of_a_dead_sender_is_found_and_that_of_a_live_one_left(void)
{
	struct end b = end_open(DST);
	struct node n = node_new(rcvbuf_of(b.fd));
	struct dp_node_slot *s = dp_node_slot(n.shm, 1);
	struct dp_frame *v[4];
	uint64_t now = DP_SEC;

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

	snprintf(src, sizeof(src), "127.77.41.%u", sender + 1);
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

		snprintf(src, sizeof(src), "127.77.41.%u", i + 1);
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

		snprintf(src, sizeof(src), "127.77.41.%u", s + 1);
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
	RUN(test_estimate_is_never_below_what_the_kernel_charges);
	RUN(test_estimate_is_the_one_of_python);
	RUN(test_sender_waits_at_the_limit_and_goes_on);
	RUN(test_errors_give_their_credit_back);
	RUN(test_strangers_do_not_touch_the_credit);
	RUN(test_leak_of_a_dead_sender_is_found_and_that_of_a_live_one_left);
	RUN(test_stopped_receiver_does_not_hold_up_others);
	RUN(test_many_peers);
	RUN(test_eight_senders_to_a_slow_receiver_lose_nothing);
	RUN(test_killed_senders_leave_no_credit_behind);
	return check_done();
}
