"""Text to tokens (language specification, 6.1 to 6.4). One regular expression; comments are gone before.

A token's ``kind`` is ``id``, ``number``, ``str``, ``eof``, or for keywords and punctuation the text itself. ``>`` is
always a token of one character, so that ``bit<(bit<8>)>>`` needs no splitting; ``glued`` says that it follows
another ``>`` directly.
"""

import re
from bisect import bisect_right

from datapath.p4c.source import Diagnostics, Pos

# Limits of one token.
MAX_DIGITS = 4000
MAX_LENGTH = 65536

KEYWORDS = frozenset(
    [
        "abstract",
        "action",
        "actions",
        "apply",
        "bit",
        "bool",
        "break",
        "const",
        "continue",
        "control",
        "default",
        "else",
        "entries",
        "enum",
        "error",
        "exit",
        "extern",
        "false",
        "for",
        "header",
        "header_union",
        "if",
        "in",
        "inout",
        "int",
        "key",
        "list",
        "match_kind",
        "out",
        "package",
        "parser",
        "priority",
        "return",
        "select",
        "state",
        "string",
        "struct",
        "switch",
        "table",
        "this",
        "transition",
        "true",
        "tuple",
        "type",
        "typedef",
        "value_set",
        "varbit",
        "void",
        "_",
    ]
)
# Keywords that may also be names, where the grammar lets them.
SOFT_KEYWORDS = frozenset(["apply", "key", "actions", "state", "entries", "type", "priority", "list"])

_TOKEN = re.compile(
    r"""(?P<id>[A-Za-z_]\w*)
    |(?P<number>[0-9]\w*)
    |(?P<str>"(?:[^"\\\n]|\\[^\n])*")
    |(?P<op>\{\#\}|\.\.\.|\.\.|&&&|&&|&=|\|\+\|=|\|\+\||\|-\|=|\|-\||\|\||\|=|<<=|<<|<=|>=|\+\+|\+:|\+=|-=|\*=|/=|%=
        |\^=|==|!=|\#\#|[-.&|<>+*/%^=!~?:;,(){}\[\]@\#])
    |(?P<bad>\S)""",
    re.VERBOSE | re.ASCII,
)
_INT = re.compile(
    r"(?:(?P<width>[0-9]+)(?P<sign>[ws]))?"
    r"(?:0[xX](?P<hex>_*[0-9a-fA-F][0-9a-fA-F_]*)|0[oO](?P<oct>_*[0-7][0-7_]*)|0[bB](?P<bin>_*[01][01_]*)"
    r"|0[dD](?P<dec0>_*[0-9][0-9_]*)|(?P<dec>[0-9][0-9_]*))"
)
_ESCAPE = re.compile(r"\\(.)")


class Token:
    """One token; ``hide`` are the macros that must not expand in it any more, ``spaced`` tells of blanks before it."""

    __slots__ = ("col", "file", "glued", "hide", "kind", "line", "spaced", "text")

    def __init__(self, kind: str, text: str, file: str, line: int, col: int) -> None:
        self.kind = kind
        self.text = text
        self.file = file
        self.line = line
        self.col = col
        self.glued = False
        self.spaced = False
        self.hide: frozenset[str] = frozenset()

    @property
    def pos(self) -> Pos:
        """Where it stands."""
        return Pos(self.file, self.line, self.col, len(self.text))

    def at(self, other: "Token", hide: frozenset[str]) -> "Token":
        """Return this token as if it stood where ``other`` does: an expanded macro is where it was called."""
        token = Token(self.kind, self.text, other.file, other.line, other.col)
        token.glued = self.glued
        token.spaced = self.spaced
        token.hide = self.hide | hide
        return token

    def __repr__(self) -> str:
        return f"Token({self.text!r} {self.file}:{self.line}:{self.col})"


def line_starts(text: str) -> list[int]:
    """Return the offset of each line."""
    starts = [0]
    starts.extend(m.end() for m in re.finditer("\n", text))
    return starts


def tokenize(
    text: str,
    file: str,
    diagnostics: Diagnostics,
    starts: list[int] | None = None,
    begin: int = 0,
    end: int | None = None,
) -> list[Token]:
    """Return the tokens of ``text[begin:end]``; ``starts`` are the line starts of the whole text.

    What is no token is reported and left out. A backslash at the end of a line counts as a blank.
    """
    if starts is None:
        starts = line_starts(text)
    if end is None:
        end = len(text)
    line = bisect_right(starts, begin)
    n_lines = len(starts)
    next_start = starts[line] if line < n_lines else end + 1
    line_start = starts[line - 1]
    out: list[Token] = []
    last_end = -1
    for m in _TOKEN.finditer(text, begin, end):
        start = m.start()
        while start >= next_start:
            line += 1
            line_start = next_start
            next_start = starts[line] if line < n_lines else end + 1
        word = m.group()
        kind = m.lastgroup
        if kind == "id":
            kind = word if word in KEYWORDS else "id"
        elif kind == "op":
            kind = word
        elif kind == "bad":
            if word != "\\" or text[start + 1 : start + 2] not in ("\n", ""):
                pos = Pos(file, line, start - line_start + 1)
                if word == '"':
                    diagnostics.error(pos, "the string is not closed on its line")
                    # The rest of the line would only make more errors.
                    end_of_line = text.find("\n", start, end)
                    rest = end if end_of_line < 0 else end_of_line
                    return out + tokenize(text, file, diagnostics, starts, rest, end)
                diagnostics.error(pos, f"unexpected character {word!r}")
            continue
        token = Token(kind or "bad", word, file, line, start - line_start + 1)
        if start == last_end:
            token.glued = word[0] == ">" and text[start - 1] == ">"
        else:
            token.spaced = True
        if len(word) > MAX_LENGTH:
            diagnostics.fatal(token.pos, f"a token of {len(word)} characters; the limit is {MAX_LENGTH}")
        out.append(token)
        last_end = m.end()
    return out


def parse_int(text: str) -> tuple[int, int | None, bool]:
    """Return value, width and whether it is signed of an integer literal.

    Raises:
        ValueError: it is none, or too long.
    """
    m = _INT.fullmatch(text)
    if m is None:
        raise ValueError(f"{text!r} is not a number")
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} characters; the limit is {MAX_DIGITS}")
    base = {"hex": 16, "oct": 8, "bin": 2}.get(m.lastgroup or "", 10)
    value = int((m[m.lastgroup or "dec"]).replace("_", ""), base)
    width = m["width"]
    if width is None:
        return value, None, False
    if len(width) > 9:
        raise ValueError(f"the width of {text[:20]!r} is too large")
    return value, int(width), m["sign"] == "s"


def parse_string(text: str) -> str:
    """Return what a string literal stands for. Unknown escapes stay as they are."""
    known = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r"}
    return _ESCAPE.sub(lambda m: known.get(m[1], m[0]), text[1:-1])
