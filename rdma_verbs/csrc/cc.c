/* The algorithms of congestion control, the two that are a line each, and the parameter sets of DCQCN. */
#include "rdma_verbs/csrc/cc.h"

#define MBPS_MAX 10000000u /* 10 Tb/s: rate * alpha stays below 2^64 */

static const struct roce_cc_ops none_ops = {.name = "none"};

static void window_init(struct roce_cc *cc)
{
	cc->window_bytes = cc->cfg->window_bytes;
}

static const struct roce_cc_ops window_ops = {.name = "window", .init = window_init};

static const struct roce_cc_ops *const algorithms[] = {
	[ROCE_CC_NONE] = &none_ops,
	[ROCE_CC_WINDOW] = &window_ops,
	[ROCE_CC_DCQCN] = &roce_cc_dcqcn_ops,
};

void roce_cc_init(struct roce_cc *cc, const struct roce_cc_cfg *cfg, bool limited)
{
	*cc = (struct roce_cc){
		.ops = algorithms[limited ? cfg->algorithm : ROCE_CC_NONE], .cfg = cfg, .timer_ps = DP_NEVER};
	if (cc->ops->init)
		cc->ops->init(cc);
}

int roce_cc_check(const struct roce_cc_cfg *cfg)
{
	if (cfg->algorithm >= DP_ARRAY_SIZE(algorithms) || cfg->np_cnp_dscp > 63 || cfg->np_cnp_802p_prio > 7)
		return -EINVAL;
	if (cfg->algorithm == ROCE_CC_WINDOW && !cfg->window_bytes)
		return -EINVAL;
	if (cfg->algorithm != ROCE_CC_DCQCN)
		return 0;
	if (!cfg->rpg_min_rate || cfg->rpg_min_rate > cfg->rpg_max_rate || cfg->rpg_max_rate > MBPS_MAX ||
	    cfg->rpg_ai_rate > MBPS_MAX || cfg->rpg_hai_rate > MBPS_MAX ||
	    cfg->rate_to_set_on_first_cnp > cfg->rpg_max_rate)
		return -EINVAL;
	/* Without any counter a rate once cut would never rise. */
	if ((!cfg->rpg_time_reset && !cfg->rpg_byte_reset) || !cfg->dce_tcp_rtt)
		return -EINVAL;
	if (cfg->rpg_gd < 10 || cfg->rpg_gd > 31 || cfg->rpg_min_dec_fac > 100 || cfg->dce_tcp_g > 1023 ||
	    cfg->initial_alpha_value < 1 || cfg->initial_alpha_value > 1024)
		return -EINVAL;
	return 0;
}

/*
 * The paper's own set, for 40 Gb/s; the two that the authors of HPCC compare with (run.py of their simulator: rates
 * grow with the link, no byte counter, least rate 1 Gb/s); and mlx5's defaults.
 */
#define COMMON .algorithm = ROCE_CC_DCQCN, .rpg_gd = 11, .rpg_min_dec_fac = 50, .np_cnp_dscp = 48, .np_cnp_802p_prio = 6

static const struct {
	const char *name;
	bool per_25g; /* R_AI and R_HAI are for 25 Gb/s */
	struct roce_cc_cfg cfg;
} presets[] = {
	{"nvidia",
	 false,
	 {COMMON, .initial_alpha_value = 1023, .rpg_min_rate = 1, .rpg_time_reset = 300, .rpg_byte_reset = 32767,
	  .rpg_threshold = 1, .rpg_ai_rate = 5, .rpg_hai_rate = 50, .rate_reduce_monitor_period = 4,
	  .clamp_tgt_rate_after_time_inc = 1, .dce_tcp_g = 1019, .dce_tcp_rtt = 1, .np_min_time_between_cnps = 4}},
	{"paper",
	 false,
	 {COMMON, .initial_alpha_value = 1024, .rpg_min_rate = 1, .rpg_time_reset = 55, .rpg_byte_reset = 10000000,
	  .rpg_threshold = 5, .rpg_ai_rate = 40, .rpg_hai_rate = 200, .clamp_tgt_rate = 1, .dce_tcp_g = 1020,
	  .dce_tcp_rtt = 55, .np_min_time_between_cnps = 50}},
	{"hpcc_dcqcn",
	 true,
	 {COMMON, .initial_alpha_value = 1024, .rpg_min_rate = 1000, .rpg_time_reset = 300, .rpg_threshold = 1,
	  .rpg_ai_rate = 5, .rpg_hai_rate = 50, .rate_reduce_monitor_period = 4, .clamp_tgt_rate_after_time_inc = 1,
	  .dce_tcp_g = 1020, .dce_tcp_rtt = 1, .np_min_time_between_cnps = 4}},
	{"hpcc_dcqcn_paper",
	 true,
	 {COMMON, .initial_alpha_value = 1024, .rpg_min_rate = 1000, .rpg_time_reset = 55, .rpg_threshold = 1,
	  .rpg_ai_rate = 5, .rpg_hai_rate = 50, .rate_reduce_monitor_period = 50, .clamp_tgt_rate_after_time_inc = 1,
	  .dce_tcp_g = 1020, .dce_tcp_rtt = 50, .np_min_time_between_cnps = 50}},
};

const char *roce_cc_preset_name(uint32_t i)
{
	return i < DP_ARRAY_SIZE(presets) ? presets[i].name : NULL;
}

int roce_cc_preset(const char *name, uint32_t max_rate, struct roce_cc_cfg *cfg)
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(presets); i++) {
		if (strcmp(presets[i].name, name))
			continue;
		*cfg = presets[i].cfg;
		cfg->rpg_max_rate = max_rate;
		if (presets[i].per_25g) {
			cfg->rpg_ai_rate = (uint32_t)((uint64_t)cfg->rpg_ai_rate * max_rate / 25000);
			cfg->rpg_hai_rate = (uint32_t)((uint64_t)cfg->rpg_hai_rate * max_rate / 25000);
		}
		return 0;
	}
	return -ENOENT;
}
