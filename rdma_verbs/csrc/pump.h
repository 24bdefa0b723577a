/*
 * Between a device and a byte port, for every driver: frames are parsed, checked and given to the engine; its
 * packets are built, batched, sealed and sent. Knows no clock; the driver passes the time.
 */
#ifndef ROCE_PUMP_H
#define ROCE_PUMP_H

#include "datapath/csrc/port.h"
#include "rdma_verbs/csrc/device.h"

#define ROCE_PUMP_FRAMES 64

struct roce_pump {
	struct roce_dev *dev;
	struct dp_port *port;
	int first, n;     /* built frames that the port has not taken yet */
	int nsealed;      /* of them from `first` on, these have an ICRC, for the headers in `sealed` */
	bool strict_icrc; /* no solving for an unknown IPv4 identification */
	uint8_t *buf;     /* payloads of the frames, one after the other: a batch is one piece of memory */
	struct dp_frame frames[ROCE_PUMP_FRAMES];
	struct dp_frame *v[ROCE_PUMP_FRAMES];
	uint8_t sealed[ROCE_PUMP_FRAMES][DP_L3_MAX];
};

int roce_pump_init(struct roce_pump *p, struct roce_dev *dev, struct dp_port *port); /* 0 or -ENOMEM */
void roce_pump_fini(struct roce_pump *p);

/* Receives, runs timers, sends; a bounded amount. Returns frames moved; call again while next_ps() <= now_ps. */
int roce_pump_run(struct roce_pump *p, uint64_t now_ps);

/* Sends only: for whoever just posted. */
int roce_pump_tx(struct roce_pump *p, uint64_t now_ps);

/* When run() has work by time; a blocked port's writability and a port's input come besides. */
uint64_t roce_pump_next_ps(const struct roce_pump *p);

/* The port took fewer frames than there were: try again when it says so or becomes writable. */
static inline bool roce_pump_blocked(const struct roce_pump *p)
{
	return p->n > 0;
}

#endif
