/*
 * A port whose transmit side is a token bucket: at most burst_bytes at once, rate_bps in the long run. Time owed is
 * kept in picoseconds and its remainder carried, so that n frames take exactly the time of their bytes.
 */
#ifndef DP_PORT_RATE_H
#define DP_PORT_RATE_H

#include "datapath/csrc/port.h"

/* cffi: begin */
/*
 * A frame costs its bytes from the IP header on plus overhead_bytes (38 for all that Ethernet adds on the wire, 0 for
 * none). burst_bytes must hold one frame of the inner port's MTU and its overhead. rate_bps: bits a second, at least
 * 1000. NULL: errno.
 */
struct dp_port *dp_port_rate_new(struct dp_port *inner, uint64_t rate_bps, uint32_t burst_bytes,
				 uint32_t overhead_bytes);

/* At any time between two calls of the port; the bucket starts full. Returns 0 or -EINVAL. */
int dp_port_rate_set(struct dp_port *port, uint64_t rate_bps, uint32_t burst_bytes, uint32_t overhead_bytes);
/* cffi: end */

#endif
