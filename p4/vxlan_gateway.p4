/*
 * A VXLAN gateway (RFC 7348): ports, or VLANs of ports, belong to segments (VNI); frames between segments do not exist.
 * A frame from a tenant goes by (VNI, MAC) to a local port or, encapsulated, to a remote tunnel end point; unknown and
 * broadcast ones to all of the segment: local ports, and a copy to every remote end point (head-end replication). A frame
 * from a tunnel never goes into another tunnel (split horizon). New source addresses are reported by digest.
 */
#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>
#include "headers.p4"

const bit<16> UDP_VXLAN = 4789;
const bit<8>  VXLAN_I   = 0x08;

/* Octets that encapsulation adds within the outer IP packet: IPv4, UDP, VXLAN. */
const bit<16> OUTER_BYTES = 36;
const bit<16> ETHERNET_BYTES = 14;

struct headers_t {
    ethernet_h outer_ethernet;
    ipv4_h     outer_ipv4;
    udp_h      outer_udp;
    vxlan_h    vxlan;
    ethernet_h ethernet;
    vlan_h     vlan;
    ipv4_h     ipv4;
    ipv6_h     ipv6;
    udp_h      l4; /* the ports of TCP and UDP stand at the same place */
}

struct metadata_t {
    bit<24> vni;
    bool    from_tunnel;
    bool    to_tunnel;
    ipv4_addr_t remote;
    bit<16> entropy;
    @field_list(1)
    bit<9>  in_port;
}

struct learn_t {
    bit<24>     vni;
    mac_t       mac;
    bit<9>      port;
    ipv4_addr_t remote;
}

parser GatewayParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    /* Tunnels come from these ports only: VXLAN in a tenant's own network is the tenant's. */
    value_set<bit<9>>(64) underlay_ports;

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
        transition select(hdr.ipv4.ihl, hdr.ipv4.frag_offset, hdr.ipv4.protocol) {
            (5, 0, PROTO_TCP): parse_ports;
            (5, 0, PROTO_UDP): parse_udp;
            default: accept;
        }
    }
    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.next_header) {
            PROTO_TCP: parse_ports;
            PROTO_UDP: parse_ports;
            default: accept;
        }
    }
    state parse_ports {
        packet.extract(hdr.l4);
        transition accept;
    }
    state parse_udp {
        packet.extract(hdr.l4);
        transition select(hdr.l4.dport, std.ingress_port) {
            (UDP_VXLAN, underlay_ports): parse_vxlan;
            default: accept;
        }
    }
    state parse_vxlan {
        hdr.outer_ethernet = hdr.ethernet;
        hdr.outer_ipv4 = hdr.ipv4;
        hdr.outer_udp = hdr.l4;
        hdr.ethernet.setInvalid();
        hdr.ipv4.setInvalid();
        hdr.l4.setInvalid();
        packet.extract(hdr.vxlan);
        packet.extract(hdr.ethernet);
        transition accept;
    }
}

control GatewayVerifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply {
        verify_checksum(hdr.outer_ipv4.isValid(),
            { hdr.outer_ipv4.version, hdr.outer_ipv4.ihl, hdr.outer_ipv4.dscp, hdr.outer_ipv4.ecn, hdr.outer_ipv4.total_len,
              hdr.outer_ipv4.id, hdr.outer_ipv4.flags, hdr.outer_ipv4.frag_offset, hdr.outer_ipv4.ttl,
              hdr.outer_ipv4.protocol, hdr.outer_ipv4.src, hdr.outer_ipv4.dst },
            hdr.outer_ipv4.checksum, HashAlgorithm.csum16);
    }
}

/* The local end of all tunnels: what goes out through one gets its outer headers here. */
control Encapsulate(inout headers_t hdr, in bit<24> vni, in ipv4_addr_t remote, in bit<16> entropy, in bit<32> packet_length) {
    action tunnel(mac_t smac, mac_t dmac, ipv4_addr_t src) {
        hdr.outer_ethernet.setValid();
        hdr.outer_ethernet.dst = dmac;
        hdr.outer_ethernet.src = smac;
        hdr.outer_ethernet.type = ETHERTYPE_IPV4;
        hdr.outer_ipv4.setValid();
        hdr.outer_ipv4.version = 4;
        hdr.outer_ipv4.ihl = 5;
        hdr.outer_ipv4.dscp = 0;
        hdr.outer_ipv4.ecn = 0;
        hdr.outer_ipv4.total_len = (bit<16>)packet_length + OUTER_BYTES;
        hdr.outer_ipv4.id = 0;
        hdr.outer_ipv4.flags = 2;
        hdr.outer_ipv4.frag_offset = 0;
        hdr.outer_ipv4.ttl = 64;
        hdr.outer_ipv4.protocol = PROTO_UDP;
        hdr.outer_ipv4.src = src;
        hdr.outer_ipv4.dst = remote;
        hdr.outer_udp.setValid();
        hdr.outer_udp.sport = entropy;
        hdr.outer_udp.dport = UDP_VXLAN;
        hdr.outer_udp.len = (bit<16>)packet_length + 16;
        hdr.outer_udp.checksum = 0;
        hdr.vxlan.setValid();
        hdr.vxlan.flags = VXLAN_I;
        hdr.vxlan.reserved = 0;
        hdr.vxlan.vni = vni;
        hdr.vxlan.reserved2 = 0;
    }
    table remote_vtep {
        key = { remote: exact @name("remote"); }
        actions = { tunnel; NoAction; }
        size = 4096;
    }
    apply {
        remote_vtep.apply();
    }
}

control GatewayIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    direct_counter(CounterType.packets_and_bytes) segment_counter;

    action discard() {
        mark_to_drop(std);
    }
    action segment(bit<24> vni) {
        meta.vni = vni;
    }
    action terminate() {
        meta.vni = hdr.vxlan.vni;
        meta.from_tunnel = true;
    }
    action to_port(bit<9> port) {
        std.egress_spec = port;
    }
    action to_remote(bit<9> port, ipv4_addr_t remote) {
        std.egress_spec = port;
        meta.to_tunnel = true;
        meta.remote = remote;
    }
    action to_group(bit<16> group) {
        std.mcast_grp = group;
    }
    action known() { }
    action learn() {
        digest<learn_t>(1, { meta.vni, hdr.ethernet.src, std.ingress_port,
                             meta.from_tunnel ? hdr.outer_ipv4.src : 32w0 });
    }

    /* From the underlay: only what is meant for our address, on a port of the underlay, for a segment that we have. */
    table tunnel_termination {
        key = {
            std.ingress_port: exact @name("port");
            hdr.outer_ipv4.dst: exact @name("local");
            hdr.vxlan.vni: exact @name("vni");
        }
        actions = { terminate; discard; }
        const default_action = discard();
        size = 16384;
    }
    /* From a tenant; an untagged frame has vid 0. */
    table port_segment {
        key = {
            std.ingress_port: exact @name("port");
            hdr.vlan.vid: exact @name("vid");
        }
        actions = { segment; discard; }
        const default_action = discard();
        counters = segment_counter;
        size = 4096;
    }
    table source_mac {
        key = {
            meta.vni: exact @name("vni");
            hdr.ethernet.src: exact @name("mac");
            std.ingress_port: exact @name("port");
        }
        actions = { known; @defaultonly learn; }
        const default_action = learn();
        size = 65536;
        support_timeout = true;
    }
    table forward {
        key = {
            meta.vni: exact @name("vni");
            hdr.ethernet.dst: exact @name("mac");
        }
        actions = { to_port; to_remote; discard; NoAction; }
        const default_action = NoAction();
        size = 65536;
    }
    table flood {
        key = { meta.vni: exact @name("vni"); }
        actions = { to_group; discard; }
        const default_action = discard();
        size = 4096;
    }

    apply {
        meta.in_port = std.ingress_port;
        if (std.parser_error != error.NoError || std.checksum_error == 1) {
            discard();
            exit;
        }
        if (hdr.vxlan.isValid()) {
            /* RFC 7348: the I flag must be set (5), and a tag within is not ours to carry (6.1). */
            if ((hdr.vxlan.flags & VXLAN_I) == 0 || hdr.ethernet.type == ETHERTYPE_VLAN) {
                discard();
                exit;
            }
            switch (tunnel_termination.apply().action_run) {
                discard: { exit; }
                default: { }
            }
            hdr.outer_ethernet.setInvalid();
            hdr.outer_ipv4.setInvalid();
            hdr.outer_udp.setInvalid();
            hdr.vxlan.setInvalid();
        } else {
            switch (port_segment.apply().action_run) {
                discard: { exit; }
                default: { }
            }
        }
        source_mac.apply();

        /* One source port a flow, in the range of RFC 7348, 5: 49152 to 65535. */
        bit<16> h;
        hash(h, HashAlgorithm.crc16, 16w0,
            { hdr.ethernet.dst, hdr.ethernet.src, hdr.ethernet.type, hdr.ipv4.src, hdr.ipv4.dst, hdr.ipv6.src, hdr.ipv6.dst,
              hdr.l4.sport, hdr.l4.dport }, 16w16384);
        meta.entropy = 49152 + h;

        if (hdr.ethernet.dst[40:40] == 1 || forward.apply().miss) {
            flood.apply();
        } else if (meta.from_tunnel && meta.to_tunnel) {
            discard();
        }
    }
}

control GatewayEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    Encapsulate() encapsulate;

    action discard() {
        mark_to_drop(std);
    }
    action local(bit<12> vid) {
        hdr.vlan.vid = vid;
    }
    action remote(ipv4_addr_t vtep) {
        meta.to_tunnel = true;
        meta.remote = vtep;
    }
    /* Copies of a flooded frame: the replica's number says which remote end point, if any. */
    table replica {
        key = { std.egress_rid: exact @name("rid"); }
        actions = { remote; NoAction; }
        size = 65536;
    }
    action untagged() {
        hdr.ethernet.type = hdr.vlan.isValid() ? hdr.vlan.type : hdr.ethernet.type;
        hdr.vlan.setInvalid();
    }
    action tagged(bit<12> vid) {
        if (!hdr.vlan.isValid()) {
            hdr.vlan.setValid();
            hdr.vlan.pcp = 0;
            hdr.vlan.dei = 0;
            hdr.vlan.type = hdr.ethernet.type;
            hdr.ethernet.type = ETHERTYPE_VLAN;
        }
        hdr.vlan.vid = vid;
    }
    /* How a segment looks on a port: its VLAN there. A port that is not in the segment gets nothing. */
    table port_vlan {
        key = {
            meta.vni: exact @name("vni");
            std.egress_port: exact @name("port");
        }
        actions = { untagged; tagged; discard; }
        const default_action = discard();
        size = 4096;
    }

    apply {
        if (std.instance_type == 5) {
            replica.apply();
            if (meta.to_tunnel && meta.from_tunnel) {
                discard();
                exit;
            }
            if (!meta.to_tunnel && std.egress_port == meta.in_port) {
                discard();
                exit;
            }
        }
        if (meta.to_tunnel) {
            bit<32> inner_bytes = std.packet_length;
            if (hdr.vlan.isValid()) {
                inner_bytes = inner_bytes - 4;
            }
            untagged();
            encapsulate.apply(hdr, meta.vni, meta.remote, meta.entropy, inner_bytes);
            if (!hdr.vxlan.isValid()) {
                discard();
            }
        } else {
            port_vlan.apply();
        }
    }
}

control GatewayComputeChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply {
        update_checksum(hdr.outer_ipv4.isValid(),
            { hdr.outer_ipv4.version, hdr.outer_ipv4.ihl, hdr.outer_ipv4.dscp, hdr.outer_ipv4.ecn, hdr.outer_ipv4.total_len,
              hdr.outer_ipv4.id, hdr.outer_ipv4.flags, hdr.outer_ipv4.frag_offset, hdr.outer_ipv4.ttl,
              hdr.outer_ipv4.protocol, hdr.outer_ipv4.src, hdr.outer_ipv4.dst },
            hdr.outer_ipv4.checksum, HashAlgorithm.csum16);
    }
}

control GatewayDeparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.outer_ethernet);
        packet.emit(hdr.outer_ipv4);
        packet.emit(hdr.outer_udp);
        packet.emit(hdr.vxlan);
        packet.emit(hdr.ethernet);
        packet.emit(hdr.vlan);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.ipv6);
        packet.emit(hdr.l4);
    }
}

V1Switch(GatewayParser(), GatewayVerifyChecksum(), GatewayIngress(), GatewayEgress(), GatewayComputeChecksum(),
         GatewayDeparser()) main;
