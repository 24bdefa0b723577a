// error: 7: must be a constant
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        static_assert(meta.flag, "");
    }
}

#include "shared/main.p4"
