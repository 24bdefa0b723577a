"""Declarations: types, externs, parsers, controls, tables, the program (language specification, 7, 10, 13 to 15)."""

from collections.abc import Callable
from typing import TypeVar

from datapath.p4c.parser_base import NAMES, ParseError, describe
from datapath.p4c.parser_expr import TYPE_STARTS
from datapath.p4c.parser_stmt import StmtParser
from datapath.p4c.source import Pos
from datapath.p4c.syntax import (
    ActionDecl,
    ActionRef,
    Annotation,
    ControlDecl,
    Decl,
    Entry,
    EnumDecl,
    ErrorDecl,
    Expr,
    ExternDecl,
    FieldDecl,
    KeyElement,
    MatchKindDecl,
    MethodDecl,
    NamedType,
    Param,
    ParserDecl,
    ParserTypeDecl,
    Property,
    Select,
    SelectCase,
    StateDecl,
    StructDecl,
    TableDecl,
    TypedefDecl,
    TypeRef,
    ValueSetDecl,
)

T = TypeVar("T")


class DeclParser(StmtParser):
    """Declarations."""

    def program(self) -> list[Decl]:
        """All declarations up to the end."""
        decls: list[Decl] = []
        while self.tok.kind != "eof":
            if self.accept(";"):
                continue
            start = self.i
            self.depth = 0
            try:
                decls.extend(self.declaration())
            except ParseError as e:
                self.report(e)
                del self.scopes[1:]
                self.recover(start)
        return decls

    def _items(self, of: str, item: Callable[[], T]) -> list[T]:
        """``{ item* }``; an error in one item is noted and it is skipped."""
        if self.tok.kind != "{":
            raise self.missing("'{'", f"to begin {of}")
        brace = self.advance()
        items: list[T] = []
        while self.tok.kind not in ("}", "eof"):
            start, depth, scopes = self.i, self.depth, len(self.scopes)
            try:
                items.append(item())
            except ParseError as e:
                self.report(e)
                self.depth = depth
                del self.scopes[scopes:]
                self.recover(start)
        if self.tok.kind != "}":
            raise ParseError(brace.pos, f"{of} has no '}}'")
        self.advance()
        return items

    def _names(self, of: str, member: str) -> list[tuple[str, Pos]]:
        """``{ a, b }``."""
        if self.tok.kind != "{":
            raise self.missing("'{'", f"to begin {of}")
        self.advance()
        names: list[tuple[str, Pos]] = []
        while self.tok.kind != "}":
            self.annotations()
            token = self.name(member)
            names.append((token.text, token.pos))
            if self.tok.kind == "}":
                break
            if self.tok.kind != ",":
                raise self.missing("',' or '}'", f"after {token.text!r}")
            self.advance()
        self.advance()
        return names

    # ---- top level ----

    def declaration(self) -> list[Decl]:
        """One declaration; two for ``typedef struct S {...} T;``."""
        notes = self.annotations()
        kind = self.tok.kind
        following = self.peek().kind
        match kind:
            case "const":
                return [self.constant(notes)]
            case "extern":
                return self._extern(notes)
            case "action":
                return [self._action(notes)]
            case "parser" | "control" | "package":
                return [self._block_declaration(notes)]
            case "header" | "struct" | "header_union":
                return [self._struct(notes)]
            case "enum":
                return [self._enum(notes)]
            case "typedef":
                return self._typedef(notes)
            case "type" if following in NAMES or following in TYPE_STARTS or following == ".":
                return self._typedef(notes)
            case "error" if following == "{":
                token = self.advance()
                return [
                    ErrorDecl(pos=token.pos, name="error", annotations=notes, members=self._names("error", "an error"))
                ]
            case "match_kind" if following == "{":
                token = self.advance()
                members = self._names("match_kind", "a match kind")
                return [MatchKindDecl(pos=token.pos, name="match_kind", annotations=notes, members=members)]
        if kind not in NAMES and kind not in TYPE_STARTS and kind not in (".", "list"):
            raise self.missing("a declaration")
        start = self.i
        ref = self.type_ref("the declaration")
        if self.tok.kind == "(":
            self.seek(start)
            return [self.variable_or_instance(notes)]
        token = self.tok
        if token.kind in NAMES and self.peek().kind in ("(", "<"):
            self.advance()
            return [self.function(ref, token.text, token.pos, notes)]
        if token.kind in NAMES and self.peek().kind in ("=", ";"):
            raise ParseError(token.pos, f"variable {token.text!r} cannot stand at the top level")
        raise self.missing("'(' or a function's name", "after the type")

    def _struct(self, notes: list[Annotation]) -> StructDecl:
        kind = self.advance().kind
        name = self.name(f"the {kind}")
        self.declare(name.text, True)
        self.scopes.append({})
        params = self.type_params()
        fields = self._items(f"{kind} {name.text!r}", self._field)
        self.scopes.pop()
        return StructDecl(pos=name.pos, name=name.text, annotations=notes, kind=kind, type_params=params, fields=fields)

    def _field(self) -> FieldDecl:
        notes = self.annotations()
        ref = self.type_ref("a field")
        name = self.name("a field")
        if self.tok.kind != ";":
            raise self.missing("';'", f"after field {name.text!r}")
        self.advance()
        return FieldDecl(pos=name.pos, name=name.text, annotations=notes, ref=ref)

    def _enum(self, notes: list[Annotation]) -> EnumDecl:
        self.advance()
        ref: TypeRef | None = None
        if not (self.tok.kind in NAMES and self.peek().kind == "{"):
            ref = self.type_ref("the enum's values")
        name = self.name("the enum")
        self.declare(name.text, True)
        members: list[tuple[str, Expr | None, Pos]] = []
        self.expect("{", f"to begin enum {name.text!r}")
        while self.tok.kind != "}":
            self.annotations()
            member = self.name("a member of the enum")
            value = self.expression() if self.accept("=") else None
            members.append((member.text, value, member.pos))
            if self.tok.kind == "}":
                break
            if self.tok.kind != ",":
                raise self.missing("',' or '}'", f"after {member.text!r}")
            self.advance()
        self.advance()
        return EnumDecl(pos=name.pos, name=name.text, annotations=notes, ref=ref, members=members)

    def _typedef(self, notes: list[Annotation]) -> list[Decl]:
        distinct = self.advance().kind == "type"
        inner: list[Decl] = []
        if self.tok.kind in ("header", "struct", "header_union", "enum"):
            decl = self._enum([]) if self.tok.kind == "enum" else self._struct([])
            inner = [decl]
            ref: TypeRef = NamedType(pos=decl.pos, name=decl.name)
        else:
            ref = self.type_ref("the typedef")
        name = self.name("the new type")
        self.declare(name.text, True)
        self.expect(";", f"after type {name.text!r}")
        return [
            *inner,
            TypedefDecl(pos=name.pos, name=name.text, annotations=notes, ref=ref, distinct=distinct),
        ]

    # ---- externs ----

    def _extern(self, notes: list[Annotation]) -> list[Decl]:
        self.advance()
        notes = notes + self.annotations()
        if self.tok.kind in NAMES:
            end = self.i + 1
            if self.tokens[end].kind == "<":
                while self.tokens[end].kind not in (">", "eof", "{", ";", "("):
                    end += 1
                end += self.tokens[end].kind == ">"
            if self.tokens[end].kind == "{":
                return [self._extern_type(notes)]
            if self.tokens[end].kind == ";":
                # A declaration ahead of the real one.
                self.declare(self.tok.text, True)
                self.seek(end + 1)
                return []
        ref = self.type_ref("the extern function's result")
        name = self.name("the extern function")
        decl = self.prototype(ref, name.text, name.pos, notes)
        self.declare(name.text, False)
        self.expect(";", f"after extern function {name.text!r}")
        return [decl]

    def _extern_type(self, notes: list[Annotation]) -> ExternDecl:
        name = self.advance()
        self.declare(name.text, True)
        self.scopes.append({})
        params = self.type_params()
        methods = self._items(f"extern {name.text!r}", lambda: self._method(name.text))
        self.scopes.pop()
        return ExternDecl(pos=name.pos, name=name.text, annotations=notes, type_params=params, methods=methods)

    def _method(self, owner: str) -> MethodDecl:
        notes = self.annotations()
        abstract = self.accept("abstract")
        notes = notes + self.annotations()
        if self.tok.kind in NAMES and self.tok.text == owner and self.peek().kind == "(":
            name = self.advance()
            decl = self.prototype(None, name.text, name.pos, notes)
        else:
            ref = self.type_ref("the method's result")
            name = self.name("the method")
            decl = self.prototype(ref, name.text, name.pos, notes)
        decl.abstract = abstract
        self.expect(";", f"after method {name.text!r}")
        return decl

    # ---- parsers, controls, packages ----

    def _block_declaration(self, notes: list[Annotation]) -> Decl:
        kind = self.advance().kind
        name = self.name(f"the {kind}")
        self.declare(name.text, True)
        self.scopes.append({})
        type_params = self.type_params()
        params = self.parameters(f"{kind} {name.text!r}")
        result: Decl
        if self.accept(";"):
            result = ParserTypeDecl(
                pos=name.pos, name=name.text, annotations=notes, kind=kind, type_params=type_params, params=params
            )
        elif kind == "package":
            raise self.missing("';'", f"after package {name.text!r}")
        else:
            ctor = self.parameters(f"{kind} {name.text!r}") if self.tok.kind == "(" else []
            rule = self._parser if kind == "parser" else self._control
            result = rule(name.text, name.pos, notes, type_params, params, ctor)
        self.scopes.pop()
        return result

    def _parser(
        self,
        name: str,
        pos: Pos,
        notes: list[Annotation],
        type_params: list[str],
        params: list[Param],
        ctor: list[Param],
    ) -> ParserDecl:
        found: list[Decl] = self._items(f"parser {name!r}", self._parser_item)
        return ParserDecl(
            pos=pos,
            name=name,
            annotations=notes,
            type_params=type_params,
            params=params,
            ctor_params=ctor,
            locals=[d for d in found if not isinstance(d, StateDecl)],
            states=[d for d in found if isinstance(d, StateDecl)],
        )

    def _parser_item(self) -> Decl:
        notes = self.annotations()
        if self.tok.kind == "state" and self.peek().kind in NAMES:
            return self._state(notes)
        return self._local(notes, "a state or a declaration")

    def _local(self, notes: list[Annotation], expected: str) -> Decl:
        """What may be declared in a parser and a control."""
        kind = self.tok.kind
        if kind == "const":
            return self.constant(notes)
        if kind == "value_set":
            return self._value_set(notes)
        if not self.starts_declaration():
            raise self.missing(expected)
        return self.variable_or_instance(notes)

    def _value_set(self, notes: list[Annotation]) -> ValueSetDecl:
        self.advance()
        self.expect("<", "after value_set")
        ref = self.type_ref("the value set")
        self.expect(">", "after the type of the value set")
        self.expect("(", "before the size of the value set")
        size = self.expression()
        self.expect(")", "after the size of the value set")
        name = self.name("the value set")
        self.declare(name.text, False)
        self.expect(";", f"after value set {name.text!r}")
        return ValueSetDecl(pos=name.pos, name=name.text, annotations=notes, ref=ref, size=size)

    def _state(self, notes: list[Annotation]) -> StateDecl:
        self.advance()
        name = self.name("the state")
        state = StateDecl(pos=name.pos, name=name.text, annotations=notes)
        brace = self.expect("{", f"to begin state {name.text!r}")
        self.scopes.append({})
        state.body = self.statements()
        if self.tok.kind == "transition":
            start = self.i
            try:
                self._transition(state)
            except ParseError as e:
                self.report(e)
                self.recover(start)
        self.scopes.pop()
        if self.tok.kind != "}":
            if self.tok.kind == "eof":
                raise ParseError(brace.pos, f"state {name.text!r} has no '}}'")
            raise self.missing("'}'", f"after the transition of state {name.text!r}")
        self.advance()
        return state

    def _transition(self, state: StateDecl) -> None:
        self.advance()
        token = self.tok
        state.next_pos = token.pos
        if token.kind == "select":
            self.advance()
            self.expect("(", "after select")
            exprs = [self.expression()]
            while self.accept(","):
                if self.tok.kind == ")":
                    break
                exprs.append(self.expression())
            self.expect(")", "after what is selected on")
            state.next = Select(pos=token.pos, exprs=exprs, cases=self._items("the select", self._select_case))
            return
        state.next = self.name("the next state").text
        self.expect(";", "after the next state")

    def _select_case(self) -> SelectCase:
        pos = self.tok.pos
        keys = self.keyset()
        self.expect(":", "after the label of the case")
        name = self.name("the next state")
        self.expect(";", "after the next state")
        return SelectCase(pos=pos, keys=keys, state=name.text)

    def _control(
        self,
        name: str,
        pos: Pos,
        notes: list[Annotation],
        type_params: list[str],
        params: list[Param],
        ctor: list[Param],
    ) -> ControlDecl:
        brace = self.expect("{", f"to begin control {name!r}")
        found: list[Decl] = []
        while not (self.tok.kind == "apply" and self.peek().kind in ("{", "@")):
            if self.tok.kind in ("}", "eof"):
                if self.tok.kind == "eof":
                    raise ParseError(brace.pos, f"control {name!r} has no '}}'")
                raise self.missing("'apply'", f"in control {name!r}: a control needs an apply block")
            start, depth, scopes = self.i, self.depth, len(self.scopes)
            try:
                found.append(self._control_item())
            except ParseError as e:
                self.report(e)
                self.depth = depth
                del self.scopes[scopes:]
                self.recover(start)
        self.advance()
        body = self.block(f"the apply block of control {name!r}")
        if self.tok.kind != "}":
            raise self.missing("'}'", f"after the apply block of control {name!r}")
        self.advance()
        return ControlDecl(
            pos=pos,
            name=name,
            annotations=notes,
            type_params=type_params,
            params=params,
            ctor_params=ctor,
            locals=found,
            body=body,
        )

    def _control_item(self) -> Decl:
        notes = self.annotations()
        if self.tok.kind == "action":
            return self._action(notes)
        if self.tok.kind == "table":
            return self._table(notes)
        return self._local(notes, "an action, a table, a declaration or the apply block")

    def _action(self, notes: list[Annotation]) -> ActionDecl:
        self.advance()
        name = self.name("the action")
        self.declare(name.text, False)
        self.scopes.append({})
        params = self.parameters(f"action {name.text!r}")
        body = self.block(f"action {name.text!r}")
        self.scopes.pop()
        return ActionDecl(pos=name.pos, name=name.text, annotations=notes, params=params, body=body)

    # ---- tables ----

    def _table(self, notes: list[Annotation]) -> TableDecl:
        self.advance()
        name = self.name("the table")
        self.declare(name.text, False)
        table = TableDecl(pos=name.pos, name=name.text, annotations=notes)
        self._items(f"table {name.text!r}", lambda: self._property(table))
        return table

    def _property(self, table: TableDecl) -> None:
        notes = self.annotations()
        token = self.tok
        const = self.accept("const")
        kind, name = self.tok.kind, self.tok.text
        if kind not in NAMES:
            raise self.missing("a property of the table")
        at = self.advance()
        self.expect("=", f"after property {name!r}")
        if kind in ("key", "actions", "entries") and self.tok.kind == "{":
            if const and kind != "entries":
                raise ParseError(token.pos, f"property {kind!r} cannot be const")
            if getattr(table, "keys" if kind == "key" else kind) is not None:
                self.diagnostics.error(at.pos, f"table {table.name!r} has two properties {kind!r}")
            if kind == "key":
                table.keys = self._items("the key", self._key_element)
            elif kind == "actions":
                table.actions = self._items("the actions", self._listed_action)
            else:
                table.entries = self._items("the entries", self._entry)
                table.entries_const = const
            self.accept(";")
            return
        if kind in ("key", "actions", "entries"):
            raise self.missing("'{'", f"to begin property {kind!r}")
        value = self.expression()
        self.expect(";", f"after property {name!r}")
        table.properties.append(Property(pos=at.pos, name=name, value=value, const=const, annotations=notes))

    def _key_element(self) -> KeyElement:
        pos = self.tok.pos
        expr = self.expression()
        self.expect(":", "after the expression of the key")
        kind = self.name("a match kind").text
        notes = self.annotations()
        self.expect(";", "after the key field")
        return KeyElement(pos=pos, expr=expr, kind=kind, annotations=notes)

    def _action_ref(self, notes: list[Annotation]) -> ActionRef:
        absolute = self.accept(".")
        name = self.name("an action")
        args = self.arguments() if self.tok.kind == "(" else None
        return ActionRef(pos=name.pos, name=name.text, absolute=absolute, args=args, annotations=notes)

    def _listed_action(self) -> ActionRef:
        ref = self._action_ref(self.annotations())
        self.expect(";", f"after action {ref.name!r}")
        return ref

    def _entry(self) -> Entry:
        notes = self.annotations()
        token = self.tok
        const = self.accept("const")
        priority: Expr | None = None
        if self.tok.kind == "priority" and self.peek().kind == "=":
            self.advance()
            self.advance()
            if self.tok.kind == "number":
                priority = self._int()
            elif self.tok.kind == "(":
                self.advance()
                priority = self.expression()
                self.expect(")", "after the priority")
            else:
                raise ParseError(
                    self.tok.pos,
                    f"expected the priority, found {describe(self.tok)}",
                    "an expression needs parentheses",
                )
            self.expect(":", "after the priority")
        keys = self.keyset()
        self.expect(":", "after the keys of the entry")
        action = self._action_ref([])
        notes = notes + self.annotations()
        self.expect(";", "after the entry")
        return Entry(pos=token.pos, keys=keys, action=action, priority=priority, const=const, annotations=notes)
