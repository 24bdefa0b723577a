// Tables choose among clone, resubmit, recirculate, multicast and drop; egress marks each packet by its kind.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

const bit<32> PKT_NORMAL = 0;
const bit<32> PKT_INGRESS_CLONE = 1;
const bit<32> PKT_EGRESS_CLONE = 2;
const bit<32> PKT_RECIRC = 4;
const bit<32> PKT_REPLICATION = 5;
const bit<32> PKT_RESUBMIT = 6;
#define IS(kind) (stdmeta.instance_type == PKT_ ## kind)

header ethernet_t {
    bit<48> dstAddr;
    bit<48> srcAddr;
    bit<16> etherType;
}

struct metadata_t {
    @field_list(1, 2) bit<8> reason;
}

struct headers_t {
    ethernet_t ethernet;
}

parser parserImpl(packet_in pkt,
    out headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    state start {
        pkt.extract(hdr.ethernet);
        transition accept;
    }
}

control verifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control ingressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    action set_port(PortId_t port) { stdmeta.egress_spec = port; }
    action do_resubmit(bit<8> reason) {
        meta.reason = reason;
        resubmit_preserving_field_list(1);
    }
    action do_clone(bit<32> session, PortId_t port) {
        meta.reason = 0xc1;
        clone_preserving_field_list(CloneType.I2E, session, 2);
        stdmeta.egress_spec = port;
    }
    action do_flood(bit<16> group) { stdmeta.mcast_grp = group; }
    action my_drop() { mark_to_drop(stdmeta); }
    table by_dst {
        key = { hdr.ethernet.dstAddr : exact; }
        actions = { set_port; do_resubmit; do_clone; do_flood; my_drop; }
        default_action = my_drop();
    }
    apply {
        if (IS(RESUBMIT)) {
            hdr.ethernet.etherType = 0x6600 + (bit<16>)meta.reason;
            stdmeta.egress_spec = 6;
        } else if (IS(RECIRC)) {
            hdr.ethernet.etherType = hdr.ethernet.etherType + 1;
            stdmeta.egress_spec = 4;
        } else {
            by_dst.apply();
        }
    }
}

control egressImpl(inout headers_t hdr,
    inout metadata_t meta,
    inout standard_metadata_t stdmeta) {
    action mark(bit<16> kind) { hdr.ethernet.srcAddr[47:32] = kind; }
    action again() {
        hdr.ethernet.etherType = 0x4400;
        recirculate_preserving_field_list(2);
    }
    table by_port {
        key = { stdmeta.egress_port : exact; }
        actions = { again; NoAction; }
        const default_action = NoAction();
    }
    apply {
        if (IS(INGRESS_CLONE)) {
            mark(0xc100 + (bit<16>)meta.reason);
        } else if (IS(REPLICATION)) {
            mark(0x5000 + stdmeta.egress_rid);
        } else {
            by_port.apply();
        }
    }
}

control updateChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control deparserImpl(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr);
    }
}

V1Switch(parserImpl(),
         verifyChecksum(),
         ingressImpl(),
         egressImpl(),
         updateChecksum(),
         deparserImpl()) main;
