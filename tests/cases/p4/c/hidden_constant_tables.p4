// Constant tables whose actions set several fields at once and call others.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct Headers {
    data_t d;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.d);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    @hidden action both(bit<8> c, bit<8> e) {
        h.d.c = c;
        h.d.d = e;
    }
    @hidden table translate {
        key = {
            h.d.a[3:0] : exact @name("nibble");
            h.d.b      : ternary;
        }
        actions = { both; }
        const entries = {
            (0x1, 0x00 &&& 0x80) : both(0x01, 0x10);
            (0x1, default)       : both(0x01, 0x18);
            (0x2, 0xab)          : both(2, 0x20);
        }
        const default_action = both(0xff, 0xff);
    }
    apply {
        translate.apply();
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
