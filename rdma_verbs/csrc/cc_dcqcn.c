/*
 * DCQCN's reaction point: Zhu et al., "Congestion Control for Large-Scale RDMA Deployments", SIGCOMM 2015, 3.1, with
 * the additions of NVIDIA's adapters that struct roce_cc_cfg names.
 *
 *   CNP:      R_T = R_C;  R_C = R_C (1 - alpha/2);  alpha = (1-g) alpha + g;  counters, stages and timer begin anew
 *   K passed: alpha = (1-g) alpha
 *   B bytes sent, or T passed: its stage + 1, then
 *             highest stage <= F:  fast recovery
 *             lowest stage  >  F:  hyper increase, R_T += i R_HAI, i = lowest stage - F
 *             else                 additive increase, R_T += R_AI
 *             and always           R_C = (R_T + R_C) / 2
 *
 * Where one of both counters is off, stages are those of the other, and hyper increase follows one additive step
 * with i = 1 (what the simulations without byte counter do).
 *
 * alpha is brought up to date only when it is read, so its timer (1 us in NVIDIA's set) costs nothing. Divisions
 * round the cut down and the average up; so R_C does reach R_T, and at the line rate all timers stop.
 */
#include "rdma_verbs/csrc/cc.h"

#define MBPS 1000000ull

static void set_timer(struct roce_cc *cc)
{
	const struct roce_cc_dcqcn *d = &cc->dcqcn;

	cc->timer_ps = d->held ? DP_MIN(d->hold_ps, d->increase_ps) : d->increase_ps;
}

static void dcqcn_init(struct roce_cc *cc)
{
	cc->rate_bps = cc->dcqcn.target_bps = cc->cfg->rpg_max_rate * MBPS;
	cc->dcqcn.alpha = cc->cfg->initial_alpha_value * (ROCE_CC_ALPHA_ONE / 1024);
	cc->dcqcn.increase_ps = DP_NEVER;
}

/* For a cut, which then begins the period anew. */
static void decay_alpha(struct roce_cc *cc, uint64_t now_ps)
{
	struct roce_cc_dcqcn *d = &cc->dcqcn;
	uint64_t steps = (now_ps - d->alpha_ps) / (cc->cfg->dce_tcp_rtt * DP_US);

	for (; steps && d->alpha; steps--)
		d->alpha = (uint32_t)((uint64_t)d->alpha * cc->cfg->dce_tcp_g >> 10);
}

static void cut(struct roce_cc *cc, uint64_t now_ps)
{
	const struct roce_cc_cfg *cfg = cc->cfg;
	struct roce_cc_dcqcn *d = &cc->dcqcn;
	uint64_t rate = cc->rate_bps;

	if (d->started)
		decay_alpha(cc, now_ps);
	if (!d->started && cfg->rate_to_set_on_first_cnp) {
		rate = d->target_bps = cfg->rate_to_set_on_first_cnp * MBPS;
	} else {
		if (cfg->clamp_tgt_rate || d->byte_stage || (cfg->clamp_tgt_rate_after_time_inc && d->time_stage))
			d->target_bps = rate;
		rate -= rate * d->alpha >> (20 - 10 + cfg->rpg_gd);
		rate = DP_MAX(rate, cc->rate_bps * cfg->rpg_min_dec_fac / 100);
	}
	cc->rate_bps = DP_MAX(rate, cfg->rpg_min_rate * MBPS);
	d->target_bps = DP_MAX(d->target_bps, cc->rate_bps);
	d->alpha = (uint32_t)((uint64_t)d->alpha * cfg->dce_tcp_g >> 10) +
		   (1024 - cfg->dce_tcp_g) * (ROCE_CC_ALPHA_ONE / 1024);
	d->alpha_ps = now_ps;
	d->started = true;
	d->held = false;
	d->bytes = 0;
	d->byte_stage = d->time_stage = 0;
	d->hold_ps = dp_add_ps(now_ps, cfg->rate_reduce_monitor_period * DP_US);
	d->increase_ps = cfg->rpg_time_reset ? dp_add_ps(now_ps, cfg->rpg_time_reset * DP_US) : DP_NEVER;
}

static void increase(struct roce_cc *cc)
{
	const struct roce_cc_cfg *cfg = cc->cfg;
	struct roce_cc_dcqcn *d = &cc->dcqcn;
	bool both = cfg->rpg_time_reset && cfg->rpg_byte_reset;
	uint32_t high = DP_MAX(d->byte_stage, d->time_stage);
	uint32_t low = both ? DP_MIN(d->byte_stage, d->time_stage) : high - 1;
	uint64_t max = cfg->rpg_max_rate * MBPS, step = 0, times = 1;

	if (high > cfg->rpg_threshold) {
		bool hyper = low > cfg->rpg_threshold;

		step = (hyper ? cfg->rpg_hai_rate : cfg->rpg_ai_rate) * MBPS;
		times = hyper && both ? low - cfg->rpg_threshold : 1;
	}
	d->target_bps = step && times > (max - d->target_bps) / step ? max : d->target_bps + step * times;
	cc->rate_bps = (cc->rate_bps + d->target_bps + 1) / 2;
	if (cc->rate_bps == max)
		d->increase_ps = DP_NEVER;
}

static void dcqcn_on_sent(struct roce_cc *cc, uint32_t bytes, uint64_t now_ps)
{
	struct roce_cc_dcqcn *d = &cc->dcqcn;
	uint32_t reset = cc->cfg->rpg_byte_reset;

	(void)now_ps;
	if (!reset || cc->rate_bps == cc->cfg->rpg_max_rate * MBPS)
		return;
	for (d->bytes += bytes; d->bytes >= reset; d->bytes -= reset) {
		d->byte_stage++;
		increase(cc);
	}
	set_timer(cc);
}

/* In the order of time, however late the call. */
static void dcqcn_on_timer(struct roce_cc *cc, uint64_t now_ps)
{
	struct roce_cc_dcqcn *d = &cc->dcqcn;

	for (set_timer(cc); cc->timer_ps <= now_ps; set_timer(cc)) {
		if (d->held && d->hold_ps <= d->increase_ps) {
			cut(cc, d->hold_ps);
			continue;
		}
		d->time_stage++;
		d->increase_ps = dp_add_ps(d->increase_ps, cc->cfg->rpg_time_reset * DP_US);
		increase(cc);
	}
}

static void dcqcn_on_cnp(struct roce_cc *cc, uint64_t now_ps)
{
	dcqcn_on_timer(cc, now_ps); /* what was due before */
	if (cc->dcqcn.started && now_ps < cc->dcqcn.hold_ps)
		cc->dcqcn.held = true;
	else
		cut(cc, now_ps);
	set_timer(cc);
}

const struct roce_cc_ops roce_cc_dcqcn_ops = {
	.name = "dcqcn",
	.ecn = true,
	.init = dcqcn_init,
	.on_sent = dcqcn_on_sent,
	.on_cnp = dcqcn_on_cnp,
	.on_timer = dcqcn_on_timer,
};
