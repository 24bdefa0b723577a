// One generic function for two header types, its type inferred each time.
#include <core.p4>
#include <v1model.p4>

header x_t {
    bit<8> v;
}

header y_t {
    bit<16> v;
}

void swap<T>(inout T l, inout T r) {
    T t = l;
    l = r;
    r = t;
}

struct Parsed_packet {
    x_t x1;
    x_t x2;
    y_t y1;
    y_t y2;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.x1);
        pkt.extract(hdr.y1);
        pkt.extract(hdr.y2);
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
        swap(hdr.x1, hdr.x2);
        swap<y_t>(hdr.y1, hdr.y2);
        swap(hdr.y1.v[15:8], hdr.y1.v[7:0]);
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
