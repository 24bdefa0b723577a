/*
 * Capture of chosen links to pcapng: an interface for each direction, time 0 is 1970-01-01. Payload, which has no memory,
 * is zeros, and kept: Wireshark takes a RoCE packet that is cut for a malformed one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "datapath/csrc/pcap.h"
#include "datapath/csrc/pfc.h"
#include "dpu_emu/csrc/sim_int.h"
#include "rdma_verbs/csrc/wire.h"

struct emu_capture {
	struct dp_pcap *pcap;
	int *interface; /* by direction */
	uint8_t data[DP_FRAME_DATA_MAX];
	uint8_t zeros[4096];
};

int emu_sim_capture(struct emu_sim *sim, const char *path, const uint32_t *links, uint32_t n)
{
	struct emu_capture *c;
	char name[64];

	if (!sim->routed)
		return emu_fail(sim, -EINVAL, "capture: after route()");
	if (sim->capture)
		return emu_fail(sim, -EINVAL, "capture: there is one already");
	for (uint32_t i = 0; i < n; i++)
		if (links[i] >= sim->nlinks)
			return emu_fail(sim, -EINVAL, "capture: link %u, there are %u", links[i], sim->nlinks);
	c = sim->capture = calloc(1, sizeof(*c));
	if (c)
		c->interface = malloc((sim->ndirs + (size_t)1) * sizeof(*c->interface));
	if (!c || !c->interface)
		return emu_fail(sim, -ENOMEM, "capture: no memory");
	c->pcap = dp_pcap_new(path);
	if (!c->pcap) {
		int err = -errno;

		emu_capture_free(sim);
		return emu_fail(sim, err, "capture: cannot write %.150s: %s", path, strerror(-err));
	}
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t d = 2 * links[i]; d <= 2 * links[i] + 1; d++) {
			struct emu_dir *dir = &sim->dirs[d];

			if (dir->captured)
				continue;
			snprintf(name, sizeof(name), "link %u: node %u port %u to node %u port %u", links[i], dir->from,
				 dir->out_port, dir->to, dir->in_port);
			c->interface[d] = dp_pcap_interface(c->pcap, name, 0);
			if (c->interface[d] < 0)
				return emu_fail(sim, c->interface[d], "capture: no memory");
			dir->captured = true;
		}
	return 0;
}

void emu_capture_packet(struct emu_sim *sim, uint32_t d, const struct emu_pkt *p, uint64_t at_ps)
{
	struct emu_capture *c = sim->capture;
	struct roce_pkt pkt = *emu_pkt_to(sim, p);
	struct dp_frame frame = {.data = c->data, .cap = sizeof(c->data)};

	if (pkt.len) {
		pkt.niov = 1;
		pkt.iov[0] = (struct iovec){c->zeros, pkt.len};
	}
	if (roce_wire_build(&pkt, &frame))
		return;
	roce_wire_seal(&frame);
	dp_pcap_frame(c->pcap, c->interface[d], DP_PCAP_UNKNOWN, &frame, at_ps / DP_NS);
}

void emu_capture_pfc(struct emu_sim *sim, uint32_t d, uint8_t pause, uint8_t resume, uint64_t at_ps)
{
	struct emu_capture *c = sim->capture;
	struct dp_pfc pfc = {.src = {0x02, 0x01}, .enabled = pause | resume};
	uint8_t frame[DP_PFC_FRAME_BYTES];

	dp_put_be32(pfc.src + 2, sim->dirs[d].from);
	for (uint32_t prio = 0; prio < 8; prio++)
		if (pause >> prio & 1)
			pfc.quanta[prio] = EMU_PFC_QUANTA;
	dp_pfc_build(frame, &pfc);
	dp_pcap_ethernet(c->pcap, c->interface[d], DP_PCAP_UNKNOWN, frame, sizeof(frame), at_ps / DP_NS);
}

void emu_capture_free(struct emu_sim *sim)
{
	if (!sim->capture)
		return;
	dp_pcap_free(sim->capture->pcap);
	free(sim->capture->interface);
	free(sim->capture);
	sim->capture = NULL;
}

int emu_capture_flush(struct emu_sim *sim)
{
	int err = sim->capture ? dp_pcap_flush(sim->capture->pcap) : 0;

	return err ? emu_fail(sim, err, "capture: %s", strerror(-err)) : 0;
}
