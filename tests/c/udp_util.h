/* What the tests of the UDP port share: sockets on loopback addresses, node memory, frames. */
#ifndef DPU_TESTS_UDP_UTIL_H
#define DPU_TESTS_UDP_UTIL_H

#include "datapath/csrc/port_udp.h"
#include "tests/c/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NSLOTS 4

#define SRC  test_ip(1)
#define DST  test_ip(2)
#define DST2 test_ip(3)

/* Loopback addresses of this run: another run on the machine has others. A child has those of its parent. */
static inline unsigned test_net(void)
{
	static unsigned net;

	if (!net)
		net = 20 + (unsigned)getpid() % 200;
	return net;
}

static inline const char *test_ip(unsigned host)
{
	static char text[4][20];

	snprintf(text[host & 3], sizeof(text[0]), "127.%u.40.%u", test_net(), host);
	return text[host & 3];
}

struct node {
	struct dp_node_hdr *shm;
	size_t len;
};

/* A bound socket and its port. */
struct end {
	int fd;
	struct dp_port *port;
};

static inline uint64_t clock_ps(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec) * 1000;
}

static inline int udp_socket(const char *ip, int reuse)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(4791)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(4791)};
	int v6 = inet_pton(AF_INET6, ip, &a6.sin6_addr) == 1;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, ip, &a4.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse, sizeof(reuse));
	if (bind(fd, v6 ? (void *)&a6 : (void *)&a4, v6 ? sizeof(a6) : sizeof(a4)) < 0) {
		perror(ip);
		exit(1);
	}
	return fd;
}

static inline struct end end_open(const char *ip)
{
	struct end e = {.fd = udp_socket(ip, 0)};

	e.port = dp_port_udp_new(e.fd);
	if (!e.port) {
		perror("dp_port_udp_new");
		exit(1);
	}
	return e;
}

static inline void end_close(struct end *e)
{
	dp_port_free(e->port);
	close(e->fd);
}

static inline void gid(const char *ip, uint8_t b[16])
{
	memset(b, 0, 16);
	if (inet_pton(AF_INET6, ip, b) == 1)
		return;
	b[10] = b[11] = 0xff;
	inet_pton(AF_INET, ip, b + 12);
}

/* Memory of a node whose slots have the given receive buffer. */
static inline struct node node_new(uint32_t rcvbuf)
{
	struct node n = {.len = dp_node_bytes(NSLOTS)};

	n.shm = mmap(NULL, n.len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	n.shm->magic = DP_NODE_MAGIC;
	n.shm->version = DP_NODE_VERSION;
	n.shm->nslots = NSLOTS;
	for (uint32_t i = 0; i < NSLOTS; i++) {
		dp_node_slot(n.shm, i)->rcvbuf = rcvbuf;
		dp_node_slot(n.shm, i)->limit = dp_credit_limit(rcvbuf);
	}
	return n;
}

static inline void node_sender(struct node *n, uint32_t i, const char *ip)
{
	gid(ip, dp_node_sender(n->shm, i)->ip);
	n->shm->senders_epoch++;
}

static inline int64_t outstanding(const struct node *n, uint32_t slot)
{
	struct dp_node_slot *s = dp_node_slot(n->shm, slot);

	return (int64_t)(__atomic_load_n(&s->reserved, __ATOMIC_SEQ_CST) - s->refunded - s->released);
}

static inline uint32_t rcvbuf_of(int fd)
{
	int value = 0;
	socklen_t len = sizeof(value);

	getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, &len);
	return (uint32_t)value;
}

static inline void frame_make(struct dp_frame *f, uint8_t *data, uint32_t len, const char *src, const char *dst,
			      uint32_t qpn)
{
	uint8_t s[16], d[16];

	memset(f, 0, sizeof(*f));
	gid(src, s);
	gid(dst, d);
	if (dp_ip_is_v4((struct dp_ip *)d)) {
		f->l3_len = 28;
		f->l3[0] = 0x45;
		dp_put_be16(f->l3 + 2, (uint16_t)(len + 28));
		f->l3[8] = 64;
		f->l3[9] = 17;
		memcpy(f->l3 + 12, s + 12, 4);
		memcpy(f->l3 + 16, d + 12, 4);
	} else {
		f->l3_len = 48;
		f->l3[0] = 0x60;
		dp_put_be16(f->l3 + 4, (uint16_t)(len + 8));
		f->l3[6] = 17;
		f->l3[7] = 64;
		memcpy(f->l3 + 8, s, 16);
		memcpy(f->l3 + 24, d, 16);
	}
	dp_put_be16(f->l3 + f->l3_len - 6, 4791);
	dp_put_be16(f->l3 + f->l3_len - 4, (uint16_t)(len + 8));
	f->data = data;
	f->len = f->cap = len;
	if (len >= 8)
		dp_put_be24(data + 5, qpn);
}

/* Receives until n frames came or half a second passed with none. */
static inline int rx_all(struct dp_port *p, struct dp_frame *out, uint8_t *bytes, size_t room, int n)
{
	struct dp_frame *v[64];
	size_t used = 0;
	int got = 0;

	for (int idle = 0; got < n && idle < 100;) {
		int k = dp_port_rx(p, v, DP_MIN(n - got, 64), clock_ps());
		struct pollfd pfd = {.fd = dp_port_fd(p), .events = POLLIN};

		for (int i = 0; i < k; i++, got++) {
			out[got] = *v[i];
			if (used + v[i]->len > room)
				return -1;
			memcpy(bytes + used, v[i]->data, v[i]->len);
			out[got].data = bytes + used;
			used += v[i]->len;
		}
		idle = k ? 0 : idle + 1;
		if (!k)
			poll(&pfd, 1, 5);
	}
	return got;
}

static uint8_t tx_mem[300 * 4200], rx_mem[300 * 4200];
static struct dp_frame fr[300], out[300], *fv[300];

static inline void frames_make(int n, uint32_t len, const char *src, const char *dst, uint32_t qpn, uint32_t stride)
{
	for (int i = 0; i < n; i++) {
		uint8_t *data = tx_mem + (size_t)i * stride;

		memset(data, i + 1, len);
		frame_make(&fr[i], data, len, src, dst, qpn);
		fv[i] = &fr[i];
	}
}

#endif
