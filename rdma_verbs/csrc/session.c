#include "rdma_verbs/csrc/session.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datapath/csrc/port_udp.h"

struct roce_session {
	int fd;
	struct dp_port *port;
	struct roce_dev *dev;
	struct roce_live *live;
};

struct roce_session *roce_session_open(const struct roce_session_cfg *cfg, char *error, size_t error_bytes)
{
	struct roce_session *s = calloc(1, sizeof(*s));
	struct roce_dev_cfg dev = cfg->dev;
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(4791)};
	int one = 1;

	inet_pton(AF_INET, cfg->node.address, &in.sin_addr);
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	one = 4 << 20;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &one, sizeof(one));
	if (bind(s->fd, (struct sockaddr *)&in, sizeof(in))) {
		snprintf(error, error_bytes, "bind: %m");
		return NULL;
	}
	s->port = dp_port_udp_new(s->fd);
	dev.ngid = 1;
	memset(dev.gid[0].b, 0, 16);
	dev.gid[0].b[10] = dev.gid[0].b[11] = 0xff;
	memcpy(dev.gid[0].b + 12, &in.sin_addr, 4);
	dev.sport = (uint16_t)dp_port_sport(s->port);
	getrandom(&dev.seed, sizeof(dev.seed), 0);
	s->dev = roce_dev_new(&dev);
	s->live = roce_live_start(s->dev, s->port);
	return s;
}

struct roce_dev *roce_session_dev(struct roce_session *s)
{
	return s->dev;
}
struct roce_live *roce_session_live(struct roce_session *s)
{
	return s->live;
}
uint32_t roce_session_mtu(struct roce_session *s)
{
	return s ? ROCE_MTU_4096 : 0;
}
int roce_session_reach(struct roce_session *s, const struct roce_gid *gid)
{
	(void)s;
	(void)gid;
	return 0;
}
int roce_session_join(struct roce_session *s, const struct roce_gid *group)
{
	(void)s;
	(void)group;
	return 0;
}
int roce_session_leave(struct roce_session *s, const struct roce_gid *group)
{
	(void)s;
	(void)group;
	return 0;
}
void roce_session_close(struct roce_session *s)
{
	roce_live_stop(s->live);
	roce_dev_free(s->dev);
	dp_port_free(s->port);
	close(s->fd);
	free(s);
}
