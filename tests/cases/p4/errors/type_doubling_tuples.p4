// error: 20: the type has more than 200000 fields
#include "shared/types.p4"

typedef tuple<bit<8>, bit<8>> t0;
typedef tuple<t0, t0> t1;
typedef tuple<t1, t1> t2;
typedef tuple<t2, t2> t3;
typedef tuple<t3, t3> t4;
typedef tuple<t4, t4> t5;
typedef tuple<t5, t5> t6;
typedef tuple<t6, t6> t7;
typedef tuple<t7, t7> t8;
typedef tuple<t8, t8> t9;
typedef tuple<t9, t9> t10;
typedef tuple<t10, t10> t11;
typedef tuple<t11, t11> t12;
typedef tuple<t12, t12> t13;
typedef tuple<t13, t13> t14;
typedef tuple<t14, t14> t15;
typedef tuple<t15, t15> t16;

#include "shared/parser.p4"
#include "shared/ingress.p4"
#include "shared/main.p4"
