"""A pcapng capture of any port."""

import os
from dataclasses import dataclass

from datapath import _native
from datapath.port.base import Port

__all__ = ["Capture", "CapturePort"]


@dataclass(frozen=True, slots=True)
class Capture:
    """A pcapng file of all frames that pass, as Ethernet frames with nanosecond times."""

    path: str | os.PathLike[str]
    unix_ns: int = 0
    """The time of the port's own 0, added to every frame's."""
    snaplen: int = 0
    """Bytes kept of each frame; 0: all."""
    name: str = ""
    """What the file calls the interface."""

    def around(self, port: Port) -> "CapturePort":
        """Return ``port`` with this capture.

        Raises:
            OSError: the file cannot be made.
        """
        return CapturePort(port, self)


class CapturePort(Port):
    """A port that writes what passes into a file."""

    def __init__(self, inner: Port, capture: Capture) -> None:
        path = os.fspath(capture.path)
        inner.check_free()
        raw = _native.pcap_new(inner.handle, path, capture.unix_ns, capture.snaplen, capture.name)
        super().__init__(raw, inner)
        self.path = path

    def flush(self) -> None:
        """Write out what is buffered.

        Raises:
            OSError: the capture has ended, because the file could not be written. The traffic goes on.
        """
        with self.guard():
            code = -_native.pcap_flush(self.handle)
        if code:
            raise OSError(code, os.strerror(code), self.path)

    @property
    def frames(self) -> int:
        """Frames captured."""
        return _native.pcap_frames(self.handle)[0]

    @property
    def lost(self) -> int:
        """Frames not captured, because the capture had ended."""
        return _native.pcap_frames(self.handle)[1]
