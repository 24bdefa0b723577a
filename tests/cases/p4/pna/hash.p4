// CRC32 and CRC16, whole and with base and modulus.
#include <core.p4>
#include <pna.p4>

header h_t {
    bit<32> v;
    bit<32> c32;
    bit<16> c16;
    bit<32> m;
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
    Hash<bit<32>>(PNA_HashAlgorithm_t.CRC32) h32;
    Hash<bit<16>>(PNA_HashAlgorithm_t.CRC16) h16;
    apply {
        hdr.h.c32 = h32.get_hash({ hdr.h.v });
        hdr.h.c16 = h16.get_hash({ hdr.h.v });
        hdr.h.m = h32.get_hash(32w100, { hdr.h.v }, 32w16);
        send_to_port((PortId_t)1);
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
