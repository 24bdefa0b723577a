/* Names of the counters, in the order of struct roce_counters. */
#include "datapath/csrc/node_shm.h"
#include "rdma_verbs/csrc/engine.h"

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
	"implied_nak_seq_err",
	"icrc_id_solved",
	"np_cnp_sent",
	"np_ecn_marked_roce_packets",
	"rp_cnp_handled",
	"rp_cnp_ignored",
};

_Static_assert(offsetof(struct roce_counters, drops) == sizeof(names) / sizeof(names[0]) * sizeof(uint64_t),
	       "a counter without a name");
_Static_assert(ROCE_DROP_COUNT <= DP_ARRAY_SIZE(((struct roce_counters *)0)->drops), "more drop reasons than counters");

_Static_assert(sizeof(struct roce_counters) <= sizeof(((struct dp_node_slot *)0)->counters),
	       "the counters do not fit a slot of the node's shared memory");

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
