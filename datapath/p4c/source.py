"""Where a piece of a program stands, and what the compiler has to say about it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from datapath.errors import CallerError


@dataclass(frozen=True, slots=True)
class Pos:
    """A place in a source file: line and column from 1, ``length`` characters from there (0: unknown)."""

    file: str
    line: int
    col: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


# Characters in a message: a number or a type may be longer than anyone reads.
MAX_TEXT = 600

NOWHERE = Pos("<built in>", 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Message:
    """One error or warning: what, where, the line of source, and what would help."""

    severity: Literal["error", "warning"]
    pos: Pos
    text: str
    hint: str = ""
    line_text: str = ""

    def __str__(self) -> str:
        out = f"{self.pos}: {self.severity}: {self.text}"
        if self.line_text:
            pad = "".join(c if c == "\t" else " " for c in self.line_text[: self.pos.col - 1])
            width = max(1, min(self.pos.length, len(self.line_text) - self.pos.col + 1))
            out += f"\n  {self.line_text}\n  {pad}^{'~' * (width - 1)}"
        if self.hint:
            out += f"\n  note: {self.hint}"
        return out


class CompileError(CallerError):
    """A program is wrong; ``messages`` says where and why, in the order of discovery."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self.messages = list(messages)
        super().__init__("\n".join(str(m) for m in self.messages) or "the program is wrong")


@dataclass(slots=True)
class Diagnostics:
    """Collects messages of one compilation.

    ``lines`` holds the lines of each file read, for the caret. More than ``max_errors`` errors end the compilation.
    """

    max_errors: int = 20
    messages: list[Message] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)

    def _add(self, severity: Literal["error", "warning"], pos: Pos, text: str, hint: str) -> None:
        if len(text) > MAX_TEXT:
            text = f"{text[: MAX_TEXT // 2]} ... {text[-MAX_TEXT // 2 :]}"
        source = self.lines.get(pos.file, [])
        line_text = source[pos.line - 1] if 0 < pos.line <= len(source) else ""
        if len(line_text) > MAX_TEXT:
            # Its beginning, when the place is there.
            line_text = line_text[:MAX_TEXT] if pos.col <= MAX_TEXT else ""
        message = Message(severity, pos, text, hint, line_text)
        if message not in self.messages:
            self.messages.append(message)

    def error(self, pos: Pos, text: str, hint: str = "") -> None:
        """Note an error and go on.

        Raises:
            CompileError: it was one too many.
        """
        self._add("error", pos, text, hint)
        if self.error_count >= self.max_errors:
            raise CompileError(self.messages)

    def warning(self, pos: Pos, text: str, hint: str = "") -> None:
        """Note a warning."""
        self._add("warning", pos, text, hint)

    def fatal(self, pos: Pos, text: str, hint: str = "") -> NoReturn:
        """Note an error that nothing can follow.

        Raises:
            CompileError: always.
        """
        self._add("error", pos, text, hint)
        raise CompileError(self.messages)

    @property
    def error_count(self) -> int:
        """Errors so far."""
        return sum(m.severity == "error" for m in self.messages)

    def check(self) -> None:
        """End a stage.

        Raises:
            CompileError: there was an error.
        """
        if self.error_count:
            raise CompileError(self.messages)
