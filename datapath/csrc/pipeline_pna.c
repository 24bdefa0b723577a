/*
 * The portable NIC architecture: parser, pre control, main control, deparser; the packet is dropped, goes to a port, or back to the
 * parser as one that is looped back. Mirrored copies are of the packet as it was deparsed.
 */
#include "datapath/csrc/pipeline_int.h"

enum direction { NET_TO_HOST, HOST_TO_NET };

static void mirror(struct dp_pl_worker *w, uint32_t session, uint32_t len)
{
	const struct pl_fanout *f =
		dp_pl_fanout_find(atomic_load_explicit(&w->pl->clones, memory_order_acquire), session);
	uint32_t i;

	for (i = 0; f && i < f->n; i++) {
		w->stats.clones++;
		dp_pl_out_add(w, w->out, f->truncate ? DP_MIN(len, f->truncate) : len, f->r[i].port, f->r[i].rid, 0, 1);
	}
}

static void pass(struct dp_pl_worker *w, const struct dp_pl_in *in, uint32_t number)
{
	struct pl_job *job;
	int64_t len;
	uint32_t i;

	pl_set_intrinsic(w, DP_PL_I_INGRESS_PORT, in->port);
	pl_set_intrinsic(w, DP_PL_I_PACKET_LENGTH, w->len);
	pl_set_intrinsic(w, DP_PL_I_INGRESS_TIMESTAMP, w->ts_ps / DP_NS);
	pl_set_intrinsic(w, DP_PL_I_DIRECTION, in->flags & 1 ? HOST_TO_NET : NET_TO_HOST);
	pl_set_intrinsic(w, DP_PL_I_PASS, number & 7);
	pl_set_intrinsic(w, DP_PL_I_LOOPEDBACK, number > 0);
	if (!dp_pl_block(w, DP_PL_B_PARSER))
		return;
	w->stats.parser_errors += pl_intrinsic(w, DP_PL_I_PARSER_ERROR) != 0;
	if (!dp_pl_block(w, DP_PL_B_VERIFY) || !dp_pl_block(w, DP_PL_B_INGRESS))
		return;
	if (pl_intrinsic(w, DP_PL_I_DROP) && !w->n_mirrors && !w->recirc) {
		w->stats.drop_pipeline++;
		return;
	}
	len = dp_pl_deparse(w);
	if (len < 0)
		return;
	len = DP_MIN(len, w->truncate);
	dp_pl_out_keep(w, (uint32_t)len);
	for (i = 0; i < w->n_mirrors; i++)
		mirror(w, w->mirrors[i].session, (uint32_t)len);
	if (w->recirc) {
		job = dp_pl_job_new(w);
		if (!job)
			return;
		w->stats.recirculated++;
		job->data = w->out;
		job->len = (uint32_t)len;
		job->packet_length = number + 1;
	} else if (pl_intrinsic(w, DP_PL_I_DROP)) {
		w->stats.drop_pipeline++;
	} else {
		dp_pl_out_add(w, w->out, (uint32_t)len, (uint32_t)pl_intrinsic(w, DP_PL_I_DEST_PORT), 0,
			      (uint32_t)pl_intrinsic(w, DP_PL_I_CLASS_OF_SERVICE), 0);
	}
}

void dp_pl_pna_packet(struct dp_pl_worker *w, const struct dp_pl_in *in)
{
	struct pl_job *job;

	dp_pl_fresh(w);
	w->data = in->data;
	w->len = in->len;
	pass(w, in, 0);
	while ((job = dp_pl_job_next(w))) {
		dp_pl_fresh(w);
		w->data = job->data;
		w->len = job->len;
		pass(w, in, job->packet_length);
	}
}
