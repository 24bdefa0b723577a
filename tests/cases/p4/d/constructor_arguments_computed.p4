// Arguments of inner instances are computed from the outer ones' constructor parameters.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

const bit<8> UNIT = 0x10;

control Leaf(inout bit<8> v)(bit<8> by, bool neg, bit<16> wide) {
    apply {
        if (neg) {
            v = v - by;
        } else {
            v = v + by;
        }
        v = v + wide[7:0];
    }
}

control Node(inout bit<8> x, inout bit<8> y)(bit<8> n, bit<4> m, bool flip) {
    Leaf(n + UNIT, n > 2 && !flip, (bit<16>)n << 1) one;
    Leaf(flip ? (bit<8>)m : ~n, n == 3 || m != 5, 8w0 ++ (m ++ 4w1)) two;
    apply {
        one.apply(x);
        two.apply(y);
    }
}

struct Headers {
    data_t d;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.d);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    Node(3, 5, false) a;
    Node(n = 1, m = 2, flip = true) b;
    apply {
        a.apply(h.d.a, h.d.b);
        b.apply(h.d.c, h.d.d);
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
