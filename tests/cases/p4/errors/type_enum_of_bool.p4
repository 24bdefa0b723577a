// error: 4: must be bit or int
#include "shared/types.p4"

enum bool E { A = true }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
