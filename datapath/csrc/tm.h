/*
 * Traffic manager: the buffer of a switch or a DPU, its queues, PFC and ECN. Sans-IO, and it never touches a packet:
 * an entry says how long it is and where it goes, and carries the owner's handle. One thread owns it.
 *
 *   dp_tm_enqueue --> [ingress PG: reserve, shared (dynamic threshold), headroom] --> egress queue (port, prio)
 *                      '-- over Xoff: dp_tm_next_pfc() says whom to pause             '-- ECN --> dp_tm_dequeue
 *
 * Terms: SONiC's and IEEE 802.1Qbb's. A priority group (PG) is an ingress port's bytes of one priority.
 */
#ifndef DP_TM_H
#define DP_TM_H

#include "datapath/csrc/base.h"

#define DP_TM_PRIOS 8

/* cffi: begin */
/* All zeros: a priority that is not used; its packets are dropped. */
struct dp_tm_class {
	uint8_t lossless;       /* PFC: over Xoff its sender is paused; else over the threshold packets are dropped */
	uint8_t strict;         /* served before every class that is not; among strict ones the higher priority first */
	uint8_t ecn;            /* 0 none, 1 marked at enqueue, 2 at dequeue, by the queue's length then */
	uint32_t weight;        /* DRR, when not strict: bytes a round in units of quantum_bytes */
	uint32_t reserve_bytes; /* of each PG, not shared */
	uint32_t headroom_bytes;   /* of each PG, after Xoff */
	uint32_t xon_offset_bytes; /* Xon: this much below Xoff and no headroom in use, or nothing shared */
	uint32_t ingress_alpha_e6; /* alpha x 10^6 of the dynamic threshold; 0: xoff_bytes is the threshold */
	uint32_t egress_alpha_e6;  /* of a lossy queue's length against the free shared buffer; 0: no limit */
	uint64_t xoff_bytes;       /* static threshold, like the dynamic one on what a PG has of the shared buffer */
	uint64_t ecn_kmin_bytes, ecn_kmax_bytes;
	uint32_t ecn_pmax_e6; /* probability x 10^6 at kmax; above kmax all are marked */
};

struct dp_tm_cfg {
	uint32_t nports;
	uint32_t cell_bytes;          /* occupancy counts whole cells; 1: bytes */
	uint32_t quantum_bytes;       /* DRR */
	uint64_t buffer_bytes;        /* in all: reserves and headroom included */
	uint64_t headroom_pool_bytes; /* shared by all PGs, each up to its headroom_bytes; 0: each PG has its own */
	uint64_t watchdog_ps;         /* PFC watchdog's polling interval; 0: none */
	uint32_t watchdog_polls;      /* stuck in so many polls in a row: storm */
	uint64_t watchdog_restore_ps; /* not paused for this long: over */
	uint8_t watchdog_drop;        /* in a storm: 1 drops the queue, 0 forwards in spite of pauses */
	uint64_t seed;                /* of the marking */
	struct dp_tm_class cls[8];    /* by priority */
};

enum dp_tm_verdict {
	DP_TM_QUEUED = 0,
	DP_TM_DROP_SHARED,   /* a lossy class is over its threshold, or the buffer is full */
	DP_TM_DROP_HEADROOM, /* a lossless PG's headroom is full: loss on a lossless class */
	DP_TM_DROP_EGRESS,   /* a lossy queue is over its limit */
	DP_TM_DROP_WATCHDOG, /* the queue is in a storm */
	DP_TM_VERDICTS,
};
/* cffi: end */

struct dp_tm_pkt {
	uint32_t len;    /* bytes that count in the buffer, at most 65535 */
	uint32_t handle; /* the owner's */
	uint16_t in_port, out_port;
	uint8_t prio;
	uint8_t ect; /* may be marked */
	uint8_t ce;  /* out of dequeue (or enqueue): was marked here */
	uint8_t tenant;
};

struct dp_tm;

/* NULL: errno, with `error` saying which limit was passed: ports, thresholds out of order, reserves that do not fit. */
struct dp_tm *dp_tm_new(const struct dp_tm_cfg *cfg, char *error, size_t error_bytes);
void dp_tm_free(struct dp_tm *tm);

/*
 * An enum dp_tm_verdict. pkt->ce is set when it was marked at enqueue. A packet is admitted while its PG is below the
 * threshold, so a PG passes it by less than a packet; the next one finds it at Xoff. It fills the PG's reserve first, then
 * shared, and if that is not open to it (lossless) headroom; what leaves frees in the opposite order.
 */
int dp_tm_enqueue(struct dp_tm *tm, struct dp_tm_pkt *pkt, uint64_t now_ps);

/*
 * For owners of thousands of them, in steps some packets ahead of the call: its own state; then what a packet will need on
 * its way in, or a port on its way out.
 */
void dp_tm_prefetch_own(const struct dp_tm *tm);
void dp_tm_prefetch(const struct dp_tm *tm, uint32_t in_port, uint32_t out_port, uint32_t prio);
void dp_tm_prefetch_out(const struct dp_tm *tm, uint32_t port);

/* The next packet of the port that may be sent now: 1, or 0 (empty, or all that is there is paused). */
int dp_tm_dequeue(struct dp_tm *tm, uint32_t port, struct dp_tm_pkt *out, uint64_t now_ps);

/*
 * PFC from the neighbour of a port: these priorities (mask) pause until the given time (DP_NEVER: until told); a time at
 * or before now resumes. By 802.1Qbb quanta the owner computes the time. Priorities that are not lossless do not pause.
 */
void dp_tm_pause(struct dp_tm *tm, uint32_t port, uint8_t mask, uint64_t until_ps, uint64_t now_ps);

/* PFC to the neighbour of a port: takes the next port whose state has changed. 1 with the port and all its priorities
 * that are paused now, 0 when there is none. */
int dp_tm_next_pfc(struct dp_tm *tm, uint32_t *port, uint8_t *mask);

uint8_t dp_tm_xoff_mask(const struct dp_tm *tm,
			uint32_t port); /* priorities that the neighbour shall pause, as of now */

/*
 * Timers: expiry of pauses, watchdog. After a tick dp_tm_next_ready() gives each port that may send again, and
 * dp_tm_next_dropped() each packet that the watchdog threw out of a queue: 1, or 0 when there is no more.
 */
uint64_t dp_tm_next_ps(const struct dp_tm *tm);
void dp_tm_tick(struct dp_tm *tm, uint64_t now_ps);
int dp_tm_next_ready(struct dp_tm *tm, uint32_t *port);
int dp_tm_next_dropped(struct dp_tm *tm, struct dp_tm_pkt *out);

/* cffi: begin */
struct dp_tm_stats {
	uint64_t used_bytes, peak_bytes, shared_bytes, headroom_bytes, peak_headroom_bytes;
	uint64_t enqueued, dequeued, enqueued_bytes, dequeued_bytes, marked;
	uint64_t drops[8]; /* by enum dp_tm_verdict */
	uint64_t xoffs, xons, storms;
};
/* cffi: end */
const struct dp_tm_stats *dp_tm_stats(const struct dp_tm *tm);
uint64_t dp_tm_queue_bytes(const struct dp_tm *tm, uint32_t port, uint32_t prio);   /* egress */
uint64_t dp_tm_ingress_bytes(const struct dp_tm *tm, uint32_t port, uint32_t prio); /* PG */
uint64_t dp_tm_threshold_bytes(const struct dp_tm *tm, uint32_t prio);              /* Xoff of a PG as of now */
/* Does this egress queue hold bytes of that PG? The edge of a cyclic buffer dependency. */
int dp_tm_waits(const struct dp_tm *tm, uint32_t in_port, uint32_t out_port, uint32_t prio);
/* Every sum that should agree does: pools against queues against PGs. For debug builds and tests. 0 or -EIO. */
int dp_tm_check(const struct dp_tm *tm);

#endif
