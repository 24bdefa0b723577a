// `...` in a list fills what is left with zeros.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header in_t {
    bit<8> k;
}

header out_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
}

struct cfg_t {
    bit<8>  x;
    bool    on;
    bit<16> y;
}

struct metadata {
}

struct headers {
    in_t i;
    out_t o;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.i);
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
        cfg_t cfg = { x = hdr.i.k, ... };
        cfg_t none = ...;
        hdr.o = { 5, ... };
        if (!cfg.on && none.y == 0) {
            hdr.o.b = cfg.x;
        }
        hdr.o.c = cfg.y + 1;
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
        packet.emit(hdr.i);
        packet.emit(hdr.o);
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
