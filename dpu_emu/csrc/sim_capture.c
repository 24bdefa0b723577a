#include "dpu_emu/csrc/sim_int.h"
void emu_capture_packet(struct emu_sim *sim, uint32_t d, const struct emu_pkt *p, uint64_t at_ps)
{
	(void)sim;
	(void)d;
	(void)p;
	(void)at_ps;
}
void emu_capture_pfc(struct emu_sim *sim, uint32_t d, uint8_t mask, uint32_t quanta, uint64_t at_ps)
{
	(void)sim;
	(void)d;
	(void)mask;
	(void)quanta;
	(void)at_ps;
}
void emu_capture_free(struct emu_sim *sim)
{
	(void)sim;
}
int emu_sim_capture(struct emu_sim *sim, const char *path, const uint32_t *links, uint32_t n)
{
	(void)path;
	(void)links;
	(void)n;
	return emu_fail(sim, -ENOSYS, "capture: not yet");
}
