/*
 * A pcapng file that is being written (draft-ietf-opsawg-pcapng): whole Ethernet frames on one or more interfaces,
 * nanosecond times. A file that cannot be written ends the capture, never the traffic.
 */
#ifndef DP_PCAP_H
#define DP_PCAP_H

#include "datapath/csrc/frame.h"

struct dp_pcap;

enum dp_pcap_direction { DP_PCAP_UNKNOWN = 0, DP_PCAP_INBOUND = 1, DP_PCAP_OUTBOUND = 2 };

/* Makes or truncates `path`. NULL: errno. */
struct dp_pcap *dp_pcap_new(const char *path);
void dp_pcap_free(struct dp_pcap *pcap); /* writes out what is buffered */

/*
 * The next interface: its number, from 0. snaplen: bytes kept of each frame, 0: all; name: up to 255 bytes, NULL: none.
 * -EINVAL: a longer one.
 */
int dp_pcap_interface(struct dp_pcap *pcap, const char *name, uint32_t snaplen);

/* An IP packet with an Ethernet header made up from its addresses; an Ethernet frame as it is. */
void dp_pcap_frame(struct dp_pcap *pcap, int interface, enum dp_pcap_direction direction, const struct dp_frame *f,
		   uint64_t unix_ns);
void dp_pcap_ethernet(struct dp_pcap *pcap, int interface, enum dp_pcap_direction direction, const void *frame,
		      uint32_t len, uint64_t unix_ns);

int dp_pcap_flush(struct dp_pcap *pcap);             /* 0, or the -errno that ended the capture */
uint64_t dp_pcap_frames(const struct dp_pcap *pcap); /* those still buffered included */
uint64_t dp_pcap_lost(const struct dp_pcap *pcap);   /* not captured because the capture had ended */
int dp_pcap_error(const struct dp_pcap *pcap);       /* errno that ended it, 0: none */

#endif
