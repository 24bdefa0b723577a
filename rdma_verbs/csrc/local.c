/* The way between processes of one machine: what a process shows, and ways to others (local.h). Packets: local_ring.c. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/fork.h"
#include "rdma_verbs/csrc/local_int.h"

#define SEALS      (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define MAX_PIECES 256
/* Longer than any copy takes that has begun, however busy the machine is; of a process that is stopped, by the kernel. */
#define WAIT_NS         30000000000ull
#define WAIT_STOPPED_NS 1000000000ull
#define ALIVE_NS        10000000ull
#define SPINS           256
#define LAST_WORD       8
/* For a ring of somebody who is gone, of which the rest has yet to be read. */
#define TAKE_ROUNDS 10
#define TAKE_US     2000

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/*
 * When a process started, in clock ticks since boot; 0: there is none. Its first thread may be a zombie while others are
 * still in the middle of a copy. *stopped: by a signal or a debugger.
 */
static uint64_t process_start(uint64_t pid, bool *stopped)
{
	unsigned long long start = 0;
	char path[64], text[1024], *at;
	char state = 0;
	long threads = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strrchr(text, ')'); /* the name may hold anything */
	if (!at || sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld %*d %llu",
			  &state, &threads, &start) != 3)
		return 0;
	if (stopped)
		*stopped = state == 'T' || state == 't';
	return (state == 'Z' && threads <= 1) || state == 'X' ? 0 : start;
}

static uint64_t namespace_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

/* Whoever has fewer of them may not copy from whoever has more, but the other way round. */
static uint64_t capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &head, data))
		return 0;
	return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

/* What decides whether others of our uid may copy from and to us, as far as we can know it. */
static bool may_take_part(void)
{
	uint64_t from = 0x1234, to = 0;
	struct iovec a = {&from, sizeof(from)}, b = {&to, sizeof(to)};
	char scope = '0';
	int fd;

	if (prctl(PR_GET_DUMPABLE) != 1)
		return false;
	/* Yama: 1 asks for a word of the process, 2 and 3 are for administrators only. */
	fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, &scope, 1) != 1)
			scope = '0';
		close(fd);
	}
	if (scope > '1')
		return false;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* without Yama it is not known, nor needed */
	return process_vm_readv(getpid(), &b, 1, &a, 1, 0) == sizeof(from) && to == from;
}

/* ---- what this process shows ---- */

static struct shown_key *key_at(const struct shown *shown, uint32_t index)
{
	return (struct shown_key *)&shown->keys[index & (KEYS - 1)];
}

static void open_key(void *ctx, const struct roce_local_key *key)
{
	struct roce_local *local = ctx;
	struct shown_key *k = key_at(local->own, key->index);

	if (!key->key) /* 0 means closed */
		return;
	k->access = key->access;
	k->pd = key->pd;
	k->qpn = key->qpn;
	k->addr = (uintptr_t)key->addr;
	k->iova = key->iova;
	k->length = key->length;
	STORE(&k->key, key->key);
}

/* Returns when nobody is in the middle of a copy by this queue pair or key. */
static void wait_for_copies(const struct roce_local *local, uint64_t mask, uint64_t what)
{
	uint64_t from_ns = 0, next_ns = 0;
	uint32_t high = LOAD(&local->own->hdr.rings_high);

	for (uint32_t i = 0; i < DP_MIN(high, (uint32_t)RINGS); i++) {
		const struct ring *ring = &local->own->rings[i];

		for (uint32_t spins = 0; (LOAD(&ring->busy) & mask) == what; spins++) {
			uint64_t now_ns;

			if (spins < SPINS)
				continue;
			now_ns = clock_ns();
			if (!from_ns) {
				from_ns = now_ns;
				next_ns = now_ns + ALIVE_NS;
			}
			if (now_ns - from_ns > WAIT_NS)
				break;
			if (now_ns > next_ns) {
				bool stopped = false;

				if (process_start(ring->pid, &stopped) != ring->start ||
				    (stopped && now_ns - from_ns > WAIT_STOPPED_NS))
					break;
				next_ns = now_ns + ALIVE_NS;
			}
			usleep(20);
		}
	}
}

static void close_key(void *ctx, uint32_t index, uint32_t key)
{
	struct roce_local *local = ctx;
	struct shown_key *k = key_at(local->own, index);

	if (!key || LOAD(&k->key) != key)
		return;
	STORE(&k->key, 0);
	wait_for_copies(local, UINT32_MAX, key);
}

static void open_qp(void *ctx, const struct roce_local_qp *qp)
{
	struct roce_local *local = ctx;
	struct shown_qp *q = &local->own->qps[qp->qpn & (QPS - 1)];

	q->dest_qpn = qp->dest_qpn;
	q->access = qp->access;
	q->pd = qp->pd;
	q->peer = qp->link->id;
	STORE(&q->open, 1);
}

static void close_qp(void *ctx, uint32_t qpn, bool wait, bool over)
{
	struct roce_local *local = ctx;
	struct shown_qp *q = &local->own->qps[qpn & (QPS - 1)];

	STORE(&q->open, 0);
	if (over)
		STORE(&q->epoch, q->epoch + 1);
	if (wait)
		wait_for_copies(local, (uint64_t)UINT32_MAX << 32, (uint64_t)qpn << 32);
}

static void set_up(void *ctx, bool up)
{
	struct roce_local *local = ctx;

	STORE(&local->own->hdr.up, up);
}

static void fold(void *ctx, uint32_t qpn, uint64_t done[4])
{
	struct roce_local *local = ctx;
	struct shown_qp *q = &local->own->qps[qpn & (QPS - 1)];

	for (int i = 0; i < 4; i++)
		done[i] = LOAD(&q->done[i]) ? __atomic_exchange_n(&q->done[i], 0, __ATOMIC_SEQ_CST) : 0;
}

static uint32_t sum_at(uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15ull >> 44) & (SUMS - 1);
}

static void put_sum(void *ctx, uint64_t key, uint32_t crc)
{
	struct roce_local *local = ctx;
	uint32_t i = sum_at(key);

	STORE(&local->own->sums[i].key, 0);
	local->own->sums[i].crc = crc;
	STORE(&local->own->sums[i].key, key);
}

/* ---- ways to others ---- */

static bool by_packets(const struct roce_link *link)
{
	return link->peer->hdr.by_packets || link->local->own->hdr.by_packets;
}

bool roce_link_alive(const struct roce_link *link)
{
	const struct dp_node_slot *page = link->page;

	return LOAD(&page->pid) == link->pid && page->start == link->start && page->generation == link->generation &&
	       page->state == DP_NODE_SLOT_USED && page->local_id == link->id;
}

/* What is opened and mapped here and below is not for children (fork.h). The descriptor, or -errno. */
static int open_fd_of(uint64_t pid, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%llu/fd/%d", (unsigned long long)pid, fd);
	roce_fork_lock();
	fd = roce_fork_keep(open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	roce_fork_unlock();
	return fd;
}

static struct shown *map_shown(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size != sizeof(struct shown) ||
	    (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS)
		return NULL;
	return roce_fork_map(fd, sizeof(struct shown));
}

/*
 * Nobody's any more. An owner is named before its pid stands beside it, but its id holds the pid: so a ring that was just
 * taken is not taken again.
 */
static bool ring_left(const struct ring *ring, uint64_t owner)
{
	uint64_t pid = owner & ((1ull << PID_BITS) - 1), start;

	if (LOAD(&ring->closed) == owner)
		return true;
	start = process_start(pid, NULL);
	return !start || (ring->pid == pid && ring->start != start);
}

/* A ring of the peer's for us: a free one, or one whose owner is gone and of which everything was read. */
static int take_ring(struct roce_link *link)
{
	struct shown *peer = link->peer;
	const struct shown_hdr *own = &link->local->own->hdr;

	for (int round = 0; round < 1 + TAKE_ROUNDS; round++) {
		if (round > 1)
			usleep(TAKE_US);
		for (uint32_t i = 0; i < RINGS; i++) {
			struct ring *ring = &peer->rings[i];
			uint64_t owner = LOAD(&ring->owner);
			uint32_t high = LOAD(&peer->hdr.rings_high);

			if ((owner && (!round || !ring_left(ring, owner))) || LOAD(&ring->head) % CELL_ALIGN)
				continue;
			if (LOAD(&ring->head) != LOAD(&ring->tail)) { /* he died before he told of what he wrote */
				roce_link_tell(link, i);
				continue;
			}
			if (!__atomic_compare_exchange_n(&ring->owner, &owner, own->id, false, __ATOMIC_SEQ_CST,
							 __ATOMIC_SEQ_CST))
				continue;
			STORE(&ring->busy, 0);
			ring->pid = own->pid;
			ring->start = own->start;
			memcpy(ring->gid, link->local->gid.b, sizeof(ring->gid));
			ring->slot = own->slot;
			ring->fd = link->local->fd;
			while (high < i + 1 && !__atomic_compare_exchange_n(&peer->hdr.rings_high, &high, i + 1, false,
									    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
				;
			link->out = ring;
			link->index = i;
			link->head = LOAD(&ring->head);
			link->tail_seen = LOAD(&ring->tail);
			return 0;
		}
	}
	return -ENOMEM;
}

static void link_free(struct roce_link *link)
{
	if (link->out) {
		STORE(&link->out->busy, 0);
		STORE(&link->out->closed, link->local->own->hdr.id); /* the next one that needs it, when all is read */
	}
	roce_fork_unmap(link->peer, sizeof(*link->peer));
	roce_fork_close(link->wake_fd);
	free(link);
}

static bool fits(const struct roce_local *local, const struct roce_link *link)
{
	const struct shown_hdr *h = &link->peer->hdr, *own = &local->own->hdr;

	return h->magic == LOCAL_MAGIC && h->version == LOCAL_VERSION && h->id == link->id && h->pid == link->pid &&
	       h->start == link->start && h->pid_ns == own->pid_ns && h->user_ns == own->user_ns &&
	       h->uid == own->uid && h->gid == own->gid && h->caps == own->caps;
}

/* NULL and *err 0: it shows nothing that we could use, nor does it find anything of ours. */
static struct roce_link *link_new(struct roce_local *local, const struct dp_ip *ip, const struct dp_node_slot *page,
				  uint32_t slot, int *err)
{
	struct roce_link *link = calloc(1, sizeof(*link));
	int fd;

	if (!link) {
		*err = -ENOMEM;
		return NULL;
	}
	*link = (struct roce_link){.local = local,
				   .page = page,
				   .id = page->local_id,
				   .pid = page->pid,
				   .start = page->start,
				   .generation = page->generation,
				   .gid = *ip,
				   .slot = slot,
				   .wake_fd = -1,
				   .lane = roce_lane(ip, slot << 16)};
	fd = open_fd_of(link->pid, (int)LOAD(&page->local_fd) - 1);
	if (fd >= 0) {
		link->peer = map_shown(fd);
		roce_fork_close(fd);
	}
	if (!link->peer || !fits(local, link) || !roce_link_alive(link))
		goto none;
	/* A reader of it, too: when he is dead, the pipe is not broken, and nobody gets a signal. */
	link->wake_fd = open_fd_of(link->pid, link->peer->hdr.wake_fd);
	*err = link->wake_fd < 0 ? link->wake_fd : take_ring(link);
	if (!*err)
		return link;
none:
	link_free(link);
	return NULL;
}

/* Ways that lead nowhere any more, and that no queue pair has. */
static void forget_dead(struct roce_local *local)
{
	struct roce_link **p = &local->links, *link;

	roce_local_flush(local); /* none of them is on that list */
	while ((link = *p)) {
		if (link->users || roce_link_alive(link)) {
			p = &link->next;
			continue;
		}
		*p = link->next;
		local->ntight -= link->tight;
		local->nlinks--;
		for (uint32_t i = 0; i < RINGS; i++)
			if (local->in[i] == link)
				local->in[i] = NULL;
		link_free(link);
	}
}

static void disconnect(void *ctx, struct roce_link *link)
{
	(void)ctx;
	link->users--;
}

static struct roce_link *connect_to(void *ctx, const struct dp_ip *dgid, uint32_t dqpn, int *err)
{
	struct roce_local *local = ctx;
	struct node *node = local->nodes;
	const struct dp_node_slot *page;
	uint32_t slot = dqpn >> 16;
	struct roce_link *link;

	*err = 0;
	while (node && !dp_ip_eq(&node->ip, dgid))
		node = node->next;
	if (!node || LOAD(&node->hdr->closed) || slot >= node->hdr->nslots)
		return NULL;
	page = dp_node_slot(node->hdr, slot);
	if (LOAD(&page->state) != DP_NODE_SLOT_USED || !LOAD(&page->local_fd))
		return NULL;
	for (link = local->links; link; link = link->next)
		if (link->page == page && roce_link_alive(link)) {
			link->users++;
			return link;
		}
	forget_dead(local);
	link = link_new(local, dgid, page, slot, err);
	if (!link)
		return NULL;
	link->users = 1;
	link->next = local->links;
	local->links = link;
	local->nlinks++;
	return link;
}

/* ---- copies ---- */

bool roce_link_copy(const struct roce_link *link, const struct iovec *own, int nown, const struct iovec *far, int nfar,
		    uint32_t len, bool read)
{
	struct iovec v[MAX_PIECES + 1];
	size_t rest = LAST_WORD; /* of the last bytes, those in pieces up to `last` */
	struct iovec *last;
	ssize_t n;

	if (nfar < 1 || nfar > MAX_PIECES)
		return !len;
	/* Programs poll the end of a buffer: the kernel copies the pieces of the far side one after the other. */
	memcpy(v, far, (size_t)nfar * sizeof(*v));
	last = &v[nfar - 1];
	while (last > v && rest > last->iov_len)
		rest -= last--->iov_len;
	if (last->iov_len > rest) {
		memmove(last + 1, last, (size_t)(v + nfar - last) * sizeof(*v));
		last[0].iov_len -= rest;
		last[1].iov_base = (char *)last[1].iov_base + last[0].iov_len;
		last[1].iov_len = rest;
		nfar++;
	}
	do
		n = read ? process_vm_readv((pid_t)link->pid, own, (unsigned long)nown, v, (unsigned long)nfar, 0)
			 : process_vm_writev((pid_t)link->pid, own, (unsigned long)nown, v, (unsigned long)nfar, 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len;
}

static const struct shown_key *key_of(const struct roce_link *link, uint32_t rkey)
{
	return key_at(link->peer, (uint32_t)((uint64_t)rkey >> (link->peer->hdr.key_bits & 63))); /* whatever it says */
}

bool roce_link_key_is(const struct roce_link *link, uint32_t rkey)
{
	return rkey && LOAD(&key_of(link, rkey)->key) == rkey;
}

/* The peer's key, if it is open and covers all of it. */
static const struct shown_key *covering(const struct roce_link *link, uint32_t rkey, uint64_t va, uint32_t len)
{
	const struct shown_key *k = key_of(link, rkey);

	if (!rkey || LOAD(&k->key) != rkey || va < k->iova || len > k->length || va - k->iova > k->length - len)
		return NULL;
	return k;
}

/* Where the copy is to happen, if the key is of the queue pair's domain and grants it; NULL: the engine there shall say. */
static uint8_t *granted(const struct roce_link *link, const struct shown_qp *q, const struct roce_copy *c,
			uint32_t access)
{
	const struct shown_key *k = covering(link, c->rkey, c->va, c->len);

	if (!k || k->pd != q->pd || (k->access & access) != access || (k->qpn && k->qpn != c->dest_qpn))
		return NULL;
	return (uint8_t *)(uintptr_t)(k->addr + (c->va - k->iova));
}

/* Whoever sends datagrams with sums has a ring here, where it says what it shows. */
static struct shown *sender_shows(struct roce_local *local, const struct dp_ip *gid, uint32_t slot)
{
	uint32_t high = LOAD(&local->own->hdr.rings_high);

	for (uint32_t i = 0; i < DP_MIN(high, (uint32_t)RINGS); i++) {
		const struct ring *ring = &local->own->rings[i];
		struct view *view = local->views;
		int fd;

		if (!LOAD(&ring->owner) || ring->slot != slot || memcmp(ring->gid, gid->b, sizeof(gid->b)) != 0)
			continue;
		while (view && view->id != ring->owner)
			view = view->next;
		if (!view) {
			view = calloc(1, sizeof(*view));
			if (!view)
				return NULL;
			view->id = ring->owner;
			view->next = local->views;
			local->views = view;
			fd = open_fd_of(ring->pid, ring->fd);
			view->shown = fd >= 0 ? map_shown(fd) : NULL;
			roce_fork_close(fd);
		}
		if (view->shown && view->shown->hdr.id == view->id)
			return view->shown;
	}
	return NULL;
}

static bool get_sum(void *ctx, struct roce_link *link, const struct dp_ip *gid, uint32_t qpn, uint64_t key,
		    uint32_t *crc)
{
	struct shown *shown = link ? link->peer : gid ? sender_shows(ctx, gid, qpn >> 16) : NULL;
	uint32_t i = sum_at(key);

	if (!shown || LOAD(&shown->sums[i].key) != key)
		return false;
	*crc = LOAD(&shown->sums[i].crc);
	return LOAD(&shown->sums[i].key) == key;
}

static bool copy(void *ctx, struct roce_link *link, const struct roce_copy *c)
{
	struct roce_local *local = ctx;
	uint32_t access = c->look ? 0 : c->read ? ROCE_ACCESS_REMOTE_READ : ROCE_ACCESS_REMOTE_WRITE;
	struct shown_qp *q;
	uint8_t *at = NULL;
	bool ok;

	if (!roce_link_alive(link) || !LOAD(&link->peer->hdr.up))
		return false;
	q = roce_link_enter(link, c->dest_qpn, c->len ? c->rkey : 0);
	ok = LOAD(&q->open) && q->peer == local->own->hdr.id && q->dest_qpn == c->qpn &&
	     (q->access & access) == access && (!c->len || (at = granted(link, q, c, access)));
	if (ok && c->len)
		ok = roce_link_copy(link, c->v, c->n, &(struct iovec){at, c->len}, 1, c->len, c->read);
	if (ok && !c->look) {
		uint64_t *done = &q->done[c->read ? 2 : 0];

		if (c->counted)
			__atomic_fetch_add(done, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(done + 1, c->len, __ATOMIC_RELAXED);
	}
	roce_link_leave(link);
	return ok;
}

static const struct roce_local_ops ops = {.connect = connect_to,
					  .disconnect = disconnect,
					  .open_qp = open_qp,
					  .close_qp = close_qp,
					  .open_key = open_key,
					  .close_key = close_key,
					  .set_up = set_up,
					  .copy = copy,
					  .pull = roce_local_pull,
					  .put_sum = put_sum,
					  .get_sum = get_sum,
					  .by_packets = by_packets,
					  .fold = fold};

/* ---- life ---- */

int roce_local_add_node(struct roce_local *local, const uint8_t *ip, void *shm, uint64_t bytes)
{
	struct dp_node_hdr *hdr = shm;
	struct node *node = local->nodes;

	if (bytes <= DP_NODE_SLOTS_OFF || hdr->magic != DP_NODE_MAGIC || hdr->version != DP_NODE_VERSION ||
	    dp_node_bytes(hdr->nslots) > bytes)
		return -EINVAL;
	while (node && memcmp(node->ip.b, ip, sizeof(node->ip.b)) != 0)
		node = node->next;
	if (!node) {
		node = calloc(1, sizeof(*node));
		if (!node)
			return -ENOMEM;
		memcpy(node->ip.b, ip, sizeof(node->ip.b));
		node->next = local->nodes;
		local->nodes = node;
	}
	node->hdr = hdr;
	node->bytes = bytes;
	return 0;
}

static int show(struct roce_local *local)
{
	int pipes[2], err;

	roce_fork_lock();
	err = pipe2(pipes, O_CLOEXEC | O_NONBLOCK) ? -errno : 0;
	if (!err) {
		local->wake_r = roce_fork_keep(pipes[0]);
		local->wake_w = roce_fork_keep(pipes[1]);
		local->fd = roce_fork_keep(memfd_create("dpu-emu-local", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	}
	roce_fork_unlock();
	if (err)
		return err;
	if (local->wake_r < 0 || local->wake_w < 0)
		return -ENOMEM;
	if (local->fd < 0)
		return local->fd;
	if (ftruncate(local->fd, sizeof(struct shown)) || fcntl(local->fd, F_ADD_SEALS, SEALS))
		return -errno;
	local->own = map_shown(local->fd);
	return local->own ? 0 : -ENOMEM;
}

static void describe(struct roce_local *local, uint32_t slot)
{
	struct shown_hdr *h = &local->own->hdr;

	h->pid = (uint64_t)getpid();
	if (getrandom(&h->id, sizeof(h->id), 0) != sizeof(h->id))
		h->id = clock_ns();
	h->id = h->id << PID_BITS | h->pid;
	h->start = process_start(h->pid, NULL);
	h->pid_ns = namespace_of("/proc/self/ns/pid");
	h->user_ns = namespace_of("/proc/self/ns/user");
	h->uid = geteuid();
	h->gid = getegid();
	h->caps = capabilities();
	h->slot = slot;
	h->key_bits = local->dev->key_bits;
	h->wake_fd = local->wake_w;
	h->up = !local->dev->link_down;
	h->version = LOCAL_VERSION;
	STORE(&h->magic, LOCAL_MAGIC);
	STORE(&local->page->local_id, h->id);
	STORE(&local->page->local_fd, (uint64_t)local->fd + 1);
}

struct roce_local *roce_local_new(struct roce_dev *dev, void *shm, uint64_t bytes, uint32_t slot, uint32_t how)
{
	struct dp_node_hdr *hdr = shm;
	struct roce_local *local;
	int err = -EINVAL;

	if (bytes <= DP_NODE_SLOTS_OFF || hdr->magic != DP_NODE_MAGIC || dp_node_bytes(hdr->nslots) > bytes ||
	    slot >= hdr->nslots) {
		errno = EINVAL;
		return NULL;
	}
	/* Our tables have as many places, and congestion control is for packets. */
	if (dev->cfg.max_mr > KEYS || dev->cfg.qpn_count > QPS ||
	    (dev->cfg.cc.algorithm && !(how & ROCE_LOCAL_PACKETS)) || !may_take_part()) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	local = calloc(1, sizeof(*local));
	if (!local)
		return NULL;
	local->dev = dev;
	local->page = dp_node_slot(hdr, slot);
	local->fd = local->wake_r = local->wake_w = -1;
	memcpy(local->gid.b, dev->cfg.gid[0].b, sizeof(local->gid.b));
	err = show(local);
	if (!err)
		err = roce_local_add_node(local, local->gid.b, shm, bytes);
	if (err) {
		roce_local_free(local);
		errno = -err;
		return NULL;
	}
	local->own->hdr.by_packets = how & ROCE_LOCAL_PACKETS ? 1 : 0;
	describe(local, slot);
	dev->checking = how & ROCE_LOCAL_CHECK;
	dev->local = &ops;
	dev->local_ctx = local;
	return local;
}

void roce_local_free(struct roce_local *local)
{
	if (!local)
		return;
	if (local->own && local->page->local_id == local->own->hdr.id) {
		STORE(&local->page->local_fd, 0);
		STORE(&local->page->local_id, 0);
	}
	while (local->links) {
		struct roce_link *link = local->links;

		local->links = link->next;
		link_free(link);
	}
	while (local->views) {
		struct view *view = local->views;

		local->views = view->next;
		roce_fork_unmap(view->shown, sizeof(*view->shown));
		free(view);
	}
	while (local->nodes) {
		struct node *node = local->nodes;

		local->nodes = node->next;
		free(node);
	}
	roce_fork_unmap(local->own, sizeof(*local->own));
	roce_fork_close(local->fd);
	roce_fork_close(local->wake_r);
	roce_fork_close(local->wake_w);
	free(local);
}

uint32_t roce_local_links(const struct roce_local *local)
{
	return local->nlinks;
}
