"""Entries that do not fit P4Info are refused with the object, the value and the limit."""

from dataclasses import replace
from typing import Any

import pytest

from datapath.errors import CallerError
from datapath.p4c.info import ActionInfo, ActionRefInfo, FieldInfo, Info, ProfileInfo, TableInfo
from datapath.pipeline.check_entry import check_action, check_entry, check_member
from datapath.pipeline.target import Entry, Match

FORWARD = ActionInfo(id=1, name="I.forward", alias="forward", params=(FieldInfo(1, "port", 9),))
NOTHING = ActionInfo(id=2, name="NoAction", alias="NoAction", params=())
REFS = (ActionRefInfo(FORWARD, "table_only"), ActionRefInfo(NOTHING, "default_only"))


def table(name: str, *kinds: Any, **more: Any) -> TableInfo:
    keys = tuple(FieldInfo(i + 1, f"k{i}", 8, kind) for i, kind in enumerate(kinds))
    return TableInfo(id=9, name=f"I.{name}", alias=name, keys=keys, actions=REFS, size=4, **more)


TABLES = [
    table("exact", "exact"),
    table("lpm", "lpm"),
    table("all", "ternary", "range", "optional", "selector"),
    table("const", "exact", const_entries=True),
    table("profile", "exact", profile="I.p"),
    table("fixed", "exact", const_default=NOTHING),
    table("keyless"),
]
PROFILE = ProfileInfo(id=5, name="I.p", alias="p", size=8, with_selector=False, tables=("I.profile",))
INFO = Info("v1model", (), {t.name: t for t in TABLES}, {}, {"I.p": PROFILE}, {}, {}, {}, {}, {}, {}, {}, {})
GOOD = Entry("exact", (Match(5, 255),), "forward", (3,))


def test_names_become_paths_and_hidden_bits_go() -> None:
    assert check_entry(INFO, GOOD) == replace(GOOD, table="I.exact", action="I.forward")
    assert check_entry(INFO, replace(GOOD, table="lpm", match=(Match(0xFF, 0xF0),))).match == (Match(0xF0, 0xF0),)
    point = (Match(0, 0), Match(4, 4), Match(0, 0))
    assert check_entry(INFO, replace(GOOD, table="all", match=point, priority=1)).match == point
    three = (Match(0xFF, 0x0A), Match(1, 9), Match(7, 0))
    assert check_entry(INFO, replace(GOOD, table="all", match=three, priority=3)).match == (
        Match(0x0A, 0x0A),
        Match(1, 9),
        Match(0, 0),
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"match": ()}, "table I.exact: 0 match fields given, 1 needed"),
        ({"match": (Match(256, 255),)}, "table I.exact: field k0 is 0x100, which does not fit 8 bits"),
        ({"match": (Match(1, 3),)}, "table I.exact: field k0 is exact: its mask is 0x3"),
        ({"table": "lpm", "match": (Match(1, 0x0F),)}, "field k0 is a prefix: its mask 0xf has a hole"),
        ({"table": "all", "match": (Match(0, 0), Match(9, 1), Match(0, 0))}, "the range 0x9 .. 0x1 is empty"),
        ({"table": "all", "match": (Match(0, 0), Match(0, 1), Match(0, 1))}, "field k2 is optional: its mask is 0x1"),
        ({"table": "all", "match": (Match(0, 0), Match(0, 1), Match(0, 0)), "priority": -1}, "priority -1 is not in"),
        ({"priority": 1}, "priority 1 given, but no key"),
        ({"args": ()}, "action I.forward takes 1 arguments, 0 given"),
        ({"args": (512,)}, "action I.forward: port is 0x200, which does not fit 9 bits"),
        ({"action": "NoAction", "args": ()}, "action NoAction is @defaultonly"),
        ({"action": "fwd"}, "no action of table I.exact: 'fwd'"),
        ({"table": "const"}, "table I.const: its entries are const"),
        ({"table": "keyless", "match": ()}, "table I.keyless has no key"),
        ({"table": "profile"}, "table I.profile has an action profile"),
        ({"member": 1}, "table I.exact has no action profile"),
        ({"table": "profile", "member": 1}, "action 'forward' given beside"),
        ({"idle_ns": 5}, "the table has no idle timeout"),
        ({"table": "other"}, "no table 'other'"),
    ],
)
def test_refused(change: Any, message: str) -> None:
    with pytest.raises(CallerError) as e:
        check_entry(INFO, replace(GOOD, **change))
    assert message in str(e.value)


def test_default_actions() -> None:
    tables = INFO.tables
    assert check_action(tables["I.exact"], "NoAction", (), default=True) is NOTHING
    with pytest.raises(CallerError, match="@tableonly"):
        check_action(tables["I.exact"], "forward", (1,), default=True)
    with pytest.raises(CallerError, match="its default action NoAction is const"):
        check_action(tables["I.fixed"], "NoAction", (), default=True)


def test_members() -> None:
    assert check_member(INFO, "p", "forward", (1,)) == ("I.p", FORWARD)
    with pytest.raises(CallerError, match="takes 1 arguments"):
        check_member(INFO, "p", "forward", ())
