// A control with constructor parameters is instantiated twice; each has its own register.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}

struct metadata {
}

struct headers {
    h_t h;
}

control counting(inout h_t h)(bit<8> start, bool up) {
    register<bit<8>>(1) cell;
    apply {
        bit<8> n;
        cell.read(n, 0);
        if (up) {
            n = n + 1;
        } else {
            n = n + 2;
        }
        cell.write(0, n);
        h.x = start + n;
    }
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
        transition accept;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    counting(8w0x10, true) one;
    counting(start = 0x80, up = false) two;
    apply {
        if (hdr.h.k == 1) {
            one.apply(hdr.h);
        } else {
            two.apply(hdr.h);
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
        packet.emit(hdr.h);
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
