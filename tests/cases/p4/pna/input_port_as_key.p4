// The input port is a table key; the direction of a network port.
#include <core.p4>
#include <pna.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}

struct headers_t {
    h_t h;
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
        pkt.extract(hdr.h);
        transition accept;
    }
}

control MainControlImpl(inout headers_t hdr,
    inout main_metadata_t meta,
    in pna_main_input_metadata_t istd,
    inout pna_main_output_metadata_t ostd) {
    action out_at(PortId_t port) { send_to_port(port); }
    table t {
        key = { istd.input_port : exact; }
        actions = { out_at; }
        const default_action = out_at((PortId_t)9);
    }
    apply {
        if (istd.direction == PNA_Direction_t.NET_TO_HOST) hdr.h.x = 1;
        t.apply();
    }
}

control MainDeparserImpl(packet_out pkt,
    in headers_t hdr,
    in main_metadata_t meta,
    in pna_main_output_metadata_t ostd) {
    apply {
        pkt.emit(hdr.h);
    }
}

PNA_NIC(MainParserImpl(), PreControlImpl(), MainControlImpl(), MainDeparserImpl()) main;
