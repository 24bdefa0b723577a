// error: 3: 'main' must be a package
#include "shared/types.p4"
counter(8, CounterType.packets) main;
