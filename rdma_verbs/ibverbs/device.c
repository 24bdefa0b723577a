/* The one device: listing, opening, closing, and contexts that share an open device (import). */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rdma_verbs/ibverbs/vb.h"

/*
 * Providers' direct interfaces (mlx5dv, efadv ...) look at the word after struct ibv_device to see whether the device is
 * theirs: it is nobody's.
 */
static struct {
	struct ibv_device ib;
	const void *ops;
	uint64_t nothing[8];
} device = {.ib = {.node_type = IBV_NODE_CA,
		   .transport_type = IBV_TRANSPORT_IB,
		   .name = VB_DEVICE_NAME,
		   .dev_name = VB_UVERBS_NAME,
		   .dev_path = "/sys/class/infiniband_verbs/" VB_UVERBS_NAME,
		   .ibdev_path = "/sys/class/infiniband/" VB_DEVICE_NAME},
	    .ops = device.nothing};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list of sessions */
static struct vb_session *sessions;
static pthread_mutex_t reviving = PTHREAD_MUTEX_INITIALIZER;

int vb_tell(struct vb_session *s, int err)
{
	err = err < 0 ? -err : err;
	if (vb_env_debug())
		fprintf(stderr, "dpu-emu: %s (%s)\n", roce_dev_error(s->dev), strerror(err));
	return err;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void at_load(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

VB_API(struct ibv_device **, get_device_list, "ibv_get_device_list@@IBVERBS_1.1", (int *num_devices))
{
	struct vb_env *env = vb_new(sizeof(*env));
	struct ibv_device **list = NULL;
	int err = ENOMEM;

	if (num_devices)
		*num_devices = 0;
	if (env)
		err = vb_env_read(env);
	free(env);
	if (err)
		return vb_null(err);
	list = vb_new(2 * sizeof(*list));
	if (!list)
		return NULL;
	list[0] = &device.ib;
	if (num_devices)
		*num_devices = 1;
	return list;
}

VB_API(void, free_device_list, "ibv_free_device_list@@IBVERBS_1.1", (struct ibv_device * *list))
{
	free(list);
}

VB_API(const char *, get_device_name, "ibv_get_device_name@@IBVERBS_1.1", (struct ibv_device * dev))
{
	return dev == &device.ib ? dev->name : vb_null(EINVAL);
}

VB_API(int, get_device_index, "ibv_get_device_index@@IBVERBS_1.9", (struct ibv_device * dev))
{
	return dev == &device.ib ? 0 : -1;
}

VB_API(uint64_t, get_device_guid, "ibv_get_device_guid@@IBVERBS_1.1", (struct ibv_device * dev))
{
	struct vb_env *env = vb_new(sizeof(*env));
	struct roce_gid gid = {.b = {[10] = 0xff, [11] = 0xff}};
	uint64_t guid = 0;

	if (env && dev == &device.ib && !vb_env_read(env) &&
	    (inet_pton(AF_INET, env->address, gid.b + 12) == 1 || inet_pton(AF_INET6, env->address, gid.b) == 1))
		guid = vb_node_guid(&gid);
	free(env);
	return guid;
}

static void fill(struct vb_context *ctx, int cmd_fd)
{
	struct verbs_context *v = &ctx->verbs;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	v->sz = sizeof(*v);
	v->context.device = &device.ib;
	v->context.cmd_fd = cmd_fd;
	v->context.async_fd = ctx->async.fd;
	v->context.num_comp_vectors = cpus > 0 ? (int)cpus : 1;
	v->context.abi_compat = IBV_ABI_EXTENDED;
	pthread_mutex_init(&v->context.mutex, NULL);
	vb_query_ops(v);
	vb_pd_ops(v);
	vb_mr_ops(v);
	vb_mw_ops(v);
	vb_cq_ops(v);
	vb_srq_ops(v);
	vb_qp_ops(v);
	vb_xrcd_ops(v);
	vb_post_ops(v);
	vb_refused_ops(v);
}

/* A context on the session, which has counted it; cmd_fd is the context's from now on. NULL: errno. */
static struct ibv_context *new_context(struct vb_session *s, int cmd_fd)
{
	struct vb_context *ctx = vb_new(sizeof(*ctx));
	int err;

	if (!ctx)
		return NULL;
	err = vb_queue_init(&ctx->async);
	if (err) {
		free(ctx);
		return vb_null(err);
	}
	fill(ctx, cmd_fd);
	vb_register(&ctx->obj, VB_CONTEXT, &ctx->verbs.context, s);
	return &ctx->verbs.context;
}

static int identify(int fd, uint64_t *dev, uint64_t *ino)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	*dev = st.st_dev;
	*ino = st.st_ino;
	return 0;
}

/* What is left on a device that closes: posting to it is refused from now on. */
static void bereave(struct vb_obj *obj, void *arg)
{
	(void)arg;
	if (obj->kind == VB_QP)
		DP_CONTAINER_OF(obj, struct vb_qp, obj)->roce = NULL;
	else if (obj->kind == VB_CQ)
		DP_CONTAINER_OF(obj, struct vb_cq, obj)->roce = NULL;
	else if (obj->kind == VB_SRQ)
		DP_CONTAINER_OF(obj, struct vb_srq, obj)->roce = NULL;
}

static void put_session(struct vb_session *s)
{
	struct vb_session **p = &sessions;

	pthread_mutex_lock(&lock);
	if (--s->refs) {
		pthread_mutex_unlock(&lock);
		return;
	}
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	pthread_mutex_unlock(&lock);
	vb_each(s, bereave, NULL);
	vb_forget_session(s);
	roce_session_close(s->roce);
	pthread_mutex_destroy(&s->lock);
	vb_retire(s);
}

static struct vb_session *new_session(int cmd_fd)
{
	struct vb_session *s = vb_new(sizeof(*s));
	struct vb_env *env = vb_new(sizeof(*env));
	char error[512] = "";
	int err = s && env ? vb_env_read(env) : ENOMEM;

	if (!err)
		err = identify(cmd_fd, &s->fd_dev, &s->fd_ino);
	if (!err) {
		s->roce = roce_session_open(&env->session, error, sizeof(error));
		if (!s->roce) {
			err = errno ? errno : EIO;
			fprintf(stderr, "dpu-emu: node %s: %s\n", env->address, *error ? error : strerror(err));
		}
	}
	free(env);
	if (err) {
		free(s);
		return vb_null(err);
	}
	pthread_mutex_init(&s->lock, NULL);
	s->live = roce_session_live(s->roce);
	s->dev = roce_session_dev(s->roce);
	s->refs = 1;
	roce_live_on_events(s->live, vb_on_events, s);
	pthread_mutex_lock(&lock);
	s->next = sessions;
	sessions = s;
	pthread_mutex_unlock(&lock);
	return s;
}

/* With the list's lock held. Returns 0 or errno. */
static int revive(struct vb_context *ctx)
{
	struct ibv_context *context = &ctx->verbs.context;
	struct vb_queue fresh = {0};
	struct vb_session *s;
	int fd, err = vb_queue_init(&fresh);

	if (err)
		return err;
	/* The descriptors keep their numbers, but what happens on them is nothing of the parent's any more. */
	fd = memfd_create(VB_UVERBS_NAME, MFD_CLOEXEC);
	if (fd < 0 || dup3(fd, context->cmd_fd, O_CLOEXEC) < 0 || dup3(fresh.fd, ctx->async.fd, O_CLOEXEC) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	s = err ? NULL : new_session(context->cmd_fd);
	if (!err && !s)
		err = errno;
	fd = ctx->async.fd;
	close(fresh.fd);
	if (err)
		return err;
	ctx->async = fresh;
	ctx->async.fd = fd;
	ctx->obj.session = s;
	return 0;
}

struct vb_context *vb_context_find(const struct ibv_context *context)
{
	struct vb_context *ctx = VB_LOOKUP(vb_context, context, VB_CONTEXT);
	int err = 0;

	if (!ctx || dp_likely(!vb_forked(&ctx->obj)))
		return ctx;
	pthread_mutex_lock(&reviving);
	if (vb_forked(&ctx->obj))
		err = revive(ctx);
	pthread_mutex_unlock(&reviving);
	return err ? vb_null(err) : ctx;
}

VB_API(struct ibv_context *, open_device, "ibv_open_device@@IBVERBS_1.1", (struct ibv_device * dev))
{
	struct ibv_context *context = NULL;
	struct vb_session *s;
	int fd, err;

	if (dev != &device.ib)
		return vb_null(EINVAL);
	fd = memfd_create(VB_UVERBS_NAME, MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	s = new_session(fd);
	if (s) {
		context = new_context(s, fd);
		err = errno;
		if (!context) {
			put_session(s);
			errno = err;
		}
	}
	if (!context) {
		err = errno;
		close(fd);
		errno = err;
	}
	return context;
}

/* Objects live in the process that made them: a descriptor of another process's context is refused. */
VB_API(struct ibv_context *, import_device, "ibv_import_device@@IBVERBS_1.10", (int cmd_fd))
{
	struct ibv_context *context;
	struct vb_session *s;
	uint64_t dev, ino;
	int err = identify(cmd_fd, &dev, &ino);

	if (err)
		return vb_null(err);
	pthread_mutex_lock(&lock);
	for (s = sessions; s && (s->fd_dev != dev || s->fd_ino != ino); s = s->next)
		;
	if (s)
		s->refs++;
	pthread_mutex_unlock(&lock);
	if (!s)
		return vb_null(EOPNOTSUPP);
	context = new_context(s, cmd_fd);
	err = errno;
	if (!context)
		put_session(s);
	errno = err;
	return context;
}

VB_API(int, close_device, "ibv_close_device@@IBVERBS_1.1", (struct ibv_context * context))
{
	struct vb_context *ctx;
	int err = VB_CLAIM(ctx, context, VB_CONTEXT);

	if (err)
		return DP_MAX(err, 0);
	/* Events may still be on their way to it, but not once nobody is inside the engine. */
	vb_lock(vb_session_of(ctx));
	vb_unlock(vb_session_of(ctx));
	put_session(vb_session_of(ctx));
	vb_queue_fini(&ctx->async);
	close(context->cmd_fd);
	pthread_mutex_destroy(&context->mutex);
	vb_retire(ctx);
	return 0;
}
