// Members of a stack of unions at a run-time index.

#include <v1model.p4>

header n_t {
    bit<8> i;
}
header a_t {
    bit<8> t;
    bit<8> v;
}
header b_t {
    bit<8> t;
    bit<16> v;
}
header_union u_t {
    a_t a;
    b_t b;
}

struct Meta {
}

struct Headers {
    n_t n;
    u_t[2] u;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        b.extract(h.n);
        transition next;
    }
    state next {
        transition select(b.lookahead<bit<8>>()) {
            1: is_a;
            2: is_b;
            _: accept;
        }
    }
    state is_a {
        b.extract(h.u.next.a);
        transition next;
    }
    state is_b {
        b.extract(h.u.next.b);
        transition next;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        if (h.u[h.n.i].a.isValid()) {
            h.u[h.n.i].a.v = 0xaa;
        } else {
            h.u[h.n.i].b.v = 0xbbbb;
        }
        sm.egress_spec = 1;
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
