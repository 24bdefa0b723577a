"""How deep the trees of a program may be walked: the parser limits them, and Python's own limit is below that."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Enough for the parser's limits on nesting; frames of Python do not use the C stack.
_RECURSION = 20_000


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow as much recursion as a tree within the parser's limits takes, and messages with numbers of any length."""
    before, digits = sys.getrecursionlimit(), sys.get_int_max_str_digits()
    sys.setrecursionlimit(max(before, _RECURSION))
    # The checker limits the length of numbers.
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
        sys.set_int_max_str_digits(digits)
