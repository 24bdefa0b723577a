// Macros with arguments, with ##, conditionals and line continuations.

#include <v1model.p4>

#define FIELD(n) f_##n
#define TWICE(x) ((x) + (x))
#define MAX_K 10
#if defined(MAX_K) && MAX_K > 5
#define BIG 1
#else
#define BIG 0
#endif
#ifndef NOTHING
#define STEP(dst, v) \
dst = dst + v; \
dst = dst + 1
#endif

header h_t {
    bit<8> FIELD(a);
    bit<8> FIELD(b);
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
    apply {
        sm.egress_spec = 1;
#if BIG
        h.h.FIELD(b) = TWICE(h.h.f_a + 1);
#else
        h.h.f_b = 0;
#endif
        STEP(h.h.f_b, 2);
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
