// error: 7: action 'a' uses itself
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {
        a();
    }
    apply {}
}

#include "shared/main.p4"
