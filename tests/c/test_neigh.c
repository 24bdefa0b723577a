/* The neighbour core as scripts of frames with their times. A peer is a second core with its own addresses. */
#include "datapath/csrc/neigh.h"
#include "tests/c/check.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb}, mac_c[6] = {2, 0, 0, 0, 0, 0xc};
static const struct dp_ip a4 = {{[10] = 255, 255, 10, 0, 0, 1}}, b4 = {{[10] = 255, 255, 10, 0, 0, 2}};
static const struct dp_ip a6 = {{0xfd, [15] = 1}}, b6 = {{0xfd, [13] = 0x12, 0x34, 2}};
static const struct dp_ip a_local = {{0xfe, 0x80, [15] = 1}}, b_local = {{0xfe, 0x80, [15] = 2}};

static struct dp_neigh *core(const uint8_t *mac, struct dp_ip v4, struct dp_ip v6, struct dp_ip local)
{
	struct dp_neigh_cfg cfg = {.nip = 3, .ip = {v4, v6, local}, .max_entries = 8, .max_waiting = 4};

	memcpy(cfg.mac, mac, 6);
	return dp_neigh_new(&cfg);
}

/* Moves one frame; its length, 0: there was none. A frame for another MAC is seen and ignored. */
static size_t move(struct dp_neigh *from, struct dp_neigh *to, uint64_t now_ps)
{
	uint8_t prio, copy[200];
	size_t len;
	const uint8_t *f = dp_neigh_peek(from, &len, &prio);

	if (!f)
		return 0;
	memcpy(copy, f, len);
	dp_neigh_pop(from);
	if (to)
		dp_neigh_rx(to, copy, len, now_ps);
	return len;
}

static void resolve_with_peer(struct dp_ip ip, const uint8_t *group, uint8_t type)
{
	struct dp_neigh *a = core(mac_a, a4, a6, a_local), *b = core(mac_b, b4, b6, b_local);
	uint8_t mac[6] = {0}, prio, *w;
	const uint8_t *f;
	size_t len;

	CHECK_EQ(dp_neigh_resolve(a, &ip, mac, 0), DP_NEIGH_PENDING);
	CHECK_EQ(dp_neigh_resolve(a, &ip, mac, 5), DP_NEIGH_PENDING);
	w = dp_neigh_wait(a, &ip, 64, 3);
	if (CHECK(w != NULL))
		memset(w, 0x77, 64);
	f = dp_neigh_peek(a, &len, &prio);
	if (CHECK(f != NULL)) {
		CHECK(memcmp(f, group, 6) == 0 && memcmp(f + 6, mac_a, 6) == 0);
		CHECK_EQ(f[13], type);
	}
	CHECK(move(a, b, 10) > 0);
	CHECK(dp_neigh_peek(a, &len, &prio) == NULL); /* one request, however often asked */
	CHECK_EQ(dp_neigh_count(b), 0);               /* a request makes no entry */
	CHECK(move(b, a, 20) > 0);
	CHECK_EQ(dp_neigh_resolve(a, &ip, mac, 30), DP_NEIGH_OK);
	CHECK(memcmp(mac, mac_b, 6) == 0);
	f = dp_neigh_peek(a, &len, &prio);
	if (CHECK(f != NULL)) { /* what waited goes now */
		CHECK(memcmp(f, mac_b, 6) == 0);
		CHECK_EQ(f[6], 0x77);
		CHECK_EQ(len, 64);
		CHECK_EQ(prio, 3);
	}
	CHECK(move(a, NULL, 0) > 0);
	/* 30 s later the address still works, and is probed, to the peer alone. */
	CHECK_EQ(dp_neigh_next_ps(a), 20 + 30 * DP_SEC);
	dp_neigh_tick(a, 20 + 30 * DP_SEC);
	CHECK(dp_neigh_peek(a, &len, &prio) == NULL);
	CHECK_EQ(dp_neigh_next_ps(a), DP_NEVER);
	CHECK_EQ(dp_neigh_resolve(a, &ip, mac, 40 * DP_SEC), DP_NEIGH_OK);
	f = dp_neigh_peek(a, &len, &prio);
	CHECK(f && memcmp(f, mac_b, 6) == 0);
	CHECK(move(a, b, 40 * DP_SEC) > 0 && move(b, a, 40 * DP_SEC) > 0);
	CHECK_EQ(dp_neigh_next_ps(a), 70 * DP_SEC);
	/* The next probes stay unanswered: three, then the address is forgotten. */
	dp_neigh_tick(a, 70 * DP_SEC);
	CHECK_EQ(dp_neigh_resolve(a, &ip, mac, 80 * DP_SEC), DP_NEIGH_OK);
	dp_neigh_tick(a, 81 * DP_SEC);
	dp_neigh_tick(a, 82 * DP_SEC);
	CHECK_EQ(dp_neigh_count(a), 1);
	dp_neigh_tick(a, 83 * DP_SEC);
	CHECK_EQ(dp_neigh_count(a), 0);
	CHECK(move(a, NULL, 0) && move(a, NULL, 0) && move(a, NULL, 0) && !move(a, NULL, 0));
	CHECK_EQ(dp_neigh_get_stats(a)->malformed + dp_neigh_get_stats(b)->malformed, 0);
	dp_neigh_free(a);
	dp_neigh_free(b);
}

static void test_no_answer_fails_after_three(void)
{
	struct dp_neigh *a = core(mac_a, a4, a6, a_local);
	uint8_t mac[6];
	int i;

	CHECK_EQ(dp_neigh_resolve(a, &b4, mac, 0), DP_NEIGH_PENDING);
	CHECK(dp_neigh_wait(a, &b4, 64, 0) != NULL);
	for (i = 1; i <= 3; i++) {
		CHECK(move(a, NULL, 0) > 0);
		CHECK_EQ(dp_neigh_next_ps(a), (uint64_t)i * DP_SEC);
		CHECK_EQ(dp_neigh_resolve(a, &b4, mac, (uint64_t)i * DP_SEC), DP_NEIGH_PENDING);
		dp_neigh_tick(a, (uint64_t)i * DP_SEC);
	}
	CHECK(move(a, NULL, 0) == 0);
	CHECK_EQ(dp_neigh_resolve(a, &b4, mac, 3 * DP_SEC), DP_NEIGH_FAILED);
	CHECK(dp_neigh_wait(a, &b4, 64, 0) == NULL);
	CHECK_EQ(dp_neigh_get_stats(a)->failed, 1);
	CHECK_EQ(dp_neigh_get_stats(a)->wait_dropped, 2);
	/* A second later it is asked for anew. */
	dp_neigh_tick(a, 4 * DP_SEC);
	CHECK_EQ(dp_neigh_resolve(a, &b4, mac, 4 * DP_SEC), DP_NEIGH_PENDING);
	dp_neigh_free(a);
}

static void test_multicast_is_mapped(void)
{
	struct dp_ip g4 = {{[10] = 255, 255, 239, 0x81, 2, 3}}, all = {{[10] = 255, 255, 255, 255, 255, 255}};
	struct dp_ip g6 = {{0xff, 2, [12] = 9, 8, 7, 6}};
	struct dp_neigh *a = core(mac_a, a4, a6, a_local);
	uint8_t mac[6];

	CHECK_EQ(dp_neigh_resolve(a, &g4, mac, 0), DP_NEIGH_OK);
	CHECK(memcmp(mac, "\1\0\x5e\1\2\3", 6) == 0);
	CHECK_EQ(dp_neigh_resolve(a, &g6, mac, 0), DP_NEIGH_OK);
	CHECK(memcmp(mac, "\x33\x33\x9\x8\x7\x6", 6) == 0);
	CHECK_EQ(dp_neigh_resolve(a, &all, mac, 0), DP_NEIGH_OK);
	CHECK(memcmp(mac, "\xff\xff\xff\xff\xff\xff", 6) == 0);
	CHECK_EQ(dp_neigh_resolve(a, &a4, mac, 0), DP_NEIGH_OK);
	CHECK(memcmp(mac, mac_a, 6) == 0);
	dp_neigh_free(a);
}

static void arp(uint8_t f[42], const uint8_t *dst, uint8_t op, const uint8_t *mac, struct dp_ip sender,
		struct dp_ip target)
{
	memset(f, 0, 42);
	memcpy(f, dst, 6);
	memcpy(f + 6, mac, 6);
	memcpy(f + 12, "\x08\x06\0\1\x08\0\6\4\0", 9);
	f[21] = op;
	memcpy(f + 22, mac, 6);
	memcpy(f + 28, sender.b + 12, 4);
	memcpy(f + 38, target.b + 12, 4);
}

static void test_gratuitous_updates_only_what_is_known(void)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
	struct dp_neigh *a = core(mac_a, a4, a6, a_local), *b = core(mac_b, b4, b6, b_local);
	uint8_t f[42], mac[6];

	arp(f, all, 2, mac_c, b4, b4);
	CHECK(dp_neigh_rx(a, f, sizeof(f), 0));
	CHECK_EQ(dp_neigh_count(a), 0);
	CHECK_EQ(dp_neigh_get_stats(a)->unknown, 1);
	dp_neigh_resolve(a, &b4, mac, 0);
	move(a, b, 0);
	move(b, a, 0);
	CHECK(dp_neigh_rx(a, f, sizeof(f), 1));
	CHECK_EQ(dp_neigh_resolve(a, &b4, mac, 2), DP_NEIGH_OK);
	CHECK(memcmp(mac, mac_c, 6) == 0);
	CHECK(move(a, NULL, 0) > 0); /* believed, but verified at once */
	/* Somebody who claims to be us is not answered and not believed. */
	arp(f, all, 1, mac_c, a4, a4);
	CHECK(dp_neigh_rx(a, f, sizeof(f), 3));
	CHECK_EQ(dp_neigh_get_stats(a)->conflicts, 1);
	CHECK(move(a, NULL, 0) == 0);
	/* An address probe (RFC 5227) has no sender address, and is answered. */
	arp(f, all, 1, mac_c, (struct dp_ip){{[10] = 255, 255}}, a4);
	CHECK(dp_neigh_rx(a, f, sizeof(f), 4));
	CHECK(move(a, NULL, 0) > 0);
	dp_neigh_free(a);
	dp_neigh_free(b);
}

static void test_malformed_arp_is_counted(void)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {{15, 2}, {17, 1}, {18, 5}, {19, 6}, {21, 3}, {22, 1}, {28, 224}};
	struct dp_neigh *a = core(mac_a, a4, a6, a_local);
	uint8_t f[42];
	size_t i;

	for (i = 0; i < DP_ARRAY_SIZE(bad); i++) {
		arp(f, all, 1, mac_c, b4, a4);
		f[bad[i].at] = bad[i].value;
		CHECK(dp_neigh_rx(a, f, sizeof(f), 0));
		CHECK_EQ(dp_neigh_get_stats(a)->malformed, i + 1);
	}
	arp(f, all, 1, mac_c, b4, a4);
	CHECK(dp_neigh_rx(a, f, 41, 0));
	CHECK_EQ(dp_neigh_get_stats(a)->malformed, i + 1);
	CHECK(move(a, NULL, 0) == 0);
	CHECK(!dp_neigh_rx(a, f, 13, 0));
	arp(f, mac_b, 1, mac_c, b4, a4); /* not to us */
	CHECK(dp_neigh_rx(a, f, 42, 0));
	CHECK(move(a, NULL, 0) == 0);
	dp_neigh_free(a);
}

/* A valid solicitation of a for b, from b's view; tests break one byte each. */
static size_t solicit(uint8_t f[200])
{
	struct dp_neigh *b = core(mac_b, b4, b6, b_local);
	uint8_t mac[6], prio;
	size_t len = 0;
	const uint8_t *p;

	dp_neigh_resolve(b, &a6, mac, 0);
	p = dp_neigh_peek(b, &len, &prio);
	memcpy(f, p, len);
	dp_neigh_free(b);
	return len;
}

/* Sum over the pseudo header and message by definition, to keep the broken ones otherwise valid. */
static void fix_checksum(uint8_t *f, size_t len)
{
	uint32_t sum = 58 + (uint32_t)(len - 54);
	size_t i;

	f[56] = f[57] = 0;
	for (i = 22; i < len; i++)
		sum += i % 2 ? f[i] : (uint32_t)f[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	dp_put_be16(f + 56, (uint16_t)~sum);
}

static void test_malformed_neighbour_messages_are_counted(void)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{21, 254}, {55, 1}, {79, 0}, {79, 2}, {62, 0xff}, {22, 0xff}, {6, 3}, {80, 1},
	};
	struct dp_neigh *a = core(mac_a, a4, a6, a_local);
	uint8_t f[200], copy[200];
	size_t len = solicit(f), i;

	CHECK_EQ(len, 86);
	memcpy(copy, f, len);
	fix_checksum(copy, len);
	CHECK(memcmp(copy, f, len) == 0);
	for (i = 0; i < DP_ARRAY_SIZE(bad); i++) {
		memcpy(copy, f, len);
		copy[bad[i].at] = bad[i].value;
		fix_checksum(copy, len);
		CHECK(dp_neigh_rx(a, copy, len, 0));
		CHECK_EQ(dp_neigh_get_stats(a)->malformed, i + 1);
	}
	memcpy(copy, f, len);
	copy[70] ^= 1; /* checksum */
	CHECK(dp_neigh_rx(a, copy, len, 0));
	CHECK(dp_neigh_rx(a, f, len - 1, 0));
	CHECK_EQ(dp_neigh_get_stats(a)->malformed, i + 2);
	CHECK(move(a, NULL, 0) == 0);
	CHECK(dp_neigh_rx(a, f, len, 0));
	CHECK(move(a, NULL, 0) > 0);
	copy[54] = 128; /* echo: not ours */
	CHECK(!dp_neigh_rx(a, copy, len, 0));
	dp_neigh_free(a);
}

static void test_duplicate_address_probe_is_answered_to_all(void)
{
	struct dp_neigh *a = core(mac_a, a4, a6, a_local);
	uint8_t f[200], prio;
	const uint8_t *r;
	size_t len;

	solicit(f);
	memset(f + 22, 0, 16);
	fix_checksum(f, 86);
	CHECK(dp_neigh_rx(a, f, 86, 0)); /* with a source address option: malformed */
	CHECK_EQ(dp_neigh_get_stats(a)->malformed, 1);
	dp_put_be16(f + 18, 24);
	fix_checksum(f, 78);
	CHECK(dp_neigh_rx(a, f, 78, 0));
	r = dp_neigh_peek(a, &len, &prio);
	if (CHECK(r != NULL)) {
		CHECK(memcmp(r, "\x33\x33\0\0\0\1", 6) == 0);
		CHECK_EQ(r[54], 136);
		CHECK_EQ(r[58], 0x20); /* not solicited, override */
	}
	dp_neigh_free(a);
}

static void test_advert_without_override_changes_nothing(void)
{
	struct dp_neigh *a = core(mac_a, a4, a6, a_local), *b = core(mac_b, b4, b6, b_local);
	uint8_t mac[6], prio, f[200];
	const uint8_t *r;
	size_t len;

	dp_neigh_resolve(a, &b6, mac, 0);
	move(a, b, 0);
	r = dp_neigh_peek(b, &len, &prio);
	memcpy(f, r, len);
	CHECK(dp_neigh_rx(a, f, len, 0));
	memcpy(f + 80, mac_c, 6);
	f[58] = 0x40;
	fix_checksum(f, len);
	CHECK(dp_neigh_rx(a, f, len, 1));
	CHECK_EQ(dp_neigh_resolve(a, &b6, mac, 2), DP_NEIGH_OK);
	CHECK(memcmp(mac, mac_b, 6) == 0);
	CHECK(move(a, NULL, 0) > 0); /* but it is doubted: probed */
	f[58] = 0x60;
	fix_checksum(f, len);
	CHECK(dp_neigh_rx(a, f, len, 3));
	CHECK_EQ(dp_neigh_resolve(a, &b6, mac, 4), DP_NEIGH_OK);
	CHECK(memcmp(mac, mac_c, 6) == 0);
	dp_neigh_free(a);
	dp_neigh_free(b);
}

static void test_bounds(void)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
	struct dp_neigh *a = core(mac_a, a4, a6, a_local);
	uint8_t f[42], mac[6];
	struct dp_ip ip = b4;
	int i;

	/* Eight are being asked for: the ninth has no place. */
	for (i = 0; i < 8; i++) {
		ip.b[15] = (uint8_t)(10 + i);
		CHECK_EQ(dp_neigh_resolve(a, &ip, mac, 0), DP_NEIGH_PENDING);
	}
	CHECK_EQ(dp_neigh_resolve(a, &b4, mac, 0), DP_NEIGH_FAILED);
	CHECK_EQ(dp_neigh_get_stats(a)->table_full, 1);
	for (i = 0; i < 6; i++)
		CHECK((dp_neigh_wait(a, &ip, 64, 0) != NULL) == (i < 4));
	/* One of them answers: it may go when place is needed. */
	ip.b[15] = 12;
	arp(f, mac_a, 2, mac_c, ip, a4);
	CHECK(dp_neigh_rx(a, f, sizeof(f), 0));
	CHECK_EQ(dp_neigh_resolve(a, &b4, mac, 0), DP_NEIGH_PENDING);
	CHECK_EQ(dp_neigh_count(a), 8);
	/* A flood of requests makes a bounded queue of replies. */
	arp(f, all, 1, mac_c, b4, a4);
	for (i = 0; i < 1000; i++)
		dp_neigh_rx(a, f, sizeof(f), 0);
	CHECK_EQ(dp_neigh_get_stats(a)->replies, 64);
	CHECK_EQ(dp_neigh_get_stats(a)->reply_dropped, 936);
	dp_neigh_free(a);
}

static void test_bad_arguments(void)
{
	struct dp_neigh_cfg cfg = {.mac = {2, 0, 0, 0, 0, 1}, .nip = 1, .ip = {a4}}, bad;

	CHECK(!dp_neigh_new(NULL));
	bad = cfg;
	bad.mac[0] = 1;
	CHECK(!dp_neigh_new(&bad));
	bad = cfg;
	bad.nip = 17;
	CHECK(!dp_neigh_new(&bad));
	bad = cfg;
	bad.nip = 0;
	CHECK(!dp_neigh_new(&bad));
	bad = cfg;
	bad.ip[0].b[12] = 224;
	errno = 0;
	CHECK(!dp_neigh_new(&bad) && errno == EINVAL);
	dp_neigh_free(NULL);
}

int main(void)
{
	resolve_with_peer(b4, (const uint8_t *)"\xff\xff\xff\xff\xff\xff", 0x06);
	resolve_with_peer(b6, (const uint8_t *)"\x33\x33\xff\x12\x34\x02", 0xdd);
	resolve_with_peer(b_local, (const uint8_t *)"\x33\x33\xff\0\0\x02", 0xdd);
	test_no_answer_fails_after_three();
	test_multicast_is_mapped();
	test_gratuitous_updates_only_what_is_known();
	test_malformed_arp_is_counted();
	test_malformed_neighbour_messages_are_counted();
	test_duplicate_address_probe_is_answered_to_all();
	test_advert_without_override_changes_nothing();
	test_bounds();
	test_bad_arguments();
	return check_done();
}
