/* What the measuring programs share: clocks, connected queue pairs, JSON. A failure ends the program: no figure. */
#ifndef DPU_TESTS_BENCH_H
#define DPU_TESTS_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "rdma_verbs/csrc/device.h"

#define MUST(x) \
	do { \
		if (!(x)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			exit(1); \
		} \
	} while (0)

/* CPU seconds of this thread: on a machine that others use, too, the wall clock says nothing. */
static inline double thread_cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* CPU seconds of this process, user and system, all threads. */
static inline double process_cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static inline double wall_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ::ffff:127.b.c.d */
static inline struct roce_gid bench_gid(unsigned int b, unsigned int c, unsigned int d)
{
	return (struct roce_gid){{[10] = 0xff, 0xff, 127, (uint8_t)b, (uint8_t)c, (uint8_t)d}};
}

/* RESET to RTS, reliable connected, path MTU 4096, first PSN 1 on both sides. */
static inline void bench_connect(struct roce_qp *qp, struct roce_gid dgid, uint32_t dqpn, uint8_t rd_atomic)
{
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_INIT,
				    .port_num = 1,
				    .qp_access_flags = ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ,
				    .path_mtu = ROCE_MTU_4096,
				    .rq_psn = 1,
				    .sq_psn = 1,
				    .dest_qp_num = dqpn,
				    .max_rd_atomic = rd_atomic,
				    .max_dest_rd_atomic = rd_atomic,
				    .min_rnr_timer = 5,
				    .timeout = 16,
				    .retry_cnt = 7,
				    .rnr_retry = 7,
				    .ah = {.dgid = dgid, .port_num = 1}};

	MUST(!roce_qp_modify(qp, &attr, ROCE_QP_STATE | ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS));
	attr.qp_state = ROCE_QPS_RTR;
	MUST(!roce_qp_modify(qp, &attr,
			     ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN |
				     ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER));
	attr.qp_state = ROCE_QPS_RTS;
	MUST(!roce_qp_modify(qp, &attr,
			     ROCE_QP_STATE | ROCE_QP_SQ_PSN | ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY |
				     ROCE_QP_MAX_QP_RD_ATOMIC));
}

#endif
