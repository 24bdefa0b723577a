/*
 * An Ethernet switch of frames as bytes, on the traffic manager: the live counterpart of the simulator's switches. A
 * bridge by IEEE 802.1Q (addresses learnt, unknown ones flooded) whose lossless priorities pause their senders by PFC
 * frames, and which marks CE in the IP header (IPv4 with its checksum; the ICRC of RoCEv2 does not cover the field).
 *
 * Sans-IO: frames and a time go in, frames and a next deadline come out. A port's frames leave one after the other at its
 * rate, the remainder carried; who drives it late gets what is due at once, and is told how late that is.
 */
#ifndef EMU_BRIDGE_H
#define EMU_BRIDGE_H

#include "datapath/csrc/tm.h"

/* cffi: begin */
#define EMU_BRIDGE_LATENESS_BUCKETS 64

struct emu_bridge_cfg {
	struct dp_tm_cfg tm;     /* its lengths are of frames without FCS */
	uint64_t rate_bps;       /* of every port */
	uint32_t frame_bytes;    /* longest frame, 64 to 16384 */
	uint32_t overhead_bytes; /* of a frame on the wire: 24 on Ethernet (preamble, FCS, gap) */
	uint32_t max_addresses;  /* learnt, 0: 1024 */
	uint8_t mac[6];          /* source of PFC frames, and the switch's own */
	uint8_t dscp_prio[64];   /* of frames without an 802.1Q tag; what is not IP has that of DSCP 0 */
	uint8_t pad[6];
};

struct emu_bridge_stats {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint64_t flooded, filtered; /* sent to all ports; not sent on, because it is for where it came from */
	uint64_t invalid;           /* shorter than a header, longer than allowed, a source that is a group */
	uint64_t reserved;          /* link-local addresses 01:80:C2:00:00:0x: never forwarded (802.1Q 8.6.3) */
	uint64_t no_memory;
	uint64_t pfc_rx, pfc_tx, pfc_bad, marked;
	uint64_t late_sends[64]; /* frames by lateness: bucket k holds 2^k to 2^(k+1) - 1 ns, k = 0 also less */
	uint64_t late_max_ps;
};

struct emu_bridge;
/* NULL: errno, with `error` naming object, value and limit. */
struct emu_bridge *emu_bridge_new(const struct emu_bridge_cfg *cfg, char *error, size_t error_bytes);
void emu_bridge_free(struct emu_bridge *b);
void emu_bridge_get_stats(const struct emu_bridge *b, struct emu_bridge_stats *out);
const struct dp_tm_stats *emu_bridge_tm_stats(const struct emu_bridge *b);
/* An address that is not learnt but known. 0 or -errno. */
int emu_bridge_set_address(struct emu_bridge *b, const uint8_t *mac, uint32_t port);
/* cffi: end */

/* A frame that came in by a port; it is copied. */
void emu_bridge_rx(struct emu_bridge *b, uint32_t port, const uint8_t *frame, size_t len, uint64_t now_ps);

/*
 * The frame that is due at a port now, NULL for none. It is the same one until emu_bridge_sent() says that it is gone:
 * whoever could not send it asks again.
 */
const uint8_t *emu_bridge_tx(struct emu_bridge *b, uint32_t port, size_t *len, uint64_t now_ps);
void emu_bridge_sent(struct emu_bridge *b, uint32_t port, uint64_t now_ps);

/* When tx() has a frame of this port, as far as is known; and when tick() has to do. DP_NEVER: not by time. */
uint64_t emu_bridge_tx_ps(const struct emu_bridge *b, uint32_t port);
uint64_t emu_bridge_next_ps(const struct emu_bridge *b);
void emu_bridge_tick(struct emu_bridge *b, uint64_t now_ps);

#endif
