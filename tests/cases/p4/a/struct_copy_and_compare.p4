// Structs are copied and compared as a whole.
#include <core.p4>
#include <v1model.p4>

header in_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
    bit<8> r;
}

struct pt_t {
    bit<8> x;
    bit<8> y;
}

struct Parsed_packet {
    in_t i;
}

struct metadata_t {
    pt_t last;
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.i);
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
        pt_t p = { hdr.i.a, hdr.i.b };
        pt_t q = { hdr.i.c, hdr.i.d };
        meta.last = q;
        hdr.i.r = 0;
        if (p == q) {
            hdr.i.r = 1;
        }
        p = meta.last;
        p.x = p.x + 1;
        if (p != q) {
            hdr.i.r = hdr.i.r + 2;
        }
        hdr.i.a = p.x;
        hdr.i.c = meta.last.x;
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
