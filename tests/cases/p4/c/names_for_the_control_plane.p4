// @name renames tables, actions and keys, in part or as a whole path.
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
    @name("put.value") action set_d(bit<8> v) { hdr.d.d = v; }
    @name(".global_action") action set_c(bit<8> v) { hdr.d.c = v; }
    @name("first") table t {
        key = { hdr.d.a : exact @name("alpha"); }
        actions = { set_d; set_c; NoAction; }
        default_action = NoAction();
    }
    @name(".top") table u {
        key = { hdr.d.b : exact @name("beta.gamma"); }
        actions = { set_d; set_c; NoAction; }
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
