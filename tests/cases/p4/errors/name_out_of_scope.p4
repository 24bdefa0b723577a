// error: 8: name 'inner' is not declared
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        { bit<8> inner = 1; meta.x = inner; }
        meta.x = inner;
    }
}

#include "shared/main.p4"
