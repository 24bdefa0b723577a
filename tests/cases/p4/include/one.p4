// One header of twelve bytes, sent back changed on the port that INGRESS chose (0 when it chose none):
//     #include "../include/one.p4"
//     INGRESS { apply { hdr.h.a = 1; } }
//     MAIN
#include <core.p4>
#include <v1model.p4>

header one_t {
    bit<8>  a;
    bit<8>  b;
    bit<8>  c;
    bit<8>  d;
    bit<16> x;
    bit<16> y;
    bit<32> w;
}

struct Headers {
    one_t h;
}

struct Meta {
    bit<8>  t;
    bit<32> u;
}

#define INGRESS control ingress(inout Headers hdr, inout Meta meta, inout standard_metadata_t sm)
#define MAIN V1Switch(OneParser(), OneVerify(), ingress(), OneEgress(), OneUpdate(), OneDeparser()) main;

parser OneParser(packet_in pkt, out Headers hdr, inout Meta meta, inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.h);
        transition accept;
    }
}

control OneVerify(inout Headers hdr, inout Meta meta) { apply { } }
control OneEgress(inout Headers hdr, inout Meta meta, inout standard_metadata_t sm) { apply { } }
control OneUpdate(inout Headers hdr, inout Meta meta) { apply { } }
control OneDeparser(packet_out pkt, in Headers hdr) { apply { pkt.emit(hdr.h); } }
