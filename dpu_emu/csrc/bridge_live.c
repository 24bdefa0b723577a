#include "dpu_emu/csrc/bridge_live.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "datapath/csrc/pcap.h"
#include "datapath/csrc/port_dgram.h"

#define BATCH 32
/* The receiver's queue was full, and a datagram socket does not say when that ends: as long as a port_dgram waits. */
#define RETRY_PS (20 * DP_US)
#define TURN_NS  1000 /* timer slack: a microsecond late is late enough */

struct wire {
	int fd, interface;
	struct sockaddr_un local, remote;
	uint64_t retry_ps; /* DP_NEVER: not blocked */
};

struct emu_bridge_live {
	struct emu_bridge *bridge;
	struct wire *wires;
	struct pollfd *fds; /* of the wires, then wake_fd */
	uint32_t nports, frame_bytes, dilation;
	uint8_t *rx_buf; /* BATCH frames, each a byte longer than allowed: a longer one shows */
	struct dp_pcap *pcap;
	pthread_mutex_t lock; /* of all that stands here, but for `stop` */
	pthread_t thread;
	struct timespec epoch;
	int wake_fd;
	bool stop;
	struct emu_bridge_live_stats stats;
};

static uint64_t now_of(const struct emu_bridge_live *l)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)((t.tv_sec - l->epoch.tv_sec) * 1000000000LL + t.tv_nsec - l->epoch.tv_nsec) * DP_NS /
	       l->dilation;
}

static void capture(struct emu_bridge_live *l, uint32_t port, bool in, const void *frame, size_t len, uint64_t now_ps)
{
	if (l->pcap)
		dp_pcap_ethernet(l->pcap, l->wires[port].interface, in ? DP_PCAP_INBOUND : DP_PCAP_OUTBOUND, frame,
				 (uint32_t)len, now_ps / DP_NS);
}

/* A bounded amount; true: there may be more. */
static bool receive(struct emu_bridge_live *l, uint32_t port)
{
	uint32_t size = l->frame_bytes + 1;
	struct mmsghdr m[BATCH] = {0};
	struct iovec iov[BATCH];
	uint64_t now_ps;
	int n, i;

	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){l->rx_buf + (size_t)i * size, size};
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(l->wires[port].fd, m, BATCH, MSG_DONTWAIT, NULL);
	now_ps = now_of(l);
	for (i = 0; i < n; i++) {
		if (m[i].msg_len > l->frame_bytes) {
			l->stats.rx_truncated++;
			continue;
		}
		capture(l, port, true, iov[i].iov_base, m[i].msg_len, now_ps);
		emu_bridge_rx(l->bridge, port, iov[i].iov_base, m[i].msg_len, now_ps);
	}
	return n == BATCH;
}

/* All that is due. */
static void transmit(struct emu_bridge_live *l, uint32_t port)
{
	struct wire *w = &l->wires[port];
	uint64_t now_ps = now_of(l);
	const uint8_t *frame;
	size_t len;

	if (w->retry_ps != DP_NEVER && w->retry_ps > now_ps)
		return;
	w->retry_ps = DP_NEVER;
	while ((frame = emu_bridge_tx(l->bridge, port, &len, now_ps))) {
		if (sendto(w->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&w->remote,
			   sizeof(w->remote)) < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
				l->stats.tx_busy++;
				w->retry_ps = dp_add_ps(now_ps, RETRY_PS);
				return;
			}
			l->stats.tx_lost++; /* as on a cable that is not plugged in */
		}
		capture(l, port, false, frame, len, now_ps);
		emu_bridge_sent(l->bridge, port, now_ps);
		now_ps = now_of(l);
	}
}

static uint64_t next_of(const struct emu_bridge_live *l)
{
	uint64_t next_ps = emu_bridge_next_ps(l->bridge);

	for (uint32_t i = 0; i < l->nports; i++)
		next_ps = DP_MIN(next_ps, l->wires[i].retry_ps != DP_NEVER ? l->wires[i].retry_ps
									   : emu_bridge_tx_ps(l->bridge, i));
	return next_ps;
}

static void *loop(void *arg)
{
	struct emu_bridge_live *l = arg;
	struct timespec timeout;
	uint64_t now_ps, next_ps;

	prctl(PR_SET_TIMERSLACK, TURN_NS);
	while (!__atomic_load_n(&l->stop, __ATOMIC_RELAXED)) {
		bool more = false;

		pthread_mutex_lock(&l->lock);
		for (uint32_t i = 0; i < l->nports; i++)
			more |= receive(l, i);
		emu_bridge_tick(l->bridge, now_of(l));
		for (uint32_t i = 0; i < l->nports; i++)
			transmit(l, i);
		l->stats.turns++;
		next_ps = next_of(l);
		now_ps = now_of(l);
		pthread_mutex_unlock(&l->lock);
		if (more || next_ps <= now_ps)
			continue;
		next_ps = DP_MIN(next_ps - now_ps, 3600 * DP_SEC / l->dilation) * l->dilation;
		timeout = (struct timespec){(time_t)(next_ps / DP_SEC), (long)(next_ps % DP_SEC / DP_NS)};
		ppoll(l->fds, l->nports + 1, &timeout, NULL);
	}
	return NULL;
}

static void destroy(struct emu_bridge_live *l)
{
	for (uint32_t i = 0; l->wires && i < l->nports; i++)
		if (l->wires[i].fd >= 0) {
			close(l->wires[i].fd);
			unlink(l->wires[i].local.sun_path);
		}
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	dp_pcap_free(l->pcap);
	emu_bridge_free(l->bridge);
	pthread_mutex_destroy(&l->lock);
	free(l->rx_buf);
	free(l->fds);
	free(l->wires);
	free(l);
}

/* 0 or -errno, with words. */
static int open_wires(struct emu_bridge_live *l, const struct emu_bridge_live_cfg *cfg, char *error, size_t error_bytes)
{
	char name[32];

	for (uint32_t i = 0; i < l->nports; i++) {
		struct wire *w = &l->wires[i];

		if (dp_dgram_address(&w->local, cfg->local_paths[i]) ||
		    dp_dgram_address(&w->remote, cfg->remote_paths[i])) {
			snprintf(error, error_bytes,
				 "switch port %u: a path of '%s', '%s' does not have 1 to %zu bytes", i,
				 cfg->local_paths[i], cfg->remote_paths[i], sizeof(w->local.sun_path) - 1);
			return -EINVAL;
		}
		w->fd = dp_dgram_open(&w->local);
		if (w->fd < 0) {
			snprintf(error, error_bytes, "switch port %u: %s: %s", i, cfg->local_paths[i],
				 strerror(-w->fd));
			return w->fd;
		}
		l->fds[i] = (struct pollfd){.fd = w->fd, .events = POLLIN};
		snprintf(name, sizeof(name), "port %u", i);
		if (l->pcap)
			w->interface = dp_pcap_interface(l->pcap, name, cfg->snaplen);
	}
	return 0;
}

/* The parts; 0 or -errno. What is there is freed by destroy(). */
static int build(struct emu_bridge_live *l, const struct emu_bridge_live_cfg *cfg, char *error, size_t error_bytes)
{
	if (!cfg->dilation) {
		snprintf(error, error_bytes, "switch: dilation 0 is not 1 or more");
		return -EINVAL;
	}
	l->bridge = emu_bridge_new(&cfg->bridge, error, error_bytes);
	if (!l->bridge)
		return -errno;
	l->nports = cfg->bridge.tm.nports;
	l->frame_bytes = cfg->bridge.frame_bytes;
	l->dilation = cfg->dilation;
	l->wires = calloc(l->nports, sizeof(*l->wires));
	l->fds = calloc(l->nports + 1, sizeof(*l->fds));
	l->rx_buf = malloc((size_t)BATCH * (l->frame_bytes + 1));
	if (!l->wires || !l->fds || !l->rx_buf)
		return -ENOMEM;
	for (uint32_t i = 0; i < l->nports; i++)
		l->wires[i] = (struct wire){.fd = -1, .retry_ps = DP_NEVER};
	if (cfg->pcap_path && *cfg->pcap_path && !(l->pcap = dp_pcap_new(cfg->pcap_path))) {
		int err = errno;

		snprintf(error, error_bytes, "switch: capture %s: %s", cfg->pcap_path, strerror(err));
		return -err;
	}
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0)
		return -errno;
	l->fds[l->nports] = (struct pollfd){.fd = l->wake_fd, .events = POLLIN};
	return open_wires(l, cfg, error, error_bytes);
}

struct emu_bridge_live *emu_bridge_live_start(const struct emu_bridge_live_cfg *cfg, char *error, size_t error_bytes)
{
	struct emu_bridge_live *l = calloc(1, sizeof(*l));
	sigset_t all, old;
	int err;

	if (!l)
		return NULL;
	l->wake_fd = -1;
	pthread_mutex_init(&l->lock, NULL);
	err = build(l, cfg, error, error_bytes);
	if (!err) {
		clock_gettime(CLOCK_MONOTONIC, &l->epoch);
		sigfillset(&all); /* a program's signals are for its own threads */
		pthread_sigmask(SIG_SETMASK, &all, &old);
		err = -pthread_create(&l->thread, NULL, loop, l);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (!err)
		return l;
	destroy(l);
	errno = -err;
	return NULL;
}

void emu_bridge_live_stop(struct emu_bridge_live *l)
{
	uint64_t one = 1;
	ssize_t n;

	if (!l)
		return;
	__atomic_store_n(&l->stop, true, __ATOMIC_RELAXED);
	do
		n = write(l->wake_fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	pthread_join(l->thread, NULL);
	destroy(l);
}

int emu_bridge_live_set_address(struct emu_bridge_live *l, const uint8_t *mac, uint32_t port)
{
	int ret;

	pthread_mutex_lock(&l->lock);
	ret = emu_bridge_set_address(l->bridge, mac, port);
	pthread_mutex_unlock(&l->lock);
	return ret;
}

void emu_bridge_live_get_stats(struct emu_bridge_live *l, struct emu_bridge_live_stats *own,
			       struct emu_bridge_stats *bridge, struct dp_tm_stats *tm)
{
	pthread_mutex_lock(&l->lock);
	*own = l->stats;
	own->now_ps = now_of(l);
	if (l->pcap) {
		dp_pcap_flush(l->pcap);
		own->captured = dp_pcap_frames(l->pcap);
		own->capture_lost = dp_pcap_lost(l->pcap);
		own->capture_error = dp_pcap_error(l->pcap);
	}
	emu_bridge_get_stats(l->bridge, bridge);
	*tm = *emu_bridge_tm_stats(l->bridge);
	pthread_mutex_unlock(&l->lock);
}
