// Outer headers are taken off.
#include <core.p4>
#include <pna.p4>

header outer_t {
    bit<8> kind;
    bit<24> vni;
}
header inner_t {
    bit<16> v;
}

struct headers_t {
    outer_t outer;
    inner_t inner;
}

struct main_metadata_t {
    bit<24> vni;
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
        meta.vni = 0x112233;
        transition select(pkt.lookahead<bit<8>>()) {
            8: outer;
            default: accept;
        }
    }
    state outer {
        pkt.extract(hdr.outer);
        pkt.extract(hdr.inner);
        transition accept;
    }
}

control MainControlImpl(inout headers_t hdr,
    inout main_metadata_t meta,
    in pna_main_input_metadata_t istd,
    inout pna_main_output_metadata_t ostd) {
    apply {
        if (hdr.outer.isValid() && hdr.outer.vni == meta.vni) {
            hdr.outer.setInvalid();
            hdr.inner.v = hdr.inner.v + 1;
        }
        send_to_port((PortId_t)1);
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
