// verify with own errors: the first that fails ends the parser.
#include <core.p4>
#include <v1model.p4>

header byte_t {
    bit<8> v;
}

error { TooSmall, Odd }
error { Unused }

struct Parsed_packet {
    byte_t a;
    byte_t b;
    byte_t e;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.a);
        verify(hdr.a.v >= 0x10, error.TooSmall);
        verify(hdr.a.v[0:0] == 0, error.Odd);
        pkt.extract(hdr.b);
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
        hdr.e.setValid();
        hdr.e.v = 0;
        if (stdmeta.parser_error == error.TooSmall) {
            hdr.e.v = 1;
        }
        if (stdmeta.parser_error == error.Odd) {
            hdr.e.v = 2;
        }
        if (stdmeta.parser_error == error.Unused || stdmeta.parser_error == error.PacketTooShort) {
            hdr.e.v = 3;
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
