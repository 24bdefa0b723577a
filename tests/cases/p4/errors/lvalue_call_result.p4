// error: 7: cannot be assigned to
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.eth.isValid() = true;
    }
}

#include "shared/main.p4"
