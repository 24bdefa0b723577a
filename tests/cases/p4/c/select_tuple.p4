// select over several expressions with values, masks, ranges and `_`.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
    bit<8>  r;
}

struct Parsed_packet {
    k_t k;
}

struct metadata_t {
    bit<8> way;
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.k);
        transition select(hdr.k.a, hdr.k.b, hdr.k.c[3:0]) {
            (1, 2, 3): s1;
            (1, _, 0x8 &&& 0x8): s2;
            (_, 0x10 .. 0x20, _): s3;
            (_, _, _): accept;
        }
    }
    state s1 {
        meta.way = 1;
        transition accept;
    }
    state s2 {
        meta.way = 2;
        transition accept;
    }
    state s3 {
        meta.way = 3;
        transition accept;
    }
}

control DeparserI(packet_out pkt, in Parsed_packet hdr)
{
    apply {
        pkt.emit(hdr);
    }
}

control cIngress(inout Parsed_packet hdr,
                 inout metadata_t meta,
                 inout standard_metadata_t stdmeta)
{
    apply {
        hdr.k.r = meta.way;
        if (stdmeta.parser_error == error.NoMatch) {
            hdr.k.r = 0xee;
        }
    }
}

control cEgress(inout Parsed_packet hdr,
                inout metadata_t meta,
                inout standard_metadata_t stdmeta)
{
    apply { }
}

control vc(inout Parsed_packet hdr, inout metadata_t meta)
{
    apply { }
}

control uc(inout Parsed_packet hdr, inout metadata_t meta)
{
    apply { }
}

V1Switch<Parsed_packet, metadata_t>(parserI(), vc(), cIngress(), cEgress(), uc(), DeparserI()) main;
