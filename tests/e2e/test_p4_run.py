"""A capture goes through a P4 program, and tshark reads what comes out.

scapy --> tenant.pcap @1 --> dpu-emu p4 run vxlan_gateway.p4 --> out.pcapng --> tshark
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

P4 = Path(__file__).parents[2] / "p4"
LOCAL, REMOTE = "02:00:00:00:00:a1", "02:00:00:00:00:af"
ENTRIES = """
add port_segment port:1 vid:0 segment(vni:100)
add forward vni:100 mac:0x0200000000af to_remote(port:10, remote:0x0a000002)
add remote_vtep remote:0x0a000002 tunnel(smac:0x020000001001, dmac:0x0200000010fe, src:0x0a000001)
"""
ROUTES = """
add router_mac 1 hdr.ethernet.dst:0x0200000000af accept_frame()
add ipv4_lpm hdr.ipv4.dst:0x0a000000/8 route(port:3, dmac:0x020000000101, smac:0x020000000201)
"""


def run_program(program: str, entries: str, frames: list[Ether], folder: Path) -> Path:
    """Return the capture of what a program makes of frames at port 1."""
    (folder / "entries.stf").write_text(entries)
    for number, frame in enumerate(frames):
        frame.time = 1000 + number / 1000
    wrpcap(str(folder / "in.pcap"), frames)
    out = folder / "out.pcapng"
    command = [sys.executable, "-m", "control_plane.cli", "p4", "run", P4 / program, "--in", f"{folder}/in.pcap@1"]
    done = subprocess.run(
        [*map(str, command), "--out", str(out), "--entries", str(folder / "entries.stf")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return out


def fields(capture: Path, *names: str) -> list[list[str]]:
    """Return what tshark says of each frame, checksums checked."""
    command = ["tshark", "-r", str(capture), "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "occurrence=f"]
    for name in names:
        command += ["-e", name]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [line.split("\t") for line in said.splitlines()]


def test_tshark_sees_the_tunnel_and_the_frames_within(require_peer: Callable[..., None], tmp_path: Path) -> None:
    require_peer("tshark")
    frames = [
        Ether(src=LOCAL, dst=REMOTE) / IP(src="192.168.0.1", dst="192.168.0.2") / ICMP(id=7, seq=n) / bytes(40)
        for n in range(5)
    ]
    out = run_program("vxlan_gateway.p4", ENTRIES, frames, tmp_path)
    got = fields(out, "ip.dst", "udp.dstport", "vxlan.vni", "icmp.seq", "ip.checksum.status", "frame.time_epoch")
    assert [row[:5] for row in got] == [["10.0.0.2", "4789", "100", str(n), "1"] for n in range(5)]
    assert [float(row[5]) for row in got] == [1000 + n / 1000 for n in range(5)]
    said = subprocess.run(["tshark", "-r", str(out), "-V"], capture_output=True, check=True, text=True).stdout
    assert said.count("Virtual eXtensible Local Area Network") == 5
    assert "Malformed" not in said


def test_tshark_sees_what_a_router_changes(require_peer: Callable[..., None], tmp_path: Path) -> None:
    require_peer("tshark")
    frames = [Ether(src=LOCAL, dst=REMOTE) / IP(dst=f"{n}.0.0.9", ttl=20 + n) / UDP(sport=5) for n in range(9, 12)]
    out = run_program("l3.p4", ROUTES, frames, tmp_path)
    assert fields(out, "eth.dst", "eth.src", "ip.dst", "ip.ttl", "ip.checksum.status") == [
        ["02:00:00:00:01:01", "02:00:00:00:02:01", "10.0.0.9", "29", "1"]
    ]
