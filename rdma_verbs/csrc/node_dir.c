/* Where the agents of one user are found; rdma_verbs/agent/rundir.py has the same rules for the agent's side. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rdma_verbs/csrc/node_int.h"

void roce_node_say(char *error, size_t error_bytes, const char *format, ...)
{
	va_list args;

	if (!error || !error_bytes)
		return;
	va_start(args, format);
	vsnprintf(error, error_bytes, format, args);
	va_end(args);
}

void roce_node_addr_of_gid(struct roce_node_addr *out, const uint8_t gid[16])
{
	struct dp_ip ip;

	memset(out, 0, sizeof(*out));
	memcpy(out->gid, gid, 16);
	memcpy(ip.b, gid, 16);
	if (dp_ip_is_v4(&ip)) {
		inet_ntop(AF_INET, gid + 12, out->text, sizeof(out->text));
		return;
	}
	inet_ntop(AF_INET6, gid, out->text, sizeof(out->text));
	if (strchr(out->text, '.')) /* libc spells ::a.b.c.d so, Python does not */
		snprintf(out->text, sizeof(out->text), "::%x:%x", dp_get_be16(gid + 12), dp_get_be16(gid + 14));
}

int roce_node_addr_parse(struct roce_node_addr *out, const char *text)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const char *scope = text ? strchr(text, '%') : NULL;
	size_t len = scope ? (size_t)(scope - text) : text ? strlen(text) : 0;
	char host[INET6_ADDRSTRLEN];
	uint8_t gid[16];

	if (!len || len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = 0;
	memcpy(gid, prefix, 12);
	if (inet_pton(AF_INET, host, gid + 12) == 1) {
		if (scope)
			return -EINVAL;
	} else if (inet_pton(AF_INET6, host, gid) != 1) {
		return -EINVAL;
	}
	roce_node_addr_of_gid(out, gid);
	if (scope) {
		/* A part of a folder's name. */
		if (!scope[1] || strlen(scope) > IF_NAMESIZE || strchr(scope, '/') || strchr(scope + 1, '%'))
			return -EINVAL;
		strcat(out->text, scope);
	}
	return 0;
}

int roce_node_base_dir(char *path, size_t bytes)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (runtime && *runtime)
		n = snprintf(path, bytes, "%s/dpu-emu", runtime);
	else
		n = snprintf(path, bytes, "/tmp/dpu-emu-%u", (unsigned int)geteuid());
	return n < 0 || (size_t)n >= bytes ? -ENAMETOOLONG : 0;
}

/* Ours alone: whoever could write there could hand out sockets in our name. */
static int check_private(int fd, const char *path, char *error, size_t error_bytes)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid == geteuid() && !(st.st_mode & 077))
		return 0;
	roce_node_say(error, error_bytes,
		      "runtime folder %s: owner %u, mode %04o; it must belong to uid %u alone (0700)", path,
		      (unsigned int)st.st_uid, (unsigned int)(st.st_mode & 07777), (unsigned int)geteuid());
	return -EINVAL;
}

static int open_private(int parent, const char *name, const char *path, bool create, char *error, size_t error_bytes)
{
	int fd, err;

	if (create && mkdirat(parent, name, 0700) < 0 && errno != EEXIST) {
		err = -errno;
		roce_node_say(error, error_bytes, "runtime folder %s: %s", path, strerror(-err));
		return err;
	}
	roce_fork_lock();
	fd = roce_fork_keep(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	roce_fork_unlock();
	if (fd < 0) {
		if (fd == -ENOENT && !create)
			return fd;
		if (fd == -ENOTDIR || fd == -ELOOP) {
			roce_node_say(error, error_bytes, "runtime folder %s: a file or a symbolic link, not a folder",
				      path);
			return -EINVAL;
		}
		roce_node_say(error, error_bytes, "runtime folder %s: %s", path, strerror(-fd));
		return fd;
	}
	err = check_private(fd, path, error, error_bytes);
	if (err) {
		roce_fork_close(fd);
		return err;
	}
	return fd;
}

int roce_node_dir_open(const char *base, const struct roce_node_addr *addr, bool create, char *error,
		       size_t error_bytes)
{
	char name[128], path[PATH_MAX];
	struct stat netns;
	int parent, fd;

	/* Equal addresses of two network namespaces are two nodes. */
	if (stat("/proc/self/ns/net", &netns) < 0) {
		fd = -errno;
		roce_node_say(error, error_bytes, "node %s: /proc/self/ns/net: %s", addr->text, strerror(-fd));
		return fd == -ENOENT ? -EIO : fd;
	}
	snprintf(name, sizeof(name), "%llu-%s", (unsigned long long)netns.st_ino, addr->text);
	if (snprintf(path, sizeof(path), "%s/%s", base, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	parent = open_private(AT_FDCWD, base, base, create, error, error_bytes);
	if (parent < 0)
		return parent;
	fd = open_private(parent, name, path, create, error, error_bytes);
	roce_fork_close(parent);
	return fd;
}

int roce_node_dir_lock(int dir, const char *name)
{
	int fd, err = 0;

	roce_fork_lock();
	fd = roce_fork_keep(openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
	roce_fork_unlock();
	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		err = -errno;
		roce_fork_close(fd);
		return err;
	}
	return fd;
}
