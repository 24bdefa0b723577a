"""The syntax tree of P4-16: what :mod:`parser` makes of a token stream and :mod:`check` reads.

Nothing here is resolved: a name is a string, a type is what was written. Grammar: P4-16 language specification,
appendix G.
"""

from dataclasses import dataclass, field

from datapath.p4c.source import Pos


@dataclass(slots=True, kw_only=True)
class Node:
    """What all nodes have."""

    pos: Pos


@dataclass(slots=True)
class Annotation(Node):
    """``@name(args)`` or ``@name[kv]``.

    ``tokens`` are the raw texts of the body, ``args`` parsed ones if they parse.
    """

    name: str
    tokens: list[str] = field(default_factory=list)
    args: list["Expr"] = field(default_factory=list)
    kv: dict[str, "Expr"] = field(default_factory=dict)
    structured: bool = False


# ---- types ----


@dataclass(slots=True)
class TypeRef(Node):
    """A type as written."""


@dataclass(slots=True)
class NamedType(TypeRef):
    """``name`` or ``.name``, with arguments ``name<a, b>``."""

    name: str
    absolute: bool = False
    args: list["TypeRef"] = field(default_factory=list)


@dataclass(slots=True)
class BaseType(TypeRef):
    """``bool``, ``error``, ``string``, ``void``, ``match_kind``, ``int`` (no width), ``_`` (don't care)."""

    name: str


@dataclass(slots=True)
class WidthType(TypeRef):
    """``bit<w>``, ``int<w>``, ``varbit<w>``; a bare ``bit`` is ``bit<1>``."""

    name: str
    width: "Expr"


@dataclass(slots=True)
class StackTypeRef(TypeRef):
    """``elem[size]``."""

    elem: TypeRef
    size: "Expr"


@dataclass(slots=True)
class TupleTypeRef(TypeRef):
    """``tuple<a, b>`` or ``list<a>``."""

    name: str
    args: list[TypeRef]


# ---- expressions ----


@dataclass(slots=True)
class Expr(Node):
    """An expression."""


@dataclass(slots=True)
class IntLit(Expr):
    """``12``, ``8w0xFF``, ``4s7``: ``width`` None means an integer of no width."""

    value: int
    width: int | None = None
    signed: bool = False


@dataclass(slots=True)
class BoolLit(Expr):
    """``true`` or ``false``."""

    value: bool


@dataclass(slots=True)
class StringLit(Expr):
    """A string, escapes resolved."""

    value: str


@dataclass(slots=True)
class Name(Expr):
    """``name`` or ``.name``; ``this`` too."""

    name: str
    absolute: bool = False


@dataclass(slots=True)
class TypeExpr(Expr):
    """A type where an expression stands: before ``.member`` (``error.X``, an enum's) or a generic call of a type."""

    ref: TypeRef


@dataclass(slots=True)
class MemberExpr(Expr):
    """``base.name``; ``base`` may be a :class:`Name` of a type or a :class:`TypeExpr`."""

    base: Expr
    name: str


@dataclass(slots=True)
class IndexExpr(Expr):
    """``base[index]``."""

    base: Expr
    index: Expr


@dataclass(slots=True)
class SliceExpr(Expr):
    """``base[hi:lo]``, or ``base[start +: width]`` when ``plus``."""

    base: Expr
    hi: Expr
    lo: Expr
    plus: bool = False


@dataclass(slots=True)
class UnaryExpr(Expr):
    """``! ~ - +`` before an operand."""

    op: str
    operand: Expr


@dataclass(slots=True)
class BinaryExpr(Expr):
    """``* / % + - |+| |-| << >> <= >= < > == != & ^ | ++ && ||``; ``&&&`` and ``..`` where sets stand."""

    op: str
    left: Expr
    right: Expr


@dataclass(slots=True)
class MuxExpr(Expr):
    """``cond ? a : b``."""

    cond: Expr
    then: Expr
    other: Expr


@dataclass(slots=True)
class CastExpr(Expr):
    """``(type) operand``."""

    ref: TypeRef
    operand: Expr


@dataclass(slots=True)
class ListExpr(Expr):
    """``{a, b}``; ``rest``: it ends with ``...``."""

    items: list[Expr]
    rest: bool = False


@dataclass(slots=True)
class StructExpr(Expr):
    """``{a = x, b = y}``, with ``ref`` as ``(type){...}`` written by the parser as a cast around it."""

    items: list[tuple[str, Expr]]
    rest: bool = False


@dataclass(slots=True)
class InvalidExpr(Expr):
    """``{#}``."""


@dataclass(slots=True)
class DontCare(Expr):
    """``_`` as an argument or a key set."""


@dataclass(slots=True)
class DefaultExpr(Expr):
    """``default`` as a key set or a label, ``...`` as a value."""


@dataclass(slots=True)
class Argument(Node):
    """``expr``, ``name = expr`` or ``_``."""

    value: Expr
    name: str | None = None


@dataclass(slots=True)
class CallExpr(Expr):
    """``callee<types>(args)``; a constructor call when ``callee`` is a type."""

    callee: Expr
    type_args: list[TypeRef]
    args: list[Argument]


# ---- declarations and statements ----


@dataclass(slots=True)
class Decl(Node):
    """A declaration."""

    name: str
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(slots=True)
class Param(Decl):
    """A parameter; ``direction`` is ``""``, ``in``, ``out`` or ``inout``."""

    ref: TypeRef = field(kw_only=True)
    direction: str = ""
    default: Expr | None = None


@dataclass(slots=True)
class ConstDecl(Decl):
    """``const type name = value;``."""

    ref: TypeRef = field(kw_only=True)
    value: Expr = field(kw_only=True)


@dataclass(slots=True)
class VarDecl(Decl):
    """``type name = init;``."""

    ref: TypeRef = field(kw_only=True)
    init: Expr | None = None


@dataclass(slots=True)
class InstanceDecl(Decl):
    """``type(args) name;``, perhaps with ``= { abstract methods }``."""

    ref: TypeRef = field(kw_only=True)
    args: list[Argument] = field(default_factory=list)
    body: list[Decl] | None = None


@dataclass(slots=True)
class FieldDecl(Decl):
    """A field of a struct, header or union."""

    ref: TypeRef = field(kw_only=True)


@dataclass(slots=True)
class StructDecl(Decl):
    """``header``, ``struct`` or ``header_union``, by ``kind``."""

    kind: str = field(kw_only=True)
    type_params: list[str] = field(default_factory=list)
    fields: list[FieldDecl] = field(default_factory=list)


@dataclass(slots=True)
class EnumDecl(Decl):
    """``enum E {...}``; serializable when ``ref`` is set, then members have values."""

    ref: TypeRef | None = None
    members: list[tuple[str, Expr | None, Pos]] = field(default_factory=list)


@dataclass(slots=True)
class ErrorDecl(Decl):
    """``error {...}``."""

    members: list[tuple[str, Pos]] = field(default_factory=list)


@dataclass(slots=True)
class MatchKindDecl(Decl):
    """``match_kind {...}``."""

    members: list[tuple[str, Pos]] = field(default_factory=list)


@dataclass(slots=True)
class TypedefDecl(Decl):
    """``typedef T name;``, or ``type T name;`` when ``distinct``."""

    ref: TypeRef = field(kw_only=True)
    distinct: bool = False


@dataclass(slots=True)
class MethodDecl(Decl):
    """A prototype: an extern function, a method, or (``ref`` None) a constructor."""

    ref: TypeRef | None = None
    type_params: list[str] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    abstract: bool = False


@dataclass(slots=True)
class ExternDecl(Decl):
    """``extern Name<T> { methods }``; constructors are methods with the extern's name."""

    type_params: list[str] = field(default_factory=list)
    methods: list[MethodDecl] = field(default_factory=list)


@dataclass(slots=True)
class FunctionDecl(MethodDecl):
    """A function with a body."""

    body: "Block" = field(kw_only=True)


@dataclass(slots=True)
class ActionDecl(Decl):
    """``action name(params) {...}``."""

    params: list[Param] = field(default_factory=list)
    body: "Block" = field(kw_only=True)


@dataclass(slots=True)
class ParserTypeDecl(Decl):
    """``parser P<T>(params);``, ``control C(params);`` or ``package S(params);`` by ``kind``: a type only."""

    kind: str = field(kw_only=True)
    type_params: list[str] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)


@dataclass(slots=True)
class SelectCase(Node):
    """``keyset: state;``; ``keys`` has one expression for each of the select's."""

    keys: list[Expr]
    state: str


@dataclass(slots=True)
class Select(Node):
    """``select (exprs) { cases }``."""

    exprs: list[Expr]
    cases: list[SelectCase]


@dataclass(slots=True)
class StateDecl(Decl):
    """A state; ``next`` is a name, a select, or None (then: reject)."""

    body: list["Stmt"] = field(default_factory=list)
    next: str | Select | None = None
    next_pos: Pos | None = None


@dataclass(slots=True)
class ValueSetDecl(Decl):
    """``value_set<T>(size) name;``."""

    ref: TypeRef = field(kw_only=True)
    size: Expr = field(kw_only=True)


@dataclass(slots=True)
class ParserDecl(Decl):
    """A parser with states."""

    type_params: list[str] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    ctor_params: list[Param] = field(default_factory=list)
    locals: list[Decl] = field(default_factory=list)
    states: list[StateDecl] = field(default_factory=list)


@dataclass(slots=True)
class ControlDecl(Decl):
    """A control with a body."""

    type_params: list[str] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    ctor_params: list[Param] = field(default_factory=list)
    locals: list[Decl] = field(default_factory=list)
    body: "Block" = field(kw_only=True)


@dataclass(slots=True)
class KeyElement(Node):
    """``expr : kind @annotations;``."""

    expr: Expr
    kind: str
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(slots=True)
class ActionRef(Node):
    """An action in a table's list or entry: ``name`` or ``name(args)``; ``args`` None without parentheses."""

    name: str
    absolute: bool = False
    args: list[Argument] | None = None
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(slots=True)
class Entry(Node):
    """``const priority = p: keys : action;``."""

    keys: list[Expr]
    action: ActionRef
    priority: Expr | None = None
    const: bool = False
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(slots=True)
class Property(Node):
    """Any other property: ``name = value;``."""

    name: str
    value: Expr
    const: bool = False
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(slots=True)
class TableDecl(Decl):
    """A table. ``default_action`` and ``size`` are in ``properties``: the value of the first is a Name or CallExpr."""

    keys: list[KeyElement] | None = None
    actions: list[ActionRef] | None = None
    entries: list[Entry] | None = None
    entries_const: bool = False
    properties: list[Property] = field(default_factory=list)


@dataclass(slots=True)
class Stmt(Node):
    """A statement."""


@dataclass(slots=True)
class Block(Stmt):
    """``{ ... }``."""

    stmts: list[Stmt]
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(slots=True)
class DeclStmt(Stmt):
    """A variable, constant or instance declared among statements."""

    decl: Decl


@dataclass(slots=True)
class AssignStmt(Stmt):
    """``left = right;`` or ``left op= right;`` with ``op`` such as ``+`` or ``|+|``."""

    left: Expr
    right: Expr
    op: str = ""


@dataclass(slots=True)
class CallStmt(Stmt):
    """A call for its effects; ``Type.apply(args)`` (a direct call of a parser or control) too."""

    call: CallExpr


@dataclass(slots=True)
class IfStmt(Stmt):
    """``if (cond) then else other``."""

    cond: Expr
    then: Stmt
    other: Stmt | None = None


@dataclass(slots=True)
class SwitchCase(Node):
    """``label: {...}``; ``body`` None falls through. ``label`` may be a :class:`DefaultExpr`."""

    label: Expr
    body: Block | None


@dataclass(slots=True)
class SwitchStmt(Stmt):
    """``switch (expr) { cases }``."""

    expr: Expr
    cases: list[SwitchCase]


@dataclass(slots=True)
class ForStmt(Stmt):
    """``for (init; cond; update) body``."""

    init: list[Stmt]
    cond: Expr
    update: list[Stmt]
    body: Stmt


@dataclass(slots=True)
class ForInStmt(Stmt):
    """``for (type name in expr) body``: ``ref`` None when the variable exists already; ``a..b`` is a BinaryExpr."""

    ref: TypeRef | None
    name: str
    expr: Expr
    body: Stmt
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(slots=True)
class ReturnStmt(Stmt):
    """``return expr;``."""

    value: Expr | None = None


@dataclass(slots=True)
class ExitStmt(Stmt):
    """``exit;``."""


@dataclass(slots=True)
class BreakStmt(Stmt):
    """``break;``."""


@dataclass(slots=True)
class ContinueStmt(Stmt):
    """``continue;``."""


@dataclass(slots=True)
class EmptyStmt(Stmt):
    """``;``."""


@dataclass(slots=True)
class Program(Node):
    """A whole program, includes included."""

    decls: list[Decl]
