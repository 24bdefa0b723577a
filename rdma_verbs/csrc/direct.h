/*
 * The seam between the engine and a way to queue pairs of the same machine that needs no port (local.c). Two ways in one:
 *
 * - Packets between two such queue pairs travel as descriptors, a whole message in one, with the payload by reference:
 *   the receiver pulls it from the sender's memory straight to its place. All rules are those of packets, because it
 *   is the same engine on both sides.
 * - A RDMA WRITE or READ that nothing sent before it can overtake is copied at once, by the requester, if the tables
 *   that the other process shows allow it (direct.c). Whatever is not plainly allowed there is sent as a packet, and the
 *   other engine says why not: a direct copy never has to report an error.
 *
 * The engine tells here which keys and queue pairs others may use so. Closing one returns when no copy by it is under way.
 */
#ifndef ROCE_DIRECT_H
#define ROCE_DIRECT_H

#include "rdma_verbs/csrc/pkt.h"

struct roce_link; /* to one process of this machine */

/* A region or a bound window that grants something from afar. */
struct roce_local_key {
	uint32_t index, key;
	uint8_t *addr;
	uint64_t iova, length;
	uint32_t access, pd;
	uint32_t qpn; /* not 0: only through this queue pair */
};

struct roce_local_qp {
	uint32_t qpn, dest_qpn, access, pd;
	struct roce_link *link;
};

/* `n` pieces of our memory, `len` bytes in all, to or from `va` of the other process, by the key `rkey`. */
struct roce_copy {
	const struct iovec *v;
	int n;
	uint32_t qpn, dest_qpn, rkey;
	uint64_t va;
	uint32_t len;
	bool read;
	bool counted; /* the first piece of a request */
	bool look;    /* no request at all: whether the key grants reading is not asked */
};

struct roce_local_ops {
	/* The way to the process of queue pair `dqpn` at `dgid`; NULL and *err 0: there is none, use packets on the port. */
	struct roce_link *(*connect)(void *ctx, const struct dp_ip *dgid, uint32_t dqpn, int *err);
	void (*disconnect)(void *ctx, struct roce_link *link); /* once for each connect() */
	void (*open_qp)(void *ctx, const struct roce_local_qp *qp);
	/* wait: until no copy is under way; over: what it has sent by reference is void from now on. */
	void (*close_qp)(void *ctx, uint32_t qpn, bool wait, bool over);
	void (*open_key)(void *ctx, const struct roce_local_key *key);
	void (*close_key)(void *ctx, uint32_t index, uint32_t key);
	void (*set_up)(void *ctx, bool up); /* the device's link */
	bool (*copy)(void *ctx, struct roce_link *link, const struct roce_copy *copy);
	/* `len` bytes at `offset` of the payload of a packet that came by reference, the last 8 last; see roce_pull(). */
	int (*pull)(const struct roce_pkt *pkt, uint32_t offset, uint8_t *to, uint32_t len);
	/* Sums of messages, for a device that checks (check.c): ours, and those of whoever sends by a link, or a datagram. */
	void (*put_sum)(void *ctx, uint64_t key, uint32_t crc);
	bool (*get_sum)(void *ctx, struct roce_link *link, const struct dp_ip *sgid, uint32_t sqpn, uint64_t key,
			uint32_t *crc);
	bool (*by_packets)(const struct roce_link *link); /* one of both ends wants packets on the port */
	/* What others did by direct copies since the last time is counted here. */
	void (*fold)(void *ctx, uint32_t qpn, uint64_t done[4]); /* writes, their bytes, reads, their bytes */
};

#define ROCE_LOCAL_MTU (1u << 30) /* of a reliable queue pair: a message is one packet */

#endif
