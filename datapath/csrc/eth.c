/* Ethernet, 802.1Q and the IP/UDP headers as far as a port must understand them; see eth.h. */
#include "datapath/csrc/eth.h"

#define ETH_BYTES 14
#define UDP_BYTES 8
#define PROTO_UDP 17

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_VLAN = 0x8100, ETHERTYPE_IPV6 = 0x86dd };

int dp_eth_untag(uint8_t **frame, size_t *len)
{
	uint8_t *p = *frame;
	int tci;

	if (*len < ETH_BYTES + DP_ETH_TAG_BYTES || dp_get_be16(p + 12) != ETHERTYPE_VLAN)
		return -1;
	tci = dp_get_be16(p + 14);
	memmove(p + DP_ETH_TAG_BYTES, p, 12);
	*frame = p + DP_ETH_TAG_BYTES;
	*len -= DP_ETH_TAG_BYTES;
	return tci;
}

void dp_eth_tag(uint8_t out[16], const uint8_t addresses[12], uint8_t prio, uint16_t vlan_id)
{
	memcpy(out, addresses, 12);
	dp_put_be16(out + 12, ETHERTYPE_VLAN);
	dp_put_be16(out + 14, (uint16_t)((prio & 7) << 13 | (vlan_id & 0xfff)));
}

/* Length of the IP header and of all of the packet; false: not a packet that we carry. */
static bool parse_ipv4(const uint8_t *p, size_t len, size_t *header, size_t *total)
{
	if (len < 20 || p[0] != 0x45)
		return false;
	*header = 20;
	*total = dp_get_be16(p + 2);
	/* More fragments, or not the first one. */
	return p[9] == PROTO_UDP && !(dp_get_be16(p + 6) & 0x3fff);
}

static bool parse_ipv6(const uint8_t *p, size_t len, size_t *header, size_t *total)
{
	if (len < 40 || p[0] >> 4 != 6)
		return false;
	*header = 40;
	*total = 40 + (size_t)dp_get_be16(p + 4);
	return p[6] == PROTO_UDP;
}

bool dp_eth_parse_udp(uint8_t *frame, size_t len, struct dp_frame *f)
{
	uint8_t *p = frame + ETH_BYTES;
	size_t header, total;
	uint16_t type;

	if (len < ETH_BYTES)
		return false;
	len -= ETH_BYTES;
	type = dp_get_be16(frame + 12);
	if (!(type == ETHERTYPE_IPV4 && parse_ipv4(p, len, &header, &total)) &&
	    !(type == ETHERTYPE_IPV6 && parse_ipv6(p, len, &header, &total)))
		return false;
	if (total > len || total < header + UDP_BYTES || dp_get_be16(p + header + 4) != total - header)
		return false;
	f->l3_len = (uint16_t)(header + UDP_BYTES);
	memcpy(f->l3, p, f->l3_len);
	f->data = p + f->l3_len;
	f->len = (uint32_t)(total - f->l3_len);
	f->cap = f->len;
	f->flags = DP_FRAME_ID_KNOWN | DP_FRAME_TTL_KNOWN;
	return true;
}

void dp_frame_addresses(const struct dp_frame *f, struct dp_ip *src, struct dp_ip *dst)
{
	if (f->l3[0] >> 4 == 4) {
		*src = (struct dp_ip){{[10] = 0xff, [11] = 0xff}};
		*dst = *src;
		memcpy(src->b + 12, f->l3 + 12, 4);
		memcpy(dst->b + 12, f->l3 + 16, 4);
	} else {
		memcpy(src->b, f->l3 + 8, 16);
		memcpy(dst->b, f->l3 + 24, 16);
	}
}
