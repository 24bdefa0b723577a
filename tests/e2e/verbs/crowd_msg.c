/* Messages of a crowd's member: what is posted, and what must have come when a completion is there. See crowd.h. */
#include "tests/e2e/verbs/crowd.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SYNC_NS  200000000ull
#define PROBE_NS 100000000ull

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* splitmix64 */
uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15u);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

void wrong(struct conn *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!c->wrong++)
		vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
}

void fill(void *to, size_t bytes, uint32_t sender, uint32_t qpn, uint64_t seq)
{
	uint64_t state = ((uint64_t)sender << 48) ^ ((uint64_t)qpn << 24) ^ seq * 0x2545F4914F6CDD1Du, word;
	uint8_t *p = to;

	for (size_t i = 0; i < bytes; i += 8) {
		word = draw(&state);
		memcpy(p + i, &word, bytes - i < 8 ? bytes - i : 8);
	}
}

static bool holds(const void *at, size_t bytes, uint32_t sender, uint32_t qpn, uint64_t seq)
{
	uint8_t expected[SLOT];

	fill(expected, bytes, sender, qpn, seq);
	return !memcmp(at, expected, bytes);
}

static uint64_t sum(const struct msg *msg, size_t payload)
{
	const uint8_t *p = (const uint8_t *)msg + sizeof(msg->sum);
	uint64_t h = 0xCBF29CE484222325u;

	for (size_t n = sizeof(*msg) - sizeof(msg->sum) + payload; n; n--)
		h = (h ^ *p++) * 0x100000001B3u;
	return h;
}

uint8_t *send_place(struct conn *c, uint64_t index)
{
	return c->arena + AT_SEND + index % SQ * SLOT;
}

uint8_t *recv_place(struct conn *c, uint64_t index)
{
	return c->arena + AT_RECV + index % c->recvs * SLOT;
}

uint8_t *landing(struct conn *c, uint64_t seq)
{
	return c->arena + AT_LANDING + seq % WINDOW * SLOT;
}

static uint64_t id_of(const struct member *m, const struct conn *c, bool receive, uint64_t index)
{
	return (uint64_t)c->generation << 40 | (uint64_t)(c - m->conns) << 32 | (uint64_t)receive << 31 |
	       (index & 0x7FFFFFFF);
}

int post_receive(struct member *m, struct conn *c)
{
	struct ibv_sge sge = {(uintptr_t)recv_place(c, c->recv_posted), SLOT, c->mr->lkey};
	struct ibv_recv_wr wr = {.wr_id = id_of(m, c, true, c->recv_posted), .sg_list = &sge, .num_sge = 1}, *bad;
	int err = ibv_post_recv(c->qp, &wr, &bad);

	c->recv_posted += !err;
	return err;
}

/* One request from its own place (or from what sge says), remembered until it is complete. */
static void post(struct member *m, struct conn *c, enum op op, struct ibv_send_wr *wr, struct ibv_sge sge,
		 bool signaled, uint64_t expect)
{
	struct ibv_send_wr *bad;
	int err;

	sge.lkey = c->mr->lkey;
	wr->wr_id = id_of(m, c, false, c->posted);
	wr->sg_list = &sge;
	wr->num_sge = sge.length > 0;
	wr->send_flags |= signaled ? IBV_SEND_SIGNALED : 0;
	if (c->type == IBV_QPT_UD) {
		wr->wr.ud.ah = c->ah;
		wr->wr.ud.remote_qpn = c->rqpn;
		wr->wr.ud.remote_qkey = 0x11111111;
	}
	err = ibv_post_send(c->qp, wr, &bad);
	if (err) {
		wrong(c, "post_send of op %d: %s", op, strerror(err));
		return;
	}
	c->out[c->posted++ % SQ] = (struct out){op, signaled, expect, sge.length};
	c->ops[op]++;
}

static bool room(const struct conn *c)
{
	return c->posted - c->retired + 2 <= SQ;
}

/* The header, and with DATA its payload, in the next request's place; returns the length. */
static uint32_t write_msg(struct member *m, struct conn *c, struct msg *msg, enum kind kind, uint32_t bytes)
{
	uint32_t payload = kind == DATA ? bytes : 0;

	memset(msg, 0, sizeof(*msg));
	msg->sender = m->id;
	msg->sender_qpn = c->qp->qp_num;
	msg->to = c->partner;
	msg->to_qpn = c->rqpn;
	msg->kind = kind;
	msg->bytes = bytes;
	msg->number = c->tx_number++;
	msg->acked = c->told_acked = c->rx_seq;
	msg->sync = c->sync;
	msg->echo = c->sync_told = c->peer_sync;
	if (kind == DATA || kind == WROTE)
		msg->seq = c->tx_seq++;
	if (payload)
		fill(msg + 1, payload, m->id, c->qp->qp_num, msg->seq);
	msg->sum = sum(msg, payload);
	return (uint32_t)sizeof(*msg) + payload;
}

static void post_msg(struct member *m, struct conn *c, enum op op, enum kind kind, uint32_t bytes)
{
	struct msg *msg = (struct msg *)send_place(c, c->posted);
	struct ibv_send_wr wr = {.opcode = op == OP_SEND ? IBV_WR_SEND : IBV_WR_SEND_WITH_IMM};
	uint64_t seq = c->tx_seq;
	uint32_t length = write_msg(m, c, msg, kind, bytes);

	wr.imm_data = (uint32_t)msg->number;
	if (op == OP_WRITE_IMM) {
		wr.opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
		wr.wr.rdma.remote_addr = c->raddr + AT_LANDING + seq % WINDOW * SLOT;
		wr.wr.rdma.rkey = c->rkey;
	}
	post(m, c, op, &wr, (struct ibv_sge){(uintptr_t)msg, length, 0}, true, 0);
}

/* A WRITE of the payload, then a SEND that tells. */
static void post_write(struct member *m, struct conn *c, uint32_t bytes, bool signaled)
{
	uint8_t *place = send_place(c, c->posted);
	struct ibv_send_wr wr = {.opcode = IBV_WR_RDMA_WRITE};

	fill(place, bytes, m->id, c->qp->qp_num, c->tx_seq);
	wr.wr.rdma.remote_addr = c->raddr + AT_LANDING + c->tx_seq % WINDOW * SLOT;
	wr.wr.rdma.rkey = c->rkey;
	post(m, c, OP_WRITE, &wr, (struct ibv_sge){(uintptr_t)place, bytes, 0}, signaled, 0);
	post_msg(m, c, OP_SEND, WROTE, bytes);
}

static void post_read(struct member *m, struct conn *c, uint32_t bytes)
{
	uint64_t from = draw(&c->rng) % (4 * SLOT - bytes) & ~7ull;
	uint8_t *place = send_place(c, c->posted);
	struct ibv_send_wr wr = {.opcode = IBV_WR_RDMA_READ};

	memset(place, 0xA5, bytes);
	wr.wr.rdma.remote_addr = c->raddr + AT_SOURCE + from;
	wr.wr.rdma.rkey = c->rkey;
	post(m, c, OP_READ, &wr, (struct ibv_sge){(uintptr_t)place, bytes, 0}, true, from);
}

/* Only this queue pair changes the partner's words, so each must have what was left there. */
static void post_atomic(struct member *m, struct conn *c, enum op op)
{
	uint8_t *place = send_place(c, c->posted);
	struct ibv_send_wr wr = {.opcode = op == OP_FAA ? IBV_WR_ATOMIC_FETCH_AND_ADD : IBV_WR_ATOMIC_CMP_AND_SWP};
	uint64_t expect = op == OP_FAA ? c->faas++ : c->cas;

	wr.wr.atomic.remote_addr = c->raddr + AT_WORDS + (op == OP_FAA ? 0 : 8);
	wr.wr.atomic.rkey = c->rkey;
	wr.wr.atomic.compare_add = op == OP_FAA ? 1 : expect;
	if (op == OP_CAS)
		wr.wr.atomic.swap = c->cas = draw(&c->rng);
	post(m, c, op, &wr, (struct ibv_sge){(uintptr_t)place, 8, 0}, true, expect);
}

/* A region of many MiB is written, and read back. */
static bool start_big(struct member *m, struct conn *c)
{
	struct ibv_send_wr wr = {0};
	uint8_t *source = c->arena + AT_BIG + c->big_bytes;
	bool read = c->rounds & 1;

	if (c->posted != c->retired)
		return false;
	if (!read)
		for (size_t i = 0; i < c->big_bytes; i += 4096)
			memcpy(source + i, &c->rounds, sizeof(c->rounds));
	wr.opcode = read ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE;
	wr.wr.rdma.remote_addr = c->raddr + AT_BIG;
	wr.wr.rdma.rkey = c->rkey;
	post(m, c, read ? OP_READ : OP_WRITE, &wr,
	     (struct ibv_sge){(uintptr_t)source + (read ? c->big_bytes : 0), (uint32_t)c->big_bytes, 0}, true, 0);
	return true;
}

static bool start_unreliable(struct member *m, struct conn *c, uint64_t now)
{
	uint32_t most = c->type == IBV_QPT_UD ? UD_BYTES - sizeof(struct msg) : SLOT - sizeof(struct msg);
	uint32_t bytes = (uint32_t)(draw(&c->rng) % (draw(&c->rng) % 4 ? 800 : most));

	if (c->tx_seq - c->peer_acked >= WINDOW) {
		if (now - c->last_ns < SYNC_NS)
			return false;
		c->last_ns = now;
		c->sync++;
		c->sync_seq = c->tx_seq;
		post_msg(m, c, OP_SEND, SYNC, 0);
		return true;
	}
	if (c->type == IBV_QPT_UC && draw(&c->rng) % 3 == 0)
		post_msg(m, c, OP_WRITE_IMM, DATA, bytes);
	else
		post_msg(m, c, draw(&c->rng) % 2 ? OP_SEND : OP_SEND_IMM, DATA, bytes);
	c->last_ns = now;
	return true;
}

bool start_some(struct member *m, struct conn *c)
{
	static const enum op ops[] = {OP_SEND, OP_SEND_IMM, OP_WRITE, OP_WRITE, OP_WRITE_IMM, OP_READ, OP_FAA, OP_CAS};
	uint64_t now = now_ns();
	uint32_t bytes, most = SLOT - sizeof(struct msg);
	enum op op;

	if (!c->going || c->failed || !c->mr || !room(c))
		return false;
	if (c->rx_seq - c->told_acked >= WINDOW / 2 || c->peer_sync != c->sync_told) {
		post_msg(m, c, OP_SEND, ACK, 0);
		return true;
	}
	if (c->quiet || now < c->next_ns)
		return false;
	c->next_ns = draw(&c->rng) % 4 ? now : now + draw(&c->rng) % (8000ull * c->gap_us + 1);
	if (c->big_bytes)
		return start_big(m, c);
	if (c->type != IBV_QPT_RC)
		return start_unreliable(m, c, now);
	op = ops[draw(&c->rng) % (sizeof(ops) / sizeof(*ops))];
	bytes = (uint32_t)(draw(&c->rng) % (draw(&c->rng) % 4 ? 1500 : most)) + 1;
	if (op == OP_READ) {
		post_read(m, c, bytes);
	} else if (op == OP_FAA || op == OP_CAS) {
		post_atomic(m, c, op);
	} else if (c->tx_seq - c->peer_acked >= WINDOW) {
		struct ibv_send_wr wr = {.opcode = IBV_WR_RDMA_WRITE};

		/* Its silence may be death, which only a request finds out. */
		if (c->posted != c->retired || now - c->last_ns < PROBE_NS)
			return false;
		wr.wr.rdma.remote_addr = c->raddr;
		wr.wr.rdma.rkey = c->rkey;
		post(m, c, OP_PROBE, &wr, (struct ibv_sge){0}, true, 0);
	} else if (op == OP_WRITE) {
		post_write(m, c, bytes, draw(&c->rng) % 2);
	} else {
		post_msg(m, c, op, DATA, bytes);
	}
	c->last_ns = now;
	return true;
}

/* ---- completions ---- */

static void request_done(struct member *m, struct conn *c, const struct ibv_wc *wc, uint64_t index)
{
	const struct out *out = &c->out[index % SQ];
	uint8_t *place = send_place(c, index);
	uint64_t word;

	(void)m;
	if (out->op == OP_FAA || out->op == OP_CAS) {
		memcpy(&word, place, 8);
		if (word != out->expect)
			wrong(c, "atomic op %d gave %#" PRIx64 ", not %#" PRIx64, out->op, word, out->expect);
	} else if (out->op == OP_READ && c->big_bytes) {
		const uint8_t *source = c->arena + AT_BIG + c->big_bytes;

		for (size_t i = 0; i < c->big_bytes; i += 4096)
			if (memcmp(source + i, source + c->big_bytes + i, 8)) {
				wrong(c, "what was written and read back differs at %zu of %zu", i, c->big_bytes);
				break;
			}
	} else if (out->op == OP_READ) {
		uint8_t expected[4 * SLOT];

		fill(expected, sizeof(expected), c->partner, c->rqpn, 0);
		if (memcmp(place, expected + out->expect, out->bytes))
			wrong(c, "READ of %u bytes at %" PRIu64 " gave others", out->bytes, out->expect);
		if (wc->byte_len != out->bytes)
			wrong(c, "READ of %u bytes says %u", out->bytes, wc->byte_len);
	}
	if (c->big_bytes)
		c->rounds++;
}

static void send_completed(struct member *m, struct conn *c, const struct ibv_wc *wc)
{
	uint64_t index = c->retired;

	c->send_status[wc->status % STATUSES]++;
	if (wc->status != IBV_WC_SUCCESS && !c->failed) {
		c->failed = true;
		c->failed_ns = now_ns();
		c->first_send = wc->status;
	}
	/* In the order of posting; only what was not to be signaled may be left out, and only if it went well. */
	while (index < c->posted && (index & 0x7FFFFFFF) != (wc->wr_id & 0x7FFFFFFF)) {
		if (c->out[index % SQ].signaled)
			wrong(c, "completion of request %" PRIu64 " did not come, or late", index);
		index++;
	}
	if (index == c->posted) {
		wrong(c, "completion of a request that was not outstanding: %" PRIx64, wc->wr_id);
		return;
	}
	c->retired = index + 1;
	c->last_ns = now_ns();
	if (wc->status == IBV_WC_SUCCESS) {
		if (c->failed)
			wrong(c, "a success after an error");
		if (c->mr) /* its memory was given up otherwise */
			request_done(m, c, wc, index);
	}
}

/* Returns whether the message is of this connection, whole, and what follows. */
static bool message_holds(struct member *m, struct conn *c, const struct msg *msg, uint32_t length)
{
	bool reliable = c->type == IBV_QPT_RC;

	if (length < sizeof(*msg) ||
	    (msg->kind == DATA && (length != sizeof(*msg) + msg->bytes || msg->bytes > SLOT))) {
		wrong(c, "message of %u bytes", length);
		return false;
	}
	if (msg->sum != sum(msg, length - sizeof(*msg))) {
		wrong(c, "sum of message %" PRIu64 " (expected %" PRIu64 ")", msg->number, c->rx_number);
		return false;
	}
	if (msg->sender != c->partner || msg->sender_qpn != c->rqpn || msg->to != m->id ||
	    msg->to_qpn != c->qp->qp_num) {
		wrong(c, "foreign: %u qp %#x to %u qp %#x", msg->sender, msg->sender_qpn, msg->to, msg->to_qpn);
		return false;
	}
	if (reliable ? msg->number != c->rx_number : msg->number < c->rx_number) {
		wrong(c, "message %" PRIu64 ", expected %" PRIu64, msg->number, c->rx_number);
		return false;
	}
	c->gaps += msg->number - c->rx_number;
	c->rx_number = msg->number + 1;
	return true;
}

static void received(struct member *m, struct conn *c, const struct ibv_wc *wc, uint64_t index)
{
	const uint8_t *at = recv_place(c, index);
	const struct msg *msg = (const struct msg *)at;
	uint32_t length = wc->byte_len;

	if (wc->opcode == IBV_WC_RECV_RDMA_WITH_IMM) {
		/* Where it lies follows from its number of DATA, which is in it; immediate data tell the number of all. */
		bool found = false;

		for (uint64_t i = 0; i < WINDOW && !found; i++) {
			msg = (const struct msg *)landing(c, i);
			found = (uint32_t)msg->number == wc->imm_data;
			found = found && msg->seq % WINDOW == i && msg->sender_qpn == c->rqpn;
		}
		if (!found) {
			wrong(c, "WRITE with immediate data %u wrote nothing", wc->imm_data);
			return;
		}
	} else if (c->type == IBV_QPT_UD) {
		msg = (const struct msg *)(at + GRH);
		length -= GRH;
		if (wc->src_qp != c->rqpn)
			wrong(c, "UD from qp %#x, not %#x", wc->src_qp, c->rqpn);
	}
	if (wc->opcode == IBV_WC_RECV_RDMA_WITH_IMM || wc->wc_flags & IBV_WC_WITH_IMM)
		if (wc->imm_data != (uint32_t)msg->number)
			wrong(c, "immediate data %u with message %" PRIu64, wc->imm_data, msg->number);
	if (!message_holds(m, c, msg, length))
		return;
	c->got++;
	c->peer_acked = msg->acked > c->peer_acked ? msg->acked : c->peer_acked;
	c->peer_sync = msg->sync;
	if (c->type != IBV_QPT_RC && c->sync && msg->echo == c->sync && c->sync_seq > c->peer_acked)
		c->peer_acked = c->sync_seq;
	if (msg->kind != DATA && msg->kind != WROTE)
		return;
	if (c->type == IBV_QPT_RC ? msg->seq != c->rx_seq : msg->seq < c->rx_seq)
		wrong(c, "data %" PRIu64 ", expected %" PRIu64, msg->seq, c->rx_seq);
	c->rx_seq = msg->seq + 1;
	at = msg->kind == DATA ? (const uint8_t *)(msg + 1) : landing(c, msg->seq);
	if (!holds(at, msg->bytes, msg->sender, msg->sender_qpn, msg->seq))
		wrong(c, "contents of data %" PRIu64 ", kind %u, %u bytes", msg->seq, msg->kind, msg->bytes);
}

static void recv_completed(struct member *m, struct conn *c, const struct ibv_wc *wc)
{
	uint64_t index = c->recv_done++;

	c->recv_status[wc->status % STATUSES]++;
	if ((wc->wr_id & 0x7FFFFFFF) != (index & 0x7FFFFFFF))
		wrong(c, "receive %" PRIx64 " completed instead of %" PRIx64, wc->wr_id, index);
	if (wc->status == IBV_WC_SUCCESS) {
		if (c->first_recv)
			wrong(c, "a receive after a flush");
		if (!c->mr)
			return;
		received(m, c, wc, index);
		if (!c->failed && !c->first_recv) {
			int err = post_receive(m, c);

			if (err)
				wrong(c, "post_recv: %s", strerror(err));
		}
		return;
	}
	c->first_recv = c->first_recv ? c->first_recv : wc->status;
	if (!c->failed) { /* an error of the queue pair without one of a request */
		c->failed = true;
		c->failed_ns = now_ns();
	}
}

void completed(struct member *m, struct conn *c, const struct ibv_wc *wc)
{
	if (wc->qp_num != c->qp->qp_num)
		wrong(c, "completion says qp %#x, not %#x", wc->qp_num, c->qp->qp_num);
	if (wc->wr_id >> 31 & 1)
		recv_completed(m, c, wc);
	else
		send_completed(m, c, wc);
}
