// error: 8: action 'a' has no method 'apply'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {}
    apply {
        a.apply();
    }
}

#include "shared/main.p4"
