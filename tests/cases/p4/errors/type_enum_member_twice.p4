// error: 4: member 'A' of enum 'E' is declared twice
#include "shared/types.p4"

enum E { A, B, A }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
