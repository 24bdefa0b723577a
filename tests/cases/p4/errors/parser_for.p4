// error: 6: 
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        for (bit<8> i in 1 .. 2) {}
        transition accept;
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
