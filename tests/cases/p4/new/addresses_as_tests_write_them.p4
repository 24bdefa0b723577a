// Values as IPv4 and MAC addresses, exact names of controls and arguments without names.

#include <v1model.p4>

header h_t {
    bit<48> mac;
    bit<32> ip;
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
    action r(bit<48> mac, bit<9> port) {
        h.h.mac = mac;
        sm.egress_spec = port;
    }
    table t {
        key = { h.h.ip : exact; }
        actions = { r; }
        default_action = r(0, 511);
    }
    apply { t.apply(); }
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
        b.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
