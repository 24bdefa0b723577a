// A key of type error, with entries.
#include "../include/one.p4"

INGRESS {
    action s(bit<8> v) { hdr.h.a = v; }
    table t {
        key = { sm.parser_error : exact; }
        actions = { s; NoAction; }
        const entries = {
            error.NoError : s(9);
            error.PacketTooShort : s(8);
        }
        default_action = NoAction();
    }

    apply {
        t.apply();
    }
}

MAIN
