/*
 * A worker: packets in, packets out. What is common to the architectures: buffers for what goes out, the queue of packets that
 * came from one (clones, replicas, recirculated ones), running a block and counting why a packet went.
 */
#include <stdlib.h>

#include "datapath/csrc/pipeline_int.h"

#define CHUNK_BYTES (256 << 10)
/* Headers may be as long as a packet before the check of both. */
#define OUT_BYTES (2 * PL_MAX_PACKET + PL_PAD)

static void job_free(struct pl_job *job)
{
	if (job)
		free(job->slots);
	free(job);
}

void dp_pl_worker_free(struct dp_pl_worker *w)
{
	struct dp_pl *pl;
	struct dp_pl_worker **at;
	uint32_t i;

	if (!w)
		return;
	pl = w->pl;
	pthread_mutex_lock(&pl->lock);
	for (at = &pl->workers; *at && *at != w; at = &(*at)->next)
		;
	if (*at) {
		*at = w->next;
		for (i = 0; i < pl->n_tables; i++) {
			pl->tables[i].gone_hits += atomic_load(&w->lookups[2 * i]);
			pl->tables[i].gone_misses += atomic_load(&w->lookups[2 * i + 1]);
		}
	}
	pthread_mutex_unlock(&pl->lock);
	for (i = 0; w->miss && i < pl->n_tables; i++)
		free(w->miss[i]);
	for (i = 0; i < w->cap_jobs; i++)
		job_free(w->jobs[i]);
	for (i = 0; i < w->n_chunks; i++)
		free(w->chunks[i].mem);
	dp_pl_events_fini(&w->ev[0]);
	dp_pl_events_fini(&w->ev[1]);
	free(w->jobs);
	free(w->chunks);
	free(w->outs);
	free(w->slots);
	free(w->hit);
	free(w->miss);
	free((void *)w->lookups);
	free(w->bytes);
	free(w->key);
	free(w->tail);
	free(w);
}

struct dp_pl_worker *dp_pl_worker_new(struct dp_pl *pl)
{
	struct dp_pl_worker *w = calloc(1, sizeof(*w));
	uint32_t i;

	if (!w)
		return NULL;
	w->pl = pl;
	atomic_init(&w->epoch, DP_NEVER);
	w->slots = calloc(pl->n_slots + 1, 8);
	w->hit = calloc(pl->n_tables + 1, sizeof(*w->hit));
	w->miss = calloc(pl->n_tables + 1, sizeof(*w->miss));
	w->lookups = calloc(2 * pl->n_tables + 1, 8);
	/* a list's bytes, and behind them a value's or a varbit's */
	w->bytes = calloc(1, pl->max_list_bytes + 2 * (8 * PL_MAX_WORDS + 2 * PL_PAD) + PL_MAX_PACKET);
	w->key = calloc(PL_MAX_KEY + 1, 8);
	w->tail = calloc(1, PL_MAX_PACKET + 2 * PL_PAD);
	w->outs = calloc(64, sizeof(*w->outs));
	w->chunks = calloc(1, sizeof(*w->chunks));
	if (w->chunks) {
		w->chunks[0].mem = malloc(CHUNK_BYTES);
		w->n_chunks = w->chunks[0].mem != NULL;
	}
	if (!w->slots || !w->hit || !w->miss || !w->lookups || !w->bytes || !w->key || !w->tail || !w->outs ||
	    !w->n_chunks)
		goto fail;
	w->cap_outs = 64;
	for (i = 0; i < pl->n_tables; i++) {
		if (!(pl->tables[i].flags & DP_PL_T_ADD_ON_MISS))
			continue;
		w->miss[i] = calloc(pl->tables[i].kw + 1, 8);
		if (!w->miss[i])
			goto fail;
	}
	if (pl->n_consts)
		memcpy(w->slots, pl->consts, 8 * (size_t)pl->n_consts);
	pthread_mutex_lock(&pl->lock);
	dp_rng_seed(&w->rng, pl->seed + pl->n_workers_ever++);
	w->next = pl->workers;
	pl->workers = w;
	pthread_mutex_unlock(&pl->lock);
	return w;
fail:
	dp_pl_worker_free(w);
	return NULL;
}

/* ---- what goes out ---- */

uint8_t *dp_pl_out_reserve(struct dp_pl_worker *w)
{
	struct pl_chunk *chunk = &w->chunks[w->chunk], *more;
	uint8_t *mem;

	if (dp_likely(CHUNK_BYTES - chunk->used >= OUT_BYTES))
		return chunk->mem + chunk->used;
	if (w->chunk + 1 == w->n_chunks) {
		more = realloc(w->chunks, (w->n_chunks + 1) * sizeof(*more));
		if (more)
			w->chunks = more;
		mem = more ? malloc(CHUNK_BYTES) : NULL;
		if (!mem)
			return NULL;
		w->chunks[w->n_chunks++] = (struct pl_chunk){.mem = mem};
	}
	w->chunk++;
	w->chunks[w->chunk].used = 0;
	return w->chunks[w->chunk].mem;
}

void dp_pl_out_keep(struct dp_pl_worker *w, uint32_t len)
{
	w->chunks[w->chunk].used += (len + 15) & ~15U;
}

void dp_pl_out_add(struct dp_pl_worker *w, const uint8_t *data, uint32_t len, uint32_t port, uint32_t rid,
		   uint32_t queue, uint32_t flags)
{
	struct dp_pl_out *more;

	if (w->n_outs == w->cap_outs) {
		more = realloc(w->outs, 2 * w->cap_outs * sizeof(*more));
		if (!more) {
			w->stats.drop_loop++;
			return;
		}
		w->outs = more;
		w->cap_outs *= 2;
	}
	w->outs[w->n_outs++] = (struct dp_pl_out){
		.data = data, .len = len, .port = port, .in = w->in, .rid = rid, .queue = queue, .flags = flags};
	w->stats.tx++;
}

/* ---- blocks ---- */

bool dp_pl_block(struct dp_pl_worker *w, enum dp_pl_block block)
{
	uint32_t code = w->pl->blocks[block];

	if (code == DP_PL_NONE)
		return true;
	switch (dp_pl_exec(w, code)) {
	case PL_OK:
		return true;
	case PL_ASSERT:
		w->stats.drop_assert++;
		return false;
	default:
		w->stats.drop_loop++;
		return false;
	}
}

int64_t dp_pl_deparse(struct dp_pl_worker *w)
{
	uint32_t at, rest, head;

	w->out = dp_pl_out_reserve(w);
	if (!w->out) {
		w->stats.drop_loop++;
		return -1;
	}
	w->out_bits = 0;
	w->out_long = false;
	if (!dp_pl_block(w, DP_PL_B_COMPUTE) || !dp_pl_block(w, DP_PL_B_DEPARSER))
		return -1;
	/* what is no whole byte is filled up by zeros */
	if (w->out_bits & 7)
		w->out[w->out_bits / 8] &= (uint8_t)(0xff00 >> (w->out_bits & 7));
	head = (w->out_bits + 7) / 8;
	at = (w->cur + 7) / 8;
	rest = w->len - at;
	if (w->out_long || head + rest > PL_MAX_PACKET) {
		w->stats.drop_too_long++;
		return -1;
	}
	memcpy(w->out + head, w->data + at, rest);
	return head + rest;
}

void dp_pl_fresh(struct dp_pl_worker *w)
{
	const struct dp_pl *pl = w->pl;

	memset(w->slots + pl->n_consts, 0, 8 * (size_t)(pl->n_slots - pl->n_consts));
	memset(w->hit, 0, pl->n_tables * sizeof(*w->hit));
	w->clone = w->resubmit = w->recirc = false;
	w->n_mirrors = 0;
	w->truncate = 0xffffffff;
	w->out = NULL;
	w->cur = 0;
}

void dp_pl_copy_list(const struct dp_pl *pl, uint32_t list, uint64_t *dst, const uint64_t *src)
{
	uint32_t i;

	if (list == DP_PL_NONE)
		return;
	for (i = 0; i < pl->lists[list].n; i++) {
		const struct dp_pl_item *item = &pl->lists[list].items[i];

		if (item->slot >= pl->n_consts)
			memcpy(dst + item->slot, src + item->slot, 8 * (pl_words(item->width) + (item->varbit != 0)));
	}
}

/* ---- the queue ---- */

struct pl_job *dp_pl_job_new(struct dp_pl_worker *w)
{
	struct pl_job *job, **more;
	uint32_t i, cap;

	if (w->rounds >= PL_MAX_ROUNDS) {
		w->stats.drop_loop++;
		return NULL;
	}
	if (w->n_jobs == w->cap_jobs) {
		cap = w->cap_jobs + 8;
		more = realloc(w->jobs, cap * sizeof(*more));
		if (!more)
			goto no_memory;
		w->jobs = more;
		for (i = w->cap_jobs; i < cap; i++)
			w->jobs[i] = NULL;
		w->cap_jobs = cap;
	}
	if (!w->jobs[w->n_jobs]) {
		job = calloc(1, sizeof(*job));
		if (!job)
			goto no_memory;
		job->slots = calloc(w->pl->n_slots + 1, 8);
		if (!job->slots) {
			free(job);
			goto no_memory;
		}
		w->jobs[w->n_jobs] = job;
	}
	job = w->jobs[w->n_jobs++];
	*job = (struct pl_job){.slots = job->slots, .truncate = 0xffffffff};
	w->rounds++;
	return job;
no_memory:
	w->stats.drop_loop++;
	return NULL;
}

struct pl_job *dp_pl_job_next(struct dp_pl_worker *w)
{
	return w->job_first < w->n_jobs ? w->jobs[w->job_first++] : NULL;
}

const struct pl_fanout *dp_pl_fanout_find(const struct pl_fanouts *f, uint32_t id)
{
	uint32_t at;

	return f && dp_pl_by_id((void *const *)f->at, f->n, id, &at) ? f->at[at] : NULL;
}

int64_t dp_pl_run(struct dp_pl_worker *w, const struct dp_pl_in *in, uint32_t n, const struct dp_pl_out **out)
{
	struct dp_pl *pl = w->pl;
	uint32_t i;

	w->n_outs = 0;
	w->chunk = 0;
	w->chunks[0].used = 0;
	dp_pl_enter(w);
	for (i = 0; i < n; i++) {
		w->stats.rx++;
		if (in[i].len > PL_MAX_PACKET) {
			w->stats.drop_too_long++;
			continue;
		}
		w->in = i;
		w->port = in[i].port;
		w->ts_ps = in[i].ts_ps;
		w->rounds = 0;
		w->job_first = w->n_jobs = 0;
		if (pl->arch == DP_PL_V1MODEL)
			dp_pl_v1_packet(w, &in[i]);
		else
			dp_pl_pna_packet(w, &in[i]);
	}
	dp_pl_leave(w);
	if (n && w->ts_ps > atomic_load_explicit(&pl->now_ps, memory_order_relaxed))
		atomic_store_explicit(&pl->now_ps, w->ts_ps, memory_order_relaxed);
	*out = w->outs;
	return w->n_outs;
}

void dp_pl_worker_stats(const struct dp_pl_worker *w, struct dp_pl_stats *out)
{
	*out = w->stats;
}
