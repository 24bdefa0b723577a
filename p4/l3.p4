/*
 * An IPv4 and IPv6 router. A packet to one of our MAC addresses is routed by longest prefix; TTL goes down, the header
 * checksum is checked and made anew. What a router does not forward by itself (TTL that runs out, options, our own
 * addresses) goes to the CPU port; what is wrong is dropped and counted by reason.
 */
#define V1MODEL_VERSION 20200408
#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>
#include "headers.p4"

#define CPU_PORT 510

enum bit<8> drop_reason_t {
    BAD_HEADER = 0,
    BAD_CHECKSUM = 1,
    NOT_FOR_US = 2,
    NO_ROUTE = 3
}

struct headers_t {
    ethernet_h     ethernet;
    ipv4_h         ipv4;
    ipv6_h         ipv6;
}

struct metadata_t {
    bool routed;
}

parser L3Parser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.type) {
            ETHERTYPE_IPV4: parse_ipv4;
            ETHERTYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }
    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        verify(hdr.ipv4.version == 4 && hdr.ipv4.ihl >= 5, error.ParserInvalidArgument);
        transition accept;
    }
    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        verify(hdr.ipv6.version == 6, error.ParserInvalidArgument);
        transition accept;
    }
}

control L3VerifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply {
        /* Options are not parsed: such packets are the CPU's, checksum and all. */
        verify_checksum(hdr.ipv4.isValid() && hdr.ipv4.ihl == 5,
            { hdr.ipv4.version, hdr.ipv4.ihl, hdr.ipv4.dscp, hdr.ipv4.ecn, hdr.ipv4.total_len, hdr.ipv4.id, hdr.ipv4.flags,
              hdr.ipv4.frag_offset, hdr.ipv4.ttl, hdr.ipv4.protocol, hdr.ipv4.src, hdr.ipv4.dst },
            hdr.ipv4.checksum, HashAlgorithm.csum16);
    }
}

control L3Ingress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    counter<bit<8>>(4, CounterType.packets) drops;
    direct_counter(CounterType.packets_and_bytes) route_counter;

    action discard(drop_reason_t reason) {
        drops.count((bit<8>)reason);
        mark_to_drop(std);
    }
    action no_route() {
        discard(drop_reason_t.NO_ROUTE);
    }
    action not_for_us() {
        discard(drop_reason_t.NOT_FOR_US);
    }
    action to_cpu() {
        std.egress_spec = CPU_PORT;
    }
    action accept_frame() { }

    @name("route")
    action route(bit<9> port, mac_t dmac, mac_t smac) {
        std.egress_spec = port;
        hdr.ethernet.dst = dmac;
        hdr.ethernet.src = smac;
        meta.routed = true;
    }

    table router_mac {
        key = {
            std.ingress_port: ternary;
            hdr.ethernet.dst: exact;
        }
        actions = { accept_frame; @defaultonly not_for_us; }
        const default_action = not_for_us();
        size = 512;
    }

    table ipv4_lpm {
        key = { hdr.ipv4.dst: lpm; }
        actions = { route; to_cpu; no_route; }
        default_action = no_route();
        counters = route_counter;
        size = 1048576;
    }

    table ipv6_lpm {
        key = { hdr.ipv6.dst: lpm; }
        actions = { route; to_cpu; no_route; }
        default_action = no_route();
        size = 262144;
    }

    apply {
        if (std.parser_error != error.NoError) {
            discard(drop_reason_t.BAD_HEADER);
        } else if (std.checksum_error == 1) {
            discard(drop_reason_t.BAD_CHECKSUM);
        } else if (hdr.ethernet.type == ETHERTYPE_ARP) {
            to_cpu();
        } else if (router_mac.apply().hit) {
            if (hdr.ipv4.isValid()) {
                if (hdr.ipv4.ttl <= 1 || hdr.ipv4.ihl != 5) {
                    to_cpu();
                } else {
                    ipv4_lpm.apply();
                    if (meta.routed) {
                        hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
                    }
                }
            } else if (hdr.ipv6.isValid()) {
                if (hdr.ipv6.hop_limit <= 1) {
                    to_cpu();
                } else {
                    ipv6_lpm.apply();
                    if (meta.routed) {
                        hdr.ipv6.hop_limit = hdr.ipv6.hop_limit - 1;
                    }
                }
            } else {
                not_for_us();
            }
        }
    }
}

control L3Egress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply { }
}

control L3ComputeChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply {
        update_checksum(meta.routed && hdr.ipv4.isValid(),
            { hdr.ipv4.version, hdr.ipv4.ihl, hdr.ipv4.dscp, hdr.ipv4.ecn, hdr.ipv4.total_len, hdr.ipv4.id, hdr.ipv4.flags,
              hdr.ipv4.frag_offset, hdr.ipv4.ttl, hdr.ipv4.protocol, hdr.ipv4.src, hdr.ipv4.dst },
            hdr.ipv4.checksum, HashAlgorithm.csum16);
    }
}

control L3Deparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.ipv6);
    }
}

V1Switch(L3Parser(), L3VerifyChecksum(), L3Ingress(), L3Egress(), L3ComputeChecksum(), L3Deparser()) main;
