// A serializable enum over int<8> with a negative member.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

enum int<8> Level {
    low = -2,
    mid = 0,
    high = 2
}

header h_t {
    Level level;
    bit<8> r;
}

struct Meta {
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
        if (h.h.level == Level.low) {
            h.h.r = 0x10;
        } else if (h.h.level == Level.mid) {
            h.h.r = 0x20;
        } else if (h.h.level == Level.high) {
            h.h.r = 0x30;
        } else {
            h.h.r = 0xff;
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

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
