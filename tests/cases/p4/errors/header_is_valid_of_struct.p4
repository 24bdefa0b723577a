// error: 7: pair_t has no method 'isValid'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.flag = meta.pair.isValid();
    }
}

#include "shared/main.p4"
