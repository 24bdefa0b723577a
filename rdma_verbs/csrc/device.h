/*
 * The four calls of the RoCEv2 engine (docs/architecture.md): packets and a time go in, packets and a next
 * deadline come out.
 */
#ifndef ROCE_DEVICE_H
#define ROCE_DEVICE_H

#include "rdma_verbs/csrc/pkt.h"
#include "rdma_verbs/csrc/verbs.h"
#include "rdma_verbs/csrc/wire.h"

/* A received packet, borrowed for the call. Returns an enum roce_drop. */
int roce_dev_rx(struct roce_dev *dev, const struct roce_pkt *pkt, uint64_t now_ps);

/*
 * Where the payload of a packet will be placed if it turns out to be right; NULL: that is not known from what can be
 * relied on. Not NULL only for the next packet of an RDMA WRITE that has begun: the place follows from the packets before
 * it, and it is memory that nobody may read before the message has ended. So a driver may copy there all but the last
 * 8 bytes (programs poll the end of a buffer) while it sums the packet, and say so in pkt->landed; when the sum is wrong,
 * the packet that is sent again overwrites them.
 */
uint8_t *roce_dev_landing(const struct roce_dev *dev, const struct roce_pkt *pkt);

/*
 * Up to n packets to send; packets of one QP stay adjacent. They belong to the caller, who gives each back with
 * roce_pkt_put() before the next call into the device: their payload points into memory regions.
 */
int roce_dev_tx(struct roce_dev *dev, struct roce_pkt **v, int n, uint64_t now_ps);

/*
 * Of a packet from roce_dev_tx(), not yet given back: its payload cannot be read, the memory is gone. Whoever carries
 * the packet reads with datapath/csrc/guard.h, does not send it, and says so here: a request then completes with a
 * local protection error, a READ response becomes a NAK for a remote access error. An unreliable packet is lost.
 */
void roce_dev_unreadable(struct roce_dev *dev, const struct roce_pkt *pkt);

/* When there is something to send or a timer to run; DP_NEVER: nothing. */
uint64_t roce_dev_next_ps(const struct roce_dev *dev);

/* Runs the timers that are due. */
void roce_dev_tick(struct roce_dev *dev, uint64_t now_ps);

/*
 * PFC: the priorities whose bit is set in the mask send nothing until a mask without it. Their transport timers do
 * not expire meanwhile, and begin anew when the pause ends: a pause is not a loss. Congestion control's timers run on.
 */
/* cffi: begin */
void roce_dev_pause(struct roce_dev *dev, uint8_t prio_mask, uint64_t now_ps);

/* Tells the time before verbs are called: they have no argument for it, and nothing may have happened for long. */
void roce_dev_set_now(struct roce_dev *dev, uint64_t now_ps);

/* The link goes up or down, with the event PORT_ACTIVE or PORT_ERR. A new device's is up. */
void roce_dev_set_link(struct roce_dev *dev, bool up, uint64_t now_ps);
bool roce_dev_link(const struct roce_dev *dev);
/* cffi: end */

/*
 * Says that now_ps is a real clock, on which this driver and its peers may run late. Transport timers then take up to
 * 4 x T instead of T (9.7.6.1.3 allows both), the longer the later answers have come lately.
 */
void roce_dev_on_real_clock(struct roce_dev *dev);

/*
 * Destinations that take nothing for the moment, because the receiver's buffer is full: a set of lanes, of which
 * roce_lane() gives each destination one. Their queue pairs send nothing until a set without them, and time spent so
 * is not counted by transport timers, as with a pause. Others go on.
 */
#define ROCE_LANES 64

static inline uint8_t roce_lane(const struct dp_ip *dgid, uint32_t dqpn)
{
	/* A process's queue pairs have the same top byte (docs/architecture.md), and one socket for all of them. */
	uint32_t h = dp_get_be32(dgid->b + 8) ^ dp_get_be32(dgid->b + 12) ^ dqpn >> 16 << 8;

	return (uint8_t)(h * 0x9e3779b1u >> 26);
}
void roce_dev_hold(struct roce_dev *dev, uint64_t lanes, uint64_t now_ps);

/* A CQ notification or an async event waits to be taken. */
bool roce_dev_has_events(const struct roce_dev *dev);

void roce_pkt_put(struct roce_dev *dev, struct roce_pkt *pkt);

/*
 * Thousands of devices in one thread and one time (a simulator) share their packets and their timing wheel: a pool,
 * freed after them. Then roce_pool_next_ps() takes the place of roce_dev_next_ps() of each, and roce_pool_tick(), until it
 * gives NULL, that of roce_dev_tick(): it runs one timer that is due and returns its device. They count together, too, and
 * have no multicast groups, lanes that are held, or counters of a queue pair.
 */
struct roce_pool;
struct roce_pool *roce_pool_new(void);
void roce_pool_free(struct roce_pool *pool);
struct roce_dev *roce_dev_new_in(const struct roce_dev_cfg *cfg, struct roce_pool *pool);
uint64_t roce_pool_next_ps(const struct roce_pool *pool);
struct roce_dev *roce_pool_tick(struct roce_pool *pool, uint64_t now_ps);
bool roce_dev_ready(const struct roce_dev *dev); /* there is something to send now */

/* For whoever has thousands: cache lines asked for ahead of a call. A device; then the queue pair that it will be about. */
void roce_dev_prefetch(const struct roce_dev *dev);
struct roce_qp *roce_dev_next_to_send(const struct roce_dev *dev); /* as of now; NULL: none */
void roce_qp_prefetch(const struct roce_qp *qp);

/* What a simulator asks of a queue pair. */
struct roce_qp *roce_dev_qp(const struct roce_dev *dev, uint32_t qpn); /* NULL: there is none */
void *roce_qp_user(const struct roce_qp *qp);
uint16_t roce_qp_sport(const struct roce_qp *qp);
uint32_t roce_qp_msn(const struct roce_qp *qp);      /* messages that came whole, modulo 2^24 */
uint32_t roce_qp_resent(const struct roce_qp *qp);   /* request packets sent again */
uint64_t roce_qp_rate_bps(const struct roce_qp *qp); /* congestion control's, of IP packets; 0: no limit */
bool roce_qp_oldest_request(const struct roce_qp *qp, uint64_t *wr_id); /* not complete; false: there is none */
uint64_t roce_qp_acked_bytes(const struct roce_qp *qp);                 /* of that one */

/*
 * The program's side of the rings, for drivers with threads: these four may run beside any call into the device that is
 * not a verb, one at a time for each queue. 0, or -EAGAIN: only the verb, inside the engine, can do it or say why not.
 * After sends, the bell is rung, and answered inside the engine: what was posted is kicked off, or flushed.
 */
int roce_post_send_beside(struct roce_qp *qp, const struct roce_send_wr *wr);
uint32_t roce_qp_send_room(const struct roce_qp *qp); /* so many sends the queue takes now, or more */
/*
 * Inside the engine and at the send queue at once: the request is executed here and now, if it can be without a packet
 * (direct.h). 0, 1: done, and a completion queue waits for it to be told, by now or at a time; -EAGAIN: post it.
 */
int roce_post_direct(struct roce_qp *qp, const struct roce_send_wr *wr, uint64_t now_ps);
int roce_post_recv_beside(struct roce_qp *qp, const struct roce_recv_wr *wr);
int roce_post_srq_recv_beside(struct roce_srq *srq, const struct roce_recv_wr *wr);
int roce_cq_take(struct roce_cq *cq, struct roce_wc *wc, int n); /* a count */
bool roce_cq_armed(const struct roce_cq *cq);                    /* a notification is asked for, as of now */
bool roce_cq_lost(const struct roce_cq *cq);                     /* it overflowed: roce_cq_poll() says so */
void roce_qp_ring(struct roce_qp *qp);
bool roce_dev_bells(const struct roce_dev *dev);  /* some are not answered */
void roce_dev_answer_bells(struct roce_dev *dev); /* inside the engine: before a verb, which then finds all posted */
/*
 * Takes the completions of a QP that nobody has polled yet out of its queues, as a verb. IBTA leaves it open what becomes
 * of them when a QP is reset or destroyed (10.3.1); adapters of the field discard them.
 */
void roce_qp_forget_completions(struct roce_qp *qp);
/* The QP failed while a receive was posted beside it: inside the engine, roce_qp_flush_recvs() completes it. */
bool roce_recv_flush_due(const struct roce_qp *qp);
void roce_qp_flush_recvs(struct roce_qp *qp);

#endif
