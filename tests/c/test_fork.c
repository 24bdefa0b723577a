/*
 * fork() of a process with live devices, over memory pairs:
 *
 *   two threads of the parent: streams A -> B and B -> A      children, one after the other: end, execute, use what is
 *   both helper threads                                       the parent's, open devices of their own
 *
 * The parent's streams go on as if nothing had happened, and no child hangs. What fork.h keeps is closed in a child.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/fork.h"
#include "rdma_verbs/csrc/live.h"
#include "tests/c/check.h"
#include "tests/c/stream.h"

#define FORKS   100
#define WAIT_PS (60 * DP_SEC)

/* A ThreadSanitizer's child cannot start threads. */
#if defined(__SANITIZE_THREAD__)
#define CHILD_THREADS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILD_THREADS 0
#endif
#endif
#ifndef CHILD_THREADS
#define CHILD_THREADS 1
#endif

struct devices {
	struct dp_port *port[2];
	struct roce_dev *dev[2];
	struct roce_live *live[2];
	struct roce_gid gid[2];
	struct stream *there, *back;
};

static int devices_open(struct devices *d)
{
	int bad = dp_port_mem_pair(256, 0, &d->port[0], &d->port[1]);

	for (unsigned int i = 0; i < 2 && !bad; i++) {
		struct roce_dev_cfg cfg = {.seed = i + 1, .ngid = 1};

		d->gid[i] = cfg.gid[0] = test_gid(i + 1);
		d->dev[i] = roce_dev_new(&cfg);
		d->live[i] = roce_live_start(d->dev[i], d->port[i], 1);
		bad = !d->live[i];
	}
	if (bad)
		return bad;
	d->there = calloc(1, sizeof(*d->there));
	d->back = calloc(1, sizeof(*d->back));
	return stream_open(d->there, d->dev[0], d->live[0], &d->gid[0], d->dev[1], d->live[1], &d->gid[1]) +
	       stream_open(d->back, d->dev[1], d->live[1], &d->gid[1], d->dev[0], d->live[0], &d->gid[0]);
}

static void devices_close(struct devices *d)
{
	for (int i = 0; i < 2; i++)
		roce_live_stop(d->live[i]);
	for (int i = 0; i < 2; i++) {
		roce_dev_free(d->dev[i]);
		dp_port_free(d->port[i]);
	}
	free(d->there);
	free(d->back);
}

static bool stop;

static void *run(void *arg)
{
	struct stream *s = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		stream_step(s, UINT64_MAX);
	return NULL;
}

/* Everything that a child may try on what is its parent's. Returns how much of it was not refused. */
static int use(struct devices *d)
{
	struct stream_end *e = &d->there->from;
	struct roce_send_wr wr = {.opcode = ROCE_WR_SEND};
	struct roce_recv_wr recv = {.wr_id = 0};
	struct roce_wc wc;
	int bad = 0;

	bad += !roce_live_forked(e->live);
	bad += roce_live_lock(e->live) != -EOWNERDEAD;
	roce_live_unlock(e->live);
	bad += roce_live_post_send(e->live, e->qp, &wr, 1) != -EOWNERDEAD;
	bad += roce_live_post_recv(e->live, e->qp, &recv, 1) != -EOWNERDEAD;
	bad += roce_live_poll(e->live, e->cq, &wc, 1) != -EOWNERDEAD;
	roce_live_port_changed(e->live);
	roce_live_stop(e->live);
	roce_live_stop(d->live[1]);
	return bad;
}

static int use_own(void)
{
	struct devices d;
	int bad = devices_open(&d);

	while (!bad && d.there->received < 50)
		bad = roce_live_now_ps(d.live[0]) > WAIT_PS || (stream_step(d.there, 50), d.there->wrong);
	/* Completions of what was acknowledged last may still be under way. */
	if (!bad)
		devices_close(&d);
	return bad;
}

static int child(struct devices *d, int n)
{
	switch (n % 5) {
	case 0:
		return 0;
	case 1:
		execl("/bin/true", "true", (char *)NULL);
		return 99;
	case 2:
		return use(d);
	case 3:
		return CHILD_THREADS ? use_own() : 0;
	default: /* and once more from a child's child */
		if (fork() == 0)
			_exit(use(d) + (CHILD_THREADS ? use_own() : 0));
		return wait(&n) < 0 || n;
	}
}

static void test_children_do_not_disturb_their_parent(void)
{
	struct devices d;
	pthread_t threads[2];
	uint64_t before, until;

	if (!CHECK(!devices_open(&d)))
		return;
	pthread_create(&threads[0], NULL, run, d.there);
	pthread_create(&threads[1], NULL, run, d.back);
	for (int i = 0; i < FORKS; i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			alarm(30); /* a hang is a failure */
			_exit(child(&d, i));
		}
		before = __atomic_load_n(&d.there->received, __ATOMIC_ACQUIRE);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		until = roce_live_now_ps(d.live[0]) + WAIT_PS;
		while (__atomic_load_n(&d.there->received, __ATOMIC_ACQUIRE) < before + 2 &&
		       roce_live_now_ps(d.live[0]) < until)
			usleep(100);
		CHECK(roce_live_now_ps(d.live[0]) < until);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(d.there->wrong, 0);
	CHECK_EQ(d.back->wrong, 0);
	CHECK(d.back->received > FORKS);
	devices_close(&d);
}

/* One thread's, which is inside while another forks, and does not come out before that. */
static void *sit_inside(void *arg)
{
	struct devices *d = arg;

	roce_live_lock(d->live[0]);
	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		usleep(100);
	roce_live_unlock(d->live[0]);
	return NULL;
}

static void test_fork_does_not_wait_for_ever_for_who_is_inside(void)
{
	struct devices d;
	pthread_t thread;
	int status = -1;
	pid_t pid;

	if (!CHECK(!devices_open(&d)))
		return;
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_create(&thread, NULL, sit_inside, &d);
	while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		usleep(100);
	pid = fork();
	if (pid == 0) {
		alarm(30);
		_exit(use(&d));
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	while (d.there->received < 20 && roce_live_now_ps(d.live[0]) < WAIT_PS)
		stream_step(d.there, 20);
	CHECK_EQ(d.there->received, 20);
	CHECK_EQ(d.there->wrong, 0);
	devices_close(&d);
}

static void test_descriptors_and_mappings_stay_with_the_parent(void)
{
	int fd, gone, memfd, status = -1;
	uint64_t *words;
	pid_t pid;

	memfd = memfd_create("test", MFD_CLOEXEC);
	CHECK_EQ(ftruncate(memfd, 4096), 0);
	roce_fork_lock();
	fd = roce_fork_keep(open("/dev/null", O_RDONLY | O_CLOEXEC));
	gone = roce_fork_keep(open("/dev/null", O_RDONLY | O_CLOEXEC));
	CHECK_EQ(roce_fork_keep(open("/nowhere", O_RDONLY)), -ENOENT);
	roce_fork_unlock();
	roce_fork_close(gone);
	CHECK(fcntl(gone, F_GETFD) < 0);
	words = roce_fork_map(memfd, 4096);
	words[0] = 5;
	CHECK_EQ(dup2(memfd, gone), gone); /* the number means something else by now */
	pid = fork();
	if (pid == 0) {
		int bad = fcntl(fd, F_GETFD) >= 0;

		bad += fcntl(gone, F_GETFD) < 0;
		bad += words[0] != 0;
		words[0] = 7;
		fd = dup(memfd); /* a child's own: of the same number, and not kept */
		roce_fork_close(fd);
		roce_fork_unmap(words, 4096);
		bad += fcntl(fd, F_GETFD) < 0;
		_exit(bad);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(words[0], 5);
	CHECK(fcntl(fd, F_GETFD) >= 0);
	roce_fork_unmap(words, 4096);
	roce_fork_close(fd);
	CHECK(fcntl(fd, F_GETFD) < 0);
	close(gone);
	close(memfd);
}

int main(void)
{
	RUN(test_children_do_not_disturb_their_parent);
	RUN(test_fork_does_not_wait_for_ever_for_who_is_inside);
	RUN(test_descriptors_and_mappings_stay_with_the_parent);
	return check_done();
}
