// An Ethernet switch: source and destination tables, flood group by metadata, ingress port never echoed.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

typedef bit<48> mac_t;
typedef bit<9>  port_t;

header eth_t {
    mac_t   dst;
    mac_t   src;
    bit<16> type;
}

header note_t {
    bit<8> code;
}

struct metadata {
    port_t src_port;
    bool   learn;
}

struct headers {
    eth_t eth;
    note_t note;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.eth);
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

    action known(port_t port) {
        meta.src_port = port;
    }
    action unknown() {
        meta.learn = true;
    }
    action to(port_t port) {
        standard_metadata.egress_spec = port;
    }
    action broadcast() {
        standard_metadata.egress_spec = 100;
    }
    table smac {
        key = { hdr.eth.src : exact; }
        actions = { known; unknown; }
        default_action = unknown();
        size = 512;
    }
    table dmac {
        key = { hdr.eth.dst : ternary; }
        actions = { to; broadcast; }
        default_action = broadcast();
        size = 512;
    }
    apply {
        smac.apply();
        dmac.apply();
        if (standard_metadata.egress_spec == standard_metadata.ingress_port) {
            mark_to_drop(standard_metadata);
            exit;
        }
        hdr.note.setValid();
        if (meta.learn) {
            hdr.note.code = 1;
        } else if (meta.src_port != standard_metadata.ingress_port) {
            hdr.note.code = 2;
        } else {
            hdr.note.setInvalid();
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
        packet.emit(hdr.eth);
        packet.emit(hdr.note);
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
