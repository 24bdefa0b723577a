"""Calls: of functions, actions, methods, tables, parsers and controls, and of constructors.

Language specification, 6.8 (calling convention), 8.20, 8.21 and 10.3 (instantiation).
"""

from collections.abc import Sequence

from datapath.p4c import ir, syntax
from datapath.p4c.check_base import (
    BIT32,
    BOOL,
    WHAT,
    BlockType,
    ListValue,
    Overloads,
    Poison,
    Reported,
    TypeName,
    UserFunction,
    close_name,
    describe,
    has_typevar,
    with_article,
)
from datapath.p4c.check_convert import is_constant
from datapath.p4c.check_expr import ExprChecker
from datapath.p4c.check_types import Substitution
from datapath.p4c.infer import Inference, same_type
from datapath.p4c.source import Diagnostics, Pos
from datapath.p4c.types import (
    ApplyResultType,
    BitType,
    BoolType,
    ExternType,
    HeaderType,
    InfIntType,
    IntType,
    NewType,
    ParserType,
    SerEnumType,
    StackType,
    StructType,
    TupleType,
    Type,
    TypeVar,
    UnionType,
    VarbitType,
    VoidType,
)

SIZES = ("minSizeInBits", "minSizeInBytes", "maxSizeInBits", "maxSizeInBytes")


def size_in_bits(t: Type, largest: bool) -> int | None:
    """Return the least or largest size of a header or struct on the wire; None when it has none."""
    match t:
        case BitType(w) | IntType(w):
            return w
        case BoolType():
            return 1
        case SerEnumType():
            return t.underlying.width
        case NewType():
            return size_in_bits(t.base, largest)
        case VarbitType(w):
            return w if largest else 0
        case StackType(elem, n):
            one = size_in_bits(elem, largest)
            return None if one is None else one * n
        case HeaderType() | StructType() | UnionType() | TupleType():
            parts = t.elems if isinstance(t, TupleType) else [f.type for f in t.fields]
            sizes = [size_in_bits(p, largest) for p in parts]
            if None in sizes:
                return None
            known = [s for s in sizes if s is not None]
            return (max if largest else min)(known, default=0) if isinstance(t, UnionType) else sum(known)
    return None


class CallChecker(ExprChecker):
    """Checks calls."""

    def function_body(self, f: UserFunction, types: tuple[Type, ...], known: Substitution, pos: Pos) -> ir.Function:
        """Return a function for these type arguments; see ``check_decl``."""
        raise NotImplementedError

    def instance_methods(self, decl: ir.ExternDecl, t: ExternType, found: syntax.InstanceDecl) -> list[ir.Function]:
        """Check the abstract methods that an instance defines; see ``check_decl``."""
        raise NotImplementedError

    # ---- arguments ----

    def align(
        self, params: Sequence[ir.Var], args: Sequence[syntax.Argument], what: str, pos: Pos
    ) -> list[syntax.Argument | None]:
        """Return the argument of each parameter, None where it has none."""
        problem = misfit(params, args)
        if problem:
            self.fail(pos, f"{what}: {problem}", signature(params))
        out: list[syntax.Argument | None] = [None] * len(params)
        names = [p.name for p in params]
        for i, a in enumerate(args):
            out[i if a.name is None else names.index(a.name)] = a
        return out

    def argument(
        self, p: ir.Var, t: Type, a: syntax.Argument | None, value: ir.Expr | None, what: str
    ) -> ir.Expr | None:
        """Convert an argument to its parameter's type; ``value`` is what was checked already."""
        if a is None:
            return p.default
        if value is None:
            return None
        where = f"argument '{p.name}' of {what}"
        if p.direction in ("out", "inout"):
            self.assignable(value, where)
            if not same_type(value.type, t):
                self.fail(value.pos, f"{where}: expected {describe(t)}, got {describe(value.type)}")
            return value
        return self.convert(value, t, where)

    def check_args(
        self, params: Sequence[ir.Var], found: Sequence[syntax.Argument | None], what: str
    ) -> list[ir.Expr | None]:
        """Check arguments by themselves; ``_`` is None, and only for an ``out`` parameter."""
        values: list[ir.Expr | None] = []
        for p, a in zip(params, found, strict=True):
            if a is None:
                values.append(None)
            elif isinstance(a.value, syntax.DontCare):
                if p.direction != "out" and not p.optional:
                    self.fail(a.pos, f"argument '{p.name}' of {what}: '_' can only stand for an 'out' parameter")
                values.append(None)
            else:
                values.append(self.expr(a.value))
        return values

    def plain_args(
        self, params: Sequence[ir.Var], args: Sequence[syntax.Argument], what: str, pos: Pos
    ) -> tuple[ir.Expr | None, ...]:
        """Check the arguments of something that is not generic."""
        found = self.align(params, args, what, pos)
        values = self.check_args(params, found, what)
        return tuple(self.argument(p, p.type, a, v, what) for p, a, v in zip(params, found, values, strict=True))

    def generic_args(
        self,
        type_params: Sequence[str],
        owner: str,
        params: Sequence[ir.Var],
        type_args: Sequence[Type],
        args: Sequence[syntax.Argument],
        known: Substitution,
        returns: Type,
        what: str,
        pos: Pos,
    ) -> tuple[tuple[Type, ...], tuple[ir.Expr | None, ...], Substitution]:
        """Check arguments, inferring type parameters; returns types, arguments and all that is known."""
        free = [TypeVar(n, owner) for n in type_params]
        if type_args and len(type_args) != len(free):
            self.fail(pos, f"{what} takes {len(free)} type arguments, not {len(type_args)}")
        found = self.align(params, args, what, pos)
        values = self.check_args(params, found, what)
        inference = Inference(self, free)
        for var, t in zip(free, type_args, strict=False):
            inference.set(var, t)
        formals = [self.substitute(p.type, known) for p in params]
        for p, formal, value in zip(params, formals, values, strict=True):
            if value is not None and not inference.unify(formal, self._inferable(value, formal, inference), value):
                self.fail(value.pos, f"argument '{p.name}' of {what}: {inference.problem}")
        self._settle_types(inference, values, formals)
        unknown = [v.name for v in free if v not in inference.known]
        if unknown and any(has_typevar(self.substitute(t, inference.known)) for t in (*formals, returns)):
            self.fail(pos, f"{what}: type parameter {', '.join(unknown)} cannot be inferred",
                      "give it in angle brackets")  # fmt: skip
        everything = {**known, **inference.known}
        out = tuple(
            self.argument(p, self.substitute(formal, inference.known), a, v, what)
            for p, formal, a, v in zip(params, formals, found, values, strict=True)
        )
        return tuple(inference.known.get(v, VoidType()) for v in free), out, everything

    def _inferable(self, value: ir.Expr, formal: Type, inference: Inference) -> Type:
        """Return the type that inference learns from a value."""
        if isinstance(formal, TypeVar) and formal not in inference.known:
            return self.settle(value).type
        return value.type

    def _settle_types(self, inference: Inference, values: Sequence[ir.Expr | None], formals: Sequence[Type]) -> None:
        """A type parameter that only saw integers without width is ``bit<32>``, or wider if they need it."""
        for var, t in list(inference.known.items()):
            mine = [v for v, f in zip(values, formals, strict=True) if f == var and v is not None]
            if isinstance(t, InfIntType):
                found = [v for v in mine if isinstance(v, ir.Literal)]
                if found:
                    inference.known[var] = self._width_for(found)
            elif isinstance(t, TupleType) and len(mine) == 1:
                inference.known[var] = self._widths_in(mine[0])

    def _width_for(self, found: Sequence[ir.Literal]) -> Type:
        bits = max(int(v.value).bit_length() for v in found)
        negative = any(int(v.value) < 0 for v in found)
        settled = IntType(max(32, bits + 1)) if negative else BitType(max(32, bits))
        self.diag.warning(found[0].pos, f"{found[0].value} has no width here; it is taken as {settled}")
        return settled

    def _widths_in(self, value: ir.Expr) -> Type:
        """Return the type of a list in which each integer has a width."""
        if isinstance(value, ListValue):
            return TupleType(tuple(map(self._widths_in, value.items)))
        if isinstance(value, ir.Literal) and isinstance(value.type, InfIntType):
            return self._width_for([value])
        return value.type

    # ---- calls ----

    def call(self, e: syntax.CallExpr) -> ir.Expr:
        """Check a call."""
        callee = e.callee
        if isinstance(callee, syntax.MemberExpr):
            return self._member_call(e, callee)
        if isinstance(callee, syntax.TypeExpr):
            return self._construct(e, callee.ref)
        if isinstance(callee, syntax.Name):
            symbol = self.lookup(callee.name, callee.pos, callee.absolute)
            match symbol:
                case Overloads():
                    return self._function_call(e, symbol)
                case ir.Action():
                    return self._action_call(e, symbol)
                case ir.ExternDecl() | ir.ParserDecl() | ir.ControlDecl() | ir.PackageDecl() | BlockType() | TypeName():
                    ref = syntax.NamedType(
                        pos=callee.pos, name=callee.name, absolute=callee.absolute, args=list(e.type_args)
                    )
                    return self._construct(e, ref)
                case ir.Table():
                    self.fail(e.pos, f"table '{callee.name}' is not a function", f"'{callee.name}.apply()' runs it")
                case _:
                    self.fail(e.pos, f"{WHAT[type(symbol)]} '{callee.name}' cannot be called")
        self.fail(e.pos, "this expression cannot be called")

    def _action_call(self, e: syntax.CallExpr, action: ir.Action) -> ir.Expr:
        if self.place.kind not in ("control", "action"):
            self.fail(e.pos, f"action '{action.name}' cannot be called from {with_article(self.place.kind)}")
        args = self.plain_args(action.params, e.args, f"action '{action.name}'", e.pos)
        return ir.ActionCall(type=VoidType(), pos=e.pos, action=action, args=args)

    def choose(
        self, choices: Sequence[ir.ExternMethod | UserFunction], e: syntax.CallExpr, what: str
    ) -> ir.ExternMethod | UserFunction:
        """Return the one of several functions of a name that fits the arguments."""
        if len(choices) == 1:
            return choices[0]
        fitting = [c for c in choices if not misfit(c.params, e.args)]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            forms = "; ".join(f"{c.name}{signature(c.params)}" for c in choices[:4])
            self.fail(e.pos, f"{what}: no form of it takes these {len(e.args)} arguments", f"it has: {forms}")
        typed = [c for c in fitting if self._fits_types(c, e)]
        if len(typed) == 1:
            return typed[0]
        forms = "; ".join(f"{c.name}{signature(c.params)}" for c in fitting[:4])
        kind = "more than one form of it takes" if typed else "no form of it takes the types of"
        self.fail(e.pos, f"{what}: {kind} these arguments", f"it has: {forms}")

    def _fits_types(self, c: ir.ExternMethod | UserFunction, e: syntax.CallExpr) -> bool:
        saved = self.diag
        self.diag = Diagnostics(max_errors=1 << 30)
        try:
            found = self.align(c.params, e.args, "", e.pos)
            owner = owner_of(c)
            free = [TypeVar(n, owner) for n in c.type_params]
            inference = Inference(self, free)
            values = self.check_args(c.params, found, "")
            for p, a, v in zip(c.params, found, values, strict=True):
                if v is None:
                    continue
                if not inference.unify(p.type, v.type, v):
                    return False
                t = self.substitute(p.type, inference.known)
                if not has_typevar(t):
                    self.argument(p, t, a, v, "")
        except Reported:
            return False
        finally:
            self.diag = saved
        return True

    def _function_call(self, e: syntax.CallExpr, symbol: Overloads) -> ir.Expr:
        what = f"function '{symbol.name}'"
        f = self.choose(symbol.choices, e, what)
        type_args = [self.type(t) for t in e.type_args]
        if isinstance(f, ir.ExternMethod):
            return self._extern_call(e, f, None, type_args, {}, what)
        types, args, known = self.generic_args(
            f.type_params, owner_of(f), f.params, type_args, e.args, {}, f.returns, what, e.pos
        )
        made = self.function_body(f, types, known, e.pos)
        return ir.FunctionCall(type=made.returns, pos=e.pos, function=made, args=args)

    def _extern_call(
        self,
        e: syntax.CallExpr,
        method: ir.ExternMethod,
        obj: ir.Expr | None,
        type_args: list[Type],
        known: Substitution,
        what: str,
    ) -> ir.Expr:
        types, args, all_known = self.generic_args(
            method.type_params, owner_of(method), method.params, type_args, e.args, known, method.returns, what, e.pos
        )
        for p, a in zip(method.params, args, strict=True):
            if not p.direction and a is not None and self.place.kind != "top" and not is_constant(a):
                self.fail(
                    a.pos,
                    f"argument '{p.name}' of {what} must be a constant",
                    "a parameter without direction takes one",
                )
        returns = self.substitute(method.returns, all_known)
        if method.name == "verify" and not method.owner and self.place.kind not in ("parser", "top"):
            self.fail(e.pos, f"'verify' can only be called in a parser, not in {with_article(self.place.kind)}")
        if method.name == "static_assert" and not method.owner:
            return self._static_assert(e, args)
        return ir.ExternCall(type=returns, pos=e.pos, method=method, obj=obj, type_args=types, args=args)

    def _static_assert(self, e: syntax.CallExpr, args: Sequence[ir.Expr | None]) -> ir.Expr:
        check = args[0]
        if not isinstance(check, ir.Literal):
            self.fail(e.pos, "static_assert: the condition is not a constant that the compiler knows")
        if not check.value:
            text = args[1] if len(args) > 1 else None
            more = f": {text.value}" if isinstance(text, ir.Literal) else ""
            self.fail(e.pos, f"static_assert failed{more}")
        return ir.Literal(type=BOOL, pos=e.pos, value=True)

    # ---- methods ----

    def _member_call(self, e: syntax.CallExpr, callee: syntax.MemberExpr) -> ir.Expr:
        name = callee.name
        base = callee.base
        if isinstance(base, syntax.Name):
            symbol = self.find(base.name, base.absolute)
            match symbol:
                case ir.Table():
                    return self._table_apply(e, symbol, name)
                case ir.ParserDecl() | ir.ControlDecl():
                    return self._direct_apply(e, symbol, name)
                case ir.Action():
                    self.fail(e.pos, f"action '{base.name}' has no method '{name}'", f"'{base.name}(...)' calls it")
                case Poison():
                    raise Reported
        t = self.type_before_dot(base)
        if t is not None:
            if name in SIZES:
                return self._size(t, name, e)
            if isinstance(base, syntax.TypeExpr) and isinstance(t, ParserType):
                decl = self.blocks[t.name]
                if isinstance(decl, (ir.ParserDecl, ir.ControlDecl)):
                    return self._direct_apply(e, decl, name)
            self.fail(e.pos, f"type {describe(t)} has no method '{name}'")
        obj = self.settle_member_base(self.expr(base))
        match obj.type:
            case ExternType():
                return self._method(e, obj, obj.type, name)
            case ParserType():
                return self._apply(e, obj, obj.type, name)
            case HeaderType() | UnionType() | StackType() | StructType():
                return self._builtin(e, obj, name)
        self.fail(e.pos, f"{describe(obj.type)} has no method '{name}'")

    def _method(self, e: syntax.CallExpr, obj: ir.Expr, t: ExternType, name: str) -> ir.Expr:
        decl = self.program.externs[t.name]
        choices = [m for m in decl.methods if m.name == name]
        if not choices:
            near = close_name(name, [m.name for m in decl.methods])
            self.fail(e.pos, f"extern '{t.name}' has no method '{name}'", f"did you mean '{near}'?" if near else "")
        what = f"method '{t.name}.{name}'"
        method = self.choose(choices, e, what)
        assert isinstance(method, ir.ExternMethod)
        known = dict(zip((TypeVar(n, decl.name) for n in decl.type_params), t.args, strict=False))
        type_args = [self.type(a) for a in e.type_args]
        if t.name == "packet_in" and name == "lookahead" and not type_args:
            self.fail(e.pos, f"{what} needs its type in angle brackets")
        call = self._extern_call(e, method, obj, type_args, known, what)
        if t.name == "packet_in" and isinstance(call, ir.ExternCall):
            self._packet_in(call, name)
        if t.name == "packet_out" and name == "emit" and isinstance(call, ir.ExternCall) and call.args[0] is not None:
            self._emit(call.args[0])
        return call

    def _packet_in(self, call: ir.ExternCall, name: str) -> None:
        if name == "extract":
            header = call.args[0]
            t = header.type if header is not None else call.type_args[0]
            if not isinstance(t, HeaderType):
                self.fail(call.pos, f"extract: a header is expected, not {describe(t)}")
            varbit = any(isinstance(f.type, VarbitType) for f in t.fields)
            if len(call.args) == 1 and varbit:
                self.fail(call.pos, f"extract: {t} has a varbit field, whose size must be a second argument")
            if len(call.args) == 2 and not varbit:
                self.fail(call.pos, f"extract: {t} has no varbit field; it takes one argument")
        elif name == "lookahead":
            low, high = size_in_bits(call.type, False), size_in_bits(call.type, True)
            if low is None or low != high:
                self.fail(call.pos, f"lookahead: {describe(call.type)} has no fixed size")

    def _emit(self, arg: ir.Expr) -> None:
        def emittable(t: Type) -> bool:
            match t:
                case HeaderType() | UnionType():
                    return True
                case StackType(elem, _):
                    return emittable(elem)
                case StructType():
                    return all(emittable(f.type) for f in t.fields)
            return False

        if isinstance(arg, ir.StructExpr):
            for item in arg.items:
                self._emit(item)
        elif not emittable(arg.type):
            self.fail(arg.pos, f"emit: only headers, stacks, unions and structs of them can be emitted, not {arg.type}")

    def _size(self, t: Type, name: str, e: syntax.CallExpr) -> ir.Expr:
        if e.args:
            self.fail(e.pos, f"'{name}' takes no arguments")
        bits = size_in_bits(t, name.startswith("max"))
        if bits is None:
            self.fail(e.pos, f"{describe(t)} has no size in a packet")
        size = (bits + 7) // 8 if name.endswith("Bytes") else bits
        return ir.Literal(type=InfIntType(), pos=e.pos, value=size)

    def _builtin(self, e: syntax.CallExpr, obj: ir.Expr, name: str) -> ir.Expr:
        t = obj.type
        if name in SIZES:
            return self._size(t, name, e)
        if isinstance(t, StackType) and name in ("push_front", "pop_front"):
            if len(e.args) != 1:
                self.fail(e.pos, f"'{name}' takes one argument, the number of elements")
            self.assignable(obj, f"'{name}'")
            count = self.constant_int(e.args[0].value, f"the argument of '{name}'")
            if count < 0:
                self.fail(e.args[0].pos, f"'{name}' by {count}: the number cannot be negative")
            number = ir.Literal(type=BIT32, pos=e.args[0].pos, value=min(count, (1 << 32) - 1))
            return ir.BuiltinCall(
                type=VoidType(),
                pos=e.pos,
                obj=obj,
                name="push_front" if name == "push_front" else "pop_front",
                args=(number,),
            )
        if isinstance(t, (HeaderType, UnionType)):
            if name == "isValid":
                self._no_args(e, name)
                return ir.BuiltinCall(type=BOOL, pos=e.pos, obj=obj, name="isValid")
            if name in ("setValid", "setInvalid") and isinstance(t, HeaderType):
                self._no_args(e, name)
                self.assignable(obj, f"'{name}'")
                return ir.BuiltinCall(
                    type=VoidType(), pos=e.pos, obj=obj, name="setValid" if name == "setValid" else "setInvalid"
                )
        methods = {
            HeaderType: "isValid, setValid, setInvalid",
            UnionType: "isValid",
            StackType: "push_front, pop_front",
            StructType: "",
        }[type(t)]
        self.fail(e.pos, f"{describe(t)} has no method '{name}'", f"it has {methods}" if methods else "")

    def _no_args(self, e: syntax.CallExpr, name: str) -> None:
        if e.args or e.type_args:
            self.fail(e.pos, f"'{name}' takes no arguments")

    # ---- apply ----

    def _table_apply(self, e: syntax.CallExpr, table: ir.Table, name: str) -> ir.Expr:
        if name != "apply":
            self.fail(e.pos, f"table '{table.name}' has no method '{name}'", "'apply' is its only one")
        if self.place.kind != "control":
            self.fail(
                e.pos,
                f"table '{table.name}' cannot be applied in {with_article(self.place.kind)}: only in a control's body",
            )
        if e.args:
            self.fail(e.pos, f"table '{table.name}': 'apply' takes no arguments")
        return ir.TableApply(type=ApplyResultType(table.name), pos=e.pos, table=table)

    def _apply(self, e: syntax.CallExpr, obj: ir.Expr, t: ParserType, name: str) -> ir.Expr:
        if name != "apply" or t.kind == "package":
            self.fail(e.pos, f"{describe(t)} has no method '{name}'")
        if self.place.kind != t.kind:
            self.fail(
                e.pos, f"{t.kind} '{t.name}' cannot be applied in {with_article(self.place.kind)}: only in a {t.kind}"
            )
        decl = self.blocks[t.name]
        what = f"{t.kind} '{t.name}'"
        if t.args or not decl.type_params:
            known = dict(zip((TypeVar(n, decl.name) for n in decl.type_params), t.args, strict=True))
            found = self.align(decl.params, e.args, what, e.pos)
            values = self.check_args(decl.params, found, what)
            args = tuple(
                self.argument(p, self.substitute(p.type, known), a, v, what)
                for p, a, v in zip(decl.params, found, values, strict=True)
            )
        else:
            _, args, _ = self.generic_args(
                decl.type_params, decl.name, decl.params, [], e.args, {}, VoidType(), what, e.pos
            )
        return ir.Apply(type=VoidType(), pos=e.pos, obj=obj, params=decl.params, args=args)

    def _direct_apply(self, e: syntax.CallExpr, decl: ir.ParserDecl | ir.ControlDecl, name: str) -> ir.Expr:
        """``Type.apply(...)``: an instance of the type comes into being, one for all such calls in a block."""
        kind = "parser" if isinstance(decl, ir.ParserDecl) else "control"
        if name != "apply":
            self.fail(e.pos, f"{kind} '{decl.name}' has no method '{name}'")
        if decl.ctor_params:
            self.fail(e.pos, f"{kind} '{decl.name}' has constructor parameters: make an instance of it first")
        if self.place.instances is None:
            self.fail(e.pos, f"{kind} '{decl.name}' cannot be applied in {with_article(self.place.kind)}")
        t = ParserType(kind, decl.name)
        for known in self.place.instances:
            if known.type == t and known.pos.length == 0:
                instance = known
                break
        else:
            # A position of no length marks the instances made here, which a program's own never have.
            made_at = Pos(e.pos.file, e.pos.line, e.pos.col, 0)
            instance = ir.InstanceDecl(decl.name, t, (), decl=decl, pos=made_at)
            self.place.instances.append(instance)
        return self._apply(e, ir.InstanceRef(type=t, pos=e.pos, decl=instance), t, name)

    # ---- constructors ----

    def _construct(self, e: syntax.CallExpr, ref: syntax.TypeRef) -> ir.Expr:
        t = self.type(ref)
        if not isinstance(t, (ExternType, ParserType)):
            self.fail(e.pos, f"type {describe(t)} has no constructor")
        decl = self.instance("", t, e.args, e.pos)
        return ir.NewInstance(type=decl.type, pos=e.pos, decl=decl)

    def instance(
        self, name: str, t: Type, args: Sequence[syntax.Argument], pos: Pos, source: syntax.InstanceDecl | None = None
    ) -> ir.InstanceDecl:
        """Return the object that ``t(args) name`` makes."""
        if isinstance(t, ExternType):
            return self._extern_instance(name, t, args, pos, source)
        if not isinstance(t, ParserType):
            self.fail(pos, f"{describe(t)} cannot be instantiated", f"a variable is declared as '{t} {name};'")
        decl = self.blocks[t.name]
        if isinstance(decl, BlockType):
            self.fail(pos, f"'{t.name}' is only the type of a {t.kind}: it has no body that could be instantiated")
        what = f"constructor of {t.kind} '{t.name}'"
        ctor_params = decl.params if isinstance(decl, ir.PackageDecl) else decl.ctor_params
        types, values, _ = self.generic_args(
            decl.type_params, decl.name, ctor_params, t.args, args, {}, VoidType(), what, pos
        )
        self._constant_args(ctor_params, values, what)
        return ir.InstanceDecl(name, ParserType(t.kind, t.name, types), values, decl=decl, pos=pos)

    def _extern_instance(
        self, name: str, t: ExternType, args: Sequence[syntax.Argument], pos: Pos, source: syntax.InstanceDecl | None
    ) -> ir.InstanceDecl:
        decl = self.program.externs[t.name]
        what = f"constructor of extern '{t.name}'"
        call = syntax.CallExpr(pos=pos, callee=syntax.Name(pos=pos, name=t.name), type_args=[], args=list(args))
        if not decl.constructors:
            if args:
                self.fail(pos, f"extern '{t.name}' has no constructor that takes arguments")
            self.fail(pos, f"extern '{t.name}' has no constructor: it cannot be instantiated")
        ctor = self.choose(decl.constructors, call, what)
        assert isinstance(ctor, ir.ExternMethod)
        types, values, _ = self.generic_args(
            decl.type_params, decl.name, ctor.params, t.args, args, {}, VoidType(), what, pos
        )
        if any(isinstance(a, VoidType) for a in types):
            self.fail(pos, f"extern '{t.name}' needs its type arguments in angle brackets")
        self._constant_args(ctor.params, values, what)
        made = ir.InstanceDecl(name, ExternType(t.name, types), values, ctor=ctor, decl=decl, pos=pos)
        if any(m.abstract for m in decl.methods) or (source is not None and source.body is not None):
            if source is None:
                self.fail(pos, f"extern '{t.name}' has abstract methods: an instance must define them")
            made.methods = self.instance_methods(decl, ExternType(t.name, types), source)
        return made

    def _constant_args(self, params: Sequence[ir.Var], values: Sequence[ir.Expr | None], what: str) -> None:
        for p, v in zip(params, values, strict=True):
            if v is not None and not is_constant(v):
                self.fail(v.pos, f"argument '{p.name}' of {what} must be a constant")


def owner_of(f: ir.ExternMethod | UserFunction) -> str:
    """Return the owner of a function's own type parameters."""
    if isinstance(f, UserFunction):
        return f"{f.name}()"
    return f"{f.owner}.{f.name}()"


def misfit(params: Sequence[ir.Var], args: Sequence[syntax.Argument]) -> str:
    """Return why arguments do not fit parameters by number and name; nothing when they do."""
    if any(a.name is not None for a in args):
        if any(a.name is None for a in args):
            return "either all arguments have names or none has"
        names = [p.name for p in params]
        given = [a.name for a in args]
        for n in given:
            if n not in names:
                return f"there is no parameter '{n}'"
            if given.count(n) > 1:
                return f"argument '{n}' is given twice"
        missing = [p.name for p in params if p.name not in given and p.default is None and not p.optional]
    else:
        if len(args) > len(params):
            return f"{len(args)} arguments are given, it takes {len(params)}"
        missing = [p.name for p in params[len(args) :] if p.default is None and not p.optional]
    return f"no argument for {', '.join(repr(m) for m in missing)}" if missing else ""


def signature(params: Sequence[ir.Var]) -> str:
    """Return parameters as a message shows them."""
    return f"({', '.join(f'{p.direction} {p.type} {p.name}'.strip() for p in params)})"
