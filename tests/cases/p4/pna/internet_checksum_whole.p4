// InternetChecksum over a whole header.
#include <core.p4>
#include <pna.p4>

header ipv4_t {
    bit<4> version;
    bit<4> ihl;
    bit<8> tos;
    bit<16> len;
    bit<16> id;
    bit<3> flags;
    bit<13> frag;
    bit<8> ttl;
    bit<8> proto;
    bit<16> csum;
    bit<32> src;
    bit<32> dst;
}

struct Headers {
    ipv4_t ip;
}

struct Meta {
}

control pre(in Headers hdr,
    inout Meta meta,
    in pna_pre_input_metadata_t istd,
    inout pna_pre_output_metadata_t ostd) {
    apply { }
}

parser parse(packet_in pkt,
    out Headers hdr,
    inout Meta meta,
    in pna_main_parser_input_metadata_t istd) {
    state start {
        pkt.extract(hdr.ip);
        transition accept;
    }
}

control process(inout Headers hdr,
    inout Meta meta,
    in pna_main_input_metadata_t istd,
    inout pna_main_output_metadata_t ostd) {
    InternetChecksum() ck;
    apply {
        ck.clear();
        ck.add({ hdr.ip.version, hdr.ip.ihl, hdr.ip.tos, hdr.ip.len,
                hdr.ip.id, hdr.ip.flags, hdr.ip.frag,
                hdr.ip.ttl, hdr.ip.proto, hdr.ip.src, hdr.ip.dst });
        hdr.ip.csum = ck.get();
        send_to_port((PortId_t)1);
    }
}

control deparse(packet_out pkt,
    in Headers hdr,
    in Meta meta,
    in pna_main_output_metadata_t ostd) {
    apply {
        pkt.emit(hdr.ip);
    }
}

PNA_NIC(parse(), pre(), process(), deparse()) main;
