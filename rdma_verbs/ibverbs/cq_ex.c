/* The function table of a CQ made by ibv_create_cq_ex(): one entry is at hand at a time, read field by field. */
#include <arpa/inet.h>

#include "rdma_verbs/ibverbs/vb.h"

static struct vb_cq *of(struct ibv_cq_ex *ib)
{
	return (struct vb_cq *)ib;
}

static int take(struct vb_cq *cq)
{
	int got = cq->roce ? roce_live_poll(cq->live, cq->roce, &cq->wc, 1) : -EINVAL;

	if (got < 0)
		return -got;
	if (!got)
		return ENOENT;
	cq->ib.wr_id = cq->wc.wr_id;
	cq->ib.status = (enum ibv_wc_status)cq->wc.status;
	return 0;
}

static int start_poll(struct ibv_cq_ex *ib, struct ibv_poll_cq_attr *attr)
{
	struct vb_cq *cq = of(ib);
	int err;

	if (attr && attr->comp_mask)
		return EINVAL;
	if (!cq->single_threaded)
		pthread_mutex_lock(&cq->polling);
	err = take(cq);
	if (err && !cq->single_threaded) /* end_poll follows only success */
		pthread_mutex_unlock(&cq->polling);
	return err;
}

static int next_poll(struct ibv_cq_ex *ib)
{
	return take(of(ib));
}

static void end_poll(struct ibv_cq_ex *ib)
{
	if (!of(ib)->single_threaded)
		pthread_mutex_unlock(&of(ib)->polling);
}

static enum ibv_wc_opcode read_opcode(struct ibv_cq_ex *ib)
{
	return (enum ibv_wc_opcode)of(ib)->wc.opcode;
}

static uint32_t read_vendor_err(struct ibv_cq_ex *ib)
{
	return of(ib)->wc.vendor_err;
}

static uint32_t read_byte_len(struct ibv_cq_ex *ib)
{
	return of(ib)->wc.byte_len;
}

/* ibv_wc_read_invalidated_rkey() reads it, too. */
static uint32_t read_imm_data(struct ibv_cq_ex *ib)
{
	const struct roce_wc *wc = &of(ib)->wc;

	return wc->wc_flags & ROCE_WC_FLAG_WITH_INV ? wc->invalidated_rkey : htonl(wc->imm_data);
}

static uint32_t read_qp_num(struct ibv_cq_ex *ib)
{
	return of(ib)->wc.qp_num;
}

static uint32_t read_src_qp(struct ibv_cq_ex *ib)
{
	return of(ib)->wc.src_qp;
}

static unsigned int read_wc_flags(struct ibv_cq_ex *ib)
{
	return of(ib)->wc.wc_flags;
}

static uint32_t read_slid(struct ibv_cq_ex *ib)
{
	(void)ib;
	return 0;
}

static uint8_t read_sl(struct ibv_cq_ex *ib)
{
	return vb_wc_sl(of(ib), &of(ib)->wc);
}

static uint8_t read_dlid_path_bits(struct ibv_cq_ex *ib)
{
	(void)ib;
	return 0;
}

static uint64_t read_completion_ts(struct ibv_cq_ex *ib)
{
	return of(ib)->wc.timestamp_ps / DP_NS;
}

static uint16_t read_cvlan(struct ibv_cq_ex *ib)
{
	(void)ib;
	return 0;
}

static uint32_t read_flow_tag(struct ibv_cq_ex *ib)
{
	(void)ib;
	return 0;
}

static void read_tm_info(struct ibv_cq_ex *ib, struct ibv_wc_tm_info *tm_info)
{
	(void)ib;
	*tm_info = (struct ibv_wc_tm_info){0};
}

/* By both clocks as of now: good as long as nobody sets the time of day between the completion and this. */
static uint64_t read_completion_wallclock_ns(struct ibv_cq_ex *ib)
{
	struct timespec wall;
	uint64_t now_ps = roce_live_now_ps(of(ib)->live);

	clock_gettime(CLOCK_REALTIME, &wall);
	return (uint64_t)wall.tv_sec * 1000000000ULL + (uint64_t)wall.tv_nsec -
	       (now_ps - of(ib)->wc.timestamp_ps) / DP_NS;
}

/* Every entry, asked for or not: a program that reads what it did not ask for gets what there is. */
void vb_cq_ex_init(struct vb_cq *cq)
{
	struct ibv_cq_ex *ib = &cq->ib;

	ib->start_poll = start_poll;
	ib->next_poll = next_poll;
	ib->end_poll = end_poll;
	ib->read_opcode = read_opcode;
	ib->read_vendor_err = read_vendor_err;
	ib->read_byte_len = read_byte_len;
	ib->read_imm_data = read_imm_data;
	ib->read_qp_num = read_qp_num;
	ib->read_src_qp = read_src_qp;
	ib->read_wc_flags = read_wc_flags;
	ib->read_slid = read_slid;
	ib->read_sl = read_sl;
	ib->read_dlid_path_bits = read_dlid_path_bits;
	ib->read_completion_ts = read_completion_ts;
	ib->read_cvlan = read_cvlan;
	ib->read_flow_tag = read_flow_tag;
	ib->read_tm_info = read_tm_info;
	ib->read_completion_wallclock_ns = read_completion_wallclock_ns;
}
