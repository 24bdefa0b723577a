// error: 4: a tuple cannot hold extern packet_in
#include "shared/types.p4"

struct s { tuple<packet_in> t; }

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
