// Variables of type error are assigned and compared.
#include "../include/one.p4"

INGRESS {
    apply {
        error e = error.NoMatch;
        if (e != sm.parser_error && sm.parser_error == error.NoError) {
            hdr.h.a = 7;
        }
        e = sm.parser_error;
        if (e == error.NoError) hdr.h.b = 7;
    }
}

MAIN
