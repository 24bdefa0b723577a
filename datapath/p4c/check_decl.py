"""Declarations: types, externs, functions, actions, parsers, controls, instances, annotations."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from datapath.p4c import ir, syntax
from datapath.p4c.check_base import (
    BlockType,
    Const,
    GenericStruct,
    Overloads,
    Place,
    Poison,
    Reported,
    TypeName,
    UserFunction,
    describe,
    with_article,
)
from datapath.p4c.check_call import owner_of, signature
from datapath.p4c.check_convert import is_constant
from datapath.p4c.check_parser import ParserChecker
from datapath.p4c.check_stmt import returns_always
from datapath.p4c.check_types import Substitution
from datapath.p4c.infer import same_type
from datapath.p4c.source import Pos
from datapath.p4c.types import (
    BitType,
    BoolType,
    DontCareType,
    EnumType,
    ExternType,
    InfIntType,
    IntType,
    NewType,
    ParserType,
    SerEnumType,
    SetType,
    StringType,
    Type,
    TypeVar,
    VarbitType,
    VoidType,
)


class DeclChecker(ParserChecker):
    """Checks declarations."""

    def declaration(self, d: syntax.Decl) -> None:
        """Check a declaration of the top level."""
        handlers: dict[type[syntax.Decl], Callable[..., None]] = {
            syntax.ConstDecl: self.const_decl,
            syntax.InstanceDecl: self._top_instance,
            syntax.StructDecl: self._struct_decl,
            syntax.EnumDecl: self._enum,
            syntax.ErrorDecl: self._errors,
            syntax.MatchKindDecl: self._match_kinds,
            syntax.TypedefDecl: self._typedef,
            syntax.MethodDecl: self._extern_function,
            syntax.ExternDecl: self._extern,
            syntax.FunctionDecl: self._function,
            syntax.ActionDecl: self._top_action,
            syntax.ParserTypeDecl: self._block_type,
            syntax.ParserDecl: self._parser,
            syntax.ControlDecl: self._control,
        }
        handler = handlers.get(type(d))
        if handler is None:
            self.fail(d.pos, f"'{d.name}' cannot be declared at the top level")
        try:
            handler(d)
        except Reported:
            if d.name:
                self.top.names.setdefault(d.name, Poison(d.name, d.pos))
            raise

    # ---- annotations ----

    def annotations(self, found: Sequence[syntax.Annotation]) -> ir.Annotations:
        """Return annotations with their arguments folded."""
        if not found:
            return ()
        out: list[ir.Annotation] = []
        for a in found:
            args = [self._annotation_value(x) for x in a.args]
            kv = [(k, self._annotation_value(x)) for k, x in a.kv.items()]
            if not args and "=" in a.tokens:
                kv = _keyed(a.tokens)
            out.append(ir.Annotation(a.name, tuple(args), tuple(kv), " ".join(a.tokens)))
        return tuple(out)

    def _annotation_value(self, e: syntax.Expr) -> object:
        """Fold a value of an annotation; what does not fold is its name, or ``?``."""
        match e:
            case syntax.IntLit() | syntax.BoolLit() | syntax.StringLit():
                return e.value
            case syntax.UnaryExpr(op="-", operand=syntax.IntLit(value=value)):
                return -value
            case syntax.Name():
                symbol = self.find(e.name, e.absolute)
                if isinstance(symbol, Const) and isinstance(symbol.value, ir.Literal):
                    return symbol.value.value
                return e.name
            case syntax.ListExpr():
                return tuple(map(self._annotation_value, e.items))
            case syntax.BinaryExpr(op="++", left=left, right=right):
                return f"{self._annotation_value(left)}{self._annotation_value(right)}"
            case syntax.MemberExpr() | syntax.BinaryExpr() | syntax.CastExpr() | syntax.UnaryExpr():
                folded = self.expr(e)
                if isinstance(folded, ir.Literal):
                    return folded.value
        return "?"

    # ---- types ----

    def _struct_decl(self, d: syntax.StructDecl) -> None:
        if d.type_params:
            if len(set(d.type_params)) != len(d.type_params):
                self.fail(d.pos, f"{d.kind} '{d.name}': two type parameters have one name")
            self.declare(d.name, GenericStruct(d.name, d, d.pos), d.pos)
            return
        t = self.struct_type(d, d.name)
        self.declare(d.name, TypeName(d.name, t, d.pos), d.pos)
        self.program.types[d.name] = t

    def _enum(self, d: syntax.EnumDecl) -> None:
        names = [m[0] for m in d.members]
        for i, (name, _, pos) in enumerate(d.members):
            if name in names[:i]:
                self.fail(pos, f"member '{name}' of enum '{d.name}' is declared twice")
        if not names:
            self.fail(d.pos, f"enum '{d.name}' has no members")
        t: Type
        if d.ref is None:
            for name, value, pos in d.members:
                if value is not None:
                    self.fail(pos, f"member '{name}' has a value, but enum '{d.name}' has no underlying type",
                              f"write: enum bit<8> {d.name} {{...}}")  # fmt: skip
            t = EnumType(d.name, tuple(names))
        else:
            under = self.type(d.ref)
            if not isinstance(under, (BitType, IntType)):
                self.fail(
                    d.ref.pos, f"the underlying type of enum '{d.name}' must be bit or int, not {describe(under)}"
                )
            members: list[tuple[str, int]] = []
            for name, value, pos in d.members:
                if value is None:
                    self.fail(pos, f"member '{name}' of enum '{d.name}' needs a value")
                folded = self.value(value, under, f"member '{name}' of enum '{d.name}'")
                if not isinstance(folded, ir.Literal):
                    self.fail(value.pos, f"the value of member '{name}' of enum '{d.name}' is not a constant")
                members.append((name, int(folded.value)))
            t = SerEnumType(d.name, under, tuple(members))
        self.declare(d.name, TypeName(d.name, t, d.pos), d.pos)
        self.program.types[d.name] = t

    def _errors(self, d: syntax.ErrorDecl) -> None:
        for name, pos in d.members:
            with self.recover():
                if name in self.program.errors:
                    self.fail(pos, f"error '{name}' is declared twice")
                self.program.errors.append(name)

    def _match_kinds(self, d: syntax.MatchKindDecl) -> None:
        for name, pos in d.members:
            with self.recover():
                if name in self.program.match_kinds:
                    self.fail(pos, f"match kind '{name}' is declared twice")
                self.program.match_kinds.append(name)

    def _typedef(self, d: syntax.TypedefDecl) -> None:
        t = self.type(d.ref)
        if isinstance(t, (VoidType, SetType, DontCareType)):
            self.fail(d.ref.pos, f"'{d.name}' cannot be a name of {describe(t)}")
        if d.distinct:
            if not isinstance(t, (BitType, IntType, BoolType, VarbitType, NewType, SerEnumType, EnumType)):
                self.fail(
                    d.ref.pos, f"'type' cannot make a new type of {describe(t)}", "'typedef' gives it a second name"
                )
            t = NewType(d.name, t, self.annotations(d.annotations))
            self.program.types[d.name] = t
        self.declare(d.name, TypeName(d.name, t, d.pos), d.pos)

    # ---- parameters ----

    def params(
        self,
        found: Sequence[syntax.Param],
        kind: str,
        owner: str,
        *,
        typed: Callable[[syntax.TypeRef], Type] | None = None,
    ) -> tuple[ir.Var, ...]:
        """Check parameters; they are declared by :meth:`declare_params`."""
        out: list[ir.Var] = []
        for p in found:
            if any(v.name == p.name for v in out):
                self.fail(p.pos, f"parameter '{p.name}' of {owner} is declared twice")
            t = (typed or self.type)(p.ref)
            if isinstance(t, (VoidType, SetType)):
                self.fail(p.pos, f"parameter '{p.name}' of {owner} cannot be of type {describe(t)}")
            if kind == "ctor" and p.direction:
                self.fail(p.pos, f"constructor parameter '{p.name}' of {owner} cannot have a direction")
            if isinstance(t, (ExternType, ParserType)) and p.direction:
                self.fail(
                    p.pos,
                    f"parameter '{p.name}' of {owner}: {describe(t)} cannot be passed as '{p.direction}'",
                    "leave the direction out",
                )
            if isinstance(t, (StringType, InfIntType)) and p.direction in ("out", "inout"):
                self.fail(p.pos, f"parameter '{p.name}' of {owner} cannot be '{p.direction}' and of type {describe(t)}")
            annotations = self.annotations(p.annotations)
            default = None
            if p.default is not None:
                if p.direction in ("out", "inout"):
                    self.fail(p.pos, f"parameter '{p.name}' of {owner}: '{p.direction}' cannot have a default value")
                default = self.value(p.default, t, f"default value of parameter '{p.name}'")
                if not is_constant(default):
                    self.fail(p.default.pos, f"the default value of parameter '{p.name}' must be a constant")
            optional = ir.find_annotation(annotations, "optional") is not None
            role = "ctor" if kind == "ctor" else "param"
            out.append(
                ir.Var(
                    p.name, t, "ctor" if role == "ctor" else "param", p.direction, p.pos, annotations, default, optional
                )
            )
        return tuple(out)

    def declare_params(self, params: Sequence[ir.Var]) -> None:
        """Declare parameters in the present scope."""
        for p in params:
            with self.recover():
                self.declare(p.name, p, p.pos)

    def _type_params(self, names: Sequence[str], owner: str, pos: Pos) -> None:
        for n in names:
            if n in self.scope.names:
                self.fail(pos, f"type parameter '{n}' is declared twice")
            self.scope.names[n] = TypeName(n, TypeVar(n, owner), pos)

    # ---- externs and functions ----

    def _prototype(self, d: syntax.MethodDecl, owner: str) -> ir.ExternMethod:
        """Check a prototype: of an extern function, method or constructor."""
        with self.new_scope():
            method = ir.ExternMethod(d.name, owner, tuple(d.type_params), (), VoidType())
            self._type_params(d.type_params, owner_of(method), d.pos)
            what = f"'{owner}.{d.name}'" if owner else f"function '{d.name}'"
            if d.ref is not None:
                method.returns = self.type(d.ref)
            method.params = self.params(d.params, "param", what)
        method.annotations = self.annotations(d.annotations)
        method.abstract = d.abstract
        method.pos = d.pos
        return method

    def _extern_function(self, d: syntax.MethodDecl) -> None:
        method = self._prototype(d, "")
        self._no_twin(d.name, method.params, d.pos)
        self.declare(d.name, Overloads(d.name, [method], d.pos), d.pos)
        self.program.extern_functions.setdefault(d.name, []).append(method)

    def _no_twin(self, name: str, params: Sequence[ir.Var], pos: Pos) -> None:
        old = self.top.names.get(name)
        if isinstance(old, Overloads):
            for c in old.choices:
                if [(p.name, p.type) for p in c.params] == [(p.name, p.type) for p in params]:
                    self.fail(pos, f"function '{name}' is declared twice with the same parameters", f"first at {c.pos}")

    def _extern(self, d: syntax.ExternDecl) -> None:
        decl = ir.ExternDecl(d.name, tuple(d.type_params), [], [], self.annotations(d.annotations), d.pos)
        self.declare(d.name, decl, d.pos)
        self.program.externs[d.name] = decl
        with self.new_scope():
            self._type_params(d.type_params, d.name, d.pos)
            for m in d.methods:
                with self.recover():
                    method = self._prototype(m, d.name)
                    same = decl.constructors if m.name == d.name else decl.methods
                    for other in same:
                        if other.name == m.name and len(other.params) == len(method.params):
                            theirs = [(p.name, p.type) for p in other.params]
                            if theirs == [(p.name, p.type) for p in method.params]:
                                self.fail(m.pos, f"method '{m.name}' of extern '{d.name}' is declared twice")
                    same.append(method)

    def _function(self, d: syntax.FunctionDecl) -> None:
        with self.new_scope():
            what = f"function '{d.name}'"
            self._type_params(d.type_params, f"{d.name}()", d.pos)
            assert d.ref is not None
            returns = self.type(d.ref)
            params = self.params(d.params, "param", what)
        f = UserFunction(d, params, returns, self.top)
        self._no_twin(d.name, params, d.pos)
        self.declare(d.name, Overloads(d.name, [f], d.pos), d.pos)
        if not d.type_params:
            self.function_body(f, (), {}, d.pos)

    def function_body(self, f: UserFunction, types: tuple[Type, ...], known: Substitution, pos: Pos) -> ir.Function:
        """Return a function for these type arguments, checking its body the first time."""
        if types in f.made:
            made = f.made[types]
            if made is None:
                self.fail(pos, f"function '{f.name}' calls itself: P4 has no recursion")
            return made
        for t in types:
            self.limited(t, pos)
        f.made[types] = None
        d = f.decl
        returns = self.substitute(f.returns, known)
        with self.new_scope(f.scope), self.at(Place("function", d.name, returns)):
            for n, t in zip(d.type_params, types, strict=True):
                self.scope.names[n] = TypeName(n, t, d.pos)
            params = tuple(
                ir.Var(p.name, self.substitute(p.type, known), "param", p.direction, p.pos, p.annotations, p.default)
                for p in f.params
            )
            self.declare_params(params)
            before = self.diag.error_count
            body = self.block(d.body.stmts)
            if not isinstance(returns, VoidType) and self.diag.error_count == before and not returns_always(body):
                self.diag.error(d.pos, f"function '{d.name}' does not return a value on all ways through it")
        name = f"{d.name}<{', '.join(map(str, types))}>" if types else d.name
        made = ir.Function(name, params, returns, body, self.annotations(d.annotations), d.pos)
        f.made[types] = made
        self.program.functions.append(made)
        return made

    def instance_methods(self, decl: ir.ExternDecl, t: ExternType, found: syntax.InstanceDecl) -> list[ir.Function]:
        """Check the abstract methods that an instance defines."""
        abstract = {m.name: m for m in decl.methods if m.abstract}
        known = dict(zip((TypeVar(n, decl.name) for n in decl.type_params), t.args, strict=False))
        out: list[ir.Function] = []
        with self.new_scope():
            self.scope.names["this"] = ir.Var("this", t, "param", pos=found.pos)
            for d in found.body or []:
                if not isinstance(d, syntax.FunctionDecl):
                    self.fail(d.pos, f"'{d.name}': only methods can be defined in the body of an instance")
                proto = abstract.pop(d.name, None)
                if proto is None:
                    self.fail(d.pos, f"extern '{decl.name}' has no abstract method '{d.name}' left to define")
                out.append(self._abstract_body(d, proto, known))
        if abstract:
            self.fail(found.pos, f"instance '{found.name}' does not define {', '.join(sorted(abstract))}, "
                                 f"which is abstract in extern '{decl.name}'")  # fmt: skip
        return out

    def _abstract_body(self, d: syntax.FunctionDecl, proto: ir.ExternMethod, known: Substitution) -> ir.Function:
        assert d.ref is not None
        returns = self.type(d.ref)
        params = self.params(d.params, "param", f"method '{d.name}'")
        wanted = [(p.direction, self.substitute(p.type, known)) for p in proto.params]
        if returns != self.substitute(proto.returns, known) or len(params) != len(wanted):
            self.fail(d.pos, f"method '{d.name}' differs from its declaration: {describe(proto.returns)} "
                             f"{d.name}{signature(proto.params)}")  # fmt: skip
        for p, (direction, t) in zip(params, wanted, strict=True):
            if p.direction != direction or not same_type(p.type, t):
                self.fail(p.pos, f"parameter '{p.name}' of method '{d.name}' must be '{f'{direction} {t}'.strip()}'")
        with self.new_scope(), self.at(Place("method", d.name, returns)):
            self.declare_params(params)
            before = self.diag.error_count
            body = self.block(d.body.stmts)
            if not isinstance(returns, VoidType) and self.diag.error_count == before and not returns_always(body):
                self.diag.error(d.pos, f"method '{d.name}' does not return a value on all ways through it")
        return ir.Function(d.name, params, returns, body, self.annotations(d.annotations), d.pos)

    # ---- actions ----

    def _top_action(self, d: syntax.ActionDecl) -> None:
        action = self.action(d)
        action.top_level = True
        self.program.actions[d.name] = action

    def action(self, d: syntax.ActionDecl) -> ir.Action:
        """Check and declare an action."""
        params = self.params(d.params, "param", f"action '{d.name}'")
        for before, after in pairwise(params):
            if not before.direction and after.direction:
                self.fail(after.pos, f"parameter '{after.name}' of action '{d.name}' has a direction: "
                                     "those without direction come last")  # fmt: skip
        for p in params:
            if isinstance(p.type, ExternType):
                self.fail(p.pos, f"parameter '{p.name}' of action '{d.name}' cannot be of type {describe(p.type)}")
        with self.new_scope(), self.at(Place("action", d.name)):
            self.declare_params(params)
            body = self.block(d.body.stmts)
        made = ir.Action(d.name, params, body, self.annotations(d.annotations), d.pos)
        self.declare(d.name, made, d.pos)
        return made

    # ---- parsers, controls, packages ----

    def _block_type(self, d: syntax.ParserTypeDecl) -> None:
        names = tuple(d.type_params)
        with self.new_scope():
            self._type_params(names, d.name, d.pos)
            kind = "ctor" if d.kind == "package" else "param"
            params = self.params(d.params, kind, f"{d.kind} '{d.name}'")
        symbol: ir.PackageDecl | BlockType
        if d.kind == "package":
            symbol = ir.PackageDecl(d.name, names, params, self.annotations(d.annotations), d.pos)
            self.program.packages[d.name] = symbol
        else:
            symbol = BlockType(d.name, d.kind, names, params, d.pos)
        self.declare(d.name, symbol, d.pos)
        self.blocks[d.name] = symbol

    def _not_generic(self, d: syntax.ParserDecl | syntax.ControlDecl, kind: str) -> None:
        if d.type_params:
            self.fail(d.pos, f"{kind} '{d.name}' has a body and so cannot have type parameters")

    def _later(self, decls: Sequence[syntax.Decl]) -> None:
        for d in decls:
            self.scope.later.setdefault(d.name, d.pos)

    def _local(self, d: syntax.Decl, made: ir.ParserDecl | ir.ControlDecl) -> None:
        """Check a declaration of a parser or control."""
        match d:
            case syntax.ActionDecl() if isinstance(made, ir.ControlDecl):
                made.actions.append(self.action(d))
            case syntax.TableDecl() if isinstance(made, ir.ControlDecl):
                made.tables.append(self.table(d))
            case syntax.ValueSetDecl() if isinstance(made, ir.ParserDecl):
                made.value_sets.append(self.value_set(d))
            case syntax.VarDecl():
                made.locals.append(self.var_decl(d))
            case syntax.ConstDecl():
                self.const_decl(d)
            case syntax.InstanceDecl():
                made.instances.append(self.instance_decl(d))
            case _:
                self.fail(d.pos, f"'{d.name}' cannot be declared here")

    def _locals(self, d: syntax.ParserDecl | syntax.ControlDecl, made: ir.ParserDecl | ir.ControlDecl) -> None:
        self._later(d.locals)
        for local in d.locals:
            try:
                self._local(local, made)
            except Reported:
                self.scope.names.setdefault(local.name, Poison(local.name, local.pos))

    def _parser(self, d: syntax.ParserDecl) -> None:
        self._not_generic(d, "parser")
        params = self.params(d.params, "param", f"parser '{d.name}'")
        ctor = self.params(d.ctor_params, "ctor", f"parser '{d.name}'")
        annotations = self.annotations(d.annotations)
        made = ir.ParserDecl(d.name, params, ctor, [], [], [], {}, (), annotations, d.pos)
        with self.new_scope(), self.at(self.parser_place(made)):
            self.declare_params((*ctor, *params))
            with self.new_scope():
                self._locals(d, made)
                self.states(d, made)
        self.declare(d.name, made, d.pos)
        self.blocks[d.name] = made
        self.program.parsers[d.name] = made

    def _control(self, d: syntax.ControlDecl) -> None:
        self._not_generic(d, "control")
        params = self.params(d.params, "param", f"control '{d.name}'")
        ctor = self.params(d.ctor_params, "ctor", f"control '{d.name}'")
        annotations = self.annotations(d.annotations)
        made = ir.ControlDecl(d.name, params, ctor, [], [], [], [], ir.Block(stmts=[]), (), annotations, d.pos)
        with self.new_scope(), self.at(Place("control", d.name, instances=made.instances)):
            self.declare_params((*ctor, *params))
            with self.new_scope():
                self._locals(d, made)
                made.body = self.block(d.body.stmts)
        self.declare(d.name, made, d.pos)
        self.blocks[d.name] = made
        self.program.controls[d.name] = made

    # ---- instances ----

    def _top_instance(self, d: syntax.InstanceDecl) -> None:
        made = self.instance_decl(d)
        self.program.instances.append(made)
        if d.name == "main":
            self.program.annotations = made.annotations

    def instance_decl(self, d: syntax.InstanceDecl) -> ir.InstanceDecl:
        """Check and declare an instance."""
        t = self.type(d.ref)
        made = self.instance(d.name, t, d.args, d.pos, d)
        made.annotations = self.annotations(d.annotations)
        if isinstance(made.type, ParserType):
            kind = made.type.kind
            if self.place.kind != "top" and kind != self.place.kind:
                self.fail(d.pos, f"'{d.name}': a {kind} cannot be instantiated in {with_article(self.place.kind)}")
        elif d.body is not None and not made.methods:
            self.fail(d.pos, f"instance '{d.name}': extern '{made.type.name}' has no abstract methods to define")
        self.declare(d.name, made, d.pos)
        return made


def _keyed(tokens: list[str]) -> list[tuple[str, object]]:
    """Return the pairs of ``key = value, ...`` in an annotation's body; strings without their quotes."""
    out: list[tuple[str, object]] = []
    for i, token in enumerate(tokens):
        if token == "=" and 0 < i < len(tokens) - 1:
            value = tokens[i + 1]
            out.append((tokens[i - 1], int(value, 0) if value.isdigit() else value.strip('"')))
    return out
