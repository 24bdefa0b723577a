// error: 6: belongs to one table only
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    direct_counter(CounterType.packets) c;
    table t {
        key = { meta.x : exact; }
        actions = { NoAction; }
        counters = c;
    }
    table u {
        key = { meta.x : exact; }
        actions = { NoAction; }
        counters = c;
    }
    apply { t.apply(); u.apply(); }
}

#include "shared/main.p4"
