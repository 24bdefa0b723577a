// error: 9: label 1 appears twice
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        switch (meta.x) {
            1: {}
            1: {}
        }
    }
}

#include "shared/main.p4"
