/*
 * What a process has that a child which it forks must not share: descriptors, shared mappings, objects with threads and
 * locks. fork() is the process's as a whole, so this is one of the few parts with process-wide state, a list; every copy
 * of this library has its own.
 *
 * During fork() the list and its objects are held (prepare, then parent or child), so a child never sees half of a change.
 * In the child all descriptors of the list are closed and all mappings are replaced by private zeroes: whatever the child
 * still does to the parent's objects, and whenever it dies, nothing of it is seen outside. A child by vfork() or
 * posix_spawn() is none of these, it only executes: every descriptor is CLOEXEC.
 *
 * Descriptors are made and added between roce_fork_lock() and roce_fork_unlock(), which must not be held while waiting
 * for anything.
 */
#ifndef ROCE_FORK_H
#define ROCE_FORK_H

#include "datapath/csrc/base.h"

struct roce_fork {
	/* Each may be NULL. prepare() runs before the list is locked for good, and must end soon. */
	void (*prepare)(struct roce_fork *);
	void (*parent)(struct roce_fork *);
	void (*child)(struct roce_fork *);
	struct roce_fork *next;
};

/* Objects; removing waits for a fork() under way. */
void roce_fork_add(struct roce_fork *f);
void roce_fork_remove(struct roce_fork *f);

void roce_fork_lock(void);
void roce_fork_unlock(void);

/* With the lock held: the descriptor, or -errno; an fd < 0 gives -errno of the call that just failed. */
int roce_fork_keep(int fd);
/* Closes a descriptor that is kept; < 0: nothing. Not with the lock held. */
void roce_fork_close(int fd);

/* A shared mapping; NULL: errno. */
void *roce_fork_map(int fd, size_t bytes);
void roce_fork_unmap(void *addr, size_t bytes);

#endif
