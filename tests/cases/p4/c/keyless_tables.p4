// Tables without a key: without default action, with one, with a constant one.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct metadata {
}

struct headers {
    data_t d;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.d);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    action inc(bit<8> by) { hdr.d.b = hdr.d.b + by; }
    action end() { hdr.d.d = 0xed; }
    table nothing {
        actions = { inc; end; }
    }
    table some {
        key = { }
        actions = { inc; }
        default_action = inc(0x10);
    }
    table last {
        actions = { end; }
        const default_action = end();
    }
    apply {
        nothing.apply();
        some.apply();
        last.apply();
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.d);
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
