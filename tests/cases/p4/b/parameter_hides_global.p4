// A parameter or local of the same name hides an outer constant or field.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

const bit<8> limit = 0x20;

bit<8> cap(in bit<8> v, in bit<8> limit) {
    return v > limit ? limit : v;
}

bit<8> cap_global(in bit<8> v) {
    return v > limit ? limit : v;
}

struct Parsed_packet {
    data_t d;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.d);
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
        bit<8> a = cap(hdr.d.a, 0x10);
        bit<8> b = cap_global(hdr.d.a);
        hdr.d.b = a;
        hdr.d.c = b;
        {
            bit<8> limit = 5;
            hdr.d.d = cap_global(hdr.d.a) + limit;
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
