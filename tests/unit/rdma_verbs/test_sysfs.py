"""The device's files: what they say, that links lead somewhere, that counters are the engine's."""

import os
import re
import stat
from pathlib import Path

import pytest

from rdma_verbs.agent.rundir import Address
from rdma_verbs.counters import counter_aliases, counter_names
from rdma_verbs.ibverbs.sysfs import Seat, counter_table, gid_text, guid_text, node_guid, picture, write_picture

SEAT = Seat(Address("127.13.1.1"), "lo", 4, rdma_cm=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_picture(picture(SEAT), tmp_path / "root")
    return tmp_path / "root"


def test_addresses_become_gids_and_guids() -> None:
    v4, v6 = Address("10.1.2.3"), Address("2001:db8::12:3456")
    assert gid_text(v4.gid) == "0000:0000:0000:0000:0000:ffff:0a01:0203"
    assert gid_text(v6.gid) == "2001:0db8:0000:0000:0000:0000:0012:3456"
    assert guid_text(node_guid(v4)) == "0000:0aff:fe01:0203"
    assert guid_text(node_guid(v6)) == "0000:0000:0012:3456"


def test_device_is_where_programs_look(root: Path) -> None:
    device = root / "sys/class/infiniband/dpu0"
    port = device / "ports/1"
    said = {
        name: (port / name).read_text(encoding="ascii")
        for name in ("state", "phys_state", "link_layer", "rate", "lid", "gids/0", "gid_attrs/types/0", "pkeys/0")
    }
    assert said == {
        "state": "4: ACTIVE\n",
        "phys_state": "5: LinkUp\n",
        "link_layer": "Ethernet\n",
        "rate": "100 Gb/sec (4X EDR)\n",
        "lid": "0x0\n",
        "gids/0": "0000:0000:0000:0000:0000:ffff:7f0d:0101\n",
        "gid_attrs/types/0": "RoCE v2\n",
        "pkeys/0": "0xffff\n",
    }
    assert (device / "device/numa_node").read_text() == "-1\n"
    assert [path.name for path in (device / "device/net").iterdir()] == ["lo"]
    assert (root / "sys/class/infiniband_verbs/uverbs0/ibdev").read_text() == "dpu0\n"
    assert list((root / "sys/class/infiniband_mad").iterdir()) == []


def test_without_a_connection_manager_there_is_no_net_folder() -> None:
    assert not [path for path in picture(Seat(SEAT.address)).links if "/net/" in path]


def test_every_link_leads_somewhere(root: Path) -> None:
    links = [Path(folder) / name for folder, subs, names in os.walk(root) for name in subs + names]
    links = [path for path in links if path.is_symlink()]
    assert len(links) == len(picture(SEAT).links)
    for link in links:
        target = str(link.readlink())
        if target.startswith("/"):
            assert target.startswith(("/sys/class/net/", "/sys/bus/"))
        else:
            assert link.resolve(strict=True).is_relative_to(root), link


def test_files_are_as_in_sysfs(root: Path) -> None:
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) in (0o444, 0o666)
            assert path.name in ("uverbs0", "counters", "qp_counters") or path.read_text().endswith("\n")
    node = (root / "dev/infiniband/uverbs0").stat()
    assert stat.S_ISCHR(node.st_mode) or stat.S_ISREG(node.st_mode)
    assert stat.S_IMODE(node.st_mode) == 0o666


@pytest.mark.parametrize(
    ("cpus", "mask", "text"),
    [(1, "1", "0"), (4, "f", "0-3"), (32, "ffffffff", "0-31"), (40, "000000ff,ffffffff", "0-39")],
)
def test_processors_are_a_mask_and_a_list(cpus: int, mask: str, text: str) -> None:
    files = picture(Seat(Address("127.13.1.1"), cpus=cpus)).files
    home = "sys/devices/virtual/dpu_emu/dpu0"
    assert (files[f"{home}/local_cpus"], files[f"{home}/local_cpulist"]) == (f"{mask}\n", f"{text}\n")


def test_every_counter_has_a_file_and_every_file_a_recipe(root: Path) -> None:
    port = root / "sys/class/infiniband/dpu0/ports/1"
    lines = [line.split(" ") for line in counter_table().splitlines()[1:]]
    assert sorted(line[0] for line in lines) == sorted(
        str(path.relative_to(port)) for kind in ("counters", "hw_counters") for path in (port / kind).iterdir()
    )
    for _, divisor, *terms in lines:
        assert int(divisor) > 0
        assert all(re.fullmatch(r"[+-]\d+", term) and int(term[1:]) < len(counter_names()) for term in terms)
    hardware = {line[0].removeprefix("hw_counters/") for line in lines if line[0].startswith("hw_")}
    told = {name for name in counter_names() if "_prio" not in name} | set(counter_aliases())
    assert told - hardware == {"drop_none", "multicast_xmit_packets", "multicast_rcv_packets"}
    assert hardware - told == set()


def test_recipes_add_what_they_are_named_for() -> None:
    table = {line.split(" ")[0]: line.split(" ")[1:] for line in counter_table().splitlines()[1:]}
    names = counter_names()

    def terms(path: str) -> tuple[int, list[str]]:
        divisor, *signed = table[path]
        return int(divisor), [term[0] + names[int(term[1:])] for term in signed]

    assert terms("counters/port_xmit_data") == (4, [f"+tx_prio{n}_bytes" for n in range(8)])
    assert terms("counters/unicast_rcv_packets")[1][-2:] == ["+rx_prio7_packets", "-multicast_rcv_packets"]
    assert terms("hw_counters/out_of_sequence") == (1, ["+out_of_seq_request"])
    assert terms("hw_counters/sent_pkts") == (1, ["+sent_pkts"])
    assert terms("counters/symbol_error") == (1, [])


def test_pictures_of_different_nodes_differ() -> None:
    digests = {picture(Seat(Address(f"127.13.1.{n}"))).digest for n in (1, 2)}
    assert len(digests) == 2
    assert picture(SEAT).digest == picture(SEAT).digest != picture(Seat(SEAT.address, "eth0", 4)).digest
