// error: 7: the variable of a range must be bit or int, not bool
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        for (bool b in false .. true) {}
    }
}

#include "shared/main.p4"
