"""What an instruction of constants gives."""


def signed(value: int, w: int) -> int:
    """Return the two's complement number in ``w`` bits."""
    return value - (1 << w) if w and value >> (w - 1) & 1 else value


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def fold(op: str, w: int, a: int, b: int) -> int | None:
    """Return the result of ``op`` of ``w`` bits over values as slots hold them; None when it cannot be said."""
    mask = (1 << w) - 1
    half = 1 << (w - 1) if w else 0
    match op:
        case "ADD":
            return (a + b) & mask
        case "SUB":
            return (a - b) & mask
        case "MUL":
            return (a * b) & mask
        case "AND":
            return a & b
        case "OR":
            return a | b
        case "XOR":
            return a ^ b
        case "SHL":
            return (a << b) & mask if b < w else 0
        case "SHR":
            return a >> b if b < w else 0
        case "SAR":
            return (signed(a, w) >> min(b, w)) & mask
        case "NOT":
            return ~a & mask
        case "NEG":
            return -a & mask
        case "ADDS":
            return min(a + b, mask)
        case "SUBS":
            return max(a - b, 0)
        case "ADDSS":
            return _clamp(signed(a, w) + signed(b, w), -half, half - 1) & mask
        case "SUBSS":
            return _clamp(signed(a, w) - signed(b, w), -half, half - 1) & mask
        case "DIV":
            return a // b if b else 0
        case "MOD":
            return a % b if b else 0
        case "EQ":
            return int(a == b)
        case "NE":
            return int(a != b)
        case "LT":
            return int(a < b)
        case "LE":
            return int(a <= b)
        case "SLT":
            return int(signed(a, w) < signed(b, w))
        case "SLE":
            return int(signed(a, w) <= signed(b, w))
        case "LNOT":
            return int(not a)
    return None
