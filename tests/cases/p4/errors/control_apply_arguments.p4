// error: 9: argument 'v' of control 'Inner': expected bit<8>, got bit<16>
#include "shared/types.p4"
#include "shared/parser.p4"

control Inner(inout bit<8> v) { apply { v = 1; } }
control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    Inner() i;
    apply {
        i.apply(meta.y);
    }
}

#include "shared/main.p4"
