// error: 4: package 'Mine' is not supported
#include <core.p4>
package Mine(bit<8> n);
Mine(3) main;
