// error: 7: a complex expression, which needs a name
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    table t {
        key = { meta.x + 1 : exact; }
        actions = { NoAction; }
    }
    apply {}
}

#include "shared/main.p4"
