// error: 7: the width of 3 is not known here
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        switch (3) {
            default: {}
        }
    }
}

#include "shared/main.p4"
