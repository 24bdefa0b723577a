#include "rdma_verbs/csrc/live.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/fork.h"
#include "rdma_verbs/csrc/persist.h"
#include "rdma_verbs/csrc/pump.h"

/* Whoever polls makes progress himself; for this long after, the helper does not compete for the lock. */
#define POLLER_GRACE_PS (100 * DP_US)
/* A port that cannot say when it will take or has more is tried again this soon. */
#define BLOCKED_RETRY_PS (200 * DP_US)
#define TURN_NS          100000
/* With processes of this machine connected: what they did to us directly is counted at least so often. */
#define LOCAL_LOOK_PS (500 * DP_MS)
/* Locks of the rings' program's sides, shared by address: a power of two, few enough for a verb to take them all. */
#define SIDES 16
/* Whoever leaves the engine answers the bells of others so many times, then it is the helper's turn. */
#define BELL_ROUNDS 4
/* fork() waits so long for whoever is inside; the program may have it called by him. */
#define FORK_WAIT_S 1
/* A device that is closed waits so long for its port to take what has been sent. */
#define LINGER_PS DP_SEC

struct roce_live {
	struct roce_dev *dev;
	struct dp_port *port;
	struct roce_pump pump;
	pthread_mutex_t lock; /* of the engine, the pump and the port; before any of the sides */
	struct {
		pthread_mutex_t lock;
	} __attribute__((aligned(64))) sides[SIDES];
	pthread_t thread;
	struct timespec epoch;
	uint32_t dilation;
	int wake_fd, event_fd;
	bool stop, sleeping, signalled;
	uint64_t stopped_ps;
	void (*on_events)(void *arg); /* NULL: event_fd rings */
	void *on_events_arg;
	struct roce_fork fork;
	bool quiet;  /* every lock is held, for fork() */
	bool forked; /* in a child: it is the parent's */
	uint64_t sleep_until_ps;
	uint64_t last_poll_ps; /* written without the lock */
};

uint64_t roce_live_now_ps(const struct roce_live *live)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)((t.tv_sec - live->epoch.tv_sec) * 1000000000LL + t.tv_nsec - live->epoch.tv_nsec) * DP_NS /
	       live->dilation;
}

static void ring(int fd)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR); /* EAGAIN: it is at its maximum, so readable already */
}

static void drain(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

/* With the lock held: tells the owner of new notifications, once until he has taken them all. */
static void signal_owner(struct roce_live *live)
{
	bool due = roce_dev_has_events(live->dev);

	if (due && live->on_events) {
		live->on_events(live->on_events_arg);
		return;
	}
	if (due && !live->signalled)
		ring(live->event_fd);
	live->signalled = due;
}

/* With the lock held: the helper sleeps too long for what is now to be done. */
static void wake_helper(struct roce_live *live)
{
	if (live->sleeping && roce_pump_next_ps(&live->pump) < live->sleep_until_ps) {
		live->sleeping = false;
		ring(live->wake_fd);
	}
}

/* Enters the engine unless somebody is inside; it knows then of all that was posted. */
static bool enter(struct roce_live *live)
{
	if (pthread_mutex_trylock(&live->lock))
		return false;
	roce_dev_answer_bells(live->dev);
	return true;
}

/*
 * Leaves the engine. A bell that rang while we were inside is ours to answer: who rang it found the lock taken and went
 * away. He rings, then tries the lock; we unlock, then look at the bells: one of both sees what the other did.
 */
static void leave(struct roce_live *live)
{
	for (int round = 0;; round++) {
		signal_owner(live);
		wake_helper(live);
		pthread_mutex_unlock(&live->lock);
		if (!roce_dev_bells(live->dev))
			return;
		if (round == BELL_ROUNDS) {
			ring(live->wake_fd);
			return;
		}
		if (!enter(live))
			return;
		roce_pump_tx(&live->pump, roce_live_now_ps(live));
	}
}

/* Takes the lock of the program's side of a ring. Its holder never waits for another lock. */
static pthread_mutex_t *side_lock(struct roce_live *live, const void *ring_of)
{
	pthread_mutex_t *side = &live->sides[((uintptr_t)ring_of * 0x9e3779b97f4a7c15ULL) >> 32 & (SIDES - 1)].lock;

	pthread_mutex_lock(side);
	return side;
}

/* A QP has two queues: any address that is not the send queue's. */
static const void *recv_queue(const struct roce_qp *qp)
{
	return (const char *)qp + 1;
}

/* A verb may change anything: nobody is inside the engine, and nobody at a ring. What was posted is known to it. */
int roce_live_lock(struct roce_live *live)
{
	if (dp_unlikely(live->forked))
		return -EOWNERDEAD;
	pthread_mutex_lock(&live->lock);
	for (int i = 0; i < SIDES; i++)
		pthread_mutex_lock(&live->sides[i].lock);
	roce_dev_set_now(live->dev, roce_live_now_ps(live));
	roce_dev_answer_bells(live->dev);
	return 0;
}

void roce_live_unlock(struct roce_live *live)
{
	if (dp_unlikely(live->forked))
		return;
	for (int i = 0; i < SIDES; i++)
		pthread_mutex_unlock(&live->sides[i].lock);
	leave(live);
}

static struct roce_live *forking(struct roce_fork *f)
{
	return DP_CONTAINER_OF(f, struct roce_live, fork);
}

/* As a verb, but whoever is inside may be waiting for the thread that forks: then the child has a torn copy, unused. */
static void before_fork(struct roce_fork *f)
{
	struct roce_live *live = forking(f);
	struct timespec until;
	int held = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += FORK_WAIT_S;
	live->quiet = false;
	if (pthread_mutex_timedlock(&live->lock, &until))
		return;
	while (held < SIDES && !pthread_mutex_timedlock(&live->sides[held].lock, &until))
		held++;
	live->quiet = held == SIDES;
	if (live->quiet)
		return;
	while (held)
		pthread_mutex_unlock(&live->sides[--held].lock);
	leave(live);
}

static void after_fork(struct roce_fork *f)
{
	struct roce_live *live = forking(f);

	if (live->quiet)
		roce_live_unlock(live);
}

static void in_child(struct roce_fork *f)
{
	forking(f)->forked = true;
}

static void wait_for_work(struct roce_live *live, uint64_t now_ps, uint64_t next_ps, bool blocked)
{
	uint64_t until = next_ps - now_ps;
	uint64_t polled = __atomic_load_n(&live->last_poll_ps, __ATOMIC_RELAXED);
	bool poller = polled && now_ps < polled + POLLER_GRACE_PS;
	struct timespec timeout;
	int fd = dp_port_fd(live->port);
	/* A port that knows when to try again may be "writable" all the time: a rate limit, a datagram socket. */
	bool ask = blocked && next_ps == DP_NEVER;
	struct roce_local *local = live->pump.local;
	struct pollfd fds[3] = {
		{.fd = live->wake_fd, .events = POLLIN},
		{.fd = poller ? -1 : fd, .events = (short)(ask ? POLLIN | POLLOUT : POLLIN)},
		{.fd = local ? roce_local_wake_fd(local) : -1, .events = POLLIN},
	};

	if (poller)
		until = DP_MIN(until, POLLER_GRACE_PS);
	/* A port without a descriptor (a memory pair) cannot say that something came. */
	if (fd < 0 || (blocked && fds[1].fd >= 0))
		until = DP_MIN(until, BLOCKED_RETRY_PS);
	if (local && roce_local_links(local))
		until = DP_MIN(until, LOCAL_LOOK_PS);
	if (local && !poller && !roce_local_sleep(local))
		return;
	until = until > DP_NEVER / live->dilation ? DP_NEVER : until * live->dilation;
	timeout.tv_sec = (time_t)DP_MIN(until / DP_SEC, 3600ULL);
	timeout.tv_nsec = (long)(until % DP_SEC / DP_NS);
	if (ppoll(fds, 3, &timeout, NULL) > 0 && (fds[0].revents & POLLIN))
		drain(live->wake_fd);
	if (local && !poller)
		roce_local_awake(local);
}

/*
 * A short turn for this thread: it runs rarely and briefly, and a scheduler that knows turns (Linux 6.12 and later)
 * then lets it run soon after it is woken, though programs fill the machine. Its share of the CPU stays the same.
 */
static void ask_for_short_turns(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} attr = {.size = sizeof(attr), .runtime_ns = TURN_NS};

	attr.nice = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
	syscall(SYS_sched_setattr, 0, &attr, 0); /* older kernels ignore or refuse it: then it stays as it was */
}

/* What the engine counts as sent goes out before the device does: an unreliable request has completed with it. */
static bool lingers(const struct roce_live *live)
{
	return roce_pump_blocked(&live->pump) && roce_live_now_ps(live) - live->stopped_ps < LINGER_PS / live->dilation;
}

static void *helper(void *arg)
{
	struct roce_live *live = arg;

	ask_for_short_turns();
	pthread_mutex_lock(&live->lock);
	while (!live->stop || lingers(live)) {
		uint64_t now = roce_live_now_ps(live), next;
		bool blocked;

		roce_dev_answer_bells(live->dev);
		roce_pump_run(&live->pump, now);
		signal_owner(live);
		next = roce_pump_next_ps(&live->pump);
		blocked = roce_pump_blocked(&live->pump);
		now = roce_live_now_ps(live);
		if (live->stop)
			next = DP_MIN(next, now + BLOCKED_RETRY_PS);
		live->sleeping = next > now;
		live->sleep_until_ps = next;
		pthread_mutex_unlock(&live->lock);
		if (next > now && !roce_dev_bells(live->dev))
			wait_for_work(live, now, next, blocked);
		pthread_mutex_lock(&live->lock);
		live->sleeping = false;
	}
	pthread_mutex_unlock(&live->lock);
	return NULL;
}

static const struct roce_persistence persistence = {roce_persist_check, roce_persist_sync};

static void destroy_locks(struct roce_live *live)
{
	pthread_mutex_destroy(&live->lock);
	for (int i = 0; i < SIDES; i++)
		pthread_mutex_destroy(&live->sides[i].lock);
}

struct roce_live *roce_live_start(struct roce_dev *dev, struct dp_port *port, uint32_t dilation)
{
	struct roce_live *live = dilation ? aligned_alloc(64, sizeof(*live)) : (errno = EINVAL, NULL);
	sigset_t all, old;
	int err;

	if (!live)
		return NULL;
	memset(live, 0, sizeof(*live));
	live->dev = dev;
	live->dilation = dilation;
	roce_dev_set_persistence(dev, &persistence);
	live->port = port;
	roce_dev_on_real_clock(dev);
	live->wake_fd = live->event_fd = -1;
	clock_gettime(CLOCK_MONOTONIC, &live->epoch);
	err = -dp_guard_acquire();
	if (err) {
		free(live);
		errno = err;
		return NULL;
	}
	err = -roce_pump_init(&live->pump, dev, port);
	if (err)
		goto fail;
	live->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	live->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (live->wake_fd < 0 || live->event_fd < 0) {
		err = errno;
		goto fail;
	}
	pthread_mutex_init(&live->lock, NULL);
	for (int i = 0; i < SIDES; i++)
		pthread_mutex_init(&live->sides[i].lock, NULL);
	sigfillset(&all); /* a program's signals are for its own threads */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&live->thread, NULL, helper, live);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err) {
		live->fork = (struct roce_fork){.prepare = before_fork, .parent = after_fork, .child = in_child};
		roce_fork_add(&live->fork);
		return live;
	}
	destroy_locks(live);
fail:
	if (live->wake_fd >= 0)
		close(live->wake_fd);
	if (live->event_fd >= 0)
		close(live->event_fd);
	roce_pump_fini(&live->pump);
	dp_guard_release();
	free(live);
	errno = err;
	return NULL;
}

void roce_live_set_local(struct roce_live *live, struct roce_local *local)
{
	live->pump.local = local;
	ring(live->wake_fd); /* the helper sleeps without it */
}

void roce_live_stop(struct roce_live *live)
{
	if (!live || live->forked)
		return;
	roce_fork_remove(&live->fork);
	pthread_mutex_lock(&live->lock);
	live->stop = true;
	live->stopped_ps = roce_live_now_ps(live);
	pthread_mutex_unlock(&live->lock);
	ring(live->wake_fd);
	pthread_join(live->thread, NULL);
	destroy_locks(live);
	close(live->wake_fd);
	close(live->event_fd);
	roce_pump_fini(&live->pump);
	dp_guard_release();
	free(live);
}

/*
 * What cannot be posted beside the engine is posted inside, as a verb: that finds the words for what is wrong, and takes
 * what only the engine can. Returns how many, or why not even the first.
 */
static int send_inside(struct roce_live *live, struct roce_qp *qp, const struct roce_send_wr *wr, int n)
{
	int i = 0, err = roce_live_lock(live);

	if (err)
		return err;
	for (; i < n && !err; i += !err)
		err = roce_post_send(qp, &wr[i]);
	if (i)
		roce_pump_tx(&live->pump, roce_live_now_ps(live));
	roce_live_unlock(live);
	return i || !err ? i : err;
}

static int recv_inside(struct roce_live *live, struct roce_qp *qp, const struct roce_recv_wr *wr, int n)
{
	int i = 0, err = roce_live_lock(live);

	if (err)
		return err;
	for (; i < n && !err; i += !err)
		err = roce_post_recv(qp, &wr[i]);
	roce_live_unlock(live);
	return i || !err ? i : err;
}

static int srq_recv_inside(struct roce_live *live, struct roce_srq *srq, const struct roce_recv_wr *wr, int n)
{
	int i = 0, err = roce_live_lock(live);

	if (err)
		return err;
	for (; i < n && !err; i += !err)
		err = roce_post_srq_recv(srq, &wr[i]);
	roce_live_unlock(live);
	return i || !err ? i : err;
}

/* Posted beside, and then inside or refused there: an error counts only for the first. */
static int in_all(int beside, int inside)
{
	return inside > 0 || !beside ? beside + inside : beside;
}

/* What needs no packet is done at once, if nobody is inside. Returns how many of the first it was. */
static int post_direct(struct roce_live *live, struct roce_qp *qp, const struct roce_send_wr *wr, int n)
{
	pthread_mutex_t *side;
	int i = 0, told = 0, err = 0;

	if (!enter(live))
		return 0;
	side = side_lock(live, qp);
	for (; i < n && err >= 0; i += err >= 0) {
		err = roce_post_direct(qp, &wr[i], roce_live_now_ps(live));
		told |= err > 0;
	}
	pthread_mutex_unlock(side);
	if (told || roce_dev_has_events(live->dev) || roce_dev_bells(live->dev)) {
		leave(live);
	} else {
		pthread_mutex_unlock(&live->lock);
		if (roce_dev_bells(live->dev) && enter(live)) /* as in leave() */
			leave(live);
	}
	return i;
}

int roce_live_post_send(struct roce_live *live, struct roce_qp *qp, const struct roce_send_wr *wr, int n)
{
	pthread_mutex_t *side;
	int i = 0, done = 0;

	if (dp_unlikely(live->forked))
		return -EOWNERDEAD;
	if (live->pump.local && (wr->opcode == ROCE_WR_RDMA_WRITE || wr->opcode == ROCE_WR_RDMA_READ)) {
		done = post_direct(live, qp, wr, n);
		wr += done;
		n -= done;
		if (!n)
			return done;
	}
	side = side_lock(live, qp);
	while (i < n && !roce_post_send_beside(qp, &wr[i]))
		i++;
	if (i)
		roce_qp_ring(qp);
	pthread_mutex_unlock(side);
	if (i < n)
		return in_all(done + i, send_inside(live, qp, wr + i, n - i));
	if (i && enter(live)) {
		roce_pump_tx(&live->pump, roce_live_now_ps(live));
		leave(live);
	}
	return done + i;
}

int roce_live_post_recv(struct roce_live *live, struct roce_qp *qp, const struct roce_recv_wr *wr, int n)
{
	pthread_mutex_t *side;
	bool flush;
	int i = 0;

	if (dp_unlikely(live->forked))
		return -EOWNERDEAD;
	side = side_lock(live, recv_queue(qp));
	while (i < n && !roce_post_recv_beside(qp, &wr[i]))
		i++;
	flush = i && roce_recv_flush_due(qp);
	pthread_mutex_unlock(side);
	if (flush) {
		roce_live_lock(live);
		roce_qp_flush_recvs(qp);
		roce_live_unlock(live);
	}
	return i < n ? in_all(i, recv_inside(live, qp, wr + i, n - i)) : i;
}

int roce_live_post_srq_recv(struct roce_live *live, struct roce_srq *srq, const struct roce_recv_wr *wr, int n)
{
	pthread_mutex_t *side;
	int i = 0;

	if (dp_unlikely(live->forked))
		return -EOWNERDEAD;
	side = side_lock(live, srq);
	while (i < n && !roce_post_srq_recv_beside(srq, &wr[i]))
		i++;
	pthread_mutex_unlock(side);
	return i < n ? in_all(i, srq_recv_inside(live, srq, wr + i, n - i)) : i;
}

/* Completions that are there, or -EIO of a queue that lost some. */
static int take(struct roce_live *live, struct roce_cq *cq, struct roce_wc *wc, int n)
{
	pthread_mutex_t *side = side_lock(live, cq);
	bool lost = roce_cq_lost(cq); /* before: what is lost came after all that is there */
	int got = roce_cq_take(cq, wc, n);

	pthread_mutex_unlock(side);
	if (got || !lost)
		return got;
	roce_live_lock(live);
	got = roce_cq_poll(cq, wc, n);
	roce_live_unlock(live);
	return got;
}

int roce_live_poll(struct roce_live *live, struct roce_cq *cq, struct roce_wc *wc, int n)
{
	int got;

	if (dp_unlikely(live->forked))
		return -EOWNERDEAD;
	if (!roce_cq_armed(cq)) /* else he looks once more before he sleeps */
		__atomic_store_n(&live->last_poll_ps, roce_live_now_ps(live), __ATOMIC_RELAXED);
	got = take(live, cq, wc, n);
	if (got)
		return got;
	/*
	 * Somebody inside may be making this very completion. To wait for him, not to come back at once, leaves him the
	 * CPU when there are more threads than CPUs.
	 */
	if (!enter(live)) {
		pthread_mutex_lock(&live->lock);
		roce_dev_answer_bells(live->dev);
	}
	if (!roce_cq_pending(cq))
		roce_pump_run(&live->pump, roce_live_now_ps(live));
	leave(live);
	return take(live, cq, wc, n);
}

int roce_live_req_notify(struct roce_live *live, struct roce_cq *cq, int how)
{
	int err;

	if (dp_unlikely(live->forked))
		return -EOWNERDEAD;
	pthread_mutex_lock(&live->lock);
	err = roce_cq_req_notify(cq, how);
	/* The helper may have left the port to a poller. */
	if (__atomic_exchange_n(&live->last_poll_ps, 0, __ATOMIC_RELAXED) && live->sleeping) {
		live->sleeping = false;
		ring(live->wake_fd);
	}
	leave(live);
	return err;
}

void roce_live_port_changed(struct roce_live *live)
{
	if (!live->forked)
		ring(live->wake_fd);
}

bool roce_live_forked(const struct roce_live *live)
{
	return live->forked;
}

void roce_live_on_events(struct roce_live *live, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&live->lock);
	live->on_events = fn;
	live->on_events_arg = arg;
	pthread_mutex_unlock(&live->lock);
}

int roce_live_event_fd(const struct roce_live *live)
{
	return live->event_fd;
}
