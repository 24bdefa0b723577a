/*
 * Messages between a process and the agent of a node: one struct a datagram (AF_UNIX, SOCK_SEQPACKET), in the machine's
 * byte order, because both ends are on it. File descriptors travel beside them (SCM_RIGHTS).
 *
 *	op           request                   with it           reply                            with it
 *	ATTACH                                                   slot generation nslots node_id   memfd, a socket for each slot
 *	REJOIN       slot generation node_id   memfd, sockets    slot
 *	PEER         ip                                          sender node_id                   memfd
 *	REJOIN_PEER  sender node_id                              sender node_id
 *	VIEW                                                     node_id                          memfd
 *
 * Fields that an operation does not use are zero. rdma_verbs/agent/protocol.py has the same layout for the agent: change
 * both, and the version. Versions before 2 were JSON.
 */
#ifndef ROCE_AGENT_PROTO_H
#define ROCE_AGENT_PROTO_H

#include "datapath/csrc/base.h"

/* cffi: begin */
#define ROCE_AGENT_MAGIC      0x41555044 /* "DPUA" */
#define ROCE_AGENT_VERSION    2
#define ROCE_AGENT_SLOTS_MAX  200 /* the sockets of all slots travel in one message: SCM_MAX_FD is 253 */
#define ROCE_AGENT_TEXT_BYTES 216

enum roce_agent_op {
	ROCE_AGENT_ATTACH = 1,
	ROCE_AGENT_REJOIN = 2,
	ROCE_AGENT_PEER = 3,
	ROCE_AGENT_REJOIN_PEER = 4,
	ROCE_AGENT_VIEW = 5
};

struct roce_agent_request {
	uint32_t magic;
	uint16_t version;
	uint16_t op; /* enum roce_agent_op */
	uint32_t slot, sender;
	uint64_t generation, node_id;
	uint8_t ip[16]; /* of the node that the sender is on, IPv4 as ::ffff:a.b.c.d */
};

struct roce_agent_reply {
	uint32_t magic;
	uint16_t version;
	uint16_t op;    /* the request's; 0 with an error */
	uint32_t error; /* errno; 0: none */
	uint32_t slot, sender, nslots;
	uint64_t generation, node_id;
	char text[216]; /* why there is an error: UTF-8, ended by a zero byte */
};
/* cffi: end */

/*
 * Reads the answer to a request of sort `op` that came with nfds descriptors. 0; -errno of an agent that refused, its
 * words in out->text; -EPROTO for anything else than an answer, with words for that in out->text. What it accepts can be
 * relied on: numbers are in range, there are as many descriptors as there must be.
 */
int roce_agent_parse_reply(uint16_t op, const void *data, size_t len, uint32_t nfds, struct roce_agent_reply *out);

#endif
