"""The device's files as Linux would show them: ``/sys/class/infiniband/dpu0`` and what belongs to it.

``picture()`` says which files there are, links and values, by their usual paths; ``write_picture()`` makes a folder
that holds them, and in which ``libdpu_redirect.so`` looks instead of in ``/sys`` and ``/dev``. A virtual device::

    /sys/class/infiniband/dpu0          -> /sys/devices/virtual/dpu_emu/dpu0/infiniband/dpu0
    /sys/class/infiniband_verbs/uverbs0 -> /sys/devices/virtual/dpu_emu/dpu0/infiniband_verbs/uverbs0
    .../dpu0/{infiniband/dpu0,infiniband_verbs/uverbs0}/device -> /sys/devices/virtual/dpu_emu/dpu0

Names and formats are those of the kernel's documentation, ``Documentation/ABI/stable/sysfs-class-infiniband``. A
counter's value is made when its file is opened; how, says a table at the root (``counter_table()``).
"""

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from datapath.build import build
from rdma_verbs.agent.left import LEFT_NAME
from rdma_verbs.agent.rundir import Address
from rdma_verbs.counters import counter_aliases, counter_names, qp_counter_names

__all__ = [
    "COUNTER_TABLE",
    "DEVICE",
    "FIRMWARE",
    "GID_TABLE",
    "QP_COUNTER_NAMES",
    "Picture",
    "Seat",
    "counter_table",
    "gid_text",
    "guid_text",
    "node_guid",
    "picture",
    "write_picture",
]

DEVICE = "dpu0"
FIRMWARE = build().version
GID_TABLE = 16
"""Places in the port's GID table, as the library tells it (``VB_GID_TABLE``); the node's address is the first."""
COUNTER_TABLE = "counters"
QP_COUNTER_NAMES = "qp_counters"  # for the tool rdma: names of the counters in a queue pair's row
_HOME = f"sys/devices/virtual/dpu_emu/{DEVICE}"
_IB = f"{_HOME}/infiniband/{DEVICE}"
_PORT = f"{_IB}/ports/1"
_UVERBS = f"{_HOME}/infiniband_verbs/uverbs0"


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a device sits: the address of its node, the network interface that has the address, processors."""

    address: Address
    netdev: str = "lo"
    cpus: int = 1
    rdma_cm: bool = False
    """Whether the RDMA connection manager serves the device: programs take ``device/net`` for the sign of it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Files with their text, symbolic links with their targets, character devices, empty folders; by relative path."""

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change with the content."""
        content = repr((sorted(self.files.items()), sorted(self.links.items()), self.devices, self.folders))
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def node_guid(address: Address) -> int:
    """Return the GUID of the device, as the library tells it: the EUI-64 of MAC address 02:00:a:b:c:d for IPv4.

    Of an IPv6 address it is the interface identifier.
    """
    raw = address.gid
    v4 = raw.startswith(bytes(10) + b"\xff\xff")
    return int.from_bytes(bytes((0, 0, raw[12], 0xFF, 0xFE, *raw[13:16])) if v4 else raw[8:], "big")


def guid_text(guid: int) -> str:
    """Return a GUID as sysfs prints it: ``0200:7fff:fe00:0001``."""
    return ":".join(f"{guid >> shift & 0xFFFF:04x}" for shift in (48, 32, 16, 0))


def gid_text(raw: bytes) -> str:
    """Return a GID as sysfs prints it: eight groups, nothing left out."""
    return ":".join(raw[i : i + 2].hex() for i in range(0, 16, 2))


# ---- counters: each the sum of some of the engine's, divided ----

_TX_BYTES = [f"tx_prio{n}_bytes" for n in range(8)]
_RX_BYTES = [f"rx_prio{n}_bytes" for n in range(8)]
_TX_PACKETS = [f"tx_prio{n}_packets" for n in range(8)]
_RX_PACKETS = [f"rx_prio{n}_packets" for n in range(8)]

# Linux's counters of every port: name, divisor, what is added and (with "-") taken away. Data is in 4-byte words
# (IBTA vol 1, 16.1.3.5); without terms: nothing here happens that it could count.
_PORT_COUNTERS: list[tuple[str, int, list[str]]] = [
    ("port_xmit_data", 4, _TX_BYTES),
    ("port_rcv_data", 4, _RX_BYTES),
    ("port_xmit_packets", 1, _TX_PACKETS),
    ("port_rcv_packets", 1, _RX_PACKETS),
    ("unicast_xmit_packets", 1, [*_TX_PACKETS, "-multicast_xmit_packets"]),
    ("unicast_rcv_packets", 1, [*_RX_PACKETS, "-multicast_rcv_packets"]),
    ("multicast_xmit_packets", 1, ["multicast_xmit_packets"]),
    ("multicast_rcv_packets", 1, ["multicast_rcv_packets"]),
    ("port_rcv_errors", 1, ["drop_truncated", "drop_bad_tver", "drop_bad_opcode", "drop_bad_pad", "drop_bad_icrc"]),
    ("port_xmit_discards", 1, ["send_err"]),
    ("link_downed", 1, ["link_downed"]),
    ("link_error_recovery", 1, []),
    ("local_link_integrity_errors", 1, []),
    ("excessive_buffer_overrun_errors", 1, []),
    ("port_rcv_constraint_errors", 1, ["drop_bad_pkey"]),
    ("port_xmit_constraint_errors", 1, []),
    ("port_rcv_remote_physical_errors", 1, []),
    ("port_rcv_switch_relay_errors", 1, []),
    ("port_xmit_wait", 1, []),
    ("symbol_error", 1, []),
    ("VL15_dropped", 1, []),
]


def _sources() -> dict[str, tuple[int, list[str]]]:
    """Every counter file below ``ports/1``, with its divisor and its terms."""
    hardware = [n for n in counter_names() if n != "drop_none" and "_prio" not in n and not n.startswith("multicast_")]
    found = {f"counters/{name}": (divisor, terms) for name, divisor, terms in _PORT_COUNTERS}
    found |= {f"hw_counters/{name}": (1, [name]) for name in hardware if name != "link_downed"}
    found |= {f"hw_counters/{name}": (1, [of]) for name, of in counter_aliases().items()}
    return found | {"hw_counters/link_downed": (1, ["link_downed"])}


def counter_table() -> str:
    """Return how values are made, a line for each file: its path below ``ports/1``, divisor, ``+N`` or ``-N`` ...

    N is the place of a counter among those that a process's engine keeps in the node's shared memory. The first line
    names the file that has their sums while the node has no agent.
    """
    index = {name: i for i, name in enumerate(counter_names())}
    lines = [f"left {LEFT_NAME}"]
    for path, (divisor, terms) in _sources().items():
        signed = [f"{'-' if t.startswith('-') else '+'}{index[t.removeprefix('-')]}" for t in terms]
        lines.append(" ".join([path, str(divisor), *signed]))
    return "\n".join(lines) + "\n"


# ---- the picture ----


def _mask(cpus: int) -> str:
    """A mask of the first processors as sysfs prints it: groups of 32 bits."""
    groups = [f"{(1 << cpus) - 1 >> shift & 0xFFFFFFFF:08x}" for shift in range(0, max(cpus, 1), 32)]
    first, *others = reversed(groups)
    return ",".join([f"{int(first, 16):x}" if not others else first, *others])


def picture(seat: Seat) -> Picture:
    """Return the files of the device of a node."""
    guid = guid_text(node_guid(seat.address))
    files = {
        "sys/class/infiniband_verbs/abi_version": "6",
        f"{_HOME}/vendor": "0xffff",
        f"{_HOME}/device": "0x0001",
        f"{_HOME}/subsystem_vendor": "0xffff",
        f"{_HOME}/subsystem_device": "0x0001",
        f"{_HOME}/class": "0x020700",
        f"{_HOME}/revision": "0x00",
        f"{_HOME}/numa_node": "-1",
        f"{_HOME}/local_cpus": _mask(seat.cpus),
        f"{_HOME}/local_cpulist": f"0-{seat.cpus - 1}" if seat.cpus > 1 else "0",
        f"{_HOME}/uevent": "DRIVER=dpu_emu",
        f"{_UVERBS}/abi_version": "1",
        f"{_UVERBS}/dev": "231:192",
        f"{_UVERBS}/ibdev": DEVICE,
        f"{_UVERBS}/uevent": "MAJOR=231\nMINOR=192\nDEVNAME=infiniband/uverbs0",
        f"{_IB}/board_id": "DPU_EMU_0001",
        f"{_IB}/fw_ver": FIRMWARE,
        f"{_IB}/hca_type": "dpu_emu",
        f"{_IB}/hw_rev": "0",
        f"{_IB}/node_desc": f"dpu-emu {seat.address.text}",
        f"{_IB}/node_guid": guid,
        f"{_IB}/node_type": "1: CA",
        f"{_IB}/sys_image_guid": guid,
        f"{_IB}/uevent": f"NAME={DEVICE}",
        f"{_PORT}/cap_mask": "0x04010000",
        f"{_PORT}/gid_attrs/ndevs/0": seat.netdev,
        f"{_PORT}/gid_attrs/types/0": "RoCE v2",
        f"{_PORT}/gids/0": gid_text(seat.address.gid),
        f"{_PORT}/lid": "0x0",
        f"{_PORT}/lid_mask_count": "0",
        f"{_PORT}/link_layer": "Ethernet",
        f"{_PORT}/phys_state": "5: LinkUp",
        f"{_PORT}/pkeys/0": "0xffff",
        f"{_PORT}/rate": "100 Gb/sec (4X EDR)",
        f"{_PORT}/sm_lid": "0x0",
        f"{_PORT}/sm_sl": "0",
        f"{_PORT}/state": "4: ACTIVE",
    }
    files |= {f"{_PORT}/gids/{index}": gid_text(bytes(16)) for index in range(1, GID_TABLE)}
    files |= {f"{_PORT}/{path}": "0" for path in _sources()}
    files = {path: f"{text}\n" for path, text in files.items()}
    files[COUNTER_TABLE] = counter_table()
    files[QP_COUNTER_NAMES] = "".join(f"{name}\n" for name in qp_counter_names())
    links = {
        f"sys/class/infiniband/{DEVICE}": f"../../devices/virtual/dpu_emu/{DEVICE}/infiniband/{DEVICE}",
        "sys/class/infiniband_verbs/uverbs0": f"../../devices/virtual/dpu_emu/{DEVICE}/infiniband_verbs/uverbs0",
        f"{_HOME}/subsystem": "/sys/bus/platform",
        f"{_IB}/device": f"../../../{DEVICE}",
        f"{_IB}/subsystem": "../../../../../../class/infiniband",
        f"{_UVERBS}/device": f"../../../{DEVICE}",
        f"{_UVERBS}/subsystem": "../../../../../../class/infiniband_verbs",
    }
    if seat.rdma_cm:
        links[f"{_HOME}/net/{seat.netdev}"] = f"/sys/class/net/{seat.netdev}"
    return Picture(files, links, ("dev/infiniband/uverbs0",), ("sys/class/infiniband_mad",))


def _make_device(path: Path) -> None:
    """A character device that nobody needs rights for (0:0, Linux 5.8) where that works, else a file.

    Its type is what readdir() tells; what stat() tells is the redirecting library's matter.
    """
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(0, 0))
    except OSError:
        path.write_text("", encoding="ascii")
    path.chmod(0o666)


def write_picture(what: Picture, folder: Path) -> None:
    """Make the new folder ``folder`` with these files."""
    folder.mkdir(mode=0o700)
    for name in what.folders:
        (folder / name).mkdir(parents=True)
    for name, text in what.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o444)
    for name, target in what.links.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            path.symlink_to(target)
    for name in what.devices:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_device(path)
