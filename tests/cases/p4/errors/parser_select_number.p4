// error: 6: the width of this value is not known
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        transition select(3) {
            default: accept;
        }
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
