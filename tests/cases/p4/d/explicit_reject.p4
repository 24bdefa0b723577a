// A transition to reject: error stays NoError, the packet goes on with what was extracted.
#include <core.p4>
#include <v1model.p4>

header byte_t {
    bit<8> v;
}

struct Headers {
    byte_t a;
    byte_t b;
    byte_t c;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.a);
        transition select(h.a.v) {
            0: reject;
            1: accept;
            default: rest;
        }
    }
    state rest {
        pkt.extract(h.b);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.c.setValid();
        h.c.v = h.b.isValid() ? 8w1 : 8w0;
        if (sm.parser_error != error.NoError) {
            h.c.v = h.c.v | 0x80;
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
