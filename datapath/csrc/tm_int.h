/*
 * Inside of the traffic manager. All state of a (port, priority) lies in arrays by priority that exist once a packet
 * or a pause of that priority has come: fabrics have thousands of ports and use two or three priorities.
 */
#ifndef DP_TM_INT_H
#define DP_TM_INT_H

#include "datapath/csrc/rng.h"
#include "datapath/csrc/tm.h"

#define TM_NONE UINT32_MAX
#define TM_E6   1000000u

/* A packet in a queue, linked by index into dp_tm.entries. */
struct tm_entry {
	uint32_t next;
	uint32_t handle;
	uint16_t len;
	uint16_t in_port, out_port;
	uint8_t prio : 4, flags : 4;
	uint8_t tenant;
};
_Static_assert(sizeof(struct tm_entry) == 16, "there are hundreds of thousands of them");
#define TM_ECT 1
#define TM_CE  2

/*
 * Bytes here and in dp_tm are cells' worth. What is not headroom fills the reserve first, so the shared part follows
 * from the two counts.
 */
struct tm_pg {
	uint64_t used;
	uint32_t headroom;
	uint32_t xoff; /* place in dp_tm.xoffs, plus 1; 0: Xon */
};

struct tm_queue {
	uint32_t head, tail; /* TM_NONE: empty */
	uint64_t bytes;      /* of packets: ECN and limits do not see cells */
	uint64_t until_ps;   /* when paused */
	uint64_t deficit;    /* DRR */
};

/* Of the watchdog, by queue. */
struct tm_dog {
	uint64_t since_ps;  /* the pause began, or the last poll was */
	uint64_t paused_ps; /* in this interval, before since_ps */
	uint64_t clear_ps;  /* in a storm: the last pause ended */
	uint32_t stuck;     /* polls in a row */
	bool sent;          /* in this interval */
};

struct tm_port {
	uint8_t active; /* masks of priorities: queue not empty */
	uint8_t paused; /* by the neighbour */
	uint8_t storm;  /* as the watchdog says */
	uint8_t xoff;   /* the neighbour shall pause */
	uint8_t told;   /* what dp_tm_next_pfc() last said of it */
	uint8_t turn;   /* DRR: priority that is served */
	bool in[2];
	uint32_t next[2]; /* in lists of ports, each once, in the order of what happened */
};
enum tm_list { TM_PFC = 0, TM_READY = 1 };

struct dp_tm {
	struct dp_tm_stats stats;
	uint64_t shared_total, headroom_total;
	uint64_t next_ps; /* no timer is due before */
	struct tm_entry *entries;
	struct tm_port *ports;
	uint32_t free_entry, entries_used, entries_cap;
	uint32_t *xoffs; /* PGs at Xoff: prio << 16 | port */
	uint32_t nxoffs, xoff_turn;
	uint8_t strict; /* masks of priorities */
	uint8_t lossless;
	struct tm_queue *queues[DP_TM_PRIOS];
	struct tm_pg *pgs[DP_TM_PRIOS];
	struct tm_dog *dogs[DP_TM_PRIOS];
	uint32_t npaused, nstorms;      /* queues */
	uint64_t poll_ps, last_poll_ps; /* watchdog; poll_ps DP_NEVER: nothing to watch */
	uint32_t list_head[2], list_tail[2];
	uint32_t dropped_head, dropped_tail;
	uint64_t calls_unchecked;
	struct dp_rng rng;
	struct dp_tm_cfg cfg;
};

static inline uint64_t tm_cost(const struct dp_tm *tm, uint32_t len)
{
	uint32_t cell = tm->cfg.cell_bytes;

	return cell == 1 ? len : ((uint64_t)len + cell - 1) / cell * cell;
}

static inline uint64_t tm_pg_shared(const struct tm_pg *pg, const struct dp_tm_class *c)
{
	uint64_t settled = pg->used - pg->headroom;

	return settled > c->reserve_bytes ? settled - c->reserve_bytes : 0;
}

static inline bool tm_below(const struct dp_tm *tm, const struct dp_tm_class *c, uint64_t bytes)
{
	uint64_t free = tm->shared_total - tm->stats.shared_bytes;

	/* The products fit: dp_tm_new() limits the buffer to 2^36 bytes and alpha to 128. */
	return c->ingress_alpha_e6 ? bytes * TM_E6 < c->ingress_alpha_e6 * free : bytes < c->xoff_bytes;
}

/* The arrays of a priority; false: no memory. */
bool tm_open_prio(struct dp_tm *tm, uint32_t prio);

void tm_list_push(struct dp_tm *tm, enum tm_list list, uint32_t port);
uint32_t tm_list_pop(struct dp_tm *tm, enum tm_list list); /* TM_NONE: empty */

/* Frees the buffer of a packet, and says Xon where that opened a PG. */
void tm_release(struct dp_tm *tm, const struct tm_entry *e);

int tm_cfg_check(const struct dp_tm_cfg *cfg, uint64_t *shared, uint64_t *headroom, char *error, size_t error_bytes);

void tm_dog_paused(struct dp_tm *tm, uint32_t port, uint32_t prio, uint64_t now_ps);
void tm_dog_resumed(struct dp_tm *tm, uint32_t port, uint32_t prio, uint64_t now_ps);
void tm_dog_poll(struct dp_tm *tm, uint64_t now_ps);

/* Sanitized builds look at every sum, as often as the size of what there is to look at allows. */
#ifdef DPU_SANITIZE
void tm_check_call(struct dp_tm *tm);
#else
static inline void tm_check_call(struct dp_tm *tm)
{
	(void)tm;
}
#endif

#endif
