"""Statements and what may be declared among them (language specification, 11 to 12)."""

from datapath.p4c.parser_base import MAX_CHAIN, NAMES, ParseError, describe
from datapath.p4c.parser_expr import TYPE_STARTS, ExprParser
from datapath.p4c.source import Pos
from datapath.p4c.syntax import (
    Annotation,
    AssignStmt,
    BinaryExpr,
    Block,
    BreakStmt,
    CallExpr,
    CallStmt,
    ConstDecl,
    ContinueStmt,
    Decl,
    DeclStmt,
    DefaultExpr,
    EmptyStmt,
    ExitStmt,
    Expr,
    ForInStmt,
    ForStmt,
    FunctionDecl,
    IfStmt,
    IndexExpr,
    InstanceDecl,
    MemberExpr,
    MethodDecl,
    Name,
    Param,
    ReturnStmt,
    SliceExpr,
    Stmt,
    SwitchCase,
    SwitchStmt,
    TypeRef,
    VarDecl,
)

_ASSIGN_OPS = {
    "=": "", "+=": "+", "-=": "-", "*=": "*", "/=": "/", "%=": "%", "&=": "&", "|=": "|", "^=": "^", "<<=": "<<",
    "|+|=": "|+|", "|-|=": "|-|",
}  # fmt: skip


class StmtParser(ExprParser):
    """Statements."""

    def block(self, of: str, annotations: list[Annotation] | None = None) -> Block:
        """``{ statements }``, with annotations before it."""
        annotations = (annotations or []) + self.annotations()
        if self.tok.kind != "{":
            raise self.missing("'{'", f"to begin {of}")
        token = self.advance()
        self.scopes.append({})
        stmts = self.statements()
        self.scopes.pop()
        if self.tok.kind != "}":
            raise ParseError(token.pos, f"{of} has no '}}'")
        self.advance()
        return Block(pos=token.pos, stmts=stmts, annotations=annotations)

    def statements(self) -> list[Stmt]:
        """Statements up to a ``}``; an error in one is noted and it is skipped."""
        stmts: list[Stmt] = []
        while self.tok.kind not in ("}", "eof", "transition"):
            start, depth, scopes = self.i, self.depth, len(self.scopes)
            try:
                stmts.append(self.statement())
            except ParseError as e:
                self.report(e)
                self.depth = depth
                del self.scopes[scopes:]
                self.recover(start)
        return stmts

    def statement(self) -> Stmt:
        """One statement."""
        self.enter()
        stmt = self._statement()
        self.depth -= 1
        return stmt

    def _statement(self) -> Stmt:
        annotations = self.annotations() if self.tok.kind == "@" else []
        token = self.tok
        match token.kind:
            case "{":
                return self.block("the block", annotations)
            case ";":
                self.advance()
                return EmptyStmt(pos=token.pos)
            case "if":
                return self._if()
            case "switch":
                return self._switch()
            case "return":
                self.advance()
                value = None if self.tok.kind == ";" else self.expression()
                self.expect(";", "after return")
                return ReturnStmt(pos=token.pos, value=value)
            case "exit":
                self.advance()
                self.expect(";", "after exit")
                return ExitStmt(pos=token.pos)
            case "break":
                self.advance()
                self.expect(";", "after break")
                return BreakStmt(pos=token.pos)
            case "continue":
                self.advance()
                self.expect(";", "after continue")
                return ContinueStmt(pos=token.pos)
            case "for":
                return self._for(annotations)
            case "const":
                return DeclStmt(pos=token.pos, decl=self.constant(annotations))
            case "else":
                raise ParseError(token.pos, "'else' without an 'if' before it")
        if self.starts_declaration():
            return DeclStmt(pos=token.pos, decl=self.variable_or_instance(annotations))
        if annotations:
            raise ParseError(token.pos, f"an annotation cannot stand before {describe(token)}")
        stmt = self._assignment_or_call()
        self.expect(";", "after the call" if isinstance(stmt, CallStmt) else "after the assignment")
        return stmt

    def starts_declaration(self) -> bool:
        """Whether a variable or instance is declared here: a type, then a name, or arguments and a name."""
        kind = self.tok.kind
        if kind in TYPE_STARTS or (kind == "list" and self.peek().kind == "<"):
            return self.peek().kind != "."
        i = self.i
        if kind == ".":
            i += 1
        if self.tokens[i].kind not in NAMES:
            return False
        i += 1
        following = self.tokens[i].kind
        if following in NAMES:
            return True
        if following == "<":
            start = self.i
            ref = self.attempt(lambda: self.type_ref("the variable"))
            i = self.i
            self.seek(start)
            if ref is None:
                return False
            following = self.tokens[i].kind
        while following == "[":
            i = self.skip_balanced(i)
            following = self.tokens[i].kind
        if following == "(":
            i = self.skip_balanced(i)
            # A call without its semicolon, and the next statement, is no instance.
            if self.tokens[min(i + 1, len(self.tokens) - 1)].kind not in (";", "="):
                return False
            following = self.tokens[i].kind
        return following in NAMES

    def _assignment_or_call(self) -> Stmt:
        token = self.tok
        if token.kind not in NAMES and token.kind not in ("this", ".", "(", "error"):
            raise self.missing("a statement")
        left = self._postfix(self._primary()) if token.kind != "(" else self._parenthesis()
        op = _ASSIGN_OPS.get(self.tok.kind)
        if op is None and self.tok.kind == ">" and self.peek().kind == ">=" and self.peek().glued:
            self.advance()
            op = ">>"
        if op is not None:
            if not isinstance(left, Name | MemberExpr | IndexExpr | SliceExpr):
                raise ParseError(left.pos, "this cannot be assigned to")
            self.advance()
            return AssignStmt(pos=token.pos, left=left, right=self.expression(), op=op)
        if isinstance(left, CallExpr):
            return CallStmt(pos=token.pos, call=left)
        raise self.missing("'=' or '('", "to make a statement")

    def _if(self) -> Stmt:
        # A chain of else-if is read in a loop, as it may be long.
        chain: list[IfStmt] = []
        while True:
            token = self.advance()
            self.expect("(", "after if")
            cond = self.expression()
            self.expect(")", "after the condition")
            node = IfStmt(pos=token.pos, cond=cond, then=self._branch())
            if chain:
                chain[-1].other = node
            chain.append(node)
            if len(chain) > MAX_CHAIN:
                self.diagnostics.fatal(token.pos, f"more than {MAX_CHAIN} branches of one if")
            if not self.accept("else"):
                break
            if self.tok.kind != "if":
                node.other = self._branch()
                break
        return chain[0]

    def _branch(self) -> Stmt:
        if self.tok.kind == "}":
            raise self.missing("a statement")
        self.scopes.append({})
        stmt = self.statement()
        self.scopes.pop()
        return stmt

    def _switch(self) -> Stmt:
        token = self.advance()
        self.expect("(", "after switch")
        expr = self.expression()
        self.expect(")", "after what is switched on")
        brace = self.expect("{", "to begin the cases")
        cases: list[SwitchCase] = []
        while self.tok.kind not in ("}", "eof"):
            start, depth, scopes = self.i, self.depth, len(self.scopes)
            try:
                at = self.tok
                label: Expr
                if at.kind == "default":
                    self.advance()
                    label = DefaultExpr(pos=at.pos)
                else:
                    label = self.expression()
                self.expect(":", "after the label of a case")
                body = self.block("the case") if self.tok.kind in ("{", "@") else None
                cases.append(SwitchCase(pos=at.pos, label=label, body=body))
            except ParseError as e:
                self.report(e)
                self.depth = depth
                del self.scopes[scopes:]
                self.recover(start)
        if self.tok.kind != "}":
            raise ParseError(brace.pos, "the switch has no '}'")
        self.advance()
        return SwitchStmt(pos=token.pos, expr=expr, cases=cases)

    def _for(self, annotations: list[Annotation]) -> Stmt:
        token = self.advance()
        self.expect("(", "after for")
        self.scopes.append({})
        stmt = self._for_rest(token.pos, annotations)
        self.scopes.pop()
        return stmt

    def _for_rest(self, pos: Pos, annotations: list[Annotation]) -> Stmt:
        notes = self.annotations()
        # for (type name in ...), for (name in ...)
        start = self.i
        ref: TypeRef | None = None
        if self.tok.kind in NAMES and self.peek().kind == "in":
            name = self.advance().text
        else:
            head = self.attempt(self._for_in_head) if self.starts_declaration() else None
            if head is None:
                self.seek(start)
                return self._for_three(pos, notes)
            ref, name = head
        self.advance()
        expr = self.expression()
        if self.tok.kind == "..":
            op = self.advance()
            expr = BinaryExpr(pos=op.pos, op="..", left=expr, right=self.expression())
        self.expect(")", "after what the loop goes over")
        body = self._branch()
        return ForInStmt(pos=pos, ref=ref, name=name, expr=expr, body=body, annotations=annotations + notes)

    def _for_in_head(self) -> tuple[TypeRef, str]:
        ref = self.type_ref("the loop's variable")
        name = self.name("the loop's variable").text
        if self.tok.kind != "in":
            raise self.missing("'in'")
        return ref, name

    def _for_three(self, pos: Pos, notes: list[Annotation]) -> Stmt:
        init: list[Stmt] = []
        while self.tok.kind != ";":
            at = self.tok
            if self.starts_declaration():
                init.append(DeclStmt(pos=at.pos, decl=self._variable(self.type_ref("the variable"), notes)))
            else:
                init.append(self._assignment_or_call())
            notes = []
            if not self.accept(","):
                break
        self.expect(";", "after the loop's start")
        cond = self.expression()
        self.expect(";", "after the loop's condition")
        update: list[Stmt] = []
        while self.tok.kind != ")":
            update.append(self._assignment_or_call())
            if not self.accept(","):
                break
        self.expect(")", "after the loop's step")
        return ForStmt(pos=pos, init=init, cond=cond, update=update, body=self._branch())

    # ---- declarations among statements ----

    def constant(self, annotations: list[Annotation]) -> ConstDecl:
        """``const type name = value;``."""
        self.advance()
        ref = self.type_ref("the constant")
        name = self.name("the constant")
        self.expect("=", f"after constant {name.text!r}: it needs a value")
        value = self.expression()
        self.expect(";", f"after the value of {name.text!r}")
        self.declare(name.text, False)
        return ConstDecl(pos=name.pos, name=name.text, annotations=annotations, ref=ref, value=value)

    def variable_or_instance(self, annotations: list[Annotation]) -> Decl:
        """``type name = init;`` or ``type(args) name;``."""
        ref = self.type_ref("the variable")
        if self.tok.kind == "(":
            args = self.arguments()
            name = self.name("the instance")
            body = self._instance_body() if self.accept("=") else None
            self.expect(";", f"after instance {name.text!r}")
            self.declare(name.text, False)
            return InstanceDecl(pos=name.pos, name=name.text, annotations=annotations, ref=ref, args=args, body=body)
        decl = self._variable(ref, annotations)
        if self.tok.kind != ";":
            raise self.missing("';'", f"after variable {decl.name!r}")
        self.advance()
        return decl

    def _variable(self, ref: TypeRef, annotations: list[Annotation]) -> VarDecl:
        name = self.name("the variable")
        init = self.expression() if self.accept("=") else None
        self.declare(name.text, False)
        return VarDecl(pos=name.pos, name=name.text, annotations=annotations, ref=ref, init=init)

    def _instance_body(self) -> list[Decl]:
        """``{ functions and instances }`` of an extern with abstract methods."""
        self.expect("{", "to begin the instance's methods")
        decls: list[Decl] = []
        while self.tok.kind not in ("}", "eof"):
            notes = self.annotations()
            ref = self.type_ref("the method's result")
            if self.tok.kind == "(":
                args = self.arguments()
                name = self.name("the instance")
                self.expect(";", f"after instance {name.text!r}")
                decls.append(InstanceDecl(pos=name.pos, name=name.text, annotations=notes, ref=ref, args=args))
            else:
                name = self.name("the method")
                decls.append(self.function(ref, name.text, name.pos, notes))
        self.expect("}", "after the instance's methods")
        return decls

    # ---- functions ----

    def type_params(self) -> list[str]:
        """``<T, U>``, perhaps absent; they are types in the innermost scope."""
        names: list[str] = []
        if self.accept("<"):
            while True:
                self.annotations()
                name = self.name("a type parameter").text
                names.append(name)
                self.declare(name, True)
                if not self.accept(","):
                    break
            self.expect(">", "after the type parameters")
        return names

    def parameters(self, of: str) -> list[Param]:
        """``(in T a, out T b = x)``."""
        self.expect("(", f"before the parameters of {of}")
        params: list[Param] = []
        while self.tok.kind != ")":
            notes = self.annotations()
            direction = ""
            if self.tok.kind in ("in", "out", "inout"):
                direction = self.advance().kind
            ref = self.type_ref("a parameter")
            name = self.name("a parameter")
            default = self.expression() if self.accept("=") else None
            self.declare(name.text, False)
            params.append(
                Param(
                    pos=name.pos,
                    name=name.text,
                    annotations=notes,
                    ref=ref,
                    direction=direction,
                    default=default,
                )
            )
            if self.tok.kind == ")":
                break
            if self.tok.kind != ",":
                raise self.missing("',' or ')'", f"after parameter {name.text!r}")
            self.advance()
            if self.tok.kind == ")":
                raise self.missing("a parameter")
        self.advance()
        return params

    def prototype(self, ref: TypeRef | None, name: str, pos: Pos, notes: list[Annotation]) -> MethodDecl:
        """``<T>(parameters)`` of a method or extern function."""
        self.scopes.append({})
        type_params = self.type_params()
        params = self.parameters(name)
        self.scopes.pop()
        return MethodDecl(pos=pos, name=name, annotations=notes, ref=ref, type_params=type_params, params=params)

    def function(self, ref: TypeRef, name: str, pos: Pos, notes: list[Annotation]) -> FunctionDecl:
        """A function behind its name."""
        self.declare(name, False)
        self.scopes.append({})
        type_params = self.type_params()
        params = self.parameters(f"function {name!r}")
        body = self.block(f"function {name!r}")
        self.scopes.pop()
        return FunctionDecl(
            pos=pos, name=name, annotations=notes, ref=ref, type_params=type_params, params=params, body=body
        )
