#include "rdma_verbs/csrc/groups.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rdma_verbs/csrc/fork.h"

#define HOP_LIMIT 64 /* as that of everything else which the socket sends */

struct roce_group {
	struct roce_group *next;
	struct dp_ip ip;
	uint32_t times;
	int fd;
};

/* The interface that has the IPv6 address; 0, the system's choice, if none has. */
static int interface_of(const struct dp_ip *ip)
{
	struct ifaddrs *all;
	int index = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (struct ifaddrs *i = all; i && !index; i = i->ifa_next) {
		const struct sockaddr_in6 *a = (const void *)i->ifa_addr;

		if (a && a->sin6_family == AF_INET6 && !memcmp(&a->sin6_addr, ip->b, 16))
			index = (int)if_nametoindex(i->ifa_name);
	}
	freeifaddrs(all);
	return index;
}

static int set(int fd, int level, int name, const void *value, socklen_t len)
{
	return setsockopt(fd, level, name, value, len) < 0 ? -errno : 0;
}

int roce_groups_init(struct roce_groups *g, struct dp_port *port, int fd, const struct dp_ip *ip)
{
	int hops = HOP_LIMIT, index, err;

	memset(g, 0, sizeof(*g));
	g->port = port;
	g->ip = *ip;
	if (dp_ip_is_v4(ip)) {
		err = set(fd, IPPROTO_IP, IP_MULTICAST_IF, ip->b + 12, 4);
		return err ? err : set(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops));
	}
	index = interface_of(ip);
	err = set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index));
	return err ? err : set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
}

void roce_groups_fini(struct roce_groups *g)
{
	while (g->members) {
		struct roce_group *m = g->members;

		g->members = m->next;
		roce_fork_close(m->fd);
		free(m);
	}
}

/* Binds to the group and becomes a member on the interface that has the node's address. */
static int enter(const struct roce_groups *g, int fd, const struct dp_ip *group)
{
	uint16_t port = htons((uint16_t)dp_port_sport(g->port));
	int one = 1, err = set(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)); /* every process has one */

	if (err)
		return err;
	if (dp_ip_is_v4(group)) {
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port};
		struct ip_mreq member;

		memcpy(&to.sin_addr, group->b + 12, 4);
		memcpy(&member.imr_multiaddr, group->b + 12, 4);
		memcpy(&member.imr_interface, g->ip.b + 12, 4);
		if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
			return -errno;
		return set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof(member));
	} else {
		uint32_t index = (uint32_t)interface_of(&g->ip);
		struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = port, .sin6_scope_id = index};
		struct ipv6_mreq member = {.ipv6mr_interface = index};

		memcpy(&to.sin6_addr, group->b, 16);
		memcpy(&member.ipv6mr_multiaddr, group->b, 16);
		if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
			return -errno;
		return set(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &member, sizeof(member));
	}
}

static struct roce_group **find(struct roce_groups *g, const struct dp_ip *group)
{
	struct roce_group **at = &g->members;

	while (*at && !dp_ip_eq(&(*at)->ip, group))
		at = &(*at)->next;
	return at;
}

int roce_groups_join(struct roce_groups *g, const struct dp_ip *group, bool *changed)
{
	struct roce_group *m = *find(g, group);
	int err;

	*changed = false;
	if (m) {
		m->times++;
		return 0;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->ip = *group;
	m->times = 1;
	roce_fork_lock();
	m->fd = roce_fork_keep(
		socket(dp_ip_is_v4(group) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	roce_fork_unlock();
	err = m->fd < 0 ? m->fd : enter(g, m->fd, group);
	if (!err)
		err = dp_port_udp_join(g->port, m->fd);
	if (err) {
		roce_fork_close(m->fd);
		free(m);
		return err;
	}
	m->next = g->members;
	g->members = m;
	*changed = true;
	return 0;
}

int roce_groups_leave(struct roce_groups *g, const struct dp_ip *group)
{
	struct roce_group **at = find(g, group), *m = *at;

	if (!m)
		return -ENOENT;
	if (--m->times)
		return 0;
	*at = m->next;
	dp_port_udp_leave(g->port, m->fd);
	roce_fork_close(m->fd);
	free(m);
	return 0;
}
