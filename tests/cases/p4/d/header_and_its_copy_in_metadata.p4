// The parser keeps a copy of a header in metadata; ingress compares and restores it.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct metadata {
    data_t was;
    bool   changed;
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
        meta.was = hdr.d;
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

    apply {
        hdr.d.a = hdr.d.a & 0x7f;
        if (hdr.d != meta.was) {
            hdr.d.b = 0xff;
            meta.changed = true;
        }
    }
}

/************************* E G R E S S *************************/

control MyEgress(inout headers hdr,
                 inout metadata meta,
                 inout standard_metadata_t standard_metadata) {
    apply {
        if (meta.changed && meta.was.c == 1) {
            hdr.d = meta.was;
        }
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
