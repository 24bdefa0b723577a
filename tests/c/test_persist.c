/* FLUSH persistent: which memory counts, what a device calls, and what the peer hears when it fails. */
#include "rdma_verbs/csrc/persist.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rdma_verbs/csrc/device.h"
#include "rdma_verbs/csrc/opcode.h"
#include "rdma_verbs/csrc/pkt.h"
#include "tests/c/check.h"

#define PAGE 4096
#define BOTH (ROCE_ACCESS_FLUSH_GLOBAL | ROCE_ACCESS_FLUSH_PERSISTENT)

static uint8_t *map(int fd, size_t pages, int flags)
{
	void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void test_only_shared_mappings_of_files_count(void)
{
	char path[] = "persist-XXXXXX"; /* ctest runs in the build folder, which is no tmpfs */
	int fd = mkstemp(path), memory = memfd_create("persist", 0);
	uint8_t *shared, *copy, *anonymous, *memfd;

	CHECK(fd >= 0 && memory >= 0);
	CHECK(ftruncate(fd, 4 * PAGE) == 0 && ftruncate(memory, PAGE) == 0);
	shared = map(fd, 4, MAP_SHARED);
	copy = map(fd, 1, MAP_PRIVATE);
	anonymous = map(-1, 1, MAP_SHARED | MAP_ANONYMOUS);
	memfd = map(memory, 1, MAP_SHARED);
	CHECK(shared && copy && anonymous && memfd);
	CHECK_EQ(roce_persist_check(shared, 4 * PAGE), 0);
	CHECK_EQ(roce_persist_check(shared + 5, 1), 0);
	CHECK_EQ(roce_persist_check(copy, PAGE), -EOPNOTSUPP);
	CHECK_EQ(roce_persist_check(anonymous, PAGE), -EOPNOTSUPP);
	CHECK_EQ(roce_persist_check(memfd, PAGE), -EOPNOTSUPP);
	CHECK_EQ(roce_persist_check(path, 1), -EOPNOTSUPP);
	CHECK_EQ(roce_persist_sync(shared + PAGE + 1, PAGE), 0);
	/* A hole, and what is after it. */
	munmap(shared + 2 * PAGE, PAGE);
	CHECK_EQ(roce_persist_check(shared, 2 * PAGE), 0);
	CHECK_EQ(roce_persist_check(shared, 2 * PAGE + 1), -EOPNOTSUPP);
	CHECK_EQ(roce_persist_check(shared + 2 * PAGE, PAGE), -EOPNOTSUPP);
	CHECK_EQ(roce_persist_check(shared + 3 * PAGE, PAGE), 0);
	CHECK(roce_persist_sync(shared + PAGE, 2 * PAGE) < 0);
	/* Two rows of /proc/self/maps: one page may no longer be written. */
	mprotect(shared, PAGE, PROT_READ);
	CHECK_EQ(roce_persist_check(shared, 2 * PAGE), 0);
	/* A file without a name is gone when the machine is. */
	unlink(path);
	CHECK_EQ(roce_persist_check(shared, PAGE), -EOPNOTSUPP);
	munmap(shared, 4 * PAGE);
	munmap(copy, PAGE);
	munmap(anonymous, PAGE);
	munmap(memfd, PAGE);
	close(fd);
	close(memory);
}

static struct {
	void *addr;
	uint64_t length;
	int calls, result;
} synced;

static int refuse(const void *addr, uint64_t length)
{
	(void)addr;
	return length == 7 ? -EOPNOTSUPP : 0;
}

static int count(void *addr, uint64_t length)
{
	synced.addr = addr;
	synced.length = length;
	synced.calls++;
	return synced.result;
}

static const struct roce_gid our_gid = {{[10] = 0xff, 0xff, 10, 0, 0, 1}},
			     peer_gid = {{[10] = 0xff, 0xff, 10, 0, 0, 2}};

static struct roce_qp *connected(struct roce_pd *pd, struct roce_cq *cq)
{
	struct roce_qp_init_attr init = {.send_cq = cq, .recv_cq = cq, .cap = {4, 4, 1, 1, 0}, .qp_type = ROCE_QPT_RC};
	struct roce_qp *qp = roce_qp_create(pd, &init, NULL);
	struct roce_qp_attr attr = {.qp_state = ROCE_QPS_INIT,
				    .port_num = 1,
				    .qp_access_flags = BOTH,
				    .path_mtu = ROCE_MTU_1024,
				    .max_dest_rd_atomic = 4,
				    .ah = {.dgid = peer_gid, .port_num = 1}};

	CHECK_EQ(roce_qp_modify(qp, &attr, ROCE_QP_STATE | ROCE_QP_PKEY_INDEX | ROCE_QP_PORT | ROCE_QP_ACCESS_FLAGS),
		 0);
	attr.qp_state = ROCE_QPS_RTR;
	CHECK_EQ(roce_qp_modify(qp, &attr,
				ROCE_QP_STATE | ROCE_QP_AV | ROCE_QP_PATH_MTU | ROCE_QP_DEST_QPN | ROCE_QP_RQ_PSN |
					ROCE_QP_MAX_DEST_RD_ATOMIC | ROCE_QP_MIN_RNR_TIMER),
		 0);
	return qp;
}

/* The opcode and syndrome of the answer to a FLUSH. */
static struct roce_pkt flush(struct roce_dev *dev, const struct roce_qp *qp, const struct roce_mr *mr, uint32_t psn,
			     uint32_t feth)
{
	struct roce_pkt pkt = {.opcode = ROCE_OPCODE(ROCE_SVC_RC, ROCE_OP_FLUSH),
			       .pkey = 0xffff,
			       .dqpn = roce_qp_num(qp),
			       .psn = psn,
			       .va = 0x10008,
			       .dma_len = 16,
			       .rkey = roce_mr_rkey(mr),
			       .imm = feth};
	struct roce_pkt *out = NULL, answer = {0};

	memcpy(pkt.sgid.b, peer_gid.b, 16);
	memcpy(pkt.dgid.b, our_gid.b, 16);
	CHECK_EQ(roce_dev_rx(dev, &pkt, 1), 0);
	CHECK_EQ(roce_dev_tx(dev, &out, 1, 1), 1);
	if (out) {
		answer = *out;
		roce_pkt_put(dev, out);
	}
	return answer;
}

static void test_flush_syncs_its_range_and_tells_when_it_cannot(void)
{
	static const struct roce_persistence how = {refuse, count};
	static uint8_t memory[PAGE];
	struct roce_dev_cfg cfg = {.seed = 1, .ngid = 1, .gid = {our_gid}};
	struct roce_dev *dev = roce_dev_new(&cfg);
	struct roce_pd *pd = roce_pd_alloc(dev);
	struct roce_cq *cq = roce_cq_create(dev, 16, NULL);
	struct roce_qp *qp = connected(pd, cq);
	struct roce_mr *mr;
	struct roce_pkt answer;

	/* Without it memory is a model, and any may be registered. */
	CHECK(roce_mr_reg(pd, memory, 7, 0, BOTH));
	roce_dev_set_persistence(dev, &how);
	CHECK(!roce_mr_reg(pd, memory, 7, 0, BOTH));
	CHECK_EQ(errno, EOPNOTSUPP);
	CHECK(strstr(roce_dev_error(dev), "FLUSH_PERSISTENT") != NULL);
	CHECK(!roce_mr_reg(pd, NULL, 64, 0, ROCE_ACCESS_FLUSH_PERSISTENT)); /* phantom */
	CHECK(roce_mr_reg(pd, memory, 7, 0, ROCE_ACCESS_FLUSH_GLOBAL));
	mr = roce_mr_reg(pd, memory, PAGE, 0x10000, BOTH);

	answer = flush(dev, qp, mr, 0, ROCE_FLUSH_GLOBAL);
	CHECK_EQ(roce_opcode_operation(answer.opcode), ROCE_OP_RDMA_READ_RESPONSE_ONLY);
	CHECK_EQ(synced.calls, 0);
	flush(dev, qp, mr, 1, ROCE_FLUSH_PERSISTENT);
	CHECK_EQ(synced.calls, 1);
	CHECK(synced.addr == memory + 8 && synced.length == 16);
	flush(dev, qp, mr, 2, ROCE_FLUSH_PERSISTENT | ROCE_FLUSH_GLOBAL | ROCE_FLUSH_MR << 4);
	CHECK_EQ(synced.calls, 2);
	CHECK(synced.addr == memory && synced.length == PAGE);
	flush(dev, qp, mr, 2, ROCE_FLUSH_PERSISTENT | ROCE_FLUSH_GLOBAL | ROCE_FLUSH_MR << 4); /* a duplicate */
	CHECK_EQ(synced.calls, 2);
	synced.result = -EIO;
	answer = flush(dev, qp, mr, 3, ROCE_FLUSH_PERSISTENT);
	CHECK_EQ(roce_opcode_operation(answer.opcode), ROCE_OP_ACKNOWLEDGE);
	CHECK_EQ(answer.syndrome, ROCE_AETH_NAK | ROCE_NAK_REMOTE_OPERATIONAL_ERROR);
	CHECK_EQ(roce_qp_state(qp), ROCE_QPS_ERR);
	roce_dev_free(dev);
}

int main(void)
{
	RUN(test_only_shared_mappings_of_files_count);
	RUN(test_flush_syncs_its_range_and_tells_when_it_cannot);
	return check_done();
}
