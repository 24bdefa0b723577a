/*
 * Makes one call of libc with a path and says what came back: redirect_probe CALL DIRFD PATH
 *
 * DIRFD is "-" (none) or a folder that is opened first. The answer is a line: what was read, or an errno's name.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

int __open(const char *, int, ...);
int __open64(const char *, int, ...);
int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);
char *__realpath_chk(const char *, char *, size_t);
ssize_t __readlink_chk(const char *, char *, size_t, size_t);
ssize_t __readlinkat_chk(int, const char *, char *, size_t, size_t);
char *__getcwd_chk(char *, size_t, size_t);

static int dirfd_;
static const char *path_;

static void failed(void)
{
	printf("%s\n", strerrorname_np(errno));
	exit(0);
}

static void show_fd(int fd)
{
	char buf[4096];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		failed();
	fstat(fd, &st);
	if (S_ISDIR(st.st_mode)) {
		printf("folder\n");
		return;
	}
	n = read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		failed();
	buf[n] = '\0';
	printf("%s%s", n ? buf : "empty", n && buf[n - 1] == '\n' ? "" : "\n");
}

static void show_stream(FILE *stream)
{
	if (!stream)
		failed();
	show_fd(fileno(stream));
}

static void show_mode(mode_t mode, dev_t rdev)
{
	printf("%c%03o",
	       S_ISDIR(mode)   ? 'd'
	       : S_ISLNK(mode) ? 'l'
	       : S_ISCHR(mode) ? 'c'
	       : S_ISREG(mode) ? '-'
			       : '?',
	       mode & 0777);
	if (S_ISCHR(mode))
		printf(" %u:%u", major(rdev), minor(rdev));
	printf("\n");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_names(char **names, int n)
{
	qsort(names, (size_t)n, sizeof(*names), by_name);
	for (int i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", names[i]);
	printf("\n");
}

static char *names_[4096];
static int nnames_;

static void add_name(const char *name)
{
	if (strcmp(name, ".") && strcmp(name, "..") && nnames_ < 4096)
		names_[nnames_++] = strdup(name);
}

static int walk_ftw(const char *path, const struct stat *st, int flag)
{
	char text[4200];

	snprintf(text, sizeof(text), "%s%s", path, S_ISCHR(st->st_mode) ? "(c)" : flag == FTW_D ? "/" : "");
	add_name(text);
	return 0;
}

static int walk_ftw64(const char *path, const struct stat64 *st, int flag)
{
	return walk_ftw(path, (const struct stat *)st, flag);
}

static int walk_nftw(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	char text[4200];

	(void)flag;
	snprintf(text, sizeof(text), "%s%s:%d:%s", path, S_ISCHR(st->st_mode) ? "(c)" : "", where->level,
		 path + where->base);
	add_name(text);
	return 0;
}

static int walk_nftw64(const char *path, const struct stat64 *st, int flag, struct FTW *where)
{
	return walk_nftw(path, (const struct stat *)st, flag, where);
}

/* Old binaries' names, which new programs cannot link with. */
static int old_stat(const char *name, struct stat *st)
{
	int (*call)(int, const char *, struct stat *) = dlsym(RTLD_DEFAULT, name);

	return call(1, path_, st);
}

static int old_statat(const char *name, struct stat *st)
{
	int (*call)(int, int, const char *, struct stat *, int) = dlsym(RTLD_DEFAULT, name);

	return call(1, dirfd_, path_, st, 0);
}

static void show_link(ssize_t n, char *buf)
{
	if (n < 0)
		failed();
	printf("%.*s\n", (int)n, buf);
}

static void show_name(char *name)
{
	if (!name)
		failed();
	printf("%s\n", name);
}

static void show_int(int result)
{
	if (result < 0)
		failed();
	printf("ok\n");
}

#define IS(name) (!strcmp(call, name))

static int do_open(const char *call)
{
	if (IS("open"))
		show_fd(open(path_, O_RDONLY));
	else if (IS("open64"))
		show_fd(open64(path_, O_RDONLY));
	else if (IS("open-write"))
		show_fd(open(path_, O_WRONLY));
	else if (IS("open-create"))
		show_fd(open(path_, O_RDWR | O_CREAT, 0600));
	else if (IS("open-folder"))
		show_fd(open(path_, O_RDONLY | O_DIRECTORY));
	else if (IS("open-nofollow"))
		show_fd(open(path_, O_RDONLY | O_NOFOLLOW));
	else if (IS("open-device"))
		show_fd(open(path_, O_RDWR | O_CLOEXEC));
	else if (IS("__open"))
		show_fd(__open(path_, O_RDONLY));
	else if (IS("__open64"))
		show_fd(__open64(path_, O_RDONLY));
	else if (IS("__open_2"))
		show_fd(__open_2(path_, O_RDONLY));
	else if (IS("__open64_2"))
		show_fd(__open64_2(path_, O_RDONLY));
	else if (IS("openat"))
		show_fd(openat(dirfd_, path_, O_RDONLY));
	else if (IS("openat64"))
		show_fd(openat64(dirfd_, path_, O_RDONLY));
	else if (IS("__openat_2"))
		show_fd(__openat_2(dirfd_, path_, O_RDONLY));
	else if (IS("__openat64_2"))
		show_fd(__openat64_2(dirfd_, path_, O_RDONLY));
	else if (IS("creat"))
		show_fd(creat(path_, 0600));
	else if (IS("creat64"))
		show_fd(creat64(path_, 0600));
	else if (IS("fopen"))
		show_stream(fopen(path_, "r"));
	else if (IS("fopen64"))
		show_stream(fopen64(path_, "re"));
	else if (IS("fopen-write"))
		show_stream(fopen(path_, "w"));
	else if (IS("freopen"))
		show_stream(freopen(path_, "r", stdin));
	else if (IS("freopen64"))
		show_stream(freopen64(path_, "r", stdin));
	else
		return 0;
	return 1;
}

static int do_stat(const char *call)
{
	struct statx x;
	struct stat st;
	int result = -2;

	if (IS("stat"))
		result = stat(path_, &st);
	else if (IS("stat64"))
		result = stat64(path_, (struct stat64 *)&st);
	else if (IS("lstat"))
		result = lstat(path_, &st);
	else if (IS("lstat64"))
		result = lstat64(path_, (struct stat64 *)&st);
	else if (IS("fstatat"))
		result = fstatat(dirfd_, path_, &st, 0);
	else if (IS("fstatat64"))
		result = fstatat64(dirfd_, path_, (struct stat64 *)&st, 0);
	else if (IS("__xstat") || IS("__xstat64") || IS("__lxstat") || IS("__lxstat64"))
		result = old_stat(call, &st);
	else if (IS("__fxstatat") || IS("__fxstatat64"))
		result = old_statat(call, &st);
	else if (IS("statx")) {
		result = statx(dirfd_, path_, 0, STATX_BASIC_STATS, &x);
		st.st_mode = x.stx_mode;
		st.st_rdev = makedev(x.stx_rdev_major, x.stx_rdev_minor);
	}
	if (result == -2)
		return 0;
	if (result)
		failed();
	show_mode(st.st_mode, st.st_rdev);
	return 1;
}

static int do_access(const char *call)
{
	if (IS("access"))
		show_int(access(path_, R_OK));
	else if (IS("access-rw"))
		show_int(access(path_, R_OK | W_OK));
	else if (IS("faccessat"))
		show_int(faccessat(dirfd_, path_, R_OK, 0));
	else if (IS("faccessat-eaccess"))
		show_int(faccessat(dirfd_, path_, R_OK, AT_EACCESS));
	else if (IS("euidaccess"))
		show_int(euidaccess(path_, R_OK));
	else if (IS("eaccess"))
		show_int(eaccess(path_, R_OK));
	else if (IS("inotify_add_watch"))
		show_int(inotify_add_watch(inotify_init1(0), path_, IN_MODIFY) < 0 ? -1 : 0);
	else if (IS("getxattr"))
		show_int((int)getxattr(path_, "user.x", NULL, 0));
	else if (IS("lgetxattr"))
		show_int((int)lgetxattr(path_, "user.x", NULL, 0));
	else if (IS("listxattr"))
		show_int((int)listxattr(path_, NULL, 0));
	else if (IS("llistxattr"))
		show_int((int)llistxattr(path_, NULL, 0));
	else
		return 0;
	return 1;
}

static int do_link(const char *call)
{
	char buf[8192];

	if (IS("readlink"))
		show_link(readlink(path_, buf, sizeof(buf)), buf);
	else if (IS("readlinkat"))
		show_link(readlinkat(dirfd_, path_, buf, sizeof(buf)), buf);
	else if (IS("__readlink_chk"))
		show_link(__readlink_chk(path_, buf, sizeof(buf), sizeof(buf)), buf);
	else if (IS("__readlinkat_chk"))
		show_link(__readlinkat_chk(dirfd_, path_, buf, sizeof(buf), sizeof(buf)), buf);
	else if (IS("realpath"))
		show_name(realpath(path_, NULL));
	else if (IS("realpath-buffer"))
		show_name(realpath(path_, buf));
	else if (IS("__realpath_chk"))
		show_name(__realpath_chk(path_, buf, sizeof(buf)));
	else if (IS("canonicalize_file_name"))
		show_name(canonicalize_file_name(path_));
	else if (IS("getcwd"))
		show_name(chdir(path_) ? NULL : getcwd(buf, sizeof(buf)));
	else if (IS("__getcwd_chk"))
		show_name(chdir(path_) ? NULL : __getcwd_chk(buf, sizeof(buf), sizeof(buf)));
	else if (IS("get_current_dir_name"))
		show_name(chdir(path_) ? NULL : get_current_dir_name());
	else if (IS("fd-name")) {
		snprintf(buf, sizeof(buf), "/proc/self/fd/%d", open(path_, O_RDONLY));
		show_link(readlink(buf, buf + 64, sizeof(buf) - 64), buf + 64);
	} else
		return 0;
	return 1;
}

static int do_tree(const char *call)
{
	struct dirent64 **list64;
	struct dirent **list;
	struct dirent *entry;
	int n = 0, result = 0;
	glob64_t found64 = {0};
	glob_t found = {0};
	DIR *dir;

	if (IS("opendir")) {
		dir = opendir(path_);
		if (!dir)
			failed();
		while ((entry = readdir(dir)))
			add_name(entry->d_name);
	} else if (IS("scandir") || IS("scandirat")) {
		n = IS("scandir") ? scandir(path_, &list, NULL, alphasort)
				  : scandirat(dirfd_, path_, &list, NULL, alphasort);
		for (int i = 0; i < n; i++)
			add_name(list[i]->d_name);
	} else if (IS("scandir64") || IS("scandirat64")) {
		n = IS("scandir64") ? scandir64(path_, &list64, NULL, alphasort64)
				    : scandirat64(dirfd_, path_, &list64, NULL, alphasort64);
		for (int i = 0; i < n; i++)
			add_name(list64[i]->d_name);
	} else if (IS("glob")) {
		result = glob(path_, GLOB_MARK, NULL, &found);
		for (size_t i = 0; !result && i < found.gl_pathc; i++)
			add_name(found.gl_pathv[i]);
		globfree(&found);
	} else if (IS("glob64")) {
		result = glob64(path_, GLOB_MARK, NULL, &found64);
		for (size_t i = 0; !result && i < found64.gl_pathc; i++)
			add_name(found64.gl_pathv[i]);
		globfree64(&found64);
	} else if (IS("ftw"))
		n = ftw(path_, walk_ftw, 8);
	else if (IS("ftw64"))
		n = ftw64(path_, walk_ftw64, 8);
	else if (IS("nftw"))
		n = nftw(path_, walk_nftw, 8, FTW_PHYS);
	else if (IS("nftw64"))
		n = nftw64(path_, walk_nftw64, 8, FTW_PHYS);
	else
		return 0;
	if (result) {
		printf("none\n");
		return 1;
	}
	if (n < 0)
		failed();
	show_names(names_, nnames_);
	return 1;
}

/* ---- what is not one call ---- */

static void *open_often(void *arg)
{
	char buf[64];

	for (int i = 0; i < 2000; i++) {
		int fd = open(path_, O_RDONLY);
		struct stat st;

		if (fd < 0 || read(fd, buf, sizeof(buf)) <= 0 || close(fd) || stat(path_, &st))
			return arg;
		errno = 77;
		if (access(path_, R_OK) || errno != 77)
			return arg;
	}
	return NULL;
}

static volatile sig_atomic_t handled;

static void handler(int number)
{
	int fd = open(path_, O_RDONLY);

	(void)number;
	if (fd >= 0) {
		handled++;
		close(fd);
	}
}

static int do_more(const char *call)
{
	if (IS("threads")) {
		pthread_t threads[4];
		void *bad = NULL;

		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, open_often, threads);
		for (int i = 0; i < 4; i++) {
			void *result;

			pthread_join(threads[i], &result);
			bad = result ? result : bad;
		}
		printf("%s\n", bad ? "bad" : "ok");
	} else if (IS("signal")) {
		/* As little room as a handler may be given. */
		stack_t stack = {.ss_sp = malloc(16384), .ss_size = 16384};
		struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

		sigaltstack(&stack, NULL);
		sigaction(SIGUSR1, &action, NULL);
		for (int i = 0; i < 100; i++)
			raise(SIGUSR1);
		printf("%d\n", (int)handled);
	} else if (IS("vfork")) {
		int status;
		pid_t pid = vfork();

		if (!pid)
			_exit(open(path_, O_RDONLY) < 0 ? 1 : 0);
		waitpid(pid, &status, 0);
		printf("%d\n", WEXITSTATUS(status));
	} else if (IS("errno")) {
		struct stat st;
		int fd;

		/* A call that goes well leaves errno alone. */
		errno = 77;
		fd = open(path_, O_RDONLY);
		stat(path_, &st);
		lstat(path_, &st);
		access(path_, R_OK);
		printf("%d %s\n", errno, fd >= 0 ? "open" : "closed");
	} else if (IS("null")) {
		show_int(open(path_[0] == '-' ? NULL : path_, O_RDONLY));
	} else if (IS("cloexec")) {
		printf("%d %d\n", fcntl(open(path_, O_RDONLY | O_CLOEXEC), F_GETFD),
		       fcntl(open(path_, O_RDONLY), F_GETFD));
	} else
		return 0;
	return 1;
}

/* Before constructors of libraries, and before main(). */
static int early = -1;

static void before(void)
{
	early = access("/sys/class/infiniband/dpu0/node_guid", R_OK) ? errno : 0;
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = before;

int main(int argc, char **argv)
{
	const char *call = argv[1];

	if (argc != 4)
		return 2;
	if (IS("preinit")) {
		printf("%d\n", early);
		return 0;
	}
	dirfd_ = strcmp(argv[2], "-") ? open(argv[2], O_RDONLY | O_DIRECTORY) : AT_FDCWD;
	path_ = argv[3];
	return do_open(call) || do_stat(call) || do_access(call) || do_link(call) || do_tree(call) || do_more(call) ? 0
														    : 2;
}
