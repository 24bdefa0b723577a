/*
 * PFC frames (IEEE 802.1Qbb). The receiver of a direction asks its sender to pause priorities: a frame goes the other
 * way, after the packet that is on the wire there, and takes effect when it has come and the sender has had its time to
 * respond (802.3, 31B.3.7). A frame pauses for 65535 quanta and is sent again at half of that while the pause lasts, so a
 * frame that is lost with its link pauses nobody for ever.
 */
#include <stdlib.h>

#include "datapath/csrc/pfc.h"
#include "dpu_emu/csrc/sim_int.h"

/* Quanta of 512 bits that a sender may take to stop, by speed (SONiC's headroom calculation has the same). */
static const struct {
	uint64_t up_to_bps;
	uint32_t quanta;
} response[] = {
	{10000000000, 67},   {25000000000, 80},   {40000000000, 118}, {50000000000, 147},
	{100000000000, 394}, {200000000000, 453}, {UINT64_MAX, 905},
};

uint64_t emu_pfc_response_ps(uint64_t rate_bps)
{
	uint32_t i = 0;

	while (rate_bps > response[i].up_to_bps)
		i++;
	return dp_pfc_quanta_ps(response[i].quanta, rate_bps);
}

/* How long the sender of a direction takes to respond: a switch as configured. */
static uint64_t respond_ps(const struct emu_sim *sim, const struct emu_dir *dir)
{
	const struct emu_node *node = &sim->nodes[dir->from];
	uint32_t ns = node->is_host ? 0 : sim->switch_cfgs[sim->switches[node->index].cfg].pfc_response_ns;

	return ns ? ns * DP_NS : emu_pfc_response_ps(dir->rate_bps);
}

/* The port of the switch that asks which holds most of this priority; 65535: a host asks. */
static uint16_t cause_of(const struct emu_sim *sim, const struct emu_dir *dir, uint8_t mask)
{
	const struct emu_node *node = &sim->nodes[dir->to];
	uint64_t most = 0, bytes;
	uint16_t port = UINT16_MAX;
	uint32_t prio;

	if (node->is_host || !mask)
		return UINT16_MAX;
	prio = (uint32_t)__builtin_ctz(mask);
	for (uint32_t i = 0; i < node->nports; i++) {
		bytes = dp_tm_queue_bytes(sim->switches[node->index].tm, i, prio);
		if (bytes > most) {
			most = bytes;
			port = (uint16_t)i;
		}
	}
	return port;
}

/* was: what was asked before. */
static void send_frame(struct emu_sim *sim, uint32_t d, uint8_t was, uint16_t cause)
{
	struct emu_dir *dir = &sim->dirs[d], *back = &sim->dirs[d ^ 1];
	uint32_t bytes = EMU_PFC_BYTES + (back->overhead > EMU_ETH_BYTES ? back->overhead - EMU_ETH_BYTES : 0);
	uint64_t begin_ps = DP_MAX(back->busy_ps, sim->now_ps), wire_ps = emu_dir_serialise(back, bytes);

	back->busy_ps = begin_ps + wire_ps;
	back->stats.busy_ps += wire_ps;
	back->stats.pfc_pkts++;
	sim->stats.pfc_frames++;
	sim->stats.other_hops++;
	if (back->captured)
		emu_capture_pfc(sim, d ^ 1, dir->asked, was & (uint8_t)~dir->asked, begin_ps);
	if (back->down)
		return;
	emu_once(sim, EMU_EV_PFC, d, (uint32_t)cause << 16 | dir->asked,
		 dp_add_ps(back->busy_ps, back->prop_ps + respond_ps(sim, dir)));
}

/* What a direction needs when it is paused, made the first time; NULL: no memory. */
static struct emu_pause *pause_of(struct emu_sim *sim, struct emu_dir *dir)
{
	if (!dir->pause) {
		uint32_t ev = emu_events_add(&sim->events, EMU_EV_REFRESH, (uint32_t)(dir - sim->dirs), 0);

		dir->pause = calloc(1, sizeof(*dir->pause));
		if (!dir->pause || ev == EMU_EVENT_NONE) {
			emu_broken(sim);
			return NULL;
		}
		dir->pause->refresh_ev = ev;
	}
	return dir->pause;
}

static void arm_refresh(struct emu_sim *sim, struct emu_dir *dir)
{
	struct emu_pause *pause = pause_of(sim, dir);

	if (!pause || pause->refreshing)
		return;
	pause->refreshing = true;
	sim->background++;
	emu_events_arm(&sim->events, pause->refresh_ev,
		       sim->now_ps + dp_pfc_quanta_ps(EMU_PFC_QUANTA / 2, dir->rate_bps));
}

void emu_pfc_ask(struct emu_sim *sim, uint32_t d, uint8_t mask)
{
	struct emu_dir *dir = &sim->dirs[d];

	uint8_t was = dir->asked;

	if (was == mask)
		return;
	dir->asked = mask;
	send_frame(sim, d, was, sim->pauses_max ? cause_of(sim, dir, mask) : UINT16_MAX);
	if (mask)
		arm_refresh(sim, dir);
}

/* So long a pause may be one for ever: this is when a deadlock is looked for. */
void emu_pfc_refresh(struct emu_sim *sim, uint32_t d)
{
	struct emu_dir *dir = &sim->dirs[d];
	bool was = dir->pause->deadlocked, is = false;

	dir->pause->refreshing = false;
	sim->background--;
	for (uint8_t prio = 0; dir->asked && prio < 8; prio++)
		if (dir->paused >> prio & 1 && emu_deadlocked(sim, d, prio))
			is = true;
	dir->pause->deadlocked = is;
	if (is && !was) {
		sim->stats.deadlocks++;
		emu_hash(sim, sim->now_ps ^ d);
	}
	if (!dir->asked)
		return;
	send_frame(sim, d, dir->asked, sim->pauses_max ? cause_of(sim, dir, dir->asked) : UINT16_MAX);
	arm_refresh(sim, dir);
}

static void note(struct emu_sim *sim, uint32_t d, uint8_t prio, bool on, uint16_t cause)
{
	struct emu_pause *pause = sim->dirs[d].pause;

	emu_hash(sim, sim->now_ps ^ (uint64_t)d << 40 ^ (uint64_t)prio << 1 ^ on);
	if (on)
		pause->since_ps[prio] = sim->now_ps;
	else
		pause->paused_ps[prio] += sim->now_ps - pause->since_ps[prio];
	if (sim->npauses < sim->pauses_max) {
		if (!EMU_ROOM(sim, pauses, npauses, 1, pauses_room)) {
			emu_broken(sim);
			return;
		}
		sim->pauses[sim->npauses++] = (struct emu_pause_event){
			.at_ps = sim->now_ps, .dir = d, .prio = prio, .on = on, .cause_port = cause};
	}
}

/* From now on the sender of a direction pauses what the mask says, until pause->until_ps. */
static void set_paused(struct emu_sim *sim, uint32_t d, uint8_t mask, uint16_t cause)
{
	struct emu_dir *dir = &sim->dirs[d];
	uint8_t was = dir->paused;

	for (uint8_t prio = 0; prio < 8; prio++)
		if ((was ^ mask) >> prio & 1)
			note(sim, d, prio, mask >> prio & 1, cause);
	dir->paused = mask;
	if (dir->from_host) {
		struct emu_host *host = &sim->hosts[dir->from_index];

		roce_dev_pause(host->dev, mask, sim->now_ps);
		emu_timers(sim);
		if (was & ~mask)
			emu_host_send(sim, host);
	} else {
		struct emu_switch *sw = &sim->switches[dir->from_index];

		if (mask)
			dp_tm_pause(sw->tm, dir->out_port, mask, dir->pause->until_ps, sim->now_ps);
		if (was & ~mask) {
			dp_tm_pause(sw->tm, dir->out_port, was & (uint8_t)~mask, sim->now_ps, sim->now_ps);
			emu_switch_free(sim, dir);
		}
		emu_switch_settle(sim, sw);
	}
}

static void arm_expiry(struct emu_sim *sim, uint32_t d)
{
	struct emu_pause *pause = sim->dirs[d].pause;

	pause->expiring = true;
	sim->background++; /* that a pause will end is no reason to go on; what waits for it is */
	emu_once(sim, EMU_EV_EXPIRE, d, 0, pause->until_ps);
}

void emu_pfc_arrive(struct emu_sim *sim, uint32_t d, uint8_t mask, uint16_t cause)
{
	struct emu_dir *dir = &sim->dirs[d];

	if (dir->down || !pause_of(sim, dir)) /* it was on the way when the link went down */
		return;
	dir->pause->until_ps = dp_add_ps(sim->now_ps, dp_pfc_quanta_ps(EMU_PFC_QUANTA, dir->rate_bps));
	if (mask && !dir->pause->expiring)
		arm_expiry(sim, d);
	set_paused(sim, d, mask, cause);
}

void emu_pfc_expire(struct emu_sim *sim, uint32_t d)
{
	struct emu_dir *dir = &sim->dirs[d];

	dir->pause->expiring = false;
	sim->background--;
	if (dir->paused && dir->pause->until_ps > sim->now_ps)
		arm_expiry(sim, d);
	else if (dir->paused)
		set_paused(sim, d, 0, UINT16_MAX);
}

/* The link went down, or came up: nobody is paused, and who still has reason to ask asks anew. */
void emu_pfc_reset(struct emu_sim *sim, uint32_t d)
{
	struct emu_dir *dir = &sim->dirs[d];

	if (dir->paused)
		set_paused(sim, d, 0, UINT16_MAX);
	if (!dir->down && dir->asked) {
		send_frame(sim, d, dir->asked, UINT16_MAX);
		arm_refresh(sim, dir);
	}
}
