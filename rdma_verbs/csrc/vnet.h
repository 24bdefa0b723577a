/*
 * Virtual time: devices, each with its port, run against one clock that jumps from event to event. The same
 * engine, wire format and port wrappers as live; nothing waits and nothing is random that has no seed.
 */
#ifndef ROCE_VNET_H
#define ROCE_VNET_H

#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/verbs.h"

/* cffi: begin */
struct roce_vnet;

struct roce_vnet *roce_vnet_new(void);
void roce_vnet_free(struct roce_vnet *net); /* not its devices; ports that it was given, yes */
int roce_vnet_join(struct roce_vnet *net, struct roce_dev *dev, struct dp_port *port);
uint64_t roce_vnet_now_ps(const struct roce_vnet *net);

/* Runs every event up to and including until_ps. Returns events run, or -ELOOP after max_events of them. */
int64_t roce_vnet_run(struct roce_vnet *net, uint64_t until_ps, uint64_t max_events);

/* The same, but stops early as soon as one of the n CQs holds an entry. Returns events run. */
int64_t roce_vnet_run_cqe(struct roce_vnet *net, struct roce_cq **cqs, int n, uint64_t until_ps, uint64_t max_events);
/* cffi: end */

#endif
