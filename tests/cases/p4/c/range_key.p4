// A range has both its ends in it; overlapping ranges go by priority.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<16> port;
    bit<8>  r;
}

struct Parsed_packet {
    k_t k;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.k);
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
    action set_r(bit<8> v) {
        hdr.k.r = v;
    }
    table t {
        key = {
            hdr.k.port : range;
        }
        actions = { set_r; NoAction; }
        const entries = {
            0x0100 .. 0x01ff : set_r(1);
            0x0180 .. 0x0280 : set_r(2);
            0x0400 .. 0x0400 : set_r(3);
            0xfff0 .. 0xffff : set_r(4);
        }
        default_action = NoAction();
    }
    apply {
        t.apply();
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
