"""What both targets check before they take an entry, an action or a value set's member, against P4Info.

Names are found by :mod:`names`; what comes back has full paths, and values without the bits that their masks hide.
"""

from collections.abc import Sequence
from dataclasses import replace

from datapath.errors import CallerError
from datapath.p4c.info import ActionInfo, FieldInfo, Info, TableInfo
from datapath.pipeline.names import find, find_path
from datapath.pipeline.target import Entry, Match, Packet

MAX_PRIORITY = 0x7FFFFFFF


def key_fields(table: TableInfo) -> tuple[FieldInfo, ...]:
    """Return the fields that an entry matches: all but a selector's."""
    return tuple(k for k in table.keys if k.kind != "selector")


def check_fits(value: int, width: int, what: str) -> None:
    """Check that a value is one of ``width`` bits.

    Raises:
        CallerError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise CallerError(f"{what} is {value!r:.60}, not an int")
    if not 0 <= value < 1 << width:
        raise CallerError(f"{what} is {value:#x}, which does not fit {width} bits")


def check_replicas(number: int, replicas: Sequence[tuple[int, int]], what: str) -> None:
    """Check the number of a multicast group or clone session, and its replicas' ports and rids.

    Raises:
        CallerError: one does not fit 32 bits.
    """
    check_fits(number, 32, what)
    for port, rid in replicas:
        check_fits(port, 32, f"{what} {number}: port")
        check_fits(rid, 32, f"{what} {number}: rid")


def check_packets(packets: Sequence[Packet]) -> None:
    """Check that ports have 32 bits and times, in picoseconds, 64.

    Raises:
        CallerError: one does not fit.
    """
    for i, packet in enumerate(packets):
        check_fits(packet.port, 32, f"packet {i}: port")
        check_fits(packet.ts_ns * 1000, 64, f"packet {i}: time (ps)")


def check_match(fields: Sequence[FieldInfo], match: Sequence[Match], what: str) -> tuple[Match, ...]:
    """Return the match with the hidden bits cleared.

    Raises:
        CallerError: it does not fit the fields; ``what`` names the object.
    """
    if len(match) != len(fields):
        raise CallerError(f"{what}: {len(match)} match fields given, {len(fields)} needed")
    return tuple(_check_field(f, m, f"{what}: field {f.name}") for f, m in zip(fields, match, strict=True))


def _check_field(f: FieldInfo, m: Match, what: str) -> Match:
    check_fits(m.value, f.width, what)
    ones = (1 << f.width) - 1
    if f.kind == "range":
        check_fits(m.other, f.width, f"{what}: upper end")
        if m.value > m.other:
            raise CallerError(f"{what}: the range {m.value:#x} .. {m.other:#x} is empty")
        return m
    check_fits(m.other, f.width, f"{what}: mask")
    if f.kind == "exact" and m.other != ones:
        raise CallerError(f"{what} is exact: its mask is {m.other:#x}, not {ones:#x}")
    if f.kind == "optional" and m.other not in (0, ones):
        raise CallerError(f"{what} is optional: its mask is {m.other:#x}, neither 0 nor {ones:#x}")
    if f.kind == "lpm":
        hidden = m.other ^ ones
        if hidden & (hidden + 1):
            raise CallerError(f"{what} is a prefix: its mask {m.other:#x} has a hole")
    return Match(m.value & m.other, m.other)


def check_args(action: ActionInfo, args: Sequence[int], what: str) -> None:
    """Check action data.

    Raises:
        CallerError: too many, too few, or one does not fit.
    """
    if len(args) != len(action.params):
        raise CallerError(f"{what}: action {action.name} takes {len(action.params)} arguments, {len(args)} given")
    for p, arg in zip(action.params, args, strict=True):
        check_fits(arg, p.width, f"{what}: action {action.name}: {p.name}")


def check_action(table: TableInfo, action: str, args: Sequence[int], *, default: bool = False) -> ActionInfo:
    """Return the table's action of that name; ``default``: it is to be the default action.

    Raises:
        CallerError: the table has none, may not use it there, or the arguments do not fit.
    """
    refs = {r.action.name: r for r in table.actions}
    ref = find(refs, action, f"action of table {table.name}:")
    if default and ref.scope == "table_only":
        raise CallerError(f"table {table.name}: action {ref.action.name} is @tableonly, not for the default")
    if not default and ref.scope == "default_only":
        raise CallerError(f"table {table.name}: action {ref.action.name} is @defaultonly, not for entries")
    if default and table.const_default is not None:
        raise CallerError(f"table {table.name}: its default action {table.const_default.name} is const")
    check_args(ref.action, args, f"table {table.name}")
    return ref.action


def check_entry(info: Info, entry: Entry) -> Entry:
    """Return the entry with full names, and values without hidden bits.

    Raises:
        CallerError: it does not fit the program.
    """
    table = find(info.tables, entry.table, "table")
    what = f"table {table.name}"
    if table.const_entries:
        raise CallerError(f"{what}: its entries are const")
    match = check_match(key_fields(table), entry.match, what)
    if not key_fields(table):
        raise CallerError(f"{what} has no key: it can have a default action only")
    if table.needs_priority:
        if not 0 <= entry.priority <= MAX_PRIORITY:
            raise CallerError(f"{what}: priority {entry.priority} is not in 0 .. {MAX_PRIORITY}")
    elif entry.priority:
        raise CallerError(f"{what}: priority {entry.priority} given, but no key is ternary, range or optional")
    if entry.idle_ns < 0:
        raise CallerError(f"{what}: idle time {entry.idle_ns} ns is negative")
    if entry.idle_ns and not (table.idle_timeout or table.add_on_miss):
        raise CallerError(f"{what}: idle time given, but the table has no idle timeout")
    path = ""
    if entry.member is not None or entry.group is not None:
        if table.profile is None:
            raise CallerError(f"{what} has no action profile: member {entry.member}, group {entry.group} given")
        if entry.member is not None and entry.group is not None:
            raise CallerError(f"{what}: both member {entry.member} and group {entry.group} given")
        if entry.action or entry.args:
            raise CallerError(f"{what}: action {entry.action!r} given beside a member or group")
    elif table.profile is not None:
        raise CallerError(f"{what} has an action profile: its entries name a member or group, not an action")
    else:
        path = check_action(table, entry.action, entry.args).name
    return replace(entry, table=table.name, match=match, action=path, args=tuple(entry.args))


def check_member(info: Info, profile: str, action: str, args: Sequence[int]) -> tuple[str, ActionInfo]:
    """Return the path of the profile and the action of that name, which one of the profile's tables must have.

    Raises:
        CallerError: something does not fit.
    """
    path = find_path(info.profiles, profile, "action profile")
    actions = {
        r.action.name: r.action
        for t in info.profiles[path].tables
        for r in info.tables[t].actions
        if r.scope != "default_only"
    }
    found = find(actions, action, f"action of action profile {path}:")
    check_args(found, args, f"action profile {path}")
    return path, found
