"""The checker: syntax tree in, typed IR out, with the reference compiler's strictness.

Its parts build on one another: ``check_base`` (scopes) < ``check_types`` < ``check_convert`` < ``check_expr`` <
``check_call`` < ``check_stmt`` < ``check_table`` < ``check_parser`` < ``check_decl``. Declarations are taken in the
order of the source: what is not declared yet cannot be used.
"""

import sys

from datapath.p4c import ir, syntax
from datapath.p4c.check_decl import DeclChecker
from datapath.p4c.source import Diagnostics

STACK_DEPTH = 20_000
"""Python's frames for a deep expression: the parser limits nesting, the checker takes a few frames for each level."""


def check(tree: syntax.Program, diagnostics: Diagnostics) -> ir.Program:
    """Check a program.

    Raises:
        CompileError: it has errors; all that were found are in it.
    """
    checker = DeclChecker(diagnostics)
    for d in tree.decls:
        if d.name:
            checker.top.later.setdefault(d.name, d.pos)
    depth = sys.getrecursionlimit()
    sys.setrecursionlimit(max(depth, STACK_DEPTH))
    try:
        for d in tree.decls:
            with checker.recover():
                try:
                    checker.declaration(d)
                except RecursionError:
                    diagnostics.fatal(d.pos, f"'{d.name}' is nested too deeply")
    finally:
        sys.setrecursionlimit(depth)
    diagnostics.check()
    return checker.program
