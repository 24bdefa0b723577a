// @hidden and @name on tables, keys and actions.

#include <v1model.p4>

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
    @name("put") action put_it(bit<8> v) { h.h.x = v; }
    @hidden action plus() { h.h.x = h.h.x + 1; }
    @hidden table always {
        actions = { plus; }
        const default_action = plus();
    }
    @name(".global_t") table t {
        key = { h.h.k : exact @name("kay"); }
        actions = { NoAction; put_it; }
        default_action = NoAction();
    }
    apply {
        t.apply();
        always.apply();
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
