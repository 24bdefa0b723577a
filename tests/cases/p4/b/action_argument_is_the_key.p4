// The key field itself is the bound inout argument: matched with its old value.
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
    action bump(inout bit<8> v, bit<8> by) {
        v = v + by;
    }
    table t {
        key = { hdr.d.a : exact; }
        actions = { bump(hdr.d.a); }
        default_action = bump(hdr.d.a, 0x80);
    }
    apply {
        t.apply();
        if (hdr.d.a == 3) {
            hdr.d.b = 0x33;
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
