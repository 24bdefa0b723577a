/*
 * An attachment and its thread. The thread alone changes the connection to our agent and those of peers once they are
 * there; `lock` is for the list of peers and for closing.
 */
#include "rdma_verbs/csrc/node.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rdma_verbs/csrc/node_int.h"

#define ATTACH_MS    15000
#define RETRY_MS     50
#define RETRY_MAX_MS 1600
/* How long a sender looks for the agent of a node whose agent died, before it takes the node for gone. */
#define PEER_GONE_MS 5000

struct peer {
	struct peer *next; /* set before it is in the list */
	struct roce_node_addr addr;
	struct roce_node_peer told;
	int sock; /* -1: its agent died; atomic, written by the thread */
	uint64_t gone_ms;
};

struct roce_node {
	struct roce_fork fork;
	bool forked; /* in a child: it is the parent's */
	bool closed;
	struct roce_node_start start;
	int sock; /* to our agent; -1: it died */
	int memfd, wake;
	int fds[ROCE_AGENT_SLOTS_MAX + 1]; /* memfd, then the sockets of all slots */
	uint32_t nfds;
	uint32_t slot;
	void *shm;
	size_t bytes;
	uint64_t generation, node_id;
	pthread_t thread;
	pthread_mutex_t lock;
	struct peer *peers;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- memory ---- */

static struct dp_node_hdr *hdr_of(void *shm)
{
	return shm;
}

/* Maps a node's memory, if it is that: of this version, and sealed, so that no access can fault. 0 or -errno with words. */
static int map_memory(int fd, void **shm, size_t *bytes, char *error, size_t error_bytes)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW;
	int has = fcntl(fd, F_GET_SEALS);
	struct dp_node_hdr *h;
	struct stat st;
	uint64_t size;

	if (fstat(fd, &st) < 0)
		return -errno;
	size = (uint64_t)st.st_size;
	if (has < 0 || (has & seals) != seals || st.st_size <= DP_NODE_SLOTS_OFF ||
	    (size - DP_NODE_SLOTS_OFF) % DP_NODE_SLOT_BYTES || size > dp_node_bytes(DP_NODE_SLOTS_MAX)) {
		roce_node_say(error, error_bytes, "node memory: %llu bytes, seals %#x: not a node's",
			      (unsigned long long)size, (unsigned int)has);
		return -EPROTO;
	}
	*shm = roce_fork_map(fd, size);
	if (!*shm) {
		int err = -errno;

		roce_node_say(error, error_bytes, "node memory: %s", strerror(-err));
		return err;
	}
	*bytes = size;
	h = hdr_of(*shm);
	if (h->magic == DP_NODE_MAGIC && h->version == DP_NODE_VERSION && dp_node_bytes(h->nslots) == size)
		return 0;
	roce_node_say(error, error_bytes, "node memory: magic %#x, version %u, %u slots: not of this version (%u)",
		      h->magic, h->version, h->nslots, DP_NODE_VERSION);
	roce_fork_unmap(*shm, size);
	*shm = NULL;
	return -EPROTO;
}

/* ---- peers ---- */

bool roce_node_peer_alive(const struct roce_node_peer *peer)
{
	return !__atomic_load_n(&hdr_of(peer->shm)->closed, __ATOMIC_ACQUIRE);
}

static void set_gone(struct peer *p)
{
	__atomic_store_n(&hdr_of(p->told.shm)->closed, 1, __ATOMIC_RELEASE);
}

static void set_sock(struct peer *p, int sock)
{
	__atomic_store_n(&p->sock, sock, __ATOMIC_RELEASE);
}

static void peer_free(struct peer *p)
{
	roce_fork_close(p->sock);
	roce_fork_unmap(p->told.shm, p->told.bytes);
	free(p);
}

/* Becomes a sender of that node. 0, -ENOENT: there is none, else -errno with words. */
static int peer_new(struct roce_node *node, const struct roce_node_addr *addr, struct peer **out, char *error,
		    size_t error_bytes)
{
	struct roce_agent_request request = {.op = ROCE_AGENT_PEER};
	struct peer *p = calloc(1, sizeof(*p));
	int got[ROCE_AGENT_SLOTS_MAX + 1], err;
	struct roce_agent_reply reply;
	uint32_t n = 0;
	size_t bytes;

	if (!p) {
		roce_node_say(error, error_bytes, "node %s: no memory", addr->text);
		return -ENOMEM;
	}
	p->addr = *addr;
	memcpy(request.ip, node->start.addr.gid, 16);
	err = roce_node_connect(node->start.base, addr, false, &p->sock, error, error_bytes);
	if (!err)
		err = roce_node_ask(p->sock, &request, NULL, 0, &reply, got, &n, error, error_bytes);
	if (!err)
		err = map_memory(got[0], &p->told.shm, &bytes, error, error_bytes);
	while (n)
		roce_fork_close(got[--n]);
	if (err) {
		peer_free(p);
		return err == ROCE_NODE_GONE ? -ENOENT : err;
	}
	p->told.bytes = bytes;
	p->told.node_id = reply.node_id;
	p->told.sender = reply.sender;
	*out = p;
	return 0;
}

static void wake(struct roce_node *node)
{
	uint64_t one = 1;

	while (write(node->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

int roce_node_peer(struct roce_node *node, const uint8_t *gid, struct roce_node_peer *out, char *error,
		   size_t error_bytes)
{
	struct roce_node_addr addr;
	struct peer *p;
	int err = 0;

	if (node->forked) {
		roce_node_say(error, error_bytes, "node %s: the attachment is the parent's; attach after the fork",
			      node->start.addr.text);
		return -EOWNERDEAD;
	}
	roce_node_addr_of_gid(&addr, gid);
	pthread_mutex_lock(&node->lock);
	for (p = node->peers; p; p = p->next)
		if (!memcmp(p->addr.gid, gid, 16) && roce_node_peer_alive(&p->told))
			break;
	if (!p) {
		/* One that has gone stays in the list: the port uses its memory until it is given the new one. */
		err = peer_new(node, &addr, &p, error, error_bytes);
		if (!err) {
			p->next = node->peers;
			node->peers = p;
			wake(node);
		}
	}
	if (!err)
		*out = p->told;
	pthread_mutex_unlock(&node->lock);
	return err;
}

bool roce_node_peer_connected(struct roce_node *node, const struct roce_node_peer *peer)
{
	bool connected = false;

	pthread_mutex_lock(&node->lock);
	for (struct peer *p = node->peers; p; p = p->next)
		if (p->told.shm == peer->shm)
			connected = __atomic_load_n(&p->sock, __ATOMIC_ACQUIRE) >= 0;
	pthread_mutex_unlock(&node->lock);
	return connected;
}

/* ---- the thread ---- */

static void lost(struct peer *p)
{
	int sock = p->sock;

	set_sock(p, -1);
	roce_fork_close(sock);
	p->gone_ms = now_ms() + PEER_GONE_MS;
}

/* Be known to the node's next agent; when none comes for long enough, or it is another node, take it for gone. */
static void find_agent(struct roce_node *node, struct peer *p)
{
	struct roce_agent_request request = {
		.op = ROCE_AGENT_REJOIN_PEER, .sender = p->told.sender, .node_id = p->told.node_id};
	int sock, err = roce_node_connect(node->start.base, &p->addr, false, &sock, NULL, 0);
	int got[ROCE_AGENT_SLOTS_MAX + 1];
	struct roce_agent_reply reply;
	uint32_t n;

	if (err) {
		if (now_ms() > p->gone_ms)
			set_gone(p);
		return;
	}
	err = roce_node_ask(sock, &request, NULL, 0, &reply, got, &n, NULL, 0);
	if (!err) {
		set_sock(p, sock);
		return;
	}
	roce_fork_close(sock);
	if (err < 0)
		set_gone(p);
}

/* Our agent died: find the next or start it, and hand it the group. Returns whether that was refused or failed. */
static bool rejoin(struct roce_node *node)
{
	struct roce_agent_request request = {
		.op = ROCE_AGENT_REJOIN, .slot = node->slot, .generation = node->generation, .node_id = node->node_id};
	int got[ROCE_AGENT_SLOTS_MAX + 1], sock, err;
	struct roce_agent_reply reply;
	uint32_t n;

	roce_fork_close(node->sock);
	__atomic_store_n(&node->sock, -1, __ATOMIC_RELEASE);
	err = roce_node_connect_or_start(&node->start, &sock, NULL, 0);
	if (err)
		return err < 0;
	err = roce_node_ask(sock, &request, node->fds, node->nfds, &reply, got, &n, NULL, 0);
	if (err)
		roce_fork_close(sock);
	else
		__atomic_store_n(&node->sock, sock, __ATOMIC_RELEASE);
	return err < 0;
}

/* Peers that are watched or looked for: the list as it is now, of which only more may come in front. */
static struct peer *first_peer(struct roce_node *node, bool *closed, uint32_t *n)
{
	struct peer *first;

	pthread_mutex_lock(&node->lock);
	*closed = node->closed;
	first = node->peers;
	pthread_mutex_unlock(&node->lock);
	*n = 0;
	for (struct peer *p = first; p; p = p->next)
		++*n;
	return first;
}

static void drain(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

/* Waits for connections to end: agents send nothing unasked, so anything readable is an end. */
static void *watch(void *arg)
{
	struct roce_node *node = arg;
	struct pollfd *fds = NULL;
	uint32_t cap = 0, n;
	uint64_t retry_ms = RETRY_MS, rejoin_at = 0;

	for (;;) {
		bool closed, looking = false;
		struct peer *first = first_peer(node, &closed, &n), *p;
		uint32_t i = 2;

		if (closed)
			break;
		if (n + 2 > cap) {
			struct pollfd *more = realloc(fds, (n + 16) * sizeof(*fds));

			if (!more) {
				usleep(RETRY_MS * 1000);
				continue;
			}
			fds = more;
			cap = n + 16;
		}
		fds[0] = (struct pollfd){.fd = node->wake, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = node->sock, .events = POLLIN};
		for (p = first; p; p = p->next, i++) {
			fds[i] = (struct pollfd){.fd = p->sock, .events = POLLIN};
			looking = looking || (p->sock < 0 && roce_node_peer_alive(&p->told));
		}
		if (poll(fds, i, node->sock >= 0 && !looking ? -1 : RETRY_MS) < 0)
			continue;
		if (fds[0].revents)
			drain(node->wake);
		if (fds[1].revents || (node->sock < 0 && now_ms() >= rejoin_at)) {
			/* A moment later again; when it was refused, a longer one each time. */
			retry_ms = rejoin(node) ? DP_MIN(retry_ms * 2, RETRY_MAX_MS) : RETRY_MS;
			rejoin_at = now_ms() + (retry_ms > RETRY_MS ? retry_ms : 0);
		}
		i = 2;
		for (p = first; p; p = p->next, i++) {
			if (p->sock >= 0 && fds[i].revents)
				lost(p);
			if (p->sock < 0 && roce_node_peer_alive(&p->told))
				find_agent(node, p);
		}
	}
	free(fds);
	return NULL;
}

/* ---- life ---- */

static void in_child(struct roce_fork *f)
{
	DP_CONTAINER_OF(f, struct roce_node, fork)->forked = true;
}

static void node_free(struct roce_node *node)
{
	roce_fork_unmap(node->shm, node->bytes);
	while (node->nfds)
		roce_fork_close(node->fds[--node->nfds]);
	roce_fork_close(node->sock);
	roce_fork_close(node->wake);
	roce_node_start_fini(&node->start);
	pthread_mutex_destroy(&node->lock);
	free(node);
}

static int ask_for_slot(struct roce_node *node, char *error, size_t error_bytes)
{
	struct roce_agent_request request = {.op = ROCE_AGENT_ATTACH};
	uint64_t until = now_ms() + ATTACH_MS;
	struct roce_agent_reply reply;
	int err;

	for (;;) {
		err = roce_node_connect_or_start(&node->start, &node->sock, error, error_bytes);
		if (!err)
			err = roce_node_ask(node->sock, &request, NULL, 0, &reply, node->fds, &node->nfds, error,
					    error_bytes);
		if (err != ROCE_NODE_GONE)
			break;
		/* It left, idle, or was killed, between our starting it and its answer. */
		roce_fork_close(node->sock);
		node->sock = -1;
		if (now_ms() > until) {
			roce_node_say(error, error_bytes, "node %s: its agent dies again and again",
				      node->start.addr.text);
			return -EIO;
		}
	}
	if (err)
		return err;
	node->memfd = node->fds[0];
	node->slot = reply.slot;
	node->generation = reply.generation;
	node->node_id = reply.node_id;
	err = map_memory(node->memfd, &node->shm, &node->bytes, error, error_bytes);
	if (!err && hdr_of(node->shm)->nslots != reply.nslots) {
		roce_node_say(error, error_bytes, "node %s: memory of another node", node->start.addr.text);
		err = -EPROTO;
	}
	return err;
}

static int start_thread(struct roce_node *node)
{
	sigset_t all, old;
	int err;

	roce_fork_lock();
	node->wake = roce_fork_keep(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	roce_fork_unlock();
	if (node->wake < 0)
		return node->wake;
	sigfillset(&all); /* a program's signals are for its own threads */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&node->thread, NULL, watch, node);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

struct roce_node *roce_node_attach(const struct roce_node_cfg *cfg, char *error, size_t error_bytes)
{
	struct roce_node *node = calloc(1, sizeof(*node));
	int err;

	if (error && error_bytes)
		error[0] = 0;
	if (!node) {
		roce_node_say(error, error_bytes, "node: no memory");
		errno = ENOMEM;
		return NULL;
	}
	node->sock = node->wake = -1;
	pthread_mutex_init(&node->lock, NULL);
	node->fork.child = in_child;
	err = roce_node_start_init(&node->start, cfg, error, error_bytes);
	if (!err)
		err = ask_for_slot(node, error, error_bytes);
	if (!err) {
		roce_fork_add(&node->fork);
		err = start_thread(node);
		if (!err)
			return node;
		roce_node_say(error, error_bytes, "node %s: %s", node->start.addr.text, strerror(-err));
		roce_fork_remove(&node->fork);
	}
	node_free(node);
	errno = -err;
	return NULL;
}

void roce_node_close(struct roce_node *node)
{
	if (!node || node->forked)
		return; /* in a child there is no thread to wait for, and the slot is the parent's */
	pthread_mutex_lock(&node->lock);
	node->closed = true;
	pthread_mutex_unlock(&node->lock);
	wake(node);
	pthread_join(node->thread, NULL);
	roce_fork_remove(&node->fork);
	/* No agent to tell: the next one finds that the slot has no owner. */
	if (node->sock < 0)
		__atomic_store_n(&dp_node_slot(node->shm, node->slot)->pid, 0, __ATOMIC_RELEASE);
	while (node->peers) {
		struct peer *p = node->peers;

		node->peers = p->next;
		peer_free(p);
	}
	node_free(node);
}

const char *roce_node_address(const struct roce_node *node)
{
	return node->start.addr.text;
}

const uint8_t *roce_node_gid(const struct roce_node *node)
{
	return node->start.addr.gid;
}

int roce_node_fd(const struct roce_node *node)
{
	return node->fds[1 + node->slot];
}

int roce_node_memfd(const struct roce_node *node)
{
	return node->memfd;
}

void *roce_node_shm(const struct roce_node *node, uint64_t *bytes)
{
	if (bytes)
		*bytes = node->bytes;
	return node->shm;
}

uint32_t roce_node_slot(const struct roce_node *node)
{
	return node->slot;
}

uint64_t roce_node_generation(const struct roce_node *node)
{
	return node->generation;
}

uint64_t roce_node_id(const struct roce_node *node)
{
	return node->node_id;
}

int roce_node_agent_fd(const struct roce_node *node)
{
	return __atomic_load_n(&node->sock, __ATOMIC_ACQUIRE);
}
