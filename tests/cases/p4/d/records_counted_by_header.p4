// As many records as a header says, at most four, by a state for each count.
#include <core.p4>
#include <v1model.p4>

header head_t {
    bit<8> n;
}

header rec_t {
    bit<4> id;
    bit<4> val;
}

error { TooMany }

struct metadata {
}

struct headers {
    head_t head;
    rec_t[4] rec;
}

parser ParserImpl(packet_in packet, out headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    bit<8> n;
    state start {
        packet.extract(hdr.head);
        verify(hdr.head.n <= 4, error.TooMany);
        n = hdr.head.n;
        transition next_record;
    }
    state next_record {
        transition select(n > 0) {
            true: record;
            false: accept;
        }
    }
    state record {
        packet.extract(hdr.rec.next);
        n = n - 1;
        transition next_record;
    }
}

control egress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply { }
}

control ingress(inout headers hdr, inout metadata meta, inout standard_metadata_t standard_metadata) {
    apply {
        if (standard_metadata.parser_error == error.TooMany) {
            mark_to_drop(standard_metadata);
        } else {
            hdr.rec[0].val = hdr.rec[0].id;
            hdr.rec[3].id = 0xf;
        }
    }
}

control DeparserImpl(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.head);
        packet.emit(hdr.rec);
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
