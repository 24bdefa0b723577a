/*
 * Token buckets that colour packets: two rates (RFC 2698), or one rate and two bursts (RFC 2697) when the peak rate is 0. A cell that
 * was never configured says green, or the colour that came in.
 */
#include "datapath/csrc/pipeline_int.h"

/* Tokens that `rate` a second made in dt; the rest of the division is kept for the next time. */
static uint64_t made(uint64_t rate, uint64_t dt_ps, uint64_t *rem)
{
	unsigned __int128 acc = (unsigned __int128)rate * dt_ps + *rem, n;

	if (!(acc >> 64)) {
		*rem = (uint64_t)acc % DP_SEC;
		return (uint64_t)acc / DP_SEC;
	}
	n = acc / DP_SEC;
	*rem = (uint64_t)(acc % DP_SEC);
	return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

static uint64_t fill(uint64_t tokens, uint64_t more, uint64_t burst)
{
	return more >= burst - DP_MIN(burst, tokens) ? burst : tokens + more;
}

static uint32_t two_rates(struct pl_meter *m, uint64_t units, uint64_t dt_ps, uint64_t pre)
{
	m->tc = fill(m->tc, made(m->cfg.cir, dt_ps, &m->rem_c), m->cfg.cbs);
	m->tp = fill(m->tp, made(m->cfg.pir, dt_ps, &m->rem_p), m->cfg.pbs);
	if (pre == 2 || m->tp < units)
		return 2;
	m->tp -= units;
	if (pre == 1 || m->tc < units)
		return 1;
	m->tc -= units;
	return 0;
}

static uint32_t one_rate(struct pl_meter *m, uint64_t units, uint64_t dt_ps, uint64_t pre)
{
	uint64_t more = made(m->cfg.cir, dt_ps, &m->rem_c), room = m->cfg.cbs - DP_MIN(m->cfg.cbs, m->tc);

	m->tc = fill(m->tc, more, m->cfg.cbs);
	if (more > room)
		m->tp = fill(m->tp, more - room, m->cfg.pbs);
	if (pre == 0 && m->tc >= units) {
		m->tc -= units;
		return 0;
	}
	if (pre <= 1 && m->tp >= units) {
		m->tp -= units;
		return 1;
	}
	return 2;
}

static void lock(struct pl_meter *m)
{
	while (atomic_flag_test_and_set_explicit(&m->busy, memory_order_acquire))
		;
}

uint32_t dp_pl_meter_run(struct pl_meter *m, uint64_t units, uint64_t now_ps, uint64_t pre)
{
	uint32_t colour;
	uint64_t dt_ps;

	if (pre == ~0ULL)
		pre = 0; /* colour-blind: as if all came in green */
	pre = DP_MIN(pre, 2);
	lock(m);
	if (!m->configured) {
		colour = (uint32_t)pre;
	} else {
		/* workers' times may be some batches apart: no time goes backwards */
		dt_ps = now_ps > m->last_ps ? now_ps - m->last_ps : 0;
		m->last_ps = DP_MAX(m->last_ps, now_ps);
		colour = m->cfg.pir ? two_rates(m, units, dt_ps, pre) : one_rate(m, units, dt_ps, pre);
	}
	atomic_flag_clear_explicit(&m->busy, memory_order_release);
	return colour;
}

void dp_pl_meter_config(struct pl_meter *m, const struct dp_pl_meter_cfg *cfg, uint64_t now_ps)
{
	lock(m);
	m->configured = cfg->cir || cfg->cbs || cfg->pir || cfg->pbs;
	m->cfg = *cfg;
	m->tc = cfg->cbs;
	m->tp = cfg->pbs;
	m->rem_c = m->rem_p = 0;
	m->last_ps = now_ps;
	atomic_flag_clear_explicit(&m->busy, memory_order_release);
}
