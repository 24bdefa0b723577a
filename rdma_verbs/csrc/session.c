#include "rdma_verbs/csrc/session.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "datapath/csrc/port_fault.h"
#include "datapath/csrc/port_pcap.h"
#include "datapath/csrc/port_udp.h"
#include "rdma_verbs/csrc/groups.h"
#include "rdma_verbs/csrc/local.h"
#include "rdma_verbs/csrc/node_int.h"

/* IPv6, UDP, BTH, the longest extension headers (AtomicETH) and ICRC around the payload. */
#define HEADERS_BYTES (40 + 8 + 12 + 28 + 4)

struct reached {
	struct roce_gid gid;
	struct roce_node_peer peer;
};

struct roce_session {
	struct roce_node *node;
	struct dp_port *udp, *port; /* innermost, outermost */
	struct roce_dev *dev;
	struct roce_live *live;
	struct roce_local *local; /* NULL: packets to everybody */
	uint32_t mtu;
	struct roce_groups groups; /* with the live lock held */
	pthread_mutex_t lock;      /* of what follows; before the live lock */
	struct reached *reached;
	uint32_t nreached, reached_cap;
};

static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	while (!seed)
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			seed = 0;
	return seed;
}

/* bind() would take these. */
static bool is_one_host(const uint8_t gid[16])
{
	static const uint8_t zero[16], v4[12] = {[10] = 0xff, [11] = 0xff};
	uint32_t ip = dp_get_be32(gid + 12);

	if (!memcmp(gid, v4, 12))
		return ip && ip != 0xffffffff && ip >> 28 != 0xe;
	return memcmp(gid, zero, 16) && gid[0] != 0xff;
}

/* The port that the device gets: the socket's, faults around it, a capture around both. 0 or -errno with words. */
static int make_port(struct roce_session *s, const struct roce_session_cfg *cfg, char *error, size_t error_bytes)
{
	uint64_t bytes;
	void *shm = roce_node_shm(s->node, &bytes);
	const char *address = roce_node_address(s->node);
	struct dp_port *around;
	struct timespec now;
	int err = 0;

	s->udp = s->port = dp_port_udp_new(roce_node_fd(s->node));
	if (!s->udp)
		err = -errno;
	if (!err)
		err = dp_port_udp_set_self(s->udp, shm, bytes, roce_node_slot(s->node));
	if (!err)
		err = roce_groups_init(&s->groups, s->udp, roce_node_fd(s->node),
				       (const struct dp_ip *)roce_node_gid(s->node));
	if (err) {
		roce_node_say(error, error_bytes, "device %s: UDP port: %s", address, strerror(-err));
		return err;
	}
	if (cfg->loss_ppm) {
		struct dp_fault_cfg fault = {
			.seed = cfg->fault_seed ? cfg->fault_seed : random_seed(),
			.dir = DP_FAULT_TX, /* whatever both ends do, a packet is lost once */
			.loss_ppb = DP_MIN(cfg->loss_ppm, 1000000u) * 1000,
		};

		around = dp_port_fault_new(s->port, &fault);
		if (!around) {
			err = -errno;
			roce_node_say(error, error_bytes, "device %s: faults: %s", address, strerror(-err));
			return err;
		}
		s->port = around;
	}
	if (cfg->pcap) {
		/* The driver's time begins when it starts, in a moment. */
		clock_gettime(CLOCK_REALTIME, &now);
		around = dp_port_pcap_new(s->port, cfg->pcap,
					  (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec, 0, address);
		if (!around) {
			err = -errno;
			roce_node_say(error, error_bytes, "device %s: capture %s: %s", address, cfg->pcap,
				      strerror(-err));
			return err;
		}
		s->port = around;
	}
	return 0;
}

static int make_device(struct roce_session *s, const struct roce_session_cfg *cfg, char *error, size_t error_bytes)
{
	struct roce_dev_cfg dev = cfg->dev;
	uint32_t limit = dev.max_mtu ? dev.max_mtu : ROCE_MTU_4096;
	struct dp_node_slot *slot = dp_node_slot(roce_node_shm(s->node, NULL), roce_node_slot(s->node));
	int err;

	_Static_assert(sizeof(struct roce_counters) <= sizeof(slot->counters), "they fit the page");
	_Static_assert(sizeof(struct roce_qp_counters) == sizeof(slot->qps[0]), "a row");
	if (!dev.seed)
		dev.seed = random_seed(); /* keys that nobody can guess */
	dev.ngid = 1;
	memcpy(dev.gid[0].b, roce_node_gid(s->node), 16);
	dev.qpn_base = roce_node_slot(s->node) << 16 | 1;
	dev.qpn_count = dev.qpn_count ? DP_MIN(dev.qpn_count, 0xffffu) : 0xffff;
	dev.sport = (uint16_t)dp_port_sport(s->port);
	s->dev = roce_dev_new(&dev);
	if (!s->dev) {
		err = -errno;
		roce_node_say(error, error_bytes, "device %s: %s", roce_node_address(s->node), strerror(-err));
		return err;
	}
	for (s->mtu = ROCE_MTU_256; s->mtu < limit; s->mtu++)
		if ((256u << s->mtu) + HEADERS_BYTES > dp_port_mtu(s->port))
			break;
	roce_dev_set_counters(s->dev, (struct roce_counters *)slot->counters, (struct roce_qp_counters *)slot->qps,
			      DP_NODE_QPS);
	s->live = roce_live_start(s->dev, s->port, 1);
	if (!s->live) {
		err = -errno;
		roce_node_say(error, error_bytes, "device %s: its driver: %s", roce_node_address(s->node),
			      strerror(-err));
		return err;
	}
	return 0;
}

/* A way to processes of this machine past the port, where this process can have one and nothing wants packets. */
static int make_local(struct roce_session *s, const struct roce_session_cfg *cfg, char *error, size_t error_bytes)
{
	uint64_t bytes;
	void *shm = roce_node_shm(s->node, &bytes);
	uint32_t how = cfg->check ? ROCE_LOCAL_CHECK : 0;
	int err;

	if (cfg->transport != ROCE_TRANSPORT_LOCAL || cfg->loss_ppm || cfg->pcap || cfg->dev.cc.algorithm)
		how |= ROCE_LOCAL_PACKETS;
	if (how == ROCE_LOCAL_PACKETS)
		return 0;
	err = roce_live_lock(s->live);
	if (err)
		return err;
	s->local = roce_local_new(s->dev, shm, bytes, roce_node_slot(s->node), how);
	err = s->local || (errno == EOPNOTSUPP && !cfg->check) ? 0 : -errno;
	if (s->local)
		roce_live_set_local(s->live, s->local);
	roce_live_unlock(s->live);
	if (err)
		roce_node_say(error, error_bytes, "device %s: local transport: %s", roce_node_address(s->node),
			      strerror(-err));
	return err;
}

static void session_free(struct roce_session *s)
{
	roce_live_stop(s->live);
	roce_dev_free(s->dev);
	roce_local_free(s->local);
	dp_port_free(s->port);
	roce_groups_fini(&s->groups);
	roce_node_close(s->node);
	free(s->reached);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct roce_session *roce_session_open(const struct roce_session_cfg *cfg, char *error, size_t error_bytes)
{
	struct roce_node_addr addr;
	struct roce_session *s;
	int err = 0;

	if (!roce_node_addr_parse(&addr, cfg->node.address) && !is_one_host(addr.gid)) {
		roce_node_say(error, error_bytes, "device %s: not an address of one host", addr.text);
		errno = EINVAL;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		roce_node_say(error, error_bytes, "device: no memory");
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->node = roce_node_attach(&cfg->node, error, error_bytes);
	if (!s->node)
		err = -errno;
	if (!err)
		err = make_port(s, cfg, error, error_bytes);
	if (!err)
		err = make_device(s, cfg, error, error_bytes);
	if (!err)
		err = make_local(s, cfg, error, error_bytes);
	if (!err)
		return s;
	session_free(s);
	errno = -err;
	return NULL;
}

void roce_session_close(struct roce_session *s)
{
	if (!s || roce_live_forked(s->live))
		return;
	session_free(s);
}

struct roce_dev *roce_session_dev(struct roce_session *s)
{
	return s->dev;
}

struct roce_live *roce_session_live(struct roce_session *s)
{
	return s->live;
}

struct roce_node *roce_session_node(struct roce_session *s)
{
	return s->node;
}

struct dp_port *roce_session_port(struct roce_session *s)
{
	return s->port;
}

uint32_t roce_session_mtu(const struct roce_session *s)
{
	return s->mtu;
}

static struct reached *known(struct roce_session *s, const struct roce_gid *gid)
{
	for (uint32_t i = 0; i < s->nreached; i++)
		if (!memcmp(s->reached[i].gid.b, gid->b, 16))
			return &s->reached[i];
	return NULL;
}

static bool remember(struct roce_session *s, const struct roce_gid *gid, const struct roce_node_peer *peer)
{
	struct reached *r = known(s, gid), *more;

	if (!r && s->nreached == s->reached_cap) {
		more = realloc(s->reached, (s->reached_cap + 16) * sizeof(*more));
		if (!more)
			return false;
		s->reached = more;
		s->reached_cap += 16;
	}
	if (!r)
		r = &s->reached[s->nreached++];
	r->gid = *gid;
	r->peer = *peer;
	return true;
}

static int reach(struct roce_session *s, const struct roce_gid *gid)
{
	struct reached *r = known(s, gid);
	struct roce_node_peer peer;
	int err;

	if (r && roce_node_peer_alive(&r->peer))
		return 0;
	err = roce_node_peer(s->node, gid->b, &peer, NULL, 0);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!remember(s, gid, &peer))
		return -ENOMEM;
	err = roce_live_lock(s->live);
	if (err)
		return err;
	err = dp_port_udp_set_peer(s->udp, gid->b, peer.shm, peer.bytes, peer.sender);
	if (!err && s->local)
		err = roce_local_add_node(s->local, gid->b, peer.shm, peer.bytes);
	roce_live_unlock(s->live);
	return err;
}

int roce_session_reach(struct roce_session *s, const struct roce_gid *gid)
{
	int err;

	if (roce_live_forked(s->live))
		return -EOWNERDEAD;
	pthread_mutex_lock(&s->lock);
	err = reach(s, gid);
	pthread_mutex_unlock(&s->lock);
	return err;
}

int roce_session_join(struct roce_session *s, const struct roce_gid *group)
{
	bool changed = false;
	int err = roce_live_lock(s->live);

	if (err)
		return err;
	err = roce_groups_join(&s->groups, (const struct dp_ip *)group, &changed);
	roce_live_unlock(s->live);
	if (changed)
		roce_live_port_changed(s->live);
	return err;
}

int roce_session_leave(struct roce_session *s, const struct roce_gid *group)
{
	int err = roce_live_lock(s->live);

	if (err)
		return err;
	err = roce_groups_leave(&s->groups, (const struct dp_ip *)group);
	roce_live_unlock(s->live);
	return err;
}
