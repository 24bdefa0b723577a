/*
 * The shared memory of a node: one header, a table of senders, and per slot a page and a table of queue pairs.
 *
 * A node is an address; a slot is one of the UDP sockets on port 4791 that its processes share, chosen by the top
 * byte of the destination QPN. The node's agent creates this memory (a sealed memfd) and hands it to the processes
 * that own a slot, and to those that send to it from any node of the machine and network namespace.
 *
 * Credits make UDP between sockets of one machine lossless. A receive buffer is counted in skb truesize, so that
 * is what a sender reserves before sendmsg() and what the receiver releases after recvmsg(); both compute it with
 * dp_credit_estimate(), which is never below what the kernel charges (the agent measures that when it starts and
 * publishes the difference, if any, in credit_extra).
 *
 *   outstanding = reserved - refunded - released        reserve only while outstanding + estimate <= limit
 *
 * All three only grow, so a stale read errs on the safe side. `released` has one writer, the slot's owner (the agent
 * while the slot is free). A sender that dies between reserving and sending leaves a leak. To find it, each sender
 * keeps in `pending` what it may have reserved and not yet sent: written before it reserves, cleared after it sent.
 * Then an owner that reads `reserved`, next every `pending`, next finds its socket empty, and last reads `refunded`
 * knows that reserved - refunded - released - pending, if positive, belongs to nobody: every reservation of the
 * first read was either still pending at the second or had been delivered, received and released by the third. The
 * agent clears `pending` of a dead sender; nothing else has to be known about how far it came.
 *
 * Layout is shared with rdma_verbs/agent/shm.py: change both, and the version.
 */
#ifndef DP_NODE_SHM_H
#define DP_NODE_SHM_H

#include "datapath/csrc/base.h"

#define DP_NODE_MAGIC        0x4e555044u /* "DPUN" */
#define DP_NODE_VERSION      2u
#define DP_NODE_SENDERS      256
#define DP_NODE_SLOTS_MAX    256
#define DP_NODE_SENDERS_OFF  4096
#define DP_NODE_SENDER_BYTES 1088
#define DP_NODE_SLOTS_OFF    282624
#define DP_NODE_SLOT_BYTES   217088
#define DP_NODE_COUNTERS     256
#define DP_NODE_QPS          1024
#define DP_NODE_QP_WORDS     26

/* cffi: begin */
enum dp_node_slot_state { DP_NODE_SLOT_FREE = 0, DP_NODE_SLOT_USED = 1, DP_NODE_SLOT_AGENT = 2 };

struct dp_node_hdr {
	uint32_t magic, version;
	uint32_t nslots;
	uint32_t closed;        /* the node is gone: nobody receives, nobody should wait for credit */
	uint32_t credit_extra;  /* bytes that this kernel charges beyond dp_credit_estimate()'s formula */
	uint32_t senders_epoch; /* changes whenever the table of senders does */
	uint64_t node_id;       /* random: tells this memory from that of a later node on the same address */
	uint64_t agent_pid, agent_start;
	uint64_t agent_generation; /* 1 for the first agent, one more for each that took over */
	uint8_t ip[16];
	uint64_t pad0[6];
	uint64_t totals[DP_NODE_COUNTERS]; /* counters of processes that have left, in the order of the slots' */
	uint8_t pad1[1928];
};

struct dp_node_sender {
	uint64_t pid, start; /* 0: entry is free; the address stays, for what is still queued */
	uint8_t ip[16];      /* source address of its packets */
	uint64_t pad[4];
	uint32_t pending[256]; /* by slot: bytes perhaps reserved and not yet known to be sent */
};

struct dp_node_slot {
	uint64_t reserved, refunded; /* by senders */
	uint64_t pad0[6];
	uint64_t released;            /* by the owner, from here on */
	uint64_t heals, healed_bytes; /* leaks found: how often, how much */
	uint64_t pad1[5];
	uint64_t limit;         /* bytes of truesize that senders may have outstanding */
	uint64_t rcvbuf;        /* as the kernel has it */
	uint64_t cookie;        /* SO_COOKIE of the slot's socket */
	uint64_t pid, start;    /* owner, and when it started (clock ticks since boot, /proc/PID/stat) */
	uint64_t generation;    /* owners so far */
	uint64_t state;         /* enum dp_node_slot_state */
	uint64_t attached_ns;   /* realtime */
	uint64_t agent_drained; /* datagrams that the agent threw away: slot 0, or sent to a slot without owner */
	uint64_t agent_drained_bytes;
	uint64_t
		overflow; /* datagrams that the kernel dropped because the socket was full, when the agent last looked */
	uint64_t local_id, local_fd; /* what the owner shows to processes of this machine (rdma_verbs/csrc/local.h): its
					descriptor plus 1; 0: nothing */
	uint64_t pad2[3];
	uint64_t counters[DP_NODE_COUNTERS]; /* of the owner's engine */
	uint64_t port_stats[16];             /* of the owner's port, struct dp_port_stats */
	uint8_t pad3[1664];
	uint64_t qps
		[DP_NODE_QPS]
		[DP_NODE_QP_WORDS]; /* of the owner's queue pairs, as many as have room: QPN (0: free), then counters */
};
/* cffi: end */

static inline struct dp_node_sender *dp_node_sender(struct dp_node_hdr *h, uint32_t i)
{
	return (struct dp_node_sender *)((char *)h + DP_NODE_SENDERS_OFF + (size_t)i * DP_NODE_SENDER_BYTES);
}

static inline struct dp_node_slot *dp_node_slot(struct dp_node_hdr *h, uint32_t i)
{
	return (struct dp_node_slot *)((char *)h + DP_NODE_SLOTS_OFF + (size_t)i * DP_NODE_SLOT_BYTES);
}

static inline size_t dp_node_bytes(uint32_t nslots)
{
	return DP_NODE_SLOTS_OFF + (size_t)nslots * DP_NODE_SLOT_BYTES;
}

/*
 * What the kernel charges a receiving socket for one message of `bytes` in `segs` datagrams, from above. Measured
 * on loopback (Linux 6.18): a batch costs 832 bytes beyond its own; a single datagram up to 16 KB sits in one
 * kmalloc block, a power of two that also holds headers and skb_shared_info (about 400 bytes), plus 256 for the skb.
 */
static inline uint32_t dp_credit_estimate(uint32_t bytes, uint32_t segs, uint32_t extra)
{
	uint32_t head = 1024;

	if (segs > 1 || bytes > 15 * 1024)
		return bytes + 1280 + extra;
	while (head < bytes + 512)
		head <<= 1;
	return head + 384 + extra;
}

/*
 * The part of a receive buffer that senders may fill: the kernel gives what was read back only once a quarter of
 * the buffer has been read or the queue is empty (udp_rmem_release()).
 */
static inline uint32_t dp_credit_limit(uint32_t rcvbuf_bytes)
{
	return rcvbuf_bytes - rcvbuf_bytes / 4;
}

#endif
