// error: 7: '+' needs bit or int operands, not varbit<320>
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        hdr.opt.data = hdr.opt.data + hdr.opt.data;
    }
}

#include "shared/main.p4"
