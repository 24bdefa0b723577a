// Constant entries whose key has 128 bits, with masks.
#include <core.p4>
#include <v1model.p4>

header v6_t {
    bit<128> dst;
    bit<8>   r;
}

struct Headers {
    v6_t v6;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.v6);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action set_r(bit<8> v) {
        h.v6.r = v;
    }
    table t {
        key = { h.v6.dst : ternary; }
        actions = { set_r; }
        const entries = {
            0x20010db8000000000000000000000001 : set_r(1);
            0xff000000000000000000000000000000 &&& 0xff000000000000000000000000000000 : set_r(2);
            1 &&& 1 : set_r(3);
        }
        default_action = set_r(0);
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
