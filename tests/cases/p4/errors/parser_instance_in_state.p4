// error: 6: no instance can be declared among the statements of a parser
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        register<bit<8>>(4) r;
        transition accept;
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
