// setInvalid takes a header out of the packet, setValid puts one in.
#include <core.p4>
#include <v1model.p4>

header sel_t {
    bit<8> op;
}

header tag_t {
    bit<16> id;
}

struct Headers {
    sel_t sel;
    tag_t one;
    tag_t two;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.sel);
        b.extract(h.one);
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
        b.emit(h.sel);
        b.emit(h.one);
        b.emit(h.two);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.sel.op == 1) {
            h.one.setInvalid();
        } else if (h.sel.op == 2) {
            h.two.setValid();
            h.two.id = 0x2222;
        } else if (h.sel.op == 3) {
            h.two.setValid();
            h.two.id = h.one.id;
            h.one.setInvalid();
        } else if (h.sel.op == 4) {
            h.sel.setInvalid();
            h.one.setInvalid();
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
