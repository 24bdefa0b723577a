/* What no RoCE device of ours offers. Every entry refuses: a program that does not look at the caps jumps nowhere. */
#include "rdma_verbs/ibverbs/vb.h"

/* A function that returns a pointer, or an error number. */
#define REFUSE_NEW(type, name, ...) \
	static type *name(__VA_ARGS__) \
	{ \
		return vb_null(EOPNOTSUPP); \
	}
#define REFUSE(name, ...) \
	static int name(__VA_ARGS__) \
	{ \
		return EOPNOTSUPP; \
	}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

REFUSE_NEW(struct ibv_dmah, alloc_dmah, struct ibv_context *context, struct ibv_dmah_init_attr *attr)
REFUSE(dealloc_dmah, struct ibv_dmah *dmah)
REFUSE_NEW(struct ibv_flow, create_flow, struct ibv_qp *qp, struct ibv_flow_attr *attr)
REFUSE(destroy_flow, struct ibv_flow *flow)
REFUSE_NEW(struct ibv_flow_action, create_flow_action_esp, struct ibv_context *context,
	   struct ibv_flow_action_esp_attr *attr)
REFUSE(modify_flow_action_esp, struct ibv_flow_action *action, struct ibv_flow_action_esp_attr *attr)
REFUSE(destroy_flow_action, struct ibv_flow_action *action)
REFUSE_NEW(struct ibv_counters, create_counters, struct ibv_context *context, struct ibv_counters_init_attr *attr)
REFUSE(destroy_counters, struct ibv_counters *counters)
REFUSE(attach_counters_point_flow, struct ibv_counters *counters, struct ibv_counter_attach_attr *attr,
       struct ibv_flow *flow)
REFUSE(read_counters, struct ibv_counters *counters, uint64_t *values, uint32_t n, uint32_t flags)
REFUSE_NEW(struct ibv_wq, create_wq, struct ibv_context *context, struct ibv_wq_init_attr *attr)
REFUSE(modify_wq, struct ibv_wq *wq, struct ibv_wq_attr *attr)
REFUSE(destroy_wq, struct ibv_wq *wq)
REFUSE_NEW(struct ibv_rwq_ind_table, create_rwq_ind_table, struct ibv_context *context,
	   struct ibv_rwq_ind_table_init_attr *attr)
REFUSE(destroy_rwq_ind_table, struct ibv_rwq_ind_table *table)

static int post_srq_ops(struct ibv_srq *srq, struct ibv_ops_wr *op, struct ibv_ops_wr **bad_op)
{
	*bad_op = op;
	return EOPNOTSUPP;
}

#pragma GCC diagnostic pop

void vb_refused_ops(struct verbs_context *v)
{
	v->alloc_dmah = alloc_dmah;
	v->dealloc_dmah = dealloc_dmah;
	v->ibv_create_flow = create_flow;
	v->ibv_destroy_flow = destroy_flow;
	v->create_flow_action_esp = create_flow_action_esp;
	v->modify_flow_action_esp = modify_flow_action_esp;
	v->destroy_flow_action = destroy_flow_action;
	v->create_counters = create_counters;
	v->destroy_counters = destroy_counters;
	v->attach_counters_point_flow = attach_counters_point_flow;
	v->read_counters = read_counters;
	v->create_wq = create_wq;
	v->modify_wq = modify_wq;
	v->destroy_wq = destroy_wq;
	v->create_rwq_ind_table = create_rwq_ind_table;
	v->destroy_rwq_ind_table = destroy_rwq_ind_table;
	v->post_srq_ops = post_srq_ops;
}
