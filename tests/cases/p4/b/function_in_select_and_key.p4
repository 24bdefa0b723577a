// Functions are called in parser states, in select and in a table's key.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> k;
    bit<8> r;
}

header v_t {
    bit<8> v;
}

bit<4> high(in bit<8> v) {
    return v[7:4];
}

struct Headers {
    k_t k;
    v_t v;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.k);
        transition select(high(h.k.k)) {
            2: more;
            default: accept;
        }
    }
    state more {
        pkt.extract(h.v);
        h.v.v = h.v.v + (bit<8>)high(h.v.v);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action mark(bit<8> r) {
        h.k.r = r;
    }
    table t {
        key = {
            high(h.k.k) : exact @name("high");
        }
        actions = { mark; NoAction; }
        const entries = {
            1 : mark(0x11);
            2 : mark(0x22);
        }
        default_action = NoAction();
    }
    apply {
        t.apply();
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
