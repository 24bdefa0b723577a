/* What a traffic manager is asked to be, before anything is made: every refusal names the object, value and limit. */
#include <stdio.h>

#include "datapath/csrc/tm_int.h"

#define MAX_BUFFER_BYTES (1ULL << 36)
#define MAX_ALPHA_E6     (128 * TM_E6)
#define MAX_CELL_BYTES   65536

#define REFUSE(...) (snprintf(error, error_bytes, __VA_ARGS__), -EINVAL)

static int class_check(const struct dp_tm_cfg *cfg, uint32_t prio, char *error, size_t error_bytes)
{
	static const struct dp_tm_class unused;
	const struct dp_tm_class *c = &cfg->cls[prio];

	if (!memcmp(c, &unused, sizeof(unused)))
		return 0;
	if (!c->strict && !c->weight)
		return REFUSE("priority %u: weight is 0; a class that is not strict needs at least 1", prio);
	if (!c->strict && !cfg->quantum_bytes)
		return REFUSE("priority %u: quantum_bytes is 0; weights need at least 1", prio);
	if (c->ingress_alpha_e6 > MAX_ALPHA_E6 || c->egress_alpha_e6 > MAX_ALPHA_E6)
		return REFUSE("priority %u: alpha %u / 10^6 exceeds 128", prio,
			      DP_MAX(c->ingress_alpha_e6, c->egress_alpha_e6));
	if (c->lossless) {
		if (!c->ingress_alpha_e6 && !c->xoff_bytes)
			return REFUSE("priority %u: lossless with neither ingress_alpha_e6 nor xoff_bytes", prio);
		if (!c->ingress_alpha_e6 && c->xon_offset_bytes > c->xoff_bytes)
			return REFUSE("priority %u: xon_offset_bytes %u exceeds xoff_bytes %llu", prio,
				      c->xon_offset_bytes, (unsigned long long)c->xoff_bytes);
		if (c->egress_alpha_e6)
			return REFUSE("priority %u: egress_alpha_e6 %u limits a lossy class, this one is lossless",
				      prio, c->egress_alpha_e6);
	} else if (c->headroom_bytes) {
		return REFUSE("priority %u: headroom_bytes %u, but the class is not lossless", prio, c->headroom_bytes);
	}
	if (c->ecn > 2)
		return REFUSE("priority %u: ecn %u exceeds 2 (0 none, 1 at enqueue, 2 at dequeue)", prio, c->ecn);
	if (!c->ecn)
		return 0;
	if (c->ecn_kmin_bytes > c->ecn_kmax_bytes)
		return REFUSE("priority %u: ecn_kmin_bytes %llu exceeds ecn_kmax_bytes %llu", prio,
			      (unsigned long long)c->ecn_kmin_bytes, (unsigned long long)c->ecn_kmax_bytes);
	if (c->ecn_kmax_bytes > MAX_BUFFER_BYTES)
		return REFUSE("priority %u: ecn_kmax_bytes %llu exceeds %llu", prio,
			      (unsigned long long)c->ecn_kmax_bytes, MAX_BUFFER_BYTES);
	if (c->ecn_pmax_e6 > TM_E6)
		return REFUSE("priority %u: ecn_pmax_e6 %u exceeds %u", prio, c->ecn_pmax_e6, TM_E6);
	return 0;
}

int tm_cfg_check(const struct dp_tm_cfg *cfg, uint64_t *shared, uint64_t *headroom, char *error, size_t error_bytes)
{
	uint64_t reserves = 0, headrooms = 0;
	uint32_t prio;

	if (!cfg->nports || cfg->nports > UINT16_MAX)
		return REFUSE("traffic manager: nports %u is not 1 to %u", cfg->nports, UINT16_MAX);
	if (!cfg->cell_bytes || cfg->cell_bytes > MAX_CELL_BYTES)
		return REFUSE("traffic manager: cell_bytes %u is not 1 to %u", cfg->cell_bytes, MAX_CELL_BYTES);
	if (!cfg->buffer_bytes || cfg->buffer_bytes > MAX_BUFFER_BYTES)
		return REFUSE("traffic manager: buffer_bytes %llu is not 1 to %llu",
			      (unsigned long long)cfg->buffer_bytes, MAX_BUFFER_BYTES);
	if (cfg->watchdog_ps && !cfg->watchdog_polls)
		return REFUSE("traffic manager: watchdog_polls is 0; a storm needs at least 1");
	for (prio = 0; prio < DP_TM_PRIOS; prio++) {
		const struct dp_tm_class *c = &cfg->cls[prio];

		if (class_check(cfg, prio, error, error_bytes))
			return -EINVAL;
		reserves += (uint64_t)c->reserve_bytes * cfg->nports;
		headrooms += (uint64_t)c->headroom_bytes * cfg->nports;
		if (cfg->headroom_pool_bytes && c->headroom_bytes > cfg->headroom_pool_bytes)
			return REFUSE("priority %u: headroom_bytes %u exceeds headroom_pool_bytes %llu", prio,
				      c->headroom_bytes, (unsigned long long)cfg->headroom_pool_bytes);
	}
	if (cfg->headroom_pool_bytes)
		headrooms = cfg->headroom_pool_bytes;
	/* Each is below 2^52: no overflow. */
	if (headrooms > cfg->buffer_bytes || reserves + headrooms > cfg->buffer_bytes)
		return REFUSE("traffic manager: reserves of %llu and headroom of %llu bytes on %u ports exceed "
			      "buffer_bytes %llu",
			      (unsigned long long)reserves, (unsigned long long)headrooms, cfg->nports,
			      (unsigned long long)cfg->buffer_bytes);
	*shared = cfg->buffer_bytes - reserves - headrooms;
	*headroom = headrooms;
	for (prio = 0; prio < DP_TM_PRIOS; prio++)
		if (!cfg->cls[prio].ingress_alpha_e6 && cfg->cls[prio].xoff_bytes > *shared)
			return REFUSE("priority %u: xoff_bytes %llu exceeds the shared buffer of %llu bytes "
				      "(buffer_bytes %llu less reserves and headroom)",
				      prio, (unsigned long long)cfg->cls[prio].xoff_bytes, (unsigned long long)*shared,
				      (unsigned long long)cfg->buffer_bytes);
	return 0;
}
