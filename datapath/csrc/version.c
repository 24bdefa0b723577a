/* The library's description of itself; see version.h. */
#include "datapath/csrc/version.h"

#ifndef DPU_SANITIZE
#define DPU_SANITIZE ""
#endif

void dp_build_get(struct dp_build *out)
{
	out->version = DP_VERSION;
	out->compiler = __VERSION__;
	out->sanitizers = DPU_SANITIZE;
}
