/*
 * Inside the engine: the objects, and what its parts call of each other. Not for drivers (device.h, verbs.h).
 *
 *   wq.c, srq.c  post_send, post_recv: rings of work queue entries, a QP's own and shared ones
 *   requester.c  send queue -> request packets; retransmission
 *   completer.c  responses -> completions of the send queue
 *   responder.c  request packets -> memory, receive completions, and what is owed to the peer
 *   responder_rd.c  the requests that have a response of their own: READ, atomics, ATOMIC WRITE, FLUSH
 *   placement.c  ATOMIC WRITE and FLUSH (A19), all but the order in which they are executed
 *   response.c   READ responses, atomic responses, ACKs and NAKs on their way out
 *   selective.c  requester's selective repeat;  reorder.c  the responder's
 *   congestion.c rate and window of a QP (cc.h), CNPs
 *   xrc.c        XRC domains, and what an XRC target is for each request
 *   mcast.c      groups of UD queue pairs
 *   link.c       up, down, paused; what passes by priority
 *   check.c      sums of messages at both ends, compared
 *   direct.c     what queue pairs of the same machine do without packets
 *   sched.c      ready ring and timing wheels: whose turn it is (the calls of device.h)
 *   qp.c, qp_state.c, cq.c, mr.c, mw.c, dm.c, device.c   the objects
 *
 * Theory of operation of the reliable requester. PSNs run over a circle of 2^24. Send queue indices are
 * free-running 32-bit counters:
 *
 *      tail            cur              fresh             head
 *   ----|---------------|-----------------|-----------------|----
 *       oldest not      being sent        first without      next to be
 *       complete        (again)           PSNs               posted
 *
 *   una <= snd <= max_sent <= next_psn
 *
 * `una` is the oldest PSN that has no answer: an ACK moves it over Sends and Writes, only a response moves it
 * over READs and atomics. Entries complete when una passes their end. A retry sets snd back to una and cur
 * back to tail. A READ takes one PSN for each response it asks for and is sent as a single packet.
 *
 * Two sides. One thread at a time is inside the engine. Its rings have a program's side besides (device.h), which
 * another thread may be at meanwhile, one for each ring: it writes entries and `posted` of a work queue and reads
 * `tail`; it reads entries and `head` of a CQ and writes `tail`. These are read with acquire and written with release.
 * Of all else that changes outside of verbs, both sides look only at a QP's state and at a CQ's overflow. What an entry
 * held may be overwritten once tail is past it, so no packet points into one.
 */
#ifndef ROCE_ENGINE_H
#define ROCE_ENGINE_H

#include "datapath/csrc/rng.h"
#include "datapath/csrc/wheel.h"
#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/direct.h"
#include "rdma_verbs/csrc/opcode.h"

#define ROCE_MAX_MSG_BYTES (1u << 30) /* keeps all PSNs of a message within a quarter of the circle at MTU 256 */
#define ROCE_TURN_BYTES    (4u << 20) /* copied directly before others have their turn */
#define ROCE_PKEY_DEFAULT  0xffff
#define ROCE_GRH_BYTES     40
#define ROCE_ACCESS_OPTIONAL_RANGE 0x3ff00000u /* IBV_ACCESS_OPTIONAL_RANGE: hints that a device may ignore */
#define ROCE_MAX_EVENTS            4096
#define ROCE_MCAST_BUCKETS         64 /* a power of two */
#define ROCE_MAX_MCAST_GRP         8192
#define ROCE_MAX_MCAST_QP_ATTACH   16384 /* of one group */

/* Address vector, resolved: what every packet of a flow carries below the BTH. */
struct roce_av {
	struct dp_ip dgid, sgid;
	uint32_t flow_label;
	uint8_t tos, ttl, prio;
};

struct roce_pd {
	struct roce_dev *dev;
	uint32_t id; /* not a later one's */
	uint32_t users;
	struct roce_pd *next, **pprev;
};

struct roce_mr {
	struct roce_pd *pd;
	uint8_t *addr; /* NULL: phantom */
	uint64_t iova, length;
	uint32_t access, key, index;
	uint32_t windows;       /* bound to it */
	uint8_t mw_type;        /* not 0: this is a window */
	struct roce_mr *parent; /* of a window; NULL: not bound */
	struct roce_qp *qp;     /* of a window of type 2 while it is bound: only through this one */
	struct roce_dm *dm;     /* not NULL: the region is of this device memory */
	bool null;              /* ibv_alloc_null_mr(): writes vanish, reads give zeros */
};

struct roce_dm {
	struct roce_dev *dev;
	uint8_t *mem;
	uint64_t length;
	uint32_t users; /* regions */
	struct roce_dm *next, **pprev;
};

struct roce_mw {
	struct roce_mr as_mr; /* first: the key table holds it */
	uint32_t posted_key;
};

struct roce_cq {
	struct roce_dev *dev;
	void *user;
	uint32_t num, size, users;
	uint32_t mask;       /* slots - 1, a power of two of them, at least size */
	uint32_t left;       /* by the program: head when its last poll left some there, else tail */
	uint32_t head, tail; /* free-running: head next to fill, by the engine; tail next to poll, by the program */
	uint8_t armed;       /* 0 no, 1 any completion, 2 solicited or error */
	bool notified, overflow;
	struct roce_cq_attr moderate;
	uint32_t unreported; /* completions that the armed notification waits with */
	uint64_t first_ps;   /* the first of them */
	/* Ends, in the count of head and tail: of what a notification was for, and of the last solicited completion. */
	uint32_t reported, solicited;
	struct dp_timer period;
	struct roce_cq *notify_next;
	struct roce_cq *next, **pprev;
	struct roce_wc *ring;
};

enum roce_wqe_flag {
	ROCE_WQE_ERROR = 1 << 0,  /* found bad when its turn came: completes with `status` at the tail */
	ROCE_WQE_LOCAL = 1 << 1,  /* executed here, has no PSN: completes as soon as it is at the tail */
	ROCE_WQE_SUMMED = 1 << 2, /* `check` has the sum of its payload */
};

/*
 * A send work queue entry; the slot goes on with its SGEs or its inline data. imm: what ImmDt or IETH carry; of
 * BIND_MW the region's L_Key; of FLUSH the FETH. FLUSH has its length in compare_add. BIND_MW has address, length and access in remote_addr, compare_add and swap, and in
 * remote_qkey all of the window's key but the consumer's byte.
 */
struct roce_swqe {
	uint64_t wr_id, remote_addr, compare_add, swap;
	uint32_t length, rkey, imm;
	uint32_t first_psn, npsn;
	uint32_t remote_qpn, remote_qkey; /* XRC: remote_qpn is the SRQ's number */
	uint16_t num_sge;
	uint8_t opcode, send_flags, flags, status;
	struct roce_av av; /* UD */
	uint32_t check;    /* check.c */
	struct roce_sge sge[];
};

struct roce_rwqe {
	uint64_t wr_id;
	uint32_t length;
	uint32_t num_sge;
	struct roce_sge sge[];
};

struct roce_ring {
	uint8_t *buf;
	uint32_t stride, size; /* bytes an entry, entries */
	uint32_t mask;         /* slots - 1: the next power of two, so that counters may run free over 2^32 */
	uint32_t posted;       /* free-running, like these: the program has filled the slots up to here */
	uint32_t head, tail;   /* the engine knows of those up to head, and has done with those up to tail */
};

struct roce_srq {
	struct roce_dev *dev;
	struct roce_pd *pd;
	void *user;
	struct roce_xrcd *xrcd; /* of an XRC one; its receives complete to cq */
	struct roce_cq *cq;
	uint32_t num, users, max_sge;
	uint32_t limit; /* 0: not armed */
	struct roce_ring rq;
};

struct roce_xrcd {
	struct roce_dev *dev;
	uint32_t users;
	struct roce_xrcd *next, **pprev;
};

/* A READ or another request with a response of its own, kept for duplicates, and its job while responses are due. */
struct roce_rd_res {
	union {
		uint64_t va;    /* READ: start */
		uint64_t value; /* atomic: original data */
	};
	uint32_t len, rkey;
	uint32_t first_psn, npsn;
	uint32_t msn;
	uint32_t srqn;                         /* XRC */
	uint32_t job_first, job_next, job_end; /* PSNs to answer now: from job_next, up to before job_end */
	uint32_t job_len;
	uint64_t job_va;
	uint8_t operation; /* enum roce_operation of the request */
	bool valid, atomic, active, replay;
};

struct roce_requester {
	uint32_t cur, fresh;
	uint32_t una, snd, max_sent, next_psn;
	uint32_t since_ackreq;
	uint16_t rd_outstanding; /* requests with a response of their own between tail and fresh */
	uint32_t inflight;       /* payload bytes from una to snd */
	uint64_t rnr_until_ps;
	uint64_t ack_asked_ps; /* when a packet last asked for an ACK */
	uint64_t rtt_sent_ps;  /* with rtt_timed: when the packet at rtt_psn was sent, of which the ACK is timed */
	uint32_t rtt_psn;
	bool rtt_timed;
	uint8_t retry_left, rnr_left;
	uint8_t backoff;             /* timeouts since una moved; each doubles the adaptive timeout */
	uint64_t rtt_ps;             /* the sample that the last ACK gave; 0: none */
	uint64_t srtt_ps, rttvar_ps; /* RFC 6298; 0: no sample yet */
	struct roce_sr *sr;          /* selective repeat; NULL: go-back-N */
	uint64_t patience_ps;        /* since when the QP's timeout runs that takes a retry */
	bool rnr_wait;
	bool implied_nak_done; /* already went back for this una */
	uint32_t resent;       /* packets */
	uint32_t direct;       /* bytes of the entry at cur that are copied already, see direct.c */
	uint64_t armed_ps;     /* since when the ACK timer runs, see wait_longer() */
	bool stopped;          /* an entry found bad: nothing after it is sent */
	bool drain_event_due;
};

enum roce_owed { ROCE_OWED_NOTHING, ROCE_OWED_ACK, ROCE_OWED_NAK };

struct roce_responder {
	uint32_t epsn, msn;
	uint16_t in_message; /* ROCE_OPF_SEND or ROCE_OPF_WRITE between First and Last; 0: between messages */
	bool gap_reported;   /* a NAK for epsn is out: no second one */
	uint32_t skipped;    /* with gap_reported: the PSN that came last after epsn */
	bool draining;       /* in error, but earlier responses and a NAK are still owed */
	bool comm_est;
	uint8_t owed, owed_syndrome;
	uint32_t owed_psn; /* NAK */
	uint32_t offset;   /* bytes of the message so far */
	uint64_t wr_va;    /* RDMA WRITE */
	uint32_t wr_rkey, wr_len;
	struct roce_hold *hold; /* selective repeat: what came after a gap; NULL: nothing ever did */
	uint32_t sack_psn;      /* of what was held last */
	uint32_t ce_bytes, ce_told;
	struct roce_rd_res *res; /* max_dest_rd_atomic of them, in PSN order from res_head */
	uint32_t res_size, res_head, jobs;
};

/* Times of the packets that a rate limits; see congestion.c. */
struct roce_pacer {
	uint64_t next_ps;  /* none before this */
	uint64_t burst_ps; /* lateness that is made good */
	uint64_t debt_e12; /* 10^-12 bits */
	bool was_response;
	uint16_t limit_typical;
	uint32_t limit_burst; /* bytes; the limit itself is attr.rate_limit */
};
#define ROCE_MAX_BURST_BYTES (1u << 21) /* its bits in 10^-12 fit 64 bits */

struct roce_qp {
	struct roce_dev *dev;
	struct roce_qp *ready_next;
	bool ready, parked;                                /* on a ring; on that of the held ones */
	bool ext;                                          /* the peer has our extension, and so have we */
	bool reliable;                                     /* RC, XRC */
	uint8_t type, service, state, prio, sig_all, lane; /* service: enum roce_service; state: for both sides */
	bool open;                                         /* others may copy directly by it */
	uint32_t qpn, mtu;                                 /* mtu in bytes */
	struct roce_link *link;                            /* not NULL: the way to its peer, without the port */
	struct roce_link *peer;                            /* the same, also where packets are wanted: for check.c */
	struct roce_requester req;
	struct roce_responder resp;
	struct roce_ring sq, rq;
	struct roce_av av;
	struct dp_timer rto, send_timer, cc_timer; /* send_timer: end of an RNR wait, or the pacer's next time */
	struct roce_cc cc;
	struct roce_pacer pace;
	struct {
		struct roce_qp *next; /* in the device's queue */
		uint64_t next_ps;     /* none before this */
		bool due;
	} cnp;
	uint64_t timeout_ps;
	struct roce_pd *pd;
	struct roce_cq *send_cq, *recv_cq;
	uint32_t windows;     /* of type 2, bound to it */
	uint32_t groups;      /* attached to so many */
	struct roce_srq *srq; /* not NULL: rq holds at most the one entry taken from it */
	struct {
		struct roce_qp *next;
		bool rung;
	} bell; /* in the device's list: sq.posted has moved */
	struct roce_xrcd
		*xrcd;    /* XRC target: pd, recv_cq and srq are those that the request at hand names, see xrc.c */
	uint32_t handles; /* XRC target: of roce_qp_create() and roce_qp_open() */
	void *user;
	struct roce_qp_counters *ctr; /* NULL: nothing counted yet */
	uint16_t sport;
	struct roce_qp_cap cap;
	struct roce_qp_attr attr;
};

/* Timers, by dp_timer.kind: what the deadline is of. */
enum roce_timer { ROCE_TIMER_RTO, ROCE_TIMER_SEND, ROCE_TIMER_CC, ROCE_TIMER_CQ };
/* What is large and seldom needed: a device's own, or one for all devices of a pool. */
struct roce_dev_more {
	struct roce_counters ctr;
	struct roce_qp_counters qp_ctr;               /* of QPs for which there was no memory; of all QPs in a pool */
	uint64_t freed_ps[ROCE_LANES];                /* end of the last hold */
	struct roce_mcast *mcast[ROCE_MCAST_BUCKETS]; /* not in a pool */
	char error[256];
};
struct roce_pool {
	struct dp_wheel wheel;
	struct roce_dev_more more;
	struct roce_pkt *free_pkts;
	struct roce_pkt_slab *slabs;
};

struct roce_dev {
	struct roce_dev_cfg cfg;
	uint64_t now_ps;
	struct roce_counters *ctr;
	struct roce_qp_counters *qp_rows; /* shared */
	uint32_t qp_rows_room, qp_rows_used;
	struct roce_qp_ring {
		struct roce_qp *head, **tail;
	} ready[ROCE_PRIOS], parked; /* parked: had their turn while their lane was held */
	uint64_t held;               /* lanes */
	uint8_t ready_mask, paused, next_prio;
	bool link_down;
	struct roce_qp *bells; /* pushed by the programs' side, the last one first; taken as a whole by the engine */
	uint64_t resumed_ps[ROCE_PRIOS];      /* end of the last pause */
	uint64_t paused_ps[ROCE_PRIOS];       /* since when its pause is not yet in the counter */
	struct roce_qp *cnp_head, **cnp_tail; /* owe a CNP */
	struct roce_pool *pool;               /* its own, or one that devices share */
	bool own_pool;
	struct roce_qp **qps; /* by QPN - qpn_base */
	uint32_t qps_room, nqps, qpn_next;
	struct roce_mr **mrs; /* by key index */
	uint32_t mrs_room, nmrs, mr_next;
	uint32_t key_bits; /* random low bits of a key */
	struct roce_pd *pds;
	struct roce_cq *cqs, *notify_head, **notify_tail;
	uint32_t npds, ncqs, cq_next;
	struct roce_srq **srqs; /* by number - 1 */
	uint32_t srqs_room, nsrqs, srq_next;
	struct roce_xrcd *xrcds;
	struct roce_dm *dms;
	uint64_t dm_bytes; /* allocated */
	uint32_t nmcast;
	struct dp_rng rng;
	struct roce_persistence persistence;
	const struct roce_local_ops *local; /* NULL: every packet goes to the port */
	void *local_ctx;
	bool checking;
	uint64_t turn_bytes; /* copied directly since roce_dev_tx() was called */
	uint8_t *zeros;      /* ROCE_MAX_MSG_BYTES of them, if ever needed */
	uint32_t pd_next;
	bool real_clock;
	uint64_t answer_ps; /* on a real clock: how late answers have come lately, see roce_requester_arm() */
	struct roce_event *events;
	uint32_t ev_room, ev_head, ev_tail; /* room grows to ROCE_MAX_EVENTS */
	struct roce_dev_more *more;
};

/* device.c */
int roce_fail(struct roce_dev *dev, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void roce_event_push(struct roce_dev *dev, enum roce_event_type type, uint32_t num, void *user);
enum roce_event_source { ROCE_EVENT_OF_CQ, ROCE_EVENT_OF_QP, ROCE_EVENT_OF_SRQ, ROCE_EVENT_OF_PORT };
static inline enum roce_event_source roce_event_source(uint32_t type)
{
	switch (type) {
	case ROCE_EVENT_CQ_ERR:
		return ROCE_EVENT_OF_CQ;
	case ROCE_EVENT_PORT_ACTIVE:
	case ROCE_EVENT_PORT_ERR:
		return ROCE_EVENT_OF_PORT;
	case ROCE_EVENT_SRQ_LIMIT_REACHED:
		return ROCE_EVENT_OF_SRQ;
	default:
		return ROCE_EVENT_OF_QP;
	}
}
void roce_event_forget(struct roce_dev *dev, enum roce_event_source source, uint32_t num);
struct roce_pkt *roce_pkt_get(struct roce_dev *dev); /* headers zeroed; NULL: no memory */
uint8_t *roce_pkt_bounce(struct roce_pkt *pkt);
int roce_av_resolve(struct roce_dev *dev, const struct roce_ah_attr *ah, const char *who, uint32_t num,
		    struct roce_av *av);
static inline int roce_drop(struct roce_dev *dev, enum roce_drop why)
{
	dev->ctr->drops[why]++;
	return why;
}

/* counters.c */
void roce_qp_counters_take(struct roce_qp *qp);
struct roce_qp_counters *roce_qp_counters_begin(struct roce_qp *qp);
void roce_qp_counters_give(struct roce_qp *qp);
static inline struct roce_qp_counters *roce_qp_ctr(struct roce_qp *qp)
{
	return qp->ctr ? qp->ctr : roce_qp_counters_begin(qp);
}
/* One event, at the queue pair and at its device; both have a counter of this name. */
#define roce_count(qp, counter) ((void)(++(qp)->dev->ctr->counter, ++roce_qp_ctr(qp)->counter))
/* A completion that tells an error. */
static inline void roce_count_send_error(struct roce_qp *qp, uint32_t status)
{
	roce_count(qp, req_cqe_error);
	if (status == ROCE_WC_WR_FLUSH_ERR)
		roce_count(qp, req_cqe_flush_error);
}
static inline void roce_count_recv_error(struct roce_qp *qp, uint32_t status)
{
	roce_count(qp, resp_cqe_error);
	if (status == ROCE_WC_WR_FLUSH_ERR)
		roce_count(qp, resp_cqe_flush_error);
}
/* Bytes of a packet on the wire, from the IP header on. */
static inline uint32_t roce_pkt_ip_bytes(const struct roce_pkt *pkt)
{
	uint32_t below = dp_ip_is_v4(&pkt->dgid) ? 28 : 48; /* IP and UDP */

	return below + roce_opcode_info(pkt->opcode)->hdr_len + ((pkt->len + 3) & ~3u) + ROCE_ICRC_BYTES;
}

/* mr.c: NULL unless the L_Key is valid in this PD, grants all of `access` and covers [va, va + len). */
struct roce_mr *roce_mr_check(struct roce_pd *pd, uint32_t key, uint64_t va, uint64_t len, uint32_t access);
/* The same for an R_Key that came through a QP: it may be a window's, too. */
struct roce_mr *roce_rkey_check(const struct roce_qp *qp, uint32_t key, uint64_t va, uint64_t len, uint32_t access);
struct roce_mr *roce_key_find(const struct roce_dev *dev, uint32_t key); /* by its index only */
int roce_key_take(struct roce_mr *mr, const char *what); /* an index and random bits; counts as user of the PD */
void roce_key_give(struct roce_mr *mr);
struct roce_mr *roce_mr_make(const struct roce_mr *init); /* a copy of it with a key; NULL and errno */

/* dm.c */
void roce_dm_unuse(struct roce_dm *dm); /* a region of it goes away */

/* mw.c */
int roce_mw_check_bind(struct roce_qp *qp, const struct roce_send_wr *wr, uint32_t type);
bool roce_mw_execute(struct roce_qp *qp, const struct roce_swqe *wqe); /* BIND_MW, LOCAL_INV; false: not allowed */
struct roce_mr *roce_mw_invalidatable(struct roce_qp *qp, uint32_t rkey);
void roce_mw_invalidate(struct roce_mr *window);
void roce_mw_forget_qp(struct roce_qp *qp);

static inline uint8_t *roce_mr_at(const struct roce_mr *mr, uint64_t va)
{
	return mr->addr ? mr->addr + (va - mr->iova) : NULL;
}
/*
 * Copies with the final 8 bytes last: programs poll the end of a buffer. dst NULL (phantom): nothing. False: memory of
 * the region is gone (datapath/csrc/guard.h).
 */
bool roce_place(uint8_t *dst, const uint8_t *src, size_t len);
/* Scatters a packet's payload over SGEs at `offset`. 0, or -EACCES: an lkey does not allow it, or memory is gone. */
int roce_sge_scatter(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset,
		     const struct roce_pkt *pkt);
int roce_sge_scatter_bytes(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset,
			   const uint8_t *src, uint32_t len);
/* Points pkt's payload at `len` bytes of the SGEs at `offset`. */
int roce_sge_gather(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint64_t offset, uint32_t len,
		    struct roce_pkt *pkt);
/* All SGEs valid for `access`? */
bool roce_sge_ok(struct roce_pd *pd, const struct roce_sge *sge, uint32_t n, uint32_t access);

/* cq.c */
void roce_cq_push(struct roce_cq *cq, const struct roce_wc *wc, bool solicited);
void roce_cq_time(struct roce_cq *cq);

/* wq.c */
static inline struct roce_swqe *roce_sq_at(const struct roce_qp *qp, uint32_t i)
{
	return (struct roce_swqe *)(qp->sq.buf + (size_t)(i & qp->sq.mask) * qp->sq.stride);
}
static inline struct roce_rwqe *roce_rwqe_at(const struct roce_ring *ring, uint32_t i)
{
	return (struct roce_rwqe *)(ring->buf + (size_t)(i & ring->mask) * ring->stride);
}
static inline struct roce_rwqe *roce_rq_at(const struct roce_qp *qp, uint32_t i)
{
	return roce_rwqe_at(&qp->rq, i);
}
int roce_rq_init(struct roce_ring *ring, uint32_t size, uint32_t max_sge);
void roce_rq_put(struct roce_ring *ring, const struct roce_recv_wr *wr); /* checked, and there is room */
int roce_inline_gather(const struct roce_swqe *wqe, uint32_t offset, uint32_t len, struct roce_pkt *pkt);
/* The program's side: the entries that are not done with. */
static inline uint32_t roce_ring_used(const struct roce_ring *ring)
{
	return ring->posted - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
}
/* The engine's side: learns what was posted. */
static inline void roce_ring_learn(struct roce_ring *ring)
{
	ring->head = __atomic_load_n(&ring->posted, __ATOMIC_SEQ_CST);
}
static inline bool roce_ring_empty(struct roce_ring *ring)
{
	if (ring->tail == ring->head)
		roce_ring_learn(ring);
	return ring->tail == ring->head;
}
/* The entry at the tail is done with: the program may fill its slot again. */
static inline void roce_ring_pop(struct roce_ring *ring)
{
	__atomic_store_n(&ring->tail, ring->tail + 1, __ATOMIC_RELEASE);
}
#define ROCE_WR_LANDS (1u << ROCE_WR_RDMA_READ | 1u << ROCE_WR_ATOMIC_CMP_AND_SWP | 1u << ROCE_WR_ATOMIC_FETCH_AND_ADD)
/* Its response brings data, to its SGEs. */
static inline bool roce_wqe_lands(const struct roce_swqe *wqe)
{
	return 1u << wqe->opcode & ROCE_WR_LANDS;
}
/* Has a response of its own, which no ACK stands for: limited by max_rd_atomic, waited for by fences (9.7.3; A19). */
static inline bool roce_wqe_is_rd(const struct roce_swqe *wqe)
{
	return 1u << wqe->opcode & (ROCE_WR_LANDS | 1u << ROCE_WR_FLUSH | 1u << ROCE_WR_ATOMIC_WRITE);
}
static inline bool roce_wqe_is_local(const struct roce_swqe *wqe)
{
	return wqe->opcode == ROCE_WR_BIND_MW || wqe->opcode == ROCE_WR_LOCAL_INV;
}
int roce_check_send(struct roce_qp *qp, const struct roce_send_wr *wr, uint64_t *length); /* in silence */
int roce_post_bind(struct roce_qp *qp, const struct roce_send_wr *wr, uint32_t type);
int roce_wq_init(struct roce_qp *qp);
void roce_wq_fini(struct roce_qp *qp);
void roce_sq_flush(struct roce_qp *qp); /* every entry left completes with WR_FLUSH_ERR */
void roce_rq_flush(struct roce_qp *qp);

struct roce_srq *roce_srq_find(const struct roce_dev *dev, uint32_t num);
/* srq.c: the receive that the next message will fill, and the same, which from now on is this QP's. NULL: none. */
struct roce_rwqe *roce_recv_peek(struct roce_qp *qp);
struct roce_rwqe *roce_recv_claim(struct roce_qp *qp);
static inline struct roce_pd *roce_recv_pd(const struct roce_qp *qp) /* whose keys receives use (10.2.9.1) */
{
	return qp->srq ? qp->srq->pd : qp->pd;
}

/* requester.c */
void roce_requester_reset(struct roce_qp *qp);
bool roce_requester_can_send(const struct roce_qp *qp);
struct roce_pkt *roce_requester_tx(struct roce_qp *qp);
void roce_requester_go_back(struct roce_qp *qp);       /* send again from una on what is not known to be there */
bool roce_requester_is_back(const struct roce_qp *qp); /* and has not done so yet */
uint64_t roce_requester_rto_ps(const struct roce_qp *qp);
void roce_requester_sample_rtt(struct roce_qp *qp, uint64_t rtt_ps);
bool roce_requester_retry(struct roce_qp *qp); /* counts a retry and goes back; false: none left, QP is in error */
void roce_requester_timeout(struct roce_qp *qp);
void roce_requester_unreadable(struct roce_qp *qp, uint32_t psn); /* the payload of this packet is gone */
void roce_requester_send_time(struct roce_qp *qp);                /* the send wheel fired: RNR wait or pacer */
void roce_requester_arm(struct roce_qp *qp); /* transport timer: from now if something is outstanding, else off */
/* Completes the entry at the tail and frees its slot. */
void roce_requester_complete(struct roce_qp *qp, enum roce_wc_status status);
void roce_requester_fail(struct roce_qp *qp, enum roce_wc_status status); /* the entry at the tail, then the QP */
void roce_requester_progress(struct roce_qp *qp); /* after una or tail moved: completes a bad entry, drains */

/* selective.c: the requester's PSNs from una on */
void roce_sr_start(struct roce_qp *qp);
void roce_sr_sent(struct roce_qp *qp); /* max_sent or una has grown */
/* An ACK of everything below `psn`; what a selective one names besides. */
uint32_t roce_sr_acked(struct roce_qp *qp, uint32_t psn); /* below what everything is executed now */
void roce_sr_sacked(struct roce_qp *qp, const struct roce_pkt *pkt);
bool roce_sr_awaits(const struct roce_qp *qp, uint32_t psn);             /* a response at this PSN */
void roce_sr_answer(struct roce_qp *qp, uint32_t psn);                   /* one was placed */
uint32_t roce_sr_answered_below(const struct roce_qp *qp, uint32_t end); /* the first from una on that is not */
void roce_sr_passed(struct roce_qp *qp, uint32_t from, uint32_t to);     /* una has moved */
bool roce_sr_any_lost(const struct roce_qp *qp);
struct roce_swqe *roce_sr_next_lost(const struct roce_qp *qp, uint32_t *psn, uint32_t *npsn); /* NULL: none */
void roce_sr_resent(struct roce_qp *qp, uint32_t psn, uint32_t npsn);
void roce_sr_forget(struct roce_qp *qp, uint32_t psn); /* it cannot be sent again */
void roce_sr_lose_oldest(struct roce_qp *qp);
void roce_sr_lose_all(struct roce_qp *qp);
uint32_t roce_sr_ce_bytes(struct roce_qp *qp, uint32_t total); /* how many of the peer's total are new */
struct roce_swqe *roce_sq_find_psn(const struct roce_qp *qp, uint32_t psn);

/* reorder.c: the extension, and the responder's packets behind a gap */
void roce_ext_learn(struct roce_qp *qp); /* a packet came that says that the peer has it */
int roce_hold_put(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info);
const struct roce_pkt *roce_hold_next(const struct roce_qp *qp); /* the one with the expected PSN, or NULL */
void roce_hold_drop(struct roce_qp *qp, uint32_t psn);
void roce_hold_free(struct roce_qp *qp);
bool roce_sack_due(const struct roce_qp *qp);
void roce_sack_fill(struct roce_qp *qp, struct roce_pkt *pkt);
/* A READ asked again in part is answered beside what is being answered. NULL: there are too many. */
struct roce_rd_res *roce_repair_new(struct roce_qp *qp);
struct roce_rd_res *roce_repair_next(const struct roce_qp *qp);

/* completer.c */
int roce_completer_rx(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info);

/* placement.c */
int roce_placement_check_send(struct roce_qp *qp, const struct roce_send_wr *wr);
int roce_placement_check_region(struct roce_dev *dev, const void *addr, uint64_t length, uint32_t access);
int roce_placement_build(struct roce_qp *qp, struct roce_swqe *wqe, struct roce_pkt *pkt); /* its one packet */
bool roce_atomic_write(uint8_t *at, const struct roce_pkt *pkt); /* false: the memory is gone */
static inline uint32_t roce_feth(uint8_t type, uint8_t level)
{
	return (uint32_t)level << 4 | type;
}

/* What becomes of a request, decided before any state changes. */
enum roce_verdict {
	ROCE_OK,
	ROCE_NO_WQE,
	ROCE_INVALID,
	ROCE_NO_ACCESS,
	ROCE_LENGTH,
	ROCE_PROTECTION,
	ROCE_FAILED,
	ROCE_VOID
};
enum roce_verdict roce_flush_execute(struct roce_qp *qp, const struct roce_pkt *pkt);

/* xrc.c */
enum roce_verdict roce_xrc_enter(struct roce_qp *qp, const struct roce_pkt *pkt); /* a request in sequence */
bool roce_xrc_use_pd(struct roce_qp *qp, uint32_t srqn); /* for the response to a request that named this SRQ */
void roce_xrc_forget_srq(struct roce_srq *srq);

/* responder_rd.c: requests with a response of their own; `pkt` is in sequence. */
enum roce_verdict roce_rd_request(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info);
int roce_rd_duplicate(struct roce_qp *qp, const struct roce_pkt *pkt);

/* responder.c, response.c */
bool roce_place_early(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info);
uint8_t *roce_responder_landing(const struct roce_qp *qp, const struct roce_pkt *pkt,
				const struct roce_opcode_info *info); /* see roce_dev_landing() */
int roce_responder_rx(struct roce_qp *qp, const struct roce_pkt *pkt, const struct roce_opcode_info *info);
void roce_responder_reset(struct roce_qp *qp);
int roce_responder_alloc(struct roce_qp *qp, uint32_t n);
bool roce_response_due(const struct roce_qp *qp);
struct roce_pkt *roce_response_tx(struct roce_qp *qp);
void roce_response_nak(struct roce_qp *qp, uint8_t syndrome, uint32_t psn);
void roce_response_unreadable(struct roce_qp *qp, uint32_t psn); /* the payload of this READ response is gone */
struct roce_rd_res *roce_response_find(struct roce_qp *qp, uint32_t psn);
/* Room for a new READ or atomic; NULL: the peer has more outstanding than max_dest_rd_atomic. */
struct roce_rd_res *roce_response_new(struct roce_qp *qp);
void roce_response_start(struct roce_qp *qp, struct roce_rd_res *res, uint32_t psn, uint64_t va, uint32_t len);
/* The responder's end: `syndrome` at epsn after what is already owed, then the QP is in error. */
void roce_responder_fatal(struct roce_qp *qp, uint8_t nak_code, uint32_t psn);

/* qp.c, qp_state.c */
struct roce_qp *roce_qp_find(const struct roce_dev *dev, uint32_t qpn);
int roce_qp_state_check(struct roce_qp *qp, const struct roce_qp_attr *attr, uint32_t mask);
void roce_qp_set_error(struct roce_qp *qp); /* state ERR; flushes both queues */
static inline void roce_qp_set_state(struct roce_qp *qp, uint32_t state)
{
	__atomic_store_n(&qp->state, (uint8_t)state, __ATOMIC_SEQ_CST);
}
void roce_qp_reset(struct roce_qp *qp);
const char *roce_qp_state_name(uint32_t state);
uint64_t roce_rnr_timer_ps(uint8_t code);
uint64_t roce_timeout_ps(uint8_t code); /* DP_NEVER for 0 */

/* congestion.c */
void roce_congestion_reset(struct roce_qp *qp);
void roce_congestion_time(struct roce_qp *qp);
/* A packet that the rate limits, a request or a response, was sent. */
void roce_congestion_sent(struct roce_qp *qp, const struct roce_pkt *pkt, bool response);
void roce_congestion_acked(struct roce_qp *qp, uint32_t bytes, uint32_t ce_bytes, uint64_t rtt_ps);
void roce_congestion_nak(struct roce_qp *qp);
void roce_congestion_timeout(struct roce_qp *qp);
void roce_congestion_marked(struct roce_qp *qp); /* a packet for it came with CE */
int roce_congestion_cnp_rx(struct roce_qp *qp);
void roce_congestion_limit(struct roce_qp *qp, uint32_t rate_limit, uint32_t burst, uint16_t typical);
bool roce_congestion_cnp_due(const struct roce_dev *dev);
struct roce_pkt *roce_congestion_cnp_tx(struct roce_dev *dev);
/* What the pacer obeys, of IP packets: congestion control's rate or the owner's limit, whichever is lower; 0: none. */
static inline uint64_t roce_pace_bps(const struct roce_qp *qp)
{
	uint64_t limit_bps = qp->attr.rate_limit * 1000ull;

	if (!qp->cc.rate_bps)
		return limit_bps;
	return limit_bps ? DP_MIN(limit_bps, qp->cc.rate_bps) : qp->cc.rate_bps;
}
static inline bool roce_pacer_open(const struct roce_qp *qp)
{
	return !roce_pace_bps(qp) || qp->dev->now_ps >= qp->pace.next_ps;
}

/* link.c */
bool roce_link_lost(struct roce_dev *dev, struct roce_pkt **v, int n);
void roce_link_count_sent(struct roce_dev *dev, struct roce_qp *qp, struct roce_pkt *const *v, int n); /* qp or NULL */
void roce_link_count_rcvd(struct roce_dev *dev, const struct roce_pkt *pkt);
static inline void roce_link_count_copy(struct roce_qp *qp, const struct roce_pkt *pkt)
{
	struct roce_qp_counters *own = roce_qp_ctr(qp);

	own->rcvd_pkts++;
	own->rcvd_bytes += pkt->len;
}

/* mcast.c */
bool roce_mcast_is(const struct dp_ip *gid);
int roce_mcast_rx(struct roce_dev *dev, const struct roce_pkt *pkt); /* that came for a group */
void roce_mcast_loop_back(struct roce_dev *dev, struct roce_pkt *const *v, int n);
void roce_mcast_forget_qp(struct roce_qp *qp);

/* direct.c */
void roce_key_open(const struct roce_mr *mr);
void roce_key_close(const struct roce_mr *mr);
int roce_qp_connect(struct roce_qp *qp, const struct dp_ip *dgid, uint32_t dqpn); /* finds the way: qp->link */
void roce_qp_disconnect(struct roce_qp *qp);
void roce_qp_reopen(struct roce_qp *qp);                     /* state or attributes have changed */
void roce_qp_shut(struct roce_qp *qp, bool wait, bool over); /* before they do */
void roce_qp_fold(struct roce_qp *qp);
enum roce_direct { ROCE_DIRECT_NO, ROCE_DIRECT_DONE, ROCE_DIRECT_MORE }; /* MORE: in its next turn */
enum roce_direct roce_direct_try(struct roce_qp *qp, struct roce_swqe *wqe);
/* Payload from the sender's memory. 0, -EACCES: `to` is not there, or -EIO: there is nothing to be had any more. */
static inline int roce_pull(const struct roce_qp *qp, const struct roce_pkt *pkt, uint32_t offset, uint8_t *to,
			    uint32_t len)
{
	return to ? qp->dev->local->pull(pkt, offset, to, len) : 0;
}

/* check.c, of a device that checks: */
void roce_check_posted(struct roce_qp *qp, struct roce_swqe *wqe);
void roce_check_begin(struct roce_qp *qp, const struct roce_swqe *wqe); /* it has its PSNs */
void roce_check_copied(struct roce_qp *qp, const struct roce_swqe *wqe);
void roce_check_completed(struct roce_qp *qp, const struct roce_swqe *wqe);
/* A message has come whole; psn: its last. */
void roce_check_written(struct roce_qp *qp, struct roce_mr *mr, uint64_t va, uint32_t len, uint32_t psn);
void roce_check_received(struct roce_qp *qp, const struct roce_rwqe *wqe, uint32_t offset, uint32_t len,
			 const struct roce_pkt *pkt);
void roce_check_asked(struct roce_qp *qp, const struct roce_pkt *pkt); /* for a READ */

/* sched.c */
static inline bool roce_qp_held(const struct roce_qp *qp)
{
	return qp->dev->held >> qp->lane & 1 && qp->type != ROCE_QPT_UD; /* UD has a destination for each request */
}
void roce_qp_wake_at(struct roce_qp *qp, uint64_t when_ps); /* roce_requester_send_time() then, or earlier */
void roce_qp_kick(struct roce_qp *qp); /* puts the QP on the ready ring if it has something to send */
void roce_qp_unready(struct roce_qp *qp);
bool roce_dev_has_address(const struct roce_dev *dev, const struct dp_ip *ip);
static inline bool roce_pkey_ok(uint16_t pkey) /* the top bit is membership: ours is full */
{
	return (pkey & 0x7fff) == (ROCE_PKEY_DEFAULT & 0x7fff);
}

/* The slots of a ring for n entries: a power of two, less one. */
static inline uint32_t roce_ring_mask(uint32_t n)
{
	return n > 1 ? UINT32_MAX >> __builtin_clz(n - 1) : 0;
}

static inline uint32_t roce_npkts(uint32_t len, uint32_t mtu)
{
	return len ? (len + mtu - 1) / mtu : 1;
}

/* Fills what all packets of a connected QP or an address vector have in common. */
static inline void roce_pkt_address(struct roce_pkt *pkt, const struct roce_av *av, const struct roce_qp *qp,
				    uint32_t dqpn)
{
	pkt->sgid = av->sgid;
	pkt->dgid = av->dgid;
	pkt->flow_label = av->flow_label;
	pkt->tos = av->tos;
	pkt->ttl = av->ttl;
	pkt->prio = av->prio;
	pkt->pkey = ROCE_PKEY_DEFAULT;
	pkt->sqpn = qp->qpn;
	pkt->dqpn = dqpn;
	pkt->sport = qp->sport;
	pkt->link = qp->link;
	pkt->bth_flags = ROCE_BTH_MIGREQ; /* APM is not offered: the path is always "migrated" (9.2.4) */
	if (qp->dev->cfg.recovery & ROCE_RECOVERY_SELECTIVE_REPEAT && qp->type == ROCE_QPT_RC)
		pkt->bth_flags |= ROCE_BTH_EXT;
	pkt->ip_flags = ROCE_PKT_DF;
}

#endif
