"""Texts that are nearly P4: grown from a grammar that is too generous, and good programs with a few tokens changed.

Each comes from a seed alone.
"""

import random
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A production is alternatives of words; a word in <> is a production.
_GRAMMAR: dict[str, list[str]] = {
    "program": [
        "<include> <decl> <decl> <decl>", "<decl> <decl> <decl> <decl> <decl>",
        "<include> <types> <control> <parser> <decl>", "<directive> <decl> <directive> <decl> <directive>",
    ],
    "include": [
        "\n#include <core.p4>\n", "\n#include <core.p4>\n#include <v1model.p4>\n", "\n#include <pna.p4>\n",
    ],
    "directive": [
        "\n#define <name> <expr>\n", "\n#define <name>(<name>, <name>) <expr> ## <name>\n", "\n#if <expr>\n",
        "\n#endif\n", "\n#ifdef <name>\n", "\n#else\n", "\n#undef <name>\n", "\n#define A A B\n#define B A A\n",
        "\n# <expr>\n", "\n#define F(x) F(x x) #x\n", "\n#elif defined(<name>) && <expr>\n", "/* <expr> */",
        "// <expr>\n",
    ],
    "types": [
        "header H { bit<8> a; bit<16> b; varbit<32> c; } struct S { H h; H[3] s; bit<8> x; } enum E { A, B }",
    ],
    "decl": [
        "const <type> <name> = <expr>;", "<struct> <name> { <field> <field> }", "enum <name> { <name>, <name> }",
        "enum <type> <name> { <name> = <expr>, <name> = <expr> }", "typedef <type> <name>;", "type <type> <name>;",
        "<type> <name>(<params>) { <stmt> <stmt> return <expr>; }", "action <name>(<params>) { <stmt> }", "<control>",
        "<parser>", "extern <name> { <name>(<params>); <type> <name><T>(<params>); }", "error { <name>, <name> }",
        "extern <type> <name><T>(<params>);", "package <name><T>(<params>);", "<type>(<args>) <name>;", "<types>",
        "match_kind { <name> }", "struct <name><T> { T <name>; <field> }", "<annotation> <decl>", "<junk>",
    ],
    "struct": [
        "struct", "header", "header_union",
    ],
    "field": [
        "<type> <name>;", "<annotation> <type> <name>;", "<type>[<expr>] <name>;",
    ],
    "params": [
        "", "<dir> <type> <name>", "<dir> <type> <name>, <dir> <type> <name>", "<dir> <type> <name> = <expr>",
    ],
    "dir": [
        "in", "out", "inout", "",
    ],
    "type": [
        "bit<8>", "bit<(<expr>)>", "int<16>", "bool", "<name>", "varbit<64>", "error", "tuple<<type>, <type>>", "int",
        "list<<type>>", "<name><<type>>", "H", "S", "E", "T", "H[2]", "string", "void", "bit", "_",
    ],
    "control": [
        "control <name>(<params>) { <local> <local> apply { <stmt> <stmt> } }",
        "control <name>(inout S s) { <local> <table> apply { <stmt> t.apply(); } }",
        "control <name>(inout S s)(<params>) { <local> apply { <stmt> <stmt> <stmt> } }",
    ],
    "local": [
        "<type> <name> = <expr>;", "action a(<params>) { <stmt> }", "<table>", "<type>(<args>) <name>;", "",
    ],
    "table": [
        "table t { key = { <expr> : <kind>; <expr> : <kind> <annotation>; } actions = { a; "
        "<name>(<args>); NoAction; } default_action = <expr>; <property> }",
        "table t { actions = { a; } const entries = { <keyset> : a(<args>); <keyset> : a; } key = "
        "{ s.x : <kind>; } }",
    ],
    "kind": [
        "exact", "ternary", "lpm", "range", "optional", "selector", "<name>",
    ],
    "property": [
        "size = <expr>;", "const <name> = <expr>;", "entries = { priority = <int>: <keyset> : a(); }", "",
    ],
    "keyset": [
        "<expr>", "(<expr>, <expr>)", "_", "default", "<expr> &&& <expr>", "(<expr> .. <expr>, _)", "<expr>..<expr>",
    ],
    "parser": [
        "parser <name>(packet_in p, out S s) { state start { p.extract(s.h); <stmt> transition "
        "<next> } state <name> { <stmt> transition <next> } }",
        "parser <name>(<params>) { <local> value_set<<type>>(<expr>) <name>; state start { transition <next> } }",
    ],
    "next": [
        "accept;", "reject;", "start;", "<name>;", "select(<expr>) { <keyset> : accept; <keyset> : <name>; }",
        "select(<expr>, s.x) { <keyset> : start; }",
    ],
    "stmt": [
        "<lvalue> = <expr>;", "<lvalue> <op>= <expr>;", "if (<expr>) <stmt> else <stmt>", "if (<expr>) { <stmt> }",
        "{ <stmt> <stmt> }", "<type> <name>;", "<type> <name> = <expr>;", "<lvalue>.<name>(<args>);",
        "<name>(<args>);", "return;", "exit;", "switch (<expr>) { <expr>: <expr>: { <stmt> } default: { <stmt> } }",
        "for (bit<8> i in 0..<int>) { <stmt> break; }", "for (<type> <name> = <expr>; <expr>; <lvalue> += 1) <stmt>",
        "s.h.setValid();", "s.s.push_front(<expr>);", ";", "const <type> <name> = <expr>;", "<name><<type>>(<args>);",
        "return <expr>;", "<annotation> { <stmt> }",
    ],
    "lvalue": [
        "<name>", "s.x", "s.h.a", "s.s[<expr>].b", "s.s.next.a", "<name>[<expr>:<expr>]", "<lvalue>.<name>", "s.h",
    ],
    "args": [
        "", "<expr>", "<expr>, <expr>", "<name> = <expr>", "_", "{<args>}", "...",
    ],
    "expr": [
        "<int>", "<name>", "<lvalue>", "<expr> <op> <expr>", "(<expr>)", "(<type>)<expr>", "-<expr>", "!<expr>",
        "~<expr>", "<expr> ? <expr> : <expr>", "{ <args> }", "{ <name> = <expr>, ... }", "<name>(<args>)",
        "<name><<type>>(<args>)", "true", "\"s\"", "<expr>[<expr>]", "<expr>[<expr>:<expr>]", "<expr>.<name>", "{#}",
        "E.A", "error.NoError", "<int> << <int>", "<int> * <int>", "(S)<expr>", "s.h.isValid()", "a < b > (<expr>)",
        "<expr>.minSizeInBits()",
    ],
    "op": [
        "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "++", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "|+|",
        "|-|", "&&&", "..",
    ],
    "int": [
        "0", "1", "7", "8w255", "4s3", "0x10", "8w256", "65536", "99999999999999999999", "0b1_0", "1w2", "08", "8w",
        "0x",
    ],
    "name": [
        "a", "b", "x", "s", "h", "f", "g", "T", "S", "H", "E", "A", "t", "key", "type", "apply", "start", "accept",
        "NoAction", "main", "next", "last", "isValid", "std", "state", "hit", "action_run", "table", "in",
    ],
    "annotation": [
        "@name(\"<name>\")", "@<name>", "@<name>(<junk>)", "@<name>[<name> = <expr>]", "@hidden", "@optional",
    ],
    "junk": [
        "<", ">", "}", "{", ")", "(", ";", "`", "\"", "@", "\\", "<expr>", "<type>", "<op>", "'", "/*", "\x00", "é",
    ],
}  # fmt: skip
_WORD = re.compile(r"<([a-z]+)>")


def grown(seed: int) -> str:
    """Return a text from the grammar."""
    rng = random.Random(seed)
    budget = 600

    def grow(name: str, depth: int) -> str:
        nonlocal budget
        budget -= 1
        choices = _GRAMMAR[name]
        if depth > 12 or budget < 0:
            # The shortest way out.
            choices = sorted(choices, key=lambda c: (len(_WORD.findall(c)), len(c)))[:2]
            if depth > 20:
                return rng.choice([c for c in choices if not _WORD.search(c)] or ["x"])
        return _WORD.sub(lambda m: grow(m[1], depth + 1) if m[1] in _GRAMMAR else m[0], rng.choice(choices))

    return grow("program", 0)


_TOKEN = re.compile(
    r'"[^"\n]*"|//[^\n]*|/\*.*?\*/|#[^\n]*|[0-9]\w*|\w+|\s+|<<|>>|==|!=|<=|>=|&&&|&&|\|\||\+\+|\|\+\||\|-\||\.\.|[^\w\s]',
    re.DOTALL,
)
_TYPES = frozenset(
    [
        "bit",
        "int",
        "varbit",
        "bool",
        "error",
        "tuple",
        "in",
        "out",
        "inout",
        "void",
        "exact",
        "lpm",
        "ternary",
        "range",
        "optional",
    ]
)
_OPS = frozenset(
    ["<<", "==", "!=", "<=", "&", "|", "^", "+", "-", "*", "/", "%", "++", "|+|", "|-|", "&&", "||", "&&&", ".."]
)
_NUMBERS = ("0", "1", "64", "65536", "99999999999", "4294967296", "8w255", "4s7", "0x1_0000_0000", "100000", "-1")


def _kind(token: str) -> str:
    if token[0].isspace() or token.startswith(("//", "/*", "#")):
        return ""
    if token[0].isdigit():
        return "number"
    if token[0] == '"':
        return "string"
    if token in _TYPES or token in _OPS:
        return "type" if token in _TYPES else "op"
    return "name" if token[0].isalpha() or token[0] == "_" else "punctuation"


@cache
def _corpus() -> tuple[list[tuple[Path, list[str]]], dict[str, list[str]]]:
    paths = sorted([*ROOT.glob("tests/cases/p4/**/*.p4"), *ROOT.glob("p4/*.p4")])
    files = [(p, _TOKEN.findall(p.read_text(encoding="utf-8"))) for p in paths]
    files = [(p, tokens) for p, tokens in files if any(map(_kind, tokens))]
    pool: dict[str, list[str]] = defaultdict(list)
    for _, tokens in files:
        for t in tokens:
            pool[_kind(t)].append(t)
    pool["number"] += _NUMBERS * (len(pool["number"]) // len(_NUMBERS) // 2)
    return files, dict(pool)


def changed(seed: int) -> tuple[Path, str]:
    """Return a program of ours with one to three tokens changed, mostly to others of their kind, and where it was."""
    files, pool = _corpus()
    rng = random.Random(seed)
    path, found = rng.choice(files)
    tokens = list(found)
    places = [i for i, t in enumerate(tokens) if _kind(t)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        i = rng.choice(places)
        kind = _kind(found[i])
        way = rng.random()
        if way < 0.05:
            tokens[i] = ""
        elif way < 0.1:
            tokens[i] = f"{tokens[i]} {tokens[rng.choice(places)]}"
        elif way < 0.6:
            tokens[i] = found[rng.choice([j for j in places if _kind(found[j]) == kind])]
        else:
            tokens[i] = rng.choice(pool[kind])
    return path, "".join(tokens)
