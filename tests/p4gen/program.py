"""Random v1model programs: types, parser, controls, tables with entries, externs."""

import random
from dataclasses import dataclass
from functools import partial

from datapath.pipeline.target import Match
from tests.p4gen.case import Case, RandomEntry
from tests.p4gen.exprs import WIDTHS, Exprs, Function, Scope, is_number, width_of
from tests.p4gen.externs import Externs
from tests.p4gen.stmts import Callables, Stmts
from tests.p4gen.text import Node

PARSER_METADATA = {"v1model": "inout standard_metadata_t sm", "pna": "in pna_main_parser_input_metadata_t sm"}
METADATA = {"v1model": "inout standard_metadata_t sm", "pna": "in pna_main_input_metadata_t sm"}
TITLES = {"ingress": "MyIngress", "egress": "MyEgress", "main": "MyMain"}


def _apply(instance: str, _scope: Scope) -> str:
    return f"{instance}.apply(hdr, meta, sm);"


@dataclass(slots=True)
class Action:
    """``params``: (direction, type); those without direction are data."""

    name: str
    params: list[tuple[str, str]]

    def directed(self) -> list[tuple[str, str]]:
        """Return the parameters that the program sets."""
        return [p for p in self.params if p[0]]

    def data(self) -> list[str]:
        """Return the types of the parameters that the control plane sets."""
        return [ty for d, ty in self.params if not d]


class Generator(Externs):
    """Makes one case from a seed."""

    def __init__(self, seed: int, arch: str = "v1model") -> None:
        self.seed = seed
        self.arch = arch
        self.rng = random.Random(seed)
        self.exprs = Exprs(self.rng)
        self.stmts = Stmts(self.rng, self.exprs)
        self.scope = Scope()
        self.top: list[Node] = []
        self.case = Case(seed, [])
        self.header_types: list[str] = []
        self.functions: list[Function] = []
        self.observe: list[Node] = []
        self.prefixes = [""]
        """Instances of the control that is made now."""
        self.has_union = self.rng.random() < 0.4
        self.has_varbit = self.rng.random() < 0.35
        self.has_stack = self.rng.random() < 0.6

    def make(self) -> Case:
        """Return the case."""
        rng = self.rng
        self.top = [Node("#include <core.p4>", fixed=True), Node(f"#include <{self.arch}.p4>", fixed=True)]
        self._types()
        for _ in range(rng.randint(0, 3)):
            self._function()
        if self.arch == "pna":
            self.top += [self._parser(), *self._pna_blocks()]
        else:
            self.top += self._v1model_blocks()
        self.case.program = self.top
        for group in (1, 2, 3) if self.arch == "v1model" else ():
            self.case.multicast[group] = [(rng.randint(1, 8), rng.randint(0, 3)) for _ in range(rng.randint(1, 3))]
        for session in (1, 2):
            self.case.clones[session] = [(rng.randint(1, 8), 0) for _ in range(rng.randint(1, 2))]
        for _ in range(24):
            size = rng.choice([rng.randint(0, 20), rng.randint(20, 80), rng.randint(60, 160)])
            data = bytearray(rng.randbytes(size))
            for i in range(min(size, 24)):
                if rng.random() < 0.3:
                    data[i] = rng.choice([0, 1, 2, 3, 0xFF, 0x10, 0x80])
            self.case.packets.append((rng.randint(0, 15), bytes(data)))
        return self.case

    def _v1model_blocks(self) -> list[Node]:
        blocks = [self._parser(), self._checksum("MyVerify", False), self._control("ingress")]
        blocks += [self._control("egress"), self._checksum("MyCompute", True), self._deparser()]
        main = "V1Switch(MyParser(), MyVerify(), MyIngress(), MyEgress(), MyCompute(), MyDeparser()) main;"
        return [*blocks, Node(main, fixed=True)]

    def _pna_blocks(self) -> list[Node]:
        body = [Node(f"pkt.emit(hdr.{n});") for n, _ in self.members]
        emit = Node("apply {", body, "}", True)
        return [
            Node(
                "control MyPre(in headers_t hdr, inout meta_t meta, in pna_pre_input_metadata_t sm, "
                "inout pna_pre_output_metadata_t ostd) {",
                [Node("apply {", self._pre_body(), "}", True)],
                "}",
                True,
            ),
            self._control("main"),
            Node(
                "control MyDeparser(packet_out pkt, in headers_t hdr, in meta_t meta, "
                "in pna_main_output_metadata_t ostd) {",
                [emit],
                "}",
                True,
            ),
            Node("PNA_NIC(MyParser(), MyPre(), MyMain(), MyDeparser()) main;", fixed=True),
        ]

    def _pre_body(self) -> list[Node]:
        if self.rng.random() < 0.5:
            return []
        return [Node("if (sm.parser_error != error.NoError) {", [Node("meta.b8 = meta.b8 + 1;")], "}")]

    # ---- types ----

    def _fields(self, prefix: str, total_bytes: int) -> list[tuple[str, str]]:
        left = total_bytes * 8
        out: list[tuple[str, str]] = []
        while left:
            width = min(self.rng.choice(WIDTHS), left)
            kind = "int" if self.rng.random() < 0.2 else "bit"
            type_ = "bool" if width == 1 and self.rng.random() < 0.3 else f"{kind}<{width}>"
            out.append((f"{prefix}{len(out)}", type_))
            left -= width
        return out

    def _declare(
        self, kind: str, name: str, fields: list[tuple[str, str]], notes: dict[str, str] | None = None
    ) -> None:
        notes = notes or {}
        body = [Node(f"{notes.get(f, '')}{ty} {f};", fixed=True) for f, ty in fields]
        self.top.append(Node(f"{kind} {name} {{", body, "}"))
        self.scope.fields[name] = fields

    def _add_header(self, place: str, type_: str) -> None:
        self.scope.headers.append((place, type_))
        for f, ty in self.scope.fields[type_]:
            if not ty.startswith("varbit"):
                self.scope.add(f"{place}.{f}", ty)

    def _types(self) -> None:
        rng = self.rng
        self.top.append(Node("error { Odd, Even }", fixed=True))
        self.top.append(Node("enum enum_t { A, B, C }", fixed=True))
        self.top.append(Node("enum bit<8> ser_t { ONE = 1, MANY = 0x80, ALL = 255 }", fixed=True))
        members: list[tuple[str, str]] = []
        for i in range(rng.randint(2, 4)):
            name = f"h{i}_t"
            fields = self._fields("f", rng.choice([1, 2, 3, 4, 6, 8, 12, 20]))
            if i == 1 and rng.random() < 0.3:
                fields.append(("se", "ser_t"))
            if i == 0:
                fields = [("sel", "bit<2>"), ("more", "bit<6>"), *fields]
            self._declare("header", name, fields)
            self.header_types.append(name)
            members.append((f"h{i}", name))
        for place, name in members:
            self._add_header(f"hdr.{place}", name)
        if self.has_stack:
            self._declare(
                "header", "st_t", [("last", "bit<1>"), ("w", "bit<7>"), ("v", rng.choice(["bit<8>", "int<16>"]))]
            )
            size = rng.randint(2, 4)
            members.append(("st", f"st_t[{size}]"))
            self.scope.stacks.append(("hdr.st", "st_t", size))
            for i in range(size):
                self._add_header(f"hdr.st[{i}]", "st_t")
        if self.has_union:
            self._declare("header", "ua_t", [("a", "bit<8>"), ("aa", "bit<16>")])
            self._declare("header", "ub_t", [("b", "bit<8>")])
            self.top.append(
                Node("header_union u_t {", [Node("ua_t ua;", fixed=True), Node("ub_t ub;", fixed=True)], "}")
            )
            members.append(("u", "u_t"))
            self._add_header("hdr.u.ua", "ua_t")
            self._add_header("hdr.u.ub", "ub_t")
            union_stack = rng.random() < 0.4
            if union_stack:
                members.append(("us", "u_t[2]"))
                for i in range(2):
                    self._add_header(f"hdr.us[{i}].ua", "ua_t")
                    self._add_header(f"hdr.us[{i}].ub", "ub_t")
        if self.has_varbit:
            fields = [("len", "bit<8>"), ("vb", "varbit<64>")]
            if rng.random() < 0.5:
                fields.append(("after", "bit<16>"))
            self._declare("header", "vb_t", fields)
            members.append(("vb", "vb_t"))
            self._add_header("hdr.vb", "vb_t")
        if rng.random() < 0.4:
            name = rng.choice(self.header_types)
            self.top.append(
                Node("struct nested_t {", [Node(f"{name} hh;", fixed=True), Node("h0_t h0;", fixed=True)], "}")
            )
            members.append(("n", "nested_t"))
            self._add_header("hdr.n.hh", name)
            self._add_header("hdr.n.h0", "h0_t")
        members.insert(0, ("obs", "obs_t"))
        self._meta_fields([m for m in members if not m[1].endswith("]")])
        self.top.append(Node("struct headers_t {", [Node(f"{ty} {n};", fixed=True) for n, ty in members], "}"))
        self.members = members

    def _observer(self, members: list[tuple[str, str]]) -> None:
        """Declare the header that is emitted first, and the statements that copy the metadata and validities there."""
        fields, self.observe = [], [Node("hdr.obs.setValid();")]
        errors = ["Odd", "Even", "PacketTooShort", "NoMatch", "StackOutOfBounds", "HeaderTooShort"]
        values = [(f"(bit<1>)(meta.err == error.{e})", "bit<1>") for e in errors]
        values += [(f"(bit<1>)hdr.{m}.isValid()", "bit<1>") for m, ty in members if ty not in ("obs_t", "nested_t")]
        for n, ty in self.scope.fields["meta_t"]:
            if is_number(ty) or ty == "bool":
                values.append((f"meta.{n}", ty))
            elif ty == "in_t":
                values += [(f"meta.{n}.{f}", fty) for f, fty in self.scope.fields["in_t"]]
        for i, (text, ty) in enumerate(values):
            fields.append((f"o{i}", ty))
            self.observe.append(Node(f"hdr.obs.o{i} = {text};"))
        pad = -sum(width_of(ty) for _, ty in fields) % 8
        self._declare("header", "obs_t", [*fields, ("pad", f"bit<{pad}>")] if pad else fields)

    def _meta_fields(self, members: list[tuple[str, str]]) -> None:
        """Choose the fields of the metadata, and declare the header that shows them all on the way out."""
        rng = self.rng
        self._declare(
            "struct", "in_t", [("x", f"bit<{rng.choice(WIDTHS)}>"), ("y", f"int<{rng.choice(WIDTHS)}>"), ("z", "bool")]
        )
        meta = [
            (f"m{i}", f"{rng.choice(['bit', 'bit', 'int'])}<{rng.choice(WIDTHS)}>") for i in range(rng.randint(3, 6))
        ]
        meta += [("en", "enum_t"), ("se", "ser_t"), ("err", "error")]
        meta += [("flag", "bool"), ("b8", "bit<8>"), ("s1", "in_t"), ("s2", "in_t"), ("chk", "bit<16>")]
        notes = {n: f"@field_list({rng.randint(1, 2)}) " for n, _ in meta if rng.random() < 0.4}
        self._declare("struct", "meta_t", meta, notes)
        for n, ty in meta:
            if ty == "in_t":
                self.scope.structs.append((f"meta.{n}", ty))
                for f, fty in self.scope.fields["in_t"]:
                    self.scope.add(f"meta.{n}.{f}", fty)
            else:
                self.scope.add(f"meta.{n}", ty)
        self._observer(members)
        if self.has_stack:
            index = f"(meta.b8 & {rng.choice([1, 3])})" if rng.random() < 0.5 else "meta.b8[1:0]"
            for f, ty in self.scope.fields["st_t"]:
                self.scope.add(f"hdr.st[{index}].{f}", ty)

    def _function(self) -> None:
        rng = self.rng
        name = self.stmts.name("fn")
        returns = rng.choice([self.exprs.any_type(self.scope), self.exprs.any_type(self.scope), "bool"])
        params: list[tuple[str, str]] = []
        inner = Scope(fields=self.scope.fields)
        for _ in range(rng.randint(1, 3)):
            direction = rng.choice(["in", "in", "inout", "out"])
            known = [k for k in self.scope.writable if is_number(k)]
            if rng.random() < 0.3:
                known = ["in_t", *self.header_types]
            params.append((direction, rng.choice(known)))
        texts = []
        for i, (d, ty) in enumerate(params):
            inner.add_any(f"p{i}", ty, write=d != "in", header=ty != "in_t")
            texts.append(f"{d} {ty} p{i}")
        inner.functions = list(self.functions)
        body = self.stmts.block(inner, "function", Callables(), 2, rng.randint(1, 4))
        if rng.random() < 0.4:
            ret = Node(f"return {self.exprs.expr(returns, inner, 2)};", fixed=True)
            body.append(Node(f"if ({self.exprs.expr('bool', inner, 2)}) {{", [ret], "}"))
        body.append(Node(f"return {self.exprs.expr(returns, inner, 2)};", fixed=True))
        self.top.append(Node(f"{returns} {name}({', '.join(texts)}) {{", body, "}"))
        self.functions.append(Function(name, returns, params))

    # ---- parser ----

    def _parser(self) -> Node:
        rng = self.rng
        scope = self.scope.copy()
        scope.functions = [f for f in self.functions if all(d == "in" for d, _ in f.params)]
        calls = Callables()
        states: list[Node] = []
        order = [m for m in self.members if m[0] not in ("h0", "obs")]
        rng.shuffle(order)
        names = [f"parse_{n}" for n, _ in order]
        sub = rng.random() < 0.3
        if sub:
            self._sub_parser()

        def body(n: int) -> list[Node]:
            out = self.stmts.block(scope, "parser", calls, 1, n)
            if rng.random() < 0.15:
                out.append(Node(f"verify({self.exprs.expr('bool', scope, 2)}, error.{rng.choice(['Odd', 'Even'])});"))
            if rng.random() < 0.1:
                out.append(Node(f"pkt.advance({8 * rng.randint(0, 3)});"))
            if rng.random() < 0.05:
                out.append(Node("pkt.advance((bit<32>)(meta.b8 & 3) << 3);"))
            if rng.random() < 0.08:
                type_ = rng.choice(self.header_types)
                out.append(Node(f"{self.exprs.compound(type_, scope)} = pkt.lookahead<{type_}>();"))
            if rng.random() < 0.05:
                out.append(Node(f"pkt.extract<{rng.choice(self.header_types)}>(_);"))
            if rng.random() < 0.05:
                out.append(Node("meta.b8 = (bit<8>)pkt.length();"))
            if rng.random() < 0.15:
                width = rng.choice([w for w in WIDTHS if f"bit<{w}>" in scope.writable] or [8])
                out.append(Node(f"{self.exprs.place(f'bit<{width}>', scope)} = pkt.lookahead<bit<{width}>>();"))
            return out

        first = [Node("pkt.extract(hdr.h0);"), *body(rng.randint(0, 2))]
        states.append(Node("state start {", [*first, *self._transition("hdr.h0.sel", 2, names, scope)], "}"))
        for i, (member, type_) in enumerate(order):
            after = names[i + 1 :]
            out: list[Node] = []
            if member == "st":
                out.append(Node("pkt.extract(hdr.st.next);"))
                out += body(rng.randint(0, 1))
                if rng.random() < 0.4:
                    out.append(
                        Node(
                            f"meta.b8 = meta.b8 + (hdr.st.last.{rng.choice(['w ++ hdr.st.last.last', 'last ++ 7w0'])});"
                        )
                    )
                if rng.random() < 0.3:
                    out.append(Node("meta.b8 = (bit<8>)hdr.st.lastIndex;"))
                key = Node("transition select(hdr.st.last.last) {", [], "}", True)
                key.body = [Node("0: parse_st;"), Node(f"default: {rng.choice([*after, 'accept'])};", fixed=True)]
                out.append(key)
            elif member == "us":
                out.append(Node(f"pkt.extract(hdr.us.next.{rng.choice(['ua', 'ub'])});"))
                out += body(1)
                out += self._transition("meta.b8", 8, ["parse_us", *after], scope)
            elif member == "n":
                out.append(Node(f"pkt.extract(hdr.n.{rng.choice(['hh', 'h0'])});"))
                out += body(1)
                out += self._transition("hdr.n.h0.sel", 2, after, scope)
            elif member == "u":
                arm = rng.choice(["ua", "ub"])
                out.append(Node(f"pkt.extract(hdr.u.{arm});"))
                out += body(1)
                out += self._transition("meta.b8", 8, after, scope)
            elif member == "vb":
                out.append(Node("meta.b8 = pkt.lookahead<bit<8>>();"))
                most = rng.choice(["& 3", "& 7", "& 15"])
                out.append(Node(f"pkt.extract(hdr.vb, (bit<32>)(meta.b8 {most}) * {rng.choice([8, 8, 8, 4])});"))
                out += body(1)
                out += self._transition("hdr.vb.len", 8, after, scope)
            else:
                if sub and rng.random() < 0.5 and type_ == "h1_t":
                    out.append(Node(f"subp.apply(pkt, hdr.{member}, meta.b8);"))
                else:
                    out.append(Node(f"pkt.extract(hdr.{member});"))
                out += body(rng.randint(0, 2))
                keys = [(f, ty) for f, ty in self.scope.fields[type_] if ty.startswith("bit")]
                f, ty = rng.choice(keys or [("", "bit<8>")])
                text = f"hdr.{member}.{f}" if f else "meta.b8"
                out += self._transition(text, width_of(ty), after, scope)
            states.append(Node(f"state parse_{member} {{", out, "}"))
        head = [Node(f"SubParser({rng.randint(0, 255)}) subp;", fixed=True)] if sub else []
        if self.case.value_sets:
            head.append(Node("value_set<bit<8>>(4) vs;", fixed=True))
        return Node(
            f"parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta, {PARSER_METADATA[self.arch]}) {{",
            [*head, *states],
            "}",
            True,
        )

    def _sub_parser(self) -> None:
        fields = [ty for _, ty in self.scope.fields["h1_t"] if ty.startswith("bit")]
        cond = "n < 200" if not fields else "n != k"
        body = [
            Node(
                "state start {",
                [Node("pkt.extract(h);"), Node("n = n + k;"), Node("transition check;", fixed=True)],
                "}",
            ),
            Node("state check {", [Node(f"verify({cond}, error.Odd);"), Node("transition accept;", fixed=True)], "}"),
        ]
        self.top.append(
            Node("parser SubParser(packet_in pkt, out h1_t h, inout bit<8> n)(bit<8> k) {", body, "}", True)
        )

    def _transition(self, text: str, width: int, after: list[str], scope: Scope) -> list[Node]:
        rng = self.rng
        targets = [*after, "accept"]
        if rng.random() < 0.25 or width > 64:
            return [Node(f"transition {rng.choice(targets)};", fixed=True)]
        more = rng.random() < 0.25
        low = min(width, 3)
        key = text if width <= 3 or rng.random() < 0.3 else f"{text}[{low - 1}:0]"
        kwidth = width if key == text else low
        cases = []
        use_vs = width == 8 and key == text and not more and rng.random() < 0.5
        if use_vs:
            for _ in range(rng.randint(0, 4 - len(self.case.value_sets))):
                self.case.value_sets.append(("vs", (Match(rng.getrandbits(8), 255),)))
            if self.case.value_sets:
                cases.append(Node(f"vs: {rng.choice(targets)};"))
        for _ in range(rng.randint(1, 4)):
            sets = self._key_set(kwidth)
            if more:
                sets = f"({sets}, {rng.choice(['true', 'false', '_'])})"
            cases.append(Node(f"{sets}: {rng.choice([*targets, *targets, 'reject'])};"))
        if rng.random() < 0.85:
            cases.append(Node(f"default: {rng.choice(targets)};"))
        extra = f", {self.exprs.expr('bool', scope, 2)}" if more else ""
        return [Node(f"transition select({key}{extra}) {{", cases, "}", True)]

    def _key_set(self, width: int) -> str:
        rng = self.rng
        a, b = sorted((rng.getrandbits(width), rng.getrandbits(width)))
        return rng.choice([f"{a}", f"{a}", f"{a} &&& {b}", f"{a} .. {b}"])

    # ---- controls ----

    def _checksum(self, name: str, compute: bool) -> Node:
        rng = self.rng
        body = []
        for _ in range(rng.randint(0, 2)):
            if rng.random() < 0.5:
                continue
            algo = rng.choice(["csum16", "csum16", "crc16", "xor16"])
            data = self.data_list()
            target = rng.choice(self.scope.writable.get("bit<16>", ["meta.chk"]))
            verb = "update_checksum" if compute else "verify_checksum"
            if algo == "csum16" and rng.random() < 0.5:
                verb += "_with_payload"  # the engine has no other algorithm over the payload
            cond = rng.choice([t for t, _ in self.scope.headers]) + ".isValid()"
            body.append(Node(f"{verb}({cond}, {data}, {target}, HashAlgorithm.{algo});"))
        if compute:
            body += self.observe
        return Node(
            f"control {name}(inout headers_t hdr, inout meta_t meta) {{", [Node("apply {", body, "}", True)], "}", True
        )

    def _deparser(self) -> Node:
        body = [Node(f"pkt.emit(hdr.{n});") for n, _ in self.members]
        if self.rng.random() < 0.2:
            body = [Node("pkt.emit(hdr);")]
        return Node(
            "control MyDeparser(packet_out pkt, in headers_t hdr) {", [Node("apply {", body, "}", True)], "}", True
        )

    def _control(self, which: str, title: str = "") -> Node:
        rng = self.rng
        scope = self.scope.copy()
        scope.functions = list(self.functions)
        if self.arch == "v1model":
            for n, ty in (("packet_length", "bit<32>"), ("instance_type", "bit<32>"), ("ingress_port", "bit<9>")):
                scope.add(f"sm.{n}", ty, write=False)
            scope.add("sm.checksum_error", "bit<1>", write=False)
            scope.add("sm.egress_spec", "bit<9>", write=False)
            scope.add("sm.mcast_grp", "bit<16>", write=False)
        else:
            scope.add("sm.loopedback", "bool", write=False)
        scope.add("sm.parser_error", "error", write=False)
        calls = Callables()
        locals_: list[Node] = []
        externs = self.externs(which, locals_)
        calls.externs = externs
        for _ in range(rng.randint(0, 2)):
            name = self.stmts.name("c")
            type_ = self.exprs.any_type(scope)
            locals_.append(Node(f"{type_} {name} = {self.exprs.literal(type_)};", fixed=True))
            scope.add(name, type_)
        actions = [self._action(scope, calls, locals_) for _ in range(rng.randint(1, 4))]
        calls.actions = [partial(self._call_action, a) for a in actions]
        for _ in range(rng.randint(0, 3)):
            self._table(which, scope, actions, calls, locals_)
        if rng.random() < 0.4:
            self._sub_control(which, calls, locals_)
        if which != "sub" and rng.random() < 0.3:
            self.prefixes = [self.stmts.name("whole") for _ in range(rng.randint(1, 2))]
            type_name = self.stmts.name("Whole")
            self.top.append(self._control("sub", type_name))
            locals_.extend(Node(f"{type_name}() {prefix};", fixed=True) for prefix in self.prefixes)
            calls.controls.extend(partial(_apply, p) for p in self.prefixes)
            self.prefixes = [""]
        body = self.stmts.block(scope, "control", calls, 3, rng.randint(2, 8))
        if rng.random() < 0.3:
            body.insert(0, Node("headers_t hsaved = hdr;"))
            body.insert(0, Node("meta_t msaved = meta;"))
            more = [
                "hdr = hsaved;",
                "meta = msaved;",
                "if (hdr == hsaved) { meta.b8 = 1; }",
                "if (meta == msaved) { exit; }",
            ]
            if self.has_union:
                more += ["hdr.u = hsaved.u;", "if (hdr.u == hsaved.u) { meta.b8 = 2; }", "meta.flag = hdr.u.isValid();"]
            if self.has_stack:
                more += ["hdr.st = hsaved.st;", "if (hdr.st == hsaved.st) { meta.b8 = 3; }"]
            for text in rng.sample(more, 2):
                body.insert(rng.randint(2, len(body)), Node(text))
        if which in ("main", "ingress"):
            body.insert(0, Node("meta.err = sm.parser_error;"))
        if which == "main":
            body += self.observe
            body.insert(0, Node("send_to_port((PortId_t)(PortIdUint_t)meta.b8);"))
        if which == "ingress":
            ports = ["(bit<9>)meta.b8", f"{rng.randint(1, 9)}", "sm.ingress_port"]
            body.insert(0, Node(f"sm.egress_spec = {rng.choice(ports)};"))
        params = f"inout headers_t hdr, inout meta_t meta, {METADATA[self.arch]}"
        if which == "main":
            params += ", inout pna_main_output_metadata_t ostd"
        return Node(
            f"control {title or TITLES[which]}({params}) {{", [*locals_, Node("apply {", body, "}", True)], "}", True
        )

    def _action(self, scope: Scope, calls: Callables, locals_: list[Node]) -> Action:
        rng = self.rng
        name = self.stmts.name("act")
        params: list[tuple[str, str]] = []
        for _ in range(rng.randint(0, 2)):
            known = [k for k in scope.writable if is_number(k)]
            compound = [ty for _, ty in scope.headers + scope.structs if ty in ("in_t", *self.header_types)]
            if compound and rng.random() < 0.2:
                params.append((rng.choice(["in", "inout", "out"]), rng.choice(compound)))
            elif known:
                params.append((rng.choice(["in", "inout", "out"]), rng.choice(known)))
        for _ in range(rng.randint(0, 2)):
            params.append(("", f"{rng.choice(['bit', 'bit', 'int'])}<{rng.choice(WIDTHS)}>"))
        inner = scope.copy()
        texts = []
        for i, (d, ty) in enumerate(params):
            inner.add_any(f"a{i}", ty, write=d in ("out", "inout"), header=ty != "in_t")
            texts.append(f"{d} {ty} a{i}".strip())
        body = self.stmts.block(inner, "action", Callables(externs=calls.externs), 1, rng.randint(1, 4))
        locals_.append(Node(f"action {name}({', '.join(texts)}) {{", body, "}", True))
        return Action(name, params)

    def _directed_args(self, action: Action, scope: Scope) -> list[str]:
        return [self._arg(d, ty, scope) for d, ty in action.directed()]

    def _arg(self, direction: str, type_: str, scope: Scope) -> str:
        if type_ in self.scope.fields:
            return self.exprs.compound(type_, scope)
        return self.exprs.expr(type_, scope, 1) if direction == "in" else self.exprs.place(type_, scope)

    def _call_action(self, action: Action, scope: Scope) -> str:
        args = self._directed_args(action, scope) + [self.exprs.literal(ty) for ty in action.data()]
        return f"{action.name}({', '.join(args)});"

    def _table(self, which: str, scope: Scope, actions: list[Action], calls: Callables, locals_: list[Node]) -> None:
        rng = self.rng
        name = self.stmts.name("t")
        style = rng.choice(["exact", "exact", "lpm", "ternary", "ternary", "none"])
        keys: list[tuple[str, int, str]] = []
        for i in range(0 if style == "none" else rng.randint(1, 3)):
            type_ = rng.choice([k for k in scope.readable if k.startswith("bit")])
            text = rng.choice(scope.readable[type_])
            width = width_of(type_)
            if width > 4 and rng.random() < 0.6:
                w = rng.randint(1, 4)
                lo = rng.randint(0, width - w)
                text, width = f"{text}[{lo + w - 1}:{lo}]", w
            kind = "exact"
            if style == "lpm" and i == 0:
                kind = "lpm"
            elif style == "ternary" and (i == 0 or rng.random() < 0.7):
                kind = rng.choice(["ternary", "ternary", "range", "optional"])
                if kind == "range" and width > 64:
                    kind = "ternary"
            keys.append((text, width, kind))
        chosen = rng.sample(actions, rng.randint(1, len(actions)))
        args = {a.name: self._directed_args(a, scope) for a in chosen}

        def call(a: Action) -> str:
            return f"{a.name}({', '.join(args[a.name] + [self.exprs.literal(ty) for ty in a.data()])})"

        refs = [Node(f"{a.name}({', '.join(args[a.name])});", fixed=True) for a in chosen] + [
            Node("NoAction;", fixed=True)
        ]
        body: list[Node] = []
        if keys:
            body.append(
                Node(
                    "key = {",
                    [Node(f'{t} : {k} @name("k{i}");', fixed=True) for i, (t, _, k) in enumerate(keys)],
                    "}",
                    True,
                )
            )
        body.append(Node("actions = {", refs, "}", True))
        default = rng.choice(chosen)
        body.append(Node(f"default_action = {rng.choice(['NoAction()', call(default)])};", fixed=True))
        if rng.random() < 0.3 and keys:
            self._direct_counter(locals_, body)
        if keys and style == "exact" and rng.random() < 0.3 and not any(self.prefixes) and self.arch == "v1model":
            self._profile(name, keys, body, chosen, locals_, scope)
        elif keys and rng.random() < 0.3:
            entries, seen = [], set()
            for _ in range(rng.randint(1, 5)):
                sets = ", ".join(self._entry_set(w, k) for _, w, k in keys)
                if sets not in seen:
                    seen.add(sets)
                    entries.append(Node(f"({sets}) : {call(rng.choice(chosen))};"))
            body.append(Node("const entries = {", entries, "}", True))
        elif keys:
            self._entries(name, keys, chosen)
        locals_.append(Node(f"table {name} {{", body, "}", True))
        calls.tables.append((name, [a.name for a in chosen]))

    def _direct_counter(self, locals_: list[Node], body: list[Node]) -> None:
        if self.arch == "pna":
            return
        counter = self.stmts.name("dc")
        locals_.append(Node(f"direct_counter(CounterType.packets_and_bytes) {counter};", fixed=True))
        body.append(Node(f"counters = {counter};", fixed=True))

    def _entry_set(self, width: int, kind: str) -> str:
        rng = self.rng
        m = self._match(width, kind)
        if kind == "exact":
            return str(m.value)
        if rng.random() < 0.15 and kind != "lpm":
            return "_"
        if kind == "range":
            return f"{m.value} .. {m.other}"
        if kind == "optional":
            return str(m.value) if m.other else "_"
        return f"{m.value} &&& {m.other:#x}"

    def _match(self, width: int, kind: str) -> Match:
        rng = self.rng
        ones = (1 << width) - 1
        value = rng.choice([rng.getrandbits(width), rng.getrandbits(min(width, 3)), 0])
        if kind == "exact":
            return Match(value, ones)
        if kind == "range":
            a, b = sorted((value, rng.getrandbits(width)))
            return Match(a, b)
        if kind == "optional":
            mask = rng.choice([0, ones])
        elif kind == "lpm":
            mask = ones ^ ((1 << (width - rng.choice([0, 1, rng.randint(0, width), width]))) - 1) if width else 0
        else:
            mask = rng.choice([0, ones, rng.getrandbits(width), rng.getrandbits(width) & rng.getrandbits(width)])
        return Match(value & mask, mask)

    def _entries(self, table: str, keys: list[tuple[str, int, str]], actions: list[Action]) -> None:
        rng = self.rng
        with_priority = any(k in ("ternary", "range", "optional") for _, _, k in keys)
        for i in range(rng.randint(0, 12)):
            match = tuple(self._match(w, k) for _, w, k in keys)
            action = rng.choice(actions)
            args = tuple(rng.getrandbits(width_of(ty)) for ty in action.data())
            # Distinct priorities: which of two equal ones wins is nobody's business.
            priority = 1 + 7 * i % 101 if with_priority else 0
            for path in self.names(table):
                if rng.random() < 0.8:
                    self.case.entries.append(RandomEntry(path, match, action.name, args, priority))
        if rng.random() < 0.5:
            action = rng.choice(actions)
            args = tuple(rng.getrandbits(width_of(ty)) for ty in action.data())
            self.case.defaults.append((rng.choice(self.names(table)), action.name, args))

    def _profile(
        self,
        table: str,
        keys: list[tuple[str, int, str]],
        body: list[Node],
        actions: list[Action],
        locals_: list[Node],
        scope: Scope,
    ) -> None:
        """Give a table an action profile or selector, with members, groups and entries."""
        rng = self.rng
        name = self.stmts.name("ap")
        selector = rng.random() < 0.6
        if selector:
            algo = rng.choice(["crc16", "crc32", "identity", "csum16", "xor16"])
            locals_.append(
                Node(f"action_selector(HashAlgorithm.{algo}, 32, {rng.choice([4, 14, 16])}) {name};", fixed=True)
            )
            for _ in range(rng.randint(1, 2)):
                type_ = rng.choice([k for k in scope.readable if k.startswith("bit")])
                body[0].body.append(Node(f"{rng.choice(scope.readable[type_])} : selector;", fixed=True))
        else:
            locals_.append(Node(f"action_profile(32) {name};", fixed=True))
        body.append(Node(f"implementation = {name};", fixed=True))
        members = list(range(1, rng.randint(2, 6)))
        for m in members:
            action = rng.choice(actions)
            args = tuple(rng.getrandbits(width_of(ty)) for ty in action.data())
            self.case.members.append((name, m, action.name, args))
        for g in (1, 2) if selector else ():
            self.case.groups.append((name, g, sorted(rng.sample(members, rng.randint(1, len(members))))))
        for _ in range(rng.randint(1, 6)):
            match = tuple(self._match(w, k) for _, w, k in keys)
            by_group = selector and rng.random() < 0.6
            self.case.entries.append(
                RandomEntry(
                    table,
                    match,
                    "",
                    (),
                    0,
                    None if by_group else rng.choice(members),
                    rng.randint(1, 2) if by_group else None,
                )
            )

    def _sub_control(self, which: str, calls: Callables, locals_: list[Node]) -> None:
        rng = self.rng
        type_name = self.stmts.name("Sub")
        known = [k for k in self.scope.writable if is_number(k)]
        params = [(rng.choice(["in", "inout", "out"]), rng.choice(known)) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.4:
            params.append((rng.choice(["in", "inout", "out"]), rng.choice(["in_t", *self.header_types])))
        inner = Scope(fields=self.scope.fields)
        inner.functions = []
        inner.add("k", "bit<8>", write=False)
        texts = []
        for i, (d, ty) in enumerate(params):
            inner.add_any(f"q{i}", ty, write=d != "in", header=ty != "in_t")
            texts.append(f"{d} {ty} q{i}")
        sub_locals: list[Node] = []
        sub_calls = Callables()
        action = self._action(inner, sub_calls, sub_locals)
        sub_calls.actions = [lambda s: self._call_action(action, s)]
        body = self.stmts.block(inner, "control", sub_calls, 2, rng.randint(1, 5))
        self.top.append(
            Node(
                f"control {type_name}({', '.join(texts)})(bit<8> k) {{",
                [*sub_locals, Node("apply {", body, "}", True)],
                "}",
                True,
            )
        )
        for _ in range(rng.randint(1, 2)):
            instance = self.stmts.name("sub")
            locals_.append(Node(f"{type_name}({rng.randint(0, 255)}) {instance};", fixed=True))

            def call(scope: Scope, instance: str = instance) -> str:
                args = [self._arg(d, ty, scope) for d, ty in params]
                return f"{instance}.apply({', '.join(args)});"

            calls.controls.append(call)


def generate(seed: int) -> Case:
    """Return the case of a seed: every eighth is a PNA program."""
    return Generator(seed, "pna" if seed % 8 == 7 else "v1model").make()
