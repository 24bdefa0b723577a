/* stat() and its kin, old and new, and access(). */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "rdma_verbs/ibverbs/redirect/hook.h"

#define UVERBS_MAJOR 231

_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "struct stat is the kernel's only on 64-bit systems");

/* Devices are shown as what they stand for; the file there is whatever an unprivileged user can make. */
static void look_like_a_device(const struct place *place, struct stat *st)
{
	int minor_number = redirect_device_minor(place);

	if (minor_number < 0 || S_ISLNK(st->st_mode))
		return;
	st->st_mode = S_IFCHR | 0666;
	st->st_rdev = makedev(UVERBS_MAJOR, (unsigned int)minor_number);
	st->st_size = 0;
	st->st_blocks = 0;
}

static int stat_place(const struct place *place, void *out, int flags)
{
	struct stat *st = out;
	int result = (int)syscall(SYS_newfstatat, AT_FDCWD, place->path, st, flags);

	if (!result)
		look_like_a_device(place, st);
	return result;
}

/* glibc before 2.33 has no function named stat: then the system call is what follows. */
#define STAT(name, type, nofollow) \
	HOOK(int, name, (const char *restrict path, struct type *restrict st)) \
	{ \
		struct place place; \
\
		if (redirect_find(AT_FDCWD, path, !(nofollow), &place)) \
			return stat_place(&place, st, nofollow); \
		return NEXT(name) ? NEXT(name)(path, st) : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, nofollow); \
	}

#define FSTATAT(name, type) \
	HOOK(int, name, (int dirfd, const char *restrict path, struct type *restrict st, int flags)) \
	{ \
		struct place place; \
\
		if (redirect_find(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW), &place)) \
			return stat_place(&place, st, flags); \
		return NEXT(name) ? NEXT(name)(dirfd, path, st, flags) \
				  : (int)syscall(SYS_newfstatat, dirfd, path, st, flags); \
	}

STAT(stat, stat, 0)
STAT(stat64, stat64, 0)
STAT(lstat, stat, AT_SYMLINK_NOFOLLOW)
STAT(lstat64, stat64, AT_SYMLINK_NOFOLLOW)
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

/* What programs built with glibc before 2.33 call; the version says which struct stat, and 64-bit systems have one. */
#define XSTAT(name, type, nofollow) \
	HOOK(int, name, (int version, const char *path, struct type *st)) \
	{ \
		struct place place; \
\
		if (redirect_find(AT_FDCWD, path, !(nofollow), &place)) \
			return stat_place(&place, st, nofollow); \
		return NEXT(name) ? NEXT(name)(version, path, st) \
				  : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, nofollow); \
	}

#define FXSTATAT(name, type) \
	HOOK(int, name, (int version, int dirfd, const char *path, struct type *st, int flags)) \
	{ \
		struct place place; \
\
		if (redirect_find(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW), &place)) \
			return stat_place(&place, st, flags); \
		return NEXT(name) ? NEXT(name)(version, dirfd, path, st, flags) \
				  : (int)syscall(SYS_newfstatat, dirfd, path, st, flags); \
	}

XSTAT(__xstat, stat, 0)
XSTAT(__xstat64, stat64, 0)
XSTAT(__lxstat, stat, AT_SYMLINK_NOFOLLOW)
XSTAT(__lxstat64, stat64, AT_SYMLINK_NOFOLLOW)
FXSTATAT(__fxstatat, stat)
FXSTATAT(__fxstatat64, stat64)

HOOK(int, statx, (int dirfd, const char *restrict path, int flags, unsigned int mask, struct statx *restrict out))
{
	struct place place;
	int result;

	if (!redirect_find(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW), &place))
		return NEXT(statx) ? NEXT(statx)(dirfd, path, flags, mask, out)
				   : (int)syscall(SYS_statx, dirfd, path, flags, mask, out);
	result = (int)syscall(SYS_statx, AT_FDCWD, place.path, flags, mask, out);
	if (!result && redirect_device_minor(&place) >= 0 && !S_ISLNK(out->stx_mode)) {
		out->stx_mode = S_IFCHR | 0666;
		out->stx_rdev_major = UVERBS_MAJOR;
		out->stx_rdev_minor = (unsigned int)redirect_device_minor(&place);
		out->stx_size = 0;
		out->stx_blocks = 0;
	}
	return result;
}

/* ---- may I ---- */

HOOK(int, access, (const char *path, int mode))
{
	struct place place;

	if (redirect_find(AT_FDCWD, path, true, &place))
		return (int)syscall(SYS_faccessat, AT_FDCWD, place.path, mode);
	return NEXT(access) ? NEXT(access)(path, mode) : (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

HOOK(int, faccessat, (int dirfd, const char *path, int mode, int flags))
{
	struct place place;

	if (redirect_find(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW), &place)) {
		dirfd = AT_FDCWD;
		path = place.path;
	}
	return NEXT(faccessat) ? NEXT(faccessat)(dirfd, path, mode, flags)
			       : (int)syscall(SYS_faccessat, dirfd, path, mode);
}

#define EACCESS(name) \
	HOOK(int, name, (const char *path, int mode)) \
	{ \
		struct place place; \
\
		return NEXT(name)(redirect_find(AT_FDCWD, path, true, &place) ? place.path : path, mode); \
	}

EACCESS(euidaccess)
EACCESS(eaccess)
