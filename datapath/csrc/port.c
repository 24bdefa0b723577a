/* What is the same for every port: reading its counters, finding the port below, frames as bytes, freeing. */
#include "datapath/csrc/port.h"

void dp_port_get_stats(const struct dp_port *p, struct dp_port_stats *out)
{
	*out = p->stats;
}

uint32_t dp_port_mtu(const struct dp_port *p)
{
	return p->mtu;
}

uint32_t dp_port_sport(const struct dp_port *p)
{
	return p->sport;
}

struct dp_port *dp_port_inner(struct dp_port *p)
{
	return p->inner;
}

void dp_port_free(struct dp_port *p)
{
	if (p)
		p->ops->free(p);
}

int dp_port_send_bytes(struct dp_port *p, const uint8_t *ip, uint32_t len, uint64_t now_ps)
{
	uint32_t l3_len = len && ip[0] >> 4 == 6 ? 48 : 28;
	uint8_t data[DP_FRAME_DATA_MAX];
	struct dp_frame f = {.data = data, .cap = sizeof(data)}, *v = &f;

	if (len > p->mtu || len > DP_FRAME_DATA_MAX)
		return -EMSGSIZE;
	f.l3_len = (uint16_t)DP_MIN(l3_len, len);
	f.len = len - f.l3_len;
	if (f.l3_len)
		memcpy(f.l3, ip, f.l3_len);
	if (f.len)
		memcpy(data, ip + f.l3_len, f.len);
	dp_port_tick(p, now_ps);
	return dp_port_tx(p, &v, 1, now_ps);
}

int dp_port_recv_bytes(struct dp_port *p, uint8_t *ip, uint32_t cap, uint64_t now_ps, uint64_t *ts_ps)
{
	struct dp_frame *f;
	int n = dp_port_rx(p, &f, 1, now_ps);

	if (n <= 0)
		return n;
	if (dp_frame_bytes(f) > cap)
		return -EMSGSIZE;
	memcpy(ip, f->l3, f->l3_len);
	if (f->len)
		memcpy(ip + f->l3_len, f->data, f->len);
	*ts_ps = f->ts_ps;
	return (int)dp_frame_bytes(f);
}
