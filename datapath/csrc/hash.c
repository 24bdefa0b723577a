/*
 * Hashes and checksums over bytes, as the reference switch computes them: CRC-16/ARC, CRC-32 (IEEE 802.3), both with other
 * parameters, the Internet checksum (RFC 1071), xor of 16-bit words, the first 8 bytes as a number.
 */
#include "datapath/csrc/crc32.h"
#include "datapath/csrc/pipeline_int.h"

static uint32_t reflect(uint32_t v, uint32_t bits)
{
	uint32_t r = 0, i;

	for (i = 0; i < bits; i++)
		r |= (v >> i & 1) << (bits - 1 - i);
	return r;
}

void dp_pl_crc_init(struct pl_crc *c, uint32_t width, uint32_t poly, uint32_t init, uint32_t xor_out, bool refl_in,
		    bool refl_out)
{
	uint32_t i, k, v, top = 1U << (width - 1), mask = width == 32 ? ~0U : 0xffff;

	*c = (struct pl_crc){.poly = poly & mask,
			     .init = init & mask,
			     .xor_out = xor_out & mask,
			     .width = width,
			     .refl_in = refl_in,
			     .refl_out = refl_out};
	for (i = 0; i < 256; i++) {
		v = i << (width - 8);
		for (k = 0; k < 8; k++)
			v = v & top ? v << 1 ^ c->poly : v << 1;
		c->table[i] = v & mask;
	}
}

static uint32_t crc(const struct pl_crc *c, const uint8_t *p, size_t len)
{
	uint32_t v = c->init, mask = c->width == 32 ? ~0U : 0xffff;

	for (; len; len--, p++) {
		uint32_t byte = c->refl_in ? reflect(*p, 8) : *p;

		v = (v << 8 ^ c->table[(v >> (c->width - 8) ^ byte) & 0xff]) & mask;
	}
	return (c->refl_out ? reflect(v, c->width) : v) ^ c->xor_out;
}

uint32_t dp_pl_sum16(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	/* sums of 32-bit halves are equal to sums of 16-bit words after folding; 2^32 of them fit */
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t v = pl_load_be64(p);

		sum += (v >> 32) + (v & 0xffffffff);
	}
	for (; len >= 2; len -= 2, p += 2)
		sum += dp_get_be16(p);
	if (len)
		sum += (uint64_t)*p << 8;
	return pl_fold16(sum);
}

static uint32_t xor16(const uint8_t *p, size_t len)
{
	uint32_t v = 0;

	for (; len >= 2; len -= 2, p += 2)
		v ^= dp_get_be16(p);
	return len ? v ^ (uint32_t)*p << 8 : v;
}

static uint64_t identity(const uint8_t *p, size_t len)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < DP_MIN(len, 8); i++)
		v = v << 8 | p[i];
	return v;
}

/* The key of Microsoft's verification suite for receive side scaling. */
static uint32_t toeplitz(const uint8_t *p, size_t len)
{
	static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
					0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
					0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
					0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
	uint32_t window = dp_get_be32(key), v = 0;
	size_t i;
	int bit;

	for (i = 0; i < len; i++) {
		for (bit = 7; bit >= 0; bit--) {
			if (p[i] >> bit & 1)
				v ^= window;
			window = window << 1 | (key[(i + 4) % sizeof(key)] >> bit & 1);
		}
	}
	return v;
}

uint64_t dp_pl_hash(struct dp_pl_worker *w, uint32_t algorithm, const uint8_t *p, size_t len)
{
	switch ((enum dp_pl_hash)algorithm) {
	case DP_PL_CRC32:
		return dp_crc32_update(~0U, p, len) ^ ~0U;
	case DP_PL_CRC32_CUSTOM:
		return crc(atomic_load_explicit(&w->pl->crc[1], memory_order_acquire), p, len);
	case DP_PL_CRC16:
		return crc(&w->pl->crc16, p, len);
	case DP_PL_CRC16_CUSTOM:
		return crc(atomic_load_explicit(&w->pl->crc[0], memory_order_acquire), p, len);
	case DP_PL_CSUM16:
		return ~dp_pl_sum16(p, len) & 0xffff;
	case DP_PL_XOR16:
		return xor16(p, len);
	case DP_PL_IDENTITY:
		return identity(p, len);
	case DP_PL_RANDOM:
		return dp_rng_next(&w->rng);
	case DP_PL_TOEPLITZ:
		return toeplitz(p, len);
	}
	return 0;
}
