// A register of the egress control, indexed by what ingress put into metadata.

#include <v1model.p4>

header h_t {
    bit<8> i;
    bit<8> x;
}

struct Meta {
    bit<32> from_port;
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
    apply {
        m.from_port = (bit<32>)sm.ingress_port;
        sm.egress_spec = 4;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    register<bit<8>>(512) last;
    apply {
        last.read(h.h.x, m.from_port);
        last.write(m.from_port, h.h.i);
    }
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
