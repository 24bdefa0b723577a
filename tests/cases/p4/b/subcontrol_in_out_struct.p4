// A struct with a header inside goes through a control as inout.
#include <core.p4>
#include <v1model.p4>

header v_t {
    bit<8> v;
}

struct box_t {
    v_t    item;
    bit<8> weight;
}

control Weigh(inout box_t box, out bool heavy) {
    apply {
        heavy = box.weight > 10;
        if (heavy) {
            box.item.v = box.item.v | 0x80;
        } else {
            box.item.setInvalid();
        }
        box.weight = 0;
    }
}

struct Parsed_packet {
    v_t k;
    v_t v;
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
        pkt.extract(hdr.v);
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
    Weigh() w;
    apply {
        box_t b;
        bool  heavy;
        b.item = hdr.v;
        b.weight = hdr.k.v;
        w.apply(b, heavy);
        hdr.v = b.item;
        hdr.k.v = heavy ? 8w1 : b.weight;
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
