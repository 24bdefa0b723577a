// Controls in controls in controls, values handed down and up.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

control Low(inout bit<8> v) {
    apply {
        v = v * 2;
    }
}

control Mid(inout bit<8> v, in bit<8> n) {
    Low() low;
    apply {
        low.apply(v);
        v = v + n;
        low.apply(v);
    }
}

control High(inout data_t d) {
    Mid() m1;
    Mid() m2;
    apply {
        m1.apply(d.a, 1);
        m2.apply(d.b, d.a);
    }
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
    High() high;
    apply {
        high.apply(hdr.d);
        hdr.d.c = hdr.d.a + hdr.d.b;
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
