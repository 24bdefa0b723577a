// IPv4 or IPv6 in one union, a table for each.

#include <core.p4>
#include <v1model.p4>

header v4_t {
    bit<4> version;
    bit<28> rest;
    bit<32> addr;
}
header v6_t {
    bit<4> version;
    bit<28> rest;
    bit<128> addr;
}
header_union ip_t {
    v4_t v4;
    v6_t v6;
}
header eth_t {
    bit<16> kind;
}

struct metadata {
}

struct headers {
    eth_t eth;
    ip_t ip;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.eth);
        transition select(hdr.eth.kind) {
            0x0800: v4;
            0x86dd: v6;
            default: accept;
        }
    }
    state v4 {
        packet.extract(hdr.ip.v4);
        transition accept;
    }
    state v6 {
        packet.extract(hdr.ip.v6);
        transition accept;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    action fwd(bit<9> port) { standard_metadata.egress_spec = port; }
    action refuse() { mark_to_drop(standard_metadata); }
    table t4 {
        key = { hdr.ip.v4.addr : lpm; }
        actions = { fwd; refuse; }
        default_action = refuse();
    }
    table t6 {
        key = { hdr.ip.v6.addr : lpm; }
        actions = { fwd; refuse; }
        default_action = refuse();
    }
    apply {
        if (hdr.ip.v4.isValid()) t4.apply();
        else if (hdr.ip.v6.isValid()) t6.apply();
        else standard_metadata.egress_spec = 5;
    }
}

control MyEgress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(
    MyParser(),
    MyVerifyChecksum(),
    MyIngress(),
    MyEgress(),
    MyComputeChecksum(),
    MyDeparser()
) main;
