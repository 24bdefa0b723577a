/*
 * A switch in front of RoCE hosts: knows RoCEv2 (UDP port 4791, IPv4 and IPv6, with a VLAN tag or without) by its base
 * transport header, puts data and congestion notification packets (CNP) in their own classes, and everything else by
 * DSCP. The class leaves in standard_metadata.priority, in the VLAN tag's PCP and, where the control plane says so, in
 * DSCP, which RoCE's ICRC does not cover.
 */
#define V1MODEL_VERSION 20200408
#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>
#include "headers.p4"

const bit<16> UDP_ROCE = 4791;
const bit<8>  BTH_CNP  = 0x81;

struct headers_t {
    ethernet_h ethernet;
    vlan_h     vlan;
    ipv4_h     ipv4;
    ipv6_h     ipv6;
    udp_h      udp;
    bth_h      bth;
}

struct metadata_t {
    bit<6> dscp;
    bit<2> ecn;
    bit<3> class;
    bool   remark;
    bit<6> new_dscp;
}

parser RoceParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.type) {
            ETHERTYPE_VLAN: parse_vlan;
            ETHERTYPE_IPV4: parse_ipv4;
            ETHERTYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }
    state parse_vlan {
        packet.extract(hdr.vlan);
        transition select(hdr.vlan.type) {
            ETHERTYPE_IPV4: parse_ipv4;
            ETHERTYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }
    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        meta.dscp = hdr.ipv4.dscp;
        meta.ecn = hdr.ipv4.ecn;
        /* Only a whole packet without options has its BTH where we look. */
        transition select(hdr.ipv4.ihl, hdr.ipv4.flags, hdr.ipv4.frag_offset, hdr.ipv4.protocol) {
            (5, 0 &&& 1, 0, PROTO_UDP): parse_udp;
            default: accept;
        }
    }
    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        meta.dscp = hdr.ipv6.dscp;
        meta.ecn = hdr.ipv6.ecn;
        transition select(hdr.ipv6.next_header) {
            PROTO_UDP: parse_udp;
            default: accept;
        }
    }
    state parse_udp {
        packet.extract(hdr.udp);
        transition select(hdr.udp.dport) {
            UDP_ROCE: parse_bth;
            default: accept;
        }
    }
    state parse_bth {
        packet.extract(hdr.bth);
        transition accept;
    }
}

control RoceVerifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control RoceIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    counter<bit<3>>(8, CounterType.packets_and_bytes) class_counter;
    direct_counter(CounterType.packets) roce_counter;

    action set_class(bit<3> class) {
        meta.class = class;
    }
    action set_class_and_dscp(bit<3> class, bit<6> dscp) {
        meta.class = class;
        meta.remark = true;
        meta.new_dscp = dscp;
    }
    action forward(bit<9> port) {
        std.egress_spec = port;
    }
    action flood(bit<16> group) {
        std.mcast_grp = group;
    }
    action discard() {
        mark_to_drop(std);
    }

    /* By opcode and queue pair; the control plane may add rules before those of the program. */
    table roce_class {
        key = {
            hdr.bth.opcode: ternary @name("opcode");
            hdr.bth.dest_qp: range @name("dest_qp");
            meta.ecn: ternary @name("ecn");
        }
        actions = { set_class; set_class_and_dscp; NoAction; }
        default_action = set_class(3);
        counters = roce_counter;
        entries = {
            (BTH_CNP, _, _): set_class_and_dscp(6, 48);
        }
        size = 256;
    }

    table dscp_class {
        key = { meta.dscp: exact @name("dscp"); }
        actions = { set_class; NoAction; }
        default_action = set_class(0);
        size = 64;
    }

    table l2 {
        key = {
            hdr.vlan.isValid(): exact @name("tagged");
            hdr.vlan.vid: exact @name("vid");
            hdr.ethernet.dst: exact @name("dst");
        }
        actions = { forward; flood; discard; }
        default_action = discard();
        size = 65536;
    }

    apply {
        if (std.parser_error != error.NoError) {
            discard();
            return;
        }
        if (hdr.bth.isValid()) {
            roce_class.apply();
        } else if (hdr.ipv4.isValid() || hdr.ipv6.isValid()) {
            dscp_class.apply();
        }
        std.priority = meta.class;
        class_counter.count(meta.class);
        if (hdr.vlan.isValid()) {
            hdr.vlan.pcp = meta.class;
        }
        if (meta.remark) {
            if (hdr.ipv4.isValid()) {
                hdr.ipv4.dscp = meta.new_dscp;
            } else {
                hdr.ipv6.dscp = meta.new_dscp;
            }
        }
        l2.apply();
    }
}

control RoceEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        /* A flooded frame does not go back where it came from. */
        if (std.instance_type == 5 && std.egress_port == std.ingress_port) {
            mark_to_drop(std);
        }
    }
}

control RoceComputeChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply {
        update_checksum(meta.remark && hdr.ipv4.isValid(),
            { hdr.ipv4.version, hdr.ipv4.ihl, hdr.ipv4.dscp, hdr.ipv4.ecn, hdr.ipv4.total_len, hdr.ipv4.id, hdr.ipv4.flags,
              hdr.ipv4.frag_offset, hdr.ipv4.ttl, hdr.ipv4.protocol, hdr.ipv4.src, hdr.ipv4.dst },
            hdr.ipv4.checksum, HashAlgorithm.csum16);
    }
}

control RoceDeparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(RoceParser(), RoceVerifyChecksum(), RoceIngress(), RoceEgress(), RoceComputeChecksum(), RoceDeparser()) main;
