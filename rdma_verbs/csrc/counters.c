/* The names of the counters, in the order of the structures, and where they are kept. */
#include "rdma_verbs/csrc/counters.h"

#include <stdlib.h>

#include "datapath/csrc/node_shm.h"
#include "rdma_verbs/csrc/engine.h"

#define PRIO(n) \
	"tx_prio" #n "_bytes", "tx_prio" #n "_packets", "rx_prio" #n "_bytes", "rx_prio" #n "_packets", \
		"rx_prio" #n "_pause", "rx_prio" #n "_pause_duration", "rx_prio" #n "_pause_transition"

static const char *const names[] = {
	"sent_pkts",
	"rcvd_pkts",
	"duplicate_request",
	"out_of_seq_request",
	"rcvd_rnr_err",
	"send_rnr_err",
	"rcvd_seq_err",
	"ack_deferred",
	"retry_exceeded_err",
	"retry_rnr_exceeded_err",
	"completer_retry_err",
	"send_err",
	"link_downed",
	"rdma_sends",
	"rdma_recvs",
	"sent_bytes",
	"rcvd_bytes",
	"retransmitted_pkts",
	"timeouts",
	"sent_acks",
	"sent_naks",
	"rcvd_acks",
	"rcvd_naks",
	"icrc_id_solved",
	"implied_nak_seq_err",
	"np_cnp_sent",
	"np_ecn_marked_roce_packets",
	"rp_cnp_handled",
	"rp_cnp_ignored",
	"rx_write_requests",
	"rx_read_requests",
	"rx_atomic_requests",
	"out_of_buffer",
	"req_cqe_error",
	"req_cqe_flush_error",
	"req_remote_access_errors",
	"req_remote_invalid_request",
	"resp_cqe_error",
	"resp_cqe_flush_error",
	"resp_local_length_error",
	"resp_remote_access_errors",
	"roce_adp_retrans",
	"roce_adp_retrans_to",
	"multicast_xmit_packets",
	"multicast_rcv_packets",
	"check_messages",
	"check_mismatches",
	"check_unknown",
	"check_changed",
	PRIO(0),
	PRIO(1),
	PRIO(2),
	PRIO(3),
	PRIO(4),
	PRIO(5),
	PRIO(6),
	PRIO(7),
};

static const char *const qp_names[] = {
	"sent_pkts",
	"rcvd_pkts",
	"sent_bytes",
	"rcvd_bytes",
	"retransmitted_pkts",
	"timeouts",
	"rcvd_seq_err",
	"rcvd_rnr_err",
	"implied_nak_seq_err",
	"duplicate_request",
	"out_of_seq_request",
	"out_of_buffer",
	"rx_write_requests",
	"rx_read_requests",
	"rx_atomic_requests",
	"req_cqe_error",
	"req_cqe_flush_error",
	"req_remote_access_errors",
	"req_remote_invalid_request",
	"resp_cqe_error",
	"resp_cqe_flush_error",
	"resp_local_length_error",
	"resp_remote_access_errors",
	"roce_adp_retrans",
	"roce_adp_retrans_to",
};

/* mlx5's name for what rdma_rxe or we have counted under another one. */
static const struct {
	const char *name, *of;
} aliases[] = {
	{"out_of_sequence", "out_of_seq_request"}, {"packet_seq_err", "rcvd_seq_err"},
	{"rnr_nak_retry_err", "rcvd_rnr_err"},     {"local_ack_timeout_err", "timeouts"},
	{"rx_icrc_encapsulated", "drop_bad_icrc"},
};

_Static_assert(offsetof(struct roce_counters, drops) == DP_ARRAY_SIZE(names) * sizeof(uint64_t),
	       "a counter without a name");
_Static_assert(sizeof(struct roce_qp_counters) == (DP_ARRAY_SIZE(qp_names) + 1) * sizeof(uint64_t),
	       "a counter of a QP without a name");
_Static_assert(ROCE_DROP_COUNT <= DP_ARRAY_SIZE(((struct roce_counters *)0)->drops), "more drop reasons than counters");

_Static_assert(sizeof(struct roce_counters) <= sizeof(((struct dp_node_slot *)0)->counters),
	       "the counters do not fit a slot of the node's shared memory");
_Static_assert(sizeof(struct roce_qp_counters) == sizeof(((struct dp_node_slot *)0)->qps[0]),
	       "the rows of the node's shared memory are of another size");

int roce_counter_count(void)
{
	return (int)DP_ARRAY_SIZE(names) + ROCE_DROP_COUNT;
}

const char *roce_counter_name(int i)
{
	if (i < 0 || i >= roce_counter_count())
		return NULL;
	return i < (int)DP_ARRAY_SIZE(names) ? names[i]
					     : roce_drop_name((enum roce_drop)(i - (int)DP_ARRAY_SIZE(names)));
}

int roce_qp_counter_count(void)
{
	return (int)DP_ARRAY_SIZE(qp_names);
}

const char *roce_qp_counter_name(int i)
{
	return i >= 0 && i < (int)DP_ARRAY_SIZE(qp_names) ? qp_names[i] : NULL;
}

const char *roce_counter_alias(int i, const char **of)
{
	if (i < 0 || i >= (int)DP_ARRAY_SIZE(aliases))
		return NULL;
	*of = aliases[i].of;
	return aliases[i].name;
}

struct roce_counters *roce_dev_counters(struct roce_dev *dev)
{
	return dev->ctr;
}

void roce_dev_set_counters(struct roce_dev *dev, struct roce_counters *where, struct roce_qp_counters *rows, uint32_t n)
{
	if (!where)
		where = &dev->more->ctr;
	if (where != dev->ctr)
		*where = *dev->ctr;
	dev->ctr = where;
	dev->qp_rows = rows;
	dev->qp_rows_room = rows ? n : 0;
	dev->qp_rows_used = 0;
}

/* A row of the shared table if one is free, so that others see the QP. */
void roce_qp_counters_take(struct roce_qp *qp)
{
	struct roce_dev *dev = qp->dev;
	struct roce_qp_counters *row = dev->qp_rows;

	if (dev->qp_rows_used == dev->qp_rows_room)
		return;
	while (row->qpn)
		row++;
	dev->qp_rows_used++;
	memset(row, 0, sizeof(*row));
	/* A reader that sees the number sees what belongs to it. */
	__atomic_store_n(&row->qpn, qp->qpn, __ATOMIC_RELEASE);
	qp->ctr = row;
}

/* Memory of its own when there is something to count: idle queue pairs by the hundred thousand need none. */
struct roce_qp_counters *roce_qp_counters_begin(struct roce_qp *qp)
{
	if (!qp->dev->own_pool)
		return qp->ctr = &qp->dev->more->qp_ctr;
	qp->ctr = calloc(1, sizeof(*qp->ctr));
	return qp->ctr ? qp->ctr : &qp->dev->more->qp_ctr;
}

void roce_qp_counters_give(struct roce_qp *qp)
{
	struct roce_dev *dev = qp->dev;
	struct roce_qp_counters *row = qp->ctr;

	qp->ctr = NULL;
	if (row == &dev->more->qp_ctr)
		return;
	if (!row || !dev->qp_rows || row < dev->qp_rows || row >= dev->qp_rows + dev->qp_rows_room) {
		free(row);
		return;
	}
	__atomic_store_n(&row->qpn, 0, __ATOMIC_RELEASE);
	dev->qp_rows_used--;
}

void roce_qp_counters(const struct roce_qp *qp, struct roce_qp_counters *out)
{
	if (qp->ctr)
		*out = *qp->ctr;
	else
		memset(out, 0, sizeof(*out));
	out->qpn = qp->qpn;
}
