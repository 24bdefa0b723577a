"""v1model as the reference switch runs it: ingress, what was asked for behind it, egress, until nothing waits.

Clones of the ingress kind parse the packet's original bytes again. Fields that a field list keeps are read at the
end of the block, not where the extern was called, as the reference switch does.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from datapath.errors import CallerError
from datapath.p4c import ir
from datapath.p4c import types as t
from datapath.p4c.evaluate import hashes, parse
from datapath.p4c.evaluate.externs import Counter, Direct, Meters, Register, Running, data_bytes, member_name
from datapath.p4c.evaluate.interp import ExternArgs, Frame, Handler, Machine, RejectSignal, StopSignal
from datapath.p4c.evaluate.trace import show
from datapath.p4c.evaluate.values import Struct, Tuple, Value, copy, default, from_bits, leaves, put, to_bits
from datapath.pipeline.target import Event, Output, Packet

DROP_PORT = 511
MAX_PACKET_BYTES = 16384

MAX_ROUNDS = 64
"""Clones, resubmissions, recirculations and multicasts that one packet may cause; more are not made."""

NORMAL, INGRESS_CLONE, EGRESS_CLONE, _COALESCED, RECIRCULATED, REPLICATION, RESUBMITTED = range(7)

Path = tuple[str, ...]
"""A place in a block's parameters: ``meta`` or ``std``, then names of fields."""

FieldList = list[Path]
Kept = list[tuple[Path, Value]]


@dataclass(slots=True)
class Fanout:
    """Replicas (port, rid) of a multicast group or clone session."""

    replicas: Sequence[tuple[int, int]]
    truncate_bytes: int = 0


@dataclass(slots=True)
class Asked:
    """What the externs of a block asked the architecture for."""

    clone: tuple[int, FieldList] | None = None
    resubmit: FieldList | None = None
    recirculate: FieldList | None = None
    truncate: int | None = None


@dataclass(slots=True)
class Job:
    """A packet that waits for ingress (``hdr`` None) or egress."""

    data: bytes
    port: int
    instance_type: int
    length: int
    kept: Kept = field(default_factory=list)
    hdr: Value = None
    meta: Value = None
    std: Struct | None = None
    payload: bytes = b""
    rid: int = 0
    truncate: int | None = None


class V1Model:
    """Runs packets through a ``V1Switch``."""

    def __init__(self, design: ir.Design, machine: Machine, running: Running) -> None:
        self.machine = machine
        self.running = running
        self.multicast: dict[int, Fanout] = {}
        self.clones: dict[int, Fanout] = {}
        self.blocks = design.blocks
        params = _params(self.blocks["p"])
        self.hdr_type, self.meta_type, self.std_type = (p.type for p in params[1:])
        self.asked = Asked()
        self.std: Struct = self._new_std()
        self.jobs: deque[Job] = deque()
        self.port = 0
        """Where the packet came in."""
        self.rounds = 0
        """What was queued because of it: clones, resubmissions, recirculations, multicasts."""

    def _new_std(self) -> Struct:
        std = default(self.std_type)
        assert isinstance(std, Struct)
        return std

    def process(self, packet: Packet, source: int) -> list[Output]:
        """Run one packet and all that comes of it."""
        out: list[Output] = []
        if len(packet.data) > MAX_PACKET_BYTES:
            return out
        self.port = packet.port
        self.jobs.append(Job(packet.data, packet.port, NORMAL, len(packet.data)))
        self.rounds = 0
        while self.jobs:
            job = self.jobs.popleft()
            self.asked = Asked(truncate=job.truncate)
            self.machine.start()
            try:
                if job.hdr is None:
                    self._ingress(job)
                else:
                    out.extend(self._egress(job, source))
            except StopSignal:
                self._note("drop", "", "the packet was given up")
        return out

    def _may_queue(self) -> bool:
        """Whether one more may be queued."""
        self.rounds += 1
        if self.rounds > MAX_ROUNDS:
            self._note("drop", "", "too many rounds")
        return self.rounds <= MAX_ROUNDS

    def _note(self, kind: str, name: str, text: str = "") -> None:
        if self.machine.trace is not None:
            self.machine.trace.add(kind, name, text)

    def _run(self, block: str, *args: Value) -> None:
        instance = self.blocks[block]
        self._note("block", instance.path)
        if self.machine.trace is not None:
            self.machine.trace.depth += 1
        try:
            self.machine.run_block(instance, args)
        finally:
            if self.machine.trace is not None:
                self.machine.trace.depth -= 1

    def _set(self, **fields: int) -> None:
        for name, value in fields.items():
            if name in self.std.fields:
                type_ = next(f.type for f in self.std.type.fields if f.name == name)
                self.std.fields[name] = from_bits(value & ((1 << (t.scalar_width(type_) or 0)) - 1), type_)

    def _get(self, name: str) -> int:
        value = self.std.fields.get(name, 0)
        assert isinstance(value, int)
        return value

    def _parse(self, job: Job) -> tuple[Value, Value, bytes]:
        """Parse and verify checksums; returns headers, metadata and the bytes behind what was parsed."""
        hdr, meta = default(self.hdr_type), default(self.meta_type)
        _restore(job.kept, meta, self.std)
        packet = parse.PacketIn(job.data)
        try:
            self._run("p", packet, hdr, meta, self.std)
        except RejectSignal as e:
            self._set(parser_error=self.machine.errors[e.error])
            self._note("reject", e.error)
        self.running.payload = packet.payload
        self._run("vr", hdr, meta)
        return hdr, meta, packet.payload

    # ---- ingress and what follows it ----

    def _ingress(self, job: Job) -> None:
        self.std = self._new_std()
        self.running.length = self.running.tables.length = len(job.data)
        self._set(packet_length=job.length, instance_type=job.instance_type)
        if job.instance_type == NORMAL:
            # One that comes back has lost these two, as in the reference switch.
            self._set(ingress_port=job.port, ingress_global_timestamp=self.running.now_ns // 1000)
        hdr, meta, payload = self._parse(job)
        self._run("ig", hdr, meta, self.std)
        asked, std = self.asked, self.std
        roots = {"meta": meta, "std": std}
        if asked.clone is not None:
            self._clone_ingress(job, asked.clone, roots)
        if asked.resubmit is not None:
            self._note("resubmit", "")
            if self._may_queue():
                self.jobs.append(Job(job.data, 0, RESUBMITTED, job.length, _keep(asked.resubmit, roots)))
            return
        after = Job(job.data, self._get("egress_spec"), NORMAL, job.length, [], hdr, meta, std, payload)
        after.truncate = asked.truncate
        group = self._get("mcast_grp")
        if group:
            replicas = self.multicast.get(group, Fanout(())).replicas
            self._note("multicast", str(group), " ".join(f"{p}/{rid}" for p, rid in replicas))
            self._set(instance_type=REPLICATION)
            after.instance_type = REPLICATION
            if replicas and self._may_queue():
                self._replicate(after, replicas)
            return
        if after.port == DROP_PORT:
            self._note("drop", "", "egress_spec is the drop port after ingress")
            return
        self._set(instance_type=NORMAL)
        if self.jobs and not self._may_queue():
            return
        self._replicate(after, [(after.port, self._get("egress_rid"))])

    def _clone_ingress(self, job: Job, clone: tuple[int, FieldList], roots: dict[str, Value]) -> None:
        session = self.clones.get(clone[0])
        self._note("clone", f"session {clone[0]}", "" if session else "not there")
        if session is None or not self._may_queue():
            return
        kept, std, asked = _keep(clone[1], roots), self.std, self.asked
        self.std = self._new_std()
        self._set(ingress_port=self.port)
        self.asked = Asked()
        try:
            hdr, meta, payload = self._parse(Job(job.data, job.port, INGRESS_CLONE, job.length))
            # What the parser left in the metadata is gone: a clone has the kept fields only.
            meta, self.std = default(self.meta_type), self._new_std()
            self._set(packet_length=job.length, instance_type=INGRESS_CLONE)
            _restore(kept, meta, self.std)
            after = Job(job.data, 0, INGRESS_CLONE, job.length, [], hdr, meta, self.std, payload)
            after.truncate = session.truncate_bytes or None
            self._replicate(after, session.replicas)
        except StopSignal:
            self._note("drop", "", "the clone was given up")
        finally:
            self.std, self.asked = std, asked

    def _replicate(self, job: Job, replicas: Sequence[tuple[int, int]]) -> None:
        """Queue a copy for egress on each port."""
        for port, rid in replicas:
            std = copy(job.std)
            assert isinstance(std, Struct)
            self.jobs.append(
                Job(
                    job.data,
                    port,
                    job.instance_type,
                    job.length,
                    [],
                    copy(job.hdr),
                    copy(job.meta),
                    std,
                    job.payload,
                    rid,
                    job.truncate,
                )
            )

    # ---- egress and what follows it ----

    def _egress(self, job: Job, source: int) -> list[Output]:
        assert job.std is not None
        self.std = job.std
        self.running.length = self.running.tables.length = len(job.data)
        self.running.payload = job.payload
        now_us = self.running.now_ns // 1000
        self._set(
            egress_port=job.port,
            egress_spec=0,
            instance_type=job.instance_type,
            egress_rid=job.rid,
            enq_timestamp=now_us,
            enq_qdepth=0,
            deq_timedelta=0,
            deq_qdepth=0,
            egress_global_timestamp=now_us,
            packet_length=job.length,
        )
        self._run("eg", job.hdr, job.meta, self.std)
        asked = self.asked
        roots: dict[str, Value] = {"meta": job.meta, "std": self.std}
        if asked.clone is not None:
            self._clone_egress(job, asked.clone, roots)
        if self._get("egress_spec") == DROP_PORT:
            self._note("drop", "", "egress_spec is the drop port after egress")
            return []
        self._run("ck", job.hdr, job.meta)
        packet = parse.PacketOut()
        self._run("dep", packet, job.hdr)
        data = packet.data + job.payload
        if len(data) > MAX_PACKET_BYTES:
            self._note("drop", "", f"{len(data)} bytes are too long")
            return []
        if asked.truncate is not None:
            data = data[: asked.truncate]
        if asked.recirculate is not None:
            self._note("recirculate", "")
            if self._may_queue():
                self.jobs.append(Job(data, 0, RECIRCULATED, len(data), _keep(asked.recirculate, roots)))
            return []
        self._note("out", f"port {job.port}", f"{len(data)} bytes")
        return [Output(job.port, data, source, job.rid)]

    def _clone_egress(self, job: Job, clone: tuple[int, FieldList], roots: dict[str, Value]) -> None:
        session = self.clones.get(clone[0])
        self._note("clone", f"session {clone[0]}", "" if session else "not there")
        if session is None or not self._may_queue():
            return
        kept, std = _keep(clone[1], roots), self.std
        meta, self.std = default(self.meta_type), self._new_std()
        self._set(packet_length=job.length, instance_type=EGRESS_CLONE)
        _restore(kept, meta, self.std)
        after = Job(job.data, 0, EGRESS_CLONE, job.length, [], job.hdr, meta, self.std, job.payload)
        after.truncate = session.truncate_bytes or None
        self._replicate(after, session.replicas)
        self.std = std

    # ---- field lists ----

    def annotated(self, index: int) -> FieldList:
        """Return all fields of the user metadata with ``@field_list(index)``."""
        out: FieldList = []

        def walk(type_: t.Type, path: Path) -> None:
            base = t.strip(type_)
            if not isinstance(base, t.StructType):
                return
            for f in base.fields:
                lists = [a for a in f.annotations if isinstance(a, ir.Annotation) and a.name == "field_list"]
                if any(index in a.args for a in lists):
                    out.append((*path, f.name))
                else:
                    walk(f.type, (*path, f.name))

        walk(self.meta_type, ("meta",))
        return out

    def listed(self, call: ExternArgs, i: int) -> FieldList:
        """Return the metadata fields that an argument of an old style extern names."""
        expr = call.node.args[i]
        items = list(expr.items) if isinstance(expr, ir.StructExpr) else [expr]
        return [path for item in items if item is not None and (path := self._path(item, call.frame)) is not None]

    def _path(self, expr: ir.Expr, frame: Frame) -> Path | None:
        if isinstance(expr, ir.Member):
            base = self._path(expr.base, frame)
            return None if base is None else (*base, expr.name)
        if not isinstance(expr, ir.VarRef):
            return None
        at: Frame | None = frame
        while at is not None and expr.var not in at.vars:
            at = at.outer
        if at is None:
            return None
        if at.caller is not None:
            arg = at.args.get(expr.var)
            return None if arg is None else self._path(arg, at.caller)
        params = _params(at.instance)
        if expr.var in params[1:]:
            return (("hdr", "meta", "std")[params.index(expr.var) - len(params) + 3],)
        return None


def _params(instance: ir.Instance) -> tuple[ir.Var, ...]:
    decl = instance.decl
    assert isinstance(decl, ir.ParserDecl | ir.ControlDecl)
    return decl.params


def _place(path: Path, roots: dict[str, Value]) -> tuple[dict[str, Value], str] | None:
    value: Any = roots.get(path[0])
    for name in path[1:-1]:
        value = value.fields[name] if hasattr(value, "fields") else None
    return (value.fields, path[-1]) if hasattr(value, "fields") and path[-1] in value.fields else None


def _keep(fields: FieldList, roots: dict[str, Value]) -> Kept:
    """Return copies of the fields as they are now."""
    kept: Kept = []
    for path in fields:
        if len(path) == 1 and path[0] in roots:
            root = roots[path[0]]
            assert isinstance(root, Struct)
            kept.extend(((path[0], name), copy(v)) for name, v in root.fields.items())
            continue
        place = _place(path, roots)
        if place is not None:
            kept.append((path, copy(place[0][place[1]])))
    # instance_type says what the copy is, whatever the list holds.
    return [(p, v) for p, v in kept if p != ("std", "instance_type")]


def _restore(kept: Kept, meta: Value, std: Struct) -> None:
    for path, value in kept:
        place = _place(path, {"meta": meta, "std": std})
        if place is not None:
            put(place[0], place[1], copy(value))


# ---- externs ----


def handlers(running: Running, get: "list[V1Model]") -> dict[str, Handler]:
    """Return the externs of v1model; ``get[0]`` is the switch, once it is there."""

    def count(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Counter)
        call.obj.count(call.args[0], running.length)
        return None

    def execute_meter(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Meters)
        call.out(1, call.obj.run(call.args[0], running.now_ns * 1000, running.length))
        return None

    def read_direct_meter(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Direct)
        row = running.state_of(call.obj).hit_row
        if row is not None:
            call.out(0, row.colour)
        return None

    def read_register(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Register)
        call.out(0, call.obj.read(call.args[1]))
        return None

    def write_register(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Register)
        call.obj.write(call.args[0], to_bits(call.args[1], call.type(1)))
        return None

    def random_value(call: ExternArgs) -> Value:
        lo, hi = call.args[1], call.args[2]
        call.out(0, running.rng.randint(lo, hi) if lo <= hi else lo)
        return None

    def digest_of(algorithm: str, data: bytes) -> int:
        return running.rng.getrandbits(64) if algorithm == "random" else hashes.digest(algorithm, data)

    def hash_(call: ExternArgs) -> Value:
        # The reference switch reckons in 64 bits.
        base, most = (v & (1 << 64) - 1 if v > 0 else v for v in (call.args[2], call.args[4]))
        call.out(
            0, base + digest_of(member_name(call.type(1), call.args[1]), data_bytes(call, 3)) % most if most else base
        )
        return None

    def computed(call: ExternArgs, payload: bool) -> int:
        data = data_bytes(call, 1) + (running.payload if payload else b"")
        width = t.scalar_width(call.type(2)) or 0
        return digest_of(member_name(call.type(3), call.args[3]), data) & ((1 << width) - 1)

    def verify_checksum(call: ExternArgs, payload: bool = False) -> Value:
        if call.args[0] and computed(call, payload) != to_bits(call.args[2], call.type(2)):
            get[0].std.fields["checksum_error"] = 1
        return None

    def update_checksum(call: ExternArgs, payload: bool = False) -> Value:
        if call.args[0]:
            call.out(2, computed(call, payload))
        return None

    def checksum16(call: ExternArgs) -> Value:
        return hashes.csum16(data_bytes(call, 0))

    def digest(call: ExternArgs) -> Value:
        type_ = call.type(1)
        base = t.strip(type_)
        found = [d for d in running.info.digests.values() if d.type_name == str(base) or d.name == str(base)]
        values = [bits for bits, _ in leaves(call.args[1], type_)]
        name = found[0].name if found else str(base)
        if found:
            names = [f.name for f in found[0].fields]
        elif isinstance(base, t.StructType):
            names = [f.name for f in base.fields]
        else:
            names = []
        if len(names) != len(values):
            names = [f"f{i}" for i in range(len(values))]
        running.events.append(Event("digest", name, tuple(zip(names, values, strict=True))))
        return None

    def mark_to_drop(call: ExternArgs) -> Value:
        ref = call.refs[0] if call.refs else None
        std = get[0].std if ref is None else ref.get()
        assert isinstance(std, Struct)
        std.fields["egress_spec"] = DROP_PORT
        if "mcast_grp" in std.fields:
            std.fields["mcast_grp"] = 0
        return None

    def clone(call: ExternArgs, kind: int) -> Value:
        fields: FieldList = []
        if kind == 1:
            fields = get[0].listed(call, 2)
        elif kind == 2:
            fields = get[0].annotated(call.args[2])
        in_egress = call.machine.frames[0].instance is get[0].blocks["eg"]
        if member_name(call.type(0), call.args[0]) != ("E2E" if in_egress else "I2E"):
            return None  # the reference switch has one flag for each kind and looks at it behind that block only
        get[0].asked.clone = (call.args[1], fields)
        return None

    def resubmit(call: ExternArgs, by_index: bool) -> Value:
        switch = get[0]
        if call.machine.frames[0].instance is switch.blocks["ig"]:
            switch.asked.resubmit = switch.annotated(call.args[0]) if by_index else switch.listed(call, 0)
        return None

    def recirculate(call: ExternArgs, by_index: bool) -> Value:
        switch = get[0]
        if call.machine.frames[0].instance is switch.blocks["eg"]:
            switch.asked.recirculate = switch.annotated(call.args[0]) if by_index else switch.listed(call, 0)
        return None

    def truncate(call: ExternArgs) -> Value:
        get[0].asked.truncate = call.args[0]
        return None

    def assert_(call: ExternArgs) -> Value:
        if not call.args[0]:
            text = f"{call.node.method.name} failed at {call.node.pos}"
            running.events.append(Event("assert", call.node.method.name, text=text))
            raise StopSignal
        return None

    def log_msg(call: ExternArgs) -> Value:
        text = call.args[0]
        if len(call.args) > 1:
            items = call.args[1].items if isinstance(call.args[1], Tuple) else [call.args[1]]
            types = t.strip(call.type(1))
            if isinstance(call.args[1], Struct):
                items = list(call.args[1].fields.values())
            elems = types.elems if isinstance(types, t.TupleType) else [types] * len(items)
            for item, type_ in zip(items, elems, strict=True):
                text = text.replace("{}", str(int(item)) if isinstance(item, int) else show(item, type_), 1)
        running.events.append(Event("log", "log_msg", text=text))
        return None

    return {
        **parse.HANDLERS,
        "counter.count": count,
        "direct_counter.count": lambda _call: None,
        "meter.execute_meter": execute_meter,
        "direct_meter.read": read_direct_meter,
        "register.read": read_register,
        "register.write": write_register,
        "Checksum16.get": checksum16,
        "random": random_value,
        "hash": hash_,
        "verify_checksum": verify_checksum,
        "verify_checksum_with_payload": lambda call: verify_checksum(call, True),
        "update_checksum": update_checksum,
        "update_checksum_with_payload": lambda call: update_checksum(call, True),
        "digest": digest,
        "mark_to_drop": mark_to_drop,
        "clone": lambda call: clone(call, 0),
        "clone3": lambda call: clone(call, 1),
        "clone_preserving_field_list": lambda call: clone(call, 2),
        "resubmit": lambda call: resubmit(call, False),
        "resubmit_preserving_field_list": lambda call: resubmit(call, True),
        "recirculate": lambda call: recirculate(call, False),
        "recirculate_preserving_field_list": lambda call: recirculate(call, True),
        "truncate": truncate,
        "assert": assert_,
        "assume": assert_,
        "log_msg": log_msg,
    }


def check(design: ir.Design) -> None:
    """Check that the design is one for this architecture.

    Raises:
        CallerError: it is not.
    """
    missing = [b for b in ("p", "vr", "ig", "eg", "ck", "dep") if b not in design.blocks]
    if missing:
        raise CallerError(f"the v1model design has no block {', '.join(missing)}")
