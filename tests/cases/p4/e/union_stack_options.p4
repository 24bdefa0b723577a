// A stack of unions: each option is one of three kinds; all are emitted in order.

#include <v1model.p4>

header nop_t {
    bit<8> kind;
}
header mss_t {
    bit<8> kind;
    bit<16> mss;
}
header end_t {
    bit<8> kind;
}
header_union opt_t {
    nop_t nop;
    mss_t mss;
    end_t end;
}

struct Meta {
}

struct Headers {
    opt_t[3] o;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        transition select(b.lookahead<bit<8>>()) {
            0: end;
            1: nop;
            2: mss;
            default: accept;
        }
    }
    state nop { b.extract(h.o.next.nop); transition start; }
    state mss { b.extract(h.o.next.mss); transition start; }
    state end { b.extract(h.o.next.end); transition accept; }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 1;
        if (sm.parser_error != error.NoError) sm.egress_spec = 4;
        if (h.o[0].mss.isValid()) h.o[0].mss.mss = 1460;
        if (h.o[1].mss.isValid()) h.o[1].mss.mss = 1461;
        if (h.o[2].mss.isValid()) h.o[2].mss.mss = 1462;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply { }
}

control update(inout Headers h, inout Meta m) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.o);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
