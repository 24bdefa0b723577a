// error: 8: extern 'counter' has no method 'increment'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    counter(8, CounterType.packets) c;
    apply {
        c.increment(1);
    }
}

#include "shared/main.p4"
