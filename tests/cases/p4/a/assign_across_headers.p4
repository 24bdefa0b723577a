// Fields, slices and whole headers move between several headers and metadata.
#include <core.p4>
#include <v1model.p4>

header x_t {
    bit<16> a;
    bit<16> b;
}

header y_t {
    bit<32> a;
}

struct metadata {
    x_t copy;
}

struct headers {
    x_t x;
    y_t y;
    x_t z;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.x);
        packet.extract(hdr.y);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        meta.copy = hdr.x;
        hdr.y.a = hdr.x.b ++ hdr.x.a;
        hdr.x.a = hdr.y.a[23:8];
        hdr.z = meta.copy;
        hdr.z.b = 0;
        meta.copy.setInvalid();
        if (!meta.copy.isValid() && hdr.z.isValid()) {
            hdr.z.b = 0x600d;
        }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.x);
        packet.emit(hdr.y);
        packet.emit(hdr.z);
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
