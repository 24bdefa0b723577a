"""Our PFC frames by others' eyes: scapy builds the same bytes, tshark reads the same pauses."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import scapy.contrib.mac_control
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from datapath._native import ffi, lib

MAC = bytes.fromhex("02000000000b")


def build(quanta: dict[int, int]) -> bytes:
    frame = ffi.new("uint8_t[]", lib.DP_PFC_FRAME_BYTES)
    pfc = ffi.new("struct dp_pfc *", {"src": list(MAC), "enabled": sum(1 << p for p in quanta)})
    for prio, value in quanta.items():
        pfc.quanta[prio] = value
    lib.dp_pfc_build(frame, pfc)
    return bytes(ffi.buffer(frame))


def parse(frame: bytes) -> dict[int, int] | None:
    pfc = ffi.new("struct dp_pfc *")
    if lib.dp_pfc_parse(frame, len(frame), MAC, pfc) != lib.DP_PFC_OK:
        return None
    return {prio: pfc.quanta[prio] for prio in range(8) if pfc.enabled >> prio & 1}


def by_scapy(quanta: dict[int, int]) -> bytes:
    fields: dict[str, Any] = {f"c{p}_enabled": 1 for p in quanta} | {
        f"c{p}_pause_time": value for p, value in quanta.items()
    }
    body = scapy.contrib.mac_control.MACControlClassBasedFlowControl(**fields)
    return bytes(Ether(dst="01:80:c2:00:00:01", src="02:00:00:00:00:0b") / body).ljust(60, b"\0")


def some_pauses(n: int) -> list[dict[int, int]]:
    rng = random.Random(7)
    return [{p: rng.choice((0, 1, 65535, rng.randrange(65536))) for p in rng.sample(range(8), k % 9)} for k in range(n)]


@pytest.mark.parametrize("quanta", some_pauses(40))
def test_scapy_builds_the_same_frames_and_we_read_its(quanta: dict[int, int]) -> None:
    assert build(quanta) == by_scapy(quanta)
    assert parse(by_scapy(quanta)) == quanta


def test_tshark_reads_the_same_pauses(tmp_path: Path) -> None:
    pauses = some_pauses(40)
    path = tmp_path / "pfc.pcap"
    wrpcap(str(path), [Ether(build(quanta)) for quanta in pauses])
    out = subprocess.run(["tshark", "-r", path, "-T", "json"], capture_output=True, check=True, text=True).stdout
    for packet, quanta in zip(json.loads(out), pauses, strict=True):
        layers = packet["_source"]["layers"]
        assert layers["eth"]["eth.dst"] == "01:80:c2:00:00:01"
        control = layers["macc"]
        assert int(control["macc.opcode"], 16) == 0x101
        text = json.dumps(control)
        for prio in range(8):
            assert f'"macc.cbfc.enbv.c{prio}": "{int(prio in quanta)}"' in text
            assert f'"macc.cbfc.pause_time.c{prio}": "{quanta.get(prio, 0)}"' in text
        assert "_ws.malformed" not in text
        assert "not_zero" not in text
