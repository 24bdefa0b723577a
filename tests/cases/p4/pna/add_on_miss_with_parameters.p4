// The entry that is added carries action data taken from the packet.
#include <core.p4>
#include <pna.p4>

header h_t {
    bit<16> flow;
    bit<8> v;
    bit<8> w;
}
struct learnt_t {
    bit<8> first;
    PortId_t port;
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
    action hit(bit<8> first, PortId_t port) {
        hdr.h.w = first;
        send_to_port(port);
    }
    action learn() {
        learnt_t data = { hdr.h.v + 1, (PortId_t)7 };
        bool ok = add_entry("hit", data, (ExpireTimeProfileId_t)1);
        hdr.h.w = ok ? 8w0xaa : 8w0xbb;
        send_to_port((PortId_t)3);
    }
    table flows {
        key = { hdr.h.flow : exact; }
        actions = { @tableonly hit; @defaultonly learn; }
        add_on_miss = true;
        const default_action = learn();
        size = 16;
    }
    apply { flows.apply(); }
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
