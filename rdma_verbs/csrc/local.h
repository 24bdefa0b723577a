/*
 * The way between processes of one machine: shared memory where both ends are ours, in place of the port (direct.h says
 * what the engine gains by it).
 *
 * Each device that takes part shows a memory (a sealed memfd) to the processes of its machine: a table of its keys, one
 * of its queue pairs, and rings into which others put packets for it, one ring for each sender. Others find it through
 * the slot's page of the node (node_shm.h): /proc/PID/fd/N. Payload is copied by process_vm_readv() and _writev(), or lies
 * in the ring when it is short.
 *
 * Whoever copies from or to another process says so first, in a word of that process's memory, looks then whether the
 * queue pair and the key are still open, and takes the word back when he is done. Whoever closes one closes it first and
 * then waits for the words. So no copy outlives a key or a queue pair. A process that dies leaves no word that counts.
 */
#ifndef ROCE_LOCAL_H
#define ROCE_LOCAL_H

#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/direct.h"

/* cffi: begin */
struct roce_local;

/*
 * For a device on slot `slot` of the node at shm (bytes long, which must outlive it), before its first queue pair. Both
 * ends decide alike, by what both show. NULL: errno, EOPNOTSUPP where this process cannot take part (process_vm_readv()
 * is forbidden to it, or it is not dumpable): it uses packets then, and so do its peers.
 */
enum roce_local_how {
	ROCE_LOCAL_PACKETS = 1, /* all goes by packets nevertheless: it is for checking only */
	ROCE_LOCAL_CHECK = 2    /* compare what is placed with what was posted, see check.c; counters check_* */
};
struct roce_local *roce_local_new(struct roce_dev *dev, void *shm, uint64_t bytes, uint32_t slot, uint32_t how);
/* Queue pairs of this node (16 bytes of address) can be reached: before one is connected to. Again: the new memory counts. */
int roce_local_add_node(struct roce_local *local, const uint8_t *ip, void *shm, uint64_t bytes);
void roce_local_free(struct roce_local *local);            /* after the device, or with no queue pairs left on it */
uint32_t roce_local_links(const struct roce_local *local); /* processes that queue pairs have been connected to */
/* cffi: end */

/* For pump and driver. */
int roce_local_push(struct roce_local *local,
		    const struct roce_pkt *pkt);                     /* of roce_dev_tx(), with a link; always taken */
void roce_local_flush(struct roce_local *local);                     /* tells the receivers */
uint64_t roce_local_full(struct roce_local *local, uint64_t now_ps); /* lanes that must be held now */
bool roce_local_tight(const struct roce_local *local); /* queue pairs are held for want of room in a ring */
int roce_local_rx(struct roce_local *local, int most, uint64_t now_ps); /* packets given to the device */
bool roce_local_pending(const struct roce_local *local);                /* some have come */
int roce_local_wake_fd(const struct roce_local *local);                 /* readable: look again */
bool roce_local_sleep(struct roce_local *local); /* from now on whoever sends wakes us; false: something has come */
void roce_local_awake(struct roce_local *local); /* no more */

#endif
