/*
 * Runs a fuzz target over files, so that kept inputs are tests under any compiler: each argument is a file or a
 * folder of files; a missing folder is an empty corpus. The target aborts, or a sanitizer does, on a bad input.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replayed;

static int replay_file(const char *path, off_t size)
{
	/* Exactly as long as the input, so that a sanitizer sees a read beyond it. */
	uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
	FILE *file = fopen(path, "rb");
	int ret = -1;

	if (!data || !file || fread(data, 1, (size_t)size, file) != (size_t)size) {
		perror(path);
		goto out;
	}
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	replayed++;
	ret = 0;
out:
	if (file)
		fclose(file);
	free(data);
	return ret;
}

static int replay(const char *path)
{
	struct stat st;
	struct dirent *entry;
	DIR *dir;
	int ret = 0;

	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		perror(path);
		return -1;
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path, st.st_size);

	dir = opendir(path);
	if (!dir) {
		perror(path);
		return -1;
	}
	while ((entry = readdir(dir))) {
		char child[4096];

		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) < (int)sizeof(child))
			ret |= replay(child);
	}
	closedir(dir);
	return ret;
}

int main(int argc, char **argv)
{
	int ret = 0;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		ret |= replay(argv[i]);
	printf("%d inputs\n", replayed);
	return ret != 0;
}
