// A stack of hops: the first is taken off and names the port.
#include <core.p4>
#include <v1model.p4>

header hop_t {
    bit<1>  bos;
    bit<15> port;
}

header pl_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    hop_t[5] hops;
    pl_t pl;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.hops.next);
        transition select(hdr.hops.last.bos) {
            1: payload;
            default: start;
        }
    }
    state payload {
        packet.extract(hdr.pl);
        transition accept;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    action forward() {
        standard_metadata.egress_spec = (bit<9>)hdr.hops[0].port;
        hdr.hops.pop_front(1);
    }
    apply {
        if (hdr.hops[0].isValid() && hdr.hops[0].bos == 0) {
            forward();
        } else if (hdr.hops[0].isValid()) {
            forward();
            hdr.pl.v = 0xff;
        } else {
            mark_to_drop(standard_metadata);
        }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.hops);
        packet.emit(hdr.pl);
    }
}

control verifyChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

control computeChecksum(inout headers hdr, inout metadata meta) {
    apply {
    }
}

V1Switch(ParserImpl(), verifyChecksum(), ingress(), egress(), computeChecksum(), DeparserImpl()) main;
