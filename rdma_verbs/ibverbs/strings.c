/* Names of numbers, rates, and small helpers that need no device. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rdma_verbs/ibverbs/vb.h"

/* The name in a table, or `unknown` for a number that has none. */
static const char *name_of(const char *const *names, size_t n, int64_t i, const char *unknown)
{
	return i >= 0 && (size_t)i < n && names[i] ? names[i] : unknown;
}

VB_API(const char *, node_type_str, "ibv_node_type_str@@IBVERBS_1.1", (enum ibv_node_type type))
{
	static const char *const names[] = {[IBV_NODE_CA] = "InfiniBand channel adapter",
					    [IBV_NODE_SWITCH] = "InfiniBand switch",
					    [IBV_NODE_ROUTER] = "InfiniBand router",
					    [IBV_NODE_RNIC] = "iWARP NIC",
					    [IBV_NODE_USNIC] = "usNIC",
					    [IBV_NODE_USNIC_UDP] = "usNIC UDP",
					    [IBV_NODE_UNSPECIFIED] = "unspecified"};

	return name_of(names, DP_ARRAY_SIZE(names), type, "unknown");
}

VB_API(const char *, port_state_str, "ibv_port_state_str@@IBVERBS_1.1", (enum ibv_port_state state))
{
	static const char *const names[] = {[IBV_PORT_NOP] = "no state change (NOP)",
					    [IBV_PORT_DOWN] = "down",
					    [IBV_PORT_INIT] = "init",
					    [IBV_PORT_ARMED] = "armed",
					    [IBV_PORT_ACTIVE] = "active",
					    [IBV_PORT_ACTIVE_DEFER] = "active defer"};

	return name_of(names, DP_ARRAY_SIZE(names), state, "unknown");
}

VB_API(const char *, event_type_str, "ibv_event_type_str@@IBVERBS_1.1", (enum ibv_event_type event))
{
	static const char *const names[] = {[IBV_EVENT_CQ_ERR] = "CQ error",
					    [IBV_EVENT_QP_FATAL] = "local work queue catastrophic error",
					    [IBV_EVENT_QP_REQ_ERR] = "invalid request local work queue error",
					    [IBV_EVENT_QP_ACCESS_ERR] = "local access violation work queue error",
					    [IBV_EVENT_COMM_EST] = "communication established",
					    [IBV_EVENT_SQ_DRAINED] = "send queue drained",
					    [IBV_EVENT_PATH_MIG] = "path migrated",
					    [IBV_EVENT_PATH_MIG_ERR] = "path migration request error",
					    [IBV_EVENT_DEVICE_FATAL] = "local catastrophic error",
					    [IBV_EVENT_PORT_ACTIVE] = "port active",
					    [IBV_EVENT_PORT_ERR] = "port error",
					    [IBV_EVENT_LID_CHANGE] = "LID change",
					    [IBV_EVENT_PKEY_CHANGE] = "P_Key change",
					    [IBV_EVENT_SM_CHANGE] = "SM change",
					    [IBV_EVENT_SRQ_ERR] = "SRQ catastrophic error",
					    [IBV_EVENT_SRQ_LIMIT_REACHED] = "SRQ limit reached",
					    [IBV_EVENT_QP_LAST_WQE_REACHED] = "last WQE reached",
					    [IBV_EVENT_CLIENT_REREGISTER] = "client reregistration",
					    [IBV_EVENT_GID_CHANGE] = "GID table change",
					    [IBV_EVENT_WQ_FATAL] = "WQ fatal"};

	return name_of(names, DP_ARRAY_SIZE(names), event, "unknown");
}

VB_API(const char *, wc_status_str, "ibv_wc_status_str@@IBVERBS_1.1", (enum ibv_wc_status status))
{
	static const char *const names[] = {[IBV_WC_SUCCESS] = "success",
					    [IBV_WC_LOC_LEN_ERR] = "local length error",
					    [IBV_WC_LOC_QP_OP_ERR] = "local QP operation error",
					    [IBV_WC_LOC_EEC_OP_ERR] = "local EE context operation error",
					    [IBV_WC_LOC_PROT_ERR] = "local protection error",
					    [IBV_WC_WR_FLUSH_ERR] = "Work Request Flushed Error",
					    [IBV_WC_MW_BIND_ERR] = "memory bind operation error",
					    [IBV_WC_BAD_RESP_ERR] = "bad response error",
					    [IBV_WC_LOC_ACCESS_ERR] = "local access error",
					    [IBV_WC_REM_INV_REQ_ERR] = "remote invalid request error",
					    [IBV_WC_REM_ACCESS_ERR] = "remote access error",
					    [IBV_WC_REM_OP_ERR] = "remote operation error",
					    [IBV_WC_RETRY_EXC_ERR] = "transport retry counter exceeded",
					    [IBV_WC_RNR_RETRY_EXC_ERR] = "RNR retry counter exceeded",
					    [IBV_WC_LOC_RDD_VIOL_ERR] = "local RDD violation error",
					    [IBV_WC_REM_INV_RD_REQ_ERR] = "remote invalid RD request",
					    [IBV_WC_REM_ABORT_ERR] = "aborted error",
					    [IBV_WC_INV_EECN_ERR] = "invalid EE context number",
					    [IBV_WC_INV_EEC_STATE_ERR] = "invalid EE context state",
					    [IBV_WC_FATAL_ERR] = "fatal error",
					    [IBV_WC_RESP_TIMEOUT_ERR] = "response timeout error",
					    [IBV_WC_GENERAL_ERR] = "general error",
					    [IBV_WC_TM_ERR] = "TM error",
					    [IBV_WC_TM_RNDV_INCOMPLETE] = "TM software rendezvous"};

	return name_of(names, DP_ARRAY_SIZE(names), status, "unknown");
}

VB_API(const char *, wr_opcode_str, "ibv_wr_opcode_str@@IBVERBS_1.15", (enum ibv_wr_opcode opcode))
{
	static const char *const names[] = {[IBV_WR_RDMA_WRITE] = "RDMA write",
					    [IBV_WR_RDMA_WRITE_WITH_IMM] = "RDMA write with immediate",
					    [IBV_WR_SEND] = "send",
					    [IBV_WR_SEND_WITH_IMM] = "send with immediate",
					    [IBV_WR_RDMA_READ] = "RDMA read",
					    [IBV_WR_ATOMIC_CMP_AND_SWP] = "atomic compare and swap",
					    [IBV_WR_ATOMIC_FETCH_AND_ADD] = "atomic fetch and add",
					    [IBV_WR_LOCAL_INV] = "local invalidate",
					    [IBV_WR_BIND_MW] = "memory window bind",
					    [IBV_WR_SEND_WITH_INV] = "send with invalidate",
					    [IBV_WR_TSO] = "TSO",
					    [IBV_WR_DRIVER1] = "driver 1",
					    [IBV_WR_FLUSH] = "flush",
					    [IBV_WR_ATOMIC_WRITE] = "atomic write"};

	return name_of(names, DP_ARRAY_SIZE(names), opcode, "unknown");
}

/* Multiples of 2.5 Gb/s where they are, and Mb/s. */
static const struct {
	enum ibv_rate rate;
	int mult, mbps;
} rates[] = {
	{IBV_RATE_2_5_GBPS, 1, 2500},     {IBV_RATE_5_GBPS, 2, 5000},         {IBV_RATE_10_GBPS, 4, 10000},
	{IBV_RATE_14_GBPS, 6, 14062},     {IBV_RATE_20_GBPS, 8, 20000},       {IBV_RATE_25_GBPS, 10, 25781},
	{IBV_RATE_28_GBPS, 11, 28125},    {IBV_RATE_30_GBPS, 12, 30000},      {IBV_RATE_40_GBPS, 16, 40000},
	{IBV_RATE_50_GBPS, 20, 53125},    {IBV_RATE_56_GBPS, 22, 56250},      {IBV_RATE_60_GBPS, 24, 60000},
	{IBV_RATE_80_GBPS, 32, 80000},    {IBV_RATE_100_GBPS, 40, 103125},    {IBV_RATE_112_GBPS, 45, 112500},
	{IBV_RATE_120_GBPS, 48, 120000},  {IBV_RATE_168_GBPS, 67, 168750},    {IBV_RATE_200_GBPS, 80, 206250},
	{IBV_RATE_300_GBPS, 120, 309375}, {IBV_RATE_400_GBPS, 160, 425000},   {IBV_RATE_600_GBPS, 240, 637500},
	{IBV_RATE_800_GBPS, 320, 850000}, {IBV_RATE_1200_GBPS, 480, 1275000},
};

VB_API(int, rate_to_mult, "ibv_rate_to_mult@@IBVERBS_1.0", (enum ibv_rate rate))
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(rates); i++)
		if (rates[i].rate == rate)
			return rates[i].mult;
	return -1;
}

VB_API(enum ibv_rate, mult_to_rate, "mult_to_ibv_rate@@IBVERBS_1.0", (int mult))
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(rates); i++)
		if (rates[i].mult == mult)
			return rates[i].rate;
	return IBV_RATE_MAX;
}

VB_API(int, rate_to_mbps, "ibv_rate_to_mbps@@IBVERBS_1.1", (enum ibv_rate rate))
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(rates); i++)
		if (rates[i].rate == rate)
			return rates[i].mbps;
	return -1;
}

VB_API(enum ibv_rate, mbps_to_rate, "mbps_to_ibv_rate@@IBVERBS_1.1", (int mbps))
{
	for (size_t i = 0; i < DP_ARRAY_SIZE(rates); i++)
		if (rates[i].mbps == mbps)
			return rates[i].rate;
	return IBV_RATE_MAX;
}

/* No page of ours is ever pinned, so a fork needs nothing. */
VB_API(int, fork_init, "ibv_fork_init@@IBVERBS_1.1", (void))
{
	return 0;
}

VB_API(enum ibv_fork_status, is_fork_initialized, "ibv_is_fork_initialized@@IBVERBS_1.13", (void))
{
	return IBV_FORK_UNNEEDED;
}

VB_API(int, dontfork_range, "ibv_dontfork_range@@IBVERBS_1.1", (void *base, size_t size))
{
	(void)base;
	(void)size;
	return 0;
}

VB_API(int, dofork_range, "ibv_dofork_range@@IBVERBS_1.1", (void *base, size_t size))
{
	(void)base;
	(void)size;
	return 0;
}

VB_API(const char *, get_sysfs_path, "ibv_get_sysfs_path@@IBVERBS_1.0", (void))
{
	const char *path = getenv("SYSFS_PATH");

	return path && *path == '/' ? path : "/sys";
}

/* The file without its last newline. Returns its length, or -1. */
static int read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = size ? read(fd, buf, size) : -1;
	close(fd);
	if (n < 0)
		return -1;
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	if ((size_t)n < size)
		buf[n] = '\0';
	else
		return -1;
	return (int)n;
}

VB_API(int, read_sysfs_file, "ibv_read_sysfs_file@@IBVERBS_1.0",
       (const char *dir, const char *file, char *buf, size_t size))
{
	char path[4096];

	if (!dir || !file || !buf || snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return -1;
	return read_file(path, buf, size);
}
