// error: 8: table 't' is not a function
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t { actions = { NoAction; } }
    apply {
        t();
    }
}

#include "shared/main.p4"
