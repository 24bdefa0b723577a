// A header pushed before the recirculation is parsed at the next round.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header tag_t {
    bit<8> mark;
    bit<8> n;
}
header h_t {
    bit<8> mark;
    bit<8> v;
}

struct Meta {
    @field_list(2) bit<1> unused;
}

struct Headers {
    tag_t[3] tags;
    h_t h;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        transition select(pkt.lookahead<bit<8>>()) {
            0xee: tag;
            default: last;
        }
    }
    state tag { pkt.extract(hdr.tags.next); transition start; }
    state last { pkt.extract(hdr.h); transition accept; }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 3;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        if (!h.tags[1].isValid()) {
            h.tags.push_front(1);
            h.tags[0].setValid();
            h.tags[0].mark = 0xee;
            h.tags[0].n = (bit<8>)sm.instance_type + 1;
            recirculate_preserving_field_list(2);
        }
    }
}

control update(inout Headers h, inout Meta m) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
