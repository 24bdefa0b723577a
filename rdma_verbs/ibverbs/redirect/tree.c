/* Functions of libc that walk folders by themselves: scandir(), glob(), ftw(), nftw(). */
#include <dirent.h>
#include <ftw.h>
#include <glob.h>
#include <sys/stat.h>

#include "rdma_verbs/ibverbs/redirect/hook.h"

typedef int select_fn(const struct dirent *);
typedef int order_fn(const struct dirent **, const struct dirent **);
typedef int select64_fn(const struct dirent64 *);
typedef int order64_fn(const struct dirent64 **, const struct dirent64 **);

#define SCANDIR(name, entry, choose, order) \
	HOOK(int, name, (const char *restrict path, struct entry ***restrict list, choose *selector, order *compare)) \
	{ \
		struct place place; \
\
		return NEXT(name)(redirect_find(AT_FDCWD, path, true, &place) ? place.path : path, list, selector, \
				  compare); \
	}

#define SCANDIRAT(name, entry, choose, order) \
	HOOK(int, name, \
	     (int dirfd, const char *restrict path, struct entry ***restrict list, choose *selector, order *compare)) \
	{ \
		struct place place; \
\
		if (redirect_find(dirfd, path, true, &place)) \
			return NEXT(name)(AT_FDCWD, place.path, list, selector, compare); \
		return NEXT(name)(dirfd, path, list, selector, compare); \
	}

SCANDIR(scandir, dirent, select_fn, order_fn)
SCANDIR(scandir64, dirent64, select64_fn, order64_fn)
SCANDIRAT(scandirat, dirent, select_fn, order_fn)
SCANDIRAT(scandirat64, dirent64, select64_fn, order64_fn)

/* ---- glob: libc lets the caller bring the functions that read folders, so it is given our hooks ---- */

static void *glob_opendir(const char *path)
{
	return opendir(path);
}

static struct dirent *glob_readdir(void *dir)
{
	return readdir(dir);
}

static struct dirent64 *glob_readdir64(void *dir)
{
	return readdir64(dir);
}

static void glob_closedir(void *dir)
{
	closedir(dir);
}

#define GLOB(name, type, read, look, look_nofollow) \
	HOOK(int, name, \
	     (const char *restrict pattern, int flags, int (*failed)(const char *, int), type *restrict out)) \
	{ \
		type saved; \
		int result; \
\
		if (!pattern || (!strstr(pattern, "infiniband") && !redirect_inside) || flags & GLOB_ALTDIRFUNC) \
			return NEXT(name)(pattern, flags, failed, out); \
		saved = *out; \
		out->gl_opendir = glob_opendir; \
		out->gl_readdir = read; \
		out->gl_closedir = glob_closedir; \
		out->gl_stat = look; \
		out->gl_lstat = look_nofollow; \
		result = NEXT(name)(pattern, flags | GLOB_ALTDIRFUNC, failed, out); \
		out->gl_flags &= ~GLOB_ALTDIRFUNC; \
		out->gl_opendir = saved.gl_opendir; \
		out->gl_readdir = saved.gl_readdir; \
		out->gl_closedir = saved.gl_closedir; \
		out->gl_stat = saved.gl_stat; \
		out->gl_lstat = saved.gl_lstat; \
		return result; \
	}

GLOB(glob, glob_t, glob_readdir, stat, lstat)
GLOB(glob64, glob64_t, glob_readdir64, stat64, lstat64)

/* ---- ftw: the caller's function is told the names that he began with ---- */

struct tree_walk {
	const char *said; /* the path that the caller gave */
	size_t said_len;  /* of it and of the one that libc walks instead, without the slashes at their ends */
	size_t moved_len;
	void *call;
};

static __thread struct tree_walk tree_walk __attribute__((tls_model("initial-exec")));

/* The name as the caller knows it; the difference of the lengths through `shift`. NULL: too long. */
static const char *walked(const char *path, char *buf, size_t bytes, int *shift)
{
	size_t said_len = tree_walk.said_len, rest = strlen(path + tree_walk.moved_len);

	if (said_len + rest + 1 > bytes)
		return NULL;
	memcpy(buf, tree_walk.said, said_len);
	memcpy(buf + said_len, path + tree_walk.moved_len, rest + 1);
	*shift = (int)said_len - (int)tree_walk.moved_len;
	return buf;
}

static struct tree_walk walk_of(const char *said, const struct place *place, void *call)
{
	struct tree_walk walk = {said, strlen(said), strlen(place->path), call};

	while (walk.said_len > 1 && said[walk.said_len - 1] == '/')
		walk.said_len--;
	while (walk.moved_len > 1 && place->path[walk.moved_len - 1] == '/')
		walk.moved_len--;
	return walk;
}

#define FTW(name, type, look) \
	static int call_##name(const char *path, const struct type *st, int flag) \
	{ \
		int (*call)(const char *, const struct type *, int) = tree_walk.call; \
		char buf[2 * REDIRECT_PATH_BYTES]; \
		struct type own = *st; \
		int shift; \
\
		path = walked(path, buf, sizeof(buf), &shift); \
		if (path && flag == FTW_F) \
			look(path, &own); \
		return path ? call(path, &own, flag) : 0; \
	} \
	HOOK(int, name, (const char *path, int (*call)(const char *, const struct type *, int), int nfd)) \
	{ \
		struct tree_walk outer = tree_walk; \
		struct place place; \
		int result; \
\
		if (!redirect_find(AT_FDCWD, path, true, &place)) \
			return NEXT(name)(path, call, nfd); \
		tree_walk = walk_of(path, &place, (void *)call); \
		result = NEXT(name)(place.path, call_##name, nfd); \
		tree_walk = outer; \
		return result; \
	}

#define NFTW(name, type, look) \
	static int call_##name(const char *path, const struct type *st, int flag, struct FTW *where) \
	{ \
		int (*call)(const char *, const struct type *, int, struct FTW *) = tree_walk.call; \
		char buf[2 * REDIRECT_PATH_BYTES]; \
		struct type own = *st; \
		struct FTW there = *where; \
		int shift; \
\
		path = walked(path, buf, sizeof(buf), &shift); \
		there.base = where->level ? where->base + shift : 0; \
		if (path && !where->level) \
			there.base = strrchr(path, '/') ? (int)(strrchr(path, '/') - path) + 1 : 0; \
		if (path && flag == FTW_F) \
			look(path, &own); \
		return path ? call(path, &own, flag, &there) : 0; \
	} \
	HOOK(int, name, \
	     (const char *path, int (*call)(const char *, const struct type *, int, struct FTW *), int nfd, \
	      int flags)) \
	{ \
		struct tree_walk outer = tree_walk; \
		struct place place; \
		int result; \
\
		if (!redirect_find(AT_FDCWD, path, !(flags & FTW_PHYS), &place)) \
			return NEXT(name)(path, call, nfd, flags); \
		tree_walk = walk_of(path, &place, (void *)call); \
		result = NEXT(name)(place.path, call_##name, nfd, flags); \
		tree_walk = outer; \
		return result; \
	}

FTW(ftw, stat, lstat)
FTW(ftw64, stat64, lstat64)
NFTW(nftw, stat, lstat)
NFTW(nftw64, stat64, lstat64)
