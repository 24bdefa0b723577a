"""STF text to commands.

A line is a command, its verb in any case; ``#`` and ``//`` begin a comment. Names are not resolved here.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from datapath.errors import CallerError


class StfError(CallerError):
    """An STF file is wrong: ``file:line: what``."""

    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}")


@dataclass(frozen=True, slots=True)
class Call:
    """``action(name:value, value)``; a name may be missing."""

    action: str
    args: tuple[tuple[str | None, str], ...]


@dataclass(frozen=True, slots=True)
class Add:
    """``add table [priority] key:value ... action(args) [= $handle]``."""

    where: str
    table: str
    priority: int | None
    keys: tuple[tuple[str, str], ...]
    call: Call
    handle: str | None


@dataclass(frozen=True, slots=True)
class SetDefault:
    """``setdefault table action(args)``."""

    where: str
    table: str
    call: Call


@dataclass(frozen=True, slots=True)
class Remove:
    """``remove $handle``, ``remove all`` or ``remove table``: entries that ``add`` made."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class SendPacket:
    """``packet port hex``."""

    where: str
    port: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Expect:
    """``expect port pattern``: lower-case hex digits and ``*``; None: any packets; ``exact``: nothing may follow."""

    where: str
    port: int
    pattern: str | None
    exact: bool


@dataclass(frozen=True, slots=True)
class NoPacket:
    """``no_packet [port]``: nothing comes out there but what is expected; without a port: anywhere."""

    where: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Wait:
    """``wait [seconds]``."""

    where: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CheckCounter:
    """``check_counter name(index) [packets|bytes] op value``; ``index`` may be a handle."""

    where: str
    name: str
    index: str
    unit: str
    op: str
    value: int


@dataclass(frozen=True, slots=True)
class CheckRegister:
    """``register_read name index op value``; without ``op``: only read."""

    where: str
    name: str
    index: int
    op: str
    value: int


@dataclass(frozen=True, slots=True)
class Control:
    """Any other command of the switch: a verb and its words."""

    where: str
    verb: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A command that we do not know; the reference's runner passes over it."""

    where: str
    verb: str


Command: TypeAlias = (
    Add | SetDefault | Remove | SendPacket | Expect | NoPacket | Wait | CheckCounter | CheckRegister | Control | Unknown
)

# Verb -> least and most words (None: any number).
CONTROLS: dict[str, tuple[int, int | None]] = {
    "counter_read": (2, 2),
    "counter_reset": (1, 1),
    "counter_write": (4, 4),
    "register_write": (3, 3),
    "register_reset": (1, 1),
    "mirroring_add": (2, 2),
    "mirroring_add_mc": (2, 2),
    "mirroring_delete": (1, 1),
    "mirroring_get": (1, 1),
    "mc_mgrp_create": (1, 1),
    "mc_mgrp_destroy": (1, 1),
    "mc_node_create": (1, None),
    "mc_node_update": (1, None),
    "mc_node_destroy": (1, 1),
    "mc_node_associate": (2, 2),
    "mc_node_dissociate": (2, 2),
    "mc_dump": (0, 0),
    "meter_get_rates": (2, 2),
    "meter_set_rates": (4, 4),
    "meter_array_set_rates": (3, 3),
    "pvs_add": (2, None),
    "pvs_clear": (1, 1),
    "pvs_get": (1, 1),
}

_COMMENT = re.compile(r"#.*|//.*")
_CALL = re.compile(r"(?P<head>.*?)(?P<action>[^\s()=,]+)\s*\((?P<args>[^()]*)\)\s*(?P<rest>.*)$")
_JOINT = re.compile(r"\s*(&&&|\.\.|->|(?<!:):(?!:))\s*")
_COUNTER = re.compile(
    r"(?P<name>[^\s(]+)\s*\(\s*(?P<index>[^\s)]+)\s*\)\s*(?P<unit>packets|bytes)?\s*(?P<op>==|!=|<=|>=|<|>)?\s*(?P<value>\S+)?$"
)
# The name of a slice has a colon, too: hdr.a[3:0]:5.
_KEY = re.compile(r"((?:[^:\[]|\[[^\]]*\])+):(.+)")
_HEX = re.compile(r"[0-9a-fA-F]*")
_PATTERN = re.compile(r"[0-9a-fA-F*]*")
MAX_PORT = 2**32 - 1
OPS = ("==", "!=", "<=", ">=", "<", ">")


def parse_number(text: str, where: str, what: str) -> int:
    """Return a number of any base.

    Raises:
        StfError: it is none.
    """
    try:
        return int(text, 10) if text.lstrip("-").isdigit() else int(text, 0)
    except ValueError:
        raise StfError(where, f"{what} {text!r} is not a number") from None


def parse_port(text: str, where: str, what: str) -> int:
    """Return a port, which has 32 bits.

    Raises:
        StfError: it is none.
    """
    port = parse_number(text, where, what)
    if not 0 <= port <= MAX_PORT:
        raise StfError(where, f"{what} {port} is not in 0 .. {MAX_PORT}")
    return port


def parse_stf(text: str, name: str) -> list[Command]:
    """Return the commands of a file; ``name`` is the file's in messages.

    Raises:
        StfError: a line is no command.
    """
    commands: list[Command] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = _COMMENT.sub("", line).strip().split(None, 1)
        if words:
            commands.append(_command(f"{name}:{number}", words[0].lower(), words[1] if len(words) > 1 else ""))
    return commands


def _command(where: str, verb: str, rest: str) -> Command:
    match verb:
        case "add":
            return _add(where, rest)
        case "setdefault":
            table, rest = _table(where, verb, rest)
            head, call, _ = _call(where, rest)
            if head:
                raise StfError(where, f"setdefault: unexpected {head!r} before the action")
            return SetDefault(where, table, call)
        case "remove":
            words = rest.split()
            if len(words) != 1:
                raise StfError(where, "remove needs a handle, a table or 'all'")
            return Remove(where, words[0])
        case "packet":
            port, data = _port_and_data(where, verb, rest)
            if not _HEX.fullmatch(data) or len(data) % 2:
                raise StfError(where, f"packet: {data[:40]!r} are not whole bytes in hexadecimal")
            return SendPacket(where, port, bytes.fromhex(data))
        case "expect":
            if rest.split()[:1] == ["no_packet"]:
                return NoPacket(where, None)
            return _expect(where, rest)
        case "no_packet":
            return NoPacket(where, parse_port(rest, where, "port") if rest else None)
        case "wait":
            return Wait(where, float(rest) if re.fullmatch(r"\d+(\.\d+)?", rest) else 1.0)
        case "check_counter":
            return _check_counter(where, rest)
        case "register_read":
            return _check_register(where, rest)
    if verb not in CONTROLS:
        return Unknown(where, verb)
    words = rest.split()
    least, most = CONTROLS[verb]
    if len(words) < least or (most is not None and len(words) > most):
        wanted = str(least) if least == most else f"{least} or more"
        raise StfError(where, f"{verb} takes {wanted} words, {len(words)} given")
    return Control(where, verb, tuple(words))


def _table(where: str, verb: str, rest: str) -> tuple[str, str]:
    words = rest.split(None, 1)
    if len(words) < 2:
        raise StfError(where, f"{verb} needs a table and an action")
    return words[0], words[1]


def _port_and_data(where: str, verb: str, rest: str) -> tuple[int, str]:
    words = rest.split()
    if not words:
        raise StfError(where, f"{verb} needs a port")
    return parse_port(words[0], where, f"{verb}: port"), "".join(words[1:])


def _expect(where: str, rest: str) -> Expect:
    port, data = _port_and_data(where, "expect", rest)
    if not data:
        return Expect(where, port, None, False)
    exact = data.endswith("$")
    data = data.removesuffix("$")
    if not _PATTERN.fullmatch(data):
        raise StfError(where, f"expect: {data[:40]!r} is not hexadecimal with '*' for any digit")
    return Expect(where, port, data.lower(), exact)


def _call(where: str, text: str) -> tuple[str, Call, str]:
    """What stands before an action, the action, and what follows."""
    m = _CALL.fullmatch(text)
    if m is None:
        # An action without parentheses.
        head, _, action = text.rpartition(" ")
        if not action or ":" in action:
            raise StfError(where, "no action: expected action(parameter:value, ...)")
        return head.strip(), Call(action, ()), ""
    args: list[tuple[str | None, str]] = []
    for arg in filter(None, (a.strip() for a in m["args"].split(","))):
        name, colon, value = arg.partition(":")
        # 00:11:22:33:44:55 has no name, a:00:11:22:33:44:55 has.
        if colon and not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", arg):
            args.append((name.strip(), value.strip()))
        else:
            args.append((None, arg))
    return m["head"].strip(), Call(m["action"], tuple(args)), m["rest"].strip()


def _add(where: str, rest: str) -> Add:
    table, rest = _table(where, "add", rest)
    rest = _JOINT.sub(r"\1", rest.replace(".isValid()", ".$valid$"))
    head, call, tail = _call(where, rest)
    handle = None
    if tail:
        if not tail.startswith("="):
            raise StfError(where, f"add: unexpected {tail!r} behind the action")
        handle = tail[1:].strip()
    words = head.split()
    priority = None
    if words and words[0].isdigit():
        priority = int(words.pop(0))
    keys: list[tuple[str, str]] = []
    for word in words:
        m = _KEY.fullmatch(word)
        if m is None:
            raise StfError(where, f"add: {word!r} is not key:value")
        keys.append((m[1], m[2]))
    return Add(where, table, priority, tuple(keys), call, handle)


def _check_counter(where: str, rest: str) -> CheckCounter:
    m = _COUNTER.fullmatch(rest)
    if m is None:
        raise StfError(where, "expected check_counter name(index) [packets|bytes] == value")
    if m["value"] is None:
        return CheckCounter(where, m["name"], m["index"], m["unit"] or "packets", "", 0)
    value = parse_number(m["value"], where, "check_counter: value")
    return CheckCounter(where, m["name"], m["index"], m["unit"] or "packets", m["op"] or "==", value)


def _check_register(where: str, rest: str) -> CheckRegister:
    words = re.sub(r"(==|!=|<=|>=|<|>)", r" \1 ", rest.replace("[", " ").replace("]", " ")).split()
    if len(words) not in (2, 4) or (len(words) == 4 and words[2] not in OPS):
        raise StfError(where, "expected register_read name index [== value]")
    index = parse_number(words[1], where, "register_read: index")
    if len(words) == 2:
        return CheckRegister(where, words[0], index, "", 0)
    value = parse_number(words[3], where, "register_read: value")
    return CheckRegister(where, words[0], index, words[2], value)
