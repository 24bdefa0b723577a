"""Types, expressions, arguments, annotations and key sets (language specification, 7 to 8, 18, 20)."""

from datapath.p4c.lexer import Token, parse_int, parse_string
from datapath.p4c.parser_base import MAX_CHAIN, NAMES, ParseError, ParserBase, describe
from datapath.p4c.syntax import (
    Annotation,
    Argument,
    BaseType,
    BinaryExpr,
    BoolLit,
    CallExpr,
    CastExpr,
    DefaultExpr,
    DontCare,
    Expr,
    IndexExpr,
    IntLit,
    InvalidExpr,
    ListExpr,
    MemberExpr,
    MuxExpr,
    Name,
    NamedType,
    SliceExpr,
    StackTypeRef,
    StringLit,
    StructExpr,
    TupleTypeRef,
    TypeExpr,
    TypeRef,
    UnaryExpr,
    WidthType,
)

# Binary operators by binding strength: unlike C, & ^ | bind more than comparisons (language specification, 8.1).
_LEVEL = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "|": 5, "^": 6, "&": 7,
    "<<": 8, ">>": 8, "++": 9, "+": 9, "-": 9, "|+|": 9, "|-|": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_SHIFT_LEVEL = 8
_UNARY = frozenset(["!", "~", "-", "+"])
_WIDTH_TYPES = frozenset(["bit", "int", "varbit"])
_PLAIN_TYPES = frozenset(["bool", "error", "string", "void", "match_kind"])
TYPE_STARTS = frozenset(["bit", "int", "varbit", "bool", "error", "string", "void", "match_kind", "tuple"])


class ExprParser(ParserBase):
    """The part of the grammar below statements."""

    # ---- types ----

    def type_ref(self, of: str = "this") -> TypeRef:
        """A type; ``of`` says whose."""
        self.enter()
        depth = self.depth
        ref = self._plain_type(of)
        while self.tok.kind == "[":
            self.enter()
            token = self.advance()
            size = self.expression()
            self.expect("]", "after the size of an array type")
            ref = StackTypeRef(pos=token.pos, elem=ref, size=size)
        self.depth = depth - 1
        return ref

    def _plain_type(self, of: str) -> TypeRef:
        token = self.tok
        kind = token.kind
        if kind in _WIDTH_TYPES:
            self.advance()
            if self.tok.kind == "<":
                self.advance()
                width = self._width()
                self.expect(">", f"after the width of {kind}")
                return WidthType(pos=token.pos, name=kind, width=width)
            if kind == "varbit":
                raise self.missing("'<'", "after varbit")
            if kind == "bit":
                return WidthType(pos=token.pos, name="bit", width=IntLit(pos=token.pos, value=1))
            return BaseType(pos=token.pos, name="int")
        if kind in _PLAIN_TYPES or kind == "_":
            self.advance()
            return BaseType(pos=token.pos, name=kind)
        if kind == "tuple" or (kind == "list" and self.peek().kind == "<"):
            self.advance()
            if self.tok.kind != "<":
                raise self.missing("'<'", f"after {kind}")
            return TupleTypeRef(pos=token.pos, name=kind, args=self.type_args())
        absolute = kind == "."
        if absolute:
            self.advance()
        if self.tok.kind not in NAMES:
            raise ParseError(token.pos, f"expected the type of {of}, found {describe(token)}")
        name = self.advance()
        args = self.type_args() if self.tok.kind == "<" else []
        return NamedType(pos=name.pos, name=name.text, absolute=absolute, args=args)

    def _width(self) -> Expr:
        if self.tok.kind == "number":
            return self._int()
        if self.tok.kind == "(":
            self.advance()
            width = self.expression()
            self.expect(")", "after the width")
            return width
        if self.tok.kind in NAMES:
            raise ParseError(
                self.tok.pos,
                f"a width that is an expression must be in parentheses, found {describe(self.tok)}",
                f"write <({self.tok.text})>",
            )
        raise self.missing("a width")

    def type_args(self) -> list[TypeRef]:
        """``<a, b>``."""
        self.expect("<", "")
        args: list[TypeRef] = []
        if self.tok.kind != ">":
            args.append(self.type_ref("an argument"))
            while self.accept(","):
                args.append(self.type_ref("an argument"))
        self.expect(">", "after the type arguments")
        return args

    def is_type_start(self, token: Token) -> bool:
        """Whether a token can only begin a type: a keyword of one, or a name that is a type here."""
        return token.kind in TYPE_STARTS or (token.kind in NAMES and self.is_type_name(token.text))

    # ---- expressions ----

    def expression(self) -> Expr:
        """Any expression."""
        self.enter()
        cond = self._binary(1)
        if self.tok.kind == "?":
            token = self.advance()
            then = self.expression()
            self.expect(":", "between the two values of '?'")
            other = self.expression()
            cond = MuxExpr(pos=token.pos, cond=cond, then=then, other=other)
        self.depth -= 1
        return cond

    def _operator(self) -> tuple[str, int]:
        """The binary operator at the cursor and its level; level 0: none."""
        kind = self.tok.kind
        if kind == ">":
            following = self.peek()
            if following.glued:
                return (">>", _SHIFT_LEVEL) if following.kind == ">" else ("", 0)
        return kind, _LEVEL.get(kind, 0)

    def _binary(self, least: int) -> Expr:
        left = self._unary()
        chain = 0
        while True:
            op, level = self._operator()
            if level < least or not level:
                return left
            token = self.advance()
            if op == ">>":
                self.advance()
            chain += 1
            if chain > MAX_CHAIN:
                self.diagnostics.fatal(token.pos, f"more than {MAX_CHAIN} operators in a row")
            right = self._binary(level + 1)
            left = BinaryExpr(pos=token.pos, op=op, left=left, right=right)

    def _unary(self) -> Expr:
        token = self.tok
        if token.kind in _UNARY:
            self.advance()
            self.enter()
            operand = self._unary()
            self.depth -= 1
            return UnaryExpr(pos=token.pos, op=token.kind, operand=operand)
        if token.kind == "(":
            return self._parenthesis()
        return self._postfix(self._primary())

    def _parenthesis(self) -> Expr:
        token = self.tok
        following = self.peek()
        if following.kind == "." and self.is_type_name(self.peek(2).text):
            following = self.peek(2)
        if self.is_type_start(following) or (following.kind == "list" and self.peek(2).kind == "<"):
            i = self.i
            ref = self.attempt(self._cast_type)
            if ref is not None:
                self.enter()
                operand = self._unary()
                self.depth -= 1
                return CastExpr(pos=token.pos, ref=ref, operand=operand)
            self.seek(i)
        self.advance()
        inner = self.expression()
        self.expect(")", "to close the parenthesis")
        if isinstance(inner, Name) and (self.tok.kind in NAMES or self.tok.kind in ("number", "{")):
            raise ParseError(inner.pos, f"{inner.name!r} is not a type, so this is not a cast")
        return self._postfix(inner)

    def _cast_type(self) -> TypeRef:
        self.advance()
        ref = self.type_ref("the cast")
        self.expect(")", "after the type of the cast")
        return ref

    def _int(self) -> IntLit:
        token = self.advance()
        try:
            value, width, signed = parse_int(token.text)
        except ValueError as e:
            self.diagnostics.error(token.pos, str(e))
            value, width, signed = 0, None, False
        return IntLit(pos=token.pos, value=value, width=width, signed=signed)

    def _primary(self) -> Expr:
        token = self.tok
        kind = token.kind
        if kind == "number":
            return self._int()
        if kind in NAMES or kind == "this":
            if kind == "list" and self.peek().kind == "<":
                return TypeExpr(pos=token.pos, ref=self.type_ref())
            if self.peek().kind == "<" and self.is_type_name(token.text):
                ref = self.attempt(self._type_before_dot)
                if ref is not None:
                    return TypeExpr(pos=token.pos, ref=ref)
            self.advance()
            return Name(pos=token.pos, name=token.text)
        if kind == "true" or kind == "false":
            self.advance()
            return BoolLit(pos=token.pos, value=kind == "true")
        if kind == "str":
            self.advance()
            return StringLit(pos=token.pos, value=parse_string(token.text))
        if kind == ".":
            self.advance()
            return Name(pos=token.pos, name=self.name("something at the top level").text, absolute=True)
        if kind == "{":
            return self._braces()
        if kind == "{#}":
            self.advance()
            return InvalidExpr(pos=token.pos)
        if kind == "...":
            self.advance()
            return DefaultExpr(pos=token.pos)
        if kind in TYPE_STARTS:
            ref = self.type_ref()
            if self.tok.kind not in (".", "("):
                raise ParseError(token.pos, f"expected an expression, found the type {describe(token)}")
            return TypeExpr(pos=token.pos, ref=ref)
        raise self.missing("an expression")

    def _type_before_dot(self) -> TypeRef:
        """``C<T>`` in ``C<T>.apply()``."""
        ref = self.type_ref()
        if self.tok.kind != ".":
            raise self.missing("'.'")
        return ref

    def _braces(self) -> Expr:
        """``{a, b}`` or ``{a = x, b = y}``."""
        token = self.advance()
        if self.tok.kind in NAMES and self.peek().kind == "=":
            pairs: list[tuple[str, Expr]] = []
            rest = False
            while self.tok.kind != "}":
                if self.tok.kind == "...":
                    self.advance()
                    rest = True
                    break
                name = self.name("a field").text
                self.expect("=", f"after field {name}")
                pairs.append((name, self.expression()))
                if not self.accept(","):
                    break
            self.expect("}", "after the fields")
            return StructExpr(pos=token.pos, items=pairs, rest=rest)
        items: list[Expr] = []
        rest = False
        while self.tok.kind != "}":
            if self.tok.kind == "...":
                self.advance()
                rest = True
                break
            items.append(self.expression())
            if not self.accept(","):
                break
        self.expect("}", "after the list")
        return ListExpr(pos=token.pos, items=items, rest=rest)

    def _postfix(self, base: Expr) -> Expr:
        chain = 0
        while True:
            kind = self.tok.kind
            if kind == ".":
                self.advance()
                token = self.tok
                if token.kind not in NAMES:
                    raise ParseError(token.pos, f"expected a name after '.', found {describe(token)}")
                self.advance()
                base = MemberExpr(pos=token.pos, base=base, name=token.text)
            elif kind == "[":
                base = self._index(base)
            elif kind == "(":
                base = CallExpr(pos=base.pos, callee=base, type_args=[], args=self.arguments())
            elif kind == "<" and isinstance(base, Name | MemberExpr | TypeExpr):
                if self.i in self.failed_generic:
                    return base
                i = self.i
                type_args = self.attempt(self._generic_call)
                if type_args is None:
                    self.failed_generic.add(i)
                    return base
                base = CallExpr(pos=base.pos, callee=base, type_args=type_args, args=self.arguments())
            else:
                return base
            chain += 1
            if chain > MAX_CHAIN:
                self.diagnostics.fatal(self.tok.pos, f"more than {MAX_CHAIN} members or calls in a row")

    def _generic_call(self) -> list[TypeRef]:
        args = self.type_args()
        if self.tok.kind != "(":
            raise self.missing("'('")
        return args

    def _index(self, base: Expr) -> Expr:
        token = self.advance()
        first = self.expression()
        result: Expr
        if self.accept(":"):
            result = SliceExpr(pos=token.pos, base=base, hi=first, lo=self.expression())
        elif self.accept("+:"):
            result = SliceExpr(pos=token.pos, base=base, hi=first, lo=self.expression(), plus=True)
        else:
            result = IndexExpr(pos=token.pos, base=base, index=first)
        self.expect("]", "after the index")
        return result

    def arguments(self) -> list[Argument]:
        """``(a, name = b, _)``."""
        self.expect("(", "before the arguments")
        args: list[Argument] = []
        while self.tok.kind != ")":
            args.append(self._argument())
            if self.tok.kind == ")":
                break
            if self.tok.kind != ",":
                raise self.missing("',' or ')'", "after an argument")
            self.advance()
            if self.tok.kind == ")":
                raise self.missing("an argument")
        self.advance()
        return args

    def _argument(self) -> Argument:
        token = self.tok
        name = None
        if token.kind in NAMES and self.peek().kind == "=":
            name = token.text
            self.advance()
            self.advance()
        value = DontCare(pos=self.advance().pos) if self.tok.kind == "_" else self.expression()
        return Argument(pos=token.pos, value=value, name=name)

    # ---- key sets ----

    def keyset(self) -> list[Expr]:
        """One label of a select or one entry's key: ``default``, ``a``, ``(a &&& b, _)``."""
        if self.tok.kind == "(":
            keys = self.attempt(self._keyset_tuple)
            if keys is not None:
                return keys
        return [self._simple_keyset()]

    def _keyset_tuple(self) -> list[Expr]:
        self.advance()
        keys = [self._simple_keyset()]
        while self.accept(","):
            if self.tok.kind == ")":
                break
            keys.append(self._simple_keyset())
        self.expect(")", "after the key set")
        if self.tok.kind != ":":
            raise self.missing("':'", "after the key set")
        return keys

    def _simple_keyset(self) -> Expr:
        token = self.tok
        if token.kind == "_":
            self.advance()
            return DontCare(pos=token.pos)
        if token.kind == "default":
            self.advance()
            return DefaultExpr(pos=token.pos)
        left = self.expression()
        if self.tok.kind in ("&&&", ".."):
            op = self.advance()
            return BinaryExpr(pos=op.pos, op=op.kind, left=left, right=self.expression())
        return left

    # ---- annotations ----

    def annotations(self) -> list[Annotation]:
        """Any number of ``@name``, with bodies or without."""
        found: list[Annotation] = []
        while self.tok.kind == "@":
            found.append(self._annotation())
        return found

    def _annotation(self) -> Annotation:
        at = self.advance()
        token = self.tok
        if not (token.text[:1].isalpha() or token.text[:1] == "_"):
            raise self.missing("the name of an annotation", "after '@'")
        self.advance()
        if token.text == "pragma" and self.tok.line == at.line:
            name = self.advance()
            tokens: list[str] = []
            while self.tok.line == at.line and self.tok.kind != "eof":
                tokens.append(self.advance().text)
            return Annotation(pos=at.pos, name=name.text, tokens=tokens)
        note = Annotation(pos=token.pos, name=token.text)
        if self.tok.kind == "(":
            start = self.i
            end = self._annotation_end()
            note.tokens = [t.text for t in self.tokens[start + 1 : end - 1]]
            args = self.attempt(lambda: self._annotation_args(end))
            if args is not None:
                note.args = args
            self.seek(end)
        elif self.tok.kind == "[":
            self.advance()
            note.structured = True
            keyed = self.tok.kind in NAMES and self.peek().kind == "="
            while self.tok.kind != "]":
                if keyed:
                    key = self.name("a key of the annotation")
                    self.expect("=", f"after key {key.text!r}")
                    if key.text in note.kv:
                        raise ParseError(key.pos, f"annotation @{note.name}: key {key.text!r} is there twice")
                    note.kv[key.text] = self.expression()
                else:
                    note.args.append(self.expression())
                if not self.accept(","):
                    break
            self.expect("]", f"after the body of @{note.name}")
        return note

    def _annotation_end(self) -> int:
        """The index behind the ``)`` that closes the annotation's body."""
        i = self.i
        depth = 0
        while True:
            kind = self.tokens[i].kind
            if kind == "(":
                depth += 1
            elif kind == ")":
                depth -= 1
                if depth == 0:
                    return i + 1
            elif kind == "eof":
                raise ParseError(self.tok.pos, "the body of the annotation is not closed")
            i += 1

    def _annotation_args(self, end: int) -> list[Expr]:
        self.advance()
        args: list[Expr] = []
        while self.tok.kind != ")":
            args.append(self._annotation_arg())
            if not self.accept(","):
                break
        if self.i != end - 1:
            raise self.missing("')'")
        return args

    def _annotation_arg(self) -> Expr:
        token = self.tok
        if token.kind in TYPE_STARTS and self.peek().kind != ".":
            return TypeExpr(pos=token.pos, ref=self.type_ref())
        return self.expression()
