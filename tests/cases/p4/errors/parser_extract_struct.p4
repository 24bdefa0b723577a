// error: 6: extract: a header is expected, not pair_t
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start {
        pkt.extract(meta.pair);
        transition accept;
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
