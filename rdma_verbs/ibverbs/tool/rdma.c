/*
 * A small `rdma` for programs under the launcher: what iproute2's says of the kernel's devices, of ours, in its formats.
 *
 *	rdma [-j] [-p] [-d] dev | link | system [show]
 *	rdma [-j] [-p] statistic [qp] [show] [link DEV[/PORT]]
 *	rdma [-j] [-p] resource [show [qp] [link DEV | dev DEV]]
 *
 * It reads the device's files as any program does, so what it shows is what sysfs shows; queue pairs come from the node's
 * shared memory. Commands that it does not know go to the real tool, if there is one.
 */
#include <dirent.h>
#include <getopt.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rdma_verbs/ibverbs/redirect/view.h"
#include "rdma_verbs/ibverbs/tool/print.h"

#define CLASS "/sys/class/infiniband"
#define TEXT  256

static struct printer out;

/* ---- files ---- */

/* The first line of a file below a device's folder; "" if there is none. */
static const char *read_file(char *text, const char *dev, const char *name)
{
	char path[512];
	FILE *file;

	text[0] = '\0';
	snprintf(path, sizeof(path), CLASS "/%s/%s", dev, name);
	file = fopen(path, "re");
	if (!file)
		return text;
	if (!fgets(text, TEXT, file))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
	return text;
}

/* "4: ACTIVE" and "5: LinkUp" as the tool spells them. */
static const char *state_name(const char *text)
{
	static const char *const known[][2] = {
		{"LinkUp", "LINK_UP"},
		{"Disabled", "DISABLED"},
		{"Polling", "POLLING"},
		{"Sleep", "SLEEP"},
		{"PortConfigurationTraining", "PORT_CONFIGURATION_TRAINING"},
		{"LinkErrorRecovery", "LINK_ERROR_RECOVER"},
	};
	const char *name = strchr(text, ' ');

	name = name ? name + 1 : text;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(name, known[i][0]))
			return known[i][1];
	return name;
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int list(const char *path, struct dirent ***names)
{
	int n = scandir(path, names, no_dots, alphasort);

	return n < 0 ? 0 : n;
}

static void forget(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n)
		free(names);
}

/* ---- what is asked for ---- */

struct wanted {
	const char *dev; /* NULL: all */
	long port;       /* 0: all */
	int seen;
};

static bool wants(struct wanted *want, const char *dev, long port)
{
	if ((want->dev && strcmp(want->dev, dev)) || (want->port && port && want->port != port))
		return false;
	want->seen++;
	return true;
}

/* For each port of each wanted device; `ports` false: for each device, with port 0. */
static void for_each(struct wanted *want, bool ports, void (*call)(unsigned int index, const char *dev, long port))
{
	struct dirent **devs, **numbers;
	int ndevs = list(CLASS, &devs);

	for (int i = 0; i < ndevs; i++) {
		const char *dev = devs[i]->d_name;
		char path[512];
		int n;

		if (!ports) {
			if (wants(want, dev, 0))
				call((unsigned int)i, dev, 0);
			continue;
		}
		snprintf(path, sizeof(path), CLASS "/%s/ports", dev);
		n = list(path, &numbers);
		for (int k = 0; k < n; k++) {
			long port = strtol(numbers[k]->d_name, NULL, 10);

			if (wants(want, dev, port))
				call((unsigned int)i, dev, port);
		}
		forget(numbers, n);
	}
	forget(devs, ndevs);
}

/* ---- dev, link, system ---- */

static void show_dev(unsigned int index, const char *dev, long port)
{
	char text[TEXT];

	(void)port;
	print_open(&out);
	print_index(&out, index, dev);
	read_file(text, dev, "node_type");
	print_text(&out, "node_type", strstr(text, "CA") ? "ca" : strstr(text, "RNIC") ? "rnic" : "unknown");
	if (*read_file(text, dev, "fw_ver"))
		print_text(&out, "fw", text);
	print_text(&out, "node_guid", read_file(text, dev, "node_guid"));
	print_text(&out, "sys_image_guid", read_file(text, dev, "sys_image_guid"));
	print_close(&out);
}

static void show_link(unsigned int index, const char *dev, long port)
{
	char name[64], text[TEXT];

	print_open(&out);
	print_link(&out, index, dev, port);
	snprintf(name, sizeof(name), "ports/%ld/state", port);
	print_text(&out, "state", state_name(read_file(text, dev, name)));
	snprintf(name, sizeof(name), "ports/%ld/phys_state", port);
	print_text(&out, "physical_state", state_name(read_file(text, dev, name)));
	snprintf(name, sizeof(name), "ports/%ld/gid_attrs/ndevs/0", port);
	if (*read_file(text, dev, name)) {
		print_text(&out, "netdev", text);
		if (out.json || out.details)
			print_number(&out, "netdev_index", if_nametoindex(text));
	}
	print_close(&out);
}

static void show_system(void)
{
	print_open(&out);
	print_text(&out, "netns", "shared");
	print_bool(&out, "copy-on-fork", true);
	print_close(&out);
}

static void show_statistic(unsigned int index, const char *dev, long port)
{
	struct dirent **names;
	char path[512];
	int n;

	(void)index;
	snprintf(path, sizeof(path), CLASS "/%s/ports/%ld/hw_counters", dev, port);
	n = list(path, &names);
	print_open(&out);
	print_port(&out, dev, port);
	for (int i = 0; i < n; i++) {
		char text[TEXT];

		snprintf(path, sizeof(path), "ports/%ld/hw_counters/%s", port, names[i]->d_name);
		if (*read_file(text, dev, path))
			print_number(&out, names[i]->d_name, strtoull(text, NULL, 10));
	}
	print_close(&out);
	forget(names, n);
}

/* ---- queue pairs: from the memory of the node ---- */

static const char *comm_of(char *text, uint64_t pid)
{
	char path[64];
	FILE *file;

	text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%llu/comm", (unsigned long long)pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(text, TEXT, file))
			text[0] = '\0';
		fclose(file);
	}
	text[strcspn(text, "\n")] = '\0';
	return text;
}

typedef void qp_fn(unsigned int index, const char *dev, long port, uint64_t pid, const uint64_t *row);

static qp_fn *qp_call;
static uint64_t qp_count, process_count;
static char *qp_names; /* of the counters in a row, a line each */

/* The node is that of the launcher, whatever the device is called. */
static void each_qp(unsigned int index, const char *dev, long port)
{
	const char *root = getenv("DPU_EMU_SYSFS");
	struct node_view view;
	char path[1024];

	if (!root || strlen(root) > sizeof(path) - 8)
		return;
	snprintf(path, sizeof(path), "%s/..", root);
	if (node_view_open(path, &view))
		return;
	for (uint32_t i = 1; i < view.hdr->nslots; i++) {
		struct dp_node_slot *slot = dp_node_slot((struct dp_node_hdr *)view.hdr, i);

		if (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != DP_NODE_SLOT_USED)
			continue;
		process_count++;
		for (int k = 0; k < DP_NODE_QPS; k++) {
			if (!__atomic_load_n(&slot->qps[k][0], __ATOMIC_RELAXED))
				continue;
			qp_count++;
			if (qp_call)
				qp_call(index, dev, port, slot->pid, slot->qps[k]);
		}
	}
	node_view_close(&view);
}

static void show_qp(unsigned int index, const char *dev, long port, uint64_t pid, const uint64_t *row)
{
	char text[TEXT];

	print_open(&out);
	print_link(&out, index, dev, port);
	print_number(&out, "lqpn", row[0]);
	print_number(&out, "pid", pid);
	print_text(&out, "comm", comm_of(text, pid));
	print_close(&out);
}

static void show_qp_statistic(unsigned int index, const char *dev, long port, uint64_t pid, const uint64_t *row)
{
	const char *name = qp_names;
	char text[TEXT];

	(void)index;
	print_open(&out);
	print_port(&out, dev, port);
	print_number(&out, "pid", pid);
	print_text(&out, "comm", comm_of(text, pid));
	print_number(&out, "lqpn", row[0]);
	for (int i = 1; i < DP_NODE_QP_WORDS && name && *name; i++) {
		size_t len = strcspn(name, "\n");

		snprintf(text, sizeof(text), "%.*s", (int)len, name);
		print_number(&out, text, row[i]);
		name += len + (name[len] == '\n');
	}
	print_close(&out);
}

static void show_resource(unsigned int index, const char *dev, long port)
{
	qp_count = process_count = 0;
	qp_call = NULL;
	each_qp(index, dev, port);
	print_open(&out);
	print_index(&out, index, dev);
	print_number(&out, "qp", qp_count);
	print_number(&out, "ctx", process_count);
	print_close(&out);
}

static void read_qp_names(void)
{
	static char text[4096];
	const char *root = getenv("DPU_EMU_SYSFS");
	char path[1024];
	FILE *file;

	snprintf(path, sizeof(path), "%s/qp_counters", root ? root : "");
	file = fopen(path, "re");
	if (!file)
		return;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	qp_names = text;
}

/* ---- the command line ---- */

static bool matches(const char *said, const char *name)
{
	return said && *said && !strncmp(said, name, strlen(said));
}

static bool is_show(const char *said)
{
	return matches(said, "show") || matches(said, "list") || (said && !strcmp(said, "lst"));
}

/* The real one: the first `rdma` of PATH that is another file than this. */
static int real_tool(char **argv, const char *why)
{
	char folders[8192], path[4096], *rest = folders, *folder;
	const char *said = getenv("PATH");
	struct stat own, other;

	snprintf(folders, sizeof(folders), "%s:/usr/sbin:/sbin", said ? said : "/usr/bin:/bin");
	while (!stat("/proc/self/exe", &own) && (folder = strsep(&rest, ":"))) {
		snprintf(path, sizeof(path), "%s/rdma", folder);
		if (stat(path, &other) || (own.st_ino == other.st_ino && own.st_dev == other.st_dev) ||
		    access(path, X_OK))
			continue;
		execv(path, argv);
	}
	fprintf(stderr, "rdma: %s: not of the software device, and there is no other rdma\n", why);
	return 1;
}

/* What follows "show": [link|dev] DEV[/PORT]. False: something else. */
static bool parse_device(char **args, struct wanted *want)
{
	static char dev[TEXT];
	char *port, *end;

	if (*args && (matches(*args, "link") || matches(*args, "dev")) && args[1])
		args++;
	if (!*args)
		return true;
	snprintf(dev, sizeof(dev), "%s", *args);
	port = strchr(dev, '/');
	if (port) {
		*port++ = '\0';
		want->port = strtol(port, &end, 10);
		if (!*port || (*end && strcmp(port, "-")) || want->port < 0)
			return false;
	}
	want->dev = dev;
	return !args[1];
}

static int show(char **args, char **argv, bool ports, void (*call)(unsigned int, const char *, long))
{
	struct wanted want = {0};

	if (*args && is_show(*args))
		args++;
	if (!parse_device(args, &want))
		return real_tool(argv, *args);
	print_begin(&out);
	for_each(&want, ports, call);
	print_end(&out);
	if (!want.seen && want.dev) {
		fprintf(stderr, "Wrong device name\n");
		return 1;
	}
	return 0;
}

static int show_qps(char **args, char **argv, qp_fn *call)
{
	qp_call = call;
	return show(args, argv, true, each_qp);
}

static int command(char **args, char **argv)
{
	const char *object = *args++;

	if (matches(object, "dev"))
		return show(args, argv, false, show_dev);
	if (matches(object, "link"))
		return show(args, argv, true, show_link);
	if (matches(object, "resource")) {
		if (*args && is_show(*args))
			args++;
		if (*args && !strcmp(*args, "qp"))
			return show_qps(args + 1, argv, show_qp);
		return show(args, argv, false, show_resource);
	}
	if (matches(object, "system") && (!*args || (is_show(*args) && !args[1]))) {
		print_begin(&out);
		show_system();
		print_end(&out);
		return 0;
	}
	if (matches(object, "statistic")) {
		if (*args && !strcmp(*args, "qp")) {
			read_qp_names();
			return show_qps(args + 1, argv, show_qp_statistic);
		}
		return show(args, argv, true, show_statistic);
	}
	return real_tool(argv, object);
}

static const char usage[] = "Usage: rdma [ -j | -p | -d ] { dev | link | system | resource | statistic } [ show ]\n"
			    "A software device's part of iproute2's rdma; other commands go to that.\n";

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{"json", no_argument, NULL, 'j'},
		{"pretty", no_argument, NULL, 'p'},
		{"details", no_argument, NULL, 'd'},
		{"raw", no_argument, NULL, 'r'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "jpdrVh", names, NULL)) != -1) {
		if (opt == 'j')
			out.json = true;
		else if (opt == 'p')
			out.pretty = true;
		else if (opt == 'd')
			out.details = true;
		else if (opt == 'h')
			return fputs(usage, stdout) < 0;
		else if (opt != 'r')
			return real_tool(argv, "option");
	}
	if (!argv[optind] || matches(argv[optind], "help"))
		return fputs(usage, stdout) < 0;
	opt = command(argv + optind, argv);
	return fflush(stdout) ? 1 : opt;
}
