// error: 8: label of 'switch': expected bit<8>, got bool
#include "shared/types.p4"
#include "shared/parser.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    apply {
        switch (meta.x) {
            true: {}
        }
    }
}

#include "shared/main.p4"
