"""Where values live: storage of variables, elements at indices known only when the packet is there, slices."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from datapath.p4c import ir
from datapath.p4c.passes.emit import Emitter, unsupported
from datapath.p4c.passes.layout import fields_of, has_validity, is_header_stack
from datapath.p4c.passes.lir import words
from datapath.p4c.types import (
    BitType,
    HeaderType,
    StackType,
    Type,
    UnionType,
    VarbitType,
    is_signed,
    scalar_width,
    strip,
)

_BIT = BitType(1)
_U32 = BitType(32)


@dataclass(frozen=True, slots=True)
class Dim:
    """An index that is in a slot: an element of ``size``, ``stride`` slots apart."""

    index: int
    size: int
    stride: int


@dataclass(frozen=True, slots=True)
class Place:
    """A value of ``type`` from slot ``base`` on, moved by each of ``dims``.

    ``union`` is set for a header of a union: the union's type and first slot (moved alike).
    """

    type: Type
    base: int
    dims: tuple[Dim, ...] = ()
    union: tuple[Type, int] | None = None

    def at(self, index: int) -> "Place":
        """Return the place for the first dimension's index known."""
        shift = index * self.dims[0].stride
        union = (self.union[0], self.union[1] + shift) if self.union else None
        return Place(self.type, self.base + shift, self.dims[1:], union)


@dataclass(frozen=True, slots=True)
class Bits:
    """Bits ``hi`` down to ``lo`` of a scalar that lives in ``whole``."""

    whole: Place
    hi: int
    lo: int


class Places(Emitter):
    """Loads from and stores to places."""

    def __init__(self) -> None:
        super().__init__()
        self.vars: dict[ir.Var, Place] = {}
        self.in_parser = False

    def value(self, e: ir.Expr, dest: int | None = None) -> int:
        """Return the first slot of an expression's value: ``dest`` if given."""
        raise NotImplementedError

    def bounds_error(self) -> int:
        """Return a label where StackOutOfBounds is handled."""
        raise NotImplementedError

    # ---- lvalues ----

    def is_place(self, e: ir.Expr) -> bool:
        """Whether ``e`` names storage."""
        while True:
            match e:
                case ir.VarRef(var=var):
                    return var in self.vars
                case ir.Member(base=base) if not isinstance(base, ir.TableApply):
                    e = base
                case ir.Index(base=base):
                    e = base
                case ir.StackMember(name=name, base=base) if name != "lastIndex":
                    e = base
                case _:
                    return False

    def place(self, e: ir.Expr) -> Place:
        """Return where ``e`` lives; a value that is nowhere yet goes to a temporary."""
        match e:
            case ir.VarRef(var=var) if var in self.vars:
                return self.vars[var]
            case ir.Member(base=base, name=name) if not isinstance(base, ir.TableApply):
                return self.part(self.place(base), name)
            case ir.Index(base=base, index=index):
                return self._element(e, self.place(base), index)
            case ir.StackMember(base=base, name=name) if name != "lastIndex":
                return self._stack_member(self.place(base), name)
        return Place(e.type, self.value(e))

    def part(self, whole: Place, name: str) -> Place:
        """Return the place of a field."""
        at, t = self.layouts.offsets(whole.type)[name]
        union = (whole.type, whole.base) if isinstance(strip(whole.type), UnionType) else None
        return Place(t, whole.base + at, whole.dims, union)

    def lvalue(self, e: ir.Expr) -> Place | Bits:
        """Return where an assignment to ``e`` goes."""
        match e:
            case ir.Slice(base=base, hi=hi, lo=lo):
                inner = self.lvalue(base)
                if isinstance(inner, Bits):
                    return Bits(inner.whole, inner.lo + hi, inner.lo + lo)
                return Bits(inner, hi, lo)
            case ir.Cast(operand=operand):
                return self.lvalue(operand)
        return self.place(e)

    def _element(self, e: ir.Index, whole: Place, index: ir.Expr) -> Place:
        t = strip(whole.type)
        if not isinstance(t, StackType):  # a tuple or list, by a literal
            slot = self.value(index)
            number = self.known(slot, 32)
            if number is None:
                unsupported(e.pos, f"an element of {t} at an index that is not constant")
            return self.part(whole, str(number))
        first = 1 if is_header_stack(t) else 0
        stride = self.layouts.slots(t.elem)
        base = Place(t.elem, whole.base + first, whole.dims)
        width = scalar_width(index.type)
        slot = self.value(index)
        number = self.known(slot, width or 64)
        if number is not None and number < t.size:
            return replace(base, base=base.base + number * stride)
        if width is not None and width > 64:
            unsupported(e.pos, f"an index of type {index.type}")
        if width is not None and is_signed(index.type) and width < 64:
            extended = self.new_temp(1, "index")
            self.emit("SEXT", 64, extended, slot, imm=width)
            slot = extended
        elif self.is_place(index):  # it may change before the place is used
            slot = self.moved(slot, 64, self.new_temp(1, "index"))
        return replace(base, dims=(*base.dims, Dim(slot, t.size, stride)))

    def next_index(self, stack: Place) -> int:
        """Return a slot with a stack's nextIndex."""
        return self.load(Place(_U32, stack.base, stack.dims))

    def _stack_member(self, stack: Place, name: str) -> Place:
        t = strip(stack.type)
        assert isinstance(t, StackType)
        index = self.moved(self.next_index(stack), 32, self.new_temp(1, "index"))
        size = self.const(t.size, 32)
        if name == "last":
            if self.in_parser:
                self.emit("JZ", a=index, imm=self.bounds_error())
            index = self.alu("SUB", 32, index, self.const(1, 32))
        if self.in_parser:
            self.emit("JLE", a=size, b=index, imm=self.bounds_error())
        stride = self.layouts.slots(t.elem)
        return Place(t.elem, stack.base + 1, (*stack.dims, Dim(index, t.size, stride)))

    # ---- access ----

    def each(self, place: Place, body: Callable[[Place], None], otherwise: Callable[[], None] | None = None) -> None:
        """Run ``body`` for the place that the indices say, ``otherwise`` if one is out of bounds."""
        if not place.dims:
            body(place)
            return
        dim = place.dims[0]
        labels = [self.new_label() for _ in range(dim.size + 1)]
        end = self.new_label()
        self.jump_table(dim.index, labels)
        for i in range(dim.size):
            self.place_label(labels[i])
            self.each(place.at(i), body, otherwise)
            self.jump(end)
        self.place_label(labels[-1])
        if otherwise is not None:
            otherwise()
        self.place_label(end)

    def load(self, place: Place, dest: int | None = None) -> int:
        """Return the slot of the value at a place: itself where its index is known."""
        t = place.type
        if not place.dims:
            if dest is not None:
                self.copy(dest, place.base, t)
                return dest
            return place.base
        target = self.temp_of(t, "elem") if dest is None else dest
        n = self.layouts.slots(t)
        self.each(place, lambda p: self.copy(target, p.base, t), lambda: self.zero(target, n))
        return target

    def load_bits(self, bits: Bits, dest: int | None = None) -> int:
        """Return the value of a slice."""
        width = scalar_width(bits.whole.type)
        assert width is not None
        return self.slice(self.load(bits.whole), width, bits.hi, bits.lo, dest)

    def slice(self, slot: int, width: int, hi: int, lo: int, dest: int | None = None) -> int:
        """Return bits ``hi`` to ``lo`` of a value of ``width`` bits."""
        w = hi - lo + 1
        number = self.known(slot, width)
        if number is not None:
            return self.moved(self.const(number >> lo & ((1 << w) - 1), w), w, dest)
        if lo == 0 and hi == width - 1:
            return self.moved(slot, w, dest)
        if hi >> 6 == lo >> 6:  # in one word
            slot, lo, width = slot + (lo >> 6), lo & 63, 64
            if w == 64:
                return self.moved(slot, 64, dest)
        target = self.new_temp(words(w)) if dest is None else dest
        if width <= 64:
            self.emit("TRUNC" if lo == 0 else "SLICE", w, target, slot, imm=lo)
        else:
            self.emit("SLICEX", w, target, slot, width, lo)
        return target

    def insert(self, slot: int, width: int, hi: int, lo: int, source: int) -> None:
        """Set bits ``hi`` to ``lo`` of the value in ``slot``."""
        w = hi - lo + 1
        if lo == 0 and hi == width - 1:
            self.emit("MOVX" if w > 64 else "MOV", w, slot, source)
        elif hi >> 6 == lo >> 6:
            self.emit("INS", w, slot + (lo >> 6), source, imm=lo & 63)
        else:
            self.emit("INSX", w, slot, source, width, lo)

    def store(self, target: Place | Bits, source: int) -> None:
        """Assign the value from slot ``source`` on."""
        if isinstance(target, Bits):
            width = scalar_width(target.whole.type)
            assert width is not None
            self.each(target.whole, lambda p: self.insert(p.base, width, target.hi, target.lo, source))
            return
        self.each(target, lambda p: self._store(p, source))

    def _store(self, target: Place, source: int) -> None:
        self.copy(target.base, source, target.type)
        if target.union is not None:
            if self.known(source, 1) == 1:
                self.invalidate_others(target)
            else:
                end = self.new_label()
                self.jump_if(target.base, False, end)
                self.invalidate_others(target)
                self.place_label(end)

    def invalidate_others(self, header: Place) -> None:
        """A header of a union became valid: the others are not."""
        assert header.union is not None
        t, base = header.union
        for at, _ in self.layouts.offsets(t).values():
            if base + at != header.base:
                self.emit("MOV", 1, base + at, self.const(0))

    # ---- validity ----

    def validity(self, place: Place) -> int:
        """Return a slot with the validity of a header or union."""
        t = strip(place.type)
        if isinstance(t, HeaderType):
            return self.load(replace(place, type=_BIT))
        assert isinstance(t, UnionType)
        result: int | None = None
        for name, _ in fields_of(t):
            one = self.load(replace(self.part(place, name), type=_BIT))
            result = one if result is None else self.alu("OR", 1, result, one, truth=True)
        return self.const(0, 1) if result is None else result

    def set_validity(self, place: Place, valid: bool) -> None:
        """``setValid`` and ``setInvalid``."""

        def change(p: Place) -> None:
            if isinstance(strip(p.type), UnionType):
                for at, _ in self.layouts.offsets(p.type).values():
                    self.emit("MOV", 1, p.base + at, self.const(0))
                return
            slots = self.layouts.slots(p.type) - 1
            if valid and slots:
                # The reference switch clears the fields of a header that becomes valid so.
                kept = self.new_label()
                self.jump_if(p.base, True, kept)
                self.emit("ZERO", 0, p.base + 1, imm=slots)
                self.place_label(kept)
            self.emit("MOV", 1, p.base, self.const(int(valid)))
            if valid and p.union is not None:
                self.invalidate_others(p)

        self.each(place, change)

    def equal(self, t: Type, a: int, b: int) -> int:
        """Return a slot with whether two values of ``t`` are equal."""
        inner = strip(t)
        width = scalar_width(inner)
        if width is not None:
            return self.alu("EQ", width, a, b, truth=True)
        result = self.new_temp(1, "equal")
        if isinstance(inner, HeaderType):
            end = self.new_label()
            self.emit("EQ", 1, result, a, b)
            self.jump_if(result, False, end)
            self.jump_if(a, False, end)
            self._equal_slots(result, a + 1, b + 1, self.layouts.slots(t) - 1, False)
            self.place_label(end)
            return result
        if isinstance(inner, VarbitType) or not has_validity(t):
            self._equal_slots(result, a, b, self.layouts.slots(t), True)
            return result
        end = self.new_label()
        self.emit("MOV", 1, result, self.const(1))
        for at, part in self.layouts.offsets(t).values():
            one = self.equal(part, a + at, b + at)
            self.emit("MOV", 1, result, one)
            self.jump_if(result, False, end)
        self.place_label(end)
        return result

    def _equal_slots(self, result: int, a: int, b: int, n: int, first: bool) -> None:
        """AND to ``result`` whether ``n`` slots are the same."""
        if n == 0:
            if first:
                self.emit("MOV", 1, result, self.const(1))
            return
        for at in range(0, n, 1000):  # an instruction's width is limited
            count = min(1000, n - at)
            target = result if first and at == 0 else self.new_temp(1, "equal")
            self.emit("EQ" if count == 1 else "EQX", 64 * count, target, a + at, b + at)
            if target != result:
                self.emit("AND", 1, result, result, target)
