// What the erroneous programs share: headers and metadata.
#include <core.p4>
#include <v1model.p4>

enum bit<16> EtherType { IPV4 = 0x0800, IPV6 = 0x86dd }
enum Color { RED, GREEN }
type bit<9> Port;

header eth_t {
    bit<48> dst;
    bit<48> src;
    bit<16> type;
}

header opt_t {
    bit<8>      len;
    varbit<320> data;
}

header label_t {
    bit<20> label;
    bit<3>  tc;
    bit<1>  s;
    bit<8>  ttl;
}

header_union alt_t {
    eth_t   eth;
    label_t label;
}

struct headers_t {
    eth_t      eth;
    opt_t      opt;
    label_t[4] labels;
    alt_t      alt;
}

struct pair_t {
    bit<8>  a;
    bit<16> b;
}

struct meta_t {
    bit<8>                 x;
    bit<16>                y;
    int<8>                 s;
    bool                   flag;
    Port                   port;
    pair_t                 pair;
    tuple<bit<8>, bit<16>> two;
    EtherType              kind;
    Color                  color;
}
