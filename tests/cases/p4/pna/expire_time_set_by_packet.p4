// An action of the flow sets its entry's expire profile; nothing expires while no time goes by.
#include <core.p4>
#include <pna.p4>
const ExpireTimeProfileId_t SHORT = (ExpireTimeProfileId_t)0;
const ExpireTimeProfileId_t LONG = (ExpireTimeProfileId_t)3;
header h_t {
    bit<16> flow;
    bit<8> fin;
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
        if (hdr.h.fin == 1) {
            set_entry_expire_time(SHORT);
        } else {
            set_entry_expire_time(LONG);
            restart_expire_timer();
        }
        hdr.h.r = 1;
    }
    action miss() {
        add_entry(action_name="hit", action_params={}, expire_time_profile_id=LONG);
    }
    table flows {
        key = { hdr.h.flow : exact; }
        actions = { @tableonly hit; @defaultonly miss; }
        add_on_miss = true;
        pna_idle_timeout = PNA_IdleTimeout_t.AUTO_DELETE;
        const default_action = miss;
    }
    apply {
        send_to_port((PortId_t)1);
        flows.apply();
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
