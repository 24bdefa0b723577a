/*
 * A look at a node's shared memory by somebody who takes no part: the agent is asked for it each time. The redirecting
 * library reads counters so, and the tool `rdma` what is in use.
 */
#ifndef REDIRECT_VIEW_H
#define REDIRECT_VIEW_H

#include "datapath/csrc/node_shm.h"

struct node_view {
	const struct dp_node_hdr *hdr;
	size_t bytes;
};

/*
 * `folder` is the node's, where its agent listens. 0; -ENOENT: it has no agent now, so no process has a device open;
 * else -errno. Allocates nothing; keeps errno.
 */
int node_view_open(const char *folder, struct node_view *out);
void node_view_close(struct node_view *view);

/* The sum of counter `i` over all processes that have or had a device here. */
uint64_t node_view_counter(const struct node_view *view, uint32_t i);

#endif
