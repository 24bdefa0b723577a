/* What is the same for every port: reading its counters, finding the port below, freeing. */
#include "datapath/csrc/port.h"

void dp_port_get_stats(const struct dp_port *p, struct dp_port_stats *out)
{
	*out = p->stats;
}

uint32_t dp_port_mtu(const struct dp_port *p)
{
	return p->mtu;
}

struct dp_port *dp_port_inner(struct dp_port *p)
{
	return p->inner;
}

void dp_port_free(struct dp_port *p)
{
	if (p)
		p->ops->free(p);
}
