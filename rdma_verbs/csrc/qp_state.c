/*
 * The QP state machine as data: which transitions exist for which service, which attributes each must have
 * and may have (IBTA vol 1, table 91 in 11.2.5.2; RoCE has no alternate path and one port).
 */
#include "rdma_verbs/csrc/engine.h"

/* XI, XT: initiator and target of XRC, each with the attributes of its half of RC (A14). */
enum { RC, UC, UD, XI, XT, NTYPES };

static const uint8_t column[] = {
	[ROCE_QPT_RC] = RC, [ROCE_QPT_UC] = UC, [ROCE_QPT_UD] = UD, [ROCE_QPT_XRC_SEND] = XI, [ROCE_QPT_XRC_RECV] = XT};

#define A_INIT    (ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS)
#define A_INIT_UD (ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_QKEY)
#define A_RTR_UC  (ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN)
#define A_RTR_RC  (A_RTR_UC | ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER)
#define A_RTS_RC  (ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY | ROCE_QP_SQ_PSN | ROCE_QP_MAX_QP_RD_ATOMIC)
#define A_RTS_OPT (ROCE_QP_CUR_STATE | ROCE_QP_ACCESS_FLAGS)
#define A_RTS_OPT_RC (A_RTS_OPT | ROCE_QP_MIN_RNR_TIMER)
#define A_RTS_OPT_UD (ROCE_QP_CUR_STATE | ROCE_QP_QKEY)
#define A_SQD_UC     (ROCE_QP_AV | ROCE_QP_ACCESS_FLAGS | ROCE_QP_PKEY_INDEX)
#define A_SQD_XI \
	(A_SQD_UC | ROCE_QP_PORT | ROCE_QP_TIMEOUT | ROCE_QP_RETRY_CNT | ROCE_QP_RNR_RETRY | ROCE_QP_MAX_QP_RD_ATOMIC)
#define A_SQD_XT     (A_SQD_UC | ROCE_QP_PORT | ROCE_QP_TIMEOUT | ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER)
#define A_SQD_RC     (A_SQD_XI | A_SQD_XT)
#define A_RTS_XT     (ROCE_QP_SQ_PSN | ROCE_QP_TIMEOUT)
#define A_RTR_OPT    (ROCE_QP_ACCESS_FLAGS | ROCE_QP_PKEY_INDEX)
#define A_RTR_OPT_UD (ROCE_QP_PKEY_INDEX | ROCE_QP_QKEY)
/* Not IBTA's: as Linux has it for the services that can be paced, here all that send. */
#define A_PACED(attrs) ((attrs) | ROCE_QP_RATE_LIMIT)

struct transition {
	bool valid;
	uint32_t required[NTYPES], optional[NTYPES];
};

#define NONE      {0, 0, 0, 0, 0}
#define ALL(mask) {(mask), (mask), (mask), (mask), (mask)}
/* By RC, UC, UD, XI, XT. */
#define C_INIT    {A_INIT, A_INIT, A_INIT_UD, A_INIT, A_INIT}
#define C_RTS_OPT {A_RTS_OPT_RC, A_RTS_OPT, A_RTS_OPT_UD, A_RTS_OPT, A_RTS_OPT_RC}

#define C_RTS_PACED \
	{A_PACED(A_RTS_OPT_RC), A_PACED(A_RTS_OPT), A_PACED(A_RTS_OPT_UD), A_PACED(A_RTS_OPT), A_PACED(A_RTS_OPT_RC)}

/* clang-format off */
/* Any state to RESET and to ERR is always possible and takes no attribute. */
static const struct transition table[ROCE_QPS_COUNT][ROCE_QPS_COUNT] = {
	[ROCE_QPS_RESET][ROCE_QPS_INIT] = {true, C_INIT, NONE},
	[ROCE_QPS_INIT][ROCE_QPS_INIT] = {true, NONE, C_INIT},
	[ROCE_QPS_INIT][ROCE_QPS_RTR] = {true, {A_RTR_RC, A_RTR_UC, 0, A_RTR_UC, A_RTR_RC},
					 {A_RTR_OPT, A_RTR_OPT, A_RTR_OPT_UD, A_RTR_OPT, A_RTR_OPT}},
	[ROCE_QPS_RTR][ROCE_QPS_RTS] = {true, {A_RTS_RC, ROCE_QP_SQ_PSN, ROCE_QP_SQ_PSN, A_RTS_RC, A_RTS_XT},
					C_RTS_PACED},
	[ROCE_QPS_RTS][ROCE_QPS_RTS] = {true, NONE, C_RTS_PACED},
	[ROCE_QPS_RTS][ROCE_QPS_SQD] = {true, NONE, ALL(ROCE_QP_EN_SQD_ASYNC_NOTIFY)},
	[ROCE_QPS_SQD][ROCE_QPS_RTS] = {true, NONE, C_RTS_OPT},
	[ROCE_QPS_SQD][ROCE_QPS_SQD] = {true, NONE, {A_SQD_RC, A_SQD_UC, A_RTR_OPT_UD, A_SQD_XI, A_SQD_XT}},
	/* A reliable QP never is in SQE. */
	[ROCE_QPS_SQE][ROCE_QPS_RTS] = {true, NONE, {0, A_RTS_OPT, A_RTS_OPT_UD, 0, 0}},
};
/* clang-format on */

static const char *const state_names[] = {"RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR"};

const char *roce_qp_state_name(uint32_t state)
{
	return state < DP_ARRAY_SIZE(state_names) ? state_names[state] : "?";
}

static const struct {
	uint32_t bit;
	const char *name;
} attr_names[] = {
	{ROCE_QP_CUR_STATE, "CUR_STATE"},
	{ROCE_QP_EN_SQD_ASYNC_NOTIFY, "EN_SQD_ASYNC_NOTIFY"},
	{ROCE_QP_ACCESS_FLAGS, "ACCESS_FLAGS"},
	{ROCE_QP_PKEY_INDEX, "PKEY_INDEX"},
	{ROCE_QP_PORT, "PORT"},
	{ROCE_QP_QKEY, "QKEY"},
	{ROCE_QP_AV, "AV"},
	{ROCE_QP_PATH_MTU, "PATH_MTU"},
	{ROCE_QP_TIMEOUT, "TIMEOUT"},
	{ROCE_QP_RETRY_CNT, "RETRY_CNT"},
	{ROCE_QP_RNR_RETRY, "RNR_RETRY"},
	{ROCE_QP_RQ_PSN, "RQ_PSN"},
	{ROCE_QP_MAX_QP_RD_ATOMIC, "MAX_QP_RD_ATOMIC"},
	{ROCE_QP_ALT_PATH, "ALT_PATH"},
	{ROCE_QP_MIN_RNR_TIMER, "MIN_RNR_TIMER"},
	{ROCE_QP_SQ_PSN, "SQ_PSN"},
	{ROCE_QP_MAX_DEST_RD_ATOMIC, "MAX_DEST_RD_ATOMIC"},
	{ROCE_QP_PATH_MIG_STATE, "PATH_MIG_STATE"},
	{ROCE_QP_CAP, "CAP"},
	{ROCE_QP_DEST_QPN, "DEST_QPN"},
	{ROCE_QP_RATE_LIMIT, "RATE_LIMIT"},
};

/* The lowest attribute of a mask, for messages. */
static const char *attr_name(uint32_t mask)
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(attr_names); i++)
		if (mask & attr_names[i].bit)
			return attr_names[i].name;
	return "unknown";
}

static int check_mask(struct roce_qp *qp, uint32_t to, uint32_t mask)
{
	const struct transition *t = &table[qp->state][to];
	int type = column[qp->type];
	uint32_t required = 0, optional = 0, missing, extra;

	if (mask & (ROCE_QP_ALT_PATH | ROCE_QP_PATH_MIG_STATE))
		return roce_fail(qp->dev, -EOPNOTSUPP, "QP %u: attribute %s: RoCE has no path migration", qp->qpn,
				 attr_name(mask & (ROCE_QP_ALT_PATH | ROCE_QP_PATH_MIG_STATE)));
	if (mask & ROCE_QP_CAP)
		return roce_fail(qp->dev, -EOPNOTSUPP, "QP %u: attribute CAP is not supported", qp->qpn);
	if (to != ROCE_QPS_RESET && to != ROCE_QPS_ERR) {
		if (!t->valid || (qp->reliable && qp->state == ROCE_QPS_SQE))
			return roce_fail(qp->dev, -EINVAL, "QP %u: no transition from %s to %s", qp->qpn,
					 roce_qp_state_name(qp->state), roce_qp_state_name(to));
		required = t->required[type];
		optional = t->optional[type];
	}
	missing = required & ~mask;
	extra = mask & ~(required | optional | ROCE_QP_STATE);
	/* CUR_STATE is a promise about the present, harmless wherever it is true. */
	extra &= ~(uint32_t)ROCE_QP_CUR_STATE;
	if (missing)
		return roce_fail(qp->dev, -EINVAL, "QP %u: %s to %s needs attribute %s", qp->qpn,
				 roce_qp_state_name(qp->state), roce_qp_state_name(to), attr_name(missing));
	if (extra)
		return roce_fail(qp->dev, -EINVAL, "QP %u: %s to %s does not take attribute %s", qp->qpn,
				 roce_qp_state_name(qp->state), roce_qp_state_name(to), attr_name(extra));
	return 0;
}

#define CHECK_MAX(bit, field, max) \
	do { \
		if ((mask & (bit)) && attr->field > (max)) \
			return roce_fail(qp->dev, -EINVAL, "QP %u: " #field " %u exceeds %u", qp->qpn, \
					 (unsigned)attr->field, (unsigned)(max)); \
	} while (0)

int roce_qp_state_check(struct roce_qp *qp, const struct roce_qp_attr *attr, uint32_t mask)
{
	uint32_t to = mask & ROCE_QP_STATE ? attr->qp_state : qp->state;
	const uint32_t access = ROCE_ACCESS_LOCAL_WRITE | ROCE_ACCESS_REMOTE_WRITE | ROCE_ACCESS_REMOTE_READ |
				ROCE_ACCESS_REMOTE_ATOMIC | ROCE_ACCESS_FLUSH_GLOBAL | ROCE_ACCESS_FLUSH_PERSISTENT;
	int err;

	if (to >= ROCE_QPS_SQE && to != ROCE_QPS_ERR)
		return roce_fail(qp->dev, -EINVAL, "QP %u: qp_state %u cannot be asked for", qp->qpn, to);
	if ((mask & ROCE_QP_CUR_STATE) && attr->cur_qp_state != qp->state)
		return roce_fail(qp->dev, -EINVAL, "QP %u: cur_qp_state %s, it is in %s", qp->qpn,
				 roce_qp_state_name(attr->cur_qp_state), roce_qp_state_name(qp->state));
	err = check_mask(qp, to, mask);
	if (err)
		return err;
	CHECK_MAX(ROCE_QP_PKEY_INDEX, pkey_index, 0);
	CHECK_MAX(ROCE_QP_PATH_MTU, path_mtu, qp->dev->cfg.max_mtu);
	CHECK_MAX(ROCE_QP_TIMEOUT, timeout, 31);
	CHECK_MAX(ROCE_QP_RETRY_CNT, retry_cnt, 7);
	CHECK_MAX(ROCE_QP_RNR_RETRY, rnr_retry, 7);
	CHECK_MAX(ROCE_QP_MIN_RNR_TIMER, min_rnr_timer, 31);
	CHECK_MAX(ROCE_QP_RQ_PSN, rq_psn, ROCE_PSN_MASK);
	CHECK_MAX(ROCE_QP_SQ_PSN, sq_psn, ROCE_PSN_MASK);
	CHECK_MAX(ROCE_QP_DEST_QPN, dest_qp_num, ROCE_QPN_MASK);
	CHECK_MAX(ROCE_QP_MAX_QP_RD_ATOMIC, max_rd_atomic, qp->dev->cfg.max_rd_atomic);
	CHECK_MAX(ROCE_QP_MAX_DEST_RD_ATOMIC, max_dest_rd_atomic, qp->dev->cfg.max_rd_atomic);
	if ((mask & ROCE_QP_PATH_MTU) && attr->path_mtu < ROCE_MTU_256)
		return roce_fail(qp->dev, -EINVAL, "QP %u: path_mtu %u is below 1 (256 bytes)", qp->qpn,
				 attr->path_mtu);
	if ((mask & ROCE_QP_PORT) && attr->port_num != 1)
		return roce_fail(qp->dev, -EINVAL, "QP %u: port_num %u, the device has port 1 only", qp->qpn,
				 attr->port_num);
	if ((mask & ROCE_QP_ACCESS_FLAGS) && (attr->qp_access_flags & ~access))
		return roce_fail(qp->dev, -EINVAL, "QP %u: qp_access_flags %#x hold unknown bits %#x", qp->qpn,
				 attr->qp_access_flags, attr->qp_access_flags & ~access);
	return 0;
}

/* RNR NAK timer field, IBTA vol 1, table 45: hundredths of a millisecond. */
static const uint32_t rnr_timer[32] = {
	65536, 1,   2,   3,   4,    6,    8,    12,   16,   24,   32,   48,    64,    96,    128,   192,
	256,   384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152,
};

uint64_t roce_rnr_timer_ps(uint8_t code)
{
	return rnr_timer[code & 31] * 10 * DP_US;
}

/* Local ACK Timeout: 4.096 us * 2^code (IBTA vol 1, 9.7.6.1.3); 0 switches the timer off. */
uint64_t roce_timeout_ps(uint8_t code)
{
	return code ? 4096 * DP_NS << code : DP_NEVER;
}
