"""The first pass: a design becomes straight instructions. All calls are inlined, all copies explicit, values scalar.

Headers, user metadata and the architecture's metadata are one storage that all blocks of the package share, so a
packet's state passes from block to block without a copy.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from datapath.p4c import ir
from datapath.p4c.code import Code
from datapath.p4c.passes.externs import CORE, V1MODEL, Externs
from datapath.p4c.passes.externs_pna import PNA, PnaExterns
from datapath.p4c.passes.lir import Lir, Unit
from datapath.p4c.passes.places import Place
from datapath.p4c.passes.stmts import Frame, Rebind
from datapath.p4c.types import Type

Blocks: TypeAlias = tuple[tuple[str, str, tuple[str, ...]], ...]

V1_BLOCKS: Blocks = (
    ("p", "parser", ("packet", "hdr", "meta", "std")),
    ("vr", "verify", ("hdr", "meta")),
    ("ig", "ingress", ("hdr", "meta", "std")),
    ("eg", "egress", ("hdr", "meta", "std")),
    ("ck", "compute", ("hdr", "meta")),
    ("dep", "deparser", ("packet", "hdr")),
)
"""Name of the package's parameter, the engine's block, what its parameters are."""

PNA_BLOCKS: Blocks = (
    ("main_parser", "parser", ("packet", "hdr", "meta", "istd")),
    ("pre_control", "verify", ("hdr", "meta", "istd", "pre_out")),
    ("main_control", "ingress", ("hdr", "meta", "istd", "ostd")),
    ("main_deparser", "deparser", ("packet", "hdr", "meta", "ostd")),
)

_TIMES = {"ingress_global_timestamp": "ingress_timestamp", "egress_global_timestamp": "egress_timestamp"}
_V1_INTRINSICS = (
    *("ingress_port", "egress_spec", "egress_port", "instance_type", "packet_length", "enq_timestamp", "enq_qdepth"),
    *("deq_timedelta", "deq_qdepth", "ingress_global_timestamp", "egress_global_timestamp", "mcast_grp", "egress_rid"),
    *("checksum_error", "parser_error", "priority"),
)


@dataclass(slots=True)
class Expanded:
    """A program in the low-level form and what the engine is to know besides."""

    lir: Lir
    code: Code
    blocks: dict[str, Unit] = field(default_factory=dict)
    actions: list[Unit] = field(default_factory=list)
    headers: tuple[int, int] = (0, 0)
    intrinsics: dict[str, int] = field(default_factory=dict)


def expand(design: ir.Design) -> Expanded:
    """Return the design as instructions.

    Raises:
        CompileError: it has what the engine does not run.
    """
    apart: set[object] = set()
    while True:
        try:
            return _expand(design, apart)
        except Rebind as e:
            apart.add(e.obj)


def _expand(design: ir.Design, apart: set[object]) -> Expanded:
    x: Externs
    blocks: Blocks
    if design.arch == "pna":
        x = PnaExterns()
        x.handlers = {**CORE, **PNA}
        blocks = PNA_BLOCKS
    else:
        x = Externs()
        x.handlers = {**CORE, **V1MODEL}
        blocks = V1_BLOCKS
    x.design, x.instance, x.apart = design, design.main, apart
    instances = design.instances()
    x.make_objects(instances)
    storage: dict[tuple[str, Type], Place] = {}
    if design.arch == "pna":
        assert isinstance(x, PnaExterns)
        x.make_intrinsics()
    out = Expanded(x.lir, Code(design.arch))
    for name, block, roles in blocks:
        instance = design.blocks.get(name)
        if instance is None:
            continue
        decl = instance.decl
        assert isinstance(decl, ir.ParserDecl | ir.ControlDecl)
        unit = Unit(block)
        x.unit, x.code, x.reachable, x.pool, x.frames = unit, unit.insns, True, 1, []
        x.block_name, x.instance = name, instance
        for param, role in zip(decl.params, roles, strict=False):
            if role == "packet":
                x.objects[param] = None
            else:
                place = _storage(x, storage, role, param.type)
                x.vars[param] = place
                if design.arch == "pna":
                    assert isinstance(x, PnaExterns)
                    x.fill_metadata(role, place)
        if isinstance(decl, ir.ParserDecl):
            x.run_top_parser(instance)
        else:
            x.run_instance(instance, Frame(x.new_label()))
            x.emit("END")
        out.blocks[block] = unit
    x.finish_tables([i for i in instances if isinstance(i.decl, ir.ControlDecl)])
    out.actions = x.unit_list
    headers = [p for (role, _), p in storage.items() if role == "hdr"]
    if headers:
        out.headers = (headers[0].base, x.layouts.slots(headers[0].type))
    out.intrinsics = x.intrinsics
    _fill_code(x, out.code, design)
    return out


def _storage(x: Externs, storage: dict[tuple[str, Type], Place], role: str, t: Type) -> Place:
    place = storage.get((role, t))
    if place is not None:
        return place
    n = x.layouts.slots(t)
    area = x.lir.new_area(role, n)
    _name_slots(x, area.names, t, role)
    place = storage[role, t] = Place(t, area.base)
    if role in ("meta", "std"):
        x.preserved.append((area.base, area.base + n))
    if role == "meta" and x.user_meta is None:
        x.user_meta = place
    if role == "std":
        offsets = x.layouts.offsets(t)
        for name in _V1_INTRINSICS:
            if name in offsets:
                x.intrinsics[_TIMES.get(name, name)] = area.base + offsets[name][0]
        x.error_slot = x.intrinsics["parser_error"]
    if role != "hdr":
        x.lir.kept.extend((slot, 1) for slot in x.intrinsics.values())
    return place


def _name_slots(x: Externs, names: dict[int, str], t: Type, name: str, at: int = 0) -> None:
    for part, (offset, inner) in x.layouts.offsets(t).items():
        _name_slots(x, names, inner, f"{name}.{part}", at + offset)
        if offset:  # what is before the first part of a header or stack
            names.setdefault(at, f"{name}.$")
    if not x.layouts.offsets(t):
        names[at] = name


def _fill_code(x: Externs, code: Code, design: ir.Design) -> None:
    code.headers = x.layouts.headers
    code.tables = x.code_tables
    code.profiles = x.code_profiles
    code.value_sets = x.code_value_sets
    code.entries = x.code_entries
    code.counters, code.meters, code.registers = x.counters, x.meters, x.registers
    code.digests, code.messages = x.digests, x.messages
    code.errors = list(design.program.errors)
