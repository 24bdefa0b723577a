"""The preprocessor: includes, conditionals and macros, as C's. Source text in, tokens out.

It works on tokens, so that each keeps its place; a token from a macro stands where the macro was called. Macros expand
by the usual rule: a macro's name does not expand in its own expansion. All growth is limited.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datapath.errors import CallerError
from datapath.p4c.lexer import Token, line_starts, parse_int, tokenize
from datapath.p4c.source import Diagnostics, Pos

MAX_INCLUDE_DEPTH = 64
MAX_INCLUDES = 1000
MAX_SOURCE_BYTES = 16 << 20
# Tokens that macros may make, and calls of macros, in one compilation.
MAX_MACRO_TOKENS = 200_000
MAX_MACRO_CALLS = 100_000
MAX_MACRO_DEPTH = 200
MAX_CONDITION_DEPTH = 100

PREDEFINED = {"__p4c__": "1", "__dpu_emu__": "1", "__P4_16__": "1"}

_COMMENT = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"|//[^\n]*|/\*.*?\*/|/\*', re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*\#[ \t]*([A-Za-z_]\w*|[0-9]+)((?:\\\r?\n|[^\n])*)", re.MULTILINE)
_NOT_NEWLINE = re.compile(r"[^\n]")
_INCLUDE = re.compile(r'\s*(?:<([^>\n]+)>|"([^"\n]+)")\s*$')

_STANDARD = ("core.p4", "v1model.p4", "pna.p4")

_BINARY = {
    "*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8, "<": 7, "<=": 7, ">": 7, ">=": 7,
    "==": 6, "!=": 6, "&": 5, "^": 4, "|": 3, "&&": 2, "||": 1,
}  # fmt: skip


def include_dir() -> Path:
    """Return the folder of the standard includes: in the source tree, or in an installation."""
    package = Path(__file__).resolve().parent
    installed = package / "lib" / "include"
    return installed if installed.is_dir() else package.parent.parent / "p4" / "include"


@dataclass(slots=True)
class Macro:
    """A macro; ``params`` None: without parentheses."""

    name: str
    params: list[str] | None
    body: list[Token]
    variadic: bool = False


@dataclass(slots=True)
class _Conditional:
    """An open ``#if``: whether the enclosing text counts, whether a branch was taken, where it began."""

    pos: Pos
    outer: bool
    taken: bool
    active: bool
    seen_else: bool = False


@dataclass(slots=True)
class Preprocessor:
    """One run over a program and all that it includes."""

    diagnostics: Diagnostics
    include_dirs: Sequence[Path] = ()
    macros: dict[str, Macro] = field(default_factory=dict)
    out: list[Token] = field(default_factory=list)
    once: set[Path] = field(default_factory=set)
    n_includes: int = 0
    n_bytes: int = 0
    n_made: int = 0
    n_calls: int = 0

    def define(self, name: str, value: str) -> None:
        """Define a macro as ``-D name=value`` does."""
        body = tokenize(value, "<command line>", self.diagnostics)
        self.macros[name] = Macro(name, None, body)

    # ---- files ----

    def file(self, path: Path, pos: Pos | None = None, stack: tuple[Path, ...] = ()) -> None:
        """Read a file into the output.

        Raises:
            CompileError: it cannot be read; includes are too deep or too many.
        """
        where = pos or Pos(str(path), 0, 0, 0)
        if len(stack) >= MAX_INCLUDE_DEPTH:
            self.diagnostics.fatal(
                where, f"includes are nested more than {MAX_INCLUDE_DEPTH} deep", "does a file include itself?"
            )
        self.n_includes += 1
        if self.n_includes > MAX_INCLUDES:
            self.diagnostics.fatal(where, f"more than {MAX_INCLUDES} includes")
        try:
            data = path.read_bytes()
        except OSError as e:
            self.diagnostics.fatal(where, f"cannot read {str(path)!r}: {e.strerror}")
        self.n_bytes += len(data)
        if self.n_bytes > MAX_SOURCE_BYTES:
            self.diagnostics.fatal(where, f"more than {MAX_SOURCE_BYTES >> 20} MiB of source")
        self.text(data.decode("utf-8", "replace").removeprefix("\ufeff"), str(path), (*stack, path))

    def text(self, text: str, name: str, stack: tuple[Path, ...] = ()) -> None:
        """Read a text into the output."""
        text = text.replace("\r\n", "\n")
        self.diagnostics.lines[name] = text.split("\n")
        starts = line_starts(text)
        text = self._strip_comments(text, name, starts)
        conditionals: list[_Conditional] = []
        active = True
        done = 0
        for m in _DIRECTIVE.finditer(text):
            if active and m.start() > done:
                self._emit(tokenize(text, name, self.diagnostics, starts, done, m.start()))
            done = m.end()
            line = bisect_right(starts, m.start(1))
            pos = Pos(name, line, m.start(1) - starts[line - 1] + 1, len(m[1]))
            if self._conditional(m[1], m[2], pos, conditionals, active):
                active = conditionals[-1].active if conditionals else True
            elif active:
                self._directive(m[1], m[2], pos, stack)
        if active and done < len(text):
            self._emit(tokenize(text, name, self.diagnostics, starts, done, len(text)))
        for c in conditionals:
            self.diagnostics.error(c.pos, "this conditional has no #endif")

    def _strip_comments(self, text: str, name: str, starts: list[int]) -> str:
        def blank(m: re.Match[str]) -> str:
            s = m.group()
            if s[0] == '"':
                return s
            if s == "/*":
                line = bisect_right(starts, m.start())
                pos = Pos(name, line, m.start() - starts[line - 1] + 1, 2)
                self.diagnostics.fatal(pos, "the comment is not closed")
            return _NOT_NEWLINE.sub(" ", s)

        return _COMMENT.sub(blank, text)

    # ---- directives ----

    def _tokens(self, text: str, pos: Pos) -> list[Token]:
        tokens = tokenize(text.replace("\\\n", "  ").replace("\n", " "), pos.file, self.diagnostics)
        for t in tokens:
            t.line, t.col = pos.line, t.col + pos.col + pos.length - 1
        return tokens

    def _conditional(self, word: str, rest: str, pos: Pos, conditionals: list[_Conditional], active: bool) -> bool:
        """Handle a directive that opens or closes text; False when it is another one."""
        if word in ("if", "ifdef", "ifndef"):
            if len(conditionals) >= MAX_CONDITION_DEPTH:
                self.diagnostics.fatal(pos, f"conditionals are nested more than {MAX_CONDITION_DEPTH} deep")
            holds = active and (self._condition(rest, pos) if word == "if" else self._defined(word, rest, pos))
            conditionals.append(_Conditional(pos, active, holds, holds))
        elif word in ("elif", "elifdef", "elifndef", "else", "endif"):
            if not conditionals:
                self.diagnostics.error(pos, f"#{word} without #if")
                return True
            top = conditionals[-1]
            if word == "endif":
                conditionals.pop()
                return True
            if top.seen_else:
                self.diagnostics.error(pos, f"#{word} after #else", f"the #if is in line {top.pos.line}")
            if word == "else":
                top.seen_else = True
                top.active = top.outer and not top.taken
            elif top.outer and not top.taken:
                top.active = self._condition(rest, pos) if word == "elif" else self._defined(word[2:], rest, pos)
            else:
                top.active = False
            top.taken = top.taken or top.active
        else:
            return False
        return True

    def _defined(self, word: str, rest: str, pos: Pos) -> bool:
        tokens = self._tokens(rest, pos)
        if not tokens or not _is_word(tokens[0]):
            self.diagnostics.error(pos, f"#{word} needs the name of a macro")
            return False
        return (tokens[0].text in self.macros) == (word == "ifdef")

    def _directive(self, word: str, rest: str, pos: Pos, stack: tuple[Path, ...]) -> None:
        if word == "include":
            self._include(rest, pos, stack)
        elif word == "define":
            self._define(rest, pos)
        elif word == "undef":
            tokens = self._tokens(rest, pos)
            if len(tokens) != 1 or not _is_word(tokens[0]):
                self.diagnostics.error(pos, "#undef needs the name of a macro")
            else:
                self.macros.pop(tokens[0].text, None)
        elif word == "error":
            self.diagnostics.error(pos, f"#error {rest.strip()}".rstrip())
        elif word == "warning":
            self.diagnostics.warning(pos, f"#warning {rest.strip()}".rstrip())
        elif word == "pragma":
            if rest.strip() == "once" and stack:
                self.once.add(stack[-1].resolve())
        elif word != "line" and word != "ident" and not word.isdigit():
            self.diagnostics.error(pos, f"unknown directive #{word}")

    def _include(self, rest: str, pos: Pos, stack: tuple[Path, ...]) -> None:
        m = _INCLUDE.match(rest)
        if m is None:
            rest = "".join(t.text for t in self.expand(self._tokens(rest, pos)))
            m = _INCLUDE.match(rest)
        if m is None:
            self.diagnostics.error(pos, '#include needs <file> or "file"')
            return
        name = m[1] or m[2]
        dirs = [*self.include_dirs, include_dir()]
        if m[2]:
            dirs.insert(0, stack[-1].parent if stack else Path())
        elif stack:
            dirs.append(stack[0].parent)
        candidates = [folder / name for folder in dirs]
        if Path(name).name in _STANDARD:
            # Other compilers keep it elsewhere, such as <dpdk/pna.p4>.
            candidates.append(include_dir() / Path(name).name)
        for path in candidates:
            if path.is_file():
                if path.resolve() not in self.once:
                    self.file(path, pos, stack)
                return
        searched = ", ".join(str(d) for d in dirs)
        self.diagnostics.fatal(pos, f"there is no file {name!r} to include", f"searched in {searched}")

    def _define(self, rest: str, pos: Pos) -> None:
        tokens = self._tokens(rest, pos)
        if not tokens or not _is_word(tokens[0]):
            self.diagnostics.error(pos, "#define needs a name")
            return
        name = tokens[0].text
        if name == "defined":
            self.diagnostics.error(tokens[0].pos, "'defined' cannot be a macro")
            return
        macro = Macro(name, None, tokens[1:])
        if len(tokens) > 1 and tokens[1].text == "(" and not tokens[1].spaced:
            params: list[str] = []
            i = 2
            while i < len(tokens) and tokens[i].text != ")":
                t = tokens[i]
                if t.text == "...":
                    macro.variadic = True
                    params.append("__VA_ARGS__")
                elif _is_word(t) and t.text not in params:
                    params.append(t.text)
                else:
                    self.diagnostics.error(t.pos, f"{t.text!r} cannot be a parameter of macro {name!r}")
                    return
                i += 1
                if i < len(tokens) and tokens[i].text == "," and not macro.variadic:
                    i += 1
                elif i < len(tokens) and tokens[i].text != ")":
                    self.diagnostics.error(tokens[i].pos, f"expected ',' or ')' in the parameters of macro {name!r}")
                    return
            if i >= len(tokens):
                self.diagnostics.error(pos, f"the parameters of macro {name!r} have no ')'")
                return
            macro.params = params
            macro.body = tokens[i + 1 :]
        old = self.macros.get(name)
        if old and (old.params != macro.params or [t.text for t in old.body] != [t.text for t in macro.body]):
            self.diagnostics.warning(tokens[0].pos, f"macro {name!r} is defined again, differently")
        self.macros[name] = macro

    # ---- #if ----

    def _condition(self, rest: str, pos: Pos) -> bool:
        tokens = self._tokens(rest, pos)
        i = 0
        plain: list[Token] = []
        while i < len(tokens):
            t = tokens[i]
            if t.text == "defined":
                bracket = i + 1 < len(tokens) and tokens[i + 1].text == "("
                at = i + 2 if bracket else i + 1
                if (
                    at >= len(tokens)
                    or not _is_word(tokens[at])
                    or (bracket and (at + 1 >= len(tokens) or tokens[at + 1].text != ")"))
                ):
                    self.diagnostics.error(t.pos, "'defined' needs the name of a macro")
                    return False
                plain.append(Token("number", str(int(tokens[at].text in self.macros)), t.file, t.line, t.col))
                i = at + (2 if bracket else 1)
            else:
                plain.append(t)
                i += 1
        try:
            return _Condition(self.expand(plain), pos).value() != 0
        except ConditionError as e:
            self.diagnostics.error(e.pos, str(e))
            return False

    # ---- macros ----

    def _emit(self, tokens: list[Token]) -> None:
        macros = self.macros
        if any(t.text in macros or t.text == "__LINE__" or t.text == "__FILE__" for t in tokens):
            tokens = self.expand(tokens)
        self.out.extend(tokens)

    def expand(self, tokens: list[Token], depth: int = 0) -> list[Token]:
        """Return the tokens with all macros expanded."""
        out: list[Token] = []
        todo = tokens[::-1]
        macros = self.macros
        while todo:
            t = todo.pop()
            macro = macros.get(t.text)
            if macro is None or t.kind == "str" or t.text in t.hide:
                if t.text == "__LINE__":
                    out.append(Token("number", str(t.line), t.file, t.line, t.col))
                elif t.text == "__FILE__":
                    out.append(Token("str", f'"{t.file}"', t.file, t.line, t.col))
                else:
                    out.append(t)
                continue
            args: list[list[Token]] = []
            if macro.params is not None:
                if not todo or todo[-1].text != "(":
                    out.append(t)
                    continue
                todo.pop()
                args = self._arguments(macro, t, todo)
            self.n_calls += 1
            if self.n_calls > MAX_MACRO_CALLS or depth > MAX_MACRO_DEPTH:
                self.diagnostics.fatal(t.pos, f"macro {t.text!r}: expansion goes on for too long")
            made = self._substitute(macro, args, t, depth)
            self.n_made += len(made)
            if self.n_made > MAX_MACRO_TOKENS:
                self.diagnostics.fatal(t.pos, f"macro {t.text!r}: expansion makes more than {MAX_MACRO_TOKENS} tokens")
            todo.extend(reversed(made))
        return out

    def _arguments(self, macro: Macro, call: Token, todo: list[Token]) -> list[list[Token]]:
        args: list[list[Token]] = [[]]
        depth = 0
        n = len(macro.params or [])
        while True:
            if not todo:
                self.diagnostics.fatal(call.pos, f"the arguments of macro {macro.name!r} have no ')'")
            t = todo.pop()
            if t.text == ")" and depth == 0:
                if n == 0 and args == [[]]:
                    return []
                if macro.variadic and len(args) == n - 1:
                    args.append([])
                if len(args) != n:
                    self.diagnostics.fatal(
                        call.pos, f"macro {macro.name!r} takes {n} arguments, {len(args)} were given"
                    )
                return args
            depth += (t.text in "([{") - (t.text in ")]}") if t.text in ("(", ")", "[", "]", "{", "}") else 0
            if t.text == "," and depth == 0 and not (macro.variadic and len(args) == n):
                args.append([])
            else:
                args[-1].append(t)

    def _substitute(self, macro: Macro, args: list[list[Token]], call: Token, depth: int) -> list[Token]:
        hide = call.hide | {macro.name}
        if macro.params is None and not any(t.text == "##" for t in macro.body):
            return [t.at(call, hide) for t in macro.body]
        by_name = dict(zip(macro.params or [], args, strict=True))
        expanded: dict[str, list[Token]] = {}
        out: list[Token] = []
        body = macro.body
        i = 0
        paste = False
        while i < len(body):
            t = body[i]
            i += 1
            if t.text == "##":
                paste = bool(out) or paste
                continue
            following = i < len(body) and body[i].text == "##"
            if t.text == "#" and i < len(body) and body[i].text in by_name:
                piece = [_stringify(by_name[body[i].text], t)]
                i += 1
            elif t.text in by_name:
                if paste or following:
                    piece = by_name[t.text]
                    # An empty side of ## gives the other side as it is.
                    if not piece and following:
                        out.append(Token("empty", "", t.file, t.line, t.col))
                else:
                    if t.text not in expanded:
                        expanded[t.text] = self.expand(by_name[t.text], depth + 1)
                    piece = expanded[t.text]
            else:
                piece = [t]
            if paste and piece and out:
                left = out.pop()
                out.extend(self._paste(left, piece[0], call))
                piece = piece[1:]
            paste = False
            out.extend(piece)
            if len(out) > MAX_MACRO_TOKENS:
                self.diagnostics.fatal(
                    call.pos, f"macro {macro.name!r}: expansion makes more than {MAX_MACRO_TOKENS} tokens"
                )
        return [t.at(call, hide) for t in out if t.kind != "empty"]

    def _paste(self, left: Token, right: Token, call: Token) -> list[Token]:
        text = left.text + right.text
        if len(text) > 65536:
            self.diagnostics.fatal(call.pos, "## makes a token of more than 65536 characters")
        # What does not make one token stays as it is, as assemblers have it: `hdr. ## name` is common.
        tokens = tokenize(text, call.file, self.diagnostics)
        for t in tokens:
            t.line, t.col = call.line, call.col
        return tokens


class ConditionError(CallerError):
    """The expression of an ``#if`` is wrong."""

    def __init__(self, pos: Pos, text: str) -> None:
        super().__init__(text)
        self.pos = pos


class _Condition:
    """The value of an ``#if`` expression: C's integer expressions; names that are no macros are 0."""

    def __init__(self, tokens: list[Token], pos: Pos) -> None:
        self.tokens: list[Token] = []
        for t in tokens:
            if t.glued and t.text == ">" and self.tokens and self.tokens[-1].text == ">":
                self.tokens[-1] = Token(">>", ">>", t.file, t.line, t.col - 1)
            else:
                self.tokens.append(t)
        self.i = 0
        self.pos = pos
        self.depth = 0

    def value(self) -> int:
        if not self.tokens:
            raise ConditionError(self.pos, "#if needs an expression")
        value = self._ternary()
        if self.i < len(self.tokens):
            t = self.tokens[self.i]
            raise ConditionError(t.pos, f"unexpected {t.text!r} in the expression of #if")
        return value

    def _next(self) -> str:
        return self.tokens[self.i].text if self.i < len(self.tokens) else ""

    def _ternary(self) -> int:
        cond = self._binary(1)
        if self._next() != "?":
            return cond
        self.i += 1
        then = self._ternary()
        self._expect(":")
        other = self._ternary()
        return then if cond else other

    def _expect(self, text: str) -> None:
        if self._next() != text:
            raise ConditionError(self.pos, f"expected {text!r} in the expression of #if, found {self._next()!r}")
        self.i += 1

    def _binary(self, least: int) -> int:
        left = self._unary()
        while (level := _BINARY.get(op := self._next(), 0)) >= least:
            self.i += 1
            right = self._binary(level + 1)
            left = self._apply(op, left, right)
        return left

    def _apply(self, op: str, a: int, b: int) -> int:
        if op in ("/", "%"):
            if b == 0:
                raise ConditionError(self.pos, "division by zero in the expression of #if")
            q = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            return q if op == "/" else a - q * b
        if op in ("<<", ">>"):
            if not 0 <= b < 64:
                raise ConditionError(self.pos, f"shift by {b} in the expression of #if")
            return (a << b if op == "<<" else a >> b) & 0xFFFFFFFFFFFFFFFF
        results: dict[str, int | bool] = {
            "*": a * b, "+": a + b, "-": a - b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b,
            "!=": a != b, "&": a & b, "^": a ^ b, "|": a | b, "&&": bool(a and b), "||": bool(a or b),
        }  # fmt: skip
        value = int(results[op])
        return value if abs(value) < 1 << 4096 else 1

    def _unary(self) -> int:
        if self.i >= len(self.tokens):
            raise ConditionError(self.pos, "the expression of #if ends too early")
        self.depth += 1
        if self.depth > 50:
            raise ConditionError(self.pos, "the expression of #if is nested more than 50 deep")
        t = self.tokens[self.i]
        self.i += 1
        if t.text == "(":
            value = self._ternary()
            self._expect(")")
        elif t.text in ("!", "-", "+", "~"):
            operand = self._unary()
            value = {"!": int(not operand), "-": -operand, "+": operand, "~": ~operand}[t.text]
        elif t.kind == "number":
            try:
                value = parse_int(t.text.rstrip("uUlL"))[0]
            except ValueError as e:
                raise ConditionError(t.pos, str(e)) from None
        elif _is_word(t):
            value = int(t.text == "true")
        else:
            raise ConditionError(t.pos, f"unexpected {t.text!r} in the expression of #if")
        self.depth -= 1
        return value


def _is_word(t: Token) -> bool:
    return t.text[0].isalpha() or t.text[0] == "_"


def _stringify(tokens: list[Token], at: Token) -> Token:
    text = "".join((" " if t.spaced and i else "") + t.text for i, t in enumerate(tokens))
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return Token("str", f'"{text}"', at.file, at.line, at.col)


def preprocess(
    source: Path | tuple[str, str],
    include_dirs: Sequence[Path],
    defines: Mapping[str, str],
    diagnostics: Diagnostics,
) -> list[Token]:
    """Return the tokens of a file, or of a text and its name."""
    pre = Preprocessor(diagnostics, include_dirs)
    for name, value in {**PREDEFINED, **defines}.items():
        pre.define(name, value)
    if isinstance(source, Path):
        pre.file(source)
    else:
        pre.text(*source)
    return pre.out
