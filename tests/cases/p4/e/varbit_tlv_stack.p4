// A stack of type-length-value options, each with a varbit; one too many is StackOutOfBounds.

#include <v1model.p4>

header tlv_t {
    bit<8> kind;
    bit<8> len;
    varbit<64> value;
}
struct peek_t {
    bit<8> kind;
    bit<8> len;
}

struct Meta {
}

struct Headers {
    tlv_t[4] opt;
}

parser p(packet_in b,
    out Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        transition next_option;
    }
    state next_option {
        peek_t look = b.lookahead<peek_t>();
        b.extract(h.opt.next, (bit<32>)look.len * 8);
        transition select(h.opt.last.kind) {
            0: accept;
            default: next_option;
        }
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        if (sm.parser_error == error.StackOutOfBounds) {
            sm.egress_spec = 2;
            return;
        }
        if (h.opt[0].isValid() && h.opt[0].kind != 0) h.opt[0].kind = h.opt[0].kind | 0x80;
        if (h.opt[1].isValid() && h.opt[1].kind != 0) h.opt[1].kind = h.opt[1].kind | 0x80;
        if (h.opt[2].isValid() && h.opt[2].kind != 0) h.opt[2].kind = h.opt[2].kind | 0x80;
        sm.egress_spec = 1;
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
        b.emit(h.opt);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
