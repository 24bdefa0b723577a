// Headers grouped in structs of structs; emit of the outermost walks them in order.
#include <core.p4>
#include <v1model.p4>

header byte_t {
    bit<8> v;
}

struct pair_t {
    byte_t x;
    byte_t y;
}

struct quad_t {
    pair_t p;
    pair_t q;
}

struct Parsed_packet {
    quad_t in1;
    quad_t out1;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.in1.p.x);
        pkt.extract(hdr.in1.p.y);
        pkt.extract(hdr.in1.q.y);
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
        hdr.out1.q = hdr.in1.p;
        hdr.in1.p.x.setInvalid();
        hdr.out1.q.y.v = hdr.out1.q.y.v + 1;
        hdr.out1.p.x = hdr.in1.q.y;
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
