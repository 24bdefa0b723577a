// Making one member valid makes the other invalid.

#include <v1model.p4>

header a_t {
    bit<8> tag;
    bit<8> v;
}
header b_t {
    bit<8> tag;
    bit<16> v;
}
header_union u_t {
    a_t a;
    b_t b;
}

struct Meta {
}

struct Headers {
    u_t u;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        transition select(b.lookahead<bit<8>>()) {
            1: is_a;
            2: is_b;
            default: accept;
        }
    }
    state is_a {
        b.extract(h.u.a);
        transition accept;
    }
    state is_b {
        b.extract(h.u.b);
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
        sm.egress_spec = 1;
        if (h.u.a.isValid()) {
            bit<8> old = h.u.a.v;
            h.u.b.setValid();
            h.u.b.tag = 2;
            h.u.b.v = 8w0 ++ old;
            if (h.u.a.isValid()) {
                sm.egress_spec = 9;
            }
        }
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
