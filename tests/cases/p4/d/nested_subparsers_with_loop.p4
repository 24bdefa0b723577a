// A sub-parser with a loop inside of one with a choice, both twice; states share names.
#include <core.p4>
#include <v1model.p4>

header b_t {
    bit<8> v;
}

parser Run(packet_in pkt, inout b_t[3] s) {
    state start {
        pkt.extract(s.next);
        transition select(s.last.v) {
            0: start;
            default: accept;
        }
    }
}

parser Choice(packet_in pkt, out b_t tag, inout b_t[3] s) {
    Run() run;
    state start {
        pkt.extract(tag);
        transition select(tag.v) {
            1: one;
            default: accept;
        }
    }
    state one {
        run.apply(pkt, s);
        transition accept;
    }
}

struct Headers {
    b_t tag1;
    b_t[3] s1;
    b_t tag2;
    b_t[3] s2;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    Choice() c1;
    Choice() c2;
    state start {
        c1.apply(pkt, h.tag1, h.s1);
        c2.apply(pkt, h.tag2, h.s2);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.s1[1].isValid()) {
            sm.egress_spec = 1;
        }
        if (h.s2[0].isValid()) {
            sm.egress_spec = sm.egress_spec + 2;
        }
    }
}

control vrfy(inout Headers h, inout Meta m) { apply { } }

control update(inout Headers h, inout Meta m) { apply { } }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
