/* What the device, its port and its clock are. Every number is the engine's, or says that there is none. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "datapath/csrc/version.h"
#include "rdma_verbs/ibverbs/vb.h"

#define VENDOR_NONE    0xffffff /* as Linux's software devices */
#define MAX_MSG_BYTES  (1u << 30)
#define MAX_MCAST_GRP  8192
#define MAX_MCAST_QP   16384
#define PKEY_DEFAULT   0xffff
#define WIDTH_4X       2
#define SPEED_EDR      32 /* 25 Gb/s a lane */
#define PHYS_LINK_UP   5
#define PHYS_DISABLED  3
#define ACK_DELAY_CODE 16 /* 4.096 us * 2^16: a process may be late */

#define ODP_RC \
	(IBV_ODP_SUPPORT_SEND | IBV_ODP_SUPPORT_RECV | IBV_ODP_SUPPORT_WRITE | IBV_ODP_SUPPORT_READ | \
	 IBV_ODP_SUPPORT_ATOMIC | IBV_ODP_SUPPORT_SRQ_RECV)
#define ODP_UC (IBV_ODP_SUPPORT_SEND | IBV_ODP_SUPPORT_RECV | IBV_ODP_SUPPORT_WRITE | IBV_ODP_SUPPORT_SRQ_RECV)
#define ODP_UD (IBV_ODP_SUPPORT_SEND | IBV_ODP_SUPPORT_RECV | IBV_ODP_SUPPORT_SRQ_RECV)

/* An EUI-64 of the locally administered MAC address 02:00:a:b:c:d of an IPv4 node; of IPv6 the interface identifier. */
uint64_t vb_node_guid(const struct roce_gid *gid)
{
	static const uint8_t v4[12] = {[10] = 0xff, [11] = 0xff};
	uint8_t b[8] = {0x00, 0x00, gid->b[12], 0xff, 0xfe, gid->b[13], gid->b[14], gid->b[15]};
	uint64_t guid;

	memcpy(&guid, memcmp(gid->b, v4, sizeof(v4)) ? gid->b + 8 : b, sizeof(guid));
	return guid;
}

static void fill_device(struct vb_session *s, struct ibv_device_attr *a)
{
	const struct roce_dev_cfg *cfg = roce_dev_config(s->dev);

	*a = (struct ibv_device_attr){
		.node_guid = vb_node_guid(&cfg->gid[0]),
		.sys_image_guid = vb_node_guid(&cfg->gid[0]),
		.max_mr_size = UINT64_MAX,
		.page_size_cap = ~(uint64_t)0xfff, /* memory is never copied by pages */
		.vendor_id = VENDOR_NONE,
		.max_qp = (int)cfg->qpn_count,
		.max_qp_wr = (int)cfg->max_qp_wr,
		.device_cap_flags = IBV_DEVICE_UD_AV_PORT_ENFORCE | IBV_DEVICE_CURR_QP_STATE_MOD |
				    IBV_DEVICE_PORT_ACTIVE_EVENT | IBV_DEVICE_SYS_IMAGE_GUID |
				    IBV_DEVICE_RC_RNR_NAK_GEN | IBV_DEVICE_SRQ_RESIZE | IBV_DEVICE_MEM_WINDOW |
				    IBV_DEVICE_XRC | IBV_DEVICE_MEM_MGT_EXTENSIONS | IBV_DEVICE_MEM_WINDOW_TYPE_2B,
		.max_sge = (int)cfg->max_sge,
		.max_sge_rd = (int)cfg->max_sge,
		.max_cq = (int)cfg->max_cq,
		.max_cqe = (int)cfg->max_cqe,
		.max_mr = (int)cfg->max_mr,
		.max_pd = (int)cfg->max_pd,
		.max_qp_rd_atom = (int)cfg->max_rd_atomic,
		.max_res_rd_atom = (int)DP_MIN((uint64_t)cfg->max_rd_atomic * cfg->qpn_count, (uint64_t)INT32_MAX),
		.max_qp_init_rd_atom = (int)cfg->max_rd_atomic,
		.atomic_cap = IBV_ATOMIC_HCA,
		.max_mw = (int)cfg->max_mr,
		.max_mcast_grp = MAX_MCAST_GRP,
		.max_mcast_qp_attach = MAX_MCAST_QP,
		.max_total_mcast_qp_attach = MAX_MCAST_GRP * MAX_MCAST_QP,
		.max_ah = INT32_MAX,
		.max_srq = (int)cfg->max_srq,
		.max_srq_wr = (int)cfg->max_qp_wr,
		.max_srq_sge = (int)cfg->max_sge,
		.max_pkeys = 1,
		.local_ca_ack_delay = ACK_DELAY_CODE,
		.phys_port_cnt = 1,
	};
	snprintf(a->fw_ver, sizeof(a->fw_ver), "%s", DP_VERSION);
}

VB_API(int, query_device, "ibv_query_device@@IBVERBS_1.1", (struct ibv_context * context, struct ibv_device_attr *attr))
{
	struct vb_context *ctx = vb_context_find(context);

	if (!ctx || !attr)
		return EINVAL;
	fill_device(vb_session_of(ctx), attr);
	return 0;
}

static int query_device_ex(struct ibv_context *context, const struct ibv_query_device_ex_input *input,
			   struct ibv_device_attr_ex *attr, size_t attr_size)
{
	const uint32_t paced = 1u << IBV_QPT_RC | 1u << IBV_QPT_UC | 1u << IBV_QPT_UD | 1u << IBV_QPT_XRC_SEND;
	struct vb_context *ctx = vb_context_find(context);
	struct ibv_device_attr_ex full;

	if (!ctx || !attr || (input && input->comp_mask) || attr_size < sizeof(full.orig_attr))
		return EINVAL;
	memset(&full, 0, sizeof(full));
	fill_device(vb_session_of(ctx), &full.orig_attr);
	full.odp_caps.general_caps = IBV_ODP_SUPPORT | IBV_ODP_SUPPORT_IMPLICIT;
	full.odp_caps.per_transport_caps.rc_odp_caps = ODP_RC;
	full.odp_caps.per_transport_caps.uc_odp_caps = ODP_UC;
	full.odp_caps.per_transport_caps.ud_odp_caps = ODP_UD;
	full.xrc_odp_caps = ODP_RC;
	full.completion_timestamp_mask = UINT64_MAX;
	full.hca_core_clock = VB_HCA_CORE_CLOCK_KHZ;
	full.device_cap_flags_ex = full.orig_attr.device_cap_flags | IBV_DEVICE_FLUSH_GLOBAL |
				   IBV_DEVICE_FLUSH_PERSISTENT | IBV_DEVICE_ATOMIC_WRITE;
	full.packet_pacing_caps = (struct ibv_packet_pacing_caps){1, UINT32_MAX, paced};
	full.cq_mod_caps = (struct ibv_cq_moderation_caps){UINT16_MAX, UINT16_MAX};
	full.max_dm_size = roce_dev_config(vb_session_of(ctx)->dev)->max_dm_size;
	full.phys_port_cnt_ex = 1;
	memset(attr, 0, attr_size);
	memcpy(attr, &full, DP_MIN(attr_size, sizeof(full)));
	return 0;
}

static int query_port_sized(struct ibv_context *context, uint8_t port_num, struct ibv_port_attr *attr, size_t size)
{
	struct vb_context *ctx = vb_context_find(context);
	struct ibv_port_attr full;
	struct vb_session *s;
	bool up;

	if (!ctx || !attr || port_num != 1)
		return EINVAL;
	s = vb_session_of(ctx);
	vb_lock(s);
	up = roce_dev_link(s->dev);
	vb_unlock(s);
	memset(&full, 0, sizeof(full));
	full.state = up ? IBV_PORT_ACTIVE : IBV_PORT_DOWN;
	full.phys_state = up ? PHYS_LINK_UP : PHYS_DISABLED;
	full.max_mtu = (enum ibv_mtu)roce_dev_config(s->dev)->max_mtu;
	full.active_mtu = (enum ibv_mtu)roce_session_mtu(s->roce);
	full.gid_tbl_len = VB_GID_TABLE;
	full.port_cap_flags = IBV_PORT_CM_SUP | IBV_PORT_IP_BASED_GIDS;
	full.max_msg_sz = MAX_MSG_BYTES;
	full.pkey_tbl_len = 1;
	full.max_vl_num = 1;
	full.active_width = WIDTH_4X;
	full.active_speed = SPEED_EDR;
	full.link_layer = IBV_LINK_LAYER_ETHERNET;
	full.flags = IBV_QPF_GRH_REQUIRED;
	memset(attr, 0, size);
	memcpy(attr, &full, DP_MIN(size, sizeof(full)));
	return 0;
}

/* Programs of before `port_attr_len` have the fields up to `flags`. */
VB_API(int, query_port, "ibv_query_port@@IBVERBS_1.1",
       (struct ibv_context * context, uint8_t port_num, struct ibv_port_attr *attr))
{
	return query_port_sized(context, port_num, attr, offsetof(struct ibv_port_attr, port_cap_flags2));
}

/* The GID at an index, or NULL with errno: ENODATA for an empty place. */
static const struct roce_gid *gid_at(struct ibv_context *context, uint32_t port_num, int64_t index)
{
	struct vb_context *ctx = vb_context_find(context);
	const struct roce_dev_cfg *cfg;

	if (!ctx)
		return NULL;
	cfg = roce_dev_config(vb_session_of(ctx)->dev);
	if (port_num != 1 || index < 0 || index >= VB_GID_TABLE)
		return vb_null(EINVAL);
	return index < cfg->ngid ? &cfg->gid[index] : vb_null(ENODATA);
}

VB_API(int, query_gid, "ibv_query_gid@@IBVERBS_1.1",
       (struct ibv_context * context, uint8_t port_num, int index, union ibv_gid *gid))
{
	static const struct roce_gid empty;
	const struct roce_gid *own = gid_at(context, port_num, index);

	if (!own && errno == ENODATA) /* as sysfs shows it, which programs that go through the table expect */
		own = &empty;
	if (!own)
		return -1;
	memcpy(gid->raw, own->b, sizeof(gid->raw));
	return 0;
}

/* The interface that has the address; 0: none. */
static uint32_t interface_of(const struct roce_gid *gid)
{
	struct ifaddrs *all, *at;
	uint32_t index = 0;

	if (getifaddrs(&all))
		return 0;
	for (at = all; at && !index; at = at->ifa_next) {
		struct roce_gid has = {.b = {[10] = 0xff, [11] = 0xff}};

		if (!at->ifa_addr)
			continue;
		if (at->ifa_addr->sa_family == AF_INET)
			memcpy(has.b + 12, &((struct sockaddr_in *)at->ifa_addr)->sin_addr, 4);
		else if (at->ifa_addr->sa_family == AF_INET6)
			memcpy(has.b, &((struct sockaddr_in6 *)at->ifa_addr)->sin6_addr, 16);
		else
			continue;
		/* All of 127.0.0.0/8 is the loopback interface's. */
		if (!memcmp(&has, gid, sizeof(has)) ||
		    (at->ifa_flags & IFF_LOOPBACK && at->ifa_addr->sa_family == AF_INET && !memcmp(has.b, gid->b, 13)))
			index = if_nametoindex(at->ifa_name);
	}
	freeifaddrs(all);
	return index;
}

static struct ibv_gid_entry entry_of(const struct roce_gid *gid, uint32_t index)
{
	struct ibv_gid_entry e = {
		.gid_index = index, .port_num = 1, .gid_type = IBV_GID_TYPE_ROCE_V2, .ndev_ifindex = interface_of(gid)};

	memcpy(e.gid.raw, gid->b, sizeof(e.gid.raw));
	return e;
}

VB_API(int, query_gid_ex, "_ibv_query_gid_ex@@IBVERBS_1.11",
       (struct ibv_context * context, uint32_t port_num, uint32_t gid_index, struct ibv_gid_entry *entry,
	uint32_t flags, size_t entry_size))
{
	const struct roce_gid *gid = gid_at(context, port_num, gid_index);
	struct ibv_gid_entry e;

	if (!gid)
		return errno;
	if (flags)
		return EOPNOTSUPP;
	e = entry_of(gid, gid_index);
	memset(entry, 0, entry_size);
	memcpy(entry, &e, DP_MIN(entry_size, sizeof(e)));
	return 0;
}

VB_API(ssize_t, query_gid_table, "_ibv_query_gid_table@@IBVERBS_1.11",
       (struct ibv_context * context, struct ibv_gid_entry *entries, size_t max_entries, uint32_t flags,
	size_t entry_size))
{
	struct vb_context *ctx = vb_context_find(context);
	const struct roce_dev_cfg *cfg;

	if (!ctx)
		return -EINVAL;
	if (flags)
		return -EOPNOTSUPP;
	cfg = roce_dev_config(vb_session_of(ctx)->dev);
	if (max_entries < cfg->ngid)
		return -EINVAL;
	for (uint32_t i = 0; i < cfg->ngid; i++) {
		struct ibv_gid_entry e = entry_of(&cfg->gid[i], i);
		char *to = (char *)entries + i * entry_size;

		memset(to, 0, entry_size);
		memcpy(to, &e, DP_MIN(entry_size, sizeof(e)));
	}
	return cfg->ngid;
}

/* Of rdma-core's private interface, where the types are counted from RoCE v1 = 0; pyverbs and ibv_devinfo call it. */
VB_API(int, query_gid_type, "ibv_query_gid_type@@IBVERBS_PRIVATE_34",
       (struct ibv_context * context, uint8_t port_num, unsigned int index, unsigned int *type))
{
	if (!gid_at(context, port_num, index))
		return -1;
	*type = 1;
	return 0;
}
VB_ALSO(query_gid_type, "ibv_query_gid_type@IBVERBS_PRIVATE_57");
VB_ALSO(query_gid_type, "ibv_query_gid_type@IBVERBS_PRIVATE_59");
VB_ALSO(query_gid_type, "ibv_query_gid_type@IBVERBS_PRIVATE_64");
VB_ALSO(query_gid_type, "ibv_query_gid_type@IBVERBS_PRIVATE_65");

VB_API(int, query_pkey, "ibv_query_pkey@@IBVERBS_1.1",
       (struct ibv_context * context, uint8_t port_num, int index, uint16_t *pkey))
{
	if (!vb_context_find(context))
		return -1;
	if (port_num != 1 || index) {
		errno = EINVAL;
		return -1;
	}
	*pkey = htons(PKEY_DEFAULT);
	return 0;
}

VB_API(int, get_pkey_index, "ibv_get_pkey_index@@IBVERBS_1.5",
       (struct ibv_context * context, uint8_t port_num, uint16_t pkey))
{
	if (!vb_context_find(context))
		return -1;
	if (port_num == 1 && pkey == htons(PKEY_DEFAULT))
		return 0;
	errno = EINVAL;
	return -1;
}

/* Nanoseconds, which completion timestamps count, too. All in tv_nsec, as the field's drivers give them. */
static int query_rt_values(struct ibv_context *context, struct ibv_values_ex *values)
{
	struct vb_context *ctx = vb_context_find(context);

	if (!ctx || !values)
		return EINVAL;
	if (values->comp_mask & ~(uint32_t)IBV_VALUES_MASK_RAW_CLOCK)
		return EOPNOTSUPP;
	if (values->comp_mask & IBV_VALUES_MASK_RAW_CLOCK)
		values->raw_clock =
			(struct timespec){.tv_nsec = (long)(roce_live_now_ps(vb_session_of(ctx)->live) / DP_NS)};
	return 0;
}

void vb_query_ops(struct verbs_context *v)
{
	v->query_port = query_port_sized;
	v->query_device_ex = query_device_ex;
	v->query_rt_values = query_rt_values;
}
