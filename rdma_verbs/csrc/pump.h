/*
 * Between a device and a byte port, for every driver: frames are parsed, checked and given to the engine; its
 * packets are built, batched, sealed and sent. Knows no clock; the driver passes the time.
 *
 * What the port does not take stays in its batch. A port that refuses by destination blocks only frames to that one:
 * the others of the batch go out, the engine is told which destinations to leave out (roce_dev_hold), and is asked for
 * more in a further batch.
 */
#ifndef ROCE_PUMP_H
#define ROCE_PUMP_H

#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/local.h"

#define ROCE_PUMP_FRAMES  64
#define ROCE_PUMP_BATCHES 16 /* with frames left; memory for one more than ever was needed */

struct roce_batch {
	int n;        /* frames left, in v in the order they were built */
	uint8_t *buf; /* payloads, one after the other: a batch is one piece of memory */
	struct dp_frame *v[ROCE_PUMP_FRAMES];
	struct dp_frame frames[ROCE_PUMP_FRAMES];
	uint8_t lane[ROCE_PUMP_FRAMES];
	struct roce_wire_sum sum[ROCE_PUMP_FRAMES];
	bool is_sealed[ROCE_PUMP_FRAMES]; /* has an ICRC, for the headers in `sealed` */
	uint8_t sealed[ROCE_PUMP_FRAMES][DP_L3_MAX];
};

struct roce_pump {
	struct roce_dev *dev;
	struct dp_port *port;
	struct roce_local *local; /* NULL: all goes through the port */
	uint64_t port_seen_ps;    /* the port had something last */
	uint64_t folded_ps, local_tried_ps;
	uint32_t port_skips;
	bool strict_icrc;   /* no solving for an unknown IPv4 identification */
	uint8_t paused;     /* priorities, by the port's neighbour */
	bool refused;       /* the port took fewer frames than it was given, the last time */
	uint64_t resume_ps; /* when a pause ends */
	int n;              /* batches with frames left: the first of `batches`, oldest first */
	struct roce_batch *batches[ROCE_PUMP_BATCHES];
};

int roce_pump_init(struct roce_pump *p, struct roce_dev *dev, struct dp_port *port); /* 0 or -ENOMEM */
void roce_pump_fini(struct roce_pump *p);

/* Receives, runs timers, sends; a bounded amount. Returns frames moved; call again while next_ps() <= now_ps. */
int roce_pump_run(struct roce_pump *p, uint64_t now_ps);

/* Sends only: for whoever just posted. */
int roce_pump_tx(struct roce_pump *p, uint64_t now_ps);

/* When run() has work by time; a blocked port's writability and a port's input come besides. */
uint64_t roce_pump_next_ps(const struct roce_pump *p);

/* The port took fewer frames than there were, or a pause holds some: try again when it says so or becomes writable. */
static inline bool roce_pump_blocked(const struct roce_pump *p)
{
	return p->n > 0;
}

#endif
