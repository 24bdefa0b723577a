/*
 * Arithmetic on values of any width, words least significant first, bits above the width zero. d may be the same place as a
 * or b, else they are apart; partly overlapping ones give nonsense within d. Results are built in t when d could be read again.
 */
#include "datapath/csrc/pipeline_int.h"

static void cut(uint64_t *d, uint32_t w)
{
	if (w & 63)
		d[w / 64] &= pl_mask(w & 63);
}

static bool negative(const uint64_t *a, uint32_t w)
{
	return a[(w - 1) / 64] >> ((w - 1) & 63) & 1;
}

static uint64_t add(uint64_t *d, const uint64_t *a, const uint64_t *b, uint32_t n, uint64_t invert, uint64_t carry)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint64_t x = a[i], y = b[i] ^ invert, s = x + y, c = s < x;

		d[i] = s + carry;
		carry = c | (d[i] < s);
	}
	return carry;
}

static void fill(uint64_t *d, uint32_t w, uint64_t v)
{
	uint32_t i;

	for (i = 0; i < pl_words(w); i++)
		d[i] = v;
	cut(d, w);
}

static void set_bit(uint64_t *d, uint32_t bit, bool v)
{
	d[bit / 64] = (d[bit / 64] & ~(1ULL << (bit & 63))) | (uint64_t)v << (bit & 63);
}

static int cmp(const uint64_t *a, const uint64_t *b, uint32_t n)
{
	while (n-- > 0) {
		if (a[n] != b[n])
			return a[n] < b[n] ? -1 : 1;
	}
	return 0;
}

/* Saturating sum or difference of w bits. */
static void saturate(uint64_t *t, uint64_t *d, const uint64_t *a, const uint64_t *b, uint32_t w, bool sub,
		     bool is_signed)
{
	bool na = negative(a, w), nb = negative(b, w) != sub, over;
	uint32_t n = pl_words(w);
	uint64_t carry;

	carry = add(t, a, b, n, sub ? ~0ULL : 0, sub);
	if (is_signed) {
		cut(t, w);
		/* -b of the least b is itself: only the operands' own signs tell */
		over = sub ? na != negative(b, w) && negative(t, w) != na : na == nb && negative(t, w) != na;
		if (over) {
			fill(t, w, na ? 0 : ~0ULL);
			set_bit(t, w - 1, na);
		}
	} else if (sub) {
		if (!carry)
			fill(t, w, 0);
	} else if (carry || ((w & 63) && t[n - 1] > pl_mask(w & 63))) {
		fill(t, w, ~0ULL);
	}
	cut(t, w);
	memcpy(d, t, 8 * n);
}

static void mul(uint64_t *t, uint64_t *d, const uint64_t *a, const uint64_t *b, uint32_t w)
{
	uint32_t n = pl_words(w), i, k;

	memset(t, 0, 8 * n);
	for (i = 0; i < n; i++) {
		uint64_t carry = 0;

		for (k = 0; i + k < n && a[i]; k++) {
			unsigned __int128 m = (unsigned __int128)a[i] * b[k] + t[i + k] + carry;

			t[i + k] = (uint64_t)m;
			carry = (uint64_t)(m >> 64);
		}
	}
	memcpy(d, t, 8 * n);
	cut(d, w);
}

/* Bits [from + w - 1 : from] of a, which has aw bits; above them: ext (0 or ~0). */
static void slice(uint64_t *d, const uint64_t *a, uint32_t aw, uint64_t from, uint32_t w, uint64_t ext)
{
	uint32_t n = pl_words(w), an = pl_words(aw), skip = from & 63, i;
	uint64_t at = from >> 6;

	for (i = 0; i < n; i++, at++) {
		uint64_t lo = at < an ? a[at] : ext, hi = at + 1 < an ? a[at + 1] : ext;

		if (ext && at + 1 == an && (aw & 63))
			lo |= ~pl_mask(aw & 63);
		if (ext && at + 2 == an && (aw & 63))
			hi |= ~pl_mask(aw & 63);
		d[i] = skip ? lo >> skip | hi << (64 - skip) : lo;
	}
	cut(d, w);
}

static void shl(uint64_t *t, uint64_t *d, const uint64_t *a, uint64_t by, uint32_t w)
{
	uint32_t n = pl_words(w), skip = by & 63, i;
	uint64_t at = by >> 6;

	for (i = 0; i < n; i++) {
		uint64_t hi = i >= at ? a[i - at] : 0, lo = i >= at + 1 ? a[i - at - 1] : 0;

		t[i] = skip ? hi << skip | lo >> (64 - skip) : hi;
	}
	memcpy(d, t, 8 * n);
	cut(d, w);
}

/* Quotient and rest, bit by bit from the top; the rest never has more words than b. */
static void divide(uint64_t *t, uint64_t *d, const uint64_t *a, const uint64_t *b, uint32_t w, bool want_rest)
{
	uint32_t n = pl_words(w), i, bit;
	uint64_t *q = t, *r = t + PL_MAX_WORDS + 2, *s = t + 2 * (PL_MAX_WORDS + 2);

	for (i = 0; i < n && !b[i]; i++)
		;
	if (i == n) {
		memset(d, 0, 8 * n);
		return;
	}
	memset(q, 0, 8 * n);
	memset(r, 0, 8 * (n + 1));
	memcpy(s, b, 8 * n);
	s[n] = 0;
	for (bit = w; bit-- > 0;) {
		for (i = n; i > 0; i--)
			r[i] = r[i] << 1 | r[i - 1] >> 63;
		r[0] = r[0] << 1 | (a[bit / 64] >> (bit & 63) & 1);
		if (cmp(r, s, n + 1) >= 0) {
			add(r, r, s, n + 1, ~0ULL, 1);
			q[bit / 64] |= 1ULL << (bit & 63);
		}
	}
	memcpy(d, want_rest ? r : q, 8 * n);
}

static void insert(uint64_t *d, const uint64_t *a, uint32_t w, uint64_t at)
{
	uint32_t i, take;

	for (i = 0; i < pl_words(w); i++, at += 64) {
		uint32_t skip = at & 63;
		uint64_t mask, v;

		take = DP_MIN(64, w - 64 * i);
		mask = pl_mask(take);
		v = a[i] & mask;
		d[at / 64] = (d[at / 64] & ~(mask << skip)) | v << skip;
		if (skip && skip + take > 64)
			d[at / 64 + 1] = (d[at / 64 + 1] & ~(mask >> (64 - skip))) | v >> (64 - skip);
	}
}

uint64_t dp_pl_wide_cmp(uint16_t op, const uint64_t *a, const uint64_t *b, uint32_t w)
{
	uint32_t n = pl_words(w);

	switch (op) {
	case DP_PL_OP_EQX:
		return cmp(a, b, n) == 0;
	case DP_PL_OP_NEX:
		return cmp(a, b, n) != 0;
	case DP_PL_OP_LTX:
		return cmp(a, b, n) < 0;
	case DP_PL_OP_LEX:
		return cmp(a, b, n) <= 0;
	default:
		if (negative(a, w) != negative(b, w))
			return negative(a, w);
		return op == DP_PL_OP_SLTX ? cmp(a, b, n) < 0 : cmp(a, b, n) <= 0;
	}
}

void dp_pl_wide(uint16_t op, uint64_t *t, uint64_t *d, const uint64_t *a, const uint64_t *b, uint32_t w, uint32_t aw,
		uint64_t imm)
{
	uint32_t n = pl_words(w), i;

	switch (op) {
	case DP_PL_OP_ADDX:
		add(d, a, b, n, 0, 0);
		cut(d, w);
		break;
	case DP_PL_OP_SUBX:
		add(d, a, b, n, ~0ULL, 1);
		cut(d, w);
		break;
	case DP_PL_OP_MULX:
		mul(t, d, a, b, w);
		break;
	case DP_PL_OP_ANDX:
		for (i = 0; i < n; i++)
			d[i] = a[i] & b[i];
		break;
	case DP_PL_OP_ORX:
		for (i = 0; i < n; i++)
			d[i] = a[i] | b[i];
		break;
	case DP_PL_OP_XORX:
		for (i = 0; i < n; i++)
			d[i] = a[i] ^ b[i];
		break;
	case DP_PL_OP_NOTX:
		for (i = 0; i < n; i++)
			d[i] = ~a[i];
		cut(d, w);
		break;
	case DP_PL_OP_NEGX:
		memset(t, 0, 8 * n);
		add(d, t, a, n, ~0ULL, 1);
		cut(d, w);
		break;
	case DP_PL_OP_SHLX:
		shl(t, d, a, b[0], w);
		break;
	case DP_PL_OP_SHRX:
		slice(t, a, w, b[0], w, 0);
		memcpy(d, t, 8 * n);
		break;
	case DP_PL_OP_SARX:
		slice(t, a, w, b[0], w, negative(a, w) ? ~0ULL : 0);
		memcpy(d, t, 8 * n);
		break;
	case DP_PL_OP_ADDSX:
	case DP_PL_OP_SUBSX:
		saturate(t, d, a, b, w, op == DP_PL_OP_SUBSX, false);
		break;
	case DP_PL_OP_ADDSSX:
	case DP_PL_OP_SUBSSX:
		saturate(t, d, a, b, w, op == DP_PL_OP_SUBSSX, true);
		break;
	case DP_PL_OP_DIVX:
	case DP_PL_OP_MODX:
		divide(t, d, a, b, w, op == DP_PL_OP_MODX);
		break;
	case DP_PL_OP_SLICEX:
		slice(t, a, aw, imm, w, 0);
		memcpy(d, t, 8 * n);
		break;
	case DP_PL_OP_SEXTX:
		slice(t, a, aw, 0, w, negative(a, aw) ? ~0ULL : 0);
		memcpy(d, t, 8 * n);
		break;
	case DP_PL_OP_ZEXTX:
		slice(t, a, aw, 0, w, 0);
		memcpy(d, t, 8 * n);
		break;
	case DP_PL_OP_INSX:
		memcpy(t, a, 8 * n);
		insert(d, t, w, imm);
		break;
	default:
		break;
	}
}
