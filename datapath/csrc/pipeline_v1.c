/*
 * v1model as the reference software switch runs it: parser, checksum verification, ingress, then one of resubmission, multicast, drop
 * or one port; egress for each copy, checksum computation, deparser, recirculation. Clones and replicas wait in the worker's
 * queue in the order in which the switch would put them there.
 *
 * A copy's metadata are reset but for the list of fields that the program preserves; the headers' slots (desc.hdr_first) survive in
 * a clone of egress, and are parsed anew in all others.
 */
#include "datapath/csrc/pipeline_int.h"

#define DROP_PORT 511

enum instance_type { NORMAL, INGRESS_CLONE, EGRESS_CLONE, RECIRCULATED = 4, REPLICATION, RESUBMITTED };

static uint64_t micros(const struct dp_pl_worker *w, uint32_t bits)
{
	return w->ts_ps / DP_US & pl_mask(bits);
}

static void save(struct pl_job *job, const struct dp_pl_worker *w)
{
	const struct dp_pl *pl = w->pl;

	memcpy(job->slots + pl->n_consts, w->slots + pl->n_consts, 8 * (size_t)(pl->n_slots - pl->n_consts));
	job->data = w->data;
	job->len = w->len;
	job->cur = w->cur;
}

static void load(struct dp_pl_worker *w, const struct pl_job *job)
{
	const struct dp_pl *pl = w->pl;

	dp_pl_fresh(w);
	memcpy(w->slots + pl->n_consts, job->slots + pl->n_consts, 8 * (size_t)(pl->n_slots - pl->n_consts));
	w->data = job->data;
	w->len = job->len;
	w->cur = job->cur;
}

/* A job whose slots are zero but for the fields of a list. */
static struct pl_job *job_with(struct dp_pl_worker *w, uint32_t list)
{
	const struct dp_pl *pl = w->pl;
	struct pl_job *job = dp_pl_job_new(w);

	if (!job)
		return NULL;
	memset(job->slots + pl->n_consts, 0, 8 * (size_t)(pl->n_slots - pl->n_consts));
	dp_pl_copy_list(pl, list, job->slots, w->slots);
	return job;
}

static void set_slot(const struct dp_pl *pl, struct pl_job *job, enum dp_pl_intrinsic i, uint64_t v)
{
	if (pl->intrinsics[i] != DP_PL_NONE)
		job->slots[pl->intrinsics[i]] = v;
}

/* What a job's packet keeps of the headers that w holds. */
static void keep_headers(struct pl_job *job, const struct dp_pl_worker *w)
{
	const struct dp_pl *pl = w->pl;

	memcpy(job->slots + pl->hdr_first, w->slots + pl->hdr_first, 8 * (size_t)pl->hdr_slots);
}

static const struct pl_fanout *session_of(struct dp_pl_worker *w)
{
	return dp_pl_fanout_find(atomic_load_explicit(&w->pl->clones, memory_order_acquire), w->clone_session);
}

static void fan_out(struct pl_job *job, const struct pl_fanout *f, uint32_t flags)
{
	job->replicas = f->r;
	job->n_replicas = f->n;
	job->flags = flags;
}

/* The packet as it came in, parsed again; metadata that the program listed are those of the end of ingress. */
static void clone_ingress(struct dp_pl_worker *w)
{
	const struct pl_fanout *session = session_of(w);
	const struct dp_pl *pl = w->pl;
	struct pl_job *job;

	if (!session)
		return;
	job = job_with(w, w->clone_list);
	if (!job)
		return;
	w->stats.clones++;
	set_slot(pl, job, DP_PL_I_INSTANCE_TYPE, INGRESS_CLONE);
	job->parse = true;
	job->data = w->data;
	job->len = w->len;
	job->packet_length = w->len;
	job->truncate = session->truncate ? session->truncate : 0xffffffff;
	fan_out(job, session, 1);
}

static void clone_egress(struct dp_pl_worker *w, uint32_t packet_length)
{
	const struct pl_fanout *session = session_of(w);
	const struct dp_pl *pl = w->pl;
	struct pl_job *job;

	w->clone = false;
	if (!session)
		return;
	job = job_with(w, w->clone_list);
	if (!job)
		return;
	w->stats.clones++;
	keep_headers(job, w);
	set_slot(pl, job, DP_PL_I_INSTANCE_TYPE, EGRESS_CLONE);
	job->data = w->data;
	job->len = w->len;
	job->cur = w->cur;
	job->packet_length = packet_length;
	job->truncate = session->truncate ? session->truncate : 0xffffffff;
	fan_out(job, session, 1);
}

static void recirculate(struct dp_pl_worker *w, uint32_t len)
{
	struct pl_job *job = job_with(w, w->recirc_list);

	if (!job)
		return;
	w->stats.recirculated++;
	dp_pl_out_keep(w, len);
	set_slot(w->pl, job, DP_PL_I_INSTANCE_TYPE, RECIRCULATED);
	set_slot(w->pl, job, DP_PL_I_PACKET_LENGTH, len);
	job->ingress = true;
	job->data = w->out;
	job->len = job->packet_length = len;
}

/* False: the packet is gone. */
static bool egress_block(struct dp_pl_worker *w, uint32_t port, uint32_t packet_length)
{
	pl_set_intrinsic(w, DP_PL_I_ENQ_TIMESTAMP, micros(w, 32));
	pl_set_intrinsic(w, DP_PL_I_ENQ_QDEPTH, 0);
	pl_set_intrinsic(w, DP_PL_I_DEQ_TIMEDELTA, 0);
	pl_set_intrinsic(w, DP_PL_I_DEQ_QDEPTH, 0);
	pl_set_intrinsic(w, DP_PL_I_EGRESS_TIMESTAMP, micros(w, 48));
	pl_set_intrinsic(w, DP_PL_I_EGRESS_PORT, port & 0x1ff);
	pl_set_intrinsic(w, DP_PL_I_EGRESS_SPEC, 0);
	pl_set_intrinsic(w, DP_PL_I_PACKET_LENGTH, packet_length);
	if (!dp_pl_block(w, DP_PL_B_EGRESS))
		return false;
	if (w->clone)
		clone_egress(w, packet_length);
	if (pl_intrinsic(w, DP_PL_I_EGRESS_SPEC) == DROP_PORT) {
		w->stats.drop_port++;
		return false;
	}
	return true;
}

/* The slots hold the packet as it left ingress. */
static void egress(struct dp_pl_worker *w, uint32_t port, uint32_t rid, uint32_t packet_length, uint32_t truncate,
		   uint32_t flags)
{
	int64_t len;

	w->truncate = DP_MIN(w->truncate, truncate);
	if (w->pl->blocks[DP_PL_B_EGRESS] != DP_PL_NONE && !egress_block(w, port, packet_length))
		return;
	len = dp_pl_deparse(w);
	if (len < 0)
		return;
	len = DP_MIN(len, w->truncate);
	if (w->recirc) {
		recirculate(w, (uint32_t)len);
		return;
	}
	dp_pl_out_keep(w, (uint32_t)len);
	dp_pl_out_add(w, w->out, (uint32_t)len, port, rid, (uint32_t)pl_intrinsic(w, DP_PL_I_PRIORITY), flags);
}

static void run_egress(struct dp_pl_worker *w, struct pl_job *job)
{
	uint32_t i;

	if (job->parse) {
		/* only headers are taken from this parse: what it did to metadata is reset, too */
		dp_pl_fresh(w);
		w->data = job->data;
		w->len = job->len;
		pl_set_intrinsic(w, DP_PL_I_INGRESS_PORT, w->port & 0x1ff);
		if (!dp_pl_block(w, DP_PL_B_PARSER) || !dp_pl_block(w, DP_PL_B_VERIFY))
			return;
		keep_headers(job, w);
		job->cur = w->cur;
	}
	for (i = 0; i < job->n_replicas; i++) {
		load(w, job);
		w->truncate = job->truncate;
		pl_set_intrinsic(w, DP_PL_I_EGRESS_RID, job->replicas[i].rid);
		w->stats.replicas += job->flags == 2;
		egress(w, job->replicas[i].port, job->replicas[i].rid, job->packet_length, job->truncate, job->flags);
	}
}

static void resubmit(struct dp_pl_worker *w, uint32_t packet_length)
{
	struct pl_job *job = job_with(w, w->resubmit_list);

	if (!job)
		return;
	w->stats.resubmits++;
	set_slot(w->pl, job, DP_PL_I_INSTANCE_TYPE, RESUBMITTED);
	set_slot(w->pl, job, DP_PL_I_PACKET_LENGTH, packet_length);
	job->ingress = true;
	job->data = w->data;
	job->len = w->len;
	job->packet_length = packet_length;
}

static void multicast(struct dp_pl_worker *w, uint32_t group, uint32_t packet_length)
{
	const struct pl_fanout *f = dp_pl_fanout_find(atomic_load_explicit(&w->pl->mcast, memory_order_acquire), group);
	struct pl_job *job;

	if (!f || !f->n) {
		w->stats.drop_port++;
		return;
	}
	job = dp_pl_job_new(w);
	if (!job)
		return;
	pl_set_intrinsic(w, DP_PL_I_INSTANCE_TYPE, REPLICATION);
	save(job, w);
	job->packet_length = packet_length;
	job->truncate = w->truncate;
	fan_out(job, f, 2);
}

/* The slots hold zeros or what a resubmitted or recirculated packet brings along. */
static void ingress(struct dp_pl_worker *w, uint32_t packet_length)
{
	uint32_t port, group;
	struct pl_job *job;

	pl_set_intrinsic(w, DP_PL_I_PARSER_ERROR, 0);
	pl_set_intrinsic(w, DP_PL_I_CHECKSUM_ERROR, 0);
	if (!dp_pl_block(w, DP_PL_B_PARSER))
		return;
	w->stats.parser_errors += pl_intrinsic(w, DP_PL_I_PARSER_ERROR) != 0;
	if (!dp_pl_block(w, DP_PL_B_VERIFY) || !dp_pl_block(w, DP_PL_B_INGRESS))
		return;
	if (w->clone)
		clone_ingress(w);
	w->clone = false;
	if (w->resubmit) {
		resubmit(w, packet_length);
		return;
	}
	group = (uint32_t)pl_intrinsic(w, DP_PL_I_MCAST_GRP);
	if (group) {
		multicast(w, group, packet_length);
		return;
	}
	port = (uint32_t)pl_intrinsic(w, DP_PL_I_EGRESS_SPEC);
	if (port == DROP_PORT) {
		w->stats.drop_pipeline++;
		return;
	}
	pl_set_intrinsic(w, DP_PL_I_INSTANCE_TYPE, NORMAL);
	if (dp_likely(w->job_first == w->n_jobs)) {
		egress(w, port, (uint32_t)pl_intrinsic(w, DP_PL_I_EGRESS_RID), packet_length, w->truncate, 0);
		return;
	}
	/* a clone goes first */
	job = dp_pl_job_new(w);
	if (!job)
		return;
	save(job, w);
	job->packet_length = packet_length;
	job->truncate = w->truncate;
	job->one = (struct dp_pl_replica){port, (uint32_t)pl_intrinsic(w, DP_PL_I_EGRESS_RID)};
	job->replicas = &job->one;
	job->n_replicas = 1;
}

void dp_pl_v1_packet(struct dp_pl_worker *w, const struct dp_pl_in *in)
{
	struct pl_job *job;

	dp_pl_fresh(w);
	w->data = in->data;
	w->len = in->len;
	pl_set_intrinsic(w, DP_PL_I_INGRESS_PORT, in->port & 0x1ff);
	pl_set_intrinsic(w, DP_PL_I_PACKET_LENGTH, in->len);
	pl_set_intrinsic(w, DP_PL_I_INGRESS_TIMESTAMP, micros(w, 48));
	ingress(w, in->len);
	while ((job = dp_pl_job_next(w))) {
		if (job->ingress) {
			load(w, job);
			ingress(w, job->packet_length);
		} else {
			run_egress(w, job);
		}
	}
}
