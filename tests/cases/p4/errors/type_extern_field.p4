// error: 4: cannot be of type extern packet_in
#include "shared/types.p4"

struct s { packet_in p; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
