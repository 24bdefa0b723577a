// Generic structs and headers with their types given.
#include "../include/blocks.p4"

header cell_t<T> {
    T value;
}

struct pair_t<A, B> {
    A first;
    B second;
}

struct Headers {
    cell_t<bit<8>>  x;
    cell_t<bit<16>> y;
}

struct Meta {
}

PARSER {
    state start {
        pkt.extract(hdr.x);
        pkt.extract(hdr.y);
        transition accept;
    }
}

INGRESS {
    apply {
        pair_t<bit<8>, bit<16>> p = { hdr.x.value, hdr.y.value };
        pair_t<bit<16>, pair_t<bit<8>, bit<16>>> q = { 7, p };
        hdr.x.value = q.second.second[7:0];
        hdr.y.value = q.first + (bit<16>)q.second.first;
    }
}

MAIN
