"""Random uses of the externs of v1model and PNA."""

import random
from collections.abc import Callable

from tests.p4gen.case import Case, Meter
from tests.p4gen.exprs import WIDTHS, Exprs, Scope, width_of
from tests.p4gen.stmts import Stmts
from tests.p4gen.text import Node

Maker = Callable[[Scope], list[Node]]


class Externs:
    """Declares extern objects among a control's locals; gives makers of statements that use them."""

    arch: str
    rng: random.Random
    exprs: Exprs
    stmts: Stmts
    scope: Scope
    case: Case
    prefixes: list[str]

    def names(self, name: str) -> list[str]:
        """Return the control-plane names of a thing: one for each instance of the control that it is in."""
        return [f"{p}.{name}" if p else name for p in self.prefixes]

    def externs(self, which: str, locals_: list[Node]) -> list[Maker]:
        if self.arch == "pna":
            return self._pna_externs(which, locals_)
        rng = self.rng
        out: list[Maker] = []
        if rng.random() < 0.5:
            name, width = self.stmts.name("r"), rng.choice(WIDTHS)
            kind = rng.choice(["bit", "bit", "int"])
            type_ = f"{kind}<{width}>"
            size = rng.randint(1, 6)
            locals_.append(Node(f"register<{type_}>({size}) {name};", fixed=True))
            self.case.registers.extend((n, size) for n in self.names(name))

            def register(scope: Scope) -> list[Node]:
                index = f"(bit<32>)({self.exprs.expr('bit<8>', scope, 1)} & 7)"
                if scope.writable.get(type_) and rng.random() < 0.5:
                    return [Node(f"{name}.read({rng.choice(scope.writable[type_])}, {index});")]
                return [Node(f"{name}.write({index}, {self.exprs.expr(type_, scope, 2)});")]

            out.append(register)
        if rng.random() < 0.5:
            counter, csize = self.stmts.name("cnt"), rng.randint(1, 6)
            unit = rng.choice(["packets", "bytes", "packets_and_bytes"])
            locals_.append(Node(f"counter({csize}, CounterType.{unit}) {counter};", fixed=True))
            self.case.counters.extend((n, csize) for n in self.names(counter))
            out.append(lambda scope: [Node(f"{counter}.count((bit<32>)({self.exprs.expr('bit<8>', scope, 1)} & 7));")])
        if rng.random() < 0.4:
            out.append(self._hash)
        if which == "sub":
            return out
        if rng.random() < 0.3:
            out.append(self._log)
        if rng.random() < 0.4:
            meter, msize = self.stmts.name("me"), rng.randint(1, 4)
            unit = rng.choice(["packets", "bytes"])
            locals_.append(Node(f"meter({msize}, MeterType.{unit}) {meter};", fixed=True))
            for i in range(msize):
                if rng.random() < 0.8:
                    self.case.meters.append(Meter(meter, i, self._rates(unit)))
            mtype = rng.choice([k for k in self.scope.writable if k.startswith("bit") and width_of(k) > 1])
            out.append(
                lambda scope: [
                    Node(f"{meter}.execute_meter((bit<32>)(meta.b8 & 3), {rng.choice(self.scope.writable[mtype])});")
                ]
            )
        if rng.random() < 0.3:
            out.append(self._digest if which == "ingress" else self._hash)
        if rng.random() < 0.3:
            kind = "I2E" if which == "ingress" else "E2E"
            call = rng.choice([f"clone(CloneType.{kind}, 1);", f"clone_preserving_field_list(CloneType.{kind}, 2, 1);"])
            out.append(lambda scope: [self._once(scope, call)])
        if rng.random() < 0.25:
            call2 = (
                "resubmit_preserving_field_list(1);" if which == "ingress" else "recirculate_preserving_field_list(2);"
            )
            out.append(lambda scope: [self._once(scope, call2)])
        if rng.random() < 0.25:
            what = [f"sm.mcast_grp = {rng.randint(1, 4)};"] if which == "ingress" else []
            what += [
                f"assert({self.exprs.expr('bool', self.scope, 2)});",
                "mark_to_drop(sm);",
                f"truncate({rng.randint(0, 60)});",
            ]
            out.append(lambda scope: [self._once(scope, rng.choice(what))])
        return out

    def _pna_externs(self, which: str, locals_: list[Node]) -> list[Maker]:
        rng = self.rng
        out: list[Maker] = []
        register, rsize, width = self.stmts.name("r"), rng.randint(1, 6), rng.choice(WIDTHS)
        rtype = f"{rng.choice(['bit', 'int'])}<{width}>"
        first = self.exprs.literal(rtype)
        locals_.append(Node(f"Register<{rtype}, bit<8>>({rsize}, {first}) {register};", fixed=True))
        self.case.registers.extend((n, rsize) for n in self.names(register))

        def use_register(scope: Scope) -> list[Node]:
            if scope.writable.get(rtype) and rng.random() < 0.5:
                return [Node(f"{rng.choice(scope.writable[rtype])} = {register}.read(meta.b8 & 7);")]
            return [Node(f"{register}.write(meta.b8 & 7, {self.exprs.expr(rtype, scope, 2)});")]

        out.append(use_register)
        counter, csize = self.stmts.name("cnt"), rng.randint(1, 6)
        locals_.append(
            Node(f"Counter<bit<32>, bit<8>>({csize}, PNA_CounterType_t.PACKETS_AND_BYTES) {counter};", fixed=True)
        )
        self.case.counters.extend((n, csize) for n in self.names(counter))
        out.append(lambda scope: [Node(f"{counter}.count({self.exprs.expr('bit<8>', scope, 1)} & 7);")])
        algo = rng.choice(["CRC16", "CRC32", "IDENTITY", "ONES_COMPLEMENT16", "TOEPLITZ", "TARGET_DEFAULT"])
        hash_, hwidth = self.stmts.name("ha"), rng.choice([w for w in WIDTHS if w <= 64])
        locals_.append(Node(f"Hash<bit<{hwidth}>>(PNA_HashAlgorithm_t.{algo}) {hash_};", fixed=True))

        def use_hash(scope: Scope) -> list[Node]:
            if not scope.writable.get(f"bit<{hwidth}>"):
                return []
            place = rng.choice(scope.writable[f"bit<{hwidth}>"])
            return [Node(f"{place} = {hash_}.get_hash({self.data_list()});")]

        out.append(use_hash)
        total = self.stmts.name("ic")
        locals_.append(Node(f"InternetChecksum() {total};", fixed=True))

        def use_checksum(_scope: Scope) -> list[Node]:
            steps = [Node(f"{total}.clear();")]
            words = ["meta.chk", "(bit<16>)meta.b8", f"16w{rng.getrandbits(16)}", "(meta.chk ++ meta.chk)"]
            for _ in range(rng.randint(1, 3)):
                steps.append(Node(f"{total}.{rng.choice(['add', 'subtract'])}({{ {rng.choice(words)} }});"))
            return [*steps, Node(f"meta.chk = {total}.{rng.choice(['get', 'get_state'])}();")]

        out.append(use_checksum)
        ways = [
            "drop_packet();",
            f"send_to_port((PortId_t)32w{rng.randint(0, 9)});",
            "if (!sm.loopedback) { recirculate(); }",
            f"mirror_packet((MirrorSlotId_t)8w0, (MirrorSessionId_t)16w{rng.randint(1, 3)});",
            "meta.b8 = SelectByDirection(sm.direction, meta.b8, 8w7);",
        ]
        if which == "main":
            out.append(
                lambda scope: [Node(f"if ({self.exprs.expr('bool', scope, 2)}) {{", [Node(rng.choice(ways))], "}")]
            )
        return out

    def _rates(self, unit: str) -> tuple[int, int, int, int]:
        rng = self.rng
        scale = 1 if unit == "packets" else 64
        cir, pir = rng.randint(1, 2_000_000) * scale, rng.choice([0, rng.randint(1, 3_000_000) * scale])
        return cir, rng.randint(0, 4) * scale, pir, rng.randint(0, 6) * scale

    def _log(self, scope: Scope) -> list[Node]:
        types = [k for k in scope.readable if k.startswith("bit") or k == "bool"]
        fields = [self.rng.choice(scope.readable[self.rng.choice(types)]) for _ in range(self.rng.randint(1, 3))]
        holes = " ".join("{}" for _ in fields)
        return [Node(f'log_msg("at {holes} end", {{ {", ".join(fields)} }});')]

    def _once(self, scope: Scope, text: str) -> Node:
        cond = self.exprs.expr("bool", scope, 2)
        return Node(f"if (sm.instance_type == 0 && {cond}) {{", [Node(text)], "}")

    def _hash(self, scope: Scope) -> list[Node]:
        rng = self.rng
        types = [k for k in scope.writable if k.startswith("bit")]
        if not types:
            return []
        type_ = rng.choice(types)
        algo = rng.choice(["crc16", "crc32", "csum16", "xor16", "identity", "crc16_custom", "crc32_custom"])
        fields = [rng.choice(v) for k, v in scope.readable.items() if k.startswith("bit") and rng.random() < 0.4][:4]
        data = "{ " + ", ".join(fields or [self.exprs.literal("bit<8>")]) + " }"
        base, most = rng.choice([0, 1, 10]), rng.choice([0, 1, 16, 100, 1 << 16])
        place = rng.choice(scope.writable[type_])
        return [Node(f"hash({place}, HashAlgorithm.{algo}, 32w{base}, {data}, 32w{most});")]

    def _digest(self, scope: Scope) -> list[Node]:
        return [
            Node(f"digest<in_t>(1, {self.rng.choice([t for t, ty in scope.structs if ty == 'in_t'] or ['meta.s1'])});")
        ]

    def data_list(self) -> str:
        """Return a list of fields of whole bytes."""
        out, bits = [], 0
        for _ in range(self.rng.randint(1, 4)):
            type_ = self.rng.choice([k for k in self.scope.readable if k.startswith("bit")])
            out.append(self.rng.choice(self.scope.readable[type_]))
            bits += width_of(type_)
        if bits % 8:
            out.append(f"{8 - bits % 8}w0")
        return "{ " + ", ".join(out) + " }"
