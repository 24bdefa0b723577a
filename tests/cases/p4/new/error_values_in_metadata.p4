// Errors are kept in metadata and compared.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

error { Mine, Other }

header h_t {
    bit<8> k;
    bit<8> x;
}

struct Meta {
    error why;
    error never;
}

struct Headers {
    h_t h;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.h);
        m.why = error.Other;
        verify(hdr.h.k != 1, error.Mine);
        m.why = error.NoError;
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 1;
        if (m.why == error.Other && sm.parser_error == error.Mine) h.h.x = 1;
        else if (m.why == sm.parser_error) h.h.x = 2;
        if (m.never == error.NoError) h.h.k = 0xee;
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

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
