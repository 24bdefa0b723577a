// Tables applied in the branches of a switch on another table's action.
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

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.d);
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
        b.emit(h.d);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action l2() { h.d.b = 2; }
    action l3() { h.d.b = 3; }
    action set_d(bit<8> v) { h.d.d = v; }
    table kind {
        key = { h.d.a : exact; }
        actions = { l2; l3; NoAction; }
        default_action = NoAction();
    }
    table macs {
        key = { h.d.c : exact; }
        actions = { set_d; NoAction; }
        default_action = NoAction();
    }
    table routes {
        key = { h.d.c : ternary; }
        actions = { set_d; NoAction; }
        default_action = NoAction();
    }
    apply {
        switch (kind.apply().action_run) {
            l2: {
                if (!macs.apply().hit) {
                    h.d.d = 0xf2;
                }
            }
            l3: {
                switch (routes.apply().action_run) {
                    set_d: { h.d.b = 0x33; }
                    NoAction: { h.d.d = 0xf3; }
                }
            }
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
