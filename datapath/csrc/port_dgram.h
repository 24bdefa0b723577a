/*
 * Ethernet over AF_UNIX datagrams: one frame a datagram, as QEMU's `-netdev dgram` with unix addresses speaks it, and
 * without privileges. The seat for live switches and guests. Addresses are resolved by the neighbour core; frames
 * that wait for an answer are copied there.
 */
#ifndef DP_PORT_DGRAM_H
#define DP_PORT_DGRAM_H

#include "datapath/csrc/neigh.h"
#include "datapath/csrc/port.h"

/* cffi: begin */
struct dp_dgram_cfg {
	const char *local_path; /* bound, and unlinked when the port is freed; one left by a dead process is replaced */
	const char *remote_path; /* may not exist yet: frames are lost (tx_errors) until it does */
	uint8_t mac[6];          /* unicast */
	uint8_t tag;             /* 1: frames carry an 802.1Q tag whose priority is the frame's */
	uint16_t vlan_id;        /* with tag: 0 (priority only) to 4094; frames of other VLANs are not for us */
	uint16_t mtu;            /* largest IP packet, 576 to 9216; 0: 1500 */
	uint32_t nip;            /* 1 to 16 */
	uint8_t ip[16][16];      /* IPv4 as ::ffff:a.b.c.d */
	uint32_t max_entries;    /* neighbours, 0: 1024 */
	uint32_t max_waiting;    /* frames that wait for an address, 0: 256 */
	uint64_t rate_bps; /* of the link: what a PFC frame's quanta are counted in; 0: such frames are not for us */
};

struct dp_port *dp_port_dgram_new(const struct dp_dgram_cfg *cfg); /* NULL: errno */
void dp_port_dgram_neigh_stats(const struct dp_port *port, struct dp_neigh_stats *out);
uint64_t dp_port_dgram_pfc_frames(const struct dp_port *port); /* that came and were honoured */
/* cffi: end */

/* For whoever speaks frames himself: a socket bound to the path, or -errno; one left by a dead process is replaced. */
struct sockaddr_un;
int dp_dgram_address(struct sockaddr_un *sa, const char *path); /* 0 or -EINVAL */
int dp_dgram_open(const struct sockaddr_un *local);

#endif
