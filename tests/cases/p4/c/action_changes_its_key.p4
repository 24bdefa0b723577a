// An action overwrites the field it was matched by; a later table sees the new value.
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
    action rewrite(bit<8> v) {
        hdr.d.a = v;
        hdr.d.b = hdr.d.b + hdr.d.a;
    }
    table t {
        key = { hdr.d.a : exact; }
        actions = { rewrite; NoAction; }
        default_action = NoAction();
    }
    table u {
        key = { hdr.d.a : exact; }
        actions = { rewrite; NoAction; }
        default_action = NoAction();
    }
    apply {
        t.apply();
        u.apply();
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
