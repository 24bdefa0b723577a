// An access list in front of a route table, after IPv4 and TCP/UDP were parsed.
#include <core.p4>
#include <v1model.p4>

header ethernet_t {
    bit<48> dstAddr;
    bit<48> srcAddr;
    bit<16> etherType;
}

header ipv4_t {
    bit<4>  version;
    bit<4>  ihl;
    bit<8>  tos;
    bit<16> totalLen;
    bit<16> id;
    bit<3>  flags;
    bit<13> frag;
    bit<8>  ttl;
    bit<8>  protocol;
    bit<16> csum;
    bit<32> srcAddr;
    bit<32> dstAddr;
}

header ports_t {
    bit<16> src;
    bit<16> dst;
}

struct metadata {
}

struct headers {
    ethernet_t ethernet;
    ipv4_t     ipv4;
    ports_t    l4;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    @name(".start") state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {
            16w0x800: parse_ipv4;
            default: accept;
        }
    }
    @name(".parse_ipv4") state parse_ipv4 {
        packet.extract(hdr.ipv4);
        transition select(hdr.ipv4.ihl, hdr.ipv4.frag, hdr.ipv4.protocol) {
            (4w5, 13w0, 8w6): parse_l4;
            (4w5, 13w0, 8w17): parse_l4;
            default: accept;
        }
    }
    @name(".parse_l4") state parse_l4 {
        packet.extract(hdr.l4);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    @name(".permit") action permit() { }
    @name(".deny") action deny() {
        mark_to_drop(standard_metadata);
        exit;
    }
    @name(".route") action route(bit<9> port, bit<48> mac) {
        standard_metadata.egress_spec = port;
        hdr.ethernet.srcAddr = hdr.ethernet.dstAddr;
        hdr.ethernet.dstAddr = mac;
        hdr.ipv4.ttl = hdr.ipv4.ttl + 0xff;
    }
    @name(".acl") table acl {
        key = {
            hdr.ipv4.srcAddr  : ternary;
            hdr.ipv4.protocol : ternary;
            hdr.l4.dst        : range;
        }
        actions = { permit; deny; }
        size = 128;
        default_action = permit();
    }
    @name(".fib") table fib {
        key = { hdr.ipv4.dstAddr : lpm; }
        actions = { route; deny; }
        default_action = deny();
    }
    apply {
        if (hdr.l4.isValid()) {
            acl.apply();
        }
        if (hdr.ipv4.isValid() && hdr.ipv4.ttl > 1) {
            fib.apply();
        }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.l4);
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
