// Constant lpm entries: the longest prefix wins, not the first.
#include <core.p4>
#include <v1model.p4>

header ip_t {
    bit<32> dst;
    bit<8>  nh;
}

struct Headers {
    ip_t ip;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.ip);
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
        b.emit(h.ip);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action route(bit<8> nh) {
        h.ip.nh = nh;
    }
    table routes {
        key = { h.ip.dst : lpm; }
        actions = { route; }
        const entries = {
            0x0a000000 &&& 0xff000000 : route(1);
            0x0a0b0000 &&& 0xffff0000 : route(2);
            0x0a0b0c0d                : route(3);
            _                         : route(4);
        }
        default_action = route(0xff);
    }
    apply {
        routes.apply();
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
