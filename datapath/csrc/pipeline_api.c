/* What the control plane asks about beside entries: counters, meters, registers, value sets, replicas, hashes, times. */
#include <stdlib.h>

#include "datapath/csrc/pipeline_int.h"

static void read_cell(struct dp_pl_count *out, const _Atomic uint64_t *packets, const _Atomic uint64_t *bytes)
{
	out->packets = atomic_load_explicit(packets, memory_order_relaxed);
	out->bytes = atomic_load_explicit(bytes, memory_order_relaxed);
}

static void write_cell(const struct dp_pl_count *in, _Atomic uint64_t *packets, _Atomic uint64_t *bytes)
{
	atomic_store_explicit(packets, in->packets, memory_order_relaxed);
	atomic_store_explicit(bytes, in->bytes, memory_order_relaxed);
}

int dp_pl_counter_get(const struct dp_pl *pl, uint32_t counter, uint32_t index, struct dp_pl_count *out)
{
	if (counter >= pl->n_counters || index >= pl->counters[counter].size)
		return -ENOENT;
	read_cell(out, &pl->counters[counter].cells[index].packets, &pl->counters[counter].cells[index].bytes);
	return 0;
}

int dp_pl_counter_set(struct dp_pl *pl, uint32_t counter, uint32_t index, const struct dp_pl_count *in)
{
	if (counter >= pl->n_counters || index >= pl->counters[counter].size)
		return -ENOENT;
	write_cell(in, &pl->counters[counter].cells[index].packets, &pl->counters[counter].cells[index].bytes);
	return 0;
}

enum entry_use { READ_COUNT, WRITE_COUNT, SET_METER };

static int with_entry(struct dp_pl *pl, uint32_t table, uint64_t handle, enum entry_use use, void *arg)
{
	struct pl_entry *e;
	struct pl_state *s;
	int err = 0;

	if (table >= pl->n_tables)
		return -ENOENT;
	pthread_mutex_lock(&pl->lock);
	e = dp_pl_entry_get(&pl->tables[table], handle);
	s = e ? e->state : NULL;
	if (!e)
		err = -ENOENT;
	else if (!s)
		err = -EINVAL;
	else if (use == READ_COUNT)
		read_cell(arg, &s->packets, &s->bytes);
	else if (use == WRITE_COUNT)
		write_cell(arg, &s->packets, &s->bytes);
	else
		dp_pl_meter_config(&s->meter, arg, atomic_load_explicit(&pl->now_ps, memory_order_relaxed));
	pthread_mutex_unlock(&pl->lock);
	return err;
}

int dp_pl_entry_counter_get(const struct dp_pl *pl, uint32_t table, uint64_t handle, struct dp_pl_count *out)
{
	/* the lock is not the caller's to see */
	return with_entry((struct dp_pl *)pl, table, handle, READ_COUNT, out);
}

int dp_pl_entry_counter_set(struct dp_pl *pl, uint32_t table, uint64_t handle, const struct dp_pl_count *in)
{
	struct dp_pl_count count = *in;

	return with_entry(pl, table, handle, WRITE_COUNT, &count);
}

int dp_pl_entry_meter_set(struct dp_pl *pl, uint32_t table, uint64_t handle, const struct dp_pl_meter_cfg *cfg)
{
	struct dp_pl_meter_cfg copy = *cfg;

	return with_entry(pl, table, handle, SET_METER, &copy);
}

int dp_pl_meter_set(struct dp_pl *pl, uint32_t meter, uint32_t index, const struct dp_pl_meter_cfg *cfg)
{
	if (meter >= pl->n_meters || index >= pl->meters[meter].size)
		return -ENOENT;
	dp_pl_meter_config(&pl->meters[meter].cells[index], cfg,
			   atomic_load_explicit(&pl->now_ps, memory_order_relaxed));
	return 0;
}

int dp_pl_register_get(const struct dp_pl *pl, uint32_t reg, uint32_t index, uint64_t *words, uint32_t n)
{
	const struct pl_register *r;
	uint32_t i;

	if (reg >= pl->n_registers || index >= pl->registers[reg].size)
		return -ENOENT;
	r = &pl->registers[reg];
	if (n != r->words)
		return -EINVAL;
	for (i = 0; i < n; i++)
		words[i] = atomic_load_explicit(&r->cells[(size_t)index * n + i], memory_order_relaxed);
	return 0;
}

int dp_pl_register_set(struct dp_pl *pl, uint32_t reg, uint32_t index, const uint64_t *words, uint32_t n)
{
	const struct pl_register *r;
	uint32_t i;

	if (reg >= pl->n_registers || index >= pl->registers[reg].size)
		return -ENOENT;
	r = &pl->registers[reg];
	if (n != r->words || (r->width & 63 && words[n - 1] & ~pl_mask(r->width & 63)))
		return -EINVAL;
	for (i = 0; i < n; i++)
		atomic_store_explicit(&r->cells[(size_t)index * n + i], words[i], memory_order_relaxed);
	return 0;
}

/* A new list of groups with one set, changed, or (n 0) gone. */
static int set_fanout(struct dp_pl *pl, struct pl_fanouts *_Atomic *where, uint32_t id,
		      const struct dp_pl_replica *replicas, uint32_t n, uint32_t truncate)
{
	struct pl_fanouts *old, *all = NULL;
	struct pl_fanout *f = NULL;
	uint32_t at, had, n_old;
	int err = -ENOMEM;

	if ((n && !replicas) || n > 65536)
		return -EINVAL;
	pthread_mutex_lock(&pl->lock);
	old = atomic_load_explicit(where, memory_order_relaxed);
	n_old = old ? old->n : 0;
	at = 0;
	had = old && dp_pl_by_id((void *const *)old->at, old->n, id, &at);
	all = malloc(sizeof(*all) + (n_old + 1) * sizeof(all->at[0]));
	if (!all)
		goto out;
	if (n) {
		f = malloc(sizeof(*f) + n * sizeof(f->r[0]));
		if (!f) {
			free(all);
			goto out;
		}
		f->id = id;
		f->n = n;
		f->truncate = truncate;
		memcpy(f->r, replicas, n * sizeof(f->r[0]));
	}
	err = n || had ? 0 : -ENOENT;
	if (at)
		memcpy(all->at, old->at, at * sizeof(all->at[0]));
	if (f)
		all->at[at] = f;
	if (n_old - at - had)
		memcpy(all->at + at + (f != NULL), old->at + at + had, (n_old - at - had) * sizeof(all->at[0]));
	all->n = n_old - had + (f != NULL);
	atomic_store_explicit(where, all, memory_order_release);
	if (had)
		dp_pl_retire(pl, old->at[at]);
	dp_pl_retire(pl, old);
out:
	pthread_mutex_unlock(&pl->lock);
	return err;
}

int dp_pl_mcast_set(struct dp_pl *pl, uint32_t group, const struct dp_pl_replica *replicas, uint32_t n)
{
	return set_fanout(pl, &pl->mcast, group, replicas, n, 0);
}

int dp_pl_clone_set(struct dp_pl *pl, uint32_t session, const struct dp_pl_replica *replicas, uint32_t n,
		    uint32_t truncate_bytes)
{
	return set_fanout(pl, &pl->clones, session, replicas, n, truncate_bytes);
}

int dp_pl_expire_set(struct dp_pl *pl, uint32_t profile, uint64_t idle_ps)
{
	if (profile >= DP_ARRAY_SIZE(pl->expire))
		return -ENOENT;
	atomic_store_explicit(&pl->expire[profile], idle_ps, memory_order_relaxed);
	return 0;
}

int dp_pl_hash_custom(struct dp_pl *pl, uint32_t hash, uint32_t poly, uint32_t init, uint32_t xor_out, uint32_t reflect)
{
	struct pl_crc *c;

	if (hash != DP_PL_CRC16_CUSTOM && hash != DP_PL_CRC32_CUSTOM)
		return -EINVAL;
	c = malloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	dp_pl_crc_init(c, hash == DP_PL_CRC16_CUSTOM ? 16 : 32, poly, init, xor_out, reflect & 1, reflect & 2);
	pthread_mutex_lock(&pl->lock);
	dp_pl_retire(pl, atomic_exchange_explicit(&pl->crc[hash == DP_PL_CRC32_CUSTOM], c, memory_order_acq_rel));
	pthread_mutex_unlock(&pl->lock);
	return 0;
}

int dp_pl_vset_add(struct dp_pl *pl, uint32_t vset, const uint64_t *key, uint32_t n_key)
{
	struct pl_vset_data *old, *d;
	struct pl_vset *v;
	uint32_t n, words;
	int err = 0;

	if (vset >= pl->n_vsets)
		return -ENOENT;
	v = &pl->vsets[vset];
	words = 2 * v->kw;
	if (n_key != words || (n_key && !key))
		return -EINVAL;
	pthread_mutex_lock(&pl->lock);
	old = atomic_load_explicit(&v->data, memory_order_relaxed);
	n = old ? old->n : 0;
	d = v->size && n >= v->size ? NULL : malloc(sizeof(*d) + 8 * (size_t)words * (n + 1));
	if (d) {
		d->n = n + 1;
		if (n)
			memcpy(d->words, old->words, 8 * (size_t)words * n);
		if (words)
			memcpy(d->words + (size_t)words * n, key, 8 * words);
		atomic_store_explicit(&v->data, d, memory_order_release);
		dp_pl_retire(pl, old);
	} else {
		err = v->size && n >= v->size ? -ENOSPC : -ENOMEM;
	}
	pthread_mutex_unlock(&pl->lock);
	return err;
}

int dp_pl_vset_clear(struct dp_pl *pl, uint32_t vset)
{
	if (vset >= pl->n_vsets)
		return -ENOENT;
	pthread_mutex_lock(&pl->lock);
	dp_pl_retire(pl, atomic_exchange_explicit(&pl->vsets[vset].data, NULL, memory_order_acq_rel));
	pthread_mutex_unlock(&pl->lock);
	return 0;
}
