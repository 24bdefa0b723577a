// error: 5: cannot be of type eth_t
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    value_set<eth_t>(4) vs;
    state start { transition accept; }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
