/*
 * Steers NVMe/TCP (NVM Express TCP transport, ports 4420 and 8009) from the network to the queues of a storage target,
 * for PNA: one flow, one queue, so that a queue's core owns the connection. A flow stays where the control plane pinned
 * it, or where its first packet went: by hash over the queues of its address, kept by an entry that the data path adds.
 * Queue n of a target is the vport base + n. Admin and discovery traffic may have a queue of its own; all else goes to
 * the host's default vport. Packets of a host go out on the port that the control plane names.
 */
#include <core.p4>
#include <pna.p4>
#include "headers.p4"

const bit<16> PORT_NVME_TCP = 4420;
const bit<16> PORT_NVME_DISCOVERY = 8009;

const bit<8> TCP_FIN = 0x01;
const bit<8> TCP_RST = 0x04;

/* PDU types of the NVMe/TCP transport, where a PDU begins with the segment. */
const bit<8> PDU_IC_REQ = 0x00;
const bit<8> PDU_CAPSULE_CMD = 0x04;
const bit<8> PDU_H2C_DATA = 0x06;

const ExpireTimeProfileId_t EXPIRE_FLOW = (ExpireTimeProfileId_t)0;
const ExpireTimeProfileId_t EXPIRE_CLOSED = (ExpireTimeProfileId_t)1;

/* NVMe/TCP common header. */
header nvme_tcp_h {
    bit<8>  type;
    bit<8>  flags;
    bit<8>  hlen;
    bit<8>  pdo;
    bit<32> plen; /* little endian */
}

struct headers_t {
    ethernet_h     ethernet;
    ipv4_h         ipv4;
    ipv4_options_h ipv4_options;
    ipv6_h         ipv6;
    tcp_h          tcp;
    nvme_tcp_h     nvme;
}

struct metadata_t {
    bit<128> src;
    bit<128> dst;
    bool     pinned;
    PortId_t queue;
    PortId_t base;
    bit<32>  queues;
    bit<32>  hash;
    bool     steer;
}

parser SteerParser(packet_in packet, out headers_t hdr, inout metadata_t meta, in pna_main_parser_input_metadata_t istd) {
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
        meta.src = (bit<128>)hdr.ipv4.src;
        meta.dst = (bit<128>)hdr.ipv4.dst;
        transition select(hdr.ipv4.ihl) {
            5: parse_ipv4_payload;
            default: parse_ipv4_options;
        }
    }
    state parse_ipv4_options {
        packet.extract(hdr.ipv4_options, ((bit<32>)hdr.ipv4.ihl - 5) * 32);
        transition parse_ipv4_payload;
    }
    state parse_ipv4_payload {
        transition select(hdr.ipv4.frag_offset, hdr.ipv4.protocol) {
            (0, PROTO_TCP): parse_tcp;
            default: accept;
        }
    }
    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        verify(hdr.ipv6.version == 6, error.ParserInvalidArgument);
        meta.src = hdr.ipv6.src;
        meta.dst = hdr.ipv6.dst;
        transition select(hdr.ipv6.next_header) {
            PROTO_TCP: parse_tcp;
            default: accept;
        }
    }
    state parse_tcp {
        packet.extract(hdr.tcp);
        transition select(hdr.tcp.dport, hdr.tcp.data_offset) {
            (PORT_NVME_TCP, 5): parse_payload;
            (PORT_NVME_DISCOVERY, 5): parse_payload;
            default: accept;
        }
    }
    state parse_payload {
        /* A segment without data ends here; Ethernet may have padded it. */
        bit<16> bytes = hdr.ipv4.isValid() ? hdr.ipv4.total_len - ((bit<16>)hdr.ipv4.ihl << 2) : hdr.ipv6.payload_len;
        transition select(bytes) {
            28 .. 65535: parse_pdu;
            default: accept;
        }
    }
    state parse_pdu {
        transition select(packet.lookahead<bit<8>>()) {
            PDU_IC_REQ: parse_nvme;
            PDU_CAPSULE_CMD: parse_nvme;
            PDU_H2C_DATA: parse_nvme;
            default: accept;
        }
    }
    state parse_nvme {
        packet.extract(hdr.nvme);
        transition accept;
    }
}

control SteerPre(in headers_t hdr, inout metadata_t meta, in pna_pre_input_metadata_t istd,
                 inout pna_pre_output_metadata_t ostd) {
    apply { }
}

control SteerControl(inout headers_t hdr, inout metadata_t meta, in pna_main_input_metadata_t istd,
                     inout pna_main_output_metadata_t ostd) {
    Hash<bit<32>>(PNA_HashAlgorithm_t.CRC32) flow_hash;
    Counter<bit<64>, bit<8>>(256, PNA_CounterType_t.PACKETS) pdu_counter;
    Register<bit<32>, bit<8>>(256) connects;

    action discard() {
        drop_packet();
    }
    action to_port(PortId_t port) {
        send_to_port(port);
    }
    /* The queues of one target: vports base to base + queues - 1. */
    action spread(PortId_t base, bit<32> queues) {
        meta.base = base;
        meta.queues = queues;
        meta.steer = true;
    }
    action one_queue(PortId_t port) {
        meta.queue = port;
        meta.pinned = true;
    }

    table targets {
        key = {
            meta.dst: exact @name("address");
            hdr.tcp.dport: exact @name("port");
        }
        actions = { spread; one_queue; NoAction; }
        const default_action = NoAction();
        size = 1024;
    }

    action stay(PortId_t queue) {
        meta.queue = queue;
        meta.pinned = true;
        if ((hdr.tcp.flags & (TCP_FIN | TCP_RST)) != 0) {
            set_entry_expire_time(EXPIRE_CLOSED);
        } else {
            restart_expire_timer();
        }
    }
    action begin() {
        meta.queue = (PortId_t)((bit<32>)meta.base + (meta.hash & (meta.queues - 1)));
        add_entry(action_name = "stay", action_params = meta.queue, expire_time_profile_id = EXPIRE_FLOW);
    }
    table flows {
        key = {
            meta.src: exact @name("src");
            meta.dst: exact @name("dst");
            hdr.tcp.sport: exact @name("sport");
            hdr.tcp.dport: exact @name("dport");
        }
        actions = { @tableonly stay; @defaultonly begin; }
        const default_action = begin;
        add_on_miss = true;
        pna_idle_timeout = PNA_IdleTimeout_t.AUTO_DELETE;
        default_idle_timeout_for_data_plane_added_entries = 1;
        size = 65536;
    }

    table uplink {
        key = { istd.input_port: exact @name("port"); }
        actions = { to_port; discard; }
        default_action = discard;
        size = 1024;
    }
    table host_port {
        key = { istd.input_port: exact @name("port"); }
        actions = { to_port; discard; }
        default_action = discard;
        size = 64;
    }

    apply {
        if (istd.parser_error != error.NoError) {
            drop_packet();
        } else if (istd.direction == PNA_Direction_t.HOST_TO_NET) {
            uplink.apply();
        } else if (hdr.tcp.isValid() && targets.apply().hit) {
            if (hdr.nvme.isValid()) {
                pdu_counter.count(hdr.nvme.type);
                if (hdr.nvme.type == PDU_IC_REQ) {
                    bit<32> n = connects.read(0);
                    connects.write(0, n + 1);
                }
            }
            if (meta.steer) {
                /* The number of queues is a power of two. */
                meta.hash = flow_hash.get_hash({ meta.src, meta.dst, hdr.tcp.sport, hdr.tcp.dport });
                flows.apply();
            }
            send_to_port(meta.queue);
        } else {
            host_port.apply();
        }
    }
}

control SteerDeparser(packet_out packet, in headers_t hdr, in metadata_t meta, in pna_main_output_metadata_t ostd) {
    apply {
        packet.emit(hdr);
    }
}

PNA_NIC(SteerParser(), SteerPre(), SteerControl(), SteerDeparser()) main;
