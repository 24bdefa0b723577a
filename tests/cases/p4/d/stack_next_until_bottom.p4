// A loop in the parser fills a stack until the bottom-of-stack bit, like MPLS.
#include <core.p4>
#include <v1model.p4>

header mpls_t {
    bit<20> label;
    bit<3>  tc;
    bit<1>  bos;
    bit<8>  ttl;
}

struct Headers {
    mpls_t[4] mpls;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.mpls.next);
        transition select(h.mpls.last.bos) {
            1: accept;
            default: start;
        }
    }
}

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.mpls);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.mpls[0].ttl = h.mpls[0].ttl - 1;
        if (h.mpls[1].isValid()) {
            h.mpls[1].label = 0xfffff;
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
