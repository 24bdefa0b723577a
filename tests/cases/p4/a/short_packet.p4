// A packet too short for extract goes on with parser_error set and the header invalid.
#include <core.p4>
#include <v1model.p4>

header a_t {
    bit<16> v;
}

header b_t {
    bit<32> v;
}

struct Headers {
    a_t a;
    b_t b;
    a_t note;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.a);
        b.extract(h.b);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.a);
        b.emit(h.b);
        b.emit(h.note);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (sm.parser_error == error.PacketTooShort) {
            h.note.setValid();
            h.note.v = h.b.isValid() ? 16w0xbad1 : 16w0xbad0;
            sm.egress_spec = 1;
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
