/*
 * Token bucket, kept as the time at which all that was sent would have left a line of that rate (GCRA): the bucket
 * is full when that time has passed, empty when it is a burst ahead.
 */
#include <stdlib.h>

#include "datapath/csrc/port_rate.h"

#define OVERHEAD_MAX 1000
#define BURST_MAX    (1U << 20) /* burst_bytes * 8 * DP_SEC stays below 2^63 */
#define RATE_MIN     1000

struct rate_port {
	struct dp_port p;
	uint64_t rate_bps, burst_ps;
	uint32_t overhead_bytes;
	uint64_t line_ps;  /* when the line is free */
	uint64_t line_rem; /* and rem / rate_bps of a picosecond more */
	uint64_t wait_ps;  /* a frame was refused until then; DP_NEVER: none */
};

static struct rate_port *rate_of(struct dp_port *p)
{
	return DP_CONTAINER_OF(p, struct rate_port, p);
}

static void rate_prepare(struct dp_port *p, struct dp_frame **v, int n)
{
	dp_port_prepare(p->inner, v, n);
}

/* Adds a frame to a line. */
static void add(const struct rate_port *r, const struct dp_frame *f, uint64_t *line_ps, uint64_t *line_rem)
{
	uint64_t num = (uint64_t)(dp_frame_bytes(f) + r->overhead_bytes) * 8 * DP_SEC + *line_rem;

	*line_ps = dp_add_ps(*line_ps, num / r->rate_bps);
	*line_rem = num % r->rate_bps;
}

static int rate_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct rate_port *r = rate_of(p);
	uint64_t line_ps = r->line_ps, line_rem = r->line_rem;
	int fit, took, i;

	r->wait_ps = DP_NEVER;
	if (line_ps < now_ps) {
		/* Idle: tokens do not pile up above the burst. */
		line_ps = r->line_ps = now_ps;
		line_rem = r->line_rem = 0;
	}
	for (fit = 0; fit < n; fit++) {
		if (dp_frame_bytes(v[fit]) > p->mtu)
			continue; /* costs nothing: the inner port will refuse it */
		add(r, v[fit], &line_ps, &line_rem);
		if (line_ps - now_ps > r->burst_ps) {
			r->wait_ps = line_ps - r->burst_ps;
			break;
		}
	}
	took = fit ? dp_port_tx(p->inner, v, fit, now_ps) : 0;
	if (took < fit)
		r->wait_ps = DP_NEVER; /* it is the inner port that we wait for */
	for (i = 0; i < took; i++) {
		if (dp_frame_bytes(v[i]) <= p->mtu)
			add(r, v[i], &r->line_ps, &r->line_rem);
		p->stats.tx_frames++;
		p->stats.tx_bytes += dp_frame_bytes(v[i]);
	}
	if (took < n)
		p->stats.tx_busy++;
	return took;
}

static int rate_rx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	int got = dp_port_rx(p->inner, v, n, now_ps), i;

	for (i = 0; i < got; i++) {
		p->stats.rx_frames++;
		p->stats.rx_bytes += dp_frame_bytes(v[i]);
	}
	return got;
}

static int rate_fd(struct dp_port *p)
{
	return dp_port_fd(p->inner);
}

static uint64_t rate_next_ps(struct dp_port *p)
{
	return DP_MIN(rate_of(p)->wait_ps, dp_port_next_ps(p->inner));
}

static void rate_tick(struct dp_port *p, uint64_t now_ps)
{
	struct rate_port *r = rate_of(p);

	/* The wait is over; whoever still has frames calls tx(). */
	if (r->wait_ps <= now_ps)
		r->wait_ps = DP_NEVER;
	dp_port_tick(p->inner, now_ps);
}

static void rate_free(struct dp_port *p)
{
	dp_port_free(p->inner);
	free(rate_of(p));
}

static const struct dp_port_ops rate_ops = {
	.name = "rate",
	.tx = rate_tx,
	.rx = rate_rx,
	.fd = rate_fd,
	.next_ps = rate_next_ps,
	.tick = rate_tick,
	.free = rate_free,
};

/* A wrapper has prepare() only when the port below has: others ask for it to know whether batches matter. */
static const struct dp_port_ops rate_prepare_ops = {
	.name = "rate",
	.prepare = rate_prepare,
	.tx = rate_tx,
	.rx = rate_rx,
	.fd = rate_fd,
	.next_ps = rate_next_ps,
	.tick = rate_tick,
	.free = rate_free,
};

int dp_port_rate_set(struct dp_port *port, uint64_t rate_bps, uint32_t burst_bytes, uint32_t overhead_bytes)
{
	struct rate_port *r = rate_of(port);

	if (rate_bps < RATE_MIN || rate_bps > UINT64_MAX / 4 || overhead_bytes > OVERHEAD_MAX)
		return -EINVAL;
	if (burst_bytes > BURST_MAX || burst_bytes < port->inner->mtu + overhead_bytes)
		return -EINVAL;
	r->rate_bps = rate_bps;
	/* Rounded up: the sum of a full burst is rounded down, and must fit. */
	r->burst_ps = ((uint64_t)burst_bytes * 8 * DP_SEC + rate_bps - 1) / rate_bps;
	r->overhead_bytes = overhead_bytes;
	r->line_ps = r->line_rem = 0;
	r->wait_ps = DP_NEVER;
	return 0;
}

struct dp_port *dp_port_rate_new(struct dp_port *inner, uint64_t rate_bps, uint32_t burst_bytes,
				 uint32_t overhead_bytes)
{
	struct rate_port *r;
	int err;

	if (!inner) {
		errno = EINVAL;
		return NULL;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->p.ops = inner->ops->prepare ? &rate_prepare_ops : &rate_ops;
	r->p.sport = inner->sport;
	r->p.mtu = inner->mtu;
	r->p.inner = inner;
	err = dp_port_rate_set(&r->p, rate_bps, burst_bytes, overhead_bytes);
	if (err) {
		free(r);
		errno = -err;
		return NULL;
	}
	return &r->p;
}
