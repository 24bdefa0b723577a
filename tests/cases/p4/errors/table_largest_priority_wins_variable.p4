// error: 8: must be a constant
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        actions = { NoAction; }
        largest_priority_wins = meta.flag;
    }
    apply {}
}

#include "shared/main.p4"
