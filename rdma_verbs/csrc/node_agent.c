/* Talking to agents: connections, questions and answers with descriptors, and how the first process starts the agent. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rdma_verbs/csrc/node_int.h"

#define REPLY_MS    10000
#define START_MS    30000
#define STACK_BYTES 16384

extern char **environ;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits for input or the end of it. 0 or -errno. */
static int wait_readable(int fd, uint64_t until_ms)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = now_ms();
		int n = poll(&p, 1, now < until_ms ? (int)(until_ms - now) : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static bool means_gone(int err)
{
	return err == ECONNREFUSED || err == ECONNRESET || err == ECONNABORTED || err == EPIPE || err == ENOENT ||
	       err == EAGAIN;
}

/* ---- connections ---- */

static int connect_at(int sock, int dir)
{
	struct timeval timeout = {.tv_sec = REPLY_MS / 1000};
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	/* Through the descriptor: short enough for a socket's address, and no renaming of folders matters. */
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/agent.sock", dir);
	if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	while (connect(sock, (struct sockaddr *)&to, sizeof(to)) < 0) {
		if (errno == EINTR)
			continue;
		return means_gone(errno) ? ROCE_NODE_GONE : -errno;
	}
	return 0;
}

int roce_node_connect(const char *base, const struct roce_node_addr *addr, bool create, int *sock, char *error,
		      size_t error_bytes)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int dir = roce_node_dir_open(base, addr, create, error, error_bytes), fd, err;

	*sock = -1;
	if (dir < 0)
		return dir == -ENOENT && !create ? ROCE_NODE_GONE : dir;
	roce_fork_lock();
	fd = roce_fork_keep(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	roce_fork_unlock();
	err = fd < 0 ? fd : connect_at(fd, dir);
	if (!err && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		err = -errno;
	if (err < 0) {
		roce_node_say(error, error_bytes, "node %s: connection to its agent: %s", addr->text, strerror(-err));
	} else if (!err && peer.uid != geteuid()) {
		err = -EACCES;
		roce_node_say(error, error_bytes, "node %s: its agent belongs to uid %u", addr->text,
			      (unsigned int)peer.uid);
	}
	roce_fork_close(dir);
	if (err)
		roce_fork_close(fd);
	else
		*sock = fd;
	return err;
}

/* ---- questions and answers ---- */

static int send_request(int sock, struct roce_agent_request *request, const int *fds, uint32_t n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * (ROCE_AGENT_SLOTS_MAX + 1))];
	} control;
	struct iovec iov = {.iov_base = request, .iov_len = sizeof(*request)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	request->magic = ROCE_AGENT_MAGIC;
	request->version = ROCE_AGENT_VERSION;
	if (n) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	while (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : means_gone(errno) ? ROCE_NODE_GONE : -errno;
	return 0;
}

/* The answer's bytes, of which there may be none; its descriptors are kept. A count or -errno. */
static ssize_t receive(int sock, void *buf, size_t bytes, int *got, uint32_t *n, bool *cut)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * (ROCE_AGENT_SLOTS_MAX + 1))];
	} control;
	struct iovec iov = {.iov_base = buf, .iov_len = bytes};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf};
	ssize_t len;

	msg.msg_controllen = sizeof(control.buf);
	*n = 0;
	/* Locked, so that a child forked right now would know of the descriptors. */
	roce_fork_lock();
	do
		len = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		len = -errno;
	for (struct cmsghdr *c = len < 0 ? NULL : CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		uint32_t count = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (uint32_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			fd = roce_fork_keep(fd);
			if (fd < 0)
				len = fd;
			else
				got[(*n)++] = fd;
		}
	}
	roce_fork_unlock();
	*cut = len > 0 && msg.msg_flags & MSG_CTRUNC;
	return len;
}

int roce_node_ask(int sock, struct roce_agent_request *request, const int *fds, uint32_t n_out,
		  struct roce_agent_reply *reply, int *got, uint32_t *n_in, char *error, size_t error_bytes)
{
	char buf[sizeof(*reply) + 1]; /* one more: a message that is too long shows */
	bool cut = false;
	ssize_t len;
	int err;

	*n_in = 0;
	err = send_request(sock, request, fds, n_out);
	if (!err)
		err = wait_readable(sock, now_ms() + REPLY_MS);
	if (err) {
		if (err == -ETIMEDOUT)
			roce_node_say(error, error_bytes, "agent: no answer");
		else if (err < 0)
			roce_node_say(error, error_bytes, "agent: %s", strerror(-err));
		return err;
	}
	len = receive(sock, buf, sizeof(buf), got, n_in, &cut);
	if (len == 0 || (len < 0 && means_gone((int)-len))) {
		err = ROCE_NODE_GONE;
	} else if (len < 0) {
		err = (int)len;
		roce_node_say(error, error_bytes, "agent: %s", strerror(-err));
	} else if (cut) {
		err = -EMFILE;
		roce_node_say(error, error_bytes,
			      "agent: %u descriptors came and not all; raise the limit of open files", *n_in);
	} else {
		err = roce_agent_parse_reply(request->op, buf, (size_t)len, *n_in, reply);
		if (err)
			roce_node_say(error, error_bytes, "%s", reply->text);
	}
	if (err) {
		while (*n_in)
			roce_fork_close(got[--*n_in]);
	}
	return err;
}

/* ---- starting the agent ---- */

static bool is_var(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

/*
 * The environment of the agent: ours, but it must not load what was put in front of the program's libraries, and finds our
 * package.
 */
static char **make_env(const char *pythonpath, bool keep_preload)
{
	static const char *const ours[][2] = {
		{"LD_PRELOAD", "DPU_EMU_ORIG_LD_PRELOAD"},
		{"LD_LIBRARY_PATH", "DPU_EMU_ORIG_LD_LIBRARY_PATH"},
	};
	const char *path = getenv("PYTHONPATH");
	size_t n = 0, bytes = 0;
	char **env, *at;

	for (char **e = environ; e && *e; e++, n++)
		bytes += strlen(*e) + 1;
	bytes += (pythonpath ? strlen(pythonpath) : 0) + (path ? strlen(path) : 0) + 64;
	env = malloc((n + 2) * sizeof(*env) + bytes);
	if (!env)
		return NULL;
	at = (char *)(env + n + 2);
	n = 0;
	for (char **e = environ; e && *e; e++) {
		const char *from = *e;
		bool skip = pythonpath && is_var(from, "PYTHONPATH");

		for (size_t i = 0; i < DP_ARRAY_SIZE(ours); i++) {
			if (is_var(*e, ours[i][0]) && (!keep_preload || getenv(ours[i][1])))
				skip = true;
			else if (is_var(*e, ours[i][1]))
				from += strlen(ours[i][1]) - strlen(ours[i][0]); /* the launcher saved it */
		}
		if (skip)
			continue;
		env[n++] = strcpy(at, from);
		at += strlen(from) + 1;
	}
	if (pythonpath) {
		env[n++] = at;
		sprintf(at, "PYTHONPATH=%s%s%s", pythonpath, path && *path ? ":" : "", path && *path ? path : "");
	}
	env[n] = NULL;
	return env;
}

/* Finds a program as a shell does. */
static bool find_program(const char *name, char *path, size_t bytes)
{
	const char *dirs = getenv("PATH");

	if (strchr(name, '/'))
		return (size_t)snprintf(path, bytes, "%s", name) < bytes;
	for (const char *dir = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; *dir; dir += *dir == ':') {
		int len = (int)strcspn(dir, ":");

		if (len && (size_t)snprintf(path, bytes, "%.*s/%s", len, dir, name) < bytes && access(path, X_OK) == 0)
			return true;
		dir += len;
	}
	return false;
}

#define ARGS 16

static char **make_args(const struct roce_node_start *start, const struct roce_node_cfg *cfg, const char *python)
{
	size_t bytes = strlen(python) + sizeof(start->addr.text) + 200;
	char **argv = malloc(ARGS * sizeof(*argv) + bytes), *at, *end;
	size_t n = 0;

	if (!argv)
		return NULL;
	at = (char *)(argv + ARGS);
	end = at + bytes;
#define ADD(...) (argv[n++] = at, at += snprintf(at, (size_t)(end - at), __VA_ARGS__) + 1)
	ADD("%s", python);
	ADD("-m");
	ADD("rdma_verbs.agent");
	ADD("%s", start->addr.text);
	if (cfg->nslots) {
		ADD("--slots");
		ADD("%u", cfg->nslots);
	}
	if (cfg->rcvbuf_bytes) {
		ADD("--rcvbuf-bytes");
		ADD("%u", cfg->rcvbuf_bytes);
	}
	if (cfg->idle_ms) {
		ADD("--idle-s");
		ADD("%u.%03u", cfg->idle_ms / 1000, cfg->idle_ms % 1000);
	}
#undef ADD
	argv[n] = NULL;
	return argv;
}

int roce_node_start_init(struct roce_node_start *start, const struct roce_node_cfg *cfg, char *error,
			 size_t error_bytes)
{
	const char *name = cfg->python && *cfg->python ? cfg->python : "python3";
	char python[PATH_MAX];
	int err;

	memset(start, 0, sizeof(*start));
	err = roce_node_addr_parse(&start->addr, cfg->address);
	if (err) {
		roce_node_say(error, error_bytes, "node address '%s': not an IP address",
			      cfg->address ? cfg->address : "");
		return err;
	}
	err = roce_node_base_dir(start->base, sizeof(start->base));
	if (err) {
		roce_node_say(error, error_bytes, "XDG_RUNTIME_DIR: %s", strerror(-err));
		return err;
	}
	/* Not found: an agent may be there all the same. */
	if (!find_program(name, python, sizeof(python)))
		snprintf(python, sizeof(python), "%s", name);
	start->argv = make_args(start, cfg, python);
	start->envp = make_env(cfg->pythonpath, cfg->keep_preload);
	if (start->argv && start->envp)
		return 0;
	roce_node_start_fini(start);
	roce_node_say(error, error_bytes, "node %s: no memory", start->addr.text);
	return -ENOMEM;
}

void roce_node_start_fini(struct roce_node_start *start)
{
	free(start->argv);
	free(start->envp);
	start->argv = start->envp = NULL;
}

struct spawn {
	char **argv, **envp;
	int null_fd, err_fd;
	int err; /* why nothing runs */
	char middle_stack[STACK_BYTES] __attribute__((aligned(16)));
	char agent_stack[STACK_BYTES] __attribute__((aligned(16)));
};

/* Runs in a process that shares our memory, with all signals blocked: system calls, and no sanitizer's books. */
#define IN_CHILD __attribute__((noinline, no_sanitize("address", "thread", "undefined")))

static IN_CHILD int exec_agent(void *arg)
{
	struct spawn *s = arg;

	syscall(SYS_setsid);
	syscall(SYS_dup3, s->null_fd, 0, 0);
	syscall(SYS_dup3, s->null_fd, 1, 0);
	syscall(SYS_dup3, s->err_fd, 2, 0);
	syscall(SYS_chdir, "/");
	/* Not what the program left open to whatever it executes; kernels before 5.9 cannot say "all". */
	if (syscall(SYS_close_range, 3, ~0U, 0))
		for (int fd = 3; fd < 4096; fd++)
			syscall(SYS_close, fd);
	syscall(SYS_execve, s->argv[0], s->argv, s->envp);
	s->err = errno;
	syscall(SYS_exit_group, 127);
	return 127;
}

static IN_CHILD int middle(void *arg)
{
	struct spawn *s = arg;

	if (clone(exec_agent, s->agent_stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, s) < 0)
		s->err = errno;
	syscall(SYS_exit_group, 0);
	return 0;
}

/*
 * Starts the agent as nobody's child: the program may wait for any of its children, and count them. A process in the middle
 * that ends without a signal is what makes it so; both share our memory until they execute or end, so a large program
 * pays nothing for it, and none of its fork handlers runs.
 */
static int spawn(struct spawn *s)
{
	sigset_t all, old;
	int pid, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = clone(middle, s->middle_stack + STACK_BYTES, CLONE_VM | CLONE_VFORK, s);
	if (pid < 0)
		s->err = errno;
	else
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_setcancelstate(cancel, NULL);
	return -s->err;
}

/* All that comes until the other end is closed, of which the last line is kept. 0 or -errno. */
static int last_line(int fd, char *line, size_t bytes)
{
	uint64_t until = now_ms() + START_MS;
	size_t n = 0;
	char buf[1024];
	bool begin = false;

	line[0] = 0;
	for (;;) {
		int err = wait_readable(fd, until);
		ssize_t got;

		if (err)
			return err;
		got = read(fd, buf, sizeof(buf));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		for (ssize_t i = 0; i < got; i++) {
			if (buf[i] == '\n') {
				begin = true;
				continue;
			}
			if (begin)
				n = 0;
			begin = false;
			if (n + 1 < bytes) {
				line[n++] = buf[i];
				line[n] = 0;
			}
		}
	}
}

/* A descriptor that is none of 0, 1 and 2, which a program may have closed. */
static int above_stdio(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return roce_fork_keep(fd);
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return roce_fork_keep(high);
}

/* Starts the agent and returns when it listens, another does, or it said in *line why not. 0 or -errno with words. */
static int start_agent(const struct roce_node_start *start, char *line, size_t line_bytes, char *error,
		       size_t error_bytes)
{
	struct spawn *s = malloc(sizeof(*s));
	int pipe_fd[2] = {-1, -1}, ends[2] = {-1, -1}, err;

	line[0] = 0;
	if (!s) {
		roce_node_say(error, error_bytes, "node %s: no memory", start->addr.text);
		return -ENOMEM;
	}
	s->argv = start->argv;
	s->envp = start->envp;
	s->err = 0;
	roce_fork_lock();
	err = pipe2(pipe_fd, O_CLOEXEC) < 0 ? -errno : 0;
	if (!err) {
		ends[0] = above_stdio(pipe_fd[0]);
		ends[1] = above_stdio(pipe_fd[1]);
	}
	s->null_fd = above_stdio(open("/dev/null", O_RDWR | O_CLOEXEC));
	roce_fork_unlock();
	if (!err)
		err = DP_MIN(DP_MIN(ends[0], ends[1]), DP_MIN(s->null_fd, 0));
	if (!err) {
		s->err_fd = ends[1];
		err = spawn(s);
		roce_fork_close(ends[1]);
		ends[1] = -1;
		if (err) {
			roce_node_say(error, error_bytes, "agent of node %s: %s: %s", start->addr.text, start->argv[0],
				      strerror(-err));
		} else {
			err = last_line(ends[0], line, line_bytes);
			if (err)
				roce_node_say(error, error_bytes, "agent of node %s: starting: %s", start->addr.text,
					      strerror(-err));
		}
	} else {
		roce_node_say(error, error_bytes, "agent of node %s: %s", start->addr.text, strerror(-err));
	}
	roce_fork_close(ends[0]);
	roce_fork_close(ends[1]);
	roce_fork_close(s->null_fd);
	free(s);
	return err;
}

int roce_node_connect_or_start(const struct roce_node_start *start, int *sock, char *error, size_t error_bytes)
{
	const char *base = start->base;
	const struct roce_node_addr *addr = &start->addr;
	char line[ROCE_NODE_WORDS];
	int err = roce_node_connect(base, addr, true, sock, error, error_bytes), dir, lock;

	if (err != ROCE_NODE_GONE)
		return err;
	dir = roce_node_dir_open(base, addr, true, error, error_bytes);
	if (dir < 0)
		return dir;
	lock = roce_node_dir_lock(dir, "start.lock");
	if (lock < 0) {
		err = lock;
		roce_node_say(error, error_bytes, "node %s: start.lock: %s", addr->text, strerror(-err));
	} else {
		err = roce_node_connect(base, addr, true, sock, error, error_bytes);
	}
	if (err == ROCE_NODE_GONE) {
		err = start_agent(start, line, sizeof(line), error, error_bytes);
		if (!err)
			err = roce_node_connect(base, addr, true, sock, error, error_bytes);
		if (err == ROCE_NODE_GONE && line[0]) {
			err = -EADDRNOTAVAIL;
			roce_node_say(error, error_bytes, "%s", line);
		}
	}
	roce_fork_close(lock);
	roce_fork_close(dir);
	return err;
}
