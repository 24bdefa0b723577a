#include "rdma_verbs/csrc/agent_proto.h"

#include <stdio.h>

#include "datapath/csrc/node_shm.h"

_Static_assert(sizeof(struct roce_agent_request) == 48, "no holes");
_Static_assert(sizeof(struct roce_agent_reply) == 256, "no holes");
_Static_assert(ROCE_AGENT_SLOTS_MAX <= DP_NODE_SLOTS_MAX, "steering is by one byte");

static int refuse(struct roce_agent_reply *out, const char *why)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->text, sizeof(out->text), "agent's reply: %s", why);
	return -EPROTO;
}

static bool numbers_fit(uint16_t op, const struct roce_agent_reply *r, uint32_t nfds)
{
	switch (op) {
	case ROCE_AGENT_ATTACH:
		return r->nslots >= 2 && r->nslots <= ROCE_AGENT_SLOTS_MAX && r->slot >= 1 && r->slot < r->nslots &&
		       r->generation && r->node_id && nfds == 1 + r->nslots;
	case ROCE_AGENT_REJOIN:
		return r->slot >= 1 && r->slot < ROCE_AGENT_SLOTS_MAX && nfds == 0;
	case ROCE_AGENT_PEER:
		return r->sender < DP_NODE_SENDERS && r->node_id && nfds == 1;
	case ROCE_AGENT_REJOIN_PEER:
		return r->sender < DP_NODE_SENDERS && r->node_id && nfds == 0;
	case ROCE_AGENT_VIEW:
		return r->node_id && nfds == 1;
	}
	return false;
}

int roce_agent_parse_reply(uint16_t op, const void *data, size_t len, uint32_t nfds, struct roce_agent_reply *out)
{
	struct roce_agent_reply r;

	/* Magic and version before the length: another version may have another one. */
	memset(&r, 0, sizeof(r));
	memcpy(&r, data, DP_MIN(len, sizeof(r)));
	if (len < 8 || r.magic != ROCE_AGENT_MAGIC || r.version != ROCE_AGENT_VERSION)
		return refuse(out, "not of this version; stop all processes of the node");
	if (len != sizeof(r))
		return refuse(out, "wrong length");
	if (!memchr(r.text, 0, sizeof(r.text)))
		return refuse(out, "its text has no end");
	if (r.error) {
		if (r.error > 4095 || r.op)
			return refuse(out, "neither an answer nor an error");
		*out = r;
		return -(int)r.error;
	}
	if (r.op != op)
		return refuse(out, "to another request");
	if (r.text[0] || !numbers_fit(op, &r, nfds))
		return refuse(out, "numbers or descriptors are not what they must be");
	*out = r;
	return 0;
}
