/*
 * Multicast groups of a node's UDP socket, which by itself receives none: a socket for each, bound to the group. A process is
 * a member as often as it joined; each process of a machine gets a copy of what is sent.
 */
#ifndef ROCE_GROUPS_H
#define ROCE_GROUPS_H

#include "datapath/csrc/port_udp.h"

/* cffi: begin */
struct roce_group;

struct roce_groups {
	struct dp_port *port; /* a UDP port, of a node with this address */
	struct dp_ip ip;
	struct roce_group *members;
};

/* Lets the node's socket `fd` send to groups. 0 or -errno. */
int roce_groups_init(struct roce_groups *g, struct dp_port *port, int fd, const struct dp_ip *ip);
void roce_groups_fini(struct roce_groups *g); /* once the port is gone */

/*
 * Membership once more, or once less; with the port's lock held. *changed: the port's descriptor may be another one. -errno of
 * a system that refuses (too many groups, no such interface); -ENOENT: not a member.
 */
int roce_groups_join(struct roce_groups *g, const struct dp_ip *group, bool *changed);
int roce_groups_leave(struct roce_groups *g, const struct dp_ip *group);
/* cffi: end */

#endif
