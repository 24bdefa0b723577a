"""Packets between bytes and numbers, for ``rdma_verbs.wire``."""

from typing import Any

from datapath import _native as _dp
from rdma_verbs._roce_cffi import ffi, lib

# struct roce_pkt as parsed; `imm` is also the R_Key of an IETH and an FETH.
PACKET_FIELDS = (
    "opcode", "bth_flags", "tos", "ttl", "pkey", "dqpn", "psn", "sport", "ip_id", "flow_label", "qkey", "sqpn",
    "xrc_srqn", "va", "rkey", "dma_len", "swap_add", "compare", "syndrome", "msn", "imm",
    "sack_psn", "ce_bytes", "sack",
)  # fmt: skip


_WORD = (1 << 64) - 1


def _number(field: Any) -> int:
    """Return a field; an array of 64-bit words as one number, its first word the lowest."""
    return field if isinstance(field, int) else sum(word << 64 * i for i, word in enumerate(field))


def enum_values(name: str) -> dict[str, int]:
    """Return the members of ``enum name`` in their order."""
    return dict(ffi.typeof(f"enum {name}").relements)


def opcode_table() -> dict[int, tuple[str, int, int, int]]:
    """Return name, ``enum roce_hdr``, ``enum roce_opf`` and length of the headers of each valid opcode."""
    rows = ((opcode, lib.roce_opcode_info(opcode)) for opcode in range(256))
    return {
        opcode: (ffi.string(row.name).decode(), row.hdrs, row.flags, row.hdr_len) for opcode, row in rows if row.name
    }


def _frame(ip: bytes) -> tuple[Any, Any]:
    """Return a frame over the bytes of an IP packet, and what must live as long as it."""
    frame = ffi.new("struct dp_frame *")
    l3_len = min(48 if ip[:1] and ip[0] >> 4 == 6 else 28, len(ip))
    data = ffi.from_buffer("uint8_t[]", ip[l3_len:])
    ffi.memmove(frame.l3, ip, l3_len)
    frame.l3_len, frame.data, frame.len = l3_len, data, len(data)
    frame.flags = lib.DP_FRAME_ID_KNOWN | lib.DP_FRAME_TTL_KNOWN
    return frame, data


def wire_parse(ip: bytes, check_icrc: bool) -> tuple[str, dict[str, int], bytes, bytes, bytes]:
    """Return the reason for a drop (or ""), then PACKET_FIELDS, source and destination GID, and payload."""
    frame, alive = _frame(ip)
    packet, solved = ffi.new("struct roce_pkt *"), ffi.new("bool *")
    reason = lib.roce_wire_parse(frame, packet)
    if reason == lib.ROCE_DROP_NONE and check_icrc and not lib.roce_wire_icrc_ok(frame, True, solved):
        reason = lib.ROCE_DROP_BAD_ICRC
    if reason != lib.ROCE_DROP_NONE:
        return ffi.string(lib.roce_drop_name(reason)).decode(), {}, b"", b"", b""
    payload = bytes(ffi.buffer(packet.iov[0].iov_base, packet.len)) if packet.len else b""
    del alive
    return (
        "",
        {name: _number(getattr(packet, name)) for name in PACKET_FIELDS},
        bytes(packet.sgid.b),
        bytes(packet.dgid.b),
        payload,
    )


def wire_build(fields: dict[str, int], sgid: bytes, dgid: bytes, payload: bytes) -> bytes:
    """Return a sealed IP packet; the inverse of ``wire_parse``."""
    sack = fields.pop("sack")
    packet = ffi.new("struct roce_pkt *", fields)
    packet.sack = [sack >> shift & _WORD for shift in range(0, lib.ROCE_SACK_BITS, 64)]
    packet.sgid.b, packet.dgid.b = sgid, dgid
    alive = ffi.from_buffer(payload)
    packet.iov[0].iov_base, packet.iov[0].iov_len = alive, len(payload)
    packet.niov, packet.len = 1, len(payload)
    frame = ffi.new("struct dp_frame *")
    data = ffi.new("uint8_t[]", lib.ROCE_WIRE_HDR_MAX + len(payload) + 3 + lib.ROCE_ICRC_BYTES)
    frame.data, frame.cap = data, len(data)
    _dp.check(lib.roce_wire_build(packet, frame), f"packet of opcode {packet.opcode:#x} and {len(payload)} bytes")
    lib.roce_wire_seal(frame)
    return bytes(ffi.buffer(frame.l3, frame.l3_len)) + bytes(ffi.buffer(data, frame.len))


def wire_icrc(ip: bytes) -> int | None:
    """Return the ICRC that an IP packet should have; None when it is too short for one."""
    frame, alive = _frame(ip)
    short = frame.l3_len not in (28, 48) or frame.len < lib.ROCE_BTH_BYTES + lib.ROCE_ICRC_BYTES
    icrc = None if short else int(lib.roce_wire_icrc(frame))
    del alive
    return icrc
