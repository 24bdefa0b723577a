// error: 7: is that of 'MyIngress.t', too
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    @id(7) table t { actions = { NoAction; } }
    @id(7) table u { actions = { NoAction; } }
    apply { t.apply(); u.apply(); }
}

#include "shared/main.p4"
