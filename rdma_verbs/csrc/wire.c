/*
 * Bytes of RoCEv2 packets: parse, build, and the GRH of a UD receive (IBTA vol 1, chapter 9; A17; A19).
 *
 * Which headers follow the BTH comes from the opcode table. Reserved bits are sent as zero and ignored when
 * received (9.2). The ICRC is in icrc.c.
 */
#include "rdma_verbs/csrc/wire.h"

#include "datapath/csrc/crc32.h"
#include "datapath/csrc/guard.h"
#include "rdma_verbs/csrc/opcode.h"

#define IP4_BYTES          20
#define IP6_BYTES          40
#define UDP_BYTES          8
#define IPPROTO_UDP_NUMBER 17
#define IP4_DF             0x4000
#define IP4_MF_AND_OFFSET  0x3fff
#define PAYLOAD_MAX        4096 /* the largest path MTU */

static const char *const drop_names[ROCE_DROP_COUNT] = {
	[ROCE_DROP_NONE] = "drop_none",
	[ROCE_DROP_TRUNCATED] = "drop_truncated",
	[ROCE_DROP_BAD_IP] = "drop_bad_ip",
	[ROCE_DROP_BAD_IP_CHECKSUM] = "drop_bad_ip_checksum",
	[ROCE_DROP_BAD_UDP] = "drop_bad_udp",
	[ROCE_DROP_BAD_TVER] = "drop_bad_tver",
	[ROCE_DROP_BAD_OPCODE] = "drop_bad_opcode",
	[ROCE_DROP_BAD_PAD] = "drop_bad_pad",
	[ROCE_DROP_BAD_ICRC] = "drop_bad_icrc",
	[ROCE_DROP_OVERSIZED] = "drop_oversized",
	[ROCE_DROP_BAD_DGID] = "drop_bad_dgid",
	[ROCE_DROP_UNKNOWN_QPN] = "drop_unknown_qpn",
	[ROCE_DROP_BAD_SERVICE] = "drop_bad_service",
	[ROCE_DROP_BAD_STATE] = "drop_bad_state",
	[ROCE_DROP_BAD_SGID] = "drop_bad_sgid",
	[ROCE_DROP_BAD_PKEY] = "drop_bad_pkey",
	[ROCE_DROP_BAD_QKEY] = "drop_bad_qkey",
	[ROCE_DROP_BAD_LENGTH] = "drop_bad_length",
	[ROCE_DROP_BAD_SEQUENCE] = "drop_bad_sequence",
	[ROCE_DROP_OUT_OF_SEQUENCE] = "drop_out_of_sequence",
	[ROCE_DROP_DUPLICATE] = "drop_duplicate",
	[ROCE_DROP_NO_RECV_WQE] = "drop_no_recv_wqe",
	[ROCE_DROP_RECV_TOO_SMALL] = "drop_recv_too_small",
	[ROCE_DROP_ACCESS] = "drop_access",
	[ROCE_DROP_GHOST] = "drop_ghost",
	[ROCE_DROP_BAD_SYNDROME] = "drop_bad_syndrome",
	[ROCE_DROP_LOOPBACK] = "drop_loopback",
	[ROCE_DROP_LINK_DOWN] = "drop_link_down",
	[ROCE_DROP_PAYLOAD_GONE] = "drop_payload_gone",
};

const char *roce_drop_name(enum roce_drop reason)
{
	return (unsigned int)reason < ROCE_DROP_COUNT ? drop_names[reason] : "drop_unknown";
}

static void ip4_to_gid(struct dp_ip *gid, const uint8_t *addr)
{
	memset(gid->b, 0, 10);
	memset(gid->b + 10, 0xff, 2);
	memcpy(gid->b + 12, addr, 4);
}

static enum roce_drop parse_ip4(const struct dp_frame *f, struct roce_pkt *pkt)
{
	const uint8_t *ip = f->l3;
	uint16_t fragment = dp_get_be16(ip + 6);

	/* RoCEv2 has no IP options (A17), so l3 is 28 bytes. */
	if (f->l3_len != IP4_BYTES + UDP_BYTES || ip[0] != 0x45)
		return ROCE_DROP_BAD_IP;
	pkt->tos = ip[1];
	pkt->l3_bytes = dp_get_be16(ip + 2);
	pkt->ip_id = dp_get_be16(ip + 4);
	pkt->ttl = ip[8];
	if (fragment & IP4_DF)
		pkt->ip_flags |= ROCE_PKT_DF;
	ip4_to_gid(&pkt->sgid, ip + 12);
	ip4_to_gid(&pkt->dgid, ip + 16);
	if (pkt->l3_bytes != (uint64_t)f->l3_len + f->len)
		return ROCE_DROP_BAD_IP;
	/* A header that the port made up (UDP socket) has no checksum of the sender's. */
	if ((f->flags & DP_FRAME_ID_KNOWN) && dp_get_be16(ip + 10) != dp_ip4_checksum(ip))
		return ROCE_DROP_BAD_IP_CHECKSUM;
	if (ip[9] != IPPROTO_UDP_NUMBER || (fragment & IP4_MF_AND_OFFSET))
		return ROCE_DROP_BAD_UDP;
	return ROCE_DROP_NONE;
}

static enum roce_drop parse_ip6(const struct dp_frame *f, struct roce_pkt *pkt)
{
	const uint8_t *ip = f->l3;

	if (f->l3_len < IP6_BYTES + UDP_BYTES)
		return ROCE_DROP_TRUNCATED;
	if (f->l3_len != IP6_BYTES + UDP_BYTES)
		return ROCE_DROP_BAD_IP;
	pkt->tos = (uint8_t)(dp_get_be16(ip) >> 4);
	pkt->flow_label = dp_get_be32(ip) & 0xfffff;
	pkt->l3_bytes = IP6_BYTES + (uint32_t)dp_get_be16(ip + 4);
	pkt->ttl = ip[7];
	memcpy(pkt->sgid.b, ip + 8, 16);
	memcpy(pkt->dgid.b, ip + 24, 16);
	if (pkt->l3_bytes != (uint64_t)f->l3_len + f->len)
		return ROCE_DROP_BAD_IP;
	/* IPv4 addresses have no place in an IPv6 header: as a GID they would be another peer's (RFC 4291, 2.5.5.2). */
	if (dp_ip_is_v4(&pkt->sgid) || dp_ip_is_v4(&pkt->dgid))
		return ROCE_DROP_BAD_IP;
	/* Extension headers, a fragment's among them, are not for RoCEv2. */
	if (ip[6] != IPPROTO_UDP_NUMBER)
		return ROCE_DROP_BAD_UDP;
	return ROCE_DROP_NONE;
}

static enum roce_drop parse_l3(const struct dp_frame *f, struct roce_pkt *pkt)
{
	enum roce_drop drop;
	const uint8_t *udp;

	if (f->l3_len < IP4_BYTES + UDP_BYTES)
		return ROCE_DROP_TRUNCATED;
	switch (f->l3[0] >> 4) {
	case 4:
		drop = parse_ip4(f, pkt);
		break;
	case 6:
		drop = parse_ip6(f, pkt);
		break;
	default:
		drop = ROCE_DROP_BAD_IP;
	}
	if (drop)
		return drop;
	/* The UDP checksum is the IP stack's: RoCEv2 may send zero and has the ICRC (A17). */
	udp = f->l3 + f->l3_len - UDP_BYTES;
	pkt->sport = dp_get_be16(udp);
	if (dp_get_be16(udp + 2) != ROCE_UDP_PORT || dp_get_be16(udp + 4) != UDP_BYTES + f->len)
		return ROCE_DROP_BAD_UDP;
	return ROCE_DROP_NONE;
}

/* BTH (9.2). */
static void parse_bth(const uint8_t *p, struct roce_pkt *pkt)
{
	pkt->opcode = p[0];
	if (p[1] & 0x80)
		pkt->bth_flags |= ROCE_BTH_SOLICITED;
	if (p[1] & 0x40)
		pkt->bth_flags |= ROCE_BTH_MIGREQ;
	pkt->pad_count = p[1] >> 4 & 3;
	pkt->tver = p[1] & 0xf;
	pkt->pkey = dp_get_be16(p + 2);
	if (p[4] & 0x80) /* FECN and BECN stand in the first reserved byte (A17, CNP) */
		pkt->bth_flags |= ROCE_BTH_FECN;
	if (p[4] & 0x40)
		pkt->bth_flags |= ROCE_BTH_BECN;
	pkt->dqpn = dp_get_be24(p + 5);
	if (p[8] & 0x80)
		pkt->bth_flags |= ROCE_BTH_ACKREQ;
	if (p[8] & 0x40)
		pkt->bth_flags |= ROCE_BTH_EXT;
	pkt->psn = dp_get_be24(p + 9);
}

/* Extension headers (9.3), in the order of enum roce_hdr. */
static void parse_headers(const uint8_t *p, uint16_t hdrs, struct roce_pkt *pkt)
{
	if (hdrs & ROCE_HDR_DETH) {
		pkt->qkey = dp_get_be32(p);
		pkt->sqpn = dp_get_be24(p + 5);
		p += 8;
	}
	if (hdrs & ROCE_HDR_XRCETH) {
		pkt->xrc_srqn = dp_get_be24(p + 1);
		p += 4;
	}
	if (hdrs & ROCE_HDR_FETH) {
		pkt->imm = dp_get_be32(p);
		p += 4;
	}
	if (hdrs & ROCE_HDR_RETH) {
		pkt->va = dp_get_be64(p);
		pkt->rkey = dp_get_be32(p + 8);
		pkt->dma_len = dp_get_be32(p + 12);
		p += 16;
	}
	if (hdrs & ROCE_HDR_ATOMICETH) {
		pkt->va = dp_get_be64(p);
		pkt->rkey = dp_get_be32(p + 8);
		pkt->swap_add = dp_get_be64(p + 12);
		pkt->compare = dp_get_be64(p + 20);
		p += 28;
	}
	if (hdrs & ROCE_HDR_AETH) {
		pkt->syndrome = p[0];
		pkt->msn = dp_get_be24(p + 1);
		p += 4;
	}
	if (hdrs & ROCE_HDR_ATOMICACKETH) {
		pkt->swap_add = dp_get_be64(p);
		p += 8;
	}
	if (hdrs & (ROCE_HDR_IMMDT | ROCE_HDR_IETH)) /* never both */
		pkt->imm = dp_get_be32(p);
	if (hdrs & ROCE_HDR_SACK) {
		pkt->sack_psn = dp_get_be24(p + 1);
		pkt->ce_bytes = dp_get_be32(p + 4);
		for (int i = 0; i < ROCE_SACK_BITS / 64; i++)
			pkt->sack[i] = dp_get_be64(p + 8 + 8 * i);
	}
}

enum roce_drop roce_wire_parse(const struct dp_frame *f, struct roce_pkt *pkt)
{
	const struct roce_opcode_info *info;
	enum roce_drop drop;
	uint32_t rest;

	*pkt = (struct roce_pkt){.bounce = pkt->bounce, .next = pkt->next, .prio = f->prio, .ts_ps = f->ts_ps};
	if (f->flags & DP_FRAME_ID_KNOWN)
		pkt->ip_flags |= ROCE_PKT_ID_KNOWN;
	if (f->flags & DP_FRAME_TTL_KNOWN)
		pkt->ip_flags |= ROCE_PKT_TTL_KNOWN;
	drop = parse_l3(f, pkt);
	if (drop)
		return drop;

	if (f->len < ROCE_BTH_BYTES + ROCE_ICRC_BYTES)
		return ROCE_DROP_TRUNCATED;
	parse_bth(f->data, pkt);
	if (pkt->tver)
		return ROCE_DROP_BAD_TVER;
	info = roce_opcode_info(pkt->opcode);
	if (!info->name)
		return ROCE_DROP_BAD_OPCODE;
	if (f->len < (uint32_t)info->hdr_len + ROCE_ICRC_BYTES)
		return ROCE_DROP_TRUNCATED;
	parse_headers(f->data + ROCE_BTH_BYTES, info->hdrs, pkt);

	/* PadCnt: the bytes that bring the payload to a multiple of four (9.2.4); so none without payload. */
	rest = f->len - info->hdr_len - ROCE_ICRC_BYTES;
	if (rest & 3 || rest < pkt->pad_count || (pkt->pad_count && !(info->flags & ROCE_OPF_PAYLOAD)))
		return ROCE_DROP_BAD_PAD;
	pkt->len = rest - pkt->pad_count;
	if (pkt->len) {
		pkt->iov[0] = (struct iovec){.iov_base = f->data + info->hdr_len, .iov_len = pkt->len};
		pkt->niov = 1;
	}
	if (pkt->len > PAYLOAD_MAX)
		return ROCE_DROP_OVERSIZED;
	/* Lengths that no path MTU decides. ATOMIC WRITE: exactly eight bytes (A19). */
	if (pkt->len && !(info->flags & ROCE_OPF_PAYLOAD))
		return ROCE_DROP_BAD_LENGTH;
	if ((info->flags & ROCE_OPF_ATOMIC_WRITE) && pkt->len != 8)
		return ROCE_DROP_BAD_LENGTH;
	return ROCE_DROP_NONE;
}

/* IP and UDP headers; data_len is all that follows them. */
static void build_l3(const struct roce_pkt *pkt, uint32_t data_len, struct dp_frame *f)
{
	uint8_t *ip = f->l3, *udp;

	if (dp_ip_is_v4(&pkt->dgid)) {
		f->l3_len = IP4_BYTES + UDP_BYTES;
		ip[0] = 0x45;
		ip[1] = pkt->tos;
		dp_put_be16(ip + 2, (uint16_t)(f->l3_len + data_len));
		dp_put_be16(ip + 4, pkt->ip_id);
		dp_put_be16(ip + 6, IP4_DF);
		ip[8] = pkt->ttl;
		ip[9] = IPPROTO_UDP_NUMBER;
		memcpy(ip + 12, pkt->sgid.b + 12, 4);
		memcpy(ip + 16, pkt->dgid.b + 12, 4);
		dp_put_be16(ip + 10, dp_ip4_checksum(ip));
	} else {
		f->l3_len = IP6_BYTES + UDP_BYTES;
		dp_put_be32(ip, 6u << 28 | (uint32_t)pkt->tos << 20 | (pkt->flow_label & 0xfffff));
		dp_put_be16(ip + 4, (uint16_t)(UDP_BYTES + data_len));
		ip[6] = IPPROTO_UDP_NUMBER;
		ip[7] = pkt->ttl;
		memcpy(ip + 8, pkt->sgid.b, 16);
		memcpy(ip + 24, pkt->dgid.b, 16);
	}
	udp = f->l3 + f->l3_len - UDP_BYTES;
	dp_put_be16(udp, pkt->sport);
	dp_put_be16(udp + 2, ROCE_UDP_PORT);
	dp_put_be16(udp + 4, (uint16_t)(UDP_BYTES + data_len));
	dp_put_be16(udp + 6, 0); /* zero: not used (A17) */
}

static void build_bth(const struct roce_pkt *pkt, uint8_t pad, uint8_t *p)
{
	p[0] = pkt->opcode;
	p[1] = (uint8_t)((pkt->bth_flags & ROCE_BTH_SOLICITED ? 0x80 : 0) |
			 (pkt->bth_flags & ROCE_BTH_MIGREQ ? 0x40 : 0) | pad << 4 | (pkt->tver & 0xf));
	dp_put_be16(p + 2, pkt->pkey);
	p[4] = (uint8_t)((pkt->bth_flags & ROCE_BTH_FECN ? 0x80 : 0) | (pkt->bth_flags & ROCE_BTH_BECN ? 0x40 : 0));
	dp_put_be24(p + 5, pkt->dqpn);
	p[8] = (uint8_t)((pkt->bth_flags & ROCE_BTH_ACKREQ ? 0x80 : 0) | (pkt->bth_flags & ROCE_BTH_EXT ? 0x40 : 0));
	dp_put_be24(p + 9, pkt->psn);
}

static void build_headers(const struct roce_pkt *pkt, uint16_t hdrs, uint8_t *p)
{
	if (hdrs & ROCE_HDR_DETH) {
		dp_put_be32(p, pkt->qkey);
		dp_put_be32(p + 4, pkt->sqpn & ROCE_QPN_MASK);
		p += 8;
	}
	if (hdrs & ROCE_HDR_XRCETH) {
		dp_put_be32(p, pkt->xrc_srqn & 0xffffff);
		p += 4;
	}
	if (hdrs & ROCE_HDR_FETH) {
		dp_put_be32(p, pkt->imm);
		p += 4;
	}
	if (hdrs & ROCE_HDR_RETH) {
		dp_put_be64(p, pkt->va);
		dp_put_be32(p + 8, pkt->rkey);
		dp_put_be32(p + 12, pkt->dma_len);
		p += 16;
	}
	if (hdrs & ROCE_HDR_ATOMICETH) {
		dp_put_be64(p, pkt->va);
		dp_put_be32(p + 8, pkt->rkey);
		dp_put_be64(p + 12, pkt->swap_add);
		dp_put_be64(p + 20, pkt->compare);
		p += 28;
	}
	if (hdrs & ROCE_HDR_AETH) {
		p[0] = pkt->syndrome;
		dp_put_be24(p + 1, pkt->msn);
		p += 4;
	}
	if (hdrs & ROCE_HDR_ATOMICACKETH) {
		dp_put_be64(p, pkt->swap_add);
		p += 8;
	}
	if (hdrs & (ROCE_HDR_IMMDT | ROCE_HDR_IETH))
		dp_put_be32(p, pkt->imm);
	if (hdrs & ROCE_HDR_CNP)
		memset(p, 0, 16);
	if (hdrs & ROCE_HDR_SACK) {
		dp_put_be32(p, pkt->sack_psn & ROCE_PSN_MASK);
		dp_put_be32(p + 4, pkt->ce_bytes);
		for (int i = 0; i < ROCE_SACK_BITS / 64; i++)
			dp_put_be64(p + 8 + 8 * i, pkt->sack[i]);
	}
}

static uint64_t iov_bytes(const struct roce_pkt *pkt)
{
	uint64_t n = 0;

	for (int i = 0; i < pkt->niov; i++)
		n += pkt->iov[i].iov_len;
	return n;
}

/* What was copied is what was summed. False: the memory is gone (guard.h). */
static __attribute__((noinline)) bool copy_summed(uint8_t *to, const uint8_t *from, uint32_t n, uint32_t *crc)
{
	if (!dp_guard_enter(from, n))
		return false;
	*crc = dp_crc32_copy(*crc, to, from, n);
	dp_guard_leave();
	return true;
}

/* Payload, pad, and room for the ICRC. */
static bool build_payload(const struct roce_pkt *pkt, uint32_t pad, uint8_t *p, struct roce_wire_sum *sum)
{
	uint32_t left = pkt->len;
	bool summed = pkt->len >= ROCE_WIRE_SUM_MIN;

	*sum = (struct roce_wire_sum){0};
	for (int i = 0; left; i++) {
		uint32_t n = (uint32_t)DP_MIN(pkt->iov[i].iov_len, left);

		if (n && !(summed ? copy_summed(p, pkt->iov[i].iov_base, n, &sum->crc)
				  : dp_guard_read(p, pkt->iov[i].iov_base, n)))
			return false;
		p += n;
		left -= n;
	}
	memset(p, 0, pad + ROCE_ICRC_BYTES);
	if (summed) {
		sum->crc = dp_crc32_update(sum->crc, p, pad);
		sum->bytes = pkt->len + pad;
	}
	return true;
}

int roce_wire_build(const struct roce_pkt *pkt, struct dp_frame *f)
{
	struct roce_wire_sum unused;

	return roce_wire_build_summed(pkt, f, &unused);
}

int roce_wire_build_summed(const struct roce_pkt *pkt, struct dp_frame *f, struct roce_wire_sum *sum)
{
	const struct roce_opcode_info *info = roce_opcode_info(pkt->opcode);
	uint32_t pad = -pkt->len & 3, data_len, l3_len;

	if (!info->name || dp_ip_is_v4(&pkt->sgid) != dp_ip_is_v4(&pkt->dgid))
		return -EINVAL;
	if (pkt->len && !(info->flags & ROCE_OPF_PAYLOAD))
		return -EINVAL;
	l3_len = (dp_ip_is_v4(&pkt->dgid) ? IP4_BYTES : IP6_BYTES) + UDP_BYTES;
	if (pkt->len > UINT16_MAX)
		return -EMSGSIZE;
	data_len = info->hdr_len + pkt->len + pad + ROCE_ICRC_BYTES;
	if (data_len > f->cap || l3_len + data_len > UINT16_MAX)
		return -EMSGSIZE;
	if (pkt->niov > ROCE_PKT_IOV || iov_bytes(pkt) < pkt->len)
		return -EFAULT;

	build_l3(pkt, data_len, f);
	build_bth(pkt, (uint8_t)pad, f->data);
	build_headers(pkt, info->hdrs, f->data + ROCE_BTH_BYTES);
	if (!build_payload(pkt, pad, f->data + info->hdr_len, sum))
		return -EIO;
	f->len = data_len;
	f->prio = pkt->prio;
	return 0;
}

/* A17: where InfiniBand has the GRH, the IPv6 header, or the IPv4 header in the last 20 of the 40 bytes. */
void roce_wire_grh(const struct roce_pkt *pkt, uint8_t grh[40])
{
	uint8_t *ip = grh;

	memset(grh, 0, 40);
	if (dp_ip_is_v4(&pkt->dgid)) {
		ip = grh + 20;
		ip[0] = 0x45;
		ip[1] = pkt->tos;
		dp_put_be16(ip + 2, (uint16_t)pkt->l3_bytes);
		dp_put_be16(ip + 4, pkt->ip_id);
		dp_put_be16(ip + 6, pkt->ip_flags & ROCE_PKT_DF ? IP4_DF : 0);
		ip[8] = pkt->ttl;
		ip[9] = IPPROTO_UDP_NUMBER;
		memcpy(ip + 12, pkt->sgid.b + 12, 4);
		memcpy(ip + 16, pkt->dgid.b + 12, 4);
		dp_put_be16(ip + 10, dp_ip4_checksum(ip));
		return;
	}
	dp_put_be32(ip, 6u << 28 | (uint32_t)pkt->tos << 20 | (pkt->flow_label & 0xfffff));
	dp_put_be16(ip + 4, (uint16_t)(pkt->l3_bytes - IP6_BYTES));
	ip[6] = IPPROTO_UDP_NUMBER;
	ip[7] = pkt->ttl;
	memcpy(ip + 8, pkt->sgid.b, 16);
	memcpy(ip + 24, pkt->dgid.b, 16);
}
