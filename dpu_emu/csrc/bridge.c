#include "dpu_emu/csrc/bridge.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "datapath/csrc/frame.h"
#include "datapath/csrc/pfc.h"

#define ETH_BYTES       14
#define MAX_FRAME_BYTES 16384
#define PAUSE_QUANTA    65535
#define NOBODY          UINT32_MAX

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_VLAN = 0x8100, ETHERTYPE_IPV6 = 0x86dd };

/* A frame in the buffer; the traffic manager's handle is its index. */
struct slot {
	uint8_t *bytes;
	uint32_t len, next; /* of the free list */
	uint64_t came_ps;
};

struct port {
	uint64_t free_ps;    /* the line is, */
	uint64_t rem;        /* and rem / rate of a picosecond later */
	uint64_t refresh_ps; /* pauses that last are said again; DP_NEVER: none */
	bool idle;           /* nothing to send, as far as is known */
	bool pfc_due;
	uint32_t out; /* slot that was shown and not yet sent; NOBODY */
	bool out_pfc; /* or a PFC frame was */
	uint64_t out_start_ps;
	uint8_t pfc[DP_PFC_FRAME_BYTES];
	uint8_t told;
};

/* Open addressing by linear probing; nothing is ever taken out. */
struct address {
	uint8_t mac[6];
	uint16_t port;
	bool used, fixed;
};

struct emu_bridge {
	struct emu_bridge_cfg cfg;
	struct dp_tm *tm;
	struct port *ports;
	struct slot *slots;
	uint32_t nslots, free_slot;
	struct address *addresses;
	uint32_t naddresses, mask;
	uint64_t refresh_ps; /* half of the longest pause */
	struct emu_bridge_stats stats;
};

#define REFUSE(...) (snprintf(error, error_bytes, __VA_ARGS__), errno = EINVAL, NULL)

struct emu_bridge *emu_bridge_new(const struct emu_bridge_cfg *cfg, char *error, size_t error_bytes)
{
	uint32_t size = 2, i;
	struct emu_bridge *b;

	if (!cfg->rate_bps || cfg->rate_bps > 100 * DP_SEC)
		return REFUSE("switch: rate_bps %llu is not 1 to 10^14", (unsigned long long)cfg->rate_bps);
	if (cfg->frame_bytes < 64 || cfg->frame_bytes > MAX_FRAME_BYTES)
		return REFUSE("switch: frame_bytes %u is not 64 to %u", cfg->frame_bytes, MAX_FRAME_BYTES);
	if (cfg->overhead_bytes > 1000)
		return REFUSE("switch: overhead_bytes %u exceeds 1000", cfg->overhead_bytes);
	if (cfg->mac[0] & 1)
		return REFUSE("switch: mac %02x:... is a group's", cfg->mac[0]);
	if (cfg->max_addresses > 1u << 20)
		return REFUSE("switch: max_addresses %u exceeds %u", cfg->max_addresses, 1u << 20);
	for (i = 0; i < 64; i++)
		if (cfg->dscp_prio[i] > 7)
			return REFUSE("switch: priority %u of DSCP %u exceeds 7", cfg->dscp_prio[i], i);
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->cfg = *cfg;
	b->cfg.max_addresses = cfg->max_addresses ? cfg->max_addresses : 1024;
	while (size < 2 * b->cfg.max_addresses)
		size *= 2;
	b->mask = size - 1;
	b->free_slot = NOBODY;
	b->refresh_ps = dp_pfc_quanta_ps(PAUSE_QUANTA, cfg->rate_bps) / 2;
	b->tm = dp_tm_new(&cfg->tm, error, error_bytes);
	if (!b->tm) {
		free(b);
		return NULL; /* with errno of it */
	}
	b->ports = calloc(cfg->tm.nports, sizeof(*b->ports));
	b->addresses = calloc(size, sizeof(*b->addresses));
	if (!b->ports || !b->addresses) {
		emu_bridge_free(b);
		errno = ENOMEM;
		return NULL;
	}
	for (i = 0; i < cfg->tm.nports; i++)
		b->ports[i] = (struct port){.refresh_ps = DP_NEVER, .idle = true, .out = NOBODY};
	return b;
}

void emu_bridge_free(struct emu_bridge *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->nslots; i++)
		free(b->slots[i].bytes);
	dp_tm_free(b->tm);
	free(b->slots);
	free(b->ports);
	free(b->addresses);
	free(b);
}

void emu_bridge_get_stats(const struct emu_bridge *b, struct emu_bridge_stats *out)
{
	*out = b->stats;
	out->marked = dp_tm_stats(b->tm)->marked;
}

const struct dp_tm_stats *emu_bridge_tm_stats(const struct emu_bridge *b)
{
	return dp_tm_stats(b->tm);
}

/* ---- addresses ------------------------------------------------------------------------------------------------ */

/* The entry of an address, or the free one where it belongs. */
static struct address *find(const struct emu_bridge *b, const uint8_t *mac)
{
	uint64_t h = ((uint64_t)dp_get_be16(mac) << 32 | dp_get_be32(mac + 2)) * 0x9e3779b97f4a7c15ULL;
	uint32_t i = (uint32_t)(h >> 40) & b->mask;

	while (b->addresses[i].used && memcmp(b->addresses[i].mac, mac, 6))
		i = (i + 1) & b->mask;
	return &b->addresses[i];
}

static int put_address(struct emu_bridge *b, const uint8_t *mac, uint32_t port, bool fixed)
{
	struct address *a = find(b, mac);

	if (a->used && a->fixed && !fixed)
		return 0;
	if (!a->used && b->naddresses == b->cfg.max_addresses)
		return -ENOSPC;
	b->naddresses += !a->used;
	memcpy(a->mac, mac, 6);
	a->port = (uint16_t)port;
	a->fixed = fixed;
	a->used = true;
	return 0;
}

int emu_bridge_set_address(struct emu_bridge *b, const uint8_t *mac, uint32_t port)
{
	if (mac[0] & 1 || port >= b->cfg.tm.nports)
		return -EINVAL;
	return put_address(b, mac, port, true);
}

/* ---- in ------------------------------------------------------------------------------------------------------- */

/* Where the IP header of a frame is, behind at most one tag; NULL: no whole one. */
static uint8_t *ip_header(uint8_t *frame, size_t len)
{
	size_t at = ETH_BYTES;
	uint16_t type = dp_get_be16(frame + 12);

	if (type == ETHERTYPE_VLAN && len >= ETH_BYTES + 4) {
		type = dp_get_be16(frame + 16);
		at += 4;
	}
	if (type == ETHERTYPE_IPV4 && len >= at + 20 && frame[at] == 0x45)
		return frame + at;
	return type == ETHERTYPE_IPV6 && len >= at + 40 && frame[at] >> 4 == 6 ? frame + at : NULL;
}

static uint8_t traffic_class(const uint8_t *ip)
{
	return ip[0] >> 4 == 4 ? ip[1] : (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

static void mark_ce(uint8_t *ip)
{
	if (ip[0] >> 4 == 4) {
		ip[1] |= 3;
		dp_put_be16(ip + 10, dp_ip4_checksum(ip));
	} else {
		ip[1] |= 0x30;
	}
}

static uint32_t slot_get(struct emu_bridge *b)
{
	uint32_t i = b->free_slot;
	struct slot *slots;

	if (i != NOBODY) {
		b->free_slot = b->slots[i].next;
		return i;
	}
	if (!(b->nslots & (b->nslots - 1))) {
		slots = realloc(b->slots, sizeof(*slots) * (b->nslots ? 2 * b->nslots : 1));
		if (!slots)
			return NOBODY;
		b->slots = slots;
	}
	b->slots[b->nslots] = (struct slot){.bytes = malloc(b->cfg.frame_bytes)};
	if (!b->slots[b->nslots].bytes)
		return NOBODY;
	return b->nslots++;
}

static void slot_put(struct emu_bridge *b, uint32_t i)
{
	b->slots[i].next = b->free_slot;
	b->free_slot = i;
}

/* What the traffic manager has to say after any call. */
static void take_notices(struct emu_bridge *b, uint64_t now_ps)
{
	struct dp_tm_pkt pkt;
	uint32_t port;
	uint8_t mask;

	while (dp_tm_next_pfc(b->tm, &port, &mask)) {
		b->ports[port].pfc_due = true;
		b->ports[port].idle = false;
	}
	while (dp_tm_next_ready(b->tm, &port)) {
		if (b->ports[port].idle)
			b->ports[port].free_ps = DP_MAX(b->ports[port].free_ps, now_ps);
		b->ports[port].idle = false;
	}
	while (dp_tm_next_dropped(b->tm, &pkt))
		slot_put(b, pkt.handle);
}

static void enqueue(struct emu_bridge *b, uint32_t in, uint32_t out, const uint8_t *frame, size_t len, uint64_t now_ps)
{
	uint32_t i = slot_get(b);
	struct dp_tm_pkt pkt = {.len = (uint32_t)len, .handle = i, .in_port = (uint16_t)in, .out_port = (uint16_t)out};
	const uint8_t *ip;

	if (i == NOBODY) {
		b->stats.no_memory++;
		return;
	}
	memcpy(b->slots[i].bytes, frame, len);
	b->slots[i].len = (uint32_t)len;
	b->slots[i].came_ps = now_ps;
	ip = ip_header(b->slots[i].bytes, len);
	if (ip)
		pkt.ect = (uint8_t)((traffic_class(ip) + 1) & 2); /* 01, 10: ECT(1), ECT(0) */
	if (dp_get_be16(frame + 12) == ETHERTYPE_VLAN && len >= ETH_BYTES + 4)
		pkt.prio = frame[14] >> 5;
	else
		pkt.prio = b->cfg.dscp_prio[ip ? traffic_class(ip) >> 2 : 0];
	if (dp_tm_enqueue(b->tm, &pkt, now_ps) != DP_TM_QUEUED) {
		slot_put(b, i); /* the traffic manager has counted why */
		return;
	}
	if (pkt.ce)
		mark_ce(ip_header(b->slots[i].bytes, len));
	b->ports[out].idle = false;
}

static void on_pfc(struct emu_bridge *b, uint32_t port, const uint8_t *frame, size_t len, uint64_t now_ps)
{
	struct port *p = &b->ports[port];
	struct dp_pfc pfc;
	uint32_t prio;

	switch (dp_pfc_parse(frame, len, b->cfg.mac, &pfc)) {
	case DP_PFC_OK:
		break;
	case DP_PFC_OTHER:
		b->stats.reserved++;
		return;
	default:
		b->stats.pfc_bad++;
		return;
	}
	b->stats.pfc_rx++;
	for (prio = 0; prio < 8; prio++)
		if (pfc.enabled >> prio & 1)
			dp_tm_pause(b->tm, port, (uint8_t)(1 << prio),
				    dp_add_ps(now_ps, dp_pfc_quanta_ps(pfc.quanta[prio], b->cfg.rate_bps)), now_ps);
	/* A line that stood still: what may go on now is due now, not since it stopped. */
	if (p->idle)
		p->free_ps = DP_MAX(p->free_ps, now_ps);
	p->idle = false;
}

static bool link_local(const uint8_t *mac)
{
	static const uint8_t prefix[5] = {0x01, 0x80, 0xc2, 0x00, 0x00};

	return !memcmp(mac, prefix, sizeof(prefix)) && mac[5] < 0x10;
}

void emu_bridge_rx(struct emu_bridge *b, uint32_t port, const uint8_t *frame, size_t len, uint64_t now_ps)
{
	const struct address *to;
	uint32_t i;

	assert(port < b->cfg.tm.nports);
	b->stats.rx_frames++;
	b->stats.rx_bytes += len;
	if (len < ETH_BYTES || len > b->cfg.frame_bytes || frame[6] & 1) {
		b->stats.invalid++;
		return;
	}
	if (link_local(frame) || !memcmp(frame, b->cfg.mac, 6)) {
		on_pfc(b, port, frame, len, now_ps);
		take_notices(b, now_ps);
		return;
	}
	put_address(b, frame + 6, port, false);
	to = frame[0] & 1 ? NULL : find(b, frame);
	if (to && to->used) {
		if (to->port == port)
			b->stats.filtered++;
		else
			enqueue(b, port, to->port, frame, len, now_ps);
	} else {
		b->stats.flooded++;
		for (i = 0; i < b->cfg.tm.nports; i++)
			if (i != port)
				enqueue(b, port, i, frame, len, now_ps);
	}
	take_notices(b, now_ps);
}

/* ---- out ------------------------------------------------------------------------------------------------------ */

static void make_pfc(struct emu_bridge *b, uint32_t port, uint64_t now_ps)
{
	struct port *p = &b->ports[port];
	uint8_t mask = dp_tm_xoff_mask(b->tm, port);
	struct dp_pfc pfc = {.enabled = mask | p->told};
	uint32_t prio;

	memcpy(pfc.src, b->cfg.mac, 6);
	for (prio = 0; prio < 8; prio++)
		pfc.quanta[prio] = mask >> prio & 1 ? PAUSE_QUANTA : 0;
	dp_pfc_build(p->pfc, &pfc);
	p->told = mask;
	p->pfc_due = false;
	p->refresh_ps = mask ? dp_add_ps(now_ps, b->refresh_ps) : DP_NEVER;
	p->out_pfc = true;
}

const uint8_t *emu_bridge_tx(struct emu_bridge *b, uint32_t port, size_t *len, uint64_t now_ps)
{
	struct port *p = &b->ports[port];
	struct dp_tm_pkt pkt;

	if (p->out == NOBODY && !p->out_pfc) {
		if (p->free_ps > now_ps || p->idle)
			return NULL;
		/* A pause goes before all that waits: it must not wait behind what it is to hold up. */
		if (p->pfc_due) {
			p->out_start_ps = p->free_ps;
			make_pfc(b, port, now_ps);
		} else if (dp_tm_dequeue(b->tm, port, &pkt, now_ps)) {
			p->out = pkt.handle;
			p->out_start_ps = DP_MAX(p->free_ps, b->slots[pkt.handle].came_ps);
			if (pkt.ce)
				mark_ce(ip_header(b->slots[pkt.handle].bytes, pkt.len));
			take_notices(b, now_ps);
		} else {
			p->idle = true;
			return NULL;
		}
	}
	*len = p->out_pfc ? DP_PFC_FRAME_BYTES : b->slots[p->out].len;
	return p->out_pfc ? p->pfc : b->slots[p->out].bytes;
}

static void count_lateness(struct emu_bridge *b, uint64_t late_ps)
{
	uint64_t ns = late_ps / DP_NS;

	b->stats.late_sends[ns ? 63 - __builtin_clzll(ns) : 0]++;
	b->stats.late_max_ps = DP_MAX(b->stats.late_max_ps, late_ps);
}

void emu_bridge_sent(struct emu_bridge *b, uint32_t port, uint64_t now_ps)
{
	struct port *p = &b->ports[port];
	uint32_t len = p->out_pfc ? DP_PFC_FRAME_BYTES : b->slots[p->out].len;
	unsigned __int128 num = (unsigned __int128)(len + b->cfg.overhead_bytes) * 8 * DP_SEC;

	if (p->out_pfc) {
		b->stats.pfc_tx++;
		/* Nobody could know before now that it would be due. */
		p->out_start_ps = DP_MAX(p->out_start_ps, now_ps);
	} else {
		slot_put(b, p->out);
	}
	if (p->out_start_ps > p->free_ps)
		p->rem = 0; /* the line was idle */
	num += p->rem;
	p->free_ps = dp_add_ps(p->out_start_ps, (uint64_t)(num / b->cfg.rate_bps));
	p->rem = (uint64_t)(num % b->cfg.rate_bps);
	count_lateness(b, now_ps - DP_MIN(now_ps, p->out_start_ps));
	p->out = NOBODY;
	p->out_pfc = false;
	b->stats.tx_frames++;
	b->stats.tx_bytes += len;
}

uint64_t emu_bridge_tx_ps(const struct emu_bridge *b, uint32_t port)
{
	const struct port *p = &b->ports[port];

	return p->idle && p->out == NOBODY && !p->out_pfc ? DP_NEVER : p->free_ps;
}

uint64_t emu_bridge_next_ps(const struct emu_bridge *b)
{
	uint64_t next_ps = dp_tm_next_ps(b->tm);
	uint32_t i;

	for (i = 0; i < b->cfg.tm.nports; i++)
		next_ps = DP_MIN(next_ps, b->ports[i].refresh_ps);
	return next_ps;
}

void emu_bridge_tick(struct emu_bridge *b, uint64_t now_ps)
{
	uint32_t i;

	dp_tm_tick(b->tm, now_ps);
	for (i = 0; i < b->cfg.tm.nports; i++)
		if (b->ports[i].refresh_ps <= now_ps) {
			b->ports[i].refresh_ps = DP_NEVER;
			b->ports[i].pfc_due = true;
			b->ports[i].idle = false;
		}
	take_notices(b, now_ps);
}
