from collections.abc import Callable

import pytest

from datapath.p4c.compiler import Compiled, compile_text
from datapath.p4c.evaluate import Evaluator
from datapath.pipeline.engine import Engine
from datapath.pipeline.target import Target
from datapath.stf.parse import Expect, StfError, parse_stf
from datapath.stf.run import Report, differ, run_stf

PROGRAM = """
#include <core.p4>
#include <v1model.p4>
header h_t { bit<8> a; bit<8> b; bit<16> c; }
header o_t { bit<8> x; }
struct headers { h_t h; o_t o; }
struct meta { }
parser P(packet_in p, out headers hdr, inout meta m, inout standard_metadata_t sm) {
    value_set<bit<8>>(4) extra;
    state start { p.extract(hdr.h); transition select(hdr.h.a) { extra: more; default: accept; } }
    state more { p.extract(hdr.o); transition accept; }
}
control V(inout headers hdr, inout meta m) { apply { } }
control U(inout headers hdr, inout meta m) { apply { } }
control E(inout headers hdr, inout meta m, inout standard_metadata_t sm) { apply { } }
control D(packet_out p, in headers hdr) { apply { p.emit(hdr); } }
control MyIngress(inout headers hdr, inout meta m, inout standard_metadata_t sm) {
    counter(4, CounterType.packets_and_bytes) seen;
    direct_counter(CounterType.packets) per_entry;
    register<bit<16>>(4) reg;
    action go(bit<9> port, bit<8> value) { sm.egress_spec = port; hdr.h.b = value; }
    action group(bit<16> g) { sm.mcast_grp = g; }
    action drop() { mark_to_drop(sm); }
    action copy(bit<32> session) { sm.egress_spec = 1; clone(CloneType.I2E, session); }
    table exact_t { key = { hdr.h.a : exact; hdr.o.isValid() : exact @name("hdr.o.$valid$"); }
        actions = { go; group; drop; copy; } default_action = go(9, 0); counters = per_entry; }
    table ternary_t { key = { hdr.h.c : ternary; hdr.h.b : range; } actions = { go; drop; NoAction; } }
    table lpm_t { key = { hdr.h.c : lpm; } actions = { go; NoAction; } }
    apply {
        seen.count(0);
        bit<16> v;
        reg.read(v, 1);
        reg.write(1, v + 1);
        if (hdr.h.c[15:12] == 0xf) { ternary_t.apply(); } else if (hdr.h.c[15:12] == 0xe) { lpm_t.apply(); }
        else { exact_t.apply(); }
    }
}
V1Switch(P(), V(), MyIngress(), E(), U(), D()) main;
"""


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_text(PROGRAM)


TARGETS: list[Callable[[Compiled], Target]] = [
    lambda c: Evaluator(c.design, c.info),
    lambda c: Engine(c.code, c.info),
]


@pytest.fixture(params=TARGETS, ids=["evaluator", "engine"])
def run(request: pytest.FixtureRequest, compiled: Compiled) -> Callable[..., Report]:
    def go(text: str, *, strict: bool = False) -> Report:
        make: Callable[[Compiled], Target] = request.param
        return run_stf(parse_stf(text, "t.stf"), make(compiled), compiled.info, strict=strict)

    return go


@pytest.mark.parametrize(
    "text",
    [
        "add exact_t hdr.h.a:1 go(port:2, value:0x7f)\npacket 0 01020003\nexpect 2 017f0003$",
        "add MyIngress.exact_t h.a:1 MyIngress.go(value:3, port:2)\npacket 0 01020003\nexpect 2 01030003$",
        "add exact_t a:1 go(2, 3)\npacket 0 01020003\nexpect 2 0103****",
        "add exact_t a:1 drop()\npacket 0 01020003\nno_packet",
        "add exact_t a:1 drop\npacket 0 01020003\nno_packet",
        "setdefault exact_t go(port:3, value:4)\npacket 0 01020003\nexpect 3 01040003",
        "packet 0 01020003\nexpect 9 01000003",
        "packet 0 01020003 aabb\nexpect 9 01",
        "packet 0 01020003\npacket 0 02020003\nexpect 9 01\nexpect 9 02",
        "packet 0 01020003\npacket 0 02020003\nexpect 9",
        "expect 9 01\nno_packet 3\npacket 0 01020003",
        # A larger priority wins.
        "add ternary_t 1 h.c:0xf*** go(port:1, value:1)\nadd ternary_t 2 h.c:0xff** go(port:2, value:2)\n"
        "packet 0 0000ff00\npacket 0 0000f000\nexpect 2 0002\nexpect 1 0001",
        "add ternary_t 1 h.c:0xf***  b:2..5 go(1, 1)\nadd ternary_t 2 b:5->6 go(2, 2)\n"
        "packet 0 0005f000\npacket 0 0006f000\npacket 0 0002f000\nexpect 2\nexpect 1 0001f000$",
        # No priority: it is not needed.
        "add lpm_t 5 h.c:0xe0**  go(1, 1)\nadd lpm_t 1 h.c:0xe000/12 go(2, 2)\n"
        "packet 0 0000e011\npacket 0 0000e001\nexpect 1 0001e011\nexpect 2 0002e001",
        "pvs_add P.extra 7\nadd exact_t a:7 o.$valid$:1 go(3, 1)\npacket 0 07000000 aa\nexpect 3 07010000aa$",
        "pvs_add extra 7\npvs_clear extra\nadd exact_t a:7 valid:1 go(3, 1)\npacket 0 07000000 aa\nexpect 9",
        "pvs_add extra 0x07\nadd exact_t a:7 hdr.o.isValid():true go(3, 1)\npacket 0 07000000 aa\nexpect 3",
        "register_read reg 1 == 0\npacket 0 01020003\nregister_read MyIngress.reg 1 == 1\nexpect 9",
        "register_write reg 1 0x41\npacket 0 01020003\nregister_read reg 1 == 0x42\nregister_reset reg\n"
        "register_read reg[1] == 0\nexpect 9",
        "packet 0 01020003\ncheck_counter seen(0) == 1\ncheck_counter seen(0) bytes == 4\ncheck_counter seen(1) == 0\n"
        "check_counter seen(0) packets != 2\ncheck_counter seen(0) <= 1\nexpect 9",
        "counter_write seen 2 7 99\ncheck_counter seen(2) == 7\ncheck_counter seen(2) bytes > 98\n"
        "counter_reset seen\ncheck_counter seen(2) == 0",
        "add exact_t a:1 drop() = $x\nadd exact_t a:2 drop() = $y\npacket 0 02000000\n"
        "check_counter per_entry($y) == 1\ncheck_counter per_entry($x) == 0\nno_packet",
        "add exact_t a:1 go(1, 1) = $x\nadd exact_t a:2 go(2, 2)\nremove $x\npacket 0 01000000\npacket 0 02000000\n"
        "expect 9 0100\nexpect 2",
        "add exact_t a:1 go(1, 1)\nadd exact_t a:2 go(2, 2)\nremove all\npacket 0 01000000\nexpect 9",
        "add exact_t a:1 go(1, 1)\nremove exact_t\nadd exact_t a:1 go(2, 1)\npacket 0 01000000\nexpect 2",
        "mirroring_add 5 4\nadd exact_t a:1 copy(session:5)\npacket 0 01000000\nexpect 1 01\nexpect 4 01",
        "mirroring_add 5 4\nmirroring_delete 5\nadd exact_t a:1 copy(5)\npacket 0 01000000\nexpect 1 01\nno_packet",
        "mc_mgrp_create 3\nmc_node_create 1 4 5\nmc_node_create 2 6\nmc_node_associate 3 0\nmc_node_associate 3 1\n"
        "add exact_t a:1 group(g:3)\npacket 0 01000000\nexpect 4 01\nexpect 5 01\nexpect 6 01\nno_packet",
        "mc_mgrp_create 3\nmc_node_create 1 4 5\nmc_node_associate 3 0\nmirroring_add_mc 7 3\nmc_node_update 0 6\n"
        "add exact_t a:1 copy(session:7)\npacket 0 01000000\nexpect 1\nexpect 6 01\nno_packet",
        "mc_mgrp_create 3\nmc_node_create 1 4\nmc_node_associate 3 0\nmc_node_dissociate 3 0\n"
        "add exact_t a:1 group(3)\npacket 0 01000000\nno_packet",
        "mc_mgrp_create 3\nmc_node_create 1 4\nmc_node_associate 3 0\nmc_node_destroy 0\nmc_mgrp_destroy 3\n"
        "add exact_t a:1 group(3)\npacket 0 01000000\nno_packet",
    ],
)  # fmt: skip
def test_passes(run: Callable[..., Report], text: str) -> None:
    report = run(text)
    assert report.failures == []
    assert report.ok


@pytest.mark.parametrize(
    ("text", "failures"),
    [
        ("packet 0 01020003\nexpect 9 0101", ["t.stf:2: port 9: packet 0 differs from digit 3 (byte 1)"]),
        ("packet 0 01020003\nexpect 9 01000003 00", ["port 9: packet 0 is too short: 4 bytes, expected 5"]),
        ("packet 0 01020003\nexpect 9 0100$", ["port 9: packet 0 is too long: 4 bytes, expected 2"]),
        ("packet 0 01020003\nexpect 9 01\nexpect 9 02", ["t.stf:3: port 9: packet 1 never came"]),
        ("packet 0 01020003\npacket 0 02020003\nexpect 9 01", ["port 9: packet 1 was not expected"]),
        ("packet 9 01020003", ["port 9: packet 0 was not expected"]),
        ("packet 0 01020003\nno_packet", ["port 9: packet 0 was not expected"]),
        ("packet 0 01020003\nexpect 9\nexpect 9 01", ["port 9: both any packet and 1 certain ones expected"]),
        ("packet 0 01020003\nexpect 3 01", ["port 3: packet 0 never came"]),
        ("register_read reg 1 == 7", ["t.stf:1: register MyIngress.reg[1] is 0 (0x0), expected == 7 (0x7)"]),
        ("check_counter seen(0) > 0", ["counter MyIngress.seen[0] packets is 0 (0x0), expected > 0"]),
    ],
)
def test_fails(run: Callable[..., Report], text: str, failures: list[str]) -> None:
    report = run(text)
    assert len(report.failures) == len(failures)
    for found, wanted in zip(report.failures, failures, strict=True):
        assert wanted in found


def test_a_port_that_is_not_named_is_not_looked_at_unless_strict(run: Callable[..., Report]) -> None:
    text = "packet 0 01020003"
    assert run(text).ok
    assert run(text).notes == ["port 9: 1 packets came out; the test does not name it"]
    assert not run(text, strict=True).ok


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("add nothing a:1 go(1, 1)", "no table 'nothing'"),
        ("add exact_t a:1 stop()", "no action of table MyIngress.exact_t: 'stop'"),
        ("add exact_t z:1 go(1, 1)", "no key 'z'; there are: hdr.h.a"),
        ("add exact_t a:1 go(port:1)", "action MyIngress.go: no value for value"),
        ("add exact_t a:1 go(port:1, speed:2)", "has no parameter 'speed'; there are: port, value"),
        ("add exact_t a:1 go(1, 2, 3)", "has no parameter 2"),
        ("add exact_t a:300 go(1, 2)", "does not fit 8 bits"),
        ("add exact_t a:1 go(1, 0x100)", "does not fit 8 bits"),
        ("add exact_t a:0x1* go(1, 1)", "but the field is exact"),
        ("register_read regs 1 == 2", "no register 'regs'"),
        ("register_read reg 4 == 2", "4"),
        ("check_counter c(0) == 2", "no counter 'c'"),
        ("mc_node_associate 1 0", "there is no multicast group 1"),
        ("mc_mgrp_create 1\nmc_mgrp_create 1", "multicast group 1 is there already"),
        ("mc_mgrp_create 1\nmc_node_associate 1 0", "there is no multicast node 0"),
        ("remove $x", "no entry has the handle '$x'"),
        ("pvs_add nothing 1", "no value set 'nothing'"),
        ("pvs_add extra 1 2", "has 1 fields, 2 values given"),
        ("meter_set_rates m 0 1:1 2:2", "no meter 'm'"),
        ("mirroring_add -1 2", "clone session is -0x1, which does not fit 32 bits"),
        ("mirroring_add 1 4294967296", "clone session 1: port is 0x100000000, which does not fit 32 bits"),
        (
            "mc_mgrp_create 1\nmc_node_create 4294967296 1\nmc_node_associate 1 0",
            "multicast group 1: rid is 0x100000000, which does not fit 32 bits",
        ),
        ("wait 99999999999", "the clock would be"),
    ],
)
def test_wrong_for_the_program(run: Callable[..., Report], text: str, message: str) -> None:
    with pytest.raises(StfError) as caught:
        run(text)
    assert message in str(caught.value)
    assert f"t.stf:{text.count(chr(10)) + 1}: " in str(caught.value)


def test_an_unknown_command_is_passed_over_unless_strict(run: Callable[..., Report]) -> None:
    report = run("frobnicate 1\n")
    assert report.ok
    assert report.notes == ["t.stf:1: unknown command 'frobnicate' was passed over"]
    with pytest.raises(StfError, match="unknown command 'frobnicate'"):
        run("frobnicate 1\n", strict=True)


def test_the_difference_is_marked() -> None:
    assert differ(Expect("w", 1, "00*1ab", False), "0021cd00") == (
        "differs from digit 4 (byte 2)\n  expected 00*1ab\n  received 0021cd00\n               ^^"
    )
    assert differ(Expect("w", 1, "00", True), "00112233").endswith("\n             ^^^^^^")
    assert differ(Expect("w", 1, "001122", False), "00").endswith("\n             ^^^^")
    assert differ(Expect("w", 1, "0*", True), "0f") == ""
