// Concatenation makes 128 bits out of two halves, and slices take them apart again.
#include <core.p4>
#include <v1model.p4>

header halves_t {
    bit<64> hi;
    bit<64> lo;
}

struct Parsed_packet {
    halves_t h;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.h);
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
        bit<128> both = hdr.h.lo ++ hdr.h.hi;
        both = both + 1;
        hdr.h.hi = both[127:64];
        hdr.h.lo = both[63:0];
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
