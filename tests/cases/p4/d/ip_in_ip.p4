// Two IPv4 headers as a stack: outer and inner, the outer one popped for one address.
#include <core.p4>
#include <v1model.p4>

header ipv4_t {
    bit<8>  vihl;
    bit<8>  tos;
    bit<16> len;
    bit<16> id;
    bit<16> frag;
    bit<8>  ttl;
    bit<8>  proto;
    bit<16> csum;
    bit<32> src;
    bit<32> dst;
}

struct Headers {
    ipv4_t[2] ip;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.ip.next);
        transition select(h.ip.last.proto) {
            4: start;
            default: accept;
        }
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.ip[1].isValid()) {
            h.ip[1].ttl = h.ip[0].ttl - 1;
            if (h.ip[0].dst == 0x0a000001) {
                h.ip.pop_front(1);
                sm.egress_spec = 2;
            }
        } else {
            h.ip.push_front(1);
            h.ip[0] = h.ip[1];
            h.ip[0].proto = 4;
            h.ip[0].len = h.ip[1].len + 20;
            sm.egress_spec = 3;
        }
    }
}

control vrfy(inout Headers h, inout Meta m) { apply { } }

control update(inout Headers h, inout Meta m) { apply { } }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
