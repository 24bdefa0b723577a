"""The lab itself: namespaces and guests do what their callers rely on.

    namespace A --- veth, MTU 4300 --- namespace B       guest --- dgram NIC --- AF_UNIX socket of the test

Needs root (the guests do not) and the lab's image (`make peers`).
"""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dpu_emu.lab.errors import GuestError, GuestTimeoutError
from dpu_emu.lab.guest import Guest, run
from dpu_emu.lab.netns import Namespace
from dpu_emu.lab.nic import Nic
from dpu_emu.lab.qemu import GuestConfig


@pytest.fixture
def root(require_peer: Callable[..., None]) -> None:
    require_peer("root")


@pytest.fixture
def guest_image(require_peer: Callable[..., None]) -> None:
    require_peer("guest", "qemu")


@pytest.mark.usefixtures("root")
def test_veth_carries_datagrams_of_both_families_and_vanishes() -> None:
    with Namespace.create("lab-a") as left, Namespace.create("lab-b") as right:
        left.veth("v0", right, "v0", mtu=4300)
        for index, space in enumerate((left, right), 1):
            space.address("v0", f"10.9.0.{index}/24")
            space.address("v0", f"fd09::{index}/64")
        for family, address in ((socket.AF_INET, "10.9.0.2"), (socket.AF_INET6, "fd09::2")):
            with (
                left.socket(family, socket.SOCK_DGRAM) as sender,
                right.socket(family, socket.SOCK_DGRAM) as receiver,
            ):
                receiver.bind((address, 4791))
                receiver.settimeout(10)
                sender.sendto(b"x" * 4200, (address, 4791))
                assert receiver.recv(9000) == b"x" * 4200
        assert "v0" in left.run("ip", "-brief", "link")
        assert left.has("v0")
        assert not left.has("v1")
        paths = (left.path, right.path)
    assert not any(path.exists() for path in paths)


@pytest.mark.usefixtures("root")
def test_bridge_joins_taps() -> None:
    with Namespace.create("lab-c") as space:
        space.bridge("br0")
        for tap in ("t0", "t1"):
            space.tap(tap, 1500, "br0")
        assert space.run("ip", "-brief", "link", "show", "master", "br0").count("t") >= 2
        space.delete("t0")
        space.delete("t0")
        assert not space.has("t0")


@pytest.mark.usefixtures("guest_image")
def test_script_output_exit_code_files_and_environment(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("from the host")
    config = GuestConfig(
        script="cat /lab/note; echo; echo $COLOUR; uname -s; exit 7\n",
        files={"/lab/note": tmp_path / "note"},
        environment={"COLOUR": "deep blue"},
    )
    chunks: list[bytes] = []
    result = run(config, timeout_s=120, on_output=chunks.append)
    assert result.code == 7
    assert result.output.split("\n")[:3] == ["from the host", "deep blue", "Linux"]
    assert b"".join(chunks).decode() == result.output
    assert 0 < result.boot_ns < result.total_ns


@pytest.mark.usefixtures("guest_image")
def test_dgram_nic_sends_one_frame_a_datagram(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    nic = Nic("dgram", str(theirs), str(ours), addresses=("10.9.1.2/24",))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(ours))
        wire.settimeout(120)
        with Guest(GuestConfig(script="ping -c 1 -W 1 10.9.1.1\n", nics=(nic,))):
            while True:
                frame = wire.recv(65536)
                if frame[12:14] == b"\x08\x06":
                    break
    assert frame[6:12] == bytes.fromhex(nic.mac.replace(":", "")), "an ARP request from the guest's address"
    assert frame[38:42] == bytes([10, 9, 1, 1])
    assert not theirs.exists()


@pytest.mark.usefixtures("guest_image")
def test_a_guest_that_hangs_is_killed_with_its_console_in_the_message() -> None:
    with Guest(GuestConfig(script="echo awake; sleep 1000\n", name="sleepy")) as guest:
        guest.wait_ready()
        with pytest.raises(GuestTimeoutError, match="sleepy was still running"):
            guest.wait(timeout_s=2)
        assert not guest.running


@pytest.mark.usefixtures("guest_image")
def test_a_guest_that_powers_off_early_is_an_error() -> None:
    with pytest.raises(GuestError, match="without an exit code"):
        run(GuestConfig(script="poweroff -f\n"), timeout_s=120)


@pytest.mark.usefixtures("guest_image")
def test_a_qemu_that_refuses_its_arguments_is_an_error() -> None:
    with pytest.raises(GuestError, match="no-such-device"):
        run(GuestConfig(script="", qemu_arguments=("-device", "no-such-device")), timeout_s=120)
