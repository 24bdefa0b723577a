// static_assert at the top level.
#include "../include/one.p4"

const bool ok = static_assert(V1MODEL_VERSION >= 20180101, "old");
const bool ok2 = static_assert(true);

INGRESS {
    apply {
        hdr.h.a = 5;
    }
}

MAIN
