import gc
import socket
from pathlib import Path
from typing import Any

import pytest

from datapath.errors import CallerError, DpuError
from datapath.port import DgramPort, Faults


def port(folder: Path, **changes: Any) -> DgramPort:
    options = {"local": folder / "a", "remote": folder / "b", "addresses": ["10.0.0.1"], **changes}
    return DgramPort(**options)


def test_a_port_binds_its_path_and_removes_it(tmp_path: Path) -> None:
    made = port(tmp_path, addresses=["10.0.0.1", "fd00::1"], mtu=4300, vlan=7)
    assert (tmp_path / "a").is_socket()
    assert (made.mtu, made.local, made.remote) == (4300, str(tmp_path / "a"), str(tmp_path / "b"))
    assert [str(ip) for ip in made.addresses] == ["10.0.0.1", "fd00::1"]
    assert (made.stats()["tx_frames"], made.neighbour_stats()["requests"], made.stats()["neigh_replies"]) == (0, 0, 0)
    del made
    gc.collect()
    assert not (tmp_path / "a").exists()


def test_the_default_mac_depends_on_the_first_address_alone(tmp_path: Path) -> None:
    first = port(tmp_path, addresses=["10.0.0.1"]).mac
    assert port(tmp_path, addresses=["10.0.0.1", "10.0.0.9"], mtu=9000).mac == first
    assert port(tmp_path, addresses=["10.0.0.2"]).mac != first
    assert int(first[:2], 16) & 3 == 2, "locally administered, of a single station"
    assert port(tmp_path, mac="52:54:00:AB:cd:ef").mac == "52:54:00:ab:cd:ef"


LONG = "x" * 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"local": ""}, "path '' has 0 bytes"),
        ({"local": f"/tmp/{LONG}"}, "has 205 bytes, not 1 to 107"),
        ({"remote": f"/tmp/{LONG}"}, "has 205 bytes, not 1 to 107"),
        ({"remote": "/tmp/a\0b"}, "without a 0"),
        ({"addresses": []}, "0 addresses, not 1 to 16"),
        ({"addresses": ["10.0.0.1", "10.0.0.1"]}, "2 addresses, not 1 to 16 different"),
        ({"addresses": [f"10.0.0.{i}" for i in range(17)]}, "17 addresses"),
        ({"addresses": ["10.0.0.256"]}, "10.0.0.256"),
        ({"addresses": ["224.0.0.1"]}, "224.0.0.1 is not one of a single station"),
        ({"addresses": ["255.255.255.255"]}, "255.255.255.255 is not one of a single"),
        ({"addresses": ["::"]}, ":: is not one of a single station"),
        ({"addresses": ["::ffff:10.0.0.1"]}, "not a plain IPv4 or IPv6"),
        ({"addresses": ["fe80::1%eth0"]}, "not a plain IPv4 or IPv6"),
        ({"mac": "52:54:00:00:00"}, "mac '52:54:00:00:00' is not six pairs"),
        ({"mac": "53:54:00:00:00:01"}, "53:54:00:00:00:01 is not one of a single station"),
        ({"mac": "00:00:00:00:00:00"}, "is not one of a single station"),
        ({"mtu": 575}, "mtu 575 is not within 576 and 9216"),
        ({"mtu": 9217}, "mtu 9217"),
        ({"vlan": -1}, "vlan -1 is not within 0 and 4094"),
        ({"vlan": 4095}, "vlan 4095"),
        ({"max_neighbours": 0}, "max_neighbours 0"),
        ({"max_waiting": (1 << 20) + 1}, "max_waiting 1048577 is not within 1 and 1048576"),
    ],
)
def test_what_is_illegal_is_named(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(CallerError, match=said):
        port(tmp_path, **changes)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("changes", [{"mtu": 576}, {"mtu": 9216}, {"vlan": 0}, {"vlan": 4094}, {"max_waiting": 1}])
def test_limits_themselves_are_legal(changes: dict[str, Any], tmp_path: Path) -> None:
    port(tmp_path, **changes)


def test_the_longest_path_is_legal(tmp_path: Path) -> None:
    local = tmp_path / ("x" * (107 - len(str(tmp_path)) - 1))
    port(tmp_path, local=local)
    assert len(str(local)) == 107


def test_a_path_in_use_is_refused_and_a_stale_one_replaced(tmp_path: Path) -> None:
    first = port(tmp_path)
    with pytest.raises(DpuError, match=rf"{tmp_path}/a: Address already in use"):
        port(tmp_path)
    assert (tmp_path / "a").is_socket()
    del first
    gc.collect()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(tmp_path / "a"))
    port(tmp_path)


def test_a_file_or_a_missing_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(DpuError, match="Address already in use"):
        port(tmp_path)
    assert (tmp_path / "a").read_text() == "mine"
    with pytest.raises(CallerError, match="No such file"):
        port(tmp_path, local=tmp_path / "missing" / "a")


def test_it_is_wrapped_like_any_port(tmp_path: Path) -> None:
    base = port(tmp_path)
    assert Faults().around(base).inner is base
    with pytest.raises(CallerError, match="already belongs"):
        Faults().around(base)
    assert base.neighbour_stats()["requests"] == 0
