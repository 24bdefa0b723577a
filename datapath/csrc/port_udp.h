/*
 * Port on a bound UDP socket (RoCEv2: port 4791), IPv4 or IPv6, with segmentation offload both ways and credits
 * between sockets of one machine (datapath/csrc/node_shm.h).
 *
 * A run of frames for one QP of one address with equal lengths travels as one UDP_SEGMENT message. The kernel steers
 * such a message whole, by its first datagram, and writes identifications 0, 1, 2 ... when it has to cut it;
 * prepare() plans the runs and writes these identifications, because the ICRC covers them. With path MTU discovery
 * on and the socket unconnected, a single datagram goes out with identification 0 and DF set.
 *
 * A socket never shows the IP header: rx() makes one from what the kernel tells (addresses, TOS, TTL), with the
 * identification predicted by the same rule; DP_FRAME_ID_KNOWN stays unset.
 */
#ifndef DP_PORT_UDP_H
#define DP_PORT_UDP_H

#include "datapath/csrc/node_shm.h"
#include "datapath/csrc/port.h"

/* cffi: begin */
struct dp_port_udp_stats {
	uint64_t tx_messages; /* sendmsg() that went out: batches and single datagrams */
	uint64_t rx_messages;
	uint64_t tx_credit_waits;           /* tx() stopped because the receiver's buffer was promised away */
	uint64_t tx_stalled;                /* frames dropped: the receiver has not read for a second */
	uint64_t tx_uncredited;             /* messages sent to such a receiver all the same, to find out */
	uint64_t rx_heals, rx_healed_bytes; /* credit taken back that a killed sender had reserved */
};

/*
 * Takes a bound, unconnected datagram socket and sets its options; the descriptor stays the caller's. Frames leave
 * from and arrive for its address and UDP port. NULL: errno (ENOTSOCK, EINVAL: not a bound UDP socket).
 */
struct dp_port *dp_port_udp_new(int fd);

/*
 * The port receives for `slot` of the node memory at shm (len bytes, mapped for writing; it must outlive the port):
 * credit for what it reads is released there. shm NULL: no credits. -EINVAL: not node memory of this version.
 */
int dp_port_udp_set_self(struct dp_port *port, void *shm, uint64_t len, uint32_t slot);

/*
 * Packets to `ip` (16 bytes, IPv4 as ::ffff:a.b.c.d) go to the node with memory shm, in which this port is sender
 * number `sender`: they wait for credit. A second call replaces the first, shm NULL removes the entry. Without an
 * entry, packets are sent at once (another machine: the engine's window bounds them). -ENOMEM, -EINVAL.
 */
int dp_port_udp_set_peer(struct dp_port *port, const uint8_t *ip, void *shm, uint64_t len, uint32_t sender);

/*
 * Receives what comes for a multicast group, too: fd is a socket bound to the group and the port's UDP port, and member
 * of the group. It stays the caller's, as long as the port or until leave. -EINVAL: another family or UDP port;
 * -ENOENT: not joined. Frames of a group come without credits.
 */
int dp_port_udp_join(struct dp_port *port, int fd);
int dp_port_udp_leave(struct dp_port *port, int fd);

void dp_port_udp_get_stats(const struct dp_port *port, struct dp_port_udp_stats *out);

/* Copies struct dp_port_stats, losses of the kernel's queue brought up to date, to the slot's page (set_self). */
void dp_port_udp_publish(struct dp_port *port);
/* cffi: end */

#endif
