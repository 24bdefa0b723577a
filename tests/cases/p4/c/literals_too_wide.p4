// Literals that do not fit are cut off with a warning.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
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
        hdr.d.b = 256;
        hdr.d.c = 0x1ff;
        if (hdr.d.a == 257) {
            hdr.d.d = 1;
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
