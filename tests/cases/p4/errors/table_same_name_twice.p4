// error: 7: control-plane name 'MyIngress.t'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    @name("t") table a { actions = { NoAction; } }
    @name("t") table b { actions = { NoAction; } }
    apply { a.apply(); b.apply(); }
}

#include "shared/main.p4"
