// assert, assume and log_msg that do nothing to the packet.
#include "../include/one.p4"

INGRESS {
    apply {
        assert(hdr.h.isValid());
        assume(hdr.h.a == 1);
        log_msg("a {} b {}", {hdr.h.a, hdr.h.b});
        log_msg("hi");
        hdr.h.a = 6;
    }
}

MAIN
