// Label operations by a table: swap, push two, pop, pop of the last.
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
            0: start;
            1: accept;
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
    action swap(bit<20> label) {
        h.mpls[0].label = label;
    }
    action push_two(bit<20> outer, bit<20> inner) {
        h.mpls.push_front(2);
        h.mpls[0].setValid();
        h.mpls[1].setValid();
        h.mpls[0] = { outer, 0, 0, 64 };
        h.mpls[1] = { inner, 0, 0, 64 };
    }
    action pop() {
        h.mpls[1].ttl = h.mpls[0].ttl - 1;
        h.mpls.pop_front(1);
    }
    table labels {
        key = { h.mpls[0].label : exact; }
        actions = { swap; push_two; pop; NoAction; }
        default_action = NoAction();
    }
    apply {
        labels.apply();
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
