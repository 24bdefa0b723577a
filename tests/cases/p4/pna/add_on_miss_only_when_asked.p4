// The miss action decides whether the flow is added.
#include <core.p4>
#include <pna.p4>

header h_t {
    bit<16> flow;
    bit<8> syn;
    bit<8> r;
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
    action hit() {
        hdr.h.r = 1;
        restart_expire_timer();
    }
    action miss() {
        if (hdr.h.syn == 1) {
            add_entry("hit", {}, (ExpireTimeProfileId_t)2);
        }
        hdr.h.r = 2;
    }
    table flows {
        key = { hdr.h.flow : exact; }
        actions = { @tableonly hit; @defaultonly miss; }
        add_on_miss = true;
        const default_action = miss();
    }
    apply {
        send_to_port((PortId_t)1);
        if (flows.apply().hit) {
            hdr.h.r = hdr.h.r | 0x10;
        }
    }
}

control MainDeparserImpl(packet_out pkt,
    in headers_t hdr,
    in main_metadata_t meta,
    in pna_main_output_metadata_t ostd) {
    apply {
        pkt.emit(hdr);
    }
}

PNA_NIC(MainParserImpl(), PreControlImpl(), MainControlImpl(), MainDeparserImpl()) main;
