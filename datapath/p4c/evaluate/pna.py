"""The Portable NIC Architecture: parser, pre control, main control, deparser; then what the externs asked for.

A packet that no ``send_to_port()`` sent is dropped. Mirrored copies are of the packet as it leaves. A recirculated
packet is parsed again with ``pass`` one more and ``loopedback`` set.
"""

from dataclasses import dataclass, field
from typing import Any

from datapath.p4c import ir
from datapath.p4c import types as t
from datapath.p4c.evaluate import hashes, parse
from datapath.p4c.evaluate.externs import Counter, Direct, Meters, Register, Running, data_bytes, member_name
from datapath.p4c.evaluate.interp import ExternArgs, Handler, Machine, RejectSignal, StopSignal
from datapath.p4c.evaluate.tables import new_entry
from datapath.p4c.evaluate.v1model import MAX_PACKET_BYTES, MAX_ROUNDS, Fanout
from datapath.p4c.evaluate.values import Struct, Value, default, from_bits, leaves, to_bits
from datapath.pipeline.target import Event, Output, Packet

COLOURS = ("GREEN", "YELLOW", "RED")


@dataclass(slots=True)
class Asked:
    """What the externs asked the architecture for."""

    drop: bool = True
    port: int = 0
    mirrors: dict[int, int] = field(default_factory=dict)
    """Session by slot."""
    recirculate: bool = False


class Pna:
    """Runs packets through a ``PNA_NIC``."""

    def __init__(self, design: ir.Design, machine: Machine, running: Running) -> None:
        self.machine = machine
        self.running = running
        self.blocks = design.blocks
        self.clones: dict[int, Fanout] = {}
        self.multicast: dict[int, Fanout] = {}
        self.expire_ns: dict[int, int] = {}
        self.next_flow = 0
        self.asked = Asked()

    def _params(self, block: str) -> tuple[ir.Var, ...]:
        decl = self.blocks[block].decl
        assert isinstance(decl, ir.ParserDecl | ir.ControlDecl)
        return decl.params

    def _metadata(self, type_: t.Type, **fields: int) -> Struct:
        out = default(type_)
        assert isinstance(out, Struct)
        for f in out.type.fields:
            if f.name in fields:
                out.fields[f.name] = from_bits(fields[f.name] & ((1 << (t.scalar_width(f.type) or 0)) - 1), f.type)
        return out

    def _note(self, kind: str, name: str, text: str = "") -> None:
        if self.machine.trace is not None:
            self.machine.trace.add(kind, name, text)

    def process(self, packet: Packet, source: int) -> list[Output]:
        """Run one packet and all that comes of it."""
        out: list[Output] = []
        if len(packet.data) > MAX_PACKET_BYTES:
            return out
        data, passes = packet.data, 0
        while True:
            self.asked = Asked()
            self.machine.start()
            try:
                data = self._pass(packet, data, passes)
            except StopSignal:
                self._note("drop", "", "the packet was given up")
                return out
            for session in self.asked.mirrors.values():
                fanout = self.clones.get(session)
                for port, rid in fanout.replicas if fanout else ():
                    assert fanout is not None
                    self._note("mirror", f"port {port}")
                    out.append(Output(port, data[: fanout.truncate_bytes or None], source, rid))
            passes += 1
            if not self.asked.recirculate or passes >= MAX_ROUNDS:
                break
            self._note("recirculate", "")
        if self.asked.recirculate or self.asked.drop:
            self._note("drop", "")
            return out
        self._note("out", f"port {self.asked.port}", f"{len(data)} bytes")
        return [*out, Output(self.asked.port, data, source)]

    def _pass(self, packet: Packet, data: bytes, passes: int) -> bytes:
        parser, pre, main = (self._params(b) for b in ("main_parser", "pre_control", "main_control"))
        self.running.length = self.running.tables.length = len(data)
        common = {
            "direction": int(packet.from_host),
            "pass": passes,
            "loopedback": int(passes > 0),
            "input_port": packet.port,
            "timestamp": self.running.now_ns,
        }
        hdr, meta = default(parser[1].type), default(parser[2].type)
        cursor = parse.PacketIn(data)
        error = 0
        try:
            self.machine.run_block(
                self.blocks["main_parser"], [cursor, hdr, meta, self._metadata(parser[3].type, **common)]
            )
        except RejectSignal as e:
            error = self.machine.errors[e.error]
            self._note("reject", e.error)
        self.running.payload = cursor.payload
        ostd = self._metadata(pre[3].type)
        self.machine.run_block(
            self.blocks["pre_control"], [hdr, meta, self._metadata(pre[2].type, **common, parser_error=error), ostd]
        )
        out = self._metadata(main[3].type)
        self.machine.run_block(
            self.blocks["main_control"], [hdr, meta, self._metadata(main[2].type, **common, parser_error=error), out]
        )
        emitted = parse.PacketOut()
        self.machine.run_block(self.blocks["main_deparser"], [emitted, hdr, meta, out])
        return emitted.data + cursor.payload


class ChecksumState:
    """A ``Checksum``: the bytes so far; an ``InternetChecksum``: the sum so far."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm
        self.data = b""
        self.sum = 0


def build_objects(machine: Machine, design: ir.Design) -> None:
    """Make the state of PNA's extern objects that the control plane does not see."""
    for instance in design.instances():
        if isinstance(instance.decl, ir.ExternDecl) and instance.decl.name in _STATES:
            machine.objects[instance] = _STATES[instance.decl.name](machine, instance)


def _algorithm(instance: ir.Instance) -> str:
    value = next(iter(instance.args.values()))
    return str(value.value) if isinstance(value, ir.Literal) else "TARGET_DEFAULT"


_STATES: dict[str, Any] = {
    "Hash": lambda _m, i: _algorithm(i),
    "Checksum": lambda _m, i: ChecksumState(_algorithm(i)),
    "InternetChecksum": lambda _m, _i: ChecksumState(""),
    "Random": lambda _m, i: tuple(int(v.value) for v in i.args.values() if isinstance(v, ir.Literal)),
    "Digest": lambda _m, i: i.path,
}


def handlers(running: Running, get: "list[Pna]") -> dict[str, Handler]:
    """Return the externs of PNA; ``get[0]`` is the device, once it is there."""

    def packet_length(call: ExternArgs, i: int) -> int:
        return int(call.args[i]) if len(call.args) > i else running.length

    def count(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Counter)
        call.obj.count(call.args[0], packet_length(call, 1))
        return None

    def count_direct(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Direct)
        row = running.state_of(call.obj).hit_row
        if row is not None:
            row.packets += 1
            row.octets += packet_length(call, 0)
        return None

    def colour_number(call: ExternArgs, i: int) -> int:
        return COLOURS.index(member_name(call.type(i), call.args[i]))

    def colour_value(call: ExternArgs, colour: int) -> int:
        base = t.strip(call.node.type)
        assert isinstance(base, t.EnumType)
        return base.members.index(COLOURS[colour])

    def execute(call: ExternArgs, dpdk: bool = False) -> Value:
        assert isinstance(call.obj, Meters)
        octets = call.args[-1] if dpdk else running.length
        coloured = len(call.args) == (3 if dpdk else 2)
        colour = colour_number(call, 1) if coloured else None
        return colour_value(call, call.obj.run(call.args[0], running.now_ns * 1000, octets, colour))

    def execute_direct(call: ExternArgs, dpdk: bool = False) -> Value:
        assert isinstance(call.obj, Direct)
        state = running.state_of(call.obj)
        coloured = len(call.args) == (2 if dpdk else 1)
        colour = colour_number(call, 0) if coloured else None
        if state.hit_row is None:
            return colour_value(call, colour or 0)
        return colour_value(call, running.tables.meter(state, state.hit_row, colour))

    def read_register(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Register)
        return from_bits(call.obj.read(call.args[0]), call.node.type)

    def write_register(call: ExternArgs) -> Value:
        assert isinstance(call.obj, Register)
        call.obj.write(call.args[0], to_bits(call.args[1], call.type(1)))
        return None

    def get_hash(call: ExternArgs) -> Value:
        width = t.scalar_width(call.node.type) or 0
        if len(call.args) == 1:
            return hashes.digest(call.obj, data_bytes(call, 0)) & ((1 << width) - 1)
        base, most = call.args[0], call.args[2]
        value = base + hashes.digest(call.obj, data_bytes(call, 1)) % most if most else base
        return int(value) & ((1 << width) - 1)

    def clear(call: ExternArgs) -> Value:
        call.obj.data, call.obj.sum = b"", 0
        return None

    def update(call: ExternArgs) -> Value:
        call.obj.data += data_bytes(call, 0)
        return None

    def get_checksum(call: ExternArgs) -> Value:
        width = t.scalar_width(call.node.type) or 0
        return hashes.digest(call.obj.algorithm, call.obj.data) & ((1 << width) - 1)

    def add(call: ExternArgs) -> Value:
        call.obj.sum = hashes.ones_sum(data_bytes(call, 0), call.obj.sum)
        return None

    def subtract(call: ExternArgs) -> Value:
        # RFC 1624: adding the complement takes away.
        call.obj.sum = hashes.ones_sum((hashes.ones_sum(data_bytes(call, 0)) ^ 0xFFFF).to_bytes(2, "big"), call.obj.sum)
        return None

    def get_sum(call: ExternArgs) -> Value:
        return call.obj.sum ^ 0xFFFF

    def get_state(call: ExternArgs) -> Value:
        return call.obj.sum

    def set_state(call: ExternArgs) -> Value:
        call.obj.sum = call.args[0]
        return None

    def pack(call: ExternArgs) -> Value:
        info = running.info.digests.get(call.obj)
        values = [bits for bits, _ in leaves(call.args[0], call.type(0))]
        names = [f.name for f in info.fields] if info else []
        if len(names) != len(values):
            names = [f"f{i}" for i in range(len(values))]
        running.events.append(Event("digest", call.obj, tuple(zip(names, values, strict=True))))
        return None

    def drop_packet(_call: ExternArgs) -> Value:
        get[0].asked.drop = True
        return None

    def send_to_port(call: ExternArgs) -> Value:
        get[0].asked.drop, get[0].asked.port = False, call.args[0]
        return None

    def mirror_packet(call: ExternArgs) -> Value:
        get[0].asked.mirrors[call.args[0]] = call.args[1]
        return None

    def recirculate(_call: ExternArgs) -> Value:
        get[0].asked.recirculate = True
        return None

    def add_entry(call: ExternArgs) -> Value:
        state = running.tables.current
        if state is None or state.missed_key is None or not state.info.add_on_miss:
            return False
        wanted = str(call.args[0])
        paths = [p for p in state.actions if p == wanted or p.rpartition(".")[2] == wanted.rpartition(".")[2]]
        if not paths:
            return False
        args = [bits for bits, _ in leaves(call.args[1], call.type(1))]
        if any(row.entry.match == new_entry(state, "", ()).match for row in state.rows):
            return False
        if len(state.rows) >= (state.info.size or 1024):
            return False
        row = state.add(new_entry(state, paths[0], args), now_ns=running.now_ns)
        row.idle_ns = get[0].expire_ns.get(call.args[2], 0)
        running.events.append(Event("learnt", state.info.name, handle=row.handle))
        return True

    def set_expire(call: ExternArgs) -> Value:
        state = running.tables.current
        if state is not None and state.hit_row is not None:
            state.hit_row.idle_ns = get[0].expire_ns.get(call.args[0], 0)
        return None

    def restart_timer(_call: ExternArgs) -> Value:
        state = running.tables.current
        if state is not None and state.hit_row is not None:
            state.hit_row.used_ns = running.now_ns
        return None

    def allocate_flow_id(_call: ExternArgs) -> Value:
        get[0].next_flow += 1
        return get[0].next_flow

    return {
        **parse.HANDLERS,
        "Counter.count": count,
        "DirectCounter.count": count_direct,
        "Meter.execute": execute,
        "Meter.dpdk_execute": lambda call: execute(call, True),
        "DirectMeter.execute": execute_direct,
        "DirectMeter.dpdk_execute": lambda call: execute_direct(call, True),
        "Register.read": read_register,
        "Register.write": write_register,
        "Hash.get_hash": get_hash,
        "Checksum.clear": clear,
        "Checksum.update": update,
        "Checksum.get": get_checksum,
        "InternetChecksum.clear": clear,
        "InternetChecksum.add": add,
        "InternetChecksum.subtract": subtract,
        "InternetChecksum.get": get_sum,
        "InternetChecksum.get_state": get_state,
        "InternetChecksum.set_state": set_state,
        "Random.read": lambda call: running.rng.randint(*call.obj),
        "Digest.pack": pack,
        "drop_packet": drop_packet,
        "send_to_port": send_to_port,
        "mirror_packet": mirror_packet,
        "recirculate": recirculate,
        "add_entry": add_entry,
        "set_entry_expire_time": set_expire,
        "restart_expire_timer": restart_timer,
        "allocate_flow_id": allocate_flow_id,
        "SelectByDirection": lambda call: call.args[1 if call.args[0] == 0 else 2],
    }
