/* Resolves paths as the kernel would, as far as they lead through our folders. */
#include "rdma_verbs/ibverbs/redirect/area.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

bool redirect_inside;

static const char *const areas[] = {
	"/sys/class/infiniband",     "/sys/class/infiniband_verbs",
	"/sys/class/infiniband_mad", "/sys/devices/virtual/dpu_emu",
	"/dev/infiniband",
};

#define LINKS_MAX 16

static char root[REDIRECT_PATH_BYTES / 2];
static size_t root_bytes;
static enum { ROOT_UNKNOWN, ROOT_SETTING, ROOT_KNOWN } root_state;

static size_t raw_cwd(char *buf, size_t bytes)
{
	long len = syscall(SYS_getcwd, buf, bytes);

	return len > 1 && buf[0] == '/' ? (size_t)len - 1 : 0;
}

static bool below_root(const char *path, size_t len)
{
	return root_bytes && len >= root_bytes && !memcmp(path, root, root_bytes) &&
	       (len == root_bytes || path[root_bytes] == '/');
}

/*
 * Runs at the first call, which may come before our constructor; later changes of the environment change nothing. Before
 * libc's own there is no environment yet, and nothing is ours.
 */
static void find_root(void)
{
	int expected = ROOT_UNKNOWN, saved = errno;
	char cwd[REDIRECT_PATH_BYTES];
	const char *said;
	size_t len;

	if (!environ)
		return;
	if (!__atomic_compare_exchange_n((int *)&root_state, &expected, ROOT_SETTING, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return;
	said = secure_getenv("DPU_EMU_SYSFS");
	len = said && said[0] == '/' ? strlen(said) : 0;
	while (len && said[len - 1] == '/')
		len--;
	if (len && len < sizeof(root)) {
		memcpy(root, said, len);
		root_bytes = len;
		if (below_root(cwd, raw_cwd(cwd, sizeof(cwd))))
			redirect_inside = true;
	}
	__atomic_store_n((int *)&root_state, ROOT_KNOWN, __ATOMIC_RELEASE);
	errno = saved;
}

const char *redirect_root(size_t *len)
{
	if (__atomic_load_n((int *)&root_state, __ATOMIC_ACQUIRE) != ROOT_KNOWN)
		find_root();
	*len = __atomic_load_n((int *)&root_state, __ATOMIC_ACQUIRE) == ROOT_KNOWN ? root_bytes : 0;
	return root;
}

__attribute__((constructor(101))) static void start(void)
{
	size_t len;

	redirect_root(&len);
}

size_t redirect_strip(char *path, size_t len)
{
	size_t root_len;

	redirect_root(&root_len);
	if (!root_len || !below_root(path, len))
		return len;
	if (len == root_len) {
		path[0] = '/';
		return 1;
	}
	memmove(path, path + root_len, len - root_len);
	return len - root_len;
}

static bool in_area(const char *path)
{
	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		size_t len = strlen(areas[i]);

		if (!strncmp(path, areas[i], len) && (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}

/*
 * Writes the folder that a descriptor is of, as the program sees it, without a slash at its end: "" is "/".
 * 1: it is inside of the root; 0: elsewhere; -1: it cannot be told.
 */
static int base_of(int dirfd, char *buf, size_t bytes)
{
	size_t len, stripped;

	if (dirfd == AT_FDCWD) {
		len = raw_cwd(buf, bytes);
	} else {
		static const char folder[] = "/proc/self/fd/";
		char name[32];
		size_t end = sizeof(name) - 1;
		unsigned int n = (unsigned int)dirfd;
		long got;

		if (dirfd < 0)
			return -1;
		name[end] = '\0';
		do {
			name[--end] = (char)('0' + n % 10);
			n /= 10;
		} while (n);
		end -= sizeof(folder) - 1;
		memcpy(name + end, folder, sizeof(folder) - 1);
		got = syscall(SYS_readlinkat, AT_FDCWD, name + end, buf, bytes);
		len = got > 0 && buf[0] == '/' ? (size_t)got : 0;
	}
	if (!len || len + 2 >= bytes)
		return -1;
	stripped = redirect_strip(buf, len);
	buf[buf[stripped - 1] == '/' ? stripped - 1 : stripped] = '\0';
	return stripped != len;
}

/*
 * `todo` is what is left of the path; out->path from `virtual` on is what is done of it, without a slash at its end
 * and without "." and "..". Symbolic links are followed inside of our folders only; an absolute one that leaves them
 * ends the walk, and the kernel does the rest.
 */
static bool walk(char todo[REDIRECT_PATH_BYTES], bool follow, bool touched, struct place *out)
{
	char *seen = out->path + out->virtual, link[REDIRECT_PATH_BYTES];
	size_t room = sizeof(out->path) - out->virtual - 2, len = strlen(seen), at = 0;
	bool slash = false;

	for (int links = 0; todo[at];) {
		size_t part = strcspn(todo + at, "/"), before = len, left;
		const char *name = todo + at;
		long got;

		at += part;
		slash = todo[at] == '/';
		while (todo[at] == '/')
			at++;
		if (part == 0 || (part == 1 && name[0] == '.')) {
			slash = true;
			continue;
		}
		if (part == 2 && name[0] == '.' && name[1] == '.') {
			while (len && seen[--len] != '/')
				;
			seen[len] = '\0';
			slash = true;
			continue;
		}
		if (len + 1 + part > room)
			return false;
		seen[len] = '/';
		memcpy(seen + len + 1, name, part);
		len += 1 + part;
		seen[len] = '\0';
		if (!in_area(seen))
			continue;
		touched = true;
		left = strlen(todo + at);
		if (!left && !slash && !follow)
			continue;
		got = syscall(SYS_readlinkat, AT_FDCWD, out->path, link, sizeof(link));
		if (got <= 0)
			continue;
		if (++links > LINKS_MAX || (size_t)got + left + 2 > sizeof(link))
			return false;
		memmove(todo + got + 1, todo + at, left + 1);
		memcpy(todo, link, (size_t)got);
		todo[got] = left || slash ? '/' : '\0';
		at = 0;
		len = todo[0] == '/' ? 0 : before;
		seen[len] = '\0';
		if (todo[0] == '/' && !in_area(todo)) {
			memcpy(out->path, todo, REDIRECT_PATH_BYTES);
			out->virtual = 0;
			out->ours = false;
			return true;
		}
	}
	out->ours = in_area(seen);
	if (!out->ours) {
		if (!touched)
			return false;
		memmove(out->path, seen, len + 1);
		out->virtual = 0;
	}
	if (slash || !len) {
		out->path[out->virtual + len] = '/';
		out->path[out->virtual + len + 1] = '\0';
	}
	return true;
}

bool redirect_find_slowly(int dirfd, const char *path, bool follow, struct place *out)
{
	char todo[REDIRECT_PATH_BYTES];
	size_t root_len, len = strlen(path);
	int saved = errno, inside = 0;
	bool found = false;

	redirect_root(&root_len);
	if (!root_len || len >= sizeof(todo) / 2)
		return false;
	memcpy(out->path, root, root_len);
	out->virtual = root_len;
	out->path[root_len] = '\0';
	memcpy(todo, path, len + 1);
	if (*path != '/')
		inside = base_of(dirfd, out->path + root_len, sizeof(out->path) - root_len);
	else if (below_root(path, len)) {
		/* Somebody found out where our folders really are, for example from /proc/self/fd. */
		len = redirect_strip(todo, len);
		todo[len] = '\0';
		inside = 1;
	}
	if (inside >= 0)
		found = walk(todo, follow, inside == 1, out);
	errno = saved;
	return found;
}

int redirect_device_minor(const struct place *place)
{
	static const char prefix[] = "/dev/infiniband/uverbs";
	const char *path = place->path + place->virtual;

	if (!place->ours || strncmp(path, prefix, sizeof(prefix) - 1))
		return -1;
	return 192 + atoi(path + sizeof(prefix) - 1);
}
