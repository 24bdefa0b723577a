/*
 * A process's place on a node: its slot, its socket on UDP 4791, the node's shared memory. The first process on an address
 * starts the node's agent (rdma_verbs/agent, Python); a thread keeps the connections to agents and starts the next agent when
 * one dies. docs/architecture.md, "Processes of a node"; docs/decisions/0007-*.md.
 *
 * Calls may come from any thread, but close() is the last one. In a forked child an attachment is the parent's: its
 * descriptors are closed, its memory is replaced by private zeroes, and calls give -EOWNERDEAD; a child attaches by itself.
 *
 *	node = roce_node_attach(&(struct roce_node_cfg){.address = "127.1.0.1"}, error, sizeof(error));
 *	port = dp_port_udp_new(roce_node_fd(node));
 *	dp_port_udp_set_self(port, roce_node_shm(node, &bytes), bytes, roce_node_slot(node));
 *	if (!roce_node_peer(node, gid, &peer, error, sizeof(error)))	// once for a destination, when a connection is made
 *		dp_port_udp_set_peer(port, gid, peer.shm, peer.bytes, peer.sender);
 */
#ifndef ROCE_NODE_H
#define ROCE_NODE_H

#include "datapath/csrc/base.h"

/* cffi: begin */
struct roce_node_cfg {
	const char *address;    /* text of an IP address; a link-local one with its interface, fe80::1%eth0 */
	const char *python;     /* interpreter to start the agent with; NULL: python3 on PATH */
	const char *pythonpath; /* goes before PYTHONPATH of the agent; NULL: nothing */
	/* How the node is set up, decided by its first process; 0: the agent's default. */
	uint32_t nslots, rcvbuf_bytes, idle_ms;
	/*
	 * 1: the agent gets LD_PRELOAD and LD_LIBRARY_PATH as they are. 0: it does not, because they may put libraries of ours
	 * in front of a program's. What the launcher saved, DPU_EMU_ORIG_LD_PRELOAD and DPU_EMU_ORIG_LD_LIBRARY_PATH, it gets
	 * in any case.
	 */
	uint32_t keep_preload;
};

struct roce_node;

/* NULL: errno, and words in error. */
struct roce_node *roce_node_attach(const struct roce_node_cfg *cfg, char *error, size_t error_bytes);
/* Gives the slot back. What uses the socket and memory must be gone by then. */
void roce_node_close(struct roce_node *node);

const char *roce_node_address(const struct roce_node *node); /* in its usual spelling */
const uint8_t *roce_node_gid(const struct roce_node *node);  /* the address as 16 bytes */
int roce_node_fd(const struct roce_node *node);              /* the slot's UDP socket, until close() */
int roce_node_memfd(const struct roce_node *node);           /* of the node's memory, until close() */
void *roce_node_shm(const struct roce_node *node, uint64_t *bytes);
uint32_t roce_node_slot(const struct roce_node *node);
uint64_t roce_node_generation(const struct roce_node *node); /* owners that the slot has had, this one included */
uint64_t roce_node_id(const struct roce_node *node);
int roce_node_agent_fd(const struct roce_node *node); /* connection to the agent, -1: none now; for tests */

/* Another node of this machine (or our own) as a place to send to: its memory, and our number as a sender there. */
struct roce_node_peer {
	void *shm;
	uint64_t bytes;
	uint64_t node_id;
	uint32_t sender;
};

/*
 * 0; -ENOENT: no node of this machine has the address now; else -errno. The result stays valid until close() of our node.
 * A node that has gone (roce_node_peer_alive() is false) and come back is another one, to be asked for again.
 */
int roce_node_peer(struct roce_node *node, const uint8_t *gid, struct roce_node_peer *out, char *error,
		   size_t error_bytes);
bool roce_node_peer_alive(const struct roce_node_peer *peer);
/* Whether the agent of the node with this memory is connected with us; for tests. */
bool roce_node_peer_connected(struct roce_node *node, const struct roce_node_peer *peer);
/* cffi: end */

#endif
