// The parser extracts into an element at a variable's index, backwards.

#include <core.p4>
#include <v1model.p4>

header n_t {
    bit<8> n;
}
header e_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    n_t n;
    e_t[4] e;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    bit<32> index;
    state start {
        packet.extract(hdr.n);
        index = (bit<32>)hdr.n.n;
        transition more;
    }
    state more {
        packet.extract(hdr.e[index]);
        transition select(index) {
            0: accept;
            default: down;
        }
    }
    state down {
        index = index - 1;
        transition more;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = 1;
        if (hdr.e[0].isValid() && hdr.e[1].isValid()) hdr.e[1].v = hdr.e[1].v + hdr.e[0].v;
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
        packet.emit(hdr);
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
