/*
 * A stateful firewall between a host and the network, for PNA. Rules say which connections may begin, by direction,
 * addresses, protocol and ports; packets of a connection that began pass in both directions without rules. Connections
 * are entries that the data path adds by itself (add-on-miss) and that go when nothing comes any more: sooner before the
 * handshake and after FIN or RST. Fragments but the first and packets that do not parse are dropped.
 */
#include <core.p4>
#include <pna.p4>
#include "headers.p4"

const bit<8> TCP_FIN = 0x01;
const bit<8> TCP_SYN = 0x02;
const bit<8> TCP_RST = 0x04;
const bit<8> TCP_ACK = 0x10;

/* Expire time profiles, whose times the control plane sets. */
const ExpireTimeProfileId_t EXPIRE_NEW = (ExpireTimeProfileId_t)0;
const ExpireTimeProfileId_t EXPIRE_ESTABLISHED = (ExpireTimeProfileId_t)1;
const ExpireTimeProfileId_t EXPIRE_CLOSING = (ExpireTimeProfileId_t)2;
const ExpireTimeProfileId_t EXPIRE_DATAGRAM = (ExpireTimeProfileId_t)3;

struct headers_t {
    ethernet_h ethernet;
    ipv4_h     ipv4;
    ipv6_h     ipv6;
    tcp_h      tcp;
    udp_h      udp;
}

struct metadata_t {
    bit<128> src;
    bit<128> dst;
    bit<8>   protocol;
    bit<16>  sport;
    bit<16>  dport;
    bit<8>   tcp_flags;
    bool     is_ip;
    bool     has_ports;
    bool     later_fragment;
    bool     may_begin;
    PortId_t out_port;
}

parser FirewallParser(packet_in packet, out headers_t hdr, inout metadata_t meta,
                      in pna_main_parser_input_metadata_t istd) {
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
        verify(hdr.ipv4.version == 4 && hdr.ipv4.ihl == 5, error.ParserInvalidArgument);
        meta.is_ip = true;
        meta.src = (bit<128>)hdr.ipv4.src;
        meta.dst = (bit<128>)hdr.ipv4.dst;
        meta.protocol = hdr.ipv4.protocol;
        meta.later_fragment = hdr.ipv4.frag_offset != 0;
        transition select(hdr.ipv4.frag_offset, hdr.ipv4.protocol) {
            (0, PROTO_TCP): parse_tcp;
            (0, PROTO_UDP): parse_udp;
            default: accept;
        }
    }
    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        verify(hdr.ipv6.version == 6, error.ParserInvalidArgument);
        meta.is_ip = true;
        meta.src = hdr.ipv6.src;
        meta.dst = hdr.ipv6.dst;
        meta.protocol = hdr.ipv6.next_header;
        transition select(hdr.ipv6.next_header) {
            PROTO_TCP: parse_tcp;
            PROTO_UDP: parse_udp;
            default: accept;
        }
    }
    state parse_tcp {
        packet.extract(hdr.tcp);
        meta.sport = hdr.tcp.sport;
        meta.dport = hdr.tcp.dport;
        meta.tcp_flags = hdr.tcp.flags;
        meta.has_ports = true;
        transition accept;
    }
    state parse_udp {
        packet.extract(hdr.udp);
        meta.sport = hdr.udp.sport;
        meta.dport = hdr.udp.dport;
        meta.has_ports = true;
        transition accept;
    }
}

control FirewallPre(in headers_t hdr, inout metadata_t meta, in pna_pre_input_metadata_t istd,
                    inout pna_pre_output_metadata_t ostd) {
    apply { }
}

control FirewallControl(inout headers_t hdr, inout metadata_t meta, in pna_main_input_metadata_t istd,
                        inout pna_main_output_metadata_t ostd) {
    Counter<bit<64>, bit<2>>(4, PNA_CounterType_t.PACKETS_AND_BYTES) verdicts;
    DirectCounter<bit<64>>(PNA_CounterType_t.PACKETS_AND_BYTES) rule_counter;

    action discard() {
        drop_packet();
    }
    action permit() {
        meta.may_begin = true;
        rule_counter.count();
    }
    action deny() {
        rule_counter.count();
    }
    action forward(PortId_t port) {
        meta.out_port = port;
        send_to_port(port);
    }

    /* Rules for packets of no connection; the control plane sets them. */
    table rules {
        key = {
            istd.direction: ternary @name("direction");
            meta.src: ternary @name("src");
            meta.dst: ternary @name("dst");
            meta.protocol: ternary @name("protocol");
            meta.sport: range @name("sport");
            meta.dport: range @name("dport");
        }
        actions = { permit; deny; }
        default_action = deny();
        pna_direct_counter = rule_counter;
        size = 4096;
    }

    action connection_known() {
        if (meta.protocol == PROTO_TCP) {
            if ((meta.tcp_flags & (TCP_FIN | TCP_RST)) != 0) {
                set_entry_expire_time(EXPIRE_CLOSING);
            } else if ((meta.tcp_flags & TCP_SYN) == 0) {
                set_entry_expire_time(EXPIRE_ESTABLISHED);
            } else {
                restart_expire_timer();
            }
        } else {
            restart_expire_timer();
        }
        meta.may_begin = true;
    }
    action connection_unknown() {
        if (meta.may_begin) {
            add_entry(action_name = "connection_known", action_params = {},
                      expire_time_profile_id = meta.protocol == PROTO_TCP ? EXPIRE_NEW : EXPIRE_DATAGRAM);
        }
    }

    /* One entry serves both directions: what the host sent has its ends in the key as they are, the rest swapped. */
    table connections {
        key = {
            SelectByDirection(istd.direction, meta.src, meta.dst): exact @name("peer");
            SelectByDirection(istd.direction, meta.dst, meta.src): exact @name("host");
            meta.protocol: exact @name("protocol");
            SelectByDirection(istd.direction, meta.sport, meta.dport): exact @name("peer_port");
            SelectByDirection(istd.direction, meta.dport, meta.sport): exact @name("host_port");
        }
        actions = {
            @tableonly connection_known;
            @defaultonly connection_unknown;
        }
        const default_action = connection_unknown;
        add_on_miss = true;
        pna_idle_timeout = PNA_IdleTimeout_t.AUTO_DELETE;
        default_idle_timeout_for_data_plane_added_entries = 1;
        size = 65536;
    }

    table forwarding {
        key = {
            istd.direction: exact @name("direction");
            istd.input_port: exact @name("port");
        }
        actions = { forward; discard; }
        const default_action = discard;
        size = 64;
    }

    apply {
        if (istd.parser_error != error.NoError || !meta.is_ip && hdr.ethernet.type != ETHERTYPE_ARP || meta.later_fragment) {
            verdicts.count(2w3);
            drop_packet();
            return;
        }
        if (meta.is_ip) {
            /* A connection begins with SYN alone; what is in the middle of one that we do not know does not begin one. */
            if (meta.protocol != PROTO_TCP || (meta.tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
                rules.apply();
            }
            bool ruled = meta.may_begin;
            connections.apply();
            if (!meta.may_begin) {
                verdicts.count(2w2);
                drop_packet();
                return;
            }
            verdicts.count(ruled ? 2w1 : 2w0);
        }
        forwarding.apply();
    }
}

control FirewallDeparser(packet_out packet, in headers_t hdr, in metadata_t meta,
                         in pna_main_output_metadata_t ostd) {
    apply {
        packet.emit(hdr);
    }
}

PNA_NIC(FirewallParser(), FirewallPre(), FirewallControl(), FirewallDeparser()) main;
