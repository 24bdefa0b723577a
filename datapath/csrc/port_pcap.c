/*
 * Capture of what passes a port, see port_pcap.h; pcap.c writes the file.
 *
 * A received frame is written when the port is next used, not at once: a UDP port predicts the IPv4 identification,
 * and the receiver, who finds the true one by the ICRC, puts it into the frame, which is his until the next rx().
 */
#include "datapath/csrc/port_pcap.h"

#include <stdlib.h>

#include "datapath/csrc/pcap.h"

#define PENDING_MAX 256

struct pcap_port {
	struct dp_port p;
	struct dp_pcap *pcap;
	uint64_t base_unix_ns;
	const struct dp_frame *pending[PENDING_MAX]; /* received at pending_ps, not written yet */
	int npending;
	uint64_t pending_ps;
};

static struct pcap_port *pcap_of(const struct dp_port *p)
{
	return DP_CONTAINER_OF(p, struct pcap_port, p);
}

static void capture(struct pcap_port *pp, const struct dp_frame *f, enum dp_pcap_direction direction, uint64_t now_ps)
{
	dp_pcap_frame(pp->pcap, 0, direction, f, pp->base_unix_ns + now_ps / DP_NS);
}

/* Writes what was received since the port was last used. */
static void settle(struct pcap_port *pp)
{
	for (int i = 0; i < pp->npending; i++)
		capture(pp, pp->pending[i], DP_PCAP_INBOUND, pp->pending_ps);
	pp->npending = 0;
}

/* --- the port --- */

static void pcap_prepare(struct dp_port *p, struct dp_frame **v, int n)
{
	dp_port_prepare(p->inner, v, n);
}

static int pcap_tx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	int took, i;

	settle(pcap_of(p));
	took = dp_port_tx(p->inner, v, n, now_ps);
	for (i = 0; i < took; i++) {
		capture(pcap_of(p), v[i], DP_PCAP_OUTBOUND, now_ps);
		p->stats.tx_frames++;
		p->stats.tx_bytes += dp_frame_bytes(v[i]);
	}
	if (took < n)
		p->stats.tx_busy++;
	return took;
}

static int pcap_rx(struct dp_port *p, struct dp_frame **v, int n, uint64_t now_ps)
{
	struct pcap_port *pp = pcap_of(p);
	int got, i;

	settle(pp);
	got = dp_port_rx(p->inner, v, DP_MIN(n, PENDING_MAX), now_ps);
	for (i = 0; i < got; i++) {
		pp->pending[i] = v[i];
		p->stats.rx_frames++;
		p->stats.rx_bytes += dp_frame_bytes(v[i]);
	}
	pp->npending = DP_MAX(got, 0);
	pp->pending_ps = now_ps;
	return got;
}

static int pcap_fd(struct dp_port *p)
{
	return dp_port_fd(p->inner);
}

static uint64_t pcap_next_ps(struct dp_port *p)
{
	return dp_port_next_ps(p->inner);
}

static void pcap_tick(struct dp_port *p, uint64_t now_ps)
{
	dp_port_tick(p->inner, now_ps);
}

static void pcap_free(struct dp_port *p)
{
	struct pcap_port *pp = pcap_of(p);

	settle(pp);
	dp_pcap_free(pp->pcap);
	dp_port_free(p->inner);
	free(pp);
}

static const struct dp_port_ops pcap_ops = {
	.name = "pcap",
	.tx = pcap_tx,
	.rx = pcap_rx,
	.fd = pcap_fd,
	.next_ps = pcap_next_ps,
	.tick = pcap_tick,
	.free = pcap_free,
};

static const struct dp_port_ops pcap_prepare_ops = {
	.name = "pcap",
	.prepare = pcap_prepare,
	.tx = pcap_tx,
	.rx = pcap_rx,
	.fd = pcap_fd,
	.next_ps = pcap_next_ps,
	.tick = pcap_tick,
	.free = pcap_free,
};

int dp_port_pcap_flush(struct dp_port *port)
{
	settle(pcap_of(port));
	return dp_pcap_flush(pcap_of(port)->pcap);
}

uint64_t dp_port_pcap_frames(const struct dp_port *port)
{
	return dp_pcap_frames(pcap_of(port)->pcap) + (uint64_t)pcap_of(port)->npending;
}

uint64_t dp_port_pcap_lost(const struct dp_port *port)
{
	return dp_pcap_lost(pcap_of(port)->pcap);
}

int dp_port_pcap_error(const struct dp_port *port)
{
	return dp_pcap_error(pcap_of(port)->pcap);
}

struct dp_port *dp_port_pcap_new(struct dp_port *inner, const char *path, uint64_t base_unix_ns, uint32_t snaplen,
				 const char *if_name)
{
	struct pcap_port *pp;

	if (!inner || !path || (if_name && strlen(if_name) > 255)) {
		errno = EINVAL;
		return NULL;
	}
	pp = calloc(1, sizeof(*pp));
	if (!pp)
		return NULL;
	pp->pcap = dp_pcap_new(path);
	if (!pp->pcap || dp_pcap_interface(pp->pcap, if_name, snaplen) < 0) {
		int err = pp->pcap ? ENOMEM : errno;

		dp_pcap_free(pp->pcap);
		free(pp);
		errno = err;
		return NULL;
	}
	pp->p.ops = inner->ops->prepare ? &pcap_prepare_ops : &pcap_ops;
	pp->p.sport = inner->sport;
	pp->p.mtu = inner->mtu;
	pp->p.inner = inner;
	pp->base_unix_ns = base_unix_ns;
	return &pp->p;
}
