// The first packet of a flow misses and adds an entry; the next ones hit it.
#include <core.p4>
#include <pna.p4>

header h_t {
    bit<32> flow;
    bit<8> seen;
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
    action known() {
        hdr.h.seen = 1;
        send_to_port((PortId_t)2);
    }
    action unknown() {
        add_entry(action_name = "known", action_params = {}, expire_time_profile_id = (ExpireTimeProfileId_t)0);
        hdr.h.seen = 0;
        send_to_port((PortId_t)1);
    }
    table flows {
        key = { hdr.h.flow : exact; }
        actions = {
            @tableonly known;
            @defaultonly unknown;
        }
        add_on_miss = true;
        default_idle_timeout_for_data_plane_added_entries = 1;
        const default_action = unknown();
    }
    apply { flows.apply(); }
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
