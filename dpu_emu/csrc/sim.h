/*
 * The fabric simulator: discrete events in integer picoseconds over hosts (the RoCE engine), switches (the traffic
 * manager) and links. Payload has no memory. The same seed gives the same outcome, bit by bit, on every machine; many
 * simulations live in one process. Built in this order: hosts and switches, links, routes, flows, faults, run.
 */
#ifndef EMU_SIM_H
#define EMU_SIM_H

#include "datapath/csrc/base.h"
#include "datapath/csrc/tm.h"
#include "rdma_verbs/csrc/cc.h"

/* cffi: begin */
struct emu_sim;

struct emu_host_cfg {
	struct roce_cc_cfg cc; /* rpg_max_rate 0: the rate of the host's link */
	uint32_t mtu_bytes;    /* path MTU: 256 to 4096 */
	uint32_t recovery;     /* enum roce_recovery */
	uint32_t ack_every;    /* packets */
	uint32_t timeout;      /* IBTA code */
	uint32_t retry_cnt;
	uint32_t tx_window;    /* packets; 0: the engine's */
	uint32_t rx_window;    /* packets that selective repeat holds behind a gap; 0: the engine's */
	uint32_t reorder_pkts; /* so many may overtake one before selective repeat takes it for lost */
	uint32_t nic_tx_ns;    /* doorbell to the first byte on the wire */
	uint32_t nic_rx_ns;    /* wire to the engine */
	uint32_t cnp_delay_ns; /* CE packet to CNP */
	uint32_t ack_delay_ns; /* longest that an ACK may wait for others; 0: none */
	uint64_t pcie_bps;     /* what the receiver drains at; 0: no limit */
	uint64_t pcie_latency_ps;
	uint32_t miss_e6;         /* translation misses per 10^6 packets */
	uint32_t miss_ns;         /* each stalls the drain */
	uint64_t rx_buffer_bytes; /* over rx_xoff_bytes the NIC sends PFC */
	uint64_t rx_xoff_bytes, rx_xon_bytes;
	uint8_t data_prio, cnp_prio, ack_prio;
	uint8_t pad[5];
};

enum emu_balance { EMU_BALANCE_ECMP = 0, EMU_BALANCE_SPRAY = 1 };
struct emu_switch_cfg {
	struct dp_tm_cfg tm;      /* nports and seed are filled in */
	uint64_t ecmp_seed;       /* equal in every switch: polarisation */
	uint32_t balance;         /* enum emu_balance */
	uint32_t pipeline_ns;     /* input to queue */
	uint32_t pfc_response_ns; /* after a PFC frame has come; 0: 802.3's for the speed */
	uint32_t pad;
};

struct emu_link_cfg {
	uint32_t a, b;           /* nodes; a port of each, in the order of links */
	uint64_t rate_bps;       /* each way */
	uint64_t delay_ps;       /* propagation */
	uint32_t loss_e9;        /* of each packet, per 10^9 */
	uint32_t overhead_bytes; /* a packet on the wire, beyond the IP packet: 38 on Ethernet */
};

/* A message (an RDMA WRITE) from host to host; it starts when `after` others (by emu_sim_after) are done, and not before
 * start_ps. Flows of one pair and `channel` share their queue pairs, and go in order. */
struct emu_flow {
	uint32_t src, dst;
	uint64_t bytes, start_ps;
	uint32_t qps; /* the message is dealt over so many queue pairs */
	uint32_t channel;
	uint32_t prio; /* 0 to 7; 255: the host's */
	uint32_t tag;  /* the owner's: a collective, a tenant */
};
struct emu_after {
	uint32_t flow, before; /* flow waits for before's last byte to arrive */
	uint64_t delay_ps;
};
struct emu_flow_result {
	uint64_t begin_ps;     /* posted; DP_NEVER (all ones): never */
	uint64_t last_byte_ps; /* arrived at the receiver */
	uint64_t done_ps;      /* the sender's completion */
	uint64_t acked_bytes;
	uint32_t status; /* enum roce_wc_status of the first failure */
	uint32_t retransmitted_pkts;
};

enum emu_fault_kind { EMU_FAULT_DOWN = 0, EMU_FAULT_UP, EMU_FAULT_RATE, EMU_FAULT_LOSS, EMU_FAULT_DELAY };
struct emu_fault {
	uint64_t at_ps;
	uint32_t link, kind;
	uint64_t value;            /* bits a second, per 10^9, ps */
	uint64_t reroute_delay_ps; /* down, up: until routes follow */
};

/* Of one direction of a link: 2 x link for a to b, 2 x link + 1 for b to a. */
struct emu_link_stats {
	uint64_t data_pkts, data_bytes, ack_pkts, cnp_pkts, lost_pkts; /* bytes: on the wire; ack_pkts with the CNPs */
	uint64_t pfc_pkts;                                             /* sent in this direction */
	uint64_t paused_ps[8]; /* this direction's sender was paused, by priority */
	uint64_t busy_ps;
	uint64_t peak_queue_bytes; /* before it */
};
struct emu_pause_event {
	uint64_t at_ps;
	uint32_t dir; /* direction that is paused */
	uint8_t prio, on;
	uint16_t cause_port; /* of the switch that asks, the most full egress port; 65535: a host's receive buffer */
};
struct emu_sample {
	uint64_t at_ps;
	uint64_t value;
};
enum emu_probe_kind {
	EMU_PROBE_QUEUE = 0 /* dir, prio: bytes */,
	EMU_PROBE_TX = 1 /* dir: wire bytes since the last */,
	EMU_PROBE_FLOW = 2 /* flow: acknowledged bytes */,
	EMU_PROBE_RATE = 3 /* flow: CC's rate, bit/s */,
	EMU_PROBE_BUFFER = 4 /* switch: bytes in use */
};
struct emu_probe {
	uint32_t kind, id, prio, pad;
	uint64_t interval_ps, from_ps;
};
struct emu_sim_stats {
	uint64_t now_ps, events, data_hops, ack_hops, other_hops;
	uint64_t drops, marked, pfc_frames, pkts_live, pkts_peak;
	uint64_t flows, flows_done, hash; /* hash: of flows that end, drops, pauses and faults, in order */
	uint64_t deadlocks;
};

struct emu_sim *emu_sim_new(uint64_t seed);
void emu_sim_free(struct emu_sim *sim);
const char *emu_sim_error(const struct emu_sim *sim); /* of the last call that failed: object, value, limit */

/* Node number, or -errno. */
int64_t emu_sim_host(struct emu_sim *sim, const struct emu_host_cfg *cfg);
int64_t emu_sim_switch(struct emu_sim *sim, const struct emu_switch_cfg *cfg);
int emu_sim_links(struct emu_sim *sim, const struct emu_link_cfg *v, uint32_t n);
/* Shortest paths by hops, every equal one. -ENETUNREACH: names two hosts that do not reach each other. */
int emu_sim_route(struct emu_sim *sim);
/* Instead, or besides: towards host dst, switch `node` uses these ports only. */
int emu_sim_route_set(struct emu_sim *sim, uint32_t node, uint32_t dst, const uint16_t *ports, uint32_t n);
int emu_sim_flows(struct emu_sim *sim, const struct emu_flow *v, uint32_t n);
int emu_sim_after(struct emu_sim *sim, const struct emu_after *v, uint32_t n);
int emu_sim_faults(struct emu_sim *sim, const struct emu_fault *v, uint32_t n);
int emu_sim_probes(struct emu_sim *sim, const struct emu_probe *v, uint32_t n);
/* Packets of these links, with virtual timestamps, to a pcapng file. */
int emu_sim_capture(struct emu_sim *sim, const char *path, const uint32_t *links, uint32_t n);
/* Pause events are kept: so many at most. */
int emu_sim_trace_pauses(struct emu_sim *sim, uint64_t max);

/* For tests: all sums are looked at after so many events each (1: every one), and one that is wrong aborts; 0: never.
 * Sanitized builds begin with 64. */
void emu_sim_check_every(struct emu_sim *sim, uint32_t events);

/* Runs until the time, or until every flow is done when until_done. Events run, or -errno. May be called again. */
int64_t emu_sim_run(struct emu_sim *sim, uint64_t until_ps, uint64_t max_events, int until_done);

void emu_sim_stats(const struct emu_sim *sim, struct emu_sim_stats *out);
int64_t emu_sim_flow_results(const struct emu_sim *sim, struct emu_flow_result *v, uint64_t n);
int64_t emu_sim_link_stats(const struct emu_sim *sim, struct emu_link_stats *v, uint64_t n); /* 2 x links */
int64_t emu_sim_pauses(const struct emu_sim *sim, struct emu_pause_event *v, uint64_t n);
int64_t emu_sim_samples(const struct emu_sim *sim, uint32_t probe, struct emu_sample *v, uint64_t n);
const struct dp_tm_stats *emu_sim_switch_stats(const struct emu_sim *sim, uint32_t node);
/* A cycle of paused directions that wait for each other, as of now: how many, 0 for none. */
int64_t emu_sim_deadlock(struct emu_sim *sim, uint32_t *dirs, uint64_t n);
/* cffi: end */

#endif
