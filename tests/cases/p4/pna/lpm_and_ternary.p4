// A router's LPM table and an access list on top of it.
#include <core.p4>
#include <pna.p4>

header ip_t {
    bit<32> src;
    bit<32> dst;
    bit<8> ttl;
    bit<8> proto;
}

struct headers_t {
    ip_t ip;
}

struct main_metadata_t {
}

control PreControlImpl(in headers_t hdr,
    inout main_metadata_t meta,
    in pna_pre_input_metadata_t istd,
    inout pna_pre_output_metadata_t ostd) {
    apply { }
}

parser MainParserImpl(packet_in pkt,
    out headers_t hdr,
    inout main_metadata_t meta,
    in pna_main_parser_input_metadata_t istd) {
    state start {
        pkt.extract(hdr.ip);
        transition accept;
    }
}

control MainControlImpl(inout headers_t hdr,
    inout main_metadata_t meta,
    in pna_main_input_metadata_t istd,
    inout pna_main_output_metadata_t ostd) {
    action forward(PortId_t port) {
        send_to_port(port);
        hdr.ip.ttl = hdr.ip.ttl - 1;
    }
    action deny() { drop_packet(); }
    action pass() { }
    table routes {
        key = { hdr.ip.dst : lpm; }
        actions = { forward; deny; }
        default_action = deny();
        size = 1024;
    }
    table acl {
        key = {
            hdr.ip.src : ternary;
            hdr.ip.proto : ternary;
        }
        actions = { deny; pass; }
        const default_action = pass();
    }
    apply {
        routes.apply();
        acl.apply();
    }
}

control MainDeparserImpl(packet_out pkt,
    in headers_t hdr,
    in main_metadata_t meta,
    in pna_main_output_metadata_t ostd) {
    apply {
        pkt.emit(hdr.ip);
    }
}

PNA_NIC(MainParserImpl(), PreControlImpl(), MainControlImpl(), MainDeparserImpl()) main;
