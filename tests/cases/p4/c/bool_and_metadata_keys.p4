// A bool and a field of user metadata as keys.
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
    bool   is_big;
    bit<9> sum;
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

    action set_d(bit<8> v) { hdr.d.d = v; }
    table t {
        key = {
            meta.is_big : exact;
            meta.sum    : ternary;
        }
        actions = { set_d; NoAction; }
        const entries = {
            (true, 0x100 &&& 0x100) : set_d(0x11);
            (true, _)               : set_d(0x10);
            (false, 3)              : set_d(0x03);
        }
        default_action = NoAction();
    }
    apply {
        meta.sum = (bit<9>)hdr.d.a + (bit<9>)hdr.d.b;
        meta.is_big = meta.sum > 0x80;
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
