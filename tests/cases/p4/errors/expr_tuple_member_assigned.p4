// error: 7: members of a tuple cannot be assigned to
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        meta.two[0] = 1;
    }
}

#include "shared/main.p4"
