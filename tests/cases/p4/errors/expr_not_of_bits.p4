// error: 7: '!' needs a bool, not bit<8>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.flag = !meta.x;
    }
}

#include "shared/main.p4"
