"""A case of the differential test: a program, what the control plane does to it, and its packets."""

from dataclasses import dataclass, field

from datapath.pipeline.target import Match
from tests.p4gen.text import Node, copy, source


@dataclass(slots=True)
class RandomEntry:
    """An entry for the control plane to add."""

    table: str
    match: tuple[Match, ...]
    action: str
    args: tuple[int, ...]
    priority: int
    member: int | None = None
    group: int | None = None


@dataclass(slots=True)
class Meter:
    """A meter's rates; a direct one's by the handle of an entry."""

    name: str
    index: int
    rates: tuple[int, int, int, int]


@dataclass(slots=True)
class Case:
    """A program, what the control plane does to it, and its packets."""

    seed: int
    program: list[Node]
    entries: list[RandomEntry] = field(default_factory=list)
    value_sets: list[tuple[str, tuple[Match, ...]]] = field(default_factory=list)
    multicast: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    clones: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    registers: list[tuple[str, int]] = field(default_factory=list)
    counters: list[tuple[str, int]] = field(default_factory=list)
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    meters: list[Meter] = field(default_factory=list)
    members: list[tuple[str, int, str, tuple[int, ...]]] = field(default_factory=list)
    """Of action profiles: (profile, member, action, arguments)."""
    groups: list[tuple[str, int, list[int]]] = field(default_factory=list)
    defaults: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    """Default actions that are set half-way."""

    @property
    def source(self) -> str:
        """The program's text."""
        return source(self.program)

    def with_program(self, program: list[Node]) -> "Case":
        """Return the case with another program."""
        return Case(
            self.seed,
            [copy(n) for n in program],
            list(self.entries),
            list(self.value_sets),
            self.multicast,
            self.clones,
            self.registers,
            self.counters,
            list(self.packets),
            self.meters,
            list(self.members),
            list(self.groups),
            list(self.defaults),
        )
