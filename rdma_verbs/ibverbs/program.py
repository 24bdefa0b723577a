"""Which file a command is, and whether the dynamic linker would load our libraries into it.

Three sorts of programs never see them: setuid and the like (the linker ignores LD_PRELOAD), static ones (there is no
linker), and those of another architecture or C library.
"""

import errno
import os
import shutil
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from datapath.errors import CallerError

__all__ = ["Elf", "check_program", "find_program", "read_elf"]

_SCRIPTS_MAX = 4  # an interpreter may be a script; Linux follows so many
_PT_INTERP = 3


@dataclass(frozen=True, slots=True)
class Elf:
    """What matters of an ELF file: 64 or 32 bits, the architecture's number, the dynamic linker ("" if none)."""

    bits: int
    machine: int
    linker: str


def read_elf(path: Path) -> Elf | None:
    """Return what an ELF file says of itself; None: it is none, or nothing that makes sense."""
    with path.open("rb") as file:
        head = file.read(64)
        if len(head) < 52 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
            return None
        wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
        if wide and len(head) < 64:
            return None
        machine = struct.unpack_from(f"{order}H", head, 18)[0]
        offset = struct.unpack_from(f"{order}Q" if wide else f"{order}I", head, 32 if wide else 28)[0]
        size, count = struct.unpack_from(f"{order}2H", head, 54 if wide else 42)
        linker = ""
        if offset < 1 << 30 and 32 <= size <= 256:
            file.seek(offset)
            table = file.read(size * count)
            for at in range(0, len(table) - size + 1, size):
                if struct.unpack_from(f"{order}I", table, at)[0] != _PT_INTERP:
                    continue
                where = struct.unpack_from(f"{order}Q" if wide else f"{order}I", table, at + (8 if wide else 4))[0]
                length = struct.unpack_from(f"{order}Q" if wide else f"{order}I", table, at + (32 if wide else 16))[0]
                if where < 1 << 30 and length <= 4096:
                    file.seek(where)
                    linker = file.read(length).rstrip(b"\0").decode(errors="replace")
        return Elf(64 if wide else 32, machine, linker)


def find_program(command: str, path: str | None) -> Path:
    """Return the file that ``command`` starts, by these folders of ``PATH``.

    Raises:
        CallerError: there is none, or it may not be run.
    """
    found = shutil.which(command, path=path)
    if found is not None:
        return Path(found)
    if "/" not in command:
        raise CallerError(f"run: no program {command!r} in PATH", errno.ENOENT)
    if not Path(command).exists():
        raise CallerError(f"run: no program {command}", errno.ENOENT)
    what = "a folder" if Path(command).is_dir() else "not a file that may be run"
    raise CallerError(f"run: {command} is {what}", errno.EACCES)


def _gains_rights(path: Path) -> str | None:
    """Say by what a program gets rights that its caller has not; the linker then ignores LD_PRELOAD."""
    info = path.stat()
    if info.st_mode & stat.S_ISUID and info.st_uid != os.getuid():
        return "setuid"
    if info.st_mode & stat.S_ISGID and info.st_mode & stat.S_IXGRP and info.st_gid != os.getgid():
        return "setgid"
    if os.getuid() == 0:
        return None
    try:
        os.getxattr(path, "security.capability")
    except OSError:
        return None
    return "given file capabilities"


def _script_interpreter(path: Path) -> Path | None:
    with path.open("rb") as file:
        line = file.read(256).split(b"\n")[0]
    words = line[2:].split() if line.startswith(b"#!") else []
    return Path(os.fsdecode(words[0])) if words else None


def check_program(path: Path) -> None:
    """Refuse a program into which our libraries would not be loaded.

    Raises:
        CallerError: it is such a program; the message says which sort.
    """
    said = path
    for _ in range(_SCRIPTS_MAX):
        try:
            interpreter = _script_interpreter(path)
            elf = read_elf(path)
        except PermissionError:
            return  # it may be run and not be read: the kernel has the last word
        except OSError as error:
            raise CallerError(f"run: {path}: {error.strerror}", error.errno) from None
        if interpreter is None:
            break
        if not interpreter.exists():
            raise CallerError(f"run: {said}: its interpreter {interpreter} does not exist", errno.ENOENT)
        path = interpreter
    name = str(said) if path == said else f"{said} ({path})"
    gains = _gains_rights(path)
    if gains:
        raise CallerError(f"run: {name} is {gains}: the dynamic linker keeps our libraries out of it", errno.EPERM)
    if elf is None:
        return  # a shell script without #!, which /bin/sh runs
    own = read_elf(Path("/proc/self/exe"))
    if own and (elf.bits, elf.machine) != (own.bits, own.machine):
        raise CallerError(f"run: {name} is of another architecture than these libraries", errno.ENOEXEC)
    if not elf.linker:
        raise CallerError(f"run: {name} is statically linked: there is no library to replace", errno.ENOEXEC)
    if "musl" in elf.linker:
        raise CallerError(f"run: {name} needs musl; these libraries need glibc", errno.ENOEXEC)
