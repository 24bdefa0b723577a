/*
 * Multicast groups of a UDP port. A socket that is bound to a node's address receives no multicast, so each group has a
 * socket of its own, bound to the group, and that socket a port, from which only is received. With the first group the
 * port's descriptor becomes an epoll instance over all of its sockets; a port without groups pays nothing.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "datapath/csrc/port_udp_int.h"

static int watch(int epoll, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* Stays until the port goes: another thread may be waiting for it, and asks for the descriptor without a lock. */
static int begin(struct udp_port *u)
{
	int err, fd;

	if (u->group_epoll >= 0)
		return 0;
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = watch(fd, u->fd);
	if (err)
		close(fd);
	else
		STORE(&u->group_epoll, fd);
	return err;
}

int dp_port_udp_join(struct dp_port *port, int fd)
{
	struct udp_port *u = udp_of(port);
	struct dp_port **groups, *group = dp_port_udp_new(fd);
	int err;

	if (!group)
		return -errno;
	err = udp_of(group)->v6 == u->v6 && udp_of(group)->lport == u->lport ? begin(u) : -EINVAL;
	if (err)
		goto fail;
	err = -ENOMEM;
	groups = realloc(u->groups, (u->ngroups + 1) * sizeof(struct dp_port *));
	if (groups) {
		u->groups = groups;
		err = watch(u->group_epoll, fd);
	}
	if (err)
		goto fail;
	u->groups[u->ngroups++] = group;
	return 0;
fail:
	dp_port_free(group);
	return err;
}

int dp_port_udp_leave(struct dp_port *port, int fd)
{
	struct udp_port *u = udp_of(port);

	for (uint32_t i = 0; i < u->ngroups; i++) {
		if (udp_of(u->groups[i])->fd != fd)
			continue;
		epoll_ctl(u->group_epoll, EPOLL_CTL_DEL, fd, NULL);
		dp_port_free(u->groups[i]);
		u->groups[i] = u->groups[--u->ngroups];
		return 0;
	}
	return -ENOENT;
}

void dp_udp_groups_free(struct udp_port *u)
{
	while (u->ngroups)
		dp_port_udp_leave(&u->port, udp_of(u->groups[0])->fd);
	free(u->groups);
	if (u->group_epoll >= 0)
		close(u->group_epoll);
}

/* From each group in turn, beginning with another one each time: a busy one must not hide the others. */
int dp_udp_groups_rx(struct udp_port *u, struct dp_frame **v, int n, uint64_t now_ps)
{
	int got = 0;

	u->group_next++;
	for (uint32_t i = 0; i < u->ngroups && got < n; i++) {
		struct dp_port *group = u->groups[(u->group_next + i) % u->ngroups];
		uint64_t bytes = group->stats.rx_bytes;

		got += dp_port_rx(group, v + got, n - got, now_ps);
		u->port.stats.rx_bytes += group->stats.rx_bytes - bytes;
	}
	u->port.stats.rx_frames += (uint64_t)got;
	return got;
}

uint64_t dp_udp_groups_next_ps(const struct udp_port *u)
{
	uint64_t next = DP_NEVER;

	for (uint32_t i = 0; i < u->ngroups; i++)
		next = DP_MIN(next, dp_port_next_ps(u->groups[i]));
	return next;
}
