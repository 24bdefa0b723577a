/*
 * The fabric simulator: a fat tree of switches with k ports, every host sends to one of another pod, all hosts receive
 * from one. 100G links of 1 us, MTU 4096, ECMP, DCQCN with ECN and PFC. Prints what one such run costs.
 *
 *   bench_fabric K [BYTES_A_FLOW] [KMIN_KB] [SEED]      Kmax is four times Kmin
 */
#include <malloc.h>

#include "datapath/csrc/rng.h"
#include "dpu_emu/csrc/sim.h"
#include "tests/bench/bench.h"

#define RATE_BPS 100000000000ull
#define DATA     3
#define CNP      6

static struct emu_host_cfg host_cfg(void)
{
	struct emu_host_cfg cfg = {
		.mtu_bytes = 4096,
		.timeout = 14,
		.retry_cnt = 7,
		.data_prio = DATA,
		.ack_prio = DATA,
		.cnp_prio = CNP,
	};

	MUST(!roce_cc_preset("hpcc_dcqcn", RATE_BPS / 1000000, &cfg.cc));
	return cfg;
}

static struct emu_switch_cfg switch_cfg(uint64_t seed, uint64_t kmin_bytes)
{
	struct emu_switch_cfg cfg = {.tm = {.cell_bytes = 1, .quantum_bytes = 4200, .buffer_bytes = 32 << 20},
				     .ecmp_seed = seed};

	cfg.tm.cls[DATA] = (struct dp_tm_class){.lossless = 1,
						.ecn = 1,
						.weight = 1,
						.headroom_bytes = 100000,
						.xon_offset_bytes = 9000,
						.ingress_alpha_e6 = 1000000,
						.ecn_kmin_bytes = kmin_bytes,
						.ecn_kmax_bytes = 4 * kmin_bytes,
						.ecn_pmax_e6 = 200000};
	cfg.tm.cls[CNP] = (struct dp_tm_class){.strict = 1, .weight = 1, .ingress_alpha_e6 = 1000000};
	return cfg;
}

/* Hosts are nodes 0 to k^3/4 - 1, pod by pod; then edge and aggregation switches of each pod; then the core. */
static uint32_t fat_tree(struct emu_sim *sim, uint32_t k, uint64_t kmin_bytes, uint64_t seed)
{
	uint32_t half = k / 2, nhosts = k * half * half, edge0 = nhosts, aggr0 = edge0 + k * half,
		 core0 = aggr0 + k * half, n = 0;
	struct emu_link_cfg *links = calloc(3 * (size_t)nhosts, sizeof(*links));
	struct emu_host_cfg host = host_cfg();

	MUST(links);
	for (uint32_t i = 0; i < nhosts; i++)
		MUST(emu_sim_host(sim, &host) == i);
	for (uint32_t i = 0; i < k * k + half * half; i++) {
		struct emu_switch_cfg cfg = switch_cfg(seed * 1000003 + i, kmin_bytes);

		MUST(emu_sim_switch(sim, &cfg) >= 0);
	}
	for (uint32_t pod = 0; pod < k; pod++)
		for (uint32_t e = 0; e < half; e++) {
			uint32_t edge = edge0 + pod * half + e, aggr = aggr0 + pod * half + e;

			for (uint32_t i = 0; i < half; i++) {
				links[n++] = (struct emu_link_cfg){.a = (pod * half + e) * half + i, .b = edge};
				links[n++] = (struct emu_link_cfg){.a = edge, .b = aggr0 + pod * half + i};
				links[n++] = (struct emu_link_cfg){.a = aggr, .b = core0 + e * half + i};
			}
		}
	for (uint32_t i = 0; i < n; i++) {
		links[i].rate_bps = RATE_BPS;
		links[i].delay_ps = DP_US;
		links[i].overhead_bytes = 38;
	}
	MUST(!emu_sim_links(sim, links, n));
	free(links);
	MUST(!emu_sim_route(sim));
	return nhosts;
}

/* Pods send to the pod half of them away; who to whom in there is drawn. */
static void permutation(struct emu_sim *sim, uint32_t nhosts, uint32_t k, uint64_t bytes, uint64_t seed)
{
	uint32_t pod_hosts = nhosts / k, *to = malloc(pod_hosts * sizeof(*to));
	struct emu_flow *flows = calloc(nhosts, sizeof(*flows));
	struct dp_rng rng;

	MUST(to && flows);
	dp_rng_seed(&rng, seed);
	for (uint32_t pod = 0; pod < k; pod++) {
		for (uint32_t i = 0; i < pod_hosts; i++) {
			uint32_t j = (uint32_t)dp_rng_below(&rng, i + 1);

			to[i] = to[j];
			to[j] = i;
		}
		for (uint32_t i = 0; i < pod_hosts; i++)
			flows[pod * pod_hosts + i] = (struct emu_flow){.src = pod * pod_hosts + i,
								       .dst = (pod + k / 2) % k * pod_hosts + to[i],
								       .bytes = bytes,
								       .qps = 1,
								       .prio = 255};
	}
	MUST(!emu_sim_flows(sim, flows, nhosts));
	free(to);
	free(flows);
}

/* Of this program alone; getrusage() has what its parent had when it forked. */
static long peak_rss_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];
	long kb = 0;

	MUST(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld kB", &kb) == 1)
			break;
	fclose(f);
	MUST(kb);
	return kb;
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	uint32_t k = argc > 1 ? (uint32_t)atol(argv[1]) : 16;
	uint64_t bytes = argc > 2 ? (uint64_t)atoll(argv[2]) : 2000000;
	uint64_t kmin_bytes = argc > 3 ? 1000 * (uint64_t)atoll(argv[3]) : 100000;
	uint64_t seed = argc > 4 ? (uint64_t)atoll(argv[4]) : 1;
	struct emu_sim *sim = emu_sim_new(seed);
	struct emu_flow_result *results;
	struct emu_sim_stats stats;
	double start = thread_cpu_s(), built, ran;
	long before_kb = peak_rss_kb(), after_kb;
	uint64_t *fct, hops;
	uint32_t nhosts;

	MUST(sim && k >= 4 && k % 2 == 0);
	nhosts = fat_tree(sim, k, kmin_bytes, seed);
	permutation(sim, nhosts, k, bytes, seed);
	built = thread_cpu_s() - start;
	start = thread_cpu_s();
	MUST(emu_sim_run(sim, 10 * DP_SEC, UINT64_MAX, 1) > 0);
	ran = thread_cpu_s() - start;
	after_kb = peak_rss_kb();
	emu_sim_stats(sim, &stats);
	results = calloc(nhosts, sizeof(*results));
	fct = calloc(nhosts, sizeof(*fct));
	MUST(results && fct && emu_sim_flow_results(sim, results, nhosts) == nhosts);
	for (uint32_t i = 0; i < nhosts; i++) {
		MUST(results[i].done_ps != DP_NEVER && !results[i].status);
		fct[i] = results[i].last_byte_ps;
	}
	qsort(fct, nhosts, sizeof(*fct), by_time);
	hops = stats.data_hops + stats.ack_hops + stats.other_hops;
	printf("{\"k\": %u, \"hosts\": %u, \"bytes_a_flow\": %llu, \"kmin_bytes\": %llu, \"data_hops\": %llu, \"ack_hops\": %llu, "
	       "\"other_hops\": %llu, \"events\": %llu, \"build_cpu_s\": %.3f, \"run_cpu_s\": %.3f, "
	       "\"hops_a_cpu_s\": %.0f, \"events_a_cpu_s\": %.0f, \"peak_rss_kb\": %ld, \"rss_before_kb\": %ld, "
	       "\"rss_bytes_a_host\": %.0f, \"packets_peak\": %llu, \"fct_us\": {\"median\": %.1f, \"last\": %.1f}, "
	       "\"marked\": %llu, \"pfc_frames\": %llu, \"drops\": %llu, \"hash\": \"%016llx\"}\n",
	       k, nhosts, (unsigned long long)bytes, (unsigned long long)kmin_bytes,
	       (unsigned long long)stats.data_hops, (unsigned long long)stats.ack_hops,
	       (unsigned long long)stats.other_hops, (unsigned long long)stats.events, built, ran, (double)hops / ran,
	       (double)stats.events / ran, after_kb, before_kb, (double)after_kb * 1024 / nhosts,
	       (unsigned long long)stats.pkts_peak, (double)fct[nhosts / 2] / 1e6, (double)fct[nhosts - 1] / 1e6,
	       (unsigned long long)stats.marked, (unsigned long long)stats.pfc_frames, (unsigned long long)stats.drops,
	       (unsigned long long)stats.hash);
	free(results);
	free(fct);
	emu_sim_free(sim);
	return 0;
}
