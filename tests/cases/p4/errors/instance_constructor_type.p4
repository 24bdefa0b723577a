// error: 6: argument 'size' of constructor of extern 'counter'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    counter(CounterType.packets, 8) c;
    apply {}
}

#include "shared/main.p4"
