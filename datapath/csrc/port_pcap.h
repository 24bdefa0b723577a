/*
 * A port that writes what passes into a pcapng file (draft-ietf-opsawg-pcapng): whole Ethernet frames, an Ethernet
 * header made up from the IP addresses, nanosecond times, direction. A file that cannot be written ends the
 * capture, never the traffic.
 */
#ifndef DP_PORT_PCAP_H
#define DP_PORT_PCAP_H

#include "datapath/csrc/port.h"

/* cffi: begin */
/*
 * Makes or truncates `path`. A frame's time is base_unix_ns + now_ps / 1000. snaplen: bytes kept of each Ethernet
 * frame, 0: all. if_name: shown as the interface's name, up to 255 bytes; NULL: none. NULL: errno.
 */
struct dp_port *dp_port_pcap_new(struct dp_port *inner, const char *path, uint64_t base_unix_ns, uint32_t snaplen,
				 const char *if_name);

/* Writes out what is buffered. Returns 0, or the -errno that ended the capture. */
int dp_port_pcap_flush(struct dp_port *port);

uint64_t dp_port_pcap_frames(const struct dp_port *port); /* frames captured, those still buffered included */
uint64_t dp_port_pcap_lost(const struct dp_port *port);   /* frames not captured because the capture had ended */
int dp_port_pcap_error(const struct dp_port *port);       /* errno that ended it, 0: none */
/* cffi: end */

#endif
