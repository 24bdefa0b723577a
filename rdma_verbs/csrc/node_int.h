/*
 * Inside of the node client. node.c has the attachment and its thread, node_agent.c talks to agents and starts them,
 * node_dir.c finds the folder where they are.
 */
#ifndef ROCE_NODE_INT_H
#define ROCE_NODE_INT_H

#include <limits.h>

#include "datapath/csrc/node_shm.h"
#include "rdma_verbs/csrc/agent_proto.h"
#include "rdma_verbs/csrc/fork.h"
#include "rdma_verbs/csrc/node.h"

#define ROCE_NODE_WORDS 512 /* for what went wrong */

/* Words for a caller, who may have given no room. */
__attribute__((format(printf, 3, 4))) void roce_node_say(char *error, size_t error_bytes, const char *format, ...);

struct roce_node_addr {
	char text[80]; /* as Python's ipaddress spells it: the agent's folder has its name */
	uint8_t gid[16];
};

/* -EINVAL: not an IP address. IPv4-mapped IPv6 is IPv4. */
int roce_node_addr_parse(struct roce_node_addr *out, const char *text);
void roce_node_addr_of_gid(struct roce_node_addr *out, const uint8_t gid[16]);

/* The folder of all nodes of this user, as the environment has it now. */
int roce_node_base_dir(char *path, size_t bytes);

/*
 * Opens the folder of a node, which is kept for roce_fork_close(). -ENOENT and no words: it is not there and `create` is
 * false. -EINVAL: it is not ours alone.
 */
int roce_node_dir_open(const char *base, const struct roce_node_addr *addr, bool create, char *error,
		       size_t error_bytes);
/* Waits for the lock file `name` in the folder. A descriptor that holds it until roce_fork_close(), or -errno. */
int roce_node_dir_lock(int dir, const char *name);

/* What an agent is found and started with, made when the process attaches: no later look at the environment. */
struct roce_node_start {
	struct roce_node_addr addr;
	char base[PATH_MAX];
	char **argv, **envp; /* one allocation each */
};

int roce_node_start_init(struct roce_node_start *start, const struct roce_node_cfg *cfg, char *error,
			 size_t error_bytes);
void roce_node_start_fini(struct roce_node_start *start);

/* The node has no agent, or it closed the connection: not an error yet. */
#define ROCE_NODE_GONE 1

/* A connection to the agent of `addr`, in *sock for roce_fork_close(): 0, ROCE_NODE_GONE, or -errno with words. */
int roce_node_connect(const char *base, const struct roce_node_addr *addr, bool create, int *sock, char *error,
		      size_t error_bytes);
/* The same for our own node, whose agent is started if there is none: by one process, whoever else wants it. */
int roce_node_connect_or_start(const struct roce_node_start *start, int *sock, char *error, size_t error_bytes);

/*
 * Asks and waits for the answer, in *reply. fds (of n_out) go along; *n_in descriptors come back in got, which has room for
 * ROCE_AGENT_SLOTS_MAX + 1, for roce_fork_close(). 0, or ROCE_NODE_GONE, or -errno with words; then none came back.
 */
int roce_node_ask(int sock, struct roce_agent_request *request, const int *fds, uint32_t n_out,
		  struct roce_agent_reply *reply, int *got, uint32_t *n_in, char *error, size_t error_bytes);

#endif
