/* The device object: limits, counters, events, the packet pool, address vectors. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "rdma_verbs/csrc/engine.h"

#define SLAB_PKTS 64
#define RECOVERY_ALL \
	(ROCE_RECOVERY_NAK_REARM | ROCE_RECOVERY_ADAPTIVE_TIMEOUT | ROCE_RECOVERY_RETRY_FOREVER | \
	 ROCE_RECOVERY_SELECTIVE_REPEAT | ROCE_RECOVERY_OOO)
#define ANSWER_PS (50 * DP_MS) /* of a peer on a busy machine, as long as nothing better is known */

struct roce_pkt_slab {
	struct roce_pkt_slab *next;
	struct roce_pkt pkts[SLAB_PKTS];
};

#define DEFAULT(field, value) \
	do { \
		if (!cfg->field) \
			cfg->field = (value); \
	} while (0)

static int check_config(struct roce_dev_cfg *cfg)
{
	DEFAULT(qpn_base, 2);
	DEFAULT(qpn_count, 65536 - 2);
	DEFAULT(max_cq, 65536);
	DEFAULT(max_srq, 65536);
	DEFAULT(max_mr, 65536);
	DEFAULT(max_pd, 65536);
	DEFAULT(max_qp_wr, 16384);
	DEFAULT(max_cqe, 4194303);
	DEFAULT(max_sge, 30);
	DEFAULT(max_inline, 1024);
	DEFAULT(max_rd_atomic, 128);
	DEFAULT(max_dm_size, 262144);
	DEFAULT(tx_window, 256);
	DEFAULT(ack_every, 32);
	DEFAULT(tx_burst, 16);
	DEFAULT(rto_min_us, 100);
	DEFAULT(rx_window, 256);
	DEFAULT(max_mtu, ROCE_MTU_4096);
	if (cfg->qpn_base < 2 || cfg->qpn_count > ROCE_QPN_MASK - 2 ||
	    cfg->qpn_base + (uint64_t)cfg->qpn_count > ROCE_QPN_MULTICAST)
		return -EINVAL;
	if (cfg->max_mr > 1u << 24 || cfg->max_qp_wr > 1u << 20 || cfg->max_sge > 256 || cfg->max_inline > 65536 ||
	    cfg->max_srq > ROCE_QPN_MASK || cfg->max_rd_atomic > 255 || cfg->max_cqe > 1u << 24)
		return -EINVAL;
	/* Half the circle is the most that sequence comparison bears; a READ may take a quarter at once. */
	if (cfg->tx_window > 1u << 21 || cfg->max_mtu > ROCE_MTU_4096 || cfg->ngid < 1 || cfg->ngid > 16)
		return -EINVAL;
	if (cfg->recovery & ~(uint32_t)RECOVERY_ALL || cfg->rto_min_us > 10000000 || cfg->rx_window > 1u << 21 ||
	    cfg->reorder_pkts > 1u << 21)
		return -EINVAL;
	if (cfg->recovery & ROCE_RECOVERY_OOO && !(cfg->recovery & ROCE_RECOVERY_SELECTIVE_REPEAT))
		return -EINVAL;
	return roce_cc_check(&cfg->cc);
}

struct roce_pool *roce_pool_new(void)
{
	struct roce_pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		dp_wheel_init(&pool->wheel, 0);
	return pool;
}

void roce_pool_free(struct roce_pool *pool)
{
	if (!pool)
		return;
	while (pool->slabs) {
		struct roce_pkt_slab *slab = pool->slabs;

		pool->slabs = slab->next;
		for (int i = 0; i < SLAB_PKTS; i++)
			free(slab->pkts[i].bounce);
		free(slab);
	}
	free(pool);
}

struct roce_dev *roce_dev_new(const struct roce_dev_cfg *cfg)
{
	struct roce_pool *pool = roce_pool_new();
	struct roce_dev *dev = pool ? roce_dev_new_in(cfg, pool) : NULL;
	int err = errno;

	if (!dev)
		roce_pool_free(pool);
	else
		dev->own_pool = true;
	errno = err;
	return dev;
}

struct roce_dev *roce_dev_new_in(const struct roce_dev_cfg *cfg, struct roce_pool *pool)
{
	struct roce_dev *dev = calloc(1, sizeof(*dev));
	int err;

	if (!dev)
		return NULL;
	dev->pool = pool;
	dev->more = &pool->more;
	dev->cfg = *cfg;
	err = check_config(&dev->cfg);
	if (err)
		goto fail;
	dev->ctr = &dev->more->ctr;
	dp_rng_seed(&dev->rng, cfg->seed);
	for (int i = 0; i < ROCE_PRIOS; i++)
		dev->ready[i].tail = &dev->ready[i].head;
	dev->parked.tail = &dev->parked.head;
	dev->notify_tail = &dev->notify_head;
	dev->cnp_tail = &dev->cnp_head;
	dev->key_bits = 32;
	for (uint32_t n = dev->cfg.max_mr - 1; n; n >>= 1)
		dev->key_bits--;
	return dev;
fail:
	free(dev);
	errno = -err;
	return NULL;
}

void roce_dev_on_real_clock(struct roce_dev *dev)
{
	dev->real_clock = true;
	dev->answer_ps = ANSWER_PS;
}

void roce_dev_free(struct roce_dev *dev)
{
	if (!dev)
		return;
	for (uint32_t i = 0; i < dev->qps_room; i++)
		while (dev->qps[i]) /* an XRC target once for each handle */
			roce_qp_destroy(dev->qps[i]);
	for (uint32_t i = 0; i < dev->mrs_room; i++)
		if (dev->mrs[i] && dev->mrs[i]->mw_type)
			roce_mw_dealloc(DP_CONTAINER_OF(dev->mrs[i], struct roce_mw, as_mr));
	for (uint32_t i = 0; i < dev->mrs_room; i++)
		if (dev->mrs[i])
			roce_mr_dereg(dev->mrs[i]);
	while (dev->dms)
		roce_dm_free(dev->dms);
	for (uint32_t i = 0; i < dev->srqs_room; i++)
		if (dev->srqs[i])
			roce_srq_destroy(dev->srqs[i]);
	while (dev->xrcds)
		roce_xrcd_dealloc(dev->xrcds);
	while (dev->cqs)
		roce_cq_destroy(dev->cqs);
	while (dev->pds)
		roce_pd_dealloc(dev->pds);
	if (dev->own_pool)
		roce_pool_free(dev->pool);
	if (dev->zeros)
		munmap(dev->zeros, ROCE_MAX_MSG_BYTES);
	free(dev->qps);
	free(dev->srqs);
	free(dev->mrs);
	free(dev->events);
	free(dev);
}

const char *roce_dev_error(const struct roce_dev *dev)
{
	return dev->more->error;
}

const struct roce_dev_cfg *roce_dev_config(const struct roce_dev *dev)
{
	return &dev->cfg;
}

int roce_fail(struct roce_dev *dev, int err, const char *fmt, ...)
{
	va_list ap;

	if (!dev) /* nobody wants to know */
		return err;
	va_start(ap, fmt);
	vsnprintf(dev->more->error, sizeof(dev->more->error), fmt, ap);
	va_end(ap);
	return err;
}

static bool grow_events(struct roce_dev *dev)
{
	uint32_t n = dev->ev_head - dev->ev_tail, room = DP_MAX(dev->ev_room * 2, 16u);
	struct roce_event *events;

	if (n < dev->ev_room)
		return true;
	if (n >= ROCE_MAX_EVENTS)
		return false;
	events = malloc(room * sizeof(*events));
	if (!events)
		return false;
	for (uint32_t i = 0; i < n; i++)
		events[i] = dev->events[(dev->ev_tail + i) % dev->ev_room];
	free(dev->events);
	dev->events = events;
	dev->ev_room = room;
	dev->ev_tail = 0;
	dev->ev_head = n;
	return true;
}

/* A full queue keeps the oldest: the first cause matters most, and what follows is its consequence. */
void roce_event_push(struct roce_dev *dev, enum roce_event_type type, uint32_t num, void *user)
{
	if (grow_events(dev))
		dev->events[dev->ev_head++ % dev->ev_room] = (struct roce_event){type, num, user};
}

/* Takes out the events of an object that goes away. */
void roce_event_forget(struct roce_dev *dev, enum roce_event_source source, uint32_t num)
{
	uint32_t keep = dev->ev_tail;

	for (uint32_t i = dev->ev_tail; i != dev->ev_head; i++) {
		const struct roce_event *ev = &dev->events[i % dev->ev_room];

		if (roce_event_source(ev->type) != source || ev->num != num)
			dev->events[keep++ % dev->ev_room] = *ev;
	}
	dev->ev_head = keep;
}

int roce_dev_next_event(struct roce_dev *dev, struct roce_event *ev)
{
	if (dev->ev_head == dev->ev_tail)
		return 0;
	*ev = dev->events[dev->ev_tail++ % dev->ev_room];
	return 1;
}

bool roce_dev_has_events(const struct roce_dev *dev)
{
	return dev->notify_head || dev->ev_head != dev->ev_tail;
}

static void pool_put(struct roce_pool *pool, struct roce_pkt *pkt)
{
	pkt->next = pool->free_pkts;
	pool->free_pkts = pkt;
}

struct roce_pkt *roce_pkt_get(struct roce_dev *dev)
{
	struct roce_pool *pool = dev->pool;
	struct roce_pkt *pkt = pool->free_pkts;
	uint8_t *bounce;

	if (!pkt) {
		struct roce_pkt_slab *slab = calloc(1, sizeof(*slab));

		if (!slab)
			return NULL;
		slab->next = pool->slabs;
		pool->slabs = slab;
		for (int i = 0; i < SLAB_PKTS; i++)
			pool_put(pool, &slab->pkts[i]);
		pkt = pool->free_pkts;
	}
	pool->free_pkts = pkt->next;
	bounce = pkt->bounce;
	memset(pkt, 0, offsetof(struct roce_pkt, iov));
	pkt->bounce = bounce;
	pkt->next = NULL;
	return pkt;
}

void roce_pkt_put(struct roce_dev *dev, struct roce_pkt *pkt)
{
	pool_put(dev->pool, pkt);
}

uint8_t *roce_pkt_bounce(struct roce_pkt *pkt)
{
	if (!pkt->bounce)
		pkt->bounce = malloc(4096);
	return pkt->bounce;
}

int roce_av_resolve(struct roce_dev *dev, const struct roce_ah_attr *ah, const char *who, uint32_t num,
		    struct roce_av *av)
{
	static const uint8_t zero[16];

	if (ah->sgid_index >= dev->cfg.ngid)
		return roce_fail(dev, -EINVAL, "%s %u: sgid_index %u exceeds the last GID index %u", who, num,
				 ah->sgid_index, dev->cfg.ngid - 1u);
	if (ah->sl >= ROCE_PRIOS)
		return roce_fail(dev, -EINVAL, "%s %u: sl %u exceeds 7", who, num, ah->sl);
	if (ah->port_num != 1)
		return roce_fail(dev, -EINVAL, "%s %u: port_num %u, the device has port 1 only", who, num,
				 ah->port_num);
	if (ah->flow_label >> 20)
		return roce_fail(dev, -EINVAL, "%s %u: flow_label %#x exceeds 20 bits", who, num, ah->flow_label);
	if (memcmp(ah->dgid.b, zero, 16) == 0)
		return roce_fail(dev, -EINVAL, "%s %u: dgid is all zeros", who, num);
	memcpy(av->dgid.b, ah->dgid.b, 16);
	memcpy(av->sgid.b, dev->cfg.gid[ah->sgid_index].b, 16);
	if (dp_ip_is_v4(&av->dgid) != dp_ip_is_v4(&av->sgid))
		return roce_fail(dev, -EINVAL, "%s %u: dgid and the GID at index %u are of different IP families", who,
				 num, ah->sgid_index);
	av->flow_label = ah->flow_label;
	av->tos = ah->traffic_class;
	av->ttl = ah->hop_limit ? ah->hop_limit : 64;
	av->prio = ah->sl;
	return 0;
}
