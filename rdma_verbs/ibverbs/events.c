/*
 * Completion channels and asynchronous events. Whoever leaves the engine moves what fired to these queues and rings
 * their descriptors, so a blocked program wakes without another thread in between.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rdma_verbs/ibverbs/vb.h"

int vb_queue_init(struct vb_queue *q)
{
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	if (q->fd < 0)
		return errno;
	pthread_mutex_init(&q->lock, NULL);
	return 0;
}

void vb_queue_fini(struct vb_queue *q)
{
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
	free(q->ring);
	q->ring = NULL;
	q->fd = -1;
}

static bool grow(struct vb_queue *q)
{
	uint32_t n = q->head - q->tail, room = DP_MAX(q->room * 2, 16u);
	struct vb_event *ring;

	if (n < q->room)
		return true;
	ring = malloc(room * sizeof(*ring));
	if (!ring)
		return false;
	for (uint32_t i = 0; i < n; i++)
		ring[i] = q->ring[(q->tail + i) % q->room];
	free(q->ring);
	q->ring = ring;
	q->room = room;
	q->tail = 0;
	q->head = n;
	return true;
}

void vb_queue_push(struct vb_queue *q, const struct vb_event *ev)
{
	uint64_t one = 1;

	pthread_mutex_lock(&q->lock);
	if (grow(q)) {
		q->ring[q->head++ % q->room] = *ev;
		while (write(q->fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	pthread_mutex_unlock(&q->lock);
}

int vb_queue_pop(struct vb_queue *q, struct vb_event *ev)
{
	bool got = false;
	uint64_t one;

	/* A destroyed object may have taken its event along after we were woken for it: then there is none. */
	while (!got) {
		if (read(q->fd, &one, sizeof(one)) < 0)
			return -1;
		pthread_mutex_lock(&q->lock);
		got = q->head != q->tail;
		if (got) {
			*ev = q->ring[q->tail++ % q->room];
			if (ev->delivered)
				++*ev->delivered;
		}
		pthread_mutex_unlock(&q->lock);
	}
	return 0;
}

/* Takes one off the descriptor's count without ever waiting, whatever mode the program gave it. */
static void uncount(int fd)
{
	uint64_t one;
	struct iovec iov = {&one, sizeof(one)};
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP && poll(&pfd, 1, 0) > 0 &&
	    read(fd, &one, sizeof(one)) < 0)
		return;
}

void vb_queue_forget(struct vb_queue *q, const struct vb_obj *obj)
{
	uint32_t keep;

	pthread_mutex_lock(&q->lock);
	keep = q->tail;
	for (uint32_t i = q->tail; i != q->head; i++) {
		if (q->ring[i % q->room].obj == obj)
			uncount(q->fd);
		else
			q->ring[keep++ % q->room] = q->ring[i % q->room];
	}
	q->head = keep;
	pthread_mutex_unlock(&q->lock);
}

static void tell_context(struct vb_obj *obj, void *arg)
{
	if (obj->kind == VB_CONTEXT)
		vb_queue_push(&DP_CONTAINER_OF(obj, struct vb_context, obj)->async, arg);
}

static struct vb_queue *async_of(struct ibv_context *context)
{
	return &vb_context_of(context)->async;
}

static void tell_qp(struct vb_qp *qp, struct vb_event out)
{
	out.obj = &qp->obj;
	out.delivered = &qp->async_delivered;
	vb_queue_push(async_of(qp->ib.context), &out);
}

/* An XRC target tells all its handles; the one that made it may be destroyed by now. */
static void tell_handle(struct vb_obj *obj, void *arg)
{
	struct vb_qp *qp = DP_CONTAINER_OF(obj, struct vb_qp, obj);
	const struct vb_event *out = arg;

	if (obj->kind == VB_QP && qp->ib.qp_type == IBV_QPT_XRC_RECV && qp->ib.qp_num == out->num)
		tell_qp(qp, *out);
}

static void push_async(struct vb_session *s, const struct roce_event *ev)
{
	struct vb_event out = {.type = ev->type, .num = ev->num};

	switch (ev->type) {
	case ROCE_EVENT_PORT_ACTIVE:
	case ROCE_EVENT_PORT_ERR:
		vb_each(s, tell_context, &out);
		return;
	case ROCE_EVENT_CQ_ERR: {
		struct vb_cq *cq = ev->user;

		out.obj = &cq->obj;
		out.delivered = &cq->async_delivered;
		vb_queue_push(async_of(cq->ib.context), &out);
		return;
	}
	case ROCE_EVENT_SRQ_LIMIT_REACHED: {
		struct vb_srq *srq = ev->user;

		out.obj = &srq->obj;
		out.delivered = &srq->async_delivered;
		vb_queue_push(async_of(srq->ib.context), &out);
		return;
	}
	default: {
		struct vb_qp *qp = ev->user;

		if (qp->ib.qp_type == IBV_QPT_XRC_RECV)
			vb_each(s, tell_handle, &out);
		else
			tell_qp(qp, out);
		return;
	}
	}
}

void vb_on_events(void *session)
{
	struct vb_session *s = session;
	struct roce_event ev;
	struct vb_cq *cq;

	while ((cq = roce_dev_next_notified(s->dev)))
		if (cq->channel)
			vb_queue_push(&cq->channel->events,
				      &(struct vb_event){.obj = &cq->obj, .delivered = &cq->comp_delivered});
	while (roce_dev_next_event(s->dev, &ev))
		push_async(s, &ev);
}

VB_API(struct ibv_comp_channel *, create_comp_channel, "ibv_create_comp_channel@@IBVERBS_1.0",
       (struct ibv_context * context))
{
	struct vb_context *ctx = vb_context_find(context);
	struct vb_channel *channel;
	int err;

	if (!ctx)
		return NULL;
	channel = vb_new(sizeof(*channel));
	if (!channel)
		return NULL;
	err = vb_queue_init(&channel->events);
	if (err) {
		vb_retire(channel);
		return vb_null(err);
	}
	channel->ib.context = context;
	channel->ib.fd = channel->events.fd;
	vb_register(&channel->obj, VB_CHANNEL, &channel->ib, vb_session_of(ctx));
	return &channel->ib;
}

VB_API(int, destroy_comp_channel, "ibv_destroy_comp_channel@@IBVERBS_1.0", (struct ibv_comp_channel * ib))
{
	struct vb_channel *channel;
	int err = VB_CLAIM(channel, ib, VB_CHANNEL);

	if (err)
		return DP_MAX(err, 0);
	vb_queue_fini(&channel->events);
	vb_retire(channel);
	return 0;
}

VB_API(int, get_cq_event, "ibv_get_cq_event@@IBVERBS_1.1",
       (struct ibv_comp_channel * ib, struct ibv_cq **cq, void **cq_context))
{
	struct vb_channel *channel = VB_LOOKUP(vb_channel, ib, VB_CHANNEL);
	struct vb_event ev;
	struct vb_cq *of;

	if (!channel || vb_queue_pop(&channel->events, &ev))
		return -1;
	of = DP_CONTAINER_OF(ev.obj, struct vb_cq, obj);
	*cq = (struct ibv_cq *)&of->ib;
	*cq_context = of->ib.cq_context;
	return 0;
}

static void acknowledge(pthread_mutex_t *mutex, pthread_cond_t *cond, uint32_t *completed, uint32_t n)
{
	pthread_mutex_lock(mutex);
	*completed += n;
	pthread_cond_signal(cond);
	pthread_mutex_unlock(mutex);
}

VB_API(void, ack_cq_events, "ibv_ack_cq_events@@IBVERBS_1.1", (struct ibv_cq * ib, unsigned int nevents))
{
	struct vb_cq *cq = (struct vb_cq *)ib;

	acknowledge(&cq->ib.mutex, &cq->ib.cond, &cq->ib.comp_events_completed, nevents);
}

void vb_wait_acks(pthread_mutex_t *mutex, pthread_cond_t *cond, const uint32_t *delivered, const uint32_t *completed)
{
	pthread_mutex_lock(mutex);
	while ((int32_t)(*completed - __atomic_load_n(delivered, __ATOMIC_ACQUIRE)) < 0)
		pthread_cond_wait(cond, mutex);
	pthread_mutex_unlock(mutex);
}

VB_API(int, get_async_event, "ibv_get_async_event@@IBVERBS_1.1",
       (struct ibv_context * context, struct ibv_async_event *event))
{
	struct vb_context *ctx = vb_context_find(context);
	struct vb_event ev;

	if (!ctx || vb_queue_pop(&ctx->async, &ev))
		return -1;
	event->event_type = (enum ibv_event_type)ev.type;
	if (!ev.obj)
		event->element.port_num = (int)ev.num;
	else if (ev.obj->kind == VB_CQ)
		event->element.cq = (struct ibv_cq *)&DP_CONTAINER_OF(ev.obj, struct vb_cq, obj)->ib;
	else if (ev.obj->kind == VB_SRQ)
		event->element.srq = &DP_CONTAINER_OF(ev.obj, struct vb_srq, obj)->ib;
	else
		event->element.qp = &DP_CONTAINER_OF(ev.obj, struct vb_qp, obj)->ib;
	return 0;
}

VB_API(void, ack_async_event, "ibv_ack_async_event@@IBVERBS_1.1", (struct ibv_async_event * event))
{
	switch (event->event_type) {
	case IBV_EVENT_CQ_ERR: {
		struct ibv_cq *cq = event->element.cq;

		acknowledge(&cq->mutex, &cq->cond, &cq->async_events_completed, 1);
		return;
	}
	case IBV_EVENT_SRQ_ERR:
	case IBV_EVENT_SRQ_LIMIT_REACHED: {
		struct ibv_srq *srq = event->element.srq;

		acknowledge(&srq->mutex, &srq->cond, &srq->events_completed, 1);
		return;
	}
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
	case IBV_EVENT_COMM_EST:
	case IBV_EVENT_SQ_DRAINED:
	case IBV_EVENT_PATH_MIG:
	case IBV_EVENT_PATH_MIG_ERR:
	case IBV_EVENT_QP_LAST_WQE_REACHED: {
		struct ibv_qp *qp = event->element.qp;

		acknowledge(&qp->mutex, &qp->cond, &qp->events_completed, 1);
		return;
	}
	default:
		return; /* the port's belong to no object */
	}
}
