/*
 * Files whose content is a counter of the node: made when they are opened.
 *
 * The table at the root, "counters", says how (rdma_verbs/ibverbs/sysfs.py writes it); a line is the file's path below
 * ports/1, a divisor, and which of the engine's counters are added or taken away. The first names the file in which an
 * agent that leaves writes the counters of all processes that it has seen:
 *
 *	left left-0badcafe
 *	counters/port_xmit_data 4 +45 +52 +59
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include "rdma_verbs/ibverbs/redirect/hook.h"
#include "rdma_verbs/ibverbs/redirect/view.h"

struct recipe {
	const char *at, *end; /* of its terms */
	uint64_t divisor;
};

static bool number(const char **at, const char *end, uint64_t *out)
{
	const char *begin = *at;

	*out = 0;
	while (*at < end && **at >= '0' && **at <= '9')
		*out = *out * 10 + (uint64_t)(*(*at)++ - '0');
	return *at > begin;
}

static bool find_recipe(const char *table, size_t bytes, const char *name, struct recipe *out)
{
	size_t len = strlen(name);

	for (const char *line = table, *end; line < table + bytes; line = end + 1) {
		end = memchr(line, '\n', (size_t)(table + bytes - line));
		if (!end)
			break;
		if ((size_t)(end - line) <= len + 1 || memcmp(line, name, len) || line[len] != ' ')
			continue;
		out->at = line + len + 1;
		out->end = end;
		return number(&out->at, end, &out->divisor) && out->divisor;
	}
	return false;
}

/* Of the two one is there: a node with an agent, or what the last agent left. Else nobody has counted anything. */
struct source {
	struct node_view view;
	const uint64_t *left;
	size_t left_bytes;
};

static uint64_t value_of(struct recipe r, const struct source *source)
{
	uint64_t sum = 0, i;

	while (r.at + 1 < r.end && *r.at++ == ' ') {
		bool minus = *r.at++ == '-';

		if (!number(&r.at, r.end, &i))
			break;
		if (source->view.hdr)
			i = node_view_counter(&source->view, (uint32_t)i);
		else
			i = i < source->left_bytes / sizeof(uint64_t) ? source->left[i] : 0;
		sum += minus ? -i : i;
	}
	return sum / r.divisor;
}

static int file_of(uint64_t value, int flags)
{
	char text[24];
	size_t at = sizeof(text);
	int fd = (int)syscall(SYS_memfd_create, "counter", flags & O_CLOEXEC ? 1 : 0);

	if (fd < 0)
		return -1;
	text[--at] = '\n';
	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	if (syscall(SYS_pwrite64, fd, text + at, sizeof(text) - at, 0) != (long)(sizeof(text) - at)) {
		syscall(SYS_close, fd);
		errno = EIO;
		return -1;
	}
	return fd;
}

/* A file of the root, read where it is: there is no room for it on the stack of a signal handler. */
static const char *map_file(const char *path, size_t *bytes)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	void *found = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size > 0) {
		*bytes = (size_t)st.st_size;
		found = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	syscall(SYS_close, fd);
	return found == MAP_FAILED ? NULL : found;
}

/* The node is the folder that the root lies in. Returns 0, or -1 if it has an agent that does not answer. */
static int find_source(const char *table, size_t bytes, struct source *out)
{
	static const char word[] = "left ";
	const char *end = memchr(table, '\n', bytes);
	char path[REDIRECT_PATH_BYTES + 64];
	size_t len;
	const char *root = redirect_root(&len);
	int result;

	memcpy(path, root, len);
	memcpy(path + len, "/..", sizeof("/.."));
	result = node_view_open(path, &out->view);
	if (result != -ENOENT && result != -EACCES)
		return result;
	out->view.hdr = NULL;
	if (!end || end - table >= 64 || memcmp(table, word, sizeof(word) - 1))
		return 0;
	len += 3;
	path[len++] = '/';
	memcpy(path + len, table + sizeof(word) - 1, (size_t)(end - table) - sizeof(word) + 1);
	path[len + (size_t)(end - table) - sizeof(word) + 1] = '\0';
	out->left = (const uint64_t *)map_file(path, &out->left_bytes);
	return 0;
}

int redirect_open_counter(const char *path, int flags)
{
	static const char ports[] = "/ports/1/";
	const char *name = strstr(path, ports), *table;
	char file[REDIRECT_PATH_BYTES];
	struct source source = {0};
	struct recipe recipe;
	size_t root_len, bytes;
	const char *root = redirect_root(&root_len);
	int saved = errno, result = -2;

	if (!name || !strstr(name, "counters/"))
		return -2;
	memcpy(file, root, root_len);
	memcpy(file + root_len, "/counters", sizeof("/counters"));
	table = map_file(file, &bytes);
	if (!table) {
		errno = saved;
		return -2;
	}
	if (find_recipe(table, bytes, name + sizeof(ports) - 1, &recipe)) {
		if (find_source(table, bytes, &source)) {
			errno = EIO;
			result = -1;
		} else {
			result = file_of(value_of(recipe, &source), flags);
		}
	}
	if (source.view.hdr)
		node_view_close(&source.view);
	if (source.left)
		munmap((void *)source.left, source.left_bytes);
	munmap((void *)table, bytes);
	if (result != -1)
		errno = saved;
	return result;
}
