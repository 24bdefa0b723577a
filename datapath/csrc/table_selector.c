/*
 * Action profiles and selectors: entries that point at a member (an action with its data) or at a group of members, of which a hash
 * over the selector's fields picks one. A member or group is a reference that stays where it is while entries use it; its
 * content is behind a pointer that is swapped.
 */
#include <stdlib.h>

#include "datapath/csrc/pipeline_int.h"

bool dp_pl_by_id(void *const *at, uint32_t n, uint32_t id, uint32_t *where)
{
	uint32_t lo = 0, hi = n, mid, got;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		memcpy(&got, at[mid], sizeof(got));
		if (got == id) {
			*where = mid;
			return true;
		}
		if (got < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	*where = lo;
	return false;
}

const struct pl_mdata *dp_pl_profile_pick(struct dp_pl_worker *w, const struct pl_table *t, const struct pl_entry *e)
{
	const struct pl_member *m = e->ref;

	if (e->is_group) {
		const struct pl_grp_ref *ref = e->ref;
		const struct pl_grp *g = atomic_load_explicit(&ref->grp, memory_order_acquire);
		uint64_t hash;

		if (!g->n)
			return NULL;
		dp_pl_pack(&t->sel_pack, w->slots, w->bytes, 0);
		if (t->sel_pack.bits & 7)
			w->bytes[t->sel_pack.bits / 8] &= (uint8_t)(0xff00 >> (t->sel_pack.bits & 7));
		hash = dp_pl_hash(w, t->profile->algorithm, w->bytes, (t->sel_pack.bits + 7) / 8);
		m = g->m[(hash & pl_mask(t->profile->width)) % g->n];
	}
	return atomic_load_explicit(&m->data, memory_order_acquire);
}

int dp_pl_profile_ref(struct pl_profile *p, const struct dp_pl_entry *in, void **ref, uint8_t *is_group)
{
	uint32_t at;

	if (in->member) {
		if (!dp_pl_by_id((void *const *)p->members, p->n_members, in->member - 1, &at))
			return -ENOENT;
		p->members[at]->refs++;
		*ref = p->members[at];
		*is_group = 0;
		return 0;
	}
	if (!dp_pl_by_id((void *const *)p->groups, p->n_groups, in->group - 1, &at))
		return -ENOENT;
	p->groups[at]->refs++;
	*ref = p->groups[at];
	*is_group = 1;
	return 0;
}

void dp_pl_profile_unref(struct pl_entry *e)
{
	if (!e->ref)
		return;
	if (e->is_group)
		((struct pl_grp_ref *)e->ref)->refs--;
	else
		((struct pl_member *)e->ref)->refs--;
}

/* Makes room at `at` for one more pointer. */
static void **open_gap(void **list, uint32_t n, uint32_t at)
{
	list = realloc(list, (n + 1) * sizeof(*list));
	if (list)
		memmove(list + at + 1, list + at, (n - at) * sizeof(*list));
	return list;
}

int dp_pl_member_set(struct dp_pl *pl, uint32_t profile, uint32_t member, uint32_t action, const uint64_t *data,
		     uint32_t n_data)
{
	struct pl_profile *p;
	struct pl_mdata *d;
	struct pl_member *m;
	void **list;
	uint32_t at;
	int err;

	if (profile >= pl->n_profiles)
		return -ENOENT;
	p = &pl->profiles[profile];
	if (action >= p->n_actions || member == DP_PL_NONE)
		return -EINVAL;
	err = dp_pl_data_check(&p->actions[action], data, n_data);
	if (err)
		return err;
	d = calloc(1, sizeof(*d) + 8 * ((size_t)n_data + 1));
	if (!d)
		return -ENOMEM;
	d->action = action;
	if (n_data)
		memcpy(d->words, data, 8 * n_data);
	pthread_mutex_lock(&pl->lock);
	if (dp_pl_by_id((void *const *)p->members, p->n_members, member, &at)) {
		dp_pl_retire(pl, atomic_exchange_explicit(&p->members[at]->data, d, memory_order_acq_rel));
		goto out;
	}
	err = p->size && p->n_members >= p->size ? -ENOSPC : 0;
	m = err ? NULL : calloc(1, sizeof(*m));
	list = m ? open_gap((void **)p->members, p->n_members, at) : NULL;
	if (!list) {
		free(m);
		free(d);
		err = err ? err : -ENOMEM;
		goto out;
	}
	m->id = member;
	atomic_init(&m->data, d);
	p->members = (struct pl_member **)list;
	p->members[at] = m;
	p->n_members++;
out:
	pthread_mutex_unlock(&pl->lock);
	return err;
}

int dp_pl_member_del(struct dp_pl *pl, uint32_t profile, uint32_t member)
{
	struct pl_profile *p;
	struct pl_member *m;
	uint32_t at;
	int err = 0;

	if (profile >= pl->n_profiles)
		return -ENOENT;
	p = &pl->profiles[profile];
	pthread_mutex_lock(&pl->lock);
	if (!dp_pl_by_id((void *const *)p->members, p->n_members, member, &at)) {
		err = -ENOENT;
	} else if (p->members[at]->refs) {
		err = -EBUSY;
	} else {
		m = p->members[at];
		memmove(p->members + at, p->members + at + 1, (p->n_members - at - 1) * sizeof(*p->members));
		p->n_members--;
		dp_pl_retire(pl, atomic_load_explicit(&m->data, memory_order_relaxed));
		dp_pl_retire(pl, m);
	}
	pthread_mutex_unlock(&pl->lock);
	return err;
}

static int grp_new(struct pl_profile *p, const uint32_t *members, uint32_t n, struct pl_grp **out)
{
	struct pl_grp *g = malloc(sizeof(*g) + n * sizeof(g->m[0]));
	uint32_t i, at;

	if (!g)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (!dp_pl_by_id((void *const *)p->members, p->n_members, members[i], &at)) {
			free(g);
			return -ENOENT;
		}
		g->m[i] = p->members[at];
	}
	for (i = 0; i < n; i++)
		g->m[i]->refs++;
	g->n = n;
	*out = g;
	return 0;
}

static void grp_free(struct dp_pl *pl, struct pl_grp *g)
{
	for (uint32_t i = 0; i < g->n; i++)
		g->m[i]->refs--;
	dp_pl_retire(pl, g);
}

int dp_pl_group_set(struct dp_pl *pl, uint32_t profile, uint32_t group, const uint32_t *members, uint32_t n)
{
	struct pl_profile *p;
	struct pl_grp_ref *ref;
	struct pl_grp *g;
	void **list;
	uint32_t at;
	int err;

	if (profile >= pl->n_profiles)
		return -ENOENT;
	p = &pl->profiles[profile];
	if (p->algorithm == DP_PL_NONE || group == DP_PL_NONE || (n && !members) || n > 65536)
		return -EINVAL;
	if (p->max_group && n > p->max_group)
		return -ENOSPC;
	pthread_mutex_lock(&pl->lock);
	err = grp_new(p, members, n, &g);
	if (err)
		goto out;
	if (dp_pl_by_id((void *const *)p->groups, p->n_groups, group, &at)) {
		grp_free(pl, atomic_exchange_explicit(&p->groups[at]->grp, g, memory_order_acq_rel));
		goto out;
	}
	ref = calloc(1, sizeof(*ref));
	list = ref ? open_gap((void **)p->groups, p->n_groups, at) : NULL;
	if (!list) {
		free(ref);
		grp_free(pl, g);
		err = -ENOMEM;
		goto out;
	}
	ref->id = group;
	atomic_init(&ref->grp, g);
	p->groups = (struct pl_grp_ref **)list;
	p->groups[at] = ref;
	p->n_groups++;
out:
	pthread_mutex_unlock(&pl->lock);
	return err;
}

int dp_pl_group_del(struct dp_pl *pl, uint32_t profile, uint32_t group)
{
	struct pl_profile *p;
	struct pl_grp_ref *ref;
	uint32_t at;
	int err = 0;

	if (profile >= pl->n_profiles)
		return -ENOENT;
	p = &pl->profiles[profile];
	pthread_mutex_lock(&pl->lock);
	if (!dp_pl_by_id((void *const *)p->groups, p->n_groups, group, &at)) {
		err = -ENOENT;
	} else if (p->groups[at]->refs) {
		err = -EBUSY;
	} else {
		ref = p->groups[at];
		memmove(p->groups + at, p->groups + at + 1, (p->n_groups - at - 1) * sizeof(*p->groups));
		p->n_groups--;
		grp_free(pl, atomic_load_explicit(&ref->grp, memory_order_relaxed));
		dp_pl_retire(pl, ref);
	}
	pthread_mutex_unlock(&pl->lock);
	return err;
}

void dp_pl_profile_fini(struct pl_profile *p)
{
	uint32_t i;

	for (i = 0; i < p->n_members; i++) {
		free(atomic_load(&p->members[i]->data));
		free(p->members[i]);
	}
	for (i = 0; i < p->n_groups; i++) {
		free(atomic_load(&p->groups[i]->grp));
		free(p->groups[i]);
	}
	free(p->members);
	free(p->groups);
}
