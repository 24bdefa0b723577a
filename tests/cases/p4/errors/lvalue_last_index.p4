// error: 6: 'lastIndex' cannot be assigned to
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        hdr.labels.lastIndex = 1;
        transition accept;
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
