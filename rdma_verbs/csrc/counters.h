/*
 * What a device and its queue pairs count. Each is one word; the names are data in counters.c, where one counter may
 * have a second name, of another family (Linux's rdma_rxe and mlx5). docs/counters.md says what each means.
 *
 * A counter is in memory that others may read at any time: only whole words are written, and they only grow.
 */
#ifndef ROCE_COUNTERS_H
#define ROCE_COUNTERS_H

#include "datapath/csrc/base.h"

#define ROCE_PRIOS 8

/* cffi: begin */
/* Of one priority; names as mlx5's ethtool has them, e.g. tx_prio3_bytes. */
struct roce_prio_counters {
	uint64_t tx_bytes, tx_packets, rx_bytes, rx_packets; /* bytes from the IP header on */
	uint64_t rx_pause, rx_pause_duration, rx_pause_transition;
};

struct roce_counters {
	/* Names of Linux's rdma_rxe as `rdma statistic` prints them. */
	uint64_t sent_pkts, rcvd_pkts, duplicate_request, out_of_seq_request, rcvd_rnr_err, send_rnr_err, rcvd_seq_err,
		ack_deferred, retry_exceeded_err, retry_rnr_exceeded_err, completer_retry_err, send_err, link_downed,
		rdma_sends, rdma_recvs;
	/* Ours. */
	uint64_t sent_bytes, rcvd_bytes; /* payload */
	uint64_t retransmitted_pkts;     /* request packets sent again */
	uint64_t timeouts;               /* transport timer expired */
	uint64_t sent_acks, sent_naks, rcvd_acks, rcvd_naks;
	uint64_t icrc_id_solved; /* received, identification found by solving the CRC */
	/* mlx5's, but rp_cnp_ignored, which here are CNPs that no algorithm of ours wanted. */
	uint64_t implied_nak_seq_err, np_cnp_sent, np_ecn_marked_roce_packets, rp_cnp_handled, rp_cnp_ignored;
	uint64_t rx_write_requests, rx_read_requests, rx_atomic_requests, out_of_buffer;
	uint64_t req_cqe_error, req_cqe_flush_error, req_remote_access_errors, req_remote_invalid_request;
	uint64_t resp_cqe_error, resp_cqe_flush_error, resp_local_length_error, resp_remote_access_errors;
	uint64_t roce_adp_retrans, roce_adp_retrans_to;
	uint64_t multicast_xmit_packets, multicast_rcv_packets; /* Linux's port counters */
	/* Ours, of a device that checks (check.c). */
	uint64_t check_messages, check_mismatches, check_unknown, check_changed;
	struct roce_prio_counters prio[8];
	uint64_t drops[32]; /* by enum roce_drop */
};

/* Of one queue pair: what `rdma statistic qp` tells on mlx5, and its traffic. Same names as the device's. */
struct roce_qp_counters {
	uint64_t qpn; /* whose; 0: nobody's */
	uint64_t sent_pkts, rcvd_pkts, sent_bytes, rcvd_bytes, retransmitted_pkts;
	uint64_t timeouts, rcvd_seq_err, rcvd_rnr_err, implied_nak_seq_err;
	uint64_t duplicate_request, out_of_seq_request, out_of_buffer;
	uint64_t rx_write_requests, rx_read_requests, rx_atomic_requests;
	uint64_t req_cqe_error, req_cqe_flush_error, req_remote_access_errors, req_remote_invalid_request;
	uint64_t resp_cqe_error, resp_cqe_flush_error, resp_local_length_error, resp_remote_access_errors;
	uint64_t roce_adp_retrans, roce_adp_retrans_to;
};

int roce_counter_count(void); /* words of struct roce_counters that have a name */
const char *roce_counter_name(int i);
int roce_qp_counter_count(void); /* words of struct roce_qp_counters behind the first */
const char *roce_qp_counter_name(int i);
/* Second names: the i-th one, and in *of the counter's own; NULL: no more. */
const char *roce_counter_alias(int i, const char **of);
/* cffi: end */

#endif
