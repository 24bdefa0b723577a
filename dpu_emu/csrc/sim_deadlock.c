/*
 * Deadlock: directions that are paused and wait for each other in a circle. A paused direction's receiver holds bytes of
 * its ingress in an egress queue; if the direction out of there is paused, too, the first waits for the second.
 */
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

/* The i-th direction or later, out of the receiver of d, that d waits for; EMU_NONE: there is none. *i: behind it. */
static uint32_t next_waited(const struct emu_sim *sim, uint32_t d, uint8_t prio, uint32_t *i)
{
	const struct emu_dir *dir = &sim->dirs[d];
	const struct emu_node *node = &sim->nodes[dir->to];

	if (node->is_host)
		return EMU_NONE;
	while (*i < node->nports) {
		uint32_t out = sim->ports[node->port0 + *i], port = (*i)++;

		if (sim->dirs[out].paused >> prio & 1 &&
		    dp_tm_waits(sim->switches[node->index].tm, dir->in_port, port, prio))
			return out;
	}
	return EMU_NONE;
}

/* Depth first from `start`, with a stack of our own: paths are as long as the fabric is large. */
struct walk {
	uint32_t *stack, *at; /* directions, and which of their outputs come next */
	uint8_t *seen;        /* by direction: 1 on the stack, 2 done */
};

/* Length of a circle, which then ends the stack from *first on; 0: there is none. With `only`, one through `start`. */
static uint32_t find(const struct emu_sim *sim, struct walk *w, uint32_t start, uint8_t prio, bool only,
		     uint32_t *first)
{
	uint32_t depth = 1;

	w->stack[0] = start;
	w->at[0] = 0;
	w->seen[start] = 1;
	while (depth) {
		uint32_t d = w->stack[depth - 1], out = next_waited(sim, d, prio, &w->at[depth - 1]);

		if (out == EMU_NONE) {
			w->seen[d] = 2;
			depth--;
		} else if (w->seen[out] == 1 && (!only || out == start)) {
			*first = depth - 1;
			while (w->stack[*first] != out)
				(*first)--;
			return depth - *first;
		} else if (!w->seen[out]) {
			w->seen[out] = 1;
			w->stack[depth] = out;
			w->at[depth++] = 0;
		}
	}
	return 0;
}

static bool open_walk(struct emu_sim *sim, struct walk *w)
{
	size_t n = (size_t)sim->ndirs;

	w->stack = malloc(n * sizeof(*w->stack));
	w->at = malloc(n * sizeof(*w->at));
	w->seen = calloc(n, 1);
	if (w->stack && w->at && w->seen)
		return true;
	emu_broken(sim);
	return false;
}

static void close_walk(struct walk *w)
{
	free(w->stack);
	free(w->at);
	free(w->seen);
}

bool emu_deadlocked(struct emu_sim *sim, uint32_t d, uint8_t prio)
{
	struct walk w;
	uint32_t first;
	bool found = open_walk(sim, &w) && find(sim, &w, d, prio, true, &first);

	close_walk(&w);
	return found;
}

int64_t emu_sim_deadlock(struct emu_sim *sim, uint32_t *dirs, uint64_t n)
{
	uint32_t found = 0, first = 0;
	struct walk w;

	if (!sim->dirs)
		return 0;
	if (!open_walk(sim, &w))
		found = 0;
	else
		for (uint8_t prio = 0; prio < 8 && !found; prio++) {
			memset(w.seen, 0, (size_t)sim->ndirs);
			for (uint32_t d = 0; d < 2 * sim->nlinks && !found; d++)
				if (sim->dirs[d].paused >> prio & 1 && !w.seen[d])
					found = find(sim, &w, d, prio, false, &first);
		}
	for (uint32_t i = 0; i < found && i < n; i++)
		dirs[i] = w.stack[first + i];
	close_walk(&w);
	return sim->broken ? sim->broken : (int64_t)found;
}
