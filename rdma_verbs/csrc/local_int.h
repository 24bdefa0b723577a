/*
 * Inside of local.c and local_ring.c: the memory that a process shows, and a way to another process.
 */
#ifndef ROCE_LOCAL_INT_H
#define ROCE_LOCAL_INT_H

#include "datapath/csrc/node_shm.h"
#include "rdma_verbs/csrc/engine.h"
#include "rdma_verbs/csrc/local.h"

#define LOCAL_MAGIC   0x4c555044u /* "DPUL" */
#define LOCAL_VERSION 1u
#define RINGS         512 /* processes that send to one */
#define RING_BYTES    (512u << 10)
#define QPS           65536
#define KEYS          65536
#define SUMS          (1u << 20)
#define CELL_ALIGN    64
/* Payload up to this lies in the ring: below, the system call costs more than a second copy. */
#define INLINE_BYTES 2048
/* A ring with less room than this may not hold what one call of roce_dev_tx() gives: nothing more is asked for then. */
#define BATCH_PKTS    64
#define CELL_MAX      (192 + 4096)
#define RESERVE_BYTES (BATCH_PKTS * CELL_MAX)

#define LOAD(p)     __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)

#define PID_BITS 22 /* of an id */

struct shown_hdr {
	uint32_t magic, version;
	uint64_t id; /* random, above the pid: tells this memory from that of a later owner of the slot */
	uint64_t pid, start;
	uint64_t pid_ns, user_ns, uid, gid, caps; /* with the same of all, each may copy from the other if one may */
	uint32_t slot, key_bits;
	int32_t wake_fd;     /* the owner's descriptor of a pipe to write to */
	uint32_t up;         /* the device's link */
	uint32_t by_packets; /* it is reached by packets only, this is for check.c */
	uint32_t rings_high; /* rings at and above were never taken */
	uint32_t sleeping __attribute__((aligned(64)));
	uint64_t pending[RINGS / 64] __attribute__((aligned(64)));
};

struct shown_key {
	uint32_t key; /* 0: closed; a region's key is never 0 */
	uint32_t access, pd, qpn;
	uint64_t addr, iova, length;
	uint64_t pad[2];
};

struct shown_qp {
	uint32_t open, epoch;
	uint32_t dest_qpn, access, pd, pad;
	uint64_t peer;    /* id of the memory that its peer shows */
	uint64_t done[4]; /* by the peer: writes, their bytes, reads, their bytes */
};

struct ring {
	uint64_t owner;  /* id of the memory that the sender shows; 0: free */
	uint64_t closed; /* the last owner that gave it up before all was read */
	uint64_t pid, start;
	uint8_t gid[16];
	uint32_t slot;
	int32_t fd;                                 /* of the memory that it shows */
	uint64_t head __attribute__((aligned(64))); /* bytes written; the sender's */
	uint64_t tail __attribute__((aligned(64))); /* bytes read; the receiver's */
	uint64_t busy __attribute__((aligned(64))); /* what of this memory its owner uses now: QPN << 32 | key */
	uint8_t data[RING_BYTES] __attribute__((aligned(64)));
};

struct shown {
	struct shown_hdr hdr;
	struct shown_qp qps[QPS] __attribute__((aligned(4096)));
	struct shown_key keys[KEYS];
	struct {
		uint64_t key; /* 0: none */
		uint32_t crc, pad;
	} sums[SUMS]; /* of a device that checks: by hash, the last one counts */
	struct ring rings[RINGS] __attribute__((aligned(4096)));
};

enum cell_kind { CELL_SKIP, CELL_PACKET, CELL_UNREADABLE };

/* A packet in a ring; its payload follows, or `niov` pieces of the sender's memory that have it. */
struct cell {
	uint32_t bytes; /* with all of it, a multiple of CELL_ALIGN; SKIP: to the ring's end */
	uint8_t kind, niov;
	uint8_t opcode, bth_flags;
	uint8_t prio, tos, ttl, syndrome;
	uint32_t dqpn, sqpn, psn, msn, len;
	uint32_t imm, rkey, dma_len, xrc_srqn;
	uint32_t epoch;
	uint64_t va, swap_add, compare;
	uint8_t data[];
};

struct roce_link {
	struct roce_local *local;
	struct roce_link *next, *touched_next;
	struct shown *peer;
	struct ring *out;
	const struct dp_node_slot *page;
	uint64_t id, pid, start, generation;
	uint64_t head, tail_seen, stalled_ps; /* ours: what the ring shows others may write */
	struct dp_ip gid;
	uint32_t slot, index; /* of our ring in the peer's memory */
	uint32_t users;       /* queue pairs */
	int wake_fd;
	uint8_t lane;
	bool touched, tight,
		lossy; /* tight: less than RESERVE_BYTES when last seen; lossy: what does not fit is lost */
};

struct node {
	struct node *next;
	struct dp_ip ip;
	struct dp_node_hdr *hdr;
	uint64_t bytes;
};

/* The memory of a process that sends to us, of which we may know no more: for the sums of its datagrams. */
struct view {
	struct view *next;
	uint64_t id;
	struct shown *shown; /* NULL: it could not be mapped */
};

struct roce_local {
	struct roce_dev *dev;
	struct dp_node_slot *page;
	struct shown *own;
	struct dp_ip gid;
	int fd, wake_r, wake_w;
	struct node *nodes;
	struct roce_link *links, *touched;
	struct view *views;
	uint32_t nlinks, ntight;
	bool holding;                /* for want of room in a ring, when last looked */
	struct roce_link *in[RINGS]; /* whose ring it is, as far as known */
	uint64_t tail[RINGS];        /* ours, see head of a link */
	uint32_t rx_next;            /* the ring that is read first */
};

/* Says that we use queue pair `qpn` and `key` (0: none) of the peer, until roce_link_leave(). */
static inline struct shown_qp *roce_link_enter(struct roce_link *link, uint32_t qpn, uint32_t key)
{
	STORE(&link->out->busy, (uint64_t)qpn << 32 | key);
	return &link->peer->qps[qpn & (QPS - 1)];
}
static inline void roce_link_leave(struct roce_link *link)
{
	__atomic_store_n(&link->out->busy, 0, __ATOMIC_RELEASE);
}
void roce_link_tell(struct roce_link *link, uint32_t ring); /* the peer, that there is something in a ring of its */
bool roce_link_alive(const struct roce_link *link);
bool roce_link_key_is(const struct roce_link *link, uint32_t rkey); /* of a region or window that is still open */
/* Between our memory and the peer's, the last 8 bytes by a copy of their own. */
bool roce_link_copy(const struct roce_link *link, const struct iovec *own, int nown, const struct iovec *far, int nfar,
		    uint32_t len, bool read);
int roce_local_pull(const struct roce_pkt *pkt, uint32_t offset, uint8_t *to, uint32_t len);

#endif
