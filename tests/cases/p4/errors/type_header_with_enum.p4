// error: 5: cannot be of type Plain
#include "shared/types.p4"

enum Plain { A, B }
header h { Plain p; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
