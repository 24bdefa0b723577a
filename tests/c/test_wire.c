/*
 * Parse, build and ICRC. Frames live in blocks of exactly their size, so that under ASan a read outside is found.
 * The last test replays the captures of Linux's Soft-RoCE in tests/golden/rxe.
 */
#include "rdma_verbs/csrc/opcode.h"
#include "rdma_verbs/csrc/wire.h"
#include "tests/c/check.h"

#include <glob.h>
#include <stdlib.h>

#define KNOWN (DP_FRAME_ID_KNOWN | DP_FRAME_TTL_KNOWN)

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 0x2545f4914f6cdd1d >> 8;
}

static uint32_t rnd_below(uint32_t n)
{
	return (uint32_t)(rnd() % n);
}

static void rnd_bytes(void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)rnd();
}

static void frame_new(struct dp_frame *f, uint32_t cap)
{
	*f = (struct dp_frame){.data = malloc(cap ? cap : 1), .cap = cap, .flags = KNOWN};
	if (!f->data)
		abort();
}

/* A copy in a block of `len` bytes. */
static void frame_copy(struct dp_frame *to, const struct dp_frame *from, uint32_t len)
{
	*to = *from;
	to->data = malloc(len ? len : 1);
	if (!to->data)
		abort();
	memcpy(to->data, from->data, DP_MIN(len, from->len));
	to->len = to->cap = len;
}

static void frame_free(struct dp_frame *f)
{
	free(f->data);
}

/* Writes the lengths and the checksum that the frame's size asks for. */
static void frame_fix_lengths(struct dp_frame *f)
{
	if (f->l3_len == 28) {
		dp_put_be16(f->l3 + 2, (uint16_t)(28 + f->len));
		dp_put_be16(f->l3 + 10, dp_ip4_checksum(f->l3));
	} else {
		dp_put_be16(f->l3 + 4, (uint16_t)(8 + f->len));
	}
	dp_put_be16(f->l3 + f->l3_len - 4, (uint16_t)(8 + f->len));
}

/* A packet with random values in the fields that its opcode has, and zero in the others. */
static void rnd_packet(struct roce_pkt *p, uint8_t opcode, bool v4, uint8_t *payload, uint32_t len)
{
	const struct roce_opcode_info *info = roce_opcode_info(opcode);

	*p = (struct roce_pkt){.opcode = opcode};
	p->bth_flags = (uint8_t)rnd_below(32);
	p->tos = (uint8_t)rnd();
	p->ttl = (uint8_t)rnd();
	p->pkey = (uint16_t)rnd();
	p->dqpn = (uint32_t)rnd() & ROCE_QPN_MASK;
	p->psn = (uint32_t)rnd() & ROCE_PSN_MASK;
	p->sport = (uint16_t)rnd();
	rnd_bytes(p->sgid.b, 16);
	rnd_bytes(p->dgid.b, 16);
	if (v4) {
		memcpy(p->sgid.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		memcpy(p->dgid.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		p->ip_id = (uint16_t)rnd();
	} else {
		p->flow_label = (uint32_t)rnd() & 0xfffff;
	}
	if (info->hdrs & ROCE_HDR_DETH) {
		p->qkey = (uint32_t)rnd();
		p->sqpn = (uint32_t)rnd() & ROCE_QPN_MASK;
	}
	if (info->hdrs & ROCE_HDR_XRCETH)
		p->xrc_srqn = (uint32_t)rnd() & 0xffffff;
	if (info->hdrs & (ROCE_HDR_RETH | ROCE_HDR_ATOMICETH)) {
		p->va = rnd() << 13;
		p->rkey = (uint32_t)rnd();
	}
	if (info->hdrs & ROCE_HDR_RETH)
		p->dma_len = (uint32_t)rnd();
	if (info->hdrs & (ROCE_HDR_ATOMICETH | ROCE_HDR_ATOMICACKETH))
		p->swap_add = rnd() << 9;
	if (info->hdrs & ROCE_HDR_ATOMICETH)
		p->compare = rnd() << 11;
	if (info->hdrs & ROCE_HDR_AETH) {
		p->syndrome = (uint8_t)rnd();
		p->msn = (uint32_t)rnd() & 0xffffff;
	}
	if (info->hdrs & (ROCE_HDR_IMMDT | ROCE_HDR_IETH | ROCE_HDR_FETH))
		p->imm = (uint32_t)rnd();
	if (info->flags & ROCE_OPF_ATOMIC_WRITE)
		len = 8;
	if (!(info->flags & ROCE_OPF_PAYLOAD))
		len = 0;
	/* The payload in one to four pieces. */
	p->len = len;
	if (!len)
		return;
	rnd_bytes(payload, len);
	p->niov = (uint8_t)(1 + rnd_below(ROCE_PKT_IOV));
	for (int i = 0; i < p->niov; i++) {
		uint32_t n = i == p->niov - 1 ? len : rnd_below(len + 1);

		p->iov[i] = (struct iovec){payload, n};
		payload += n;
		len -= n;
	}
}

static void check_same(const struct roce_pkt *a, const struct roce_pkt *b)
{
	CHECK_EQ(a->opcode, b->opcode);
	CHECK_EQ(a->bth_flags, b->bth_flags);
	CHECK_EQ(a->prio, b->prio);
	CHECK_EQ(a->tos, b->tos);
	CHECK_EQ(a->ttl, b->ttl);
	CHECK_EQ(a->syndrome, b->syndrome);
	CHECK_EQ(a->pkey, b->pkey);
	CHECK_EQ(a->dqpn, b->dqpn);
	CHECK_EQ(a->sqpn, b->sqpn);
	CHECK_EQ(a->psn, b->psn);
	CHECK_EQ(a->msn, b->msn);
	CHECK_EQ(a->len, b->len);
	CHECK_EQ(a->sport, b->sport);
	CHECK_EQ(a->ip_id, b->ip_id);
	CHECK_EQ(a->tver, b->tver);
	CHECK_EQ(a->imm, b->imm);
	CHECK_EQ(a->va, b->va);
	CHECK_EQ(a->rkey, b->rkey);
	CHECK_EQ(a->dma_len, b->dma_len);
	CHECK_EQ(a->swap_add, b->swap_add);
	CHECK_EQ(a->compare, b->compare);
	CHECK_EQ(a->qkey, b->qkey);
	CHECK_EQ(a->xrc_srqn, b->xrc_srqn);
	CHECK_EQ(a->flow_label, b->flow_label);
	CHECK(dp_ip_eq(&a->sgid, &b->sgid));
	CHECK(dp_ip_eq(&a->dgid, &b->dgid));
}

static void test_what_is_built_parses_to_the_same(void)
{
	static const uint8_t zero[16];
	uint8_t payload[4096];

	for (int round = 0; round < 12; round++) {
		for (int op = 0; op < 256; op++) {
			struct roce_pkt p, q = {0};
			struct dp_frame f;
			bool solved;

			if (!roce_opcode_info((uint8_t)op)->name)
				continue;
			rnd_packet(&p, (uint8_t)op, round & 1, payload, round < 8 ? (uint32_t)round : rnd_below(4097));
			p.prio = (uint8_t)round & 7;
			frame_new(&f, ROCE_WIRE_HDR_MAX + 4096 + ROCE_ICRC_BYTES);
			memset(f.data, 0xee, f.cap);
			CHECK_EQ(roce_wire_build(&p, &f), 0);
			/* Pad and ICRC are zero, as are the reserved bytes of a CNP (A17.9.3). */
			CHECK_MEM(f.data + roce_opcode_info((uint8_t)op)->hdr_len + p.len, zero, (-p.len & 3) + 4);
			if (op == ROCE_OPCODE_CNP)
				CHECK_MEM(f.data + 12, zero, 16);
			roce_wire_seal(&f);
			CHECK_EQ(roce_wire_parse(&f, &q), ROCE_DROP_NONE);
			CHECK(roce_wire_icrc_ok(&f, true, &solved));
			check_same(&q, &p);
			CHECK_EQ(q.l3_bytes, f.l3_len + f.len);
			CHECK_EQ(q.pad_count, -p.len & 3);
			CHECK_EQ(q.ip_flags, ROCE_PKT_ID_KNOWN | ROCE_PKT_TTL_KNOWN | (round & 1 ? ROCE_PKT_DF : 0));
			CHECK_EQ(q.niov, p.len > 0);
			if (p.len)
				CHECK_MEM(q.iov[0].iov_base, payload, p.len);
			frame_free(&f);
		}
	}
}

/* Summed while it is copied, of any length and any number of pieces: the ICRC is that of the whole, whatever changes. */
static void test_sums_made_while_copying_give_the_same_icrc(void)
{
	uint8_t payload[4096], copy[4096];

	for (int round = 0; round < 300; round++) {
		uint8_t op = ROCE_OPCODE(ROCE_SVC_RC, round % 3 ? ROCE_OP_RDMA_WRITE_MIDDLE : ROCE_OP_RDMA_WRITE_FIRST);
		uint32_t len = round < 200 ? (uint32_t)round + 60 : rnd_below(4097), cut;
		struct roce_wire_sum sum;
		struct dp_frame f, same;
		struct roce_pkt p;
		bool solved;

		rnd_packet(&p, op, round & 1, payload, len);
		cut = rnd_below(p.len + 1);
		p.iov[0] = (struct iovec){payload, cut};
		p.iov[1] = (struct iovec){payload + cut, p.len - cut};
		p.niov = 2;
		frame_new(&f, ROCE_WIRE_HDR_MAX + 4096 + ROCE_ICRC_BYTES);
		CHECK_EQ(roce_wire_build_summed(&p, &f, &sum), 0);
		CHECK_EQ(sum.bytes, p.len < ROCE_WIRE_SUM_MIN ? 0 : p.len + (-p.len & 3));
		frame_copy(&same, &f, f.len);
		memset(payload, 0, sizeof(payload)); /* the program writes to its memory */
		f.l3[5] ^= (uint8_t)round;           /* the port decides an identification, or a hop a traffic class */
		same.l3[5] ^= (uint8_t)round;
		roce_wire_seal_summed(&f, &sum);
		roce_wire_seal(&same);
		CHECK_MEM(f.data, same.data, f.len);
		CHECK_MEM(f.l3, same.l3, f.l3_len);
		/* And checked while it is copied. */
		memset(copy, 0xa5, sizeof(copy));
		cut = (uint32_t)roce_opcode_info(op)->hdr_len;
		CHECK(roce_wire_icrc_ok_copy(&f, true, &solved, copy, cut, p.len - p.len / 3));
		CHECK_MEM(copy, f.data + cut, p.len - p.len / 3);
		CHECK(p.len / 3 == 0 || copy[p.len - p.len / 3] == 0xa5);
		f.data[rnd_below(f.len)] ^= 0x10;
		CHECK(roce_wire_icrc_ok(&f, true, &solved) ==
		      roce_wire_icrc_ok_copy(&f, true, &solved, copy, cut, p.len));
		CHECK(!roce_wire_icrc_ok_copy(&f, true, &solved, copy, f.len, 0)); /* beyond its end */
		CHECK(!roce_wire_icrc_ok_copy(&f, true, &solved, copy, cut, f.len - cut));
		frame_free(&f);
		frame_free(&same);
	}
}

/* Cut off anywhere: with the lengths as they were, and with lengths that fit what is left. */
static void test_every_truncation_is_dropped(void)
{
	uint8_t payload[64];

	for (int op = 0; op < 256; op++) {
		struct roce_pkt p, q = {0};
		struct dp_frame f, cut;
		bool solved;

		if (!roce_opcode_info((uint8_t)op)->name)
			continue;
		rnd_packet(&p, (uint8_t)op, op & 1, payload, 37);
		frame_new(&f, 256);
		CHECK_EQ(roce_wire_build(&p, &f), 0);
		roce_wire_seal(&f);
		for (uint32_t len = 0; len < f.len; len++) {
			frame_copy(&cut, &f, len);
			CHECK_EQ(roce_wire_parse(&cut, &q), ROCE_DROP_BAD_IP);
			CHECK(!roce_wire_icrc_ok(&cut, true, &solved));
			frame_fix_lengths(&cut);
			CHECK(roce_wire_parse(&cut, &q) != ROCE_DROP_NONE || !roce_wire_icrc_ok(&cut, true, &solved));
			if (len < roce_opcode_info((uint8_t)op)->hdr_len + 4u)
				CHECK_EQ(roce_wire_parse(&cut, &q), ROCE_DROP_TRUNCATED);
			frame_free(&cut);
		}
		for (uint16_t l3_len = 0; l3_len < 64; l3_len++) {
			cut = f;
			cut.l3_len = l3_len;
			if (l3_len < 28)
				CHECK_EQ(roce_wire_parse(&cut, &q), ROCE_DROP_TRUNCATED);
			else if (l3_len != f.l3_len)
				CHECK(roce_wire_parse(&cut, &q) != ROCE_DROP_NONE);
		}
		frame_free(&f);
	}
}

static void test_any_bytes_are_parsed_or_dropped(void)
{
	for (int round = 0; round < 20000; round++) {
		uint32_t len = rnd_below(128);
		struct roce_pkt q = {0};
		struct dp_frame f;
		bool solved, v4 = round & 1;

		frame_new(&f, len);
		f.len = len;
		f.l3_len = v4 ? 28 : 48;
		rnd_bytes(f.data, len);
		rnd_bytes(f.l3, sizeof(f.l3));
		/* Right as far as the BTH, so that the rest is reached. */
		f.l3[0] = v4 ? 0x45 : (uint8_t)(0x60 | (f.l3[0] & 15));
		f.l3[6] = v4 ? 0x40 : 17;
		if (v4) {
			f.l3[7] = 0;
			f.l3[9] = 17;
		}
		dp_put_be16(f.l3 + f.l3_len - 6, ROCE_UDP_PORT);
		if (len > 1)
			f.data[1] &= 0xf0;
		frame_fix_lengths(&f);
		if (roce_wire_parse(&f, &q) == ROCE_DROP_NONE) {
			CHECK(q.len <= len);
			CHECK(roce_opcode_info(q.opcode)->name);
		}
		roce_wire_icrc_ok(&f, false, &solved);
		frame_free(&f);
	}
}

enum part { L3, DATA };
struct damage {
	uint8_t opcode;
	bool v4;
	uint32_t len;
	enum part part;
	uint8_t offset, value;
	enum roce_drop want;
};

/* clang-format off */
static const struct damage damages[] = {
	{0x04, true, 5, L3, 0, 0x46, ROCE_DROP_BAD_IP},            /* IP options */
	{0x04, true, 5, L3, 0, 0x55, ROCE_DROP_BAD_IP},
	{0x04, true, 5, L3, 0, 0x65, ROCE_DROP_TRUNCATED},         /* no room for an IPv6 header */
	{0x04, false, 5, L3, 0, 0x45, ROCE_DROP_BAD_IP},
	{0x04, true, 5, L3, 3, 0xff, ROCE_DROP_BAD_IP},            /* total length */
	{0x04, false, 5, L3, 5, 0xff, ROCE_DROP_BAD_IP},
	{0x04, true, 5, L3, 8, 0x01, ROCE_DROP_BAD_IP_CHECKSUM},   /* TTL changed alone */
	{0x04, false, 5, L3, 6, 44, ROCE_DROP_BAD_UDP},            /* fragment header */
	{0x04, true, 5, L3, 22, 0, ROCE_DROP_BAD_UDP},             /* destination port */
	{0x04, false, 5, L3, 42, 0, ROCE_DROP_BAD_UDP},
	{0x04, true, 5, L3, 25, 0xff, ROCE_DROP_BAD_UDP},          /* UDP length */
	{0x04, true, 5, DATA, 1, 0x31, ROCE_DROP_BAD_TVER},
	{0x04, true, 5, DATA, 0, 0x15, ROCE_DROP_BAD_OPCODE},      /* reserved */
	{0x04, true, 5, DATA, 0, 0x44, ROCE_DROP_BAD_OPCODE},      /* RD */
	{0x04, true, 5, DATA, 0, 0xc0, ROCE_DROP_BAD_OPCODE},      /* manufacturer */
	{0x24, true, 0, DATA, 0, 0x2c, ROCE_DROP_BAD_OPCODE},      /* UC has no read */
	{0x04, true, 0, DATA, 0, 0x0c, ROCE_DROP_TRUNCATED},       /* no RETH follows */
	{0x04, true, 0, DATA, 1, 0x10, ROCE_DROP_BAD_PAD},         /* pad without payload */
	{0x04, true, 3, DATA, 1, 0x10, ROCE_DROP_NONE},            /* 4 bytes, one of them pad: as good */
	{0x11, true, 0, DATA, 1, 0x20, ROCE_DROP_BAD_PAD},
	{0x04, true, 4, DATA, 0, 0x11, ROCE_DROP_NONE},            /* the payload is an AETH now */
	{0x04, true, 8, DATA, 0, 0x11, ROCE_DROP_BAD_LENGTH},      /* an acknowledge with payload */
	{0x04, true, 7, DATA, 0, 0x11, ROCE_DROP_BAD_PAD},
	{0x0a, true, 12, DATA, 0, 0x1d, ROCE_DROP_BAD_LENGTH},     /* ATOMIC WRITE of other than 8 bytes */
	{0x0a, true, 8, DATA, 0, 0x1d, ROCE_DROP_NONE},
	{0x0a, true, 0, DATA, 0, 0x1d, ROCE_DROP_BAD_LENGTH},
};
/* clang-format on */

static void test_each_damage_has_its_reason(void)
{
	uint8_t payload[64];

	for (size_t i = 0; i < DP_ARRAY_SIZE(damages); i++) {
		const struct damage *d = &damages[i];
		struct roce_pkt p, q = {0};
		struct dp_frame f;
		enum roce_drop got;

		rnd_packet(&p, d->opcode, d->v4, payload, d->len);
		p.bth_flags = 0;
		p.ttl = 64;
		frame_new(&f, 256);
		CHECK_EQ(roce_wire_build(&p, &f), 0);
		*(d->part == L3 ? &f.l3[d->offset] : &f.data[d->offset]) = d->value;
		got = roce_wire_parse(&f, &q);
		if (got != d->want)
			fprintf(stderr, "damage %zu: %s, not %s\n", i, roce_drop_name(got), roce_drop_name(d->want));
		CHECK_EQ(got, d->want);
		frame_free(&f);
	}
}

/* As the table above, with a header checksum that is right all the same. */
static void test_fragments_and_other_protocols_are_not_ours(void)
{
	static const struct {
		uint8_t offset, value;
		enum roce_drop want;
	} rows[] = {
		{6, 0x20, ROCE_DROP_BAD_UDP},                                                       /* more fragments */
		{6, 0x60, ROCE_DROP_BAD_UDP},                                                       /* and DF */
		{7, 0x01, ROCE_DROP_BAD_UDP},                                                       /* offset */
		{6, 0x10, ROCE_DROP_BAD_UDP}, {9, 6, ROCE_DROP_BAD_UDP}, {6, 0x00, ROCE_DROP_NONE}, /* without DF */
		{1, 0xff, ROCE_DROP_NONE},
	};
	uint8_t payload[8];

	for (size_t i = 0; i < DP_ARRAY_SIZE(rows); i++) {
		struct roce_pkt p, q = {0};
		struct dp_frame f;

		rnd_packet(&p, 0x04, true, payload, 8);
		frame_new(&f, 256);
		CHECK_EQ(roce_wire_build(&p, &f), 0);
		f.l3[rows[i].offset] = rows[i].value;
		frame_fix_lengths(&f);
		CHECK_EQ(roce_wire_parse(&f, &q), rows[i].want);
		frame_free(&f);
	}
}

static void test_the_checksum_of_a_made_up_header_is_not_checked(void)
{
	uint8_t payload[8];
	struct roce_pkt p, q = {0};
	struct dp_frame f;

	rnd_packet(&p, 0x04, true, payload, 8);
	frame_new(&f, 256);
	CHECK_EQ(roce_wire_build(&p, &f), 0);
	dp_put_be16(f.l3 + 10, (uint16_t)(dp_ip4_checksum(f.l3) ^ 1));
	CHECK_EQ(roce_wire_parse(&f, &q), ROCE_DROP_BAD_IP_CHECKSUM);
	f.flags = 0;
	CHECK_EQ(roce_wire_parse(&f, &q), ROCE_DROP_NONE);
	CHECK_EQ(q.ip_flags, ROCE_PKT_DF);
	frame_free(&f);
}

static void test_mapped_addresses_do_not_come_in_ipv6(void)
{
	struct roce_pkt p, q = {0};
	struct dp_frame f;

	rnd_packet(&p, 0x11, false, NULL, 0);
	frame_new(&f, 256);
	CHECK_EQ(roce_wire_build(&p, &f), 0);
	memcpy(f.l3 + 8, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	CHECK_EQ(roce_wire_parse(&f, &q), ROCE_DROP_BAD_IP);
	frame_free(&f);
}

static void test_payload_above_the_largest_mtu_is_dropped(void)
{
	static uint8_t payload[8192];
	struct roce_pkt p, q = {0};
	struct dp_frame f;

	frame_new(&f, DP_FRAME_DATA_MAX);
	for (uint32_t len = 4095; len < 4099; len++) {
		rnd_packet(&p, 0x04, true, payload, len);
		CHECK_EQ(roce_wire_build(&p, &f), 0);
		CHECK_EQ(roce_wire_parse(&f, &q), len > 4096 ? ROCE_DROP_OVERSIZED : ROCE_DROP_NONE);
	}
	frame_free(&f);
}

static void test_parse_leaves_the_owners_fields(void)
{
	uint8_t bounce;
	struct roce_pkt p, q = {.bounce = &bounce, .next = &p, .rkey = 7, .niov = 3};
	struct dp_frame f;

	rnd_packet(&p, 0x04, true, NULL, 0);
	frame_new(&f, 64);
	f.ts_ps = 99;
	CHECK_EQ(roce_wire_build(&p, &f), 0);
	CHECK_EQ(roce_wire_parse(&f, &q), ROCE_DROP_NONE);
	CHECK(q.bounce == &bounce && q.next == &p);
	CHECK_EQ(q.rkey, 0);
	CHECK_EQ(q.niov, 0);
	CHECK_EQ(q.ts_ps, 99);
	frame_free(&f);
}

static void test_build_refuses_what_it_cannot_encode(void)
{
	uint8_t payload[64];
	struct roce_pkt p;
	struct dp_frame f;

	frame_new(&f, 12 + 64 + 4);
	rnd_packet(&p, 0x04, true, payload, 64);
	CHECK_EQ(roce_wire_build(&p, &f), 0);
	f.cap--;
	CHECK_EQ(roce_wire_build(&p, &f), -EMSGSIZE);
	f.cap++;
	p.len = 65; /* the pieces hold 64 */
	CHECK_EQ(roce_wire_build(&p, &f), -EMSGSIZE);
	f.cap = 128;
	CHECK_EQ(roce_wire_build(&p, &f), -EFAULT);
	f.cap = UINT32_MAX;
	p.len = UINT32_MAX;
	CHECK_EQ(roce_wire_build(&p, &f), -EMSGSIZE);
	p.len = 65500;
	CHECK_EQ(roce_wire_build(&p, &f), -EMSGSIZE);
	f.cap = 80;
	p.len = 64;
	p.niov = 0;
	CHECK_EQ(roce_wire_build(&p, &f), -EFAULT);
	rnd_packet(&p, 0x04, true, payload, 8);
	p.opcode = 0x15;
	CHECK_EQ(roce_wire_build(&p, &f), -EINVAL);
	p.opcode = 0x11;
	CHECK_EQ(roce_wire_build(&p, &f), -EINVAL);
	p.opcode = 0x04;
	p.sgid.b[0] = 0x20;
	CHECK_EQ(roce_wire_build(&p, &f), -EINVAL);
	frame_free(&f);
}

/* What routers may change is not covered; every other bit is. */
static void test_each_covered_bit_changes_the_icrc(void)
{
	uint8_t payload[32];

	for (int v4 = 0; v4 < 2; v4++) {
		struct roce_pkt p;
		struct dp_frame f;
		bool solved;

		rnd_packet(&p, 0x0a, v4, payload, 29);
		frame_new(&f, 256);
		CHECK_EQ(roce_wire_build(&p, &f), 0);
		roce_wire_seal(&f);
		for (uint32_t bit = 0; bit < (f.l3_len + f.len) * 8u; bit++) {
			uint32_t at = bit / 8;
			uint8_t *byte = at < f.l3_len ? &f.l3[at] : &f.data[at - f.l3_len];
			uint8_t mask = (uint8_t)(1 << bit % 8);
			bool free_v4 = at == 1 || at == 8 || at == 10 || at == 11;
			bool free_v6 = (at == 0 && mask < 16) || (at >= 1 && at <= 3) || at == 7;
			bool free_bit = (v4 ? free_v4 : free_v6) || at == f.l3_len - 2u || at == f.l3_len - 1u ||
					at == f.l3_len + 4u;

			*byte ^= mask;
			CHECK_EQ(roce_wire_icrc_ok(&f, true, &solved), free_bit);
			*byte ^= mask;
		}
		frame_free(&f);
	}
}

/* Lengths of every power of two reach every entry of the division table. */
static void test_an_unseen_identification_is_solved_for(void)
{
	static const uint32_t extra[] = {0, 4, 64, 4 + 256, 1024, 4096};

	for (uint32_t i = 0; i < 16 + DP_ARRAY_SIZE(extra); i++) {
		uint32_t len = i < 16 ? 16 + (1u << i) : 16 + extra[i - 16];
		uint16_t id = (uint16_t)rnd(), guess = (uint16_t)(i & 1 ? 0 : rnd());
		struct dp_frame f;
		uint16_t checksum;
		bool solved;

		frame_new(&f, len);
		f.len = len;
		f.l3_len = 28;
		f.flags = 0;
		rnd_bytes(f.l3, 28);
		rnd_bytes(f.data, len);
		dp_put_be16(f.l3 + 4, id);
		roce_wire_seal(&f);
		checksum = dp_get_be16(f.l3 + 10);
		CHECK(roce_wire_icrc_ok(&f, false, &solved) && !solved);

		dp_put_be16(f.l3 + 4, guess);
		CHECK(!roce_wire_icrc_ok(&f, true, &solved));
		CHECK(!solved);
		f.flags = DP_FRAME_ID_KNOWN;
		CHECK(!roce_wire_icrc_ok(&f, false, &solved));
		CHECK_EQ(dp_get_be16(f.l3 + 4), guess);
		f.flags = 0;
		CHECK(roce_wire_icrc_ok(&f, false, &solved));
		CHECK(solved);
		CHECK_EQ(dp_get_be16(f.l3 + 4), id);
		CHECK_EQ(dp_get_be16(f.l3 + 10), checksum);

		/* One wrong bit elsewhere (byte 4 counts as ones): no identification makes up for it. */
		f.data[5 + rnd_below(len - 9)] ^= 0x40;
		CHECK(!roce_wire_icrc_ok(&f, false, &solved));
		frame_free(&f);
	}
}

static void test_payload_and_pad_are_a_multiple_of_four(void)
{
	uint8_t payload[8];
	struct roce_pkt p, q = {0};
	struct dp_frame f;

	rnd_packet(&p, 0x04, true, payload, 8);
	frame_new(&f, 64);
	CHECK_EQ(roce_wire_build(&p, &f), 0);
	for (int i = 1; i < 4; i++) {
		f.data[f.len++] = 0;
		frame_fix_lengths(&f);
		CHECK_EQ(roce_wire_parse(&f, &q), ROCE_DROP_BAD_PAD);
	}
	frame_free(&f);
}

/* IPv6 has none; the bit is where an IPv4 one would be, counted from the end. */
static void test_there_is_no_identification_to_solve_for(void)
{
	struct roce_pkt p;
	struct dp_frame f;
	bool solved;

	rnd_packet(&p, 0x11, false, NULL, 0);
	frame_new(&f, 64);
	CHECK_EQ(roce_wire_build(&p, &f), 0);
	roce_wire_seal(&f);
	f.flags = 0;
	f.l3[24] ^= 1;
	CHECK(!roce_wire_icrc_ok(&f, false, &solved) && !solved);
	frame_free(&f);

	/* Longer than any IP packet: beyond the division table. */
	frame_new(&f, 70000);
	memset(f.data, 0, f.cap);
	f.len = f.cap;
	f.l3_len = 28;
	f.flags = 0;
	CHECK(!roce_wire_icrc_ok(&f, false, &solved) && !solved);
	frame_free(&f);
}

/* Weaker by 16 bits, no more: of random corruptions about one in 65536 has a solution. */
static void test_corruption_is_seldom_solved_away(void)
{
	uint8_t payload[256];
	struct roce_pkt p;
	struct dp_frame f;
	int wrong = 0;

	rnd_packet(&p, 0x04, true, payload, 256);
	frame_new(&f, 512);
	CHECK_EQ(roce_wire_build(&p, &f), 0);
	roce_wire_seal(&f);
	f.flags = 0;
	for (int i = 0; i < 20000; i++) {
		bool solved;

		rnd_bytes(f.data + 12, 256);
		wrong += roce_wire_icrc_ok(&f, false, &solved);
	}
	CHECK(wrong <= 5); /* 0.3 expected */
	frame_free(&f);
}

static void test_grh_is_the_ip_header(void)
{
	uint8_t payload[8], grh[40];

	for (int v4 = 0; v4 < 2; v4++) {
		struct roce_pkt p, q = {0};
		struct dp_frame f;

		rnd_packet(&p, 0x64, v4, payload, 8);
		frame_new(&f, 256);
		CHECK_EQ(roce_wire_build(&p, &f), 0);
		roce_wire_seal(&f);
		CHECK_EQ(roce_wire_parse(&f, &q), ROCE_DROP_NONE);
		memset(grh, 0xee, sizeof(grh));
		roce_wire_grh(&q, grh);
		if (v4) {
			static const uint8_t zero[20];

			CHECK_MEM(grh, zero, 20);
			CHECK_MEM(grh + 20, f.l3, 20);
		} else {
			CHECK_MEM(grh, f.l3, 40);
		}
		frame_free(&f);
	}
}

static void test_each_reason_has_a_name_of_its_own(void)
{
	for (int i = 0; i < ROCE_DROP_COUNT; i++) {
		CHECK_EQ(strncmp(roce_drop_name((enum roce_drop)i), "drop_", 5), 0);
		for (int k = 0; k < i; k++)
			CHECK(strcmp(roce_drop_name((enum roce_drop)i), roce_drop_name((enum roce_drop)k)) != 0);
	}
	CHECK_STR(roce_drop_name(ROCE_DROP_BAD_ICRC), "drop_bad_icrc");
	CHECK_STR(roce_drop_name(ROCE_DROP_COUNT), "drop_unknown");
}

/* Ethernet frame -> parsed, ICRC right, built again the same. False: not RoCEv2. */
static bool replay(const uint8_t *eth, uint32_t len)
{
	struct dp_frame f, g;
	struct roce_pkt p = {0};
	uint16_t type, l3_len;
	uint32_t total;
	bool solved;

	if (len < 14 + 48)
		return false;
	type = dp_get_be16(eth + 12);
	l3_len = type == 0x0800 ? 28 : 48;
	total = type == 0x0800 ? dp_get_be16(eth + 16) : 40u + dp_get_be16(eth + 18);
	if ((type != 0x0800 && type != 0x86dd) || dp_get_be16(eth + 14 + l3_len - 6) != ROCE_UDP_PORT)
		return false;
	frame_new(&f, total - l3_len);
	f.l3_len = l3_len;
	f.len = f.cap;
	memcpy(f.l3, eth + 14, l3_len);
	memcpy(f.data, eth + 14 + l3_len, f.len);
	CHECK_EQ(roce_wire_parse(&f, &p), ROCE_DROP_NONE);
	CHECK(roce_wire_icrc_ok(&f, true, &solved));

	frame_new(&g, f.len);
	CHECK_EQ(roce_wire_build(&p, &g), 0);
	roce_wire_seal(&g);
	CHECK_EQ(g.l3_len, f.l3_len);
	CHECK_EQ(g.len, f.len);
	CHECK_MEM(g.l3, f.l3, f.l3_len);
	CHECK_MEM(g.data, f.data, f.len);

	/* As from a UDP socket. */
	if (l3_len == 28) {
		uint16_t id = dp_get_be16(f.l3 + 4);

		dp_put_be16(g.l3 + 4, (uint16_t)~id);
		g.flags = 0;
		CHECK(roce_wire_icrc_ok(&g, false, &solved) && solved);
		CHECK_EQ(dp_get_be16(g.l3 + 4), id);
	}
	frame_free(&f);
	frame_free(&g);
	return true;
}

static void test_captures_of_soft_roce(void)
{
	static uint8_t eth[65536];
	glob_t files;

	if (!CHECK(glob("tests/golden/rxe/*.pcap", 0, NULL, &files) == 0))
		return;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE *in = fopen(files.gl_pathv[i], "rb");
		uint32_t magic, record[4], packets = 0;

		if (!CHECK(in))
			continue;
		CHECK_EQ(fread(eth, 1, 24, in), 24);
		memcpy(&magic, eth, 4);
		/* Microseconds or nanoseconds; this machine's byte order, little-endian. */
		CHECK(magic == 0xa1b2c3d4 || magic == 0xa1b23c4d);
		while (fread(record, 1, 16, in) == 16) {
			if (!CHECK(record[2] <= sizeof(eth)) || !CHECK(fread(eth, 1, record[2], in) == record[2]))
				break;
			packets += replay(eth, record[2]);
		}
		CHECK(packets > 0);
		fclose(in);
	}
	globfree(&files);
}

int main(void)
{
	RUN(test_what_is_built_parses_to_the_same);
	RUN(test_sums_made_while_copying_give_the_same_icrc);
	RUN(test_every_truncation_is_dropped);
	RUN(test_any_bytes_are_parsed_or_dropped);
	RUN(test_each_damage_has_its_reason);
	RUN(test_fragments_and_other_protocols_are_not_ours);
	RUN(test_the_checksum_of_a_made_up_header_is_not_checked);
	RUN(test_mapped_addresses_do_not_come_in_ipv6);
	RUN(test_payload_above_the_largest_mtu_is_dropped);
	RUN(test_parse_leaves_the_owners_fields);
	RUN(test_build_refuses_what_it_cannot_encode);
	RUN(test_each_covered_bit_changes_the_icrc);
	RUN(test_an_unseen_identification_is_solved_for);
	RUN(test_payload_and_pad_are_a_multiple_of_four);
	RUN(test_there_is_no_identification_to_solve_for);
	RUN(test_corruption_is_seldom_solved_away);
	RUN(test_grh_is_the_ip_header);
	RUN(test_each_reason_has_a_name_of_its_own);
	RUN(test_captures_of_soft_roce);
	return check_done();
}
