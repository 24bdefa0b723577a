// A direct meter: its colour is read in the action; green without rates.

#include <v1model.p4>

header h_t {
    bit<8> i;
    bit<8> x;
}

struct Meta {
}

struct Headers {
    h_t h;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.h);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    direct_meter<bit<2>>(MeterType.bytes) m_direct;
    action tag() {
        bit<2> colour = 3;
        m_direct.read(colour);
        h.h.x = 6w0x3c ++ colour;
    }
    table t {
        key = { h.h.i : exact; }
        actions = { tag; NoAction; }
        meters = m_direct;
        default_action = NoAction;
    }
    apply {
        t.apply();
        sm.egress_spec = 1;
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
        b.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
