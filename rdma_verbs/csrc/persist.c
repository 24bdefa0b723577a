#include "rdma_verbs/csrc/persist.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TMPFS   0x01021994
#define RAMFS   0x858458f6
#define MAP_ROW (4096 + 128) /* a path and what stands before it */

/* A file that is still there, in a file system that is not memory itself. */
static bool on_storage(const char *path)
{
	struct statfs fs;

	return path[0] == '/' && statfs(path, &fs) == 0 && fs.f_type != TMPFS && fs.f_type != RAMFS;
}

int roce_persist_check(const void *addr, uint64_t length)
{
	uint64_t next = (uintptr_t)addr, end = next + length;
	FILE *maps = fopen("/proc/self/maps", "re");
	char row[MAP_ROW];

	if (!maps)
		return -EOPNOTSUPP;
	while (next < end && fgets(row, sizeof(row), maps)) { /* rows are in the order of addresses */
		uint64_t from, to;
		char sharing;
		int path = 0;

		if (sscanf(row, "%" SCNx64 "-%" SCNx64 " %*c%*c%*c%c %*s %*s %*s %n", &from, &to, &sharing, &path) <
			    3 ||
		    to <= next)
			continue;
		row[strcspn(row, "\n")] = 0;
		if (from > next || sharing != 's' || !path || !on_storage(row + path))
			break;
		next = to;
	}
	fclose(maps);
	return next < end ? -EOPNOTSUPP : 0;
}

int roce_persist_sync(void *addr, uint64_t length)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)addr & ~(page - 1);

	return msync((void *)from, (uintptr_t)addr + length - from, MS_SYNC) ? -errno : 0;
}
