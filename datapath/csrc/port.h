/*
 * A port: where frames leave and enter the process. Base ports (memory pair, UDP socket, AF_UNIX datagram
 * Ethernet) and wrappers (faults, capture, rate) all look the same, so wrappers stack on anything:
 * dp_port_fault_new(inner, ...) owns `inner` and frees it with itself.
 *
 * tx() takes frames in order and returns how many it took; fewer than n means "would block", and next_ps() or
 * writability of fd() says when to try again. Where by_destination is set, only the destination of the first frame
 * left (its address and the top byte of its QPN) would block, and frames to others may be tried at once. rx() returns up to n frames. Neither blocks.
 * Only rx/tx/tick touch a port, and only one thread at a time.
 */
#ifndef DP_PORT_H
#define DP_PORT_H

#include "datapath/csrc/frame.h"

struct dp_port;
struct dp_pauses;

struct dp_port_ops {
	const char *name;
	/*
	 * Decide how frames will be batched and write into each l3 header what the medium will put on the wire
	 * and the ICRC covers (IPv4 identification and flags, UDP source port), because the ICRC is sealed
	 * between prepare() and tx(). The frames then go to one tx() call, whole and in the same order; what that
	 * tx() did not take is given to a prepare() again. NULL: nothing to decide (identification stays as is).
	 */
	void (*prepare)(struct dp_port *, struct dp_frame **v, int n);
	int (*tx)(struct dp_port *, struct dp_frame **v, int n, uint64_t now_ps);
	int (*rx)(struct dp_port *, struct dp_frame **v, int n, uint64_t now_ps);
	int (*fd)(struct dp_port *);           /* to poll for input; -1: none */
	uint64_t (*next_ps)(struct dp_port *); /* when tick(), rx() or tx() has work by time; DP_NEVER: none */
	void (*tick)(struct dp_port *, uint64_t now_ps);
	void (*free)(struct dp_port *);
};

/* cffi: begin */
/* Counters that every port keeps; wrappers add their own. */
struct dp_port_stats {
	uint64_t tx_frames, tx_bytes, rx_frames, rx_bytes; /* bytes from the IP header on */
	uint64_t tx_busy;                                  /* tx() took fewer than it was given */
	uint64_t tx_errors;                                /* the medium refused a frame: it is gone */
	uint64_t rx_truncated;                             /* longer than the buffer: dropped */
	uint64_t rx_invalid;  /* not an IP/UDP frame for us, or malformed below UDP: dropped */
	uint64_t rx_overflow; /* the kernel's or the pair's queue was full: lost */
	uint64_t fault_dropped, fault_duplicated, fault_reordered, fault_corrupted, fault_delayed, fault_marked;
};

void dp_port_get_stats(const struct dp_port *p, struct dp_port_stats *out);
uint32_t dp_port_mtu(const struct dp_port *p);    /* largest IP packet, bytes */
uint32_t dp_port_sport(const struct dp_port *p);  /* UDP source port of all frames, 0: any */
struct dp_port *dp_port_inner(struct dp_port *p); /* the port that a wrapper owns; NULL for a base port */
void dp_port_free(struct dp_port *p);             /* and its inner ports; NULL is allowed */
/* cffi: end */

struct dp_port {
	const struct dp_port_ops *ops;
	struct dp_port_stats stats;
	uint16_t sport;        /* UDP source port all frames must carry; 0: any */
	uint16_t mtu;          /* largest IP packet */
	bool rx_empty;         /* rx() saw that no more had come than it returned; not set: unknown */
	bool by_destination;   /* tx() that takes fewer speaks of the first frame's destination left, not of all */
	struct dp_port *inner; /* wrappers: the port below, owned */
	const struct dp_pauses *pauses; /* PFC frames that came (pfc.h), at a base port; NULL: it knows none */
};

/* Of the medium itself, below all wrappers. */
static inline const struct dp_pauses *dp_port_pauses(const struct dp_port *p)
{
	while (p->inner)
		p = p->inner;
	return p->pauses;
}

static inline void dp_port_prepare(struct dp_port *p, struct dp_frame **v, int n)
{
	if (p->ops->prepare)
		p->ops->prepare(p, v, n);
}

static inline int dp_port_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	return p->ops->tx(p, v, n, now_ps);
}

static inline int dp_port_rx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	return p->ops->rx(p, v, n, now_ps);
}

static inline int dp_port_fd(struct dp_port *p)
{
	return p->ops->fd ? p->ops->fd(p) : -1;
}

static inline uint64_t dp_port_next_ps(struct dp_port *p)
{
	return p->ops->next_ps ? p->ops->next_ps(p) : DP_NEVER;
}

static inline void dp_port_tick(struct dp_port *p, uint64_t now_ps)
{
	if (p->ops->tick)
		p->ops->tick(p, now_ps);
}

/* Bytes from the IP header on. */
static inline uint32_t dp_frame_bytes(const struct dp_frame *f)
{
	return f->l3_len + f->len;
}

/* Constructors return NULL with errno set, and then own nothing: a wrapper's inner port is still the caller's. */

/* cffi: begin */
/*
 * Two ports joined back to back by bounded queues of copied frames, for tests and virtual time. A frame is
 * received latency_ps after it was sent; depth counts frames, tx() takes fewer when the queue is full. Both ends
 * count time from the same epoch and may live in two threads. Returns 0 or -errno; when one end is freed, what
 * the other sends is lost (tx_errors).
 */
int dp_port_mem_pair(uint32_t depth, uint64_t latency_ps, struct dp_port **a, struct dp_port **b);

/*
 * One frame as bytes from the IP header on, for scripts that play a device at the other end of a pair. The bytes go
 * as they are: what is wrong with them is the receiver's to find. send returns 1, or 0 when the port has no room,
 * or -EMSGSIZE: the port takes no packet of that length. recv returns how many bytes came, 0 for none, or -EMSGSIZE:
 * more than cap, and they are gone; *ts_ps is the time of arrival.
 */
int dp_port_send_bytes(struct dp_port *p, const uint8_t *ip, uint32_t len, uint64_t now_ps);
int dp_port_recv_bytes(struct dp_port *p, uint8_t *ip, uint32_t cap, uint64_t now_ps, uint64_t *ts_ps);
/* cffi: end */

#endif
