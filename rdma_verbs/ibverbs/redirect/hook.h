/*
 * What each hook is made of.
 *
 *	HOOK(int, access, (const char *path, int mode))
 *	{
 *		struct place place;
 *
 *		if (redirect_find(AT_FDCWD, path, true, &place))
 *			...
 *		return NEXT(access)(path, mode);
 *	}
 *
 * A hook replaces libc's function in the whole process. A path that is not ours goes on to the next library's
 * function of that name, untouched; one that is ours is served by system calls, so that it works at any time.
 */
#ifndef REDIRECT_HOOK_H
#define REDIRECT_HOOK_H

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rdma_verbs/ibverbs/redirect/area.h"

/*
 * dlsym() of the next library's function, NULL if there is none or dlsym() itself, in this thread, led here: it may
 * allocate, and an allocator may read files.
 */
void *redirect_next(const char *name, void **cache);

/* clang-format off */
#define HOOK(type, name, params) \
	type name params; \
	static void *next_##name; \
	typedef type type_##name params; \
	static inline type_##name *get_##name(void) \
	{ \
		void *known = __atomic_load_n(&next_##name, __ATOMIC_ACQUIRE); \
		return (type_##name *)(known ? known : redirect_next(#name, &next_##name)); \
	} \
	__attribute__((visibility("default"))) type name params
/* clang-format on */

#define NEXT(name) get_##name()

/* ---- what several files use ---- */

/* open() of a place of ours: a descriptor, or -1 and errno. */
int redirect_open(const struct place *place, int flags, mode_t mode);

/*
 * A descriptor of a counter's present value, when `path`, as the program sees it, is that of a counter: -2 if it is
 * none, -1 and errno if it cannot be opened.
 */
int redirect_open_counter(const char *path, int flags);

#endif
