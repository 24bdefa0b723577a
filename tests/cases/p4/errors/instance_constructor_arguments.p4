// error: 6: constructor of extern 'counter': no argument for 'type'
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    counter(8) c;
    apply {}
}

#include "shared/main.p4"
