// Egress tables on rid, instance type and port rewrite each copy; their direct counters count each.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
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
        standard_metadata.mcast_grp = 7;
        clone(CloneType.I2E, 32w2);
    }
}

control MyEgress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    direct_counter(CounterType.packets) hits;
    action rewrite(bit<8> v) { hdr.h.y = v; }
    table t {
        key = {
            standard_metadata.egress_rid : exact;
            standard_metadata.instance_type : exact;
            standard_metadata.egress_port : ternary;
        }
        actions = { rewrite; NoAction; }
        counters = hits;
        default_action = NoAction();
    }
    apply { t.apply(); }
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
