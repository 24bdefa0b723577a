/*
 * A bridge on the real clock: a thread that joins AF_UNIX datagram sockets, one Ethernet frame a datagram as
 * datapath/csrc/port_dgram.h and QEMU's `-netdev dgram` speak it, by one emu_bridge. Its time is the clock's divided by
 * the dilation, which the devices at its ports share.
 */
#ifndef EMU_BRIDGE_LIVE_H
#define EMU_BRIDGE_LIVE_H

#include "dpu_emu/csrc/bridge.h"

/* cffi: begin */
struct emu_bridge_live_cfg {
	struct emu_bridge_cfg bridge;
	const char **local_paths;  /* by port: bound here, */
	const char **remote_paths; /* and where frames go; may come later */
	uint32_t dilation;
	uint32_t snaplen;      /* bytes kept of each frame, 0: all */
	const char *pcap_path; /* pcapng with an interface for each port, in the switch's time; NULL: none */
};

struct emu_bridge_live_stats {
	uint64_t now_ps;
	uint64_t tx_lost;      /* nobody there */
	uint64_t tx_busy;      /* the receiver's queue was full: tried again */
	uint64_t rx_truncated; /* longer than frame_bytes: dropped */
	uint64_t turns;        /* of the loop */
	uint64_t captured, capture_lost;
	int64_t capture_error; /* errno that ended it, 0: none */
};

struct emu_bridge_live;
/* NULL: errno, with `error` naming object, value and limit. */
struct emu_bridge_live *emu_bridge_live_start(const struct emu_bridge_live_cfg *cfg, char *error, size_t error_bytes);
void emu_bridge_live_stop(struct emu_bridge_live *live); /* joins the thread, frees; NULL is allowed */
int emu_bridge_live_set_address(struct emu_bridge_live *live, const uint8_t *mac, uint32_t port);
void emu_bridge_live_get_stats(struct emu_bridge_live *live, struct emu_bridge_live_stats *own,
			       struct emu_bridge_stats *bridge, struct dp_tm_stats *tm);
/* cffi: end */

#endif
