/*
 * The invariant CRC of RoCEv2 (IBTA vol 1, 7.8.1 and A17): zlib's CRC-32 over
 * 8 bytes of ones (where InfiniBand has the LRH), the IP header, the UDP header, the BTH and the rest up to and
 * including the pad, little-endian on the wire. What routers and stacks may change counts as ones: TOS, TTL and
 * header checksum (IPv6: traffic class, flow label, hop limit), UDP checksum, the BTH byte of FECN and BECN.
 *
 * A UDP socket never shows the IPv4 identification, which is covered. A CRC is linear over GF(2): what a changed
 * identification adds to the register is those 16 bits times a power of x that depends only on how many bytes
 * follow. Dividing the difference of the two CRCs by that power gives the 16 bits back, and 16 more that
 * must be zero: the exact solution or none, in at most 14 multiplications, without a search.
 */
#include "datapath/csrc/crc32.h"
#include "rdma_verbs/csrc/wire.h"

#define CRC_POLY      0xedb88320u
#define CRC_OF_8_ONES 0xdebb20e3u /* the register after the 8 leading bytes of ones */
#define IP4_BYTES     20
#define IP4_L3_BYTES  28
#define IP6_L3_BYTES  48
#define IP4_ID_OFFSET 4
/* Up to so much behind the BTH is summed in one piece with the headers: a copy is cheaper than a second start. */
#define SMALL_BYTES (ROCE_WIRE_SUM_MIN - 1)

static bool has_icrc(const struct dp_frame *f)
{
	return (f->l3_len == IP4_L3_BYTES || f->l3_len == IP6_L3_BYTES) && f->len >= ROCE_BTH_BYTES + ROCE_ICRC_BYTES;
}

static uint32_t get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/*
 * The register after everything up to `n` bytes behind the BTH, at most SMALL_BYTES, with ones for what may change on the
 * way.
 */
static uint32_t headers(const struct dp_frame *f, uint32_t n)
{
	uint8_t h[DP_L3_MAX + ROCE_BTH_BYTES + SMALL_BYTES];
	uint8_t *bth = h + f->l3_len, *udp = bth - 8;

	memcpy(h, f->l3, f->l3_len);
	memcpy(bth, f->data, ROCE_BTH_BYTES + n);
	if (f->l3_len == IP4_L3_BYTES) {
		h[1] = 0xff;          /* TOS */
		h[8] = 0xff;          /* TTL */
		h[10] = h[11] = 0xff; /* header checksum */
	} else {
		h[0] |= 0x0f; /* traffic class, flow label */
		h[1] = h[2] = h[3] = 0xff;
		h[7] = 0xff; /* hop limit */
	}
	udp[6] = udp[7] = 0xff; /* UDP checksum */
	bth[4] = 0xff;          /* FECN, BECN, resv6 */
	return dp_crc32_update(CRC_OF_8_ONES, h, f->l3_len + ROCE_BTH_BYTES + n);
}

/* `sum`: of the last bytes before the ICRC, which then are not read. */
static uint32_t icrc(const struct dp_frame *f, struct roce_wire_sum sum)
{
	uint32_t rest = f->len - ROCE_BTH_BYTES - ROCE_ICRC_BYTES - sum.bytes, first = rest <= SMALL_BYTES ? rest : 0;
	uint32_t crc = headers(f, first);

	if (rest > first)
		crc = dp_crc32_update(crc, f->data + ROCE_BTH_BYTES, rest);
	return ~(dp_crc32_shift(crc, sum.bytes) ^ sum.crc);
}

uint32_t roce_wire_icrc(const struct dp_frame *f)
{
	return has_icrc(f) ? icrc(f, (struct roce_wire_sum){0}) : 0;
}

void roce_wire_seal_summed(struct dp_frame *f, const struct roce_wire_sum *sum)
{
	if (!has_icrc(f))
		return;
	if (f->l3_len == IP4_L3_BYTES)
		dp_put_be16(f->l3 + 10, dp_ip4_checksum(f->l3));
	put_le32(f->data + f->len - ROCE_ICRC_BYTES, icrc(f, *sum));
}

void roce_wire_seal(struct dp_frame *f)
{
	roce_wire_seal_summed(f, &(struct roce_wire_sum){0});
}

/* Product of two polynomials modulo the CRC's, in its bit order: bit 31 is x^0. */
static uint32_t gf2_mul(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (; a; a <<= 1) {
		if (a >> 31)
			product ^= b;
		b = b >> 1 ^ (b & 1 ? CRC_POLY : 0);
	}
	return product;
}

/* x^(-8 * 2^k): division by x^8 takes one byte off the end. Checked by test_wire.c against x^8. */
static const uint32_t inverse_bytes[] = {
	0x6567cb95, 0xd7125358, 0x5b358fd3, 0x2e9bb40b, 0x12a59a49, 0x8df9403d, 0x5139de12, 0xba340226,
	0x29c45641, 0x12fbc105, 0xecd30c55, 0x3755ebd8, 0x24ee460c, 0x23783fcf, 0x479933fc, 0xa39442a5,
};

/*
 * The change of the two bytes at the start of the last n that makes the CRC differ by `diff`: their first byte
 * in bits 0-7, the second in 8-15. More bits than that: there is no such change.
 */
static uint32_t solve_two_bytes(uint32_t diff, uint32_t n)
{
	for (unsigned int k = 0; n; k++, n >>= 1) {
		if (n & 1)
			diff = gf2_mul(inverse_bytes[k], diff);
	}
	return diff;
}

static bool accept(struct dp_frame *f, uint32_t icrc, bool strict, bool *solved)
{
	uint32_t diff, change, covered;

	diff = icrc ^ get_le32(f->data + f->len - ROCE_ICRC_BYTES);
	if (dp_likely(!diff))
		return true;
	if (strict || (f->flags & DP_FRAME_ID_KNOWN) || f->l3_len != IP4_L3_BYTES)
		return false;
	covered = IP4_L3_BYTES - IP4_ID_OFFSET + f->len - ROCE_ICRC_BYTES;
	if (covered >> DP_ARRAY_SIZE(inverse_bytes))
		return false;
	change = solve_two_bytes(diff, covered);
	if (change > 0xffff)
		return false;
	f->l3[IP4_ID_OFFSET] ^= (uint8_t)change;
	f->l3[IP4_ID_OFFSET + 1] ^= (uint8_t)(change >> 8);
	dp_put_be16(f->l3 + 10, dp_ip4_checksum(f->l3));
	*solved = true;
	return true;
}

bool roce_wire_icrc_ok(struct dp_frame *f, bool strict, bool *solved)
{
	*solved = false;
	return has_icrc(f) && accept(f, roce_wire_icrc(f), strict, solved);
}

bool roce_wire_icrc_ok_copy(struct dp_frame *f, bool strict, bool *solved, uint8_t *to, uint32_t offset, uint32_t n)
{
	uint32_t crc, end = f->len - ROCE_ICRC_BYTES;

	*solved = false;
	if (!has_icrc(f) || offset < ROCE_BTH_BYTES || offset - ROCE_BTH_BYTES > SMALL_BYTES || offset > end ||
	    n > end - offset)
		return false;
	crc = headers(f, offset - ROCE_BTH_BYTES);
	crc = dp_crc32_copy(crc, to, f->data + offset, n);
	crc = dp_crc32_update(crc, f->data + offset + n, end - offset - n);
	return accept(f, ~crc, strict, solved);
}
