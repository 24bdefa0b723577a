// An enum without values in metadata: assigned, compared, chosen by a conditional.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

enum Colour {
    RED,
    GREEN,
    BLUE
}

struct Headers {
    data_t d;
}

struct Meta {
    Colour colour;
    bool   first;
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.d);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    Colour c = Colour.GREEN;
    apply {
        m.first = m.colour == Colour.RED;
        if (h.d.a == 1) {
            m.colour = Colour.BLUE;
        } else if (h.d.a == 2) {
            m.colour = c;
        }
        c = h.d.b == 0 ? Colour.RED : Colour.BLUE;
        if (m.colour == c) {
            h.d.c = 1;
        } else if (m.colour == Colour.GREEN) {
            h.d.c = 2;
        } else {
            h.d.c = 3;
        }
        if (m.first) {
            h.d.d = 0xf1;
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
