/* Asks the agent for the node's memory: the operation VIEW of rdma_verbs/csrc/agent_proto.h. */
#include "rdma_verbs/ibverbs/redirect/view.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "rdma_verbs/csrc/agent_proto.h"

/* An agent that starts anew after another waits so long for the node's sockets. */
#define ANSWER_MS 4000

static int connect_to(const char *folder)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int dir = (int)syscall(SYS_openat, AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	int sock, result = 0;
	char digits[12];
	size_t n = 0, at;

	if (dir < 0)
		return -errno;
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0) {
		result = -errno;
		goto out;
	}
	/* The path of a socket has 107 bytes at most; by the descriptor of its folder it is short. */
	for (int rest = dir; n == 0 || rest; rest /= 10)
		digits[n++] = (char)('0' + rest % 10);
	memcpy(to.sun_path, "/proc/self/fd/", 14);
	at = 14;
	while (n)
		to.sun_path[at++] = digits[--n];
	memcpy(to.sun_path + at, "/agent.sock", 12);
	if (connect(sock, (struct sockaddr *)&to, sizeof(to))) {
		/* A socket without a listener is what an agent left that was killed; EAGAIN: many ask at once. */
		result = errno == ECONNREFUSED ? -ENOENT : -errno;
		syscall(SYS_close, sock);
	}
out:
	syscall(SYS_close, dir);
	return result ? result : sock;
}

static int receive(int sock, int *memfd)
{
	struct roce_agent_reply reply;
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {&reply, sizeof(reply)};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct pollfd ready = {.fd = sock, .events = POLLIN};
	struct cmsghdr *c;
	ssize_t len;
	int n;

	do
		n = poll(&ready, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return -ETIMEDOUT;
	len = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (len < 0)
		return errno == ECONNRESET ? -ENOENT : -errno;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(memfd, CMSG_DATA(c), sizeof(int));
	if (len == 0)
		return -ENOENT;
	if ((size_t)len != sizeof(reply) || reply.magic != ROCE_AGENT_MAGIC || reply.version != ROCE_AGENT_VERSION)
		return -EPROTO;
	if (reply.error)
		return reply.error < 4096 ? -(int)reply.error : -EPROTO;
	return *memfd < 0 ? -EPROTO : 0;
}

static int map(int memfd, struct node_view *out)
{
	const struct dp_node_hdr *hdr;
	struct stat st;
	void *shm;

	/* Sealed, so that what is mapped stays there. */
	if (fstat(memfd, &st) || !(fcntl(memfd, F_GET_SEALS) & F_SEAL_SHRINK) || st.st_size < (off_t)dp_node_bytes(1))
		return -EPROTO;
	shm = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, memfd, 0);
	if (shm == MAP_FAILED)
		return -errno;
	hdr = shm;
	if (hdr->magic != DP_NODE_MAGIC || hdr->version != DP_NODE_VERSION ||
	    dp_node_bytes(hdr->nslots) != (size_t)st.st_size) {
		munmap(shm, (size_t)st.st_size);
		return -EPROTO;
	}
	*out = (struct node_view){hdr, (size_t)st.st_size};
	return 0;
}

int node_view_open(const char *folder, struct node_view *out)
{
	struct roce_agent_request request = {
		.magic = ROCE_AGENT_MAGIC, .version = ROCE_AGENT_VERSION, .op = ROCE_AGENT_VIEW};
	int saved = errno, memfd = -1, result = connect_to(folder), sock = result;

	if (sock >= 0) {
		result = send(sock, &request, sizeof(request), MSG_NOSIGNAL) < 0 ? -errno : receive(sock, &memfd);
		if (!result)
			result = map(memfd, out);
		if (memfd >= 0)
			syscall(SYS_close, memfd);
		syscall(SYS_close, sock);
		/* An agent that was just leaving closes what it has not answered. */
		if (result == -EPIPE)
			result = -ENOENT;
	}
	errno = saved;
	return result;
}

void node_view_close(struct node_view *view)
{
	int saved = errno;

	munmap((void *)view->hdr, view->bytes);
	errno = saved;
}

uint64_t node_view_counter(const struct node_view *view, uint32_t i)
{
	struct dp_node_hdr *hdr = (struct dp_node_hdr *)view->hdr;
	uint64_t sum;

	if (i >= DP_NODE_COUNTERS)
		return 0;
	sum = __atomic_load_n(&hdr->totals[i], __ATOMIC_RELAXED);
	for (uint32_t slot = 0; slot < hdr->nslots; slot++)
		sum += __atomic_load_n(&dp_node_slot(hdr, slot)->counters[i], __ATOMIC_RELAXED);
	return sum;
}
