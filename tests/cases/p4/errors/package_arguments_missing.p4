// error: 5: no argument for 'ig', 'eg', 'ck', 'dep'
#include "shared/types.p4"
#include "shared/parser.p4"
#include "shared/ingress.p4"
V1Switch(MyParser(), MyIngress()) main;
