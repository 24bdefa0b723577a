// Errors are compared in ingress and steer a table by a number made of them.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

error {
    BadVersion,
    BadLength
}

struct metadata {
    bit<4> code;
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
        verify(hdr.d.a == 4, error.BadVersion);
        verify(hdr.d.b >= 8, error.BadLength);
        transition select(hdr.d.c) {
            0: accept;
            1: reject;
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

    action set_d(bit<8> v) { hdr.d.d = v; }
    table by_error {
        key = { meta.code : exact; }
        actions = { set_d; NoAction; }
        const entries = {
            0 : set_d(0x00);
            1 : set_d(0xe1);
            2 : set_d(0xe2);
        }
        const default_action = set_d(0xef);
    }
    apply {
        if (standard_metadata.parser_error == error.NoError) {
            meta.code = 0;
        } else if (standard_metadata.parser_error == error.BadVersion) {
            meta.code = 1;
        } else if (standard_metadata.parser_error == error.BadLength) {
            meta.code = 2;
        } else {
            meta.code = 3;
        }
        by_error.apply();
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
