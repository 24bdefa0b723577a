"""NIC specs: what they mean, what is refused, and what QEMU and the guest are told."""

import pytest

from dpu_emu.lab.errors import SpecError
from dpu_emu.lab.nic import Nic, guest_line, parse_nic, qemu_arguments


def test_tap_with_every_option() -> None:
    nic = parse_nic(
        "tap:t0,ip=10.0.0.2/24,ip=fd00::2/64,host=10.0.0.1/24,bridge=br0,mac=52:54:00:00:00:01,mtu=4300,rxe,offload,queues=2"
    )
    assert nic == Nic(
        "tap",
        "t0",
        addresses=("10.0.0.2/24", "fd00::2/64"),
        host_addresses=("10.0.0.1/24",),
        bridge="br0",
        mac="52:54:00:00:00:01",
        mtu=4300,
        rxe=True,
        offload=True,
        queues=2,
    )


def test_dgram_has_two_paths() -> None:
    nic = parse_nic("dgram:/tmp/a,/tmp/b,rxe")
    assert (nic.place, nic.remote, nic.rxe) == ("/tmp/a", "/tmp/b", True)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("wire:x", "kind 'wire'"),
        ("tap:", "needs a name"),
        ("tap:a-name-of-sixteen", "no interface name"),
        ("tap:a/b", "no interface name"),
        ("dgram:/tmp/a", "remote path"),
        ("stream-listen:", "needs a path"),
        ("vhost-user:/" + "x" * 107, "exceeds 107"),
        ("tap:t0,ip=10.0.0.2", "prefix length"),
        ("tap:t0,ip=10.0.0.256/24", "10.0.0.256/24"),
        ("tap:t0,mtu=9", "mtu 9"),
        ("tap:t0,mtu=big", "'mtu=big'"),
        ("tap:t0,queues=0", "queues 0"),
        ("tap:t0,mac=12:34", "mac '12:34'"),
        ("tap:t0,colour=red", "'colour=red'"),
        ("tap:t0,rxe=1", "'rxe=1'"),
        ("dgram:/a,/b,host=10.0.0.1/24", "belong to tap"),
        ("vhost-user:/a,bridge=br0", "belong to tap"),
    ],
)
def test_a_bad_spec_is_refused_by_name(spec: str, complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        parse_nic(spec)


def test_the_same_spec_has_the_same_mac_and_another_has_another() -> None:
    assert parse_nic("tap:t0,ip=10.0.0.2/24").mac == parse_nic("tap:t0,ip=10.0.0.2/24").mac
    assert parse_nic("tap:t0,ip=10.0.0.2/24").mac != parse_nic("tap:t0,ip=10.0.0.3/24").mac
    assert parse_nic("tap:t0").mac != parse_nic("tap:t1").mac


def test_the_derived_mac_is_unicast_and_locally_administered() -> None:
    first = int(parse_nic("tap:t0").mac[:2], 16)
    assert not first & 1
    assert first & 2


def test_guest_line_leaves_unset_fields_empty() -> None:
    assert guest_line(Nic("tap", "t0", mac="52:54:00:00:00:01")) == "52:54:00:00:00:01|||"
    nic = Nic("tap", "t0", mac="52:54:00:00:00:01", addresses=("10.0.0.2/24", "fd00::2/64"), mtu=1500, rxe=True)
    assert guest_line(nic) == "52:54:00:00:00:01|10.0.0.2/24,fd00::2/64|1500|1"


def test_backends() -> None:
    def backend(spec: str) -> str:
        return " ".join(qemu_arguments(parse_nic(spec), 3)[:-2])

    assert backend("tap:t0") == "-netdev tap,id=nic3,ifname=t0,script=no,downscript=no"
    assert "local.path=/a,remote.type=unix,remote.path=/b" in backend("dgram:/a,/b")
    assert "server=on" in backend("stream-listen:/a")
    assert "server=off" in backend("stream-connect:/a")
    assert backend("vhost-user:/a,queues=2") == (
        "-chardev socket,id=nic3c,path=/a -netdev vhost-user,id=nic3,chardev=nic3c,queues=2"
    )


def test_offloads_are_off_unless_asked_for() -> None:
    assert "guest_csum=off" in qemu_arguments(parse_nic("tap:t0"), 0)[-1]
    assert "csum" not in qemu_arguments(parse_nic("tap:t0,offload"), 0)[-1]
    assert "csum" not in qemu_arguments(parse_nic("vhost-user:/a"), 0)[-1]


def test_vectors() -> None:
    assert "vectors=0" in qemu_arguments(parse_nic("vhost-user:/a"), 0)[-1]
    assert "mq=on,vectors=10" in qemu_arguments(parse_nic("tap:t0,queues=4"), 0)[-1]
