/* Address handles, and addresses from received messages. */
#include <arpa/inet.h>

#include "rdma_verbs/ibverbs/vb.h"

#define HOP_LIMIT_ANY 255

void vb_ah_to_roce(const struct ibv_ah_attr *from, struct roce_ah_attr *to)
{
	memset(to, 0, sizeof(*to));
	memcpy(to->dgid.b, from->grh.dgid.raw, sizeof(to->dgid.b));
	to->flow_label = from->grh.flow_label & 0xfffff;
	to->sgid_index = from->grh.sgid_index;
	to->traffic_class = from->grh.traffic_class;
	to->hop_limit = from->grh.hop_limit;
	to->sl = from->sl;
	to->port_num = from->port_num;
}

void vb_ah_from_roce(const struct roce_ah_attr *from, struct ibv_ah_attr *to)
{
	static const struct roce_gid none;

	memset(to, 0, sizeof(*to));
	memcpy(to->grh.dgid.raw, from->dgid.b, sizeof(to->grh.dgid.raw));
	to->grh.flow_label = from->flow_label;
	to->grh.sgid_index = from->sgid_index;
	to->grh.traffic_class = from->traffic_class;
	to->grh.hop_limit = from->hop_limit;
	to->sl = from->sl;
	to->port_num = from->port_num;
	to->is_global = memcmp(&from->dgid, &none, sizeof(none)) != 0;
}

int vb_reach(struct vb_session *s, const struct roce_gid *gid)
{
	int err = roce_session_reach(s->roce, gid);

	return err < 0 ? -err : 0;
}

static int check(const struct vb_session *s, const struct ibv_ah_attr *attr)
{
	static const uint8_t none[16];

	/* Every RoCE packet has a GRH, or an IP header in its place. */
	if (!attr->is_global || attr->port_num != 1 || attr->sl > 7 ||
	    attr->grh.sgid_index >= roce_dev_config(s->dev)->ngid)
		return EINVAL;
	return memcmp(attr->grh.dgid.raw, none, sizeof(none)) ? 0 : EINVAL;
}

VB_API(struct ibv_ah *, create_ah, "ibv_create_ah@@IBVERBS_1.1", (struct ibv_pd * ib, struct ibv_ah_attr *attr))
{
	struct vb_pd *pd = vb_pd_find(ib);
	struct vb_ah *ah;
	int err;

	if (!pd || !attr)
		return vb_null(EINVAL);
	err = check(pd->obj.session, attr);
	if (err)
		return vb_null(err);
	ah = vb_new(sizeof(*ah));
	if (!ah)
		return NULL;
	vb_ah_to_roce(attr, &ah->attr);
	err = vb_reach(pd->obj.session, &ah->attr.dgid);
	if (!err)
		err = vb_use(&pd->obj);
	if (err) {
		vb_retire(ah);
		return vb_null(err);
	}
	ah->ib.context = ib->context;
	ah->ib.pd = ib;
	vb_register(&ah->obj, VB_AH, &ah->ib, pd->obj.session);
	ah->ib.handle = ah->obj.handle;
	return &ah->ib;
}

VB_API(int, destroy_ah, "ibv_destroy_ah@@IBVERBS_1.1", (struct ibv_ah * ib))
{
	struct vb_ah *ah;
	int err = VB_CLAIM(ah, ib, VB_AH);

	if (err)
		return DP_MAX(err, 0);
	vb_unuse(&((struct vb_pd *)ah->ib.pd)->obj);
	vb_retire(ah);
	return 0;
}

/* The addresses of a received message: the 40 bytes before it are an IPv6 header, or end with an IPv4 header. */
static bool read_grh(const struct ibv_grh *grh, struct roce_gid *from, struct roce_gid *to, uint32_t *flow)
{
	const uint8_t *b = (const uint8_t *)grh, *ip4 = b + 20;
	const uint32_t word = ntohl(grh->version_tclass_flow);
	const struct roce_gid v4 = {.b = {[10] = 0xff, [11] = 0xff}};

	if (word >> 28 == 6) {
		memcpy(from->b, grh->sgid.raw, 16);
		memcpy(to->b, grh->dgid.raw, 16);
		*flow = word;
		return true;
	}
	if (ip4[0] != 0x45)
		return false;
	*from = *to = v4;
	memcpy(from->b + 12, ip4 + 12, 4);
	memcpy(to->b + 12, ip4 + 16, 4);
	*flow = (uint32_t)ip4[1] << 20;
	return true;
}

VB_API(int, init_ah_from_wc, "ibv_init_ah_from_wc@@IBVERBS_1.1",
       (struct ibv_context * context, uint8_t port_num, struct ibv_wc *wc, struct ibv_grh *grh,
	struct ibv_ah_attr *attr))
{
	struct vb_context *ctx = vb_context_find(context);
	const struct roce_dev_cfg *cfg;
	struct roce_gid from, to;
	uint32_t flow, i;

	if (!ctx)
		return -1;
	memset(attr, 0, sizeof(*attr));
	attr->dlid = wc->slid;
	attr->sl = wc->wc_flags & IBV_WC_GRH ? 0 : wc->sl; /* see vb_wc_sl() */
	attr->src_path_bits = wc->dlid_path_bits;
	attr->port_num = port_num;
	if (!(wc->wc_flags & IBV_WC_GRH))
		return 0;
	if (!read_grh(grh, &from, &to, &flow)) {
		errno = EINVAL;
		return -1;
	}
	cfg = roce_dev_config(vb_session_of(ctx)->dev);
	for (i = 0; i < cfg->ngid && memcmp(&cfg->gid[i], &to, sizeof(to)); i++)
		;
	/* What came for a group is answered from the first address. */
	attr->grh.sgid_index = (uint8_t)(i < cfg->ngid ? i : 0);
	attr->is_global = 1;
	memcpy(attr->grh.dgid.raw, from.b, 16);
	attr->grh.flow_label = flow & 0xfffff;
	attr->grh.traffic_class = (uint8_t)(flow >> 20);
	attr->grh.hop_limit = HOP_LIMIT_ANY;
	return 0;
}

VB_API(struct ibv_ah *, create_ah_from_wc, "ibv_create_ah_from_wc@@IBVERBS_1.1",
       (struct ibv_pd * pd, struct ibv_wc *wc, struct ibv_grh *grh, uint8_t port_num))
{
	struct ibv_ah_attr attr;

	if (!vb_pd_find(pd))
		return vb_null(EINVAL);
	if (vb_init_ah_from_wc(pd->context, port_num, wc, grh, &attr))
		return NULL;
	return vb_create_ah(pd, &attr);
}

/* There is no Ethernet between our nodes; the address is the one that the node's GUID is made of. */
VB_API(int, resolve_eth_l2_from_gid, "ibv_resolve_eth_l2_from_gid@@IBVERBS_1.1",
       (struct ibv_context * context, struct ibv_ah_attr *attr, uint8_t eth_mac[6], uint16_t *vid))
{
	struct vb_context *ctx = vb_context_find(context);

	if (!ctx || !attr || !attr->is_global || attr->port_num != 1 ||
	    attr->grh.sgid_index >= roce_dev_config(vb_session_of(ctx)->dev)->ngid)
		return EINVAL;
	eth_mac[0] = 0x02;
	eth_mac[1] = 0x00;
	memcpy(eth_mac + 2, attr->grh.dgid.raw + 12, 4);
	if (vid)
		*vid = 0xffff; /* none */
	return 0;
}
