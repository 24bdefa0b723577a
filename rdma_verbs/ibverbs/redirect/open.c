/* open() and its kin, fopen(), opendir(). */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "rdma_verbs/ibverbs/redirect/hook.h"

/* Numbers in names such as /proc/self/fd/17, without printf(): a hook may run in a signal handler. */
static void fd_name(char *out, int fd)
{
	char digits[12];
	int n = 0;

	memcpy(out, "/proc/self/fd/", 14);
	out += 14;
	do {
		digits[n++] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd);
	while (n)
		*out++ = digits[--n];
	*out = '\0';
}

static int raw_open(const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int redirect_open(const struct place *place, int flags, mode_t mode)
{
	const char *path = place->path + place->virtual;
	struct stat st;
	int fd;

	if (!place->ours || flags & O_PATH) {
		fd = raw_open(place->path, flags, mode);
		if (fd >= 0 && place->ours)
			__atomic_store_n(&redirect_inside, true, __ATOMIC_RELAXED);
		return fd;
	}
	if (syscall(SYS_newfstatat, AT_FDCWD, place->path, &st, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0)) {
		/* Nobody makes files in sysfs or devices in /dev. */
		if (errno == ENOENT && flags & O_CREAT)
			errno = EACCES;
		return -1;
	}
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	flags &= ~(O_CREAT | O_EXCL);
	if (redirect_device_minor(place) >= 0) {
		if (flags & O_DIRECTORY) {
			errno = ENOTDIR;
			return -1;
		}
		return raw_open("/dev/null", flags & ~O_TRUNC, 0);
	}
	if (S_ISREG(st.st_mode)) {
		if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC) {
			errno = EACCES;
			return -1;
		}
		if (!(flags & O_DIRECTORY)) {
			fd = redirect_open_counter(path, flags);
			if (fd != -2)
				return fd;
		}
	}
	fd = raw_open(place->path, flags, 0);
	if (fd >= 0 && S_ISDIR(st.st_mode))
		__atomic_store_n(&redirect_inside, true, __ATOMIC_RELAXED);
	return fd;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

#define MODE_OF(mode, flags) \
	do { \
		va_list args; \
		va_start(args, flags); \
		mode = mode_of(flags, args); \
		va_end(args); \
	} while (0)

/* Before dlsym() can say where the next one is, the system call does. */
#define OPEN(name) \
	HOOK(int, name, (const char *path, int flags, ...)) \
	{ \
		struct place place; \
		mode_t mode; \
\
		MODE_OF(mode, flags); \
		if (redirect_find(AT_FDCWD, path, !(flags & O_NOFOLLOW), &place)) \
			return redirect_open(&place, flags, mode); \
		return NEXT(name) ? NEXT(name)(path, flags, mode) : raw_open(path, flags, mode); \
	}

#define OPENAT(name) \
	HOOK(int, name, (int dirfd, const char *path, int flags, ...)) \
	{ \
		struct place place; \
		mode_t mode; \
\
		MODE_OF(mode, flags); \
		if (redirect_find(dirfd, path, !(flags & O_NOFOLLOW), &place)) \
			return redirect_open(&place, flags, mode); \
		return NEXT(name) ? NEXT(name)(dirfd, path, flags, mode) \
				  : (int)syscall(SYS_openat, dirfd, path, flags, mode); \
	}

/* What _FORTIFY_SOURCE makes of open() without a mode. */
#define OPEN_2(name) \
	HOOK(int, name, (const char *path, int flags)) \
	{ \
		struct place place; \
\
		if (redirect_find(AT_FDCWD, path, !(flags & O_NOFOLLOW), &place)) \
			return redirect_open(&place, flags, 0); \
		return NEXT(name) ? NEXT(name)(path, flags) : raw_open(path, flags, 0); \
	}

#define OPENAT_2(name) \
	HOOK(int, name, (int dirfd, const char *path, int flags)) \
	{ \
		struct place place; \
\
		if (redirect_find(dirfd, path, !(flags & O_NOFOLLOW), &place)) \
			return redirect_open(&place, flags, 0); \
		return NEXT(name) ? NEXT(name)(dirfd, path, flags) : (int)syscall(SYS_openat, dirfd, path, flags, 0); \
	}

#define CREAT(name) \
	HOOK(int, name, (const char *path, mode_t mode)) \
	{ \
		struct place place; \
\
		if (redirect_find(AT_FDCWD, path, true, &place)) \
			return redirect_open(&place, O_WRONLY | O_CREAT | O_TRUNC, mode); \
		return NEXT(name) ? NEXT(name)(path, mode) : raw_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode); \
	}

OPEN(open)
OPEN(open64)
OPEN(__open)
OPEN(__open64)
OPENAT(openat)
OPENAT(openat64)
OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)
CREAT(creat)
CREAT(creat64)

/* ---- streams ---- */

static int stream_open(const struct place *place, const char *mode)
{
	int flags = mode[0] == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | (mode[0] == 'a' ? O_APPEND : O_TRUNC);

	for (const char *p = mode + 1; *p && *p != ','; p++)
		flags |= *p == 'e' ? O_CLOEXEC : *p == 'x' ? O_EXCL : 0;
	if (strchr(mode, '+'))
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return redirect_open(place, flags, 0666);
}

static FILE *stream_of(const struct place *place, const char *mode)
{
	int fd = stream_open(place, mode);
	FILE *stream;

	if (fd < 0)
		return NULL;
	stream = fdopen(fd, mode);
	if (!stream)
		syscall(SYS_close, fd);
	return stream;
}

#define FOPEN(name) \
	HOOK(FILE *, name, (const char *path, const char *mode)) \
	{ \
		struct place place; \
\
		if (redirect_find(AT_FDCWD, path, true, &place)) \
			return stream_of(&place, mode); \
		if (!NEXT(name)) { \
			errno = ENOSYS; \
			return NULL; \
		} \
		return NEXT(name)(path, mode); \
	}

/* The stream is given what was opened for it, by the name that every descriptor has. */
#define FREOPEN(name) \
	HOOK(FILE *, name, (const char *path, const char *mode, FILE *stream)) \
	{ \
		struct place place; \
\
		if (redirect_find(AT_FDCWD, path, true, &place)) { \
			int fd = stream_open(&place, mode); \
			char by_fd[32]; \
\
			if (fd < 0) { \
				int saved = errno; \
				fclose(stream); \
				errno = saved; \
				return NULL; \
			} \
			fd_name(by_fd, fd); \
			stream = NEXT(name)(by_fd, mode, stream); \
			syscall(SYS_close, fd); \
			return stream; \
		} \
		return NEXT(name)(path, mode, stream); \
	}

FOPEN(fopen)
FOPEN(fopen64)
FREOPEN(freopen)
FREOPEN(freopen64)

/* ---- folders ---- */

HOOK(DIR *, opendir, (const char *path))
{
	struct place place;

	if (redirect_find(AT_FDCWD, path, true, &place)) {
		int fd = redirect_open(&place, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK, 0);
		DIR *dir = fd < 0 ? NULL : fdopendir(fd);

		if (fd >= 0 && !dir)
			syscall(SYS_close, fd);
		return dir;
	}
	return NEXT(opendir)(path);
}
