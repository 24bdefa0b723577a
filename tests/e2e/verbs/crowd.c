/*
 * One process of a crowd: an ordinary verbs program. `crowd ID poll|events TIMEOUT RETRY SEED`; commands on stdin, one a line,
 * answers on stdout, one JSON object a line. See crowd.h, and tests/e2e/crowd.py which drives it.
 *
 *   qp KEY RC|UC|UD [recvs=N] [cqe=N] [rnr=N] [gap_us=N] [big=MiB]
 *   connect KEY PARTNER QPN PSN GID RKEY ADDRESS      go KEY | stop KEY | quiet KEY | unquiet KEY | close KEY
 *   hold KEY | release KEY     its completion queue is not polled
 *   dereg KEY                  what partners wrote to is no region any more; says whether it changes afterwards
 *   fork exit|exec|open|stay   stats   wait (CPU is left to others for a while)   end
 */
#include "tests/e2e/verbs/crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRAIN_NS 10000000000ull

static struct member me;
static bool ending;

static void die(const char *what)
{
	fprintf(stderr, "crowd %u: %s: %s\n", me.id, what, strerror(errno));
	exit(3);
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	if (fflush(stdout))
		_exit(4); /* whoever started us is gone */
}

static struct conn *find(const char *key)
{
	for (int i = 0; i < CONNS; i++)
		if (me.conns[i].used && !strcmp(me.conns[i].key, key))
			return &me.conns[i];
	errno = ENOENT;
	die(key);
	return NULL;
}

static const char *gid_text(const union ibv_gid *gid)
{
	static char text[33];

	for (int i = 0; i < 16; i++)
		sprintf(text + 2 * i, "%02x", gid->raw[i]);
	return text;
}

static union ibv_gid gid_of(const char *text)
{
	union ibv_gid gid;
	unsigned int byte;

	for (int i = 0; i < 16; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			die("gid");
		gid.raw[i] = (uint8_t)byte;
	}
	return gid;
}

/* ---- queue pairs ---- */

static int to_init(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = 1, .qkey = 0x11111111};
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT;

	attr.qp_access_flags = IBV_ACCESS_REMOTE_WRITE;
	if (qp->qp_type == IBV_QPT_RC)
		attr.qp_access_flags |= IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;
	return ibv_modify_qp(qp, &attr, mask | (qp->qp_type == IBV_QPT_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS));
}

static int to_rts(struct ibv_qp *qp, const union ibv_gid *gid, uint32_t rqpn, uint32_t rpsn, uint32_t psn, uint32_t rnr)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR, .path_mtu = IBV_MTU_1024, .dest_qp_num = rqpn, .rq_psn = rpsn};
	bool rc = qp->qp_type == IBV_QPT_RC, ud = qp->qp_type == IBV_QPT_UD;
	int mask = IBV_QP_STATE, err;

	attr.ah_attr = (struct ibv_ah_attr){.is_global = 1, .port_num = 1, .grh = {.dgid = *gid, .hop_limit = 64}};
	attr.max_dest_rd_atomic = 8;
	attr.min_rnr_timer = 1;
	if (!ud)
		mask |= IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
	if (rc)
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	err = ibv_modify_qp(qp, &attr, mask);
	if (err)
		return err;
	attr = (struct ibv_qp_attr){.qp_state = IBV_QPS_RTS, .sq_psn = psn, .max_rd_atomic = 8};
	attr.timeout = (uint8_t)me.timeout;
	attr.retry_cnt = (uint8_t)me.retry;
	attr.rnr_retry = (uint8_t)rnr;
	mask = IBV_QP_STATE | IBV_QP_SQ_PSN;
	if (rc)
		mask |= IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC;
	return ibv_modify_qp(qp, &attr, mask);
}

static struct ibv_qp *make_qp(struct ibv_pd *pd, struct ibv_cq *cq, enum ibv_qp_type type, uint32_t recvs)
{
	struct ibv_qp_init_attr init = {.send_cq = cq, .recv_cq = cq, .qp_type = type};

	init.cap = (struct ibv_qp_cap){.max_send_wr = SQ, .max_recv_wr = recvs, .max_send_sge = 1, .max_recv_sge = 1};
	return ibv_create_qp(pd, &init);
}

static void arm(struct ibv_cq *cq)
{
	if (me.events && ibv_req_notify_cq(cq, 0))
		die("req_notify_cq");
}

static void command_qp(char *rest)
{
	char type[8];
	struct conn *c = me.conns;
	uint32_t cqe = 0, n, generation;

	while (c < me.conns + CONNS && c->used)
		c++;
	if (c == me.conns + CONNS)
		die("too many connections");
	generation = c->generation + 1;
	memset(c, 0, sizeof(*c));
	*c = (struct conn){.used = true, .generation = generation, .recvs = RQ, .rnr_retry = 7, .gap_us = 1000};
	if (sscanf(rest, "%31s %7s", c->key, type) != 2)
		die("qp");
	for (char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
		if (sscanf(word, "recvs=%u", &n) == 1)
			c->recvs = n;
		else if (sscanf(word, "cqe=%u", &n) == 1)
			cqe = n;
		else if (sscanf(word, "rnr=%u", &n) == 1)
			c->rnr_retry = n;
		else if (sscanf(word, "gap_us=%u", &n) == 1)
			c->gap_us = n;
		else if (sscanf(word, "big=%u", &n) == 1)
			c->big_bytes = (size_t)n << 20;
	}
	c->type = !strcmp(type, "RC") ? IBV_QPT_RC : !strcmp(type, "UC") ? IBV_QPT_UC : IBV_QPT_UD;
	c->rng = draw(&me.rng);
	c->psn = (uint32_t)draw(&me.rng) & 0xFFFFFF;
	c->cq = me.cq;
	c->own_cq = cqe;
	if (cqe) {
		c->cq = ibv_create_cq(me.ctx, (int)cqe, NULL, me.channel, 0);
		if (!c->cq)
			die("create_cq");
		arm(c->cq);
	}
	c->arena_bytes = AT_BIG + 3 * c->big_bytes;
	c->arena = mmap(NULL, c->arena_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->arena == MAP_FAILED)
		die("mmap");
	c->mr = ibv_reg_mr(me.pd, c->arena, c->arena_bytes,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
				   IBV_ACCESS_REMOTE_ATOMIC);
	if (!c->mr)
		die("reg_mr");
	c->qp = make_qp(me.pd, c->cq, c->type, c->recvs);
	if (!c->qp)
		die("create_qp");
	if ((errno = to_init(c->qp)))
		die("INIT");
	fill(c->arena + AT_SOURCE, 4 * SLOT, me.id, c->qp->qp_num, 0);
	for (uint32_t i = 0; i < c->recvs; i++)
		if ((errno = post_receive(&me, c)))
			die("post_recv");
	say("{\"what\":\"qp\",\"key\":\"%s\",\"member\":%u,\"qpn\":%u,\"psn\":%u,\"gid\":\"%s\",\"rkey\":%u,\"addr\":%" PRIuPTR
	    "}",
	    c->key, me.id, c->qp->qp_num, c->psn, gid_text(&me.gid), c->mr->rkey, (uintptr_t)c->arena);
}

static void command_connect(const char *rest)
{
	char key[32], gid_words[40];
	uint32_t rpsn;
	union ibv_gid gid;
	struct conn *c;

	if (sscanf(rest, "%31s", key) != 1)
		die("connect");
	c = find(key);
	if (sscanf(rest, "%*s %u %u %u %39s %u %" SCNu64, &c->partner, &c->rqpn, &rpsn, gid_words, &c->rkey,
		   &c->raddr) != 6)
		die("connect");
	gid = gid_of(gid_words);
	if ((errno = to_rts(c->qp, &gid, c->rqpn, rpsn, c->psn, c->rnr_retry)))
		die("RTS");
	if (c->type == IBV_QPT_UD) {
		struct ibv_ah_attr attr = {.is_global = 1, .port_num = 1, .grh = {.dgid = gid, .hop_limit = 64}};

		c->ah = ibv_create_ah(me.pd, &attr);
		if (!c->ah)
			die("create_ah");
	}
	say("{\"what\":\"connected\",\"key\":\"%s\"}", key);
}

static void close_conn(struct conn *c)
{
	if ((errno = ibv_destroy_qp(c->qp)))
		die("destroy_qp");
	if (c->ah && (errno = ibv_destroy_ah(c->ah)))
		die("destroy_ah");
	if (c->mr && (errno = ibv_dereg_mr(c->mr)))
		die("dereg_mr");
	if (c->own_cq) {
		struct ibv_cq *cq;
		void *arg;

		/* What is not taken back by ack_cq_events() is waited for. */
		while (me.events && !ibv_get_cq_event(me.channel, &cq, &arg))
			ibv_ack_cq_events(cq, 1);
		if ((errno = ibv_destroy_cq(c->cq)))
			die("destroy_cq");
	}
	munmap(c->arena, c->arena_bytes);
	c->used = false;
}

static void counts(const char *name, const uint64_t *values, int n)
{
	const char *separator = "";

	printf("\"%s\":{", name);
	for (int i = 0; i < n; i++) {
		if (!values[i])
			continue;
		printf("%s\"%d\":%" PRIu64, separator, i, values[i]);
		separator = ",";
	}
	printf("},");
}

static void print_conn(const struct conn *c)
{
	printf("\"key\":\"%s\",\"type\":%d,\"partner\":%u,\"going\":%d,\"failed\":%d,\"got\":%" PRIu64
	       ",\"gaps\":%" PRIu64 ",\"data\":%" PRIu64 ",\"wrong\":%" PRIu64
	       ",\"why\":\"%s\",\"first_send\":%u,\"first_recv\":%u,",
	       c->key, c->type, c->partner, c->going, c->failed, c->got, c->gaps, c->rx_seq, c->wrong, c->why,
	       c->first_send, c->first_recv);
	counts("send", c->send_status, STATUSES);
	counts("recv", c->recv_status, STATUSES);
	counts("ops", c->ops, OPS);
	printf("\"outstanding\":%" PRIu64 ",\"receives\":%" PRIu64, c->posted - c->retired,
	       c->recv_posted - c->recv_done);
}

static void command_stats(void)
{
	const char *separator = "";

	printf("{\"what\":\"stats\",\"foreign\":%" PRIu64 ",", me.foreign);
	counts("async", me.async, 64);
	printf("\"conns\":[");
	for (int i = 0; i < CONNS; i++) {
		if (!me.conns[i].used)
			continue;
		printf("%s{", separator);
		print_conn(&me.conns[i]);
		printf("}");
		separator = ",";
	}
	say("]}");
}

/*
 * Once deregistered, memory is the program's alone: not a byte may change, however much is under way. Marks are set from the
 * end on, so that a copy that still goes on meets them.
 */
static void command_dereg(struct conn *c)
{
	uint64_t before = now_ns(), took;
	size_t changed = 0, n = AT_BIG + c->big_bytes - AT_LANDING, step = c->big_bytes ? 1024 : 8;
	uint8_t *at = c->arena + AT_LANDING;

	if ((errno = ibv_dereg_mr(c->mr)))
		die("dereg_mr");
	took = now_ns() - before;
	c->mr = NULL;
	for (size_t i = n; i >= step; i -= step)
		at[i - step] = 0xEE;
	usleep(300000);
	for (size_t i = n; i >= step; i -= step)
		changed += at[i - step] != 0xEE;
	say("{\"what\":\"dereg\",\"key\":\"%s\",\"took_ms\":%" PRIu64 ",\"changed\":%zu}", c->key, took / 1000000,
	    changed);
}

/* ---- children ---- */

/* A device of the child's own: two queue pairs, and a message between them. */
static int child_device(void)
{
	static uint8_t bytes[2][64] = {"a message of a child"};
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_pd *pd = ctx ? ibv_alloc_pd(ctx) : NULL;
	struct ibv_cq *cq = pd ? ibv_create_cq(ctx, 16, NULL, NULL, 0) : NULL;
	struct ibv_mr *mr = cq ? ibv_reg_mr(pd, bytes, sizeof(bytes), IBV_ACCESS_LOCAL_WRITE) : NULL;
	struct ibv_qp *a = mr ? make_qp(pd, cq, IBV_QPT_RC, 4) : NULL, *b = a ? make_qp(pd, cq, IBV_QPT_RC, 4) : NULL;
	struct ibv_sge from, to;
	struct ibv_send_wr send = {.sg_list = &from, .num_sge = 1, .opcode = IBV_WR_SEND}, *bad_send;
	struct ibv_recv_wr recv = {.sg_list = &to, .num_sge = 1}, *bad_recv;
	uint64_t until = now_ns() + DRAIN_NS;
	union ibv_gid gid;
	struct ibv_wc wc;
	int done = 0;

	if (!b || ibv_query_gid(ctx, 1, 0, &gid) || to_init(a) || to_init(b) || to_rts(a, &gid, b->qp_num, 7, 5, 7) ||
	    to_rts(b, &gid, a->qp_num, 5, 7, 7))
		return 10;
	from = (struct ibv_sge){(uintptr_t)bytes[0], sizeof(bytes[0]), mr->lkey};
	to = (struct ibv_sge){(uintptr_t)bytes[1], sizeof(bytes[1]), mr->lkey};
	send.send_flags = IBV_SEND_SIGNALED;
	if (ibv_post_recv(b, &recv, &bad_recv) || ibv_post_send(a, &send, &bad_send))
		return 11;
	while (done < 2 && now_ns() < until) {
		int n = ibv_poll_cq(cq, 1, &wc);

		if (n < 0 || (n && wc.status))
			return 12;
		done += n;
		if (!n)
			usleep(100);
	}
	if (done < 2 || memcmp(bytes[0], bytes[1], sizeof(bytes[0])))
		return 13;
	if (ibv_destroy_qp(a) || ibv_destroy_qp(b) || ibv_dereg_mr(mr) || ibv_destroy_cq(cq) || ibv_dealloc_pd(pd) ||
	    ibv_close_device(ctx))
		return 14;
	ibv_free_device_list(list);
	return 0;
}

static void command_fork(const char *how)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid) {
		say("{\"what\":\"forked\",\"how\":\"%s\",\"pid\":%d}", how, pid);
		return;
	}
	alarm(60);
	if (!strcmp(how, "exec")) {
		execl("/bin/true", "true", NULL);
		_exit(20);
	}
	if (!strcmp(how, "stay"))
		sleep(3);
	exit(strcmp(how, "open") ? 0 : child_device());
}

static void look_for_children(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		say("{\"what\":\"child\",\"pid\":%d,\"status\":%d}", pid, status);
}

/* ---- the loop ---- */

static void command(char *line)
{
	char *rest = strchr(line, ' ');
	struct conn *c;

	if (rest)
		*rest++ = '\0';
	if (!strcmp(line, "qp")) {
		command_qp(rest);
		return;
	}
	if (!strcmp(line, "connect")) {
		command_connect(rest);
		return;
	}
	if (!strcmp(line, "fork")) {
		command_fork(rest);
		return;
	}
	if (!strcmp(line, "stats")) {
		command_stats();
		return;
	}
	if (!strcmp(line, "end")) {
		ending = true;
		return;
	}
	c = find(rest);
	if (!strcmp(line, "go")) {
		c->going = true;
	} else if (!strcmp(line, "quiet") || !strcmp(line, "unquiet")) {
		c->quiet = *line == 'q';
	} else if (!strcmp(line, "hold") || !strcmp(line, "release")) {
		c->held = *line == 'h';
	} else if (!strcmp(line, "dereg")) {
		command_dereg(c);
		return;
	} else if (!strcmp(line, "close")) {
		close_conn(c);
	} else {
		errno = EINVAL;
		die(line);
	}
	say("{\"what\":\"%s\",\"key\":\"%s\"}", line, rest);
}

static void read_commands(void)
{
	static char buffer[8192];
	static size_t have;
	ssize_t n = read(0, buffer + have, sizeof(buffer) - 1 - have);
	char *line = buffer, *end;

	if (n == 0)
		exit(5);
	if (n < 0)
		return;
	have += (size_t)n;
	buffer[have] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		command(line);
		line = end + 1;
	}
	have -= (size_t)(line - buffer);
	memmove(buffer, line, have);
}

static int take(struct ibv_cq *cq)
{
	struct ibv_wc wc[16];
	int n = ibv_poll_cq(cq, 16, wc);

	for (int i = 0; i < n; i++) {
		struct conn *c = &me.conns[wc[i].wr_id >> 32 & 0xFF];

		if (c >= me.conns + CONNS || !c->used || c->generation != wc[i].wr_id >> 40)
			me.foreign++;
		else
			completed(&me, c, &wc[i]);
	}
	return n > 0 ? n : 0;
}

static int take_all(void)
{
	int n = take(me.cq);

	for (int i = 0; i < CONNS; i++)
		if (me.conns[i].used && me.conns[i].own_cq && !me.conns[i].held)
			n += take(me.conns[i].cq);
	return n;
}

/* A connection that failed is told about once all that was posted has come back. */
static void look_for_failures(void)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};

	for (int i = 0; i < CONNS; i++) {
		struct conn *c = &me.conns[i];
		bool drained = c->posted == c->retired && c->recv_posted == c->recv_done;

		if (!c->used || !c->failed || c->told)
			continue;
		if (c->going) {
			if (ibv_modify_qp(c->qp, &attr, IBV_QP_STATE))
				wrong(c, "to ERR: %s", strerror(errno));
			c->going = false;
			continue;
		}
		if (!drained && now_ns() - c->failed_ns < DRAIN_NS)
			continue;
		c->told = true;
		printf("{\"what\":\"failed\",");
		print_conn(c);
		say("}");
	}
}

static void look_for_events(void)
{
	struct ibv_async_event event;

	while (!ibv_get_async_event(me.ctx, &event)) {
		me.async[event.event_type % 64]++;
		ibv_ack_async_event(&event);
	}
}

static void rest(void)
{
	struct pollfd fds[3] = {
		{0, POLLIN, 0}, {me.ctx->async_fd, POLLIN, 0}, {me.events ? me.channel->fd : -1, POLLIN, 0}};
	struct ibv_cq *cq;
	void *arg;

	if (!me.events) {
		usleep(200);
		return;
	}
	poll(fds, 3, 2);
	while (fds[2].revents && !ibv_get_cq_event(me.channel, &cq, &arg)) {
		ibv_ack_cq_events(cq, 1);
		arm(cq);
	}
}

static void non_blocking(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		die("O_NONBLOCK");
}

static void open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	if (!list || !list[0])
		die("no device");
	me.ctx = ibv_open_device(list[0]);
	if (!me.ctx)
		die("open_device");
	ibv_free_device_list(list);
	me.pd = ibv_alloc_pd(me.ctx);
	me.channel = me.events ? ibv_create_comp_channel(me.ctx) : NULL;
	if (!me.pd || (me.events && !me.channel))
		die("alloc_pd or create_comp_channel");
	me.cq = ibv_create_cq(me.ctx, CONNS * 64, NULL, me.channel, 0);
	if (!me.cq || ibv_query_gid(me.ctx, 1, 0, &me.gid))
		die("create_cq or query_gid");
	non_blocking(me.ctx->async_fd);
	if (me.events)
		non_blocking(me.channel->fd);
	arm(me.cq);
}

static void close_device(void)
{
	struct ibv_cq *cq;
	void *arg;

	for (int i = 0; i < CONNS; i++)
		if (me.conns[i].used)
			close_conn(&me.conns[i]);
	while (me.events && !ibv_get_cq_event(me.channel, &cq, &arg))
		ibv_ack_cq_events(cq, 1);
	if ((errno = ibv_destroy_cq(me.cq)))
		die("destroy_cq");
	if (me.events && (errno = ibv_destroy_comp_channel(me.channel)))
		die("destroy_comp_channel");
	if ((errno = ibv_dealloc_pd(me.pd)))
		die("dealloc_pd");
	if ((errno = ibv_close_device(me.ctx)))
		die("close_device");
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	me.id = (uint32_t)atoi(argv[1]);
	me.events = !strcmp(argv[2], "events");
	me.timeout = (uint32_t)atoi(argv[3]);
	me.retry = (uint32_t)atoi(argv[4]);
	me.rng = strtoull(argv[5], NULL, 0);
	open_device();
	non_blocking(0);
	say("{\"what\":\"ready\",\"member\":%u}", me.id);
	while (!ending) {
		bool busy = take_all() > 0;

		for (int i = 0; i < CONNS; i++)
			if (me.conns[i].used)
				busy = start_some(&me, &me.conns[i]) || busy;
		look_for_failures();
		look_for_events();
		look_for_children();
		if (!busy)
			rest();
		read_commands();
	}
	close_device();
	say("{\"what\":\"ended\"}");
	return 0;
}
