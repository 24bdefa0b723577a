// Structs go in and out of functions as a whole.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct point_t {
    bit<8> x;
    bit<8> y;
}

point_t mirror(in point_t p) {
    return { p.y, p.x };
}

void move(inout point_t p, in point_t by) {
    p.x = p.x + by.x;
    p.y = p.y + by.y;
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
        point_t p = { hdr.d.a, hdr.d.b };
        move(p, { 1, 2 });
        move(p, p);
        point_t q = mirror(p);
        hdr.d.a = p.x;
        hdr.d.b = p.y;
        hdr.d.c = q.x;
        hdr.d.d = mirror(q).x;
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
