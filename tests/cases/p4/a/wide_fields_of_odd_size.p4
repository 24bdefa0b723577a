// Fields of 65, 127 and 33 bits, not aligned, added to and shifted.
#include <core.p4>
#include <v1model.p4>

header w_t {
    bit<65>  a;
    bit<127> b;
    bit<33>  c;
    bit<7>   d;
}

struct Headers {
    w_t w;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.w);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.w.a = h.w.a + 1;
        h.w.b = h.w.b << 1;
        h.w.c = ~h.w.c;
        h.w.d = h.w.d - 1;
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
