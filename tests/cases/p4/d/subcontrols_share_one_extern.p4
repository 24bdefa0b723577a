// Two controls are given the same register as constructor argument.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> op;
    bit<8> v;
}

control Put(in bit<8> v)(register<bit<8>> cell) {
    apply { cell.write(0, v); }
}

control Get(out bit<8> v)(register<bit<8>> cell) {
    apply { cell.read(v, 0); }
}

struct Headers {
    k_t k;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.k);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.k);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    register<bit<8>>(1) cell;
    Put(cell) put;
    Get(cell) get;
    apply {
        if (h.k.op == 1) {
            put.apply(h.k.v);
        } else {
            get.apply(h.k.v);
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
