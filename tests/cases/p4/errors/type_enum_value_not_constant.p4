// error: 5: not a constant
#include "shared/types.p4"

extern bit<8> f();
enum bit<8> E { A = f() }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
