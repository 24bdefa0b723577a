// An error in a sub-parser ends the outer parser, too.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header byte_t {
    bit<8> v;
}

error { BadItem }

parser Item(packet_in packet, out byte_t x) {
    state start {
        packet.extract(x);
        verify(x.v < 0x80, error.BadItem);
        transition accept;
    }
}

struct metadata {
}

struct headers {
    byte_t a;
    byte_t b;
    byte_t c;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    Item() item;
    state start {
        packet.extract(hdr.a);
        item.apply(packet, hdr.b);
        packet.extract(hdr.c);
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
        if (standard_metadata.parser_error == error.BadItem) {
            standard_metadata.egress_spec = 1;
        } else if (standard_metadata.parser_error == error.PacketTooShort) {
            standard_metadata.egress_spec = 2;
        }
        if (hdr.c.isValid()) {
            hdr.c.v = 0xcc;
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
        packet.emit(hdr.a);
        packet.emit(hdr.b);
        packet.emit(hdr.c);
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
