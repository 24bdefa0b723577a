/*
 * Inside of the simulator (sim.h). A node is a host or a switch; a link has two directions, each with its sender's
 * clock of when the wire is free.
 *
 *   sim.c          the object, its checks, the loop
 *   sim_event.c    the event queue
 *   sim_pkt.c      packets: pool, conversion to and from the engine's
 *   sim_link.c     directions: serialisation, flight, loss, faults
 *   sim_switch.c   traffic manager between directions;  sim_route.c  where to
 *   sim_host.c     engine and NIC;  sim_flow.c  what is sent when
 *   sim_pfc.c      PFC frames;  sim_deadlock.c  cycles of pauses
 *   sim_probe.c    samples;  sim_capture.c  pcapng
 *
 * Events per hop: a direction has one event for the packet that arrives next (its packets arrive in the order in which
 * they were sent), and one for when its wire is free, armed only while something waits for it. So an idle path costs
 * one event a hop, a queue two.
 *
 * Everything is found by number, since tables move when they grow; only devices of the engine know a host by pointer.
 */
#ifndef EMU_SIM_INT_H
#define EMU_SIM_INT_H

#include <assert.h>

#include "datapath/csrc/rng.h"
#include "dpu_emu/csrc/sim.h"
#include "dpu_emu/csrc/sim_event.h"
#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/opcode.h"

#define EMU_NONE       UINT32_MAX
#define EMU_MAX_PARTS  1024
#define EMU_ETH_BYTES  18 /* header and FCS: what a switch's buffer holds of a frame beyond the IP packet */
#define EMU_PFC_BYTES  64
#define EMU_PFC_QUANTA 65535

/* Events below 4 x links: of direction event / 2. */
enum emu_dir_event { EMU_DIR_ARRIVE = 0, EMU_DIR_FREE = 1 /* the wire is free */ };

enum emu_ev {
	EMU_EV_PFC,     /* id: direction, arg: mask; takes effect at its receiver */
	EMU_EV_REFRESH, /* id: direction that is paused */
	EMU_EV_EXPIRE,  /* id: direction whose pause runs out */
	EMU_EV_TM,      /* id: switch */
	EMU_EV_LINE,    /* id: host, arg: which line */
	EMU_EV_DRAIN,   /* id: host */
	EMU_EV_RX,      /* id: host: the oldest packet of its latency line reaches the engine */
	EMU_EV_START,   /* id: flow */
	EMU_EV_POST,    /* id: flow */
	EMU_EV_FAULT,   /* id: fault */
	EMU_EV_REROUTE,
	EMU_EV_PROBE, /* id: probe */
};

/* Also the tenant of an entry of a traffic manager: what is dequeued need not be looked at. */
enum emu_pkt_kind { EMU_PKT_DATA, EMU_PKT_ACK, EMU_PKT_CNP };

/* What all packets from one queue pair to its peer have in common. */
struct emu_way {
	uint32_t src, dst; /* nodes */
	uint32_t leaf;     /* of dst */
	uint32_t hash;     /* for ECMP */
	uint32_t dqpn, rkey;
	uint32_t live; /* packets */
	uint16_t sport;
	uint16_t pad;
};

/* A packet in the fabric: half a cache line. The rest follows from its way. */
struct emu_pkt {
	uint32_t next;
	uint32_t way;
	uint64_t at_ps; /* on a wire: when the next one arrives; in a line of a NIC: when this one leaves it */
	uint32_t psn : 24, opcode : 8;
	uint16_t len : 13, prio : 3; /* payload */
	uint8_t bth_flags : 6, ecn : 2;
	uint8_t syndrome;
	union {
		struct { /* a request's; va: from where the message begins, all begin at 0 */
			uint32_t va, dma_len;
		};
		struct { /* an acknowledgement's */
			uint32_t msn;
			uint32_t sack; /* in emu_sim.sacks; EMU_NONE: it has none */
		};
	};
};
_Static_assert(sizeof(struct emu_pkt) == 32, "two packets in a cache line");

static inline enum emu_pkt_kind emu_pkt_kind(const struct emu_pkt *p)
{
	if (p->opcode == ROCE_OPCODE_CNP)
		return EMU_PKT_CNP;
	return roce_opcode_operation(p->opcode) == ROCE_OP_ACKNOWLEDGE ? EMU_PKT_ACK : EMU_PKT_DATA;
}

/* Bytes from the IP header on. */
static inline uint32_t emu_pkt_l3_bytes(const struct emu_pkt *p)
{
	return 28 + roce_opcode_info(p->opcode)->hdr_len + ((p->len + 3u) & ~3u) + ROCE_ICRC_BYTES;
}

#define EMU_SLAB_PKTS 1024

struct emu_sack {
	uint32_t next;
	uint32_t psn, ce_bytes;
	uint64_t bits[ROCE_SACK_BITS / 64];
};

struct emu_fifo {
	uint32_t head, tail;
};

/* Of a direction that was ever paused. */
struct emu_pause {
	uint64_t since_ps[8], paused_ps[8];
	uint64_t until_ps;
	uint32_t refresh_ev;
	bool refreshing, expiring, deadlocked;
};

/* One direction of a link. The first line is what a hop needs, the second what it counts. */
struct emu_dir {
	uint64_t busy_ps;     /* the wire is free then */
	uint64_t delay_ps;    /* end of the last bit to where the packet is dealt with */
	uint32_t ps_per_byte; /* 0: not whole */
	uint32_t loss_e9;
	uint32_t to_index, from_index; /* in hosts or switches */
	uint32_t queued, queued_bytes; /* at a switch: in the port's queues */
	struct emu_fifo flight;
	uint16_t in_port, out_port; /* at `to`, at `from` */
	uint16_t overhead;
	bool to_host, from_host, down, captured;
	bool arrive_armed, free_armed;
	bool stale;     /* the event that is armed is of a packet that went down with the link */
	bool held;      /* none arrives before not_before_ps: the delay became shorter */
	uint8_t paused; /* as its sender knows */
	uint8_t asked;  /* as its receiver asks, which the sender may not know yet */

	struct {
		uint64_t data_pkts, bytes, ack_pkts, cnp_pkts, lost_pkts, pfc_pkts, busy_ps, peak_queue_bytes;
	} stats;

	uint64_t rate_bps, rem; /* bits x 10^12 not yet counted as time */
	uint64_t prop_ps;
	uint32_t to, from;  /* nodes */
	struct dp_rng *rng; /* when it loses */
	struct emu_pause *pause;
	uint64_t head_at_ps; /* when stale: of the first packet */
	uint64_t not_before_ps;
};
_Static_assert(sizeof(struct emu_dir) == 192, "a direction is three cache lines");

enum { EMU_LINE_CNP, EMU_LINE_ACK, EMU_LINES };

struct emu_host {
	struct roce_dev *dev;
	struct roce_pd *pd;
	struct roce_cq *cq;
	uint32_t lkey, rkey;
	uint32_t node, cfg, dir;         /* cfg: in host_cfgs; dir: out of it */
	struct emu_fifo line[EMU_LINES]; /* wait for cnp_delay_ns, ack_delay_ns */
	struct emu_fifo ctl;             /* ready to be sent before what the engine has */
	uint32_t line_ev[EMU_LINES];
	struct emu_rx *rx; /* receiver's buffer; NULL: not modelled */
};

/* The receiver's buffer: drained by the PCIe link, stalled by translation misses. */
struct emu_rx {
	struct emu_fifo queue, latency; /* waiting; drained, on the way to the engine */
	uint64_t bytes, free_ps, rem;
	uint32_t drain_ev, rx_ev;
	struct dp_rng rng;
	bool draining, xoff;
};

struct emu_switch {
	struct dp_tm *tm;
	const uint32_t *out;  /* by port: direction out of it */
	const uint16_t *hops; /* by leaf: group of ports; 0: none */
	uint16_t *by_host;    /* set by hand, by host; 0: not set */
	uint32_t group0;      /* its first group */
	uint32_t seed;        /* of ECMP */
	uint64_t timer_ps;    /* the traffic manager's next, as armed */
	uint32_t node, cfg, nports;
	bool spray;
	struct dp_rng rng; /* spraying */
};
#define EMU_HOP_HERE UINT16_MAX /* the leaf is this switch itself */

struct emu_node {
	bool is_host;
	uint32_t index;         /* in hosts or switches */
	uint32_t nports, port0; /* its ports: directions out of it, in emu_sim.ports */
	uint32_t leaf;          /* of a host: number of the switch (or host) that it hangs on */
	uint16_t leaf_port;     /* of a host: port there */
};

/* A queue pair at each end; `nparts` of them make a channel between two hosts. */
struct emu_part {
	struct roce_qp *tx, *rx;
	uint32_t channel;
	uint32_t msn;            /* of the receiver, as of its last packet */
	uint32_t depth, out;     /* requests that fit; that are posted and not complete */
	uint32_t flow;           /* whose bytes are posted next; EMU_NONE: nobody's */
	uint64_t posted_bytes;   /* of that one, by this part */
	uint32_t oldest, newest; /* messages that have not come whole */
	uint32_t retransmitted;  /* counted already */
	bool dead;
};

struct emu_msg { /* a WRITE */
	uint32_t flow, part, next, bytes;
	bool arrived, complete;
};

/* Flows between two hosts that share queue pairs. These exist while a flow is under way. */
struct emu_channel {
	uint32_t src, dst, channel, nparts, prio;
	uint32_t first;      /* in parts; EMU_NONE: not connected now */
	uint32_t unfinished; /* flows */
	uint32_t last;       /* flow begun last */
	uint32_t next;       /* in the hash table */
};

struct emu_flow_state {
	struct emu_flow cfg;
	struct emu_flow_result res;
	uint32_t channel;
	uint32_t waits; /* for so many others */
	uint32_t after; /* first in emu_sim.after of those that wait for it */
	uint32_t next;  /* begun after it in its channel */
	uint64_t ready_ps;
	uint64_t to_arrive, to_complete; /* bytes */
};

struct emu_after_edge {
	uint32_t flow, next;
	uint64_t delay_ps;
};

struct emu_probe_state {
	struct emu_probe cfg;
	struct emu_sample *v;
	uint32_t n, room;
	uint64_t last;
	uint32_t event;
};

struct emu_hop_group {
	uint32_t first; /* in group_ports */
	uint16_t n;
	uint16_t base; /* the first port, when they are consecutive, as they are in regular fabrics */
	bool consecutive;
};

struct emu_set_route { /* by hand */
	uint32_t node, dst, first, n;
};

struct emu_sim {
	uint64_t seed, now_ps;
	struct emu_events events;
	struct roce_pool *pool;
	uint64_t timers_ps; /* roce_pool_next_ps() */

	struct emu_pkt **slabs; /* of packets */
	uint32_t nslabs, slabs_room, pkts_n, pkts_free;
	struct emu_sack *sacks;
	uint32_t sacks_n, sacks_room, sacks_free;
	struct roce_pkt scratch; /* what the engine is given; only some fields ever change */
	uint64_t injected, delivered;

	struct emu_node *nodes;
	uint32_t nnodes, nodes_room;
	struct emu_host *hosts;
	uint32_t nhosts, hosts_room;
	struct emu_host_cfg *host_cfgs; /* each different one once */
	uint32_t nhost_cfgs, host_cfgs_room;
	struct emu_switch *switches;
	uint32_t nswitches, switches_room;
	struct emu_switch_cfg *switch_cfgs;
	uint32_t nswitch_cfgs, switch_cfgs_room;
	struct emu_link_cfg *links;
	uint32_t nlinks, links_room;
	struct emu_dir *dirs;
	uint32_t ndirs;
	uint32_t *ports; /* by node: directions out of it */

	uint32_t nleaves;
	uint32_t *leaf_nodes;
	uint16_t *hops; /* by switch and leaf: group of ports, of the switch's groups; 0: none */
	struct emu_hop_group *groups;
	uint32_t ngroups, groups_room;
	uint16_t *group_ports;
	uint32_t ngroup_ports, group_ports_room;
	struct emu_set_route *set_routes;
	uint32_t nset_routes, set_routes_room;
	uint16_t *set_ports;
	uint32_t nset_ports, set_ports_room;
	uint32_t computed_groups, computed_group_ports; /* those behind them were set by hand */
	bool routed;

	struct emu_flow_state *flows;
	uint32_t nflows, flows_room, finished;
	struct emu_channel *channels;
	uint32_t nchannels, channels_room, *channel_table, channel_mask;
	struct emu_part *parts;
	struct emu_way *ways; /* of part i: 2 i from the sender, 2 i + 1 back */
	uint32_t nparts, parts_room, ways_room;
	struct {
		uint32_t head, tail; /* closed ones, by width of their channel, the oldest first */
	} parts_free[EMU_MAX_PARTS + 1];
	struct emu_msg *msgs;
	uint32_t nmsgs, msgs_room, msgs_free, msgs_open;
	uint32_t armed_flows; /* those before it have their start armed, or wait */
	struct emu_after_edge *after;
	uint32_t nafter, after_room;

	struct emu_fault *faults;
	uint32_t nfaults, faults_room;
	struct emu_probe_state *probes;
	uint32_t nprobes, probes_room;
	uint32_t background; /* armed events that alone keep nothing going: probes, refreshes */
	struct emu_pause_event *pauses;
	uint32_t npauses, pauses_room;
	uint64_t pauses_max;
	struct emu_capture *capture;

	struct emu_sim_stats stats;
	uint64_t lost;       /* on links */
	uint64_t unroutable; /* of the drops */
	uint32_t check_every, until_check;
	int broken; /* -errno: memory ran out in the middle */
	char error[256];
};

/* sim.c */
int emu_fail(struct emu_sim *sim, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Room for `more` in a table of the simulation; false: no memory. */
bool emu_room(void **v, uint32_t n, uint32_t more, uint32_t *room, size_t bytes);
#define EMU_ROOM(sim, table, n, more, room_) \
	emu_room((void **)&(sim)->table, (sim)->n, more, &(sim)->room_, sizeof(*(sim)->table))
static inline void emu_hash(struct emu_sim *sim, uint64_t value)
{
	uint64_t h = (sim->stats.hash ^ value) * 0x9e3779b97f4a7c15ull;

	sim->stats.hash = h ^ h >> 29;
}
/* After any call into the engine. */
static inline void emu_timers(struct emu_sim *sim)
{
	sim->timers_ps = roce_pool_next_ps(sim->pool);
}
void emu_broken(struct emu_sim *sim); /* no memory in the middle of a run */
static inline void emu_once(struct emu_sim *sim, uint8_t kind, uint32_t id, uint32_t arg, uint64_t at_ps)
{
	uint32_t e = emu_events_add(&sim->events, kind, id, arg);

	if (e == EMU_EVENT_NONE)
		emu_broken(sim);
	else
		emu_events_arm(&sim->events, e, at_ps);
}

/* sim_pkt.c */
uint32_t emu_pkt_get(struct emu_sim *sim); /* EMU_NONE: no memory */
void emu_pkt_put(struct emu_sim *sim, uint32_t p);
uint32_t emu_pkt_from(struct emu_sim *sim, const struct roce_dev *dev, const struct roce_pkt *pkt);
void emu_way_open(struct emu_sim *sim, uint32_t way, uint32_t src, uint32_t dst, const struct roce_qp *from,
		  uint32_t dqpn);
const struct roce_pkt *emu_pkt_to(struct emu_sim *sim, const struct emu_pkt *p);
void emu_address(uint32_t node, struct dp_ip *ip);
uint32_t emu_address_node(const struct dp_ip *ip);
static inline struct emu_pkt *emu_pkt(const struct emu_sim *sim, uint32_t p)
{
	return &sim->slabs[p / EMU_SLAB_PKTS][p % EMU_SLAB_PKTS];
}
static inline void emu_fifo_init(struct emu_fifo *f)
{
	f->head = f->tail = EMU_NONE;
}
static inline void emu_fifo_push(struct emu_sim *sim, struct emu_fifo *f, uint32_t p)
{
	emu_pkt(sim, p)->next = EMU_NONE;
	if (f->head == EMU_NONE)
		f->head = p;
	else
		emu_pkt(sim, f->tail)->next = p;
	f->tail = p;
}
static inline uint32_t emu_fifo_pop(struct emu_sim *sim, struct emu_fifo *f)
{
	uint32_t p = f->head;

	f->head = emu_pkt(sim, p)->next;
	return p;
}

/* sim_link.c */
int emu_links_build(struct emu_sim *sim);
/* Puts a packet on the wire, which is free. */
void emu_dir_send(struct emu_sim *sim, uint32_t d, uint32_t p, uint32_t l3_bytes, enum emu_pkt_kind kind);
void emu_dir_arrive(struct emu_sim *sim, uint32_t d);
uint64_t emu_dir_serialise(struct emu_dir *dir, uint32_t bytes);
static inline void emu_dir_wait(struct emu_sim *sim, struct emu_dir *dir) /* something waits for the wire */
{
	if (dir->free_armed)
		return;
	dir->free_armed = true;
	emu_events_arm(&sim->events, (uint32_t)(dir - sim->dirs) * 2 + EMU_DIR_FREE, DP_MAX(dir->busy_ps, sim->now_ps));
}
void emu_fault_apply(struct emu_sim *sim, uint32_t i);

/* sim_switch.c */
int emu_switch_build(struct emu_sim *sim, struct emu_switch *sw);
void emu_switch_arrive(struct emu_sim *sim, struct emu_switch *sw, struct emu_dir *in, uint32_t p);
void emu_switch_free(struct emu_sim *sim, struct emu_dir *out);
void emu_switch_tick(struct emu_sim *sim, struct emu_switch *sw);
void emu_switch_timer(struct emu_sim *sim, struct emu_switch *sw);
void emu_switch_prefetch(struct emu_sim *sim, const struct emu_dir *dir, bool arriving);
void emu_switch_settle(struct emu_sim *sim, struct emu_switch *sw);

/* sim_host.c */
int emu_host_build(struct emu_sim *sim, struct emu_host *host);
void emu_host_arrive(struct emu_sim *sim, struct emu_host *host, uint32_t p);
void emu_host_send(struct emu_sim *sim, struct emu_host *host); /* whatever can be sent */
void emu_host_line(struct emu_sim *sim, struct emu_host *host, uint32_t line);
void emu_host_drain(struct emu_sim *sim, struct emu_host *host);
void emu_host_rx(struct emu_sim *sim, struct emu_host *host);
void emu_host_polled(struct emu_sim *sim, struct emu_host *host); /* takes completions */

/* sim_route.c */
int emu_route_check(struct emu_sim *sim);
int emu_route_build(struct emu_sim *sim);
uint32_t emu_route_ahead(const struct emu_sim *sim, const struct emu_switch *sw, const struct emu_pkt *p);
uint32_t emu_route(struct emu_sim *sim, struct emu_switch *sw, const struct emu_pkt *p); /* port; EMU_NONE: no way */

/* sim_flow.c */
int emu_flows_arm(struct emu_sim *sim); /* those that are new since the last run */
void emu_flow_start(struct emu_sim *sim, uint32_t f);
void emu_flow_post(struct emu_sim *sim, uint32_t f); /* the doorbell has been heard */
void emu_flow_completed(struct emu_sim *sim, const struct roce_wc *wc);
void emu_part_heard(struct emu_sim *sim, uint32_t part); /* its receiver has had a packet */
uint64_t emu_flow_acked(const struct emu_sim *sim, uint32_t f);
uint64_t emu_flow_rate(const struct emu_sim *sim, uint32_t f);

/* sim_pfc.c */
void emu_pfc_ask(struct emu_sim *sim, uint32_t d, uint8_t mask); /* the receiver of d pauses its sender */
void emu_pfc_arrive(struct emu_sim *sim, uint32_t d, uint8_t mask, uint16_t cause);
void emu_pfc_refresh(struct emu_sim *sim, uint32_t d);
void emu_pfc_expire(struct emu_sim *sim, uint32_t d);
void emu_pfc_reset(struct emu_sim *sim, uint32_t d);
uint64_t emu_pfc_response_ps(uint64_t rate_bps);

/* sim_deadlock.c */
bool emu_deadlocked(struct emu_sim *sim, uint32_t d, uint8_t prio);

/* sim_probe.c */
void emu_probe_sample(struct emu_sim *sim, uint32_t i);

/* sim_capture.c */
void emu_capture_packet(struct emu_sim *sim, uint32_t d, const struct emu_pkt *p, uint64_t at_ps);
void emu_capture_pfc(struct emu_sim *sim, uint32_t d, uint8_t pause, uint8_t resume, uint64_t at_ps);
int emu_capture_flush(struct emu_sim *sim);
void emu_capture_free(struct emu_sim *sim);

#endif
