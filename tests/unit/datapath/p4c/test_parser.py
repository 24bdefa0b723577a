from dataclasses import fields, is_dataclass

import pytest

from datapath.p4c import syntax as s
from datapath.p4c.parser import parse_text
from datapath.p4c.source import CompileError, Diagnostics


def parse(text: str) -> list[s.Decl]:
    diagnostics = Diagnostics()
    program = parse_text(text, "t.p4", diagnostics)
    diagnostics.check()
    return program.decls


def body(stmts: str, before: str = "struct T { bit<8> a; } ") -> list[s.Stmt]:
    decl = parse(f"{before} control c() {{ apply {{ {stmts} }} }}")[-1]
    assert isinstance(decl, s.ControlDecl)
    return decl.body.stmts


def expr(text: str) -> str:
    (stmt,) = body(f"x = {text};")
    assert isinstance(stmt, s.AssignStmt)
    return show(stmt.right)


def show(node: object) -> str:
    """Return an expression or type with all its parentheses."""
    match node:
        case s.IntLit(value=v, width=w, signed=signed):
            return str(v) if w is None else f"{w}{'s' if signed else 'w'}{v}"
        case s.BoolLit(value=b):
            return str(b).lower()
        case s.StringLit(value=v):
            return repr(v)
        case s.Name(name=n, absolute=a):
            return "." * a + n
        case s.TypeExpr(ref=r):
            return show(r)
        case s.MemberExpr(base=b, name=n):
            return f"{show(b)}.{n}"
        case s.IndexExpr(base=b, index=i):
            return f"{show(b)}[{show(i)}]"
        case s.SliceExpr(base=b, hi=h, lo=lo, plus=p):
            return f"{show(b)}[{show(h)}{' +: ' if p else ':'}{show(lo)}]"
        case s.UnaryExpr(op=op, operand=e):
            return f"({op}{show(e)})"
        case s.BinaryExpr(op=op, left=a, right=b):
            return f"({show(a)} {op} {show(b)})"
        case s.MuxExpr(cond=c, then=a, other=b):
            return f"({show(c)} ? {show(a)} : {show(b)})"
        case s.CastExpr(ref=r, operand=e):
            return f"(({show(r)}) {show(e)})"
        case s.ListExpr(items=items, rest=rest):
            return "{" + ", ".join([*map(show, items), *["..."] * rest]) + "}"
        case s.StructExpr(items=items, rest=rest):
            return "{" + ", ".join([*(f"{k}={show(v)}" for k, v in items), *["..."] * rest]) + "}"
        case s.InvalidExpr():
            return "{#}"
        case s.DontCare():
            return "_"
        case s.DefaultExpr():
            return "default"
        case s.CallExpr(callee=c, type_args=t, args=args):
            types = f"<{', '.join(map(show, t))}>" if t else ""
            return f"{show(c)}{types}({', '.join(map(show, args))})"
        case s.Argument(value=v, name=n):
            return f"{n}={show(v)}" if n else show(v)
        case s.NamedType(name=n, absolute=a, args=args):
            return "." * a + n + (f"<{', '.join(map(show, args))}>" if args else "")
        case s.BaseType(name=n):
            return n
        case s.WidthType(name=n, width=w):
            return f"{n}<{show(w)}>"
        case s.StackTypeRef(elem=e, size=i):
            return f"{show(e)}[{show(i)}]"
        case s.TupleTypeRef(name=n, args=args):
            return f"{n}<{', '.join(map(show, args))}>"
    raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a & b == c", "((a & b) == c)"),
        ("a == b | c", "(a == (b | c))"),
        ("a | b ^ c & d << e", "(a | (b ^ (c & (d << e))))"),
        ("a < b == c > d", "((a < b) == (c > d))"),
        ("a ++ b + c ++ 2w1", "(((a ++ b) + c) ++ 2w1)"),
        ("a |+| b |-| c", "((a |+| b) |-| c)"),
        ("a || b && c || d", "((a || (b && c)) || d)"),
        ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
        ("!a && ~b == -c", "((!a) && ((~b) == (-c)))"),
        ("- - +a", "(-(-(+a)))"),
        ("a >> b > c", "((a >> b) > c)"),
        ("a > b >= c", "((a > b) >= c)"),
        ("(bit<8>) a + b", "(((bit<8>) a) + b)"),
        ("(T) - a", "((T) (-a))"),
        ("(t) - a", "(t - a)"),
        ("(T)(T)a.b[1]", "((T) ((T) a.b[1]))"),
        ("(T){1, 2}", "((T) {1, 2})"),
        ("(bit<(1 << 3)>) a", "((bit<(1 << 3)>) a)"),
        ("(tuple<bit<8>, T<bit<2>>>) a", "((tuple<bit<8>, T<bit<2>>>) a)"),
        ("(error) a", "((error) a)"),
        ("(error.NoMatch)", "error.NoMatch"),
        ("error.X == e", "(error.X == e)"),
        ("a.b.c(1).d", "a.b.c(1).d"),
        ("a[1][b:c][2 +: 3]", "a[1][b:c][2 +: 3]"),
        ("f<bit<8>, T>(a)", "f<bit<8>, T>(a)"),
        ("a.f<T>(b)", "a.f<T>(b)"),
        ("f<list<tuple<bit<1>>>>(b)", "f<list<tuple<bit<1>>>>(b)"),
        ("a < b && c > (d)", "((a < b) && (c > d))"),
        ("a < b", "(a < b)"),
        ("a < (b) > c", "((a < b) > c)"),
        ("f(x = 1, y = _)", "f(x=1, y=_)"),
        ("f(_, a, {})", "f(_, a, {})"),
        ("{a, {b, ...}, ...}", "{a, {b, ...}, ...}"),
        ("{a = 1, b = {c = 2}, ...}", "{a=1, b={c=2}, ...}"),
        ("{1, 2, }", "{1, 2}"),
        ("{a = 1, }", "{a=1}"),
        ("{#}", "{#}"),
        ("...", "default"),
        (".g.x + .f(1)", "(.g.x + .f(1))"),
        ("h.apply.key.type.state", "h.apply.key.type.state"),
        ("this.f()", "this.f()"),
        ("T.A", "T.A"),
        ("T<bit<8>>(1)", "T<bit<8>>(1)"),
        ('"a" ++ "b"', "('a' ++ 'b')"),
        ("8w5[3:0] ++ 4s1", "(8w5[3:0] ++ 4s1)"),
        ("true != false", "(true != false)"),
        ("((((a))))", "a"),
        ("h.a < 5 ? 1 : 2", "((h.a < 5) ? 1 : 2)"),
    ],
)
def test_expression(text: str, out: str) -> None:
    assert expr(text) == out


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("T x;", "VarDecl"),
        ("T x = y;", "VarDecl"),
        ("Unknown x;", "VarDecl"),
        ("T<bit<8>> x;", "VarDecl"),
        ("T[4] x;", "VarDecl"),
        ("T<bit<8>>[4] x;", "VarDecl"),
        (".T x;", "VarDecl"),
        ("bit<8>[2] x;", "VarDecl"),
        ("error e = error.NoError;", "VarDecl"),
        ("tuple<T, T> x;", "VarDecl"),
        ("list<T> x = {};", "VarDecl"),
        ('@name("y") T x;', "VarDecl"),
        ("T(1, {2}) x;", "InstanceDecl"),
        ("T<bit<8>>(1) x;", "InstanceDecl"),
        ("const bit<8> x = 1;", "ConstDecl"),
        ("T x = (T)y; ", "VarDecl"),
        ("T key;", "VarDecl"),
        ("T type;", "VarDecl"),
    ],
)
def test_declaration_among_statements(text: str, kind: str) -> None:
    (stmt,) = body(text)
    assert isinstance(stmt, s.DeclStmt)
    assert type(stmt.decl).__name__ == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x = 1;", "AssignStmt"),
        ("x[3:0] = 1;", "AssignStmt"),
        ("x[2].a.b = 1;", "AssignStmt"),
        ("key = 1;", "AssignStmt"),
        ("f(1);", "CallStmt"),
        ("f<T>(1);", "CallStmt"),
        ("a.b[1].f<bit<8>>(1);", "CallStmt"),
        ("t.apply();", "CallStmt"),
        ("C.apply(h);", "CallStmt"),
        (".f(1);", "CallStmt"),
        ("T<bit<8>>.apply(h);", "CallStmt"),
        ("apply(h);", "CallStmt"),
        ("{ }", "Block"),
        ("@x { }", "Block"),
        (";", "EmptyStmt"),
        ("return;", "ReturnStmt"),
        ("return x + 1;", "ReturnStmt"),
        ("exit;", "ExitStmt"),
        ("break;", "BreakStmt"),
        ("continue;", "ContinueStmt"),
        ("if (a) b = 1;", "IfStmt"),
        ("switch (a) { 1: 2: { } default: { } }", "SwitchStmt"),
        ("for (;a;) {}", "ForStmt"),
        ("for (T i = 0, T j = 1; i < j; i = i + 1, f(j)) {}", "ForStmt"),
        ("for (x = 0; x < 2; x += 1) x = 1;", "ForStmt"),
        ("for (T i in a .. b) {}", "ForInStmt"),
        ("for (@x T i in h.stack) {}", "ForInStmt"),
        ("for (i in {1, 2}) {}", "ForInStmt"),
    ],
)
def test_statement(text: str, kind: str) -> None:
    (stmt,) = body(text)
    assert type(stmt).__name__ == kind


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "|+|", "|-|"])
def test_compound_assignment(op: str) -> None:
    (stmt,) = body(f"x.y {op}= 2;")
    assert isinstance(stmt, s.AssignStmt)
    assert (stmt.op, show(stmt.right)) == (op, "2")


def test_dangling_else_belongs_to_the_nearest_if() -> None:
    (stmt,) = body("if (a) if (b) ; else x = 1; else ;")
    assert isinstance(stmt, s.IfStmt)
    assert isinstance(stmt.then, s.IfStmt)
    assert isinstance(stmt.then.other, s.AssignStmt)
    assert isinstance(stmt.other, s.EmptyStmt)


def test_else_if_chain() -> None:
    (stmt,) = body("if (a) ; else if (b) ; else if (c) ; else x = 1;")
    depth = 0
    while isinstance(stmt, s.IfStmt):
        assert stmt.other
        stmt, depth = stmt.other, depth + 1
    assert depth == 3


def test_switch_labels_fall_through() -> None:
    (stmt,) = body("switch (t.apply().action_run) { a: b: { x = 1; } default: { } }")
    assert isinstance(stmt, s.SwitchStmt)
    assert [(show(c.label), c.body is None) for c in stmt.cases] == [("a", True), ("b", False), ("default", False)]


def test_a_variable_hides_a_type() -> None:
    first, second = body("{ bit<8> T; x = (T) - 1; } x = (T) - 1;")
    assert isinstance(first, s.Block)
    assert isinstance(first.stmts[1], s.AssignStmt)
    assert isinstance(second, s.AssignStmt)
    assert show(first.stmts[1].right) == "(T - 1)"
    assert show(second.right) == "((T) (-1))"


def test_type_parameters_are_types_where_they_are_in_scope() -> None:
    first, second = parse("T f<T>(in T a) { return (T) -a; } bit<8> g(in bit<8> T) { return (T) -1; }")
    assert isinstance(first, s.FunctionDecl)
    assert isinstance(second, s.FunctionDecl)
    assert [show(f.body.stmts[0].value) for f in (first, second) if isinstance(f.body.stmts[0], s.ReturnStmt)] == [
        "((T) (-a))",
        "(T - 1)",
    ]


def test_types() -> None:
    text = """struct S { bit a; bit<8> b; int<(2 * N)> c; varbit<32> d; bool e; error f; .G g; G<bit<8>, _>[3][2] h;
        tuple<bit<8>, tuple<>> i; list<G<G<bit>>> j; string k; int l; match_kind m; }"""
    (decl,) = parse(text)
    assert isinstance(decl, s.StructDecl)
    assert [show(f.ref) for f in decl.fields] == [
        "bit<1>", "bit<8>", "int<(2 * N)>", "varbit<32>", "bool", "error", ".G", "G<bit<8>, _>[3][2]",
        "tuple<bit<8>, tuple<>>", "list<G<G<bit<1>>>>", "string", "int", "match_kind",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("header H { } struct S<T> { T a; } header_union U { H h; }", "StructDecl StructDecl StructDecl"),
        ("enum E { A, B } enum bit<8> F { A = 1, B = 2, } enum T G { A = 1 }", "EnumDecl EnumDecl EnumDecl"),
        ("error { A, B } match_kind { m }", "ErrorDecl MatchKindDecl"),
        ("typedef bit<8> T; type T U; typedef H[3] V;", "TypedefDecl TypedefDecl TypedefDecl"),
        ("typedef struct S { } T;", "StructDecl TypedefDecl"),
        ("const bit<8> A = 1; ; ;", "ConstDecl"),
        ("extern E { E(); abstract T f(in T a); @x void g<T>(out T b); } extern void h(); extern X y<X>(in X a = 1);",
         "ExternDecl MethodDecl MethodDecl"),
        ("extern E<T, U> { } extern F; extern F { }", "ExternDecl ExternDecl"),
        ("parser P<T>(in T a); control C(); package K<T>(P<T> p, C c = d());", "ParserTypeDecl " * 3),
        ("parser P(in T a)(bit<8> n) { state start { } }", "ParserDecl"),
        ("control C<T>(in T a)(bit<8> n) { apply { } }", "ControlDecl"),
        ("action a(in T x, T y) { }", "ActionDecl"),
        ("void f() { } T<U> g<U>(inout U a) { return a; } bit<8> h(in T a) { return 1; }", "FunctionDecl " * 3),
        ("K(P(), C()) main; @x K<bit<8>>() k; E() e = { void f() { } };", "InstanceDecl " * 3),
    ],
)  # fmt: skip
def test_top_level(text: str, kinds: str) -> None:
    assert [type(d).__name__ for d in parse(text)] == kinds.split()


def test_soft_keywords_are_names() -> None:
    text = """struct S { bit<8> apply; bit<8> key; bit<8> actions; bit<8> state; bit<8> entries; bit<8> type;
        bit<8> list; bit<8> priority; } enum E { key, type }"""
    decl, enum = parse(text)
    assert isinstance(decl, s.StructDecl)
    assert isinstance(enum, s.EnumDecl)
    assert len(decl.fields) == 8
    parse("parser P(inout S state) { bit<8> type; state state { state.key = 1; transition accept; } }")
    parse("control c(inout S key) { bit<8> entries = 1; apply { key.type = entries; if (key.apply == 1) ; } }")


def test_parser_states() -> None:
    text = """struct T { } parser P(packet_in b, out H h) { value_set<T>(4) vs; bit<8> x = 1; Sub() sub;
      state start { bit<8> y; b.extract(h.a); sub.apply(b); transition select(h.a.x, (T)y) {
        (1, 2): a; (1 &&& 2, 3 .. 4): b; (_, default): a; (x + 1) : a; (bit<8>)1: b; vs: a; default: reject;
        _: b; 5: a; } }
      @n state a { if (x == 1) { x = 2; } transition accept; } state b { } }"""
    decl = parse(text)[-1]
    assert isinstance(decl, s.ParserDecl)
    assert [type(d).__name__ for d in decl.locals] == ["ValueSetDecl", "VarDecl", "InstanceDecl"]
    assert [d.name for d in decl.states] == ["start", "a", "b"]
    select = decl.states[0].next
    assert isinstance(select, s.Select)
    assert [[show(k) for k in c.keys] for c in select.cases] == [
        ["1", "2"], ["(1 &&& 2)", "(3 .. 4)"], ["_", "default"], ["(x + 1)"], ["((bit<8>) 1)"], ["vs"], ["default"],
        ["_"], ["5"],
    ]  # fmt: skip
    assert decl.states[1].next == "accept"
    assert decl.states[2].next is None


def test_table() -> None:
    text = """control c() { @name("tt") table t {
        key = { h.a : exact @name("x"); f(x) & 1 : ternary; }
        actions = { a; @tableonly b(x, 1); .NoAction; @defaultonly c(); }
        const default_action = a(1);
        size = 1024; @opt implementation = ap(HashAlgorithm.crc16, 4); counters = ctr;
        const entries = { (1, 2 &&& 3) : a(1) @note; const priority = 10 : (_, 5) : b();
          priority = (2 + 3): (1..2, _): a; }
        } apply { } }"""
    (decl,) = parse(text)
    assert isinstance(decl, s.ControlDecl)
    (table,) = decl.locals
    assert isinstance(table, s.TableDecl)
    assert table.keys
    assert table.actions
    assert table.entries
    assert [(show(k.expr), k.kind, len(k.annotations)) for k in table.keys] == [
        ("h.a", "exact", 1),
        ("(f(x) & 1)", "ternary", 0),
    ]
    assert [(a.name, a.absolute, None if a.args is None else len(a.args)) for a in table.actions] == [
        ("a", False, None), ("b", False, 2), ("NoAction", True, None), ("c", False, 0),
    ]  # fmt: skip
    assert [(p.name, p.const, show(p.value)) for p in table.properties] == [
        ("default_action", True, "a(1)"), ("size", False, "1024"),
        ("implementation", False, "ap(HashAlgorithm.crc16, 4)"), ("counters", False, "ctr"),
    ]  # fmt: skip
    assert table.entries_const
    found = [
        ([show(k) for k in e.keys], e.action.name, e.priority and show(e.priority), e.const) for e in table.entries
    ]
    assert found == [
        (["1", "(2 &&& 3)"], "a", None, False),
        (["_", "5"], "b", "10", True),
        (["(1 .. 2)", "_"], "a", "(2 + 3)", False),
    ]


def test_annotations() -> None:
    text = """@a @b() @name("x.y") @c(1, "s", T) @d[k = 1, l = "m"] @e[1, 2] @f(any $ @ [ thing } (1)) @g("", bit<8>)
        @pragma opt one two
        struct S { @h bit<8> x; }""".replace("$", "%")
    (decl,) = parse(text)
    assert isinstance(decl, s.StructDecl)
    by_name = {a.name: a for a in decl.annotations}
    assert list(by_name) == ["a", "b", "name", "c", "d", "e", "f", "g", "opt"]
    assert [show(a) for a in by_name["c"].args] == ["1", "'s'", "T"]
    assert {k: show(v) for k, v in by_name["d"].kv.items()} == {"k": "1", "l": "'m'"}
    assert [show(a) for a in by_name["e"].args] == ["1", "2"]
    assert by_name["f"].tokens[:3] == ["any", "%", "@"]
    assert by_name["f"].args == []
    assert [show(a) for a in by_name["g"].args] == ["''", "bit<8>"]
    assert by_name["opt"].tokens == ["one", "two"]
    assert decl.fields[0].annotations[0].name == "h"


def test_parameters() -> None:
    (decl,) = parse("extern void f(in T a, out U<T> b, inout bit<8> c, @optional in T d, T e = 3);")
    assert isinstance(decl, s.MethodDecl)
    found = [(p.direction, show(p.ref), p.name, p.default and show(p.default), len(p.annotations)) for p in decl.params]
    assert found == [
        ("in", "T", "a", None, 0), ("out", "U<T>", "b", None, 0), ("inout", "bit<8>", "c", None, 0),
        ("in", "T", "d", None, 1), ("", "T", "e", "3", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["core.p4", "v1model.p4", "pna.p4"])
def test_standard_includes(name: str) -> None:
    assert len(parse(f"#include <{name}>\n#include <{name}>")) > 5


@pytest.mark.parametrize(("version", "params"), [("20180101", 0), ("20200408", 1)])
def test_v1model_has_two_versions(version: str, params: int) -> None:
    decls = parse(f"#define V1MODEL_VERSION {version}\n#include <v1model.p4>")
    (counter,) = [d for d in decls if isinstance(d, s.ExternDecl) and d.name == "counter"]
    assert len(counter.type_params) == params


def test_every_node_has_a_place() -> None:
    def walk(node: object) -> None:
        if isinstance(node, list | tuple):
            for item in node:
                walk(item)
        elif is_dataclass(node) and isinstance(node, s.Node):
            assert node.pos.line > 0, node
            for f in fields(node):
                walk(getattr(node, f.name))

    walk(parse("#include <v1model.p4>\n#include <pna.p4>"))


# ---- wrong programs ----

WRONG = [
    ("const bit<8> x = 1\nconst bit<8> y = 2;", 1, "expected ';' after the value of 'x', found 'const'"),
    ("const bit<8> x;", 1, "it needs a value, found ';'"),
    ("const x = 1;", 1, "expected the name of the constant, found '='"),
    ("header H {\n bit<8> a\n bit<8> b;\n}", 2, "expected ';' after field 'a', found 'bit'"),
    ("header H\n bit<8> a; }", 2, "expected '{' to begin header 'H', found 'bit'"),
    ("header { bit<8> a; }", 1, "expected the name of the header, found '{'"),
    ("struct S { bit<8> table; }", 1, "expected the name of a field, found 'table'"),
    ("struct S { bit<8> a;", 1, "struct 'S' has no '}'"),
    ("struct S { foo; }", 1, "expected the name of a field, found ';'"),
    ("struct S { 5 a; }", 1, "expected the type of a field, found '5'"),
    ("struct S { bit<N> a; }", 1, "a width that is an expression must be in parentheses, found 'N'"),
    ("struct S { bit<8 a; }", 1, "expected '>' after the width of bit, found 'a'"),
    ("struct S { varbit a; }", 1, "expected '<' after varbit"),
    ("struct S { bit<-1> a; }", 1, "expected a width, found '-'"),
    ("struct S { H[4 a; }", 1, "expected ']' after the size of an array type, found 'a'"),
    ("enum E { A B }", 1, "expected ',' or '}' after 'A', found 'B'"),
    ("enum bit<8> { A = 1 }", 1, "expected the name of the enum, found '{'"),
    ("enum E { A, 3 }", 1, "expected the name of a member of the enum, found '3'"),
    ("error { A; }", 1, "expected ',' or '}' after 'A', found ';'"),
    ("typedef bit<8>;", 1, "expected the name of the new type, found ';'"),
    ("typedef bit<8> a", 1, "expected ';' after type 'a', found the end of the program"),
    ("bit<8> x = 1;", 1, "variable 'x' cannot stand at the top level"),
    ("}", 1, "expected a declaration, found '}'"),
    ("if (a) { }", 1, "expected a declaration, found 'if'"),
    ("extern void f(in bit<8> a)\nextern void g();", 1, "expected ';' after extern function 'f', found 'extern'"),
    ("extern E { void f() }", 1, "expected ';' after method 'f', found '}'"),
    ("extern void f(in bit<8>);", 1, "expected the name of a parameter, found ')'"),
    ("extern void f(bit<8> a bit<8> b);", 1, "expected ',' or ')' after parameter 'a', found 'bit'"),
    ("extern void f(bit<8> a,);", 1, "expected a parameter, found ')'"),
    ("extern void f<(in T a);", 1, "expected the name of a type parameter, found '('"),
    ("package P() { }", 1, "expected ';' after package 'P', found '{'"),
    ("control c() { }", 1, "expected 'apply' in control 'c': a control needs an apply block, found '}'"),
    ("control c() {\n apply { }\n x = 1;\n}", 3, "expected '}' after the apply block of control 'c', found 'x'"),
    ("control c() { apply {", 1, "the apply block of control 'c' has no '}'"),
    ("control c() {\n x = 1;\n apply { } }", 2, "expected an action, a table, a declaration or the apply block"),
    ("control c() { action a { } apply { } }", 1, "expected '(' before the parameters of action 'a', found '{'"),
    ("control c() { apply {\n x = 1\n} }", 2, "expected ';' after the assignment, found '}'"),
    ("control c() { apply {\n f(1)\n g(2); } }", 2, "expected ';' after the call, found 'g'"),
    ("control c() { apply { f(1 2); } }", 1, "expected ',' or ')' after an argument, found '2'"),
    ("control c() { apply { f(1,); } }", 1, "expected an argument, found ')'"),
    ("control c() { apply { x = ; } }", 1, "expected an expression, found ';'"),
    ("control c() { apply { x = a + ; } }", 1, "expected an expression, found ';'"),
    ("control c() { apply { x = (a; } }", 1, "expected ')' to close the parenthesis, found ';'"),
    ("control c() { apply { x = a[1; } }", 1, "expected ']' after the index, found ';'"),
    ("control c() { apply { x = a ? b; } }", 1, "expected ':' between the two values of '?', found ';'"),
    ("control c() { apply { x = {a b}; } }", 1, "expected '}' after the list, found 'b'"),
    ("control c() { apply { x = a.1; } }", 1, "expected a name after '.', found '1'"),
    ("control c() { apply { x = bit<8>; } }", 1, "expected an expression, found the type 'bit'"),
    ("control c() { apply { x = 8w; } }", 1, "'8w' is not a number"),
    ("control c() { apply { x = 0b12; } }", 1, "'0b12' is not a number"),
    ("control c() { apply { x; } }", 1, "expected '=' or '(' to make a statement, found ';'"),
    ("control c() { apply { f() = 1; } }", 1, "this cannot be assigned to"),
    ("control c() { apply { 5 = x; } }", 1, "expected a statement, found '5'"),
    ("control c() { apply { if a { } } }", 1, "expected '(' after if, found 'a'"),
    ("control c() { apply { if (a { } } }", 1, "expected ')' after the condition, found '{'"),
    ("control c() { apply { else { } } }", 1, "'else' without an 'if' before it"),
    ("control c() { apply { if (a) } }", 1, "expected a statement, found '}'"),
    ("control c() { apply { exit } }", 1, "expected ';' after exit, found '}'"),
    ("control c() { apply { return 1 } }", 1, "expected ';' after return, found '}'"),
    ("control c() { apply { switch (a) { 1 { } } } }", 1, "expected ':' after the label of a case, found '{'"),
    ("control c() { apply { switch a { } } }", 1, "expected '(' after switch, found 'a'"),
    ("control c() { apply { for (i = 0; i < 3) { } } }", 1, "expected ';' after the loop's condition, found ')'"),
    ("control c() { apply { bit<8> = 1; } }", 1, "expected the name of the variable, found '='"),
    ("control c() { apply { bit<8> x 1; } }", 1, "expected ';' after variable 'x', found '1'"),
    ("control c() { apply { @a x = 1; } }", 1, "an annotation cannot stand before 'x'"),
    ("control c() { apply { table t { } } }", 1, "expected a statement, found 'table'"),
    ("control c() { table t { key { a: exact; } } apply { } }", 1, "expected '=' after property 'key', found '{'"),
    ("control c() { table t { key = a; } apply { } }", 1, "expected '{' to begin property 'key', found 'a'"),
    ("control c() { table t { key = { a exact; } } apply { } }", 1, "expected ':' after the expression of the key"),
    ("control c() { table t { key = { a: exact } } apply { } }", 1, "expected ';' after the key field, found '}'"),
    ("control c() { table t { key = { a: ; } } apply { } }", 1, "expected the name of a match kind, found ';'"),
    ("control c() { table t { actions = { a, b } } apply { } }", 1, "expected ';' after action 'a', found ','"),
    ("control c() { table t { size = 5 } apply { } }", 1, "expected ';' after property 'size', found '}'"),
    ("control c() { table t { const key = { } } apply { } }", 1, "property 'key' cannot be const"),
    ("control c() { table t { key = { } key = { } } apply { } }", 1, "table 't' has two properties 'key'"),
    ("control c() { table t { entries = { 1 a; } } apply { } }", 1, "expected ':' after the keys of the entry"),
    ("control c() { table t { entries = { priority = x: 1: a; } } apply { } }", 1, "expected the priority, found 'x'"),
    ("parser P() { state start { transition } }", 1, "expected the name of the next state, found '}'"),
    ("parser P() { state start { transition accept } }", 1, "expected ';' after the next state, found '}'"),
    ("parser P() { state start {\n transition accept;\n x = 1;\n} }", 3, "expected '}' after the transition of state"),
    ("parser P() { state { } }", 1, "expected a state or a declaration, found 'state'"),
    ("parser P() { state s { transition select(a) { 1: } } }", 1, "expected the name of the next state, found '}'"),
    ("parser P() { state s { transition select(a) { 1 accept; } } }", 1, "expected ':' after the label of the case"),
    ("parser P() { state s { transition select a { } } }", 1, "expected '(' after select, found 'a'"),
    ("parser P() { value_set(4) v; }", 1, "expected '<' after value_set, found '('"),
    ("@ 5 struct S { }", 1, "expected the name of an annotation after '@'"),
    ("@a(1 struct S { }", 1, "the body of the annotation is not closed"),
    ("@a[k = 1, k = 2] struct S { }", 1, "key 'k' is there twice"),
    ('const string s = "abc;\n', 1, "the string is not closed on its line"),
    ("control c() { apply { x = (U) y; } }", 1, "'U' is not a type, so this is not a cast"),
    ("P(1) ;", 1, "expected the name of the instance, found ';'"),
    ("bit<8> f(in bit<8> a) return a; }", 1, "expected '{' to begin function 'f', found 'return'"),
]


@pytest.mark.parametrize(("text", "line", "message"), WRONG)
def test_wrong_program(text: str, line: int, message: str) -> None:
    with pytest.raises(CompileError) as caught:
        parse(f"\n\n{text}")
    first = caught.value.messages[0]
    assert message in first.text
    assert first.pos.line == line + 2
    assert f"t.p4:{line + 2}:" in str(first)


def test_many_errors_of_one_run() -> None:
    text = """header H { bit<8> a bit<8> b; bit<8> 5; }
control c() {
  action a() { x = ; y = 1; z = ; }
  table t { key = { a exact; } size = ; }
  apply { if (a { } f(1; }
}
const bit<8> x 1;
struct S { bit<8> a; }
"""
    diagnostics = Diagnostics()
    program = parse_text(text, "t.p4", diagnostics)
    assert [m.pos.line for m in diagnostics.messages] == [1, 1, 3, 3, 4, 4, 5, 5, 7]
    assert [d.name for d in program.decls] == ["H", "c", "S"]


def test_too_many_errors_end_it() -> None:
    with pytest.raises(CompileError) as caught:
        parse_text("const ;\n" * 100, "t.p4", Diagnostics())
    assert len(caught.value.messages) == 20


def test_message_shows_the_line_with_a_caret() -> None:
    diagnostics = Diagnostics()
    parse_text("control c() { apply { x = a b; } }", "t.p4", diagnostics)
    assert str(diagnostics.messages[0]) == (
        "t.p4:1:29: error: expected ';' after the assignment, found 'b'\n"
        "  control c() { apply { x = a b; } }\n"
        "                              ^"
    )


def test_a_keyword_as_a_name_has_a_note() -> None:
    diagnostics = Diagnostics()
    parse_text("struct S { bit<8> in; }", "t.p4", diagnostics)
    assert diagnostics.messages[0].hint == "'in' is a keyword"


@pytest.mark.parametrize(
    "text",
    [
        "const bit<8> x = " + "(" * 5000 + "1" + ")" * 5000 + ";",
        "const bit<8> x = " + "-" * 5000 + "1;",
        "const bit<8> x = " + "(bit<8>)" * 5000 + "1;",
        "const bit<8> x = " + "{" * 5000,
        "const bit<8> x = " + "a[" * 5000,
        "const bit<8> x = " + "a ? b : " * 5000 + "c;",
        "const " + "tuple<" * 5000,
        "const bit<8> x = " + "a < b<" * 5000,
        "const bit<8> x = " + "f<bit<(" * 3000,
        "control c() { apply { " + "{" * 5000,
        "control c() { apply { " + "if (a) " * 5000,
        "control c() { apply { " + "if (a) ; else " * 5000,
        "control c() { apply { " + "switch (a) { 1: {" * 5000,
        "const bit<8> x = 1" + " + 1" * 5000 + ";",
        "const bit<8> x = a" + ".b" * 5000 + ";",
        "struct S { H" + "[1]" * 5000 + " a; }",
    ],
)
def test_nesting_has_a_limit(text: str) -> None:
    with pytest.raises(CompileError, match=r"nested more than|in a row|of one if|expected"):
        parse(text)
