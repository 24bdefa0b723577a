// static_assert(), minSizeInBits() and its kin are known to the compiler.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<24> x;
}
header v_t {
    bit<8> n;
    varbit<64> v;
}

struct Meta {
}

struct Headers {
    h_t h;
    v_t v;
}

const bool CHECKED = static_assert(V1MODEL_VERSION >= 20180101, "too old");

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.h);
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
        h_t tmp;
        v_t vv;
        sm.egress_spec = 1;
        h.h.x = (bit<24>)h.h.minSizeInBytes() << 16;
        h.h.x[15:8] = (bit<8>)tmp.minSizeInBits();
        h.h.x[7:0] = (bit<8>)vv.maxSizeInBytes() + (bit<8>)vv.minSizeInBytes();
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

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
