/* The datagram port: two of them, and a bare socket as the other end to see and send the bytes themselves. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "datapath/csrc/pfc.h"
#include "datapath/csrc/port_dgram.h"
#include "tests/c/check.h"
#include "tests/c/frames.h"

static char dir[64], path_a[96], path_b[96];

static struct dp_dgram_cfg cfg_of(bool a)
{
	struct dp_dgram_cfg cfg = {.local_path = a ? path_a : path_b,
				   .remote_path = a ? path_b : path_a,
				   .mac = {2, 0, 0, 0, 0, a ? 1 : 2},
				   .nip = 2,
				   .mtu = 2000};

	memcpy(cfg.ip[0], "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0", 15);
	cfg.ip[0][15] = a ? 1 : 2;
	cfg.ip[1][0] = 0xfd;
	cfg.ip[1][15] = a ? 1 : 2;
	return cfg;
}

static void make_v6(struct test_frame *t)
{
	memset(t->f.l3, 0, 48);
	t->f.l3[0] = 0x60;
	dp_put_be16(t->f.l3 + 4, (uint16_t)(8 + t->f.len));
	t->f.l3[6] = 17;
	t->f.l3[7] = 64;
	t->f.l3[8] = t->f.l3[24] = 0xfd;
	t->f.l3[23] = 1;
	t->f.l3[39] = 2;
	dp_put_be16(t->f.l3 + 44, (uint16_t)(8 + t->f.len));
	t->f.l3_len = 48;
}

/* A raw end at b's place. */
static int raw_end(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	strcpy(sa.sun_path, path_b);
	unlink(path_b);
	CHECK_EQ(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void raw_send(int fd, const void *bytes, size_t len)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	strcpy(sa.sun_path, path_a);
	CHECK_EQ(sendto(fd, bytes, len, 0, (struct sockaddr *)&sa, sizeof(sa)), len);
}

static void test_two_ports_find_each_other(bool tag, bool v6)
{
	struct dp_dgram_cfg ca = cfg_of(true), cb = cfg_of(false);
	struct dp_port *a, *b;
	struct test_frame t[70], copy;
	struct dp_frame *v[70], *r[70];
	struct dp_neigh_stats ns;
	int i, k, got = 0, sent = 0, round;

	ca.tag = cb.tag = tag;
	ca.vlan_id = cb.vlan_id = tag ? 7 : 0;
	a = dp_port_dgram_new(&ca);
	b = dp_port_dgram_new(&cb);
	if (!CHECK(a && b))
		return;
	CHECK(dp_port_fd(a) >= 0);
	for (i = 0; i < 70; i++) {
		v[i] = test_frame_v4(&t[i], (uint32_t)i, (uint32_t)(20 + i * 20));
		if (v6)
			make_v6(&t[i]);
		t[i].f.prio = (uint8_t)(i % 8);
	}
	for (round = 0; round < 200 && got < 70; round++) {
		sent += dp_port_tx(a, v + sent, DP_MIN(70 - sent, 9), 0);
		k = dp_port_rx(b, r, 70, 5);
		for (i = 0; i < k; i++, got++) {
			test_frame_v4(&copy, (uint32_t)got, (uint32_t)(20 + got * 20));
			if (v6)
				make_v6(&copy);
			CHECK(test_frame_same(r[i], &copy.f));
			CHECK_EQ(r[i]->flags, DP_FRAME_ID_KNOWN | DP_FRAME_TTL_KNOWN);
			CHECK_EQ(r[i]->prio, tag ? got % 8 : 0);
			CHECK_EQ(r[i]->ts_ps, 5);
		}
		CHECK_EQ(dp_port_rx(a, r, 70, 5), 0); /* the answer */
	}
	CHECK_EQ(got, 70);
	CHECK_EQ(a->stats.tx_frames, 70);
	CHECK_EQ(a->stats.tx_errors + b->stats.rx_invalid, 0);
	dp_port_dgram_neigh_stats(a, &ns);
	CHECK_EQ(ns.requests, 1);
	CHECK_EQ(ns.wait_dropped, 0);
	dp_port_free(a);
	dp_port_free(b);
	CHECK(access(path_a, F_OK) != 0 && access(path_b, F_OK) != 0);
}

static void test_bytes_on_the_medium(bool tag)
{
	struct dp_dgram_cfg ca = cfg_of(true);
	uint8_t buf[4096], reply[42] = {2, 0, 0, 0, 0, 1, 2, 0,  0, 0, 0, 2, 8, 6, 0, 1, 8, 0,  6, 4, 0,
					2, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1};
	size_t h = tag ? 18 : 14;
	struct test_frame t;
	struct dp_port *a;
	int fd = raw_end();

	ca.tag = tag;
	a = dp_port_dgram_new(&ca);
	if (!CHECK(a != NULL))
		return;
	test_frame_v4(&t, 5, 100);
	t.f.prio = 6;
	CHECK_EQ(test_tx1(a, &t.f, 0), 1);
	CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 60 + h - 14);
	CHECK(memcmp(buf, "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1", 12) == 0);
	CHECK_EQ(dp_get_be16(buf + h - 2), 0x0806);
	raw_send(fd, reply, sizeof(reply)); /* untagged: VLAN 0, as ours */
	CHECK(test_rx1(a, 10) == NULL);
	CHECK_EQ(recv(fd, buf, sizeof(buf), 0), h + 128);
	CHECK(memcmp(buf, "\2\0\0\0\0\2\2\0\0\0\0\1", 12) == 0);
	if (tag)
		CHECK(memcmp(buf + 12, "\x81\0\xc0\0", 4) == 0);
	CHECK_EQ(dp_get_be16(buf + h - 2), 0x0800);
	CHECK(memcmp(buf + h, t.f.l3, 28) == 0 && memcmp(buf + h + 28, t.data, 100) == 0);
	dp_port_free(a);
	close(fd);
}

/* A valid frame for a; returns its length. */
static size_t eth_frame(uint8_t *buf, uint32_t len)
{
	struct test_frame t;

	test_frame_v4(&t, 1, len);
	memcpy(buf, "\2\0\0\0\0\1\2\0\0\0\0\2\x08\0", 14);
	memcpy(buf + 14, t.f.l3, 28);
	buf[14 + 15] = 2;
	buf[14 + 19] = 1;
	memcpy(buf + 42, t.data, len);
	return 42 + len;
}

static void test_what_is_not_for_us_is_counted(void)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{0, 4},     /* another MAC */
		{12, 9},    /* ethertype */
		{14, 0x46}, /* options */
		{14, 0x65}, /* version */
		{20, 0x20}, /* more fragments */
		{21, 1},    /* fragment offset */
		{23, 6},    /* TCP */
		{17, 129},  /* total length beyond the frame */
		{17, 27},   /* and shorter than its headers */
		{39, 100},  /* UDP length */
		{33, 9},    /* not our address */
	};
	struct dp_dgram_cfg ca = cfg_of(true);
	struct dp_port *a = dp_port_dgram_new(&ca);
	uint8_t buf[4096];
	struct dp_frame *f;
	int fd = raw_end();
	size_t len, i;

	for (i = 0; i < DP_ARRAY_SIZE(bad); i++) {
		len = eth_frame(buf, 100);
		buf[bad[i].at] = bad[i].value;
		raw_send(fd, buf, len);
		CHECK(test_rx1(a, 0) == NULL);
		CHECK_EQ(a->stats.rx_invalid, i + 1);
	}
	raw_send(fd, buf, 5);
	CHECK(test_rx1(a, 0) == NULL);
	CHECK_EQ(a->stats.rx_invalid, i + 1);
	/* Padding is cut; a multicast address is for us. */
	eth_frame(buf, 4);
	memcpy(buf + 30, "\xef\1\2\3", 4);
	memcpy(buf, "\1\0\x5e\1\2\3", 6);
	raw_send(fd, buf, 60);
	f = test_rx1(a, 0);
	CHECK(f && f->len == 4);
	/* Longer than the MTU: truncated. */
	len = eth_frame(buf, 2000 - 28 + 5);
	raw_send(fd, buf, len);
	CHECK(test_rx1(a, 0) == NULL);
	CHECK_EQ(a->stats.rx_truncated, 1);
	len = eth_frame(buf, 2000 - 28 + 1); /* fits the buffer, which has room for a tag */
	raw_send(fd, buf, len);
	CHECK(test_rx1(a, 0) == NULL);
	CHECK_EQ(a->stats.rx_invalid, i + 2);
	/* A tag with a VLAN that is not ours, then priority only. */
	len = eth_frame(buf, 64);
	memmove(buf + 16, buf + 12, len - 12);
	memcpy(buf + 12, "\x81\0\xa0\7", 4);
	raw_send(fd, buf, len + 4);
	CHECK(test_rx1(a, 0) == NULL);
	buf[15] = 0;
	raw_send(fd, buf, len + 4);
	f = test_rx1(a, 0);
	CHECK(f && f->prio == 5 && f->len == 64);
	dp_port_free(a);
	close(fd);
}

static void test_pfc_frames_are_for_a_port_that_knows_its_rate(void)
{
	struct dp_pfc pfc = {.src = {2, 0, 0, 0, 0, 9}, .enabled = 8, .quanta = {0, 0, 0, 100}};
	struct dp_dgram_cfg ca = cfg_of(true);
	uint8_t frame[DP_PFC_FRAME_BYTES];
	struct dp_port *a;
	uint64_t next_ps;
	int fd;

	dp_pfc_build(frame, &pfc);
	for (int knows = 0; knows < 2; knows++) {
		ca.rate_bps = knows ? 100000000000 : 0;
		a = dp_port_dgram_new(&ca);
		fd = raw_end();
		raw_send(fd, frame, sizeof(frame));
		CHECK(test_rx1(a, 1000) == NULL);
		CHECK_EQ(a->stats.rx_invalid, !knows);
		CHECK_EQ(dp_port_dgram_pfc_frames(a), knows);
		CHECK_EQ(dp_pauses_mask(dp_port_pauses(a), 1000, &next_ps), knows ? 8 : 0);
		CHECK_EQ(next_ps, knows ? 1000 + 512000 : DP_NEVER);
		dp_port_free(a);
		close(fd);
	}
}

static void learn_b(struct dp_port *a, int fd)
{
	uint8_t reply[42] = {2, 0, 0, 0, 0, 1, 2, 0,  0, 0, 0, 2, 8, 6, 0, 1, 8, 0,  6, 4, 0,
			     2, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1},
		buf[256];
	struct test_frame t;

	test_frame_v4(&t, 0, 50);
	CHECK_EQ(test_tx1(a, &t.f, 0), 1);
	CHECK(recv(fd, buf, sizeof(buf), 0) > 0);
	raw_send(fd, reply, sizeof(reply));
	CHECK(test_rx1(a, 0) == NULL);
	CHECK(recv(fd, buf, sizeof(buf), 0) > 0);
}

static void test_full_receiver_is_busy_and_nothing_is_lost_or_doubled(void)
{
	struct dp_dgram_cfg ca = cfg_of(true);
	struct dp_port *a = dp_port_dgram_new(&ca);
	struct test_frame t[4], other;
	struct dp_frame *v[4];
	uint8_t buf[4096];
	uint32_t sent = 0, got = 0;
	int fd = raw_end(), i, k;
	ssize_t n;

	learn_b(a, fd);
	/* Every fourth frame is for somebody unknown: it must wait once, not once for each attempt. */
	while (got < 3000) {
		for (i = 0; i < 4; i++)
			v[i] = test_frame_v4(&t[i], sent + (uint32_t)i, 64);
		test_frame_v4(&other, 0, 64);
		other.f.l3[19] = 99;
		v[3] = &other.f;
		k = dp_port_tx(a, v, 4, got);
		sent += (uint32_t)DP_MIN(k, 3);
		if (k < 4) {
			CHECK_EQ(dp_port_next_ps(a), DP_MIN((uint64_t)got + 20 * DP_US, DP_SEC));
			for (i = 0; i < 5; i++) {
				n = recv(fd, buf, sizeof(buf), 0);
				if (n == 42 + 64)
					CHECK_EQ(dp_get_be32(buf + 42), got++);
			}
		}
	}
	CHECK(a->stats.tx_busy > 100);
	CHECK_EQ(a->stats.tx_errors, 0);
	dp_port_tick(a, 1);
	dp_port_free(a);
	close(fd);
}

static void test_nobody_there_is_lost_and_a_restarted_peer_is_found(void)
{
	struct dp_dgram_cfg ca = cfg_of(true);
	struct dp_port *a = dp_port_dgram_new(&ca);
	struct test_frame t;
	int fd = raw_end();
	uint8_t buf[256];

	learn_b(a, fd);
	close(fd);
	CHECK_EQ(test_tx1(a, test_frame_v4(&t, 1, 64), 0), 1); /* ECONNREFUSED */
	CHECK_EQ(a->stats.tx_errors, 1);
	unlink(path_b);
	CHECK_EQ(test_tx1(a, test_frame_v4(&t, 2, 64), 0), 1); /* ENOENT */
	CHECK_EQ(a->stats.tx_errors, 2);
	fd = raw_end();
	CHECK_EQ(test_tx1(a, test_frame_v4(&t, 3, 64), 0), 1);
	CHECK(recv(fd, buf, sizeof(buf), 0) == 42 + 64);
	t.f.len = 2000;
	CHECK_EQ(test_tx1(a, &t.f, 0), 1);
	CHECK_EQ(a->stats.tx_errors, 3);
	close(fd);
	dp_port_free(a);
}

static void test_unanswered_address_fails(void)
{
	struct dp_dgram_cfg ca = cfg_of(true);
	struct dp_port *a = dp_port_dgram_new(&ca);
	struct dp_neigh_stats ns;
	struct test_frame t;
	int i;

	CHECK_EQ(test_tx1(a, test_frame_v4(&t, 1, 64), 0), 1);
	for (i = 1; i <= 3; i++) {
		CHECK_EQ(dp_port_next_ps(a), (uint64_t)i * DP_SEC);
		dp_port_tick(a, (uint64_t)i * DP_SEC);
	}
	dp_port_dgram_neigh_stats(a, &ns);
	CHECK_EQ(ns.failed, 1);
	CHECK_EQ(ns.wait_dropped, 1);
	dp_port_free(a);
}

static void test_paths(void)
{
	struct dp_dgram_cfg ca = cfg_of(true), bad;
	struct dp_port *a = dp_port_dgram_new(&ca);
	char name[200];
	FILE *f;
	int fd;

	CHECK(a != NULL);
	errno = 0;
	CHECK(!dp_port_dgram_new(&ca) && errno == EADDRINUSE); /* a living one is not robbed */
	CHECK(access(path_a, F_OK) == 0);
	dp_port_free(a);
	/* A dead one is replaced. */
	fd = raw_end();
	close(fd);
	ca = cfg_of(false);
	a = dp_port_dgram_new(&ca);
	CHECK(a != NULL);
	dp_port_free(a);
	/* A file that is no socket is left alone. */
	f = fopen(path_b, "w");
	CHECK(f != NULL);
	fclose(f);
	CHECK(!dp_port_dgram_new(&ca));
	CHECK(access(path_b, F_OK) == 0);
	unlink(path_b);
	memset(name, 'x', sizeof(name));
	name[199] = 0;
	bad = ca;
	bad.local_path = name;
	errno = 0;
	CHECK(!dp_port_dgram_new(&bad) && errno == EINVAL);
	bad = ca;
	bad.mtu = 100;
	CHECK(!dp_port_dgram_new(&bad));
	bad = ca;
	bad.vlan_id = 5; /* without tag */
	CHECK(!dp_port_dgram_new(&bad));
	bad = ca;
	bad.nip = 0;
	CHECK(!dp_port_dgram_new(&bad));
	bad = ca;
	bad.remote_path = "";
	CHECK(!dp_port_dgram_new(&bad));
	CHECK(!dp_port_dgram_new(NULL));
	CHECK(access(path_b, F_OK) != 0);
}

int main(void)
{
	strcpy(dir, "/tmp/test_port_dgram.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(path_a, sizeof(path_a), "%s/a", dir);
	snprintf(path_b, sizeof(path_b), "%s/b", dir);
	test_two_ports_find_each_other(false, false);
	test_two_ports_find_each_other(false, true);
	test_two_ports_find_each_other(true, false);
	test_bytes_on_the_medium(false);
	test_bytes_on_the_medium(true);
	test_what_is_not_for_us_is_counted();
	test_pfc_frames_are_for_a_port_that_knows_its_rate();
	test_full_receiver_is_busy_and_nothing_is_lost_or_doubled();
	test_nobody_there_is_lost_and_a_restarted_peer_is_found();
	test_unanswered_address_fails();
	test_paths();
	unlink(path_a);
	unlink(path_b);
	rmdir(dir);
	return check_done();
}
