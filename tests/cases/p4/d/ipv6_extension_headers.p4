// A chain of IPv6 extension headers of two kinds, walked until the last.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header ipv6_t {
    bit<4>   ver;
    bit<8>   tc;
    bit<20>  flow;
    bit<16>  len;
    bit<8>   nh;
    bit<8>   hl;
    bit<128> src;
    bit<128> dst;
}

header ext_t {
    bit<8>  nh;
    bit<8>  len;
    bit<48> body;
}

header udp_t {
    bit<16> sport;
    bit<16> dport;
    bit<16> len;
    bit<16> csum;
}

struct metadata {
}

struct headers {
    ipv6_t ipv6;
    ext_t[3] ext;
    udp_t udp;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.nh) {
            0: ext;
            60: ext;
            17: udp;
            default: accept;
        }
    }
    state ext {
        packet.extract(hdr.ext.next);
        transition select(hdr.ext.last.nh, hdr.ext.last.len) {
            (0, 0): ext;
            (60, 0): ext;
            (17, 0): udp;
            default: accept;
        }
    }
    state udp {
        packet.extract(hdr.udp);
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
        if (hdr.udp.isValid()) {
            standard_metadata.egress_spec = (bit<9>)hdr.udp.dport;
            hdr.ipv6.hl = hdr.ipv6.hl - 1;
        } else if (standard_metadata.parser_error == error.StackOutOfBounds) {
            standard_metadata.egress_spec = 66;
        } else {
            mark_to_drop(standard_metadata);
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
        packet.emit(hdr.ipv6);
        packet.emit(hdr.ext);
        packet.emit(hdr.udp);
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
