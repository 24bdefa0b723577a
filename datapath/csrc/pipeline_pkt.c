/*
 * Bytes of a packet to slots and back: extract, look ahead, emit, and lists of fields for checksums, hashes and events.
 *
 * A run of fields is cut into pieces of at most 64 bits, and pieces are grouped in big-endian words of 8 bytes. The loops over them
 * have no branch but their end, so each piece loads or stores its word. When the run does not begin at a byte, or cannot be
 * grouped, pieces go bit by bit (that is, in up to nine bytes). Writing is from front to back: what lies behind the bit that was written last is not yet meant.
 */
#include <stdlib.h>

#include "datapath/csrc/pipeline_int.h"

static uint64_t bits_get(const uint8_t *p, uint64_t bit, uint32_t width)
{
	uint32_t skip = bit & 7;
	uint64_t v;

	p += bit >> 3;
	v = pl_load_be64(p) << skip;
	if (skip + width > 64)
		v |= p[8] >> (8 - skip);
	return v >> (64 - width);
}

static void bits_put(uint8_t *p, uint64_t bit, uint32_t width, uint64_t v)
{
	uint32_t skip = bit & 7;
	uint64_t top = v << (64 - width);

	p += bit >> 3;
	if (!skip) {
		pl_store_be64(p, top);
		return;
	}
	pl_store_be64(p, (uint64_t)(p[0] >> (8 - skip)) << (64 - skip) | top >> skip);
	if (skip + width > 64)
		p[8] = (uint8_t)(top << (8 - skip));
}

/* n bits from one bit string to another; both have PL_PAD bytes behind. */
static void bits_copy(uint8_t *dst, uint64_t dst_bit, const uint8_t *src, uint64_t src_bit, uint64_t n)
{
	if (!((dst_bit | src_bit | n) & 7)) {
		memcpy(dst + dst_bit / 8, src + src_bit / 8, n / 8);
		return;
	}
	for (; n; n -= DP_MIN(n, 32)) {
		uint32_t w = (uint32_t)DP_MIN(n, 32);

		bits_put(dst, dst_bit, w, bits_get(src, src_bit, w));
		dst_bit += w;
		src_bit += w;
	}
}

/* How many pieces from i on share a word: as many as fit and end at a byte; 0: it cannot be. */
static uint32_t group(const struct pl_pack *p, uint32_t i)
{
	uint32_t w = 0, best = 0, k;

	for (k = i; k < p->n_pieces && w + p->pieces[k].width <= 64; k++) {
		w += p->pieces[k].width;
		if (w % 8 == 0 || k + 1 == p->n_pieces)
			best = k + 1 - i;
	}
	return best;
}

int dp_pl_pack_init(struct pl_pack *p, const struct pl_part *parts, uint32_t n)
{
	uint32_t n_pieces = 0, bit = 0, i, k, w, size;

	for (i = 0; i < n; i++)
		n_pieces += pl_words(parts[i].width);
	p->pieces = calloc(n_pieces + 1, sizeof(*p->pieces));
	if (!p->pieces)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		for (k = pl_words(parts[i].width); k-- > 0;) {
			struct pl_piece *piece = &p->pieces[p->n_pieces++];

			piece->slot = parts[i].slot + k;
			piece->width = (uint8_t)(k + 1 == pl_words(parts[i].width) ? parts[i].width - 64 * k : 64);
			p->bits += piece->width;
		}
	}
	p->grouped = p->halves = true;
	for (i = 0; i < p->n_pieces; i += size) {
		size = group(p, i);
		if (!size) {
			p->grouped = p->halves = false;
			return 0;
		}
		for (w = 0, k = i; k < i + size; k++) {
			w += p->pieces[k].width;
			p->pieces[k].byte_off = bit / 8;
			p->pieces[k].shift = (uint8_t)(64 - w);
			p->pieces[k].follows = k > i;
		}
		p->halves &= bit % 16 == 0;
		bit += w;
	}
	p->halves &= bit % 8 == 0;
	return 0;
}

void dp_pl_pack_fini(struct pl_pack *p)
{
	free(p->pieces);
}

void dp_pl_unpack(const struct pl_pack *p, const uint8_t *data, uint64_t bit, uint64_t *base)
{
	const struct pl_piece *piece = p->pieces, *end = piece + p->n_pieces;

	if (dp_likely(p->grouped && !(bit & 7))) {
		data += bit >> 3;
		for (; piece < end; piece++)
			base[piece->slot] =
				pl_load_be64(data + piece->byte_off) >> piece->shift & pl_mask(piece->width);
		return;
	}
	for (; piece < end; piece++) {
		base[piece->slot] = bits_get(data, bit, piece->width);
		bit += piece->width;
	}
}

void dp_pl_pack(const struct pl_pack *p, const uint64_t *base, uint8_t *out, uint64_t bit)
{
	const struct pl_piece *piece = p->pieces, *end = piece + p->n_pieces;
	uint64_t v = 0;

	if (dp_likely(p->grouped && !(bit & 7))) {
		out += bit >> 3;
		for (; piece < end; piece++) {
			v = (v & -(uint64_t)piece->follows) | base[piece->slot] << piece->shift;
			pl_store_be64(out + piece->byte_off, v);
		}
		return;
	}
	for (; piece < end; piece++) {
		bits_put(out, bit, piece->width, base[piece->slot]);
		bit += piece->width;
	}
}

uint32_t dp_pl_pack_sum16(const struct pl_pack *p, const uint64_t *base)
{
	const struct pl_piece *piece = p->pieces, *end = piece + p->n_pieces;
	uint64_t sum = 0;

	/* pieces of a word do not overlap, so the sum of pieces is the sum of words */
	for (; piece < end; piece++) {
		uint64_t v = base[piece->slot] << piece->shift;

		sum += (v >> 32) + (v & 0xffffffff);
	}
	return pl_fold16(sum);
}

/* The packet's bytes from bit `w->cur` for `bits`, with PL_PAD bytes behind that may be read; *bit is where they begin. */
static const uint8_t *padded(struct dp_pl_worker *w, uint32_t bits, uint64_t *bit)
{
	uint32_t from = w->cur / 8, to = (w->cur + bits + 7) / 8;

	*bit = w->cur;
	if (dp_likely(to + PL_PAD <= w->len))
		return w->data;
	memcpy(w->tail, w->data + from, to - from);
	*bit &= 7;
	return w->tail;
}

int dp_pl_look(struct dp_pl_worker *w, const struct pl_hdr *h, uint64_t *base)
{
	const uint8_t *p;
	uint64_t bit;

	if (w->cur + (uint64_t)h->bits > 8ULL * w->len)
		return 1; /* PacketTooShort */
	p = padded(w, h->bits, &bit);
	dp_pl_unpack(&h->head, p, bit, base);
	return 0;
}

int dp_pl_extract(struct dp_pl_worker *w, const struct pl_hdr *h, uint64_t *base, uint64_t varbits)
{
	const uint8_t *p;
	uint64_t bit, left = 8ULL * w->len - w->cur;

	if (dp_likely(!h->vb_max))
		varbits = 0;
	/* checked in the order of the reference switch */
	if (dp_unlikely(varbits & 7))
		return 6; /* ParserInvalidArgument */
	if (dp_unlikely(h->bits > left || varbits > left - h->bits))
		return 1;
	if (dp_unlikely(varbits > h->vb_max))
		return 4; /* HeaderTooShort */
	p = padded(w, h->bits + (uint32_t)varbits, &bit);
	dp_pl_unpack(&h->head, p, bit, base);
	if (dp_unlikely(h->vb_max)) {
		uint64_t *vb = base + h->vb_slot;

		memset(vb + 1, 0, 8 * pl_words(h->vb_max));
		vb[0] = varbits;
		/* by way of a buffer: bits_copy() writes more than it was asked for */
		bits_copy(w->bytes, 0, p, bit + h->head.bits, varbits);
		memcpy(vb + 1, w->bytes, varbits / 8);
		dp_pl_unpack(&h->tail, p, bit + h->head.bits + varbits, base);
	}
	base[0] = 1;
	w->cur += h->bits + (uint32_t)varbits;
	return 0;
}

void dp_pl_emit(struct dp_pl_worker *w, const struct pl_hdr *h, const uint64_t *base)
{
	uint64_t n = 0;

	if (dp_unlikely(!w->out))
		return; /* before the deparser there is nowhere to emit to */
	if (dp_unlikely(h->vb_max))
		n = DP_MIN(base[h->vb_slot], h->vb_max);
	if (dp_unlikely(w->out_bits + h->bits + n > 8ULL * PL_MAX_PACKET)) {
		w->out_long = true;
		return;
	}
	dp_pl_pack(&h->head, base, w->out, w->out_bits);
	w->out_bits += h->head.bits;
	if (dp_unlikely(h->vb_max)) {
		memcpy(w->bytes, base + h->vb_slot + 1, 8 * pl_words(h->vb_max));
		bits_copy(w->out, w->out_bits, w->bytes, 0, n);
		w->out_bits += (uint32_t)n;
		dp_pl_pack(&h->tail, base, w->out, w->out_bits);
		w->out_bits += h->tail.bits;
	}
}

static uint32_t put_item(uint8_t *out, uint32_t bit, const struct dp_pl_item *item, const uint64_t *slots, uint8_t *tmp)
{
	const uint64_t *v = slots + item->slot;
	uint32_t k, width, n;

	if (item->varbit) {
		n = (uint32_t)DP_MIN(v[0], item->width);
		memcpy(tmp, v + 1, 8 * pl_words(item->width));
		bits_copy(out, bit, tmp, 0, n);
		return bit + n;
	}
	for (k = pl_words(item->width); k-- > 0;) {
		width = k + 1 == pl_words(item->width) ? item->width - 64 * k : 64;
		bits_put(out, bit, width, v[k] & pl_mask(width));
		bit += width;
	}
	return bit;
}

/* Zeros behind the last bit, up to the next byte. */
static void end_bits(uint8_t *out, uint32_t bit)
{
	if (bit & 7)
		out[bit / 8] = (uint8_t)(out[bit / 8] & 0xff00 >> (bit & 7));
}

uint32_t dp_pl_list_bytes(struct dp_pl_worker *w, const struct pl_list *list)
{
	uint32_t bit = 0, i;

	if (dp_likely(!list->varbit)) {
		dp_pl_pack(&list->pack, w->slots, w->bytes, 0);
		bit = list->pack.bits;
	} else {
		uint8_t *tmp = w->bytes + w->pl->max_list_bytes + PL_PAD;

		for (i = 0; i < list->n; i++)
			bit = put_item(w->bytes, bit, &list->items[i], w->slots, tmp);
	}
	end_bits(w->bytes, bit);
	return bit;
}

uint32_t dp_pl_list_event(const struct dp_pl_worker *w, const struct pl_list *list, uint8_t *out)
{
	uint8_t *tmp = w->bytes;
	uint32_t at = 0, i, bit, bytes;

	for (i = 0; i < list->n; i++) {
		const struct dp_pl_item *item = &list->items[i];

		bytes = (item->width + 7) / 8;
		if (item->varbit) {
			memset(out + at, 0, bytes);
			put_item(out + at, 0, item, w->slots, tmp);
		} else {
			/* as a number in whole bytes: zeros before its first bit */
			bit = 8 * bytes - item->width;
			out[at] = 0;
			put_item(out + at, bit, item, w->slots, tmp);
		}
		at += bytes;
	}
	return at;
}
