/* PFC frames: the bytes, each refusal by its reason, and what quanta last. */
#include "datapath/csrc/pfc.h"
#include "tests/c/check.h"

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xa};

static void test_frame_bytes(void)
{
	static const uint8_t want[DP_PFC_FRAME_BYTES] = {
		0x01, 0x80, 0xc2, 0x00, 0x00, 0x01, 2, 0,    0,    0, 0, 0xb, 0x88, 0x08, 0x01, 0x01, 0x00,
		0x88, 0,    0,    0,    0,    0,    0, 0x12, 0x34, 0, 0, 0,   0,    0,    0,    0xff, 0xff,
	};
	struct dp_pfc pfc = {.src = {2, 0, 0, 0, 0, 0xb}, .enabled = 0x88}, got;
	uint8_t frame[DP_PFC_FRAME_BYTES];

	pfc.quanta[3] = 0x1234;
	pfc.quanta[7] = 0xffff;
	pfc.quanta[0] = 9; /* not named by the vector: not sent */
	dp_pfc_build(frame, &pfc);
	CHECK_MEM(frame, want, sizeof(want));
	CHECK_EQ(dp_pfc_parse(frame, sizeof(frame), mac, &got), DP_PFC_OK);
	CHECK_EQ(got.enabled, 0x88);
	CHECK_EQ(got.quanta[3], 0x1234);
	CHECK_EQ(got.quanta[7], 0xffff);
	CHECK_EQ(got.quanta[0], 0);
	CHECK_MEM(got.src, pfc.src, 6);
}

static void test_what_is_refused_and_why(void)
{
	struct dp_pfc pfc = {.enabled = 0xff}, got = {.enabled = 1};
	uint8_t frame[DP_PFC_FRAME_BYTES];
	size_t len;

	dp_pfc_build(frame, &pfc);
	for (len = 0; len < 16; len++)
		CHECK_EQ(dp_pfc_parse(frame, len, mac, &got), DP_PFC_OTHER);
	for (; len < 34; len++)
		CHECK_EQ(dp_pfc_parse(frame, len, mac, &got), DP_PFC_SHORT);
	CHECK_EQ(got.enabled, 1); /* untouched */
	CHECK_EQ(dp_pfc_parse(frame, len, mac, &got), DP_PFC_OK);

	frame[5] = 2;
	CHECK_EQ(dp_pfc_parse(frame, sizeof(frame), mac, &got), DP_PFC_DESTINATION);
	memcpy(frame, mac, 6);
	CHECK_EQ(dp_pfc_parse(frame, sizeof(frame), mac, &got), DP_PFC_OK);
	frame[16] = 1;
	CHECK_EQ(dp_pfc_parse(frame, sizeof(frame), mac, &got), DP_PFC_VECTOR);
	dp_pfc_build(frame, &pfc);
	frame[15] = 2;
	CHECK_EQ(dp_pfc_parse(frame, sizeof(frame), mac, &got), DP_PFC_OTHER);
	dp_pfc_build(frame, &pfc);
	frame[13] = 9;
	CHECK_EQ(dp_pfc_parse(frame, sizeof(frame), mac, &got), DP_PFC_OTHER);
}

static void test_quanta(void)
{
	CHECK_EQ(dp_pfc_quanta_ps(1, 400000000000), 1280);
	CHECK_EQ(dp_pfc_quanta_ps(65535, 100000000000), 335539200); /* 335 us: what a pause lasts at most at 100G */
	CHECK_EQ(dp_pfc_quanta_ps(1, 3), 170666666666667);
	CHECK_EQ(dp_pfc_quanta_ps(0, 1), 0);
	CHECK_EQ(dp_pfc_quanta_ps(65535, 1), (uint64_t)DP_NEVER); /* a year: saturated */
}

static void test_pauses_by_priority_end_one_by_one(void)
{
	struct dp_pauses pauses = {0};
	struct dp_pfc pfc = {.enabled = 0x0c, .quanta = {0, 0, 10, 20}};
	uint64_t next_ps;

	CHECK_EQ(dp_pauses_mask(&pauses, 0, &next_ps), 0);
	CHECK_EQ(next_ps, (uint64_t)DP_NEVER);
	dp_pauses_add(&pauses, &pfc, 512 * DP_SEC, 100); /* a quantum is a picosecond */
	CHECK_EQ(dp_pauses_mask(&pauses, 100, &next_ps), 0x0c);
	CHECK_EQ(next_ps, 110);
	CHECK_EQ(dp_pauses_mask(&pauses, 110, &next_ps), 0x08);
	CHECK_EQ(next_ps, 120);
	pfc = (struct dp_pfc){.enabled = 0x08}; /* resume */
	dp_pauses_add(&pauses, &pfc, 512 * DP_SEC, 112);
	CHECK_EQ(dp_pauses_mask(&pauses, 112, &next_ps), 0);
	CHECK_EQ(pauses.frames, 2);
}

int main(void)
{
	RUN(test_frame_bytes);
	RUN(test_what_is_refused_and_why);
	RUN(test_quanta);
	RUN(test_pauses_by_priority_end_one_by_one);
	return check_done();
}
