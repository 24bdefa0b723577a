"""What all parts of the parser share: the token stream, errors, names in scope, limits."""

from collections.abc import Callable
from typing import TypeVar

from datapath.errors import CallerError
from datapath.p4c.lexer import SOFT_KEYWORDS, Token
from datapath.p4c.source import Diagnostics, Pos

T = TypeVar("T")

# Nesting of expressions, statements and types; terms of one chain such as a + b + c.
MAX_DEPTH = 160
MAX_CHAIN = 1000
# Tokens looked at for each one in the program, when the parser tries something and takes it back.
MAX_EFFORT = 60

NAMES = SOFT_KEYWORDS | {"id"}


class ParseError(CallerError):
    """What was found is not what the grammar has here. Caught where parsing can go on."""

    def __init__(self, pos: Pos, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.pos = pos
        self.hint = hint


class ParserBase:
    """A cursor over tokens. ``tok`` is the next one."""

    def __init__(self, tokens: list[Token], end: Token, diagnostics: Diagnostics) -> None:
        self.tokens = [*tokens, end]
        self.i = 0
        self.tok = self.tokens[0]
        self.diagnostics = diagnostics
        self.depth = 0
        self.effort = MAX_EFFORT * len(self.tokens) + 10_000
        # Names in scope, innermost last: whether each is a type.
        self.scopes: list[dict[str, bool]] = [{}]
        self.failed_generic: set[int] = set()
        self.last_error = -1

    # ---- the stream ----

    def advance(self) -> Token:
        """Return the next token and go on."""
        token = self.tok
        if token.kind != "eof":
            self.i += 1
            self.tok = self.tokens[self.i]
            self.effort -= 1
            if self.effort < 0:
                self.diagnostics.fatal(token.pos, "this is too ambiguous to parse")
        return token

    def peek(self, n: int = 1) -> Token:
        """Return the token ``n`` after the next."""
        return self.tokens[min(self.i + n, len(self.tokens) - 1)]

    def seek(self, i: int) -> None:
        """Go back to where ``i`` was."""
        self.i = i
        self.tok = self.tokens[i]

    def accept(self, kind: str) -> bool:
        """Take the next token if it is of that kind."""
        if self.tok.kind == kind:
            self.advance()
            return True
        return False

    def expect(self, kind: str, after: str) -> Token:
        """Take a token of that kind; ``after`` tells what it follows."""
        if self.tok.kind == kind:
            return self.advance()
        raise self.missing(f"'{kind}'", after)

    def missing(self, what: str, after: str = "") -> ParseError:
        """Return the error that the next token is not what was expected."""
        token = self.tok
        pos = token.pos
        # A bracket or semicolon that is not there is missing behind the last token, not in front of the next line's.
        if self.i and what in ("';'", "','", "')'", "']'") and (token.kind == "eof" or after):
            last = self.tokens[self.i - 1]
            if last.file == token.file and last.line < token.line:
                pos = Pos(last.file, last.line, last.col + len(last.text), 1)
        return ParseError(pos, f"expected {what}{' ' + after if after else ''}, found {describe(token)}")

    def attempt(self, rule: Callable[[], T]) -> T | None:
        """Try a rule; None, and nothing taken, when it does not fit."""
        i, depth = self.i, self.depth
        try:
            return rule()
        except ParseError:
            self.seek(i)
            self.depth = depth
            return None

    def enter(self) -> None:
        """One nesting deeper."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.diagnostics.fatal(self.tok.pos, f"nested more than {MAX_DEPTH} deep")

    # ---- names ----

    def is_name(self, token: Token) -> bool:
        """Whether a token can be a name here."""
        return token.kind in NAMES

    def name(self, of: str) -> Token:
        """Take a name; ``of`` says whose."""
        if self.tok.kind in NAMES:
            return self.advance()
        hint = ""
        if self.tok.text[:1].isalpha():
            hint = f"{self.tok.text!r} is a keyword"
        raise ParseError(self.tok.pos, f"expected the name of {of}, found {describe(self.tok)}", hint)

    def declare(self, name: str, is_type: bool) -> None:
        """Make a name known in the innermost scope."""
        self.scopes[-1][name] = is_type

    def is_type_name(self, name: str) -> bool:
        """Whether a name is a type where the parser stands."""
        for scope in reversed(self.scopes):
            known = scope.get(name)
            if known is not None:
                return known
        return False

    # ---- after an error ----

    def report(self, problem: ParseError) -> None:
        """Note an error, unless it stands where the last one did."""
        if self.i != self.last_error:
            self.diagnostics.error(problem.pos, str(problem), problem.hint)
        self.last_error = self.i

    def skip_balanced(self, i: int) -> int:
        """Return the index behind the bracket that closes the one at ``i``."""
        depth = 0
        while True:
            kind = self.tokens[i].kind
            if kind in ("(", "[", "{"):
                depth += 1
            elif kind in (")", "]", "}"):
                depth -= 1
                if depth <= 0:
                    return i + 1
            elif kind == "eof" or (kind == ";" and depth < 2):
                return i
            i += 1
            self.effort -= 1
            if self.effort < 0:
                self.diagnostics.fatal(self.tok.pos, "this is too ambiguous to parse")

    def recover(self, start: int) -> None:
        """Go behind the next ``;`` or in front of the ``}`` that closes the block around, at least one token on."""
        depth = 0
        while self.tok.kind != "eof":
            kind = self.tok.kind
            if kind == "{":
                depth += 1
            elif kind == "}":
                if depth == 0:
                    if self.i == start and not self.scopes[1:]:
                        self.advance()
                    return
                depth -= 1
                if depth == 0:
                    self.advance()
                    self.accept(";")
                    return
            elif kind == ";" and depth == 0:
                self.advance()
                return
            self.advance()


def describe(token: Token) -> str:
    """Return what a message calls a token."""
    if token.kind == "eof":
        return "the end of the program"
    text = token.text if len(token.text) <= 40 else token.text[:37] + "..."
    return f"'{text}'" if token.kind != "str" else f"the string {text}"
