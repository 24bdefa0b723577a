// A sub-parser extracts a varbit whose length is its parameter.

#include <core.p4>
#include <v1model.p4>

header n_t {
    bit<8> n;
}
header v_t {
    varbit<64> v;
}

struct metadata {
}

struct headers {
    n_t n;
    v_t v;
}

parser rest(packet_in p, out v_t v)(bit<32> unit) {
    state start {
        bit<32> bits = ((bit<32>)p.lookahead<bit<8>>()) * unit;
        p.advance(8);
        p.extract(v, bits);
        transition accept;
    }
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    rest(8) r;
    state start {
        packet.extract(hdr.n);
        r.apply(packet, hdr.v);
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
        standard_metadata.egress_spec = 1;
        if (standard_metadata.parser_error != error.NoError) hdr.n.n = 0xee;
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
        packet.emit(hdr);
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
