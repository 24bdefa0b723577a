// switch over the parser's error.

#include <v1model.p4>

error { BadKey }

header a_t {
    bit<8> k;
}
header b_t {
    bit<8> v;
}

struct Meta {
}

struct Headers {
    a_t a;
    b_t b;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.a);
        verify(h.a.k != 9, error.BadKey);
        b.extract(h.b);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        switch (sm.parser_error) {
            error.NoError: { sm.egress_spec = 1; }
            error.PacketTooShort: { sm.egress_spec = 2; }
            error.BadKey: { sm.egress_spec = 3; }
        }
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply { }
}

control update(inout Headers h, inout Meta m) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.a);
        b.emit(h.b);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
