/*
 * Persistence as a live device has it: memory is persistent when it is a shared mapping of a file that outlives the
 * machine's power, and msync() has returned. As persistent as the file's file system is, that is.
 */
#ifndef ROCE_PERSIST_H
#define ROCE_PERSIST_H

#include "rdma_verbs/csrc/verbs.h"

/* 0: every byte lies in a shared mapping of a file with a name, not on tmpfs or in a memfd; else -EOPNOTSUPP. */
int roce_persist_check(const void *addr, uint64_t length);
int roce_persist_sync(void *addr, uint64_t length); /* 0 or -errno */

#endif
