/*
 * Inside of the UDP port: its object, and what its files call in each other. port_udp.c sets up and receives,
 * port_udp_tx.c sends, port_udp_credit.c keeps the credits, port_udp_group.c has the sockets of multicast groups.
 */
#ifndef DP_PORT_UDP_INT_H
#define DP_PORT_UDP_INT_H

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "datapath/csrc/port_udp.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define TX_MSGS      32
#define TX_SEGS      64 /* UDP_MAX_SEGMENTS of the oldest kernel with UDP_SEGMENT */
#define TX_BATCH_MAX 62000
#define TX_IOV       (TX_MSGS * 8) /* pieces of one sendmmsg(); at least TX_SEGS */
#define RX_MSGS      16
#define RX_BUF       65536
#define RX_FRAMES    512
#define SRC_CACHE    64
#define CTL_BYTES    128

struct stall {
	uint64_t since_ps;             /* first refusal since credit was last given or given back by anybody; 0: none */
	uint64_t released;             /* the receiver's word at that time */
	uint64_t probe_ps;             /* stopped: when the next message goes without credit; 0: not stopped */
	uint64_t retry_ps, backoff_ps; /* after a refusal; 0: there was none since credit was last given */
};

struct udp_peer {
	struct dp_ip ip;
	struct dp_node_hdr *hdr; /* NULL: free entry, or no credits */
	struct dp_node_sender *self;
	uint32_t nslots;
	bool used;
	struct stall *stall; /* by slot */
};

/* One message of a sendmmsg(). */
struct tx_msg {
	int first, frames;
	uint32_t bytes;
	struct udp_peer *peer; /* holds credit there; NULL: none taken */
	uint32_t slot, credit;
};

struct rx_msg {
	uint8_t *buf;
	uint32_t len, seg;
	uint8_t l3[DP_L3_MAX]; /* headers of its frames, lengths and identification to be filled in */
	uint16_t l3_len;
	bool ttl_known;
};

struct udp_port {
	struct dp_port port;
	int fd;
	bool v6, gso;
	uint16_t lport;
	struct dp_ip local;
	uint32_t scope_id;
	uint64_t now_ps;
	struct dp_port_udp_stats more;
	uint32_t drops; /* SO_RXQ_OVFL's count as last seen; the socket may have had owners before us */

	/* Receivers by address: open addressing, npeer_cap a power of two, never more than half full. */
	struct udp_peer *peers;
	uint32_t npeers, peer_cap;
	uint64_t retry_ps; /* earliest of those below, DP_NEVER: nobody waits */

	struct mmsghdr tx_hdr[TX_MSGS];
	struct tx_msg tx[TX_MSGS];
	struct iovec tx_iov[TX_IOV];
	struct sockaddr_storage tx_addr[TX_MSGS];
	uint64_t tx_ctl[TX_MSGS][CTL_BYTES / 8];

	struct dp_node_hdr *node;
	struct dp_node_slot *slot;
	uint32_t slot_index;
	uint32_t src_epoch;
	uint32_t senders; /* entries of the node's table up to the last in use, as of src_epoch */
	struct {
		struct dp_ip ip;
		bool set, sender;
	} src[SRC_CACHE];
	uint64_t heal_first_ps, heal_next_ps, heal_min;
	uint32_t heal_seen;

	struct dp_port **groups;
	uint32_t ngroups, group_next;
	int group_epoll; /* -1 until the first group, then the port's descriptor */

	uint8_t *rx_mem;
	struct mmsghdr rx_hdr[RX_MSGS];
	struct iovec rx_iov[RX_MSGS];
	struct sockaddr_storage rx_addr[RX_MSGS];
	uint64_t rx_ctl[RX_MSGS][CTL_BYTES / 8];
	struct rx_msg rx[RX_MSGS];
	int rx_n, rx_i;
	uint32_t rx_off, rx_seg; /* next datagram of message rx_i */
	struct dp_frame rx_frames[RX_FRAMES];
};

#define LOAD(p)     __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define ADD(p, v)   __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)

static inline struct udp_port *udp_of(const struct dp_port *p)
{
	return DP_CONTAINER_OF(p, struct udp_port, port);
}

/* Where credit for this address is taken; NULL: nowhere. */
struct udp_peer *dp_udp_peer_find(struct udp_port *u, const struct dp_ip *ip);
int dp_udp_credit_take(struct udp_peer *p, uint32_t slot, uint32_t bytes);
void dp_udp_credit_refund(struct tx_msg *m);
void dp_udp_credit_settle(struct udp_port *u, int n);
void dp_udp_credit_release(struct udp_port *u, uint64_t bytes);
bool dp_udp_src_is_sender(struct udp_port *u, const struct dp_ip *ip);
bool dp_udp_heal_begin(struct udp_port *u, uint64_t *claimed);
void dp_udp_heal_end(struct udp_port *u, uint64_t claimed);

/* port_udp_group.c */
int dp_udp_groups_rx(struct udp_port *u, struct dp_frame **v, int n, uint64_t now_ps);
uint64_t dp_udp_groups_next_ps(const struct udp_port *u);
void dp_udp_groups_free(struct udp_port *u);

void dp_udp_prepare(struct dp_port *port, struct dp_frame **v, int n);
int dp_udp_tx(struct dp_port *port, struct dp_frame **v, int n, uint64_t now_ps);

#endif
