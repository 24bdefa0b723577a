/* Frames for port tests: a valid IPv4 or IPv6 + UDP header and a payload that tells its number. */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include "datapath/csrc/port.h"

#define TEST_FRAME_MAX 2048

struct test_frame {
	struct dp_frame f;
	uint8_t data[TEST_FRAME_MAX];
};

/* Payload: the number in four bytes (big-endian), then bytes that depend on it. */
static inline struct dp_frame *test_frame_v4(struct test_frame *t, uint32_t number, uint32_t len)
{
	static const uint8_t header[28] = {0x45, 2, 0, 0, 0,  0, 0x40, 0, 64,   17, 0,    0,
					   10,   0, 0, 1, 10, 0, 0,    2, 0xc0, 1,  0x12, 0xb7};
	uint32_t i;

	memset(t, 0, sizeof(*t));
	memcpy(t->f.l3, header, sizeof(header));
	dp_put_be16(t->f.l3 + 2, (uint16_t)(28 + len));
	dp_put_be16(t->f.l3 + 24, (uint16_t)(8 + len));
	t->f.l3_len = 28;
	t->f.data = t->data;
	t->f.len = len;
	t->f.cap = TEST_FRAME_MAX;
	for (i = 0; i < len; i++)
		t->data[i] = (uint8_t)(number + i);
	if (len >= 4)
		dp_put_be32(t->data, number);
	return &t->f;
}

static inline uint32_t test_frame_number(const struct dp_frame *f)
{
	return f->len >= 4 ? dp_get_be32(f->data) : UINT32_MAX;
}

static inline bool test_frame_same(const struct dp_frame *a, const struct dp_frame *b)
{
	return a->l3_len == b->l3_len && a->len == b->len && memcmp(a->l3, b->l3, a->l3_len) == 0 &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static inline int test_tx1(struct dp_port *p, struct dp_frame *f, uint64_t now_ps)
{
	dp_port_prepare(p, &f, 1);
	return dp_port_tx(p, &f, 1, now_ps);
}

static inline struct dp_frame *test_rx1(struct dp_port *p, uint64_t now_ps)
{
	struct dp_frame *f;

	return dp_port_rx(p, &f, 1, now_ps) == 1 ? f : NULL;
}

#endif
