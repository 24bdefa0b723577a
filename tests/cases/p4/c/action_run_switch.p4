// switch on action_run: a case, labels that share a body, a default.
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

    action one() { hdr.d.b = 1; }
    action two() { hdr.d.b = 2; }
    action three() { hdr.d.b = 3; }
    action four() { hdr.d.b = 4; }
    table t {
        key = { hdr.d.a : exact; }
        actions = { one; two; three; four; NoAction; }
        default_action = NoAction();
    }
    apply {
        switch (t.apply().action_run) {
            one: {
                hdr.d.c = 0x11;
            }
            two:
            three: {
                hdr.d.c = 0x23;
            }
            default: {
                hdr.d.c = 0xdf;
            }
        }
        hdr.d.d = 0xdd;
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
