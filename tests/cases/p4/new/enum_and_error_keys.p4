// An enum without values and the parser's error as table keys.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

enum Kind { first, second, third }
error { Odd }

header h_t {
    bit<8> k;
    bit<8> x;
}

struct Meta {
    Kind kind;
}

struct Headers {
    h_t h;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.h);
        m.kind = Kind.first;
        transition select(hdr.h.k) {
            2: two;
            3: three;
            default: accept;
        }
    }
    state two { m.kind = Kind.second; transition accept; }
    state three { m.kind = Kind.third; verify(false, error.Odd); transition accept; }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    action r(bit<8> v) { h.h.x = h.h.x | v; }
    table kinds {
        key = { m.kind : exact; }
        actions = { r; }
        default_action = r(0x80);
        const entries = {
            Kind.second : r(1);
            Kind.third : r(2);
        }
    }
    table errors {
        key = { sm.parser_error : exact; }
        actions = { r; NoAction; }
        default_action = NoAction();
        const entries = {
            error.Odd : r(0x10);
            error.PacketTooShort : r(0x20);
        }
    }
    apply {
        kinds.apply();
        errors.apply();
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

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
