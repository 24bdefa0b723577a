// error: 8: the program makes more than 10000 objects
#include "shared/types.p4"
#include "shared/parser.p4"

control C0(inout bit<8> v) { apply { v = v + 1; } }
control C1(inout bit<8> v) { C0() a; C0() b; apply { a.apply(v); b.apply(v); } }
control C2(inout bit<8> v) { C1() a; C1() b; apply { a.apply(v); b.apply(v); } }
control C3(inout bit<8> v) { C2() a; C2() b; apply { a.apply(v); b.apply(v); } }
control C4(inout bit<8> v) { C3() a; C3() b; apply { a.apply(v); b.apply(v); } }
control C5(inout bit<8> v) { C4() a; C4() b; apply { a.apply(v); b.apply(v); } }
control C6(inout bit<8> v) { C5() a; C5() b; apply { a.apply(v); b.apply(v); } }
control C7(inout bit<8> v) { C6() a; C6() b; apply { a.apply(v); b.apply(v); } }
control C8(inout bit<8> v) { C7() a; C7() b; apply { a.apply(v); b.apply(v); } }
control C9(inout bit<8> v) { C8() a; C8() b; apply { a.apply(v); b.apply(v); } }
control C10(inout bit<8> v) { C9() a; C9() b; apply { a.apply(v); b.apply(v); } }
control C11(inout bit<8> v) { C10() a; C10() b; apply { a.apply(v); b.apply(v); } }
control C12(inout bit<8> v) { C11() a; C11() b; apply { a.apply(v); b.apply(v); } }
control C13(inout bit<8> v) { C12() a; C12() b; apply { a.apply(v); b.apply(v); } }
control C14(inout bit<8> v) { C13() a; C13() b; apply { a.apply(v); b.apply(v); } }
control C15(inout bit<8> v) { C14() a; C14() b; apply { a.apply(v); b.apply(v); } }
control MyIngress(inout headers_t hdr, inout meta_t meta, inout standard_metadata_t sm) {
    C15() c;
    apply { c.apply(meta.x); }
}

#include "shared/main.p4"
