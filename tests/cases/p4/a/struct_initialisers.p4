// Structs and headers from lists by position and by name; a header set so is valid.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

struct pair_t {
    bit<8> l;
    bit<8> r;
}

struct nest_t {
    pair_t p;
    bit<8> k;
}

header in_t {
    bit<8> a;
    bit<8> b;
}

header out_t {
    bit<8> x;
    bit<8> y;
    bit<8> z;
}

struct metadata {
}

struct headers {
    in_t i;
    out_t o;
    out_t n;
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
        pair_t one = { hdr.i.a, 7 };
        pair_t two = { r = 1, l = hdr.i.b };
        nest_t deep = { { 2, one.l }, 9 };
        nest_t named = { p = two, k = 3 };
        if (deep.p.l == 2) {
            hdr.o = { deep.p.r, one.r, deep.k };
        }
        if (hdr.i.b != 0) {
            hdr.n = { z = named.p.r, x = named.k, y = named.p.l };
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
        packet.emit(hdr.i);
        packet.emit(hdr.o);
        packet.emit(hdr.n);
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
