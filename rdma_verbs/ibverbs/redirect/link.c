/* Names of files: readlink(), realpath(), the working folder; and whatever else takes a path that may be ours. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "rdma_verbs/ibverbs/redirect/hook.h"

/* What /proc/self/fd/N, or the kernel, says of a file of ours has the root in it, which nobody needs to see. */
static ssize_t stripped(char *buf, ssize_t len)
{
	return len > 0 ? (ssize_t)redirect_strip(buf, (size_t)len) : len;
}

static ssize_t link_at(int dirfd, const char *path, char *buf, size_t bytes)
{
	return syscall(SYS_readlinkat, dirfd, path, buf, bytes);
}

HOOK(ssize_t, readlink, (const char *restrict path, char *restrict buf, size_t bytes))
{
	struct place place;

	if (redirect_find(AT_FDCWD, path, false, &place))
		return link_at(AT_FDCWD, place.path, buf, bytes);
	return stripped(buf, NEXT(readlink) ? NEXT(readlink)(path, buf, bytes) : link_at(AT_FDCWD, path, buf, bytes));
}

HOOK(ssize_t, readlinkat, (int dirfd, const char *restrict path, char *restrict buf, size_t bytes))
{
	struct place place;

	if (redirect_find(dirfd, path, false, &place))
		return link_at(AT_FDCWD, place.path, buf, bytes);
	return stripped(buf, NEXT(readlinkat) ? NEXT(readlinkat)(dirfd, path, buf, bytes)
					      : link_at(dirfd, path, buf, bytes));
}

HOOK(ssize_t, __readlink_chk, (const char *path, char *buf, size_t bytes, size_t buf_bytes))
{
	struct place place;

	if (bytes <= buf_bytes && redirect_find(AT_FDCWD, path, false, &place))
		return link_at(AT_FDCWD, place.path, buf, bytes);
	return stripped(buf, NEXT(__readlink_chk)(path, buf, bytes, buf_bytes));
}

HOOK(ssize_t, __readlinkat_chk, (int dirfd, const char *path, char *buf, size_t bytes, size_t buf_bytes))
{
	struct place place;

	if (bytes <= buf_bytes && redirect_find(dirfd, path, false, &place))
		return link_at(AT_FDCWD, place.path, buf, bytes);
	return stripped(buf, NEXT(__readlinkat_chk)(dirfd, path, buf, bytes, buf_bytes));
}

/*
 * 1: `path` is ours, and its canonical name is in place->path from place->virtual on; 0: it leads elsewhere, to
 * place->path; -1: errno; -2: it has nothing to do with us.
 */
static int canonical(const char *path, struct place *place)
{
	struct stat st;
	size_t len;

	if (!redirect_find(AT_FDCWD, path, true, place))
		return -2;
	if (!place->ours)
		return 0;
	if (syscall(SYS_newfstatat, AT_FDCWD, place->path, &st, 0))
		return -1;
	len = strlen(place->path);
	if (place->path[len - 1] == '/')
		place->path[len - 1] = '\0';
	return 1;
}

static char *canonical_copy(const struct place *place, char *out)
{
	const char *path = place->path + place->virtual;

	return out ? strcpy(out, path) : strdup(path);
}

HOOK(char *, realpath, (const char *restrict path, char *restrict out))
{
	struct place place;
	int kind = canonical(path, &place);

	if (kind == 1)
		return canonical_copy(&place, out);
	return kind == -1 ? NULL : NEXT(realpath)(kind == 0 ? place.path : path, out);
}

HOOK(char *, __realpath_chk, (const char *path, char *out, size_t out_bytes))
{
	struct place place;
	int kind = canonical(path, &place);

	if (kind == 1 && out_bytes >= PATH_MAX)
		return canonical_copy(&place, out);
	return kind == -1 ? NULL : NEXT(__realpath_chk)(kind == 0 ? place.path : path, out, out_bytes);
}

HOOK(char *, canonicalize_file_name, (const char *path))
{
	struct place place;
	int kind = canonical(path, &place);

	if (kind == 1)
		return canonical_copy(&place, NULL);
	return kind == -1 ? NULL : NEXT(canonicalize_file_name)(kind == 0 ? place.path : path);
}

/* ---- the working folder ---- */

HOOK(int, chdir, (const char *path))
{
	struct place place;
	int result;

	if (!redirect_find(AT_FDCWD, path, true, &place))
		return NEXT(chdir) ? NEXT(chdir)(path) : (int)syscall(SYS_chdir, path);
	result = (int)syscall(SYS_chdir, place.path);
	if (!result && place.ours)
		__atomic_store_n(&redirect_inside, true, __ATOMIC_RELAXED);
	return result;
}

static char *cwd_stripped(char *path)
{
	if (path && __atomic_load_n(&redirect_inside, __ATOMIC_RELAXED))
		path[redirect_strip(path, strlen(path))] = '\0';
	return path;
}

HOOK(char *, getcwd, (char *buf, size_t bytes))
{
	return cwd_stripped(NEXT(getcwd)(buf, bytes));
}

HOOK(char *, __getcwd_chk, (char *buf, size_t bytes, size_t buf_bytes))
{
	return cwd_stripped(NEXT(__getcwd_chk)(buf, bytes, buf_bytes));
}

HOOK(char *, get_current_dir_name, (void))
{
	return cwd_stripped(NEXT(get_current_dir_name)());
}

/* ---- the rest ---- */

HOOK(int, inotify_add_watch, (int fd, const char *path, uint32_t mask))
{
	struct place place;

	return NEXT(inotify_add_watch)(
		fd, redirect_find(AT_FDCWD, path, !(mask & IN_DONT_FOLLOW), &place) ? place.path : path, mask);
}

/* `ls -l` asks for access lists and takes an error other than "none" for its own. */
#define GETXATTR(name, follow) \
	HOOK(ssize_t, name, (const char *path, const char *attribute, void *value, size_t bytes)) \
	{ \
		struct place place; \
\
		return NEXT(name)(redirect_find(AT_FDCWD, path, follow, &place) ? place.path : path, attribute, value, \
				  bytes); \
	}

#define LISTXATTR(name, follow) \
	HOOK(ssize_t, name, (const char *path, char *list, size_t bytes)) \
	{ \
		struct place place; \
\
		return NEXT(name)(redirect_find(AT_FDCWD, path, follow, &place) ? place.path : path, list, bytes); \
	}

GETXATTR(getxattr, true)
GETXATTR(lgetxattr, false)
LISTXATTR(listxattr, true)
LISTXATTR(llistxattr, false)
