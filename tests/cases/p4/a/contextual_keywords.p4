// key, actions, entries, state, type and priority are names of variables.
#include "../include/one.p4"

INGRESS {
    apply {
        bit<8> key = 1;
        bit<8> actions = 2;
        bit<8> entries = 3;
        bit<8> state = 4;
        bit<8> type = 5;
        bit<8> lis = 6;
        bit<8> priority = 7;
        hdr.h.a = key + actions + entries + type + lis + priority + state;
    }
}

MAIN
