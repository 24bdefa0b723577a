/*
 * Neighbour core, sans-IO: which MAC address an IP address on the link has. ARP (RFC 826, 5227) and IPv6 neighbour
 * discovery (RFC 4861, without routers: everything is on-link). Ethernet frames in, Ethernet frames out, untagged.
 * ICMP echo is not answered here.
 *
 *     (none) --resolve--> INCOMPLETE --answer--> REACHABLE --30 s--> STALE --resolve--> PROBE --answer--> REACHABLE
 *                             |                                                           |
 *                          3 x 1 s                                                     3 x 1 s
 *                             v                                                           v
 *                          FAILED --1 s--> (none)                                       (none)
 *
 * The MAC is usable in the three states on the right. Nothing that arrives makes an entry, it only updates what
 * was asked for.
 */
#ifndef DP_NEIGH_H
#define DP_NEIGH_H

#include "datapath/csrc/base.h"

#define DP_NEIGH_IPS 16
#define DP_ETH_BYTES 14

enum dp_neigh_verdict { DP_NEIGH_OK, DP_NEIGH_PENDING, DP_NEIGH_FAILED };

struct dp_neigh_cfg {
	uint8_t mac[6];                /* unicast */
	uint32_t nip;                  /* 1 to 16 */
	struct dp_ip ip[DP_NEIGH_IPS]; /* unicast */
	uint32_t max_entries;          /* 0: 1024 */
	uint32_t max_waiting;          /* frames that wait for an answer, in all; 0: 256 */
};

/* cffi: begin */
struct dp_neigh_stats {
	uint64_t requests, replies; /* sent */
	uint64_t malformed;         /* ARP or neighbour discovery that breaks its RFC: dropped */
	uint64_t conflicts;         /* somebody else claims one of our addresses: ignored */
	uint64_t unknown;           /* answers and announcements about addresses nobody asked for: ignored */
	uint64_t failed;            /* resolutions that got no answer */
	uint64_t table_full;        /* resolutions refused because of max_entries */
	uint64_t wait_dropped;      /* frames lost while they waited: no answer, or no room */
	uint64_t reply_dropped;     /* replies not sent because too many were queued */
};
/* cffi: end */

struct dp_neigh;

struct dp_neigh *dp_neigh_new(const struct dp_neigh_cfg *cfg); /* NULL: errno */
void dp_neigh_free(struct dp_neigh *n);

/* Asks when nobody has yet. mac is written when DP_NEIGH_OK is returned; multicast is mapped without asking. */
enum dp_neigh_verdict dp_neigh_resolve(struct dp_neigh *n, const struct dp_ip *ip, uint8_t mac[6], uint64_t now_ps);

/*
 * After DP_NEIGH_PENDING: room for a whole untagged Ethernet frame of len bytes (14 to 65535), which the caller fills
 * in before the next call; it comes out of dp_neigh_peek() with the destination MAC set, or is lost. NULL: no room.
 */
uint8_t *dp_neigh_wait(struct dp_neigh *n, const struct dp_ip *ip, size_t len, uint8_t prio);

/* Takes a received untagged Ethernet frame. False: neither ARP nor a neighbour message; somebody else's. */
bool dp_neigh_rx(struct dp_neigh *n, const uint8_t *frame, size_t len, uint64_t now_ps);

/* The next frame to send, NULL: none. It stays until dp_neigh_pop(). */
const uint8_t *dp_neigh_peek(const struct dp_neigh *n, size_t *len, uint8_t *prio);
void dp_neigh_pop(struct dp_neigh *n);

uint64_t dp_neigh_next_ps(const struct dp_neigh *n);
void dp_neigh_tick(struct dp_neigh *n, uint64_t now_ps);

bool dp_neigh_is_our_mac(const struct dp_neigh *n, const uint8_t mac[6]);  /* ours, or a group */
bool dp_neigh_is_our_ip(const struct dp_neigh *n, const struct dp_ip *ip); /* one of ours, not a group */
bool dp_ip_is_multicast(const struct dp_ip *ip);                           /* the IPv4 broadcast address included */
const struct dp_neigh_stats *dp_neigh_get_stats(const struct dp_neigh *n);
uint32_t dp_neigh_count(const struct dp_neigh *n); /* entries, of any state */

#endif
