/*
 * The verbs of the engine: types and calls that a driver or a binding uses. Values are those of the
 * InfiniBand verbs (ibv_*), so that no face has to translate them. Nothing here locks, blocks or allocates
 * on the data path; one thread at a time may be inside a device.
 *
 * Calls return 0 or a count, or -errno; roce_dev_error() then says which object, value and limit.
 */
#ifndef ROCE_VERBS_H
#define ROCE_VERBS_H

#include "rdma_verbs/csrc/cc.h"
#include "rdma_verbs/csrc/counters.h"

/* cffi: begin */
enum roce_qp_type { ROCE_QPT_RC = 2, ROCE_QPT_UC = 3, ROCE_QPT_UD = 4, ROCE_QPT_XRC_SEND = 9, ROCE_QPT_XRC_RECV = 10 };

enum roce_qp_state {
	ROCE_QPS_RESET = 0,
	ROCE_QPS_INIT = 1,
	ROCE_QPS_RTR = 2,
	ROCE_QPS_RTS = 3,
	ROCE_QPS_SQD = 4,
	ROCE_QPS_SQE = 5,
	ROCE_QPS_ERR = 6,
	ROCE_QPS_COUNT = 7
};

enum roce_mtu { ROCE_MTU_256 = 1, ROCE_MTU_512 = 2, ROCE_MTU_1024 = 3, ROCE_MTU_2048 = 4, ROCE_MTU_4096 = 5 };

enum roce_access {
	ROCE_ACCESS_LOCAL_WRITE = 1,
	ROCE_ACCESS_REMOTE_WRITE = 2,
	ROCE_ACCESS_REMOTE_READ = 4,
	ROCE_ACCESS_REMOTE_ATOMIC = 8,
	ROCE_ACCESS_MW_BIND = 16,
	ROCE_ACCESS_ZERO_BASED = 32,
	ROCE_ACCESS_ON_DEMAND = 64,
	ROCE_ACCESS_HUGETLB = 128,
	ROCE_ACCESS_FLUSH_GLOBAL = 256,
	ROCE_ACCESS_FLUSH_PERSISTENT = 512,
	ROCE_ACCESS_RELAXED_ORDERING = 1048576
};

enum roce_rereg_mr_flags {
	ROCE_REREG_MR_CHANGE_TRANSLATION = 1,
	ROCE_REREG_MR_CHANGE_PD = 2,
	ROCE_REREG_MR_CHANGE_ACCESS = 4
};

enum roce_advise_mr_advice {
	ROCE_ADVISE_MR_ADVICE_PREFETCH = 0,
	ROCE_ADVISE_MR_ADVICE_PREFETCH_WRITE = 1,
	ROCE_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT = 2
};

enum roce_advise_mr_flags { ROCE_ADVISE_MR_FLAG_FLUSH = 1 };

enum roce_qp_attr_mask {
	ROCE_QP_STATE = 1,
	ROCE_QP_CUR_STATE = 2,
	ROCE_QP_EN_SQD_ASYNC_NOTIFY = 4,
	ROCE_QP_ACCESS_FLAGS = 8,
	ROCE_QP_PKEY_INDEX = 16,
	ROCE_QP_PORT = 32,
	ROCE_QP_QKEY = 64,
	ROCE_QP_AV = 128,
	ROCE_QP_PATH_MTU = 256,
	ROCE_QP_TIMEOUT = 512,
	ROCE_QP_RETRY_CNT = 1024,
	ROCE_QP_RNR_RETRY = 2048,
	ROCE_QP_RQ_PSN = 4096,
	ROCE_QP_MAX_QP_RD_ATOMIC = 8192,
	ROCE_QP_ALT_PATH = 16384,
	ROCE_QP_MIN_RNR_TIMER = 32768,
	ROCE_QP_SQ_PSN = 65536,
	ROCE_QP_MAX_DEST_RD_ATOMIC = 131072,
	ROCE_QP_PATH_MIG_STATE = 262144,
	ROCE_QP_CAP = 524288,
	ROCE_QP_DEST_QPN = 1048576,
	ROCE_QP_RATE_LIMIT = 33554432
};

enum roce_wr_opcode {
	ROCE_WR_RDMA_WRITE = 0,
	ROCE_WR_RDMA_WRITE_WITH_IMM = 1,
	ROCE_WR_SEND = 2,
	ROCE_WR_SEND_WITH_IMM = 3,
	ROCE_WR_RDMA_READ = 4,
	ROCE_WR_ATOMIC_CMP_AND_SWP = 5,
	ROCE_WR_ATOMIC_FETCH_AND_ADD = 6,
	ROCE_WR_LOCAL_INV = 7,
	ROCE_WR_BIND_MW = 8,
	ROCE_WR_SEND_WITH_INV = 9,
	ROCE_WR_FLUSH = 14,
	ROCE_WR_ATOMIC_WRITE = 15
};

/* What a FLUSH asks for: how far the data must have come, and of how much of the region (IBTA vol 1, A19). */
enum roce_placement_type { ROCE_FLUSH_GLOBAL = 1, ROCE_FLUSH_PERSISTENT = 2 };
enum roce_selectivity_level { ROCE_FLUSH_RANGE = 0, ROCE_FLUSH_MR = 1 };

enum roce_send_flags { ROCE_SEND_FENCE = 1, ROCE_SEND_SIGNALED = 2, ROCE_SEND_SOLICITED = 4, ROCE_SEND_INLINE = 8 };

enum roce_wc_status {
	ROCE_WC_SUCCESS = 0,
	ROCE_WC_LOC_LEN_ERR = 1,
	ROCE_WC_LOC_QP_OP_ERR = 2,
	ROCE_WC_LOC_PROT_ERR = 4,
	ROCE_WC_WR_FLUSH_ERR = 5,
	ROCE_WC_MW_BIND_ERR = 6,
	ROCE_WC_BAD_RESP_ERR = 7,
	ROCE_WC_LOC_ACCESS_ERR = 8,
	ROCE_WC_REM_INV_REQ_ERR = 9,
	ROCE_WC_REM_ACCESS_ERR = 10,
	ROCE_WC_REM_OP_ERR = 11,
	ROCE_WC_RETRY_EXC_ERR = 12,
	ROCE_WC_RNR_RETRY_EXC_ERR = 13,
	ROCE_WC_FATAL_ERR = 19,
	ROCE_WC_GENERAL_ERR = 21
};

enum roce_wc_opcode {
	ROCE_WC_SEND = 0,
	ROCE_WC_RDMA_WRITE = 1,
	ROCE_WC_RDMA_READ = 2,
	ROCE_WC_COMP_SWAP = 3,
	ROCE_WC_FETCH_ADD = 4,
	ROCE_WC_BIND_MW = 5,
	ROCE_WC_LOCAL_INV = 6,
	ROCE_WC_FLUSH = 8,
	ROCE_WC_ATOMIC_WRITE = 9,
	ROCE_WC_RECV = 128,
	ROCE_WC_RECV_RDMA_WITH_IMM = 129
};

enum roce_wc_flags { ROCE_WC_FLAG_GRH = 1, ROCE_WC_FLAG_WITH_IMM = 2, ROCE_WC_FLAG_WITH_INV = 8 };

enum roce_mw_type { ROCE_MW_TYPE_1 = 1, ROCE_MW_TYPE_2 = 2 };

enum roce_event_type {
	ROCE_EVENT_CQ_ERR = 0,
	ROCE_EVENT_QP_FATAL = 1,
	ROCE_EVENT_QP_REQ_ERR = 2,
	ROCE_EVENT_QP_ACCESS_ERR = 3,
	ROCE_EVENT_COMM_EST = 4,
	ROCE_EVENT_SQ_DRAINED = 5,
	ROCE_EVENT_PORT_ACTIVE = 9,
	ROCE_EVENT_PORT_ERR = 10,
	ROCE_EVENT_SRQ_LIMIT_REACHED = 15,
	ROCE_EVENT_QP_LAST_WQE_REACHED = 16
};

struct roce_dev;
struct roce_pd;
struct roce_mr;
struct roce_dm;
struct roce_mw;
struct roce_cq;
struct roce_qp;
struct roce_srq;
struct roce_xrcd;

/*
 * How RC (and XRC) recover from loss; all clear: IBTA's go-back-N, one NAK for each expected PSN, the QP's timeout.
 * What needs the peer's help is done with peers that have it too and does nothing with others (reorder.c).
 */
enum roce_recovery {
	ROCE_RECOVERY_NAK_REARM = 1, /* responder: a stream that skips the expected PSN again earns a NAK again */
	ROCE_RECOVERY_ADAPTIVE_TIMEOUT = 2, /* requester: times out by measured round trips, at most the QP's timeout */
	ROCE_RECOVERY_RETRY_FOREVER = 4,    /* requester: retries do not run out; for tests of liveness */
	ROCE_RECOVERY_SELECTIVE_REPEAT = 8, /* send again only what is lost, with peers that have it too; RC */
	ROCE_RECOVERY_OOO = 16              /* with it: RDMA WRITEs are placed as they come */
};

struct roce_gid {
	uint8_t b[16]; /* IPv4 as ::ffff:a.b.c.d */
};

/* Limits and behaviour of a device; zero means the default written beside it. */
struct roce_dev_cfg {
	uint64_t seed; /* 0: keys and first PSNs are still random bits of a generator seeded with 0 */
	uint64_t node_guid;
	uint32_t qpn_base;  /* 2: QPNs handed out start here (0 and 1 are the management QPs) */
	uint32_t qpn_count; /* 65536 - 2; at most 2^24 - 3 */
	uint32_t max_cq;    /* 65536 */
	uint32_t max_srq;   /* 65536; each of up to max_qp_wr entries */
	uint32_t max_mr;    /* 65536, with windows; keys hold log2 of it as index, the rest of the 32 bits are random */
	uint32_t max_pd;    /* 65536 */
	uint32_t max_qp_wr; /* 16384 */
	uint32_t max_cqe;   /* 4194303 */
	uint32_t max_sge;   /* 30 */
	uint32_t max_inline;    /* 1024 bytes */
	uint32_t max_rd_atomic; /* 128: both as initiator and as responder */
	uint32_t max_dm_size;   /* 262144 bytes of device memory in all */
	uint32_t tx_window;     /* 256 packets outstanding per RC QP */
	uint32_t ack_every;     /* 32: packets of one message between two that request an ACK; always on the last */
	uint32_t tx_burst;      /* 16 packets of one QP before the next QP of its priority */
	uint32_t recovery;      /* enum roce_recovery */
	uint32_t rto_min_us;    /* 100: the least adaptive timeout */
	uint32_t rx_window;     /* 256: packets that selective repeat holds behind a gap; one bandwidth-delay product */
	uint32_t reorder_pkts;  /* 0: so many packets may overtake one before selective repeat takes it for lost */
	uint8_t max_mtu;        /* enum roce_mtu, 5 */
	uint8_t ngid;           /* 1 to 16 */
	uint16_t sport;         /* UDP source port of every packet; 0: 0xC000 | hash of both QPNs */
	struct roce_gid gid[16];
	struct roce_cc_cfg cc; /* congestion control; none */
};

struct roce_ah_attr {
	struct roce_gid dgid;
	uint32_t flow_label;
	uint8_t sgid_index;
	uint8_t traffic_class; /* DSCP << 2 | ECN */
	uint8_t hop_limit;     /* 0: 64 */
	uint8_t sl;            /* service level = priority, 0-7 */
	uint8_t port_num;      /* 1 */
};

struct roce_qp_cap {
	uint32_t max_send_wr, max_recv_wr, max_send_sge, max_recv_sge, max_inline_data;
};

enum roce_srq_type { ROCE_SRQT_BASIC = 0, ROCE_SRQT_XRC = 1 };

enum roce_srq_attr_mask { ROCE_SRQ_MAX_WR = 1, ROCE_SRQ_LIMIT = 2 };

enum roce_cq_attr_mask { ROCE_CQ_ATTR_MODERATE = 1 };

/* An armed CQ notifies after so many completions, or so long after the first, whichever is sooner; 0: not by this. */
struct roce_cq_attr {
	uint16_t cq_count;
	uint16_t cq_period; /* us */
};

struct roce_srq_attr {
	uint32_t max_wr, max_sge;
	uint32_t srq_limit; /* an event when fewer entries are left; 0: none */
};

struct roce_qp_init_attr {
	struct roce_cq *send_cq, *recv_cq;
	struct roce_srq *srq;   /* NULL: the QP has a receive queue of its own */
	struct roce_xrcd *xrcd; /* XRC_RECV, which needs no PD, no CQ and no SRQ */
	struct roce_qp_cap cap; /* on return: what was given, at least what was asked */
	uint32_t qp_type;       /* enum roce_qp_type */
	uint8_t sq_sig_all;
};

struct roce_qp_attr {
	uint32_t qp_state, cur_qp_state;
	uint32_t path_mtu; /* enum roce_mtu */
	uint32_t qkey;
	uint32_t rq_psn, sq_psn;
	uint32_t dest_qp_num;
	uint32_t qp_access_flags;
	uint32_t rate_limit; /* kb/s of IP packets, 1000 bits each; 0: none */
	struct roce_qp_cap cap;
	struct roce_ah_attr ah;
	uint16_t pkey_index;
	uint8_t en_sqd_async_notify;
	uint8_t sq_draining;
	uint8_t max_rd_atomic, max_dest_rd_atomic;
	uint8_t min_rnr_timer; /* code of the IBTA table, 0-31 */
	uint8_t port_num;
	uint8_t timeout;   /* 4.096 us * 2^timeout; 0: none */
	uint8_t retry_cnt; /* 0-7 */
	uint8_t rnr_retry; /* 0-7, 7: for ever */
};

struct roce_qp_rate_limit_attr {
	uint32_t rate_limit; /* as in struct roce_qp_attr */
	uint32_t
		max_burst_sz; /* bytes of IP packets in a row after a silence; below a packet's: one packet; at most 2 MiB */
	uint16_t typical_pkt_sz; /* a hint for hardware; ours counts what it sends */
};

struct roce_sge {
	uint64_t addr;
	uint32_t length; /* bytes */
	uint32_t lkey;
};

/* What a window is bound to; length 0 unbinds a window of type 1. */
struct roce_mw_bind_info {
	struct roce_mr *mr;
	uint64_t addr, length; /* in the region's address space */
	uint32_t access;       /* REMOTE_*; type 2 also ZERO_BASED */
};

struct roce_mw_bind {
	uint64_t wr_id;
	uint32_t send_flags;
	struct roce_mw_bind_info info;
};

struct roce_send_wr {
	uint64_t wr_id;
	const struct roce_sge *sg_list;
	uint32_t num_sge;
	uint32_t opcode; /* enum roce_wr_opcode */
	uint32_t send_flags;
	uint32_t imm_data;        /* host order */
	uint32_t invalidate_rkey; /* SEND_WITH_INV, LOCAL_INV */
	uint64_t remote_addr;
	uint32_t rkey;        /* BIND_MW: the new one, the window's with a consumer byte of choice */
	uint32_t remote_qpn;  /* UD */
	uint32_t remote_srqn; /* XRC_SEND: number of the peer's XRC shared receive queue */
	uint32_t remote_qkey; /* UD; bit 31 set: the QP's own */
	uint64_t compare_add;
	uint64_t swap;
	const struct roce_ah_attr *ah; /* UD; copied, checked when the WR is posted */
	struct roce_mw *mw;            /* BIND_MW: of type 2 */
	struct roce_mw_bind_info bind;
	uint32_t flush_length; /* FLUSH of a range: bytes from remote_addr on */
	uint8_t flush_type;    /* FLUSH: enum roce_placement_type, one or both */
	uint8_t flush_level;   /* FLUSH: enum roce_selectivity_level */
};

struct roce_recv_wr {
	uint64_t wr_id;
	const struct roce_sge *sg_list;
	uint32_t num_sge;
};

struct roce_wc {
	uint64_t wr_id;
	uint32_t status; /* enum roce_wc_status */
	uint32_t opcode; /* enum roce_wc_opcode; meaningful on success */
	uint32_t vendor_err;
	uint32_t byte_len;
	uint32_t imm_data; /* host order */
	uint32_t qp_num;
	uint32_t src_qp; /* UD receive */
	uint32_t wc_flags;
	uint16_t pkey_index;
	uint8_t sl;
	uint32_t invalidated_rkey; /* with ROCE_WC_FLAG_WITH_INV */
	uint64_t timestamp_ps;     /* the device's time when the completion was made */
};

struct roce_event {
	uint32_t type; /* enum roce_event_type */
	uint32_t num;  /* QPN, CQ or SRQ number or port */
	void *user;    /* as given at creation */
};

struct roce_dev *roce_dev_new(const struct roce_dev_cfg *cfg);
void roce_dev_free(struct roce_dev *dev); /* frees what is left on it */
const char *roce_dev_error(const struct roce_dev *dev);
const struct roce_dev_cfg *roce_dev_config(const struct roce_dev *dev); /* defaults filled in */
struct roce_counters *roce_dev_counters(struct roce_dev *dev);
/*
 * How a device makes memory persistent for FLUSH (A19). check(): may a region be registered for it? sync(): make the
 * bytes persistent, and return only then. Both return 0 or -errno. Without it, memory is a model, as in virtual time:
 * any region may be registered for it, and what was placed counts as persistent.
 */
struct roce_persistence {
	int (*check)(const void *addr, uint64_t length);
	int (*sync)(void *addr, uint64_t length);
};
void roce_dev_fold(struct roce_dev *dev); /* brings counters up to date with what others did directly (direct.h) */
void roce_dev_set_persistence(struct roce_dev *dev, const struct roce_persistence *how); /* NULL: none */
/*
 * Counts in other memory from now on, e.g. shared: values are carried over. QPs that are made from now on count in a
 * zeroed row of `rows` while there is one; there must be none when rows are given or taken away.
 */
void roce_dev_set_counters(struct roce_dev *dev, struct roce_counters *where, struct roce_qp_counters *rows,
			   uint32_t n);
int roce_dev_next_event(struct roce_dev *dev, struct roce_event *ev); /* 1, or 0: none */

struct roce_pd *roce_pd_alloc(struct roce_dev *dev);
int roce_pd_dealloc(struct roce_pd *pd); /* -EBUSY while in use */

/*
 * addr NULL with length > 0: a phantom region, bounds without memory. addr NULL with length 2^64 - 1 and ON_DEMAND: an
 * implicit region, the whole address space of the process. Memory need not be there, nor stay: an access that does not
 * find it is an access error. ON_DEMAND and HUGETLB change nothing else: no region is pinned.
 */
struct roce_mr *roce_mr_reg(struct roce_pd *pd, void *addr, uint64_t length, uint64_t iova, uint32_t access);
/* ibv_alloc_null_mr(): any address; writes vanish, reads give zeros. Local use only: its R_Key opens nothing. */
struct roce_mr *roce_mr_alloc_null(struct roce_pd *pd);
/*
 * ibv_rereg_mr(): what `flags` (enum roce_rereg_mr_flags) name changes, the rest of the arguments is ignored. A new
 * translation or PD makes new keys. On an error the region is what it was (IBV_REREG_MR_ERR_INPUT); -EBUSY while
 * windows are bound to it.
 */
int roce_mr_rereg(struct roce_mr *mr, uint32_t flags, struct roce_pd *pd, void *addr, uint64_t length, uint64_t iova,
		  uint32_t access);
/*
 * ibv_advise_mr(): brings the pages of ON_DEMAND regions in, for reading or writing; NO_FAULT only those that are in
 * already, so nothing. -EFAULT: a key, range or right is wrong, or a page is not there.
 */
int roce_advise_mr(struct roce_pd *pd, uint32_t advice, uint32_t flags, const struct roce_sge *sg_list,
		   uint32_t num_sge);
/* What the region's memory holds, for a binding: at `offset` from its start. -EFAULT: out of bounds, or not there. */
int roce_mr_read(struct roce_mr *mr, uint64_t offset, void *to, uint64_t length);
int roce_mr_write(struct roce_mr *mr, uint64_t offset, const void *from, uint64_t length);
int roce_mr_dereg(struct roce_mr *mr); /* -EBUSY while windows are bound to it */
uint32_t roce_mr_lkey(const struct roce_mr *mr);
uint32_t roce_mr_rkey(const struct roce_mr *mr);

/* Device memory: zeroed, aligned to 2^log_align_req bytes, reached by the two copies and through regions of it. */
struct roce_dm *roce_dm_alloc(struct roce_dev *dev, uint64_t length, uint32_t log_align_req);
int roce_dm_free(struct roce_dm *dm); /* -EBUSY while regions are on it */
int roce_memcpy_to_dm(struct roce_dm *dm, uint64_t dm_offset, const void *host, uint64_t length);
int roce_memcpy_from_dm(void *host, struct roce_dm *dm, uint64_t dm_offset, uint64_t length);
/* ZERO_BASED is a must; what a device's memory cannot do (windows, on-demand paging) is refused. */
struct roce_mr *roce_dm_reg_mr(struct roce_pd *pd, struct roce_dm *dm, uint64_t dm_offset, uint64_t length,
			       uint32_t access);

struct roce_mw *roce_mw_alloc(struct roce_pd *pd, uint32_t type);
int roce_mw_dealloc(struct roce_mw *mw);
uint32_t roce_mw_rkey(const struct roce_mw *mw); /* as of the last bind that was posted */

struct roce_cq *roce_cq_create(struct roce_dev *dev, uint32_t cqe, void *user);
int roce_cq_destroy(struct roce_cq *cq); /* -EBUSY while in use */
int roce_cq_resize(struct roce_cq *cq, uint32_t cqe);
uint32_t roce_cq_size(const struct roce_cq *cq);
uint32_t roce_cq_num(const struct roce_cq *cq);
uint32_t roce_cq_pending(const struct roce_cq *cq); /* completions that wait to be polled */
int roce_cq_modify(struct roce_cq *cq, const struct roce_cq_attr *attr, uint32_t mask);
int roce_cq_poll(struct roce_cq *cq, struct roce_wc *wc, int n); /* -EIO after an overflow */
/*
 * A notification, once, for the next completion, or the next that is solicited or an error. With ROCE_CQ_WAITING
 * one that waits to be polled counts, too, unless a notification was for it and no poll has left it there since; IBTA
 * leaves those to the program.
 */
#define ROCE_CQ_SOLICITED 1
#define ROCE_CQ_WAITING   2
int roce_cq_req_notify(struct roce_cq *cq, int how);
void *roce_dev_next_notified(struct roce_dev *dev); /* `user` of a CQ whose armed notification fired; NULL: none */

struct roce_xrcd *roce_xrcd_alloc(struct roce_dev *dev);
int roce_xrcd_dealloc(struct roce_xrcd *xrcd); /* -EBUSY while in use */

struct roce_srq *roce_srq_create(struct roce_pd *pd, struct roce_srq_attr *attr, void *user);
/* One that XRC targets of the domain serve; its receives complete to `cq`. */
struct roce_srq *roce_srq_create_xrc(struct roce_pd *pd, struct roce_xrcd *xrcd, struct roce_cq *cq,
				     struct roce_srq_attr *attr, void *user);
int roce_srq_destroy(struct roce_srq *srq); /* -EBUSY while in use */
int roce_srq_modify(struct roce_srq *srq, const struct roce_srq_attr *attr, uint32_t mask);
void roce_srq_query(const struct roce_srq *srq, struct roce_srq_attr *attr);
uint32_t roce_srq_num(const struct roce_srq *srq);
int roce_post_srq_recv(struct roce_srq *srq, const struct roce_recv_wr *wr); /* -ENOMEM: queue full */

struct roce_qp *roce_qp_create(struct roce_pd *pd, struct roce_qp_init_attr *init, void *user);
/* One more handle of an XRC target, which lives until each was destroyed. */
struct roce_qp *roce_qp_open(struct roce_xrcd *xrcd, uint32_t qpn);
int roce_qp_destroy(struct roce_qp *qp);
int roce_qp_modify(struct roce_qp *qp, const struct roce_qp_attr *attr, uint32_t mask);
int roce_qp_modify_rate_limit(struct roce_qp *qp, const struct roce_qp_rate_limit_attr *attr); /* in RTS */
void roce_qp_query(const struct roce_qp *qp, struct roce_qp_attr *attr);
uint32_t roce_qp_num(const struct roce_qp *qp);
uint32_t roce_qp_state(const struct roce_qp *qp);
void roce_qp_counters(const struct roce_qp *qp, struct roce_qp_counters *out);
/* UD only. Attaching twice is attaching once; the LID means nothing here. */
int roce_attach_mcast(struct roce_qp *qp, const struct roce_gid *gid, uint16_t lid);
int roce_detach_mcast(struct roce_qp *qp, const struct roce_gid *gid, uint16_t lid);       /* -EINVAL: not attached */
int roce_post_send(struct roce_qp *qp, const struct roce_send_wr *wr);                     /* -ENOMEM: queue full */
int roce_bind_mw(struct roce_qp *qp, struct roce_mw *mw, const struct roce_mw_bind *bind); /* type 1 */
int roce_post_recv(struct roce_qp *qp, const struct roce_recv_wr *wr);
/* cffi: end */

#endif
