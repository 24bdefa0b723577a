// The ingress itself has a constructor parameter.
#include <core.p4>
#include <v1model.p4>
struct M {}
header b_t { bit<8> v; }
struct H { b_t a; }
parser P(packet_in p, out H h, inout M m, inout standard_metadata_t s) {
    state start { p.extract(h.a); transition accept; }
}
control V(inout H h, inout M m) { apply { } }
control I(inout H h, inout M m, inout standard_metadata_t s)(bit<8> k) { apply { h.a.v = h.a.v + k; } }
control E(inout H h, inout M m, inout standard_metadata_t s) { apply { } }
control C(inout H h, inout M m) { apply { } }
control D(packet_out p, in H h) { apply { p.emit(h); } }
V1Switch(P(), V(), I(5), E(), C(), D()) main;
