// A switch of forty labels.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}

struct metadata {
}

struct headers {
    h_t h;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
        transition accept;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = 1;
        switch (hdr.h.k) {
            0: { hdr.h.x = 1; }
            3: { hdr.h.x = 2; }
            6: { hdr.h.x = 3; }
            9: { hdr.h.x = 4; }
            12: { hdr.h.x = 5; }
            15: { hdr.h.x = 6; }
            18: { hdr.h.x = 7; }
            21: { hdr.h.x = 8; }
            24: { hdr.h.x = 9; }
            27: { hdr.h.x = 10; }
            30: { hdr.h.x = 11; }
            33: { hdr.h.x = 12; }
            36: { hdr.h.x = 13; }
            39: { hdr.h.x = 14; }
            42: { hdr.h.x = 15; }
            45: { hdr.h.x = 16; }
            48: { hdr.h.x = 17; }
            51: { hdr.h.x = 18; }
            54: { hdr.h.x = 19; }
            57: { hdr.h.x = 20; }
            60: { hdr.h.x = 21; }
            63: { hdr.h.x = 22; }
            66: { hdr.h.x = 23; }
            69: { hdr.h.x = 24; }
            72: { hdr.h.x = 25; }
            75: { hdr.h.x = 26; }
            78: { hdr.h.x = 27; }
            81: { hdr.h.x = 28; }
            84: { hdr.h.x = 29; }
            87: { hdr.h.x = 30; }
            90: { hdr.h.x = 31; }
            93: { hdr.h.x = 32; }
            96: { hdr.h.x = 33; }
            99: { hdr.h.x = 34; }
            102: { hdr.h.x = 35; }
            105: { hdr.h.x = 36; }
            108: { hdr.h.x = 37; }
            111: { hdr.h.x = 38; }
            114: { hdr.h.x = 39; }
            117: { hdr.h.x = 40; }
            default: { hdr.h.x = 0xff; }
        }
    }
}

control MyEgress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.h);
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
