"""A guest that was never started, and the order of its clean-up."""

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
