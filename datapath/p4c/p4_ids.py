"""P4Runtime's numbers for the objects of a program, and their short names, as the reference compiler makes them.

An id is the kind of the object in its upper byte (P4Runtime specification, ``P4Ids.Prefix``) and 24 bits of the
Jenkins one-at-a-time hash of its name below; a taken number moves on to the next. An alias is the shortest tail of the
name, by its dots, that no other object's name ends with.
"""

from collections.abc import Iterable, Mapping

PREFIXES = {
    "action": 0x01,
    "table": 0x02,
    "value_set": 0x03,
    "controller_header": 0x04,
    "action_profile": 0x11,
    "counter": 0x12,
    "direct_counter": 0x13,
    "meter": 0x14,
    "direct_meter": 0x15,
    "register": 0x16,
    "digest": 0x17,
}


class IdError(Exception):
    """An ``@id`` cannot be had; ``name`` is the object's that has it."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


def jenkins_one_at_a_time(data: bytes) -> int:
    """Return the 32-bit hash of that name (Bob Jenkins, 1997)."""
    h = 0
    for byte in data:
        h = (h + byte) & 0xFFFFFFFF
        h = (h + (h << 10)) & 0xFFFFFFFF
        h ^= h >> 6
    h = (h + (h << 3)) & 0xFFFFFFFF
    h ^= h >> 11
    return (h + (h << 15)) & 0xFFFFFFFF


def assign_ids(kind: str, names: Iterable[str], wanted: Mapping[str, int]) -> dict[str, int]:
    """Return the id of each object of a kind; ``wanted`` has those of ``@id``, which go first.

    Raises:
        IdError: an ``@id`` is of another kind, or twice.
    """
    prefix = PREFIXES[kind] << 24
    taken: dict[int, str] = {}
    for name, number in wanted.items():
        full = number if number >> 24 else number | prefix
        if full & 0xFF000000 != prefix:
            raise IdError(name, f"@id({number:#x}) of {kind} '{name}': the upper byte must be {prefix >> 24:#04x} or 0")
        if full in taken:
            raise IdError(name, f"@id({number:#x}) of {kind} '{name}' is that of '{taken[full]}', too")
        taken[full] = name
    for name in sorted(set(names) - set(wanted)):
        low = jenkins_one_at_a_time(name.encode())
        while prefix | low & 0xFFFFFF in taken:
            low += 1
        taken[prefix | low & 0xFFFFFF] = name
    return {name: number for number, name in taken.items()}


def make_aliases(names: Iterable[str]) -> dict[str, str]:
    """Return the alias of each name."""
    all_names = set(names)
    count: dict[str, int] = {}
    for name in all_names:
        for tail in _tails(name):
            count[tail] = count.get(tail, 0) + 1
    return {name: next((t for t in _tails(name) if count[t] == 1), name) for name in all_names}


def _tails(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[i:]) for i in range(len(parts) - 1, -1, -1)]
