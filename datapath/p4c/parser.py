"""Source text to syntax tree: a hand-written recursive-descent parser for P4-16, language version 1.2.5.

Names of types feed back into parsing, as ``(T) -x`` is a cast when T is a type and a difference when it is not; so the
parser keeps track of what is declared where. Everywhere else it looks ahead instead. An error in a statement, field
or declaration is noted and parsing goes on behind it.

:mod:`parser_base` is the token stream, :mod:`parser_expr`, :mod:`parser_stmt` and :mod:`parser_decl` are the grammar.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from datapath.p4c.depth import deep_recursion
from datapath.p4c.lexer import Token
from datapath.p4c.parser_decl import DeclParser
from datapath.p4c.preprocess import preprocess
from datapath.p4c.source import Diagnostics, Pos
from datapath.p4c.syntax import Program


def _parse(
    source: Path | tuple[str, str],
    name: str,
    include_dirs: Sequence[Path],
    defines: Mapping[str, str],
    diagnostics: Diagnostics,
) -> Program:
    with deep_recursion():
        tokens = preprocess(source, include_dirs, defines, diagnostics)
        line = len(diagnostics.lines.get(name, [])) or 1
        parser = DeclParser(tokens, Token("eof", "", name, line, 1), diagnostics)
        return Program(pos=Pos(name, 1, 1, 0), decls=parser.program())


def parse_file(
    path: Path, include_dirs: Sequence[Path], defines: Mapping[str, str], diagnostics: Diagnostics
) -> Program:
    """Return the syntax tree of a file; errors that parsing survived are in ``diagnostics``.

    Raises:
        CompileError: parsing could not go on.
    """
    return _parse(path, str(path), include_dirs, defines, diagnostics)


def parse_text(
    text: str,
    name: str,
    diagnostics: Diagnostics,
    include_dirs: Sequence[Path] = (),
    defines: Mapping[str, str] | None = None,
) -> Program:
    """Return the syntax tree of a text, which messages call ``name``; otherwise as :func:`parse_file`."""
    return _parse((text, name), name, include_dirs, defines or {}, diagnostics)
