from pathlib import Path

import pytest
from typer.testing import CliRunner

from control_plane.cli import app
from datapath.errors import CallerError
from datapath.pcapfile import Frame, read_capture, write_capture

PROGRAM = """#include <core.p4>
#include <v1model.p4>
#ifndef DROP
#define DROP 0
#endif
header h_t { bit<8> a; bit<8> b; }
struct headers { h_t h; }
struct meta { }
parser P(packet_in p, out headers hdr, inout meta m, inout standard_metadata_t sm) {
    state start { p.extract(hdr.h); transition accept; }
}
control V(inout headers hdr, inout meta m) { apply { } }
control E(inout headers hdr, inout meta m, inout standard_metadata_t sm) { apply { } }
control D(packet_out p, in headers hdr) { apply { p.emit(hdr); } }
control I(inout headers hdr, inout meta m, inout standard_metadata_t sm) {
    action go(bit<9> port) { sm.egress_spec = port; hdr.h.b = hdr.h.b + 1; }
    action drop() { mark_to_drop(sm); }
    table t { key = { hdr.h.a : exact; } actions = { go; drop; } default_action = drop(); }
    apply { t.apply(); if (DROP == 1) { drop(); } }
}
V1Switch(P(), V(), I(), E(), V(), D()) main;
"""
TEST = "add t a:1 go(port:2)\npacket 0 0107ff\nexpect 2 0108ff$\npacket 0 0207\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "a.p4").write_text(PROGRAM)
    (tmp_path / "a.stf").write_text(TEST)
    (tmp_path / "bad.stf").write_text(TEST.replace("0108ff", "0109**"))
    (tmp_path / "broken.stf").write_text("add nothing a()\n")
    (tmp_path / "bad.p4").write_text(PROGRAM.replace("hdr.h.b + 1", "hdr.h.c + 1"))
    return tmp_path


def call(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["p4", *map(str, args)])
    return result.exit_code, result.output


def test_compile(files: Path) -> None:
    code, out = call("compile", files / "a.p4", "-o", files / "a.code")
    assert code == 0
    assert "v1model, 1 tables" in out
    assert "t" in (files / "a.code").read_text()


def test_errors_are_the_compilers_and_exit_code_is_1(files: Path) -> None:
    for verb in (["compile"], ["check"], ["ir"], ["stf"]):
        code, out = call(*verb, files / "bad.p4", *([files / "a.stf"] if verb == ["stf"] else []))
        assert code == 1
        assert "bad.p4:16:" in out
        assert "error" in out
        assert "Traceback" not in out


def test_a_file_that_is_not_there(files: Path) -> None:
    code, out = call("check", files / "none.p4")
    assert code == 1
    assert "cannot read" in out


def test_check_says_nothing_of_a_good_program(files: Path) -> None:
    assert call("check", files / "a.p4") == (0, "")


def test_ir(files: Path) -> None:
    code, out = call("ir", files / "a.p4")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("# ")] == [
        "# typed", "# expand", "# copies", "# dead", "# jumps", "# slots",
    ]  # fmt: skip
    code, out = call("ir", files / "a.p4", "--pass", "typed")
    assert code == 0
    assert "table t" in out
    assert "# expand" not in out


@pytest.mark.parametrize("target", ["engine", "evaluator"])
def test_stf(files: Path, target: str) -> None:
    code, out = call("stf", files / "a.p4", files / "a.stf", "--target", target)
    assert code == 0
    assert "a.stf: ok: 2 packets in, 1 expected" in out
    code, out = call("stf", files / "a.p4", files / "a.stf", files / "bad.stf", "--target", target)
    assert code == 1
    assert "expected 0109**\n  received 0108ff" in out
    assert "bad.stf: FAILED" in out
    code, out = call("stf", files / "a.p4", files / "broken.stf", "--target", target)
    assert code == 1
    assert "broken.stf:1: no table 'nothing'" in out


def test_macros_from_outside(files: Path) -> None:
    assert call("stf", files / "a.p4", files / "a.stf", "-D", "DROP=1")[0] == 1
    assert call("stf", files / "a.p4", files / "a.stf", "-D", "DROP=0")[0] == 0


def test_stf_with_trace(files: Path) -> None:
    code, out = call("stf", files / "a.p4", files / "a.stf", "--trace")
    assert code == 0
    assert "packet at port 0: 0107ff" in out
    assert "I.t" in out
    assert "out of port 2: 0108ff" in out


def test_trace(files: Path) -> None:
    code, out = call("trace", files / "a.p4", "--packet", "01 07", "--port", 3, "--entries", files / "a.stf")
    assert code == 0
    assert "packet at port 3: 0107" in out
    assert "out of port 2: 0108" in out


@pytest.mark.parametrize("target", ["engine", "evaluator"])
def test_run(files: Path, target: str) -> None:
    write_capture(files / "in.pcapng", [Frame(b"\x01\x05", 2_000_000_000), Frame(b"\x02\x05", 2_000_000_500)])
    write_capture(files / "in2.pcap", [Frame(b"\x01\x06", 1_999_999_900)])
    out = files / "out.pcapng"
    code, said = call(
        "run", files / "a.p4", "--in", f"{files}/in.pcapng@1", "--in", files / "in2.pcap", "--out", out,
        "--out", f"{files}/two.pcap@2", "--out", f"{files}/three.pcap@3", "--entries", files / "a.stf",
        "--target", target,
    )  # fmt: skip
    assert code == 0
    assert "3 packets in, 2 out" in said
    assert read_capture(out) == [Frame(b"\x01\x07", 1_999_999_900), Frame(b"\x01\x06", 2_000_000_000)]
    assert [f.data for f in read_capture(files / "two.pcap")] == [b"\x01\x07", b"\x01\x06"]
    assert read_capture(files / "three.pcap") == []


@pytest.mark.parametrize("target", ["engine", "evaluator"])
@pytest.mark.parametrize(
    ("port", "ns", "message"),
    [("4294967296", 0, "packet 0: port is 0x100000000"), ("1", 10**17, "packet 1: time (ps)")],
)
def test_run_refuses_what_does_not_fit(files: Path, target: str, port: str, ns: int, message: str) -> None:
    write_capture(files / "in.pcapng", [Frame(b"\x01\x05", 1), Frame(b"\x02\x05", 1 + ns)])
    words = ["p4", "run", str(files / "a.p4"), "--in", f"{files}/in.pcapng@{port}", "--out", str(files / "o.pcap")]
    result = CliRunner().invoke(app, [*words, "--target", target])
    assert isinstance(result.exception, CallerError)
    assert message in str(result.exception)
