#include "rdma_verbs/csrc/vnet.h"

#include <stdlib.h>

#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/pump.h"

struct roce_vnet {
	uint64_t now_ps;
	struct roce_pump **nodes;
	int n;
};

struct roce_vnet *roce_vnet_new(void)
{
	struct roce_vnet *net = calloc(1, sizeof(*net));

	if (net && dp_guard_acquire()) {
		free(net);
		return NULL;
	}
	return net;
}

void roce_vnet_free(struct roce_vnet *net)
{
	if (!net)
		return;
	for (int i = 0; i < net->n; i++) {
		dp_port_free(net->nodes[i]->port);
		roce_pump_fini(net->nodes[i]);
		free(net->nodes[i]);
	}
	free(net->nodes);
	free(net);
	dp_guard_release();
}

int roce_vnet_join(struct roce_vnet *net, struct roce_dev *dev, struct dp_port *port)
{
	struct roce_pump **nodes = realloc(net->nodes, ((size_t)net->n + 1) * sizeof(struct roce_pump *));
	struct roce_pump *pump;
	int err;

	if (!nodes)
		return -ENOMEM;
	net->nodes = nodes;
	pump = malloc(sizeof(*pump));
	if (!pump)
		return -ENOMEM;
	err = roce_pump_init(pump, dev, port);
	if (err) {
		free(pump);
		return err;
	}
	pump->strict_icrc = true; /* a memory port knows every identification */
	nodes[net->n] = pump;
	return net->n++;
}

uint64_t roce_vnet_now_ps(const struct roce_vnet *net)
{
	return net->now_ps;
}

static bool any_cqe(struct roce_cq **cqs, int n)
{
	for (int i = 0; i < n; i++)
		if (roce_cq_pending(cqs[i]))
			return true;
	return false;
}

int64_t roce_vnet_run_cqe(struct roce_vnet *net, struct roce_cq **cqs, int n, uint64_t until_ps, uint64_t max_events)
{
	uint64_t events = 0;

	while (!any_cqe(cqs, n)) {
		uint64_t next = DP_NEVER;

		for (int i = 0; i < net->n; i++)
			next = DP_MIN(next, roce_pump_next_ps(net->nodes[i]));
		if (next == DP_NEVER || next > until_ps) {
			if (until_ps != DP_NEVER)
				net->now_ps = DP_MAX(net->now_ps, until_ps);
			break;
		}
		if (events >= max_events)
			return -ELOOP;
		net->now_ps = DP_MAX(net->now_ps, next);
		for (int i = 0; i < net->n; i++) {
			struct roce_pump *node = net->nodes[i];

			/* A blocked node tries whenever anything happens: that may have made room. */
			if (roce_pump_blocked(node) || roce_pump_next_ps(node) <= net->now_ps)
				roce_pump_run(node, net->now_ps);
		}
		events++;
	}
	return (int64_t)events;
}

int64_t roce_vnet_run(struct roce_vnet *net, uint64_t until_ps, uint64_t max_events)
{
	return roce_vnet_run_cqe(net, NULL, 0, until_ps, max_events);
}
