// A stack inside of a struct inside of the headers, and one in metadata.
#include <core.p4>
#include <v1model.p4>

header byte_t {
    bit<8> v;
}

struct inner_t {
    byte_t[2] list;
    byte_t    tail;
}

struct Headers {
    inner_t in1;
    byte_t  end;
}

struct Meta {
    byte_t[2] saved;
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.in1.list.next);
        pkt.extract(h.in1.list.next);
        pkt.extract(h.in1.tail);
        pkt.extract(h.end);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        m.saved[1] = h.in1.list[0];
        h.in1.list[0] = h.in1.tail;
        h.in1.tail = m.saved[1];
        if (m.saved[0].isValid()) {
            h.end.v = 0xbd;
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
