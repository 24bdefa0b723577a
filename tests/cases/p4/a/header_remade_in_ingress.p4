// A header is taken away, written, made valid and written again.
#include <core.p4>
#include <v1model.p4>

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> eth_type;
}
header H {
    bit<8> a;
}

struct Headers {
    ethernet_t eth_hdr;
    H h;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        transition parse_hdrs;
    }
    state parse_hdrs {
        pkt.extract(h.eth_hdr);
        pkt.extract(h.h);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    bool tmp = false;
    apply {
        h.eth_hdr.eth_type = 16w1 + (bit<16>)h.h.a;
        if (h.h.isValid() && h.h.a == 5) {
            tmp = true;
        }
        if (tmp) {
            h.h.a = (true ? 8w1 : 8w2) << 8w1;
        }
        h.h.setInvalid();
        h.h.a = 7;
        h.h.setValid();
        h.h.a = 5;
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
