// error: 6: cannot be selected on
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        transition select(hdr) {
            default: accept;
        }
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
