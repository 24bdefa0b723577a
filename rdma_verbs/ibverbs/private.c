/*
 * What rdma-core's own libraries (libmlx5, librdmacm ...) call of libibverbs beside its public interface. Its name
 * changes with each release that changes it. Programs are linked with these libraries and resolve every name at their
 * start, so all must exist: as functions that refuse, because no kernel stands behind our device.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "rdma_verbs/ibverbs/vb.h"

__attribute__((visibility("default"))) int vb_nosys(void);
__attribute__((visibility("default"))) void *vb_nosys_null(void);
__attribute__((visibility("default"))) void vb_nothing(void);
__attribute__((visibility("default"))) extern bool vb_allow_disassociate_destroy;

int vb_nosys(void)
{
	errno = ENOSYS;
	return ENOSYS;
}

void *vb_nosys_null(void)
{
	return vb_null(ENOSYS);
}

void vb_nothing(void)
{
}

bool vb_allow_disassociate_destroy;

#define NEWER(of, name) \
	__asm__(".symver " #of ", " #name "@IBVERBS_PRIVATE_57"); \
	__asm__(".symver " #of ", " #name "@IBVERBS_PRIVATE_59"); \
	__asm__(".symver " #of ", " #name "@IBVERBS_PRIVATE_64"); \
	__asm__(".symver " #of ", " #name "@IBVERBS_PRIVATE_65")
#define PRIVATE(of, name) \
	__asm__(".symver " #of ", " #name "@@IBVERBS_PRIVATE_34"); \
	NEWER(of, name)
#define NOSYS(name) PRIVATE(vb_nosys, name)

PRIVATE(vb_allow_disassociate_destroy, verbs_allow_disassociate_destroy);
PRIVATE(vb_nosys_null, _verbs_init_and_alloc_context);
PRIVATE(vb_nosys_null, verbs_open_device);
PRIVATE(vb_nothing, verbs_uninit_context);
PRIVATE(vb_nothing, verbs_set_ops);
PRIVATE(vb_nothing, verbs_init_cq);
PRIVATE(vb_nothing, __verbs_log);
__asm__(".symver vb_nothing, verbs_register_driver_34@@IBVERBS_PRIVATE_34");
__asm__(".symver vb_nothing, verbs_register_driver_57@@IBVERBS_PRIVATE_57");
__asm__(".symver vb_nothing, verbs_register_driver_59@@IBVERBS_PRIVATE_59");
__asm__(".symver vb_nothing, verbs_register_driver_64@@IBVERBS_PRIVATE_64");
__asm__(".symver vb_nothing, verbs_register_driver_65@@IBVERBS_PRIVATE_65");
NOSYS(__ioctl_final_num_attrs);
NOSYS(execute_ioctl);
NOSYS(ibv_cmd_advise_mr);
NOSYS(ibv_cmd_alloc_dm);
NOSYS(ibv_cmd_alloc_mw);
NOSYS(ibv_cmd_alloc_pd);
NOSYS(ibv_cmd_attach_mcast);
NOSYS(ibv_cmd_close_xrcd);
NOSYS(ibv_cmd_create_ah);
NOSYS(ibv_cmd_create_counters);
NOSYS(ibv_cmd_create_cq);
NOSYS(ibv_cmd_create_cq_ex);
NOSYS(ibv_cmd_create_flow);
NOSYS(ibv_cmd_create_flow_action_esp);
NOSYS(ibv_cmd_create_qp);
NOSYS(ibv_cmd_create_qp_ex);
NOSYS(ibv_cmd_create_qp_ex2);
NOSYS(ibv_cmd_create_rwq_ind_table);
NOSYS(ibv_cmd_create_srq);
NOSYS(ibv_cmd_create_srq_ex);
NOSYS(ibv_cmd_create_wq);
NOSYS(ibv_cmd_dealloc_mw);
NOSYS(ibv_cmd_dealloc_pd);
NOSYS(ibv_cmd_dereg_mr);
NOSYS(ibv_cmd_destroy_ah);
NOSYS(ibv_cmd_destroy_counters);
NOSYS(ibv_cmd_destroy_cq);
NOSYS(ibv_cmd_destroy_flow);
NOSYS(ibv_cmd_destroy_flow_action);
NOSYS(ibv_cmd_destroy_qp);
NOSYS(ibv_cmd_destroy_rwq_ind_table);
NOSYS(ibv_cmd_destroy_srq);
NOSYS(ibv_cmd_destroy_wq);
NOSYS(ibv_cmd_detach_mcast);
NOSYS(ibv_cmd_free_dm);
NOSYS(ibv_cmd_get_context);
NOSYS(ibv_cmd_modify_cq);
NOSYS(ibv_cmd_modify_flow_action_esp);
NOSYS(ibv_cmd_modify_qp);
NOSYS(ibv_cmd_modify_qp_ex);
NOSYS(ibv_cmd_modify_srq);
NOSYS(ibv_cmd_modify_wq);
NOSYS(ibv_cmd_open_qp);
NOSYS(ibv_cmd_open_xrcd);
NOSYS(ibv_cmd_poll_cq);
NOSYS(ibv_cmd_post_recv);
NOSYS(ibv_cmd_post_send);
NOSYS(ibv_cmd_post_srq_recv);
NOSYS(ibv_cmd_query_context);
NOSYS(ibv_cmd_query_device_any);
NOSYS(ibv_cmd_query_mr);
NOSYS(ibv_cmd_query_port);
NOSYS(ibv_cmd_query_qp);
NOSYS(ibv_cmd_query_srq);
NOSYS(ibv_cmd_read_counters);
NOSYS(ibv_cmd_reg_dm_mr);
NOSYS(ibv_cmd_reg_dmabuf_mr);
NOSYS(ibv_cmd_reg_mr);
NOSYS(ibv_cmd_req_notify_cq);
NOSYS(ibv_cmd_rereg_mr);
NOSYS(ibv_cmd_resize_cq);
/* What a kernel's connection manager told, for programs: ours tells nothing. */
__asm__(".symver vb_nothing, ibv_copy_ah_attr_from_kern@@IBVERBS_1.1");
__asm__(".symver vb_nothing, ibv_copy_path_rec_from_kern@@IBVERBS_1.0");
__asm__(".symver vb_nothing, ibv_copy_path_rec_to_kern@@IBVERBS_1.0");
__asm__(".symver vb_nothing, ibv_copy_qp_attr_from_kern@@IBVERBS_1.0");
/* Of later releases only. */
NEWER(vb_nosys, ibv_cmd_alloc_dmah);
NEWER(vb_nosys, ibv_cmd_free_dmah);
NEWER(vb_nosys, ibv_cmd_dealloc_dmah);
NEWER(vb_nosys, ibv_cmd_reg_mr_ex);
NEWER(vb_nosys, ibv_cmd_create_cq_ex2);
NEWER(vb_nosys, ibv_cmd_export_dmabuf_fd);
NEWER(vb_nosys, ibv_cmd_dm_export_dmabuf_fd);
NEWER(vb_nosys, ibv_cmd_query_port_speed);
NEWER(vb_nosys, ibv_cmd_create_comp_cntr);
NEWER(vb_nosys, ibv_cmd_destroy_comp_cntr);
NEWER(vb_nosys, ibv_cmd_qp_attach_comp_cntr);
NEWER(vb_nosys, ibv_cmd_read_comp_cntr);
NEWER(vb_nosys, ibv_cmd_read_err_comp_cntr);

/* These need no kernel, and librdmacm and ibacm read files by the first. */
VB_API(int, read_ibdev_sysfs_file, "ibv_read_ibdev_sysfs_file@@IBVERBS_PRIVATE_34",
       (char *buf, size_t size, const void *sysfs_dev, const char *format, ...))
{
	(void)buf;
	(void)size;
	(void)sysfs_dev;
	(void)format;
	errno = ENOSYS;
	return -1;
}
NEWER(vb_read_ibdev_sysfs_file, ibv_read_ibdev_sysfs_file);
