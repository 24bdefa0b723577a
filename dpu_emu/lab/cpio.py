"""Write cpio archives in the "newc" format, which Linux unpacks as an initramfs.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of the Linux
sources. Several archives may follow one another in one initramfs; later entries
of the same name win, so a guest's own files go last.
"""

import stat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

_MAGIC = b"070701"
_BLOCK = 512


class CpioWriter:
    """Writes one archive to a binary stream; the first entry of a path wins.

    Parent directories are made as needed. Paths are absolute in the guest, with
    or without the leading slash. ``close`` (or leaving the context without an
    exception) writes the trailer; the stream stays open.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._inode = 0
        self._written = 0
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None:
            self.close()

    def __contains__(self, path: str) -> bool:
        return path.strip("/") in self._seen

    def directory(self, path: str) -> None:
        """Add a directory and its parents, each once."""
        parts = path.strip("/").split("/")
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            if prefix and prefix not in self._seen:
                self._seen.add(prefix)
                self._entry(prefix, stat.S_IFDIR | 0o755)

    def data(self, path: str, content: bytes, mode: int = 0o644, mtime_s: int = 0) -> None:
        """Add a regular file with this content."""
        if name := self._claim(path):
            self._entry(name, stat.S_IFREG | mode, content, mtime_s=mtime_s)

    def copy(self, path: str, source: Path) -> None:
        """Add a file of this machine, following links, readable by all, with its time."""
        info = source.stat()
        self.data(path, source.read_bytes(), stat.S_IMODE(info.st_mode) | 0o444, int(info.st_mtime))

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        if name := self._claim(path):
            self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, path: str, major: int, minor: int, mode: int = 0o600) -> None:
        """Add a character device node."""
        if name := self._claim(path):
            self._entry(name, stat.S_IFCHR | mode, device=(major, minor))

    def close(self) -> None:
        """Write the trailer and pad the archive to a whole block."""
        self._entry("TRAILER!!!", 0)
        self._write(b"\0" * (-self._written % _BLOCK))

    def _claim(self, path: str) -> str:
        """Return the normal form of a new path with its parents added, or "" if it exists."""
        name = path.strip("/")
        if name in self._seen:
            return ""
        self.directory(name.rpartition("/")[0])
        self._seen.add(name)
        return name

    def _entry(
        self, name: str, mode: int, content: bytes = b"", *, mtime_s: int = 0, device: tuple[int, int] = (0, 0)
    ) -> None:
        self._inode += 1
        encoded = name.encode() + b"\0"
        # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
        fields = (self._inode, mode, 0, 0, 1, mtime_s, len(content), 0, 0, *device, len(encoded), 0)
        self._write(_MAGIC + b"".join(b"%08x" % field for field in fields) + encoded)
        self._write(b"\0" * (-self._written % 4))
        self._write(content)
        self._write(b"\0" * (-self._written % 4))

    def _write(self, chunk: bytes) -> None:
        self._out.write(chunk)
        self._written += len(chunk)
