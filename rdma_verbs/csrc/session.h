/*
 * One process's live device on a node, as a face in C uses it: what Python's Context.open() puts together. Node, UDP port
 * with credits, faults and capture around it, engine, live driver.
 *
 * In a forked child a session is the parent's: calls give -EOWNERDEAD, close() does nothing, what it points to stays where it
 * is and is of no use. A child opens a session of its own.
 */
#ifndef ROCE_SESSION_H
#define ROCE_SESSION_H

#include "rdma_verbs/csrc/live.h"
#include "rdma_verbs/csrc/node.h"

/* cffi: begin */
enum roce_transport {
	ROCE_TRANSPORT_LOCAL = 0, /* shared memory where both ends can, else UDP */
	ROCE_TRANSPORT_UDP = 1
};

struct roce_session_cfg {
	struct roce_node_cfg node;
	struct roce_dev_cfg dev; /* gid, QPN range and sport are filled in; seed 0: random */
	uint32_t transport;      /* enum roce_transport */
	uint32_t loss_ppm;       /* of the packets sent, so many per million are lost */
	uint64_t fault_seed;     /* which ones; 0: random */
	const char *pcap;        /* file for a capture, made or truncated; NULL: none */
};

struct roce_session;

/* NULL: errno, and words in error. */
struct roce_session *roce_session_open(const struct roce_session_cfg *cfg, char *error, size_t error_bytes);
void roce_session_close(struct roce_session *s); /* and what is left on the device */

struct roce_dev *roce_session_dev(struct roce_session *s);
struct roce_live *roce_session_live(struct roce_session *s);
struct roce_node *roce_session_node(struct roce_session *s);
struct dp_port *roce_session_port(struct roce_session *s); /* the outermost; with the live lock held */
uint32_t roce_session_mtu(const struct roce_session *s); /* active MTU, enum roce_mtu: the largest that fits the port */

/*
 * The three below not with the live lock held; from any thread.
 *
 * reach(): before a queue pair goes to RTR towards an address, or an address handle is made for it. Packets to another node of
 * the machine then wait for its credit. Asked each time: a node that has gone and come back is found again. 0, also when it is
 * no node of this machine; -errno.
 */
int roce_session_reach(struct roce_session *s, const struct roce_gid *gid);
int roce_session_join(struct roce_session *s, const struct roce_gid *group); /* counted */
int roce_session_leave(struct roce_session *s, const struct roce_gid *group);
/* cffi: end */

#endif
