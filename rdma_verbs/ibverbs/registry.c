/* Which handles are alive: a hash of all objects by the address that the program holds. */
#include <stdlib.h>

#include "rdma_verbs/ibverbs/vb.h"

#define BUCKETS 4096 /* a power of two */
#define RETIRED 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vb_obj *table[BUCKETS];
static void *retired[RETIRED];
static uint32_t retired_next;

static struct vb_obj **bucket(const void *pub)
{
	return &table[((uintptr_t)pub * 0x9e3779b97f4a7c15ULL) >> 40 & (BUCKETS - 1)];
}

static struct vb_obj **slot(const struct vb_obj *obj)
{
	struct vb_obj **p = bucket(obj->pub);

	while (*p && *p != obj)
		p = &(*p)->hash_next;
	return p;
}

void vb_restore(struct vb_obj *obj)
{
	struct vb_obj **head = bucket(obj->pub);

	pthread_mutex_lock(&lock);
	obj->hash_next = *head;
	*head = obj;
	pthread_mutex_unlock(&lock);
}

void vb_register(struct vb_obj *obj, enum vb_kind kind, const void *pub, struct vb_session *s)
{
	obj->pub = pub;
	obj->kind = kind;
	obj->session = s;
	obj->users = 0;
	obj->handle = atomic_fetch_add(&s->next_handle, 1) + 1;
	vb_restore(obj);
}

static struct vb_obj **find(const void *pub, enum vb_kind kind)
{
	struct vb_obj **p = bucket(pub);

	while (*p && ((*p)->pub != pub || (*p)->kind != kind))
		p = &(*p)->hash_next;
	return p;
}

bool vb_forked(const struct vb_obj *obj)
{
	return roce_live_forked(obj->session->live);
}

struct vb_obj *vb_find(const void *pub, enum vb_kind kind)
{
	struct vb_obj *obj;

	pthread_mutex_lock(&lock);
	obj = *find(pub, kind);
	pthread_mutex_unlock(&lock);
	if (!obj)
		return vb_null(EINVAL);
	return kind != VB_CONTEXT && vb_forked(obj) ? vb_null(ENODEV) : obj;
}

struct vb_obj *vb_find_handle(const struct vb_session *s, enum vb_kind kind, uint32_t handle)
{
	struct vb_obj *obj = NULL;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < BUCKETS && !obj; i++)
		for (obj = table[i]; obj; obj = obj->hash_next)
			if (obj->session == s && obj->kind == kind && obj->handle == handle)
				break;
	pthread_mutex_unlock(&lock);
	return obj;
}

int vb_claim(const void *pub, enum vb_kind kind, struct vb_obj **obj)
{
	struct vb_obj **p;
	int err = 0;

	pthread_mutex_lock(&lock);
	p = find(pub, kind);
	*obj = *p;
	if (!*p)
		err = EINVAL;
	else if (vb_forked(*p))
		err = -1;
	else if ((*p)->users)
		err = EBUSY;
	else
		*p = (*p)->hash_next;
	pthread_mutex_unlock(&lock);
	return err;
}

int vb_use(struct vb_obj *obj)
{
	int err = EINVAL;

	pthread_mutex_lock(&lock);
	if (*slot(obj)) {
		obj->users++;
		err = 0;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

void vb_unuse(struct vb_obj *obj)
{
	pthread_mutex_lock(&lock);
	obj->users--;
	pthread_mutex_unlock(&lock);
}

void vb_each(const struct vb_session *s, void (*fn)(struct vb_obj *obj, void *arg), void *arg)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < BUCKETS; i++)
		for (struct vb_obj *obj = table[i], *next; obj; obj = next) {
			next = obj->hash_next;
			if (obj->session == s)
				fn(obj, arg);
		}
	pthread_mutex_unlock(&lock);
}

void vb_forget_session(const struct vb_session *s)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < BUCKETS; i++)
		for (struct vb_obj **p = &table[i]; *p;)
			if ((*p)->session == s)
				*p = (*p)->hash_next;
			else
				p = &(*p)->hash_next;
	pthread_mutex_unlock(&lock);
}

void *vb_new(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory)
		errno = ENOMEM;
	return memory;
}

void vb_retire(void *memory)
{
	void *old;

	pthread_mutex_lock(&lock);
	old = retired[retired_next];
	retired[retired_next] = memory;
	retired_next = (retired_next + 1) % RETIRED;
	pthread_mutex_unlock(&lock);
	free(old);
}

/* A fork must not leave the child with a lock that a thread holds which it does not have. */
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
