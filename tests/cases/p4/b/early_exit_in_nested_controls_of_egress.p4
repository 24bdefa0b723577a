// Controls with inout headers in egress; the innermost exit leaves all, copies stand.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

control Stamp(inout bit<8> where, in bit<8> with) {
    apply {
        where = with;
        if (with == 0xee) {
            exit;
        }
    }
}

control Both(inout data_t d) {
    Stamp() first;
    Stamp() second;
    apply {
        first.apply(d.b, d.a);
        second.apply(d.c, d.b + 1);
    }
}

struct metadata {
}

struct headers {
    data_t d;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.d);
        transition accept;
    }
}

/*************** C H E C K S U M   V E R I F Y *****************/

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply {  }
}

/************************ I N G R E S S ************************/

control MyIngress(inout headers hdr,
                  inout metadata meta,
                  inout standard_metadata_t standard_metadata) {

    apply { }
}

/************************* E G R E S S *************************/

control MyEgress(inout headers hdr,
                 inout metadata meta,
                 inout standard_metadata_t standard_metadata) {
    Both() both;
    apply {
        both.apply(hdr.d);
        hdr.d.d = 0xdd;
    }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply {  }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.d);
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
