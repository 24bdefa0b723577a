// An option parser by a loop over a stack of unions, with lengths and padding; counted in ingress by a for loop.

#include <core.p4>
#include <v1model.p4>

header pad_t {
    bit<8> t;
}
header ts_t {
    bit<8> t;
    bit<8> len;
    bit<32> v;
}
header raw_t {
    bit<8> t;
    bit<8> len;
    varbit<48> v;
}
header_union opt_t {
    pad_t pad;
    ts_t ts;
    raw_t raw;
}
struct peek_t {
    bit<8> t;
    bit<8> len;
}
header n_t {
    bit<8> n;
    bit<8> pads;
    bit<8> stamps;
    bit<8> raws;
}

struct metadata {
    bit<8> left;
}

struct headers {
    n_t n;
    opt_t[4] o;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.n);
        meta.left = hdr.n.n;
        transition next_one;
    }
    state next_one {
        transition select(meta.left, packet.lookahead<bit<8>>()) {
            (0, _): accept;
            (_, 1): pad;
            (_, 8): ts;
            default: raw;
        }
    }
    state pad { packet.extract(hdr.o.next.pad); meta.left = meta.left - 1; transition next_one; }
    state ts { packet.extract(hdr.o.next.ts); meta.left = meta.left - 1; transition next_one; }
    state raw {
        peek_t p = packet.lookahead<peek_t>();
        verify(p.len >= 2, error.HeaderTooShort);
        packet.extract(hdr.o.next.raw, ((bit<32>)p.len - 2) * 8);
        meta.left = meta.left - 1;
        transition next_one;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        for (bit<8> i in 0 .. 3) {
            if (hdr.o[i].pad.isValid()) hdr.n.pads += 1;
            if (hdr.o[i].ts.isValid()) {
                hdr.n.stamps += 1;
                hdr.o[i].ts.v = hdr.o[i].ts.v + 1;
            }
            if (hdr.o[i].raw.isValid()) hdr.n.raws += 1;
        }
        standard_metadata.egress_spec = 1;
        if (standard_metadata.parser_error != error.NoError) standard_metadata.egress_spec = 2;
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
        packet.emit(hdr.n);
        packet.emit(hdr.o);
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
