/*
 * Multicast groups. The engine delivers to the queue pairs of a group; the session's socket must be a member of it as long
 * as one of them is. Attaching twice is attaching once.
 */
#include <stdlib.h>

#include "rdma_verbs/ibverbs/vb.h"

struct vb_group {
	struct roce_gid gid;
	struct vb_group *next;
};

/* With the session's lock held. */
static struct vb_group **find(struct vb_qp *qp, const struct roce_gid *gid)
{
	struct vb_group **p = &qp->groups;

	while (*p && memcmp(&(*p)->gid, gid, sizeof(*gid)))
		p = &(*p)->next;
	return p;
}

static int attach(struct vb_session *s, struct vb_qp *qp, const struct roce_gid *gid, uint16_t lid)
{
	struct vb_group *g;
	int err;

	vb_lock(s);
	err = roce_attach_mcast(qp->roce, gid, lid);
	if (err)
		err = vb_tell(s, err);
	vb_unlock(s);
	if (err || *find(qp, gid))
		return err;
	g = vb_new(sizeof(*g));
	err = g ? -roce_session_join(s->roce, gid) : ENOMEM;
	if (err) {
		free(g);
		vb_lock(s);
		roce_detach_mcast(qp->roce, gid, lid);
		vb_unlock(s);
		return err;
	}
	g->gid = *gid;
	g->next = qp->groups;
	qp->groups = g;
	return 0;
}

static int detach(struct vb_session *s, struct vb_qp *qp, const struct roce_gid *gid, uint16_t lid)
{
	struct vb_group **p, *g;
	int err;

	vb_lock(s);
	err = roce_detach_mcast(qp->roce, gid, lid);
	if (err)
		err = vb_tell(s, err);
	vb_unlock(s);
	p = find(qp, gid);
	g = *p;
	if (err || !g)
		return err;
	*p = g->next;
	free(g);
	roce_session_leave(s->roce, gid);
	return 0;
}

static int change(struct ibv_qp *ib, const union ibv_gid *gid, uint16_t lid,
		  int (*how)(struct vb_session *, struct vb_qp *, const struct roce_gid *, uint16_t))
{
	struct vb_qp *qp = VB_LOOKUP(vb_qp, ib, VB_QP);
	struct roce_gid group;
	int err;

	if (!qp || !gid)
		return EINVAL;
	memcpy(group.b, gid->raw, sizeof(group.b));
	pthread_mutex_lock(&qp->obj.session->lock);
	err = qp->roce ? how(qp->obj.session, qp, &group, lid) : EINVAL;
	pthread_mutex_unlock(&qp->obj.session->lock);
	return err;
}

VB_API(int, attach_mcast, "ibv_attach_mcast@@IBVERBS_1.1", (struct ibv_qp * qp, const union ibv_gid *gid, uint16_t lid))
{
	return change(qp, gid, lid, attach);
}

VB_API(int, detach_mcast, "ibv_detach_mcast@@IBVERBS_1.1", (struct ibv_qp * qp, const union ibv_gid *gid, uint16_t lid))
{
	return change(qp, gid, lid, detach);
}

void vb_leave_groups(struct vb_qp *qp)
{
	struct vb_session *s = qp->obj.session;
	struct vb_group *g, *next;

	pthread_mutex_lock(&s->lock);
	for (g = qp->groups; g; g = next) {
		next = g->next;
		roce_session_leave(s->roce, &g->gid);
		free(g);
	}
	qp->groups = NULL;
	pthread_mutex_unlock(&s->lock);
}
