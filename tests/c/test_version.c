/* The two libraries know what build they are of. */
#include "datapath/csrc/version.h"
#include "rdma_verbs/csrc/build.h"
#include "tests/c/check.h"

#include <errno.h>

static void test_build_names_its_version(void)
{
	struct dp_build build;

	dp_build_get(&build);
	CHECK_STR(build.version, DP_VERSION);
	CHECK(strlen(build.compiler) > 0);
}

static void test_another_build_is_refused(void)
{
	struct dp_build build;

	dp_build_get(&build);
	CHECK_EQ(roce_build_check(&build), 0);
	build.version = "0.0.0";
	CHECK_EQ(roce_build_check(&build), -ELIBBAD);
}

int main(void)
{
	RUN(test_build_names_its_version);
	RUN(test_another_build_is_refused);
	return check_done();
}
