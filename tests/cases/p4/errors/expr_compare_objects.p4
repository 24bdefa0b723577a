// error: 9: '==' is not defined for extern counter
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    counter(8, CounterType.packets) c;
    counter(8, CounterType.packets) d;
    apply {
        meta.flag = c == d;
    }
}

#include "shared/main.p4"
