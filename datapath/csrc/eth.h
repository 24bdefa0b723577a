/*
 * Ethernet frames as bytes: 802.1Q tags off and on, and the way from a received frame to struct dp_frame. Shared by
 * the ports that speak Ethernet. Reads nothing outside the bytes given and trusts nothing.
 */
#ifndef DP_ETH_H
#define DP_ETH_H

#include "datapath/csrc/frame.h"

#define DP_ETH_TAG_BYTES 4

/*
 * Takes one 802.1Q tag out: *frame moves up by four bytes (the addresses are moved there), *len down. Returns the
 * tag control information (priority << 13 | DEI << 12 | VLAN), -1 when there is no tag.
 */
int dp_eth_untag(uint8_t **frame, size_t *len);

/* Writes the header's twelve address bytes and a tag to out, 16 bytes; what follows the tag is the ethertype. */
void dp_eth_tag(uint8_t out[16], const uint8_t addresses[12], uint8_t prio, uint16_t vlan_id);

/*
 * Fills l3, l3_len, data, len and flags from an untagged frame that holds one whole IPv4 or IPv6 UDP packet; data
 * points into the frame, padding behind the packet is cut off. False: it is something else or malformed. IPv4
 * options, IPv6 extension headers and fragments are refused: RoCEv2 knows none (IBTA vol 1, A17.3). Checksums are
 * not looked at.
 */
bool dp_eth_parse_udp(uint8_t *frame, size_t len, struct dp_frame *f);

/* Source and destination of l3, IPv4 or IPv6 by its version field, which must be right. */
void dp_frame_addresses(const struct dp_frame *f, struct dp_ip *src, struct dp_ip *dst);

#endif
