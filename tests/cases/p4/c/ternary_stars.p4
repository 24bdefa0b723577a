// Ternary keys written with stars for the nibbles that do not matter.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<16> x;
    bit<32> w;
    bit<8>  r;
}

struct metadata {
}

struct headers {
    k_t k;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.k);
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

    action set_r(bit<8> v) {
        hdr.k.r = v;
    }
    table t {
        key = {
            hdr.k.x : ternary;
            hdr.k.w : ternary;
        }
        actions = { set_r; NoAction; }
        default_action = NoAction();
    }
    apply {
        t.apply();
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
        packet.emit(hdr.k);
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
