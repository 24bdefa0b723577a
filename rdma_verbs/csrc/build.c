/* Consistency of the two modules' static copies; see build.h. */
#include "rdma_verbs/csrc/build.h"

#include <errno.h>
#include <string.h>

int roce_build_check(const struct dp_build *other)
{
	struct dp_build own;

	dp_build_get(&own);
	if (strcmp(own.version, other->version) != 0 || strcmp(own.sanitizers, other->sanitizers) != 0)
		return -ELIBBAD;
	return 0;
}
