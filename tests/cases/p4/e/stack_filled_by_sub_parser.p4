// A sub-parser takes the headers as inout and extracts into the next elements of their stack.

#include <v1model.p4>

header n_t {
    bit<8> n;
}
header e_t {
    bit<8> v;
}

struct Meta {
}

struct Headers {
    n_t n;
    e_t[4] e;
}

parser take(packet_in p, inout Headers h, in bit<8> count) {
    bit<8> left;
    state start {
        left = count;
        transition check;
    }
    state check {
        transition select(left) {
            0: accept;
            default: one;
        }
    }
    state one {
        p.extract(h.e.next);
        left = left - 1;
        transition check;
    }
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    take() t;
    take() again;
    state start {
        b.extract(h.n);
        t.apply(b, h, h.n.n);
        again.apply(b, h, 1);
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
        if (sm.parser_error == error.StackOutOfBounds) sm.egress_spec = 2;
        h.e[0].v = 0xff;
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
        b.emit(h.n);
        b.emit(h.e);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
