// error: 7: variable 'v' cannot be of type int
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        int v = 3;
    }
}

#include "shared/main.p4"
