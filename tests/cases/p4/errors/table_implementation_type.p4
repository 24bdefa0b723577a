// error: 10: property 'implementation' must be an action profile
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    counter(8, CounterType.packets) c;
    table t {
        key = { meta.x : exact; }
        actions = { NoAction; }
        implementation = c;
    }
    apply { t.apply(); }
}

#include "shared/main.p4"
