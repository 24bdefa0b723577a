// error: 7: function 'random' takes 1 type arguments, not 2
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        random<bit<8>, bit<8>>(meta.x, 0, 1);
    }
}

#include "shared/main.p4"
