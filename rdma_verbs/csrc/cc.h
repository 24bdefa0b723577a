/*
 * Congestion control: an algorithm is a table of what it wants to hear, and tells a rate and a window.
 *
 * It knows no QP, packet or wheel, so a test (or a simulator) drives it alone; congestion.c connects it to a QP.
 * Integers only: the same calls give the same rates on every machine.
 *
 *   congestion.c --on_sent, on_ack, on_cnp, on_nak, on_timeout, on_timer--> cc_*.c
 *   sched.c, requester.c <-- rate_bps, window_bytes, timer_ps -- struct roce_cc
 */
#ifndef ROCE_CC_H
#define ROCE_CC_H

#include "datapath/csrc/base.h"

/* cffi: begin */
enum roce_cc_algorithm { ROCE_CC_NONE = 0, ROCE_CC_WINDOW = 1, ROCE_CC_DCQCN = 2 };

/*
 * Congestion control of a device; all zeros: none. The names and units from rpg_time_reset on are NVIDIA's (mlx5,
 * `mlxconfig`); right of each the name in Zhu et al., SIGCOMM 2015. Rates are Mb/s of IP packets, times are us.
 * roce_cc_preset() fills in whole sets.
 */
struct roce_cc_cfg {
	uint32_t algorithm;    /* enum roce_cc_algorithm */
	uint32_t window_bytes; /* ROCE_CC_WINDOW: payload outstanding per RC QP */
	uint32_t
		burst_bytes; /* what a QP that its driver served late may catch up; 0: packets are never closer than the
				  rate says */
	/* Reaction point: increase */
	uint32_t rpg_max_rate;   /* C: line rate, where QPs begin */
	uint32_t rpg_min_rate;   /* least rate */
	uint32_t rpg_time_reset; /* T: increase timer; 0: none */
	uint32_t rpg_byte_reset; /* B: byte counter, bytes; 0: none */
	uint32_t rpg_threshold;  /* F: stages of fast recovery */
	uint32_t rpg_ai_rate;    /* R_AI */
	uint32_t rpg_hai_rate;   /* R_HAI */
	/* Reaction point: decrease */
	uint32_t rate_reduce_monitor_period;    /* at most one cut in this time; 0: one for each CNP */
	uint32_t rpg_gd;                        /* 10 to 31: a cut is alpha * 1024 / 2^gd; 11 is alpha / 2 */
	uint32_t rpg_min_dec_fac;               /* percent of the rate that a cut leaves at least */
	uint32_t rate_to_set_on_first_cnp;      /* instead of the first cut; 0: cut */
	uint32_t clamp_tgt_rate;                /* 1: every cut sets R_T = R_C; 0: only one after an increase */
	uint32_t clamp_tgt_rate_after_time_inc; /* 1: by the timer, too; 0: by the byte counter only */
	/* Reaction point: alpha */
	uint32_t initial_alpha_value; /* alpha in 1/1024 */
	uint32_t dce_tcp_g;           /* 1 - g in 1/1024: 1020 is g = 1/256 */
	uint32_t dce_tcp_rtt;         /* K: alpha decays once in this time without CNP */
	/* Notification point */
	uint32_t np_min_time_between_cnps; /* N: per QP; 0: a CNP for each marked packet */
	uint32_t np_cnp_dscp;              /* 0 to 63 */
	uint32_t np_cnp_802p_prio;         /* 0 to 7 */
};

/*
 * A set of parameters by name, for a link of `max_rate` Mb/s, with algorithm ROCE_CC_DCQCN. Names: roce_cc_preset_name()
 * from 0 until NULL. -ENOENT: no such set.
 */
int roce_cc_preset(const char *name, uint32_t max_rate, struct roce_cc_cfg *cfg);
const char *roce_cc_preset_name(uint32_t i);
/* cffi: end */

struct roce_cc_ack {
	uint32_t bytes;    /* payload newly acknowledged */
	uint32_t ce_bytes; /* of these, marked on the way; 0 where the peer cannot tell (plain RoCE) */
	uint64_t rtt_ps;   /* 0: no sample with this one */
};

/* All times in ps; state of DCQCN's reaction point. */
struct roce_cc_dcqcn {
	uint64_t target_bps; /* R_T; R_C is roce_cc.rate_bps */
	uint64_t increase_ps, alpha_ps, hold_ps;
	uint64_t bytes; /* of the byte counter since its last stage */
	uint32_t byte_stage, time_stage;
	uint32_t alpha; /* ROCE_CC_ALPHA_ONE = 1 */
	bool started;   /* had a CNP */
	bool held;      /* a CNP came too soon after a cut: the next cut is at hold_ps */
};
#define ROCE_CC_ALPHA_ONE (1u << 20)

struct roce_cc {
	const struct roce_cc_ops *ops;
	const struct roce_cc_cfg *cfg;
	uint64_t rate_bps;     /* of IP packets; 0: no limit */
	uint64_t window_bytes; /* of payload; 0: no limit */
	uint64_t timer_ps;     /* when on_timer is due; DP_NEVER: not */
	struct roce_cc_dcqcn dcqcn;
};

/* What an algorithm does not want to hear is NULL. A window that shrinks must leave room for one packet. */
struct roce_cc_ops {
	const char *name;
	bool ecn; /* its packets say that they may be marked (ECT(0)) */
	void (*init)(struct roce_cc *cc);
	void (*on_sent)(struct roce_cc *cc, uint32_t bytes, uint64_t now_ps); /* an IP packet that the rate limits */
	void (*on_ack)(struct roce_cc *cc, const struct roce_cc_ack *ack, uint64_t now_ps);
	void (*on_cnp)(struct roce_cc *cc, uint64_t now_ps);
	void (*on_nak)(struct roce_cc *cc, uint64_t now_ps); /* PSN sequence error: packets were lost */
	void (*on_timeout)(struct roce_cc *cc, uint64_t now_ps);
	void (*on_timer)(struct roce_cc *cc, uint64_t now_ps);
};

extern const struct roce_cc_ops roce_cc_dcqcn_ops;

/* Begins anew with the algorithm of the configuration; `limited` false: without any (unreliable datagrams). */
void roce_cc_init(struct roce_cc *cc, const struct roce_cc_cfg *cfg, bool limited);
int roce_cc_check(const struct roce_cc_cfg *cfg); /* 0 or -EINVAL */

#endif
