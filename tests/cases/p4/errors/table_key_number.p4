// error: 7: the width of key 3 is not known
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { 3 : exact @name("k"); }
        actions = { NoAction; }
    }
    apply {}
}

#include "shared/main.p4"
