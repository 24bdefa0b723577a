/*
 * Next hops. Hosts that hang on the same switch are reached the same way, so a switch has one entry for each leaf (a
 * switch with hosts), which is a group of ports; equal groups of a switch are stored once.
 */
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

static inline uint32_t mix(uint32_t h)
{
	h = (h ^ h >> 16) * 0x7feb352du;
	h = (h ^ h >> 15) * 0x846ca68bu;
	return h ^ h >> 16;
}

/* The same, where that draws nothing from a generator: for prefetching. */
uint32_t emu_route_ahead(const struct emu_sim *sim, const struct emu_switch *sw, const struct emu_pkt *p)
{
	const struct emu_way *way = &sim->ways[p->way];
	const struct emu_hop_group *group;
	uint32_t g = sw->hops[way->leaf], pick;

	if (dp_unlikely(!g || g == EMU_HOP_HERE || sw->by_host))
		return g == EMU_HOP_HERE ? sim->nodes[way->dst].leaf_port : EMU_NONE;
	group = &sim->groups[sw->group0 + g - 1];
	if (group->n > 1 && (sw->spray || !group->consecutive))
		return EMU_NONE;
	pick = mix(way->hash ^ sw->seed);
	return group->base + (uint32_t)((uint64_t)pick * group->n >> 32);
}

uint32_t emu_route(struct emu_sim *sim, struct emu_switch *sw, const struct emu_pkt *p)
{
	const struct emu_way *way = &sim->ways[p->way];
	const struct emu_hop_group *group;
	uint32_t g = dp_unlikely(sw->by_host) ? sw->by_host[sim->nodes[way->dst].index] : 0, pick;

	if (dp_likely(!g)) {
		g = sw->hops[way->leaf];
		if (g == EMU_HOP_HERE)
			return sim->nodes[way->dst].leaf_port;
		if (dp_unlikely(!g))
			return EMU_NONE;
	}
	group = &sim->groups[sw->group0 + g - 1];
	if (group->n == 1)
		return group->base;
	if (sw->spray)
		pick = (uint32_t)(dp_rng_next(&sw->rng) >> 32);
	else
		pick = mix(way->hash ^ sw->seed);
	pick = (uint32_t)((uint64_t)pick * group->n >> 32);
	return group->consecutive ? group->base + pick : sim->group_ports[group->first + pick];
}

/* Number, from 1, of the group of these ports, counted from the first of the switch that it is for. */
static int64_t group_of(struct emu_sim *sim, uint32_t group0, const uint16_t *ports, uint32_t n)
{
	for (uint32_t i = group0; i < sim->ngroups; i++)
		if (sim->groups[i].n == n &&
		    memcmp(sim->group_ports + sim->groups[i].first, ports, n * sizeof(*ports)) == 0)
			return i - group0 + 1;
	if (!EMU_ROOM(sim, groups, ngroups, 1, groups_room) ||
	    !EMU_ROOM(sim, group_ports, ngroup_ports, n, group_ports_room))
		return emu_fail(sim, -ENOMEM, "routes: no memory");
	if (sim->ngroups - group0 >= UINT16_MAX - 1)
		return emu_fail(sim, -ENOMEM, "routes: a switch with more than %u sets of next hops", UINT16_MAX - 2);
	memcpy(sim->group_ports + sim->ngroup_ports, ports, n * sizeof(*ports));
	sim->groups[sim->ngroups] = (struct emu_hop_group){
		.first = sim->ngroup_ports, .n = (uint16_t)n, .base = ports[0], .consecutive = true};
	for (uint32_t i = 1; i < n; i++)
		sim->groups[sim->ngroups].consecutive &= ports[i] == ports[0] + i;
	sim->ngroup_ports += n;
	return ++sim->ngroups - group0;
}

/* Hops from every node to `to`, over links that are up; only switches pass on. */
static void distances(const struct emu_sim *sim, uint32_t to, uint16_t *hops, uint32_t *queue)
{
	uint32_t head = 0, tail = 0;

	memset(hops, 0xff, sim->nnodes * sizeof(*hops));
	hops[to] = 0;
	queue[tail++] = to;
	while (head < tail) {
		uint32_t node = queue[head++];
		const struct emu_node *at = &sim->nodes[node];

		for (uint32_t i = 0; i < at->nports; i++) {
			const struct emu_dir *back = &sim->dirs[sim->ports[at->port0 + i] ^ 1];

			if (back->down || sim->nodes[back->from].is_host || hops[back->from] != UINT16_MAX)
				continue;
			hops[back->from] = hops[node] + 1;
			queue[tail++] = back->from;
		}
	}
}

/* Every leaf's distances first, by switch; then the groups of one switch after the other. */
static int fill(struct emu_sim *sim, uint16_t *far, uint16_t *hops, uint32_t *queue, uint16_t *ports)
{
	sim->ngroups = sim->ngroup_ports = 0;
	for (uint32_t leaf = 0; leaf < sim->nleaves; leaf++) {
		distances(sim, sim->leaf_nodes[leaf], hops, queue);
		for (uint32_t s = 0; s < sim->nswitches; s++)
			far[(size_t)s * sim->nleaves + leaf] = hops[sim->switches[s].node];
	}
	for (uint32_t s = 0; s < sim->nswitches; s++) {
		struct emu_switch *sw = &sim->switches[s];
		const struct emu_node *node = &sim->nodes[sw->node];

		sw->hops = sim->hops + (size_t)s * sim->nleaves;
		sw->group0 = sim->ngroups;
		for (uint32_t leaf = 0; leaf < sim->nleaves; leaf++) {
			uint16_t *entry = &sim->hops[(size_t)s * sim->nleaves + leaf];
			uint16_t own = far[(size_t)s * sim->nleaves + leaf];
			uint32_t n = 0;
			int64_t g;

			*entry = own ? 0 : EMU_HOP_HERE;
			if (own == UINT16_MAX || !own)
				continue;
			for (uint32_t i = 0; i < node->nports; i++) {
				const struct emu_dir *out = &sim->dirs[sim->ports[node->port0 + i]];
				const struct emu_node *next = &sim->nodes[out->to];

				if (!out->down && !next->is_host &&
				    far[(size_t)next->index * sim->nleaves + leaf] == own - 1)
					ports[n++] = (uint16_t)i;
			}
			g = group_of(sim, sw->group0, ports, n);
			if (g < 0)
				return (int)g;
			*entry = (uint16_t)g;
		}
	}
	sim->computed_groups = sim->ngroups;
	sim->computed_group_ports = sim->ngroup_ports;
	return 0;
}

/* What was set by hand stays: its groups are made anew behind those that were computed. */
static int overrides(struct emu_sim *sim)
{
	sim->ngroups = sim->computed_groups;
	sim->ngroup_ports = sim->computed_group_ports;
	for (uint32_t s = 0; s < sim->nswitches; s++) {
		free(sim->switches[s].by_host);
		sim->switches[s].by_host = NULL;
	}
	for (uint32_t i = 0; i < sim->nset_routes; i++) {
		const struct emu_set_route *set = &sim->set_routes[i];
		struct emu_switch *sw = &sim->switches[sim->nodes[set->node].index];
		int64_t g;

		if (!sw->by_host)
			sw->by_host = calloc(sim->nhosts, sizeof(*sw->by_host));
		if (!sw->by_host)
			return emu_fail(sim, -ENOMEM, "routes: no memory");
		g = group_of(sim, sw->group0, sim->set_ports + set->first, set->n);
		if (g < 0)
			return (int)g;
		sw->by_host[sim->nodes[set->dst].index] = (uint16_t)g;
	}
	return 0;
}

int emu_route_build(struct emu_sim *sim)
{
	size_t cells = (size_t)sim->nswitches * sim->nleaves;
	uint16_t *far = malloc((cells + 1) * sizeof(*far)), *hops = malloc(sim->nnodes * sizeof(*hops));
	uint32_t *queue = malloc(sim->nnodes * sizeof(*queue));
	uint16_t *ports = malloc((UINT16_MAX + 1) * sizeof(*ports));
	int err;

	if (!sim->hops)
		sim->hops = malloc((cells + 1) * sizeof(*sim->hops));
	err = far && hops && queue && ports && sim->hops ? fill(sim, far, hops, queue, ports)
							 : emu_fail(sim, -ENOMEM, "routes: no memory");
	if (!err)
		err = overrides(sim);
	free(far);
	free(hops);
	free(queue);
	free(ports);
	return err;
}

/* Where each host hangs, and whether every pair of them is connected. */
int emu_route_check(struct emu_sim *sim)
{
	uint32_t *leaf_of = malloc(sim->nnodes * sizeof(*leaf_of)), *queue = malloc(sim->nnodes * sizeof(*queue));
	uint16_t *hops = malloc(sim->nnodes * sizeof(*hops));
	int err = 0;

	sim->leaf_nodes = malloc((sim->nhosts + 1) * sizeof(*sim->leaf_nodes));
	if (!leaf_of || !queue || !hops || !sim->leaf_nodes) {
		err = emu_fail(sim, -ENOMEM, "routes: no memory");
		goto out;
	}
	memset(leaf_of, 0xff, sim->nnodes * sizeof(*leaf_of));
	for (uint32_t i = 0; i < sim->nhosts; i++) {
		struct emu_node *node = &sim->nodes[sim->hosts[i].node];
		const struct emu_dir *in = &sim->dirs[sim->ports[node->port0] ^ 1];

		if (leaf_of[in->from] == UINT32_MAX) {
			leaf_of[in->from] = sim->nleaves;
			sim->leaf_nodes[sim->nleaves++] = in->from;
		}
		node->leaf = leaf_of[in->from];
		node->leaf_port = in->out_port;
	}
	if (!sim->nhosts)
		goto out;
	distances(sim, sim->leaf_nodes[0], hops, queue);
	for (uint32_t i = 1; i < sim->nhosts && !err; i++) {
		uint32_t leaf = sim->leaf_nodes[sim->nodes[sim->hosts[i].node].leaf];

		/* Two hosts back to back are each other's leaf. */
		if (hops[leaf] == UINT16_MAX && leaf != sim->hosts[0].node)
			err = emu_fail(sim, -ENETUNREACH, "routes: host %u does not reach host %u", sim->hosts[0].node,
				       sim->hosts[i].node);
	}
out:
	free(leaf_of);
	free(queue);
	free(hops);
	return err;
}

int emu_sim_route_set(struct emu_sim *sim, uint32_t node, uint32_t dst, const uint16_t *ports, uint32_t n)
{
	if (!sim->routed)
		return emu_fail(sim, -EINVAL, "route_set: after route()");
	if (node >= sim->nnodes || sim->nodes[node].is_host)
		return emu_fail(sim, -EINVAL, "route_set: node %u is not a switch", node);
	if (dst >= sim->nnodes || !sim->nodes[dst].is_host)
		return emu_fail(sim, -EINVAL, "route_set: node %u is not a host", dst);
	if (!n || n > sim->nodes[node].nports)
		return emu_fail(sim, -EINVAL, "route_set: %u ports towards host %u, switch %u has 1 to %u", n, dst,
				node, sim->nodes[node].nports);
	for (uint32_t i = 0; i < n; i++)
		if (ports[i] >= sim->nodes[node].nports)
			return emu_fail(sim, -EINVAL, "route_set: port %u, switch %u has %u", ports[i], node,
					sim->nodes[node].nports);
	if (!EMU_ROOM(sim, set_routes, nset_routes, 1, set_routes_room) ||
	    !EMU_ROOM(sim, set_ports, nset_ports, n, set_ports_room))
		return emu_fail(sim, -ENOMEM, "route_set: no memory");
	memcpy(sim->set_ports + sim->nset_ports, ports, n * sizeof(*ports));
	sim->set_routes[sim->nset_routes++] =
		(struct emu_set_route){.node = node, .dst = dst, .first = sim->nset_ports, .n = n};
	sim->nset_ports += n;
	return overrides(sim);
}
