/* The opcode table against IBTA vol 1, table 39 (and A14, A17, A19), written down a second time by hand. */
#include "rdma_verbs/csrc/opcode.h"
#include "tests/c/check.h"

struct row {
	uint8_t opcode;
	const char *name;
	uint8_t hdr_len; /* bytes from the BTH to the payload */
};

/* clang-format off */
static const struct row rows[] = {
	{0x00, "RC_SEND_FIRST", 12},
	{0x01, "RC_SEND_MIDDLE", 12},
	{0x02, "RC_SEND_LAST", 12},
	{0x03, "RC_SEND_LAST_WITH_IMMEDIATE", 16},
	{0x04, "RC_SEND_ONLY", 12},
	{0x05, "RC_SEND_ONLY_WITH_IMMEDIATE", 16},
	{0x06, "RC_RDMA_WRITE_FIRST", 28},
	{0x07, "RC_RDMA_WRITE_MIDDLE", 12},
	{0x08, "RC_RDMA_WRITE_LAST", 12},
	{0x09, "RC_RDMA_WRITE_LAST_WITH_IMMEDIATE", 16},
	{0x0a, "RC_RDMA_WRITE_ONLY", 28},
	{0x0b, "RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE", 32},
	{0x0c, "RC_RDMA_READ_REQUEST", 28},
	{0x0d, "RC_RDMA_READ_RESPONSE_FIRST", 16},
	{0x0e, "RC_RDMA_READ_RESPONSE_MIDDLE", 12},
	{0x0f, "RC_RDMA_READ_RESPONSE_LAST", 16},
	{0x10, "RC_RDMA_READ_RESPONSE_ONLY", 16},
	{0x11, "RC_ACKNOWLEDGE", 16},
	{0x12, "RC_ATOMIC_ACKNOWLEDGE", 24},
	{0x13, "RC_COMPARE_SWAP", 40},
	{0x14, "RC_FETCH_ADD", 40},
	{0x16, "RC_SEND_LAST_WITH_INVALIDATE", 16},
	{0x17, "RC_SEND_ONLY_WITH_INVALIDATE", 16},
	{0x1c, "RC_FLUSH", 32},
	{0x1d, "RC_ATOMIC_WRITE", 28},
	{0x20, "UC_SEND_FIRST", 12},
	{0x21, "UC_SEND_MIDDLE", 12},
	{0x22, "UC_SEND_LAST", 12},
	{0x23, "UC_SEND_LAST_WITH_IMMEDIATE", 16},
	{0x24, "UC_SEND_ONLY", 12},
	{0x25, "UC_SEND_ONLY_WITH_IMMEDIATE", 16},
	{0x26, "UC_RDMA_WRITE_FIRST", 28},
	{0x27, "UC_RDMA_WRITE_MIDDLE", 12},
	{0x28, "UC_RDMA_WRITE_LAST", 12},
	{0x29, "UC_RDMA_WRITE_LAST_WITH_IMMEDIATE", 16},
	{0x2a, "UC_RDMA_WRITE_ONLY", 28},
	{0x2b, "UC_RDMA_WRITE_ONLY_WITH_IMMEDIATE", 32},
	{0x64, "UD_SEND_ONLY", 20},
	{0x65, "UD_SEND_ONLY_WITH_IMMEDIATE", 24},
	{0x81, "CNP", 28},
	{0xa0, "XRC_SEND_FIRST", 16},
	{0xa1, "XRC_SEND_MIDDLE", 16},
	{0xa2, "XRC_SEND_LAST", 16},
	{0xa3, "XRC_SEND_LAST_WITH_IMMEDIATE", 20},
	{0xa4, "XRC_SEND_ONLY", 16},
	{0xa5, "XRC_SEND_ONLY_WITH_IMMEDIATE", 20},
	{0xa6, "XRC_RDMA_WRITE_FIRST", 32},
	{0xa7, "XRC_RDMA_WRITE_MIDDLE", 16},
	{0xa8, "XRC_RDMA_WRITE_LAST", 16},
	{0xa9, "XRC_RDMA_WRITE_LAST_WITH_IMMEDIATE", 20},
	{0xaa, "XRC_RDMA_WRITE_ONLY", 32},
	{0xab, "XRC_RDMA_WRITE_ONLY_WITH_IMMEDIATE", 36},
	{0xac, "XRC_RDMA_READ_REQUEST", 32},
	{0xad, "XRC_RDMA_READ_RESPONSE_FIRST", 16},
	{0xae, "XRC_RDMA_READ_RESPONSE_MIDDLE", 12},
	{0xaf, "XRC_RDMA_READ_RESPONSE_LAST", 16},
	{0xb0, "XRC_RDMA_READ_RESPONSE_ONLY", 16},
	{0xb1, "XRC_ACKNOWLEDGE", 16},
	{0xb2, "XRC_ATOMIC_ACKNOWLEDGE", 24},
	{0xb3, "XRC_COMPARE_SWAP", 44},
	{0xb4, "XRC_FETCH_ADD", 44},
	{0xb6, "XRC_SEND_LAST_WITH_INVALIDATE", 20},
	{0xb7, "XRC_SEND_ONLY_WITH_INVALIDATE", 20},
	{0xbc, "XRC_FLUSH", 36},
	{0xbd, "XRC_ATOMIC_WRITE", 32},
	/* Ours */
	{0xc7, "RC_EXT_RDMA_WRITE_MIDDLE", 28},
	{0xc8, "RC_EXT_RDMA_WRITE_LAST", 28},
	{0xc9, "RC_EXT_RDMA_WRITE_LAST_WITH_IMMEDIATE", 32},
	{0xd1, "RC_EXT_ACKNOWLEDGE", 56},
};
/* clang-format on */

static void test_names_and_lengths_are_ibtas(void)
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(rows); i++) {
		const struct roce_opcode_info *info = roce_opcode_info(rows[i].opcode);

		if (!CHECK(info->name))
			continue;
		CHECK_STR(info->name, rows[i].name);
		CHECK_EQ(info->hdr_len, rows[i].hdr_len);
	}
}

static void test_all_other_opcodes_are_invalid(void)
{
	size_t valid = 0;

	for (int op = 0; op < 256; op++)
		valid += roce_opcode_info((uint8_t)op)->name != NULL;
	CHECK_EQ(valid, DP_ARRAY_SIZE(rows));
}

static void test_header_length_is_the_sum_of_its_headers(void)
{
	static const uint8_t bytes[] = {4, 8, 4, 4, 16, 28, 4, 8, 4, 4, 16, 40}; /* by bit of enum roce_hdr */

	for (int op = 0; op < 256; op++) {
		const struct roce_opcode_info *info = roce_opcode_info((uint8_t)op);
		int sum = 12;

		if (!info->name)
			continue;
		for (size_t bit = 0; bit < DP_ARRAY_SIZE(bytes); bit++)
			sum += info->hdrs >> bit & 1 ? bytes[bit] : 0;
		CHECK_EQ(info->hdr_len, sum);
		CHECK_EQ(info->hdrs >> DP_ARRAY_SIZE(bytes), 0);
	}
}

/* True when the name has the word between underscores. */
static bool says(const char *name, const char *word)
{
	return strstr(name, word) != NULL;
}

static void test_flags_agree_with_the_name(void)
{
	for (int op = 0; op < 256; op++) {
		const struct roce_opcode_info *info = roce_opcode_info((uint8_t)op);
		const char *name = info->name;
		bool response, write, first, middle, last, only, imm, send;

		if (!name || op == ROCE_OPCODE_CNP)
			continue;
		response = says(name, "RESPONSE") || says(name, "ACKNOWLEDGE");
		first = says(name, "_FIRST");
		middle = says(name, "_MIDDLE");
		last = says(name, "_LAST");
		only = !first && !middle && !last;
		imm = says(name, "_IMMEDIATE");
		send = says(name, "_SEND_");
		write = says(name, "_RDMA_WRITE_");
		CHECK_EQ(!(info->flags & ROCE_OPF_REQUEST), response);
		CHECK_EQ(!!(info->flags & ROCE_OPF_SEND), send);
		CHECK_EQ(!!(info->flags & ROCE_OPF_WRITE), write);
		CHECK_EQ(!!(info->flags & ROCE_OPF_READ_REQ), says(name, "READ_REQUEST"));
		CHECK_EQ(!!(info->flags & ROCE_OPF_READ_RESP), says(name, "READ_RESPONSE"));
		CHECK_EQ(!!(info->flags & ROCE_OPF_ACK), says(name, "ACKNOWLEDGE"));
		CHECK_EQ(!!(info->flags & ROCE_OPF_ATOMIC), says(name, "COMPARE_SWAP") || says(name, "FETCH_ADD"));
		CHECK_EQ(!!(info->flags & ROCE_OPF_ATOMIC_WRITE), says(name, "ATOMIC_WRITE"));
		CHECK_EQ(!!(info->flags & ROCE_OPF_FLUSH), says(name, "FLUSH"));
		CHECK_EQ(!!(info->flags & ROCE_OPF_FULL), first || middle);
		CHECK_EQ(!!(info->flags & ROCE_OPF_NOT_EMPTY), last || says(name, "ATOMIC_WRITE"));
		CHECK_EQ(!!(info->flags & ROCE_OPF_PAYLOAD),
			 send || write || says(name, "READ_RESPONSE") || says(name, "ATOMIC_WRITE"));
		if (!says(name, "ACKNOWLEDGE")) { /* belongs to no message */
			CHECK_EQ(!!(info->flags & ROCE_OPF_FIRST), first || only);
			CHECK_EQ(!!(info->flags & ROCE_OPF_LAST), last || only);
		}
		CHECK_EQ(!!(info->flags & ROCE_OPF_RQ_WQE), (send && (last || only)) || imm);
		CHECK_EQ(!!(info->hdrs & ROCE_HDR_IMMDT), imm);
		CHECK_EQ(!!(info->hdrs & ROCE_HDR_IETH), says(name, "_INVALIDATE"));
		CHECK_EQ(!!(info->hdrs & ROCE_HDR_XRCETH), says(name, "XRC_") && !response);
		CHECK_EQ(!!(info->hdrs & ROCE_HDR_DETH), says(name, "UD_"));
		CHECK_EQ(!!(info->hdrs & ROCE_HDR_AETH), response && !middle);
	}
}

int main(void)
{
	RUN(test_names_and_lengths_are_ibtas);
	RUN(test_all_other_opcodes_are_invalid);
	RUN(test_header_length_is_the_sum_of_its_headers);
	RUN(test_flags_agree_with_the_name);
	return check_done();
}
