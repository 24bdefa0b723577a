/*
 * What this library is: its version (the only place it is written; pyproject.toml reads it from here), the compiler
 * and the sanitizers it was built with. Each Python module carries its own static copy of this library; this is how
 * a copy left behind by a partial build is told from a current one.
 */
#ifndef DP_VERSION_H
#define DP_VERSION_H

#define DP_VERSION "0.1.0"

/* cffi: begin */
struct dp_build {
	const char *version;
	const char *compiler;
	const char *sanitizers; /* "", or a list such as "address,undefined" */
};

void dp_build_get(struct dp_build *out);
/* cffi: end */

#endif
