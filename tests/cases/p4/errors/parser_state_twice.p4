// error: 7: 'next' is declared twice
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start { transition next; }
    state next { transition accept; }
    state next { transition reject; }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
