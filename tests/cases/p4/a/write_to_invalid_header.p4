// Writing an invalid header's field does not make it valid; setValid of an invalid header clears its fields.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> k;
}

header v_t {
    bit<8> v;
}

struct Headers {
    k_t k;
    v_t v;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.k);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.v.v = 0x5a;
        if (h.k.k == 1) {
            h.v.setValid();
        }
        if (h.k.k == 2) {
            h.v.setValid();
            h.v.v = h.v.v + 1;
        }
    }
}

control vrfy(inout Headers h, inout Meta m) { apply { } }

control update(inout Headers h, inout Meta m) { apply { } }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
