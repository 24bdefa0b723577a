"""A guest that was never started, and the order of its clean-up."""

import subprocess
import sys
from pathlib import Path

import pytest

from dpu_emu.lab.errors import GuestError
from dpu_emu.lab.guest import Guest
from dpu_emu.lab.qemu import GuestConfig


def test_a_guest_that_is_not_started_says_so() -> None:
    guest = Guest(GuestConfig(script="", name="idle"))
    assert not guest.running
    assert guest.output == ""
    assert guest.console() == ""
    assert guest.boot_ns == 0
    with pytest.raises(GuestError, match="idle is not started"):
        guest.wait()


def test_stop_may_come_before_start_and_again() -> None:
    guest = Guest(GuestConfig(script=""))
    guest.stop()
    guest.stop()


def test_a_guest_that_is_ready_and_done_between_two_looks_was_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Guest(GuestConfig(script=""))
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        poll = process.poll

        def poll_of_one_that_ends_now() -> int | None:
            process.wait()
            (tmp_path / "status").write_text("ready\n0\n")
            return poll()

        monkeypatch.setattr(process, "poll", poll_of_one_that_ends_now)
        monkeypatch.setattr(guest, "_process", process)
        monkeypatch.setattr(guest, "_run", tmp_path)
        guest.wait_ready(5)
        assert guest.wait(5) == 0
