// Range and optional keys.
#include <core.p4>
#include <pna.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}

struct Headers {
    h_t h;
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
        pkt.extract(hdr.h);
        transition accept;
    }
}

control process(inout Headers hdr,
    inout Meta meta,
    in pna_main_input_metadata_t istd,
    inout pna_main_output_metadata_t ostd) {
    action go(PortId_t port) { send_to_port(port); }
    action no() { drop_packet(); }
    table t {
        key = {
            hdr.h.k : range;
            hdr.h.x : optional;
        }
        actions = { go; no; }
        default_action = no;
    }
    apply { t.apply(); }
}

control deparse(packet_out pkt,
    in Headers hdr,
    in Meta meta,
    in pna_main_output_metadata_t ostd) {
    apply {
        pkt.emit(hdr.h);
    }
}

PNA_NIC(parse(), pre(), process(), deparse()) main;
