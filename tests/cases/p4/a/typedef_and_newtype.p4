// typedef is another name; `type` is a type of its own that is cast to and fro.
#include <core.p4>
#include <v1model.p4>

typedef bit<48> mac_t;
typedef mac_t   station_t;
type bit<16>    vlan_id_t;
@p4runtime_translation("test.org/port", 32)
type bit<9>     port_no_t;

header frame_t {
    mac_t     to;
    station_t from;
    vlan_id_t vlan;
}

struct Parsed_packet {
    frame_t f;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.f);
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
    port_no_t chosen = (port_no_t)(bit<9>)0;
    apply {
        mac_t keep = hdr.f.to;
        hdr.f.to = hdr.f.from;
        hdr.f.from = keep;
        vlan_id_t native = (vlan_id_t)16w1;
        if (hdr.f.vlan == native) {
            chosen = (port_no_t)9w5;
        } else {
            hdr.f.vlan = (vlan_id_t)((bit<16>)hdr.f.vlan + 1);
            chosen = (port_no_t)9w6;
        }
        stdmeta.egress_spec = (bit<9>)chosen;
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
