/*
 * Inside the drop-in libibverbs.so.1: the objects behind the public structures of abi.h, and what the files share.
 *
 *   device.c   list, open, close, import;  query.c  what the device and its port are;  env.c  the environment
 *   registry.c which handles are alive;    events.c completion channels and asynchronous events
 *   pd.c mr.c mw.c cq.c srq.c qp.c mcast.c ah.c xrcd.c   objects;  cq_ex.c qp_ex.c  the function tables of the `_ex` calls
 *   post.c     posting and polling, which programs call through struct ibv_context
 *   refused.c  what no RoCE device of ours offers;  private.c, old.c  symbols that must exist;  strings.c
 *
 * Every object begins with its public structure. A verb looks its arguments up in the registry, which finds destroyed
 * and wild ones (EINVAL), takes the engine's lock, and turns -errno into what rdma-core returns. Posting and polling do
 * neither: a destroyed queue keeps its memory for long (vb_retire), and has no engine's object behind it any more.
 */
#ifndef VB_H
#define VB_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "datapath/csrc/base.h"
#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/live.h"
#include "rdma_verbs/csrc/session.h"
#include "rdma_verbs/ibverbs/abi.h"

#define VB_HCA_CORE_CLOCK_KHZ 1000000 /* raw clocks and completion timestamps count nanoseconds */
#define VB_GID_TABLE          16      /* places in the port's table, of which a node fills the first */
#define VB_DEVICE_NAME        "dpu0"
#define VB_UVERBS_NAME        "uverbs0"

/*
 * Defines and exports a function: VB_API(int, dealloc_pd, "ibv_dealloc_pd@@IBVERBS_1.1", (struct ibv_pd *pd)) { ... }
 * Inside the library it is vb_dealloc_pd. VB_ALSO gives it one more exported name.
 */
#define VB_ALSO(fn, symbol) __asm__(".symver vb_" #fn ", " symbol)
#define VB_API(type, fn, symbol, args) \
	__attribute__((visibility("default"))) type vb_##fn args; \
	VB_ALSO(fn, symbol); \
	type vb_##fn args

enum vb_kind { VB_CONTEXT = 1, VB_PD, VB_TD, VB_MR, VB_MW, VB_DM, VB_CHANNEL, VB_CQ, VB_SRQ, VB_QP, VB_AH, VB_XRCD };

struct vb_session;

static inline void *vb_null(int err)
{
	errno = err;
	return NULL;
}

struct vb_obj {
	const void *pub; /* what the program holds */
	struct vb_session *session;
	struct vb_obj *hash_next;
	enum vb_kind kind;
	uint32_t handle;
	uint32_t users; /* objects of ours on it; the engine counts its own */
};

/* registry.c */
void vb_register(struct vb_obj *obj, enum vb_kind kind, const void *pub, struct vb_session *s);
bool vb_forked(const struct vb_obj *obj);                   /* in a child: it is the parent's */
struct vb_obj *vb_find(const void *pub, enum vb_kind kind); /* NULL: errno EINVAL, or in a child ENODEV */
struct vb_obj *vb_find_handle(const struct vb_session *s, enum vb_kind kind, uint32_t handle);
/*
 * Takes an object out of the registry, to destroy it: 0 for one of those who do so at once. EINVAL: no such object;
 * EBUSY: it has users; -1: in a forked child, where it is the parent's, and a destructor has nothing to do.
 */
int vb_claim(const void *pub, enum vb_kind kind, struct vb_obj **obj);
void vb_restore(struct vb_obj *obj); /* it was claimed, and cannot be destroyed after all */
int vb_use(struct vb_obj *obj);      /* one user more; EINVAL: it was destroyed meanwhile */
void vb_unuse(struct vb_obj *obj);
void vb_each(const struct vb_session *s, void (*fn)(struct vb_obj *obj, void *arg), void *arg);
void vb_forget_session(const struct vb_session *s); /* everything on it is gone */
void *vb_new(size_t bytes);                         /* zeroed */
void vb_retire(void *memory);                       /* frees it much later */

#define VB_LOOKUP(type, pub, kind) \
	({ \
		struct vb_obj *found_ = vb_find((pub), (kind)); \
		found_ ? DP_CONTAINER_OF(found_, struct type, obj) : NULL; \
	})

/* VB_CLAIM(qp, ib, VB_QP): the same, and which object it is. */
#define VB_CLAIM(var, pub, kind) \
	({ \
		struct vb_obj *claimed_ = NULL; \
		int claim_err_ = vb_claim((pub), (kind), &claimed_); \
		(var) = claimed_ ? DP_CONTAINER_OF(claimed_, __typeof__(*(var)), obj) : NULL; \
		claim_err_; \
	})

/* A window's rights: that its region may be written locally is known, and programs say it again. */
static inline uint32_t vb_window_access(unsigned int access)
{
	return access & ~(unsigned int)IBV_ACCESS_LOCAL_WRITE;
}

/* A queue of events and the descriptor that is readable as often as it holds some. */
struct vb_event {
	struct vb_obj *obj;
	uint32_t type, num;
	uint32_t *delivered; /* counts what the program must acknowledge */
};

struct vb_queue {
	pthread_mutex_t lock;
	int fd;
	struct vb_event *ring;
	uint32_t room, head, tail;
};

/* One device of the engine; the contexts of an import share it. */
struct vb_session {
	struct roce_session *roce;
	struct roce_live *live;
	struct roce_dev *dev;
	uint32_t refs;
	atomic_uint next_handle;
	uint64_t fd_dev, fd_ino; /* of cmd_fd: what an import is recognized by */
	pthread_mutex_t lock;    /* of what follows; after none, before the engine's */
	struct vb_domain *domains;
	struct vb_session *next;
};

struct vb_context {
	struct vb_obj obj;
	struct vb_queue async;
	struct verbs_context verbs; /* last: what the program holds is its last field */
};

struct vb_td {
	struct ibv_td ib;
	struct vb_obj obj;
};

struct vb_pd {
	struct ibv_pd ib;
	struct vb_obj obj;
	struct roce_pd *roce;
	struct vb_pd *parent_of; /* not NULL: a parent domain of this one */
	struct vb_td *td;
	bool imported;
};

struct vb_mr {
	struct ibv_mr ib;
	struct vb_obj obj;
	struct roce_mr *roce;
	bool imported;
};

struct vb_mw {
	struct ibv_mw ib;
	struct vb_obj obj;
	struct roce_mw *roce;
};

struct vb_dm {
	struct ibv_dm ib;
	struct vb_obj obj;
	struct roce_dm *roce;
	bool imported;
};

struct vb_channel {
	struct ibv_comp_channel ib;
	struct vb_obj obj;
	struct vb_queue events;
};

struct vb_cq {
	struct ibv_cq_ex ib;
	struct vb_obj obj;
	struct roce_cq *roce; /* NULL: destroyed */
	struct roce_live *live;
	struct vb_channel *channel;
	struct vb_pd *pd;
	uint32_t comp_delivered, async_delivered;
	pthread_mutex_t polling; /* from start_poll to end_poll */
	bool single_threaded;
	uint8_t l3_type;   /* VB_L3_* */
	struct roce_wc wc; /* the entry at hand between these */
};

/*
 * On RoCE there is no service level in a packet. Where InfiniBand has it, ConnectX tells which header the 40 bytes before
 * a datagram hold; UCX relies on that, and drops datagrams that seem to have come for another address.
 */
#define VB_L3_IPV6 1
#define VB_L3_IPV4 2

static inline uint8_t vb_wc_sl(const struct vb_cq *cq, const struct roce_wc *wc)
{
	return wc->wc_flags & ROCE_WC_FLAG_GRH ? cq->l3_type : wc->sl;
}

struct vb_srq {
	struct ibv_srq ib;
	struct vb_obj obj;
	struct roce_srq *roce;
	struct roce_live *live;
	struct vb_pd *pd;
	bool xrc;
	uint32_t async_delivered;
};

/* Work requests between wr_start and wr_complete; memory is kept from one time to the next. */
struct vb_builder {
	pthread_mutex_t lock;
	struct roce_send_wr *wr; /* sg_list is an index into sge until wr_complete */
	struct roce_sge *sge;    /* of inline data, addr is an index into bytes until then */
	uint8_t *bytes;
	uint32_t nwr, nsge, wr_room, sge_room;
	size_t nbytes, bytes_room;
	int err; /* the first */
};

struct vb_qp {
	union {
		struct ibv_qp ib;
		struct ibv_qp_ex ex;
	};
	struct vb_obj obj;
	struct roce_qp *roce;
	struct roce_live *live;
	struct vb_pd *pd;
	bool has_ex, sq_sig_all;
	struct vb_builder build;
	uint32_t async_delivered;
	struct ibv_qp_cap cap;
	struct vb_group *groups; /* multicast */
};

struct vb_ah {
	struct ibv_ah ib;
	struct vb_obj obj;
	struct roce_ah_attr attr;
};

/* An XRC domain, shared by all that opened it by the same inode. */
struct vb_domain {
	struct roce_xrcd *roce;
	uint32_t refs;
	bool named;
	uint64_t dev, ino;
	struct vb_domain *next;
};

struct vb_xrcd {
	struct ibv_xrcd ib;
	struct vb_obj obj;
	struct vb_domain *domain;
};

static inline struct vb_context *vb_context_of(struct ibv_context *context)
{
	return DP_CONTAINER_OF(context, struct vb_context, verbs.context);
}

static inline struct vb_session *vb_session_of(const struct vb_context *ctx)
{
	return ctx->obj.session;
}

/*
 * device.c: the context, or NULL with errno. In a forked child a context of the parent's becomes one of the child's own,
 * with a device of its own, when it is used for the first time: the kernel lets a child use an inherited context. The
 * objects on it stay the parent's.
 */
struct vb_context *vb_context_find(const struct ibv_context *context);

static inline void vb_lock(struct vb_session *s)
{
	roce_live_lock(s->live);
}

static inline void vb_unlock(struct vb_session *s)
{
	roce_live_unlock(s->live);
}

/* What an object is on: NULL is allowed, and counts nothing. Only parent domains: the engine counts the others' users. */
static inline void vb_pd_use(struct vb_pd *pd)
{
	if (pd && pd->parent_of)
		vb_use(&pd->obj);
}

static inline void vb_pd_unuse(struct vb_pd *pd)
{
	if (pd && pd->parent_of)
		vb_unuse(&pd->obj);
}

/* The domain of a program's pointer, NULL: it is none of this session's, errno EINVAL. */
static inline struct vb_pd *vb_pd_find(const struct ibv_pd *ib)
{
	struct vb_pd *pd = VB_LOOKUP(vb_pd, ib, VB_PD);

	return pd && pd->roce ? pd : NULL;
}

/* device.c: with the engine's lock held, the words of its last error to stderr if DPU_EMU_DEBUG asks. Returns err > 0. */
int vb_tell(struct vb_session *s, int err);

/* env.c */
struct vb_env {
	struct roce_session_cfg session;
	char address[64], python[4096], pythonpath[4096], pcap[4096];
	bool debug;
};
int vb_env_read(struct vb_env *env); /* 0, or EINVAL after it told stderr why */
bool vb_env_debug(void);

/* events.c */
int vb_queue_init(struct vb_queue *q); /* 0 or errno */
void vb_queue_fini(struct vb_queue *q);
void vb_queue_push(struct vb_queue *q, const struct vb_event *ev);
int vb_queue_pop(struct vb_queue *q, struct vb_event *ev); /* 0, or -1 with errno */
void vb_queue_forget(struct vb_queue *q, const struct vb_obj *obj);
void vb_on_events(void *session); /* called inside the engine */
/* Destroying an object: its unread events vanish; returns when all that were read are acknowledged. */
void vb_wait_acks(pthread_mutex_t *mutex, pthread_cond_t *cond, const uint32_t *delivered, const uint32_t *completed);

/* query.c */
void vb_query_ops(struct verbs_context *v);
uint64_t vb_node_guid(const struct roce_gid *gid); /* big endian */

/* The entries of the function tables that each file fills. */
void vb_pd_ops(struct verbs_context *v);
void vb_mr_ops(struct verbs_context *v);
void vb_mw_ops(struct verbs_context *v);
void vb_cq_ops(struct verbs_context *v);
void vb_srq_ops(struct verbs_context *v);
void vb_qp_ops(struct verbs_context *v);
void vb_xrcd_ops(struct verbs_context *v);
void vb_post_ops(struct verbs_context *v);
void vb_refused_ops(struct verbs_context *v);
void vb_cq_ex_init(struct vb_cq *cq);
void vb_qp_ex_init(struct vb_qp *qp);
void vb_qp_ex_fini(struct vb_qp *qp);

void vb_leave_groups(struct vb_qp *qp); /* mcast.c: of a QP that is destroyed */

/* Translation of attributes; ah.c */
void vb_ah_to_roce(const struct ibv_ah_attr *from, struct roce_ah_attr *to);
void vb_ah_from_roce(const struct roce_ah_attr *from, struct ibv_ah_attr *to);
/* Credits of the node that has this address. 0 or errno; outside of the engine's lock. */
int vb_reach(struct vb_session *s, const struct roce_gid *gid);

#endif
