/*
 * A port that loses, duplicates, reorders, corrupts and delays frames, by seeded chance and by rules; the frames of
 * the caller and of the inner port are never changed, faults happen to copies.
 *
 * Above a port whose prepare() predicts header fields (a UDP socket) the fate of a frame is decided in prepare(), so
 * that what is dropped is not part of the prediction; copies (duplicates, late frames) follow after the batch, with
 * an identification of their own, which a strict receiver may refuse. Inject on receive there, or leave l3 alone.
 */
#ifndef DP_PORT_FAULT_H
#define DP_PORT_FAULT_H

#include "datapath/csrc/port.h"

/* cffi: begin */
enum dp_fault_dir { DP_FAULT_TX = 1, DP_FAULT_RX = 2, DP_FAULT_BOTH = 3 };

enum dp_fault_action {
	DP_FAULT_NONE = 0, /* let it pass, untouched by chance too */
	DP_FAULT_DROP = 1,
	DP_FAULT_DUP = 2,
	DP_FAULT_CORRUPT = 3,
	DP_FAULT_DELAY = 4,
	DP_FAULT_MARK_CE = 5 /* as a congested switch: ECN = CE where it was ECT, RFC 3168; else it passes */
};

/* Chances are parts per 10^9, each frame draws them in this order; the first that hits is its fate. */
struct dp_fault_cfg {
	uint64_t seed;
	uint32_t dir; /* enum dp_fault_dir, of the chances; 0: both */
	uint32_t loss_ppb;
	uint32_t dup_ppb;
	uint32_t reorder_ppb;
	uint32_t corrupt_ppb;
	uint32_t delay_ppb;
	uint32_t reorder_frames; /* a reordered frame waits until this many later ones have passed; 0: 3 */
	uint32_t data_only;      /* 1: corruption spares the IP and UDP header */
	uint64_t reorder_ps;     /* and at most this long; 0: 1 ms */
	uint64_t delay_min_ps;   /* uniform between both, inclusive */
	uint64_t delay_max_ps;
	uint32_t max_held; /* copies held at a time; a frame that finds no room passes unharmed; 0: 4096 */
};

/*
 * Matches a frame whose bytes at `offset` of data (the UDP payload), under `mask`, equal `value`. Of the matches the
 * first `skip` pass, the next `count` (0: all) get the action. Rules are tried in order, each counts its matches;
 * the first that acts decides, and chance has no say then.
 */
struct dp_fault_rule {
	uint32_t offset;
	uint32_t len; /* bytes compared, 0 (every frame) to 8 */
	uint8_t mask[8];
	uint8_t value[8];
	uint32_t dir;    /* enum dp_fault_dir; 0: both */
	uint32_t action; /* enum dp_fault_action */
	uint32_t skip;
	uint32_t count;
	uint64_t delay_ps; /* DP_FAULT_DELAY */
};

/* cfg NULL: no chance faults. */
struct dp_port *dp_port_fault_new(struct dp_port *inner, const struct dp_fault_cfg *cfg);

/* At any time between two calls of the port: new chances (the generator starts from the seed again), new rules
 * (their counts start at 0; at most 32). Held copies stay. Return 0 or -EINVAL. */
int dp_port_fault_set(struct dp_port *port, const struct dp_fault_cfg *cfg);
int dp_port_fault_set_rules(struct dp_port *port, const struct dp_fault_rule *rules, uint32_t n);

uint64_t dp_port_fault_rule_matches(const struct dp_port *port, uint32_t rule); /* frames that fitted */
uint64_t dp_port_fault_rule_hits(const struct dp_port *port, uint32_t rule);    /* frames acted on */
uint32_t dp_port_fault_held(const struct dp_port *port);                        /* copies waiting now */
uint64_t dp_port_fault_no_room(const struct dp_port *port); /* frames that passed because max_held was reached */
/* cffi: end */

#endif
