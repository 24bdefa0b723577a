// error: 7: only 0 and 1
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.flag = (bool)2;
    }
}

#include "shared/main.p4"
