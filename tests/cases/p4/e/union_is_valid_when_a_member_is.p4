// isValid() of the union itself.

#include <core.p4>
#include <v1model.p4>

header a_t {
    bit<8> tag;
    bit<8> v;
}
header b_t {
    bit<8> tag;
    bit<16> v;
}
header_union u_t {
    a_t a;
    b_t b;
}

struct metadata {
}

struct headers {
    u_t u;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        transition select(packet.lookahead<bit<8>>()) {
            1: is_a;
            2: is_b;
            default: accept;
        }
    }
    state is_a {
        packet.extract(hdr.u.a);
        transition accept;
    }
    state is_b {
        packet.extract(hdr.u.b);
        transition accept;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        if (hdr.u.isValid()) {
            standard_metadata.egress_spec = 7;
        } else {
            standard_metadata.egress_spec = 8;
        }
    }
}

control MyEgress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.u);
    }
}

V1Switch(
    MyParser(),
    MyVerifyChecksum(),
    MyIngress(),
    MyEgress(),
    MyComputeChecksum(),
    MyDeparser()
) main;
