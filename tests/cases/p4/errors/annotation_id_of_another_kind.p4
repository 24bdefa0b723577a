// error: 6: the upper byte must be 0x02 or 0
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    @id(0x01000001) table t { actions = { NoAction; } }
    apply { t.apply(); }
}

#include "shared/main.p4"
