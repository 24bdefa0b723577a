/* The simulation as an object: what it is built of and whether that fits, the loop, and what came out. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

#define MAX_NODES    (1u << 24) /* addresses in 10.0.0.0/8 */
#define MAX_PORTS    65535
#define MAX_RATE_BPS 100000000000000ull

int emu_fail(struct emu_sim *sim, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sim->error, sizeof(sim->error), fmt, ap);
	va_end(ap);
	return err;
}

bool emu_room(void **v, uint32_t n, uint32_t more, uint32_t *room, size_t bytes)
{
	uint64_t want = (uint64_t)n + more, grown;
	void *p;

	if (want <= *room)
		return true;
	grown = DP_MAX(want, *room + (uint64_t)*room / 4 + 8);
	if (grown >= EMU_NONE)
		return false;
	p = realloc(*v, grown * bytes);
	if (!p)
		return false;
	*v = p;
	*room = (uint32_t)grown;
	return true;
}

void emu_broken(struct emu_sim *sim)
{
	sim->broken = emu_fail(sim, -ENOMEM, "simulation: no memory at %llu ps", (unsigned long long)sim->now_ps);
}

struct emu_sim *emu_sim_new(uint64_t seed)
{
	struct emu_sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		return NULL;
	sim->seed = seed;
	sim->pkts_free = sim->sacks_free = EMU_NONE;
	memset(sim->parts_free, 0xff, sizeof(sim->parts_free));
	sim->timers_ps = DP_NEVER;
	sim->pool = roce_pool_new();
#ifdef DPU_SANITIZE
	sim->check_every = 64;
#endif
	if (!sim->pool) {
		emu_sim_free(sim);
		return NULL;
	}
	return sim;
}

void emu_sim_free(struct emu_sim *sim)
{
	if (!sim)
		return;
	emu_capture_free(sim);
	for (uint32_t i = 0; i < sim->nhosts; i++) {
		roce_dev_free(sim->hosts[i].dev);
		free(sim->hosts[i].rx);
	}
	for (uint32_t i = 0; i < sim->nswitches; i++) {
		dp_tm_free(sim->switches[i].tm);
		free(sim->switches[i].by_host);
	}
	for (uint32_t d = 0; d < sim->ndirs; d++) {
		free(sim->dirs[d].rng);
		free(sim->dirs[d].pause);
	}
	for (uint32_t i = 0; i < sim->nslabs; i++)
		free(sim->slabs[i]);
	for (uint32_t i = 0; i < sim->nprobes; i++)
		free(sim->probes[i].v);
	roce_pool_free(sim->pool);
	emu_events_fini(&sim->events);
	free(sim->slabs);
	free(sim->sacks);
	free(sim->nodes);
	free(sim->hosts);
	free(sim->host_cfgs);
	free(sim->switches);
	free(sim->switch_cfgs);
	free(sim->links);
	free(sim->dirs);
	free(sim->ports);
	free(sim->leaf_nodes);
	free(sim->hops);
	free(sim->groups);
	free(sim->group_ports);
	free(sim->set_routes);
	free(sim->set_ports);
	free(sim->flows);
	free(sim->channels);
	free(sim->channel_table);
	free(sim->parts);
	free(sim->ways);
	free(sim->msgs);
	free(sim->after);
	free(sim->faults);
	free(sim->probes);
	free(sim->pauses);
	free(sim);
}

const char *emu_sim_error(const struct emu_sim *sim)
{
	return sim->error;
}

/* ---- nodes and links ------------------------------------------------------------------------------------------ */

static int64_t add_node(struct emu_sim *sim, bool is_host, uint32_t index)
{
	if (sim->routed)
		return emu_fail(sim, -EINVAL, "nodes: before route()");
	if (sim->nnodes == MAX_NODES)
		return emu_fail(sim, -EINVAL, "nodes: more than %u", MAX_NODES);
	if (!EMU_ROOM(sim, nodes, nnodes, 1, nodes_room))
		return emu_fail(sim, -ENOMEM, "nodes: no memory");
	sim->nodes[sim->nnodes] = (struct emu_node){.is_host = is_host, .index = index};
	return sim->nnodes++;
}

static int check_host(struct emu_sim *sim, const struct emu_host_cfg *cfg)
{
	uint32_t node = sim->nnodes;

	if (cfg->mtu_bytes < 256 || cfg->mtu_bytes > 4096 || cfg->mtu_bytes & (cfg->mtu_bytes - 1))
		return emu_fail(sim, -EINVAL, "host %u: mtu_bytes %u, it is 256, 512, 1024, 2048 or 4096", node,
				cfg->mtu_bytes);
	if (cfg->data_prio > 7 || cfg->cnp_prio > 7 || cfg->ack_prio > 7)
		return emu_fail(sim, -EINVAL, "host %u: priorities %u, %u, %u (data, CNP, ACK) exceed 7", node,
				cfg->data_prio, cfg->cnp_prio, cfg->ack_prio);
	if (cfg->timeout > 31)
		return emu_fail(sim, -EINVAL, "host %u: timeout %u exceeds 31", node, cfg->timeout);
	if (cfg->retry_cnt > 7)
		return emu_fail(sim, -EINVAL, "host %u: retry_cnt %u exceeds 7", node, cfg->retry_cnt);
	if (cfg->miss_e6 > 1000000)
		return emu_fail(sim, -EINVAL, "host %u: miss_e6 %u exceeds 10^6", node, cfg->miss_e6);
	if (cfg->pcie_bps && cfg->pcie_bps < 1000000)
		return emu_fail(sim, -EINVAL, "host %u: pcie_bps %llu is below 1 Mb/s", node,
				(unsigned long long)cfg->pcie_bps);
	if (cfg->rx_xon_bytes > cfg->rx_xoff_bytes)
		return emu_fail(sim, -EINVAL, "host %u: rx_xon_bytes %llu exceeds rx_xoff_bytes %llu", node,
				(unsigned long long)cfg->rx_xon_bytes, (unsigned long long)cfg->rx_xoff_bytes);
	if (cfg->rx_buffer_bytes && cfg->rx_xoff_bytes > cfg->rx_buffer_bytes)
		return emu_fail(sim, -EINVAL, "host %u: rx_xoff_bytes %llu exceeds rx_buffer_bytes %llu", node,
				(unsigned long long)cfg->rx_xoff_bytes, (unsigned long long)cfg->rx_buffer_bytes);
	return 0;
}

int64_t emu_sim_host(struct emu_sim *sim, const struct emu_host_cfg *cfg)
{
	int err = check_host(sim, cfg);
	int64_t node;
	uint32_t k = sim->nhost_cfgs;

	if (err)
		return err;
	/* Most often all are alike; those before the last are not looked through. */
	if (k && memcmp(&sim->host_cfgs[k - 1], cfg, sizeof(*cfg)) == 0) {
		k--;
	} else {
		if (!EMU_ROOM(sim, host_cfgs, nhost_cfgs, 1, host_cfgs_room))
			return emu_fail(sim, -ENOMEM, "host: no memory");
		sim->host_cfgs[sim->nhost_cfgs++] = *cfg;
	}
	if (!EMU_ROOM(sim, hosts, nhosts, 1, hosts_room))
		return emu_fail(sim, -ENOMEM, "host: no memory");
	node = add_node(sim, true, sim->nhosts);
	if (node >= 0)
		sim->hosts[sim->nhosts++] = (struct emu_host){.node = (uint32_t)node, .cfg = k};
	return node;
}

int64_t emu_sim_switch(struct emu_sim *sim, const struct emu_switch_cfg *cfg)
{
	int64_t node;
	uint32_t k = sim->nswitch_cfgs;

	if (cfg->balance > EMU_BALANCE_SPRAY)
		return emu_fail(sim, -EINVAL, "switch %u: balance %u is unknown", sim->nnodes, cfg->balance);
	if (!EMU_ROOM(sim, switch_cfgs, nswitch_cfgs, 1, switch_cfgs_room) ||
	    !EMU_ROOM(sim, switches, nswitches, 1, switches_room))
		return emu_fail(sim, -ENOMEM, "switch: no memory");
	if (k && memcmp(&sim->switch_cfgs[k - 1], cfg, sizeof(*cfg)) == 0)
		k--;
	else
		sim->switch_cfgs[sim->nswitch_cfgs++] = *cfg;
	node = add_node(sim, false, sim->nswitches);
	if (node >= 0)
		sim->switches[sim->nswitches++] = (struct emu_switch){.node = (uint32_t)node, .cfg = k};
	return node;
}

static int check_link(struct emu_sim *sim, const struct emu_link_cfg *l, uint32_t i)
{
	if (l->a >= sim->nnodes || l->b >= sim->nnodes)
		return emu_fail(sim, -EINVAL, "link %u: from node %u to node %u, there are %u nodes", i, l->a, l->b,
				sim->nnodes);
	if (l->a == l->b)
		return emu_fail(sim, -EINVAL, "link %u: from node %u to itself", i, l->a);
	if (l->rate_bps < 1000000 || l->rate_bps > MAX_RATE_BPS)
		return emu_fail(sim, -EINVAL, "link %u: rate_bps %llu, it is 10^6 to 10^14", i,
				(unsigned long long)l->rate_bps);
	if (l->delay_ps > 10 * DP_SEC)
		return emu_fail(sim, -EINVAL, "link %u: delay_ps %llu exceeds 10 s", i,
				(unsigned long long)l->delay_ps);
	if (l->loss_e9 > 1000000000)
		return emu_fail(sim, -EINVAL, "link %u: loss_e9 %u exceeds 10^9", i, l->loss_e9);
	if (l->overhead_bytes > 1000)
		return emu_fail(sim, -EINVAL, "link %u: overhead_bytes %u exceeds 1000", i, l->overhead_bytes);
	return 0;
}

int emu_sim_links(struct emu_sim *sim, const struct emu_link_cfg *v, uint32_t n)
{
	if (sim->routed)
		return emu_fail(sim, -EINVAL, "links: before route()");
	if ((uint64_t)sim->nlinks + n >= UINT32_MAX / 4)
		return emu_fail(sim, -EINVAL, "links: more than %u", UINT32_MAX / 4);
	for (uint32_t i = 0; i < n; i++) {
		int err = check_link(sim, &v[i], sim->nlinks + i);

		if (err)
			return err;
	}
	if (!EMU_ROOM(sim, links, nlinks, n, links_room))
		return emu_fail(sim, -ENOMEM, "links: no memory for %u", n);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t end = 0; end < 2; end++)
			if (++sim->nodes[end ? v[i].b : v[i].a].nports > MAX_PORTS)
				return emu_fail(sim, -EINVAL, "node %u: more than %u links", end ? v[i].b : v[i].a,
						MAX_PORTS);
	memcpy(sim->links + sim->nlinks, v, n * sizeof(*v));
	sim->nlinks += n;
	return 0;
}

/* Buckets that hold one or two events each when the fabric is busy with packets of 4 KB. */
static uint32_t bucket_shift(const struct emu_sim *sim)
{
	unsigned __int128 bps = 0;
	uint64_t ps;

	for (uint32_t i = 0; i < sim->nlinks; i++)
		bps += sim->links[i].rate_bps;
	ps = bps ? (uint64_t)((unsigned __int128)(4096 * 8 * 2) * DP_SEC / bps) : 0;
	return ps < 64 ? 6 : ps >= 1 << 16 ? 16 : 63 - (uint32_t)__builtin_clzll(ps);
}

int emu_sim_route(struct emu_sim *sim)
{
	int err;

	if (sim->routed)
		return emu_fail(sim, -EINVAL, "route: was called already");
	if (!sim->nhosts)
		return emu_fail(sim, -EINVAL, "route: there is no host");
	if (emu_events_init(&sim->events, bucket_shift(sim), 4 * sim->nlinks))
		return emu_fail(sim, -ENOMEM, "route: no memory");
	sim->routed = true;
	err = emu_links_build(sim);
	if (err)
		return emu_fail(sim, err, "route: no memory for %u links", sim->nlinks);
	for (uint32_t i = 0; i < sim->nhosts && !err; i++)
		err = emu_host_build(sim, &sim->hosts[i]);
	for (uint32_t i = 0; i < sim->nswitches && !err; i++)
		err = emu_switch_build(sim, &sim->switches[i]);
	if (!err)
		err = emu_route_check(sim);
	if (!err)
		err = emu_route_build(sim);
	if (err)
		sim->broken = err; /* half built: nothing will run */
	return err;
}

int emu_sim_faults(struct emu_sim *sim, const struct emu_fault *v, uint32_t n)
{
	if (!sim->routed)
		return emu_fail(sim, -EINVAL, "faults: after route()");
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].link >= sim->nlinks)
			return emu_fail(sim, -EINVAL, "fault %u: link %u, there are %u", i, v[i].link, sim->nlinks);
		if (v[i].kind > EMU_FAULT_DELAY)
			return emu_fail(sim, -EINVAL, "fault %u: kind %u is unknown", i, v[i].kind);
		if ((v[i].kind == EMU_FAULT_RATE && (v[i].value < 1000000 || v[i].value > MAX_RATE_BPS)) ||
		    (v[i].kind == EMU_FAULT_LOSS && v[i].value > 1000000000) ||
		    (v[i].kind == EMU_FAULT_DELAY && v[i].value > 10 * DP_SEC))
			return emu_fail(sim, -EINVAL,
					"fault %u: value %llu is out of range (rate 10^6 to 10^14, loss to "
					"10^9, delay to 10 s)",
					i, (unsigned long long)v[i].value);
		if (v[i].at_ps < sim->now_ps)
			return emu_fail(sim, -EINVAL, "fault %u: at %llu ps, it is %llu ps now", i,
					(unsigned long long)v[i].at_ps, (unsigned long long)sim->now_ps);
	}
	if (!EMU_ROOM(sim, faults, nfaults, n, faults_room))
		return emu_fail(sim, -ENOMEM, "faults: no memory for %u", n);
	for (uint32_t i = 0; i < n; i++) {
		sim->faults[sim->nfaults] = v[i];
		emu_once(sim, EMU_EV_FAULT, sim->nfaults++, 0, v[i].at_ps);
	}
	return sim->broken;
}

int emu_sim_trace_pauses(struct emu_sim *sim, uint64_t max)
{
	sim->pauses_max = DP_MIN(max, (uint64_t)UINT32_MAX - 1);
	return 0;
}

/* ---- the loop ------------------------------------------------------------------------------------------------- */

static void run_dir_event(struct emu_sim *sim, uint32_t event)
{
	uint32_t d = event / 2;
	struct emu_dir *dir = &sim->dirs[d];

	if (event % 2 == EMU_DIR_ARRIVE) {
		emu_dir_arrive(sim, d);
		return;
	}
	dir->free_armed = false;
	if (dir->from_host)
		emu_host_send(sim, &sim->hosts[dir->from_index]);
	else
		emu_switch_free(sim, dir);
}

/* At a host: step 0 asks for the device, step 1 for the queue pair. */
static inline void prefetch_host(struct emu_sim *sim, const struct emu_dir *dir, bool arriving, int step)
{
	const struct emu_host *host = &sim->hosts[arriving ? dir->to_index : dir->from_index];
	const struct roce_qp *qp = NULL;

	if (!step) {
		roce_dev_prefetch(host->dev);
		if (arriving && dir->flight.head != EMU_NONE)
			__builtin_prefetch(&sim->parts[emu_pkt(sim, dir->flight.head)->way / 2]);
		return;
	}
	if (!arriving) {
		qp = roce_dev_next_to_send(host->dev);
	} else if (dir->flight.head != EMU_NONE) {
		uint32_t way = emu_pkt(sim, dir->flight.head)->way;

		qp = way % 2 ? sim->parts[way / 2].tx : sim->parts[way / 2].rx;
	}
	if (qp)
		roce_qp_prefetch(qp);
}

/* Fabrics are larger than caches, and what the next events will touch is known: it is asked for in steps ahead of them. */
static inline void prefetch(struct emu_sim *sim)
{
	uint32_t fixed = sim->events.fixed, event = emu_events_peek(&sim->events, 12);
	const struct emu_dir *dir;
	bool arriving;

	if (event < fixed) {
		dir = &sim->dirs[event / 2];
		__builtin_prefetch(dir);
		if (event % 2 == EMU_DIR_FREE)
			__builtin_prefetch(&dir->stats);
	}
	event = emu_events_peek(&sim->events, 8);
	if (event < fixed) {
		dir = &sim->dirs[event / 2];
		arriving = event % 2 == EMU_DIR_ARRIVE;
		if (arriving && dir->flight.head != EMU_NONE)
			__builtin_prefetch(emu_pkt(sim, dir->flight.head));
		if (arriving ? dir->to_host : dir->from_host)
			__builtin_prefetch(&sim->hosts[arriving ? dir->to_index : dir->from_index]);
		else
			dp_tm_prefetch_own(sim->switches[arriving ? dir->to_index : dir->from_index].tm);
	}
	event = emu_events_peek(&sim->events, 5);
	if (event < fixed) {
		dir = &sim->dirs[event / 2];
		arriving = event % 2 == EMU_DIR_ARRIVE;
		if (arriving ? dir->to_host : dir->from_host)
			prefetch_host(sim, dir, arriving, 0);
	}
	event = emu_events_peek(&sim->events, 3);
	if (event < fixed) {
		dir = &sim->dirs[event / 2];
		arriving = event % 2 == EMU_DIR_ARRIVE;
		if (arriving ? dir->to_host : dir->from_host)
			prefetch_host(sim, dir, arriving, 1);
		else if (!arriving || dir->flight.head != EMU_NONE)
			emu_switch_prefetch(sim, dir, arriving);
	}
}

static void run_event(struct emu_sim *sim, uint32_t event)
{
	const struct emu_event e = *emu_events_at(&sim->events, event);

	switch ((enum emu_ev)e.kind) {
	case EMU_EV_LINE:
		emu_host_line(sim, &sim->hosts[sim->nodes[e.id].index], e.arg);
		return;
	case EMU_EV_DRAIN:
		emu_host_drain(sim, &sim->hosts[sim->nodes[e.id].index]);
		return;
	case EMU_EV_RX:
		emu_host_rx(sim, &sim->hosts[sim->nodes[e.id].index]);
		return;
	case EMU_EV_REFRESH:
		emu_pfc_refresh(sim, e.id);
		return;
	case EMU_EV_PROBE:
		emu_probe_sample(sim, e.id);
		return;
	case EMU_EV_PFC:
		emu_pfc_arrive(sim, e.id, (uint8_t)e.arg, (uint16_t)(e.arg >> 16));
		break;
	case EMU_EV_EXPIRE:
		emu_pfc_expire(sim, e.id);
		break;
	case EMU_EV_TM:
		emu_switch_tick(sim, &sim->switches[sim->nodes[e.id].index]);
		break;
	case EMU_EV_START:
		emu_flow_start(sim, e.id);
		break;
	case EMU_EV_POST:
		emu_flow_post(sim, e.id);
		break;
	case EMU_EV_FAULT:
		emu_fault_apply(sim, e.id);
		break;
	case EMU_EV_REROUTE:
		if (emu_route_build(sim))
			emu_broken(sim);
		break;
	}
	emu_events_remove(&sim->events, event);
}

static void run_timer(struct emu_sim *sim)
{
	struct roce_dev *dev;

	while ((dev = roce_pool_tick(sim->pool, sim->now_ps))) {
		const struct dp_ip *ip = (const struct dp_ip *)&roce_dev_config(dev)->gid[0];
		struct emu_host *host = &sim->hosts[sim->nodes[emu_address_node(ip)].index];

		emu_host_polled(sim, host);
		emu_host_send(sim, host);
	}
	emu_timers(sim);
}

/* Every packet that was sent has arrived, was lost or dropped, or is somewhere. */
static uint64_t held(const struct emu_sim *sim, const struct emu_fifo *f)
{
	uint64_t n = 0;

	for (uint32_t p = f->head; p != EMU_NONE; p = emu_pkt(sim, p)->next) {
		n++;
		if (p == f->tail)
			break;
	}
	return n;
}

static void check(struct emu_sim *sim)
{
	uint64_t live = 0;

	for (uint32_t d = 0; d < sim->ndirs; d++)
		live += held(sim, &sim->dirs[d].flight);
	for (uint32_t i = 0; i < sim->nswitches; i++) {
		const struct emu_switch *sw = &sim->switches[i];
		const struct dp_tm_stats *stats = dp_tm_stats(sw->tm);
		uint64_t queued = 0, bytes = 0;

		for (uint32_t k = 0; k < sw->nports; k++) {
			const struct emu_dir *dir = &sim->dirs[sw->out[k]];

			queued += dir->queued;
			bytes += dir->queued_bytes;
		}
		live += queued;
		assert(dp_tm_check(sw->tm) == 0);
		assert(stats->used_bytes >= bytes);
		assert(queued || !stats->used_bytes);
	}
	for (uint32_t i = 0; i < sim->nhosts; i++) {
		const struct emu_host *host = &sim->hosts[i];

		live += held(sim, &host->ctl);
		for (uint32_t k = 0; k < EMU_LINES; k++)
			live += held(sim, &host->line[k]);
		if (host->rx)
			live += held(sim, &host->rx->queue) + held(sim, &host->rx->latency);
	}
	assert(live == sim->stats.pkts_live);
	assert(sim->injected == sim->delivered + sim->lost + sim->stats.drops + live);
}

void emu_sim_check_every(struct emu_sim *sim, uint32_t events)
{
	sim->check_every = events;
}

/* Nothing will happen any more that could finish a flow. */
static bool idle(const struct emu_sim *sim)
{
	return sim->events.armed <= sim->background && sim->timers_ps == DP_NEVER;
}

int64_t emu_sim_run(struct emu_sim *sim, uint64_t until_ps, uint64_t max_events, int until_done)
{
	uint64_t begin = sim->stats.events;
	int err;

	if (!sim->routed)
		return emu_fail(sim, -EINVAL, "run: after route()");
	if (sim->broken)
		return sim->broken;
	err = emu_flows_arm(sim);
	if (err)
		return err;
	emu_timers(sim);
	while (sim->stats.events - begin < max_events) {
		uint64_t limit_ps = DP_MIN(sim->timers_ps, until_ps), next_ps;
		uint32_t event;

		if (until_done && (sim->finished == sim->nflows || idle(sim)))
			break;
		next_ps = emu_events_next_ps(&sim->events, limit_ps);
		if (DP_MIN(next_ps, sim->timers_ps) > until_ps || (next_ps == DP_NEVER && sim->timers_ps == DP_NEVER)) {
			if (until_ps != DP_NEVER)
				sim->now_ps = DP_MAX(sim->now_ps, until_ps);
			break;
		}
		if (sim->timers_ps <= next_ps) {
			sim->now_ps = DP_MAX(sim->now_ps, sim->timers_ps);
			run_timer(sim);
		} else {
			assert(next_ps >= sim->now_ps);
			sim->now_ps = next_ps;
			event = emu_events_pop(&sim->events);
			prefetch(sim);
			if (dp_likely(event < sim->events.fixed))
				run_dir_event(sim, event);
			else
				run_event(sim, event);
		}
		sim->stats.events++;
		if (dp_unlikely(sim->check_every) && sim->stats.events % sim->check_every == 0)
			check(sim);
		if (dp_unlikely(sim->broken || sim->events.failed)) {
			if (!sim->broken)
				emu_broken(sim);
			return sim->broken;
		}
	}
	err = emu_capture_flush(sim);
	return err ? err : (int64_t)(sim->stats.events - begin);
}

/* ---- what came out -------------------------------------------------------------------------------------------- */

void emu_sim_stats(const struct emu_sim *sim, struct emu_sim_stats *out)
{
	*out = sim->stats;
	out->now_ps = sim->now_ps;
}

int64_t emu_sim_link_stats(const struct emu_sim *sim, struct emu_link_stats *v, uint64_t n)
{
	for (uint32_t d = 0; d < sim->ndirs && d < n; d++) {
		const struct emu_dir *dir = &sim->dirs[d];

		v[d] = (struct emu_link_stats){.data_pkts = dir->stats.data_pkts,
					       .data_bytes = dir->stats.bytes,
					       .ack_pkts = dir->stats.ack_pkts,
					       .cnp_pkts = dir->stats.cnp_pkts,
					       .lost_pkts = dir->stats.lost_pkts,
					       .pfc_pkts = dir->stats.pfc_pkts,
					       .busy_ps = dir->stats.busy_ps,
					       .peak_queue_bytes = dir->stats.peak_queue_bytes};
		for (uint32_t prio = 0; dir->pause && prio < 8; prio++) {
			v[d].paused_ps[prio] = dir->pause->paused_ps[prio];
			if (dir->paused >> prio & 1)
				v[d].paused_ps[prio] += sim->now_ps - dir->pause->since_ps[prio];
		}
	}
	return n && n < sim->ndirs ? (int64_t)n : sim->ndirs;
}

int64_t emu_sim_pauses(const struct emu_sim *sim, struct emu_pause_event *v, uint64_t n)
{
	if (!n)
		return sim->npauses;
	n = DP_MIN(n, (uint64_t)sim->npauses);
	memcpy(v, sim->pauses, n * sizeof(*v));
	return (int64_t)n;
}

const struct dp_tm_stats *emu_sim_switch_stats(const struct emu_sim *sim, uint32_t node)
{
	if (!sim->routed || node >= sim->nnodes || sim->nodes[node].is_host)
		return NULL;
	return sim->switches[sim->nodes[node].index].tm ? dp_tm_stats(sim->switches[sim->nodes[node].index].tm) : NULL;
}
