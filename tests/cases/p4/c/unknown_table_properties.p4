// Annotations on keys and actions, computed size, properties that nobody knows.
#include "../include/one.p4"

INGRESS {
    action s() { hdr.h.b = 8; }
    table t {
        key = { hdr.h.a : exact @name("key") @other; }
        actions = { @anno s(); NoAction(); }
        size = 16 * 4;
        default_action = s;
        @hidden support_timeout = true;
        custom_prop = 5;
        const other_prop = "x";
    }

    apply {
        t.apply();
    }
}

MAIN
