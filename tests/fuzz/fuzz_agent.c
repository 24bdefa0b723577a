/*
 * Invariant: any bytes with any number of descriptors are an answer, an agent's error or refused, without a read outside
 * them. An answer has numbers in range and the descriptors that belong to it, and is the bytes that came; an error and a
 * refusal have words that end.
 *
 * Input: the operation asked for, the number of descriptors, options, then the message. Option bit 0 writes magic and
 * version, which a mutation seldom keeps.
 */
#include <stdlib.h>

#include "datapath/csrc/node_shm.h"
#include "rdma_verbs/csrc/agent_proto.h"

#define REQUIRE(cond) ((cond) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(uint16_t op, uint32_t nfds, const struct roce_agent_reply *r)
{
	REQUIRE(r->op == op && !r->error && !r->text[0]);
	if (op == ROCE_AGENT_ATTACH) {
		REQUIRE(nfds == 1 + r->nslots && nfds <= 1 + ROCE_AGENT_SLOTS_MAX);
		REQUIRE(r->slot > 0 && r->slot < r->nslots);
	} else if (op == ROCE_AGENT_REJOIN) {
		REQUIRE(!nfds && r->slot > 0 && r->slot < ROCE_AGENT_SLOTS_MAX);
	} else if (op == ROCE_AGENT_PEER || op == ROCE_AGENT_REJOIN_PEER) {
		REQUIRE(r->sender < DP_NODE_SENDERS && nfds == (op == ROCE_AGENT_PEER));
	} else {
		REQUIRE(op == ROCE_AGENT_VIEW && nfds == 1);
	}
	REQUIRE(op == ROCE_AGENT_REJOIN || r->node_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t magic = ROCE_AGENT_MAGIC;
	static const uint16_t version = ROCE_AGENT_VERSION;
	struct roce_agent_reply reply;
	uint8_t *message;
	uint16_t op;
	uint32_t nfds;
	int err;

	if (size < 3)
		return 0;
	op = data[0];
	nfds = data[1];
	size -= 3;
	message = malloc(size + !size);
	REQUIRE(message);
	memcpy(message, data + 3, size);
	if (data[2] & 1 && size >= 6) {
		memcpy(message, &magic, 4);
		memcpy(message + 4, &version, 2);
	}
	err = roce_agent_parse_reply(op, message, size, nfds, &reply);
	REQUIRE(err <= 0 && err >= -4095);
	REQUIRE(memchr(reply.text, 0, sizeof(reply.text)));
	if (!err)
		check_answer(op, nfds, &reply);
	else
		REQUIRE(err == -EPROTO ? reply.text[0] || reply.error : reply.error == (uint32_t)-err && !reply.op);
	if (!err || reply.error)
		REQUIRE(size == sizeof(reply) && !memcmp(&reply, message, size));
	free(message);
	return 0;
}
