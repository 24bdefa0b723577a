// A hash in egress over metadata, an enum's value and a header's field.

#include <v1model.p4>

enum bit<8> Mode {
    fast = 5,
    slow = 6
}

header h_t {
    bit<8> a;
    bit<32> r;
}

struct Meta {
    Mode mode;
    bit<8> copy;
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
        m.mode = Mode.fast;
        m.copy = h.h.a;
        sm.egress_spec = 1;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        hash(h.h.r, HashAlgorithm.crc32, 32w0, { m.copy, m.mode }, 64w0x100000000);
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
