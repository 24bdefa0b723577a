// Counter of packets and bytes.
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
    Counter<bit<64>, bit<8>>(8, PNA_CounterType_t.PACKETS_AND_BYTES) seen;
    apply {
        seen.count(hdr.h.k);
        send_to_port((PortId_t)1);
    }
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
