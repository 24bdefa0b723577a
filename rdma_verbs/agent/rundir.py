"""Where the agents of one user are found: a folder per node, named by network namespace and address.

``$XDG_RUNTIME_DIR/dpu-emu`` or ``/tmp/dpu-emu-<uid>``, ours alone (0700, no symlink, owner checked): whoever could
write there could hand out sockets in our name.
"""

import contextlib
import errno
import fcntl
import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from datapath.errors import CallerError

ROCE_PORT = 4791


@dataclass(frozen=True, slots=True)
class Address:
    """A node's IP address: its canonical text, and its 16 bytes (IPv4 as ::ffff:a.b.c.d)."""

    text: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return the address that ``text`` spells; a link-local one needs its interface (``fe80::1%eth0``).

        Raises:
            CallerError: not an IP address.
        """
        try:
            ip = ipaddress.ip_address(text)
        except ValueError:
            raise CallerError(f"node address {text!r}: not an IP address") from None
        # One node whichever way it is spelled; csrc/node_dir.c finds the same text.
        return cls(str((ip.version == 6 and ip.ipv4_mapped) or ip))

    @property
    def gid(self) -> bytes:
        """The address as a RoCEv2 GID."""
        ip = ipaddress.ip_address(self.text)
        return ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + ip.packed

    @property
    def family(self) -> socket.AddressFamily:
        """The socket family."""
        return socket.AF_INET6 if ":" in self.text else socket.AF_INET

    def sockaddr(self, port: int = ROCE_PORT) -> tuple[str, int] | tuple[str, int, int, int]:
        """Return what bind() and connect() take.

        Raises:
            CallerError: the address names an interface that does not exist.
        """
        if self.family == socket.AF_INET:
            return self.text, port
        host, _, scope = self.text.partition("%")
        try:
            return host, port, 0, (int(scope) if scope.isdigit() else socket.if_nametoindex(scope)) if scope else 0
        except OSError:
            raise CallerError(f"node address {self.text}: no interface {scope!r}") from None


def base_dir() -> Path:
    """Return the folder of all nodes, which may not exist yet."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "dpu-emu" if runtime else Path(f"/tmp/dpu-emu-{os.geteuid()}")


def netns_id() -> int:
    """Return the inode of this process's network namespace: equal addresses of two namespaces are two nodes."""
    return Path("/proc/self/ns/net").stat().st_ino


def _check_private(fd: int, path: Path) -> None:
    info = os.fstat(fd)
    if info.st_uid != os.geteuid() or stat.S_IMODE(info.st_mode) & 0o077:
        raise CallerError(
            f"runtime folder {path}: owner {info.st_uid}, mode {stat.S_IMODE(info.st_mode):04o}; "
            f"it must belong to uid {os.geteuid()} alone (0700)"
        )


def _open_dir(path: Path, parent_fd: int | None, *, create: bool) -> int:
    name = path if parent_fd is None else Path(path.name)
    if create:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=parent_fd)
    try:
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent_fd)
    except NotADirectoryError:
        raise CallerError(f"runtime folder {path}: a file or a symbolic link, not a folder") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise CallerError(f"runtime folder {path}: a symbolic link") from None
        raise
    try:
        _check_private(fd, path)
    except BaseException:
        os.close(fd)
        raise
    return fd


class NodeDir:
    """The open folder of one node. Paths go through the descriptor: short enough for AF_UNIX, and no renaming matters.

    Raises:
        CallerError: the folder, or the one above it, is not ours alone.
        FileNotFoundError: it does not exist and ``create`` is false.
    """

    def __init__(self, address: Address, *, create: bool = True, name: str | None = None) -> None:
        base = base_dir()
        self.path = base / (name or f"{netns_id()}-{address.text}")
        base_fd = _open_dir(base, None, create=create)
        try:
            self.fd = _open_dir(self.path, base_fd, create=create)
        finally:
            os.close(base_fd)

    def __enter__(self) -> "NodeDir":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        os.close(self.fd)

    def file(self, name: str) -> str:
        """Return a path to a file in the folder."""
        return f"/proc/self/fd/{self.fd}/{name}"

    def lock(self, name: str, *, wait: bool) -> int | None:
        """Return a descriptor that holds the lock ``name``, None when another process does and ``wait`` is false."""
        fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=self.fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(fd)
            return None
        return fd

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock ``name`` inside the block."""
        fd = self.lock(name, wait=True)
        try:
            yield
        finally:
            if fd is not None:
                os.close(fd)


def process_start(pid: int) -> int:
    """Return when a process started, in clock ticks since boot (a reused pid differs); 0: there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return int(fields[19]) if fields[0] not in ("Z", "X") else 0
