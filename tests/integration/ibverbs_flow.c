/* What flows: events, the tables of the extended calls, multicast, many threads. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/ibverbs_check.h"

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

struct waiter {
	pthread_t thread;
	int (*destroy)(void *object);
	void *object;
	volatile bool done;
};

static void *destroy_in_thread(void *arg)
{
	struct waiter *w = arg;

	CHECK_EQ(w->destroy(w->object), 0);
	__atomic_store_n(&w->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static int destroy_cq(void *cq)
{
	return ibv_destroy_cq(cq);
}

static int destroy_srq(void *srq)
{
	return ibv_destroy_srq(srq);
}

static void completion_events(void)
{
	struct world w;
	struct ibv_comp_channel *channel;
	struct ibv_cq *got, *cq, *other;
	struct ibv_qp_init_attr init = {.cap = {16, 16, 1, 1, 0}, .qp_type = IBV_QPT_RC, .sq_sig_all = 1};
	struct waiter waiter = {.destroy = destroy_cq};
	struct ibv_sge sge;
	struct ibv_send_wr wr, *bad;
	struct ibv_qp *qp;
	void *user;

	world_open(&w);
	channel = ibv_create_comp_channel(w.ctx);
	cq = ibv_create_cq(w.ctx, 64, &w, channel, 0);
	other = ibv_create_cq(w.ctx, 64, NULL, channel, 0);
	init.send_cq = init.recv_cq = cq;
	qp = ibv_create_qp(w.pd, &init);
	to_rts(&w, qp, qp->qp_num);
	CHECK_EQ(fcntl(channel->fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(ibv_get_cq_event(channel, &got, &user), -1);
	CHECK_EQ(errno, EAGAIN);

	/* Not armed: nothing. Armed: one event for all that follows. */
	wr = send_wr(&sge, w.mr[0], 8);
	wr.opcode = IBV_WR_RDMA_WRITE;
	wr.wr.rdma.remote_addr = (uintptr_t)w.buf[1];
	wr.wr.rdma.rkey = w.mr[1]->rkey;
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	poll_ok(cq);
	CHECK(!readable(channel->fd, 0));
	CHECK_EQ(w.ctx->ops.req_notify_cq(cq, 0), 0);
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	CHECK(readable(channel->fd, 5000)); /* nobody polls: the helper makes it happen */
	CHECK_EQ(ibv_get_cq_event(channel, &got, &user), 0);
	CHECK(got == cq && user == &w);
	CHECK(!readable(channel->fd, 20));
	poll_ok(cq);
	poll_ok(cq);

	/* What an event was for makes no other one. What came later and waits does, as on adapters: UCX relies on that. */
	CHECK_EQ(w.ctx->ops.req_notify_cq(cq, 0), 0);
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	CHECK(readable(channel->fd, 5000));
	CHECK_EQ(ibv_get_cq_event(channel, &got, &user), 0);
	CHECK_EQ(w.ctx->ops.req_notify_cq(cq, 0), 0);
	CHECK(!readable(channel->fd, 20));
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	CHECK(readable(channel->fd, 5000));
	CHECK_EQ(ibv_get_cq_event(channel, &got, &user), 0);
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	usleep(100000);
	CHECK_EQ(w.ctx->ops.req_notify_cq(cq, 1), 0);
	CHECK(!readable(channel->fd, 20));
	CHECK_EQ(w.ctx->ops.req_notify_cq(cq, 0), 0);
	CHECK(readable(channel->fd, 0));
	CHECK_EQ(ibv_get_cq_event(channel, &got, &user), 0);
	ibv_ack_cq_events(cq, 3);

	/* So does what a poll has left there: perftest polls a number of them, arms and sleeps. */
	poll_ok(cq);
	CHECK_EQ(w.ctx->ops.req_notify_cq(cq, 0), 0);
	CHECK(readable(channel->fd, 0));
	CHECK_EQ(ibv_get_cq_event(channel, &got, &user), 0);
	ibv_ack_cq_events(cq, 1);
	for (int i = 0; i < 2; i++)
		poll_ok(cq);

	/* Solicited ones only: a WRITE's end is none, an error is. */
	CHECK_EQ(w.ctx->ops.req_notify_cq(cq, 1), 0);
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	poll_ok(cq);
	CHECK(!readable(channel->fd, 20));

	/* A queue goes only when its events are acknowledged; one that nobody read goes with it. */
	wr.wr.rdma.rkey ^= 1;
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	CHECK(readable(channel->fd, 5000));
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	waiter.object = cq;
	CHECK_EQ(pthread_create(&waiter.thread, NULL, destroy_in_thread, &waiter), 0);
	usleep(50000);
	CHECK(!__atomic_load_n(&waiter.done, __ATOMIC_SEQ_CST));
	CHECK(!readable(channel->fd, 0));
	ibv_ack_cq_events(cq, 1);
	CHECK_EQ(pthread_join(waiter.thread, NULL), 0);
	CHECK_EQ(ibv_get_cq_event(channel, &got, &user), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(ibv_destroy_cq(other), 0);
	CHECK_EQ(ibv_destroy_comp_channel(channel), 0);
	world_close(&w);
}

static void async_events(void)
{
	struct world w;
	struct ibv_srq_init_attr init = {.attr = {16, 1, 0}};
	struct ibv_qp_init_attr qp_init = {.cap = {4, 0, 1, 0, 0}, .qp_type = IBV_QPT_RC, .sq_sig_all = 1};
	struct ibv_srq_attr limit = {.srq_limit = 2};
	struct ibv_recv_wr rwr = {0}, *bad_recv;
	struct waiter waiter = {.destroy = destroy_srq};
	struct ibv_async_event ev;
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};
	struct ibv_srq *srq;
	struct ibv_qp *qp;

	world_open(&w);
	CHECK_EQ(fcntl(w.ctx->async_fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(ibv_get_async_event(w.ctx, &ev), -1);
	CHECK_EQ(errno, EAGAIN);
	srq = ibv_create_srq(w.pd, &init);
	qp_init.send_cq = qp_init.recv_cq = w.cq;
	qp_init.srq = srq;
	qp = ibv_create_qp(w.pd, &qp_init);
	CHECK(qp);
	to_rts(&w, qp, qp->qp_num);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(w.ctx->ops.post_srq_recv(srq, &rwr, &bad_recv), 0);
	CHECK_EQ(ibv_modify_srq(srq, &limit, IBV_SRQ_LIMIT), 0);
	wr = send_wr(&sge, w.mr[0], 0);
	CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	CHECK(readable(w.ctx->async_fd, 5000));
	CHECK_EQ(ibv_get_async_event(w.ctx, &ev), 0);
	CHECK_EQ(ev.event_type, IBV_EVENT_SRQ_LIMIT_REACHED);
	CHECK(ev.element.srq == srq);
	CHECK(strstr(ibv_event_type_str(ev.event_type), "SRQ"));

	/* The other one stays unread, and goes with its queue pair. */
	CHECK_EQ(ibv_modify_qp(qp, &attr, IBV_QP_STATE), 0);
	CHECK(readable(w.ctx->async_fd, 5000));
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	CHECK(!readable(w.ctx->async_fd, 0));
	waiter.object = srq;
	CHECK_EQ(pthread_create(&waiter.thread, NULL, destroy_in_thread, &waiter), 0);
	usleep(50000);
	CHECK(!__atomic_load_n(&waiter.done, __ATOMIC_SEQ_CST));
	ibv_ack_async_event(&ev);
	CHECK_EQ(pthread_join(waiter.thread, NULL), 0);
	world_close(&w);
}

static void cq_overflow(void)
{
	struct world w;
	struct ibv_qp_init_attr init = {.cap = {16, 1, 1, 1, 0}, .qp_type = IBV_QPT_RC, .sq_sig_all = 1};
	struct ibv_cq *cq;
	struct ibv_async_event ev;
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct ibv_qp *qp;
	struct ibv_wc wc[16];
	int cqe;

	world_open(&w);
	cq = ibv_create_cq(w.ctx, 1, NULL, NULL, 0);
	cqe = cq->cqe;
	init.send_cq = init.recv_cq = cq;
	qp = ibv_create_qp(w.pd, &init);
	to_rts(&w, qp, qp->qp_num);
	wr = send_wr(&sge, w.mr[0], 8);
	wr.opcode = IBV_WR_RDMA_WRITE;
	wr.wr.rdma.remote_addr = (uintptr_t)w.buf[1];
	wr.wr.rdma.rkey = w.mr[1]->rkey;
	for (int i = 0; i <= cqe; i++)
		CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	CHECK_EQ(ibv_get_async_event(w.ctx, &ev), 0); /* blocks */
	CHECK_EQ(ev.event_type, IBV_EVENT_CQ_ERR);
	CHECK(ev.element.cq == cq);
	ibv_ack_async_event(&ev);
	CHECK_EQ(w.ctx->ops.poll_cq(cq, 16, wc), cqe);
	CHECK(w.ctx->ops.poll_cq(cq, 16, wc) < 0);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	CHECK_EQ(ibv_destroy_cq(cq), 0);
	world_close(&w);
}

/* What nobody has polled goes with a queue pair that is reset or destroyed; the others' stays. */
static void discarded_completions(void)
{
	struct world w;
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_ERR};
	struct ibv_wc wc;

	world_rc(&w);
	for (int i = 0; i < 4; i++)
		post_recv_ok(w.qp[i & 1], w.mr[0], (uint64_t)i);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(ibv_modify_qp(w.qp[i], &attr, IBV_QP_STATE), 0);
	attr.qp_state = IBV_QPS_RESET;
	CHECK_EQ(ibv_modify_qp(w.qp[0], &attr, IBV_QP_STATE), 0);
	wc = poll_one(w.cq);
	CHECK_EQ(wc.status, IBV_WC_WR_FLUSH_ERR);
	CHECK_EQ(wc.wr_id, 1);
	CHECK_EQ(ibv_destroy_qp(w.qp[1]), 0);
	w.qp[1] = NULL;
	CHECK_EQ(w.ctx->ops.poll_cq(w.cq, 1, &wc), 0);
	world_close(&w);
}

static void extended_queue(void)
{
	struct world w;
	struct ibv_cq_init_attr_ex attr = {.cqe = 16,
					   .wc_flags = 0x7f | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP |
						       IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK};
	struct ibv_qp_init_attr init = {.cap = {16, 16, 1, 1, 0}, .qp_type = IBV_QPT_RC};
	struct ibv_poll_cq_attr poll_attr = {0};
	struct ibv_values_ex before = {.comp_mask = 1}, after = {.comp_mask = 1};
	struct timespec wall;
	struct ibv_send_wr wr, *bad;
	struct ibv_cq_ex *cq;
	struct ibv_sge sge;
	struct ibv_qp *qp;
	uint64_t ts, last = 0;
	int err, n = 0;

	world_open(&w);
	cq = w.ex->create_cq_ex(w.ctx, &attr);
	CHECK(cq);
	init.send_cq = init.recv_cq = (struct ibv_cq *)cq;
	qp = ibv_create_qp(w.pd, &init);
	to_rts(&w, qp, qp->qp_num);
	CHECK_EQ(cq->start_poll(cq, &poll_attr), ENOENT);
	CHECK_EQ(cq->start_poll(cq, &(struct ibv_poll_cq_attr){1}), EINVAL);
	CHECK_EQ(w.ex->query_rt_values(w.ctx, &before), 0);
	wr = send_wr(&sge, w.mr[0], 100);
	wr.opcode = IBV_WR_SEND_WITH_IMM;
	wr.imm_data = htonl(0xdeadbeef);
	for (int i = 0; i < 3; i++) {
		wr.wr_id = (uint64_t)i;
		post_recv_ok(qp, w.mr[1], 100 + (uint64_t)i);
		CHECK_EQ(post_send_list(qp, &wr, &bad), 0);
	}
	while (n < 6) {
		err = cq->start_poll(cq, &poll_attr);
		if (err == ENOENT)
			continue;
		for (; !err; err = cq->next_poll(cq), n++) {
			CHECK_EQ(cq->status, IBV_WC_SUCCESS);
			CHECK_EQ(cq->read_qp_num(cq), qp->qp_num);
			ts = cq->read_completion_ts(cq);
			CHECK(ts >= last && ts >= (uint64_t)before.raw_clock.tv_nsec);
			last = ts;
			clock_gettime(CLOCK_REALTIME, &wall);
			ts = (uint64_t)wall.tv_sec * 1000000000ULL + (uint64_t)wall.tv_nsec;
			CHECK(cq->read_completion_wallclock_ns(cq) <= ts);
			CHECK(cq->read_completion_wallclock_ns(cq) + 10000000000ULL > ts);
			if (cq->wr_id >= 100) {
				CHECK_EQ(cq->read_opcode(cq), IBV_WC_RECV);
				CHECK_EQ(cq->read_byte_len(cq), 100);
				CHECK(cq->read_wc_flags(cq) & IBV_WC_WITH_IMM);
				CHECK_EQ(ntohl(cq->read_imm_data(cq)), 0xdeadbeef);
			} else {
				CHECK_EQ(cq->read_opcode(cq), IBV_WC_SEND);
			}
		}
		CHECK_EQ(err, ENOENT);
		cq->end_poll(cq);
	}
	CHECK_EQ(w.ex->query_rt_values(w.ctx, &after), 0);
	CHECK(last <= (uint64_t)after.raw_clock.tv_nsec);
	CHECK_EQ(ibv_destroy_qp(qp), 0);
	CHECK_EQ(ibv_destroy_cq((struct ibv_cq *)cq), 0);
	world_close(&w);
}

#define EVERY_OP (0x1fff & ~IBV_QP_EX_WITH_TSO)

static void extended_sends(void)
{
	struct world w;
	struct ibv_data_buf list[2] = {{(char[]){"hello "}, 6}, {(char[]){"world"}, 6}};
	struct ibv_qp_ex *q;
	struct ibv_sge sges[2];
	struct ibv_mw *mw;
	uint64_t word = 0x0123456789abcdef;
	uint64_t *remote;

	world_open(&w);
	for (int i = 0; i < 2; i++)
		w.qp[i] = new_qp_ex(&w, IBV_QPT_RC, EVERY_OP);
	for (int i = 0; i < 2; i++)
		to_rts(&w, w.qp[i], w.qp[!i]->qp_num);
	q = ibv_qp_to_qp_ex(w.qp[0]);
	remote = (uint64_t *)w.buf[1];

	/* One batch: what is built is posted together, in order, and data given inline may change at once. */
	q->wr_start(q);
	q->wr_flags = IBV_SEND_SIGNALED;
	q->wr_id = 1;
	q->wr_rdma_write(q, w.mr[1]->rkey, (uintptr_t)w.buf[1] + 64);
	q->wr_set_inline_data_list(q, 2, list);
	q->wr_id = 2;
	q->wr_atomic_write(q, w.mr[1]->rkey, (uintptr_t)w.buf[1], &word);
	q->wr_id = 3;
	q->wr_atomic_fetch_add(q, w.mr[1]->rkey, (uintptr_t)w.buf[1], 1);
	q->wr_set_sge(q, w.mr[0]->lkey, (uintptr_t)w.buf[0], 8);
	q->wr_id = 4;
	q->wr_atomic_cmp_swp(q, w.mr[1]->rkey, (uintptr_t)w.buf[1] + 8, 0, 77);
	q->wr_set_sge(q, w.mr[0]->lkey, (uintptr_t)w.buf[0] + 8, 8);
	q->wr_id = 5;
	q->wr_flush(q, w.mr[1]->rkey, (uintptr_t)w.buf[1], 64, 1, 0);
	q->wr_id = 6;
	q->wr_rdma_read(q, w.mr[1]->rkey, (uintptr_t)w.buf[1] + 64);
	sges[0] = (struct ibv_sge){(uintptr_t)w.buf[0] + 200, 6, w.mr[0]->lkey};
	sges[1] = (struct ibv_sge){(uintptr_t)w.buf[0] + 300, 6, w.mr[0]->lkey};
	q->wr_set_sge_list(q, 2, sges);
	memset(list[0].addr, 'x', 6);
	CHECK_EQ(q->wr_complete(q), 0);
	for (uint64_t id = 1; id <= 6; id++)
		CHECK_EQ(poll_ok(w.cq).wr_id, id);
	CHECK_EQ(remote[0], word + 1);
	CHECK_EQ(remote[1], 77);
	CHECK_EQ(*(uint64_t *)w.buf[0], word);
	CHECK(!memcmp(w.buf[1] + 64, "hello world", 12));
	CHECK(!memcmp(w.buf[0] + 200, "hello ", 6) && !memcmp(w.buf[0] + 300, "world", 6));

	/* The kinds of SEND, and windows. */
	mw = w.ctx->ops.alloc_mw(w.pd, IBV_MW_TYPE_2);
	CHECK(mw);
	post_recv_ok(w.qp[1], w.mr[1], 50);
	q->wr_start(q);
	q->wr_send_imm(q, htonl(42));
	q->wr_set_sge(q, w.mr[0]->lkey, (uintptr_t)w.buf[0], 16);
	CHECK_EQ(q->wr_complete(q), 0);
	for (int i = 0; i < 2; i++) {
		struct ibv_wc wc = poll_ok(w.cq);

		if (wc.opcode == IBV_WC_RECV)
			CHECK(wc.byte_len == 16 && wc.imm_data == htonl(42) && wc.wr_id == 50);
	}
	{
		struct ibv_qp_ex *peer = ibv_qp_to_qp_ex(w.qp[1]);
		struct ibv_mw_bind_info info = {w.mr[1], (uintptr_t)w.buf[1], 4096, IBV_ACCESS_REMOTE_WRITE};
		uint32_t rkey = (mw->rkey & ~0xffu) | ((mw->rkey + 1) & 0xff);

		peer->wr_start(peer);
		peer->wr_flags = IBV_SEND_SIGNALED;
		peer->wr_bind_mw(peer, mw, rkey, &info);
		CHECK_EQ(peer->wr_complete(peer), 0);
		CHECK_EQ(poll_ok(w.cq).opcode, IBV_WC_BIND_MW);
		q->wr_start(q);
		q->wr_rdma_write(q, rkey, (uintptr_t)w.buf[1]);
		q->wr_set_inline_data(q, "window", 7);
		CHECK_EQ(q->wr_complete(q), 0);
		poll_ok(w.cq);
		CHECK(!strcmp(w.buf[1], "window"));
		post_recv_ok(w.qp[1], w.mr[1], 51);
		q->wr_start(q);
		q->wr_send_inv(q, rkey);
		CHECK_EQ(q->wr_complete(q), 0);
		for (int i = 0; i < 2; i++) {
			struct ibv_wc wc = poll_ok(w.cq);

			if (wc.opcode == IBV_WC_RECV)
				CHECK(wc.wc_flags & IBV_WC_WITH_INV && wc.invalidated_rkey == rkey);
		}
	}
	CHECK_EQ(w.ctx->ops.dealloc_mw(mw), 0);
	world_close(&w);
}

static void extended_sends_refused(void)
{
	struct world w;
	struct ibv_qp_ex *q;
	struct ibv_wc wc;
	char big[256];

	world_open(&w);
	w.qp[0] = new_qp_ex(&w, IBV_QPT_RC, EVERY_OP);
	to_rts(&w, w.qp[0], w.qp[0]->qp_num);
	q = ibv_qp_to_qp_ex(w.qp[0]);
	q->wr_flags = IBV_SEND_SIGNALED;

	/* The first error is told at the end, and nothing was posted. */
	q->wr_start(q);
	q->wr_rdma_write(q, w.mr[1]->rkey, (uintptr_t)w.buf[1]);
	q->wr_set_inline_data(q, "posted?", 8);
	q->wr_send_tso(q, NULL, 0, 0);
	CHECK_EQ(q->wr_complete(q), EOPNOTSUPP);
	q->wr_start(q);
	q->wr_set_sge(q, 0, 0, 8); /* of no request */
	q->wr_send(q);
	CHECK_EQ(q->wr_complete(q), EINVAL);
	q->wr_start(q);
	q->wr_send(q);
	q->wr_set_inline_data(q, big, sizeof(big));
	CHECK_EQ(q->wr_complete(q), ENOMEM);
	q->wr_start(q);
	for (int i = 0; i < 4000; i++)
		q->wr_rdma_write(q, w.mr[1]->rkey, (uintptr_t)w.buf[1]);
	CHECK_EQ(q->wr_complete(q), ENOMEM);
	q->wr_start(q);
	q->wr_rdma_write(q, w.mr[1]->rkey, (uintptr_t)w.buf[1]);
	q->wr_abort(q);
	q->wr_start(q);
	CHECK_EQ(q->wr_complete(q), 0);
	usleep(20000);
	CHECK_EQ(w.ctx->ops.poll_cq(w.cq, 1, &wc), 0);
	CHECK_EQ(w.buf[1][0], 0);
	world_close(&w);
}

/* Is this machine a member of 239.12.0.1? */
static bool member(void)
{
	FILE *f = fopen("/proc/net/igmp", "r");
	char line[256];
	bool found = false;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, "01000CEF") != NULL;
	fclose(f);
	return found;
}

static void multicast(void)
{
	struct world w;
	union ibv_gid group = {.raw = {[10] = 0xff, [11] = 0xff, 239, 12, 0, 1}},
		      none = {.raw = {[10] = 0xff, [11] = 0xff, 10}};
	struct ibv_ah_attr attr = {.is_global = 1, .port_num = 1};
	struct ibv_send_wr wr, *bad;
	struct ibv_sge sge;
	struct ibv_ah *ah, *back;
	struct ibv_wc wc;
	struct ibv_qp *rc;

	world_open(&w);
	for (int i = 0; i < 2; i++) {
		w.qp[i] = new_qp(&w, IBV_QPT_UD);
		to_rts(&w, w.qp[i], 0);
	}
	rc = new_qp(&w, IBV_QPT_RC);
	CHECK_EQ(ibv_attach_mcast(rc, &group, 0), EINVAL);
	CHECK_EQ(ibv_attach_mcast(w.qp[1], &none, 0), EINVAL);
	CHECK_EQ(ibv_detach_mcast(w.qp[1], &group, 0), EINVAL);
	CHECK_EQ(ibv_attach_mcast(w.qp[1], &group, 0), 0);
	CHECK_EQ(ibv_attach_mcast(w.qp[1], &group, 0), 0);
	CHECK(member());
	CHECK_EQ(ibv_destroy_qp(rc), 0);
	memcpy(&attr.grh.dgid, &group, 16);
	attr.grh.hop_limit = 1;
	ah = ibv_create_ah(w.pd, &attr);
	CHECK(ah);
	post_recv_ok(w.qp[1], w.mr[1], 9);
	strcpy(w.buf[0], "to all");
	wr = send_wr(&sge, w.mr[0], 7);
	wr.wr.ud.ah = ah;
	wr.wr.ud.remote_qpn = 0xffffff;
	wr.wr.ud.remote_qkey = 0x1234;
	CHECK_EQ(post_send_list(w.qp[0], &wr, &bad), 0);
	do
		wc = poll_ok(w.cq);
	while (wc.opcode != IBV_WC_RECV);
	CHECK_EQ(wc.byte_len, 47);
	CHECK_EQ(wc.src_qp, w.qp[0]->qp_num);
	CHECK(wc.wc_flags & IBV_WC_GRH);
	CHECK(!strcmp(w.buf[1] + 40, "to all"));
	/* Who sent it can be answered. */
	back = ibv_create_ah_from_wc(w.pd, &wc, (struct ibv_grh *)w.buf[1], 1);
	CHECK(back);
	CHECK_EQ(ibv_destroy_ah(back), 0);
	CHECK_EQ(ibv_detach_mcast(w.qp[1], &group, 0), 0);
	CHECK_EQ(ibv_detach_mcast(w.qp[1], &group, 0), EINVAL);
	CHECK(!member()); /* once left, as often as it was attached */
	CHECK_EQ(ibv_attach_mcast(w.qp[0], &group, 0), 0);
	CHECK(member());
	CHECK_EQ(ibv_destroy_qp(w.qp[0]), 0); /* left attached: goes with the queue pair */
	w.qp[0] = NULL;
	CHECK(!member());
	CHECK_EQ(ibv_destroy_ah(ah), 0);
	world_close(&w);
}

/* Threads, each with a queue pair to itself, all on one completion queue that all poll. */
#define THREADS 4
#define ROUNDS  2000

struct crowd {
	struct world w;
	struct ibv_qp *qp[THREADS];
	int left[THREADS]; /* completions that the thread's queue pair still has outstanding */
	int total;
};

struct member {
	struct crowd *crowd;
	pthread_t thread;
	int i;
};

static void *post_and_poll(void *arg)
{
	struct member *m = arg;
	struct crowd *c = m->crowd;
	struct world *w = &c->w;
	int posted = 0;

	while (__atomic_load_n(&c->total, __ATOMIC_SEQ_CST) < THREADS * ROUNDS) {
		struct ibv_wc wc[8];
		int n = w->ctx->ops.poll_cq(w->cq, 8, wc);

		CHECK(n >= 0);
		for (int i = 0; i < n; i++) {
			CHECK_EQ(wc[i].status, IBV_WC_SUCCESS);
			__atomic_sub_fetch(&c->left[wc[i].wr_id], 1, __ATOMIC_SEQ_CST);
		}
		__atomic_add_fetch(&c->total, n, __ATOMIC_SEQ_CST);
		if (posted < ROUNDS && __atomic_load_n(&c->left[m->i], __ATOMIC_SEQ_CST) < 16) {
			struct ibv_sge sge;
			struct ibv_send_wr wr = send_wr(&sge, w->mr[0], 512), *bad;

			wr.wr_id = (uint64_t)m->i;
			wr.opcode = IBV_WR_RDMA_WRITE;
			wr.wr.rdma.remote_addr = (uintptr_t)w->buf[1] + 4096 * (unsigned)m->i;
			wr.wr.rdma.rkey = w->mr[1]->rkey;
			__atomic_add_fetch(&c->left[m->i], 1, __ATOMIC_SEQ_CST);
			CHECK_EQ(post_send_list(c->qp[m->i], &wr, &bad), 0);
			posted++;
		}
	}
	return NULL;
}

static void threads(void)
{
	static struct crowd c;
	struct member members[THREADS];

	world_open(&c.w);
	for (int i = 0; i < THREADS; i++) {
		c.qp[i] = new_qp(&c.w, IBV_QPT_RC);
		to_rts(&c.w, c.qp[i], c.qp[i]->qp_num);
	}
	for (int i = 0; i < THREADS; i++) {
		members[i] = (struct member){.crowd = &c, .i = i};
		CHECK_EQ(pthread_create(&members[i].thread, NULL, post_and_poll, &members[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(members[i].thread, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(c.left[i], 0);
		CHECK_EQ(ibv_destroy_qp(c.qp[i]), 0);
	}
	world_close(&c.w);
}

const struct check flow_checks[] = {
	{"completion_events", completion_events},
	{"async_events", async_events},
	{"cq_overflow", cq_overflow},
	{"discarded_completions", discarded_completions},
	{"extended_queue", extended_queue},
	{"extended_sends", extended_sends},
	{"extended_sends_refused", extended_sends_refused},
	{"multicast", multicast},
	{"threads", threads},
	{NULL, NULL},
};
