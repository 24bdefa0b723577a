// The last value of egress_spec wins; without any, the packet leaves by port 0.
#include "../include/one.p4"

INGRESS {
    apply {
        if (hdr.h.a != 0) {
            sm.egress_spec = 1;
            if (hdr.h.a == 2)
                sm.egress_spec = sm.egress_spec + 8;
        }
    }
}

MAIN
