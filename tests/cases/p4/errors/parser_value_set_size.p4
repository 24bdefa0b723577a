// error: 5: a size of -1
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    value_set<bit<8>>(-1) vs;
    state start { transition accept; }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
