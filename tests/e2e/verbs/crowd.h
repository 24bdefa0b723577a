/*
 * A member of a crowd (crowd.c): one process with queue pairs to partners that a test names on its stdin. Messages carry who
 * sent what to whom as which number, so that one that is lost, doubled, late or somebody else's is seen by its receiver.
 */
#ifndef CROWD_H
#define CROWD_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT     16384u /* bytes of a message at most, and of a place for one */
#define SQ       64u    /* requests outstanding */
#define RQ       48u    /* receives posted: more than what may be under way */
#define WINDOW   16u    /* messages that the partner has not told to have checked */
#define UD_BYTES 900u   /* within the path MTU */
#define GRH      40u
#define CONNS    64
#define STATUSES 32

enum kind { DATA, WROTE, ACK, SYNC };
enum op { OP_SEND, OP_SEND_IMM, OP_WRITE, OP_WRITE_IMM, OP_READ, OP_FAA, OP_CAS, OP_PROBE, OPS };

struct msg {
	uint64_t sum; /* of all behind it, payload included */
	uint32_t sender, sender_qpn, to, to_qpn;
	uint32_t kind, bytes; /* bytes: payload here (DATA) or in the landing place (WROTE) */
	uint64_t number;      /* of this message: all kinds */
	uint64_t seq;         /* of DATA and WROTE */
	uint64_t acked;       /* how many DATA and WROTE of yours I have checked */
	uint64_t sync, echo;  /* unreliable services: how far you have come for sure */
};

struct out {
	enum op op;
	bool signaled;
	uint64_t expect; /* what an atomic must return; of a READ: where it began */
	uint32_t bytes;
};

struct conn {
	bool used, going, quiet, own_cq, held, failed, told;
	char key[32];
	enum ibv_qp_type type;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_ah *ah;
	struct ibv_mr *mr;
	uint8_t *arena;
	size_t arena_bytes, big_bytes;
	uint32_t generation, psn, rnr_retry, recvs, gap_us;
	/* the partner */
	uint32_t partner, rqpn, rkey;
	uint64_t raddr;
	/* requests */
	struct out out[SQ];
	uint64_t posted, retired;
	uint64_t recv_posted, recv_done;
	/* messages */
	uint64_t tx_number, rx_number, tx_seq, rx_seq, peer_acked, told_acked;
	uint64_t sync, sync_seq, peer_sync, sync_told;
	uint64_t faas, cas, rounds;
	uint64_t next_ns, last_ns, failed_ns, rng;
	/* what came of it */
	uint64_t ops[OPS], got, gaps, wrong;
	char why[160]; /* the first wrong thing */
	uint32_t first_send, first_recv;
	uint64_t send_status[STATUSES], recv_status[STATUSES];
};

struct member {
	uint32_t id, timeout, retry;
	bool events;
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_comp_channel *channel;
	union ibv_gid gid;
	struct conn conns[CONNS];
	uint64_t foreign; /* completions of queue pairs that are gone */
	uint64_t async[64];
	uint64_t rng;
};

/* crowd_msg.c */
uint64_t now_ns(void);
uint64_t draw(uint64_t *state);
void wrong(struct conn *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fill(void *to, size_t bytes, uint32_t sender, uint32_t qpn, uint64_t seq);
bool start_some(struct member *m, struct conn *c); /* true: it posted something */
void completed(struct member *m, struct conn *c, const struct ibv_wc *wc);
int post_receive(struct member *m, struct conn *c);
uint8_t *landing(struct conn *c, uint64_t seq);
uint8_t *send_place(struct conn *c, uint64_t index);
uint8_t *recv_place(struct conn *c, uint64_t index);

/* Offsets in a connection's memory, the same at both ends. */
#define AT_SEND    0u
#define AT_RECV    (AT_SEND + SQ * SLOT)
#define AT_LANDING (AT_RECV + RQ * SLOT)
#define AT_SOURCE  (AT_LANDING + WINDOW * SLOT)
#define AT_WORDS   (AT_SOURCE + 4 * SLOT)
#define AT_BIG     (AT_WORDS + 4096u) /* target, source, read back: big_bytes each */

#endif
