/*
 * The first version of the interface, of 2006 (IBVERBS_1.0), had other structures. No program in use calls it, but its
 * names must exist for those that were linked by them: they refuse.
 */
#include "rdma_verbs/ibverbs/vb.h"

#define OLD(name)     __asm__(".symver vb_old_int, ibv_" #name "@IBVERBS_1.0")
#define OLD_NEW(name) __asm__(".symver vb_old_null, ibv_" #name "@IBVERBS_1.0")

__attribute__((visibility("default"))) int vb_old_int(void);
__attribute__((visibility("default"))) void *vb_old_null(void);

int vb_old_int(void)
{
	errno = ENOSYS;
	return ENOSYS;
}

void *vb_old_null(void)
{
	return vb_null(ENOSYS);
}

OLD(ack_async_event);
OLD(ack_cq_events);
OLD_NEW(alloc_pd);
OLD(attach_mcast);
OLD(close_device);
OLD_NEW(create_ah);
OLD_NEW(create_cq);
OLD_NEW(create_qp);
OLD_NEW(create_srq);
OLD(dealloc_pd);
OLD(dereg_mr);
OLD(destroy_ah);
OLD(destroy_cq);
OLD(destroy_qp);
OLD(destroy_srq);
OLD(detach_mcast);
OLD(free_device_list);
OLD(get_async_event);
OLD(get_cq_event);
OLD_NEW(get_device_guid);
OLD_NEW(get_device_list);
OLD_NEW(get_device_name);
OLD(modify_qp);
OLD(modify_srq);
OLD_NEW(open_device);
OLD(query_device);
OLD(query_gid);
OLD(query_pkey);
OLD(query_port);
OLD(query_qp);
OLD(query_srq);
OLD_NEW(reg_mr);
OLD(resize_cq);
/* What drivers of before 2017 called at their start. */
__asm__(".symver vb_old_int, ibv_register_driver@IBVERBS_1.1");
