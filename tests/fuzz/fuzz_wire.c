/*
 * Invariant: any bytes are parsed or dropped, without a read outside them; a packet that parses is built again with
 * the same bytes, ICRC included, but for what receivers ignore (reserved bits, the pad's bytes, UDP checksum, DF).
 *
 * Input: one byte of options, then an IP packet. The options exist because a mutation seldom keeps a packet whole:
 * bit 0 writes the lengths and the header checksum that the size asks for, bit 1 the ICRC, bit 2 says that the
 * identification is not known.
 */
#include "rdma_verbs/csrc/opcode.h"
#include "rdma_verbs/csrc/wire.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

enum option { FIX_LENGTHS = 1, FIX_ICRC = 2, ID_UNKNOWN = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void fix_lengths(struct dp_frame *f)
{
	if (f->l3_len == 28)
		dp_put_be16(f->l3 + 2, (uint16_t)(28 + f->len));
	else if (f->l3_len == 48)
		dp_put_be16(f->l3 + 4, (uint16_t)(8 + f->len));
	else
		return;
	dp_put_be16(f->l3 + f->l3_len - 4, (uint16_t)(8 + f->len));
	dp_put_be16(f->l3 + 10, f->l3_len == 28 ? dp_ip4_checksum(f->l3) : dp_get_be16(f->l3 + 10));
}

/* Sets what receivers ignore to what senders write. */
static void clear_ignored(struct dp_frame *f, const struct roce_pkt *pkt)
{
	const struct roce_opcode_info *info = roce_opcode_info(pkt->opcode);
	uint8_t *p = f->data + 12;

	if (f->l3_len == 28)
		dp_put_be16(f->l3 + 6, 0x4000);
	dp_put_be16(f->l3 + f->l3_len - 2, 0);
	f->data[4] &= 0xc0;
	f->data[8] &= 0x80;
	if (info->hdrs & ROCE_HDR_DETH) {
		p[4] = 0;
		p += 8;
	}
	if (info->hdrs & ROCE_HDR_XRCETH)
		p[0] = 0;
	if (info->hdrs & ROCE_HDR_CNP)
		memset(p, 0, 16);
	memset(f->data + info->hdr_len + pkt->len, 0, pkt->pad_count);
	roce_wire_seal(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct roce_pkt pkt = {0}, again = {0};
	struct dp_frame f = {0}, g = {0};
	uint8_t options = size ? input[0] : 0;
	uint32_t ip_len = (uint32_t)(size ? size - 1 : 0);
	bool right, solved;
	uint8_t grh[40];

	if (ip_len > 65535)
		return 0;
	/* Blocks of exactly the size, for the sanitizer. */
	f.l3_len = (uint16_t)DP_MIN(ip_len, ip_len && input[1] >> 4 == 6 ? 48u : 28u);
	f.len = f.cap = ip_len - f.l3_len;
	f.data = malloc(f.cap ? f.cap : 1);
	g.cap = f.cap;
	g.data = malloc(g.cap ? g.cap : 1);
	REQUIRE(f.data && g.data);
	if (ip_len)
		memcpy(f.l3, input + 1, f.l3_len);
	if (f.len)
		memcpy(f.data, input + 1 + f.l3_len, f.len);
	f.flags = options & ID_UNKNOWN ? 0 : DP_FRAME_ID_KNOWN;
	if (options & FIX_LENGTHS)
		fix_lengths(&f);
	if (options & FIX_ICRC)
		roce_wire_seal(&f);

	right = roce_wire_icrc_ok(&f, !(options & ID_UNKNOWN), &solved);
	if (solved)
		REQUIRE(right && roce_wire_icrc_ok(&f, true, &solved));
	if (roce_wire_parse(&f, &pkt) != ROCE_DROP_NONE)
		goto out;
	REQUIRE(!pkt.len || ((uint8_t *)pkt.iov[0].iov_base >= f.data &&
			     (uint8_t *)pkt.iov[0].iov_base + pkt.len + pkt.pad_count + 4 == f.data + f.len));
	roce_wire_grh(&pkt, grh);

	REQUIRE(roce_wire_build(&pkt, &g) == 0);
	roce_wire_seal(&g);
	REQUIRE(g.l3_len == f.l3_len && g.len == f.len);
	clear_ignored(&f, &pkt);
	REQUIRE(memcmp(g.l3, f.l3, f.l3_len) == 0);
	REQUIRE(memcmp(g.data, f.data, f.len) == 0);
	g.flags = DP_FRAME_ID_KNOWN;
	REQUIRE(roce_wire_parse(&g, &again) == ROCE_DROP_NONE && again.len == pkt.len);
	REQUIRE(roce_wire_icrc_ok(&g, true, &solved));
out:
	free(f.data);
	free(g.data);
	return 0;
}
