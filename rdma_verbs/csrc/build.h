/* Checks that two copies of the datapath library, one in each Python module, come from one build. */
#ifndef ROCE_BUILD_H
#define ROCE_BUILD_H

#include "datapath/csrc/version.h"

/* cffi: begin */
/* Returns 0, or -ELIBBAD when the other copy differs in version or sanitizers. */
int roce_build_check(const struct dp_build *other);
/* cffi: end */

#endif
