// Constant entries with prefixes as masks, ranges, don't cares.

#include <core.p4>
#define V1MODEL_VERSION 20180101
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}

struct metadata {
}

struct headers {
    h_t h;
}

parser ParserImpl(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
        transition accept;
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control ingress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    action r(bit<8> v) { hdr.h.z = v; }
    table by_prefix {
        key = { hdr.h.k : lpm; }
        actions = { r; NoAction; }
        const entries = {
            0xf0 &&& 0xf0 : r(1);
            0xff : r(2);
            _ : r(3);
        }
    }
    table by_range {
        key = {
            hdr.h.x : range;
            hdr.h.y : optional;
        }
        actions = { r; NoAction; }
        default_action = NoAction();
        const entries = {
            (10 .. 20, 1) : r(0x11);
            (15 .. 30, _) : r(0x12);
        }
    }
    apply {
        standard_metadata.egress_spec = 1;
        by_prefix.apply();
        by_range.apply();
    }
}

control egress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
