"""A program for the pipeline engine, as lowering makes it: what ``struct dp_pl_desc`` says, and the names of things.

Slots, instructions and layouts are described in ``datapath/csrc/pipeline_ops.h`` and ``pipeline.h``.
"""

from dataclasses import dataclass, field

NONE = 0xFFFFFFFF
"""No slot, no code, no list (``DP_PL_NONE``)."""

MATCH_KINDS = ("exact", "lpm", "ternary", "range", "optional", "selector")
"""By number, as ``enum dp_pl_match``."""

BLOCKS = ("parser", "verify", "ingress", "egress", "compute", "deparser")
"""By number, as ``enum dp_pl_block``."""

INTRINSICS = (
    "ingress_port",
    "egress_spec",
    "egress_port",
    "instance_type",
    "packet_length",
    "enq_timestamp",
    "enq_qdepth",
    "deq_timedelta",
    "deq_qdepth",
    "ingress_timestamp",
    "egress_timestamp",
    "mcast_grp",
    "egress_rid",
    "checksum_error",
    "parser_error",
    "priority",
    "direction",
    "pass",
    "loopedback",
    "class_of_service",
    "drop",
    "dest_port",
)
"""By number, as ``enum dp_pl_intrinsic``."""

HASHES = ("crc32", "crc32_custom", "crc16", "crc16_custom", "csum16", "xor16", "identity", "random", "toeplitz")
"""By number, as ``enum dp_pl_hash``."""


@dataclass(slots=True)
class Insn:
    """One instruction: ``op`` by name. ``imm`` of a jump is the index of an instruction."""

    op: str
    w: int = 0
    d: int = 0
    a: int = 0
    b: int = 0
    imm: int = 0


@dataclass(frozen=True, slots=True)
class HeaderLayout:
    """``fields``: (name, slot from the base, bit offset, width); ``varbit``: index of the field that is one."""

    name: str
    fields: tuple[tuple[str, int, int, int], ...]
    bits: int
    varbit: int | None
    slots: int


@dataclass(frozen=True, slots=True)
class Item:
    """A field of a list."""

    slot: int
    width: int
    varbit: bool = False


@dataclass(slots=True)
class TableAction:
    """``name`` is the control-plane path; ``params`` are slots and widths of the action data."""

    name: str
    code: int
    params: tuple[Item, ...]
    default_only: bool = False
    table_only: bool = False


@dataclass(slots=True)
class Table:
    """``keys``: (slot, width, match kind's name). ``flags`` are the ``DP_PL_T_*``."""

    name: str
    keys: list[tuple[int, int, str]]
    actions: list[TableAction]
    default_action: int
    default_data: int
    size: int
    flags: int
    profile: int | None = None
    meter_slot: int = NONE


@dataclass(slots=True)
class Profile:
    """An action profile, or a selector when ``algorithm`` (a name of HASHES) is set."""

    name: str
    size: int
    max_group: int
    algorithm: str | None
    width: int
    actions: list[TableAction]


@dataclass(slots=True)
class ValueSet:
    """``keys``: as a table's."""

    name: str
    keys: list[tuple[int, int, str]]
    size: int


@dataclass(slots=True)
class Array:
    """A counter (``what`` 1 packets, 2 bytes, 3 both), meter (1 packets, 2 bytes) or register (width in bits).

    ``initial`` is what a register's cells hold at the start.
    """

    name: str
    size: int
    what: int
    initial: int = 0


@dataclass(slots=True)
class Digest:
    """``fields``: (name, width) of the items of ``list_id``."""

    name: str
    list_id: int
    fields: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Entry:
    """An entry of the program; ``key`` and ``data`` are words as ``struct dp_pl_entry`` has them."""

    table: int
    action: int
    key: list[int]
    data: list[int]
    priority: int
    const: bool


@dataclass(slots=True)
class Code:
    """All of it. ``slot_names`` are for people: slot -> name of what lives there."""

    arch: str
    consts: list[int] = field(default_factory=list)
    n_slots: int = 0
    insns: list[Insn] = field(default_factory=list)
    headers: list[HeaderLayout] = field(default_factory=list)
    lists: list[tuple[Item, ...]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    profiles: list[Profile] = field(default_factory=list)
    value_sets: list[ValueSet] = field(default_factory=list)
    counters: list[Array] = field(default_factory=list)
    meters: list[Array] = field(default_factory=list)
    registers: list[Array] = field(default_factory=list)
    digests: list[Digest] = field(default_factory=list)
    jump_tables: list[list[int]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    blocks: dict[str, int] = field(default_factory=dict)
    intrinsics: dict[str, int] = field(default_factory=dict)
    header_slots: tuple[int, int] = (0, 0)
    """v1model: first slot and number of slots of the headers argument; clones keep them when metadata is reset."""
    slot_names: dict[int, str] = field(default_factory=dict)
