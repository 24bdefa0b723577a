// The same function used in parser, ingress, egress; locals never leak between calls.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

bit<8> mixed(in bit<8> v) {
    bit<8> r = 1;
    bit<8> z;
    z = v;
    if (v[0:0] == 1) {
        r = r + 0x10;
        z = 0;
    }
    return r + z;
}

struct Headers {
    data_t d;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.d);
        h.d.a = mixed(h.d.a);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.d.b = mixed(h.d.a);
        h.d.c = mixed(h.d.b);
    }
}

control vrfy(inout Headers h, inout Meta m) { apply { } }

control update(inout Headers h, inout Meta m) { apply { } }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.d.d = mixed(h.d.c);
    }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
