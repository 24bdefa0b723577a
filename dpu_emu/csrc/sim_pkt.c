/* Packets in the fabric: a pool of half cache lines, linked by number, and what becomes of them at the engine's door. */
#include <stdlib.h>

#include "dpu_emu/csrc/sim_int.h"

static bool more_slabs(struct emu_sim *sim)
{
	struct emu_pkt *slab;

	if (!EMU_ROOM(sim, slabs, nslabs, 1, slabs_room))
		return false;
	slab = aligned_alloc(64, EMU_SLAB_PKTS * sizeof(*slab));
	if (!slab)
		return false;
	sim->slabs[sim->nslabs++] = slab;
	return true;
}

uint32_t emu_pkt_get(struct emu_sim *sim)
{
	uint32_t p = sim->pkts_free;

	if (dp_likely(p != EMU_NONE)) {
		sim->pkts_free = emu_pkt(sim, p)->next;
	} else {
		if (sim->pkts_n == sim->nslabs * EMU_SLAB_PKTS && !more_slabs(sim)) {
			emu_broken(sim);
			return EMU_NONE;
		}
		p = sim->pkts_n++;
	}
	if (++sim->stats.pkts_live > sim->stats.pkts_peak)
		sim->stats.pkts_peak = sim->stats.pkts_live;
	return p;
}

static uint32_t sack_get(struct emu_sim *sim)
{
	uint32_t i = sim->sacks_free;

	if (i != EMU_NONE) {
		sim->sacks_free = sim->sacks[i].next;
		return i;
	}
	if (!EMU_ROOM(sim, sacks, sacks_n, 1, sacks_room)) {
		emu_broken(sim);
		return EMU_NONE;
	}
	return sim->sacks_n++;
}

void emu_pkt_put(struct emu_sim *sim, uint32_t p)
{
	struct emu_pkt *pkt = emu_pkt(sim, p);

	sim->ways[pkt->way].live--;
	if (emu_pkt_kind(pkt) != EMU_PKT_DATA && pkt->sack != EMU_NONE) {
		sim->sacks[pkt->sack].next = sim->sacks_free;
		sim->sacks_free = pkt->sack;
	}
	pkt->next = sim->pkts_free;
	sim->pkts_free = p;
	sim->stats.pkts_live--;
}

/* Hosts are numbered in 10.0.0.0/8. */
void emu_address(uint32_t node, struct dp_ip *ip)
{
	memset(ip, 0, sizeof(*ip));
	ip->b[10] = ip->b[11] = 0xff;
	dp_put_be32(ip->b + 12, 10u << 24 | node);
}

uint32_t emu_address_node(const struct dp_ip *ip)
{
	return dp_get_be24(ip->b + 13);
}

static uint32_t flow_hash(const struct emu_way *w)
{
	uint64_t h = ((uint64_t)w->src << 32 | w->dst) * 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 32 ^ ((uint64_t)w->dqpn << 16 | w->sport)) * 0xd6e8feb86659fd93ull;
	return (uint32_t)(h >> 32);
}

void emu_way_open(struct emu_sim *sim, uint32_t way, uint32_t src, uint32_t dst, const struct roce_qp *from,
		  uint32_t dqpn)
{
	struct emu_way *w = &sim->ways[way];

	*w = (struct emu_way){.src = src,
			      .dst = dst,
			      .leaf = sim->nodes[dst].leaf,
			      .dqpn = dqpn,
			      .rkey = sim->hosts[sim->nodes[dst].index].rkey,
			      .sport = roce_qp_sport(from)};
	w->hash = flow_hash(w);
}

/* A packet of the engine's as one in the fabric; EMU_NONE: no memory. */
uint32_t emu_pkt_from(struct emu_sim *sim, const struct roce_dev *dev, const struct roce_pkt *pkt)
{
	uint32_t way = (uint32_t)(uintptr_t)roce_qp_user(roce_dev_qp(dev, pkt->sqpn)), i = emu_pkt_get(sim);
	struct emu_pkt *p;

	if (i == EMU_NONE)
		return i;
	p = emu_pkt(sim, i);
	sim->ways[way].live++;
	*p = (struct emu_pkt){
		.next = EMU_NONE,
		.way = way,
		.psn = pkt->psn,
		.opcode = pkt->opcode,
		.len = (uint16_t)pkt->len,
		.prio = pkt->prio,
		.bth_flags = pkt->bth_flags,
		.ecn = pkt->tos & 3,
		.syndrome = pkt->syndrome,
	};
	if (emu_pkt_kind(p) == EMU_PKT_DATA) {
		p->va = (uint32_t)pkt->va;
		p->dma_len = pkt->dma_len;
	} else {
		p->msn = pkt->msn;
		p->sack = EMU_NONE;
		if (pkt->opcode == ROCE_OPCODE_EXT_ACK) {
			uint32_t k = sack_get(sim);

			if (k == EMU_NONE) {
				emu_pkt_put(sim, i);
				return EMU_NONE;
			}
			p->sack = k;
			sim->sacks[k].psn = pkt->sack_psn;
			sim->sacks[k].ce_bytes = pkt->ce_bytes;
			memcpy(sim->sacks[k].bits, pkt->sack, sizeof(pkt->sack));
		}
	}
	sim->injected++;
	return i;
}

/* The other way round; valid until the next. Fields that are never set here stay zero. */
const struct roce_pkt *emu_pkt_to(struct emu_sim *sim, const struct emu_pkt *p)
{
	const struct emu_way *w = &sim->ways[p->way];
	struct roce_pkt *pkt = &sim->scratch;
	uint8_t dscp = (uint8_t)(p->prio << 3);

	if (p->opcode == ROCE_OPCODE_CNP)
		dscp = (uint8_t)sim->host_cfgs[sim->hosts[sim->nodes[w->src].index].cfg].cc.np_cnp_dscp;
	emu_address(w->src, &pkt->sgid);
	emu_address(w->dst, &pkt->dgid);
	pkt->opcode = p->opcode;
	pkt->bth_flags = p->bth_flags;
	pkt->prio = p->prio;
	pkt->tos = (uint8_t)(dscp << 2 | p->ecn);
	pkt->ttl = 64;
	pkt->syndrome = p->syndrome;
	pkt->pkey = 0xffff;
	pkt->dqpn = w->dqpn;
	pkt->psn = p->psn;
	pkt->len = p->len;
	pkt->l3_bytes = emu_pkt_l3_bytes(p);
	pkt->sport = w->sport;
	pkt->ts_ps = sim->now_ps;
	if (emu_pkt_kind(p) == EMU_PKT_DATA) {
		pkt->va = p->va;
		pkt->rkey = w->rkey;
		pkt->dma_len = p->dma_len;
	} else {
		pkt->msn = p->msn;
		if (p->sack != EMU_NONE) {
			const struct emu_sack *sack = &sim->sacks[p->sack];

			pkt->sack_psn = sack->psn;
			pkt->ce_bytes = sack->ce_bytes;
			memcpy(pkt->sack, sack->bits, sizeof(pkt->sack));
		}
	}
	return pkt;
}
