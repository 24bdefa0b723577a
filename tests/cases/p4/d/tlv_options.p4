// Options by type and length, walked with lookahead: known ones extracted, others skipped.
#include <core.p4>
#include <v1model.p4>

header head_t {
    bit<8> bytes;
}

header mss_t {
    bit<8>  type;
    bit<8>  len;
    bit<16> mss;
}

header ts_t {
    bit<8>  type;
    bit<8>  len;
    bit<32> ts;
}

struct Headers {
    head_t head;
    mss_t mss;
    ts_t ts;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    bit<8> left;

    state start {
        b.extract(h.head);
        left = h.head.bytes;
        transition next_option;
    }
    state next_option {
        transition select(left) {
            0: accept;
            default: option;
        }
    }
    state option {
        transition select(b.lookahead<bit<8>>()) {
            1: nop;
            2: mss;
            8: ts;
            default: unknown;
        }
    }
    state nop {
        b.advance(8);
        left = left - 1;
        transition next_option;
    }
    state mss {
        b.extract(h.mss);
        left = left - 4;
        transition next_option;
    }
    state ts {
        b.extract(h.ts);
        left = left - 6;
        transition next_option;
    }
    state unknown {
        bit<16> tl = b.lookahead<bit<16>>();
        b.advance((bit<32>)tl[7:0] * 8);
        left = left - tl[7:0];
        transition next_option;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.head);
        b.emit(h.mss);
        b.emit(h.ts);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.mss.isValid() && h.mss.mss > 0x0500) {
            h.mss.mss = 0x0500;
        }
        if (h.ts.isValid()) {
            h.ts.ts = h.ts.ts + 1;
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
