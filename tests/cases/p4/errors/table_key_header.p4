// error: 7: a key cannot be of type eth_t
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { hdr.eth : exact; }
        actions = { NoAction; }
    }
    apply {}
}

#include "shared/main.p4"
