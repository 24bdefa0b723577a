/*
 * When memory that readers may still see is freed. Every object that is taken away gets the epoch's number and the epoch goes on by
 * one; a worker notes the epoch when a run begins. What was retired in epoch e is out of reach once every worker is outside
 * of a run or in one that began after e.
 */
#include <stdlib.h>

#include "datapath/csrc/pipeline_int.h"

void dp_pl_enter(struct dp_pl_worker *w)
{
	/* The store is seen before anything that the run reads: else a writer could take the worker for idle. */
	atomic_store_explicit(&w->epoch, atomic_load_explicit(&w->pl->epoch, memory_order_acquire),
			      memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
}

void dp_pl_leave(struct dp_pl_worker *w)
{
	atomic_store_explicit(&w->epoch, DP_NEVER, memory_order_release);
}

void dp_pl_reclaim(struct dp_pl *pl)
{
	const struct dp_pl_worker *w;
	uint64_t least = DP_NEVER;
	size_t i, k = 0;

	atomic_thread_fence(memory_order_seq_cst);
	for (w = pl->workers; w; w = w->next)
		least = DP_MIN(least, atomic_load_explicit(&w->epoch, memory_order_seq_cst));
	for (i = 0; i < pl->n_retired; i++) {
		if (pl->retired[i].epoch < least)
			free(pl->retired[i].p);
		else
			pl->retired[k++] = pl->retired[i];
	}
	pl->n_retired = k;
}

void dp_pl_retire(struct dp_pl *pl, void *p)
{
	struct pl_retired *more;
	size_t cap;

	if (!p)
		return;
	if (pl->n_retired == pl->cap_retired) {
		dp_pl_reclaim(pl);
		/* Half full after a clearing: grow, or clearings come ever more often. */
		if (pl->n_retired >= pl->cap_retired / 2) {
			cap = DP_MAX(64, 2 * pl->cap_retired);
			more = realloc(pl->retired, cap * sizeof(*more));
			if (more) {
				pl->retired = more;
				pl->cap_retired = cap;
			}
		}
		/* No memory even for the note: better never freed than freed too early. */
		if (pl->n_retired == pl->cap_retired)
			return;
	}
	pl->retired[pl->n_retired++] =
		(struct pl_retired){p, atomic_fetch_add_explicit(&pl->epoch, 1, memory_order_seq_cst)};
}
