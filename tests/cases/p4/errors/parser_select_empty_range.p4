// error: 7: range 5 .. 2 is empty
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        transition select(meta.x) {
            5 .. 2: accept;
            default: reject;
        }
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
