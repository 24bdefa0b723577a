// pop_front moves elements to lower indices; the end becomes invalid.
#include <core.p4>
#include <v1model.p4>

header op_t {
    bit<8> op;
}

header byte_t {
    bit<8> v;
}

struct Parsed_packet {
    op_t op;
    byte_t[3] s;
}

struct metadata_t {
}

parser parserI(packet_in pkt,
               out Parsed_packet hdr,
               inout metadata_t meta,
               inout standard_metadata_t stdmeta)
{
    state start {
        pkt.extract(hdr.op);
        pkt.extract(hdr.s.next);
        pkt.extract(hdr.s.next);
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
        if (hdr.op.op == 1) {
            hdr.s.pop_front(1);
        } else if (hdr.op.op == 2) {
            hdr.s.pop_front(2);
        } else if (hdr.op.op == 3) {
            hdr.s.pop_front(1);
            hdr.s.push_front(1);
            hdr.s[0] = hdr.s[1];
        } else if (hdr.op.op == 4) {
            hdr.s.pop_front(3);
            hdr.s[1].setValid();
            hdr.s[1].v = 0x44;
        }
        if (hdr.s[0].isValid()) {
            stdmeta.egress_spec = 1;
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
