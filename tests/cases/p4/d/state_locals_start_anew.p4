// A variable declared in a state is fresh each time the state runs; one of the parser is kept.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header x_t {
    bit<8> v;
}

struct metadata {
    bit<8> inner;
    bit<8> outer;
}

struct headers {
    x_t[3] x;
    x_t inner;
    x_t outer;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    bit<8> total = 0;
    state start {
        bit<8> fresh = 1;
        packet.extract(hdr.x.next);
        fresh = fresh + hdr.x.last.v;
        total = total + hdr.x.last.v;
        meta.inner = fresh;
        meta.outer = total;
        transition select(hdr.x.last.v) {
            0 .. 9: start;
            default: accept;
        }
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
        hdr.inner.setValid();
        hdr.inner.v = meta.inner;
        hdr.outer.setValid();
        hdr.outer.v = meta.outer;
    }
}

/************************* E G R E S S *************************/

control MyEgress(inout headers hdr,
                 inout metadata meta,
                 inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply {  }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.x);
        packet.emit(hdr.inner);
        packet.emit(hdr.outer);
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
