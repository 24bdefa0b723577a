// Entries come and go between packets.
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

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.ip);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action route(bit<8> nh) { h.ip.nh = nh; }
    table routes {
        key = { h.ip.dst : lpm; }
        actions = { route; }
        default_action = route(0xff);
    }
    apply {
        routes.apply();
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
