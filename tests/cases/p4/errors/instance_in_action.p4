// error: 7: no instance can be declared among the statements of an action
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    action a() {
        counter(8, CounterType.packets) c;
    }
    apply {}
}

#include "shared/main.p4"
