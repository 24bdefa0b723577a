import gc
import os
from pathlib import Path

import pytest

from datapath.errors import CallerError
from datapath.port import Capture, Faults, Port, Rate, Rule, wrap


def test_a_port_has_one_owner() -> None:
    port, _ = Port.mem_pair()
    faulty = Faults().around(port)
    with pytest.raises(CallerError, match="already belongs"):
        Faults().around(port)
    assert port.mtu == faulty.mtu >= 4096 + 96
    assert faulty.inner is port


def test_a_forgotten_stack_of_ports_is_freed_once() -> None:
    port, other = Port.mem_pair()
    stack = wrap(port, [Faults(), Rate(1_000_000_000)])
    del port, stack
    gc.collect()
    assert other.stats()["tx_frames"] == 0


def test_wrappers_go_around_in_order(tmp_path: Path) -> None:
    port, _ = Port.mem_pair()
    outer = wrap(port, [Faults(), Capture(tmp_path / "x.pcapng")])
    assert outer.inner is not None
    assert outer.inner.inner is port


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Port.mem_pair(depth=-1), "depth -1"),
        (lambda: Port.mem_pair(depth=1 << 32), "depth 4294967296"),
        (lambda: Faults(loss=1.5).around(Port.mem_pair()[0]), "loss 1.5"),
        (lambda: Faults(seed=1 << 64).around(Port.mem_pair()[0]), "seed"),
        (lambda: Faults(rules=[Rule(value=bytes(9))]).around(Port.mem_pair()[0]), "at most 8"),
        (lambda: Faults(rules=[Rule()] * 33).around(Port.mem_pair()[0]), "33 rules"),
        (lambda: Rate(1).around(Port.mem_pair()[0]), "rate 1 b/s"),
        (lambda: Rule.on_packet(psn=1, opcode=2), "either psn or opcode"),
        (lambda: Rule.on_packet(psn=1 << 24), "psn 16777216"),
    ],
)
def test_illegal_numbers_are_named(make: "object", said: str) -> None:
    assert callable(make)
    with pytest.raises(CallerError, match=said):
        make()


def test_a_capture_that_cannot_be_made_leaves_the_port_free() -> None:
    port, _ = Port.mem_pair()
    with pytest.raises(OSError, match="No such file") as caught:
        Capture("/nonexistent/x.pcapng").around(port)
    assert caught.value.errno == 2
    port.check_free()


def test_a_capture_opens_with_a_section_header(tmp_path: Path) -> None:
    capture = Capture(tmp_path / "x.pcapng").around(Port.mem_pair()[0])
    capture.flush()
    assert (tmp_path / "x.pcapng").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert (capture.frames, capture.lost) == (0, 0)
    assert os.fspath(tmp_path / "x.pcapng") == capture.path
