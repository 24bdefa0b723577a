// error: 8: meta_t has no field 'y8'
// error: 9: name 'nothing' is not declared
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = meta.y8;
        meta.x = nothing;
    }
}

#include "shared/main.p4"
