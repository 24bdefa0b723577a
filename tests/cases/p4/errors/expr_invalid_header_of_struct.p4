// error: 7: {#} is an invalid header or union
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.pair = {#};
    }
}

#include "shared/main.p4"
