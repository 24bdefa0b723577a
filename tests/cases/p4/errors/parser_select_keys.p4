// error: 7: this case has 1 key sets, the select has 2 expressions
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        transition select(meta.x, meta.y) {
            1: accept;
            default: reject;
        }
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
