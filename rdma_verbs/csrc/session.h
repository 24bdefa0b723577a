/* Stands in for the session of a node: one process on an address, without an agent. */
#ifndef ROCE_SESSION_H
#define ROCE_SESSION_H

#include "rdma_verbs/csrc/live.h"

struct roce_node_cfg {
	const char *address, *python, *pythonpath;
	uint32_t nslots, rcvbuf_bytes, idle_ms;
};

enum roce_transport { ROCE_TRANSPORT_LOCAL = 0, ROCE_TRANSPORT_UDP = 1 };
struct roce_session_cfg {
	struct roce_node_cfg node;
	struct roce_dev_cfg dev;
	uint32_t transport;
	uint32_t loss_ppm;
	uint64_t fault_seed;
	const char *pcap;
};
struct roce_session;
struct roce_session *roce_session_open(const struct roce_session_cfg *cfg, char *error, size_t error_bytes);
struct roce_dev *roce_session_dev(struct roce_session *);
struct roce_live *roce_session_live(struct roce_session *);
uint32_t roce_session_mtu(struct roce_session *);
int roce_session_reach(struct roce_session *, const struct roce_gid *);
int roce_session_join(struct roce_session *, const struct roce_gid *group);
int roce_session_leave(struct roce_session *, const struct roce_gid *group);
void roce_session_close(struct roce_session *);

#endif
