// Structs in metadata hold a header and an error, and are copied.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct in_t {
    bit<8> x;
    data_t h;
    bool b;
    error e;
}

struct metadata {
    in_t i;
    in_t j;
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

    apply {
        meta.i.h = hdr.d;
        meta.i.x = meta.i.h.a + 1;
        meta.i.e = error.NoMatch;
        meta.j = meta.i;
        if (meta.j.e == error.NoMatch && !meta.j.b) {
            hdr.d.d = meta.j.x;
        }
        if (meta.j.h.isValid()) {
            hdr.d.c = 0xcc;
        }
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
