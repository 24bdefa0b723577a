// A state machine in a register of a serializable enum.

#include <core.p4>
#include <v1model.p4>

enum bit<8> State {
    new_ = 0,
    open = 1,
    closed = 2
}

header h_t {
    bit<8> k;
    State x;
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
    register<State>(4) states;
    apply {
        State now;
        states.read(now, (bit<32>)hdr.h.k);
        hdr.h.x = now;
        if (now == State.new_) {
            now = State.open;
        } else {
            now = State.closed;
        }
        states.write((bit<32>)hdr.h.k, now);
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
