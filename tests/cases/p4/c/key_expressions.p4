// Keys may be slices, masks, sums, concatenations and comparisons; @name gives each its name.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
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
    action set_d(bit<8> v) {
        h.d.d = v;
    }
    action miss_d() {
        h.d.d = 0xff;
    }
    table t {
        key = {
            h.d.a[7:4] : exact @name("top");
            h.d.a & 0x0f : exact @name("low");
            h.d.b + 1 : exact @name("next");
            h.d.b ++ h.d.c : exact @name("both");
            h.d.a > h.d.b : exact @name("gt");
        }
        actions = { set_d; miss_d; }
        default_action = miss_d();
    }
    apply {
        t.apply();
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
