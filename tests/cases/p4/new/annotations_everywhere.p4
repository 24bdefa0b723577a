// Annotations with any content, old pragmas, and unused things do no harm.

#include <core.p4>
#include <v1model.p4>

@pragma old_style 1 2 three

@MyNote[a = 1, b = "two"]
header h_t {
    @format(HEX)
    bit<8> k;
    @alias("other")
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
    @brief("sets x")
    action a(@id(7) @desc[x=1] bit<8> v) { hdr.h.x = v; }
    @id(0x02000001) @unknown(some tokens + (nested) [too])
    table t {
        key = { hdr.h.k : exact @match_note(1); }
        actions = { @tableonly a; @defaultonly NoAction; }
        @myprop(5) size = 16;
        default_action = NoAction();
        @custom custom_property = 3;
    }
    apply {
        if (hdr.h.k != 9) {
            t.apply();
        }
        standard_metadata.egress_spec = 1;
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
