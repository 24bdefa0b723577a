"""Faults on any port: by seeded chance, and by rules for chosen frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from datapath import _native
from datapath._native import Direction, FaultAction
from datapath.errors import CallerError
from datapath.port.base import Port

__all__ = ["Direction", "FaultAction", "FaultPort", "Faults", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault for chosen frames: those whose bytes at ``offset`` of the UDP payload equal ``value`` under ``mask``.

    Of the matches the first ``skip`` pass and the next ``count`` (0: all) get the action. The BTH is at offset 0: its
    opcode is byte 0, its PSN bytes 9 to 11.
    """

    action: FaultAction = FaultAction.DROP
    offset: int = 0
    value: bytes = b""
    mask: bytes | None = None
    """As long as ``value``; all ones if not given."""
    direction: Direction = Direction.TX
    skip: int = 0
    count: int = 1
    delay_ns: int = 0

    @classmethod
    def on_packet(
        cls,
        *,
        psn: int | None = None,
        opcode: int | None = None,
        nth: int = 1,
        count: int = 1,
        action: FaultAction = FaultAction.DROP,
        direction: Direction = Direction.TX,
        delay_ns: int = 0,
    ) -> Self:
        """Return a rule for RoCEv2 packets with this PSN and opcode: the ``nth`` such, and ``count`` from there on.

        Raises:
            CallerError: both are given, or do not fit.
        """
        if psn is not None and opcode is not None:
            raise CallerError("Rule: give either psn or opcode, a rule compares at most 8 adjacent bytes")
        offset, size, number = (9, 3, psn) if psn is not None else (0, 1, opcode) if opcode is not None else (0, 0, 0)
        try:
            value = (number or 0).to_bytes(size, "big")
        except OverflowError:
            raise CallerError(f"Rule: psn {psn} exceeds 24 bits, or opcode {opcode} 8") from None
        return cls(action, offset, value, None, direction, nth - 1, count, delay_ns)


@dataclass(frozen=True, slots=True)
class Faults:
    """Loss, duplication, reordering, corruption and delay by seeded chance (0.0 to 1.0), and by rules.

    Each frame draws the chances in this order and the first that hits is its fate; a rule that acts comes before.
    """

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    seed: int = 0
    direction: Direction = Direction.BOTH
    """Which frames the chances are for; each rule has its own."""
    reorder_frames: int = 3
    """A reordered frame waits until this many have passed, at most ``reorder_ns``."""
    reorder_ns: int = 1_000_000
    delay_min_ns: int = 0
    delay_max_ns: int = 0
    spare_headers: bool = False
    """Corruption leaves the IP and UDP headers alone."""
    rules: Sequence[Rule] = ()

    def around(self, port: Port) -> "FaultPort":
        """Return ``port`` with these faults.

        Raises:
            CallerError: a chance is not between 0 and 1, or a number does not fit.
        """
        return FaultPort(port, self)


class FaultPort(Port):
    """A port with faults, which can be changed while it runs."""

    def __init__(self, inner: Port, faults: Faults) -> None:
        inner.check_free()
        raw = _native.fault_new(inner.handle, _fault_numbers(faults))
        super().__init__(raw, inner)
        self.set(faults)

    def set(self, faults: Faults) -> None:
        """Change chances and rules; both start anew."""
        with self.guard():
            _native.fault_set(self.handle, _fault_numbers(faults))
            self.set_rules(faults.rules)

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Change the rules, at most 32, whose counts start at zero."""
        with self.guard():
            _native.fault_set_rules(self.handle, [_rule_numbers(rule) for rule in rules])

    def rule_hits(self, rule: int) -> int:
        """Return how many frames the rule acted on."""
        return _native.fault_rule_hits(self.handle, rule)


def _ppb(name: str, chance: float) -> int:
    if not 0 <= chance <= 1:
        raise CallerError(f"Faults: {name} {chance} is not between 0 and 1")
    return round(chance * 1_000_000_000)


def _fault_numbers(faults: Faults) -> dict[str, int]:
    return {
        "seed": faults.seed,
        "dir": faults.direction,
        "loss_ppb": _ppb("loss", faults.loss),
        "dup_ppb": _ppb("duplicate", faults.duplicate),
        "reorder_ppb": _ppb("reorder", faults.reorder),
        "corrupt_ppb": _ppb("corrupt", faults.corrupt),
        "delay_ppb": _ppb("delay", faults.delay),
        "reorder_frames": faults.reorder_frames,
        "data_only": int(faults.spare_headers),
        "reorder_ps": faults.reorder_ns * 1000,
        "delay_min_ps": faults.delay_min_ns * 1000,
        "delay_max_ps": faults.delay_max_ns * 1000,
    }


def _rule_numbers(rule: Rule) -> dict[str, int | bytes]:
    mask = b"\xff" * len(rule.value) if rule.mask is None else rule.mask
    if len(rule.value) > 8 or len(mask) != len(rule.value):
        raise CallerError(f"Rule: value of {len(rule.value)} and mask of {len(mask)} bytes, equal and at most 8")
    return {
        "offset": rule.offset,
        "len": len(rule.value),
        "mask": mask,
        "value": rule.value,
        "dir": rule.direction,
        "action": rule.action,
        "skip": rule.skip,
        "count": rule.count,
        "delay_ps": rule.delay_ns * 1000,
    }
