/* What tests of the live driver share: reliable connected queue pairs from RESET to RTS. With the device's lock held. */
#ifndef DPU_TESTS_LIVE_UTIL_H
#define DPU_TESTS_LIVE_UTIL_H

#include "rdma_verbs/csrc/verbs.h"
#include "tests/c/check.h"

/* ::ffff:10.0.0.d */
static inline struct roce_gid test_gid(unsigned int d)
{
	return (struct roce_gid){{[10] = 0xff, 0xff, 10, 0, 0, (uint8_t)d}};
}

static inline int rc_to_init(struct roce_qp *qp)
{
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_INIT,
				    .port_num = 1,
				    .qp_access_flags = ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ};

	return roce_qp_modify(qp, &attr, ROCE_QP_STATE | ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS);
}

/* First PSN 1 on both sides, path MTU 4096, retries for ever as far as the receiver is not ready. */
static inline int rc_init_to_rts(struct roce_qp *qp, struct roce_gid dgid, uint32_t dqpn)
{
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_RTR,
				    .path_mtu = ROCE_MTU_4096,
				    .rq_psn = 1,
				    .sq_psn = 1,
				    .dest_qp_num = dqpn,
				    .max_rd_atomic = 4,
				    .max_dest_rd_atomic = 4,
				    .min_rnr_timer = 5,
				    .timeout = 16,
				    .retry_cnt = 7,
				    .rnr_retry = 7,
				    .ah = {.dgid = dgid, .port_num = 1}};
	int err = roce_qp_modify(qp, &attr,
				 ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN |
					 ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER);

	attr.qp_state = ROCE_QPS_RTS;
	return err ? err
		   : roce_qp_modify(qp, &attr,
				    ROCE_QP_STATE | ROCE_QP_SQ_PSN | ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT |
					    ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC);
}

#endif
