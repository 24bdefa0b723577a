import pytest

from datapath.stf.parse import (
    Add,
    Call,
    CheckCounter,
    CheckRegister,
    Command,
    Control,
    Expect,
    NoPacket,
    Remove,
    SendPacket,
    SetDefault,
    StfError,
    Unknown,
    Wait,
    parse_stf,
)

W = "t.stf:1"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("add t h.a:1 act(p:2)", Add(W, "t", None, (("h.a", "1"),), Call("act", (("p", "2"),)), None)),
        ("add a.t 10 h.a:0x1* b:1/8 c.act()",
         Add(W, "a.t", 10, (("h.a", "0x1*"), ("b", "1/8")), Call("c.act", ()), None)),
        ("ADD t k:1 act()", Add(W, "t", None, (("k", "1"),), Call("act", ()), None)),
        ("add t  k:1  act( a:1 , b : 2 ) = $h",
         Add(W, "t", None, (("k", "1"),), Call("act", (("a", "1"), ("b", "2"))), "$h")),
        ("add t k: 1 &&& 3 l:2 .. 4 m:1 -> 2 a()",
         Add(W, "t", None, (("k", "1&&&3"), ("l", "2..4"), ("m", "1->2")), Call("a", ()), None)),
        ("add t h.x.isValid():true a()", Add(W, "t", None, (("h.x.$valid$", "true"),), Call("a", ()), None)),
        ("add t k:1 a(1, 00:11:22:33:44:55)",
         Add(W, "t", None, (("k", "1"),), Call("a", ((None, "1"), (None, "00:11:22:33:44:55"))), None)),
        ("add t k:1 a(m:00:11:22:33:44:55)",
         Add(W, "t", None, (("k", "1"),), Call("a", (("m", "00:11:22:33:44:55"),)), None)),
        ("add t a()", Add(W, "t", None, (), Call("a", ()), None)),
        ("setdefault t act(p:1)", SetDefault(W, "t", Call("act", (("p", "1"),)))),
        ("setdefault\tt\tact", SetDefault(W, "t", Call("act", ()))),
        ("remove all", Remove(W, "all")),
        ("packet 3 00 11 2233", SendPacket(W, 3, b"\x00\x11\x22\x33")),
        ("packet 0", SendPacket(W, 0, b"")),
        ("expect 1 00 *1 AB$", Expect(W, 1, "00*1ab", True)),
        ("expect 1 00AB", Expect(W, 1, "00ab", False)),
        ("expect 1 0*f", Expect(W, 1, "0*f", False)),
        ("expect 1 $", Expect(W, 1, "", True)),
        ("expect 2", Expect(W, 2, None, False)),
        ("no_packet", NoPacket(W, None)),
        ("expect no_packet", NoPacket(W, None)),
        ("no_packet 3", NoPacket(W, 3)),
        ("wait", Wait(W, 1.0)),
        ("check_counter c(3) == 5", CheckCounter(W, "c", "3", "packets", "==", 5)),
        ("check_counter a.c($h) bytes >= 0x10", CheckCounter(W, "a.c", "$h", "bytes", ">=", 16)),
        ("check_counter c(3)", CheckCounter(W, "c", "3", "packets", "", 0)),
        ("register_read r 3", CheckRegister(W, "r", 3, "", 0)),
        ("register_read r 3 == 0xff", CheckRegister(W, "r", 3, "==", 255)),
        ("register_read r[3] != 1", CheckRegister(W, "r", 3, "!=", 1)),
        ("frobnicate 1", Unknown(W, "frobnicate")),
        ("register_write r 3 7", Control(W, "register_write", ("r", "3", "7"))),
        ("mc_node_create 1 2 3", Control(W, "mc_node_create", ("1", "2", "3"))),
    ],
)  # fmt: skip
def test_command(line: str, command: Command) -> None:
    assert parse_stf(line, "t.stf") == [command]


def test_comments_and_blank_lines() -> None:
    assert [c.where for c in parse_stf("# a\n\n  // b\nwait # c\n\t\nwait // d", "x")] == ["x:4", "x:6"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("add t", "add needs a table and an action"),
        ("add t k act()", "'k' is not key:value"),
        ("add t k: 1", "no action"),
        ("add t k:1 a() b", "unexpected 'b' behind the action"),
        ("setdefault t x a()", "unexpected 'x' before the action"),
        ("setdefault t", "setdefault needs a table and an action"),
        ("packet", "packet needs a port"),
        ("packet x 00", "packet: port 'x' is not a number"),
        ("packet -1 00", "packet: port -1 is not in 0 .. 4294967295"),
        ("expect 4294967296", "expect: port 4294967296 is not in 0 .. 4294967295"),
        ("packet 0 0", "not whole bytes"),
        ("packet 0 0g", "not whole bytes"),
        ("expect 0 0g", "not hexadecimal"),
        ("expect 0 0$1", "not hexadecimal"),
        ("check_counter c 3", "expected check_counter name(index)"),
        ("check_counter c(3) == x", "'x' is not a number"),
        ("register_read r", "expected register_read name index"),
        ("register_read r x", "register_read: index 'x' is not a number"),
        ("register_write r 1", "register_write takes 3 words, 2 given"),
        ("mc_node_create", "mc_node_create takes 1 or more words, 0 given"),
        ("remove", "remove needs"),
    ],
)
def test_wrong_line(line: str, message: str) -> None:
    with pytest.raises(StfError) as caught:
        parse_stf(f"\n{line}", "t.stf")
    assert str(caught.value).startswith("t.stf:2: ")
    assert message in str(caught.value)
