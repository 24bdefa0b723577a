/* The capture: each block read back byte by byte, and that a full disk stops the capture, not the traffic. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include <unistd.h>

#include "datapath/csrc/port_pcap.h"
#include "tests/c/check.h"
#include "tests/c/frames.h"

#define BASE_NS 1700000000123456789ULL

static size_t read_file(const char *path, uint8_t *buf, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(buf, 1, cap, f) : 0;

	if (f)
		fclose(f);
	return n;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The nth block; length 0 when there is none. Checks the framing on the way. */
static const uint8_t *block(const uint8_t *buf, size_t len, int n, uint32_t *block_len)
{
	size_t at = 0;

	for (; at + 12 <= len; at += *block_len) {
		*block_len = get32(buf + at + 4);
		if (!CHECK(*block_len >= 12 && *block_len % 4 == 0 && at + *block_len <= len))
			break;
		CHECK_EQ(get32(buf + at + *block_len - 4), *block_len);
		if (n-- == 0)
			return buf + at;
	}
	*block_len = 0;
	return buf;
}

static void test_blocks(const char *path, uint32_t snaplen)
{
	static uint8_t buf[1 << 16];
	static const uint8_t eth[14] = {2, 0, 10, 0, 0, 2, 2, 0, 10, 0, 0, 1, 8, 0};
	uint32_t len, kept = snaplen ? DP_MIN(snaplen, 14 + 28 + 61) : 14 + 28 + 61, pad = -kept & 3;
	struct dp_port *a, *b, *p;
	struct test_frame t;
	const uint8_t *at;
	size_t total;
	uint64_t ns;

	CHECK_EQ(dp_port_mem_pair(4, 0, &a, &b), 0);
	p = dp_port_pcap_new(a, path, BASE_NS, snaplen, "dpu0");
	if (!CHECK(p != NULL))
		return;
	test_frame_v4(&t, 77, 61);
	CHECK_EQ(test_tx1(p, &t.f, 5 * DP_US + 999), 1);
	CHECK_EQ(test_tx1(b, &t.f, 0), 1);
	CHECK(test_rx1(p, 7 * DP_SEC) != NULL);
	CHECK_EQ(dp_port_pcap_frames(p), 2);
	CHECK_EQ(dp_port_pcap_flush(p), 0);
	total = read_file(path, buf, sizeof(buf));
	at = block(buf, total, 0, &len);
	CHECK_EQ(get32(at), 0x0A0D0D0A);
	CHECK_EQ(get32(at + 8), 0x1A2B3C4D);
	at = block(buf, total, 1, &len);
	CHECK_EQ(get32(at), 1);
	CHECK_EQ(get32(at + 8), 1);
	CHECK_EQ(get32(at + 12), snaplen);
	CHECK(memcmp(at + 16, "\2\0\4\0dpu0\11\0\1\0\11\0\0\0\0\0\0\0", 20) == 0);
	at = block(buf, total, 2, &len);
	CHECK_EQ(get32(at), 6);
	CHECK_EQ(len, 44 + kept + pad);
	ns = (uint64_t)get32(at + 12) << 32 | get32(at + 16);
	CHECK_EQ(ns, BASE_NS + 5000);
	CHECK_EQ(get32(at + 20), kept);
	CHECK_EQ(get32(at + 24), 14 + 28 + 61);
	CHECK(memcmp(at + 28, eth, DP_MIN(kept, 14U)) == 0);
	if (!snaplen) {
		CHECK(memcmp(at + 42, t.f.l3, 28) == 0);
		CHECK(memcmp(at + 70, t.data, 61) == 0);
	}
	CHECK(memcmp(at + 28 + kept + pad, "\2\0\4\0\2\0\0\0\0\0\0\0", 12) == 0);
	at = block(buf, total, 3, &len);
	CHECK_EQ((uint64_t)get32(at + 12) << 32 | get32(at + 16), BASE_NS + 7000000000);
	CHECK(memcmp(at + 28 + kept + pad, "\2\0\4\0\1\0\0\0\0\0\0\0", 12) == 0);
	block(buf, total, 4, &len);
	CHECK_EQ(len, 0);
	dp_port_free(p);
	dp_port_free(b);
	CHECK_EQ(read_file(path, buf, sizeof(buf)), total);
}

static void test_ipv6_and_many_frames(const char *path)
{
	static uint8_t buf[1 << 20];
	struct dp_port *a, *b, *p;
	struct test_frame t;
	const uint8_t *at;
	struct dp_frame *r;
	uint32_t len;
	int i;

	CHECK_EQ(dp_port_mem_pair(4, 0, &a, &b), 0);
	p = dp_port_pcap_new(a, path, BASE_NS, 0, NULL);
	test_frame_v4(&t, 1, 600);
	memset(t.f.l3, 0, 48);
	t.f.l3[0] = 0x60;
	t.f.l3[4] = 608 >> 8;
	t.f.l3[5] = 608 & 255;
	t.f.l3[6] = 17;
	memcpy(t.f.l3 + 8, "\xfd\0\0\0\0\0\0\0\0\0\0\0\1\2\3\4\xff\2\0\0\0\0\0\0\0\0\0\0\5\6\7\x8", 32);
	memcpy(t.f.l3 + 40, "\x12\xb7\x12\xb7\x02\x60", 6);
	t.f.l3_len = 48;
	for (i = 0; i < 1000; i++) {
		CHECK_EQ(test_tx1(p, &t.f, (uint64_t)i), 1);
		CHECK_EQ(dp_port_rx(b, &r, 1, DP_SEC), 1);
	}
	dp_port_free(p);
	dp_port_free(b);
	at = block(buf, read_file(path, buf, sizeof(buf)), 1001, &len);
	CHECK_EQ(len, 44 + 664);
	CHECK(memcmp(at + 28, "\x33\x33\5\6\7\x8\6\0\1\2\3\4\x86\xdd", 14) == 0);
}

/* A receiver may correct what a port predicted: the capture shows the header as he leaves it, in order. */
static void test_received_frame_is_written_as_the_receiver_leaves_it(const char *path)
{
	static uint8_t buf[4096];
	struct dp_port *a, *b, *p;
	struct test_frame t;
	struct dp_frame *r;
	const uint8_t *at;
	uint32_t len;
	size_t total;

	CHECK_EQ(dp_port_mem_pair(4, 0, &a, &b), 0);
	p = dp_port_pcap_new(a, path, BASE_NS, 0, NULL);
	test_frame_v4(&t, 1, 60);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(test_tx1(b, &t.f, 0), 1);
		r = test_rx1(p, DP_SEC);
		CHECK_EQ(dp_port_pcap_frames(p), 2 * i + 1);
		dp_put_be16(r->l3 + 4, (uint16_t)(0x1230 + i));
		CHECK_EQ(test_tx1(p, &t.f, DP_SEC), 1);
	}
	CHECK_EQ(dp_port_pcap_flush(p), 0);
	total = read_file(path, buf, sizeof(buf));
	for (int i = 0; i < 4; i++) {
		at = block(buf, total, 2 + i, &len);
		CHECK_EQ(dp_get_be16(at + 28 + 14 + 4), i % 2 ? dp_get_be16(t.f.l3 + 4) : 0x1230 + i / 2);
	}
	dp_port_free(p);
	dp_port_free(b);
}

static void test_full_disk_stops_the_capture_only(void)
{
	struct dp_port *a, *b, *p;
	struct test_frame t;
	struct dp_frame *r;
	int i;

	CHECK_EQ(dp_port_mem_pair(4, 0, &a, &b), 0);
	p = dp_port_pcap_new(a, "/dev/full", 0, 0, NULL);
	if (!CHECK(p != NULL))
		return;
	test_frame_v4(&t, 1, 1000);
	for (i = 0; i < 1000; i++) {
		CHECK_EQ(test_tx1(p, &t.f, 0), 1);
		CHECK_EQ(dp_port_rx(b, &r, 1, 0), 1);
	}
	CHECK_EQ(dp_port_pcap_error(p), ENOSPC);
	CHECK_EQ(dp_port_pcap_flush(p), -ENOSPC);
	CHECK(dp_port_pcap_lost(p) > 700);
	CHECK_EQ(dp_port_pcap_lost(p) + dp_port_pcap_frames(p), 1000);
	dp_port_free(p);
	dp_port_free(b);
}

static void test_bad_arguments(void)
{
	struct dp_port *a, *b;

	CHECK_EQ(dp_port_mem_pair(1, 0, &a, &b), 0);
	errno = 0;
	CHECK(!dp_port_pcap_new(a, "/nowhere/at/all.pcapng", 0, 0, NULL) && errno == ENOENT);
	CHECK(!dp_port_pcap_new(a, NULL, 0, 0, NULL) && errno == EINVAL);
	CHECK(!dp_port_pcap_new(NULL, "x", 0, 0, NULL) && errno == EINVAL);
	dp_port_free(a);
	dp_port_free(b);
}

/* With an argument: leaves the captures there, as <argument>, for other programs to read. */
int main(int argc, char **argv)
{
	char path[] = "/tmp/test_port_pcap.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	test_blocks(path, 0);
	test_blocks(path, 60);
	test_blocks(path, 10);
	test_ipv6_and_many_frames(path);
	test_received_frame_is_written_as_the_receiver_leaves_it(path);
	if (argc > 1) {
		test_ipv6_and_many_frames(argv[1]);
		test_blocks(argv[1], 0);
	}
	test_full_disk_stops_the_capture_only();
	test_bad_arguments();
	unlink(path);
	return check_done();
}
