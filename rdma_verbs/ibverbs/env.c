/* The environment that `dpu-emu run` sets, or a user: everything optional, nothing guessed from bad values. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "rdma_verbs/ibverbs/vb.h"

#define LINE_RATE_MBPS 100000 /* where congestion control begins */

/* Returns the variable, or NULL if it is not set or empty. */
static const char *get(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static int bad(const char *name, const char *value, const char *limit)
{
	fprintf(stderr, "dpu-emu: %s=%s: %s\n", name, value, limit);
	return EINVAL;
}

static int number(const char *name, uint64_t max, uint64_t *out)
{
	const char *value = get(name);
	char limit[64], *end;
	unsigned long long n;

	if (!value)
		return 0;
	errno = 0;
	n = strtoull(value, &end, 0);
	if (*end || errno || value[0] == '-' || n > max) {
		snprintf(limit, sizeof(limit), "a number from 0 to %llu", (unsigned long long)max);
		return bad(name, value, limit);
	}
	*out = n;
	return 0;
}

static int flag(const char *name, bool *out)
{
	uint64_t n = 0;
	int err = number(name, 1, &n);

	*out = n;
	return err;
}

static int text(const char *name, const char *fallback, char *to, size_t room)
{
	const char *value = get(name);

	if (!value)
		value = fallback;
	if (strlen(value) >= room)
		return bad(name, value, "too long");
	strcpy(to, value);
	return 0;
}

static int read_address(struct vb_env *env)
{
	struct in6_addr ip6;
	struct in_addr ip4;
	int err = text("DPU_EMU_NODE", "127.0.0.1", env->address, sizeof(env->address));

	if (err)
		return err;
	if (inet_pton(AF_INET, env->address, &ip4) != 1 && inet_pton(AF_INET6, env->address, &ip6) != 1)
		return bad("DPU_EMU_NODE", env->address, "not an IPv4 or IPv6 address");
	env->session.node.address = env->address;
	return 0;
}

static int read_transport(struct vb_env *env)
{
	const char *value = get("DPU_EMU_TRANSPORT");

	env->session.transport = ROCE_TRANSPORT_LOCAL;
	if (!value || !strcmp(value, "local"))
		return 0;
	env->session.transport = ROCE_TRANSPORT_UDP;
	return strcmp(value, "udp") ? bad("DPU_EMU_TRANSPORT", value, "local or udp") : 0;
}

static int read_cc(struct vb_env *env)
{
	const char *value = get("DPU_EMU_CC"), *name;
	char limit[256] = "none, dcqcn";

	if (!value || !strcmp(value, "none"))
		return 0;
	/* The algorithm by its own name: with the parameters of cards. */
	if (!roce_cc_preset(strcmp(value, "dcqcn") ? value : "nvidia", LINE_RATE_MBPS, &env->session.dev.cc))
		return 0;
	for (uint32_t i = 0; (name = roce_cc_preset_name(i)); i++)
		snprintf(limit + strlen(limit), sizeof(limit) - strlen(limit), ", %s", name);
	return bad("DPU_EMU_CC", value, limit);
}

static int read_recovery(struct vb_env *env)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} kinds[] = {
		{"none", 0},
		{"nak_rearm", ROCE_RECOVERY_NAK_REARM},
		{"adaptive_timeout", ROCE_RECOVERY_ADAPTIVE_TIMEOUT},
		{"selective_repeat", ROCE_RECOVERY_SELECTIVE_REPEAT},
		{"ooo", ROCE_RECOVERY_OOO | ROCE_RECOVERY_SELECTIVE_REPEAT},
	};
	const char *value = get("DPU_EMU_RECOVERY");

	for (const char *p = value; p && *p; p += *p == ',') {
		size_t n = strcspn(p, ","), i;

		for (i = 0; i < DP_ARRAY_SIZE(kinds); i++)
			if (strlen(kinds[i].name) == n && !memcmp(kinds[i].name, p, n))
				break;
		if (i == DP_ARRAY_SIZE(kinds))
			return bad("DPU_EMU_RECOVERY", value,
				   "a list of nak_rearm, adaptive_timeout, selective_repeat, ooo");
		env->session.dev.recovery |= kinds[i].bit;
		p += n;
	}
	return 0;
}

static int read_faults(struct vb_env *env)
{
	struct roce_session_cfg *cfg = &env->session;
	uint64_t ppm = 0;
	int err = number("DPU_EMU_LOSS_PPM", 1000000, &ppm);

	if (!err && getrandom(&cfg->fault_seed, sizeof(cfg->fault_seed), 0) < 0)
		err = errno;
	if (!err)
		err = number("DPU_EMU_SEED", UINT64_MAX, &cfg->fault_seed);
	cfg->loss_ppm = (uint32_t)ppm;
	return err;
}

/* The folder that holds our Python packages: this library is rdma_verbs/lib/libibverbs.so.1 in it. */
static void own_root(char *to, size_t room)
{
	Dl_info info;
	char *slash;

	*to = '\0';
	if (!dladdr(&own_root, &info) || !info.dli_fname || strlen(info.dli_fname) >= room)
		return;
	strcpy(to, info.dli_fname);
	for (int up = 0; up < 3 && (slash = strrchr(to, '/')); up++)
		*slash = '\0';
	if (*to != '/')
		*to = '\0';
}

int vb_env_read(struct vb_env *env)
{
	char root[sizeof(env->pythonpath)];
	int err;

	memset(env, 0, sizeof(*env));
	own_root(root, sizeof(root));
	err = read_address(env);
	err = err ? err : read_transport(env);
	err = err ? err : read_cc(env);
	err = err ? err : read_recovery(env);
	err = err ? err : read_faults(env);
	err = err ? err : flag("DPU_EMU_CHECK", &env->session.check);
	err = err ? err : flag("DPU_EMU_DEBUG", &env->debug);
	err = err ? err : text("DPU_EMU_PCAP", "", env->pcap, sizeof(env->pcap));
	err = err ? err : text("DPU_EMU_PYTHON", "python3", env->python, sizeof(env->python));
	err = err ? err : text("DPU_EMU_PYTHONPATH", root, env->pythonpath, sizeof(env->pythonpath));
	if (err)
		return err;
	env->session.node.python = env->python;
	env->session.node.pythonpath = *env->pythonpath ? env->pythonpath : NULL;
	env->session.pcap = *env->pcap ? env->pcap : NULL;
	if (env->session.loss_ppm || env->session.pcap || env->session.dev.cc.algorithm)
		env->session.transport = ROCE_TRANSPORT_UDP; /* what they act on are packets */
	return 0;
}

bool vb_env_debug(void)
{
	const char *value = get("DPU_EMU_DEBUG");

	return value && strcmp(value, "0");
}
