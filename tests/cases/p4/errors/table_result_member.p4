// error: 8: has no member 'missed'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t { actions = { NoAction; } }
    apply {
        meta.flag = t.apply().missed;
    }
}

#include "shared/main.p4"
