// Declarations that nobody uses: a match kind, an extern, a package, a parser type.

#include <v1model.p4>

match_kind { best_guess }
extern Unused<T> {
    Unused(bit<32> n);
    T get(in T v);
    abstract void run(inout bit<8> x);
}
extern void nothing<T>(in T x);
parser AnyParser<X>(packet_in p, out X x);
control AnyControl<X>(inout X x);
package Spare<X>(AnyParser<X> p, AnyControl<X> c);

header h_t {
    bit<8> k;
    bit<8> x;
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
        h.h.x = h.h.x + 1;
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
        b.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
