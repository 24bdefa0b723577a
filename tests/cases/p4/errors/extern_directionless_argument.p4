// error: 7: argument 'index' of function 'resubmit_preserving_field_list' must be a constant
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        resubmit_preserving_field_list(meta.x);
    }
}

#include "shared/main.p4"
