/*
 * Invariant: whatever configuration is taken, and however packets, pauses and times come, every sum of the traffic
 * manager agrees after every call, each packet that was queued comes out once, of its queue and in its order, or is
 * given back by the watchdog; an empty buffer pauses nobody, and a timer that was ticked is not due again.
 */
#include <stdlib.h>

#include "datapath/csrc/tm.h"
#include "tests/fuzz/input.h"

#define REQUIRE(cond) ((cond) ? (void)0 : abort())
#define PORTS         4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Wide ranges and their ends: 0 to 15 shifted by 0 to 15. */
static uint32_t number(struct input *in)
{
	uint32_t b = take(in, 1);

	return (b & 15) << (b >> 4);
}

static void read_cfg(struct input *in, struct dp_tm_cfg *cfg)
{
	uint32_t i, flags;

	cfg->nports = PORTS;
	cfg->cell_bytes = number(in);
	cfg->quantum_bytes = number(in);
	cfg->buffer_bytes = (uint64_t)number(in) * (1 + take(in, 1));
	cfg->headroom_pool_bytes = number(in);
	cfg->watchdog_ps = number(in);
	cfg->watchdog_polls = number(in) & 3;
	cfg->watchdog_restore_ps = number(in);
	flags = take(in, 1);
	cfg->watchdog_drop = flags & 1;
	for (i = 0; i < DP_TM_PRIOS; i++) {
		struct dp_tm_class *c = &cfg->cls[i];

		flags = take(in, 1);
		if (!flags)
			continue;
		c->lossless = flags & 1;
		c->strict = flags >> 1 & 1;
		c->ecn = flags >> 2 & 3;
		c->weight = number(in);
		c->reserve_bytes = number(in);
		c->headroom_bytes = c->lossless ? number(in) : 0;
		c->xon_offset_bytes = number(in);
		c->ingress_alpha_e6 = number(in) * 1000;
		c->egress_alpha_e6 = c->lossless ? 0 : number(in) * 1000;
		c->xoff_bytes = number(in);
		c->ecn_kmin_bytes = number(in);
		c->ecn_kmax_bytes = c->ecn_kmin_bytes + number(in);
		c->ecn_pmax_e6 = number(in) * 4;
	}
}

struct model {
	uint32_t next_handle, queued;
	uint32_t last_out[PORTS][DP_TM_PRIOS];
	uint64_t bytes[PORTS][DP_TM_PRIOS];
};

static void left(struct model *m, const struct dp_tm_pkt *pkt)
{
	uint32_t *last = &m->last_out[pkt->out_port][pkt->prio];

	REQUIRE(m->queued-- > 0);
	REQUIRE(pkt->handle > *last && pkt->handle <= m->next_handle);
	*last = pkt->handle;
	m->bytes[pkt->out_port][pkt->prio] -= pkt->len;
}

static void take_notices(struct dp_tm *tm, struct model *m)
{
	struct dp_tm_pkt pkt;
	uint32_t port;
	uint8_t mask;

	while (dp_tm_next_dropped(tm, &pkt))
		left(m, &pkt);
	while (dp_tm_next_pfc(tm, &port, &mask))
		REQUIRE(port < PORTS && mask == dp_tm_xoff_mask(tm, port));
	while (dp_tm_next_ready(tm, &port))
		REQUIRE(port < PORTS);
}

static void step(struct dp_tm *tm, struct model *m, struct input *in, uint64_t *now_ps)
{
	uint32_t op = take(in, 1), where = take(in, 1), port = where & 3;
	struct dp_tm_pkt pkt;

	*now_ps += number(in);
	if (op & 0x80) {
		pkt = (struct dp_tm_pkt){.len = number(in) & UINT16_MAX,
					 .handle = ++m->next_handle,
					 .in_port = where >> 2 & 3,
					 .out_port = (uint16_t)port,
					 .prio = op & 7,
					 .ect = op >> 3 & 1};
		if (dp_tm_enqueue(tm, &pkt, *now_ps) == DP_TM_QUEUED) {
			m->queued++;
			m->bytes[port][pkt.prio] += pkt.len;
			REQUIRE(dp_tm_waits(tm, pkt.in_port, port, pkt.prio));
		}
		REQUIRE(!pkt.ce || pkt.ect);
	} else if (op & 0x40) {
		if (dp_tm_dequeue(tm, port, &pkt, *now_ps)) {
			REQUIRE(pkt.out_port == port && (!pkt.ce || pkt.ect));
			take_notices(tm, m); /* what the watchdog threw out before */
			left(m, &pkt);
		}
	} else if (op & 0x20) {
		dp_tm_pause(tm, port, (uint8_t)(1 << (op & 7) | where >> 2), op & 8 ? *now_ps + number(in) : DP_NEVER,
			    *now_ps);
	} else {
		dp_tm_tick(tm, *now_ps);
		REQUIRE(dp_tm_next_ps(tm) > *now_ps);
		take_notices(tm, m);
		REQUIRE(dp_tm_queue_bytes(tm, port, op & 7) == m->bytes[port][op & 7]);
	}
	REQUIRE(dp_tm_check(tm) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct dp_tm_cfg cfg = {0};
	struct model m = {0};
	uint64_t now_ps = 0;
	struct dp_tm_pkt pkt;
	char error[160] = "";
	struct dp_tm *tm;
	uint32_t port, steps = 0;

	read_cfg(&in, &cfg);
	tm = dp_tm_new(&cfg, error, sizeof(error));
	REQUIRE(!tm == !!*error);
	if (!tm)
		return 0;
	while (in.n && steps++ < 2000)
		step(tm, &m, &in, &now_ps);
	/* Everybody may send: all of it comes out, and nobody stays paused by it. */
	for (port = 0; port < PORTS; port++)
		dp_tm_pause(tm, port, 0xff, 0, now_ps);
	dp_tm_tick(tm, now_ps);
	for (port = 0; port < PORTS; port++)
		while (dp_tm_dequeue(tm, port, &pkt, now_ps)) {
			take_notices(tm, &m);
			left(&m, &pkt);
		}
	take_notices(tm, &m);
	REQUIRE(m.queued == 0 && dp_tm_stats(tm)->used_bytes == 0);
	for (port = 0; port < PORTS; port++)
		REQUIRE(!dp_tm_xoff_mask(tm, port));
	REQUIRE(dp_tm_check(tm) == 0);
	dp_tm_free(tm);
	return 0;
}
