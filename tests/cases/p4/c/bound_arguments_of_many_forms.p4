// Bound arguments repeated in defaults and entries: slices, calls, conditions, elements, sums.
#include <core.p4>
#include <v1model.p4>

header b_t {
    bit<8> v;
}

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

bit<8> twice(in bit<8> v) {
    return v + v;
}

struct metadata {
}

struct headers {
    data_t d;
    b_t[2] s;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.d);
        packet.extract(hdr.s.next);
        packet.extract(hdr.s.next);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    action put(in bit<8> v, bit<8> k) {
        hdr.d.d = v + k;
    }
    table slices {
        key = { hdr.d.a : exact; }
        actions = { put(4w0 ++ hdr.d.b[7:4]); }
        default_action = put(4w0 ++ hdr.d.b[7:4], 1);
    }
    table calls {
        actions = { put(twice(hdr.d.b)); }
        default_action = put(twice(hdr.d.b), 2);
    }
    table choices {
        actions = { put(hdr.d.b == 0x21 ? hdr.d.c : ~hdr.d.c); }
        default_action = put(hdr.d.b == 0x21 ? hdr.d.c : ~hdr.d.c, 3);
    }
    table elements {
        key = { hdr.d.a : exact; }
        actions = { put(hdr.s[1].v); }
        const entries = {
            4 : put(hdr.s[1].v, 4);
        }
        default_action = put(hdr.s[1].v, 0);
    }
    apply {
        if (hdr.d.a == 1) {
            slices.apply();
        } else if (hdr.d.a == 2) {
            calls.apply();
        } else if (hdr.d.a == 3) {
            choices.apply();
        } else {
            elements.apply();
        }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.d);
        packet.emit(hdr.s);
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
