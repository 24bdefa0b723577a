/* The live switch's core in virtual time: addresses, priorities, the pace of a line, CE marks, PFC in and out. */
#include <stdlib.h>

#include "datapath/csrc/frame.h"
#include "datapath/csrc/pfc.h"
#include "dpu_emu/csrc/bridge.h"
#include "tests/c/check.h"

#define RATE      100000000000ULL
#define WIRE(len) (((len) + 24) * 80ULL) /* ps at 100G */

static struct emu_bridge_cfg base_cfg(void)
{
	struct emu_bridge_cfg cfg = {
		.tm = {.nports = 3, .cell_bytes = 1, .quantum_bytes = 1500, .buffer_bytes = 200000},
		.rate_bps = RATE,
		.frame_bytes = 1600,
		.overhead_bytes = 24,
		.mac = {2, 0, 0, 0, 0, 0xff}};

	cfg.tm.cls[0] = (struct dp_tm_class){.weight = 1, .ingress_alpha_e6 = 1000000};
	cfg.tm.cls[3] = (struct dp_tm_class){.lossless = 1, .weight = 1, .xoff_bytes = 10000, .headroom_bytes = 20000};
	cfg.tm.cls[6] = (struct dp_tm_class){.strict = 1, .ingress_alpha_e6 = 1000000};
	cfg.dscp_prio[26] = 3;
	cfg.dscp_prio[48] = 6;
	return cfg;
}

static struct emu_bridge *make(const struct emu_bridge_cfg *cfg)
{
	char error[200] = "";
	struct emu_bridge *b = emu_bridge_new(cfg, error, sizeof(error));

	CHECK_STR(error, "");
	return b;
}

static const uint8_t *frame_of(uint8_t from, uint8_t to, uint8_t tos)
{
	static uint8_t f[1600];

	memset(f, 0, sizeof(f));
	memset(f, to == 255 ? 255 : 0, 6);
	f[0] = to == 255 ? 255 : 2;
	f[5] = to;
	f[6] = 2;
	f[11] = from;
	dp_put_be16(f + 12, 0x0800);
	f[14] = 0x45;
	f[15] = tos;
	dp_put_be16(f + 24, dp_ip4_checksum(f + 14));
	return f;
}

/* Length of what is sent at that time, 0 for nothing; the frame's first bytes into `copy`. */
static size_t sent(struct emu_bridge *b, uint32_t port, uint64_t now_ps, uint8_t *copy)
{
	const uint8_t *f;
	size_t len = 0;

	emu_bridge_tick(b, now_ps);
	f = emu_bridge_tx(b, port, &len, now_ps);
	if (!f)
		return 0;
	if (copy)
		memcpy(copy, f, 60);
	emu_bridge_sent(b, port, now_ps);
	return len;
}

static struct emu_bridge_stats stats_of(const struct emu_bridge *b)
{
	struct emu_bridge_stats s;

	emu_bridge_get_stats(b, &s);
	return s;
}

static void test_addresses_are_learnt_and_unknown_ones_flooded(void)
{
	static const uint8_t fixed[6] = {2, 0, 0, 0, 0, 9};
	struct emu_bridge_cfg cfg = base_cfg();
	struct emu_bridge *b = make(&cfg);

	emu_bridge_rx(b, 0, frame_of(1, 2, 0), 100, 0);
	CHECK(sent(b, 1, 0, NULL) == 100 && sent(b, 2, 0, NULL) == 100 && !sent(b, 0, 0, NULL));
	emu_bridge_rx(b, 1, frame_of(2, 1, 0), 100, DP_US);
	CHECK(sent(b, 0, DP_US, NULL) == 100 && !sent(b, 2, DP_US, NULL));
	emu_bridge_rx(b, 0, frame_of(3, 1, 0), 100, 2 * DP_US); /* both at port 0 */
	CHECK_EQ(stats_of(b).filtered, 1);
	emu_bridge_rx(b, 2, frame_of(1, 255, 0), 100, 3 * DP_US); /* 1 has moved */
	CHECK(sent(b, 0, 3 * DP_US, NULL) && sent(b, 1, 3 * DP_US, NULL));
	emu_bridge_rx(b, 1, frame_of(2, 1, 0), 100, 4 * DP_US);
	CHECK(sent(b, 2, 4 * DP_US, NULL) == 100 && !sent(b, 0, 4 * DP_US, NULL));
	CHECK_EQ(emu_bridge_set_address(b, fixed, 2), 0);
	emu_bridge_rx(b, 1, frame_of(9, 255, 0), 100, 5 * DP_US); /* said by another port: stays */
	CHECK(sent(b, 0, 5 * DP_US, NULL) && sent(b, 2, 5 * DP_US, NULL));
	emu_bridge_rx(b, 0, frame_of(3, 9, 0), 100, 6 * DP_US);
	CHECK(sent(b, 2, 6 * DP_US, NULL) == 100 && !sent(b, 1, 6 * DP_US, NULL));
	CHECK_EQ(emu_bridge_set_address(b, fixed, 3), -EINVAL);
	CHECK_EQ(stats_of(b).flooded, 3);
	emu_bridge_free(b);
}

static void test_what_is_not_forwarded_is_counted(void)
{
	struct emu_bridge_cfg cfg = base_cfg();
	struct emu_bridge *b = make(&cfg);
	uint8_t f[100];

	emu_bridge_rx(b, 0, frame_of(1, 2, 0), 13, 0);
	emu_bridge_rx(b, 0, frame_of(1, 2, 0), 1601, 0);
	memcpy(f, frame_of(1, 2, 0), sizeof(f));
	f[6] |= 1;
	emu_bridge_rx(b, 0, f, sizeof(f), 0);
	CHECK_EQ(stats_of(b).invalid, 3);
	memcpy(f, "\x01\x80\xc2\0\0\x0e", 6); /* LLDP */
	f[6] = 2;
	emu_bridge_rx(b, 0, f, sizeof(f), 0);
	CHECK_EQ(stats_of(b).reserved, 1);
	dp_pfc_build(f, &(struct dp_pfc){.enabled = 8});
	emu_bridge_rx(b, 0, f, 20, 0);
	CHECK_EQ(stats_of(b).pfc_bad, 1);
	CHECK(!sent(b, 1, DP_SEC, NULL) && emu_bridge_tx_ps(b, 1) == DP_NEVER);
	emu_bridge_free(b);
}

static void test_a_line_sends_at_its_rate_however_late_its_driver(void)
{
	struct emu_bridge_cfg cfg = base_cfg();
	struct emu_bridge *b;
	uint64_t at = 0, now;
	int i;

	cfg.rate_bps = 3000000000; /* 124 bytes: 330666 2/3 ps */
	b = make(&cfg);
	for (i = 0; i < 31; i++)
		emu_bridge_rx(b, 0, frame_of(1, 255, 0), 100, 0);
	for (i = 0; i < 31; i++) {
		CHECK_EQ(emu_bridge_tx_ps(b, 1), at / 3);
		CHECK(!i || !sent(b, 1, at / 3 - 1, NULL));
		CHECK_EQ(sent(b, 1, at / 3, NULL), 100);
		at += 992000;
	}
	CHECK(!sent(b, 1, at / 3, NULL));
	CHECK_EQ(stats_of(b).late_max_ps, 0);
	/* The driver comes 5 frames late: these leave at once, and the last of all not a bit later. */
	for (i = 0; i < 31 && sent(b, 2, 5 * 330667, NULL); i++)
		;
	CHECK_EQ(i, 5 + 1);
	CHECK_EQ(stats_of(b).late_max_ps, 5 * 330667);
	for (; i < 31; i++)
		CHECK_EQ(sent(b, 2, i * 992000ULL / 3 + 1, NULL), 100);
	/* A line that was idle has saved nothing up. */
	now = DP_MS;
	emu_bridge_rx(b, 0, frame_of(1, 255, 0), 100, now);
	emu_bridge_rx(b, 0, frame_of(1, 255, 0), 100, now);
	CHECK(sent(b, 2, now, NULL) && !sent(b, 2, now + 330665, NULL) && sent(b, 2, now + 330666, NULL));
	emu_bridge_free(b);
}

static void test_priority_by_dscp_or_tag(void)
{
	struct emu_bridge_cfg cfg = base_cfg();
	struct emu_bridge *b = make(&cfg);
	uint8_t f[100], got[60];

	emu_bridge_rx(b, 0, frame_of(1, 255, 0), 100, 0);
	emu_bridge_rx(b, 0, frame_of(1, 255, 48 << 2), 101, 0);
	memcpy(f, frame_of(1, 255, 0), sizeof(f));
	memmove(f + 16, f + 12, sizeof(f) - 16);
	memcpy(f + 12, "\x81\x00\xc0\x00", 4); /* PCP 6 */
	emu_bridge_rx(b, 0, f, 100, 0);
	CHECK_EQ(sent(b, 1, DP_US, NULL), 101);
	CHECK_EQ(sent(b, 1, DP_US, got), 100);
	CHECK_EQ(got[12], 0x81);
	CHECK_EQ(sent(b, 1, DP_US, got), 100);
	CHECK_EQ(got[12], 0x08);
	emu_bridge_free(b);
}

static void test_ce_is_set_with_the_checksum(void)
{
	struct emu_bridge_cfg cfg = base_cfg();
	struct emu_bridge *b;
	uint8_t got[60], f[100];

	for (int ecn = 1; ecn <= 2; ecn++) {
		cfg.tm.cls[3].ecn = (uint8_t)ecn;
		cfg.tm.cls[3].ecn_kmin_bytes = cfg.tm.cls[3].ecn_kmax_bytes = 50;
		b = make(&cfg);
		for (int i = 0; i < 4; i++)
			emu_bridge_rx(b, 0, frame_of(1, 255, (uint8_t)(26 << 2 | i)), 100, 0);
		memset(f, 0, sizeof(f));
		memcpy(f, frame_of(1, 255, 0), 12);
		memcpy(f + 12, "\x86\xdd\x66\xa0", 4); /* IPv6, DSCP 26, ECT(0) */
		emu_bridge_rx(b, 0, f, sizeof(f), 0);
		emu_bridge_rx(b, 0, f, sizeof(f), 0);
		for (int i = 0; i < 4; i++) {
			bool ect = i == 1 || i == 2, deep = ecn == 2 || i > 0;

			CHECK_EQ(sent(b, 1, DP_US, got), 100);
			CHECK_EQ(got[15], 26 << 2 | (ect && deep ? 3 : i));
			CHECK_EQ(dp_get_be16(got + 24), dp_ip4_checksum(got + 14));
		}
		CHECK_EQ(sent(b, 1, DP_US, got), 100);
		CHECK_EQ(dp_get_be16(got + 14), 0x66b0);
		CHECK_EQ(stats_of(b).marked, (ecn == 1 ? 8 : 3)); /* on two ports; at dequeue only what has left */
		emu_bridge_free(b);
	}
}

static void test_pfc_goes_out_before_data_and_is_said_again(void)
{
	struct emu_bridge_cfg cfg = base_cfg();
	struct emu_bridge *b = make(&cfg);
	uint64_t now = 0, refresh_ps = dp_pfc_quanta_ps(65535, RATE) / 2;
	struct dp_pfc pfc;
	uint8_t got[60];
	int i;

	emu_bridge_set_address(b, (const uint8_t[]){2, 0, 0, 0, 0, 2}, 1);
	emu_bridge_rx(b, 1, frame_of(2, 1, 26 << 2), 1000, 0); /* floods: something waits at port 0 */
	for (i = 0; i < 10; i++)
		emu_bridge_rx(b, 0, frame_of(1, 2, 26 << 2), 1000, 0);
	CHECK_EQ(sent(b, 0, 0, got), 60);
	CHECK_EQ(dp_pfc_parse(got, 60, cfg.mac, &pfc), DP_PFC_OK);
	CHECK(pfc.enabled == 8 && pfc.quanta[3] == 65535 && !memcmp(pfc.src, cfg.mac, 6));
	CHECK_EQ(sent(b, 0, WIRE(60) - 1, NULL), 0);
	CHECK_EQ(sent(b, 0, WIRE(60), NULL), 1000);
	CHECK_EQ(emu_bridge_next_ps(b), refresh_ps);
	CHECK_EQ(sent(b, 0, refresh_ps, got), 60);
	CHECK_EQ(dp_pfc_parse(got, 60, cfg.mac, &pfc), DP_PFC_OK);
	CHECK_EQ(pfc.enabled, 8);
	/* Below Xon: resumed by a time of zero. */
	for (now = refresh_ps, i = 0; i < 1; i++, now += WIRE(1000))
		CHECK_EQ(sent(b, 1, now, NULL), 1000);
	CHECK_EQ(sent(b, 0, now, got), 60);
	CHECK_EQ(dp_pfc_parse(got, 60, cfg.mac, &pfc), DP_PFC_OK);
	CHECK(pfc.enabled == 8 && pfc.quanta[3] == 0);
	CHECK_EQ(emu_bridge_next_ps(b), DP_NEVER);
	CHECK_EQ(stats_of(b).pfc_tx, 3);
	CHECK_EQ(emu_bridge_tm_stats(b)->drops[DP_TM_DROP_HEADROOM], 0);
	emu_bridge_free(b);
}

static void test_pfc_that_comes_holds_its_priority(void)
{
	struct dp_pfc pfc = {.src = {2, 0, 0, 0, 0, 2}, .enabled = 8, .quanta = {0, 0, 0, 1000}};
	uint64_t pause_ps = dp_pfc_quanta_ps(1000, RATE);
	struct emu_bridge_cfg cfg = base_cfg();
	struct emu_bridge *b = make(&cfg);
	uint8_t f[DP_PFC_FRAME_BYTES];

	dp_pfc_build(f, &pfc);
	emu_bridge_rx(b, 1, f, sizeof(f), 0);
	emu_bridge_rx(b, 0, frame_of(1, 255, 26 << 2), 1000, 0);
	emu_bridge_rx(b, 0, frame_of(1, 255, 26 << 2), 1000, 0);
	emu_bridge_rx(b, 0, frame_of(1, 255, 0), 500, 0);
	CHECK_EQ(sent(b, 1, 0, NULL), 500);
	CHECK_EQ(sent(b, 1, pause_ps - 1, NULL), 0);
	CHECK_EQ(emu_bridge_tx_ps(b, 1), DP_NEVER); /* no spinning */
	CHECK_EQ(emu_bridge_next_ps(b), pause_ps);
	CHECK_EQ(sent(b, 1, pause_ps, NULL), 1000);
	CHECK_EQ(sent(b, 1, pause_ps, NULL), 0); /* the time of the pause is not caught up */
	CHECK_EQ(stats_of(b).late_max_ps, 0);
	emu_bridge_rx(b, 1, f, sizeof(f), pause_ps + 1);
	CHECK_EQ(sent(b, 1, pause_ps + WIRE(1000), NULL), 0);
	pfc.quanta[3] = 0;
	dp_pfc_build(f, &pfc);
	emu_bridge_rx(b, 1, f, sizeof(f), pause_ps + 2 * WIRE(1000));
	CHECK_EQ(sent(b, 1, pause_ps + 2 * WIRE(1000), NULL), 1000);
	CHECK_EQ(stats_of(b).pfc_rx, 3);
	emu_bridge_free(b);
}

static void refused(const struct emu_bridge_cfg *cfg, const char *want)
{
	char error[200] = "";

	CHECK(!emu_bridge_new(cfg, error, sizeof(error)));
	CHECK_STR(error, want);
}

static void test_what_cannot_be_is_refused(void)
{
	struct emu_bridge_cfg cfg = base_cfg();

	cfg.rate_bps = 0;
	refused(&cfg, "switch: rate_bps 0 is not 1 to 10^14");
	cfg = base_cfg();
	cfg.frame_bytes = 63;
	refused(&cfg, "switch: frame_bytes 63 is not 64 to 16384");
	cfg = base_cfg();
	cfg.dscp_prio[7] = 8;
	refused(&cfg, "switch: priority 8 of DSCP 7 exceeds 7");
	cfg = base_cfg();
	cfg.tm.nports = 0;
	refused(&cfg, "traffic manager: nports 0 is not 1 to 65535");
}

int main(void)
{
	RUN(test_addresses_are_learnt_and_unknown_ones_flooded);
	RUN(test_what_is_not_forwarded_is_counted);
	RUN(test_a_line_sends_at_its_rate_however_late_its_driver);
	RUN(test_priority_by_dscp_or_tag);
	RUN(test_ce_is_set_with_the_checksum);
	RUN(test_pfc_goes_out_before_data_and_is_said_again);
	RUN(test_pfc_that_comes_holds_its_priority);
	RUN(test_what_cannot_be_is_refused);
	return check_done();
}
