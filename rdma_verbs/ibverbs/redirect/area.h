/*
 * Which paths are ours, and where they really are.
 *
 * Programs look for RDMA devices below /sys/class/infiniband*, /dev/infiniband and, through symbolic links, below
 * /sys/devices/virtual/dpu_emu. The launcher keeps a picture of those folders under a folder of its own, the root:
 * $DPU_EMU_SYSFS/sys/class/infiniband/... A hook asks redirect_find() for each path that it is given; without
 * DPU_EMU_SYSFS nothing is ever found.
 *
 * Everything here may run in a signal handler, before constructors and in a vfork()ed child: no lock, no allocation.
 */
#ifndef REDIRECT_AREA_H
#define REDIRECT_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Longer paths are not ours: names below the root are short, and stacks of signal handlers may be small, too. */
#define REDIRECT_PATH_BYTES 1024

struct place {
	bool ours;      /* else a path that leads through our folders to elsewhere, such as .../device/net/eth0/mtu */
	size_t virtual; /* where in path[] the path begins that the program sees */
	char path[REDIRECT_PATH_BYTES];
};

/* Whether a path that does not begin with '/' may be ours: something in this process stands inside of the root. */
extern bool redirect_inside;

bool redirect_find_slowly(int dirfd, const char *path, bool follow, struct place *out);

/* The root without a slash at its end; its length, 0: nothing is redirected. */
const char *redirect_root(size_t *len);

/* The character device that stands at this place: its minor number, or -1. */
int redirect_device_minor(const struct place *place);

/* Takes the root off the beginning of a path of `len` bytes (no end is written); returns the new length. */
size_t redirect_strip(char *path, size_t len);

/*
 * Whether a path is to be replaced by out->path, which is absolute. `follow`: the last component, if it is a symbolic
 * link, is followed. Keeps errno. All names of ours contain one of two words, which is what an unrelated path costs.
 */
static inline bool redirect_find(int dirfd, const char *path, bool follow, struct place *out)
{
	/* libc declares most arguments non-null, and a compiler would believe it of ours. */
	__asm__("" : "+r"(path));
	if (!path || !*path)
		return false;
	if (!strstr(path, "infiniband") && !strstr(path, "dpu_emu") &&
	    !(*path != '/' && __atomic_load_n(&redirect_inside, __ATOMIC_RELAXED)))
		return false;
	return redirect_find_slowly(dirfd, path, follow, out);
}

#endif
