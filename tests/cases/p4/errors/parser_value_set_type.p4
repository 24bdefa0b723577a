// error: 8: value set 'vs': its type is bit<8>
#include "shared/types.p4"

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    value_set<bit<8>>(4) vs;
    state start {
        transition select(meta.y) {
            vs: accept;
            default: reject;
        }
    }
}

#include "shared/ingress.p4"
#include "shared/main.p4"
