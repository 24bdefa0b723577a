"""How deep the trees of a program may be walked: the parser limits them, and Python's own limit is below that."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Enough for the parser's limits on nesting; frames of Python do not use the C stack.
_RECURSION = 20_000


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow as much recursion as a tree within the parser's limits takes."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
