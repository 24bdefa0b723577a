// switch over an EtherType that is a serializable enum.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

enum bit<16> EtherType {
    IPV4 = 0x0800,
    IPV6 = 0x86dd,
    VLAN = 0x8100,
    QINQ = 0x88a8
}

header h_t {
    EtherType kind;
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
        switch (h.h.kind) {
            EtherType.IPV4: { h.h.r = 4; }
            EtherType.IPV6: { h.h.r = 6; }
            EtherType.VLAN:
            EtherType.QINQ: { h.h.r = 0x81; }
            default: { h.h.r = 0xff; }
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
