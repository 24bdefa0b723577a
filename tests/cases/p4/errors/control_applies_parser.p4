// error: 7: parser 'MyParser' cannot be applied in a control
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        MyParser.apply(hdr);
    }
}

#include "shared/main.p4"
