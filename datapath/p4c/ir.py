"""The typed IR: a program after checking. Names are resolved, every expression has its type, casts are explicit.

Rules that all readers rely on:

* ``BitType`` values are Python ints in [0, 2^w), ``IntType`` values in [-2^(w-1), 2^(w-1)), ``InfIntType`` any int
  (only in arguments of constructors, annotations and properties: run-time code has none). ``NewType`` is
  transparent: look through it with :func:`types.strip`.
* Objects that can be pointed at (variables, actions, tables, instances, states' parsers) compare by identity.
* Arguments are aligned with parameters; ``None`` stands for an ``out`` argument that is dropped (``_``) and for an
  ``@optional`` parameter that was left out. Default values are filled in.
* Arguments are evaluated left to right, ``in`` and ``inout`` copied in, ``out`` and ``inout`` copied out left to right
  after the call (language specification, 6.8).
* Constants are folded: a ``const`` of a scalar type is a :class:`Literal` where it was used; others are their
  expression.
* Generic functions are one :class:`Function` for each list of type arguments. Labels of switches that fall through
  are merged.
"""

from dataclasses import dataclass, field
from typing import Literal as OneOf
from typing import TypeAlias

from datapath.p4c.source import NOWHERE, Pos
from datapath.p4c.types import ExternType, ParserType, Type

# ---- annotations ----


@dataclass(frozen=True, slots=True)
class Annotation:
    """``@name(...)``: ``args`` are int, str or bool where they fold, ``kv`` those with keys, ``text`` the raw body."""

    name: str
    args: tuple[object, ...] = ()
    kv: tuple[tuple[str, object], ...] = ()
    text: str = ""


Annotations: TypeAlias = tuple[Annotation, ...]


def find_annotation(annotations: Annotations, name: str) -> Annotation | None:
    """Return the last annotation of that name."""
    for a in reversed(annotations):
        if a.name == name:
            return a
    return None


# ---- things that have a name ----


@dataclass(eq=False, slots=True)
class Var:
    """A variable, parameter or constructor parameter; ``direction`` of a parameter: ``""``, in, out, inout."""

    name: str
    type: Type
    kind: OneOf["local", "param", "ctor"]
    direction: str = ""
    pos: Pos = NOWHERE
    annotations: Annotations = ()
    default: "Expr | None" = None
    optional: bool = False

    def __repr__(self) -> str:
        return f"Var({self.name}: {self.type})"


@dataclass(eq=False, slots=True)
class ExternMethod:
    """A method of an extern object, or an extern function (``owner`` "")."""

    name: str
    owner: str
    type_params: tuple[str, ...]
    params: tuple[Var, ...]
    returns: Type
    annotations: Annotations = ()
    abstract: bool = False
    pos: Pos = NOWHERE


@dataclass(eq=False, slots=True)
class ExternDecl:
    """An extern type; ``constructors`` are methods with its name."""

    name: str
    type_params: tuple[str, ...]
    methods: list[ExternMethod]
    constructors: list[ExternMethod]
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(eq=False, slots=True)
class Function:
    """A function with a body, of no type parameters any more."""

    name: str
    params: tuple[Var, ...]
    returns: Type
    body: "Block"
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(eq=False, slots=True)
class Action:
    """An action. Parameters without direction come last and are action data when a table runs it."""

    name: str
    params: tuple[Var, ...]
    body: "Block"
    annotations: Annotations = ()
    pos: Pos = NOWHERE
    top_level: bool = False

    @property
    def data_params(self) -> tuple[Var, ...]:
        """The parameters that the control plane sets."""
        return tuple(p for p in self.params if not p.direction)


@dataclass(eq=False, slots=True)
class InstanceDecl:
    """``Type(args) name;`` inside of a parser or control or at the top, or an argument of a constructor (``name`` "").

    ``methods`` are the bodies of abstract methods.
    """

    name: str
    type: ExternType | ParserType
    args: "tuple[Expr | None, ...]"
    ctor: ExternMethod | None = None
    decl: "ParserDecl | ControlDecl | PackageDecl | ExternDecl | None" = None
    annotations: Annotations = ()
    pos: Pos = NOWHERE
    methods: list[Function] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class ValueSet:
    """A parser value set of key fields ``fields`` (name, type, match kind)."""

    name: str
    type: Type
    size: int
    fields: tuple[tuple[str, Type, str], ...]
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(slots=True)
class Key:
    """A table's key field: ``name`` is the control plane's (``@name``, or the expression's text)."""

    expr: "Expr"
    match_kind: str
    name: str
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(slots=True)
class ActionRef:
    """An action that a table may run; ``args`` has an expression for each directed parameter, None for action data.

    In a default action or an entry, ``args`` has all.
    """

    action: Action
    args: "tuple[Expr | None, ...]"
    annotations: Annotations = ()
    pos: Pos = NOWHERE


FIRST_PRIORITY = 1 << 30
"""Where priorities of which the smaller wins are counted down from, so that the larger wins."""


@dataclass(slots=True)
class Entry:
    """An entry of the program; ``priority`` as P4Runtime has it: larger wins (None: by order, the first wins)."""

    keys: "tuple[KeySet, ...]"
    action: ActionRef
    priority: int | None
    const: bool
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(eq=False, slots=True)
class Table:
    """A table. ``properties`` holds all that has no place of its own: name -> (expression, const)."""

    name: str
    keys: list[Key]
    actions: list[ActionRef]
    default_action: ActionRef
    default_const: bool
    entries: list[Entry]
    entries_const: bool
    size: int | None
    properties: "dict[str, tuple[Expr, bool]]"
    annotations: Annotations = ()
    pos: Pos = NOWHERE


# ---- expressions ----


@dataclass(slots=True, kw_only=True)
class Node:
    """What expressions have."""

    type: Type
    pos: Pos = NOWHERE


@dataclass(slots=True)
class Literal(Node):
    """A value of the compiler.

    int for bit, int, InfInt and SerEnum; bool; str for string; a member's name for enum, error, match_kind.
    """

    value: int | bool | str


@dataclass(slots=True)
class VarRef(Node):
    """The value of a variable or parameter."""

    var: Var


@dataclass(slots=True)
class InstanceRef(Node):
    """An extern object, parser or control by its declaration. Objects from constructor parameters are VarRefs."""

    decl: InstanceDecl


@dataclass(slots=True)
class NewInstance(Node):
    """A constructor call that is an argument of a constructor: ``Pipe(MyParser(), ...)``."""

    decl: InstanceDecl


@dataclass(slots=True)
class Member(Node):
    """A field of a struct, header, union, or ``hit``/``miss`` of a :class:`TableApply`."""

    base: "Expr"
    name: str


@dataclass(slots=True)
class StackMember(Node):
    """``base.next``, ``base.last`` (elements), ``base.lastIndex`` (bit<32>); ``size`` is folded."""

    base: "Expr"
    name: OneOf["next", "last", "lastIndex"]


@dataclass(slots=True)
class Index(Node):
    """An element of a stack (any index), a tuple or list (a literal)."""

    base: "Expr"
    index: "Expr"


@dataclass(slots=True)
class Slice(Node):
    """Bits ``hi`` down to ``lo``; bit<hi - lo + 1>. May be assigned to."""

    base: "Expr"
    hi: int
    lo: int


@dataclass(slots=True)
class Unary(Node):
    """``-``, ``~`` or ``!``."""

    op: str
    operand: "Expr"


@dataclass(slots=True)
class Binary(Node):
    """``+ - * / % |+| |-| << >> & | ^ ++ == != < <= > >= && ||``.

    ``==`` and ``!=`` compare anything of one type. Both sides have one type, but for shifts and ``++``. ``/`` and
    ``%`` are of unsigned values and a non-zero literal.
    """

    op: str
    left: "Expr"
    right: "Expr"


@dataclass(slots=True)
class Mux(Node):
    """``cond ? then : other``; only the chosen one is evaluated."""

    cond: "Expr"
    then: "Expr"
    other: "Expr"


@dataclass(slots=True)
class Cast(Node):
    """A conversion to ``type``.

    bit <-> int of the same or another width (sign extension from int), bit<1> <-> bool, SerEnum <-> its underlying
    type, NewType <-> its base. A list to struct or header is a :class:`StructExpr` instead.
    """

    operand: "Expr"


@dataclass(slots=True)
class StructExpr(Node):
    """A value of ``type`` (struct, header, tuple, list, stack), all fields in order. A header made so is valid."""

    items: tuple["Expr", ...]


@dataclass(slots=True)
class InvalidHeader(Node):
    """``{#}``: an invalid header, or a union of which none is valid."""


@dataclass(slots=True)
class Default(Node):
    """The default value of ``type``: zero, false, the first member (``error``: NoError), headers invalid (``...``)."""


@dataclass(slots=True)
class FunctionCall(Node):
    """A call of a function with a body."""

    function: Function
    args: tuple["Expr | None", ...]


@dataclass(slots=True)
class ExternCall(Node):
    """A call of an extern function (``obj`` None) or of a method of an extern object.

    ``obj`` is an InstanceRef, or a VarRef (packet_in, packet_out, a constructor parameter, ``this``). ``type_args`` are
    inferred. ``method.params`` are generic; the arguments' own types are concrete.
    """

    method: ExternMethod
    obj: "Expr | None"
    type_args: tuple[Type, ...]
    args: tuple["Expr | None", ...]


@dataclass(slots=True)
class BuiltinCall(Node):
    """``isValid setValid setInvalid`` of headers and unions, ``push_front pop_front`` (a literal count) of stacks.

    ``setValid`` of an invalid header makes its fields zero, as the reference switch does; ``setInvalid`` leaves them.
    """

    obj: "Expr"
    name: OneOf["isValid", "setValid", "setInvalid", "push_front", "pop_front"]
    args: tuple["Expr", ...] = ()


@dataclass(slots=True)
class TableApply(Node):
    """``table.apply()``."""

    table: Table


@dataclass(slots=True)
class Apply(Node):
    """``instance.apply(args)`` of a parser or control; ``obj``: an InstanceRef or a VarRef of a constructor parameter.

    ``Type.apply(args)`` is an InstanceRef, too: of an instance made for that call.
    """

    obj: "Expr"
    params: tuple[Var, ...]
    args: tuple["Expr | None", ...]


@dataclass(slots=True)
class ActionCall(Node):
    """A direct call of an action."""

    action: Action
    args: tuple["Expr | None", ...]


Expr: TypeAlias = (
    Literal
    | VarRef
    | InstanceRef
    | NewInstance
    | Member
    | StackMember
    | Index
    | Slice
    | Unary
    | Binary
    | Mux
    | Cast
    | StructExpr
    | InvalidHeader
    | Default
    | FunctionCall
    | ExternCall
    | BuiltinCall
    | TableApply
    | Apply
    | ActionCall
)


# ---- key sets, of select cases and entries ----


@dataclass(slots=True)
class Exact:
    """Equal to ``value`` (a Literal in entries; in a select it may be an expression)."""

    value: Expr


@dataclass(slots=True)
class Mask:
    """``value &&& mask``."""

    value: Expr
    mask: Expr


@dataclass(slots=True)
class Range:
    """``lo .. hi``, both included."""

    lo: Expr
    hi: Expr


@dataclass(slots=True)
class Any:
    """``_`` or ``default``."""


@dataclass(slots=True)
class InValueSet:
    """In ``value_set``; when it has several fields, it matches as many of the select's expressions as it has fields."""

    value_set: ValueSet


KeySet: TypeAlias = Exact | Mask | Range | Any | InValueSet


# ---- statements ----


@dataclass(slots=True, kw_only=True)
class Statement:
    """What statements have."""

    pos: Pos = NOWHERE


@dataclass(slots=True)
class Declare(Statement):
    """A variable comes into being; without ``init`` its value is :class:`Default`'s (headers invalid)."""

    var: Var
    init: Expr | None


@dataclass(slots=True)
class Assign(Statement):
    """``target = value;``: the target's subexpressions are evaluated first, then the value."""

    target: Expr
    value: Expr


@dataclass(slots=True)
class Call(Statement):
    """A call for its effects: any of the six kinds of call."""

    call: Expr


@dataclass(slots=True)
class Block(Statement):
    """Statements in order."""

    stmts: list["Stmt"]


@dataclass(slots=True)
class If(Statement):
    """A condition of type bool."""

    cond: Expr
    then: Block
    other: Block | None


@dataclass(slots=True)
class SwitchAction(Statement):
    """``switch (table.apply().action_run)``: the first case that has the action; None in ``labels`` is ``default``."""

    table: Table
    cases: list[tuple[tuple[Action | None, ...], Block]]


@dataclass(slots=True)
class SwitchValue(Statement):
    """``switch (expression)``: labels are literals; None is ``default``."""

    expr: Expr
    cases: list[tuple[tuple[Literal | None, ...], Block]]


@dataclass(slots=True)
class For(Statement):
    """``for (init; cond; update) body``."""

    init: list["Stmt"]
    cond: Expr
    update: list["Stmt"]
    body: Block


@dataclass(slots=True)
class ForIn(Statement):
    """``for (var in lo .. hi)`` when ``hi`` is set, else over the elements of ``lo``, which is a stack or list."""

    var: Var
    declares: bool
    lo: Expr
    hi: Expr | None
    body: Block


@dataclass(slots=True)
class Return(Statement):
    """``return value;``."""

    value: Expr | None


@dataclass(slots=True)
class Exit(Statement):
    """``exit;``: ends the parser's or control's whole block of the architecture, after copying out."""


@dataclass(slots=True)
class Break(Statement):
    """``break;``."""


@dataclass(slots=True)
class Continue(Statement):
    """``continue;``."""


Stmt: TypeAlias = (
    Declare | Assign | Call | Block | If | SwitchAction | SwitchValue | For | ForIn | Return | Exit | Break | Continue
)


# ---- parsers, controls, packages ----


@dataclass(slots=True)
class SelectCase:
    """A key set for each of the select's expressions (see :class:`InValueSet`), and a state's name."""

    keys: tuple[KeySet, ...]
    next: str
    pos: Pos = NOWHERE


@dataclass(slots=True)
class Select:
    """``select (exprs)``: the first case that matches; none: error.NoMatch and ``reject``."""

    exprs: tuple[Expr, ...]
    cases: list[SelectCase]


@dataclass(eq=False, slots=True)
class State:
    """A state; ``next`` is a state's name (``accept``, ``reject`` too) or a select."""

    name: str
    body: Block
    next: str | Select
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(eq=False, slots=True)
class ParserDecl:
    """A parser. ``locals`` are declarations of variables, in order; they are run at its start."""

    name: str
    params: tuple[Var, ...]
    ctor_params: tuple[Var, ...]
    locals: list[Declare]
    instances: list[InstanceDecl]
    value_sets: list[ValueSet]
    states: dict[str, State]
    type_params: tuple[str, ...] = ()
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(eq=False, slots=True)
class ControlDecl:
    """A control; ``actions`` and ``tables`` are its own, ``locals`` are run at its start."""

    name: str
    params: tuple[Var, ...]
    ctor_params: tuple[Var, ...]
    locals: list[Declare]
    instances: list[InstanceDecl]
    actions: list[Action]
    tables: list[Table]
    body: Block
    type_params: tuple[str, ...] = ()
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(eq=False, slots=True)
class PackageDecl:
    """A package type; ``params`` are its constructor's."""

    name: str
    type_params: tuple[str, ...]
    params: tuple[Var, ...]
    annotations: Annotations = ()
    pos: Pos = NOWHERE


@dataclass(eq=False, slots=True)
class Program:
    """All declarations of a checked program, by name."""

    types: dict[str, Type] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    match_kinds: list[str] = field(default_factory=list)
    externs: dict[str, ExternDecl] = field(default_factory=dict)
    extern_functions: dict[str, list[ExternMethod]] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    actions: dict[str, Action] = field(default_factory=dict)
    parsers: dict[str, ParserDecl] = field(default_factory=dict)
    controls: dict[str, ControlDecl] = field(default_factory=dict)
    packages: dict[str, PackageDecl] = field(default_factory=dict)
    instances: list[InstanceDecl] = field(default_factory=list)
    annotations: Annotations = ()
    """Those of ``main``: ``@pkginfo`` and the like."""


# ---- after elaboration ----


@dataclass(eq=False, slots=True)
class Instance:
    """One object of the running program: a parser, control, package or extern object.

    ``path`` is its control-plane name (``ingress.c1.counter``; a top-level block is called by its declaration's
    name, as the reference compiler does). ``args`` are the constructor's: a Literal, another Instance, or (lists,
    structs) an expression. ``children`` are the instances that its body declares. The same :class:`ParserDecl` may
    be run by several instances: a ``VarRef`` of a constructor parameter means ``args[var]``, an ``InstanceRef``
    means ``children[decl]`` or, for objects at the top level, ``Design.globals[decl]``.
    """

    path: str
    type: Type
    decl: "ParserDecl | ControlDecl | PackageDecl | ExternDecl"
    args: "dict[Var, Expr | Instance | None]"
    children: "dict[InstanceDecl, Instance]" = field(default_factory=dict)
    source: InstanceDecl | None = None
    table_paths: dict[Table, str] = field(default_factory=dict)
    action_paths: dict[Action, str] = field(default_factory=dict)
    value_set_paths: dict[ValueSet, str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Design:
    """A program ready to run: ``main`` and everything that it made.

    ``arch`` says how the package is run: ``v1model`` (``V1Switch``) or ``pna`` (``PNA_NIC``). ``blocks`` are the
    package's parsers and controls by the name of the package's parameter (v1model: p, vr, ig, eg, ck, dep; pna:
    main_parser, pre_control, main_control, main_deparser).
    """

    program: Program
    main: Instance
    arch: str
    blocks: dict[str, Instance]
    globals: dict[InstanceDecl, Instance] = field(default_factory=dict)

    def instances(self) -> list[Instance]:
        """All instances, parents before children, in order of declaration, each once."""
        out: list[Instance] = []
        seen: set[int] = set()

        def walk(instance: Instance) -> None:
            if id(instance) in seen:
                return
            seen.add(id(instance))
            out.append(instance)
            for value in instance.args.values():
                if isinstance(value, Instance):
                    walk(value)
            for child in instance.children.values():
                walk(child)

        for instance in self.globals.values():
            walk(instance)
        walk(self.main)
        return out
