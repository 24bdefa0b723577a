// A header that setValid() makes valid begins at zero, as in the reference switch; one that was valid keeps its fields.

#include <core.p4>
#include <v1model.p4>

header n_t {
    bit<8> k;
}
header w_t {
    bit<8> a;
    bit<80> w;
}

struct metadata {
}

struct headers {
    n_t n;
    w_t w;
    w_t[2] s;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.n);
        packet.extract(hdr.w);
        packet.extract(hdr.s.next);
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
        if (hdr.n.k == 1) {
            hdr.w.setInvalid();
            hdr.w.a = 5;
            hdr.w.setValid();
            hdr.w.w[7:0] = hdr.w.w[7:0] + 7;
        } else if (hdr.n.k == 2) {
            hdr.w.setValid();
        } else if (hdr.n.k == 3) {
            hdr.s[0].setInvalid();
            hdr.s[hdr.w.a].setValid();
            hdr.s[hdr.w.a].a = 9;
        } else {
            hdr.s[1].a = 8;
            hdr.s[1] = hdr.w;
        }
        standard_metadata.egress_spec = 1;
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
        packet.emit(hdr.n);
        packet.emit(hdr.w);
        packet.emit(hdr.s);
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
