/*
 * Packets between processes of one machine: descriptors in a ring that the receiver shows, one ring for each sender. A
 * ring is written under the sender's engine lock and read under the receiver's, so it has one writer and one reader.
 *
 * Short payload lies in the ring. Longer payload of reliable queue pairs stays where it is until the receiver pulls it:
 * it is the program's to keep until the request completes. An unreliable request completes when it is sent, so
 * its payload, a packet's worth at most, is always in the ring.
 */
#include <stdlib.h>
#include <unistd.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/local_int.h"

/* A receiver that has read nothing for so long holds nobody up any more: what does not fit is lost. */
#define STALL_PS   DP_SEC
#define MAX_PIECES 255

static uint64_t room(const struct roce_link *link)
{
	return RING_BYTES - (link->head - link->tail_seen);
}

/* How much can be written now. */
static uint64_t look(struct roce_link *link)
{
	uint64_t tail = __atomic_load_n(&link->out->tail, __ATOMIC_ACQUIRE);

	if (tail != link->tail_seen) {
		link->tail_seen = tail;
		link->stalled_ps = 0;
		link->lossy = false;
	}
	return room(link);
}

uint64_t roce_local_full(struct roce_local *local, uint64_t now_ps)
{
	uint64_t lanes = 0;

	local->holding = false;
	if (!local->ntight)
		return 0;
	for (struct roce_link *link = local->links; link; link = link->next) {
		if (!link->tight)
			continue;
		if (look(link) >= RESERVE_BYTES || !roce_link_alive(link)) {
			link->tight = false;
			local->ntight--;
			continue;
		}
		if (!link->stalled_ps)
			link->stalled_ps = now_ps;
		if (now_ps - link->stalled_ps > STALL_PS)
			link->lossy = true;
		if (!link->lossy)
			lanes |= 1ull << link->lane;
	}
	local->holding = lanes;
	return lanes;
}

bool roce_local_tight(const struct roce_local *local)
{
	return local->holding;
}

static void touch(struct roce_link *link)
{
	struct roce_local *local = link->local;

	if (room(link) < RESERVE_BYTES && !link->tight) {
		link->tight = true;
		local->holding = true;
		local->ntight++;
	}
	if (link->touched)
		return;
	link->touched = true;
	link->touched_next = local->touched;
	local->touched = link;
}

/* Room for a cell of `bytes` in one piece; NULL: the ring is full. put() shows it to the receiver. */
static struct cell *get(struct roce_link *link, uint32_t bytes)
{
	uint32_t offset = (uint32_t)(link->head % RING_BYTES),
		 skip = offset + bytes > RING_BYTES ? RING_BYTES - offset : 0;

	if (room(link) < bytes + skip && look(link) < bytes + skip)
		return NULL;
	if (skip) {
		struct cell *gap = (struct cell *)(void *)(link->out->data + offset);

		gap->bytes = skip;
		gap->kind = CELL_SKIP;
		link->head += skip;
		__atomic_store_n(&link->out->head, link->head, __ATOMIC_RELEASE); /* he may be reading */
		offset = 0;
	}
	return (struct cell *)(void *)(link->out->data + offset);
}

static void put(struct roce_link *link, uint32_t bytes)
{
	link->head += bytes;
	__atomic_store_n(&link->out->head, link->head, __ATOMIC_RELEASE);
	touch(link);
}

static uint32_t cell_bytes(uint32_t data)
{
	return (uint32_t)(sizeof(struct cell) + data + CELL_ALIGN - 1) / CELL_ALIGN * CELL_ALIGN;
}

static void fill(struct cell *cell, const struct roce_pkt *pkt, uint32_t epoch)
{
	cell->kind = CELL_PACKET;
	cell->niov = 0;
	cell->opcode = pkt->opcode;
	/* The extension is for networks that lose packets. */
	cell->bth_flags = pkt->bth_flags & (uint8_t)~ROCE_BTH_EXT;
	cell->prio = pkt->prio;
	cell->tos = pkt->tos;
	cell->ttl = pkt->ttl;
	cell->syndrome = pkt->syndrome;
	cell->dqpn = pkt->dqpn;
	cell->sqpn = pkt->sqpn;
	cell->psn = pkt->psn;
	cell->msn = pkt->msn;
	cell->len = pkt->len;
	cell->imm = pkt->imm;
	cell->rkey = pkt->rkey;
	cell->dma_len = pkt->dma_len;
	cell->xrc_srqn = pkt->xrc_srqn;
	cell->epoch = epoch;
	cell->va = pkt->va;
	cell->swap_add = pkt->swap_add;
	cell->compare = pkt->compare;
}

/* The payload itself. False: it cannot be read. */
static bool copy_in(uint8_t *to, const struct iovec *v, int n)
{
	for (int i = 0; i < n; to += v[i].iov_len, i++)
		if (!dp_guard_read(to, v[i].iov_base, v[i].iov_len))
			return false;
	return true;
}

int roce_local_push(struct roce_local *local, const struct roce_pkt *pkt)
{
	struct roce_link *link = pkt->link;
	const struct iovec *v = roce_pkt_vec(pkt);
	bool unreliable = roce_opcode_service(pkt->opcode) == ROCE_SVC_UC, refs;
	uint32_t bytes;
	struct cell *cell;

	if (pkt->len && !pkt->niov) { /* phantom payload has no bytes to send */
		roce_dev_counters(local->dev)->send_err++;
		return 0;
	}
	/* What was gathered into the packet goes with the packet. */
	refs = pkt->len > INLINE_BYTES && !unreliable && v->iov_base != pkt->bounce;
	bytes = cell_bytes(refs ? pkt->niov * (uint32_t)sizeof(*v) : pkt->len);
	if (!roce_link_alive(link))
		return 0; /* nobody there: as on a cable without a peer */
	cell = get(link, bytes);
	if (!cell)
		return 0; /* it has not read for long */
	fill(cell, pkt, local->own->qps[pkt->sqpn & (QPS - 1)].epoch);
	cell->bytes = bytes;
	if (refs) {
		cell->niov = pkt->niov;
		memcpy(cell->data, v, pkt->niov * sizeof(*v));
	} else if (!copy_in(cell->data, v, pkt->niov)) {
		roce_dev_unreadable(local->dev, pkt);
		return 0;
	}
	put(link, bytes);
	return 1;
}

void roce_link_tell(struct roce_link *link, uint32_t ring)
{
	struct shown_hdr *peer = &link->peer->hdr;
	uint64_t bit = 1ull << ring % 64, *word = &peer->pending[ring / 64];

	/* It is cleared before the ring is read, so one that is set speaks for what was written, too. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(LOAD(word) & bit))
		__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
	if (LOAD(&peer->sleeping) && __atomic_exchange_n(&peer->sleeping, 0, __ATOMIC_SEQ_CST)) {
		ssize_t n = write(link->wake_fd, "", 1);

		(void)n; /* full: it is readable already; broken: nobody is there */
	}
}

void roce_local_flush(struct roce_local *local)
{
	while (local->touched) {
		struct roce_link *link = local->touched;

		local->touched = link->touched_next;
		link->touched = false;
		roce_link_tell(link, link->index);
	}
}

/* ---- receiving ---- */

static struct roce_link *sender(struct roce_local *local, uint32_t index)
{
	uint64_t owner = LOAD(&local->own->rings[index].owner);
	struct roce_link *link = local->in[index];

	if (link && link->id == owner)
		return link;
	for (link = local->links; link && link->id != owner; link = link->next)
		;
	local->in[index] = link;
	return link;
}

int roce_local_pull(const struct roce_pkt *pkt, uint32_t offset, uint8_t *to, uint32_t len)
{
	struct roce_link *link = pkt->link;
	bool response = roce_opcode_info(pkt->opcode)->flags & ROCE_OPF_READ_RESP;
	struct iovec v[MAX_PIECES], own = {to, len};
	struct shown_qp *q;
	bool ok, valid;
	int n = 0;

	for (uint32_t i = 0, skip = offset, left = len; i < pkt->niov && left; i++) {
		size_t part = pkt->vec[i].iov_len;

		if (skip >= part) {
			skip -= (uint32_t)part;
			continue;
		}
		part = DP_MIN(part - skip, (size_t)left);
		v[n++] = (struct iovec){(char *)pkt->vec[i].iov_base + skip, part};
		left -= (uint32_t)part;
		skip = 0;
	}
	q = roce_link_enter(link, pkt->sqpn, response ? pkt->rkey : 0);
	/*
	 * Of a response only the region counts: the queue pair may have failed since, by a request after this one. Whether
	 * it may be read was asked by whoever sent it. Key 0 is never shown.
	 */
	valid = response ? !pkt->rkey || roce_link_key_is(link, pkt->rkey) : LOAD(&q->epoch) == pkt->epoch;
	ok = valid && roce_link_copy(link, &own, 1, v, n, len, true);
	if (!response)
		valid = valid && LOAD(&q->epoch) == pkt->epoch;
	roce_link_leave(link);
	if (ok && valid)
		return 0;
	if (!valid || !roce_link_alive(link))
		return -EIO;
	if (!dp_guard_writable(to, len))
		return -EACCES;
	/* Its memory is gone: it has to hear of it, the packet was fine. */
	if (roce_opcode_service(pkt->opcode) != ROCE_SVC_UC) {
		uint32_t bytes = cell_bytes(0);
		struct cell *cell = get(link, bytes);

		if (cell) {
			fill(cell, pkt, pkt->epoch);
			cell->kind = CELL_UNREADABLE;
			cell->bytes = bytes;
			put(link, bytes);
		}
	}
	return -EIO;
}

/* The peer could not read what we sent. It can say so of what it was sent, while that is outstanding. */
static void unreadable(struct roce_local *local, struct roce_link *link, const struct cell *c)
{
	struct roce_qp *qp = roce_qp_find(local->dev, c->sqpn);
	struct roce_pkt pkt = {.opcode = c->opcode, .sqpn = c->sqpn, .psn = c->psn & ROCE_PSN_MASK};

	if (!qp || !link || qp->link != link || !roce_opcode_info(c->opcode)->name)
		return;
	if (qp->state != ROCE_QPS_ERR && local->own->qps[c->sqpn & (QPS - 1)].epoch != c->epoch)
		return; /* of an earlier life of the queue pair */
	roce_dev_unreadable(local->dev, &pkt);
}

/* Gives a cell's packet to the device; the cell may change under our eyes, `c` is a copy of its fixed part. */
static void deliver(struct roce_local *local, struct roce_link *link, const struct ring *ring, const struct cell *c,
		    const uint8_t *data, uint64_t now_ps)
{
	struct roce_counters *ctr = roce_dev_counters(local->dev);
	uint32_t room = c->bytes - (uint32_t)sizeof(*c);
	struct iovec v[MAX_PIECES];
	struct roce_pkt pkt;
	uint64_t sum = 0;

	if (c->kind == CELL_UNREADABLE) {
		unreadable(local, link, c);
		return;
	}
	/* A short payload is never elsewhere: who takes a few bytes does not ask where they are. */
	if ((c->niov ? c->niov * sizeof(*v) > room || c->len <= INLINE_BYTES : c->len > room) ||
	    (c->len && !(roce_opcode_info(c->opcode)->flags & ROCE_OPF_PAYLOAD))) {
		ctr->drops[ROCE_DROP_TRUNCATED]++;
		return;
	}
	if (c->niov && !link) { /* no queue pair of ours is connected there, so none could take it */
		ctr->drops[ROCE_DROP_PAYLOAD_GONE]++;
		return;
	}
	memset(&pkt, 0, offsetof(struct roce_pkt, iov));
	pkt.bounce = NULL;
	pkt.next = NULL;
	pkt.opcode = c->opcode;
	pkt.bth_flags = c->bth_flags & (ROCE_BTH_SOLICITED | ROCE_BTH_MIGREQ | ROCE_BTH_ACKREQ);
	pkt.prio = c->prio & (ROCE_PRIOS - 1);
	pkt.tos = c->tos;
	pkt.ttl = c->ttl;
	pkt.syndrome = c->syndrome;
	pkt.pkey = ROCE_PKEY_DEFAULT;
	pkt.dqpn = c->dqpn;
	pkt.sqpn = c->sqpn;
	pkt.psn = c->psn & ROCE_PSN_MASK;
	pkt.msn = c->msn & ROCE_PSN_MASK;
	pkt.len = c->len;
	pkt.imm = c->imm;
	pkt.rkey = c->rkey;
	pkt.dma_len = c->dma_len;
	pkt.xrc_srqn = c->xrc_srqn;
	pkt.epoch = c->epoch;
	pkt.va = c->va;
	pkt.swap_add = c->swap_add;
	pkt.compare = c->compare;
	pkt.link = link;
	pkt.ts_ps = now_ps;
	memcpy(pkt.sgid.b, ring->gid, sizeof(pkt.sgid.b));
	pkt.dgid = local->gid;
	if (c->niov) {
		memcpy(v, data, c->niov * sizeof(*v));
		for (int i = 0; i < c->niov; i++)
			sum += v[i].iov_len;
		if (sum != c->len) {
			ctr->drops[ROCE_DROP_TRUNCATED]++;
			return;
		}
		pkt.vec = v;
		pkt.far = true;
		pkt.niov = c->niov;
	} else if (c->len) {
		pkt.iov[0] = (struct iovec){(uint8_t *)data, c->len};
		pkt.niov = 1;
	}
	roce_dev_rx(local->dev, &pkt, now_ps);
}

/* Up to `most` packets of a ring; sets *more if it has more. */
static int drain(struct roce_local *local, uint32_t index, int most, uint64_t now_ps, bool *more)
{
	struct ring *ring = &local->own->rings[index];
	struct roce_link *link = sender(local, index);
	uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE), tail = local->tail[index];
	int n = 0;

	if (head - tail > RING_BYTES || head % CELL_ALIGN || tail % CELL_ALIGN) {
		roce_dev_counters(local->dev)->drops[ROCE_DROP_TRUNCATED]++;
		tail = head;
	}
	while (tail != head && n < most) {
		uint32_t offset = (uint32_t)(tail % RING_BYTES);
		const struct cell *at = (const struct cell *)(const void *)(ring->data + offset);
		struct cell c;

		c.bytes = __atomic_load_n(&at->bytes, __ATOMIC_RELAXED);
		c.kind = at->kind;
		if (c.bytes % CELL_ALIGN || c.bytes < CELL_ALIGN || c.bytes > RING_BYTES - offset ||
		    c.bytes > head - tail || (c.kind != CELL_SKIP && c.bytes < sizeof(c))) {
			roce_dev_counters(local->dev)->drops[ROCE_DROP_TRUNCATED]++;
			tail = head; /* whoever writes this is no sender of ours */
			break;
		}
		if (c.kind != CELL_SKIP) {
			uint32_t bytes = c.bytes;

			memcpy(&c, at, sizeof(c));
			c.bytes = bytes;
			deliver(local, link, ring, &c, at->data, now_ps);
			n++;
		}
		tail += c.bytes;
		__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
	}
	local->tail[index] = tail;
	__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
	*more = tail != head;
	return n;
}

/* The rings of a word that have something, of those in `mask`, from the lowest on. */
static int drain_word(struct roce_local *local, uint32_t w, uint64_t mask, int most, uint64_t now_ps)
{
	uint64_t *word = &local->own->hdr.pending[w], bits = LOAD(word) & mask, left = 0;
	int n = 0;

	if (!bits)
		return 0;
	__atomic_fetch_and(word, ~bits, __ATOMIC_SEQ_CST);
	while (bits) {
		uint32_t i = (uint32_t)__builtin_ctzll(bits);
		bool more = true;

		bits &= bits - 1;
		if (n < most) {
			n += drain(local, w * 64 + i, most - n, now_ps, &more);
			local->rx_next = (w * 64 + i + 1) % RINGS;
		}
		if (more)
			left |= 1ull << i;
	}
	if (left)
		__atomic_fetch_or(word, left, __ATOMIC_SEQ_CST);
	return n;
}

/* Goes on behind the ring that it ended with: one that is always full does not keep others waiting. */
int roce_local_rx(struct roce_local *local, int most, uint64_t now_ps)
{
	uint32_t first = local->rx_next;
	uint64_t from = ~0ull << first % 64;
	int n = 0;

	for (uint32_t k = 0; k <= RINGS / 64 && n < most; k++) {
		uint64_t mask = k == 0 ? from : k == RINGS / 64 ? ~from : ~0ull;

		n += drain_word(local, (first / 64 + k) % (RINGS / 64), mask, most - n, now_ps);
	}
	return n;
}

bool roce_local_pending(const struct roce_local *local)
{
	uint64_t any = 0;

	for (uint32_t w = 0; w < RINGS / 64; w++)
		any |= LOAD(&local->own->hdr.pending[w]);
	return any;
}

int roce_local_wake_fd(const struct roce_local *local)
{
	return local->wake_r;
}

bool roce_local_sleep(struct roce_local *local)
{
	STORE(&local->own->hdr.sleeping, 1);
	if (!roce_local_pending(local))
		return true;
	STORE(&local->own->hdr.sleeping, 0);
	return false;
}

void roce_local_awake(struct roce_local *local)
{
	char bytes[64];

	STORE(&local->own->hdr.sleeping, 0);
	while (read(local->wake_r, bytes, sizeof(bytes)) == sizeof(bytes))
		;
}
