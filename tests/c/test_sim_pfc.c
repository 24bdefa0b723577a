/* Pauses in the simulator: incasts that lose nothing, who gets what, slow receivers, deadlocks. */
#include <stdlib.h>

#include "datapath/csrc/frame.h"
#include "tests/c/sim_util.h"

/* Hosts 0 to n - 1 send to host n, on one switch. */
static struct emu_sim *star(uint32_t n, const struct emu_host_cfg *host, const struct emu_host_cfg *receiver,
			    const struct emu_switch_cfg *sw, uint64_t rate_bps)
{
	struct emu_sim *sim = emu_sim_new(1);
	struct emu_link_cfg *links = calloc(n + 1, sizeof(*links));

	for (uint32_t i = 0; i <= n; i++) {
		CHECK_EQ(emu_sim_host(sim, i == n ? receiver : host), i);
		links[i] = sim_link(i, n + 1, rate_bps);
	}
	CHECK_EQ(emu_sim_switch(sim, sw), n + 1);
	sim_add_links(sim, links, n + 1);
	free(links);
	return sim;
}

static void test_an_incast_takes_the_time_of_all_its_bits_and_loses_nothing(void)
{
	static const uint32_t fan_in[] = {2, 8, 32};

	for (uint32_t k = 0; k < DP_ARRAY_SIZE(fan_in); k++) {
		struct emu_switch_cfg sw = sim_switch(100000);
		struct emu_host_cfg host = sim_host();
		uint32_t n = fan_in[k];
		struct emu_sim *sim = star(n, &host, &host, &sw, 100 * GBPS);
		uint64_t last_ps = 0, wire_ps = n * sim_wire_bytes(1000000, 4096) * 80;

		for (uint32_t i = 0; i < n; i++)
			sim_flow(sim, i, n, 1000000, 0);
		CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
		for (uint32_t i = 0; i < n; i++) {
			last_ps = DP_MAX(last_ps, sim_result(sim, i).last_byte_ps);
			CHECK_EQ(sim_result(sim, i).retransmitted_pkts, 0);
		}
		CHECK(last_ps >= wire_ps);
		CHECK(last_ps <= (wire_ps + 4 * DP_US) * 102 / 100);
		CHECK_EQ(sim_stats(sim).drops, 0);
		CHECK(sim_stats(sim).pfc_frames > 0);
		/* Xoff once, and Xon once, for each time that a sender stood still. */
		CHECK(sim_dir(sim, 0).paused_ps[DATA] > 0);
		CHECK_EQ(sim_dir(sim, 0).paused_ps[CNP], 0);
		emu_sim_free(sim);
	}
}

static void test_what_comes_after_xoff_is_what_was_on_its_way(void)
{
	struct emu_switch_cfg sw = sim_switch(100000);
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = star(2, &host, &host, &sw, 100 * GBPS);
	/* C x (2 x propagation + response) + 2 x MTU + the frame. */
	uint64_t excess = 100 * 2000 / 8 + 394 * 64 + 2 * (4096 + WIRE_HDR + WIRE_RETH) + 84;
	const struct dp_tm_stats *stats;

	sim_flow(sim, 0, 2, 4000000, 0);
	sim_flow(sim, 1, 2, 4000000, 0);
	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
	stats = emu_sim_switch_stats(sim, 3);
	CHECK(stats->peak_headroom_bytes <= 2 * excess);
	/* The queue drains meanwhile, at half of what each of the two sends. */
	CHECK(stats->peak_headroom_bytes > excess / 2);
	emu_sim_free(sim);
}

/*
 *   0 --- A --- R        0 has a port of its own, 1 to 3 share one: port-fair is not flow-fair
 *   1,2,3 - B -'
 */
static void shares(const struct emu_host_cfg *host, bool ecn, double share[4])
{
	struct emu_switch_cfg sw = sim_switch(100000);
	struct emu_sim *sim = emu_sim_new(1);
	struct emu_link_cfg links[] = {sim_link(0, 5, 40 * GBPS), sim_link(4, 5, 40 * GBPS), sim_link(5, 6, 40 * GBPS),
				       sim_link(1, 6, 40 * GBPS), sim_link(2, 6, 40 * GBPS), sim_link(3, 6, 40 * GBPS)};
	const uint64_t begin_ps = 20 * DP_MS, end_ps = 40 * DP_MS;
	uint64_t acked[4];

	if (ecn) {
		sw.tm.cls[DATA].ecn = 1;
		sw.tm.cls[DATA].ecn_kmin_bytes = 5000;
		sw.tm.cls[DATA].ecn_kmax_bytes = 200000;
		sw.tm.cls[DATA].ecn_pmax_e6 = 10000;
		sw.tm.cls[DATA].xoff_bytes = 400000;
	}
	for (uint32_t i = 0; i < 5; i++)
		emu_sim_host(sim, host);
	emu_sim_switch(sim, &sw);
	emu_sim_switch(sim, &sw);
	sim_add_links(sim, links, 6);
	for (uint32_t i = 0; i < 4; i++)
		sim_flow(sim, i, 4, 1ull << 32, 0);
	CHECK(emu_sim_run(sim, begin_ps, UINT64_MAX, 1) > 0);
	for (uint32_t i = 0; i < 4; i++)
		acked[i] = sim_result(sim, i).acked_bytes;
	CHECK(emu_sim_run(sim, end_ps, UINT64_MAX, 1) > 0);
	for (uint32_t i = 0; i < 4; i++)
		share[i] = (double)(sim_result(sim, i).acked_bytes - acked[i]) * 8e3 / (double)(end_ps - begin_ps) / 40;
	CHECK_EQ(sim_stats(sim).drops, 0);
	emu_sim_free(sim);
}

static void test_pauses_are_fair_to_ports_and_dcqcn_to_flows(void)
{
	struct emu_host_cfg host = sim_host();
	double share[4];

	shares(&host, false, share);
	CHECK(share[0] > 0.45 && share[0] < 0.51);
	for (uint32_t i = 1; i < 4; i++)
		CHECK(share[i] > 0.14 && share[i] < 0.18);
	CHECK_EQ(roce_cc_preset("paper", 40000, &host.cc), 0);
	shares(&host, true, share);
	for (uint32_t i = 0; i < 4; i++)
		CHECK(share[i] > 0.19 && share[i] < 0.30);
}

static void test_a_receiver_that_drains_slowly_pauses_its_switch(void)
{
	struct emu_switch_cfg sw = sim_switch(1 << 20);
	struct emu_host_cfg host = sim_host(), slow = host;
	const uint64_t bytes = 4000000;
	struct emu_link_stats to_it;
	struct emu_sim *sim;

	slow.pcie_bps = 20 * GBPS;
	slow.rx_buffer_bytes = 300000;
	slow.rx_xoff_bytes = 100000;
	slow.rx_xon_bytes = 50000;
	sim = star(1, &host, &slow, &sw, 100 * GBPS);
	sim_flow(sim, 0, 1, bytes, 0);
	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
	to_it = sim_dir(sim, 3); /* link 1, from the switch to host 1 */
	CHECK_EQ(sim_stats(sim).drops, 0);
	CHECK(sim_dir(sim, 2).pfc_pkts > 10);
	CHECK(to_it.paused_ps[DATA] > bytes * 8 / 20 * 1000 / 2);
	/* The first packet's way to it, then as fast as PCIe goes. */
	CHECK(sim_result(sim, 0).last_byte_ps > bytes * 8 * 50);
	CHECK(sim_result(sim, 0).last_byte_ps < bytes * 8 * 50 + 5 * DP_US);
	emu_sim_free(sim);

	slow.rx_xoff_bytes = slow.rx_xon_bytes = 0; /* no PFC: the buffer overflows */
	sim = star(1, &host, &slow, &sw, 100 * GBPS);
	sim_flow(sim, 0, 1, bytes, 0);
	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
	CHECK(sim_stats(sim).drops > 0);
	CHECK_EQ(sim_result(sim, 0).acked_bytes, bytes);
	emu_sim_free(sim);
}

/* Switches in a ring, a host at each; every host sends to the one two further. clockwise: all go the same way round. */
static struct emu_sim *ring(bool clockwise, uint64_t watchdog_ps)
{
	struct emu_switch_cfg sw = sim_switch(50000);
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = emu_sim_new(1);
	struct emu_link_cfg links[8];

	sw.tm.watchdog_ps = watchdog_ps;
	sw.tm.watchdog_polls = 2;
	sw.tm.watchdog_restore_ps = 2 * watchdog_ps;
	sw.tm.watchdog_drop = 1;
	for (uint32_t i = 0; i < 4; i++)
		emu_sim_host(sim, &host);
	for (uint32_t i = 0; i < 4; i++)
		emu_sim_switch(sim, &sw);
	for (uint32_t i = 0; i < 4; i++) {
		links[i] = sim_link(i, 4 + i, 100 * GBPS);
		links[4 + i] = sim_link(4 + i, 4 + (i + 1) % 4, 100 * GBPS);
	}
	sim_add_links(sim, links, 8);
	/* Port 0 is the host's; of switch 0: 1 to the next, 2 to the one before; of the others the other way round. */
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t dst = 0; dst < 4; dst++) {
			uint16_t next = i == 0 ? 1 : 2, before = i == 0 ? 2 : 1;
			uint16_t port = clockwise || (i != 3 && dst > i) ? next : before;

			if (dst != i)
				CHECK_EQ(emu_sim_route_set(sim, 4 + i, dst, &port, 1), 0);
		}
	for (uint32_t i = 0; i < 4; i++)
		sim_flow(sim, i, (i + 2) % 4, 20000000, 0);
	return sim;
}

static void test_a_ring_locks_up_and_the_cycle_is_named(void)
{
	struct emu_sim *sim = ring(true, 0);
	uint32_t dirs[16], seen = 0;

	CHECK_EQ(emu_sim_deadlock(sim, dirs, 16), 0);
	CHECK(emu_sim_run(sim, 20 * DP_MS, UINT64_MAX, 1) > 0);
	CHECK(sim_stats(sim).flows_done < 4);
	CHECK(sim_stats(sim).deadlocks > 0);
	CHECK_EQ(emu_sim_deadlock(sim, dirs, 16), 4);
	for (uint32_t i = 0; i < 4; i++) { /* each of the ring's links, in its own direction, in the order of waiting */
		CHECK(dirs[i] >= 8 && dirs[i] < 16 && dirs[i] % 2 == 0);
		CHECK_EQ((dirs[i] - 8) / 2, ((dirs[0] - 8) / 2 + i) % 4);
		seen |= 1u << (dirs[i] - 8) / 2;
	}
	CHECK_EQ(seen, 15);
	CHECK_EQ(sim_stats(sim).drops, 0);
	emu_sim_free(sim);
}

static void test_routes_without_a_circle_do_not_lock_up(void)
{
	struct emu_sim *sim = ring(false, 0);
	uint32_t dirs[16];

	CHECK(emu_sim_run(sim, 20 * DP_MS, UINT64_MAX, 1) > 0);
	CHECK_EQ(sim_stats(sim).flows_done, 4);
	CHECK_EQ(sim_stats(sim).deadlocks, 0);
	CHECK_EQ(emu_sim_deadlock(sim, dirs, 16), 0);
	emu_sim_free(sim);
}

static void test_the_watchdog_frees_a_ring_that_is_locked_up(void)
{
	struct emu_sim *sim = ring(true, 500 * DP_US);
	uint64_t storms = 0, acked[4];

	CHECK(emu_sim_run(sim, 20 * DP_MS, UINT64_MAX, 1) > 0);
	for (uint32_t i = 0; i < 4; i++)
		acked[i] = sim_result(sim, i).acked_bytes;
	CHECK(emu_sim_run(sim, 2 * DP_SEC, UINT64_MAX, 1) > 0);
	for (uint32_t i = 4; i < 8; i++)
		storms += emu_sim_switch_stats(sim, i)->storms;
	CHECK(storms > 0);
	CHECK(sim_stats(sim).drops > 0);
	/* All begin again at the same time, so it locks up again; but each time something has come through. */
	for (uint32_t i = 0; i < 4; i++)
		CHECK(sim_result(sim, i).acked_bytes > acked[i]);
	CHECK(sim_stats(sim).deadlocks > 1);
	emu_sim_free(sim);
}

static void test_pauses_are_told_with_their_cause(void)
{
	struct emu_switch_cfg sw = sim_switch(100000);
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = star(4, &host, &host, &sw, 100 * GBPS);
	struct emu_pause_event v[64];
	uint64_t paused_ps = 0;
	int64_t n;

	CHECK_EQ(emu_sim_trace_pauses(sim, 64), 0);
	for (uint32_t i = 0; i < 4; i++)
		sim_flow(sim, i, 4, 500000, 0);
	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
	n = emu_sim_pauses(sim, v, 64);
	CHECK(n > 8 && n < 64);
	CHECK_EQ(n % 2, 0);
	for (int64_t i = 0; i < n; i++) {
		CHECK_EQ(v[i].prio, DATA);
		CHECK_EQ(v[i].dir % 2, 0); /* from a host */
		if (v[i].on)
			CHECK_EQ(v[i].cause_port, 4);
		if (v[i].dir == 0)
			paused_ps += v[i].on ? -v[i].at_ps : v[i].at_ps;
	}
	CHECK_EQ(paused_ps, sim_dir(sim, 0).paused_ps[DATA]);
	emu_sim_free(sim);
}

/* A simulation that has nothing left but probes ends, and the probes have what passed. */
static void test_probes_see_what_passes(void)
{
	struct emu_switch_cfg sw = sim_switch(1 << 20);
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = star(2, &host, &host, &sw, 100 * GBPS);
	struct emu_probe probes[] = {{.kind = EMU_PROBE_QUEUE, .id = 5, .prio = DATA, .interval_ps = DP_US},
				     {.kind = EMU_PROBE_TX, .id = 5, .interval_ps = DP_US},
				     {.kind = EMU_PROBE_FLOW, .id = 0, .interval_ps = 10 * DP_US},
				     {.kind = EMU_PROBE_BUFFER, .id = 3, .interval_ps = DP_US}};
	struct emu_sample v[1000], buffer[1000];
	uint64_t bytes = 0, peak = 0;
	int64_t n;

	sim_flow(sim, 0, 2, 500000, 0);
	sim_flow(sim, 1, 2, 500000, 0);
	CHECK_EQ(emu_sim_probes(sim, probes, 4), 0);
	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
	CHECK(sim_stats(sim).now_ps < 200 * DP_US);
	n = emu_sim_samples(sim, 1, v, 1000);
	for (int64_t i = 0; i < n; i++)
		bytes += v[i].value;
	CHECK_EQ(bytes, sim_dir(sim, 5).data_bytes);
	n = emu_sim_samples(sim, 0, v, 1000);
	CHECK_EQ(n, emu_sim_samples(sim, 3, buffer, 1000));
	for (int64_t i = 0; i < n; i++) {
		CHECK_EQ(v[i].at_ps, (uint64_t)i * DP_US);
		CHECK(buffer[i].value >= v[i].value);
		peak = DP_MAX(peak, v[i].value);
	}
	CHECK(peak > 400000 && peak <= sim_dir(sim, 5).peak_queue_bytes);
	n = emu_sim_samples(sim, 2, v, 1000);
	CHECK(n > 8);
	for (int64_t i = 1; i < n; i++)
		CHECK(v[i].value >= v[i - 1].value && v[i].value <= 500000);
	CHECK(v[n - 1].value > 2 * 32 * 4096); /* ACKs come each 32 packets */
	emu_sim_free(sim);
}

static void test_a_capture_has_every_frame_of_its_links_one_after_the_other(void)
{
	static const char path[] = "/tmp/dpu-emu-test-sim.pcapng";
	struct emu_switch_cfg sw = sim_switch(100000);
	struct emu_host_cfg host = sim_host();
	struct emu_sim *sim = star(3, &host, &host, &sw, 100 * GBPS);
	uint32_t links[] = {0, 2}, blocks[7] = {0}, pfc = 0, udp = 0, overlaps = 0;
	uint64_t sent = 0, free_ns[4] = {0};
	uint8_t *data = malloc(8 << 20), *p;
	FILE *file;
	size_t len;

	CHECK_EQ(emu_sim_capture(sim, path, links, 2), 0);
	CHECK_EQ(emu_sim_capture(sim, path, links, 2), -EINVAL);
	sim_flow(sim, 0, 2, 1000000, 0);
	sim_flow(sim, 1, 2, 1000000, 0);
	sim_flow(sim, 2, 0, 1000000, 0); /* so that PFC frames to 0 find the wire busy */
	sim_flow(sim, 3, 0, 1000000, 0);
	CHECK(emu_sim_run(sim, DP_SEC, UINT64_MAX, 1) > 0);
	for (uint32_t i = 0; i < 8; i++) {
		struct emu_link_stats stats = sim_dir(sim, i);

		if (i / 2 == 0 || i / 2 == 2)
			sent += stats.data_pkts + stats.ack_pkts + stats.pfc_pkts;
	}
	emu_sim_free(sim);
	file = fopen(path, "rb");
	CHECK(file != NULL);
	len = file ? fread(data, 1, 8 << 20, file) : 0;
	if (file)
		fclose(file);
	remove(path);
	for (p = data; p < data + len;) {
		uint32_t type, size;

		memcpy(&type, p, 4);
		memcpy(&size, p + 4, 4);
		if (type < 7)
			blocks[type]++;
		if (type == 6) {
			uint32_t interface, high, low, bytes;
			uint64_t at_ns;

			memcpy(&interface, p + 8, 4);
			memcpy(&high, p + 12, 4);
			memcpy(&low, p + 16, 4);
			memcpy(&bytes, p + 24, 4);
			at_ns = (uint64_t)high << 32 | low;
			overlaps += at_ns < free_ns[interface];
			free_ns[interface] = at_ns + (bytes + 24) * 80 / 1000; /* preamble, gap and FCS are not there */
			udp += dp_get_be16(p + 28 + 12) == 0x0800 && p[28 + 14 + 9] == 17;
			pfc += dp_get_be16(p + 28 + 12) == 0x8808;
		}
		p += size;
	}
	CHECK_EQ(overlaps, 0);
	CHECK_EQ(blocks[1], 4);
	CHECK_EQ(blocks[6], sent);
	CHECK(pfc > 0);
	CHECK_EQ(udp + pfc, sent);
	free(data);
}

int main(void)
{
	RUN(test_an_incast_takes_the_time_of_all_its_bits_and_loses_nothing);
	RUN(test_what_comes_after_xoff_is_what_was_on_its_way);
	RUN(test_pauses_are_fair_to_ports_and_dcqcn_to_flows);
	RUN(test_a_receiver_that_drains_slowly_pauses_its_switch);
	RUN(test_a_ring_locks_up_and_the_cycle_is_named);
	RUN(test_routes_without_a_circle_do_not_lock_up);
	RUN(test_the_watchdog_frees_a_ring_that_is_locked_up);
	RUN(test_pauses_are_told_with_their_cause);
	RUN(test_probes_see_what_passes);
	RUN(test_a_capture_has_every_frame_of_its_links_one_after_the_other);
	return check_done();
}
