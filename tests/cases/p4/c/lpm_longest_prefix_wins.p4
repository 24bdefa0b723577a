// Of the prefixes that match, the longest decides, whatever the order of adding; /0 is the last resort.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header ip_t {
    bit<32> dst;
    bit<8>  nh;
}

struct metadata {
}

struct headers {
    ip_t ip;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.ip);
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

    action route(bit<9> port, bit<8> nh) {
        standard_metadata.egress_spec = port;
        hdr.ip.nh = nh;
    }
    action drop() {
        mark_to_drop(standard_metadata);
    }
    table ipv4_lpm {
        key = {
            hdr.ip.dst: lpm;
        }
        actions = {
            route;
            drop;
            NoAction;
        }
        size = 1024;
        default_action = drop();
    }
    apply {
        ipv4_lpm.apply();
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
        packet.emit(hdr.ip);
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
