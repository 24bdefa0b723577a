// Constant entries with constants, expressions and different actions.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

const bit<8> BASE = 0x10;
#define ENTRY(n) BASE + n : set_d(n)

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
    action set_d(bit<8> v) {
        hdr.d.d = v;
    }
    action miss_d() {
        hdr.d.d = 0xff;
    }
    table t {
        key = {
            hdr.d.a : exact;
        }
        actions = { set_d; miss_d; }
        const entries = {
            BASE : set_d(0xb0);
            ENTRY(1);
            ENTRY(2);
            (BASE << 1) : miss_d();
            8w0xff : set_d(BASE * 3 + 1);
        }
        default_action = set_d(0);
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
