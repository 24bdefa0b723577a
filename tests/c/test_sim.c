/* The simulator on small fabrics: times that follow on paper, what is the same each time, and what is refused. */
#include <stdlib.h>

#include "rdma_verbs/csrc/verbs.h"
#include "tests/c/sim_util.h"

/* ---- times ---------------------------------------------------------------------------------------------------- */

/* Host, switches in a row, host. */
static struct emu_sim *chain(uint32_t hops, const struct emu_host_cfg *host, uint64_t rate_bps, uint64_t seed)
{
	struct emu_switch_cfg sw = sim_switch(1 << 20);
	struct emu_sim *sim = emu_sim_new(seed);
	struct emu_link_cfg links[8];

	CHECK_EQ(emu_sim_host(sim, host), 0);
	CHECK_EQ(emu_sim_host(sim, host), 1);
	for (uint32_t i = 1; i < hops; i++)
		CHECK_EQ(emu_sim_switch(sim, &sw), 1 + i);
	for (uint32_t i = 0; i < hops; i++)
		links[i] = sim_link(i ? 1 + i : 0, i == hops - 1 ? 1 : 2 + i, rate_bps);
	sim_add_links(sim, links, hops);
	return sim;
}

static void test_one_flow_takes_the_time_of_its_bits_and_of_a_packet_for_each_further_hop(void)
{
	static const uint64_t rates[] = {10, 25, 40, 100, 400};
	const uint64_t bytes = 2000000;

	for (uint32_t r = 0; r < DP_ARRAY_SIZE(rates); r++)
		for (uint32_t hops = 1; hops <= 6; hops++) {
			struct emu_host_cfg host = sim_host();
			struct emu_sim *sim = chain(hops, &host, rates[r] * GBPS, 1);
			uint64_t ps_per_byte = 8000 / rates[r];
			uint32_t flow = sim_flow(sim, 0, 1, bytes, 0);

			CHECK(emu_sim_run(sim, DP_SEC, 1000000, 1) > 0);
			/* The first packet is the longest, and the others follow it closely. */
			CHECK_EQ(sim_result(sim, flow).last_byte_ps,
				 (sim_wire_bytes(bytes, 4096) + (hops - 1) * (4096 + WIRE_HDR + WIRE_RETH)) *
						 ps_per_byte +
					 hops * DP_US);
			CHECK_EQ(sim_result(sim, flow).status, 0);
			CHECK_EQ(sim_stats(sim).data_hops, hops * ((bytes + 4095) / 4096));
			CHECK_EQ(sim_stats(sim).pkts_live, 0);
			emu_sim_free(sim);
		}
}

static void test_serialisation_carries_its_remainder(void)
{
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = chain(1, &host, 3 * GBPS, 1); /* 2666.67 ps a byte */
	uint32_t flow = sim_flow(sim, 0, 1, 40960000, 0);

	CHECK(emu_sim_run(sim, DP_SEC, 1000000, 1) > 0);
	CHECK_EQ(sim_result(sim, flow).last_byte_ps, sim_wire_bytes(40960000, 4096) * 8000 / 3 + DP_US);
	emu_sim_free(sim);
}

static void test_delays_of_the_nic_add_up(void)
{
	struct emu_host_cfg host = sim_host();
	struct emu_sim *plain = chain(2, &host, 100 * GBPS, 1), *slow;
	struct emu_flow_result a, b;

	host.nic_tx_ns = 300;
	host.nic_rx_ns = 500;
	host.ack_delay_ns = 2000;
	slow = chain(2, &host, 100 * GBPS, 1);
	sim_flow(plain, 0, 1, 100000, DP_US);
	sim_flow(slow, 0, 1, 100000, DP_US);
	CHECK(emu_sim_run(plain, DP_SEC, 1000000, 1) > 0);
	CHECK(emu_sim_run(slow, DP_SEC, 1000000, 1) > 0);
	a = sim_result(plain, 0);
	b = sim_result(slow, 0);
	CHECK_EQ(a.begin_ps, DP_US);
	CHECK_EQ(b.begin_ps, DP_US);
	CHECK_EQ(b.last_byte_ps - a.last_byte_ps, 800 * DP_NS);
	CHECK_EQ(b.done_ps - a.done_ps, (800 + 2000 + 500) * DP_NS);
	emu_sim_free(plain);
	emu_sim_free(slow);
}

static void test_a_delay_that_becomes_shorter_lets_no_packet_overtake(void)
{
	struct emu_host_cfg host = sim_host();
	struct emu_sim *plain = chain(2, &host, 100 * GBPS, 1), *shorter = chain(2, &host, 100 * GBPS, 1);
	struct emu_fault fault = {.at_ps = 50 * DP_US, .link = 1, .kind = EMU_FAULT_DELAY, .value = 100 * DP_NS};

	sim_flow(plain, 0, 1, 2000000, 0);
	sim_flow(shorter, 0, 1, 2000000, 0);
	CHECK_EQ(emu_sim_faults(shorter, &fault, 1), 0);
	CHECK(emu_sim_run(plain, DP_SEC, UINT64_MAX, 1) > 0);
	CHECK(emu_sim_run(shorter, DP_SEC, UINT64_MAX, 1) > 0);
	CHECK_EQ(sim_result(plain, 0).last_byte_ps - sim_result(shorter, 0).last_byte_ps, 900 * DP_NS);
	CHECK_EQ(sim_result(shorter, 0).retransmitted_pkts, 0);
	emu_sim_free(plain);
	emu_sim_free(shorter);
}

static void test_a_flow_waits_for_the_last_byte_of_others(void)
{
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = chain(2, &host, 100 * GBPS, 1);
	struct emu_after after[] = {{.flow = 2, .before = 0, .delay_ps = 5 * DP_US}, {.flow = 2, .before = 1}};

	sim_flow(sim, 0, 1, 100000, 0);
	sim_flow(sim, 1, 0, 50000, 3 * DP_US);
	sim_flow(sim, 1, 0, 1000, 0);
	CHECK_EQ(emu_sim_after(sim, after, 2), 0);
	CHECK(emu_sim_run(sim, DP_SEC, 1000000, 1) > 0);
	CHECK_EQ(sim_result(sim, 2).begin_ps, sim_result(sim, 0).last_byte_ps + 5 * DP_US);
	CHECK(sim_result(sim, 2).done_ps != DP_NEVER);
	emu_sim_free(sim);
}

static void test_a_message_is_dealt_over_its_queue_pairs(void)
{
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = chain(2, &host, 100 * GBPS, 1);
	struct emu_flow flows[3] = {{.src = 0, .dst = 1, .bytes = 1000003, .qps = 4, .prio = 255},
				    {.src = 0, .dst = 1, .bytes = 3, .qps = 4, .prio = 255},
				    {.src = 0, .dst = 1, .bytes = 77, .qps = 4, .prio = 255}};

	CHECK_EQ(emu_sim_flows(sim, flows, 3), 0);
	CHECK(emu_sim_run(sim, DP_SEC, 1000000, 1) > 0);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(sim_result(sim, i).acked_bytes, flows[i].bytes);
		CHECK(sim_result(sim, i).last_byte_ps < sim_result(sim, i).done_ps);
	}
	CHECK_EQ(sim_dir(sim, 0).data_pkts, 4 * 62 + 3 + 4);
	emu_sim_free(sim);
}

static void test_a_message_of_gigabytes_comes_whole(void)
{
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = chain(1, &host, 400 * GBPS, 1);
	uint64_t bytes = 3ull << 30;

	sim_flow(sim, 0, 1, bytes, 0);
	CHECK(emu_sim_run(sim, DP_SEC, 10000000, 1) > 0);
	CHECK_EQ(sim_result(sim, 0).acked_bytes, bytes);
	CHECK_EQ(sim_result(sim, 0).last_byte_ps, (sim_wire_bytes(bytes, 4096) + 2 * WIRE_RETH) * 20 + DP_US);
	emu_sim_free(sim);
}

/* ---- ECMP ----------------------------------------------------------------------------------------------------- */

#define UPLINKS 16

/* Two leaves of 16 hosts, 16 spines; each host of the first sends one packet. Spines that had none. */
static uint32_t idle_uplinks(uint64_t seed, uint32_t balance)
{
	struct emu_switch_cfg sw = sim_switch(1 << 20);
	struct emu_link_cfg links[4 * UPLINKS];
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = emu_sim_new(seed);
	uint32_t idle = 0;

	sw.balance = balance;
	sw.ecmp_seed = seed;
	for (uint32_t i = 0; i < 2 * UPLINKS; i++)
		emu_sim_host(sim, &host);
	for (uint32_t i = 0; i < 2 + UPLINKS; i++)
		emu_sim_switch(sim, &sw);
	for (uint32_t i = 0; i < UPLINKS; i++) {
		links[i] = sim_link(i, 2 * UPLINKS, 100 * GBPS);
		links[UPLINKS + i] = sim_link(UPLINKS + i, 2 * UPLINKS + 1, 100 * GBPS);
		links[2 * UPLINKS + i] = sim_link(2 * UPLINKS, 2 * UPLINKS + 2 + i, 100 * GBPS);
		links[3 * UPLINKS + i] = sim_link(2 * UPLINKS + 1, 2 * UPLINKS + 2 + i, 100 * GBPS);
	}
	sim_add_links(sim, links, 4 * UPLINKS);
	for (uint32_t i = 0; i < UPLINKS; i++)
		sim_flow(sim, i, UPLINKS + i, 1000, 0);
	CHECK(emu_sim_run(sim, DP_SEC, 1000000, 1) > 0);
	for (uint32_t i = 0; i < UPLINKS; i++)
		idle += !sim_dir(sim, 2 * (2 * UPLINKS + i)).data_pkts;
	emu_sim_free(sim);
	return idle;
}

static void test_ecmp_leaves_as_many_links_idle_as_chance_does(void)
{
	for (uint32_t balance = EMU_BALANCE_ECMP; balance <= EMU_BALANCE_SPRAY; balance++) {
		uint32_t idle = 0;

		for (uint64_t seed = 1; seed <= 300; seed++)
			idle += idle_uplinks(seed, balance);
		/* 16 (1 - 1/16)^16 = 5.697; variance 1.4 a trial: 3 sigma of the mean of 300 are 0.21. */
		CHECK(idle > (5.697 - 0.21) * 300 && idle < (5.697 + 0.21) * 300);
	}
}

/* ---- determinism and sums ------------------------------------------------------------------------------------- */

/* Loss, marks, pauses, a link that fails, a slow receiver: all at once. */
static struct emu_sim *busy(uint64_t seed, uint32_t check_every)
{
	struct emu_switch_cfg sw = sim_switch(60000);
	struct emu_host_cfg host = sim_host(), slow;
	struct emu_sim *sim = emu_sim_new(seed);
	struct emu_link_cfg links[12];
	struct emu_fault faults[] = {
		{.at_ps = 40 * DP_US, .link = 8, .kind = EMU_FAULT_DOWN, .reroute_delay_ps = 30 * DP_US},
		{.at_ps = 300 * DP_US, .link = 8, .kind = EMU_FAULT_UP, .reroute_delay_ps = 30 * DP_US},
		{.at_ps = 50 * DP_US, .link = 9, .kind = EMU_FAULT_RATE, .value = 33 * GBPS},
		{.at_ps = 60 * DP_US, .link = 10, .kind = EMU_FAULT_DELAY, .value = 100},
		{.at_ps = 70 * DP_US, .link = 11, .kind = EMU_FAULT_LOSS, .value = 20000000},
	};

	CHECK_EQ(roce_cc_preset("nvidia", 100000, &host.cc), 0);
	host.timeout = 7;
	host.cnp_delay_ns = 500;
	host.ack_delay_ns = 1000;
	slow = host;
	slow.pcie_bps = 20 * GBPS;
	slow.pcie_latency_ps = 400 * DP_NS;
	slow.miss_e6 = 100000;
	slow.miss_ns = 700;
	slow.rx_buffer_bytes = 200000;
	slow.rx_xoff_bytes = 60000;
	slow.rx_xon_bytes = 30000;
	sw.tm.cls[DATA].ecn = 1;
	sw.tm.cls[DATA].ecn_kmin_bytes = 20000;
	sw.tm.cls[DATA].ecn_kmax_bytes = 80000;
	sw.tm.cls[DATA].ecn_pmax_e6 = 200000;
	sw.tm.watchdog_ps = 50 * DP_US;
	sw.tm.watchdog_polls = 2;
	sw.tm.watchdog_restore_ps = 100 * DP_US;
	sw.tm.watchdog_drop = 1;
	for (uint32_t i = 0; i < 8; i++)
		CHECK_EQ(emu_sim_host(sim, i == 7 ? &slow : &host), i);
	for (uint32_t i = 0; i < 4; i++) {
		sw.ecmp_seed = i;
		CHECK_EQ(emu_sim_switch(sim, &sw), 8 + i);
	}
	for (uint32_t i = 0; i < 8; i++)
		links[i] = sim_link(i, 8 + i / 4, 100 * GBPS);
	for (uint32_t i = 0; i < 4; i++)
		links[8 + i] = sim_link(8 + i / 2, 10 + i % 2, 100 * GBPS);
	sim_add_links(sim, links, 12);
	for (uint32_t i = 0; i < 4; i++) {
		sim_flow(sim, i, 7, 300000, 0);
		sim_flow(sim, i, 4, 300000, 10 * DP_US);
		sim_flow(sim, 4 + i, i, 200000, i * 30 * DP_US);
	}
	CHECK_EQ(emu_sim_faults(sim, faults, DP_ARRAY_SIZE(faults)), 0);
	emu_sim_check_every(sim, check_every);
	return sim;
}

static void test_every_packet_is_somewhere_after_every_event(void)
{
	struct emu_sim *sim = busy(1, 1);
	struct emu_sim_stats stats;

	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0); /* aborts where a sum is wrong */
	stats = sim_stats(sim);
	CHECK_EQ(stats.flows_done, 12);
	CHECK(stats.marked > 0);
	CHECK(stats.pfc_frames > 0);
	CHECK(sim_dir(sim, 22).lost_pkts + sim_dir(sim, 23).lost_pkts > 0);
	for (uint32_t i = 0; i < 12; i++)
		CHECK_EQ(sim_result(sim, i).status, 0);
	emu_sim_free(sim);
}

static void test_the_same_seed_gives_the_same_outcome_another_another(void)
{
	uint64_t hash[4];

	for (uint32_t i = 0; i < 4; i++) {
		struct emu_sim *sim = busy(i == 3 ? 2 : 1, 0);

		CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
		hash[i] = sim_stats(sim).hash;
		emu_sim_free(sim);
	}
	CHECK_EQ(hash[1], hash[0]);
	CHECK_EQ(hash[2], hash[0]);
	CHECK(hash[3] != hash[0]);
}

static void test_two_simulations_in_turns_do_not_meet(void)
{
	struct emu_sim *alone = busy(1, 0), *a = busy(1, 0), *b = busy(2, 0);

	CHECK(emu_sim_run(alone, DP_SEC, UINT64_MAX, 1) > 0);
	while (emu_sim_run(a, DP_SEC, 100, 1) + emu_sim_run(b, DP_SEC, 37, 1) > 0)
		;
	CHECK_EQ(sim_stats(a).hash, sim_stats(alone).hash);
	CHECK_EQ(sim_stats(a).events, sim_stats(alone).events);
	emu_sim_free(alone);
	emu_sim_free(a);
	emu_sim_free(b);
}

static void test_a_run_in_pieces_of_time_is_the_same_run(void)
{
	struct emu_sim *whole = busy(1, 0), *pieces = busy(1, 0);

	CHECK(emu_sim_run(whole, DP_SEC, UINT64_MAX, 1) > 0);
	for (uint64_t us = 1; sim_stats(pieces).flows_done < 12; us += 3)
		CHECK(emu_sim_run(pieces, us * DP_US, UINT64_MAX, 1) >= 0);
	CHECK_EQ(sim_stats(pieces).hash, sim_stats(whole).hash);
	emu_sim_free(whole);
	emu_sim_free(pieces);
}

/* ---- failures ------------------------------------------------------------------------------------------------- */

static void test_what_was_on_a_link_that_fails_is_sent_again_another_way(void)
{
	struct emu_switch_cfg sw = sim_switch(1 << 20);
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = emu_sim_new(1);
	struct emu_link_cfg links[] = {sim_link(0, 2, 100 * GBPS), sim_link(1, 3, 100 * GBPS),
				       sim_link(2, 4, 100 * GBPS), sim_link(4, 3, 100 * GBPS),
				       sim_link(2, 5, 100 * GBPS), sim_link(5, 3, 100 * GBPS)};
	struct emu_fault fault = {.at_ps = 50 * DP_US, .kind = EMU_FAULT_DOWN, .reroute_delay_ps = 20 * DP_US};
	uint32_t used;

	host.timeout = 8;
	emu_sim_host(sim, &host);
	emu_sim_host(sim, &host);
	for (uint32_t i = 0; i < 4; i++)
		emu_sim_switch(sim, &sw);
	sim_add_links(sim, links, 6);
	sim_flow(sim, 0, 1, 5000000, 0);
	CHECK(emu_sim_run(sim, 40 * DP_US, UINT64_MAX, 1) > 0);
	used = sim_dir(sim, 2 * 2).data_pkts ? 2 : 4;
	fault.link = used;
	CHECK_EQ(emu_sim_faults(sim, &fault, 1), 0);
	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
	CHECK_EQ(sim_result(sim, 0).acked_bytes, 5000000);
	CHECK_EQ(sim_result(sim, 0).status, 0);
	CHECK(sim_result(sim, 0).retransmitted_pkts > 0);
	CHECK(sim_dir(sim, 2 * used).lost_pkts > 0);
	CHECK(sim_dir(sim, 2 * (6 - used)).data_pkts > 0);
	emu_sim_free(sim);
}

static void test_selective_repeat_sends_again_what_is_lost_and_little_else(void)
{
	uint32_t resent[2];

	for (uint32_t i = 0; i < 2; i++) {
		struct emu_host_cfg host = sim_host();
		struct emu_fault loss = {.link = 1, .kind = EMU_FAULT_LOSS, .value = 10000000};
		struct emu_link_stats out;
		struct emu_sim *sim;

		host.timeout = 8;
		host.recovery = ROCE_RECOVERY_NAK_REARM | (i ? ROCE_RECOVERY_SELECTIVE_REPEAT | ROCE_RECOVERY_OOO : 0);
		sim = chain(2, &host, 100 * GBPS, 1);
		sim_flow(sim, 0, 1, 40000000, 0);
		CHECK_EQ(emu_sim_faults(sim, &loss, 1), 0);
		emu_sim_check_every(sim, 7);
		CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
		CHECK_EQ(sim_result(sim, 0).acked_bytes, 40000000);
		out = sim_dir(sim, 2);
		CHECK(out.lost_pkts > 50 && out.lost_pkts < 200);
		resent[i] = sim_result(sim, 0).retransmitted_pkts;
		CHECK_EQ(out.data_pkts, 9766 + resent[i]);
		CHECK(resent[i] >= out.lost_pkts);
		CHECK(!i || resent[i] <= out.lost_pkts + out.lost_pkts / 10 + 5);
		emu_sim_free(sim);
	}
	CHECK(resent[0] > 5 * resent[1]);
}

static void test_a_flow_without_a_way_fails_and_says_so(void)
{
	struct emu_host_cfg host = sim_host();
	struct emu_fault fault = {.at_ps = 20 * DP_US, .link = 1, .kind = EMU_FAULT_DOWN};
	struct emu_sim *sim;

	host.timeout = 5;
	host.retry_cnt = 3;
	sim = chain(2, &host, 100 * GBPS, 1);
	sim_flow(sim, 0, 1, 5000000, 0);
	sim_flow(sim, 0, 1, 1000, 0); /* behind it in the same queue pair */
	CHECK_EQ(emu_sim_faults(sim, &fault, 1), 0);
	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
	CHECK_EQ(sim_result(sim, 0).status, 12); /* retries exceeded */
	CHECK_EQ(sim_result(sim, 1).status, 5);  /* flushed */
	CHECK_EQ(sim_result(sim, 0).last_byte_ps, DP_NEVER);
	CHECK_EQ(sim_stats(sim).flows_done, 2);
	emu_sim_free(sim);
}

/* ---- refusals ------------------------------------------------------------------------------------------------- */

static void test_bad_input_is_refused_by_name(void)
{
	struct emu_switch_cfg sw = sim_switch(1 << 20);
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = emu_sim_new(1);
	struct emu_link_cfg links[] = {sim_link(0, 3, 100 * GBPS), sim_link(1, 3, 100 * GBPS),
				       sim_link(2, 4, 100 * GBPS)};
	struct emu_link_cfg bad = sim_link(0, 9, GBPS);
	struct emu_flow flow = {.src = 0, .dst = 3, .bytes = 1, .qps = 1};

	host.mtu_bytes = 1500;
	CHECK_EQ(emu_sim_host(sim, &host), -EINVAL);
	CHECK_STR(emu_sim_error(sim), "host 0: mtu_bytes 1500, it is 256, 512, 1024, 2048 or 4096");
	host = sim_host();
	for (uint32_t i = 0; i < 3; i++)
		emu_sim_host(sim, &host);
	emu_sim_switch(sim, &sw);
	emu_sim_switch(sim, &sw);
	CHECK_EQ(emu_sim_links(sim, &bad, 1), -EINVAL);
	CHECK_STR(emu_sim_error(sim), "link 0: from node 0 to node 9, there are 5 nodes");
	bad = sim_link(0, 3, 0);
	CHECK_EQ(emu_sim_links(sim, &bad, 1), -EINVAL);
	CHECK_STR(emu_sim_error(sim), "link 0: rate_bps 0, it is 10^6 to 10^14");
	CHECK_EQ(emu_sim_flows(sim, &flow, 1), -EINVAL);
	CHECK_STR(emu_sim_error(sim), "flows: after route()");
	CHECK_EQ(emu_sim_links(sim, links, 3), 0);
	CHECK_EQ(emu_sim_route(sim), -ENETUNREACH);
	CHECK_STR(emu_sim_error(sim), "routes: host 0 does not reach host 2");
	CHECK(emu_sim_run(sim, DP_SEC, 1, 1) < 0);
	emu_sim_free(sim);

	sim = chain(2, &host, 100 * GBPS, 1);
	CHECK_EQ(emu_sim_flows(sim, &flow, 1), -EINVAL);
	CHECK_STR(emu_sim_error(sim), "flow 0: dst 3 is not a host");
	emu_sim_free(sim);

	sim = emu_sim_new(1);
	sw.tm.buffer_bytes = 1000;
	emu_sim_host(sim, &host);
	emu_sim_host(sim, &host);
	emu_sim_switch(sim, &sw);
	links[0] = sim_link(0, 2, GBPS);
	links[1] = sim_link(1, 2, GBPS);
	CHECK_EQ(emu_sim_links(sim, links, 2), 0);
	CHECK_EQ(emu_sim_route(sim), -EINVAL);
	CHECK(!strncmp(emu_sim_error(sim), "switch 2: ", 10));
	emu_sim_free(sim);
}

int main(void)
{
	RUN(test_one_flow_takes_the_time_of_its_bits_and_of_a_packet_for_each_further_hop);
	RUN(test_serialisation_carries_its_remainder);
	RUN(test_delays_of_the_nic_add_up);
	RUN(test_a_delay_that_becomes_shorter_lets_no_packet_overtake);
	RUN(test_a_flow_waits_for_the_last_byte_of_others);
	RUN(test_a_message_is_dealt_over_its_queue_pairs);
	RUN(test_a_message_of_gigabytes_comes_whole);
	RUN(test_ecmp_leaves_as_many_links_idle_as_chance_does);
	RUN(test_every_packet_is_somewhere_after_every_event);
	RUN(test_the_same_seed_gives_the_same_outcome_another_another);
	RUN(test_two_simulations_in_turns_do_not_meet);
	RUN(test_a_run_in_pieces_of_time_is_the_same_run);
	RUN(test_what_was_on_a_link_that_fails_is_sent_again_another_way);
	RUN(test_selective_repeat_sends_again_what_is_lost_and_little_else);
	RUN(test_a_flow_without_a_way_fails_and_says_so);
	RUN(test_bad_input_is_refused_by_name);
	return check_done();
}
