// error: 7: expected bit<8>, got a list
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = { 1 };
    }
}

#include "shared/main.p4"
