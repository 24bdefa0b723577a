"""A program as a tree of lines, so that the shrinker can take pieces out."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """A line, or a head with a body and a tail. ``fixed``: the shrinker leaves it (its body it does not)."""

    head: str
    body: "list[Node]" = field(default_factory=list)
    tail: str = ""
    fixed: bool = False

    def lines(self, depth: int = 0) -> Iterator[str]:
        """Give the lines, set in."""
        if self.head:
            yield "    " * depth + self.head
        for node in self.body:
            yield from node.lines(depth + 1)
        if self.tail:
            yield "    " * depth + self.tail


def source(program: list[Node]) -> str:
    """Return the text of a program."""
    return "\n".join(line for node in program for line in node.lines()) + "\n"


def copy(node: Node) -> Node:
    """Return a tree that shares nothing with this one."""
    return Node(node.head, [copy(n) for n in node.body], node.tail, node.fixed)
