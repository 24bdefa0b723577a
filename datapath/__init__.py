"""Frames, ports and packet processing: the bottom layer of dpu-emu."""

from datapath.errors import CallerError, DpuError, PeerError

__all__ = ["CallerError", "DpuError", "PeerError"]
