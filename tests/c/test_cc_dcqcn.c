/*
 * DCQCN's reaction point, against the equations of its paper (Zhu et al., SIGCOMM 2015, 3.1) written down here once
 * more: every alpha, rate and target to the last unit.
 */
#include "datapath/csrc/rng.h"
#include "rdma_verbs/csrc/cc.h"
#include "tests/c/check.h"

#define US   DP_US
#define MBPS 1000000ull
#define ONE  (1u << 20)

static struct roce_cc_cfg paper(void)
{
	struct roce_cc_cfg cfg;

	CHECK_EQ(roce_cc_preset("paper", 40000, &cfg), 0);
	CHECK_EQ(roce_cc_check(&cfg), 0);
	return cfg;
}

static void begin(struct roce_cc *cc, const struct roce_cc_cfg *cfg)
{
	roce_cc_init(cc, cfg, true);
	CHECK_EQ(cc->rate_bps, cfg->rpg_max_rate * MBPS);
	CHECK_EQ(cc->timer_ps, DP_NEVER);
}

/* Runs the timers as a driver does, up to a time. */
static void run_until(struct roce_cc *cc, uint64_t now_ps)
{
	while (cc->timer_ps <= now_ps)
		cc->ops->on_timer(cc, cc->timer_ps);
}

static void cnp(struct roce_cc *cc, uint64_t now_ps)
{
	run_until(cc, now_ps);
	cc->ops->on_cnp(cc, now_ps);
}

static void test_first_cnp_halves_the_rate(void)
{
	struct roce_cc_cfg cfg = paper();
	struct roce_cc cc;

	begin(&cc, &cfg);
	cnp(&cc, 7 * US);
	CHECK_EQ(cc.rate_bps, 20000 * MBPS);
	CHECK_EQ(cc.dcqcn.target_bps, 40000 * MBPS);
	CHECK_EQ(cc.dcqcn.alpha, ONE); /* (1-g) + g */
	CHECK_EQ(cc.timer_ps, (7 + 55) * US);
}

static void test_alpha_decays_once_each_period_without_cnp(void)
{
	struct roce_cc_cfg cfg = paper();
	struct roce_cc cc;

	for (uint64_t periods = 0; periods < 2000; periods += 37) {
		uint64_t alpha = ONE, rate;

		begin(&cc, &cfg);
		cfg.rpg_time_reset = 0; /* only alpha moves */
		cnp(&cc, 0);
		cnp(&cc, periods * 55 * US + 54 * US);
		for (uint64_t i = 0; i < periods; i++)
			alpha = alpha * 255 / 256;
		rate = 20000 * MBPS - 20000 * MBPS * alpha / (2 * ONE);
		CHECK_EQ(cc.rate_bps, rate);
		CHECK_EQ(cc.dcqcn.target_bps, 20000 * MBPS);
		CHECK_EQ(cc.dcqcn.alpha, alpha * 255 / 256 + ONE / 256);
	}
}

static void test_recovery_stages_by_the_timer(void)
{
	struct roce_cc_cfg cfg = paper();
	uint64_t rate = 20000 * MBPS, target = 40000 * MBPS;
	struct roce_cc cc;

	begin(&cc, &cfg);
	cnp(&cc, 0);
	cnp(&cc, 10 * US); /* R_T = 20 G, R_C = 10 G: below the line rate there is room for increase */
	target = 20000 * MBPS;
	rate = 10000 * MBPS;
	CHECK_EQ(cc.rate_bps, rate);
	for (int stage = 1; stage <= 40; stage++) {
		CHECK_EQ(cc.timer_ps, (10 + 55 * (uint64_t)stage) * US);
		run_until(&cc, cc.timer_ps);
		if (stage > 5) /* five stages of fast recovery; the byte counter has none: additive for ever */
			target += 40 * MBPS;
		rate = (rate + target + 1) / 2;
		CHECK_EQ(cc.rate_bps, rate);
		CHECK_EQ(cc.dcqcn.target_bps, target);
	}
}

static void test_hyper_increase_when_both_counters_passed_f(void)
{
	struct roce_cc_cfg cfg = paper();
	uint64_t rate = 10000 * MBPS, target = 20000 * MBPS;
	struct roce_cc cc;

	begin(&cc, &cfg);
	cnp(&cc, 0);
	cnp(&cc, 0);
	for (uint32_t step = 1; step <= 16; step++) {
		/* In turn: byte counter (odd), timer (even). */
		uint32_t byte_stage = (step + 1) / 2, time_stage = step / 2;

		if (step % 2) {
			cc.ops->on_sent(&cc, 9999999, 0);
			CHECK_EQ(cc.rate_bps, rate); /* one byte short */
			cc.ops->on_sent(&cc, 1, 0);
		} else {
			run_until(&cc, cc.timer_ps);
		}
		if (time_stage > 5)
			target += 200 * MBPS * (time_stage - 5);
		else if (byte_stage > 5)
			target += 40 * MBPS;
		rate = (rate + target + 1) / 2;
		CHECK_EQ(cc.rate_bps, rate);
		CHECK_EQ(cc.dcqcn.target_bps, target);
	}
}

static void test_a_cnp_sets_both_counters_back(void)
{
	struct roce_cc_cfg cfg = paper();
	uint64_t rate;
	struct roce_cc cc;

	begin(&cc, &cfg);
	cnp(&cc, 0);
	run_until(&cc, 300 * US);
	cc.ops->on_sent(&cc, 9999999, 300 * US);
	rate = cc.rate_bps;
	cnp(&cc, 301 * US);
	CHECK_EQ(cc.dcqcn.target_bps, rate);
	CHECK_EQ(cc.timer_ps, (301 + 55) * US);
	rate = cc.rate_bps;
	cc.ops->on_sent(&cc, 1, 301 * US); /* the 9999999 before the cut do not count */
	CHECK_EQ(cc.rate_bps, rate);
}

static void test_recovers_to_the_line_rate_and_rests(void)
{
	struct roce_cc_cfg cfg = paper();
	struct roce_cc cc;

	begin(&cc, &cfg);
	cnp(&cc, 0);
	run_until(&cc, DP_SEC);
	CHECK_EQ(cc.rate_bps, 40000 * MBPS);
	CHECK_EQ(cc.timer_ps, DP_NEVER);
}

static void test_a_cnp_within_the_monitor_period_cuts_at_its_end(void)
{
	struct roce_cc_cfg cfg;
	struct roce_cc cc;

	CHECK_EQ(roce_cc_preset("nvidia", 100000, &cfg), 0);
	begin(&cc, &cfg);
	cnp(&cc, 0);
	CHECK_EQ(cc.rate_bps, 100000 * MBPS - 100000 * MBPS * 1023 / 2048);
	cnp(&cc, 1 * US);
	cnp(&cc, 3 * US);
	CHECK_EQ(cc.rate_bps, 100000 * MBPS - 100000 * MBPS * 1023 / 2048);
	CHECK_EQ(cc.timer_ps, 4 * US);
	run_until(&cc, 4 * US);
	/* alpha rose at the first cut and fell four times since; one cut for both CNPs */
	uint64_t alpha = (uint64_t)1023 * 1024 * 1019 / 1024 + 5 * 1024, rate = 100000 * MBPS;

	rate -= rate * 1023 / 2048;
	for (int i = 0; i < 4; i++)
		alpha = alpha * 1019 / 1024;
	rate -= rate * alpha / (2 * ONE);
	CHECK_EQ(cc.rate_bps, rate);
	CHECK_EQ(cc.dcqcn.target_bps, 100000 * MBPS); /* clamp_tgt_rate 0: no increase since the cut before */
	CHECK_EQ(cc.timer_ps, 304 * US);
}

static void test_limits_of_a_cut(void)
{
	struct roce_cc_cfg cfg = paper();
	struct roce_cc cc;

	cfg.rpg_min_dec_fac = 80;
	begin(&cc, &cfg);
	cnp(&cc, 0);
	CHECK_EQ(cc.rate_bps, 32000 * MBPS);
	cfg = paper();
	cfg.rpg_min_rate = 3000;
	begin(&cc, &cfg);
	for (int i = 0; i < 10; i++)
		cnp(&cc, 0);
	CHECK_EQ(cc.rate_bps, 3000 * MBPS);
	cfg = paper();
	cfg.rate_to_set_on_first_cnp = 1234;
	begin(&cc, &cfg);
	cnp(&cc, 0);
	CHECK_EQ(cc.rate_bps, 1234 * MBPS);
	CHECK_EQ(cc.dcqcn.target_bps, 1234 * MBPS);
}

static void test_without_byte_counter_one_additive_step_then_hyper(void)
{
	struct roce_cc_cfg cfg;
	uint64_t target, rate;
	struct roce_cc cc;

	CHECK_EQ(roce_cc_preset("hpcc_dcqcn_paper", 100000, &cfg), 0);
	CHECK_EQ(cfg.rpg_ai_rate, 20);
	CHECK_EQ(cfg.rpg_hai_rate, 200);
	begin(&cc, &cfg);
	cnp(&cc, 0);
	run_until(&cc, 55 * US);
	cnp(&cc, 60 * US);
	target = cc.dcqcn.target_bps;
	rate = cc.rate_bps;
	for (int stage = 1; stage <= 6; stage++) {
		run_until(&cc, cc.timer_ps);
		target += stage == 1 ? 0 : stage == 2 ? 20 * MBPS : 200 * MBPS;
		rate = (rate + target + 1) / 2;
		CHECK_EQ(cc.dcqcn.target_bps, target);
		CHECK_EQ(cc.rate_bps, rate);
	}
}

/* The paper's machine in its plainest form, everything done when its time comes; against random input. */
struct model {
	uint64_t rc, rt, alpha, bytes, alpha_at, timer_at;
	uint32_t bc, t;
	bool active;
};

static void model_rise(struct model *m)
{
	uint32_t low = DP_MIN(m->bc, m->t), high = DP_MAX(m->bc, m->t);

	if (low > 5)
		m->rt += (low - 5) * 200 * MBPS;
	else if (high > 5)
		m->rt += 40 * MBPS;
	m->rt = DP_MIN(m->rt, 40000 * MBPS);
	m->rc = (m->rc + m->rt + 1) / 2;
}

static void model_time(struct model *m, uint64_t now_ps)
{
	for (; m->active && m->alpha_at <= now_ps; m->alpha_at += 55 * US)
		m->alpha = m->alpha * 255 / 256;
	for (; m->active && m->timer_at <= now_ps && m->rc < 40000 * MBPS; m->timer_at += 55 * US) {
		m->t++;
		model_rise(m);
	}
}

static void test_random_run_follows_the_model(void)
{
	struct model m = {.rc = 40000 * MBPS, .rt = 40000 * MBPS, .alpha = ONE};
	struct roce_cc_cfg cfg = paper();
	uint64_t now_ps = 0;
	struct dp_rng rng;
	struct roce_cc cc;
	int cnps = 0;

	cfg.rpg_byte_reset = 300000;
	begin(&cc, &cfg);
	dp_rng_seed(&rng, 11);
	for (int i = 0; i < 200000; i++) {
		now_ps += dp_rng_below(&rng, 2 * US);
		run_until(&cc, now_ps);
		model_time(&m, now_ps);
		if (dp_rng_below(&rng, i / 10000 % 2 ? 100 : 4000) == 0) {
			cc.ops->on_cnp(&cc, now_ps);
			m.rt = m.rc;
			m.rc = DP_MAX(m.rc - m.rc * m.alpha / (2 * ONE), MBPS);
			m.alpha = m.alpha * 255 / 256 + ONE / 256;
			m.alpha_at = m.timer_at = now_ps + 55 * US;
			m.bytes = m.bc = m.t = 0;
			m.active = true;
			cnps++;
		} else {
			cc.ops->on_sent(&cc, 1066, now_ps);
			if (m.rc < 40000 * MBPS && (m.bytes += 1066) >= 300000) {
				m.bytes -= 300000;
				m.bc++;
				model_rise(&m);
			}
		}
		if (cc.rate_bps != m.rc || cc.dcqcn.target_bps != m.rt) {
			CHECK_EQ(cc.rate_bps, m.rc);
			CHECK_EQ(cc.dcqcn.target_bps, m.rt);
			return;
		}
	}
	CHECK(cnps > 500);
}

static void test_configurations_that_cannot_work(void)
{
	struct roce_cc_cfg cfg = {.algorithm = ROCE_CC_WINDOW};

	CHECK_EQ(roce_cc_check(&cfg), -EINVAL);
	cfg.window_bytes = 1;
	CHECK_EQ(roce_cc_check(&cfg), 0);
	cfg = paper();
	cfg.rpg_time_reset = cfg.rpg_byte_reset = 0;
	CHECK_EQ(roce_cc_check(&cfg), -EINVAL);
	cfg = paper();
	cfg.rpg_min_rate = 40001;
	CHECK_EQ(roce_cc_check(&cfg), -EINVAL);
	cfg.algorithm = 3;
	CHECK_EQ(roce_cc_check(&cfg), -EINVAL);
	CHECK_EQ(roce_cc_preset("x", 1, &cfg), -ENOENT);
	for (uint32_t i = 0; roce_cc_preset_name(i); i++) {
		CHECK_EQ(roce_cc_preset(roce_cc_preset_name(i), 100000, &cfg), 0);
		CHECK_EQ(roce_cc_check(&cfg), 0);
	}
}

int main(void)
{
	RUN(test_first_cnp_halves_the_rate);
	RUN(test_alpha_decays_once_each_period_without_cnp);
	RUN(test_recovery_stages_by_the_timer);
	RUN(test_hyper_increase_when_both_counters_passed_f);
	RUN(test_a_cnp_sets_both_counters_back);
	RUN(test_recovers_to_the_line_rate_and_rests);
	RUN(test_a_cnp_within_the_monitor_period_cuts_at_its_end);
	RUN(test_limits_of_a_cut);
	RUN(test_without_byte_counter_one_additive_step_then_hyper);
	RUN(test_random_run_follows_the_model);
	RUN(test_configurations_that_cannot_work);
	return check_done();
}
