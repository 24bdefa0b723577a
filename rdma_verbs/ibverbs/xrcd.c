/*
 * XRC domains. Who opens one by a file shares it with all that opened it by the same file, within this process: the
 * queues of a domain belong to one device of the engine.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "rdma_verbs/ibverbs/vb.h"

/* With the session's lock held: the domain of the file, new or not. NULL: errno. */
static struct vb_domain *get_domain(struct vb_session *s, int fd, int oflags)
{
	struct vb_domain *d = NULL;
	struct stat st;
	int err;

	if (fd >= 0) {
		if (fstat(fd, &st))
			return NULL;
		for (d = s->domains; d && (!d->named || d->dev != st.st_dev || d->ino != st.st_ino); d = d->next)
			;
	}
	if (d && oflags & O_EXCL)
		return vb_null(EINVAL);
	if (!d && !(oflags & O_CREAT))
		return vb_null(EAGAIN);
	if (d) {
		d->refs++;
		return d;
	}
	d = vb_new(sizeof(*d));
	if (!d)
		return NULL;
	vb_lock(s);
	d->roce = roce_xrcd_alloc(s->dev);
	err = d->roce ? 0 : vb_tell(s, errno);
	vb_unlock(s);
	if (err) {
		free(d);
		return vb_null(err);
	}
	d->refs = 1;
	d->named = fd >= 0;
	if (d->named) {
		d->dev = st.st_dev;
		d->ino = st.st_ino;
	}
	d->next = s->domains;
	s->domains = d;
	return d;
}

/* With the session's lock held. EBUSY: it is the last reference, and there are queues on the domain. */
static int put_domain(struct vb_session *s, struct vb_domain *d)
{
	struct vb_domain **p = &s->domains;
	int err;

	if (d->refs > 1) {
		d->refs--;
		return 0;
	}
	vb_lock(s);
	err = roce_xrcd_dealloc(d->roce);
	if (err)
		err = vb_tell(s, err);
	vb_unlock(s);
	if (err)
		return err;
	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	free(d);
	return 0;
}

static struct ibv_xrcd *open_xrcd(struct ibv_context *context, struct ibv_xrcd_init_attr *init)
{
	const uint32_t needs = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS;
	struct vb_context *ctx = vb_context_find(context);
	struct vb_session *s;
	struct vb_xrcd *xrcd;

	if (!ctx || !init)
		return vb_null(EINVAL);
	if (init->comp_mask & ~needs)
		return vb_null(EOPNOTSUPP);
	if ((init->comp_mask & needs) != needs)
		return vb_null(EINVAL);
	xrcd = vb_new(sizeof(*xrcd));
	if (!xrcd)
		return NULL;
	s = vb_session_of(ctx);
	pthread_mutex_lock(&s->lock);
	xrcd->domain = get_domain(s, init->fd, init->oflags);
	pthread_mutex_unlock(&s->lock);
	if (!xrcd->domain) {
		int err = errno;

		vb_retire(xrcd);
		return vb_null(err);
	}
	xrcd->ib.context = context;
	vb_register(&xrcd->obj, VB_XRCD, &xrcd->ib, s);
	return &xrcd->ib;
}

static int close_xrcd(struct ibv_xrcd *ib)
{
	struct vb_xrcd *xrcd;
	struct vb_session *s;
	int err = VB_CLAIM(xrcd, ib, VB_XRCD);

	if (err)
		return DP_MAX(err, 0);
	s = xrcd->obj.session;
	pthread_mutex_lock(&s->lock);
	err = put_domain(s, xrcd->domain);
	pthread_mutex_unlock(&s->lock);
	if (err)
		vb_restore(&xrcd->obj);
	else
		vb_retire(xrcd);
	return err;
}

void vb_xrcd_ops(struct verbs_context *v)
{
	v->open_xrcd = open_xrcd;
	v->close_xrcd = close_xrcd;
}
