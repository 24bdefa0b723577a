#include "rdma_verbs/csrc/fork.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct mapping {
	void *addr;
	size_t bytes;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t objects_lock = PTHREAD_MUTEX_INITIALIZER; /* before `lock` */
static struct roce_fork *objects;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static int *fds;
static size_t nfds, fds_cap;
static struct mapping *maps;
static size_t nmaps, maps_cap;

static void prepare(void)
{
	pthread_mutex_lock(&objects_lock);
	for (struct roce_fork *f = objects; f; f = f->next)
		if (f->prepare)
			f->prepare(f);
	pthread_mutex_lock(&lock);
}

static void parent(void)
{
	pthread_mutex_unlock(&lock);
	for (struct roce_fork *f = objects; f; f = f->next)
		if (f->parent)
			f->parent(f);
	pthread_mutex_unlock(&objects_lock);
}

/* Only what may be called between fork() and exec() of a program with threads. */
static void child(void)
{
	for (size_t i = 0; i < nfds; i++)
		close(fds[i]);
	nfds = 0;
	for (size_t i = 0; i < nmaps; i++)
		mmap(maps[i].addr, maps[i].bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
	nmaps = 0;
	pthread_mutex_unlock(&lock);
	for (struct roce_fork *f = objects; f; f = f->next)
		if (f->child)
			f->child(f);
	objects = NULL; /* the parent's */
	pthread_mutex_unlock(&objects_lock);
}

static void install(void)
{
	pthread_atfork(prepare, parent, child);
}

void roce_fork_add(struct roce_fork *f)
{
	pthread_once(&once, install);
	pthread_mutex_lock(&objects_lock);
	f->next = objects;
	objects = f;
	pthread_mutex_unlock(&objects_lock);
}

void roce_fork_remove(struct roce_fork *f)
{
	pthread_mutex_lock(&objects_lock);
	for (struct roce_fork **at = &objects; *at; at = &(*at)->next) {
		if (*at == f) {
			*at = f->next;
			break;
		}
	}
	pthread_mutex_unlock(&objects_lock);
}

void roce_fork_lock(void)
{
	pthread_once(&once, install);
	pthread_mutex_lock(&lock);
}

void roce_fork_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/* The array with room for one more element; NULL: no memory. */
static void *grow(void *array, size_t n, size_t *cap, size_t bytes)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *new;

	if (n < *cap)
		return array;
	new = realloc(array, more * bytes);
	if (new)
		*cap = more;
	return new;
}

int roce_fork_keep(int fd)
{
	int *room;

	if (fd < 0)
		return -errno;
	room = grow(fds, nfds, &fds_cap, sizeof(*fds));
	if (!room) {
		close(fd);
		return -ENOMEM;
	}
	fds = room;
	fds[nfds++] = fd;
	return fd;
}

void roce_fork_close(int fd)
{
	if (fd < 0)
		return;
	roce_fork_lock();
	for (size_t i = 0; i < nfds; i++) {
		if (fds[i] == fd) {
			fds[i] = fds[--nfds];
			close(fd);
			break;
		}
	}
	roce_fork_unlock();
}

void *roce_fork_map(int fd, size_t bytes)
{
	struct mapping *room;
	void *addr = NULL;

	roce_fork_lock();
	room = grow(maps, nmaps, &maps_cap, sizeof(*maps));
	if (room) {
		maps = room;
		addr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (addr == MAP_FAILED)
			addr = NULL;
		else
			maps[nmaps++] = (struct mapping){addr, bytes};
	} else {
		errno = ENOMEM;
	}
	roce_fork_unlock();
	return addr;
}

void roce_fork_unmap(void *addr, size_t bytes)
{
	if (!addr)
		return;
	roce_fork_lock();
	for (size_t i = 0; i < nmaps; i++) {
		if (maps[i].addr == addr) {
			maps[i] = maps[--nmaps];
			munmap(addr, bytes);
			break;
		}
	}
	roce_fork_unlock();
}
