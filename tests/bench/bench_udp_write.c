/*
 * Two processes and UDP over loopback, CPU seconds of both added:
 *
 *   bench_udp_write engine SECONDS           64 KiB RDMA writes between two live drivers, credits, ICRC
 *   bench_udp_write raw SECONDS [place]      datagrams of 4112 bytes, 15 a message, by sendmsg() with UDP_SEGMENT
 *                                            and recv() with UDP_GRO, and nothing else; `place`: the receiver also
 *                                            copies each payload to where it belongs
 *   bench_udp_write same SECONDS [place]     likewise, the very datagrams of a write: the first is 16 bytes longer (RETH),
 *                                            so a write takes two messages, of 2 and 14 datagrams
 *
 * The sender of raw and same is paced by a window of MESSAGES that fits the receive buffer, so nothing is lost; the
 * receiver's answers are one small datagram a read (same: a write). Both modes walk over as much memory, and all sockets have the
 * system's default buffer.
 *
 *   child   127.NET.41.2 : 4791     writes come here
 *   parent  127.NET.41.1 : 4791     posts them
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datapath/csrc/port_udp.h"
#include "rdma_verbs/csrc/live.h"
#include "tests/bench/bench.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define WRITE_BYTES 65536
#define BUF_BYTES   (16 * WRITE_BYTES)
#define DEPTH       16
#define SEG_BYTES   (ROCE_BTH_BYTES + 4096 + ROCE_ICRC_BYTES)
#define FIRST_BYTES (SEG_BYTES + 16)
#define SEGS        15
#define MESSAGES    2 /* in a receive buffer of 212992 bytes, with the kernel's own share */

/* What both processes see: memory of two nodes, and where the child's end of the connection is. */
struct shared {
	volatile int stop;
	volatile uint32_t qpn[2], ready[2], rkey;
	volatile uint64_t addr;
	double child_cpu_s;
	uint64_t rx_overflow;
};

static struct shared *shared;
static struct dp_node_hdr *node[2];
static unsigned int net;

static void *share(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED);
	return p;
}

static struct sockaddr_in address(int i)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(ROCE_UDP_PORT)};

	a.sin_addr.s_addr = htonl(127u << 24 | net << 16 | 41u << 8 | (unsigned int)(i + 1));
	return a;
}

static int socket_open(int i)
{
	struct sockaddr_in a = address(i);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	/* Before the first datagram: ungathered ones would fill the buffer. */
	MUST(fd >= 0 && setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one)) == 0);
	MUST(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	return fd;
}

/* Memory of a node with one slot, as its agent would make it. */
static struct dp_node_hdr *node_new(int i, int fd)
{
	struct dp_node_hdr *h = share(dp_node_bytes(1));
	struct roce_gid peer = bench_gid(net, 41, (unsigned int)(!i + 1));
	int rcvbuf = 0;
	socklen_t len = sizeof(rcvbuf);

	MUST(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, &len) == 0);
	h->magic = DP_NODE_MAGIC;
	h->version = DP_NODE_VERSION;
	h->nslots = 1;
	dp_node_slot(h, 0)->rcvbuf = (uint64_t)rcvbuf;
	dp_node_slot(h, 0)->limit = dp_credit_limit((uint32_t)rcvbuf);
	memcpy(dp_node_sender(h, 0)->ip, peer.b, 16);
	h->senders_epoch++;
	return h;
}

struct end {
	struct dp_port *port;
	struct roce_dev *dev;
	struct roce_live *live;
	struct roce_pd *pd;
	struct roce_cq *cq;
	struct roce_qp *qp;
	struct roce_mr *mr;
	uint8_t *buf;
};

static void end_open(struct end *e, int i, int fd)
{
	struct roce_dev_cfg cfg = {.seed = (uint64_t)i, .ngid = 1};
	struct roce_qp_init_attr init = {.cap = {DEPTH, 1, 1, 1, 0}, .qp_type = ROCE_QPT_RC};
	struct roce_gid peer = bench_gid(net, 41, (unsigned int)(!i + 1));

	cfg.gid[0] = bench_gid(net, 41, (unsigned int)(i + 1));
	MUST((e->port = dp_port_udp_new(fd)));
	MUST(!dp_port_udp_set_self(e->port, node[i], dp_node_bytes(1), 0));
	MUST(!dp_port_udp_set_peer(e->port, peer.b, node[!i], dp_node_bytes(1), 0));
	cfg.sport = (uint16_t)dp_port_sport(e->port);
	MUST((e->dev = roce_dev_new(&cfg)) && (e->live = roce_live_start(e->dev, e->port, 1)));
	MUST((e->buf = aligned_alloc(4096, BUF_BYTES)));
	memset(e->buf, i + 1, BUF_BYTES);
	roce_live_lock(e->live);
	MUST((e->pd = roce_pd_alloc(e->dev)) && (e->cq = roce_cq_create(e->dev, 2 * DEPTH, e)));
	MUST((e->mr = roce_mr_reg(e->pd, e->buf, BUF_BYTES, (uintptr_t)e->buf, 7)));
	init.send_cq = init.recv_cq = e->cq;
	MUST((e->qp = roce_qp_create(e->pd, &init, NULL)));
	if (i) {
		shared->rkey = roce_mr_rkey(e->mr);
		shared->addr = (uintptr_t)e->buf;
	}
	roce_live_unlock(e->live);
	__atomic_store_n(&shared->qpn[i], roce_qp_num(e->qp), __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->qpn[!i], __ATOMIC_SEQ_CST))
		usleep(1000);
	roce_live_lock(e->live);
	bench_connect(e->qp, peer, shared->qpn[!i], 1);
	roce_live_unlock(e->live);
	/* What came before the peer is ready to receive would be lost. */
	__atomic_store_n(&shared->ready[i], 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->ready[!i], __ATOMIC_SEQ_CST))
		usleep(1000);
}

static void end_close(struct end *e)
{
	roce_live_stop(e->live);
	roce_dev_free(e->dev);
	dp_port_free(e->port);
	free(e->buf);
}

/* Writes for a while, DEPTH at a time; sleeps when there is nothing to do. Returns bytes; *cpu_s is both sides'. */
static uint64_t write_for(struct end *e, double seconds)
{
	struct roce_sge sge = {0, WRITE_BYTES, roce_mr_lkey(e->mr)};
	struct roce_send_wr wr[DEPTH];
	struct pollfd p = {.fd = roce_live_event_fd(e->live), .events = POLLIN};
	uint64_t posted = 0, done = 0, count;
	double until = wall_s() + seconds;
	struct roce_wc wc[DEPTH];
	struct roce_event ev;
	bool armed = false;

	for (uint64_t i = 0; i < DEPTH; i++)
		wr[i] = (struct roce_send_wr){.wr_id = i,
					      .sg_list = &sge,
					      .num_sge = 1,
					      .opcode = ROCE_WR_RDMA_WRITE,
					      .send_flags = ROCE_SEND_SIGNALED,
					      .rkey = shared->rkey};
	sge.addr = (uintptr_t)e->buf;
	for (bool on = true; on || done < posted;) {
		int n = (int)(DEPTH - (posted - done)), got;

		if (on && n) {
			for (int i = 0; i < n; i++)
				wr[i].remote_addr = shared->addr + (posted + (uint64_t)i) % DEPTH * WRITE_BYTES;
			MUST(roce_live_post_send(e->live, e->qp, wr, n) == n);
			posted += (uint64_t)n;
		}
		got = roce_live_poll(e->live, e->cq, wc, DEPTH);
		MUST(got >= 0);
		for (int i = 0; i < got; i++)
			MUST(wc[i].status == ROCE_WC_SUCCESS);
		done += (uint64_t)got;
		if (!got && !armed) {
			roce_live_lock(e->live);
			roce_cq_req_notify(e->cq, 0);
			roce_live_unlock(e->live);
			armed = true;
		} else if (!got) {
			MUST(poll(&p, 1, 10000) == 1 && read(p.fd, &count, sizeof(count)) == sizeof(count));
			roce_live_lock(e->live);
			while (roce_dev_next_notified(e->dev))
				armed = false;
			while (roce_dev_next_event(e->dev, &ev))
				;
			roce_live_unlock(e->live);
		}
		on = on && wall_s() < until;
	}
	return done * WRITE_BYTES;
}

/* What raw and same send at once, before they wait for an answer: one or two messages, and how they are cut. */
static const struct shape {
	int messages;
	uint16_t seg[2];
	uint32_t bytes[2], packets;
} shapes[] = {
	{1, {SEG_BYTES}, {SEGS * SEG_BYTES}, SEGS},
	{2, {FIRST_BYTES, SEG_BYTES}, {FIRST_BYTES + SEG_BYTES, 14 * SEG_BYTES}, 16},
};

static uint64_t raw_send(int fd, double seconds, const struct shape *shape)
{
	struct sockaddr_in to = address(1);
	uint8_t *buf = malloc(2 * BUF_BYTES), answer[64];
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(sizeof(uint16_t))];
	} control[2] = {0};
	struct iovec iov[2];
	struct mmsghdr m[2] = {0};
	uint64_t sent = 0, answered = 0, count;
	double until = wall_s() + seconds;

	MUST(buf);
	memset(buf, 1, 2 * BUF_BYTES);
	for (int i = 0; i < shape->messages; i++) {
		control[i].h = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(uint16_t)), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT};
		memcpy(CMSG_DATA(&control[i].h), &shape->seg[i], sizeof(uint16_t));
		iov[i] = (struct iovec){buf, shape->bytes[i]};
		m[i].msg_hdr = (struct msghdr){.msg_name = &to,
					       .msg_namelen = sizeof(to),
					       .msg_iov = &iov[i],
					       .msg_iovlen = 1,
					       .msg_control = &control[i],
					       .msg_controllen = sizeof(control[i])};
	}
	for (bool on = true; on || answered < sent;) {
		while (on && sent - answered < MESSAGES) {
			MUST(sendmmsg(fd, m, (unsigned int)shape->messages, 0) == shape->messages);
			sent++;
			iov[0].iov_base = buf + sent * WRITE_BYTES % BUF_BYTES;
			iov[1].iov_base = (uint8_t *)iov[0].iov_base + shape->bytes[0];
		}
		MUST(recv(fd, answer, sizeof(answer), 0) == sizeof(count));
		memcpy(&count, answer, sizeof(count));
		answered = DP_MAX(answered, count);
		on = on && wall_s() < until;
	}
	free(buf);
	return sent * shape->packets * 4096;
}

static void raw_receive(int fd, bool place, const struct shape *shape)
{
	struct sockaddr_in to = address(0);
	uint8_t *buf = malloc(65536), *dst = malloc(BUF_BYTES);
	struct timeval patience = {.tv_usec = 20000};
	uint64_t messages = 0, bytes = 0;

	MUST(buf && dst);
	memset(dst, 0, BUF_BYTES);
	MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	while (!shared->stop) {
		ssize_t n = recv(fd, buf, 65536, 0);

		if (n <= 0)
			continue;
		for (ssize_t off = 0; place && off < n; off += SEG_BYTES)
			memcpy(dst + (size_t)((bytes + (uint64_t)off / SEG_BYTES * 4096) % BUF_BYTES),
			       buf + off + ROCE_BTH_BYTES, 4096);
		bytes += (uint64_t)n / SEG_BYTES * 4096;
		if (bytes / 4096 / shape->packets == messages)
			continue; /* the rest of it comes */
		messages = bytes / 4096 / shape->packets;
		MUST(sendto(fd, &messages, sizeof(messages), 0, (struct sockaddr *)&to, sizeof(to)) ==
		     sizeof(messages));
	}
	free(buf);
	free(dst);
}

int main(int argc, char **argv)
{
	bool engine = argc < 2 || strcmp(argv[1], "engine") == 0, place = argc > 3;
	const struct shape *shape = &shapes[argc > 1 && strcmp(argv[1], "same") == 0];
	double seconds = argc > 2 ? atof(argv[2]) : 1, cpu, wall;
	struct end e = {0};
	uint64_t bytes;
	pid_t child;
	int fd[2], status;

	net = 20 + (unsigned int)getpid() % 200;
	shared = share(sizeof(*shared));
	for (int i = 0; i < 2; i++) {
		fd[i] = socket_open(i);
		node[i] = node_new(i, fd[i]);
	}
	child = fork();
	MUST(child >= 0);
	if (!child) {
		if (engine) {
			struct dp_port_stats stats;

			end_open(&e, 1, fd[1]);
			while (!shared->stop)
				usleep(20000);
			dp_port_get_stats(e.port, &stats);
			shared->rx_overflow = stats.rx_overflow;
			end_close(&e);
		} else {
			raw_receive(fd[1], place, shape);
		}
		shared->child_cpu_s = process_cpu_s();
		return 0;
	}
	if (engine)
		end_open(&e, 0, fd[0]);
	wall = wall_s();
	bytes = engine ? write_for(&e, seconds) : raw_send(fd[0], seconds, shape);
	wall = wall_s() - wall;
	cpu = process_cpu_s();
	shared->stop = 1;
	MUST(waitpid(child, &status, 0) == child && status == 0);
	printf("{\"mode\": \"%s%s\", \"bytes\": %llu, \"wall_s\": %.3f, \"sender_cpu_s\": %.4f, \"receiver_cpu_s\": %.4f, "
	       "\"gbit_per_cpu_s\": %.3f, \"gbit_per_wall_s\": %.3f",
	       engine            ? "engine"
	       : shape == shapes ? "raw"
				 : "same datagrams",
	       place ? " and place" : "", (unsigned long long)bytes, wall, cpu, shared->child_cpu_s,
	       (double)bytes * 8e-9 / (cpu + shared->child_cpu_s), (double)bytes * 8e-9 / wall);
	if (engine) {
		struct dp_port_udp_stats udp;
		struct roce_counters *c = roce_dev_counters(e.dev);

		dp_port_udp_get_stats(e.port, &udp);
		printf(", \"retransmitted_pkts\": %llu, \"sent_pkts\": %llu, \"tx_messages\": %llu, "
		       "\"tx_credit_waits\": %llu, \"rx_overflow\": %llu",
		       (unsigned long long)c->retransmitted_pkts, (unsigned long long)c->sent_pkts,
		       (unsigned long long)udp.tx_messages, (unsigned long long)udp.tx_credit_waits,
		       (unsigned long long)shared->rx_overflow);
		end_close(&e);
	}
	printf("}\n");
	return 0;
}
