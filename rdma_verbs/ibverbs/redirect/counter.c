/* Files whose content is a counter of the node: made when they are opened. */
#include "rdma_verbs/ibverbs/redirect/hook.h"

int redirect_open_counter(const char *path, int flags)
{
	(void)path;
	(void)flags;
	return -2;
}
