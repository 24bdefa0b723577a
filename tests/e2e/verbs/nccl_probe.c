/*
 * Looks for RDMA devices as NCCL does, and prints what it finds, a `key value` a line: opens libibverbs when it runs,
 * takes each function by its version, and reads speed, slot and GID types where the kernel shows them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <infiniband/verbs.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef ibv_query_port
#undef ibv_reg_mr

static void *lib;

static void *need(const char *name, const char *version)
{
	void *found = dlvsym(lib, name, version);

	if (!found) {
		fprintf(stderr, "%s@%s: %s\n", name, version, dlerror());
		exit(1);
	}
	return found;
}

#define NEED(type, name, version, args) type(*name) args = (type(*) args)need("ibv_" #name, version)

static void show_file(const char *key, const char *path)
{
	char line[256] = "";
	FILE *f = fopen(path, "r");

	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = 0;
	printf("%s %s\n", key, f ? line : "missing");
	if (f)
		fclose(f);
}

static void show_sysfs(const struct ibv_device *dev)
{
	char path[PATH_MAX + 64], real[PATH_MAX];

	/* NCCL finds the adapter's place in the machine so, and takes one without for a virtual one. */
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/device", dev->name);
	printf("device %s\n", realpath(path, real) ? "there" : "missing");
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/gid_attrs/types/0", dev->name);
	show_file("gid_type", path);
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/gids/0", dev->name);
	show_file("gid_file", path);
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/link_layer", dev->name);
	show_file("link_layer", path);
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/rate", dev->name);
	show_file("rate", path);
}

int main(int argc, char **argv)
{
	struct ibv_device **list;
	struct ibv_context *ctx;
	struct ibv_device_attr attr;
	struct ibv_port_attr port;
	union ibv_gid gid;
	struct ibv_async_event event;
	struct ibv_pd *pd;
	struct ibv_mr *mr, *relaxed;
	static char buffer[8192];
	int n;

	lib = dlopen(argc > 1 ? argv[1] : "libibverbs.so", RTLD_NOW);
	if (!lib && argc == 1)
		lib = dlopen("libibverbs.so.1", RTLD_NOW);
	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	NEED(int, fork_init, "IBVERBS_1.1", (void));
	NEED(struct ibv_device **, get_device_list, "IBVERBS_1.1", (int *));
	NEED(void, free_device_list, "IBVERBS_1.1", (struct ibv_device **));
	NEED(const char *, get_device_name, "IBVERBS_1.1", (struct ibv_device *));
	NEED(struct ibv_context *, open_device, "IBVERBS_1.1", (struct ibv_device *));
	NEED(int, close_device, "IBVERBS_1.1", (struct ibv_context *));
	NEED(int, get_async_event, "IBVERBS_1.1", (struct ibv_context *, struct ibv_async_event *));
	NEED(void, ack_async_event, "IBVERBS_1.1", (struct ibv_async_event *));
	NEED(int, query_device, "IBVERBS_1.1", (struct ibv_context *, struct ibv_device_attr *));
	NEED(int, query_port, "IBVERBS_1.1", (struct ibv_context *, uint8_t, struct ibv_port_attr *));
	NEED(int, query_gid, "IBVERBS_1.1", (struct ibv_context *, uint8_t, int, union ibv_gid *));
	NEED(int, query_qp, "IBVERBS_1.1", (struct ibv_qp *, struct ibv_qp_attr *, int, struct ibv_qp_init_attr *));
	NEED(struct ibv_pd *, alloc_pd, "IBVERBS_1.1", (struct ibv_context *));
	NEED(int, dealloc_pd, "IBVERBS_1.1", (struct ibv_pd *));
	NEED(struct ibv_mr *, reg_mr, "IBVERBS_1.1", (struct ibv_pd *, void *, size_t, int));
	NEED(struct ibv_mr *, reg_mr_iova2, "IBVERBS_1.8", (struct ibv_pd *, void *, size_t, uint64_t, unsigned int));
	NEED(struct ibv_mr *, reg_dmabuf_mr, "IBVERBS_1.12", (struct ibv_pd *, uint64_t, size_t, uint64_t, int, int));
	NEED(int, dereg_mr, "IBVERBS_1.1", (struct ibv_mr *));
	NEED(const char *, event_type_str, "IBVERBS_1.1", (enum ibv_event_type));
	NEED(int, query_ece, "IBVERBS_1.10", (struct ibv_qp *, struct ibv_ece *));
	NEED(int, set_ece, "IBVERBS_1.10", (struct ibv_qp *, struct ibv_ece *));
	(void)get_async_event, (void)ack_async_event, (void)query_qp, (void)query_ece, (void)set_ece, (void)event;

	printf("fork_init %d\n", fork_init());
	list = get_device_list(&n);
	printf("devices %d\n", list ? n : -1);
	if (!list || n < 1)
		return 1;
	printf("name %s\n", get_device_name(list[0]));
	show_sysfs(list[0]);
	ctx = open_device(list[0]);
	if (!ctx || query_device(ctx, &attr) || query_port(ctx, 1, &port) || query_gid(ctx, 1, 0, &gid)) {
		perror("open");
		return 1;
	}
	printf("ports %d\n", attr.phys_port_cnt);
	printf("state %d\n", port.state);
	printf("ethernet %d\n", port.link_layer == IBV_LINK_LAYER_ETHERNET);
	printf("speed %d width %d\n", port.active_speed, port.active_width);
	printf("gid %02x%02x:%d.%d.%d.%d\n", gid.raw[10], gid.raw[11], gid.raw[12], gid.raw[13], gid.raw[14],
	       gid.raw[15]);
	pd = alloc_pd(ctx);
	mr = reg_mr(pd, buffer, sizeof(buffer), IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	/* How NCCL learns of relaxed ordering, and of GPU memory. */
	relaxed = reg_mr_iova2(pd, buffer, sizeof(buffer), (uintptr_t)buffer,
			       IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_RELAXED_ORDERING);
	printf("reg_mr %d\nrelaxed_ordering %d\n", mr != NULL, relaxed != NULL);
	printf("dmabuf %d\n", reg_dmabuf_mr(pd, 0, 4096, 0, -1, 0) != NULL);
	printf("event %s\n", event_type_str(IBV_EVENT_PORT_ERR));
	if (mr && relaxed)
		printf("closed %d\n", dereg_mr(mr) || dereg_mr(relaxed) || dealloc_pd(pd) || close_device(ctx));
	free_device_list(list);
	return 0;
}
