// error: 7: nothing can be cast to extern packet_in
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.x = (packet_in)meta.x;
    }
}

#include "shared/main.p4"
