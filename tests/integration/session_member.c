/*
 * A process of a node without Python, for test_session.py: live devices by rdma_verbs/csrc/session.h.
 *
 *	session_member hold A              opens a device on A, prints its slot, ends when stdin does
 *	session_member exit A              opens, prints, and returns from main() without closing
 *	session_member stream A B N        N messages each way between devices on A and B (DPU_LOSS_PPM, DPU_PCAP)
 *	session_member again A B           one message each time a line comes on stdin; B may have been closed and opened
 *	session_member forks A B N         streams both ways while the process forks N times; children do as they like
 *	session_member wait A              starts the node's agent while a thread waits for any child
 *
 * DPU_AGENT_PYTHON and DPU_AGENT_PATH say how to start an agent. Words on stdout; what is wrong goes to stderr, exit code 1.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "datapath/csrc/node_shm.h"
#include "rdma_verbs/csrc/session.h"
#include "tests/c/stream.h"

#define WAIT_S 60

struct pair {
	struct roce_session *s[2];
	struct roce_gid gid[2];
	struct stream *there, *back;
};

static const struct roce_gid group = {{[10] = 0xff, [11] = 0xff, 239, 11, 77, 1}};

static void fail(const char *what, int err, const char *words)
{
	fprintf(stderr, "%s: %s %s\n", what, err ? strerror(err) : "", words);
	_exit(1);
}

static uint32_t number(const char *name)
{
	const char *text = getenv(name);

	return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

/* DPU_PCAP is for the first device. */
static struct roce_session *open_on(const char *address)
{
	static bool again;
	struct roce_session_cfg cfg = {
		.transport = getenv("DPU_LOCAL") ? ROCE_TRANSPORT_LOCAL
						 : ROCE_TRANSPORT_UDP, /* what is tested are packets */
		.node = {.address = address,
			 .python = getenv("DPU_AGENT_PYTHON"),
			 .pythonpath = getenv("DPU_AGENT_PATH"),
			 .nslots = number("DPU_SLOTS"),
			 .idle_ms = 300},
		.loss_ppm = number("DPU_LOSS_PPM"),
		.fault_seed = 7,
		.pcap = again ? NULL : getenv("DPU_PCAP"),
	};
	char words[300] = "";
	struct roce_session *s = roce_session_open(&cfg, words, sizeof(words));

	if (!s)
		fail(address, errno, words);
	again = true;
	return s;
}

static struct roce_gid gid_of(struct roce_session *s)
{
	struct roce_gid gid;

	memcpy(gid.b, roce_node_gid(roce_session_node(s)), 16);
	return gid;
}

static void pair_open(struct pair *p, const char *a, const char *b)
{
	struct roce_dev *dev[2];
	struct roce_live *live[2];
	int err;

	memset(p, 0, sizeof(*p));
	p->s[0] = open_on(a);
	p->s[1] = open_on(b);
	for (int i = 0; i < 2; i++) {
		p->gid[i] = gid_of(p->s[i]);
		dev[i] = roce_session_dev(p->s[i]);
		live[i] = roce_session_live(p->s[i]);
	}
	for (int i = 0; i < 2; i++) {
		err = roce_session_reach(p->s[i], &p->gid[!i]);
		if (err)
			fail("reach", -err, "");
	}
	p->there = calloc(1, sizeof(*p->there));
	p->back = calloc(1, sizeof(*p->back));
	if (stream_open(p->there, dev[0], live[0], &p->gid[0], dev[1], live[1], &p->gid[1]) ||
	    stream_open(p->back, dev[1], live[1], &p->gid[1], dev[0], live[0], &p->gid[0]))
		fail("stream_open", 0, "");
}

static void pair_close(struct pair *p)
{
	roce_session_close(p->s[0]);
	roce_session_close(p->s[1]);
	free(p->there);
	free(p->back);
}

static uint64_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

/* Both streams up to message n. */
static void exchange(struct pair *p, uint64_t n)
{
	uint64_t until = seconds() + WAIT_S;

	while (p->there->received < n || p->back->received < n || p->there->sent < n || p->back->sent < n) {
		stream_step(p->there, n);
		stream_step(p->back, n);
		if (p->there->wrong || p->back->wrong)
			fail("stream", 0, "wrong");
		if (seconds() > until)
			fail("stream", ETIMEDOUT, "");
	}
}

static uint64_t drops(struct roce_session *s)
{
	struct roce_counters *c;
	uint64_t sum = 0;

	roce_live_lock(roce_session_live(s));
	c = roce_dev_counters(roce_session_dev(s));
	for (size_t i = 0; i < DP_ARRAY_SIZE(c->drops); i++)
		sum += c->drops[i];
	roce_live_unlock(roce_session_live(s));
	return sum;
}

static void hold(const char *address, bool close_it)
{
	struct roce_session *s = open_on(address);

	printf("%u %u\n", roce_node_slot(roce_session_node(s)), roce_session_mtu(s));
	fflush(stdout);
	while (getchar() != EOF)
		;
	if (close_it)
		roce_session_close(s);
}

static void stream(const char *a, const char *b, uint64_t n)
{
	struct dp_port_stats stats;
	uint64_t again;
	struct pair p;

	pair_open(&p, a, b);
	exchange(&p, n);
	roce_live_lock(roce_session_live(p.s[0]));
	dp_port_get_stats(roce_session_port(p.s[0]), &stats);
	again = roce_dev_counters(roce_session_dev(p.s[0]))->retransmitted_pkts;
	roce_live_unlock(roce_session_live(p.s[0]));
	printf("%llu %llu\n", (unsigned long long)stats.tx_frames, (unsigned long long)again);
	pair_close(&p);
}

/* Device A stays, B comes and goes with its node; each time a new connection, after reach(). */
static void again(const char *a, const char *b)
{
	struct roce_session *s = open_on(a);
	struct roce_gid from = gid_of(s), to;

	while (getchar() != EOF) {
		struct roce_session *peer = open_on(b);
		struct stream *st = calloc(1, sizeof(*st));
		struct roce_node_peer told;
		struct dp_node_slot *page;

		to = gid_of(peer);
		if (roce_session_reach(s, &to) || roce_session_reach(s, &to) || roce_session_reach(peer, &from))
			fail("reach", 0, "");
		if (roce_node_peer(roce_session_node(s), to.b, &told, NULL, 0))
			fail("peer", 0, "");
		if (stream_open(st, roce_session_dev(s), roce_session_live(s), &from, roce_session_dev(peer),
				roce_session_live(peer), &to))
			fail("stream_open", 0, "");
		while (st->received < 100 || st->sent < 100)
			stream_step(st, 100);
		if (st->wrong)
			fail("stream", 0, "wrong");
		page = dp_node_slot(told.shm, roce_node_slot(roce_session_node(peer)));
		printf("%d %d %d\n", told.node_id == roce_node_id(roce_session_node(peer)), roce_node_peer_alive(&told),
		       page->reserved > page->refunded);
		fflush(stdout);
		roce_session_close(peer);
		free(st);
	}
	roce_session_close(s);
}

/* ---- forks ---- */

static bool stop;

static void *run(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		stream_step(arg, UINT64_MAX);
	return NULL;
}

/* All that is the parent's is refused, closed or private. Returns how much is not. */
static int use_parents(struct pair *p)
{
	struct roce_node *node = roce_session_node(p->s[0]);
	struct roce_node_peer peer;
	char words[200] = "";
	uint64_t bytes;
	int bad = 0;

	bad += roce_session_reach(p->s[0], &p->gid[1]) != -EOWNERDEAD;
	bad += roce_session_join(p->s[0], &group) != -EOWNERDEAD;
	bad += roce_session_leave(p->s[0], &group) != -EOWNERDEAD;
	bad += roce_live_lock(roce_session_live(p->s[0])) != -EOWNERDEAD;
	bad += roce_node_peer(node, p->gid[1].b, &peer, words, sizeof(words)) != -EOWNERDEAD || !words[0];
	bad += fcntl(roce_node_fd(node), F_GETFD) >= 0;
	bad += fcntl(roce_node_agent_fd(node), F_GETFD) >= 0;
	/* Even what must not be done reaches nobody. */
	memset(roce_node_shm(node, &bytes), 0xff, 4096);
	roce_dev_counters(roce_session_dev(p->s[0]))->sent_pkts = 0;
	roce_session_close(p->s[0]);
	roce_session_close(p->s[1]);
	return bad;
}

static void use_own(const char *a, const char *b, bool close_it)
{
	struct pair p;

	pair_open(&p, a, b);
	exchange(&p, 20);
	if (close_it)
		pair_close(&p);
}

static void child(struct pair *p, const char *a, const char *b, int n)
{
	alarm(WAIT_S); /* a hang is a failure */
	switch (n % 8) {
	case 0:
		_exit(0);
	case 1:
		exit(0); /* with whatever was registered with atexit() */
	case 2:
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	case 3:
	case 4:
		_exit(use_parents(p));
	case 5:
		use_own(a, b, true);
		_exit(0);
	case 6:
		n = use_parents(p);
		use_own(a, b, false);
		_exit(n);
	default:
		if (fork() == 0)
			_exit(use_parents(p));
		_exit(wait(&n) < 0 || n);
	}
}

static void forks(const char *a, const char *b, int n)
{
	struct dp_port_stats stats;
	pthread_t threads[2];
	struct pair p;

	pair_open(&p, a, b);
	if (roce_session_join(p.s[0], &group) || roce_session_join(p.s[0], &group))
		fail("join", 0, "");
	pthread_create(&threads[0], NULL, run, p.there);
	pthread_create(&threads[1], NULL, run, p.back);
	for (int i = 0; i < n; i++) {
		uint64_t until = seconds() + WAIT_S, before;
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			child(&p, a, b, i);
		before = __atomic_load_n(&p.there->received, __ATOMIC_ACQUIRE);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (status) {
			fprintf(stderr, "child %d: status %#x\n", i % 8, (unsigned int)status);
			_exit(1);
		}
		while (__atomic_load_n(&p.there->received, __ATOMIC_ACQUIRE) < before + 2) {
			if (seconds() > until)
				fail("traffic", ETIMEDOUT, "");
			usleep(100);
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	if (p.there->wrong || p.back->wrong)
		fail("stream", 0, "wrong");
	if (roce_session_leave(p.s[0], &group) || roce_session_leave(p.s[0], &group) ||
	    roce_session_leave(p.s[0], &group) != -ENOENT)
		fail("leave", 0, "");
	roce_live_lock(roce_session_live(p.s[0]));
	dp_port_get_stats(roce_session_port(p.s[0]), &stats);
	roce_live_unlock(roce_session_live(p.s[0]));
	printf("%llu %llu %llu\n", (unsigned long long)(p.there->received + p.back->received),
	       (unsigned long long)(drops(p.s[0]) + drops(p.s[1])),
	       (unsigned long long)(stats.tx_frames + stats.rx_frames));
	fflush(stdout);
	while (getchar() != EOF)
		;
	pair_close(&p);
}

/* A program that counts its children must not be told of one that it did not start. */
static int strangers;

static void on_child(int sig)
{
	(void)sig;
	strangers++;
}

static void *wait_for_any(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			strangers++;
		usleep(200);
	}
	return NULL;
}

static void wait_mode(const char *a)
{
	pthread_t thread;
	struct roce_session *s;

	signal(SIGCHLD, on_child);
	close(0); /* the agent's pipe must find another place */
	pthread_create(&thread, NULL, wait_for_any, NULL);
	s = open_on(a);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	printf("%d\n", strangers);
	roce_session_close(s);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";

	if (!strcmp(mode, "hold"))
		hold(argv[2], true);
	else if (!strcmp(mode, "exit"))
		hold(argv[2], false);
	else if (!strcmp(mode, "stream") && argc == 5)
		stream(argv[2], argv[3], strtoull(argv[4], NULL, 10));
	else if (!strcmp(mode, "again") && argc == 4)
		again(argv[2], argv[3]);
	else if (!strcmp(mode, "forks") && argc == 5)
		forks(argv[2], argv[3], atoi(argv[4]));
	else if (!strcmp(mode, "wait"))
		wait_mode(argv[2]);
	else
		return 2;
	return 0;
}
