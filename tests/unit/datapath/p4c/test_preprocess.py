from pathlib import Path

import pytest

from datapath.p4c.preprocess import include_dir, preprocess
from datapath.p4c.source import CompileError, Diagnostics


def run(text: str, **defines: str) -> str:
    diagnostics = Diagnostics()
    tokens = preprocess((text, "t.p4"), (), defines, diagnostics)
    diagnostics.check()
    return " ".join(t.text for t in tokens)


def error(text: str) -> tuple[int, str]:
    with pytest.raises(CompileError) as caught:
        run(text)
    first = caught.value.messages[0]
    return first.pos.line, first.text


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("#define A 1\nA B", "1 B"),
        ("#define A B\n#define B C\nA", "C"),
        ("#define A 1\n#undef A\nA", "A"),
        ("#define A\n[A]", "[ ]"),
        ("#define F(x) x+x\nF(1)", "1 + 1"),
        ("#define F(x) x\nF F (2)", "F 2"),
        ("#define F(x, y) y x\nF((a, b), {c, d})", "{ c , d } ( a , b )"),
        ("#define F() 7\nF()", "7"),
        ("#define F(x) [x]\nF()", "[ ]"),
        ("#define F (x)\nF", "( x )"),
        ("#define F(x) G(x, 1)\n#define G(a, b) a b\nF(F(2))", "2 1 1"),
        ("#define A A B\nA", "A B"),
        ("#define A B\n#define B A\nA B", "A B"),
        ("#define F(x) F(x+1)\nF(1)", "F ( 1 + 1 )"),
        ('#define S(x) #x\nS(a + "b")', '"a + \\"b\\""'),
        ("#define J(a, b) a##b\nJ(x, 1) J(,y) J(z,)", "x1 y z"),
        ("#define J(a, b) a ## b ## _t\nJ(p, q)", "pq_t"),
        ("#define N 3\n#define J(a) a##N a\nJ(N)", "NN 3"),
        ("#define H(f) hdr.##f.x\nH(ip)", "hdr . ip . x"),
        ("#define V(a, ...) a(__VA_ARGS__)\nV(f, 1, 2) V(g)", "f ( 1 , 2 ) g ( )"),
        ("#define L a \\\n  b \\\n  c\nL d", "a b c d"),
        ("#define F(x) x\nF(\n1\n)", "1"),
        ("#define A 1 // one\nA", "1"),
        ("#define A /* a\nb */ 2\nA", "2"),
        ('#define A 1\n"A"', '"A"'),
        ("a // b\nc /* d\n# include <x>\n*/ e", "a c e"),
        ('"/*" a "*/"', '"/*" a "*/"'),
        ("__LINE__\n__LINE__ __FILE__", '1 2 "t.p4"'),
        ("#if 0\n@ ` ' \"\n#else\nx\n#endif", "x"),
        ("#ifdef X\na\n#elif defined(Y) || !defined Z\nb\n#else\nc\n#endif", "b"),
        ("#ifndef X\na\n#endif", "a"),
        ("#if 1\n#if 0\na\n#elif 1\nb\n#endif\n#else\nc\n#endif", "b"),
        ("#if 0\n#if 1\na\n#else\nb\n#endif\n#elif 1\nc\n#elif 1\nd\n#endif", "c"),
        ("#if (1 + 2 * 3 == 7) && (1 << 3) >> 1 == 4 && -7 / 2 == -3 && -7 % 2 == -1\nok\n#endif", "ok"),
        ("#if 1 ? 0 : 1\na\n#else\nb\n#endif", "b"),
        ("#if UNKNOWN || (0x10 > 15 && ~0 == -1)\nok\n#endif", "ok"),
        ("#define V 20200408\n#if V >= 20200408L\nnew\n#endif", "new"),
        ("#define F(x) x > 2\n#if F(3)\nok\n#endif", "ok"),
        ('#pragma anything\n#line 3\n# 12 "f"\nx', "x"),
        ("#\nx"[2:], "x"),
        ("  #  define A 5\nA", "5"),
        ("{#} x", "{#} x"),
    ],
)
def test_output(text: str, out: str) -> None:
    assert run(text) == out


def test_defines_from_outside() -> None:
    assert run("#if A > 2\nB\n#endif", A="3", B="x.y") == "x . y"
    assert run("#ifdef __p4c__\nyes\n#endif") == "yes"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a\n#include <nowhere.p4>", 2, "there is no file 'nowhere.p4' to include"),
        ("#include nothing", 1, "#include needs <file>"),
        ("\n#if 1\nx", 2, "this conditional has no #endif"),
        ("x\n#endif", 2, "#endif without #if"),
        ("#else\n", 1, "#else without #if"),
        ("#if 1\n#else\n#else\n#endif", 3, "#else after #else"),
        ("#ifdef\n#endif", 1, "#ifdef needs the name of a macro"),
        ("#if\n#endif", 1, "#if needs an expression"),
        ("#if 1 +\n#endif", 1, "the expression of #if ends too early"),
        ("#if 1 2\n#endif", 1, "unexpected '2'"),
        ("#if (1\n#endif", 1, "expected ')'"),
        ("#if 1 / 0\n#endif", 1, "division by zero"),
        ("#if 1 << 64\n#endif", 1, "shift by 64"),
        ("#if defined\n#endif", 1, "'defined' needs the name"),
        ("#if " + "(" * 99 + "1" + ")" * 99 + "\n#endif", 1, "nested more than 50 deep"),
        ("a\n#error no such target", 2, "#error no such target"),
        ("#bogus", 1, "unknown directive #bogus"),
        ("#define 3", 1, "#define needs a name"),
        ("#define F(a, 3) a", 1, "'3' cannot be a parameter"),
        ("#define F(a, a) a", 1, "'a' cannot be a parameter"),
        ("#define F(a", 1, "have no ')'"),
        ("#define defined 1", 1, "'defined' cannot be a macro"),
        ("#undef", 1, "#undef needs the name"),
        ("#define F(a, b) a\n\nF(1)", 3, "macro 'F' takes 2 arguments, 1 were given"),
        ("#define F(a) a\nF(1", 2, "the arguments of macro 'F' have no ')'"),
        ("a\n/* b\nc", 2, "the comment is not closed"),
        ("a \n 'x'", 2, "unexpected character"),
    ],
)
def test_errors(text: str, line: int, message: str) -> None:
    found = error(text)
    assert found[0] == line
    assert message in found[1]


def test_include_finds_the_neighbour_first_then_the_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "main.p4").write_text('#include "x.h"\n#include <x.h>\n#include "y.h"\nend')
    (tmp_path / "a" / "x.h").write_text("neighbour")
    (tmp_path / "b" / "x.h").write_text("path")
    (tmp_path / "b" / "y.h").write_text("#define END 1\ny")
    tokens = preprocess(tmp_path / "a" / "main.p4", [tmp_path / "b"], {}, Diagnostics())
    assert [t.text for t in tokens] == ["neighbour", "path", "y", "end"]
    assert [(Path(t.file).name, t.line) for t in tokens] == [("x.h", 1), ("x.h", 1), ("y.h", 2), ("main.p4", 4)]


def test_guards_and_pragma_once(tmp_path: Path) -> None:
    (tmp_path / "g.h").write_text("#ifndef G\n#define G\ng\n#endif")
    (tmp_path / "o.h").write_text("#pragma once\no")
    (tmp_path / "m.p4").write_text('#include "g.h"\n#include "g.h"\n#include "o.h"\n#include "o.h"\n')
    assert [t.text for t in preprocess(tmp_path / "m.p4", [], {}, Diagnostics())] == ["g", "o"]


def test_the_standard_includes_are_found() -> None:
    assert {"core.p4", "v1model.p4", "pna.p4"} <= {p.name for p in include_dir().iterdir()}


def test_a_standard_include_from_elsewhere() -> None:
    assert run("#include <dpdk/pna.p4>").endswith(run("#include <pna.p4>"))


def test_a_file_that_includes_itself(tmp_path: Path) -> None:
    path = tmp_path / "self.p4"
    path.write_text('\n#include "self.p4"\n')
    with pytest.raises(CompileError, match="nested more than 64 deep"):
        preprocess(path, [], {}, Diagnostics())


def test_includes_that_double(tmp_path: Path) -> None:
    for i in range(30):
        (tmp_path / f"f{i}.p4").write_text(f'#include "f{i + 1}.p4"\n#include "f{i + 1}.p4"\n')
    (tmp_path / "f30.p4").write_text("x\n")
    with pytest.raises(CompileError, match="more than 1000 includes"):
        preprocess(tmp_path / "f0.p4", [], {}, Diagnostics())


def test_macros_that_double() -> None:
    doubling = "#define X0 x x\n" + "".join(f"#define X{i + 1} X{i} X{i}\n" for i in range(40)) + "X40"
    assert "macro" in error(doubling)[1]
    nothing = "#define X0\n" + "".join(f"#define X{i + 1} X{i} X{i}\n" for i in range(40)) + "X40"
    assert "goes on for too long" in error(nothing)[1]
    nested = "#define F(x) x x\n" + "F(" * 60 + "1" + ")" * 60
    assert "macro 'F'" in error(nested)[1]


def test_a_token_that_doubles() -> None:
    lines = ["#define C(a, b) a##b", "#define D(a, b) C(a, b)", "#define X0 xxxxxxxxxxxxxxxx"]
    lines += [f"#define X{i + 1} D(X{i}, X{i})" for i in range(30)]
    assert "characters" in error("\n".join([*lines, "X30"]))[1] or "goes on" in error("\n".join([*lines, "X30"]))[1]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="cannot read"):
        preprocess(tmp_path / "none.p4", [], {}, Diagnostics())


def test_a_macro_stands_where_it_was_called() -> None:
    tokens = preprocess(("#define A b c\n\n  A", "t.p4"), (), {}, Diagnostics())
    assert [(t.text, t.line, t.col) for t in tokens] == [("b", 3, 3), ("c", 3, 3)]


def test_another_definition_warns() -> None:
    diagnostics = Diagnostics()
    preprocess(("#define A 1\n#define A 1\n#define A 2\n", "t.p4"), (), {}, diagnostics)
    assert [(m.severity, m.pos.line) for m in diagnostics.messages] == [("warning", 3)]
