"""What the control plane may see of a design: P4Info as plain values. :mod:`p4info` writes it as protobuf.

``name`` is the control-plane path (``ingress.ipv4_lpm``), ``alias`` its shortest unique tail, ``id`` P4Runtime's
number. Source: P4Runtime specification, chapter 6 (P4Info).
"""

from dataclasses import dataclass

from datapath.p4c.ir import Annotations


@dataclass(frozen=True, slots=True, kw_only=True)
class Preamble:
    """What all objects have."""

    id: int
    name: str
    alias: str
    annotations: Annotations = ()


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A match field, action parameter or field of packet metadata; ``id`` from 1. ``kind`` is a match field's.

    ``type_name`` is set when the type came from ``type ... name``.
    """

    id: int
    name: str
    width: int
    kind: str = ""
    signed: bool = False
    type_name: str = ""
    annotations: Annotations = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionInfo(Preamble):
    """An action and its data parameters."""

    params: tuple[FieldInfo, ...]


@dataclass(frozen=True, slots=True)
class ActionRefInfo:
    """An action that a table may run; ``scope`` is ``both``, ``table_only`` or ``default_only``."""

    action: ActionInfo
    scope: str = "both"
    annotations: Annotations = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInfo(Preamble):
    """A table. ``profile``, ``counter``, ``meter`` are paths of what belongs to it."""

    keys: tuple[FieldInfo, ...]
    actions: tuple[ActionRefInfo, ...]
    size: int
    const_default: ActionInfo | None = None
    default_action: str = ""
    profile: str | None = None
    counter: str | None = None
    meter: str | None = None
    const_entries: bool = False
    initial_entries: bool = False
    idle_timeout: bool = False
    add_on_miss: bool = False

    @property
    def needs_priority(self) -> bool:
        """Whether entries have priorities: a key is ternary, range or optional."""
        return any(k.kind in ("ternary", "range", "optional") for k in self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileInfo(Preamble):
    """An action profile or selector and the tables that use it."""

    size: int
    with_selector: bool
    max_group_size: int = 0
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayInfo(Preamble):
    """A counter, meter or register.

    ``unit``: packets, bytes or both; ``width``: a register's; ``table``: a direct one's.
    """

    size: int
    unit: str = ""
    width: int = 0
    signed: bool = False
    table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestInfo(Preamble):
    """A digest's struct."""

    type_name: str
    fields: tuple[FieldInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSetInfo(Preamble):
    """A parser value set."""

    fields: tuple[FieldInfo, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketMetadataInfo(Preamble):
    """A ``@controller_header``: packet_in or packet_out."""

    fields: tuple[FieldInfo, ...]


@dataclass(frozen=True, slots=True)
class Info:
    """Everything, by path."""

    arch: str
    package: Annotations
    tables: dict[str, TableInfo]
    actions: dict[str, ActionInfo]
    profiles: dict[str, ProfileInfo]
    counters: dict[str, ArrayInfo]
    direct_counters: dict[str, ArrayInfo]
    meters: dict[str, ArrayInfo]
    direct_meters: dict[str, ArrayInfo]
    registers: dict[str, ArrayInfo]
    digests: dict[str, DigestInfo]
    value_sets: dict[str, ValueSetInfo]
    packet_metadata: dict[str, PacketMetadataInfo]
