/*
 * The live driver: one device on one port on the real clock. One lock for the engine; posting and taking completions do
 * not need it (docs/decisions/0006-locks-of-the-live-driver.md). A helper thread makes progress when nobody polls (all
 * signals blocked), and whoever polls a CQ in vain makes progress himself.
 *
 * In a forked child a driver is the parent's: calls give -EOWNERDEAD and touch nothing, stop() does nothing, and nothing
 * may be done with its device and port. During fork() nobody is inside the engine or at a ring (fork.h).
 */
#ifndef ROCE_LIVE_H
#define ROCE_LIVE_H

#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/verbs.h"

/* cffi: begin */
struct roce_live;

/*
 * Starts the helper thread. The device and the port stay the caller's and must outlive it. dilation: so many seconds of
 * the clock are one of the device, its timers and its port (live switches, docs/architecture.md); 1: none. NULL: errno.
 */
struct roce_live *roce_live_start(struct roce_dev *dev, struct dp_port *port, uint32_t dilation);
/* Under the lock, before the first queue pair: a way to processes of this machine. It must outlive the driver. */
struct roce_local;
void roce_live_set_local(struct roce_live *live, struct roce_local *local);
void roce_live_stop(struct roce_live *live);         /* joins the thread, frees live */
bool roce_live_forked(const struct roce_live *live); /* in a child: it is the parent's */

/* Around every call of verbs.h other than those below. 0, or -EOWNERDEAD: not locked, and no verb may be called. */
int roce_live_lock(struct roce_live *live);
void roce_live_unlock(struct roce_live *live); /* signals what fired and wakes the helper when there is work */

int roce_live_post_send(struct roce_live *live, struct roce_qp *qp, const struct roce_send_wr *wr, int n);
int roce_live_post_recv(struct roce_live *live, struct roce_qp *qp, const struct roce_recv_wr *wr, int n);
int roce_live_post_srq_recv(struct roce_live *live, struct roce_srq *srq, const struct roce_recv_wr *wr, int n);
int roce_live_poll(struct roce_live *live, struct roce_cq *cq, struct roce_wc *wc, int n);
/* As roce_cq_req_notify(), but knows that the program is about to sleep: progress is the helper's from now on. */
int roce_live_req_notify(struct roce_live *live, struct roce_cq *cq, int how);

/*
 * An eventfd, readable when a CQ's armed notification fired or an async event is queued: read it, then call
 * roce_dev_next_notified() and roce_dev_next_event() under the lock until each is empty.
 */
int roce_live_event_fd(const struct roce_live *live);
void roce_live_port_changed(struct roce_live *live); /* the port's descriptor is another one: wait for that */
uint64_t roce_live_now_ps(const struct roce_live *live);
/* cffi: end */

/*
 * Instead of the eventfd: whoever leaves the engine with something to tell calls fn before he unlocks it. It takes all
 * of it by roce_dev_next_notified() and roce_dev_next_event(), and calls nothing else of the engine or the driver.
 */
void roce_live_on_events(struct roce_live *live, void (*fn)(void *arg), void *arg);

#endif
