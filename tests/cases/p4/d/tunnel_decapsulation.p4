// A tunnel's inner headers replace the outer ones by assignment, validity and all.
#include <core.p4>
#include <v1model.p4>

header ethernet_t {
    bit<48> dst;
    bit<48> src;
    bit<16> type;
}

header ip_t {
    bit<8> proto;
    bit<8> src;
    bit<8> dst;
}

header gre_t {
    bit<16> flags;
    bit<16> proto;
}

struct Parsed_packet {
    ethernet_t eth;
    ip_t ip;
    gre_t gre;
    ethernet_t inner_eth;
    ip_t inner_ip;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.eth);
        transition select(hdr.eth.type) {
            0x0800: parse_ip;
            default: accept;
        }
    }
    state parse_ip {
        pkt.extract(hdr.ip);
        transition select(hdr.ip.proto) {
            47: parse_gre;
            default: accept;
        }
    }
    state parse_gre {
        pkt.extract(hdr.gre);
        transition select(hdr.gre.proto) {
            0x6558: parse_inner;
            default: accept;
        }
    }
    state parse_inner {
        pkt.extract(hdr.inner_eth);
        transition select(hdr.inner_eth.type) {
            0x0800: parse_inner_ip;
            default: accept;
        }
    }
    state parse_inner_ip {
        pkt.extract(hdr.inner_ip);
        transition accept;
    }
}

control DeparserI(packet_out pkt, in Parsed_packet hdr)
{
    apply {
        pkt.emit(hdr);
    }
}

control cIngress(inout Parsed_packet hdr,
                 inout metadata_t meta,
                 inout standard_metadata_t stdmeta)
{
    action decap() {
        hdr.eth = hdr.inner_eth;
        hdr.ip = hdr.inner_ip;
        hdr.gre.setInvalid();
        hdr.inner_eth.setInvalid();
        hdr.inner_ip.setInvalid();
    }
    apply {
        if (hdr.gre.isValid() && hdr.ip.dst == 0xfe) {
            decap();
        }
        if (hdr.ip.isValid()) {
            stdmeta.egress_spec = (bit<9>)hdr.ip.dst;
        } else {
            stdmeta.egress_spec = 300;
        }
    }
}

control cEgress(inout Parsed_packet hdr,
                inout metadata_t meta,
                inout standard_metadata_t stdmeta)
{
    apply { }
}

control vc(inout Parsed_packet hdr, inout metadata_t meta)
{
    apply { }
}

control uc(inout Parsed_packet hdr, inout metadata_t meta)
{
    apply { }
}

V1Switch<Parsed_packet, metadata_t>(parserI(), vc(), cIngress(), cEgress(), uc(), DeparserI()) main;
