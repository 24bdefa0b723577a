// error: 7: only allowed in a loop
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        continue;
    }
}

#include "shared/main.p4"
