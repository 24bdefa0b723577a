"""The live switch of ``csrc/bridge_live.h``, for ``fabric/live.py``."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from datapath.errors import from_errno
from dpu_emu._emu_cffi import ffi, lib
from dpu_emu._native import fill, numbers

__all__ = ["Bridge"]

_ERROR_BYTES = 300


class Bridge:
    """A running switch; closed once, from any thread."""

    def __init__(
        self,
        cfg: Mapping[str, Any],
        paths: Sequence[tuple[bytes, bytes]],
        *,
        dilation: int,
        capture: bytes | None,
        snaplen: int,
    ) -> None:
        """Start it: parameters of ``struct emu_bridge_cfg``, and of each port the path here and the one there.

        Raises:
            CallerError: an illegal parameter.
            DpuError: a path cannot be bound, a file cannot be written.
        """
        raw = ffi.new("struct emu_bridge_live_cfg *", {"dilation": dilation, "snaplen": snaplen})
        fill(raw.bridge, cfg, "switch")
        kept = [[ffi.new("char[]", pair[i]) for pair in paths] for i in range(2)]
        raw.local_paths, raw.remote_paths = (arrays := [ffi.new("char *[]", side) for side in kept])
        name = ffi.new("char[]", capture or b"")
        raw.pcap_path = name
        error = ffi.new("char[]", _ERROR_BYTES)
        self._raw = lib.emu_bridge_live_start(raw, error, _ERROR_BYTES)
        del arrays
        if not self._raw:
            code = ffi.errno
            words = ffi.string(error).decode() or f"switch: {os.strerror(code)}"
            raise type(from_errno(code, ""))(words, code)
        self._last: dict[str, dict[str, Any]] = {}

    def set_address(self, mac: bytes, port: int) -> None:
        """Let an address be known to be at a port."""
        code = lib.emu_bridge_live_set_address(self._raw, mac, port)
        if code:
            raise from_errno(code, f"switch: address {mac.hex(':')} at port {port}")

    def stats(self) -> dict[str, dict[str, Any]]:
        """Return ``struct emu_bridge_live_stats``, ``emu_bridge_stats`` and ``dp_tm_stats``; of the end once closed."""
        if self._raw:
            own, bridge, tm = (
                ffi.new(f"struct {name} *") for name in ("emu_bridge_live_stats", "emu_bridge_stats", "dp_tm_stats")
            )
            lib.emu_bridge_live_get_stats(self._raw, own, bridge, tm)
            self._last = {"live": numbers(own), "bridge": numbers(bridge), "tm": numbers(tm)}
        return self._last

    def close(self) -> None:
        """Stop it and free its paths."""
        if self._raw:
            self.stats()
            raw, self._raw = self._raw, None
            lib.emu_bridge_live_stop(raw)
