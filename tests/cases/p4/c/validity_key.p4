// isValid() as a key, exact and ternary.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> k;
    bit<8> r;
}

header v_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    k_t k;
    v_t v;
    v_t w;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.k);
        transition select(hdr.k.k) {
            0: accept;
            1: one;
            2: two;
            3: other;
        }
    }
    state one {
        packet.extract(hdr.v);
        transition accept;
    }
    state two {
        packet.extract(hdr.v);
        packet.extract(hdr.w);
        transition accept;
    }
    state other {
        packet.extract(hdr.w);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    action set_r(bit<8> v) {
        hdr.k.r = v;
    }
    table t {
        key = {
            hdr.v.isValid() : exact;
            hdr.w.isValid() : ternary;
            hdr.v.v         : ternary;
        }
        actions = { set_r; NoAction; }
        const entries = {
            (true,  true, _)           : set_r(0x11);
            (true,  false, 0x80 &&& 0x80) : set_r(0x18);
            (true,  _, _)              : set_r(0x10);
            (false, true, _)           : set_r(0x01);
        }
        default_action = NoAction();
    }
    apply {
        t.apply();
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.k);
        packet.emit(hdr.v);
        packet.emit(hdr.w);
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
