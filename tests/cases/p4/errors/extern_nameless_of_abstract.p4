// error: 6: has abstract methods: an instance must define them
#include "shared/types.p4"

extern E { E(); abstract bit<8> f(); }
package Pk(E e);
Pk(E()) x;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
